"""
A local Azure on loopback: Azure Resource Manager with API Management, Key Vault, managed identity, and further parts.

It stands in for the real cloud in tests, in the demo and on its own (`python -m emulator`). It imports nothing of the
product: a shared mistake would hide.
"""

from emulator.azure import Endpoints, LocalAzure, PartFactory
from emulator.faults import Fault, When
from emulator.http import Answer, Call, Layout, Refusal
from emulator.options import Lag, Options, Polling, Throttle, Uploaded
from emulator.parts import Part
from emulator.routes import Place, Route, RouteTable, Source
from emulator.store import Resource, Store, Write, WriteStatus
from emulator.tenant import Tenant, TenantError, load_tenant

__all__ = [
    "Answer",
    "Call",
    "Endpoints",
    "Fault",
    "Lag",
    "Layout",
    "LocalAzure",
    "Options",
    "Part",
    "PartFactory",
    "Place",
    "Polling",
    "Refusal",
    "Resource",
    "Route",
    "RouteTable",
    "Source",
    "Store",
    "Tenant",
    "TenantError",
    "Throttle",
    "Uploaded",
    "When",
    "Write",
    "WriteStatus",
    "load_tenant",
]
