"""
Several layers of the desired state as one, with a memory of where each value came from.

Mappings are merged key by key; a single value or a list replaces what an earlier layer said. Layers come in the order
in which they win: the last one has the last word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apimend.documents.tree import Path, Tree
from apimend.model.errors import Fault


@dataclass(frozen=True, kw_only=True)
class Source:
    """One layer: `data` as it was written, `path` where it stands in the file, `why` it counts for the instance."""

    data: Mapping[str, Any]
    path: Path
    why: str


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a merged value comes from: its path in the file, and why its layer counts."""

    path: Path
    why: str


@dataclass(frozen=True, kw_only=True)
class Merged:
    """The layers as one mapping. `origins` has an entry for every key, at every depth."""

    data: dict[str, Any] = field(default_factory=dict)
    origins: dict[Path, Origin] = field(default_factory=dict)

    def origin(self, path: Path) -> Origin | None:
        """Where the value at `path` comes from; inside a list, where that entry of it does."""
        for length in range(len(path), 0, -1):
            found = self.origins.get(path[:length])
            if found is not None:
                return Origin(path=(*found.path, *path[length:]), why=found.why)
        return None

    def fault(self, tree: Tree, path: Path, what: str, mend: str) -> Fault:
        """A fault in the value at `path`, placed where that value was written."""
        found = self.origin(path)
        return tree.fault(found.path if found else (), what, mend)


def merge(sources: Sequence[Source]) -> Merged:
    """The layers as one; the last has the last word."""
    merged = Merged()
    for source in sources:
        _put(merged, merged.data, source.data, (), source)
    return merged


def _put(merged: Merged, into: dict[str, Any], values: Mapping[str, Any], at: Path, source: Source) -> None:
    for key, value in values.items():
        here = (*at, key)
        if not (isinstance(value, Mapping) and isinstance(into.get(key), Mapping)):
            for stale in [path for path in merged.origins if path[: len(here)] == here]:
                del merged.origins[stale]
            into[key] = {} if isinstance(value, Mapping) else value
        if here not in merged.origins or not isinstance(value, Mapping):
            merged.origins[here] = Origin(path=(*source.path, *here), why=source.why)
        if isinstance(value, Mapping):
            _put(merged, into[key], value, here, source)


def says(data: Mapping[str, Any], path: Path) -> bool:
    """Whether a layer says anything at `path`."""
    here: Any = data
    for part in path:
        if not isinstance(here, Mapping) or part not in here:
            return False
        here = here[part]
    return True
