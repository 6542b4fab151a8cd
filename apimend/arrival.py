"""
How callers' certificates arrive, and what forbids a check that relies on it (R6, R16).

The rule that places checks and the command line ask. A header is believed only where operators declare what keeps
callers from going around the proxy and nothing that can be seen contradicts them: an Application Gateway has to name
the instance, because a header of Front Door is never believed. It writes nothing, and asks nobody.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from apimend.model.azure import Service
from apimend.model.desired import Arrives, Desired

_FRONT_DOOR = "x-azure-fdid"
"""The header that tells a policy which Front Door a call came by."""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What can be seen of the way in: the service, what Resource Graph shows in front of it, and its policies."""

    service: Service
    proxies: tuple[str, ...] = ()
    behind_front_door: str = ""

    @classmethod
    def seen(cls, service: Service, proxies: tuple[str, ...], texts: Mapping[str, str]) -> "Arrival":
        """`texts` are policies and fragments by name: one that asks for Front Door's id tells that it is there."""
        asking = (name for name, text in sorted(texts.items()) if _FRONT_DOOR in text.casefold())
        found = next(asking, None)
        place = "" if found is None else found or "all APIs"
        return cls(service=service, proxies=proxies, behind_front_door=place)


def header_doubts(desired: Desired, seen: Arrival) -> Iterator[str]:
    """Why a certificate in the declared header can't be believed, or not be read; none where it can."""
    if not desired.header:
        yield "the name of the header is not declared"
    if not desired.header_restriction:
        yield "it is not declared what keeps callers from going around the proxy"
    if seen.service.tier.refuses_without:
        yield "policies of the Consumption tier can't read a certificate, and it refuses the proxy, which has none"
    if seen.behind_front_door:
        yield f"a policy ({seen.behind_front_door}) looks at X-Azure-FDID, so Front Door is in front: never believed"
    if not seen.proxies:
        yield "no Application Gateway is seen that names this instance, and other proxies can't be told from Front Door"
    if seen.service.open_to_all:
        yield "Resource Manager shows the gateway in no virtual network and open to everybody"


def believed_headers(desired: Desired, seen: Arrival) -> frozenset[str]:
    """The header whose certificate counts, in lower case; none where anything speaks against it."""
    if desired.arrives is not Arrives.HEADER or next(header_doubts(desired, seen), None):
        return frozenset()
    return frozenset({desired.header.casefold()})
