"""
Gateways that really speak TLS, for the local Azure: who calls without an allowed certificate can be seen.

`Gateway` is the part to plug in (`LocalAzure(..., parts=[Gateway])`), `call` makes one call as a client would. The
package knows ARM only through the store and never writes to it.
"""

from emulator.gateway.caller import Answer, NoConnection, call, connected
from emulator.gateway.gateway import Gateway, Served, World
from emulator.gateway.hosts import self_hosted_name

__all__ = [
    "Answer",
    "Gateway",
    "NoConnection",
    "Served",
    "World",
    "call",
    "connected",
    "self_hosted_name",
]
