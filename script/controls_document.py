"""
Writes docs/controls.md from the controls and attestations themselves.

Run it after a change of a control; a test says when that was forgotten.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from apimend.model.features import FEATURES
from apimend.posture.control import Control, Statement
from apimend.posture.table import READS
from remediators.posture import CONTROLS, STATEMENTS

DOCUMENT = Path(__file__).parents[1] / "docs" / "controls.md"

HEAD = """\
# The security baseline

Written by `script/controls_document.py` from the controls themselves.

Mutual TLS is one lock. These {controls} controls look at the rest of an instance, and {statements} attestations say
what Azure can't show. They only report: no control makes a change or blocks one.

Each control comes to one verdict. **pass** and **fail** rest on evidence: the resource, the place in it, the value and
when it was read. **not applicable** names the tier or the thing that is not there. **unknown** names what could not be
read, and counts against the score like a fail, because a missing permission is no clean slate. **waived** and
**attested** name who answers for it and until when. What has ended is *attestation expired*; nothing is enforced then.

Severity is one lower where the instance is declared not to be production, and one lower behind a closed network for
the controls marked so. A plain event judges only what its visit has at hand; a sweep looks at everything once a day.

A control that fails offers the same mend in Terraform, Bicep and APIOps, or says why no code holds it: see
[hand-offs](findings.md).

The score is what is met of what counts: critical 10, high 6, medium 3, low 1, info 0.

To accept a fault, write a waiver with the control's name. To vouch for something, write an attestation:

```yaml
waivers:
  - {{id: public-shop, instances: [shop-*], controls: [gateway_public], category: waiver, owner: shop team,
     reason: A public shop., ticket: SEC-12, expires: 2027-06-30}}
attestations:
  - {{control: restore-tested, instances: ['*'], owner: platform team, evidence: 'https://wiki.contoso.example/restore',
     expires: 2027-03-31}}
```
"""


def document() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield HEAD.format(controls=len(CONTROLS), statements=len(STATEMENTS))
    family = None
    for control in CONTROLS:
        if control.family is not family:
            family = control.family
            yield f"## {family.value}\n"
        yield from _control(control)
    yield "## Attestations\n"
    yield "| id | name | statement | longest | severity | MCSB | read beside it |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    yield from (_statement(each) for each in STATEMENTS)
    yield "\n## Tiers\n"
    yield "What a tier does not have is not applicable there.\n"
    yield "| feature | tiers |"
    yield "| --- | --- |"
    yield from (f"| {each.name} | {', '.join(sorted(each.tiers))} |" for each in FEATURES.values())


def _control(control: Control) -> Iterator[str]:
    yield f"### {control.id} `{control.name}`\n"
    behind = " Less behind a closed network." if control.exposed else ""
    yield f"**{control.title}.** {control.severity.word.capitalize()}.{behind} {control.why}\n"
    yield f"What to do: {control.mend}\n"
    if control.limits:
        yield f"Limits: {control.limits}\n"
    if control.attested_by:
        yield f"Attestation {control.attested_by} stands in for what Azure does not show of it.\n"
    mapped = {
        "MCSB": control.mcsb,
        "Azure Policy": control.policy,
        "PSRule": control.psrule,
        "CIS Foundations 6.0": control.cis,
        "others": control.others,
    }
    yield "; ".join(f"{name}: {ids}" for name, ids in mapped.items() if ids) + ".\n"
    actions = sorted({action for key in control.needs for action in READS[key].actions})
    shown = ", ".join(f"`{action}`" for action in actions[:4])
    more = f" and {len(actions) - 4} more" if len(actions) > 4 else ""
    yield f"Reads {shown}{more}.\n"


def _statement(each: Statement) -> str:
    name = each.name.replace("_", "-")
    return (
        f"| {each.id} | `{name}` | {each.title} | {each.days} days | {each.severity.word} | {each.mcsb} "
        f"| {', '.join(each.hint) or '-'} |"
    )


def main() -> int:
    """Write it."""
    DOCUMENT.write_text(document(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
