"""
Services that were deleted and keep their names for two days.

The delete leaves a record, `services` refuses the name meanwhile; here the records are listed, shown and purged.
"""

from __future__ import annotations

from collections.abc import Sequence

from emulator.arm.bodies import page
from emulator.arm.errors import provider_error
from emulator.arm.provider import Provider
from emulator.http import Answer, Call
from emulator.routes import Route, Source
from emulator.store import Json, Resource

DELETED = "Microsoft.ApiManagement/deletedservices"
PROVIDER = "/subscriptions/{subscription}/providers/Microsoft.ApiManagement"
ONE = f"{PROVIDER}/locations/{{location}}/deletedservices/{{name}}"


def record_of(provider: Provider, name: str) -> Resource | None:
    """
    The record of a deleted service whose name is still taken.
    """
    wanted = name.casefold()
    return next((one for one in _kept(provider) if one.name.casefold() == wanted), None)


def record(provider: Provider, service: Resource, below: Sequence[Resource]) -> None:
    """
    Note a service that is gone, and what stood below it, for the day it is restored.
    """
    now = provider.now()
    place = str(service.body["location"]).replace(" ", "").casefold()
    base = PROVIDER.replace("{subscription}", service.id.split("/")[2])
    provider.store.put(
        Resource(
            id=f"{base}/locations/{place}/deletedservices/{service.name}",
            type=DELETED,
            name=service.name,
            body={
                "location": service.body["location"],
                "properties": {
                    "serviceId": service.id,
                    "scheduledPurgeDate": (now + provider.options.soft_delete).strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "deletionDate": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                },
            },
            hidden={"service": service, "below": tuple(below)},
        ),
        at=now,
    )


def _kept(provider: Provider) -> list[Resource]:
    now = provider.now()
    return [one for one in provider.store.of_type(DELETED) if (one.created or now) + provider.options.soft_delete > now]


class Deleted:
    """
    The routes of deleted services.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def routes(self) -> list[Route]:
        table = (
            ("GET", f"{PROVIDER}/deletedservices", self.list_all),
            ("GET", ONE, self.get),
            ("DELETE", ONE, self.purge),
        )
        return [
            Route(method=method, path=path, handler=handler, source=Source.SPECIFIED) for method, path, handler in table
        ]

    async def list_all(self, call: Call) -> Answer:
        wanted = call.params["subscription"].casefold()
        found = [one for one in _kept(self._provider) if one.id.split("/")[2].casefold() == wanted]
        return page(self._provider, call, found, _shown, count=False)

    async def get(self, call: Call) -> Answer:
        return Answer(body=_shown(self._existing(call)))

    async def purge(self, call: Call) -> Answer:
        """
        Give the name free. The real one takes a while and says so; here it is done at once.
        """
        self._provider.store.remove(self._existing(call).id, at=self._provider.now())
        return Answer()

    def _existing(self, call: Call) -> Resource:
        found = record_of(self._provider, call.params["name"])
        if found is None:
            raise provider_error(404, "ServiceNotFound", f"Api service does not exist: {call.params['name']}")
        return found


def _shown(one: Resource) -> Json:
    return {"id": one.id, "type": one.type, "name": one.name, **one.body}
