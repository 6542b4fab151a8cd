"""
Hostname entries and CA certificates of a service: from what a request sends to what the service keeps.

An array that is sent replaces the old one whole. Secrets never come back; whether an uploaded certificate is kept when
only its description returns is an open question, so it is an option. Called by `services` for every PUT and PATCH.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from emulator.arm import tiers
from emulator.arm.errors import provider_error
from emulator.certificates import Bundle, NotACertificate, read
from emulator.http import Refusal
from emulator.options import Options, Uploaded
from emulator.store import Json

if TYPE_CHECKING:
    from emulator.certificates import Workshop

DEFAULT_SUFFIX = ".azure-api.net"
CERTIFICATE_FIELDS = ("encodedCertificate", "certificatePassword", "keyVaultId")
BACK_END = timezone(timedelta(hours=-8))
MOST_HOSTS = 20
MOST_AUTHORITIES = 10

Fetch = Callable[[str, str | None], Bundle]
Bundles = Mapping[str, Bundle]


@dataclass(frozen=True, kw_only=True)
class Before:
    """
    What the service has now: entries as shown, and the certificates behind them by host (or thumbprint).
    """

    name: str
    sku: str
    hosts: Sequence[Json]
    host_bundles: Bundles
    authorities: Sequence[Json]
    authority_bundles: Bundles


def invalid(message: str) -> Refusal:
    return provider_error(400, "InvalidParameters", f"Invalid parameter: {message}")


def described(bundle: Bundle) -> Json:
    """
    A certificate as a service shows it, its expiry with the local offset of the back end as recorded.
    """
    expiry = bundle.not_after.astimezone(BACK_END).isoformat()
    return {"expiry": expiry, "thumbprint": bundle.thumbprint, "subject": bundle.subject}


def default_entry(name: str, *, negotiate: bool, binding: bool) -> Json:
    return _entry("Proxy", f"{name}{DEFAULT_SUFFIX}", negotiate=negotiate, binding=binding, source="BuiltIn")


def _entry(
    kind: str,
    host: str,
    *,
    negotiate: bool,
    binding: bool,
    source: str,
    certificate: Json | None = None,
    vault_id: str | None = None,
    identity: str | None = None,
    status: str | None = None,
) -> Json:
    return {
        "type": kind,
        "hostName": host,
        "encodedCertificate": None,
        "keyVaultId": vault_id,
        "certificatePassword": None,
        "negotiateClientCertificate": negotiate,
        "certificate": certificate,
        "defaultSslBinding": binding,
        "identityClientId": identity,
        "certificateSource": source,
        "certificateStatus": status,
    }


class Hostnames:
    """
    Turns sent arrays into kept ones.
    """

    def __init__(self, options: Options, workshop: Workshop, now: Callable[[], datetime]) -> None:
        self._options = options
        self._workshop = workshop
        self._now = now

    def hosts(self, sent: Sequence[Json] | None, before: Before, fetch: Fetch) -> tuple[list[Json], dict[str, Bundle]]:
        """
        The entries and certificates after a request that sends `sent` (None or empty: all custom hosts go).
        """
        default = f"{before.name}{DEFAULT_SUFFIX}".casefold()
        own = [one for one in sent or [] if str(one.get("hostName", "")).casefold() == default]
        custom = [one for one in sent or [] if one not in own]
        self._check_hosts(custom, before.sku)
        bundles: dict[str, Bundle] = {}
        entries = [self._custom(one, before, fetch, bundles) for one in custom]
        taken = any(entry["type"] == "Proxy" and entry["defaultSslBinding"] for entry in entries)
        negotiate = any(self._default(one) for one in own)
        return [default_entry(before.name, negotiate=negotiate, binding=not taken), *entries], bundles

    def authorities(self, sent: Sequence[Json] | None, before: Before) -> tuple[list[Json] | None, dict[str, Bundle]]:
        """
        The CA certificates after a request that sends `sent`.
        """
        if not sent:
            return None, {}
        if tiers.is_consumption(before.sku) or (tiers.is_v2(before.sku) and not self._options.ca_certificates_on_v2):
            # Documented as not supported; the text is ours.
            raise invalid(f"Certificates are not supported for the SKU type {before.sku}.")
        if len(sent) > MOST_AUTHORITIES:
            raise invalid(f"The maximum number of Certificates is {MOST_AUTHORITIES}.")
        bundles: dict[str, Bundle] = {}
        entries = [self._authority(one, before, bundles) for one in sent]
        return entries, bundles

    def _check_hosts(self, custom: Sequence[Json], sku: str) -> None:
        if len(custom) > MOST_HOSTS:
            raise invalid(f"The maximum number of custom hostnames is {MOST_HOSTS}.")
        seen: set[tuple[str, str]] = set()
        for one in custom:
            kind, host = str(one.get("type", "")), str(one.get("hostName", "")).casefold()
            if not kind or not host:
                raise invalid("HostnameConfiguration must have type and hostName.")
            if (kind, host) in seen:
                raise invalid(f"Duplicate hostname {host} of type {kind}.")
            seen.add((kind, host))
        proxies = [one for one in custom if one.get("type") == "Proxy"]
        if len(proxies) > 1 and sku.casefold() not in tiers.MANY_HOSTS:
            # Documented; the text is ours.
            raise invalid(f"Multiple custom hostnames of type Proxy are not supported for the SKU type {sku}.")

    def _default(self, one: Json) -> bool:
        if any(one.get(name) is not None for name in CERTIFICATE_FIELDS):
            raise invalid("Certificate management for the default domain is not allowed")
        return bool(one.get("negotiateClientCertificate")) and self._options.negotiate_on_default_host

    def _custom(self, one: Json, before: Before, fetch: Fetch, bundles: dict[str, Bundle]) -> Json:
        kind, host = str(one["type"]), str(one["hostName"])
        old = next((entry for entry in before.hosts if entry["type"] == kind and _same_host(entry, host)), None)
        bundle, source, status = self._certificate(one, old, before, fetch)
        bundles[host.casefold()] = bundle
        return _entry(
            kind,
            host,
            negotiate=bool(one.get("negotiateClientCertificate")),
            binding=bool(one.get("defaultSslBinding")),
            source=source,
            certificate=described(bundle),
            vault_id=one.get("keyVaultId") or None,
            identity=one.get("identityClientId") or None,
            status=status,
        )

    def _certificate(self, one: Json, old: Json | None, before: Before, fetch: Fetch) -> tuple[Bundle, str, str | None]:
        """
        The certificate behind a custom entry, where it comes from, and its status.
        """
        kind, host = str(one["type"]), str(one["hostName"])
        if one.get("keyVaultId"):
            return fetch(str(one["keyVaultId"]), one.get("identityClientId") or None), "KeyVault", None
        if one.get("encodedCertificate"):
            return self._uploaded(one, f"type: {kind} and hostname : {host}"), "Custom", None
        if one.get("certificateSource") == "Managed":
            return self._managed(host, old, before), "Managed", "Completed"
        kept = before.host_bundles.get(host.casefold())
        thumbprint = str((one.get("certificate") or {}).get("thumbprint", "")).upper()
        known = kept is not None and kept.thumbprint == thumbprint
        if kept is not None and known and self._options.uploaded_certificates is Uploaded.ACCEPT:
            return kept, "Custom", None
        raise invalid(
            "Either encodedCertificate or keyVaultId should be provided to retrieve the custom SSL certificate for "
            f"type: {kind} and hostname : {host}."
        )

    def _managed(self, host: str, old: Json | None, before: Before) -> Bundle:
        kept = before.host_bundles.get(host.casefold())
        if old is not None and kept is not None:
            if self._options.managed_certificates is Uploaded.REFUSE:
                # Whether a managed certificate can be sent back is not recorded; the text is ours.
                raise invalid(f"Managed certificate of hostname {host} cannot be updated.")
            return kept
        return self._workshop.leaf(f"CN={host}", dns_names=[host])

    def _uploaded(self, one: Json, what: str) -> Bundle:
        try:
            raw = base64.b64decode(str(one["encodedCertificate"]), validate=True)
            return read(raw, str(one.get("certificatePassword") or ""))
        except (NotACertificate, binascii.Error) as unreadable:
            raise invalid(f"The certificate associated with {what} can't be read.") from unreadable

    def _authority(self, one: Json, before: Before, bundles: dict[str, Bundle]) -> Json:
        store = str(one.get("storeName", ""))
        if store not in ("Root", "CertificateAuthority"):
            raise invalid(f"Certificate storeName '{store}' must be Root or CertificateAuthority.")
        bundle = self._authority_bundle(one, before)
        bundles[bundle.thumbprint] = bundle
        return {
            "encodedCertificate": None,
            "certificatePassword": None,
            "storeName": store,
            "certificate": described(bundle),
        }

    def _authority_bundle(self, one: Json, before: Before) -> Bundle:
        wrong = invalid(
            "The certificate's data file format associated with Intermediates must be a Base64-encoded .pfx file."
        )
        if one.get("encodedCertificate"):
            try:
                return read(base64.b64decode(str(one["encodedCertificate"]), validate=True), _password(one))
            except (NotACertificate, binascii.Error) as unreadable:
                raise wrong from unreadable
        thumbprint = str((one.get("certificate") or {}).get("thumbprint", "")).upper()
        kept = before.authority_bundles.get(thumbprint)
        if kept is None or self._options.uploaded_certificates is Uploaded.REFUSE:
            raise wrong
        return kept


def _password(one: Mapping[str, Any]) -> str:
    return str(one.get("certificatePassword") or "")


def _same_host(entry: Json, host: str) -> bool:
    return str(entry.get("hostName", "")).casefold() == host.casefold()
