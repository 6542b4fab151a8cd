"""
The declared contents of the local Azure: a YAML file or a mapping, checked for its outline and kept as it is.

`load_tenant` is called by `python -m emulator`, the tests and the sample tenants; `emulator.seed` turns the tenant
into resources when a `LocalAzure` starts. Nothing here knows ARM. The form, all lists optional:

    tenant: 11111111-2222-3333-4444-555555555555
    subscriptions: [{id: 00000000-0000-0000-0000-000000000001, name: Production}]     # the first is the default
    authorities:                                # made when the emulator starts, dated by its clock
      root: {subject: "CN=Contoso Root"}
      issuing: {subject: "CN=Contoso Issuing", issued_by: root}
    certificates:                               # leaves that anything below names: azure.certificate("orders")
      orders: {subject: "CN=orders.contoso.com", issued_by: issuing, key: rsa, starts: -30d, ends: 300d, dns_names: []}
    principals:                                 # the first is who the identity endpoint speaks for by default
      - {name: apimend, object_id: guid, client_id: guid}
    roles:                                      # a principal without any entry may do everything
      - {principal: apimend, role: Key Vault Reader, scope: vault kv-contoso}   # service NAME, an id
      - {principal: apim-dev, role: Key Vault Secrets User, scope: vault kv-contoso}   # the identity of a service
    vaults:
      - name: kv-contoso                        # subscription, resource_group, location, tags: optional everywhere
        rbac: true
        firewall: false                         # true: only a system-assigned identity of a trusted service passes
        access_policies: [{object_id: guid, secrets: [get, list], certificates: [get, list]}]
        certificates:
          - {name: orders, certificate: orders, enabled: true, exportable: true, content_type: application/x-pkcs12}
          - {name: rolled, versions: [{certificate: old}, {certificate: new}]}        # the last is the latest
        secrets: [{name: password, value: "…"}]
    services:
      - name: apim-dev
        sku: Developer
        capacity: 1
        identity: system                        # or {system: true, user: [<resource id>]}
        properties: {}                          # laid over the properties that a service of this sku has
        hostnames:
          - {host: api.contoso.com, type: Proxy, vault: kv-contoso/orders, negotiate: false, default: true}
          - {host: old.contoso.com, uploaded: orders}                              # an uploaded PFX (Custom)
          - {host: free.contoso.com, managed: true}
          - {host: apim-dev.azure-api.net, negotiate: true}                        # the default host's own flag
        ca_certificates: [{authority: root, store: Root}]
        certificates: [{id: orders, vault: kv-contoso/orders}, {id: public, uploaded: orders, public_only: true}]
        policy: "<policies>…</policies>"        # as people write it (rawxml); absent: that of a new service
        fragments: [{id: check, policy: "<fragment>…</fragment>"}]
        named_values: [{id: host, name: backend-host, value: x, secret: false}]
        backends: [{id: erp, url: "https://…", properties: {}}]
        products: [{id: starter, name: Starter, subscription_required: true, apis: [orders], policy: "…"}]
        apis:
          - id: orders                          # orders;rev=2 is a further revision
            name: Orders
            path: orders
            service_url: https://backend.contoso.com
            subscription_required: true
            type: http
            properties: {}
            policy: "…"
            operations: [{id: get, method: GET, url: "/{id}", name: Get, policy: "…"}]
        subscriptions: [{id: sub, scope: /products/starter, key: "32 characters", state: active}]
        gateways: [{id: site, hostnames: [{id: h, host: x, certificate: orders, negotiate: true}], apis: [orders],
                    authorities: [{certificate: orders, trusted: true}]}]
        workspaces: [{id: team, apis: [], products: [], named_values: [], backends: [], fragments: [], policy: "…"}]
        loggers: [{id: x, properties: {}}]
        diagnostics: [{id: x, properties: {}}]
    resources: [{id: <full ARM id>, type: Microsoft.Network/applicationGateways, location: x, properties: {}}]

`vault: kv-contoso/orders` stands for the versionless secret URL of that certificate in the emulated vault; add
`/<n>` for the n-th version. Durations read like `-30d`, `4h`, `15m`. In a file, `{file: policies/x.xml}` stands for
the text of that file, beside the tenant's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

DEFAULT_TENANT = "11111111-2222-3333-4444-555555555555"
DEFAULT_SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"

KNOWN = frozenset(
    ["tenant", "subscriptions", "authorities", "certificates", "principals", "roles", "vaults", "services", "resources"]
)
LISTS = ("subscriptions", "principals", "roles", "vaults", "services", "resources")
# What a service or a vault may say; a misspelt member would be a tenant that nobody meant.
MEMBERS = {
    "services": frozenset(
        """
        apis backends ca_certificates capacity certificates diagnostics fragments gateways hostnames identity location
        loggers name named_values policy products properties resource_group sku subscription subscriptions tags
        version_sets workspaces
        """.split()  # noqa: SIM905 - a list of words reads better as words
    ),
    "vaults": frozenset(
        """
        access_policies certificates firewall location name properties rbac resource_group secrets subscription tags
        trusted_services
        """.split()  # noqa: SIM905 - a list of words reads better as words
    ),
}
DURATION = re.compile(r"(?P<sign>-?)(?P<number>\d+)(?P<unit>[dhms])")
UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


class TenantError(ValueError):
    """
    The tenant's declaration can't be understood; the message says where.
    """


@dataclass(frozen=True)
class Tenant:
    """
    A declared tenant: its id, its subscriptions and everything else as written.
    """

    id: str
    subscriptions: tuple[tuple[str, str], ...]
    content: Mapping[str, Any]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Tenant:
        unknown = sorted(set(content) - KNOWN)
        if unknown:
            raise TenantError(f"unknown members of a tenant: {', '.join(unknown)}")
        for name in LISTS:
            _check(name, content.get(name) or [])
        declared = content.get("subscriptions") or [{"id": DEFAULT_SUBSCRIPTION, "name": "Local"}]
        pairs = tuple((str(one["id"]), str(one.get("name", one["id"]))) for one in declared)
        return cls(str(content.get("tenant", DEFAULT_TENANT)), pairs, content)

    def items(self, name: str) -> list[Mapping[str, Any]]:
        return list(self.content.get(name) or [])

    def named(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        return self.content.get(name) or {}


def _check(kind: str, entries: Any) -> None:
    """
    A list of mappings, each with an id or a name where it needs one and nothing that nobody reads.
    """
    if not isinstance(entries, list | tuple):
        raise TenantError(f"{kind} is a list")
    for position, entry in enumerate(entries):
        place = f"{kind}[{position}]"
        if not isinstance(entry, Mapping):
            raise TenantError(f"{place} is a mapping")
        needed = {"subscriptions": "id", "resources": "id", "vaults": "name", "services": "name"}.get(kind)
        if needed is not None and needed not in entry:
            raise TenantError(f"{place}: there is no '{needed}'")
        unknown = sorted(set(entry) - MEMBERS.get(kind, frozenset(entry)))
        if unknown:
            raise TenantError(f"{place}: unknown: {', '.join(map(str, unknown))}")


def load_tenant(path: str | Path) -> Tenant:
    """
    Read a tenant from a YAML file.
    """
    try:
        content = YAML(typ="safe").load(Path(path).read_text("utf-8"))
    except (YAMLError, UnicodeDecodeError) as wrong:
        raise TenantError(f"{path} is no YAML: {' '.join(str(wrong).split())}") from wrong
    if not isinstance(content, Mapping):
        raise TenantError(f"{path}: a tenant is a mapping")
    return Tenant.of({key: _with_texts(value, Path(path).parent) for key, value in content.items()})


def _with_texts(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_with_texts(one, folder) for one in value]
    if not isinstance(value, Mapping):
        return value
    if set(value) != {"file"}:
        return {key: _with_texts(one, folder) for key, one in value.items()}
    try:
        return (folder / str(value["file"])).read_bytes().decode()
    except OSError as missing:
        raise TenantError(f"{value['file']} can't be read: {missing.strerror}") from missing


def duration(text: str | timedelta) -> timedelta:
    """
    `-30d`, `4h`, `15m`, `20s` as a time span.
    """
    if isinstance(text, timedelta):
        return text
    found = DURATION.fullmatch(str(text))
    if found is None:
        raise TenantError(f"not a duration: {text!r}")
    span = timedelta(**{UNITS[found["unit"]]: int(found["number"])})
    return -span if found["sign"] else span
