"""
One declared service of a tenant, with everything below it.

Called by `seed`. It goes through the same steps as the routes where those have rules (hostname entries, layout of
policies), so that a declared service looks like one that was made by calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from emulator.arm.hostnames import DEFAULT_SUFFIX, default_entry, described
from emulator.arm.identities import identity_after
from emulator.arm.provider import SERVICE
from emulator.arm.service_body import new_properties, region
from emulator.arm.services import stamp, system_data
from emulator.certificates import Bundle
from emulator.seed_content import Content
from emulator.seed_secrets import from_vault, secret_url
from emulator.store import Json, Resource

if TYPE_CHECKING:
    from emulator.azure import LocalAzure

Declared = Mapping[str, Any]


def plant(azure: LocalAzure, declared: Declared, identifier: str) -> None:
    """
    Make one service.
    """
    _Service(azure, identifier).put(declared)
    content = Content(azure, identifier)
    content.fill(identifier, declared)
    for workspace in declared.get("workspaces", []):
        home = content.add(
            identifier, "workspaces", workspace["id"], {"displayName": workspace.get("name", workspace["id"])}
        )
        content.fill(home, workspace)
    for gateway in declared.get("gateways", []):
        content.add_gateway(gateway)


class _Service:
    def __init__(self, azure: LocalAzure, identifier: str) -> None:
        self._azure = azure
        self._id = identifier

    def put(self, declared: Declared) -> None:
        """
        The service resource itself.
        """
        azure, now = self._azure, self._azure.now()
        name, sku = str(declared["name"]), str(declared.get("sku", "Developer"))
        location = region(str(declared.get("location", "westeurope")))
        identity = identity_after(_identity(declared.get("identity")), self._id, azure.tenant.id, azure.store)
        properties = new_properties(name, sku, location, stamp(now)) | dict(declared.get("properties", {}))
        entries, bundles = self._hosts(name, declared.get("hostnames", []))
        authorities = [
            (str(one.get("store", "Root")), azure.certificate(str(one["authority"])))
            for one in declared.get("ca_certificates", [])
        ]
        properties["hostnameConfigurations"] = entries
        properties["certificates"] = [_authority(store, bundle) for store, bundle in authorities] or None
        azure.store.put(
            Resource(
                id=self._id,
                type=SERVICE,
                name=name,
                body={
                    "properties": properties,
                    "sku": {"name": sku, "capacity": declared.get("capacity", 0 if sku == "Consumption" else 1)},
                    "identity": identity,
                    "zones": None,
                    "systemData": system_data({"appid": azure.identity.default.client_id}, now),
                    "location": location,
                    "tags": dict(declared.get("tags", {})),
                },
                etag=azure.store.next_etag(),
                hidden={"hostnames": bundles, "authorities": {one.thumbprint: one for _, one in authorities}},
            ),
            at=now,
        )

    def _hosts(self, name: str, declared: Sequence[Declared]) -> tuple[list[Json], dict[str, Bundle]]:
        bundles: dict[str, Bundle] = {}
        entries: list[Json] = []
        negotiate = False
        for one in declared:
            host = str(one["host"])
            if host.casefold() == f"{name}{DEFAULT_SUFFIX}".casefold():
                negotiate = bool(one.get("negotiate", False))
                continue
            entry, bundle = self._host(host, one)
            bundles[host.casefold()] = bundle
            entries.append(entry)
        taken = any(one["type"] == "Proxy" and one["defaultSslBinding"] for one in entries)
        return [default_entry(name, negotiate=negotiate, binding=not taken), *entries], bundles

    def _host(self, host: str, one: Declared) -> tuple[Json, Bundle]:
        secret, source = None, "Custom"
        if "vault" in one:
            secret, source = secret_url(self._azure, str(one["vault"])), "KeyVault"
            bundle = from_vault(self._azure, secret)
        elif "managed" in one:
            bundle, source = self._azure.workshop.leaf(f"CN={host}", dns_names=[host]), "Managed"
        else:
            bundle = self._azure.certificate(str(one["uploaded"]))
        blank = default_entry("", negotiate=bool(one.get("negotiate", False)), binding=bool(one.get("default", False)))
        return {
            **blank,
            "type": one.get("type", "Proxy"),
            "hostName": host,
            "keyVaultId": secret,
            "identityClientId": one.get("identity"),
            "certificate": described(bundle),
            "certificateSource": source,
            "certificateStatus": "Completed" if source == "Managed" else None,
        }, bundle


def _identity(declared: Any) -> Json | None:
    if declared is None or declared == "none":
        return None
    if declared == "system":
        return {"type": "SystemAssigned"}
    users: dict[str, Json] = {str(one): {} for one in declared.get("user", [])}
    kinds = ["SystemAssigned"] * bool(declared.get("system")) + ["UserAssigned"] * bool(users)
    return {"type": ", ".join(kinds), "userAssignedIdentities": users}


def _authority(store: str, bundle: Bundle) -> Json:
    return {
        "encodedCertificate": None,
        "certificatePassword": None,
        "storeName": store,
        "certificate": described(bundle),
    }
