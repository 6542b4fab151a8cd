"""
The certificate events of a key vault: a new version, one that expires soon, one that has expired.

Called by whoever writes the vault's certificates and by the part's clock. They carry no caller: nothing in them says
who made the version.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from emulator.events.event import Event, Family, timestamp

# Azure says that a certificate nears its expiry thirty days before.
NEAR = timedelta(days=30)


class CertificateNews(enum.Enum):
    """
    What happened to a certificate.
    """

    NEW_VERSION = "CertificateNewVersionCreated"
    NEAR_EXPIRY = "CertificateNearExpiry"
    EXPIRED = "CertificateExpired"


@dataclass(frozen=True, kw_only=True)
class VaultCertificate:
    """
    One version of a certificate, as far as events speak of it. `vault_id` is the vault's ARM id.
    """

    vault_id: str
    vault_url: str
    name: str
    version: str
    not_before: datetime
    expires: datetime

    def news_due(self, since: datetime, until: datetime) -> list[CertificateNews]:
        """
        What the passing of time from `since` to `until` has brought.
        """
        moments = {CertificateNews.NEAR_EXPIRY: self.expires - NEAR, CertificateNews.EXPIRED: self.expires}
        return [news for news, moment in moments.items() if since < moment <= until]


def certificate_event(certificate: VaultCertificate, news: CertificateNews, at: datetime, event_id: str) -> Event:
    return Event(
        id=event_id,
        family=Family.VAULT,
        topic=certificate.vault_id,
        subject=certificate.name,
        type=f"Microsoft.KeyVault.{news.value}",
        time=timestamp(at),
        data={
            "Id": f"{certificate.vault_url.rstrip('/')}/certificates/{certificate.name}/{certificate.version}",
            "VaultName": certificate.vault_id.rpartition("/")[2],
            "ObjectType": "Certificate",
            "ObjectName": certificate.name,
            "Version": certificate.version,
            "NBF": int(certificate.not_before.timestamp()),
            "EXP": int(certificate.expires.timestamp()),
        },
    )
