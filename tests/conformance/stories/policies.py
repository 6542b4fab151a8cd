"""
The stories of policies.
"""

from __future__ import annotations

from tests.conformance.replay import Before, Send, Story
from tests.conformance.stories.tenants import (
    ASO,
    ASO_V2,
    CLI,
    ECHO,
    LATER,
    MAPI,
    NIL,
    POWERSHELL,
    not_recorded,
    on_service,
    service_id,
)

POLICIES: tuple[Story, ...] = (
    Story(
        name="global policy, same content, delete",
        tenant=on_service(*CLI),
        steps=("policy/01", "policy/02", "policy/03", "policy/04"),
    ),
    Story(
        name="product policy",
        tenant=on_service(*ASO),
        steps=("api-product/05", "api-product/06", "policy/05", "policy/06", "policy/07", "policy/08"),
    ),
    Story(
        name="white space between elements",
        tenant=on_service(NIL, "asotest-rg-nnxzgr", "asotestifbhwl"),
        steps=("policy/09",),
    ),
    Story(name="global policy on a v2 tier", tenant=on_service(*ASO_V2, sku="BasicV2"), steps=("policy/10",)),
    Story(
        name="API policy",
        tenant=on_service(*CLI),
        steps=("api-product/22", "policy/11", "policy/12"),
        apart={"api-product/22": not_recorded(LATER, "properties/backendId")},
    ),
    Story(
        name="policies of every scope of a fresh service",
        tenant=on_service(*MAPI, apis=[ECHO]),
        steps=(
            "api-product/23",
            # The comment of a new service's policy is Azure's own text; the emulator has a shorter one.
            Before("policy/14"),
            "policy/13",
            "policy/14",
            "policy/15",
            "policy/16",
            "policy/17",
            "policy/18",
            "policy/19",
            "policy/20",
            "policy/21",
            "policy/22",
            "policy/23",
        ),
        apart={"api-product/23": not_recorded(LATER, "value/0/properties/backendId")},
    ),
    Story(
        name="XML declaration, no backend section",
        service=service_id(*POWERSHELL),
        tenant=on_service(*POWERSHELL),
        steps=("policy/24", Send(method="DELETE", path="/policies/policy"), "policy/25"),
    ),
)
