"""
Approval: an order that covers exactly the changes that wait for it in one run, and the secrets of approval links.

The web's doors call it, and notices mint the secret of a card's link. It doesn't know who may approve; it knows
what an approval covers, how long it can be given, and that a secret works once.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from apimend.engine.orders import Orders
from apimend.model.errors import Changed, Denied
from apimend.model.plan import Change
from apimend.model.runs import Order, OrderKind, Run, Status
from apimend.ports import Clock, Ledger, Record, Records

CONTAINER = "approvals"
"""The records of links: by the SHA-256 of the secret, never the secret itself."""

_VERSION = 1
_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class Approvals:
    """The desk for approvals. `lasts` is how long one can be given after its run, and used after it was given."""

    records: Records
    ledger: Ledger
    orders: Orders
    clock: Clock
    lasts: timedelta

    async def mint(self, run: Run) -> str:
        """A new single-use secret of 256 bits for a run's link; the ledger keeps its hash, with digest and expiry."""
        token = secrets.token_urlsafe(_BYTES)
        body = {
            "v": _VERSION,
            "run": run.id,
            "digest": run.plan.digest,
            "expires": (run.ended + self.lasts).isoformat(),
            "used": "",
        }
        await self.records.put(CONTAINER, _key(token), _dump(body), etag="")
        return token

    async def look(self, run: Run, token: str) -> None:
        """Whether the secret opens this run's approval. Raises Denied."""
        await self._ticket(run, token)

    async def redeem(self, run: Run, token: str, *, by: str) -> None:
        """Use the secret up: the second try fails, however close it follows. Raises Denied."""
        record = await self._ticket(run, token)
        used = {**json.loads(record.body), "used": self.clock.now().isoformat(), "by": by}
        try:
            await self.records.put(CONTAINER, record.key, _dump(used), etag=record.etag)
        except Changed as error:
            raise Denied("This link has been used.") from error

    async def order(self, run: Run, digest: str, *, by: str, reason: str = "") -> Order:
        """
        The approval of exactly the changes that wait in this run; the one that was given already, if it stands.

        Raises Denied where the plan is another one, nothing waits, or the time for it is over.
        """
        self.check(run, digest)
        for order in await self.ledger.orders(run.instance):
            if order.kind is OrderKind.APPROVE and order.run == run.id and not self._over(order.expires):
                return order
        return await self.orders.place(
            OrderKind.APPROVE,
            run.instance,
            by=by,
            run=run.id,
            changes=frozenset(change.id for change in waiting(run)),
            reason=reason,
            lasts=self.lasts,
        )

    def check(self, run: Run, digest: str = "") -> None:
        """Whether this run can be approved now, with this plan in mind. Raises Denied."""
        if digest and digest != run.plan.digest:
            raise Denied("That is not the plan of this run. Look at it again, and approve what you see.")
        if not waiting(run):
            raise Denied("Nothing in this run waits for approval.")
        if self._over(run.ended + self.lasts):
            raise Denied("The time to approve this is over. Replay the instance: the new plan asks again.")

    def until(self, run: Run) -> datetime:
        """Until when this run can be approved."""
        return run.ended + self.lasts

    async def _ticket(self, run: Run, token: str) -> Record:
        record = await self.records.get(CONTAINER, _key(token)) if token else None
        if record is None:
            raise Denied("This link approves nothing: its secret is missing or wrong.")
        known, digest, expires, used = _read(record)
        if known != run.id or digest != run.plan.digest:
            raise Denied("This link approves nothing: it is for another plan.")
        if used:
            raise Denied("This link has been used.")
        if self._over(expires):
            raise Denied("This link has lapsed. Replay the instance: the new plan asks again.")
        return record

    def _over(self, moment: datetime | None) -> bool:
        return moment is not None and moment <= self.clock.now()


def waiting(run: Run) -> tuple[Change, ...]:
    """The changes of a run that an approval of it covers."""
    asked = {
        outcome.change for outcome in run.outcomes if outcome.status is Status.PLANNED and "approval" in outcome.why
    }
    return tuple(change for change in run.plan.changes if change.id in asked)


def _read(record: Record) -> tuple[str, str, datetime, str]:
    """Run, digest, expiry and use of a link. Raises Denied for a record of another form: never guessed at."""
    try:
        body = json.loads(record.body)
        if body["v"] != _VERSION:
            raise ValueError("another version")
        return str(body["run"]), str(body["digest"]), datetime.fromisoformat(body["expires"]), str(body["used"])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        said = "What is kept of this link can't be read. Replay the instance: the new plan asks again."
        raise Denied(said) from error


def _key(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _dump(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body).encode()
