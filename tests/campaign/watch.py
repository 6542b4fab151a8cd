"""
What must hold at every moment, asked of each exchange with the local Azure and of its state: never of the product.

A broken promise is noted with the schedule's moment; `play` reads the list at the end.
"""

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from emulator import LocalAzure
from emulator.log import Exchange
from tests.campaign.stores import Seen
from tests.campaign.worlds import HOST, INSTANCE, US, World

CHECK = re.compile(r"\s*<validate-client-certificate\b[^>]*?(?:/>|>.*?</validate-client-certificate>)", re.DOTALL)
OBSERVES = re.compile(r'ignore-error="true"')
SPACE = re.compile(r"\s+")
WHOLE = (
    "policies/policy",
    "certificates/partner-a",
    "certificates/outgoing",
    "certificates/clients-ca",
    "gateways/hall/certificateAuthorities/clients-ca",
)
PARTS = frozenset(
    {
        "negotiateClientCertificate", "certificates", "certificateIds", "tls", "provisioningState",
        "targetProvisioningState", "systemData",
    }
)  # fmt: skip
_SETTLED = timedelta(seconds=100)
"""Three readings a minute apart: less than two minutes after an update no check may come."""

_DRAWN = timedelta(seconds=5)
"""Other calls are under way at the moment of a 429, and other processes may use the few tokens that they hold."""


@dataclass
class Watch:
    """One schedule's watcher."""

    azure: LocalAzure
    world: World
    storage: Seen
    instance: str = INSTANCE
    us: str = US
    broken: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    answers: dict[str, list[int]] = field(default_factory=dict)
    foreign: str = ""
    stopped: bool = False
    by_others: bool = False
    _wrote: dict[str, str] = field(default_factory=dict)
    _idle_since: datetime | None = None
    _was_busy: bool = False
    _shut: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    _others: dict[str, str] = field(default_factory=dict)

    def began(self) -> None:
        """What was there before us."""
        self.foreign, self._others = self.text(), self._untouched()

    def passed(self, exchange: Exchange) -> None:
        """One exchange."""
        call, answer = exchange.call, exchange.answer
        self.moment()
        if exchange.place != "arm" or str(call.claims.get("oid", "")) not in ("", self.us):
            return
        # Resource Graph has limits of its own.
        self._kept_away("graph" if "ResourceGraph" in call.path else call.method, call.at, answer)
        if call.method in ("PUT", "PATCH", "DELETE"):
            request = call.headers.get("x-ms-client-request-id", "")
            self.answers.setdefault(request, []).append(answer.status)
            self._has_preimage(request, exchange)
            self._is_conditional(exchange)
            self._goes_on(exchange)
            # What Azure said to it we don't know, and it may have been a refusal.
            hidden = exchange.fault.endswith("after") and self.azure.store.get(call.path) is not None
            if answer.status < 300 or hidden:
                self._is_no_repetition(call.path, call.body, hidden=hidden)

    def moment(self) -> None:
        """I1 at this moment: no live check that refuses, where the gateway does not ask for a certificate."""
        busy = self._busy()
        if self._was_busy and not busy:
            self._idle_since = self.azure.now()
            if not self.negotiates():  # it failed: to send it again is no repetition
                self._wrote.pop(self.instance, None)
        self._was_busy = busy
        if self.refuses() and not self.negotiates() and not self.by_others:
            self._break("I1: a check refuses everybody while negotiation is off")

    def negotiates(self) -> bool:
        """Whether every gateway host asks for certificates, that of a self-hosted gateway too."""
        own = self.azure.store.get(HOST)
        asks = own is None or own.properties.get("negotiateClientCertificate") is True
        return asks and all(host["negotiateClientCertificate"] for host in self._hosts() if host["type"] == "Proxy")

    def refuses(self) -> bool:
        """Whether the global policy refuses callers."""
        found = CHECK.search(self.text())
        return found is not None and not OBSERVES.search(found.group())

    def text(self) -> str:
        """The global policy as it is stored."""
        found = self.azure.store.get(f"{self.instance}/policies/policy")
        return str(found.properties["value"]) if found else ""

    def ended(self) -> None:
        """What must hold when all is quiet: our part put away, the text is what others wrote, and nothing is open."""
        plain = [_plain(CHECK.sub("", text)) for text in (self.text(), self.foreign)]
        if plain[0] != plain[1]:
            self._break("I2: foreign text was changed")
        if self._untouched() != self._others:
            self._break("I2: something that isn't ours was changed")
        for body in self.storage.bodies("intents"):
            intent = json.loads(body)["content"]
            answers = self.answers.get(intent["request_id"], [])
            if intent["closed"] == "" and answers:
                self._break("I6: an intent was left open")
            if intent["closed"] in ("applied", "pending") and not any(status < 300 for status in answers):
                self._break("I9: a failure was noted as a success")

    def _has_preimage(self, request: str, exchange: Exchange) -> None:
        path = exchange.call.path
        key = hashlib.sha256(request.casefold().encode()).hexdigest()[:32]
        found = self.storage.body("requests", key)
        if not found:
            self._break(f"I7: no intent before the write of {path.rpartition('/')[2]}")
            return
        intent = json.loads(found)["content"]["key"]
        content = json.loads(self.storage.body("intents", intent) or b"{}").get("content", {})
        aside = self.storage.body("preimages", f"intents.{intent}")
        if not aside or not isinstance(content.get("after"), int | None):
            self._break("I7: no pre-image before the write")
        existed = self._is_service(path) or "/policies/" in path or self._replaced(exchange)
        if existed and not isinstance(content.get("before"), int):
            self._break("I7: the intent of a write holds no pre-image")

    def _is_conditional(self, exchange: Exchange) -> None:
        call = exchange.call
        if call.headers.get("If-Match", "*") != "*" or self._is_service(call.path):
            return
        if self._replaced(exchange) or (call.method == "PUT" and "/policies/" in call.path):
            self._break(f"I8: what exists was written without If-Match: {call.path.rpartition('/')[2]}")

    def _replaced(self, exchange: Exchange) -> bool:
        """Whether something stood there before this write, which went through."""
        _, before, _ = self.azure.store.before(exchange.call.path)
        return exchange.answer.status < 300 and before is not None

    def _goes_on(self, exchange: Exchange) -> None:
        """What a write may not do, whatever Azure answered."""
        call = exchange.call
        if self.stopped:
            self._break("R22: written in spite of the global stop")
        properties = json.loads(call.body)["properties"] if self._is_service(call.path) else {}
        if "hostnameConfigurations" in properties:
            sent = {host["hostName"] for host in properties["hostnameConfigurations"]}
            if sent != {host["hostName"] for host in self._hosts()}:
                self._break("I3: a PATCH without all the hosts")
        if call.method == "PUT" and "/policies/" in call.path and exchange.answer.status < 300:
            text = json.loads(call.body)["properties"]["value"]
            found = CHECK.search(text)
            refuses = found is not None and not OBSERVES.search(found.group())
            early = self._idle_since is not None and call.at - self._idle_since < _SETTLED
            if refuses and (not self.negotiates() or self._busy() or early):
                self._break("R1: a check before negotiation was live")

    def _is_no_repetition(self, path: str, body: bytes, *, hidden: bool) -> None:
        print_ = hashlib.sha256(body).hexdigest()
        if self._wrote.get(path) == print_ and not hidden:
            self._break(f"I5: a second write of the same to {path.rpartition('/')[2]}")
        self._wrote[path] = print_

    def changed_by_others(self) -> None:
        """Somebody else wrote, so we may have to write again."""
        self._wrote.clear()

    def _kept_away(self, method: str, at: datetime, answer: Any) -> None:
        """After a 429 with Retry-After nobody of us calls before that."""
        kind = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes", "graph": "graph"}.get(method, "writes")
        since, until = self._shut.get(kind, (at, at))
        if since + _DRAWN < at < until:
            self._break("R29: called again before Retry-After had passed")
        after = answer.headers.get("Retry-After", "")
        if answer.status == 429 and after.isdigit() and int(after) > 60:
            self._shut[kind] = (at, at + timedelta(seconds=int(after) - 1))
            self.seen["long Retry-After"] += 1

    def _hosts(self) -> list[dict[str, Any]]:
        service = self.azure.store.get(self.instance)
        return list(service.properties["hostnameConfigurations"]) if service else []

    def _busy(self) -> bool:
        service = self.azure.store.get(self.instance)
        return bool(service and service.properties.get("targetProvisioningState"))

    def _is_service(self, path: str) -> bool:
        return path.casefold() == self.instance.casefold()

    def _untouched(self) -> dict[str, str]:
        """Every resource, less what the rules of this world write: of some the whole, of some a few properties."""
        ours = {f"{self.instance}/{one}".casefold() for one in WHOLE}
        return {
            one.id.casefold(): json.dumps(_less(one.body, PARTS), sort_keys=True, default=str)
            for one in self.azure.store.all()
            if one.id.casefold() not in ours
        }

    def _break(self, what: str) -> None:
        if what not in self.broken:
            self.broken.append(what)


def _less(value: Any, names: frozenset[str]) -> Any:
    """Less these members, at any depth."""
    if isinstance(value, dict):
        return {key: _less(each, names) for key, each in value.items() if key not in names}
    return [_less(each, names) for each in value] if isinstance(value, list) else value


def _plain(text: str) -> str:
    """Less layout, which the service rewrites, and less the two spellings of an empty element."""
    return SPACE.sub("", text).replace("<inbound></inbound>", "<inbound/>")
