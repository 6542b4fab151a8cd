"""
What handlers are given: the wired parts that they may use. This floor doesn't know how they are joined.
"""

from typing import Protocol

from apimend.documents import FetchedSource
from apimend.engine.approvals import Approvals
from apimend.engine.deadletters import DeadLetters
from apimend.engine.intake import Intake
from apimend.engine.orders import Orders
from apimend.ports import Azure, Clock
from apimend.posture.control import Catalogue
from apimend.report.links import Links
from apimend.settings import Settings
from apimend.storage.parked import Parking
from apimend.storage.stores import Storage
from apimend.web.replay import Replay


class App(Protocol):
    """The product as the web sees it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def azure(self) -> Azure: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def storage(self) -> Storage: ...
    @property
    def desired(self) -> FetchedSource: ...
    @property
    def intake(self) -> Intake: ...
    @property
    def orders(self) -> Orders: ...
    @property
    def approvals(self) -> Approvals: ...
    @property
    def replay(self) -> Replay: ...
    @property
    def parking(self) -> Parking: ...
    @property
    def dead_letters(self) -> DeadLetters | None: ...
    @property
    def links(self) -> Links: ...
    @property
    def catalogue(self) -> Catalogue: ...
