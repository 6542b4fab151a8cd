"""
How a further part (Event Grid, Teams inbox, gateway) plugs into the local Azure.

A part is made by a factory that gets the `LocalAzure`; it adds routes to the shared table, may open listeners of its
own, and says when it has something due. Parts hold no background tasks: what falls due is done in `advance`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from emulator.routes import RouteTable


class Part(Protocol):
    """
    One part beside ARM and the vaults.
    """

    def routes(self, table: RouteTable) -> None:
        """
        Add the part's routes; called once, before the listeners open.
        """

    async def start(self) -> None:
        """
        Open own listeners, subscribe to the store, fill in `azure.endpoints`; the main listeners are open already.
        """

    async def stop(self) -> None:
        """
        Close what `start` opened.
        """

    def next_due(self) -> datetime | None:
        """
        The earliest moment at which `advance` will have something to do.
        """

    async def advance(self) -> None:
        """
        Do everything that is due now.
        """
