"""
A Key Vault certificate that the instance's identity can't read.

What it finds: no identity of the declared kind or a deleted one, a vault that was deleted or whose access policies or
roles name the identity nowhere, a firewall that it does not pass, and a virtual network that keeps the instance from
Key Vault or Microsoft Entra ID.
Why it matters: attaching fails, and what is attached already is not renewed: it expires one day, unseen.
What it changes: nothing. It names the exact command, filled in. Who grants access to a vault should be a person.
Fix safety: report only. Access through groups, just-in-time roles and deny assignments can't be seen from outside,
so where Azure has not refused yet, a grant that is not seen is told as unknown, never as missing.
References: https://learn.microsoft.com/azure/api-management/configure-custom-domain,
https://learn.microsoft.com/azure/key-vault/general/rbac-guide
"""

from collections.abc import Iterator

from apimend.fetches import Access, Door, Unseen, Use, access
from apimend.mends import deeds
from apimend.model.access import CERTIFICATE_USER, READ_SECRET, Vault
from apimend.model.azure import Service
from apimend.model.desired import Desired
from apimend.model.plan import Finding, Severity
from apimend.ports import InstanceReader, Proposal, Safety, VisitContext

_ENDPOINT = "Microsoft.KeyVault"
_TAGS = ("AzureKeyVault", "AzureActiveDirectory")


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
            "Microsoft.KeyVault/deletedVaults/read",
            "Microsoft.KeyVault/vaults/read",
            "Microsoft.ManagedIdentity/userAssignedIdentities/read",
            "Microsoft.Network/networkSecurityGroups/read",
            "Microsoft.Network/virtualNetworks/read",
        }
    )
    writes: frozenset[str] = frozenset()

    async def observe(self, reader: InstanceReader, desired: Desired, context: VisitContext) -> Access:
        return await access(reader, desired) if context.thorough else Access(service=await reader.service())

    def plan(self, observed: Access, desired: Desired, context: VisitContext) -> Proposal:
        open_ = [use for use in observed.uses if not use.proved]
        found = [finding for use in open_ for finding in _judged(use, observed)]
        return Proposal(findings=(*found, *_network(observed)))


def _judged(use: Use, observed: Access) -> Iterator[Finding]:
    """What stands between an identity and a certificate, the nearest first."""
    service = observed.service
    principal, door = service.principal(use.identity), observed.door(use)
    if not principal:
        yield _no_identity(use, service)
    elif use.identity.casefold() in observed.vanished:
        yield _vanished_identity(use, service)
    elif isinstance(door, Unseen):
        yield _no_vault(use, door)
    else:
        yield from _firewall(use, door.vault, observed)
        yield from _permission(use, door, principal)


def _no_identity(use: Use, service: Service) -> Finding:
    name, group = service.name, service.id.resource_group
    if not use.identity:
        what = f"{name} has no system-assigned identity, which is to fetch {use.what}."
        step = f"az apim update --name {name} --resource-group {group} --enable-managed-identity true"
        code = deeds.identity(service, user_assigned=False)
        return _finding(use, "identity_absent", what, "Identities are given by a person.", (step,), hand_off=code)
    what = f"{name} does not have the user-assigned identity {use.identity}, which is to fetch {use.what}."
    kind = "SystemAssigned, UserAssigned" if service.system_principal else "UserAssigned"
    every = ", ".join(f'"{id}": {{}}' for id in (*(user.id for user in service.user_identities), "'\"$ID\"'"))
    body = f'{{"identity": {{"type": "{kind}", "userAssignedIdentities": {{{every}}}}}}}'
    steps = (
        f"ID=$(az identity list --query \"[?clientId=='{use.identity}'].id\" --output tsv)",
        f"az rest --method patch --url \"{service.id}?api-version=2024-05-01\" --body '{body}'",
    )
    code = deeds.identity(service, user_assigned=True)
    return _finding(use, "identity_absent", what, "Identities are given by a person.", steps, hand_off=code)


def _vanished_identity(use: Use, service: Service) -> Finding:
    user = next(one for one in service.user_identities if one.client_id.casefold() == use.identity.casefold())
    what = f"The identity {user.id.name}, which is to fetch {use.what}, was deleted; {service.name} still names it."
    steps = (
        f"az identity create --name {user.id.name} --resource-group {user.id.resource_group}   # it has new ids then",
        f"Give it access to {use.vault}, and its client id to {use.what} (`identity` in the desired state).",
    )
    why = "A deleted identity can't be had back, and every fetch with it fails."
    return _finding(use, "identity_deleted", what, why, steps)


def _no_vault(use: Use, door: Unseen) -> Finding:
    if door.kept is not None:
        why = f"{use.what[:1].upper()}{use.what[1:]} can't be fetched from it any more."
        return _finding(use, "vault_deleted", f"{door.kept}", why, door.kept.steps)
    what = f"The vault {use.vault}, which {use.what} comes from, can't be seen."
    why = "It is gone, or we have no right to read it."
    steps = [f"az keyvault show --name {use.vault}   # is it there?"]
    if door.looked:
        why += " It is not among the deleted vaults of this subscription."
    else:
        steps.append(f"az keyvault recover --name {use.vault}   # if it was deleted within its retention time")
    return _finding(use, "vault_unseen", what, why, tuple(steps), certain=False)


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
        code = ""
    else:
        what = f"The firewall of {vault.name} lets no trusted services in."
        steps = (f"az keyvault update --name {vault.name} --bypass AzureServices",)
        code = deeds.let_azure_in(vault)
    why = f"{use.what[:1].upper()}{use.what[1:]} can't be fetched through it."
    yield _finding(use, "vault_firewall", what, why, steps, hand_off=code)


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
    code = deeds.grant(vault, principal)
    yield _finding(use, "vault_access_missing", what, f"{seen}{azure}", (step,), certain=certain, hand_off=code)


def _network(observed: Access) -> Iterator[Finding]:
    """What a virtual network has to let through: https://learn.microsoft.com/azure/api-management/virtual-network-reference"""
    subnet, service = observed.subnet, observed.service
    if subnet is None:
        return
    use = Use(what="certificates", target=service.id, vault="", identity="")
    seen = [door.vault for door in observed.doors.values() if isinstance(door, Door)]
    closed = any(vault.shut and not vault.lets_azure_in for vault in seen)
    if closed and _ENDPOINT not in subnet.service_endpoints:
        every = " ".join(sorted({*subnet.service_endpoints, _ENDPOINT}))
        step = f"az network vnet subnet update --ids {subnet.id} --service-endpoints {every}"
        what = f"The subnet of {service.name} has no service endpoint for Key Vault."
        code = deeds.service_endpoint(subnet, _ENDPOINT)
        yield _finding(use, "network_endpoint_missing", what, "A closed vault can't know it.", (step,), hand_off=code)
    for tag in _TAGS:
        rule = subnet.denies(tag)
        if rule is not None and subnet.security_group is not None:
            group, priority = subnet.security_group, max(100, rule.priority - 1)
            step = (
                f"az network nsg rule create --resource-group {group.resource_group} --nsg-name {group.name} "
                f"--name Allow{tag} --priority {priority} --direction Outbound --access Allow "
                f"--protocol Tcp --source-address-prefixes VirtualNetwork --destination-address-prefixes {tag} "
                "--destination-port-ranges 443"
            )
            what = f"The rule {rule.name} of {group.name} keeps {service.name} from {tag}."
            why, code = "Certificates can't be fetched through it.", deeds.let_out(group, tag, priority)
            yield _finding(use, "network_blocks_vault", what, why, (step,), hand_off=code)


def _finding(
    use: Use,
    code: str,
    message: str,
    why: str,
    steps: tuple[str, ...],
    *,
    certain: bool = True,
    hand_off: str = "",
) -> Finding:
    return Finding(
        code=code,
        target=use.target,
        remediator=VaultAccessMissing.name,
        severity=Severity.HIGH if certain else Severity.LOW,
        message=message,
        why_left=why,
        steps=steps,
        hand_off=hand_off,
    )
