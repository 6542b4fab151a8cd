"""
Logs: JSON lines with what is bound, and never a secret.
"""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from apimend.logs import bound, configure, logger, redact
from apimend.model.ids import ResourceId
from apimend.model.plan import Severity

PEM = "-----BEGIN PRIVATE KEY-----\nMIIEverysecret\n-----END PRIVATE KEY-----"
PFX = "MIIK" + "verysecret" * 30 + "=="


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    ours = logging.getLogger("apimend")
    before = (ours.level, list(ours.handlers), ours.propagate)
    stream = io.StringIO()
    configure("info", stream=stream)
    yield stream
    ours.level, ours.handlers[:], ours.propagate = before
    structlog.reset_defaults()


def read(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_what_is_bound(lines: io.StringIO) -> None:
    """
    A line has the event's name, its keys, and what the visit has bound.
    """
    with bound(instance="contoso-dev", run="r1"), bound(rule="negotiation_disabled", mode="report"):
        logger("apimend.engine").info("plan.made", changes=2)

    assert [
        {
            "event": "plan.made",
            "level": "info",
            "changes": 2,
            "instance": "contoso-dev",
            "run": "r1",
            "rule": "negotiation_disabled",
            "mode": "report",
        }
    ] == read(lines)


def test_nothing_stays_bound(lines: io.StringIO) -> None:
    """
    What a visit bound is gone after it.
    """
    with bound(run="r1"):
        pass
    logger("apimend.engine").warning("plan.made")

    assert [{"event": "plan.made", "level": "warning"}] == read(lines)


def test_the_level_is_obeyed(lines: io.StringIO) -> None:
    """
    At info nothing of debug is written.
    """
    logger("apimend.engine").debug("plan.made")

    assert [] == read(lines)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("https://x.example/invoke?api-version=1&sig=verysecret", id="signature of a webhook"),
        pytest.param("https://x.example/invoke?api-version=1&sig%3Dverysecret", id="signature, encoded"),
        pytest.param("GET /api/replay?code=verysecret==", id="function key in a query"),
        pytest.param("x-functions-key: verysecret", id="function key in a header"),
        pytest.param("{'x-functions-key': 'verysecret'}", id="function key in a printed header"),
        pytest.param("https://x.example/approve#token=verysecret", id="approval token in a fragment"),
        pytest.param("Authorization: Basic verysecret==", id="basic authentication"),
        pytest.param("Authorization: Bearer verysecret.abc-_~", id="bearer token"),
        pytest.param("eyJ0eXAiOiJKV1Q.verysecret.c2ln", id="JSON web token"),
        pytest.param("AccountName=a;AccountKey=verysecret==;EndpointSuffix=x", id="storage key"),
        pytest.param(PEM, id="PEM"),
        pytest.param(PEM[:45], id="PEM that is cut off"),
        pytest.param(PFX, id="PFX in base64"),
        pytest.param({"deep": [{"password": "verysecret"}]}, id="a name that says so, deep inside"),
        pytest.param({"url": ("x?sig=verysecret",)}, id="a tuple deep inside"),
        pytest.param(b"verysecret", id="bytes"),
    ],
)
def test_no_secret_reaches_a_line(lines: io.StringIO, value: Any) -> None:
    """
    Whatever is logged, the secret in it is not written.
    """
    logger("apimend.engine").info("arm.called", value=value)

    assert "verysecret" not in lines.getvalue()


def test_no_secret_reaches_a_stack(lines: io.StringIO) -> None:
    """
    The text of an exception is cleaned like everything else.
    """
    try:
        raise RuntimeError("POST https://x.example/?sig=verysecret failed")
    except RuntimeError:
        logger("apimend.engine").exception("card.failed")

    assert "RuntimeError" in lines.getvalue()
    assert "verysecret" not in lines.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "code=ServiceLocked",
        "Basic instances, bearer tokens",
        "/subscriptions/1/resourceGroups/tokens/providers/x",
        "thumbprint 0123456789ABCDEF0123456789ABCDEF01234567",
        "https://kv.vault.azure.net/certificates/a/ee059b2bb5bc48398a53b168c6cdcb10",
        "<set-header name='x'><value>a</value></set-header>",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    """
    Ids, error codes, thumbprints and policies are left as they are.
    """
    assert text == redact(text)


def test_values_become_plain_json(lines: io.StringIO) -> None:
    """
    Ids, enums and sets are written as people read them, and line ends cannot forge a line.
    """
    logger("apimend.engine").info("x", a=ResourceId.of("/a/B"), b=Severity.HIGH, c={"d"}, e="1\n2")

    assert [{"event": "x", "level": "info", "a": "/a/B", "b": 3, "c": ["d"], "e": "1\n2"}] == read(lines)


@given(st.text())
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    """
    A text that was cleaned stays as it is.
    """
    assert redact(text) == redact(redact(text))


def test_importing_changes_nothing() -> None:
    """
    Only `configure` sets logging up: an import leaves structlog and logging as they were.
    """
    code = (
        "import logging, structlog; import apimend.logs; "
        "raise SystemExit(structlog.is_configured() or bool(logging.getLogger('apimend').handlers))"
    )

    assert 0 == subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], check=False).returncode
