"""
How this Azure behaves where the real one's behaviour is unknown, differs by age or platform, or has to be provoked.

Every open question is a named field with a default; the comment above it says what is asked and what is known, and
stands in docs/emulator.md. The product's tests run with more than one answer. Plain values only: nothing here reads
files or environment.
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

    # Fixed port of the HTTPS listener; 0 takes a free one.
    port: int = 0
    # Fixed port of identity and control; 0 takes a free one.
    plain_port: int = 0
    # Fixed port of the gateways; 0 takes a free one.
    gateway_port: int = 0

    # How long a service update takes. Documentation says 15 minutes or more, reports from the field 15 to 45.
    update_duration: timedelta = timedelta(minutes=25)
    # The same on Consumption and the v2 tiers. No figure is published; shorter is expected.
    update_duration_v2: timedelta = timedelta(minutes=5)
    # How long a new service takes until it is activated; 27 and 36 minutes were recorded.
    create_duration: timedelta = timedelta(minutes=35)
    # How long the deletion of a service takes.
    delete_duration: timedelta = timedelta(minutes=2)
    # How an update is announced: Location only, both headers with one URL, or two URLs? None follows the api-version,
    # as recorded; what other regions answer to it is open.
    polling: Polling | None = None
    # How long a write below a service that is announced as unfinished takes (named values, fragments, imports, the
    # deletion of an API). Recordings show the announcement and the end, never what lies between; zero is at once.
    child_duration: timedelta = timedelta(0)
    # What Retry-After says beside a polling URL, in seconds (Location-only answers always say 60).
    retry_after: int = 20
    # Whether a tags-only update is long-running: recordings differ by platform version and network.
    tags_update_is_long: bool = False
    # The provisioningState after an update that failed; the old settings stay. Not recorded.
    state_after_failed_update: str = "Succeeded"
    # How long a deleted service keeps its name.
    soft_delete: timedelta = timedelta(hours=48)

    # Is an uploaded hostname or CA certificate kept when only its description is sent back? Microsoft's PowerShell
    # module relies on it; no recording shows it.
    uploaded_certificates: Uploaded = Uploaded.ACCEPT
    # Is a Managed hostname kept when it is sent back? Not recorded.
    managed_certificates: Uploaded = Uploaded.ACCEPT
    # Can negotiateClientCertificate be set on the default *.azure-api.net host? Reported, not recorded.
    negotiate_on_default_host: bool = True
    # Do the *.regional.azure-api.net hosts negotiate as the default host does, or never? Open.
    negotiate_on_regional_hosts: bool = True
    # Do the v2 tiers keep CA certificates? Microsoft's pages contradict each other.
    ca_certificates_on_v2: bool = False
    # Do workspaces take certificates from Key Vault? The pages say no, the API description has the member.
    workspace_key_vault: bool = False
    # Does a PATCH of customProperties reset the keys it leaves out? The API description says so, a recording merges.
    custom_properties_reset: bool = False

    # Does the second PUT of a Key Vault certificate with an EC key answer 500? Reported from 2024 to 2026.
    ec_certificate_breaks: bool = True
    # What deleting a certificate answers that a policy, backend or gateway uses; None lets it go. Not recorded.
    certificate_in_use_status: int | None = 400
    # The code of a certificate's lastStatus when its fetch failed. No recording shows one.
    failed_status_code: str = "AccessDenied"
    # How long a new version of a versionless Key Vault certificate goes unnoticed; documented as within four hours.
    rotation_delay: timedelta = timedelta(hours=4)
    # How long a role assignment takes to work; documented as several minutes.
    role_propagation: timedelta = timedelta(0)
    # Does the role Key Vault Reader read a certificate's public part in the data plane?
    vault_reader_reads_certificates: bool = True

    # Whether the list of all policies lags behind, or leaves some out. Unknown.
    all_policies: Lag = Lag.NONE
    # Does a document sent as rawxml with escaped expressions come back with them unescaped? Not recorded.
    unescape_expressions: bool = False
    # Is a policy refused that names an unknown named value, fragment, certificate or backend? Expected, not recorded.
    check_references: bool = True
    # Is a DELETE without If-Match accepted? Recorded so; the reference calls the header required.
    delete_without_if_match: bool = True
    # Is a PUT over something that is there accepted without If-Match? Recorded so; the reference calls it required.
    put_without_if_match: bool = True

    # How long a GET after a write may show what was there before. Reported from the field; zero is never.
    consistency_lag: timedelta = timedelta(0)
    # How long a new resource stays out of lists.
    list_lag: timedelta = timedelta(0)
    # Does the list of APIs also hold revisions that aren't current? Clients expect not; a recording of 2020 shows so.
    list_revisions: bool = False
    # How many items a page of a list holds. 100 is expected, not recorded.
    page_size: int = 100
    # How many rows a page of Resource Graph holds; Azure allows up to 1000.
    graph_page_size: int = 1000
    # Whether lists write ids in another case than GET does, as parts of Azure do.
    mixed_case: bool = False
    # Whether api-versions before 2021-08-01, retired since 2023, are answered; recordings of that age need it.
    old_versions: bool = False
    # Azure Resource Manager's bucket of reads for each subscription and principal (documented: 250, 25 a second).
    reads: Throttle | None = None
    # The same for writes (documented: 200, 10 a second).
    writes: Throttle | None = None
    # The same for deletes (documented: 200, 10 a second).
    deletes: Throttle | None = None
    # API Management's own bucket for calls below one service. Its limits are not published.
    management: Throttle | None = None

    # Whether tokens are checked at all.
    check_tokens: bool = True
    # Whether declared roles and access policies are enforced.
    enforce_roles: bool = True

    # What the gateway answers when validate-client-certificate fails. Undocumented.
    invalid_certificate_status: int = 401
    # The LastError.Reason of that failure. Undocumented.
    invalid_certificate_reason: str = "ClientCertificateInvalid"
    # Do issuers that a caller sends along help its certificate to a trusted root? Open.
    sent_issuers_help: bool = False
    # Does a chain to a public authority, which nobody has uploaded, pass validate-trust and Verify()? Not documented.
    public_clients_trusted: bool = True
    # Does a backend's certificateIds suffice without authentication-certificate? Answers in public differ.
    backend_certificates_suffice: bool = True
    # Does authentication-certificate hand the certificate to the backend?
    authentication_certificate_works: bool = True
    # Does a valid key bring its product where the API requires no subscription, or is it ignored there? Open.
    keys_count_where_not_required: bool = True
    # Do outer scopes run where an inner document has no inbound section at all? Open.
    missing_inbound_inherits: bool = False

    # The seed of everything that happens by chance.
    seed: int = 0
