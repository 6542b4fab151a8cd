"""Every finding offers a hand-off, or says in one sentence why it has none."""

import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimend.mends import deeds, element
from apimend.model.access import SecurityRule, Subnet, Vault
from apimend.model.azure import Hostname, Service, UserIdentity
from apimend.model.ids import ResourceId
from apimend.model.plan import Finding, Kind, Severity, canonical
from apimend.model.tiers import tier
from apimend.report.handoff import FINDINGS, of_change, of_finding
from script.card_samples import ATTACH, INSTANCE
from script.findings import ROOT, codes
from tests.report.hostile import NASTY
from tests.report.languages import AZURERM, bicep_members, is_member, terraform_arguments

SERVICES = tuple(
    Service(
        id=INSTANCE,
        name=INSTANCE.name,
        location="West Europe",
        tier=tier(sku),
        etag="",
        provisioning_state="Succeeded",
        target_state="",
        hostnames=(),
        enable_client_certificate=None,
        user_identities=(UserIdentity(id=INSTANCE.child("x"), client_id="c", principal_id="p"),),
    )
    for sku in ("Premium", "StandardV2", "Consumption")
)
DOCUMENTED = sorted(set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/findings.md").read_text("utf-8"), re.MULTILINE)))
TARGETS = (
    INSTANCE,
    INSTANCE.child("certificates", "partner-a"),
    INSTANCE.child("backends", "orders"),
    INSTANCE.child("gateways", "site"),
    INSTANCE.child("apis", "orders"),
    ResourceId.of("/subscriptions/not-a-guid/resourceGroups/r/providers/Microsoft.ApiManagement/service/x/backends/b"),
)
SENTENCE = re.compile(r"[A-Z].{20,}\.")


def finding(code: str, target: ResourceId = INSTANCE, hand_off: str = "") -> Finding:
    return Finding(
        code=code, target=target, remediator="r", severity=Severity.LOW, message="Something.", hand_off=hand_off
    )


@pytest.mark.parametrize("code", DOCUMENTED)
def test_each_code_has_a_hand_off_or_a_reason(code: str) -> None:
    """
    Whatever its target, a finding of docs/findings.md gives snippets or one whole sentence, and never both.
    """
    for target in TARGETS:
        found = of_finding(finding(code, target))

        assert bool(found.lines) != bool(found.why_none)
        assert not found.why_none or SENTENCE.fullmatch(found.why_none)


def test_the_table_has_the_codes_of_the_sources() -> None:
    """
    The table of hand-offs and the sources have the same codes.
    """
    assert set(codes()) == set(FINDINGS)


def test_the_rules_own_snippet_comes_first() -> None:
    """
    What a rule gives is handed on as it is.
    """
    assert ("one", "two") == of_finding(finding("backend_tls_unvalidated", TARGETS[2], "one\ntwo")).lines


def mended() -> list[str]:
    """The text of every kind of mend that findings and changes can have."""
    home = INSTANCE.text.partition("/providers/")[0]
    vault = Vault(id=ResourceId.of(f"{home}/providers/Microsoft.KeyVault/vaults/kv"), name="kv", rbac=True)
    network = ResourceId.of(f"{home}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/apim")
    group = ResourceId.of(f"{home}/providers/Microsoft.Network/networkSecurityGroups/nsg")
    rule = SecurityRule(name="deny", priority=200, allows=False, destinations=frozenset(), ports=frozenset())
    subnet = Subnet(id=network, service_endpoints=frozenset({"Microsoft.Sql"}), security_group=group, outbound=(rule,))
    host = Hostname(type="Proxy", host="api.contoso.com", negotiates=False, source="Custom")
    owned: tuple[tuple[Kind, ResourceId, object], ...] = (
        (Kind.CERTIFICATE, INSTANCE.child("certificates", "a"), {"data": "AAAA"}),
        (Kind.BACKEND, INSTANCE.child("backends", "b"), {"tls": {"validateCertificateChain": True}}),
        (Kind.BACKEND, INSTANCE.child("backends", "b"), {"credentials": {"certificateIds": ["/x"]}}),
        (
            Kind.GATEWAY_HOSTNAME,
            INSTANCE.child("gateways", "g", "hostnameConfigurations", "h"),
            {"negotiateClientCertificate": True},
        ),
        (
            Kind.GATEWAY_AUTHORITY,
            INSTANCE.child("gateways", "g", "certificateAuthorities", "a"),
            {"isTrusted": True},
        ),
        (Kind.SERVICE_CA, INSTANCE, {"certificates": [{"encodedCertificate": "A", "storeName": "Root"}]}),
    )
    changes = [
        replace(ATTACH, kind=kind, target=target, after=canonical(after), hand_off="") for kind, target, after in owned
    ]
    texts = ["\n".join(of_change(change).lines) for change in changes]
    texts += ["\n".join(of_finding(finding(code, target)).lines) for code in FINDINGS for target in TARGETS]
    return [
        *filter(None, texts),
        deeds.grant(vault, "p"),
        deeds.grant(replace(vault, rbac=False), "p"),
        deeds.let_azure_in(vault),
        deeds.service_endpoint(subnet, "Microsoft.KeyVault"),
        deeds.let_out(group, "AzureKeyVault", 199),
        deeds.vault_certificate("kv", "partner-a"),
        *(deeds.host_from_vault(service, host) for service in SERVICES),
        *(deeds.ask_for_certificates(service, [host]) for service in SERVICES),
        *(deeds.identity(service, user_assigned=user) for service in SERVICES for user in (True, False)),
    ]


@pytest.mark.parametrize("text", mended(), ids=lambda text: text.partition("\n")[0][:30])
def test_each_language_has_these_names(text: str) -> None:
    """
    Arguments are those of azurerm, members those of Microsoft's types of Bicep.
    """
    assert [] == [f"{kind}: {name}" for kind, name in terraform_arguments(text) if name not in AZURERM[kind]]
    apim = [(kind, path) for kind, path in bicep_members(text) if kind.startswith("Microsoft.ApiManagement/")]
    assert [] == [f"{kind}: {path}" for kind, path in apim if not is_member(kind, path)]


HOSTILE = st.one_of(st.sampled_from([*NASTY, "${file(1)}", "%{if x}", "'}\\", "@(1)"]), st.text(max_size=40))


@given(HOSTILE)
def test_no_name_is_carried_out(name: str) -> None:
    """
    A text from Azure stays within its quotes in Terraform and Bicep, whatever it holds.
    """
    plain = deeds.vault_certificate("kv", "x")
    found = deeds.vault_certificate("kv", name)
    host = Hostname(type="Proxy", host=name, negotiates=False, source="Custom")
    told = deeds.host_from_vault(SERVICES[0], host)

    assert len(plain.splitlines()) == len(found.splitlines())
    for text in (found, told):
        assert "${" not in text.replace("$${", "").replace("\\${", "")
        assert "%{" not in text.partition("// Bicep")[0].replace("%%{", "")
        assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in text.replace("\n", ""))


@given(HOSTILE)
def test_an_element_is_one_element(value: str) -> None:
    """
    An attribute can neither end its element nor be an expression or a named value.
    """
    text = element("set-backend-service", {"backend-id": value})

    assert 1 == text.count("<") == text.count(">")
    assert 2 == text.count('"')
    assert '"@' not in text
    assert "{{" not in text


@pytest.mark.parametrize("name", ["x\n}", 'x"', "x'", "x${y}"], ids=["a line", "a quote", "an apostrophe", "a splice"])
def test_a_hostile_resource_name_stays_a_name(name: str) -> None:
    """
    A backend with a hostile name is told in as many lines as any other.
    """
    target = replace(INSTANCE.child("backends", "orders"))
    hostile = replace(target, text=target.text.replace("orders", name), key=target.key.replace("orders", name))
    lines = of_finding(finding("backend_tls_unvalidated", hostile)).lines

    assert len(of_finding(finding("backend_tls_unvalidated", target)).lines) == len(lines)
