"""
The desired state as loaded: what is declared for an instance, and why.

Made by `load`; asked by the sources for every visit, and by the command line for `explain`. It knows no clock and
changes nothing: an expired waiver is still declared, and what to do about it is the engine's business.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apimend.documents import conflicts, select
from apimend.documents.build import attestation, build, is_held_back, waiver
from apimend.documents.merge import Merged, Source, merge
from apimend.documents.models import Document, Instance, Layer
from apimend.documents.tree import Path, Tree
from apimend.model.azure import Service
from apimend.model.desired import Desired, Place
from apimend.model.errors import BadInput
from apimend.model.ids import InstanceId

BUILT_IN = {
    "arrives": "not said: no check is put in",
    "environment": "prod",
    "expiryDays": "30",
    "mode": "report",
    "negotiate": "true",
    "onNegotiationLost": "keep",
    "uploadedCertificates": "refuse",
    "window": "always",
}
"""What holds where nobody says anything, as `explain` shows it."""

NOT_FOR_LAYERS = ("name", "match")


@dataclass(frozen=True, kw_only=True)
class Explained:
    """One value that holds for an instance: where it is written, and why that place counts."""

    field: str
    value: str
    place: Place
    why: str


class DesiredState:
    """A desired state without fault. An empty text is one too: it manages nothing."""

    def __init__(self, tree: Tree, document: Document) -> None:
        self._tree = tree
        self._document = document
        self._raw: list[dict[str, Any]] = (tree.data or {}).get("instances", [])

    @property
    def document(self) -> Document:
        """The text as validated models."""
        return self._document

    @property
    def asks_for_management_groups(self) -> bool:
        """Whether an entry selects by management group, so that these have to be known."""
        return any(entry.match.management_group is not None for entry in self._document.instances)

    def allows(self, instance: InstanceId) -> bool:
        """Whether the instance lies in a declared subscription; in any, where none is declared."""
        declared = self._document.subscriptions
        return declared is None or instance.subscription.casefold() in declared

    def resolve(self, service: Service, management_groups: frozenset[str] = frozenset()) -> Desired | None:
        """
        What is declared for this instance; None where nothing selects it.

        Raises BadInput where the entries that select it contradict each other, or what its tier can do.
        """
        entries = self._entries(service, management_groups)
        if not entries:
            return None
        merged = merge(self._sources(entries))
        layer = Layer.model_validate(merged.data)
        found = list(conflicts.of_values(layer, self._document, consumption=service.tier.refuses_without))
        if found:
            raise BadInput([merged.fault(self._tree, clash.path, clash.what, clash.mend) for clash in found])
        narrowest, entry = entries[-1]
        desired = build(
            layer,
            self._document,
            service.id,
            entry.name,
            self._place(("instances", narrowest)),
            lambda path: self._place_of(merged, path),
        )
        return self._with_exemptions(desired, service)

    def explain(self, service: Service, management_groups: frozenset[str] = frozenset()) -> tuple[Explained, ...]:
        """Every value that holds for this instance, and why; nothing where no entry selects it."""
        entries = self._entries(service, management_groups)
        if not entries:
            return ()
        merged = merge(self._sources(entries))
        layer = Layer.model_validate(merged.data)
        told = [*self._written(merged), *_built_in(merged)]
        if is_held_back(layer, self._document):
            place = self._place(("rollout", "reached"))
            told = [line for line in told if line.field != "mode"]
            told.append(Explained(field="mode", value="report", place=place, why="the roll-out has not come to it"))
        return tuple(sorted(told, key=lambda line: line.field))

    def _entries(self, service: Service, management_groups: frozenset[str]) -> list[tuple[int, Instance]]:
        """The entries that select the instance with their positions, the one with the last word at the end."""
        if not self.allows(service.id):
            return []
        found = [
            (position, entry)
            for position, entry in enumerate(self._document.instances)
            if select.matches(entry.match, service, management_groups)
        ]
        return sorted(found, key=lambda each: (select.specificity(each[1].match), each[0]))

    def _sources(self, entries: list[tuple[int, Instance]]) -> list[Source]:
        given = [(position, f"{entry.name}: {select.reason(entry.match)}") for position, entry in entries]
        return [*defaults_of(self._tree), *(entry_of(self._tree, position, why) for position, why in given)]

    def _written(self, merged: Merged) -> Iterator[Explained]:
        for path, origin in merged.origins.items():
            value = _at(merged.data, path)
            if not isinstance(value, dict) or not value:
                yield Explained(
                    field=".".join(map(str, path)), value=_shown(value), place=self._place(origin.path), why=origin.why
                )

    def _with_exemptions(self, desired: Desired, service: Service) -> Desired:
        waivers = tuple(
            waiver(entry, self._place(("waivers", position)))
            for position, entry in enumerate(self._document.waivers)
            if select.fits(entry.instances, service.name)
        )
        attestations = tuple(
            attestation(entry, self._place(("attestations", position)))
            for position, entry in enumerate(self._document.attestations)
            if select.fits(entry.instances, service.name)
        )
        return Desired(**{**vars(desired), "waivers": waivers, "attestations": attestations})

    def _place_of(self, merged: Merged, path: Path) -> Place:
        origin = merged.origin(path)
        return self._place(origin.path if origin else ())

    def _place(self, path: Path) -> Place:
        return Place(file=self._tree.file, line=self._tree.position(path, of_key=True)[0])


def defaults_of(tree: Tree) -> list[Source]:
    """The layer of the defaults, where there is one."""
    data = tree.data.get("defaults") if tree.data else None
    return [Source(data=data, path=("defaults",), why="defaults")] if data else []


def entry_of(tree: Tree, position: int, why: str) -> Source:
    """The layer of one entry of instances."""
    written = tree.data["instances"][position]
    data = {key: value for key, value in written.items() if key not in NOT_FOR_LAYERS}
    return Source(data=data, path=("instances", position), why=why)


def _built_in(merged: Merged) -> Iterator[Explained]:
    for field, value in BUILT_IN.items():
        if field not in merged.data:
            yield Explained(field=field, value=value, place=Place(), why="built in")


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value)) if value else "none"
    if isinstance(value, dict):
        return " ".join(f"{key}={_shown(inner)}" for key, inner in value.items()) if value else "as described"
    return str(value)
