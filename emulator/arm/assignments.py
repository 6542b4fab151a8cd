"""
Role assignments and the built-in role definitions.

What an assignment allows is decided in `emulator.access`; here they are listed, made and taken away. By option a new
one takes a while to work.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from emulator.access import ASSIGNMENTS, DEFINITIONS, ROLES, role_named
from emulator.arm.bodies import body_of
from emulator.arm.errors import arm_error
from emulator.arm.provider import Provider
from emulator.arm.resources import IN_GROUP, SUBSCRIPTION, shown
from emulator.http import Answer, Call
from emulator.routes import Route, Source
from emulator.store import Json, Resource, key_of

ROLE_PATH = "/providers/Microsoft.Authorization/roleAssignments"
ONE = f"{IN_GROUP}/providers/{{namespace}}/{{type}}/{{name}}"
SCOPES = (SUBSCRIPTION, IN_GROUP, ONE, f"{ONE}/{{subtype}}/{{subname}}")


class Assignments:
    """
    The routes of role assignments.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def routes(self) -> list[Route]:
        table = [
            ("GET", "/providers/Microsoft.Authorization/roleDefinitions/{role}", self.definition),
            ("GET", f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions", self.definitions),
        ]
        for scope in SCOPES:
            table += [
                ("GET", f"{scope}{ROLE_PATH}", self.assignments),
                ("GET", f"{scope}{ROLE_PATH}/{{assignment}}", self.assignment),
                ("PUT", f"{scope}{ROLE_PATH}/{{assignment}}", self.put_assignment),
                ("DELETE", f"{scope}{ROLE_PATH}/{{assignment}}", self.delete_assignment),
            ]
        return [Route(method=row[0], path=row[1], handler=row[2], source=Source.SPECIFIED) for row in table]

    async def assignments(self, call: Call) -> Answer:
        """
        Assignments at, above and below a scope; `atScope()` leaves out those below, `principalId eq` picks one.
        """
        scope = key_of(call.path.partition(ROLE_PATH)[0])
        text = call.query.get("$filter", "")
        wanted = text.partition("principalId eq '")[2].rstrip("'") if "principalId eq" in text else ""
        found = []
        for one in self._provider.store.of_type(ASSIGNMENTS):
            own = key_of(str(one.properties["scope"]))
            above, below = f"{scope}/".startswith(f"{own}/"), f"{own}/".startswith(f"{scope}/")
            if not (above or (below and "atScope()" not in text)):
                continue
            if wanted in ("", one.properties["principalId"]):
                found.append(shown(one))
        return Answer(body={"value": found})

    async def assignment(self, call: Call) -> Answer:
        found = self._provider.store.get(call.path)
        if found is None:
            raise self._no_assignment(call)
        return Answer(body=shown(found))

    async def put_assignment(self, call: Call) -> Answer:
        sent = body_of(call).get("properties") or {}
        role = role_named(str(sent.get("roleDefinitionId", "")))
        if role is None or not sent.get("principalId"):
            raise arm_error(400, "InvalidRoleAssignmentRequest", "The role assignment request is not valid.")
        scope = call.path.partition(ROLE_PATH)[0]
        if self._provider.store.get(call.path) is not None:
            raise arm_error(409, "RoleAssignmentExists", "The role assignment already exists.")
        now = self._provider.now()
        made = assignment_resource(
            scope,
            name=call.params["assignment"],
            role=str(sent["roleDefinitionId"]),
            principal=str(sent["principalId"]),
            kind=str(sent.get("principalType", "ServicePrincipal")),
            hidden={"effective": now + self._provider.options.role_propagation},
        )
        return Answer(status=201, body=shown(self._provider.store.put(made, at=now)))

    async def delete_assignment(self, call: Call) -> Answer:
        gone = self._provider.store.remove(call.path, at=self._provider.now())
        return Answer(status=204) if gone is None else Answer(body=shown(gone))

    async def definition(self, call: Call) -> Answer:
        role = role_named(call.params["role"])
        if role is None:
            raise arm_error(404, "RoleDefinitionDoesNotExist", f"The role '{call.params['role']}' does not exist.")
        return Answer(body=_definition(role.guid))

    async def definitions(self, call: Call) -> Answer:
        return Answer(body={"value": [_definition(role.guid) for role in ROLES]})

    def _no_assignment(self, call: Call) -> Exception:
        return arm_error(
            404, "RoleAssignmentNotFound", f"The role assignment '{call.params['assignment']}' is not found."
        )


def assignment_resource(
    scope: str, *, name: str, role: str, principal: str, kind: str, hidden: Mapping[str, Any] | None = None
) -> Resource:
    return Resource(
        id=f"{scope}{ROLE_PATH}/{name or uuid.uuid4()}",
        type=ASSIGNMENTS,
        name=name,
        body={
            "properties": {
                "roleDefinitionId": role,
                "principalId": principal,
                "principalType": kind,
                "scope": scope,
                "condition": None,
            }
        },
        hidden=hidden or {},
    )


def _definition(guid: str) -> Json:
    role = role_named(guid)
    assert role is not None
    return {
        "id": f"{DEFINITIONS}{role.guid}",
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": role.guid,
        "properties": {
            "roleName": role.name,
            "type": "BuiltInRole",
            "description": "",
            "assignableScopes": ["/"],
            "permissions": [
                {
                    "actions": list(role.actions),
                    "notActions": list(role.not_actions),
                    "dataActions": list(role.data_actions),
                    "notDataActions": [],
                }
            ],
        },
    }
