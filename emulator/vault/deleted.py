"""
Deleted certificates, which a vault keeps for its retention time: shown, recovered, purged.

Meanwhile their names are taken. The forms are specified, nothing of it is recorded.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from emulator.http import Answer, Call
from emulator.routes import Place, Route, RouteTable, Source
from emulator.store import Json, Resource
from emulator.vault import shapes
from emulator.vault.holdings import Deleted
from emulator.vault.plane import READ_CERTIFICATE
from emulator.vault.refusals import missing

if TYPE_CHECKING:
    from emulator.azure import LocalAzure

RETENTION_DAYS = 90
BASE = "/deletedcertificates"


def retention(vault: Resource | None) -> timedelta:
    """
    How long a vault keeps what is deleted.
    """
    days = vault.properties.get("softDeleteRetentionInDays") if vault is not None else None
    return timedelta(days=int(days or RETENTION_DAYS))


def deleted_certificate(base: str, found: Deleted, kept: timedelta) -> Json:
    """
    A deleted certificate as it is shown: itself, and how long it can be had back.
    """
    return {
        "recoveryId": f"{base}{BASE}/{found.entry.name}",
        "deletedDate": int(found.at.timestamp()),
        "scheduledPurgeDate": int((found.at + kept).timestamp()),
        **shapes.certificate(base, found.entry, found.entry.latest),
    }


class DeletedCertificates:
    """
    The handlers of deleted certificates.
    """

    def __init__(self, azure: LocalAzure) -> None:
        self._azure = azure
        self._plane = azure.vaults

    def routes(self, table: RouteTable) -> None:
        for method, path, handler in (
            ("GET", BASE, self._list),
            ("GET", f"{BASE}/{{name}}", self._get),
            ("DELETE", f"{BASE}/{{name}}", self._purge),
            ("POST", f"{BASE}/{{name}}/recover", self._recover),
        ):
            table.add(Route(method=method, path=path, handler=handler, place=Place.VAULT, source=Source.SPECIFIED))

    async def _list(self, call: Call) -> Answer:
        self._plane.enter(call, READ_CERTIFICATE)
        shown = [self._shown(call, one) for one in self._plane.holdings.deleted(call.vault) if self._kept(call, one)]
        dropped = ("kid", "sid", "cer", "policy")
        return Answer(
            body={"value": [{name: value for name, value in one.items() if name not in dropped} for one in shown]}
        )

    async def _get(self, call: Call) -> Answer:
        self._plane.enter(call, READ_CERTIFICATE)
        return Answer(body=self._shown(call, self._found(call)))

    async def _purge(self, call: Call) -> Answer:
        self._plane.enter(call, "certificates/purge")
        self._plane.holdings.purge(call.vault, self._found(call).entry.name)
        return Answer(status=204)

    async def _recover(self, call: Call) -> Answer:
        self._plane.enter(call, "certificates/recover")
        entry = self._plane.holdings.recover(call.vault, self._found(call).entry.name)
        return Answer(body=shapes.certificate(self._base(call), entry, entry.latest))

    def _found(self, call: Call) -> Deleted:
        name = call.params["name"].casefold()
        for one in self._plane.holdings.deleted(call.vault):
            if one.entry.name.casefold() == name and self._kept(call, one):
                return one
        raise missing("Certificate", call.params["name"])

    def _kept(self, call: Call, one: Deleted) -> bool:
        ends = one.at + retention(self._plane.resource(call.vault))
        return one.entry.is_certificate and self._azure.now() < ends

    def _shown(self, call: Call, found: Deleted) -> Json:
        return deleted_certificate(self._base(call), found, retention(self._plane.resource(call.vault)))

    def _base(self, call: Call) -> str:
        return self._azure.vault_url(call.vault)
