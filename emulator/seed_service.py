"""
One declared service of a tenant, with everything below it.

Called by `seed`. It goes through the same steps as the routes where those have rules (hostname entries, layout of
policies), so that a declared service looks like one that was made by calls.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from emulator import policytext
from emulator.arm.apis import KEY_NAMES, MARK
from emulator.arm.certificates import properties_of, vault_member
from emulator.arm.entities import resource_type
from emulator.arm.hostnames import DEFAULT_SUFFIX, default_entry, described
from emulator.arm.identities import identity_after
from emulator.arm.policies import GLOBAL_POLICY, policy_resource
from emulator.arm.provider import SERVICE
from emulator.arm.service_body import new_properties, region
from emulator.arm.services import stamp, system_data
from emulator.arm.subscriptions import KEYS, MASTER, full_scope
from emulator.certificates import Bundle
from emulator.store import Json, Resource
from emulator.tenant import TenantError

if TYPE_CHECKING:
    from emulator.azure import LocalAzure

Declared = Mapping[str, Any]


def plant(azure: LocalAzure, declared: Declared, identifier: str) -> None:
    """
    Make one service.
    """
    service = _Service(azure, identifier)
    service.put(declared)
    service.fill(identifier, declared)
    for workspace in declared.get("workspaces", []):
        home = service.add(
            identifier, "workspaces", workspace["id"], {"displayName": workspace.get("name", workspace["id"])}
        )
        service.fill(home, workspace)
    for gateway in declared.get("gateways", []):
        service.add_gateway(gateway)


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

    def fill(self, home: str, declared: Declared) -> None:
        """
        What services and workspaces have in common.
        """
        for one in declared.get("certificates", []):
            self._certificate(home, one)
        for one in declared.get("named_values", []):
            self._named_value(home, one)
        for one in declared.get("backends", []):
            properties = {"title": None, "url": one.get("url"), "protocol": "http", **one.get("properties", {})}
            self.add(home, "backends", one["id"], self._with_ids(properties))
        for one in declared.get("fragments", []):
            self._fragment(home, one)
        for name in ("loggers", "diagnostics"):
            for one in declared.get(name, []):
                self.add(home, name, one["id"], dict(one.get("properties", {})))
        for one in declared.get("version_sets", []):
            self.add(home, "apiVersionSets", one["id"], dict(one.get("properties", {})))
        for one in declared.get("apis", []):
            self._api(home, one)
        for one in declared.get("products", []):
            self._product(home, one)
        for one in declared.get("subscriptions", []):
            self._subscription(home, one)
        if home == self._id:
            self._subscription(home, {"id": MASTER, "name": "Built-in all-access subscription", "scope": "/"})
        text = declared.get("policy")
        if text is not None:
            self._policy(home, str(text))
        elif home == self._id:
            self._azure.store.put(policy_resource(self._azure.store, home, GLOBAL_POLICY), at=self._azure.now())

    def add(
        self,
        home: str,
        segment: str,
        name: object,
        properties: Json,
        *,
        hidden: Mapping[str, Any] | None = None,
        little_endian: bool = False,
    ) -> str:
        identifier = f"{home}/{segment}/{name}"
        self._azure.store.put(
            Resource(
                id=identifier,
                type=resource_type(identifier),
                name=str(name),
                body={"properties": properties},
                hidden=hidden or {},
                etag=self._azure.store.next_etag(little_endian=little_endian),
            ),
            at=self._azure.now(),
        )
        return identifier

    def add_gateway(self, declared: Declared) -> None:
        gateway = self.add(
            self._id,
            "gateways",
            declared["id"],
            {
                "locationData": {"name": declared.get("location", "site")},
                "description": declared.get("description"),
            },
            little_endian=True,
        )
        for one in declared.get("hostnames", []):
            properties = {
                "hostname": one["host"],
                **({"certificateId": f"{self._id}/certificates/{one['certificate']}"} if "certificate" in one else {}),
                "negotiateClientCertificate": bool(one.get("negotiate", False)),
                "tls10Enabled": False,
                "tls11Enabled": False,
                "http2Enabled": True,
            }
            self.add(gateway, "hostnameConfigurations", one["id"], properties, little_endian=True)
        for one in declared.get("authorities", []):
            trusted = {"isTrusted": bool(one.get("trusted", True))}
            self.add(gateway, "certificateAuthorities", one["certificate"], trusted, little_endian=True)
        for api in declared.get("apis", []):
            self.add(gateway, "apis", api, {})

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
            secret, source = self.secret_url(str(one["vault"])), "KeyVault"
            bundle = self._from_vault(secret)
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

    def secret_url(self, text: str) -> str:
        """
        `vault/name` or `vault/name/2` (the second version) as a secret URL; a URL stays.
        """
        if text.startswith("https://"):
            return text
        vault, name, number = ([*text.split("/"), "", ""])[:3]
        entry = self._azure.vaults.holdings.find(vault, name)
        if entry is None:
            raise TenantError(f"no certificate {name} in vault {vault}")
        version = entry.versions[int(number) - 1].id if number else ""
        return self._azure.vaults.secret_url(vault, entry.name, version)

    def _from_vault(self, url: str) -> Bundle:
        vault, parts = self._azure.vaults.locate(url)
        entry = self._azure.vaults.holdings.find(vault, parts[1])
        version = entry.version(parts[2] if len(parts) > 2 else "") if entry is not None else None
        if version is None or version.bundle is None:
            raise TenantError(f"{url} is no certificate")
        return version.bundle

    def _certificate(self, home: str, one: Declared) -> None:
        if "vault" not in one:
            bundle = self._azure.certificate(str(one["uploaded"]))
            if one.get("public_only"):
                bundle = replace(bundle, key=None)
            self.add(home, "certificates", one["id"], properties_of(bundle), hidden={"bundle": bundle, "version": None})
            return
        secret = self.secret_url(str(one["vault"]))
        vault, parts = self._azure.vaults.locate(secret)
        entry = self._azure.vaults.holdings.find(vault, parts[1])
        assert entry is not None
        version = entry.version(parts[2] if len(parts) > 2 else "") or entry.latest
        bundle = self._from_vault(secret)
        member = vault_member(secret, one.get("identity"), self._azure.now(), None, "")
        if "failed" in one:
            member["lastStatus"] = {
                "code": self._azure.options.failed_status_code,
                "message": str(one["failed"]),
                "timeStampUtc": member["lastStatus"]["timeStampUtc"],
            }
        self.add(
            home,
            "certificates",
            one["id"],
            {**properties_of(bundle), "keyVault": member},
            hidden={"bundle": bundle, "version": version.id},
        )

    def _named_value(self, home: str, one: Declared) -> None:
        properties = {
            "displayName": one.get("name", one["id"]),
            "tags": one.get("tags"),
            "secret": bool(one.get("secret", False)),
            "provisioningState": "Succeeded",
        }
        self.add(home, "namedValues", one["id"], properties, hidden={"value": one.get("value", "")})

    def _fragment(self, home: str, one: Declared) -> None:
        kept, _ = policytext.stored(str(one["policy"]), form="rawxml")
        properties = {"description": one.get("description"), "value": kept, "provisioningState": "Succeeded"}
        self.add(home, "policyFragments", one["id"], properties, little_endian=True)

    def _api(self, home: str, one: Declared) -> None:
        bare, _, revision = str(one["id"]).partition(MARK)
        properties = {
            "displayName": one.get("name", bare),
            "apiRevision": revision or str(one.get("revision", "1")),
            "description": one.get("description"),
            "subscriptionRequired": bool(one.get("subscription_required", True)),
            "serviceUrl": one.get("service_url"),
            "backendId": None,
            "path": str(one.get("path", bare)).strip("/"),
            "protocols": list(one.get("protocols", ["https"])),
            "authenticationSettings": {"oAuth2": None, "openid": None},
            "subscriptionKeyParameterNames": dict(KEY_NAMES),
            **({"type": one["type"]} if "type" in one else {}),
            **dict(one.get("properties", {})),
            "isCurrent": not revision,
        }
        api = self.add(home, "apis", one["id"], properties)
        for operation in one.get("operations", []):
            self._operation(api, operation)
        if "policy" in one:
            self._policy(api, str(one["policy"]))

    def _operation(self, api: str, one: Declared) -> None:
        properties = {
            "templateParameters": [],
            "description": None,
            "responses": [],
            "policies": None,
            "displayName": one.get("name", one["id"]),
            "method": one.get("method", "GET"),
            "urlTemplate": one.get("url", "/"),
            **dict(one.get("properties", {})),
        }
        operation = self.add(api, "operations", one["id"], properties)
        if "policy" in one:
            self._policy(operation, str(one["policy"]))

    def _product(self, home: str, one: Declared) -> None:
        required = bool(one.get("subscription_required", True))
        properties = {
            "displayName": one.get("name", one["id"]),
            "description": one.get("description"),
            "terms": None,
            "subscriptionRequired": required,
            "approvalRequired": False if required else None,
            "subscriptionsLimit": None,
            "state": one.get("state", "published"),
        }
        product = self.add(home, "products", one["id"], properties)
        for api in one.get("apis", []):
            self.add(product, "apis", api, {}, hidden={"link": str(api)})
        if "policy" in one:
            self._policy(product, str(one["policy"]))

    def _subscription(self, home: str, one: Declared) -> None:
        now = self._azure.now()
        properties = {
            "scope": full_scope(home, str(one["scope"])),
            "displayName": one.get("name", one["id"]),
            "state": one.get("state", "active"),
            "createdDate": stamp(now),
            "startDate": None,
            "expirationDate": None,
            "endDate": None,
            "notificationDate": None,
            "stateComment": None,
            "allowTracing": False,
        }
        keys = {name: os.urandom(16).hex() for name in KEYS}
        if "key" in one:
            keys["primaryKey"] = str(one["key"])
        self.add(home, "subscriptions", one["id"], properties, hidden=keys)

    def _policy(self, owner: str, text: str) -> None:
        kept, _ = policytext.stored(text, form="rawxml")
        self._azure.store.put(policy_resource(self._azure.store, owner, kept), at=self._azure.now())

    def _with_ids(self, properties: Json) -> Json:
        """
        Short certificate names in a backend's credentials become full ids.
        """
        credentials = properties.get("credentials")
        if not credentials or "certificateIds" not in credentials:
            return properties
        ids = [
            one if str(one).startswith("/") else f"{self._id}/certificates/{one}"
            for one in credentials["certificateIds"]
        ]
        return {**properties, "credentials": {**credentials, "certificateIds": ids}}


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
