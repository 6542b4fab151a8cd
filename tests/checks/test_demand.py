"""What the declared check comes to, and what forbids it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from apimend.arrival import Arrival
from apimend.clients import Client
from apimend.demand import Known, demands, refusals, switched
from apimend.model.azure import Certificate, Service
from apimend.model.check import ClientCertificateCheck, ClientIdentity, Form
from apimend.model.desired import Arrives, DeclaredCheck, DeclaredClient, DeclaredScope, Desired, State
from apimend.model.ids import InstanceId
from apimend.model.tiers import tier

ID = InstanceId.of(
    "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.ApiManagement/service/a"
)
SERVICE = Service(
    id=ID,
    name="a",
    location="West Europe",
    tier=tier("Developer"),
    etag="",
    provisioning_state="Succeeded",
    target_state="",
    hostnames=(),
    enable_client_certificate=None,
)
CHECK = DeclaredCheck(template=ClientCertificateCheck(validate_trust=False, validate_revocation=False))
EXPRESSION = replace(CHECK, form=Form.EXPRESSION)
ATTACHED = replace(CHECK, form=Form.ATTACHED)


def clients(count: int) -> tuple[DeclaredClient, ...]:
    """So many declared clients."""
    return tuple(DeclaredClient(name=f"client-{number}", thumbprint=pin(number)) for number in range(count))


def pin(number: int) -> str:
    """The thumbprint of one of them."""
    return f"{number:040X}"


def known(count: int, attached: int) -> Known:
    """What was read: the clients, and the certificates of the first of them."""
    entities = (
        Certificate(id=ID.child("certificates", f"c-{number}"), subject="", thumbprint=pin(number), expires=None)
        for number in range(attached)
    )
    return Known(
        arrival=Arrival(service=SERVICE),
        clients=tuple(Client(name=each.name, thumbprint=each.thumbprint or "") for each in clients(count)),
        pinned=frozenset(),
        authorities=(),
        certificates=tuple(entities),
        now=datetime(2026, 11, 22, tzinfo=UTC),
    )


def desired(check: DeclaredCheck, count: int) -> Desired:
    """A desired state with so many clients."""
    return Desired(instance=ID, arrives=Arrives.DIRECT, check=check, clients=clients(count))


CASES = {
    "one": (CHECK, 1, 0, set()),
    "ten": (CHECK, 10, 0, set()),
    "eleven, all attached": (CHECK, 11, 11, set()),
    "eleven, one not attached": (CHECK, 11, 10, {"client_would_be_refused"}),
    "eleven, and another attached": (CHECK, 11, 12, {"attached_admits_others"}),
    "none": (CHECK, 0, 0, {"check_without_meaning"}),
    "a condition for one": (EXPRESSION, 1, 0, set()),
    "a condition for two": (EXPRESSION, 2, 0, {"check_not_writable"}),
    "against what is attached": (ATTACHED, 2, 2, set()),
    "against more than is declared": (ATTACHED, 1, 2, {"attached_admits_others"}),
    "names without trust": (
        replace(CHECK, template=replace(CHECK.template, identities=(ClientIdentity(common_name="a"),))),
        1,
        0,
        {"forgeable_names"},
    ),
}


@pytest.mark.parametrize(("check", "count", "attached", "codes"), CASES.values(), ids=CASES)
def test_what_forbids_a_check(check: DeclaredCheck, count: int, attached: int, codes: set[str]) -> None:
    """
    A check goes in only where every declared client passes it, and nobody else.
    """
    assert codes == {each.code for each in refusals(desired(check, count), known(count, attached))}


@pytest.mark.parametrize(("count", "form"), [(10, Form.ELEMENT), (11, Form.ATTACHED)], ids=["ten", "eleven"])
def test_more_clients_than_an_element_takes_are_looked_for_among_the_attached(count: int, form: Form) -> None:
    """
    Azure takes ten identities; beyond that the check goes by the attached certificates, and a sentence says so.
    """
    (demand,) = demands(desired(CHECK, count), known(count, count).clients, frozenset())

    assert (form, form is Form.ATTACHED) == (demand.check.form, bool(tuple(switched([demand]))))


def test_a_scope_is_rehearsed_with_its_own_check_alone() -> None:
    """
    Clients of a scope needn't pass the instance's check, and what is wrong with theirs names the scope.
    """
    own = DeclaredScope(scope="apis/orders", check=EXPRESSION, clients=clients(2))
    declared = replace(desired(CHECK, 1), scopes=(own,))
    (refusal,) = refusals(declared, known(2, 0))

    assert ("check_not_writable", True) == (refusal.code, refusal.message.startswith("apis/orders: "))


def test_what_is_declared_absent_is_no_demand() -> None:
    """
    A scope whose check is to go is not asked whether it could be put in.
    """
    own = DeclaredScope(scope="apis/orders", check=replace(EXPRESSION, state=State.ABSENT), clients=clients(2))

    assert () == tuple(refusals(replace(desired(CHECK, 1), scopes=(own,)), known(2, 0)))


INJECTED = replace(SERVICE, virtual_network_type="Internal")
GATEWAY = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/applicationGateways/front"
BEHIND = Arrival(service=INJECTED, proxies=(GATEWAY,))
HEADER = Desired(
    instance=ID,
    arrives=Arrives.HEADER,
    header="X-Client-Certificate",
    header_restriction="the NSG",
    check=CHECK,
    clients=clients(12),
)
DOUBTS = {
    "everything in place": (HEADER, BEHIND, ""),
    "a private endpoint": (
        HEADER,
        replace(BEHIND, service=replace(SERVICE, tier=tier("StandardV2"), public_access="Disabled")),
        "",
    ),
    "no restriction": (replace(HEADER, header_restriction=""), BEHIND, "going around the proxy"),
    "no proxy in sight": (HEADER, replace(BEHIND, proxies=()), "no Application Gateway is seen"),
    "Front Door": (HEADER, replace(BEHIND, behind_front_door="all APIs"), "Front Door is in front"),
    "open to everybody": (HEADER, replace(BEHIND, service=SERVICE), "open to everybody"),
    "outbound integration alone": (
        HEADER,
        replace(BEHIND, service=replace(INJECTED, tier=tier("StandardV2"))),
        "open to everybody",
    ),
    "Consumption": (HEADER, replace(BEHIND, service=replace(INJECTED, tier=tier("Consumption"))), "Consumption"),
}


@pytest.mark.parametrize(("declared", "seen", "why"), DOUBTS.values(), ids=DOUBTS)
def test_a_header_is_checked_only_where_nobody_else_can_write_it(declared: Desired, seen: Arrival, why: str) -> None:
    """
    R16: a restriction has to be declared, an Application Gateway to be seen, and nothing to contradict them.
    """
    found = list(refusals(declared, replace(known(12, 0), arrival=seen)))

    assert bool(why) == bool(found)
    assert all((each.code, True) == ("arrives_by_header", why in each.message) for each in found)


def test_a_header_takes_any_number_of_clients_and_no_chain() -> None:
    """
    Ten is the limit of the element; the proxy has checked the chain, so the check goes by thumbprints alone.
    """
    (demand,) = demands(HEADER, known(12, 0).clients, frozenset())
    check = demand.check

    assert (Form.HEADER, 12, False) == (check.form, len(check.identities), check.validate_trust)


def test_names_tell_nobody_in_a_header() -> None:
    """
    Whoever has the chain checked elsewhere can't be told by a name here.
    """
    named = replace(CHECK, template=replace(CHECK.template, identities=(ClientIdentity(subject="CN=a"),)))
    found = refusals(replace(HEADER, check=named), replace(known(12, 0), arrival=BEHIND))

    assert {"check_not_writable", "forgeable_names"} == {each.code for each in found}
