"""
What stands in front of a gateway: Application Gateways and Front Doors that name its hosts, and their firewalls.

The families of controls share it. Pure; it tells what was read and judges nothing. Front Door of the Standard and
Premium tiers keeps its origins in children, which Resource Graph does not show: they are a reading of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from apimend.posture import networks
from apimend.posture.doubt import Unsure
from apimend.posture.estate import Estate
from apimend.posture.node import Node

CLASSIC_DOORS = "microsoft.network/frontdoors"
ORIGINS = "microsoft.cdn/profiles/origingroups/origins"
SECURITY = "microsoft.cdn/profiles/securitypolicies"
_GATEWAY_FIREWALLS = "microsoft.network/applicationgatewaywebapplicationfirewallpolicies"
_DOOR_FIREWALLS = "microsoft.network/frontdoorwebapplicationfirewallpolicies"


@dataclass(frozen=True, kw_only=True)
class Firewall:
    """A firewall policy, with its few switches whatever its kind calls them."""

    policy: Node
    state: Node
    mode: Node
    body: Node

    @property
    def is_on(self) -> bool:
        """Whether it does anything."""
        return self.state.word == "enabled"

    @property
    def sees_bodies(self) -> bool:
        """Whether it looks at bodies; on where nothing is said."""
        return self.body.value not in (False, "Disabled")


@dataclass(frozen=True, kw_only=True)
class Front:
    """
    One thing in front: where it shows (`said`), whether it is a Front Door, and the ids of its firewall policies.

    `bare` is what takes traffic without any firewall.
    """

    said: Node
    is_door: bool
    policies: tuple[Node, ...] = ()
    bare: Node | None = None


def fronts(estate: Estate) -> tuple[Front, ...]:
    """Everything in front that can be seen. Raises Unsure where nothing is seen and something may be hidden."""
    gateways = [_gateway(each) for each in networks.proxies(estate)]
    classic = [_classic(each) for each in estate.of_type("network", CLASSIC_DOORS) if estate.hosts & _backends(each)]
    try:
        doors = list(_doors(estate))
    except Unsure:
        if not gateways and not classic:
            raise
        doors = []
    return (*gateways, *classic, *doors)


def _gateway(gateway: Node) -> Front:
    """The firewall of a listener stands in for that of the whole."""
    tier, own = gateway.prop("sku", "tier"), gateway.prop("firewallPolicy", "id")
    listeners = [each.prop("firewallPolicy", "id") for each in gateway.prop("httpListeners").items]
    policies = tuple(each for each in (own, *listeners) if each.text)
    bare = next((each for each in listeners if not each.text), None if listeners else own)
    if tier.word != "waf_v2":
        return Front(said=tier, is_door=False, bare=tier)
    return Front(said=tier, is_door=False, policies=policies, bare=None if own.text else bare)


def _classic(door: Node) -> Front:
    ends = [each.prop("webApplicationFirewallPolicyLink", "id") for each in door.prop("frontendEndpoints").items]
    return Front(
        said=door.prop("backendPools"),
        is_door=True,
        policies=tuple(each for each in ends if each.text),
        bare=next((each for each in ends if not each.text), None if ends else door.prop("frontendEndpoints")),
    )


def _doors(estate: Estate) -> Iterator[Front]:
    for origin in estate.of_type("front doors", ORIGINS):
        profile = _profile(origin)
        held = [each for each in estate.of_type("front doors", SECURITY) if _profile(each) == profile]
        ids = tuple(each.prop("parameters", "wafPolicy", "id") for each in held)
        name = origin.prop("hostName")
        policies = tuple(each for each in ids if each.text)
        yield Front(said=name, is_door=True, policies=policies, bare=None if policies else name)


def _profile(child: Node) -> str:
    return "/".join(child.subject.casefold().split("/")[:9])


def _backends(door: Node) -> frozenset[str]:
    pools = door.prop("backendPools").items
    return frozenset(each.at("address").word for pool in pools for each in pool.prop("backends").items)


def firewalls(estate: Estate, front: Front) -> Iterator[Firewall]:
    """The firewall policies of what stands in front. Raises Unsure where one can't be seen."""
    for id in front.policies:
        policy = networks.row(estate, _DOOR_FIREWALLS if front.is_door else _GATEWAY_FIREWALLS, id.text)
        settings = policy.prop("policySettings")
        yield Firewall(
            policy=policy,
            state=settings.at("enabledState" if front.is_door else "state"),
            mode=settings.at("mode"),
            body=settings.at("requestBodyCheck"),
        )
