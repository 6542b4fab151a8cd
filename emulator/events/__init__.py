"""
Event Grid of the local Azure.

Other parts never import it: they announce writes in the store, and this part turns them into events. It must not
know how API Management, a vault or the product works.
"""

from emulator.events.dispatch import Attempt, DeadLetter, Mischief
from emulator.events.event import Event, Family, Schema
from emulator.events.filters import BadFilter, Filter
from emulator.events.hub import Hub
from emulator.events.key_vault import CertificateNews, VaultCertificate
from emulator.events.part import EventGrid
from emulator.events.resource_manager import Quirks
from emulator.events.subscription import State, Subscription
from emulator.events.webhook import HandshakeFailed, Webhooks

__all__ = [
    "Attempt",
    "BadFilter",
    "CertificateNews",
    "DeadLetter",
    "Event",
    "EventGrid",
    "Family",
    "Filter",
    "HandshakeFailed",
    "Hub",
    "Mischief",
    "Quirks",
    "Schema",
    "State",
    "Subscription",
    "VaultCertificate",
    "Webhooks",
]
