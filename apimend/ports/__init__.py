"""
What the engine and the rules need of the world, as Protocols: adapters fulfil them, `wiring` joins them.

Reading and writing are different types. A rule is handed an InstanceReader and can't write; a run in report
mode has no InstanceWriter at all. Everybody imports from here; the modules only keep things that belong together.
"""

from apimend.ports.azure import Azure, InstanceReader, InstanceWriter, Written
from apimend.ports.clock import Clock
from apimend.ports.desired import DesiredSource
from apimend.ports.ledger import Ledger
from apimend.ports.notify import Notices, Notifier
from apimend.ports.probe import Prober
from apimend.ports.remediator import Proposal, Remediator, Safety, VisitContext
from apimend.ports.storage import Buckets, Messages, Record, Records
from apimend.ports.visits import Bells, Lease, Leases, Visit
from apimend.ports.walks import WalkMemory, Walks

__all__ = [
    "Azure",
    "Bells",
    "Buckets",
    "Clock",
    "DesiredSource",
    "InstanceReader",
    "InstanceWriter",
    "Lease",
    "Leases",
    "Ledger",
    "Messages",
    "Notices",
    "Notifier",
    "Prober",
    "Proposal",
    "Record",
    "Records",
    "Remediator",
    "Safety",
    "Visit",
    "VisitContext",
    "WalkMemory",
    "Walks",
    "Written",
]
