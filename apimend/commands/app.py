"""
What a command is given: the wired parts that it may use, and who asks.

Made by `apimend.wiring.command_line`; this floor does not know how its parts are joined.
"""

from dataclasses import dataclass

from apimend.documents import FetchedSource
from apimend.engine.intake import Intake
from apimend.engine.orders import Orders
from apimend.engine.reconcile import Engine
from apimend.engine.sweep import Sweeper
from apimend.ports import Azure, Bells, Clock, Ledger
from apimend.report.links import Links
from apimend.settings import Settings


@dataclass(frozen=True, kw_only=True)
class App:
    """
    The product as a command sees it. `by` is who asks, for the ledger.

    `shared` tells that lease and ledger are those of the deployed app; without them a command only plans (R29).
    """

    settings: Settings
    azure: Azure
    desired: FetchedSource
    engine: Engine
    orders: Orders
    intake: Intake
    sweeper: Sweeper
    bells: Bells
    ledger: Ledger
    links: Links
    clock: Clock
    by: str
    shared: bool
