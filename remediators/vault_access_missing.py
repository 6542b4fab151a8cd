"""
A Key Vault certificate that the instance's identity can't read.

What it finds: no identity of the declared kind, a vault whose access policies or roles name it nowhere, a firewall
that it does not pass, and a virtual network that keeps the instance from Key Vault or Microsoft Entra ID.
Why it matters: attaching fails, and what is attached already is not renewed: it expires one day, unseen.
What it changes: nothing. It names the exact command, filled in. Who grants access to a vault should be a person.
Fix safety: report only. Access through groups, just-in-time roles and deny assignments can't be seen from outside,
so where Azure has not refused yet, a grant that is not seen is told as unknown, never as missing.
References: https://learn.microsoft.com/azure/api-management/configure-custom-domain,
https://learn.microsoft.com/azure/key-vault/general/rbac-guide
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from apimend.model.access import CERTIFICATE_USER, READ_SECRET, Grant, Subnet, Vault
from apimend.model.azure import Certificate, Service
from apimend.model.desired import Desired
from apimend.model.errors import Denied
from apimend.model.ids import ResourceId
from apimend.model.plan import Finding, Severity
from apimend.ports import InstanceReader, Proposal, Safety, VisitContext

_ENDPOINT = "Microsoft.KeyVault"
_TAGS = ("AzureKeyVault", "AzureActiveDirectory")


@dataclass(frozen=True, kw_only=True)
class Use:
    """
    One fetch from a vault. `identity` is a client id, or empty for the system-assigned identity; `failed` is what
    Azure said of its last try, `proved` that it went well.
    """

    what: str
    target: ResourceId
    vault: str
    identity: str
    failed: str = ""
    proved: bool = False


@dataclass(frozen=True, kw_only=True)
class Door:
    """A vault as one identity finds it. `grants` None: we may not look."""

    vault: Vault
    grants: tuple[Grant, ...] | None


@dataclass(frozen=True, kw_only=True)
class Access:
    """What is fetched from where, and what of it could be seen."""

    service: Service
    uses: tuple[Use, ...] = ()
    doors: tuple[tuple[str, str, Door | None], ...] = ()
    subnet: Subnet | None = None

    def door(self, use: Use) -> Door | None:
        """What was seen of the vault of a use."""
        key = (use.vault.casefold(), use.identity.casefold())
        return next((door for vault, identity, door in self.doors if (vault, identity) == key), None)


class VaultAccessMissing:
    name = "vault_access_missing"
    watches = frozenset({"", "certificates"})
    safety = Safety.REPORT_ONLY
    reads = frozenset(
        {
            "Microsoft.ApiManagement/service/read",
            "Microsoft.ApiManagement/service/certificates/read",
            "Microsoft.Authorization/roleAssignments/read",
            "Microsoft.Authorization/roleDefinitions/read",
            "Microsoft.KeyVault/vaults/read",
            "Microsoft.Network/networkSecurityGroups/read",
            "Microsoft.Network/virtualNetworks/read",
        }
    )
    writes: frozenset[str] = frozenset()

    async def observe(self, reader: InstanceReader, desired: Desired, context: VisitContext) -> Access:
        service = await reader.service()
        if not context.thorough:
            return Access(service=service)
        uses = tuple(_uses(service, await reader.certificates(), desired, reader))
        open_ = [use for use in uses if not use.proved]
        keys = sorted({(use.vault.casefold(), use.identity.casefold()) for use in open_})
        doors = await asyncio.gather(*(_door(reader, service, *key) for key in keys))
        subnet = await _subnet(reader, service) if open_ else None
        found = tuple((vault, identity, door) for (vault, identity), door in zip(keys, doors, strict=True))
        return Access(service=service, uses=uses, doors=found, subnet=subnet)

    def plan(self, observed: Access, desired: Desired, context: VisitContext) -> Proposal:
        open_ = [use for use in observed.uses if not use.proved]
        found = [finding for use in open_ for finding in _judged(use, observed)]
        return Proposal(findings=(*found, *_network(observed)))


def _uses(
    service: Service, entities: tuple[Certificate, ...], desired: Desired, reader: InstanceReader
) -> Iterator[Use]:
    """Every fetch that the instance makes or is to make, each once."""
    declared = {one.id.casefold() for one in desired.certificates}
    for one in desired.certificates:
        entity = next((e for e in entities if e.id.name.casefold() == one.id.casefold()), None)
        wanted = f"https://{reader.vault_host(one.source.vault)}/secrets/{one.source.name}"
        same = entity is not None and (entity.secret_identifier or "").casefold() == wanted.casefold()
        same = same and entity is not None and (entity.identity_client_id or "") == (one.identity or "")
        yield Use(
            what=f"the certificate {one.id}",
            target=service.id.child("certificates", one.id),
            vault=one.source.vault,
            identity=one.identity or "",
            failed=_failure(entity) if entity and same else "",
            proved=bool(same and entity and entity.last_status == "Success"),
        )
    for entity in entities:
        if entity.secret_identifier and entity.id.name.casefold() not in declared:
            yield Use(
                what=f"the certificate {entity.id.name}",
                target=entity.id,
                vault=_vault_of(entity.secret_identifier),
                identity=entity.identity_client_id or "",
                failed=_failure(entity),
                proved=entity.last_status == "Success",
            )
    for entry in service.hostnames:
        if entry.key_vault_id:
            yield Use(
                what=f"the certificate of {entry.host}",
                target=service.id,
                vault=_vault_of(entry.key_vault_id),
                identity=entry.identity_client_id or "",
                failed="the status of its certificate is Failed" if entry.status.casefold() == "failed" else "",
            )


def _failure(entity: Certificate) -> str:
    return "" if entity.last_status in ("", "Success") else entity.last_message or entity.last_status


def _vault_of(secret_id: str) -> str:
    return (urlsplit(secret_id).hostname or "").split(".")[0]


async def _door(reader: InstanceReader, service: Service, vault: str, identity: str) -> Door | None:
    try:
        found = await reader.vault(vault)
    except Denied:
        return None
    if found is None:
        return None
    principal = service.principal(identity)
    if not principal or not found.rbac:
        return Door(vault=found, grants=())
    try:
        return Door(vault=found, grants=await reader.grants(found.id, principal))
    except Denied:
        return Door(vault=found, grants=None)


async def _subnet(reader: InstanceReader, service: Service) -> Subnet | None:
    if not service.subnet_id:
        return None
    try:
        return await reader.subnet(ResourceId.of(service.subnet_id))
    except Denied:
        return None


def _judged(use: Use, observed: Access) -> Iterator[Finding]:
    """What stands between an identity and a certificate, the nearest first."""
    service = observed.service
    principal, door = service.principal(use.identity), observed.door(use)
    if not principal:
        yield _no_identity(use, service)
    elif door is None:
        what = f"The vault {use.vault}, which {use.what} comes from, can't be seen."
        mend = (
            f"az keyvault show --name {use.vault}   # is it there?",
            f"az keyvault recover --name {use.vault}   # if it was deleted within its retention time",
        )
        yield _finding(use, "vault_unseen", what, "It is gone, or we have no right to read it.", mend, certain=False)
    else:
        yield from _firewall(use, door.vault, observed)
        yield from _permission(use, door, principal)


def _no_identity(use: Use, service: Service) -> Finding:
    name, group = service.name, service.id.resource_group
    if not use.identity:
        what = f"{name} has no system-assigned identity, which is to fetch {use.what}."
        step = f"az apim update --name {name} --resource-group {group} --enable-managed-identity true"
        return _finding(use, "identity_absent", what, "Identities are given by a person.", (step,))
    what = f"{name} does not have the user-assigned identity {use.identity}, which is to fetch {use.what}."
    kind = "SystemAssigned, UserAssigned" if service.system_principal else "UserAssigned"
    every = ", ".join(f'"{id}": {{}}' for id in (*(user.id for user in service.user_identities), "'\"$ID\"'"))
    body = f'{{"identity": {{"type": "{kind}", "userAssignedIdentities": {{{every}}}}}}}'
    steps = (
        f"ID=$(az identity list --query \"[?clientId=='{use.identity}'].id\" --output tsv)",
        f"az rest --method patch --url \"{service.id}?api-version=2024-05-01\" --body '{body}'",
    )
    return _finding(use, "identity_absent", what, "Identities are given by a person.", steps)


def _firewall(use: Use, vault: Vault, observed: Access) -> Iterator[Finding]:
    """A closed vault: trusted services pass with the system-assigned identity only."""
    if not vault.shut or (vault.lets_azure_in and not use.identity):
        return
    subnet = observed.subnet
    if subnet is not None and subnet.id in vault.subnets and _ENDPOINT in subnet.service_endpoints:
        return
    if use.identity and vault.lets_azure_in:
        what = f"The firewall of {vault.name} lets trusted services in with their system-assigned identity only."
        steps = (f"Take `identity` off {use.what} in the desired state, and give the system-assigned one access.",)
    else:
        what = f"The firewall of {vault.name} lets no trusted services in."
        steps = (f"az keyvault update --name {vault.name} --bypass AzureServices",)
    why = f"{use.what[:1].upper()}{use.what[1:]} can't be fetched through it."
    yield _finding(use, "vault_firewall", what, why, steps)


def _permission(use: Use, door: Door, principal: str) -> Iterator[Finding]:
    vault = door.vault
    if vault.rbac:
        if door.grants is not None and any(grant.allows(READ_SECRET) for grant in door.grants):
            return
        seen = "Its role assignments can't be read by us" if door.grants is None else "No role that reads secrets is"
        seen += "." if door.grants is None else f" assigned to {principal} itself, on {vault.name} or above."
        step = (
            f'az role assignment create --role "{CERTIFICATE_USER}" --assignee-object-id {principal} '
            f"--assignee-principal-type ServicePrincipal --scope {vault.id}"
        )
    else:
        if any(policy.principal == principal.casefold() and policy.reads for policy in vault.policies):
            return
        seen = f"No access policy of {vault.name} gives {principal} itself get and list on secrets."
        step = f"az keyvault set-policy --name {vault.name} --object-id {principal} --secret-permissions get list"
    certain = bool(use.failed)
    who = f"the identity {use.identity}" if use.identity else "the system-assigned identity"
    verb = "can't" if certain else "may not be able to"
    what = f"{who[:1].upper()}{who[1:]} {verb} read {use.what} in {vault.name}."
    azure = f" Azure said: {use.failed}." if certain else " A group may still give access, which can't be seen."
    yield _finding(use, "vault_access_missing", what, f"{seen}{azure}", (step,), certain=certain)


def _network(observed: Access) -> Iterator[Finding]:
    """What a virtual network has to let through: https://learn.microsoft.com/azure/api-management/virtual-network-reference"""
    subnet, service = observed.subnet, observed.service
    if subnet is None:
        return
    use = Use(what="certificates", target=service.id, vault="", identity="")
    closed = any(door and door.vault.shut and not door.vault.lets_azure_in for _, _, door in observed.doors)
    if closed and _ENDPOINT not in subnet.service_endpoints:
        every = " ".join(sorted({*subnet.service_endpoints, _ENDPOINT}))
        step = f"az network vnet subnet update --ids {subnet.id} --service-endpoints {every}"
        what = f"The subnet of {service.name} has no service endpoint for Key Vault."
        yield _finding(use, "network_endpoint_missing", what, "A closed vault can't know it.", (step,))
    for tag in _TAGS:
        rule = subnet.denies(tag)
        if rule is not None and subnet.security_group is not None:
            group = subnet.security_group
            step = (
                f"az network nsg rule create --resource-group {group.resource_group} --nsg-name {group.name} "
                f"--name Allow{tag} --priority {max(100, rule.priority - 1)} --direction Outbound --access Allow "
                f"--protocol Tcp --source-address-prefixes VirtualNetwork --destination-address-prefixes {tag} "
                "--destination-port-ranges 443"
            )
            what = f"The rule {rule.name} of {group.name} keeps {service.name} from {tag}."
            yield _finding(use, "network_blocks_vault", what, "Certificates can't be fetched through it.", (step,))


def _finding(use: Use, code: str, message: str, why: str, steps: tuple[str, ...], *, certain: bool = True) -> Finding:
    return Finding(
        code=code,
        target=use.target,
        remediator=VaultAccessMissing.name,
        severity=Severity.HIGH if certain else Severity.LOW,
        message=message,
        why_left=why,
        steps=steps,
    )
