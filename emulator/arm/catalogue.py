"""
All routes of Azure Resource Manager, put together.

`register` is called once when a `LocalAzure` starts. A new kind of resource is added here and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.arm.apis import OPERATION, Apis
from emulator.arm.assignments import Assignments
from emulator.arm.authorizations import Authorizations
from emulator.arm.certificates import Certificates
from emulator.arm.deleted import Deleted
from emulator.arm.deleted_vaults import DeletedVaults
from emulator.arm.entities import SERVICE_PATH, Entities
from emulator.arm.extensions import Extensions, Singletons
from emulator.arm.fragments import Fragments
from emulator.arm.gateways import Gateways
from emulator.arm.graph import Graph
from emulator.arm.kinds import KINDS
from emulator.arm.links import Links
from emulator.arm.metadata import Metadata
from emulator.arm.named_values import NamedValues
from emulator.arm.operation_results import OperationResults
from emulator.arm.policies import Policies
from emulator.arm.polls import Polls
from emulator.arm.resources import Resources
from emulator.arm.services import Services
from emulator.arm.subscriptions import Subscriptions
from emulator.arm.workspace_links import WorkspaceLinks
from emulator.routes import Route, Source
from emulator.vault.api import VaultApi
from emulator.vault.deleted import DeletedCertificates

if TYPE_CHECKING:
    from emulator.azure import LocalAzure

PROVIDER = "/subscriptions/{subscription}/providers/Microsoft.ApiManagement"
GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ApiManagement/service"


def register(azure: LocalAzure) -> None:
    """
    Add every route of ARM, of the vaults and of the identity endpoint.
    """
    azure.identity.routes(azure.table)
    VaultApi(azure).routes(azure.table)
    DeletedCertificates(azure).routes(azure.table)
    provider = azure.provider
    polls = Polls(provider)
    azure.table.add(*_service_routes(Services(provider, polls), polls))
    azure.table.add(*Apis(provider).routes(), *Entities(provider, OPERATION).routes())
    for part in (
        Assignments,
        Authorizations,
        Deleted,
        Extensions,
        Metadata,
        Singletons,
        Policies,
        Certificates,
        Fragments,
        NamedValues,
        Subscriptions,
        Gateways,
        Links,
    ):
        azure.table.add(*part(provider).routes())
    for kind in KINDS:
        azure.table.add(*Entities(provider, kind).routes())
    azure.table.add(
        *OperationResults(provider).routes(), *DeletedVaults(provider).routes(), *WorkspaceLinks(provider).routes()
    )
    azure.table.add(*Resources(provider).routes(), *Graph(provider).routes())


def _service_routes(services: Services, polls: Polls) -> list[Route]:
    recorded, specified = Source.RECORDED, Source.SPECIFIED
    table = (
        ("GET", f"{PROVIDER}/service", services.list_all, recorded),
        ("GET", GROUP, services.list_group, specified),
        ("GET", SERVICE_PATH, services.get, recorded),
        ("PUT", SERVICE_PATH, services.put, recorded),
        ("PATCH", SERVICE_PATH, services.patch, recorded),
        ("DELETE", SERVICE_PATH, services.delete, recorded),
        ("GET", f"{SERVICE_PATH}/operationresults/{{operation}}", polls.by_service, recorded),
        ("GET", f"{PROVIDER}/locations/{{location}}/operationsStatuses/{{operation}}", polls.status, recorded),
        ("GET", f"{PROVIDER}/locations/{{location}}/operationResults/{{operation}}", polls.result, specified),
        ("POST", f"{PROVIDER}/checkNameAvailability", services.check_name, recorded),
    )
    return [Route(method=method, path=path, handler=handler, source=source) for method, path, handler, source in table]
