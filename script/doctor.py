"""
Runs the rules of azure-functions-doctor over what is deployed: `python -m script.doctor`, called by script/check.

It looks at a copy of the deployed files and infra/, because it takes every Python file of a folder for the app. It
reads Bicep by patterns and skips what it can't find; tests/infra checks the same on our files by their syntax.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEPLOYED = ("function_app.py", "host.json", "requirements.txt", "apimend", "remediators", "infra")
ACCEPTED = {
    "check_programming_model_v2": "a factory makes the functions; tests/runtime indexes them on Microsoft's runtime",
    "check_native_dependency_risk": "azd builds remotely, on the platform's own image",
    "check_blueprint_registration": "functions are registered on the app itself; its pattern meets the word route",
    "check_binding_connection_resolution": "AzureWebJobsStorage is set by identity in infra/app/function.bicep",
    "check_app_insights": "the connection string is set in infra/app/function.bicep, which it can't read",
}


def faults(report: str) -> Iterator[str]:
    """What is wrong, less what is accepted above."""
    for section in json.loads(report)["results"]:
        for item in section["items"]:
            if item["status"] in ("fail", "warn") and item["rule_id"] not in ACCEPTED:
                yield f"{item['rule_id']}: {item['value']} {item.get('hint', '')}"


def main() -> int:
    """Run it."""
    doctor = Path(sys.executable).with_name("azure-functions-doctor")
    with tempfile.TemporaryDirectory(prefix="apimend-doctor-") as folder:
        for name in DEPLOYED:
            copied = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copied(ROOT / name, Path(folder) / name)
        arguments = ["doctor", "--path", folder, "--format", "json", "--profile", "deploy"]
        ran = subprocess.run(
            [doctor, *arguments, "--hosting-plan", "flex-consumption"], capture_output=True, text=True, check=False
        )
    found = list(faults(ran.stdout))
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
