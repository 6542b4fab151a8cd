"""
The plan that takes a run back: in reverse stage order, only what is still as the run left it and nothing relies on.

`takeback` calls it for an UNDO order; the guards decide what of it is written when. Each refusal becomes a finding that
says why. It never puts a check in force again: that is for a visit, which rehearses every client first.
"""

from dataclasses import dataclass, field

from apimend.engine.dependence import gives_up, refuses, relations
from apimend.engine.live import Live, live
from apimend.model.desired import Desired
from apimend.model.plan import Change, Finding, Kind, Plan, Severity, Stage, canonical
from apimend.model.runs import Intent
from apimend.ports import InstanceReader, Ledger

ENGINE = "engine"
_STAGES = {stage.value: stage for stage in Stage}


@dataclass(kw_only=True)
class Undo:
    """The making of one plan. `restored` are writes that are as before already, or were never made."""

    reader: InstanceReader
    ledger: Ledger
    desired: Desired
    run: str
    changes: list[Change] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    of: dict[str, Intent] = field(default_factory=dict)
    restored: list[Intent] = field(default_factory=list)

    async def plan(self) -> Plan:
        """Compare every write of the run with what stands there now, the last one first."""
        for intent in reversed(await self.ledger.intents(self.run)):
            if not intent.undone:
                await self._consider(intent)
        await self._spare_what_is_relied_on()
        return Plan.of(self.changes, self.findings)

    async def _consider(self, intent: Intent) -> None:
        if intent.textless:
            what = f"{intent.target.below_instance or 'The service'} can't be restored."
            self._refuse(intent, what, "What was there before was kept for a time that is over.")
            return
        found = await live(self.reader, intent)
        if found is None:
            self._refuse(intent, "What was fetched anew can't be unfetched.", "It changed no setting.")
        elif found.restored:
            self.restored.append(intent)
        elif not found.left:
            who = "Somebody else has changed it since, or a later run of ours: undo that one first."
            self._refuse(
                intent, f"{intent.target.below_instance or 'The service'} is no longer as the run left it.", who
            )
        elif why := _cannot_come_back(intent, found):
            self._refuse(intent, f"{intent.target.below_instance or 'The service'} can't be restored.", why)
        else:
            change = _reversed(intent, found, rank=-len(self.changes))
            self.changes.append(change)
            self.of[change.id] = intent

    async def _spare_what_is_relied_on(self) -> None:
        """R4: nothing is withdrawn under something that depends on it, be it ours or not."""
        concerned = [change for change in self.changes if gives_up(change)]
        if not concerned:
            return
        known = (await relations(self.reader, self.desired)).with_changes(self.changes)
        for change in concerned:
            relying = known.relying_on(change)
            if relying:
                self.changes.remove(change)
                more = f" and {len(relying) - 3} more" if len(relying) > 3 else ""
                what = f"{change.kind.value.capitalize()} of {change.target.name} stays: it is relied on."
                self._refuse(self.of[change.id], what, f"It would break {', '.join(relying[:3])}{more}.")

    def _refuse(self, intent: Intent, message: str, why: str) -> None:
        self.findings.append(
            Finding(
                code="undo_refused",
                target=intent.target,
                remediator=ENGINE,
                severity=Severity.MEDIUM,
                message=message,
                why_left=why,
            )
        )


def _cannot_come_back(intent: Intent, found: Live) -> str:
    """Why the pre-image may not, or can't, be written again."""
    if intent.kind == Kind.CERTIFICATE.value and intent.before == canonical({"keyVault": None}):
        return "It was an uploaded certificate, whose private part never comes back from Azure."
    if intent.stage == Stage.VALIDATE and intent.before == canonical({"enableClientCertificate": True}):
        return "Every caller without a certificate would be refused again. Replay the instance instead."
    if intent.kind == Kind.POLICY.value and refuses(intent.before or "") and not refuses(found.text or ""):
        return "It would refuse callers again without a rehearsal. Replay the instance: a visit rehearses first."
    return ""


def _reversed(intent: Intent, found: Live, *, rank: int) -> Change:
    what = intent.target.below_instance or "the service"
    return Change(
        kind=Kind(intent.kind),
        target=intent.target,
        stage=_STAGES[intent.stage],
        remediator=intent.remediator,
        before=found.text,
        after=intent.before,
        etag=found.etag,
        reason=f"The run {intent.run[:8]} is taken back.",
        was="as the run left it",
        will=f"{what} as before the run" if intent.before is not None else f"{what} is deleted: the run created it",
        rank=rank,
    )
