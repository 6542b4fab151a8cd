"""
Key Vault certificates, public side only: no secret is ever read.

The reader calls this. Certificates are read with the right to read certificates; the private key stays where
it is. https://learn.microsoft.com/azure/key-vault/general/rbac-guide
"""

from datetime import UTC, datetime

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline.transport import AioHttpTransport
from azure.keyvault.certificates import CertificateProperties, KeyVaultCertificate
from azure.keyvault.certificates.aio import CertificateClient

from apimend.arm.errors import translated
from apimend.arm.transport import ShortRetry
from apimend.model.access import Deleted
from apimend.model.azure import VaultCertificate, VaultVersion
from apimend.model.desired import VaultObject
from apimend.model.errors import Unreadable
from apimend.settings import Cloud

_API_VERSION = "7.5"


class Vaults:
    """Clients of all vaults, one each, on one transport."""

    def __init__(self, transport: AioHttpTransport, credential: AsyncTokenCredential, cloud: Cloud) -> None:
        self._transport = transport
        self._credential = credential
        self._cloud = cloud
        self._clients: dict[str, CertificateClient] = {}

    def host(self, vault: str) -> str:
        """The host of a vault, with its port where it has one."""
        return f"{vault}.{self._cloud.vault_suffix}"

    async def certificate(self, source: VaultObject) -> VaultCertificate:
        """The latest version. Raises Gone, Denied or TryLater."""
        with translated(f"Key Vault certificate {source.vault}/{source.name}"):
            found = await self._client(source.vault).get_certificate(source.name)
        return _parsed(source, found, self.host(source.vault))

    async def versions(self, source: VaultObject) -> tuple[VaultVersion, ...]:
        """All versions. Raises Gone, Denied or TryLater."""
        with translated(f"versions of the Key Vault certificate {source.vault}/{source.name}"):
            listed = self._client(source.vault).list_properties_of_certificate_versions(source.name)
            return tuple([_version(found) async for found in listed])

    async def deleted(self, source: VaultObject) -> Deleted:
        """A certificate that was deleted and is kept. Raises Gone, Denied or TryLater."""
        with translated(f"deleted Key Vault certificate {source.vault}/{source.name}"):
            found = await self._client(source.vault).get_deleted_certificate(source.name)
        level = str(found.properties.recovery_level or "") if found.properties else ""
        return Deleted(
            vault=source.vault,
            name=source.name,
            deleted=_utc(found.deleted_on),
            until=_utc(found.scheduled_purge_date),
            purgeable="purgeable" in level.casefold(),
        )

    def _client(self, vault: str) -> CertificateClient:
        key = vault.casefold()
        if key not in self._clients:
            self._clients[key] = CertificateClient(
                f"https://{self.host(vault)}",
                self._credential,
                api_version=_API_VERSION,
                transport=self._transport,
                retry_policy=ShortRetry(),
                verify_challenge_resource=self._cloud.verify_vault_domain,
            )
        return self._clients[key]


def _parsed(source: VaultObject, found: KeyVaultCertificate, host: str) -> VaultCertificate:
    properties, policy = found.properties, found.policy
    if properties is None or found.cer is None:
        raise Unreadable(f"Key Vault certificate {source.vault}/{source.name}: the answer holds no certificate.")
    return VaultCertificate(
        vault=source.vault,
        name=source.name,
        version=properties.version or "",
        secret_id=f"https://{host}/secrets/{source.name}",
        thumbprint=(properties.x509_thumbprint or b"").hex().upper(),
        der=bytes(found.cer),
        enabled=properties.enabled is not False,
        not_before=_utc(properties.not_before),
        expires=_utc(properties.expires_on),
        key_type=str(getattr(policy.key_type, "value", policy.key_type) or "") if policy else "",
        exportable=bool(policy.exportable) if policy else True,
        content_type=str(getattr(policy.content_type, "value", policy.content_type) or "") if policy else "",
    )


def _version(found: CertificateProperties) -> VaultVersion:
    return VaultVersion(
        version=found.version or "",
        thumbprint=(found.x509_thumbprint or b"").hex().upper(),
        enabled=found.enabled is not False,
        not_before=_utc(found.not_before),
        expires=_utc(found.expires_on),
    )


def _utc(time: datetime | None) -> datetime | None:
    return time.astimezone(UTC) if time else None
