"""
From text to a desired state, or to every fault in it at once.

Faults come from three looks: at the YAML itself, at the models, and at what contradicts itself. The last is only
taken where the first two found nothing, because a name that was misspelt would be missed in ten other places.
"""

from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from apimend.documents import conflicts
from apimend.documents.conflicts import Conflict
from apimend.documents.faults import faults_of
from apimend.documents.merge import merge, says
from apimend.documents.models import Document, Instance, Layer
from apimend.documents.state import DesiredState, defaults_of, entry_of
from apimend.documents.tree import Path, Tree, read_tree
from apimend.documents.words import ANY, Words
from apimend.model.errors import BadInput, Fault

DEFAULT_FILE = "desired.yaml"
ANCHORS = "x-"
"""Keys at the top that begin so are for anchors and mean nothing themselves."""


def load(
    text: str,
    file: str = DEFAULT_FILE,
    *,
    words: Words = ANY,
) -> DesiredState:
    """
    The desired state in `text`; `file` is what faults call it.

    Names of what is built in have to be among `words`. Raises BadInput with all faults, in the order of the text.
    """
    tree = read_tree(text.removeprefix("\ufeff"), file)
    if tree.data is None and not tree.faults:
        return DesiredState(tree, Document.model_construct(version=1))
    document = _validate(tree)
    faults = list(_faults(tree, document, words))
    if faults:
        raise _bad(faults)
    return DesiredState(tree, document)


def _validate(tree: Tree) -> Document:
    data = tree.data
    if isinstance(data, dict):
        for key in [key for key in data if key.startswith(ANCHORS)]:
            del data[key]
    try:
        document = Document.model_validate(data)
    except ValidationError as error:
        raise _bad([*tree.faults, *faults_of(error, tree, Document)]) from error
    if tree.faults:
        raise _bad(tree.faults)
    return document


def _faults(tree: Tree, document: Document, words: Words) -> Iterator[Fault]:
    layers: list[tuple[Path, Layer]] = [(("instances", at), entry) for at, entry in enumerate(document.instances)]
    if document.defaults:
        layers.append((("defaults",), document.defaults))
    found = [*conflicts.undeclared_in_catalogue(document), *_doubles(document), *_outside(document)]
    found += conflicts.unknown_controls(document, words)
    for path, layer in layers:
        found += conflicts.undeclared(document, layer, path)
        found += conflicts.unknown_words(layer, path, words)
    yield from (tree.fault(clash.path, clash.what, clash.mend) for clash in found)
    # An undeclared stage or certificate would only be said again by what follows.
    for at, entry in enumerate(document.instances):
        yield from _of_entry(tree, document, at, entry)


def _of_entry(tree: Tree, document: Document, at: int, entry: Instance) -> Iterator[Fault]:
    own = entry_of(tree, at, entry.name)
    for clash in conflicts.of_tags(entry.match, entry):
        yield tree.fault((*own.path, *clash.path), clash.what, clash.mend)
    merged = merge([*defaults_of(tree), own])
    layer = Layer.model_validate(merged.data)
    skus = entry.match.sku
    consumption = skus is not None and set(skus) == {"Consumption"}
    for clash in conflicts.of_values(layer, document, consumption=consumption):
        outside = [path for path in clash.hangs_on if not says(own.data, path)]
        others = [entry_of(tree, other, "").data for other in range(len(document.instances)) if other != at]
        if not any(says(other, path) for path in outside for other in others):
            yield merged.fault(tree, clash.path, clash.what, clash.mend)


def _doubles(document: Document) -> Iterator[Conflict]:
    kinds: tuple[tuple[str, str, list[str]], ...] = (
        ("instances", "name", [entry.name for entry in document.instances]),
        ("waivers", "id", [entry.id for entry in document.waivers]),
    )
    for kind, key, names in kinds:
        for at, name in enumerate(names):
            if name in names[:at]:
                what = f"{name!r} is the {key} of {kind}[{names.index(name)}] already."
                yield Conflict(path=(kind, at, key), what=what, mend="Choose another.")


def _outside(document: Document) -> Iterator[Conflict]:
    if document.subscriptions is None:
        return
    for at, entry in enumerate(document.instances):
        for position, id in enumerate(entry.match.subscription or []):
            if id not in document.subscriptions:
                path = ("instances", at, "match", "subscription", position)
                mend = "Add it there, or take it out here."
                yield Conflict(path=path, what=f"{id} is not among subscriptions.", mend=mend)


def _bad(faults: Iterable[Fault]) -> BadInput:
    unique = {(fault.line, fault.column, fault.what): fault for fault in faults}
    return BadInput(sorted(unique.values(), key=lambda fault: (fault.line, fault.column)))
