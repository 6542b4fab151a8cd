"""
Vaults that were deleted and are kept for their retention time: listed, shown, purged, recovered by a PUT.

The forms are specified, nothing of it is recorded. Who deletes a vault, and what it held, is in `resources`.
"""

from __future__ import annotations

from collections.abc import Iterable

from emulator.arm.bodies import page
from emulator.arm.errors import arm_error
from emulator.arm.provider import Provider
from emulator.http import Answer, Call
from emulator.routes import Route, Source
from emulator.store import Resource, key_of
from emulator.vault.deleted import retention

DELETED = "Microsoft.KeyVault/deletedVaults"
PROVIDER = "/subscriptions/{subscription}/providers/Microsoft.KeyVault"
ONE = f"{PROVIDER}/locations/{{location}}/deletedVaults/{{name}}"
_DATE = "%Y-%m-%dT%H:%M:%SZ"


def record(provider: Provider, vault: Resource) -> None:
    """
    Note a vault that was deleted; what it holds stays with the data plane.
    """
    now = provider.now()
    place = str(vault.body.get("location", "")).replace(" ", "").casefold()
    base = PROVIDER.replace("{subscription}", vault.id.split("/")[2])
    provider.store.put(
        Resource(
            id=f"{base}/locations/{place}/deletedVaults/{vault.name}",
            type=DELETED,
            name=vault.name,
            body={
                "properties": {
                    "vaultId": vault.id,
                    "location": place,
                    "tags": vault.body.get("tags") or {},
                    "deletionDate": now.strftime(_DATE),
                    "scheduledPurgeDate": (now + retention(vault)).strftime(_DATE),
                    "purgeProtectionEnabled": bool(vault.properties.get("enablePurgeProtection")),
                }
            },
            hidden={"vault": vault},
        ),
        at=now,
    )


def record_of(provider: Provider, name: str) -> Resource | None:
    """
    The record of a deleted vault that can still be had back.
    """
    return next((one for one in _kept(provider) if one.name.casefold() == name.casefold()), None)


def _kept(provider: Provider) -> Iterable[Resource]:
    now = provider.now().strftime(_DATE)
    return [one for one in provider.store.of_type(DELETED) if one.properties["scheduledPurgeDate"] > now]


class DeletedVaults:
    """
    The routes of deleted vaults.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def routes(self) -> list[Route]:
        table = (
            ("GET", f"{PROVIDER}/deletedVaults", self.list_all),
            ("GET", ONE, self.get),
            ("POST", f"{ONE}/purge", self.purge),
        )
        return [
            Route(method=method, path=path, handler=handler, source=Source.SPECIFIED) for method, path, handler in table
        ]

    async def list_all(self, call: Call) -> Answer:
        prefix = key_of(f"/subscriptions/{call.params['subscription']}/")
        found = [_shown(one) for one in _kept(self._provider) if key_of(one.id).startswith(prefix)]
        return page(self._provider, call, found, count=False)

    async def get(self, call: Call) -> Answer:
        return Answer(body=_shown(self._existing(call)))

    async def purge(self, call: Call) -> Answer:
        """
        Give the name free, and what it held away. The real one takes a while and says so; here it is done at once.
        """
        found = self._existing(call)
        self._provider.azure.vaults.holdings.drop_vault(found.name)
        self._provider.store.remove(found.id, at=self._provider.now())
        return Answer()

    def _existing(self, call: Call) -> Resource:
        found = record_of(self._provider, call.params["name"])
        if found is None:
            raise arm_error(404, "DeletedVaultNotFound", f"The deleted vault '{call.params['name']}' was not found.")
        return found


def _shown(one: Resource) -> dict[str, object]:
    return {"id": one.id, "name": one.name, "type": one.type, **one.body}
