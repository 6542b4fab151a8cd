"""
Hand-offs of the controls S1 to S5: secrets in named values, policies, backends, loggers and telemetry.
"""

from apimend.mends import Block, Mend, Value
from apimend.report.handoff.spot import SECRET, Entry, Spot, Table

_SIDES, _WAYS = ("frontend", "backend"), ("request", "response")
_NAMED = (
    'The named value comes first (S1), then the credential is written as "{{name}}", and what was exposed is rotated.'
)


def _from_vault(spot: Spot) -> Mend | None:
    if not spot.is_in("namedValues"):
        return None
    return Mend(
        target=spot.subject,
        arm={"properties": {"secret": True, "keyVault": {"secretIdentifier": SECRET}}},
        azurerm={"secret": True, "value_from_key_vault": Block({"secret_id": SECRET})},
        note="secret_id: the secret in the vault, without a version; its value is rotated when it is moved",
    )


def _by_named_value(spot: Spot) -> Mend | None:
    """A header or query parameter of a backend, by the named value that is to hold it."""
    parts = spot.evidence.pointer.split("/")
    if not spot.is_in("backends") or len(parts) < 5 or parts[3] not in ("header", "query"):
        return None
    place, name = parts[3], parts[4].replace("~1", "/").replace("~0", "~")
    held = f"{{{{{name}}}}}"
    return Mend(
        target=spot.subject,
        arm={"properties": {"credentials": {place: {name: [held]}}}},
        azurerm={"credentials": Block({place: {name: held}})},
        note="The named value comes first (see S1); what was exposed is rotated",
    )


def _quiet(spot: Spot) -> Mend | None:
    if spot.is_in("subscriptions"):
        off: dict[str, Value] = {"allowTracing": False}
        return Mend(target=spot.subject, arm={"properties": off}, azurerm={"allow_tracing": False})
    if spot.last == "verbosity":
        return _diagnostic(spot, {"verbosity": "information"}, {"verbosity": "information"})
    side, _, rest = spot.place.partition("/")
    way = rest.partition("/")[0]
    if side not in _SIDES or way not in _WAYS:
        return None
    block = f"{side}_{way}"
    if spot.last == "bytes":
        return _diagnostic(spot, {side: {way: {"body": {"bytes": 0}}}}, {block: Block({"body_bytes": 0})})
    names = [name.strip() for name in spot.evidence.why.rpartition(":")[2].rstrip(".").split(",") if name.strip()]
    masked: list[Value] = [{"value": name, "mode": "Mask"} for name in names]
    blocks: list[Value] = [Block({"value": name, "mode": "Mask"}) for name in names]
    return _diagnostic(
        spot,
        {side: {way: {"dataMasking": {"headers": masked}}}},
        {block: Block({"data_masking": Block({"headers": blocks})})},
    )


def _diagnostic(spot: Spot, arm: dict[str, Value], azurerm: dict[str, Value]) -> Mend | None:
    if spot.is_in("diagnostics"):
        return Mend(target=spot.subject, arm={"properties": arm}, azurerm=azurerm)
    return Mend(target=spot.subject, arm={"properties": arm})


TABLE: Table = {
    "S1": Entry(make=_from_vault),
    "S2": Entry(make=_from_vault),
    "S3": _NAMED,
    "S4": Entry(
        make=_by_named_value, otherwise="Which identity a logger writes with, is granted at its destination first."
    ),
    "S5": Entry(make=_quiet),
}
