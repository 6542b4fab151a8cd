"""
How a vault writes certificates, versions and secrets.

Recorded (7.0 to 7.3): a list item has an empty subject and no policy, the latest version embeds its policy, a given
version does not. Pure functions of what is held; `base` is the vault's address.
"""

from __future__ import annotations

import base64
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from emulator.certificates import Bundle
from emulator.store import Json
from emulator.vault.holdings import Entry, Version

# Soft delete without purge protection, as a new vault has it.
RECOVERY = "Recoverable+Purgeable"


def identifier(base: str, kind: str, entry: Entry, version: str = "") -> str:
    return "/".join(filter(None, [base, kind, entry.name, version]))


def item(base: str, entry: Entry, version: Version, *, versioned: bool) -> Json:
    """
    A certificate in a list: of certificates (without version) or of versions.
    """
    return {
        "id": identifier(base, "certificates", entry, version.id if versioned else ""),
        "x5t": _x5t(_bundle(version)),
        "attributes": attributes(version),
        "subject": "",
    }


def certificate(base: str, entry: Entry, version: Version, *, embed: bool = True, pending: bool = False) -> Json:
    """
    A certificate by itself; `embed` adds its policy, `pending` the address of its last operation.
    """
    bundle = _bundle(version)
    full: Json = {
        "id": identifier(base, "certificates", entry, version.id),
        "kid": identifier(base, "keys", entry, version.id),
        "sid": identifier(base, "secrets", entry, version.id),
        "x5t": _x5t(bundle),
        "cer": base64.b64encode(bundle.der).decode(),
        "attributes": {**attributes(version), "recoveryLevel": RECOVERY},
    }
    if embed:
        full["policy"] = policy(base, entry, version)
    if pending:
        full["pending"] = {"id": f"{identifier(base, 'certificates', entry)}/pending"}
    return full


def policy(base: str, entry: Entry, version: Version) -> Json:
    """
    How a certificate was made and how it is to be renewed.
    """
    bundle = _bundle(version)
    return {
        "id": f"{identifier(base, 'certificates', entry)}/policy",
        "key_props": {"exportable": version.exportable, **_key_properties(bundle), "reuse_key": False},
        "secret_props": {"contentType": version.content_type},
        "x509_props": {
            "subject": bundle.subject,
            "ekus": ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"],
            "key_usage": ["digitalSignature", "keyEncipherment"],
            "validity_months": 12,
            "basic_constraints": {"ca": False},
        },
        "lifetime_actions": [{"trigger": {"lifetime_percentage": 80}, "action": {"action_type": "AutoRenew"}}],
        "issuer": {"name": "Unknown"},
        "attributes": {"enabled": True, "created": _seconds(version.created), "updated": _seconds(version.updated)},
    }


def secret_item(base: str, entry: Entry) -> Json:
    """
    A secret in a list.
    """
    shown = {
        "id": identifier(base, "secrets", entry),
        "contentType": entry.latest.content_type,
        "attributes": {**attributes(entry.latest), "recoveryLevel": RECOVERY},
    }
    return {**shown, "managed": True} if entry.is_certificate else shown


def secret(base: str, entry: Entry, version: Version) -> Json:
    """
    A secret with its value.
    """
    shown: Json = {
        "value": version.secret(),
        "contentType": version.content_type,
        "id": identifier(base, "secrets", entry, version.id),
        "attributes": {**attributes(version), "recoveryLevel": RECOVERY},
    }
    if entry.is_certificate:
        shown |= {"managed": True, "kid": identifier(base, "keys", entry, version.id)}
    return shown


def _bundle(version: Version) -> Bundle:
    assert version.bundle is not None
    return version.bundle


def attributes(version: Version) -> Json:
    dated = {}
    if version.bundle is not None:
        certificate = version.bundle.certificate
        dated = {
            "nbf": _seconds(certificate.not_valid_before_utc),
            "exp": _seconds(certificate.not_valid_after_utc),
        }
    return {
        "enabled": version.enabled,
        **dated,
        "created": _seconds(version.created),
        "updated": _seconds(version.updated),
    }


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _x5t(bundle: Bundle) -> str:
    return base64.urlsafe_b64encode(bundle.certificate.fingerprint(hashes.SHA1())).decode().rstrip("=")


def _key_properties(bundle: Bundle) -> Json:
    public = bundle.certificate.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        return {"kty": "RSA", "key_size": public.key_size}
    return {"kty": "EC", "key_size": 256, "crv": "P-256"}
