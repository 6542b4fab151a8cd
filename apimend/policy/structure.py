"""
What the tags of a policy make together: pairs, one root, and its sections.

Called by document.py, for a text that is read tag by tag. It must not know any tag by its name but the roots, and
refuses with the place what does not fit together.
"""

from apimend.policy.scan import Scanned, not_understood

ROOTS = ("policies", "fragment")


def pair(text: str, scanned: Scanned) -> list[int]:
    """For each tag the tag that ends it, and itself where none does."""
    tags = scanned.tags
    partners = list(range(len(tags)))
    open_: list[int] = []
    for index, tag in enumerate(tags):
        if depth := tag[0]:
            if depth > 0:
                open_.append(index)
            elif open_ and tags[open_[-1]][1] == tag[1]:
                partners[open_.pop()] = index
            else:
                due = f"`</{tags[open_[-1]].name}>` is due" if open_ else "nothing is open"
                not_understood(text, _start_of(scanned, index), f"`</{tag.name}>` stands where {due}")
    if open_:
        not_understood(text, _start_of(scanned, open_[-1]), f"`{tags[open_[-1]].name}` is not closed")
    return partners


def only_root(text: str, scanned: Scanned, partners: list[int]) -> int:
    """The index of the root's start tag."""
    tags, root, index = scanned.tags, -1, 0
    while index < len(partners):
        if tags[index][1]:
            if root >= 0:
                not_understood(text, _start_of(scanned, index), "the document has a second root element")
            root = index
        index = partners[index] + 1
    if root < 0:
        not_understood(text, len(text), "the document has no root element")
    name = tags[root][1]
    if name not in ROOTS:
        not_understood(text, _start_of(scanned, root), f"the root is `{name}`, neither `policies` nor `fragment`")
    return root


def sections_of(text: str, scanned: Scanned, partners: list[int], root: int) -> dict[str, int]:
    """The index of each section's start tag; none in a fragment."""
    sections: dict[str, int] = {}
    tags, last = scanned.tags, partners[root]
    index = last if tags[root][1] == "fragment" else root + 1
    while index < last:
        name = tags[index][1]
        if name in sections:
            not_understood(text, _start_of(scanned, index), f"section `{name}` stands twice")
        if name:
            sections[name] = index
        index = partners[index] + 1
    return sections


def _start_of(scanned: Scanned, index: int) -> int:
    return len(scanned.before) + index + sum(map(len, scanned.pieces[:index]))
