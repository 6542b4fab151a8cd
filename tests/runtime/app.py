"""
Asks Microsoft's runtime about a function app, in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of one call: `error` is empty where it succeeded."""

    error: str
    stack: str
    status: int | None
    body: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the runtime found: bindings by function, and a result for each call, in order."""

    error: str
    functions: Mapping[str, Sequence[Mapping[str, Any]]]
    results: Sequence[Result]
    log: str


def on_runtime(
    script: Path,
    calls: Sequence[Mapping[str, Any]],
    *,
    scratch: Path,
    settings: Mapping[str, str] | None = None,
) -> Report:
    """
    Index the app in `script` and make the calls.

    A call names its `function` and its `kind`: `event` (with `event`), `queue` (`body`, `dequeue_count`), `timer`, or
    `http` (`method`, `url`, `headers`, `query`, `params`, `body`).
    """
    answer = scratch / "runtime.json"
    environment = {**os.environ, **(settings or {}), "PYTHONPATH": str(ROOT)}
    environment["PYTHON_SCRIPT_FILE_NAME"] = script.name
    ran = subprocess.run(
        [sys.executable, "-m", "tests.runtime.worker", str(script.parent), str(answer)],
        input=json.dumps(list(calls)),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        timeout=SECONDS,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(f"The runtime ended with {ran.returncode}: {ran.stderr}")
    report = json.loads(answer.read_text(encoding="utf-8"))
    results = [Result(**each) for each in report["results"]]
    return Report(error=report["error"], functions=report["functions"], results=results, log=ran.stderr)
