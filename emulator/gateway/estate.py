"""
What one gateway knows of its instance: APIs, operations, products, keys, policies, certificates.

A view on the store for the length of a call, read the way the service keeps it. It decides nothing: who may call is
in `admission`, what runs is in `pipeline`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from emulator.gateway.hosts import Host, Kind
from emulator.store import Resource, Store, key_of

REVISION = re.compile(r";rev=(?P<number>\w+)$", re.IGNORECASE)
NAMED_VALUE = re.compile(r"\{\{(?P<name>[\w.-]+)\}\}")


@dataclass(frozen=True, kw_only=True)
class Api:
    """
    One API revision, and the service or workspace it belongs to.
    """

    resource: Resource
    owner: Resource

    @property
    def base_id(self) -> str:
        """
        The API's id without its revision; products, gateways and subscriptions name that.
        """
        return REVISION.sub("", self.resource.id)

    @property
    def base_name(self) -> str:
        return REVISION.sub("", self.resource.name)

    @property
    def revision(self) -> str:
        named = REVISION.search(self.resource.name)
        return named["number"] if named else str(self.resource.properties.get("apiRevision") or "1")

    @property
    def is_current(self) -> bool:
        return REVISION.search(self.resource.name) is None

    @property
    def is_online(self) -> bool:
        return self.is_current or self.resource.properties.get("isOnline") is not False

    @property
    def path(self) -> str:
        return str(self.resource.properties.get("path") or "").strip("/")

    @property
    def version(self) -> str:
        return str(self.resource.properties.get("apiVersion") or "")

    @property
    def kind(self) -> str:
        properties = self.resource.properties
        return str(properties.get("type") or properties.get("apiType") or "http").casefold()


class Estate:
    """
    The instance behind one host.
    """

    def __init__(self, store: Store, host: Host) -> None:
        if host.service is None:
            raise ValueError(f"{host.host} belongs to no instance")
        self.store = store
        self.host = host
        self.service = host.service

    def apis(self) -> Iterator[Api]:
        """
        What this gateway serves: the managed one everything of the service and of the workspaces without a gateway
        of their own, a self-hosted one the APIs assigned to it, a workspace gateway its workspace.
        """
        if self.host.workspace is not None:
            yield from self._owned(self.host.workspace)
        elif self.host.kind is Kind.SELF_HOSTED and self.host.gateway is not None:
            assigned = {one.name.casefold() for one in self.store.children(self.host.gateway.id, "apis")}
            yield from (api for api in self._owned(self.service) if api.base_name.casefold() in assigned)
        else:
            yield from self._owned(self.service)
            for workspace in self.store.children(self.service.id, "workspaces"):
                if not self._has_gateway(workspace):
                    yield from self._owned(workspace)

    def operations(self, api: Api) -> list[Resource]:
        return self.store.children(api.resource.id, "operations")

    def version_set(self, api: Api) -> Resource | None:
        named = str(api.resource.properties.get("apiVersionSetId") or "")
        return self.store.get(f"{api.owner.id}/apiVersionSets/{named.rpartition('/')[2]}") if named else None

    def products(self, api: Api) -> list[Resource]:
        """
        The products that hold an API.
        """
        products = self.store.children(api.owner.id, "products")
        return [one for one in products if self.store.get(f"{one.id}/apis/{api.base_name}") is not None]

    def subscriptions(self, api: Api) -> Iterable[Resource]:
        yield from self.store.children(self.service.id, "subscriptions")
        if api.owner is not self.service:
            yield from self.store.children(api.owner.id, "subscriptions")

    def policy(self, scope_id: str) -> str | None:
        found = self.store.get(f"{scope_id}/policies/policy")
        return None if found is None else self._text(found)

    def fragment(self, owner: Resource, name: str) -> str | None:
        """
        A fragment of the workspace, else of the service.
        """
        for place in (owner.id, self.service.id):
            found = self.store.get(f"{place}/policyFragments/{name}")
            if found is not None:
                return self._text(found)
        return None

    def with_named_values(self, owner: Resource, text: str) -> str:
        """
        A policy's text with its `{{named values}}` filled in; an unknown one stays as it is.
        """
        if "{{" not in text:
            return text
        values: dict[str, str] = {}
        for place in (self.service, owner):
            for one in self.store.children(place.id, "namedValues"):
                shown = str(one.properties.get("displayName") or one.name)
                values[shown] = str(one.hidden.get("value", one.properties.get("value", "")))
        return NAMED_VALUE.sub(lambda found: values.get(found["name"], found[0]), text)

    def _owned(self, owner: Resource) -> Iterator[Api]:
        return (Api(resource=one, owner=owner) for one in self.store.children(owner.id, "apis"))

    def _has_gateway(self, workspace: Resource) -> bool:
        return any(
            key_of(str(one.properties.get("sourceId", ""))) == key_of(workspace.id)
            for one in self.store.of_type("Microsoft.ApiManagement/gateways/configConnections")
        )

    @staticmethod
    def _text(policy: Resource) -> str:
        return str(policy.properties.get("value", ""))
