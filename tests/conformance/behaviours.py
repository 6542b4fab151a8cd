"""
What real Azure was seen to do, and where it is proved that the local Azure does the same.

`docs/emulator-conformance.md` is written from this list. A proof is a case of a recording (`service/23`), a case of the
project (`policies/head`) or a test (`tests/emulator/test_front.py::…`); tests hold that each of them exists. What the
emulator doesn't do is said in its place.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """
    One behaviour. `gap` says what of it is not reproduced.
    """

    title: str
    proofs: tuple[str, ...] = ()
    gap: str = ""


FRONT = "tests/emulator/test_front.py::"
UPDATES = "tests/emulator/test_service_updates.py::"
ATTACHED = "tests/emulator/test_attached_certificates.py::"
HOSTS = "tests/emulator/test_hostnames.py::"

BEHAVIOURS: tuple[Behaviour, ...] = (
    Behaviour(
        title="The resource provider answers compact JSON; its errors carry details and innerError, both null",
        proofs=("service-update/gone", "service/16", FRONT + "test_the_envelopes_of_three_back_ends"),
    ),
    Behaviour(
        title="The management API indents by two spaces with CRLF; its errors and action results are compact",
        proofs=("policies/gone", "entities/subscription-keys", "certificate/04"),
    ),
    Behaviour(
        title="A missing service, group or parent: three different 404s",
        proofs=("service-update/gone", "service-update/a-child-of-nothing", "errors/01", "errors/02"),
    ),
    Behaviour(
        title="A wrong verb answers 405 with Allow and no error envelope",
        proofs=("entities/product-link-has-no-get", "api-product/11"),
    ),
    Behaviour(
        title="Etags are 8 bytes in base64, big-endian counters or, below gateways and for fragments, little-endian",
        proofs=("entities/gateway", "gateway/02", "named-value/07"),
    ),
    Behaviour(
        title="The service has its etag in header and body, sub-resources in the header only, lists and deletes none",
        proofs=("certificates/listed", "service/10", "policy/03"),
    ),
    Behaviour(
        title="The same policy keeps its etag, the same PFX gets a new one, an update that changes nothing keeps it",
        proofs=(
            "policies/the-same-content-keeps-the-etag",
            "certificates/uploaded-again",
            "service-update/nothing-changes",
            "policy/14",
            "certificate/11",
            "service/22",
        ),
    ),
    Behaviour(
        title="A policy deleted and made again is 201 with a new etag",
        proofs=("policies/made-again-with-a-new-etag", "policy/17"),
    ),
    Behaviour(
        title="Linking an API moves a gateway's etag, a hostname doesn't; refreshSecret moves the certificate's",
        proofs=("entities/gateway-unmoved", "entities/gateway-moved", "certificates/refreshed", "gateway/08"),
    ),
    Behaviour(
        title="A service update moves the etag at acceptance and again at its end",
        proofs=("service-update/a-patch-is-accepted", "service-update/idle-again", "service/13", "service/14"),
    ),
    Behaviour(
        title="PUT with If-Match: * creates what isn't there",
        proofs=("policies/made-again-with-a-new-etag", "policy/19"),
    ),
    Behaviour(
        title="DELETE without If-Match is accepted",
        proofs=("policies/delete-needs-no-etag", "policy/07", "named-value/03", "gateway/07"),
    ),
    Behaviour(
        title="DELETE of what isn't there answers 204",
        proofs=("entities/backend-not-there", "backend/08", "gateway/11", "api-product/08"),
    ),
    Behaviour(
        title="Etags go back as they came, quoted",
        proofs=("entities/backend-patched", "backend/05", "policy/16"),
    ),
    Behaviour(
        title="Policies come back with tabs and CRLF; comments, order and empty elements stay, nothing is added",
        proofs=("policies/so-the-first-put-is-an-update", "policy/01", "policy/22", "policy/24"),
    ),
    Behaviour(
        title="The format is xml unless rawxml is asked for; the etag is the same",
        proofs=("policies/rawxml-on-request", "policies/raw-expressions-read-as-xml", "policy/20"),
    ),
    Behaviour(
        title="A new service has a global policy; any other missing policy is a 404",
        proofs=("policies/a-new-service-has-one", "policies/an-api-has-none", "policy/08", "policy/04"),
        gap="the comment in that policy is shorter than Azure's",
    ),
    Behaviour(
        title="A policy's type names its scope, its name is policy",
        proofs=("policies/raw-expressions", "policy/05", "policy/22"),
    ),
    Behaviour(title="HEAD answers the etag and nothing else", proofs=("policies/head", "policy/15", "backend/04")),
    Behaviour(
        title="A full id in the place of a name is a 404 without a body",
        proofs=("policies/an-encoded-id-is-no-name", "policy/18"),
    ),
    Behaviour(
        title="Long-running operations are announced in different styles, by version and date",
        proofs=("service/02", "service/08", "service/30", "named-value/01", "named-value/04", "api-product/03"),
        gap="writes below a service take effect at once; how polls answer before the end was not recorded",
    ),
    Behaviour(
        title="An accepted PATCH shows the whole resource with the old state; v2 tiers show Updating twice",
        proofs=("service-update/a-patch-is-accepted", "service/23", "service/13"),
    ),
    Behaviour(
        title="DELETE of a service answers the resource with Deleting, the last poll nothing",
        proofs=("service-update/delete", "service/05", "service/06"),
    ),
    Behaviour(
        title="lastModifiedAt is old in the 202 and shows the time of the PATCH afterwards",
        proofs=(UPDATES + "test_the_time_of_change_is_that_of_the_request",),
    ),
    Behaviour(
        title="Whether tags alone start an operation depends on the platform",
        proofs=("service-update/tags-take-effect-at-once", "service/11", "service/13", "service/23"),
    ),
    Behaviour(title="A failed operation is a 400 at the Location URL", proofs=("service/16",)),
    Behaviour(
        title="A status document has the status and nothing else, as application/json without charset",
        proofs=("service-update/a-poll-meanwhile", "service/08", "service/30"),
        gap="the document of a failed operation in this style was never recorded",
    ),
    Behaviour(
        title="Each poll names new URLs, and the first one keeps working",
        proofs=("service/08", "service/09"),
    ),
    Behaviour(
        title="customProperties are merged, compared without case, and keep their text",
        proofs=("service-update/nothing-changes", "service/22"),
    ),
    Behaviour(
        title="The built-in host comes first; several hosts may be the default",
        proofs=("hostnames/shown",),
    ),
    Behaviour(
        title="A hostname entry always has all eleven keys", proofs=("hostnames/shown", "service/10", "discovery/01")
    ),
    Behaviour(
        title="Built-in and uploaded entries have their sources; secrets come back as null",
        proofs=("hostnames/shown", "discovery/01"),
    ),
    Behaviour(
        title="A hostname's expiry has a local offset, the same certificate's entity is in UTC",
        proofs=("hostnames/shown", "certificates/uploaded"),
    ),
    Behaviour(
        title="CA certificates come back as descriptions, and as null when there are none",
        proofs=("hostnames/shown", "service/10"),
    ),
    Behaviour(
        title="enableClientCertificate is dropped on classic tiers and shown on Consumption once it was sent",
        proofs=("service-update/the-switch-of-other-tiers-is-dropped", "service/01", "service/15", "service/17"),
    ),
    Behaviour(
        title="A certificate from a vault is fetched at once",
        proofs=("certificates/from-a-vault", "certificate/02"),
    ),
    Behaviour(
        title="refreshSecret answers a flat object with a relative id",
        proofs=("certificates/refreshed", "certificate/04"),
    ),
    Behaviour(
        title="A vault challenges, lists without versions, embeds policy and pending in the latest version only",
        proofs=("vault/a-stranger-is-challenged", "vault/listed", "keyvault/04", "keyvault/08", "keyvault/16"),
    ),
    Behaviour(
        title="Lists below a service count; lists of services don't; API items lack their settings",
        proofs=("certificates/none", "entities/api-listed", "discovery/01", "api-product/17"),
        gap="revisions appear in the list of APIs only with the option list_revisions",
    ),
    Behaviour(
        title="PUT and GET of one entity differ",
        proofs=("entities/gateway", "entities/gateway-read", "api-product/01", "api-product/05", "api-product/13"),
    ),
    Behaviour(
        title="A gateway hostname defaults to TLS 1.2 and HTTP/2", proofs=("entities/gateway-hostname", "gateway/06")
    ),
    Behaviour(
        title="A child of a missing gateway is a 400 that blames gwid",
        proofs=("entities/child-of-a-missing-gateway", "gateway/10"),
    ),
    Behaviour(title="Fragments come back with a lower-cased segment in their id", proofs=("named-value/07",)),
    Behaviour(
        title="Cache-Control is no-cache, below a service private since the newer versions",
        proofs=(FRONT + "test_headers_of_every_answer",),
    ),
    Behaviour(
        title="Headers count down what a caller may still do",
        proofs=(FRONT + "test_a_bucket_runs_dry_and_fills_again",),
        gap="the hourly figures of the older scheme are not played",
    ),
)

# What facts about the service ask of an emulator beside the recordings.
ASKED: tuple[Behaviour, ...] = (
    Behaviour(
        title="An update shows old values until it is done, and locks the service but not what stands below",
        proofs=("service-update/meanwhile-the-service-is-locked", "service-update/what-stands-below-is-not"),
    ),
    Behaviour(title="Both polling styles, and a poll that fails", proofs=("service/02", "service/08", "service/16")),
    Behaviour(
        title="If-Match by verb, and 412 for a stale etag",
        proofs=("policies/a-stale-etag-is-refused", "entities/backend-stale"),
    ),
    Behaviour(
        title="Arrays replace; a certificate is kept by its description; fields of the default host are refused",
        proofs=(
            HOSTS + "test_a_put_without_the_list_removes_custom_hosts",
            "hostnames/neither-file-nor-vault",
            "hostnames/a-certificate-field-on-the-default-host",
        ),
    ),
    Behaviour(
        title="Policies are laid out anew and checked, with line and column",
        proofs=("policies/unescaped-as-xml-is-refused", "policies/a-wrong-element-is-named"),
        gap="expressions are checked for brackets and literals, not compiled",
    ),
    Behaviour(
        title="Certificates are fetched with the service's identity: access, firewall, kind of URL and key",
        proofs=("certificates/not-a-secret", ATTACHED + "test_a_shut_vault_lets_a_system_assigned_identity_in"),
    ),
    Behaviour(
        title="Throttling, faults by script and seed, eventual reads, paging, ids in other cases",
        proofs=(
            FRONT + "test_a_scripted_fault_strikes_the_nth_call",
            FRONT + "test_chance_is_seeded",
            FRONT + "test_reads_may_lag_behind_writes",
            FRONT + "test_lists_come_in_pages",
            FRONT + "test_ids_may_come_in_other_cases",
        ),
    ),
    Behaviour(title="Key Vault's challenge over HTTPS", proofs=("vault/a-stranger-is-challenged", "keyvault/01")),
)
