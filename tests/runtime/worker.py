"""
Runs one function app on Microsoft's own Python runtime for Functions, the code that Azure runs from Python 3.13 on.

Started as a process of its own by `tests.runtime.app`, because the runtime's state is global: one app a process. Calls
come as JSON on standard input, what came of them goes as JSON to the file named last; the logs are the app's.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import azure_functions_runtime as runtime

from tests.runtime.messages import invocation, request


async def index(folder: str) -> tuple[str, list[Any]]:
    """What the runtime has against the app, and the functions it found."""
    started = await runtime.worker_init_request(
        request(worker_init_request={"capabilities": {}, "function_app_directory": folder})
    )
    if started.result.status != 1:
        return str(started.result.exception.message), []
    found = await runtime.functions_metadata_request(request())
    return "", list(found.function_metadata_results)


async def call(functions: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """One invocation, and what came of it."""
    function = functions[asked["function"]]
    trigger = json.loads(function.raw_bindings[0])
    for each in map(json.loads, function.raw_bindings):
        trigger = each if each["type"].lower().endswith("trigger") else trigger
    answer = await runtime.invocation_request(invocation(function.function_id, trigger["name"], asked))
    failed = answer.result.status != 1
    http = answer.return_value.http if answer.return_value is not None else None
    return {
        "error": answer.result.exception.message if failed else "",
        "stack": answer.result.exception.stack_trace if failed else "",
        "status": int(http.status_code) if http is not None else None,
        "body": http.body.bytes.decode() if http is not None else "",
    }


async def run(folder: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    error, found = await index(folder)
    functions = {each.name: each for each in found}
    return {
        "error": error,
        "functions": {name: [json.loads(raw) for raw in each.raw_bindings] for name, each in functions.items()},
        "results": [await call(functions, each) for each in calls] if not error else [],
    }


def main() -> None:
    folder, answer = sys.argv[1:]
    os.chdir(folder)
    sys.path.insert(0, folder)
    runtime.start_threadpool_executor()
    report = asyncio.run(run(folder, json.load(sys.stdin)))
    Path(answer).write_text(json.dumps(report), encoding="utf-8")


if __name__ == "__main__":
    main()
