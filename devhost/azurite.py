"""
Azurite, Microsoft's local Azure Storage, started on free ports and kept in memory.

For tests, benchmarks and whoever runs the app on Azure's storage without Azure. Its time is real: a message that is
sent with a delay is delayed.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
SECONDS_TO_START = 30.0

# Azurite's own account, public: https://learn.microsoft.com/azure/storage/common/storage-connect-azurite
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class AzuriteMissing(Exception):
    """It isn't installed here, or it did not start."""


@contextlib.contextmanager
def azurite() -> Iterator[str]:
    """Its connection string, while the block lasts."""
    ports = dict(zip(("blob", "queue", "table"), _free_ports(3), strict=True))
    options = [option for kind, port in ports.items() for option in (f"--{kind}Port", str(port))]
    # The libraries speak a newer version of the API than this Azurite knows; it answers all the same.
    fixed = ["--silent", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    process = subprocess.Popen([_node(), str(SCRIPT), *fixed, *options], stdout=subprocess.DEVNULL)
    try:
        _wait_for(process, list(ports.values()))
        yield _connection_string(ports)
    finally:
        process.terminate()
        process.wait(10)


def _node() -> str:
    # script/setup takes Node.js from PyPI, into the virtualenv, where the machine has none.
    path = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    node = shutil.which("node", path=path)
    if node is None or not SCRIPT.exists():
        raise AzuriteMissing("Node.js or Azurite is not installed. `script/setup node` installs both.")
    return node


def _connection_string(ports: dict[str, int]) -> str:
    endpoints = [f"{kind.title()}Endpoint=http://127.0.0.1:{port}/{ACCOUNT}" for kind, port in ports.items()]
    return ";".join(["DefaultEndpointsProtocol=http", f"AccountName={ACCOUNT}", f"AccountKey={KEY}", *endpoints, ""])


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in sockets]


def _wait_for(process: subprocess.Popen[bytes], ports: list[int]) -> None:
    last = time.monotonic() + SECONDS_TO_START
    while ports:
        if process.poll() is not None or time.monotonic() > last:
            raise AzuriteMissing(f"Azurite did not start (exit code {process.returncode}).")
        try:
            socket.create_connection(("127.0.0.1", ports[0]), timeout=1).close()
            ports = ports[1:]
        except OSError:
            time.sleep(0.05)  # noqa: TID251 - another process starts in real time
