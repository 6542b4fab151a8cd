"""
Desired states made at random of the language's own words: whatever loads can be resolved and explained.
"""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apimend.documents import DesiredState, load
from apimend.model.azure import Service
from apimend.model.errors import BadInput
from apimend.model.ids import InstanceId
from apimend.model.tiers import tier

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
THUMBPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"
NAMES = st.sampled_from(["a", "b", "c"])
MODES = st.sampled_from(["report", "ask", "enforce"])
TRUTHS = st.booleans()
TIMES = st.sampled_from(["22:00", "04:00"])


def some(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping with any of these keys."""
    return st.fixed_dictionaries({}, optional=keys)


def names() -> st.SearchStrategy[list[str]]:
    return st.lists(NAMES, max_size=3)


IDENTITIES = st.lists(
    st.fixed_dictionaries({"subject": st.just("CN=a")}, optional={"thumbprint": st.just(THUMBPRINT)}), max_size=2
)
CHECK: dict[str, st.SearchStrategy[Any]] = {
    "action": st.sampled_from(["observe", "enforce"]),
    "state": st.sampled_from(["present", "absent"]),
    "form": st.sampled_from(["element", "attached"]),
    "validateTrust": TRUTHS,
    "identities": IDENTITIES,
}
LAYER: dict[str, st.SearchStrategy[Any]] = {
    "mode": MODES,
    "modes": st.dictionaries(st.just("some_rule"), MODES),
    "arrives": st.sampled_from(["direct", "header"]),
    "header": some(name=st.just("X-Cert"), restriction=st.just("NSG")),
    "negotiate": TRUTHS,
    "hosts": st.dictionaries(st.sampled_from(["a.example", "A.example"]), st.sampled_from(["plain", "negotiates"])),
    "certificates": names(),
    "clients": names(),
    "trust": names(),
    "check": some(**CHECK),
    "scopes": st.dictionaries(st.sampled_from(["apis/a", "products/b"]), some(clients=names(), **CHECK)),
    "gateways": st.dictionaries(NAMES, some(authorities=names(), guard=TRUTHS)),
    "backends": st.dictionaries(NAMES, some(certificates=names(), validateTls=TRUTHS)),
    "window": st.just("always") | some(**{"from": TIMES, "to": TIMES, "days": st.just(["sat"])}),
    "limits": some(writesPerDay=st.integers(0, 3), rounds=st.integers(1, 2)),
    "stage": NAMES,
}
MATCH = st.fixed_dictionaries(
    {"name": st.sampled_from(["*", "contoso", "con*", "other"])},
    optional={"sku": st.sampled_from(["Consumption", "Premium"]), "tags": st.just({"env": "prod"})},
)
ENTRY = st.fixed_dictionaries({"name": st.text("abcdef", min_size=4, max_size=8), "match": MATCH}, optional=LAYER)
CERTIFICATE = st.fixed_dictionaries({"vault": st.just("kv-a"), "certificate": NAMES}, optional={"id": NAMES})
DOCUMENT = st.fixed_dictionaries(
    {
        "version": st.just(1),
        "instances": st.lists(ENTRY, max_size=3),
        "certificates": st.fixed_dictionaries(dict.fromkeys("abc", CERTIFICATE)),
        "clients": st.fixed_dictionaries({name: st.just({"certificate": "a"}) for name in "abc"}),
        "authorities": st.fixed_dictionaries({name: st.just({"certificate": "b"}) for name in "abc"}),
        "rollout": st.fixed_dictionaries({"stages": st.just(["a", "b", "c"]), "reached": NAMES}),
    },
    optional={"defaults": some(**LAYER)},
)


def service(sku: str) -> Service:
    id = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ApiManagement/service/contoso"
    return Service(
        id=InstanceId.of(id),
        name="contoso",
        location="",
        tier=tier(sku),
        etag="",
        provisioning_state="Succeeded",
        target_state="",
        hostnames=(),
        enable_client_certificate=None,
        tags={"env": "prod"},
    )


def answers(document: Any, sku: str) -> tuple[DesiredState, Any] | BadInput:
    try:
        state = load(json.dumps(document), "d.yaml")
        return state, state.resolve(service(sku))
    except BadInput as error:
        return error


@given(DOCUMENT, st.sampled_from(["Consumption", "Premium"]))
def test_what_loads_can_be_resolved_and_explained(document: Any, sku: str) -> None:
    """
    A desired state of known words either has faults with places, or resolves, with an explanation for what it selects.
    """
    answer = answers(document, sku)
    if isinstance(answer, BadInput):
        assert all(fault.line for fault in answer.faults)
        return
    state, desired = answer

    assert (desired is None) == (state.explain(service(sku)) == ())
