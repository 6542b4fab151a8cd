"""
Names in policies that stand for other resources: fragments, certificates, backends, named values, revisions.

A policy that names something unknown is refused (the wording is ours where no recording has one); the same search tells
what a resource is used by when it is to be deleted.
"""

from __future__ import annotations

import re

from emulator.arm.provider import Provider
from emulator.policytext import Document, Element, PolicyError, parse
from emulator.store import Resource, key_of

PLACEHOLDER = re.compile(r"\{\{([\w.\-]+)\}\}")
BY_ATTRIBUTE = (
    ("include-fragment", "fragment-id", "policyFragments", "Policy fragment"),
    ("authentication-certificate", "certificate-id", "certificates", "Certificate"),
    ("identity", "issuer-certificate-id", "certificates", "Certificate"),
    ("set-backend-service", "backend-id", "backends", "Backend"),
)


def find(provider: Provider, collection: str, name: str) -> Resource | None:
    """
    A resource of a collection; for an API, its current revision also under `;rev=n`.
    """
    found = provider.store.get(f"{collection}/{name}")
    if found is not None:
        return found
    bare, mark, revision = name.partition(";rev=")
    current = provider.store.get(f"{collection}/{bare}") if mark else None
    if current is not None and current.properties.get("apiRevision") == revision:
        return current
    return None


def check(provider: Provider, service: Resource, owner: str, document: Document) -> None:
    """
    Refuse a document that names what isn't there.
    """
    if not provider.options.check_references:
        return
    homes = _homes(service.id, owner)
    for element in document.root.walk():
        for name, attribute, segment, label in BY_ATTRIBUTE:
            value = element.attributes.get(attribute, "") if element.name == name else ""
            if value and not value.startswith(("@", "{{")) and _lookup(provider, homes, segment, value) is None:
                raise _refused(element, f"{label} with id '{value}' could not be found.")
        _check_thumbprint(provider, homes, element)
        for text in (*element.attributes.values(), element.text):
            for placeholder in PLACEHOLDER.findall(text):
                if not _named(provider, homes, placeholder):
                    raise _refused(element, f"Cannot find a property '{placeholder}'")


def _check_thumbprint(provider: Provider, homes: list[str], element: Element) -> None:
    wanted = element.attributes.get("thumbprint", "").upper() if element.name == "authentication-certificate" else ""
    if not wanted or wanted.startswith("{{"):
        return
    for home in homes:
        for one in provider.store.children(home, "certificates"):
            vault = one.properties.get("keyVault")
            if one.properties.get("thumbprint") == wanted and vault:
                raise _refused(
                    element,
                    f"The Certificate with id '{one.name}' and thumbprint '{wanted}' is configured with KeyVault "
                    f"secret '{vault['secretIdentifier']}' and cannot be referenced by thumbprint. Please "
                    f"reference it with certificate-id '{one.name}' in the policy.",
                )


def _refused(element: Element, message: str) -> PolicyError:
    text = f"Error in element '{element.name}' on line {element.line}, column {element.column}: {message}"
    return PolicyError(text, element.line, element.column, target=element.name)


def _homes(service_id: str, owner: str) -> list[str]:
    """
    Where names are looked up: the workspace of the owner, if any, then the service.
    """
    below = owner[len(service_id) :].strip("/").split("/")
    workspace = [f"{service_id}/workspaces/{below[1]}"] if below[0].casefold() == "workspaces" else []
    return [*workspace, service_id]


def _lookup(provider: Provider, homes: list[str], segment: str, name: str) -> Resource | None:
    return next((one for home in homes if (one := provider.store.get(f"{home}/{segment}/{name}"))), None)


def _named(provider: Provider, homes: list[str], display_name: str) -> bool:
    return any(
        one.properties.get("displayName") == display_name
        for home in homes
        for one in provider.store.children(home, "namedValues")
    )


def users_of(provider: Provider, resource: Resource, service_id: str, segment: str) -> list[str]:
    """
    The ids of what uses a fragment, certificate or backend: policies, fragments, backends, gateway hostnames.
    """
    found = [
        one.id
        for one in provider.store.below(service_id)
        if one.type.casefold().endswith(("/policies", "/policyfragments")) and _names(one, segment, resource)
    ]
    if segment == "certificates":
        found += [
            one.id
            for one in provider.store.below(service_id)
            if one.type.casefold().endswith(("/backends", "/hostnameconfigurations")) and _holds(one, resource)
        ]
    return found


def _names(policy: Resource, segment: str, resource: Resource) -> bool:
    document = parse(policy.properties["value"])
    for element in document.root.walk():
        for name, attribute, collection, _ in BY_ATTRIBUTE:
            named = element.attributes.get(attribute, "").casefold() == resource.name.casefold()
            if collection == segment and element.name == name and named:
                return True
        thumbprint = resource.properties.get("thumbprint")
        pinned = element.name == "authentication-certificate" and thumbprint is not None
        if segment == "certificates" and pinned and element.attributes.get("thumbprint", "").upper() == thumbprint:
            return True
    return False


def _holds(one: Resource, certificate: Resource) -> bool:
    named = [*((one.properties.get("credentials") or {}).get("certificateIds") or [])]
    named.append(str(one.properties.get("certificateId", "")))
    return any(key_of(text) == key_of(certificate.id) for text in named)
