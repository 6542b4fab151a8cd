"""
From a declared tenant to resources: everything that exists before the first call.

Called once, after the listeners are open (URLs of vaults are known) and before anybody can call. It writes to the store
directly and announces nothing: what is declared has always been there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from emulator import seed_service
from emulator.access import DEFINITIONS, role_named
from emulator.arm.assignments import assignment_resource
from emulator.arm.identities import system_principal
from emulator.arm.provider import SERVICE
from emulator.arm.resources import group_resource, subscription_resource, vault_resource
from emulator.store import Resource
from emulator.tenant import TenantError, duration

if TYPE_CHECKING:
    from emulator.azure import LocalAzure

DEFAULT_GROUP = "rg-apim"
DEFAULT_LOCATION = "westeurope"


def plant(azure: LocalAzure) -> None:
    """
    Make everything the tenant declares.
    """
    for identifier, name in azure.tenant.subscriptions:
        azure.store.put(subscription_resource(identifier, name, azure.tenant.id), at=azure.now())
    homes: dict[str, str] = {}
    with _telling("certificates and authorities"):
        _make_certificates(azure)
    _each(azure, "resources", lambda one: _put_resource(azure, one))
    _each(azure, "services", lambda one: homes.update({str(one["name"]): place(azure, one, SERVICE)}))
    _each(azure, "vaults", lambda one: _put_vault(azure, one, homes))
    _each(azure, "roles", lambda one: _put_role(azure, one, homes))
    _each(azure, "services", lambda one: seed_service.plant(azure, one, homes[str(one["name"])]))


def _each(azure: LocalAzure, kind: str, put: Callable[[Mapping[str, Any]], None]) -> None:
    for position, declared in enumerate(azure.tenant.items(kind)):
        with _telling(f"{kind}[{position}]"):
            put(declared)


@contextmanager
def _telling(place: str) -> Iterator[None]:
    """
    Say where in the tenant something is missing or of the wrong form.
    """
    try:
        yield
    except TenantError as wrong:
        raise TenantError(f"{place}: {wrong}") from wrong
    except KeyError as missing:
        raise TenantError(f"{place}: there is no {missing}") from missing
    except (TypeError, ValueError, AttributeError) as wrong:
        raise TenantError(f"{place}: {wrong}") from wrong


def place(azure: LocalAzure, declared: Mapping[str, Any], resource_type: str) -> str:
    """
    The id of a declared resource; its group is made when it isn't there.
    """
    subscription = str(declared.get("subscription") or azure.tenant.subscriptions[0][0])
    group = f"/subscriptions/{subscription}/resourceGroups/{declared.get('resource_group', DEFAULT_GROUP)}"
    _need_group(azure, group, str(declared.get("location", DEFAULT_LOCATION)))
    return f"{group}/providers/{resource_type}/{declared['name']}"


def _need_group(azure: LocalAzure, group: str, location: str) -> None:
    if azure.store.get(group) is None:
        azure.store.put(group_resource(group, location, {}), at=azure.now())


def _make_certificates(azure: LocalAzure) -> None:
    known = azure.certificates
    for name, spec in azure.tenant.named("authorities").items():
        issuer = known[str(spec["issued_by"])] if "issued_by" in spec else None
        known[name] = azure.workshop.authority(str(spec["subject"]), issued_by=issuer, **_dates(spec), **_key(spec))
    for name, spec in azure.tenant.named("certificates").items():
        issuer = known[str(spec["issued_by"])] if "issued_by" in spec else None
        known[name] = azure.workshop.leaf(
            str(spec["subject"]),
            issued_by=issuer,
            dns_names=[str(one) for one in spec.get("dns_names", [])],
            **_dates(spec),
            **_key(spec),
        )


def _dates(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: duration(spec[name]) for name in ("starts", "ends") if name in spec}


def _key(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"key": spec["key"]} if "key" in spec else {}


def _put_resource(azure: LocalAzure, declared: Mapping[str, Any]) -> None:
    identifier = str(declared["id"])
    parts = identifier.split("/")
    if len(parts) > 4 and parts[3].casefold() == "resourcegroups":
        _need_group(azure, "/".join(parts[:5]), str(declared.get("location", DEFAULT_LOCATION)))
    body = {name: value for name, value in declared.items() if name not in ("id", "type", "name")}
    azure.store.put(
        Resource(
            id=identifier,
            type=str(declared.get("type") or "/".join(parts[-3:-1])),
            name=identifier.rpartition("/")[2],
            body=body,
            etag=azure.store.next_etag(),
        ),
        at=azure.now(),
    )


def _put_vault(azure: LocalAzure, declared: Mapping[str, Any], homes: Mapping[str, str]) -> None:
    name = str(declared["name"])
    shut = bool(declared.get("firewall"))
    policies = [
        {
            "tenantId": azure.tenant.id,
            "objectId": _principal(azure, str(one.get("object_id") or one["principal"]), homes),
            "permissions": {kind: list(one.get(kind, [])) for kind in ("secrets", "certificates", "keys")},
        }
        for one in declared.get("access_policies", [])
    ]
    properties = {
        "enableRbacAuthorization": bool(declared.get("rbac", True)),
        "accessPolicies": policies,
        "networkAcls": {
            "bypass": "AzureServices" if declared.get("trusted_services", True) else "None",
            "defaultAction": "Deny" if shut else "Allow",
            "ipRules": [],
            "virtualNetworkRules": [],
        },
        **declared.get("properties", {}),
    }
    azure.vaults.holdings.add_vault(name)
    azure.store.put(
        vault_resource(
            place(azure, declared, "Microsoft.KeyVault/vaults"),
            uri=f"{azure.vault_url(name)}/",
            tenant=azure.tenant.id,
            location=str(declared.get("location", DEFAULT_LOCATION)),
            properties=properties,
            tags=declared.get("tags", {}),
        ),
        at=azure.now(),
    )
    for entry in declared.get("certificates", []):
        for version in entry.get("versions", [entry]):
            settings = {**entry, **version}
            azure.vaults.put(
                name,
                str(entry["name"]),
                azure.certificate(str(settings.get("certificate", entry["name"]))),
                enabled=bool(settings.get("enabled", True)),
                exportable=bool(settings.get("exportable", True)),
                content_type=str(settings.get("content_type", "application/x-pkcs12")),
            )
    for entry in declared.get("secrets", []):
        azure.vaults.put_secret(name, str(entry["name"]), str(entry["value"]))


def _put_role(azure: LocalAzure, declared: Mapping[str, Any], homes: Mapping[str, str]) -> None:
    role = role_named(str(declared["role"]))
    if role is None:
        raise TenantError(f"unknown role {declared['role']}")
    scope = _scope(azure, str(declared.get("scope", "subscription")), homes)
    azure.store.put(
        assignment_resource(
            scope,
            name=str(declared.get("name") or f"{role.guid[:8]}-0000-4000-8000-{len(azure.store.all()):012d}"),
            role=f"{DEFINITIONS}{role.guid}",
            principal=_principal(azure, str(declared["principal"]), homes),
            kind="ServicePrincipal",
        ),
        at=azure.now(),
    )


def _scope(azure: LocalAzure, text: str, homes: Mapping[str, str]) -> str:
    """
    `subscription`, `vault NAME`, `service NAME`, or an id.
    """
    kind, _, name = text.partition(" ")
    if kind == "subscription":
        return f"/subscriptions/{name or azure.tenant.subscriptions[0][0]}"
    if kind == "service":
        return homes[name]
    if kind == "vault":
        found = azure.vaults.resource(name)
        if found is None:
            raise TenantError(f"unknown vault {name}")
        return found.id
    return text


def _principal(azure: LocalAzure, text: str, homes: Mapping[str, str]) -> str:
    """
    The object id of a declared principal, of a service (its system-assigned identity), or as given.
    """
    found = azure.identity.find(text)
    if found is not None:
        return found.object_id
    name = text.removeprefix("service ")
    return system_principal(homes[name]) if name in homes else text
