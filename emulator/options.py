"""
How this Azure behaves where the real one's behaviour is unknown, differs by age or platform, or has to be provoked.

Every open question of the project's facts is a named field with a default; its comment names the question. The
product's tests run with more than one answer. Plain values only: nothing here reads files or environment.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import timedelta


class Polling(enum.Enum):
    """
    How a long-running service operation is announced; each was recorded at some api-version and date.
    """

    LOCATION = "location"
    BOTH = "both"
    LOCATIONS = "locations"


class Uploaded(enum.Enum):
    """
    What a service update does with an uploaded certificate that comes back as its description only.
    """

    ACCEPT = "accept"
    REFUSE = "refuse"


class Lag(enum.Enum):
    """
    How the list of all policies shows a policy written a moment ago.
    """

    NONE = "none"
    LATE = "late"
    OMIT = "omit"


class SecretRead(enum.Enum):
    """
    Which permission reads a certificate's public part in a vault with role-based access.
    """

    READER = "reader"
    SECRETS_USER = "secrets-user"


@dataclass(frozen=True, kw_only=True)
class Throttle:
    """
    A token bucket as Azure Resource Manager has them: what it holds, and what it regains each second.
    """

    size: int
    per_second: float


@dataclass(frozen=True, kw_only=True)
class Options:
    """
    All switches. Times are in the emulator's own clock.
    """

    # Fixed ports; 0 takes a free one.
    port: int = 0
    plain_port: int = 0
    gateway_port: int = 0

    # A8: how long a service update takes. Documentation says 15 minutes or more, field reports 15 to 45.
    update_duration: timedelta = timedelta(minutes=25)
    # A8: no figure is published for Consumption and the v2 tiers; shorter is expected.
    update_duration_v2: timedelta = timedelta(minutes=5)
    create_duration: timedelta = timedelta(minutes=35)
    delete_duration: timedelta = timedelta(minutes=2)

    # A2, J: does a service update answer Location only, both headers with one URL, or two URLs? None: by api-version,
    # as recorded.
    polling: Polling | None = None
    # Wire 25: whether a tags-only update is a long-running operation depends on the platform.
    tags_update_is_long: bool = False
    retry_after: int = 20
    # A2: provisioningState after an update that failed; the old settings stay. Not recorded.
    state_after_failed_update: str = "Succeeded"

    # A4, J: is an uploaded hostname or CA certificate kept when only its description is sent back?
    uploaded_certificates: Uploaded = Uploaded.ACCEPT
    # A4: is a Managed entry kept when it is sent back?
    managed_certificates: Uploaded = Uploaded.ACCEPT
    # A4 [I]: can negotiateClientCertificate be set on the default *.azure-api.net host?
    negotiate_on_default_host: bool = True
    # A7, J: do the v2 tiers keep CA certificates?
    ca_certificates_on_v2: bool = False
    # A10, J: do workspaces take certificates from Key Vault?
    workspace_key_vault: bool = False
    # A6 against wire 29: does a PATCH of customProperties reset the keys it leaves out, or merge?
    custom_properties_reset: bool = False

    # B1 [F]: the second PUT of a Key Vault certificate with an EC key answers 500.
    ec_certificate_breaks: bool = True
    # B1 [?]: what a delete of a certificate in use by a policy, backend or gateway answers. None: it goes through.
    certificate_in_use_status: int | None = 400
    # B [?]: lastStatus.code when a fetch failed; no recording shows one.
    failed_status_code: str = "AccessDenied"
    # B: a new version of a versionless Key Vault certificate is picked up within four hours.
    rotation_delay: timedelta = timedelta(hours=4)
    # B1: a role assignment takes effect only after some minutes.
    role_propagation: timedelta = timedelta(0)

    # C1: whether allPolicies lags behind, or leaves some out.
    all_policies: Lag = Lag.NONE
    # C3: does a document sent as rawxml with escaped expressions come back with them unescaped? Not recorded.
    unescape_expressions: bool = False
    # C5 [?]: are unknown named values, fragments, certificates and backends refused when a policy is put?
    check_references: bool = True
    # Wire 12 against the REST reference: is a DELETE without If-Match accepted?
    delete_without_if_match: bool = True
    # C2 against the reference: is a PUT over an existing entity without If-Match accepted?
    put_without_if_match: bool = True

    # F: a GET right after a write may show what was there before. Zero: never.
    consistency_lag: timedelta = timedelta(0)
    list_lag: timedelta = timedelta(0)
    # Wire 39: how many items a page of a list holds.
    page_size: int = 100
    # Resource Graph: rows on a page; Azure allows up to 1000.
    graph_page_size: int = 1000
    # A3: real answers mix the case of resourceGroups and of provider names: lists then show other ids than GET.
    mixed_case: bool = False
    # F: versions before 2021-08-01 are retired; recordings of that age can be replayed with this.
    old_versions: bool = False
    # F: throttling buckets for each subscription and principal; None switches them off.
    reads: Throttle | None = None
    writes: Throttle | None = None
    deletes: Throttle | None = None

    # R26 [M]: does Key Vault Reader read a certificate (its public part) in the data plane?
    vault_reader_reads_certificates: bool = True
    # Whether tokens are checked at all, and whether roles declared in the tenant are enforced.
    check_tokens: bool = True
    enforce_roles: bool = True

    # C8, J: what a failed validate-client-certificate answers, and its LastError.Reason. Both undocumented.
    invalid_certificate_status: int = 401
    invalid_certificate_reason: str = "ClientCertificateInvalid"
    # E, J: does a backend's certificateIds suffice without authentication-certificate?
    backend_certificates_suffice: bool = True
    # E [?]: does authentication-certificate hand the certificate to the backend?
    authentication_certificate_works: bool = True
    # R1 [?]: do the *.regional.azure-api.net hosts negotiate as the default host does, or never?
    negotiate_on_regional_hosts: bool = True
    # C8 [?]: do issuers that a caller sends along help its certificate to a trusted root?
    sent_issuers_help: bool = False
    # C7 [?]: does a valid key bring its product where the API requires no subscription, or is it ignored there?
    keys_count_where_not_required: bool = True
    # C7 [?]: do outer scopes run where an inner document has no inbound section at all?
    missing_inbound_inherits: bool = False

    # Soft delete keeps the name of a deleted service for 48 hours.
    soft_delete: timedelta = timedelta(hours=48)
    # The seed of everything that happens by chance.
    seed: int = 0
