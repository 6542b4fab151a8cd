"""
Hand-offs of findings: one declared table by code.

A rule that knows more than the code and the target, such as the vault and the identity, gives its snippet with the
finding; that comes first. Each code of docs/findings.md has an entry here: a mend, or why the owner's code has none.
"""

from collections.abc import Callable, Mapping

from apimend.mends import Block, Mend, Var, is_known
from apimend.model.ids import ResourceId
from apimend.model.plan import Finding
from apimend.report.handoff.told import HandOff

Make = Callable[[ResourceId], Mend]
_OTHER = "This finding is newer than the table of hand-offs; its steps tell what to do."

_DESIRED = "It is mended in Apimend's desired state, not in the code of the instance."
_PERSON = "A person has to decide; then the change goes in by whatever code owns the resource."
_OWN_ACCESS = "What Apimend may read is granted by its own deployment (infra/), not by the code of the instance."
_VAULT = "Certificates of a vault are issued in the vault, not in code of the instance; the steps have the command."
_NEW_IDENTITY = "Which identity takes its place, a person decides; then its id replaces the old one in the code."
_LOST = "The code that declares the hosts still has them: apply it again, or put back what the finding names."
_APIMEND = "Nothing in the owner's code causes it: it is between Apimend and Azure."
_BY_RULE = "The steps of the finding are the whole mend; here it has no certain counterpart in code."


def of_finding(finding: Finding) -> HandOff:
    """The rule's own snippet, or what the table makes of code and target."""
    if finding.hand_off:
        return HandOff.of(finding.hand_off, _BY_RULE)
    entry = TABLE.get(finding.code, _OTHER)
    if isinstance(entry, str):
        return HandOff(why_none=entry)
    needs, make = entry
    if not needs(finding.target) or not is_known(finding.target):
        return HandOff(why_none=_PERSON)
    return HandOff.of(make(finding.target).text, _PERSON)


def _below(segment: str) -> Callable[[ResourceId], bool]:
    def is_it(target: ResourceId) -> bool:
        parts = target.below_instance.split("/")
        return len(parts) == 2 and parts[0].casefold() == segment

    return is_it


def _from_vault(target: ResourceId) -> Mend:
    return Mend(
        target=target,
        arm={"properties": {"keyVault": {"secretIdentifier": Var("secret_id")}}},
        azurerm={"key_vault_secret_id": Var("secret_id")},
        note="secret_id: the certificate in the vault, without a version",
    )


def _validated(target: ResourceId) -> Mend:
    return Mend(
        target=target,
        arm={"properties": {"tls": {"validateCertificateChain": True, "validateCertificateName": True}}},
        azurerm={"tls": Block({"validate_certificate_chain": True, "validate_certificate_name": True})},
        note="First trust the authority of its certificate, or this cuts its traffic",
    )


def _gateway_host(target: ResourceId) -> Mend:
    asked = {"negotiateClientCertificate": True, "http2Enabled": True}
    return Mend(
        target=target.child("hostnameConfigurations", "host"),
        arm={"properties": {"hostname": Var("host_name"), "certificateId": Var("certificate_id"), **asked}},
        azurerm={
            "host_name": Var("host_name"),
            "certificate_id": Var("certificate_id"),
            "request_client_certificate_enabled": True,
            "http2_enabled": True,
        },
        new=True,
    )


TABLE: Mapping[str, str | tuple[Callable[[ResourceId], bool], Make]] = {
    "instance_unreadable": _OWN_ACCESS,
    "desired_state_unreadable": _DESIRED,
    "no_longer_managed": _DESIRED,
    "rule_denied": _OWN_ACCESS,
    "rule_failed": _APIMEND,
    "tier_unknown": _APIMEND,
    "update_failed": _APIMEND,
    "update_stuck": _APIMEND,
    "hostnames_lost": _LOST,
    "visit_too_long": _APIMEND,
    "handshakes_not_seen": _APIMEND,
    "walk_unfinished": _APIMEND,
    "order_refused": _APIMEND,
    "undo_refused": "What depends on the change has to be taken away first; the finding says what that is.",
    "relax_incomplete": 'In each check that is named, write ignore-error="true" by hand: whose text that is, is '
    "nothing Apimend could know.",
    "negotiation_lost": _BY_RULE,
    "fight_detected": _BY_RULE,
    "negotiation_not_observed": "The instance is set right; what stands in front of its host ends TLS, and only its "
    "owner knows whose code that is.",
    "canary_let_in": "Something else answers on that path; whose code that is, has to be found out first.",
    "check_refused": "The check would lock callers out; what has to come first stands in the reason.",
    "check_observes": _DESIRED,
    "foreign_check": "Which of the two checks is right, a person decides: theirs is declared, or taken out.",
    "policy_not_understood": "What it means has to be made clear by its author; the message has line and column.",
    "policy_too_large": "Which parts go into fragments, the author of the policy decides.",
    "scope_not_found": _DESIRED,
    "operations_not_covered": "Each document has a reason of its own, which the message tells with its line; whether "
    "it was meant so, its author knows.",
    "forwarded_header_check": "How the direct path is closed depends on the proxy that stands in front.",
    "arrival_undeclared": _DESIRED,
    "arrives_by_header": "A check of a header is put in by hand, once the direct path is closed.",
    "proxy_in_front": "Whether the proxy goes, or certificates arrive in a header, a person decides.",
    "client_would_be_refused": "The client's certificate has to change, or what is declared of it; the message tells.",
    "check_without_meaning": _DESIRED,
    "check_not_writable": _DESIRED,
    "too_many_identities": _DESIRED,
    "forgeable_names": _DESIRED,
    "attached_admits_others": "Whether a certificate is declared or detached, a person decides.",
    "observe_on_consumption": _DESIRED,
    "consumption_not_required": _DESIRED,
    "uploaded_certificate": _BY_RULE,
    "hostname_certificate_unfetchable": "The vault has to let the instance in first; the finding of "
    "vault_access_missing has the snippet for that.",
    "certificate_expiring": _VAULT,
    "certificate_expired": _VAULT,
    "certificate_uploaded": (_below("certificates"), _from_vault),
    "certificate_orphaned": "Whether nobody needs it, a person has to find out; then its resource is deleted where it "
    "is declared.",
    "certificate_dangling": "Either the certificate is attached or the mention goes: which, its author knows.",
    "pin_unknown": _DESIRED,
    "rotation_swaps_at_once": _DESIRED,
    "vault_certificate_expired": _VAULT,
    "vault_certificate_gone": _VAULT,
    "vault_certificate_disabled": _VAULT,
    "vault_certificate_ec": _BY_RULE,
    "vault_certificate_not_exportable": _BY_RULE,
    "vault_certificate_not_pkcs12": _BY_RULE,
    "vault_certificate_unseen": _OWN_ACCESS,
    "vault_object_gone": _VAULT,
    "vault_object_deleted": _VAULT,
    "vault_certificate_deleted": _VAULT,
    "workspace_unseen": _OWN_ACCESS,
    "vault_access_missing": _BY_RULE,
    "vault_firewall": _BY_RULE,
    "vault_unseen": _OWN_ACCESS,
    "vault_deleted": "A deleted vault comes back by a command, not by code; the steps have it.",
    "identity_deleted": _NEW_IDENTITY,
    "identity_absent": _BY_RULE,
    "network_blocks_vault": _BY_RULE,
    "network_endpoint_missing": _BY_RULE,
    "authority_expired": _DESIRED,
    "authority_is_no_ca": _DESIRED,
    "authority_is_no_root": _DESIRED,
    "authority_name_taken": _DESIRED,
    "authority_unreadable": _DESIRED,
    "ca_entry_kept": _DESIRED,
    "ca_store_full": "Which authority is needed no more, a person decides.",
    "ca_store_unsupported": "The tier has no store for authorities, so no code can put one in.",
    "backend_absent": _DESIRED,
    "backend_never_selected": _BY_RULE,
    "api_bypasses_backend": _BY_RULE,
    "backend_tls_unvalidated": (_below("backends"), _validated),
    "backend_unreachable": "Whether its certificate would pass, can only be seen from a network that reaches it.",
    "backend_would_fail": "The backend's own certificate has to be mended first, by whoever runs it.",
    "gateway_absent": _DESIRED,
    "gateway_without_hostname": (_below("gateways"), _gateway_host),
}
"""What there is for each code: why there is nothing, or for which targets, and the mend."""
