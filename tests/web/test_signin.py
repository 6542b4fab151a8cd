"""
Who calls, told from headers that anybody may have written.
"""

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimend.model.errors import Denied
from apimend.settings import Approval, Settings, SignIn
from apimend.web.request import Request
from apimend.web.signin import Access, Caller, NotSignedIn, caller, may_order
from tests.web.stand import GROUP

TENANT = "33333333-3333-3333-3333-333333333333"
SIGNED_IN = Settings.load({"APIMEND_SIGN_IN": "appservice", "APIMEND_TENANT_ID": TENANT})
ALONE = replace(SIGNED_IN, sign_in=SignIn.NONE)
HOST = {"host": "apimend.example"}


def header(principal: object) -> dict[str, str]:
    return {"x-ms-client-principal": base64.b64encode(json.dumps(principal).encode()).decode()}


def told(*claims: tuple[str, str]) -> dict[str, object]:
    return {"auth_typ": "aad", "claims": [{"typ": name, "val": value} for name, value in claims]}


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@given(st.one_of(st.text(max_size=50), json_values.map(lambda value: header(value)["x-ms-client-principal"])))
def test_a_strange_header_signs_nobody_in(text: str) -> None:
    """
    Whatever the header holds, nobody is signed in by it, and nothing but a refusal comes of it.
    """
    with pytest.raises(Denied):
        caller(SIGNED_IN, Request(headers={"x-ms-client-principal": text}), Access.PAGE)


@pytest.mark.parametrize("access", [Access.PAGE, Access.APPROVAL])
def test_pages_are_off_without_sign_in(access: Access) -> None:
    """
    Without App Service authentication pages are refused, whatever header comes along.
    """
    principal = header(told(("tid", TENANT), ("name", "ada"), ("groups", GROUP)))

    with pytest.raises(Denied, match="APIMEND_SIGN_IN"):
        caller(ALONE, Request(headers=principal), access)


def test_a_link_opens_the_approval_alone() -> None:
    """
    Where the link is enough, the approval's pages are open; no other page is.
    """
    settings = replace(ALONE, approval=Approval.LINK)

    assert not caller(settings, Request(), Access.APPROVAL).signed_in
    with pytest.raises(Denied):
        caller(settings, Request(), Access.PAGE)


def test_nobody_is_told_to_sign_in() -> None:
    """
    Behind App Service authentication a request without its header is told to sign in, by the API too.
    """
    for access in (Access.API, Access.PAGE, Access.APPROVAL):
        with pytest.raises(NotSignedIn):
            caller(SIGNED_IN, Request(), access)


def test_a_hostile_name_stays_a_name() -> None:
    """
    A claim with control characters and without end becomes one short line.
    """
    name = "\x1b[31mada\r\nINJECTED" + "x" * 5000
    found = caller(SIGNED_IN, Request(headers=header(told(("tid", TENANT), ("name", name)))), Access.API)

    assert len(found.name) <= 200
    assert found.name.isprintable()


@pytest.mark.parametrize(
    ("who", "approvers", "allowed"),
    [
        (Caller(name="function key"), frozenset(), True),
        (Caller(name="ada", groups=frozenset()), frozenset({GROUP}), False),
        (Caller(name="ada", groups=frozenset({GROUP})), frozenset({GROUP}), True),
        (Caller(name="ada", groups=frozenset({GROUP})), frozenset(), False),
        (Caller(name="ada", groups=frozenset(), overage=True), frozenset({GROUP}), False),
    ],
    ids=["key", "no group", "member", "nobody declared", "groups left out"],
)
def test_who_may_order(who: Caller, approvers: frozenset[str], allowed: bool) -> None:
    """
    A key's holder may; a person needs a declared group.
    """
    if allowed:
        may_order(who, approvers, what="undo this")
    else:
        with pytest.raises(Denied, match="undo this"):
            may_order(who, approvers, what="undo this")


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({}, True),
        ({"origin": "https://apimend.example"}, True),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": "https://[broken"}, False),
        ({"origin": "null", "sec-fetch-site": "same-origin"}, True),
        ({"origin": "https://apimend.example", "sec-fetch-site": "same-site"}, False),
    ],
    ids=["program", "own", "other", "null", "broken", "same-origin form", "sister site"],
)
def test_which_sites_may_send(headers: dict[str, str], let_in: bool) -> None:
    """
    A POST that a browser sends for another site is refused; a program's, and our own pages', is not.
    """
    principal = header(told(("tid", TENANT), ("name", "ada")))
    request = Request(method="POST", headers={**principal, **HOST, **headers})

    if let_in:
        assert "ada" == caller(SIGNED_IN, request, Access.PAGE).name
    else:
        with pytest.raises(Denied, match="another site"):
            caller(SIGNED_IN, request, Access.PAGE)
