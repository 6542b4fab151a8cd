"""
Policy documents at every scope, and the list of all policies.

Recorded: the text comes back laid out with CRLF and tabs; unchanged content keeps its etag; a new service has a global
policy, nothing else has one; a missing one is "PoliciesConfiguration not found."; HEAD answers the etag alone.
"""

from __future__ import annotations

from datetime import datetime

from emulator import policytext
from emulator.arm import references, tiers
from emulator.arm.bodies import body_of, page
from emulator.arm.entities import SERVICE_PATH, base_of, indented, match, private, seen, with_etag
from emulator.arm.errors import not_found, validation
from emulator.arm.provider import SERVICE, Provider
from emulator.http import Answer, Call, Layout
from emulator.options import Lag
from emulator.policytext import PolicyError, Scope
from emulator.routes import Route, Source
from emulator.store import Json, Resource, Store, parent_of

MISSING = "PoliciesConfiguration"
FORMATS = ("xml", "rawxml", "xml-link", "rawxml-link")
GLOBAL_POLICY = """<!--
    IMPORTANT:
    - Policy elements can appear only within the <inbound>, <outbound>, <backend> section elements.
    - Only the <forward-request> policy element can appear within the <backend> section element.
    - Policies are applied in the order of their appearance, from the top down.
-->
<policies>
\t<inbound />
\t<backend>
\t\t<forward-request />
\t</backend>
\t<outbound />
</policies>""".replace("\n", "\r\n")

SCOPES = {
    "": Scope.GLOBAL,
    "products": Scope.PRODUCT,
    "apis": Scope.API,
    "operations": Scope.OPERATION,
    "workspaces": Scope.WORKSPACE,
    "resolvers": Scope.OPERATION,
}
PLACES = (
    ("", Source.RECORDED),
    ("/products/{product}", Source.RECORDED),
    ("/apis/{api}", Source.RECORDED),
    ("/apis/{api}/operations/{operation}", Source.RECORDED),
    ("/workspaces/{workspace}", Source.SPECIFIED),
    ("/workspaces/{workspace}/products/{product}", Source.SPECIFIED),
    ("/workspaces/{workspace}/apis/{api}", Source.SPECIFIED),
    ("/workspaces/{workspace}/apis/{api}/operations/{operation}", Source.SPECIFIED),
)
LABELS = {"products": "Product", "apis": "Api", "operations": "Operation", "workspaces": "Workspace"}


def policy_resource(store: Store, owner: str, kept: str) -> Resource:
    """
    The resource of a stored document under its owner.
    """
    parts = owner.split("/")
    at = next(i for i, part in enumerate(parts) if part.casefold() == "service")
    return Resource(
        id=f"{owner}/policies/policy",
        type="/".join([SERVICE, *parts[at + 2 :: 2], "policies"]),
        name="policy",
        body={"properties": {"value": kept}},
        etag=store.next_etag(),
    )


def plant_global(store: Store, service: Resource, now: datetime) -> None:
    """
    The policy that a new service has.
    """
    store.put(policy_resource(store, service.id, GLOBAL_POLICY), at=now)


class Policies:
    """
    The handlers of all policy routes.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def routes(self) -> list[Route]:
        found: list[Route] = []
        for place, source in PLACES:
            collection = f"{SERVICE_PATH}{place}/policies"
            item = f"{collection}/{{policy}}"
            for method, path, handler in (
                ("GET", collection, self.list_one),
                ("HEAD", item, self.head),
                ("GET", item, self.get),
                ("PUT", item, self.put),
                ("DELETE", item, self.delete),
            ):
                found.append(Route(method=method, path=path, handler=handler, source=source))
        found.append(Route(method="GET", path=f"{SERVICE_PATH}/allPolicies", handler=self.all, source=Source.SPECIFIED))
        return found

    async def list_one(self, call: Call) -> Answer:
        owner = self._owner(call)
        items = [self._shown(one, "xml") for one in self._provider.store.children(owner, "policies")]
        return private(call, page(self._provider, call, items, layout=Layout.INDENTED))

    async def head(self, call: Call) -> Answer:
        return with_etag(call, Answer(), self._existing(call).etag)

    async def get(self, call: Call) -> Answer:
        found = self._existing(call)
        form = call.query.get("format", "xml")
        return with_etag(call, indented(self._shown(found, "rawxml" if form == "rawxml" else "xml")), found.etag)

    async def put(self, call: Call) -> Answer:
        owner = self._owner(call)
        current = self._provider.store.get(f"{owner}/policies/policy")
        # A star on something that isn't there is accepted here; a stale etag never is.
        match(self._provider, call, current)
        kept = self._accepted(call, owner)
        if current is not None and current.properties["value"] == kept:
            saved = current
        else:
            saved = self._provider.store.put(
                policy_resource(self._provider.store, owner, kept), at=self._provider.now()
            )
        status = 200 if current is not None else 201
        return with_etag(call, indented(self._shown(saved, "xml"), status), saved.etag)

    async def delete(self, call: Call) -> Answer:
        owner = self._owner(call)
        current = self._provider.store.get(f"{owner}/policies/policy")
        if current is None:
            return private(call, Answer(status=204))
        match(self._provider, call, current)
        self._provider.store.remove(current.id, at=self._provider.now())
        return private(call, Answer())

    async def all(self, call: Call) -> Answer:
        """
        References to every policy of the service, without text; by option late or with gaps.
        """
        service = self._provider.service_of(call)
        found = [one for one in self._provider.store.below(service.id) if one.type.casefold().endswith("/policies")]
        items = [self._reference(service, one) for one in found if self._listed(one)]
        return private(call, page(self._provider, call, items, layout=Layout.INDENTED))

    def _listed(self, policy: Resource) -> bool:
        mode = self._provider.options.all_policies
        if mode is Lag.OMIT:
            return "/operations/" not in policy.id.casefold()
        late = policy.changed is not None and policy.changed + self._provider.options.list_lag > self._provider.now()
        return not (mode is Lag.LATE and late)

    def _reference(self, service: Resource, policy: Resource) -> Json:
        name = policy.id[len(service.id) + 1 :].replace("/", "_")
        return {
            "id": f"{service.id}/allPolicies/{name}",
            "type": f"{SERVICE}/allPolicies",
            "name": name,
            "properties": {"referencePolicyId": policy.id[len(service.id) :], "complianceState": "NotApplicable"},
        }

    def _accepted(self, call: Call, owner: str) -> str:
        """
        The document of a PUT as it will be kept, after all the service's checks.
        """
        properties = body_of(call).get("properties")
        sent = properties if isinstance(properties, dict) else {}
        text, form = sent.get("value"), sent.get("format") or "xml"
        if not isinstance(text, str) or not text.strip():
            raise validation("value", "Value should not be empty.")
        if form not in FORMATS:
            raise validation("format", f"Format '{form}' is not supported.")
        if form.endswith("-link"):
            raise validation("value", "The emulator does not fetch policies from links.")
        service = self._provider.service_of(call)
        limit = tiers.policy_limit(str((service.body.get("sku") or {}).get("name", "")))
        if len(text.encode()) > limit:
            # The limit is documented, the text is ours.
            raise validation("value", f"The policy document exceeds the maximum size of {limit // 1024} KiB.")
        try:
            kept, document = policytext.stored(
                text, form=form, unescape_expressions=self._provider.options.unescape_expressions
            )
            policytext.check(document, self._scope(owner, service))
            references.check(self._provider, service, owner, document)
        except PolicyError as wrong:
            raise validation(wrong.target, wrong.message) from wrong
        return kept

    def _scope(self, owner: str, service: Resource) -> Scope:
        below = owner[len(service.id) :].strip("/").split("/")
        return SCOPES[below[-2].casefold() if len(below) > 1 else ""]

    def _owner(self, call: Call) -> str:
        """
        The id of what the policy belongs to, which has to exist.
        """
        if call.params.get("policy", "policy").casefold() != "policy":
            raise validation("policyId", "Policy identifier must be 'policy'.")
        owner = base_of(self._provider, call)
        for segment, param in (("products", "product"), ("apis", "api"), ("operations", "operation")):
            if param in call.params:
                found = references.find(self._provider, f"{owner}/{segment}", call.params[param])
                if found is None:
                    raise not_found(LABELS[segment])
                owner = found.id
        return owner

    def _existing(self, call: Call) -> Resource:
        found = seen(self._provider, call, f"{self._owner(call)}/policies/policy")
        if found is None:
            raise not_found(MISSING)
        return found

    def _shown(self, policy: Resource, form: str) -> Json:
        text = policytext.presented(policy.properties["value"], form=form)
        return {
            "id": policy.id,
            "type": policy.type,
            "name": policy.name,
            "properties": {"format": form, "value": text},
        }


def owner_of(policy: Resource) -> str:
    """
    The id of what a policy belongs to.
    """
    return parent_of(policy.id)
