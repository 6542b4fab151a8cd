"""
Writes docs/emulator-conformance.md: what the local Azure was compared with, and what came of it.

Run it after a change of the lists beside it (`python -m tests.conformance.document`); a test says when that was
forgotten.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from emulator import Options
from emulator.choices import written
from tests.conformance.behaviours import ASKED, BEHAVIOURS, Behaviour
from tests.conformance.contradictions import CONTRADICTIONS, DEVIATIONS
from tests.conformance.questions import QUESTIONS
from tests.conformance.stories import LEFT_OUT, STORIES

DOCUMENT = Path(__file__).parents[2] / "docs" / "emulator-conformance.md"

HEAD = """# How like Azure the local Azure is

Written by `python -m tests.conformance.document` from the lists beside it; the tests there hold every line.

A recording is an exchange with the real Azure that somebody published; `service/23` is the name of one. They are no
part of the project: where `APIMEND_MATERIAL` names a folder that holds them, the tests replay them. The project's own
cases (`policies/head`) are written from the same facts and always run.
"""


def document() -> str:
    replayed = sum(len(story.cases) for story in STORIES)
    apart = sum(len(one) for story in STORIES for one in story.apart.values())
    parts = [
        HEAD,
        f"{replayed} recordings are replayed in {len(STORIES)} stories, with {apart} differences that are explained "
        f"beside the story; {len(LEFT_OUT)} are left out.\n",
        "## Behaviours that were recorded\n",
        behaviours(BEHAVIOURS),
        "## What facts ask for beside the recordings\n",
        behaviours(ASKED),
        "## What only a real instance can tell\n",
        "Apimend is run under each of these answers; the first is what the local Azure does unless told otherwise.\n",
        questions(),
        "## Recordings that are left out\n",
        table(("recording", "why"), [(f"`{case}`", why) for case, why in sorted(LEFT_OUT.items())]),
        "## Where Azure does not keep to its own specification\n",
        "Every exchange of the test run is checked against the OpenAPI files (API Management 2024-05-01, Key Vault "
        "7.5). This is let through:\n",
        table(
            ("definition", "members", "what", "why"),
            [
                (f"`{one.definition}`", ", ".join(f"`{name}`" for name in one.members), one.kind.value, one.reason)
                for one in CONTRADICTIONS
            ],
        ),
        table(
            ("operation", "what", "why"), [(f"`{one.operation}`", f"`{one.what}`", one.reason) for one in DEVIATIONS]
        ),
    ]
    return "\n".join(parts)


def behaviours(listed: Sequence[Behaviour]) -> str:
    rows = [
        (str(number), one.title, ", ".join(f"`{proof}`" for proof in one.proofs), one.gap)
        for number, one in enumerate(listed, 1)
    ]
    return table(("", "behaviour", "proved by", "not done"), rows)


def questions() -> str:
    defaults = {one.name: one.default for one in dataclasses.fields(Options)}
    rows = []
    for one in QUESTIONS:
        answers = sorted(one.answers, key=lambda answer: answer != defaults[one.option])
        asked = one.facts.partition(": ")[2].replace("|", "")
        rows.append((f"`{one.option}`", asked, ", ".join(f"`{shown(answer)}`" for answer in answers), one.means))
    return table(("option", "open question", "played", "what Apimend does"), rows)


def shown(answer: object) -> str:
    return str(answer).lower() if isinstance(answer, bool) else str(written(answer))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def main() -> int:
    DOCUMENT.write_text(document(), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
