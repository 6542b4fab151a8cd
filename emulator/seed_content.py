"""
What a tenant declares below a service or a workspace: certificates, APIs, products, policies, gateways.

Called by `seed_service`. Policies go through the layout that the routes give them, so that a declared one looks like
one that was put.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from emulator import policytext
from emulator.arm.apis import KEY_NAMES, MARK
from emulator.arm.certificates import properties_of, vault_member
from emulator.arm.entities import resource_type
from emulator.arm.policies import GLOBAL_POLICY, policy_resource
from emulator.arm.services import stamp
from emulator.arm.subscriptions import KEYS, MASTER, full_scope
from emulator.seed_secrets import from_vault, secret_url
from emulator.store import Json, Resource

if TYPE_CHECKING:
    from emulator.azure import LocalAzure

Declared = Mapping[str, Any]


class Content:
    """
    What stands below one service.
    """

    def __init__(self, azure: LocalAzure, service_id: str) -> None:
        self._azure = azure
        self._id = service_id

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

    def _certificate(self, home: str, one: Declared) -> None:
        if "vault" not in one:
            bundle = self._azure.certificate(str(one["uploaded"]))
            if one.get("public_only"):
                bundle = replace(bundle, key=None)
            self.add(home, "certificates", one["id"], properties_of(bundle), hidden={"bundle": bundle, "version": None})
            return
        secret = secret_url(self._azure, str(one["vault"]))
        vault, parts = self._azure.vaults.locate(secret)
        entry = self._azure.vaults.holdings.find(vault, parts[1])
        assert entry is not None
        version = entry.version(parts[2] if len(parts) > 2 else "") or entry.latest
        bundle = from_vault(self._azure, secret)
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
