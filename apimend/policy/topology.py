"""
What a call can meet on one instance: its APIs, operations, products, hosts and policy documents, as frozen values.

Made by the remediators from what the reader read; called by pipeline, coverage and placement. It holds facts only.

A *scope* is a path below the instance in lower case: empty for the instance itself (the global policy),
`products/gold`, `apis/orders`, `apis/orders;rev=2`, `apis/orders/operations/get`, `workspaces/w/apis/x`.
`scope_of` makes one of whatever Azure sent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from apimend.model.check import ClientIdentity
from apimend.model.errors import PolicyNotUnderstood
from apimend.policy.document import Document

GLOBAL = ""
MANAGED = "managed"
"""What `context.Deployment.Gateway.Id` says on the instance's own gateway."""

ReadDocument = Document | PolicyNotUnderstood
"""A document, or why it can't be read."""


@dataclass(frozen=True, kw_only=True)
class ApiNode:
    """
    One revision of an API that can be called: the current one, or one that is online.

    `name` is Azure's, as received, with `;rev=n` where it isn't the current revision. `operations` are names;
    a GraphQL API has one without a document of its own, a WebSocket API has `onHandshake`.
    """

    name: str
    operations: tuple[str, ...]
    products: tuple[str, ...] = ()
    type: str = "http"
    workspace: str = ""

    @property
    def base_name(self) -> str:
        """The name that all revisions share."""
        return self.name.partition(";rev=")[0]

    @property
    def scope(self) -> str:
        """The scope of its own document."""
        return scope_of(f"{_within(self.workspace)}apis/{self.name}")

    def operation_scope(self, operation: str) -> str:
        """The scope of an operation's document."""
        return f"{self.scope}/operations/{operation.casefold()}"

    def product_scope(self, product: str) -> str:
        """The scope of a product's document, in the API's own workspace."""
        return scope_of(f"{_within(self.workspace)}products/{product}")


@dataclass(frozen=True, kw_only=True)
class Host:
    """
    One way in: a host name of a gateway.

    `negotiates` is None where it isn't known whether it asks for a certificate. `trusts`: whether a CA certificate is
    in its Root store; None where there is none but could be, False where the gateway never has any. `apis` are those
    a self-hosted gateway serves (base names); None: all. A workspace gateway serves its `workspace` only.
    """

    name: str
    negotiates: bool | None
    gateway: str = MANAGED
    trusts: bool | None = None
    apis: frozenset[str] | None = None
    workspace: str | None = None

    def serves(self, api: ApiNode) -> bool:
        """Whether an API can be called here."""
        if self.workspace is not None and self.workspace.casefold() != api.workspace.casefold():
            return False
        return self.apis is None or api.base_name in self.apis


@dataclass(frozen=True, kw_only=True)
class Topology:
    """Everything that decides what becomes of a call. Documents and fragments are by scope and by fragment id."""

    apis: tuple[ApiNode, ...]
    hosts: tuple[Host, ...]
    documents: Mapping[str, ReadDocument] = field(default_factory=dict)
    fragments: Mapping[str, ReadDocument] = field(default_factory=dict)

    def calls(self, api: ApiNode) -> Iterator[tuple[str, Host]]:
        """
        The contexts in which an operation of an API can be called: (product or empty, host).

        Without a product always: API-scoped, all-APIs and all-access keys run no product policy.
        """
        for host in self.hosts:
            if host.serves(api):
                for product in ("", *api.products):
                    yield product, host

    def chain(self, api: ApiNode, operation: str, product: str) -> tuple[str, ...]:
        """The scopes of the documents that exist for a call, outermost first."""
        scopes = [GLOBAL]
        if api.workspace:
            scopes.append(scope_of(f"workspaces/{api.workspace}"))
        if product:
            scopes.append(api.product_scope(product))
        scopes += (api.scope, api.operation_scope(operation))
        return tuple(scope for scope in scopes if scope in self.documents)


@dataclass(frozen=True, kw_only=True)
class Standards:
    """
    What coverage is measured against.

    `thumbprints` and `identities` are the declared clients; both None where nobody declared any: then every
    pin counts. `attached` are the thumbprints of the certificate entities. `waivers` are scopes. `headers`, in lower
    case, are those that only a proxy in front can write, by a declaration that nothing contradicts (R16).
    """

    thumbprints: frozenset[str] | None = None
    identities: frozenset[ClientIdentity] | None = None
    attached: frozenset[str] = frozenset()
    waivers: frozenset[str] = frozenset()
    headers: frozenset[str] = frozenset()


def scope_of(path: str) -> str:
    """The scope of a path below the instance, as Azure or an operator wrote it."""
    return path.strip("/").removesuffix("/policies/policy").removesuffix("policies/policy").strip("/").casefold()


def read_documents(texts: Mapping[str, str]) -> dict[str, ReadDocument]:
    """Every text read, or the reason why it can't be."""
    read: dict[str, ReadDocument] = {}
    for key, text in texts.items():
        try:
            read[key] = Document.parse(text)
        except PolicyNotUnderstood as error:
            read[key] = error
    return read


def operation_scopes(api: ApiNode, operation: str) -> tuple[str, str]:
    """The scopes that mean an operation: that of its revision, and that of all revisions."""
    revision, all_revisions = api_scopes(api)
    return (f"{revision}/operations/{operation.casefold()}", f"{all_revisions}/operations/{operation.casefold()}")


def api_scopes(api: ApiNode) -> tuple[str, str]:
    """The scopes that mean an API: its revision's own, and that of all revisions."""
    return (api.scope, api.scope.partition(";rev=")[0])


def is_waived(waivers: frozenset[str], api: ApiNode, operation: str, product: str) -> bool:
    """Whether a waiver spares a call: one for the instance, its workspace, product, API or operation."""
    if not waivers:
        return False
    scopes = {GLOBAL, *api_scopes(api), *operation_scopes(api, operation)}
    if api.workspace:
        scopes.add(scope_of(f"workspaces/{api.workspace}"))
    if product:
        scopes.add(api.product_scope(product))
    return not waivers.isdisjoint(scopes)


def _within(workspace: str) -> str:
    return f"workspaces/{workspace}/" if workspace else ""
