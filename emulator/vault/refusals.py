"""
The errors of a vault.

Recorded: Unauthorized, BadParameter, PendingCertificateNotFound. Reported from the field: the Forbidden family.
"""

from __future__ import annotations

from emulator.http import Answer, Refusal


def refuse(status: int, code: str, message: str, inner: str = "") -> Refusal:
    error: dict[str, object] = {"code": code, "message": message}
    if inner:
        error["innererror"] = {"code": inner}
    return Refusal(Answer(status=status, body={"error": error}))


def forbidden(client_id: str, object_id: str, action: str, resource: str, *, rbac: bool) -> Refusal:
    """
    No permission, in the words of role-based access or of access policies.
    """
    if rbac:
        return refuse(
            403,
            "Forbidden",
            "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role "
            f"definitions were changed recently, please observe propagation time.\r\nCaller: appid={client_id};"
            f"oid={object_id}\r\nAction: 'Microsoft.KeyVault/vaults/{action}'\r\nResource: '{resource}'\r\n"
            "Assignment: (not found)",
            "ForbiddenByRbac",
        )
    kind, _, verb = action.partition("/")
    return refuse(
        403,
        "Forbidden",
        f"The user, group or application 'appid={client_id};oid={object_id}' does not have {kind} "
        f"{'list' if verb == 'readMetadata/action' else 'get'} permission on key vault '{resource}'.",
        "AccessDenied",
    )


def firewall(resource: str) -> Refusal:
    return refuse(
        403,
        "Forbidden",
        "Client address is not authorized and caller is not a trusted service.\r\n"
        f"Client address: 127.0.0.1\r\nVault: {resource}",
        "ForbiddenByFirewall",
    )


def disabled(action: str = "get") -> Refusal:
    return refuse(403, "Forbidden", f"Operation {action} is not allowed on a disabled secret.", "SecretDisabled")


def missing(kind: str, name: str) -> Refusal:
    """
    General knowledge, not recorded.
    """
    return refuse(
        404,
        f"{kind}NotFound",
        f"A {kind.casefold()} with (name/id) {name} was not found in this key vault. If you recently deleted this "
        f"{kind.casefold()} you may be able to recover it using the correct recovery command.",
    )


def taken(name: str) -> Refusal:
    """
    A name that a deleted certificate still has. General knowledge, not recorded.
    """
    return refuse(
        409,
        "Conflict",
        f"Certificate {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this "
        "state, the certificate can only be recovered or purged.",
        "ObjectIsDeletedButRecoverable",
    )
