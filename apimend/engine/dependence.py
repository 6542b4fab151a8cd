"""
What relies on a thing that is about to be given up (R4): policies, backends and gateways, ours or not.

Undo asks before it plans a write. A text that mentions what is withdrawn counts as relying on it, unless it stands in
a comment or can't refuse anybody: a refusal too many costs a sentence, one too few locks callers out.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from apimend.model.azure import Backend, Certificate, GatewayAuthority, GatewayHost
from apimend.model.desired import Desired
from apimend.model.plan import Change, Kind
from apimend.ports import InstanceReader
from apimend.survey import survey

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CHECK = re.compile(r"<validate-client-certificate\b[^>]*>", re.IGNORECASE)
_LETS_PASS = re.compile(r"""ignore-error\s*=\s*["']\s*true\s*["']""", re.IGNORECASE)
_TRUSTS = re.compile(r"""validate-trust\s*=\s*["']\s*false\s*["']""", re.IGNORECASE)
_READS_CERTIFICATE = "request.certificate"
_LOOKS_THROUGH_ATTACHED = "deployment.certificates"


@dataclass(frozen=True, kw_only=True)
class Relations:
    """Everything on an instance that can rely on something else: texts by the path of their scope."""

    texts: Mapping[str, str] = field(repr=False)
    certificates: Sequence[Certificate] = ()
    backends: Sequence[Backend] = ()
    authorities: Sequence[GatewayAuthority] = ()
    gateway_hosts: Sequence[GatewayHost] = ()

    def with_changes(self, changes: Sequence[Change]) -> "Relations":
        """As it will be once these policies and backends are written."""
        written = {c.target.below_instance.casefold(): c.after or "" for c in changes if c.kind is Kind.POLICY}
        lenient = {c.target for c in changes if c.kind is Kind.BACKEND and _ends_validation(c)}
        backends = [replace(one, validate_chain=False) if one.id in lenient else one for one in self.backends]
        return replace(self, texts={**self.texts, **written}, backends=backends)

    def relying_on(self, change: Change) -> tuple[str, ...]:
        """What relies on the thing that this change gives up, each in words; empty where nothing does."""
        if change.kind in (Kind.SERVICE_NEGOTIATION, Kind.GATEWAY_HOSTNAME):
            return tuple(f"the policy {path}" for path, text in self.texts.items() if refuses(text))
        if change.kind in (Kind.SERVICE_CA, Kind.GATEWAY_AUTHORITY):
            policies = tuple(f"the policy {path}" for path, text in self.texts.items() if trusts(text))
            return (*policies, *(self._validating() if change.kind is Kind.SERVICE_CA else ()))
        if change.kind is Kind.CERTIFICATE:
            return tuple(self._recognising(change) if change.after else self._naming(change))
        return ()

    def _validating(self) -> Iterator[str]:
        """The backends whose certificate is judged: by the service's CA certificates and by the public ones."""
        for backend in self.backends:
            if backend.url.casefold().startswith("https:") and backend.validate_chain is not False:
                yield f"the backend {backend.name}, whose chain is validated"

    def _recognising(self, change: Change) -> Iterator[str]:
        """The policies that know a caller by what is attached under this name now."""
        entity = next((one for one in self.certificates if one.id == change.target), None)
        thumbprint = entity.thumbprint.casefold() if entity else ""
        for path, text in self.texts.items():
            plain = _plain(text).casefold()
            if (thumbprint and thumbprint in plain) or _LOOKS_THROUGH_ATTACHED in re.sub(r"\s", "", plain):
                yield f"the policy {path}"

    def _naming(self, change: Change) -> Iterator[str]:
        name = change.target.name.casefold()
        entity = next((one for one in self.certificates if one.id == change.target), None)
        thumbprint = entity.thumbprint.casefold() if entity else ""
        recognising = tuple(self._recognising(change))
        yield from recognising
        for path, text in self.texts.items():
            named = re.search(rf"""["']{re.escape(name)}["']""", _plain(text).casefold())
            if named and f"the policy {path}" not in recognising:
                yield f"the policy {path}"
        for backend in self.backends:
            ids = {id.rstrip("/").rpartition("/")[2].casefold() for id in backend.certificate_ids}
            if name in ids or thumbprint in {each.casefold() for each in backend.certificate_thumbprints}:
                yield f"the backend {backend.name}"
        for authority in self.authorities:
            if authority.id.name.casefold() == name:
                yield f"the self-hosted gateway {authority.id.segments[9]}"
        for host in self.gateway_hosts:
            if host.certificate_id.rstrip("/").rpartition("/")[2].casefold() == name:
                yield f"the host {host.host} of a self-hosted gateway"


async def relations(reader: InstanceReader, desired: Desired) -> Relations:
    """Read all of it: every scope is asked for its policy, because lists lag."""
    found, fragments, certificates, backends = await asyncio.gather(
        survey(reader, desired, handshakes={}, walk=True),
        reader.fragments(),
        reader.certificates(),
        reader.backends(),
    )
    authorities = await asyncio.gather(*(reader.gateway_authorities(gateway) for gateway in found.gateways))
    hosts = await asyncio.gather(*(reader.gateway_hosts(gateway) for gateway in found.gateways))
    texts = {text.id.below_instance.casefold(): text.text for text in (*found.texts.values(), *fragments)}
    return Relations(
        texts=texts,
        certificates=certificates,
        backends=backends,
        authorities=tuple(each for listed in authorities for each in listed),
        gateway_hosts=tuple(each for listed in hosts for each in listed),
    )


def relies_on(change: Change, other: Change) -> bool:
    """Whether a change names the certificate that another one attaches: Azure refuses it before that is done."""
    if other.kind is not Kind.CERTIFICATE or other.before is not None or other.after is None:
        return False
    if change.kind is Kind.GATEWAY_AUTHORITY:
        return change.target.name.casefold() == other.target.name.casefold()
    return change.kind is Kind.BACKEND and other.target.key in (change.after or "").casefold()


def gives_up(change: Change) -> bool:
    """Whether a change withdraws something that others may rely on."""
    if change.kind is Kind.CERTIFICATE:
        return change.before is not None
    if change.kind is Kind.SERVICE_NEGOTIATION:
        flags = json.loads(change.after or "{}")
        hosts = flags.get("negotiateClientCertificate") or {}
        return not all([*hosts.values(), flags.get("enableClientCertificate", True)])
    return change.kind in (Kind.SERVICE_CA, Kind.GATEWAY_HOSTNAME, Kind.GATEWAY_AUTHORITY)


def _ends_validation(change: Change) -> bool:
    tls = json.loads(change.after or "{}").get("tls") or {}
    return tls.get("validateCertificateChain") is False


def refuses(text: str) -> bool:
    """Whether a policy may refuse a caller for want of a certificate."""
    plain = _plain(text)
    checks = _CHECK.findall(plain)
    return any(not _LETS_PASS.search(tag) for tag in checks) or _READS_CERTIFICATE in plain.casefold().replace(" ", "")


def trusts(text: str) -> bool:
    """Whether a policy judges a caller's chain."""
    plain = _plain(text)
    judged = any(not _TRUSTS.search(tag) and not _LETS_PASS.search(tag) for tag in _CHECK.findall(plain))
    return judged or ".verify(" in plain.casefold()


def _plain(text: str) -> str:
    return _COMMENT.sub("", text)
