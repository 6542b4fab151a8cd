"""
Who the ledger names for a command: whoever signed in to Azure, and the user of the machine where Azure names nobody.
"""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimend.settings import Settings
from apimend.wiring.command_line import who
from apimend.wiring.credential import named_in
from tests.cli.terminal import typed
from tests.job.conftest import opened
from tests.report.hostile import NASTY


def token(claims: object) -> str:
    """An access token as Entra makes them; nobody here checks its signature."""
    head, body = (base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in ({}, claims))
    return f"{head}.{body}.signature"


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"upn": "ada@contoso.com", "oid": "0d1d", "appid": "az"}, "ada@contoso.com (0d1d)"),
        ({"unique_name": "ada@contoso.com", "oid": "0d1d"}, "ada@contoso.com (0d1d)"),
        ({"appid": "11aa", "oid": "0d1d", "idtyp": "app"}, "application 11aa (0d1d)"),
        ({"oid": "0d1d"}, "(0d1d)"),
        ({"upn": ["x"], "oid": 7}, ""),
        ([], ""),
    ],
    ids=["a person", "an old token", "an application", "an id alone", "no texts", "no claims"],
)
def test_the_token_names_who_signed_in(claims: object, name: str) -> None:
    """
    A person by name and object id, a service principal or managed identity by its application and object id.
    """
    assert name == named_in(token(claims))


@pytest.mark.parametrize("text", ["", "opaque", "a.b", "a.b.c", "a.!!.c", "a.bm8.c", "..", "a.b.c.d"])
def test_what_is_no_jwt_names_nobody(text: str) -> None:
    """
    An opaque token is a token: the user of the machine is named then.
    """
    assert "" == named_in(text)


CLAIM = st.one_of(st.sampled_from(NASTY), st.text(max_size=300), st.integers(), st.none(), st.lists(st.text()))


@given(st.one_of(st.dictionaries(st.sampled_from(["upn", "oid", "appid", "unique_name"]), CLAIM).map(token), st.text()))
def test_a_hostile_claim_is_one_short_line(text: str) -> None:
    """
    Whatever a token holds, its name is one line of visible characters, and not long.
    """
    found = named_in(text)

    assert len(found) <= 200
    assert found.isprintable() or "\ufffd" in found
    assert "\x1b" not in found
    assert len(found.splitlines()) <= 1


async def test_a_local_azure_names_the_user_of_the_machine() -> None:
    """
    Its managed identity says nothing about who types; the same token of Azure names the identity.
    """
    async with opened() as world:
        settings = Settings.load(world.environ)
        public: Any = replace(settings, cloud=replace(settings.cloud, name="public"))
        given = world.azure.identity.token(world.azure.endpoints.arm)
        await typed(world, "apply", "contoso-dev", "--yes")

        assert "ada" == (await world.runs())[-1]["trigger"]["by"]
        assert ("ada", True) == (who(settings, given, "ada"), who(public, given, "ada").startswith("application "))
        assert "ada" == who(public, "opaque", "ada")
