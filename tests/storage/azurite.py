"""
Azurite, Microsoft's local Azure Storage, started on free ports and kept in memory.

Its time is real: tests here wait for nothing, one lease excepted.
"""

import base64
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueServiceClient

ROOT = Path(__file__).parents[2]
SECONDS_TO_START = 30.0
QUEUES = ("apimend-visits", "apimend-notices")

# Azurite's own account, public: https://learn.microsoft.com/azure/storage/common/storage-connect-azurite
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class Azurite:
    """A running one, and how to look into its queues."""

    connection_string: str

    def receive(self, queue: str) -> Sequence[str]:
        """What is visible now, taken out of the queue and decoded as the Functions host does."""
        with QueueServiceClient.from_connection_string(self.connection_string) as service:
            client = service.get_queue_client(queue)
            with contextlib.suppress(ResourceNotFoundError):
                found = list(client.receive_messages(max_messages=32))
                for message in found:
                    client.delete_message(message)
                return [base64.b64decode(message.content).decode() for message in found]
        return []

    def clear_queues(self) -> None:
        with QueueServiceClient.from_connection_string(self.connection_string) as service:
            for queue in QUEUES:
                with contextlib.suppress(ResourceNotFoundError):
                    service.get_queue_client(queue).clear_messages()


@contextlib.contextmanager
def running() -> Iterator[Azurite]:
    """Azurite until the block ends. Skips where it isn't installed."""
    command = ROOT / "node_modules" / ".bin" / "azurite"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    node = shutil.which("node", path=path)
    if not command.exists() or node is None:
        pytest.skip("Azurite is not installed: `make test` installs it (script/setup node)")
    ports = dict(zip(("blob", "queue", "table"), _free_ports(3), strict=True))
    options = [option for kind, port in ports.items() for option in (f"--{kind}Port", str(port))]
    fixed = ["--silent", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    process = subprocess.Popen([node, command.resolve(), *fixed, *options], stdout=subprocess.DEVNULL)
    try:
        _wait_for(process, list(ports.values()))
        yield Azurite(_connection_string(ports))
    finally:
        process.terminate()
        process.wait(10)


def _connection_string(ports: dict[str, int]) -> str:
    endpoints = "".join(f"{kind.title()}Endpoint=http://127.0.0.1:{port}/{ACCOUNT};" for kind, port in ports.items())
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};{endpoints}"


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def _wait_for(process: subprocess.Popen[bytes], ports: list[int]) -> None:
    last = time.monotonic() + SECONDS_TO_START
    while ports:
        if process.poll() is not None or time.monotonic() > last:
            raise RuntimeError(f"Azurite did not start (exit code {process.returncode})")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", ports[0]), timeout=1):
            ports = ports[1:]
            continue
        process_pause()


def process_pause() -> None:
    """A tenth of a second of real time, which Azurite needs to start."""
    time.sleep(0.1)  # noqa: TID251 - another process starts in real time
