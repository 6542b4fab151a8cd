"""
Replays recorded cases against a local Azure: a story is a service, what stands on it, and cases in their order.

Etags and polling URLs of a recording mean nothing to another Azure; they are translated into ours as the story goes.
Called by `test_recordings` with the recordings and by `test_cases` with the project's own cases.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
from yarl import URL

from emulator.azure import LocalAzure
from emulator.options import Options
from tests.conformance.compare import Seen, differences
from tests.conformance.recordings import Recording

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
# A PFX that a recording left out is one of these in the replay.
UPLOADED = "uploaded"
PASSWORD = "Password"


@dataclass(frozen=True, kw_only=True)
class Send:
    """
    A call that prepares the next case and is not compared; `path` is below the story's service. `polled_by` is a case
    that polls the operation which this call starts.
    """

    method: str
    path: str
    body: Any = None
    version: str = "2022-08-01"
    polled_by: str = ""


@dataclass(frozen=True)
class Before:
    """
    A recorded call that prepares and is not compared: its request alone is used.
    """

    case: str


@dataclass(frozen=True)
class Given:
    """
    A recorded call whose body the recording lacks, with one of ours; its answer is compared.
    """

    case: str
    body: Any


@dataclass(frozen=True)
class Wait:
    """
    Time passes.
    """

    span: timedelta


@dataclass(frozen=True)
class Do:
    """
    Something happens that is no call.
    """

    act: Callable[[LocalAzure], None]


Step = str | Before | Given | Send | Wait | Do


@dataclass(frozen=True, kw_only=True)
class Story:
    """
    Cases that belong together. `apart` lists differences that are allowed, by case or for all ("*"), each with its
    reason: the beginning of the difference, and why.
    """

    name: str
    tenant: Mapping[str, Any]
    steps: tuple[Step, ...]
    service: str = ""
    options: Options = field(default_factory=lambda: Options(old_versions=True))
    apart: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def cases(self) -> tuple[str, ...]:
        return tuple(
            step.case if isinstance(step, Given) else step for step in self.steps if isinstance(step, str | Given)
        )


@dataclass
class Outcome:
    """
    What a story brought to light: the unexplained differences of each case, and the explanations that were used.
    """

    problems: dict[str, list[str]] = field(default_factory=dict)
    used: set[tuple[str, str]] = field(default_factory=set)
    etags: dict[str, tuple[str, str]] = field(default_factory=dict)


def play(story: Story, recordings: Mapping[str, Recording]) -> Outcome:
    return asyncio.run(_Player(story, recordings).run())


class _Player:
    def __init__(self, story: Story, recordings: Mapping[str, Recording]) -> None:
        self._story = story
        self._recordings = recordings
        self._now = START
        self._etags: dict[str, str] = {}
        self._polls: dict[str, str] = {}
        self._outcome = Outcome()

    async def run(self) -> Outcome:
        story = self._story
        async with LocalAzure(story.tenant, now=lambda: self._now, options=story.options) as azure:
            tls = ssl.create_default_context(cafile=azure.ca_file)
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
                for step in story.steps:
                    await self._step(azure, session, step)
        return self._outcome

    async def _step(self, azure: LocalAzure, session: aiohttp.ClientSession, step: Step) -> None:
        if isinstance(step, Wait):
            self._now += step.span
            await azure.advance()
        elif isinstance(step, Do):
            step.act(azure)
        elif isinstance(step, Send):
            url = f"{azure.endpoints.arm}{self._story.service}{step.path}?api-version={step.version}"
            seen = await self._call(azure, session, step.method, url, {}, step.body, "arm")
            assert seen.status < 400, f"{step}: {seen.status} {seen.text}"
            if step.polled_by:
                self._polls[_poll_key(self._recordings[step.polled_by].url)] = seen.headers["Location"]
        elif isinstance(step, Given):
            one = self._recordings[step.case]
            await self._case(azure, session, replace(one, request={**one.request, "body": step.body}))
        elif isinstance(step, Before):
            await self._ask(azure, session, self._recordings[step.case])
        else:
            await self._case(azure, session, self._recordings[step])

    async def _case(self, azure: LocalAzure, session: aiohttp.ClientSession, one: Recording) -> None:
        seen = await self._ask(azure, session, one)
        self._learn(one, seen)
        self._judge(one, differences(_moved(azure, one), seen))

    async def _ask(self, azure: LocalAzure, session: aiohttp.ClientSession, one: Recording) -> Seen:
        request = one.request
        headers = {
            name: self._etags.get(value, value)
            for name, value in (request.get("headers") or {}).items()
            if name in ("if-match", "content-type")
        }
        body = _with_files(azure, request.get("body"))
        anonymous = one.response["status"] == 401
        url = self._url(azure, one)
        door = "" if anonymous else one.door
        return await self._call(azure, session, request["method"], url, headers, body, door)

    def _url(self, azure: LocalAzure, one: Recording) -> str:
        request = one.request
        known = self._polls.get(_poll_key(one.url))
        if known is not None:
            return known
        base = azure.endpoints.arm
        if one.door == "vault":
            base = azure.vault_url(request["host"].partition(".")[0], plain=True)
        return f"{base}{request['path']}?{urlencode(request['query'], quote_via=quote)}"

    async def _call(
        self,
        azure: LocalAzure,
        session: aiohttp.ClientSession,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Any,
        door: str,
    ) -> Seen:
        audience = {"arm": "https://management.azure.com", "vault": "https://vault.azure.net"}
        token = {"Authorization": f"Bearer {azure.identity.token(audience[door])}"} if door else {}
        data = None if body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json", **headers, **token} if data else {**headers, **token}
        async with session.request(
            method, URL(url, encoded=True), data=data, headers=sent, skip_auto_headers=["Content-Type"]
        ) as answer:
            text = (await answer.read()).decode()
            return Seen(
                status=answer.status, headers=dict(answer.headers), body=json.loads(text) if text else None, text=text
            )

    def _learn(self, one: Recording, seen: Seen) -> None:
        recorded = {name.casefold(): value for name, value in (one.response.get("headers") or {}).items()}
        ours = {name.casefold(): value for name, value in seen.headers.items()}
        if "etag" in recorded and "etag" in ours:
            self._etags[recorded["etag"]] = ours["etag"]
            self._outcome.etags[one.case] = (recorded["etag"], ours["etag"])
        for name in ("location", "azure-asyncoperation"):
            if name in recorded and name in ours:
                self._polls.setdefault(_poll_key(recorded[name]), ours[name])

    def _judge(self, one: Recording, found: list[str]) -> None:
        problems = []
        for difference in found:
            for case in (one.case, "*"):
                for start in self._story.apart.get(case, {}):
                    if difference.startswith(start):
                        self._outcome.used.add((case, start))
                        break
                else:
                    continue
                break
            else:
                problems.append(difference)
        self._outcome.problems[one.case] = problems


def _moved(azure: LocalAzure, one: Recording) -> Mapping[str, Any]:
    """
    A recorded answer whose vault stands at our address.
    """
    if one.door != "vault":
        return one.response
    host = one.request["host"]
    ours = azure.vault_url(host.partition(".")[0]).removeprefix("https://")
    moved: dict[str, Any] = json.loads(json.dumps(one.response).replace(f"https://{host}", f"https://{ours}"))
    return moved


def _with_files(azure: LocalAzure, value: Any) -> Any:
    """
    A recorded body with a certificate of ours where the recording left the file out.
    """
    if isinstance(value, dict):
        return {key: _with_files(azure, one) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_files(azure, one) for one in value]
    if isinstance(value, str) and value.startswith("<elided: base64 PKCS#12"):
        return base64.b64encode(azure.certificate(UPLOADED).pfx(PASSWORD)).decode()
    if isinstance(value, str) and value.startswith("<elided: PEM"):
        bundle = azure.certificate(UPLOADED)
        return bundle.key_pem + bundle.pem
    return value


def _poll_key(url: str) -> str:
    """
    What of a polling URL names the operation: the path and the asyncId; signatures change with every answer.
    """
    parts = urlsplit(url)
    mark = next((one for one in parts.query.split("&") if one.startswith("asyncId=")), "")
    is_poll = "operation" in parts.path.rpartition("/")[0].rpartition("/")[2].casefold()
    return f"{parts.path}?{mark}" if mark or is_poll else f"no poll {url}"
