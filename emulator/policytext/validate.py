"""
What the service refuses in a document that can be read: sections, elements, scopes, attributes, expressions.

Called when a policy is put. References to other resources (fragments, certificates, named values) are checked by the
policy routes, which know the store. Messages follow those that were recorded or reported; where none is known the text
is ours and stands next to a comment that says so.
"""

from __future__ import annotations

import enum

from emulator.policytext.expressions import expression_fault, is_expression
from emulator.policytext.nodes import Document, Element, PolicyError

SECTIONS = ("inbound", "backend", "outbound", "on-error")


class Scope(enum.Enum):
    """
    Where a document stands.
    """

    GLOBAL = "global"
    WORKSPACE = "workspace"
    PRODUCT = "product"
    API = "api"
    OPERATION = "operation"
    FRAGMENT = "fragment"


POLICIES = frozenset(
    [
        "authentication-basic",
        "authentication-certificate",
        "authentication-managed-identity",
        "azure-openai-emit-token-metric",
        "azure-openai-semantic-cache-lookup",
        "azure-openai-semantic-cache-store",
        "azure-openai-token-limit",
        "base",
        "cache-lookup",
        "cache-lookup-value",
        "cache-remove-value",
        "cache-store",
        "cache-store-value",
        "check-header",
        "choose",
        "cors",
        "cross-domain",
        "emit-metric",
        "find-and-replace",
        "forward-request",
        "get-authorization-context",
        "include-fragment",
        "invoke-dapr-binding",
        "invoke-request",
        "ip-filter",
        "json-to-xml",
        "jsonp",
        "limit-concurrency",
        "llm-content-safety",
        "llm-emit-token-metric",
        "llm-semantic-cache-lookup",
        "llm-semantic-cache-store",
        "llm-token-limit",
        "log-to-eventhub",
        "mock-response",
        "proxy",
        "publish-to-dapr",
        "quota",
        "quota-by-key",
        "rate-limit",
        "rate-limit-by-key",
        "redirect-content-urls",
        "retry",
        "return-response",
        "rewrite-uri",
        "send-one-way-request",
        "send-request",
        "set-backend-service",
        "set-body",
        "set-graphql-resolver",
        "set-header",
        "set-method",
        "set-query-parameter",
        "set-status",
        "set-variable",
        "sql-data-source",
        "http-data-source",
        "cosmosdb-data-source",
        "publish-event",
        "trace",
        "validate-azure-ad-token",
        "validate-client-certificate",
        "validate-content",
        "validate-graphql-request",
        "validate-headers",
        "validate-jwt",
        "validate-odata-request",
        "validate-parameters",
        "validate-status-code",
        "wait",
        "xml-to-json",
        "xsl-transform",
    ]
)
INBOUND_ONLY = frozenset(
    {
        "authentication-basic",
        "authentication-certificate",
        "cache-lookup",
        "check-header",
        "cors",
        "ip-filter",
        "mock-response-inbound",
        "quota",
        "quota-by-key",
        "rate-limit",
        "rate-limit-by-key",
        "rewrite-uri",
        "validate-azure-ad-token",
        "validate-client-certificate",
        "validate-graphql-request",
        "validate-jwt",
        "validate-parameters",
    }
)
BACKEND_ONLY = frozenset({"forward-request"})
# Elements whose children are policies again.
CONTAINERS = frozenset({"when", "otherwise", "retry", "limit-concurrency", "wait", "choose"})
# The element cors was reported as refused where its scope isn't allowed; base does nothing at global scope.
PRODUCT_REFUSES = frozenset({"cors"})

IDENTITY = frozenset(
    [
        "thumbprint",
        "serial-number",
        "common-name",
        "subject",
        "dns-name",
        "issuer-subject",
        "issuer-thumbprint",
        "issuer-certificate-id",
    ]
)
CLIENT_CERTIFICATE = frozenset(
    ["validate-revocation", "validate-trust", "validate-not-before", "validate-not-after", "ignore-error", "id"]
)
MOST_IDENTITIES = 10


def check(document: Document, scope: Scope) -> None:
    """
    Refuse what the service refuses: PolicyError with Azure's message and the element's position.
    """
    root = document.root
    if scope is Scope.FRAGMENT:
        _check_root(root, "fragment")
        _check_policies(root, section="", scope=scope)
    else:
        _check_root(root, "policies")
        _check_sections(root, scope)
    for element in root.walk():
        _check_expressions(element)
        _check_known(element)


def _refuse(element: Element, message: str) -> PolicyError:
    text = f"Error in element '{element.name}' on line {element.line}, column {element.column}: {message}"
    return PolicyError(text, element.line, element.column, target=element.name)


def _expected(names: frozenset[str] | tuple[str, ...]) -> str:
    return (
        "List of possible elements expected: '" + ", ".join(names if isinstance(names, tuple) else sorted(names)) + "'."
    )


def _check_root(root: Element, wanted: str) -> None:
    if root.name != wanted:
        raise _refuse(root, f"The '{root.name}' element is not declared. {_expected((wanted,))}")
    _refuse_text(root, wanted)


def _check_sections(root: Element, scope: Scope) -> None:
    seen: set[str] = set()
    for section in root.elements:
        if section.name not in SECTIONS:
            raise _refuse(
                root, f"The element 'policies' has invalid child element '{section.name}'. {_expected(SECTIONS)}"
            )
        if section.name in seen:
            raise _refuse(root, f"The element 'policies' has invalid child element '{section.name}'.")
        seen.add(section.name)
        _refuse_text(section, section.name)
        _check_policies(section, section.name, scope)


def _refuse_text(element: Element, name: str) -> None:
    if element.text.strip():
        raise _refuse(element, f"The element '{name}' cannot contain text. {_expected(POLICIES)}")


def _check_policies(parent: Element, section: str, scope: Scope) -> None:
    for element in parent.elements:
        if element.name not in POLICIES and not (parent.name == "choose" and element.name in ("when", "otherwise")):
            raise _refuse(
                parent, f"The element '{parent.name}' has invalid child element '{element.name}'. {_expected(POLICIES)}"
            )
        _check_place(element, section, scope)
        if element.name in CONTAINERS:
            _check_policies(element, section, scope)


def _check_place(element: Element, section: str, scope: Scope) -> None:
    if scope is Scope.FRAGMENT and element.name in ("base", "include-fragment"):
        raise _refuse(element, f"Policy fragment cannot contain element '{element.name}'.")
    if scope is Scope.PRODUCT and element.name in PRODUCT_REFUSES:
        raise _refuse(element, "Policy section is not allowed in the specified scope")
    inbound = element.name in INBOUND_ONLY and section not in ("inbound", "")
    backend = element.name in BACKEND_ONLY and section not in ("backend", "")
    if inbound or backend:
        raise _refuse(element, "Policy is not allowed in the specified section")


def _check_expressions(element: Element) -> None:
    values = [*element.attributes.values(), *([element.text] if not element.elements else [])]
    for value in values:
        fault = expression_fault(value) if is_expression(value) else ""
        if fault and not element.name == "set-body":
            raise _refuse(element, fault)


def _check_known(element: Element) -> None:
    """
    The elements whose inside the emulator knows.
    """
    if element.name == "set-header":
        if element.text.strip():
            raise _refuse(
                element, "The element 'set-header' cannot contain text. List of possible elements expected: 'value'."
            )
        _need(element, "name")
    elif element.name == "set-variable":
        _need(element, "name")
    elif element.name == "when":
        _need(element, "condition")
    elif element.name == "include-fragment":
        _need(element, "fragment-id")
    elif element.name == "validate-client-certificate":
        _check_client_certificate(element)


def _need(element: Element, attribute: str) -> None:
    if attribute not in element.attributes:
        raise _refuse(element, f"The required attribute '{attribute}' is missing.")


def _check_client_certificate(element: Element) -> None:
    for name, value in element.attributes.items():
        if name not in CLIENT_CERTIFICATE:
            raise _refuse(element, f"The '{name}' attribute is not declared.")
        if name != "id" and value not in ("true", "false") and not value.startswith("{{"):
            raise _refuse(
                element,
                f"The '{name}' attribute is invalid - The value '{value}' is invalid according to its datatype "
                "'Boolean' - The string was not recognized as a valid Boolean value.",
            )
    for child in element.elements:
        if child.name != "identities":
            raise _refuse(
                element,
                f"The element '{element.name}' has invalid child element '{child.name}'. {_expected(('identities',))}",
            )
        _check_identities(child)


def _check_identities(identities: Element) -> None:
    if len(identities.elements) > MOST_IDENTITIES:
        # The limit is documented, the text is ours.
        raise _refuse(identities, f"The maximum number of identities is {MOST_IDENTITIES}.")
    for identity in identities.elements:
        if identity.name != "identity":
            raise _refuse(
                identities,
                f"The element 'identities' has invalid child element '{identity.name}'. {_expected(('identity',))}",
            )
        for name in identity.attributes:
            if name not in IDENTITY:
                raise _refuse(identity, f"The '{name}' attribute is not declared.")
        others = {"issuer-subject", "issuer-thumbprint"} & set(identity.attributes)
        if "issuer-certificate-id" in identity.attributes and others:
            # Documented as exclusive, the text is ours.
            raise _refuse(
                identity,
                "The 'issuer-certificate-id' attribute cannot be combined with other issuer attributes.",
            )
