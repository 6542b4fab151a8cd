"""What the declared check comes to, and what forbids it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from apimend.clients import Client
from apimend.demand import Known, demands, refusals
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
        service=SERVICE,
        clients=tuple(Client(name=each.name, thumbprint=each.thumbprint or "") for each in clients(count)),
        pinned=frozenset(),
        authorities=(),
        certificates=tuple(entities),
        proxies=(),
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
    Azure takes ten identities; beyond that the check goes by the attached certificates.
    """
    (demand,) = demands(desired(CHECK, count), known(count, count).clients, frozenset())

    assert form is demand.check.form


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
