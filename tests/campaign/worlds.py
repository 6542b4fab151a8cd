"""
The two worlds in which schedules are played: a lean one, and one in which every rule that writes has something to do.

`stage` opens them. A world says what stands in the local Azure, what is declared, which rules look at it, and how to
tell that all of it is done: from the local Azure's own state, never from the product.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator import LocalAzure
from emulator.azure import PartFactory
from emulator.gateway.gateway import Gateway
from emulator.teams import TeamsInbox

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-apim-dev"
INSTANCE = f"{GROUP}/providers/Microsoft.ApiManagement/service/contoso-dev"
US = "66666666-6666-6666-6666-666666666666"
HOST = f"{INSTANCE}/gateways/hall/hostnameConfigurations/h"
BACKEND = f"{INSTANCE}/backends/partner"

_BASE: Mapping[str, Any] = {
    "tenant": "22222222-2222-2222-2222-222222222222",
    "subscriptions": [{"id": SUBSCRIPTION, "name": "Contoso development"}],
    "principals": [
        {"name": "apimend", "object_id": US, "client_id": "77777777-7777-7777-7777-777777777777"},
        {"name": "ada", "object_id": "33333333-3333-3333-3333-333333333333", "kind": "User"},
    ],
    "authorities": {"clients-ca": {"subject": "CN=Clients CA, O=Contoso"}},
    "certificates": {"partner-a": {"subject": "CN=partner-a, O=Contoso", "issued_by": "clients-ca"}},
}
_SERVICE: Mapping[str, Any] = {
    "name": "contoso-dev",
    "resource_group": "rg-apim-dev",
    "location": "West Europe",
    "sku": "Developer",
    "apis": [
        {
            "id": "echo",
            "name": "Echo",
            "path": "echo",
            "service_url": "https://echo.contoso.example",
            "operations": [{"id": "get-echo", "method": "GET", "url": "/", "name": "Get an echo"}],
        }
    ],
}
_VAULTED = {
    **_BASE["certificates"],
    "outgoing": {"subject": "CN=gateway, O=Contoso", "issued_by": "clients-ca", "key": "rsa"},
    "hall": {
        "subject": "CN=hall.contoso.example",
        "issued_by": "clients-ca",
        "key": "rsa",
        "dns_names": ["hall.contoso.example"],
    },
}
_VAULTED["partner-a"] = {**_VAULTED["partner-a"], "key": "rsa"}
_SELECTING = """\
<policies><inbound><base /><set-backend-service backend-id="partner" /></inbound>\
<backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>"""
_TLS = {"validateCertificateChain": False, "validateCertificateName": False}


@dataclass(frozen=True, kw_only=True)
class World:
    """`probes`: the app looks at hosts and backends from outside, over TLS, as far as a visit is unhurried."""

    name: str
    tenant: Mapping[str, Any]
    desired: str
    rules: tuple[str, ...]
    parts: tuple[PartFactory, ...] = (TeamsInbox,)
    probes: bool = False
    done: Callable[[LocalAzure], bool] = lambda azure: True


DOOR = World(
    name="door",
    tenant={**_BASE, "services": [_SERVICE]},
    desired="""\
version: 1
clients:
  partner-a: {pem: PEM(partner-a)}
instances:
  - name: development
    match: {name: contoso-dev}
    mode: enforce
    arrives: direct
    clients: [partner-a]
    onNegotiationLost: observe
    limits: {rounds: 5}
    check: {action: enforce, validateTrust: false}
""",
    rules=("negotiation_disabled", "client_certificate_unchecked"),
)


def _estate_is_done(azure: LocalAzure) -> bool:
    """Attached, trusted, shown and asked for: everything that is declared besides negotiation and check."""
    service, host, backend = (azure.store.get(each) for each in (INSTANCE, HOST, BACKEND))
    assert service is not None
    assert host is not None
    assert backend is not None
    shown = (backend.properties.get("credentials") or {}).get("certificateIds") or ["nothing"]
    return (
        all(azure.store.get(f"{INSTANCE}/certificates/{name}") for name in ("partner-a", "outgoing", "clients-ca"))
        and azure.store.get(f"{INSTANCE}/gateways/hall/certificateAuthorities/clients-ca") is not None
        and len(service.properties.get("certificates") or ()) == 2
        and host.properties.get("negotiateClientCertificate") is True
        and str(shown[0]).casefold().endswith("/certificates/outgoing")
        and all((backend.properties.get("tls") or {}).get(name) for name in _TLS)
    )


ESTATE = World(
    name="estate",
    tenant={
        **_BASE,
        "certificates": _VAULTED,
        "vaults": [
            {
                "name": "kv-contoso-dev",
                "resource_group": "rg-apim-dev",
                "rbac": True,
                "certificates": [{"name": name, "certificate": name} for name in ("partner-a", "outgoing", "hall")],
            }
        ],
        "roles": [{"principal": "contoso-dev", "role": "Key Vault Certificate User", "scope": "vault kv-contoso-dev"}],
        "services": [
            {
                **_SERVICE,
                "identity": "system",
                "certificates": [{"id": "hall", "vault": "kv-contoso-dev/hall"}],
                "backends": [
                    {
                        "id": "partner",
                        "url": "https://partner.backend.test",
                        "properties": {"tls": _TLS, "credentials": {"header": {"x-tenant": ["contoso"]}}},
                    }
                ],
                "apis": [
                    *_SERVICE["apis"],
                    {
                        "id": "partner",
                        "name": "Partner",
                        "path": "partner",
                        "service_url": "https://partner.backend.test",
                        "policy": _SELECTING,
                        "operations": [{"id": "get", "method": "GET", "url": "/", "name": "Get"}],
                    },
                ],
                "gateways": [
                    {
                        "id": "hall",
                        "hostnames": [
                            {"id": "h", "host": "hall.contoso.example", "certificate": "hall", "negotiate": False}
                        ],
                        "apis": ["partner"],
                    }
                ],
            }
        ],
    },
    desired="""\
version: 1
certificates:
  partner-a: {vault: kv-contoso-dev, certificate: partner-a}
  outgoing: {vault: kv-contoso-dev, certificate: outgoing}
authorities:
  clients-ca: {store: Root, pem: PEM(clients-ca)}
  partner-root: {store: Root, pem: PEM(partner-root)}
clients:
  partner-a: {certificate: partner-a}
instances:
  - name: development
    match: {name: contoso-dev}
    mode: enforce
    arrives: direct
    certificates: [partner-a, outgoing]
    clients: [partner-a]
    trust: [clients-ca, partner-root]
    gateways: {hall: {trust: [clients-ca]}}
    backends: {partner: {certificates: [outgoing], validateTls: true}}
    onNegotiationLost: observe
    limits: {rounds: 5, writesPerDay: 100}
    check: {action: enforce, validateTrust: true}
""",
    rules=(
        "vault_access_missing",
        "client_certificate_missing",
        "ca_certificate_missing",
        "gateway_authority_missing",
        "backend_certificate_missing",
        "backend_tls_unvalidated",
        "negotiation_disabled",
        "gateway_negotiation_disabled",
        "client_certificate_unchecked",
        "certificate_expiring",
    ),
    parts=(TeamsInbox, Gateway),
    probes=True,
    done=_estate_is_done,
)


def declared(world: World, azure: LocalAzure) -> str:
    """The desired state of a world, with the certificates of its local Azure in it."""

    def pem(found: re.Match[str]) -> str:
        if found[1] == "partner-root":
            return json.dumps(azure.part(Gateway).backends.partner_authority.pem)
        return json.dumps(azure.certificate(found[1]).pem)

    return re.sub(r"PEM\(([\w-]+)\)", pem, world.desired)
