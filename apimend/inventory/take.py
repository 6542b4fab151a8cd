"""
Takes the inventory of an instance: looks, joins, and tells what does not fit together.
"""

from datetime import datetime

from apimend.inventory.faults import problems
from apimend.inventory.items import Inventory
from apimend.inventory.join import items
from apimend.inventory.look import look
from apimend.model.desired import Desired
from apimend.ports import InstanceReader


async def take(reader: InstanceReader, desired: Desired, now: datetime, *, policies: bool = True) -> Inventory:
    """
    The inventory of an instance.

    Without `policies` no document is read: a few calls, and nothing is said about orphans.
    """
    seen = await look(reader, desired, now, policies=policies)
    found = items(seen)
    return Inventory(
        service=seen.service, taken=now, items=found, problems=problems(seen, found), complete=seen.complete
    )
