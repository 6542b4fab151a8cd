"""
Whether API Management could do with a Key Vault certificate: what it refuses is told before it is asked.

`client_certificate_missing` asks it for each declared certificate. Pure; what we may not see is told apart from what is
not there.
"""

from datetime import datetime

from apimend.mends import deeds
from apimend.model.azure import VaultCertificate
from apimend.model.desired import DeclaredCertificate
from apimend.model.errors import Final, Gone, SoftDeleted
from apimend.model.ids import ResourceId
from apimend.model.plan import Finding, Severity, Stage

_PKCS12 = "application/x-pkcs12"
_MADE_ANEW = frozenset({"vault_certificate_ec", "vault_certificate_not_exportable", "vault_certificate_not_pkcs12"})


def unattachable(
    declared: DeclaredCertificate,
    vault: VaultCertificate | Final,
    now: datetime,
    target: ResourceId,
    *,
    by: str,
    attached: bool,
) -> list[Finding]:
    """Why the certificate can't be attached, or will not do; `by` is the rule that says so."""

    def finding(
        code: str, message: str, mend: str, *, blocks: bool = True, high: bool = True, steps: tuple[str, ...] = ()
    ) -> Finding:
        return Finding(
            code=code,
            target=target,
            remediator=by,
            severity=Severity.HIGH if high else Severity.LOW,
            message=message,
            why_left=mend,
            steps=steps,
            hand_off=deeds.vault_certificate(declared.source.vault, declared.source.name) if code in _MADE_ANEW else "",
            blocks=frozenset({Stage.VALIDATE}) if blocks else frozenset(),
        )

    what = f"The Key Vault certificate {declared.source.vault}/{declared.source.name}"
    at = f"--vault-name {declared.source.vault} --name {declared.source.name}"
    if isinstance(vault, SoftDeleted):
        return [
            finding("vault_certificate_deleted", f"{vault}", "Who deleted it may have meant it.", steps=vault.steps)
        ]
    if isinstance(vault, Gone):
        unsure = "Create it, correct the name, or get it back: whether it was deleted lately can't be seen."
        mend = "Create it, or correct the name: it is not among what was deleted lately either."
        recover = () if vault.for_good else (f"az keyvault certificate recover {at}",)
        why = mend if vault.for_good else unsure
        return [finding("vault_certificate_gone", f"{what} does not exist.", why, steps=recover)]
    if isinstance(vault, Final):
        why = "Whether the instance can fetch it decides Azure; we were not allowed to look."
        return [
            finding("vault_certificate_unseen", f"{what} can't be seen by us: {vault}", why, blocks=False, high=False)
        ]
    found = []
    if not vault.enabled:
        found.append(finding("vault_certificate_disabled", f"{what} is disabled.", "Enable it or make a new version."))
    if vault.key_type.upper().startswith("EC"):
        mend = "API Management accepts the first PUT of an EC key and answers 500 to every later one: use RSA."
        # One that is attached already does its work; only the next PUT would fail, and we send none.
        found.append(
            finding("vault_certificate_ec", f"{what} has an EC key.", mend, blocks=not attached, high=not attached)
        )
    if not vault.exportable:
        mend = "API Management needs the private key: make a version with an exportable key."
        found.append(finding("vault_certificate_not_exportable", f"{what} has a key that can't be exported.", mend))
    if vault.content_type and vault.content_type.casefold() != _PKCS12:
        mend = f"API Management takes {_PKCS12} only."
        found.append(finding("vault_certificate_not_pkcs12", f"{what} is kept as {vault.content_type}.", mend))
    if vault.expires is not None and vault.expires <= now:
        mend = "It would be refused wherever dates are checked: make a new version."
        found.append(finding("vault_certificate_expired", f"{what} expired on {vault.expires:%Y-%m-%d}.", mend))
    return found
