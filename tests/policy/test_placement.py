"""Where checks go, what is left alone, and that placing again changes nothing."""

from dataclasses import replace

import pytest

from apimend.model.check import ClientCertificateCheck, ClientIdentity
from apimend.policy import (
    NEW_GLOBAL,
    NEW_INNER,
    ApiNode,
    Document,
    Guard,
    Host,
    Left,
    Placement,
    Record,
    Standards,
    Topology,
    Wish,
    find_checks,
    is_bare,
    judge,
    own_after,
    place,
    read_documents,
    take_out,
)
from tests.policy.tenants import CHECK, ELEMENT, HOST, ORDERS, OTHER, PIN, STANDARDS, STATUS, noted, policy, topology

WISH = Wish(check=CHECK)
THEIRS = replace(CHECK, identities=(ClientIdentity(thumbprint=OTHER),))
BASE = "<base />"


def applied(instance: Topology, placement: Placement) -> Topology:
    """The instance with the edits made."""
    edited = {edit.scope: Document.parse(edit.after) for edit in placement.edits}
    return replace(instance, documents={**instance.documents, **edited})


def guards(placement: Placement) -> dict[str, Guard | None]:
    """The guard of the check that each edit leaves."""
    return {edit.scope: find_checks(Document.parse(edit.after))[0].guard for edit in placement.edits}


PLACES = {
    "nothing there": ({}, [""]),
    "a global document": ({"": policy("")}, [""]),
    "inner documents with base": ({"": policy(""), "apis/orders": policy(BASE)}, [""]),
    "an API without base": ({"apis/orders": policy("<set-variable />")}, ["apis/orders", ""]),
    "an operation without base": ({"apis/orders/operations/get": policy("")}, ["apis/orders/operations/get", ""]),
    "an operation without base in such an API": (
        {"apis/orders": policy(""), "apis/orders/operations/get": policy("")},
        ["apis/orders", "apis/orders/operations/get", ""],
    ),
    "a product without base": ({"products/gold": policy("")}, ["products/gold", ""]),
    "a request before base": ({"apis/orders": policy(f"<send-request />{BASE}")}, ["apis/orders", ""]),
    "there already": ({"": policy(ELEMENT)}, []),
    "there already by other means": ({"": policy(""), "apis/orders": policy(ELEMENT)}, [""]),
}


@pytest.mark.parametrize(("documents", "scopes"), PLACES.values(), ids=PLACES)
def test_the_fewest_edits_cover_everything(documents: dict[str, str], scopes: list[str]) -> None:
    """
    One check at global scope, and one below each document that it does not reach behind; then nothing is left.
    """
    instance = topology(documents)
    placement = place(instance, STANDARDS, WISH)

    assert scopes == [edit.scope for edit in placement.edits]
    assert (3, 3, ()) == (placement.after.figures.covered, placement.after.figures.total, placement.unplaced)
    assert () == place(applied(instance, placement), STANDARDS, WISH).edits


def test_a_new_document_changes_nothing_else() -> None:
    """
    Where a scope has no document, it gets one that lets everything run as before.
    """
    placement = place(topology({}), STANDARDS, WISH)
    edit = placement.edits[0]

    assert edit.before is None
    assert is_bare(NEW_GLOBAL)
    assert not is_bare(edit.after)


def test_coverage_never_dips_on_the_way() -> None:
    """
    After each single edit no operation is worse off than before.
    """
    instance = topology({"apis/orders": policy(""), "products/gold": policy("")})
    placement = place(instance, STANDARDS, WISH)
    steps = [judge(instance, STANDARDS).figures.covered]
    for edit in placement.edits:
        instance = replace(instance, documents={**instance.documents, edit.scope: Document.parse(edit.after)})
        steps.append(judge(instance, STANDARDS).figures.covered)

    assert sorted(steps) == steps


WAIVERS = {
    "an API": ("apis/status", Guard(except_apis=frozenset({"status"}))),
    "an API in Azure's words": ("/apis/Status/policies/policy", Guard(except_apis=frozenset({"status"}))),
    "an operation": ("apis/orders/operations/get", Guard(except_operations=frozenset({("orders", "get")}))),
    "a product": ("products/gold", Guard(except_products=frozenset({"gold"}))),
    "something that is not there": ("apis/later", None),
}


@pytest.mark.parametrize(("waiver", "guard"), WAIVERS.values(), ids=WAIVERS)
def test_one_guarded_check_spares_what_is_waived(waiver: str, guard: Guard | None) -> None:
    """
    A waiver becomes a condition of the one global check, not a hundred edits.
    """
    from_azure = waiver.strip("/").removesuffix("/policies/policy").casefold()
    standards = replace(STANDARDS, waivers=frozenset({from_azure}))
    instance = topology({"": policy("")})
    placement = place(instance, standards, WISH)

    assert {"": guard} == guards(placement)
    assert () == place(applied(instance, placement), standards, WISH).edits


def test_a_waived_document_is_not_touched() -> None:
    """
    An API without base that is waived stays as it is.
    """
    standards = replace(STANDARDS, waivers=frozenset({"apis/orders"}))
    placement = place(topology({"apis/orders": policy("")}), standards, WISH)

    assert [""] == [edit.scope for edit in placement.edits]
    assert {"waived": 2, "covered": 1} == placement.after.figures.verdicts


def test_an_own_check_spares_the_waived_operation_in_it() -> None:
    """
    Below a scope without base the waiver is kept as well.
    """
    standards = replace(STANDARDS, waivers=frozenset({"apis/orders/operations/get"}))
    placement = place(topology({"apis/orders": policy("")}), standards, WISH)
    guard = Guard(except_operations=frozenset({("orders", "get")}))

    assert {"apis/orders": guard, "": guard} == guards(placement)


def test_a_waiver_for_everything_places_nothing() -> None:
    """
    An instance that is waived is left alone.
    """
    assert () == place(topology({}), replace(STANDARDS, waivers=frozenset({""})), WISH).edits


def test_an_ended_waiver_takes_the_guard_away() -> None:
    """
    The check is put in anew without its guard, in one edit.
    """
    standards = replace(STANDARDS, waivers=frozenset({"apis/status"}))
    instance = topology({"": policy("\n\t\t<trace />\n\t")})
    first = place(instance, standards, WISH)
    placement = place(applied(instance, first), STANDARDS, replace(WISH, ours=noted(first)))

    assert {"": None} == guards(placement)
    assert 3 == placement.after.figures.covered


def test_another_api_moves_nothing() -> None:
    """
    What comes later is covered at once, or gets one edit of its own.
    """
    instance = topology({"apis/orders": policy("")})
    instance = applied(instance, place(instance, STANDARDS, WISH))
    later = ApiNode(name="later", operations=("a",))
    grown = replace(instance, apis=(later, *instance.apis))
    bare = replace(grown, documents={**grown.documents, "apis/later": Document.parse(policy(""))})

    assert () == place(grown, STANDARDS, WISH).edits
    assert ["apis/later"] == [edit.scope for edit in place(bare, STANDARDS, WISH).edits]


def test_every_revision_gets_its_own() -> None:
    """
    The documents of a revision are its own, and so are their gaps.
    """
    old = ApiNode(name="orders;rev=1", operations=("list",))
    placement = place(topology({"apis/orders;rev=1": policy("")}, apis=(ORDERS, old)), STANDARDS, WISH)

    assert ["apis/orders;rev=1", ""] == [edit.scope for edit in placement.edits]


OWN = ClientCertificateCheck(
    validate_revocation=False, validate_trust=False, identities=(ClientIdentity(thumbprint=OTHER),)
)
BOTH = Standards(thumbprints=frozenset({PIN, OTHER}))


def test_a_scope_with_clients_of_its_own_is_spared_by_the_global_check() -> None:
    """
    Otherwise its clients would have to pass both.
    """
    placement = place(topology({}), BOTH, Wish(check=CHECK, scopes={"apis/orders": OWN}))

    assert {"apis/orders": None, "": Guard(except_apis=frozenset({"orders"}))} == guards(placement)
    assert 3 == placement.after.figures.covered


def test_a_check_of_its_own_stands_before_base_where_outer_scopes_could_answer() -> None:
    """
    A cache at global scope would serve strangers first.
    """
    wish = Wish(check=CHECK, scopes={"apis/orders": OWN})
    placement = place(topology({"": policy("<cache-lookup />"), "apis/orders": policy(BASE)}), BOTH, wish)
    inbound = Document.parse(placement.edits[0].after).section("inbound")

    assert inbound is not None
    assert ["validate-client-certificate", "base"] == [child.name for child in inbound.children]
    assert 3 == placement.after.figures.covered


def test_a_gap_in_a_scope_with_clients_of_its_own_gets_their_check() -> None:
    """
    An operation without base below it is no place for the global clients.
    """
    wish = Wish(check=CHECK, scopes={"apis/orders": OWN})
    placement = place(topology({"apis/orders/operations/get": policy("")}), BOTH, wish)
    found = {edit.scope: find_checks(Document.parse(edit.after))[0].check for edit in placement.edits}

    assert OWN.identities == found["apis/orders/operations/get"].identities


def test_a_scope_that_is_not_there_is_said() -> None:
    """
    A typing error in the desired state creates no document.
    """
    placement = place(topology({"": policy(ELEMENT)}), STANDARDS, Wish(check=CHECK, scopes={"apis/ordres": OWN}))

    assert () == placement.edits
    assert ["apis/ordres"] == [each.scope for each in placement.unplaced]


def test_plain_hosts_and_other_gateways_are_guarded_out() -> None:
    """
    A host that stays plain, and a gateway of which nothing is known, meet no check.
    """
    hosts = (HOST, Host(name="Plain.example.com", negotiates=False), Host(name="e", gateway="edge", negotiates=None))
    wish = Wish(check=CHECK, plain_hosts=frozenset({"plain.example.com"}), only_gateways=frozenset({"managed"}))
    placement = place(topology({}, hosts=hosts), STANDARDS, wish)
    guard = Guard(except_hosts=frozenset({"plain.example.com"}), only_gateways=frozenset({"managed"}))

    assert {"": guard} == guards(placement)
    assert {"bypassed": 3} == placement.after.figures.verdicts


HOSTS = {
    "plain": replace(HOST, negotiates=False),
    "unknown": replace(HOST, negotiates=None),
}


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_nothing_is_placed_where_somebody_could_be_locked_out(host: Host) -> None:
    """
    One host in reach that does not surely ask for certificates is enough.
    """
    placement = place(topology({}, hosts=(HOST, replace(host, name="b"))), STANDARDS, WISH)

    assert ((), [True]) == (placement.edits, [each.blocks for each in placement.unplaced])


def test_a_check_of_somebody_else_is_left_alone() -> None:
    """
    Without a record that we wrote it, another check stays, and the place is reported.
    """
    placement = place(topology({"": policy(ELEMENT.replace(PIN, OTHER))}), STANDARDS, WISH)

    assert () == placement.edits
    assert (Left.FOREIGN, "", 2) == (
        placement.unplaced[0].kind,
        placement.unplaced[0].scope,
        placement.unplaced[0].line,
    )
    assert placement.unplaced[0].column > 1


@pytest.mark.parametrize(("thumbprint", "edits"), [(PIN, []), (OTHER, [""])], ids=["does its work", "does not"])
def test_a_hand_written_condition_that_does_its_work_is_not_doubled(thumbprint: str, edits: list[str]) -> None:
    """
    Where a condition of somebody else lets in declared clients alone, no check is put beside it.
    """
    condition = f'context.Request.Certificate == null || context.Request.Certificate.Thumbprint != "{thumbprint}"'
    written = (
        f'<choose><when condition="@({condition})"><return-response><set-status code="403" /></return-response>'
        "</when></choose>"
    )
    placement = place(topology({"": policy(written)}), STANDARDS, WISH)

    assert edits == [edit.scope for edit in placement.edits]


def test_a_document_that_cannot_be_read_is_named_with_line_and_column() -> None:
    """
    The place where reading ended is said, and nothing is written there.
    """
    unread = read_documents({"": "<policies>\n  <inbound></outbound>\n</policies>"})[""]
    instance = topology({})
    placement = place(replace(instance, documents={"": unread}), STANDARDS, WISH)

    assert () == placement.edits
    assert (Left.NOT_READ, 2, 12) == next((each.kind, each.line, each.column) for each in placement.unplaced)


def test_a_scope_that_is_declared_absent_falls_back_to_the_global_check() -> None:
    """
    Its own check goes, and the global one stops sparing it before that.
    """
    own = Wish(check=CHECK, scopes={"apis/orders": THEIRS})
    first = place(topology({}), STANDARDS, own)
    instance = applied(topology({}), first)
    absent = replace(WISH, ours=noted(first), absent=frozenset({"apis/orders"}))
    placement = place(instance, STANDARDS, absent)

    assert ["", "apis/orders"] == [edit.scope for edit in placement.edits]
    assert is_bare(placement.edits[1].after)
    assert () == place(applied(instance, placement), STANDARDS, absent).edits


def test_an_absent_instance_keeps_what_a_scope_declares() -> None:
    """
    Where the instance's check is to go and a scope's is to stay, only the scope is checked.
    """
    own = Wish(check=CHECK, scopes={"apis/orders": THEIRS})
    first = place(topology({}), STANDARDS, own)
    absent = replace(own, check=None, ours=noted(first), absent=frozenset({""}))
    placement = place(applied(topology({}), first), Standards(thumbprints=frozenset({PIN, OTHER})), absent)

    assert ([""], ()) == ([edit.scope for edit in placement.edits], placement.unplaced)


def test_our_own_check_follows_the_wish() -> None:
    """
    What we wrote before is changed in place when the clients change.
    """
    before = policy(ELEMENT.replace(PIN, OTHER))
    wish = Wish(check=CHECK, ours={"": own_after(None, policy(""), before)})
    placement = place(topology({"": before}), STANDARDS, wish)

    assert [policy(ELEMENT)] == [edit.after for edit in placement.edits]


def test_observing_becomes_enforcing_in_place() -> None:
    """
    The step from observe to enforce is one attribute.
    """
    instance = topology({"": policy("")})
    observing = place(instance, STANDARDS, Wish(check=replace(CHECK, ignore_error=True)))
    placement = place(applied(instance, observing), STANDARDS, replace(WISH, ours=noted(observing)))
    edit = placement.edits[0]

    assert edit.before is not None
    assert edit.before.replace('ignore-error="true"', 'ignore-error="false"') == edit.after


def test_observing_writes_a_record_until_it_is_enforced() -> None:
    """
    The wish carries the record; the step to enforcing takes it away again.
    """
    instance = topology({"": policy("")})
    wish = Wish(check=replace(CHECK, ignore_error=True), record=Record.METRIC)
    observing = place(instance, STANDARDS, wish)
    enforced = replace(WISH, record=Record.METRIC, ours=noted(observing))
    enforcing = place(applied(instance, observing), STANDARDS, enforced)

    assert {"observed only": 3} == observing.after.figures.verdicts
    assert "emit-metric" in observing.edits[0].after
    assert "emit-metric" not in enforcing.edits[0].after


UNTOUCHED = {
    "unreadable": {"apis/orders": "<policies>@("},
    "no inbound": {"apis/orders": "<policies><outbound /></policies>"},
    "on-error answers": {"apis/orders": policy(BASE, "<return-response />")},
    "a strange check": {"apis/orders": policy(ELEMENT.replace(PIN, "{{pin}}"))},
}


@pytest.mark.parametrize("documents", UNTOUCHED.values(), ids=UNTOUCHED)
def test_what_cannot_be_mended_is_said(documents: dict[str, str]) -> None:
    """
    The document stays as it is, its operations count as uncovered, and the reason is given.
    """
    placement = place(topology(documents), STANDARDS, WISH)

    assert [""] == [edit.scope for edit in placement.edits]
    assert {"apis/orders"} == {each.scope for each in placement.unplaced}
    assert 1 == placement.after.figures.covered


def test_a_document_that_would_be_too_large_is_left() -> None:
    """
    Consumption takes 16 KiB.
    """
    placement = place(topology({"": policy("<!--" + "x" * 16_300 + "-->")}), STANDARDS, replace(WISH, limit_kib=16))

    assert () == placement.edits
    assert "larger than 16 KiB" in placement.unplaced[0].reason


def test_taking_out_leaves_what_was_there() -> None:
    """
    Every check of ours goes, nothing else, and a document that we made is bare again.
    """
    documents = {"apis/status": policy(f"\n\t\t{ELEMENT.replace(PIN, OTHER)}\n\t"), "products/gold": policy("")}
    instance = topology(documents, apis=(ORDERS, STATUS))
    first = place(instance, STANDARDS, WISH)
    taken = {edit.scope: edit.after for edit in take_out(applied(instance, first), STANDARDS, noted(first)).edits}

    assert documents["products/gold"] == taken["products/gold"]
    assert is_bare(taken[""])
    assert "apis/status" not in taken


def test_new_documents_are_bare_without_the_check() -> None:
    """
    What we create can be deleted again once nothing of ours is in it.
    """
    assert is_bare(NEW_INNER)
    assert not is_bare(policy(BASE))
