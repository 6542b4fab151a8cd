"""
Hand-offs of changes: what to write into Terraform, Bicep or APIOps, and what the rule says beside.

Of a policy it takes what the diff shows and nothing else, so no value of somebody's policy gets into a snippet.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from apimend.mends import Block, Mend, Value, Var, is_known, policy_place
from apimend.model.plan import Change, Kind
from apimend.report.diff import Line, Sign, of_policy
from apimend.report.handoff.told import HandOff

_REMOVED = "It takes something out: delete it where it is declared."
_UNKNOWN = "What it writes has no certain counterpart in code."
_REFRESH = "It has Azure fetch again what is declared already: no code changes."


def of_change(change: Change, lines: Sequence[Line] | None = None) -> HandOff:
    """What the owner would write, and what the rule adds to it; `lines` is the diff of a policy, if it is at hand."""
    if lines is None:
        lines = of_policy(change.before, change.after) if change.kind is Kind.POLICY else ()
    if change.kind is Kind.CERTIFICATE_REFRESH:
        return HandOff(why_none=_REFRESH)
    if change.after is None:
        return HandOff.of(change.hand_off, _REMOVED)
    ours = _policy(change, lines) if change.kind is Kind.POLICY else _properties(change, change.after)
    return HandOff.of("\n\n".join(text for text in (ours, change.hand_off) if text), _UNKNOWN)


def _policy(change: Change, lines: Sequence[Line]) -> str:
    """The elements that go in, and those that go out, with the file that they stand in."""
    told = [policy_place(change.target)]
    for sign, what in ((Sign.ADDED, "# put in, where the diff shows it"), (Sign.REMOVED, "# take out")):
        meant = [line.text for line in lines if line.sign is sign]
        if meant:
            told += [what, *_dedented(meant)]
    return "\n".join(told) if told[0] and len(told) > 1 else ""


def _dedented(lines: Sequence[str]) -> list[str]:
    least = min(len(line) - len(line.lstrip()) for line in lines)
    return [line[least:] for line in lines]


def _properties(change: Change, after: str) -> str:
    make = _OF_PROPERTIES.get(change.kind)
    try:
        owned = json.loads(after)
    except ValueError:
        return ""
    mend = make(change, owned) if make and isinstance(owned, Mapping) else None
    return mend.text if mend and is_known(mend.target) else ""


def _certificate(change: Change, owned: Mapping[str, Any]) -> Mend | None:
    vault = owned.get("keyVault")
    new = change.before is None
    if isinstance(owned.get("data"), str):
        data: Mapping[str, Value] = {"data": Var("certificate_as_base64")}
        return Mend(target=change.target, arm={"properties": data}, azurerm=data, new=new)
    if not isinstance(vault, Mapping) or not isinstance(vault.get("secretIdentifier"), str):
        return None
    secret, identity = vault["secretIdentifier"], vault.get("identityClientId")
    who: Mapping[str, Value] = {"identityClientId": identity} if isinstance(identity, str) else {}
    also: Mapping[str, Value] = {"key_vault_identity_client_id": identity} if isinstance(identity, str) else {}
    return Mend(
        target=change.target,
        arm={"properties": {"keyVault": {"secretIdentifier": secret, **who}}},
        azurerm={"key_vault_secret_id": secret, **also},
        new=new,
    )


def _backend(change: Change, owned: Mapping[str, Any]) -> Mend | None:
    tls = owned.get("tls")
    if not set(owned) <= {"tls", "credentials"} or not isinstance(tls, Mapping | None):
        return None
    names = {
        "validateCertificateChain": "validate_certificate_chain",
        "validateCertificateName": "validate_certificate_name",
    }
    told = {names[name]: on for name, on in (tls or {}).items() if name in names and isinstance(on, bool)}
    only_tls = {"tls": Block(told)} if told and "credentials" not in owned else None
    return Mend(target=change.target, arm={"properties": dict(owned)}, azurerm=only_tls)


def _gateway_hostname(change: Change, owned: Mapping[str, Any]) -> Mend | None:
    if owned != {"negotiateClientCertificate": True}:
        return None
    asked: Mapping[str, Value] = {"request_client_certificate_enabled": True}
    return Mend(target=change.target, arm={"properties": dict(owned)}, azurerm=asked)


def _gateway_authority(change: Change, owned: Mapping[str, Any]) -> Mend | None:
    trusted = owned.get("isTrusted")
    if set(owned) != {"isTrusted"} or not isinstance(trusted, bool):
        return None
    return Mend(
        target=change.target,
        arm={"properties": {"isTrusted": trusted}},
        azurerm={"is_trusted": trusted},
        new=change.before is None,
    )


def _authorities(change: Change, owned: Mapping[str, Any]) -> Mend | None:
    """The whole list of the service, as Azure takes it."""
    sent = owned.get("certificates")
    if not isinstance(sent, list) or not all(isinstance(one, Mapping) for one in sent):
        return None
    stores = [one.get("storeName") for one in sent]
    if not stores or not all(store in ("Root", "CertificateAuthority") for store in stores):
        return None
    data = [Var(f"authority_{number}_as_base64") for number in range(1, len(stores) + 1)]
    pairs = list(zip(data, stores, strict=True))
    return Mend(
        target=change.target,
        arm={"properties": {"certificates": [{"encodedCertificate": one, "storeName": store} for one, store in pairs]}},
        azurerm={"certificate": [Block({"encoded_certificate": one, "store_name": store}) for one, store in pairs]},
        note="The list stands for all that the service has",
    )


_OF_PROPERTIES: Mapping[Kind, Callable[[Change, Mapping[str, Any]], Mend | None]] = {
    Kind.BACKEND: _backend,
    Kind.CERTIFICATE: _certificate,
    Kind.GATEWAY_AUTHORITY: _gateway_authority,
    Kind.GATEWAY_HOSTNAME: _gateway_hostname,
    Kind.SERVICE_CA: _authorities,
}
