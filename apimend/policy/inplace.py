"""
The edits that make a `validate-client-certificate` element say something else, where it stands.

Called by change.py. Only what differs is touched: comments, layout and attributes that we don't own stay. It must
not look beyond the element.
"""

from collections.abc import Iterator

from apimend.model.check import ClientCertificateCheck, ClientIdentity
from apimend.policy import check as checks
from apimend.policy.document import Element, Span
from apimend.policy.edits import Edit, insert_after, insert_first, take_out
from apimend.policy.layout import Lines


def switch_edits(element: Element, check: ClientCertificateCheck) -> Iterator[Edit]:
    """Wrong values are replaced; what is missing is added only where the default is not what is wanted."""
    last = max((attribute.span.end for attribute in element.attributes.values()), default=0)
    end = last or element.start + 1 + len(element.name)
    added = ""
    for name, field in checks.SWITCHES.items():
        wanted = checks.switch(check, name)
        attribute = element.attributes.get(name)
        if attribute is not None and attribute.value.strip().lower() != wanted:
            yield Edit(attribute.value_span, wanted)
        elif attribute is None and getattr(checks.DEFAULTS, field) != getattr(check, field):
            added += f' {name}="{wanted}"'
    if added:
        yield Edit(Span(end, end), added)


def identity_edits(element: Element, check: ClientCertificateCheck) -> Iterator[Edit]:
    wanted = dict.fromkeys(checks.normal_identity(identity) for identity in check.identities)
    groups = [child for child in element.children if child.name == "identities"]
    if not groups:
        if wanted:
            yield insert_first(element, _group_lines(tuple(wanted)))
        return
    for group in groups[1:]:
        yield take_out(group)
    if not wanted:
        yield from _dissolve(groups[0])
        return
    yield from _in_group(groups[0], wanted)


def _in_group(group: Element, wanted: dict[ClientIdentity, None]) -> Iterator[Edit]:
    """Identities that are not wanted go, those that are missing come behind the last that is there."""
    missing = dict(wanted)
    children = group.children
    for child in children:
        identity, unclear = checks.read_identity(child)
        if unclear or identity not in missing:
            yield take_out(child)
        else:
            del missing[identity]
    lines = [(0, checks.identity_tag(identity)) for identity in missing]
    if lines and children:
        yield insert_after(group, children[-1], lines)
    elif lines:
        yield insert_first(group, lines)


def _dissolve(group: Element) -> Iterator[Edit]:
    """`identities` without an identity has no documented meaning: the element goes, comments in it stay."""
    if not group.has_comments or group.is_self_closed:
        yield take_out(group)
        return
    yield Edit(Span(group.start, group.inner_span.start), "")
    for child in group.children:
        yield take_out(child)
    yield Edit(Span(group.inner_span.end, group.span.end), "")


def _group_lines(identities: tuple[ClientIdentity, ...]) -> Lines:
    tags = [(1, checks.identity_tag(identity)) for identity in identities]
    return [(0, "<identities>"), *tags, (0, "</identities>")]
