"""
Where Azure, as recorded, does not keep to its own specification. The one list of exceptions of the checker.

Each entry says what is let through and why; `behaviour n` is the n-th of `behaviours`, a name like `service/10` a
recorded case. An entry that nothing needs any more fails a test.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import cache


class Kind(enum.Enum):
    """
    What of a definition's members is not as described.
    """

    EXTRA = "a member that the specification doesn't have"
    NULL = "null, though the specification doesn't say so"
    ABSENT = "missing, though required"


EXTRA, NULL, ABSENT = Kind.EXTRA, Kind.NULL, Kind.ABSENT


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """
    Members of one definition that are let through. `recorded` False: no recording shows it, it follows from others.
    """

    definition: str
    kind: Kind
    members: tuple[str, ...]
    reason: str
    recorded: bool = True


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """
    An operation (by a pattern of its id) that answers, or takes, something else than described.
    """

    operation: str
    what: str
    reason: str


CONTRADICTIONS: tuple[Contradiction, ...] = (
    Contradiction(
        definition="ErrorDetail",
        kind=NULL,
        members=("details",),
        reason="behaviour 1 and 2: errors carry details: null",
    ),
    Contradiction(
        definition="ErrorDetail",
        kind=EXTRA,
        members=("innerError",),
        reason="behaviour 1: the resource provider's errors carry innerError: null (errors/06)",
    ),
    Contradiction(
        definition="ApiManagementServiceBaseProperties",
        kind=NULL,
        members=(
            "additionalLocations",
            "certificates",
            "configurationApi",
            "customProperties",
            "developerPortalUrl",
            "gatewayRegionalUrl",
            "gatewayUrl",
            "managementApiUrl",
            "outboundPublicIPAddresses",
            "portalUrl",
            "privateEndpointConnections",
            "privateIPAddresses",
            "publicIPAddresses",
            "publicIpAddressId",
            "scmUrl",
            "virtualNetworkConfiguration",
        ),
        reason="explicit nulls are common in the service (service/*, hostnames/*)",
    ),
    Contradiction(
        definition="ApiManagementServiceBaseProperties",
        kind=EXTRA,
        members=("dataApiUrl",),
        reason="v2 tiers answer it from 2023-05-01-preview on (service/12, service/27)",
    ),
    Contradiction(
        definition="ApiManagementServiceResource",
        kind=NULL,
        members=("identity", "systemData", "zones"),
        reason="null where the service has none (service/07, service/12)",
    ),
    Contradiction(
        definition="systemData",
        kind=NULL,
        members=("createdAt", "createdBy", "createdByType"),
        reason="a service older than system data (service/14, service/27)",
    ),
    Contradiction(
        definition="HostnameConfiguration",
        kind=NULL,
        members=(
            "certificate",
            "certificatePassword",
            "certificateStatus",
            "encodedCertificate",
            "hostName",
            "identityClientId",
            "keyVaultId",
        ),
        reason="behaviour 31: all keys are always there; hostName is null until activation (service/01)",
    ),
    Contradiction(
        definition="CertificateConfiguration",
        kind=NULL,
        members=("certificatePassword", "encodedCertificate"),
        reason="behaviour 34: secrets come back as null (hostnames/01)",
    ),
    Contradiction(
        definition="ApiVersionConstraint",
        kind=NULL,
        members=("minApiVersion",),
        reason="null where no minimum was set (service/07)",
    ),
    Contradiction(
        definition="VirtualNetworkConfiguration",
        kind=NULL,
        members=("subnetname",),
        reason="seen on a service inside a network (service/26)",
    ),
    Contradiction(
        definition="CertificateContractProperties",
        kind=EXTRA,
        members=("hasPrivateKey",),
        reason="undocumented, in every recording from 2021-08-01 on (certificate/02)",
    ),
    Contradiction(
        definition="KeyVaultContractCreateProperties",
        kind=NULL,
        members=("identityClientId",),
        reason="behaviour 36: null stands for the system-assigned identity (certificate/02)",
    ),
    Contradiction(
        definition="ApiEntityBaseContract",
        kind=NULL,
        members=("authenticationSettings", "description", "subscriptionKeyParameterNames"),
        reason="behaviour 39: null in lists and where nothing was set (api-product/17, api-product/22)",
    ),
    Contradiction(
        definition="ApiContractProperties",
        kind=NULL,
        members=("protocols", "serviceUrl"),
        reason="null where nothing was set (api-product/01), and in the answer to a link (api-product/09)",
    ),
    Contradiction(
        definition="ApiContractProperties",
        kind=EXTRA,
        members=("backendId",),
        reason="undocumented, in the 2022-08-01 recordings (api-product/01)",
    ),
    Contradiction(
        definition="ApiVersionSetContractDetails",
        kind=NULL,
        members=("versionHeaderName", "versionQueryName"),
        reason="the one of the two that the scheme doesn't use (api-product/01)",
    ),
    Contradiction(
        definition="AuthenticationSettingsContract",
        kind=NULL,
        members=("oAuth2", "openid"),
        reason="null where an API has neither (api-product/02)",
    ),
    Contradiction(
        definition="ProductEntityBaseParameters",
        kind=NULL,
        members=("approvalRequired", "subscriptionsLimit", "terms"),
        reason="null where nothing was set (api-product/05)",
    ),
    Contradiction(
        definition="ProductContractProperties",
        kind=EXTRA,
        members=("groups",),
        reason="behaviour 40: the answer to a PUT has the groups (api-product/05)",
    ),
    Contradiction(
        definition="SubscriptionContractProperties",
        kind=NULL,
        members=("endDate", "expirationDate", "notificationDate", "startDate", "stateComment"),
        reason="null where nothing was set (api-product/13)",
    ),
    Contradiction(
        definition="BackendBaseParameters",
        kind=NULL,
        members=("title",),
        reason="null where nothing was set (backend/01)",
    ),
    Contradiction(
        definition="GatewayContractProperties",
        kind=EXTRA,
        members=("heartbeat",),
        reason="behaviour 40: null after a PUT, [] after a GET (gateway/02)",
    ),
    Contradiction(
        definition="NamedValueContractProperties",
        kind=EXTRA,
        members=("ProvisioningState",),
        reason="the stub of a long-running PUT, with this spelling (named-value/04)",
    ),
    Contradiction(
        definition="NamedValueEntityBaseParameters",
        kind=NULL,
        members=("tags",),
        reason="null where nothing was set (named-value/02)",
    ),
    Contradiction(
        definition="NamedValueContractProperties",
        kind=ABSENT,
        members=("displayName",),
        reason="the stub of a long-running PUT has nothing else (named-value/04)",
    ),
    Contradiction(
        definition="PolicyFragmentContractProperties",
        kind=EXTRA,
        members=("ProvisioningState",),
        reason="the stub of a long-running PUT, with this spelling (named-value/08)",
    ),
    Contradiction(
        definition="PolicyFragmentContractProperties",
        kind=ABSENT,
        members=("value",),
        reason="the stub of a long-running PUT has nothing else (named-value/08)",
    ),
    Contradiction(
        definition="CertificateBundle",
        kind=EXTRA,
        members=("pending",),
        reason="behaviour 38: the latest version embeds it (keyvault/04)",
    ),
    Contradiction(
        definition="CertificateItem",
        kind=EXTRA,
        members=("subject",),
        reason="behaviour 38: an empty string in lists (keyvault/06)",
    ),
    Contradiction(
        definition="X509CertificateProperties",
        kind=EXTRA,
        members=("basic_constraints",),
        reason="undocumented, in every recorded policy (keyvault/04)",
    ),
    Contradiction(
        definition="CertificateListResult",
        kind=NULL,
        members=("nextLink",),
        reason="behaviour 38: null on the last page (keyvault/06)",
    ),
    Contradiction(
        definition="SecretListResult",
        kind=NULL,
        members=("nextLink",),
        reason="behaviour 38: null on the last page (keyvault/09)",
    ),
    Contradiction(
        definition="ProductEntityBaseParameters",
        kind=NULL,
        members=("description",),
        reason="as an API's, where nothing was set",
        recorded=False,
    ),
    Contradiction(
        definition="PolicyFragmentContractProperties",
        kind=NULL,
        members=("description",),
        reason="as an API's, where nothing was set",
        recorded=False,
    ),
    Contradiction(
        definition="GatewayContractProperties",
        kind=NULL,
        members=("description",),
        reason="as an API's, where nothing was set",
        recorded=False,
    ),
    Contradiction(
        definition="OperationEntityBaseContract",
        kind=NULL,
        members=("description", "policies"),
        reason="as an API's, where nothing was set; the specification's own examples have policies: null",
        recorded=False,
    ),
    Contradiction(
        definition="GatewayHostnameConfigurationCollection",
        kind=EXTRA,
        members=("count",),
        reason="behaviour 39: sub-resource lists count",
        recorded=False,
    ),
    Contradiction(
        definition="GatewayCertificateAuthorityCollection",
        kind=EXTRA,
        members=("count",),
        reason="behaviour 39: sub-resource lists count",
        recorded=False,
    ),
    Contradiction(
        definition="AllPoliciesCollection",
        kind=EXTRA,
        members=("count",),
        reason="behaviour 39: sub-resource lists count",
        recorded=False,
    ),
)

NOT_KEPT = (
    "apis/*/diagnostics",
    "diagnostics",
    "identityproviders",
    "portalconfigs/*",
    "portalsettings/*",
    "providers/*",
    "tenant/access",
    "tenant/gitaccess",
    "workspaces/*/apis/*/diagnostics",
    "workspaces/*/diagnostics",
    "workspaces/*/loggers",
)
"""Parts of the specification, below a service, whose files are not among those kept; the posture reads them."""

DEVIATIONS: tuple[Deviation, ...] = (
    *(
        Deviation(
            operation="undescribed",
            what=f"*/microsoft.apimanagement/service/*/{part}",
            reason="described in a file of the specification that is not kept with the others",
        )
        for part in NOT_KEPT
    ),
    Deviation(
        operation="undescribed",
        what="*/operationresults/*",
        reason="the older polls of a service's operations (service/02, service/08, api-product/04)",
    ),
    Deviation(
        operation="*_Delete",
        what="without If-Match",
        reason="behaviour 12: the service accepts a DELETE without it",
    ),
    Deviation(
        operation="*_CreateOrUpdate",
        what="status 202",
        reason="long-running PUTs of sub-resources and services answer 202 (api-product/18, named-value/01)",
    ),
    Deviation(
        operation="*_Update",
        what="status 20[24]",
        reason="a long-running PATCH answers 202; old ones 204 (named-value/12, api-product/21)",
    ),
    Deviation(
        operation="*_Get",
        what="with async*",
        reason="polls of a sub-resource go to its own URL (api-product/19)",
    ),
    Deviation(
        operation="*_Get",
        what="status 20[124]",
        reason="such a poll ends with the asyncCode of its URL (api-product/19)",
    ),
    Deviation(
        operation="ApiManagementService_Update",
        what="a body with 202",
        reason="behaviour 22: the accepted PATCH answers the whole resource (service/23)",
    ),
    Deviation(
        operation="Certificate_RefreshSecret",
        what="another body with 200",
        reason="behaviour 37: a flat management-API object (certificate/04)",
    ),
    Deviation(
        operation="ProductApi_CreateOrUpdate",
        what="with a body",
        reason="clients send one and the service takes it (api-product/09)",
    ),
    Deviation(
        operation="*",
        what="another body with 40[45]",
        reason='behaviour 4 and 20: a wrong verb answers {"Message"}, a wrong path nothing (api-product/11)',
    ),
)


@cache
def of_definition(*names: str) -> tuple[Contradiction, ...]:
    return tuple(one for one in CONTRADICTIONS if one.definition in names)
