"""
What is live on an instance, in the words of the desired state: `init` declares it.

Only what the rules would compare is told, and only where it can be told without guessing; the rest becomes a
sentence. It reads and writes nothing but what it returns.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from apimend.commands.draft import Entry
from apimend.documents.values import NAME
from apimend.model.azure import Certificate, Service, VaultCertificate
from apimend.model.check import ClientCertificateCheck, ClientIdentity, Form
from apimend.model.desired import VaultObject
from apimend.model.errors import ApimendError, PolicyNotUnderstood
from apimend.policy import Document, find_checks
from apimend.ports import InstanceReader
from apimend.report.plain import count

_CLAIMS = {
    "thumbprint": "thumbprint",
    "serial-number": "serialNumber",
    "common-name": "commonName",
    "subject": "subject",
    "dns-name": "dnsName",
    "issuer-subject": "issuerSubject",
    "issuer-thumbprint": "issuerThumbprint",
    "issuer-certificate-id": "issuerCertificateId",
}


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A certificate entity that is fetched from Key Vault without a version, and what the vault holds."""

    name: str
    source: VaultObject
    identity: str
    held: VaultCertificate | None

    @property
    def entry(self) -> dict[str, str]:
        """Its entry in the catalogue."""
        found = {"vault": self.source.vault, "certificate": self.source.name}
        return found | ({"identity": self.identity} if self.identity else {})


@dataclass(frozen=True, kw_only=True)
class Live:
    """What was read of one instance. `check` is the one global check that can be declared, where there is one."""

    service: Service
    attached: tuple[Attached, ...]
    check: ClientCertificateCheck | None
    left_out: tuple[str, ...]

    @property
    def entry(self) -> Entry:
        """Negotiation and attached certificates: what holds whether a check is declared or not."""
        service = self.service
        return Entry(
            name=service.name,
            subscription=service.id.subscription.lower(),
            about=f"{service.tier.name}, {service.location}",
            keys={
                **_negotiation(service),
                **({"certificates": [a.name for a in self.attached]} if self.attached else {}),
            },
            certificates={each.name: each.entry for each in self.attached},
            left_out=self.left_out,
        )

    def declarations(self) -> Iterator[Entry]:
        """How it could be declared, the best first: each has to be proved by a plan."""
        if self.check is not None:
            pins = _pins(self.check)
            if pins:
                yield self._with_clients(self.check, {pin: self._client(pin) for pin in pins})
                yield self._with_clients(self.check, {pin: (f"client-{pin[:8]}", {"thumbprint": pin}) for pin in pins})
            yield replace(self.entry, keys={**self.entry.keys, "check": _check(self.check, identities=True)})
        yield self.entry

    def _with_clients(self, check: ClientCertificateCheck, clients: Mapping[str, tuple[str, dict[str, str]]]) -> Entry:
        keys = {**self.entry.keys, "clients": [name for name, _ in clients.values()]}
        keys["check"] = _check(check, identities=False)
        return replace(self.entry, keys=keys, clients=dict(clients.values()))

    def _client(self, pin: str) -> tuple[str, dict[str, str]]:
        """The client by the certificate that has this thumbprint, so that its renewals are followed."""
        for each in self.attached:
            if each.held is not None and each.held.thumbprint.upper() == pin:
                return each.name, {"certificate": each.name}
        return f"client-{pin[:8]}", {"thumbprint": pin}


async def read_live(reader: InstanceReader) -> Live:
    """Read what can be declared of an instance. Raises Gone, Denied or TryLater."""
    service = await reader.service()
    left_out: list[str] = []
    attached = [each async for each in _attached(reader, await reader.certificates(), left_out)]
    check = await _global_check(reader, left_out)
    if check is not None:
        left_out.append("arrives: direct # say how the clients' certificates arrive, direct or header")
    if service.ca_certificates:
        number = count(len(service.ca_certificates), "entry", "entries")
        left_out.append(f"The trust store has {number}, which stay as they are: `trust` declares CAs.")
    return Live(service=service, attached=tuple(attached), check=check, left_out=tuple(left_out))


async def _attached(
    reader: InstanceReader, entities: tuple[Certificate, ...], left_out: list[str]
) -> AsyncIterator[Attached]:
    for entity in entities:
        source = _source(reader, entity.secret_identifier)
        if source is None or not re.fullmatch(NAME, entity.id.name):
            why = "names a version or another vault host" if entity.secret_identifier else "was uploaded"
            why = "has a name that can't be declared" if source else why
            left_out.append(f"The attached certificate {entity.id.name} {why}; it stays as it is.")
            continue
        try:
            held = await reader.vault_certificate(source)
        except ApimendError:
            held = None
        yield Attached(name=entity.id.name, source=source, identity=entity.identity_client_id or "", held=held)


def _source(reader: InstanceReader, identifier: str | None) -> VaultObject | None:
    parts = urlsplit(identifier or "")
    names = [segment for segment in parts.path.split("/") if segment]
    vault = parts.netloc.partition(".")[0]
    is_versionless = len(names) == 2 and names[0].casefold() == "secrets"
    if not is_versionless or parts.netloc.casefold() != reader.vault_host(vault).casefold():
        return None
    return VaultObject(vault=vault, name=names[1])


async def _global_check(reader: InstanceReader, left_out: list[str]) -> ClientCertificateCheck | None:
    policy = await reader.policy(reader.instance)
    try:
        found = find_checks(Document.parse(policy.text)) if policy else ()
    except PolicyNotUnderstood as error:
        left_out.append(f"The global policy can't be read without guessing: {error}.")
        return None
    plain = [one for one in found if one.guard is None and not one.not_understood]
    if len(found) == 1 and plain:
        return plain[0].check
    if found:
        left_out.append(f"The global policy has {count(len(found), 'check')} that can't be declared as one.")
    return None


def _negotiation(service: Service) -> dict[str, Any]:
    silent = [entry.host for entry in service.proxies if not service.negotiates(entry)]
    if not silent:
        return {}
    if len(silent) == len(service.proxies):
        return {"negotiate": False}
    return {"hosts": dict.fromkeys((host.lower() for host in silent), "plain")}


def _pins(check: ClientCertificateCheck) -> list[str]:
    """The thumbprints, where these alone decide."""
    pins = [each.thumbprint.upper() for each in check.identities if each.thumbprint and len(each.claims) == 1]
    return list(dict.fromkeys(pins)) if len(pins) == len(check.identities) else []


def _check(check: ClientCertificateCheck, *, identities: bool) -> dict[str, Any]:
    given: dict[str, Any] = {
        "action": "observe" if check.ignore_error else "enforce",
        "validateRevocation": check.validate_revocation,
        "validateTrust": check.validate_trust,
        "validateNotBefore": check.validate_not_before,
        "validateNotAfter": check.validate_not_after,
    }
    if check.form is not Form.ELEMENT:
        given["form"] = check.form.value
    if identities and check.identities:
        given["identities"] = [_identity(each) for each in check.identities]
    return given


def _identity(identity: ClientIdentity) -> dict[str, str]:
    return {_CLAIMS[name]: value for name, value in identity.claims}
