"""
`python -m emulator`: a local Azure for people and for other projects.

Real time, with service updates shortened, until interrupted. It starts all parts and prints where they listen. It takes
no setting from the environment.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from emulator import choices
from emulator.azure import LocalAzure
from emulator.events import EventGrid
from emulator.gateway import Gateway
from emulator.options import Options
from emulator.teams import TeamsInbox
from emulator.tenant import TenantError, load_tenant

SAMPLE = Path(__file__).parent / "tenants" / "small.yaml"
TICK = 0.2


def arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m emulator",
        description="A local Azure on loopback: ARM with API Management, Key Vault, identity, events, gateways.",
    )
    parser.add_argument("--tenant", type=Path, default=SAMPLE, help="YAML file; its form stands in emulator/tenant.py")
    parser.add_argument("--port", type=int, default=0, help="port of the HTTPS listener (0: a free one)")
    parser.add_argument("--plain-port", type=int, default=0, help="port of identity and control (0: a free one)")
    parser.add_argument("--gateway-port", type=int, default=0, help="port of the API gateways (0: a free one)")
    parser.add_argument("--update-seconds", type=float, default=20, help="how long a service update takes")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of docs/emulator.md, like --set certificate_in_use_status=409; may be given more than once",
    )
    parser.add_argument("--ca-file", type=Path, help="also write the emulator's CA certificate to this file")
    return parser.parse_args(given)


def options_of(chosen: argparse.Namespace) -> Options:
    """
    Options with every duration of a service operation shortened alike, and what was set by name laid over them.
    """
    span = timedelta(seconds=chosen.update_seconds)
    shortened = dataclasses.replace(
        Options(),
        port=chosen.port,
        plain_port=chosen.plain_port,
        gateway_port=chosen.gateway_port,
        update_duration=span,
        update_duration_v2=span / 2,
        create_duration=span,
        delete_duration=span / 2,
        rotation_delay=span * 3,
    )
    return choices.chosen(shortened, chosen.set)


def welcome(azure: LocalAzure) -> str:
    """
    What a person needs in order to use it.
    """
    endpoints = azure.endpoints
    vaults = "".join(
        f"  vault {name:<18} https://localhost:{port}\n" for name, port in azure.listeners.vault_ports.items()
    )
    host, port = endpoints.gateway
    return (
        "The local Azure is running. Interrupt to stop.\n"
        f"  Azure Resource Manager   {endpoints.arm}\n"
        f"  managed identity         {endpoints.identity}  (X-IDENTITY-HEADER: {endpoints.identity_header})\n"
        f"  API gateways             https://{host}:{port}  (by host name)\n"
        f"  Event Grid topic         {endpoints.topic}\n"
        f"  Teams webhook            {endpoints.teams}\n"
        f"  control                  {endpoints.control}/health\n"
        f"  vaults                   https://<name>{endpoints.vault_suffix}\n"
        f"{vaults}"
        f"  CA certificate           {azure.ca_file}\n"
        "Try:\n"
        f"  TOKEN=$(curl -s -H 'X-IDENTITY-HEADER: {endpoints.identity_header}' \\\n"
        f"    '{endpoints.identity}?api-version=2019-08-01&resource=https://management.azure.com' \\\n"
        "    | python -c 'import json, sys; print(json.load(sys.stdin)[\"access_token\"])')\n"
        f'  curl --cacert {azure.ca_file} -H "Authorization: Bearer $TOKEN" \\\n'
        f"    '{endpoints.arm}/subscriptions/{azure.tenant.subscriptions[0][0]}/providers/Microsoft.ApiManagement"
        "/service?api-version=2024-05-01'\n"
    )


async def serve(chosen: argparse.Namespace) -> None:
    tenant = load_tenant(chosen.tenant)
    # On its own the emulator lives in the machine's time.
    azure = LocalAzure(
        tenant,
        now=lambda: datetime.now(UTC),  # noqa: TID251 - the machine's time
        options=options_of(chosen),
        parts=(EventGrid, TeamsInbox, Gateway),
    )
    async with azure:
        if chosen.ca_file is not None:
            chosen.ca_file.write_text(azure.authority.pem)
        print(welcome(azure), flush=True)
        while True:
            await azure.advance()
            await asyncio.sleep(TICK)  # noqa: TID251 - the machine's time


def main(given: Sequence[str]) -> int:
    # Being told to stop ends it as an interrupt does: listeners closed, files removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        asyncio.run(serve(arguments(given)))
    except KeyboardInterrupt:
        return 0
    except (TenantError, choices.BadChoice, OSError) as wrong:
        print(f"The local Azure can't start: {wrong}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
