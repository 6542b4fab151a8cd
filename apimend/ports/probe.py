"""
A look from outside: what gateways and backends show of themselves in a handshake.

`apimend.probe` fulfils it; a probe tells and never raises.
"""

from typing import Protocol

from apimend.model.runs import Handshake, ServerShown


class Prober(Protocol):
    """Looks at gateway hosts from outside."""

    async def shake_hands(self, host: str, *, canary_path: str = "") -> Handshake:
        """What the host shows. A host that can't be reached from here is said to be so; nothing is raised."""
        ...

    async def show(self, url: str) -> ServerShown:
        """The certificate that a server shows. One that can't be reached is said to be so; nothing is raised."""
        ...
