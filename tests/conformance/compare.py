"""
Compares an answer of the local Azure with the recorded one: status, the headers that matter, the body's shape and
values.

Values that differ from run to run (times, keys, etags) are compared by their kind. Headers that some recorders strip
are asked for only where they were recorded. Returns differences as text; decides nothing about which are allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

# Members whose values no two runs share. They are compared by type and form.
TIMES = "created createdAt createdAtUtc createdDate exp expirationDate expiry lastModifiedAt nbf timeStampUtc updated"
SECRETS = "cer csr encodedCertificate etag kid primaryKey request_id secondaryKey sid target thumbprint x5t"
PLACES = "gatewayRegionalUrl managementApiUrl outboundPublicIPAddresses privateIPAddresses publicIPAddresses vaultUri"
PEOPLE = "createdBy createdByType lastModifiedBy lastModifiedByType objectId principalId subject tenantId"
VOLATILE = frozenset(f"{TIMES} {SECRETS} {PLACES} {PEOPLE}".split())
# Who did it may be a person's address or an application's id.
ANY_TEXT = frozenset({"createdBy", "lastModifiedBy", "subject"})
FORMS = {
    "time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
    "guid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE),
    "thumbprint": re.compile(r"[0-9A-F]{40}"),
    "url": re.compile(r"https://.*"),
}
SAME = ("content-type", "x-ms-failure-cause")
PRESENT = ("etag", "location", "azure-asyncoperation")
WHERE_RECORDED = ("retry-after", "www-authenticate")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """
    What the local Azure answered.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    text: str = ""


def differences(recorded: Mapping[str, Any], seen: Seen) -> list[str]:
    """
    All differences, each with its place.
    """
    found = [] if recorded["status"] == seen.status else [f"status: {recorded['status']} recorded, {seen.status} seen"]
    headers = {name.casefold(): value for name, value in (recorded.get("headers") or {}).items()}
    ours = {name.casefold(): value for name, value in seen.headers.items()}
    found += _headers(headers, ours)
    found += _layout(str(recorded.get("wire_format", "")), seen.text)
    if "contains" in recorded:
        inside = body_differences(recorded["contains"], seen.body)
        return [*found, *(one for one in inside if not one.endswith(": not recorded"))]
    return [*found, *body_differences(recorded.get("body"), seen.body)]


def body_differences(recorded: Any, seen: Any, path: str = "body") -> Iterator[str]:
    name = path.rpartition("/")[2]
    if name in VOLATILE:
        forms = [_form(one, loose=name in ANY_TEXT) for one in (recorded, seen)]
        if forms[0] != forms[1]:
            yield f"{path}: {forms[0]} recorded, {forms[1]} seen"
    elif isinstance(recorded, dict) and isinstance(seen, dict):
        for key in sorted(set(recorded) | set(seen)):
            if key not in seen:
                yield f"{path}/{key}: missing"
            elif key not in recorded:
                yield f"{path}/{key}: not recorded"
            else:
                yield from body_differences(recorded[key], seen[key], f"{path}/{key}")
    elif isinstance(recorded, list) and isinstance(seen, list):
        if len(recorded) != len(seen):
            yield f"{path}: {len(recorded)} items recorded, {len(seen)} seen"
        for number, (one, other) in enumerate(zip(recorded, seen, strict=False)):
            yield from body_differences(one, other, f"{path}/{number}")
    elif recorded != seen:
        yield f"{path}: {str(recorded)[:120]!r} recorded, {str(seen)[:120]!r} seen"


def _headers(recorded: Mapping[str, str], seen: Mapping[str, str]) -> Iterator[str]:
    for name in SAME:
        if name in recorded and recorded[name] != seen.get(name):
            yield f"{name}: {recorded[name]!r} recorded, {seen.get(name)!r} seen"
    for name in PRESENT:
        if recorded and (name in recorded) != (name in seen):
            yield f"{name}: {'missing' if name in recorded else 'not recorded'}"
    for name in WHERE_RECORDED:
        if name in recorded and name not in seen:
            yield f"{name}: missing"
    if "allow" in recorded and _listed(recorded["allow"]) != _listed(seen.get("allow", "")):
        yield f"allow: {recorded['allow']!r} recorded, {seen.get('allow')!r} seen"
    if "etag" in recorded and "etag" in seen and _endian(recorded["etag"]) != _endian(seen["etag"]):
        yield f"etag: {recorded['etag']} recorded, {seen['etag']} seen: another byte order"
    both = ("location", "azure-asyncoperation")
    if all(name in recorded and name in seen for name in both):
        # Signatures differ in every URL; the path says whether it is the same one.
        equal = [len({one[name].partition("?")[0] for name in both}) == 1 for one in (recorded, seen)]
        if equal[0] != equal[1]:
            yield "location and azure-asyncoperation: one path in one of recorded and seen only"


def _layout(recorded: str, seen: str) -> Iterator[str]:
    indented = "\r\n" in seen
    if recorded.startswith("compact") and indented:
        yield "layout: compact recorded, indented seen"
    if recorded.startswith("crlf-indent-2") and not indented:
        yield "layout: indented recorded, compact seen"
    if recorded == "empty" and seen:
        yield f"layout: empty recorded, {seen[:60]!r} seen"


def _form(value: Any, *, loose: bool) -> str:
    if isinstance(value, str) and not loose:
        return next((name for name, form in FORMS.items() if form.fullmatch(value)), "text")
    return type(value).__name__


def _listed(header: str) -> frozenset[str]:
    return frozenset(part.strip().upper() for part in header.split(",") if part.strip())


def _endian(etag: str) -> str:
    """
    Small counters show their byte order: zeros lead, or follow.
    """
    return "big" if etag.startswith('"AAAA') else "little" if etag.endswith('AAAA="') else "unknown"
