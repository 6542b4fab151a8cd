"""
The members of `context` that conditions may use on this gateway: the whole list, and nothing but the list.

`expressions` compiles against it, `exchange` fills it. A member that is not here makes a condition NotEmulated.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

NAMES = frozenset(
    {
        "Thumbprint",
        "Subject",
        "SubjectName.Name",
        "Issuer",
        "IssuerName.Name",
        "SerialNumber",
        "GetSerialNumberString()",
        "NotBefore",
        "NotAfter",
    }
)
CERTIFICATE = NAMES | {"Verify()", "VerifyNoRevocation()"}
MEMBERS = frozenset(
    {
        "context.Request.Certificate",
        *(f"context.Request.Certificate.{member}" for member in CERTIFICATE),
        "context.Request.Method",
        "context.Request.IpAddress",
        "context.Request.OriginalUrl.Host",
        "context.Request.OriginalUrl.Path",
        "context.Request.Url.Path",
        "context.Api",
        "context.Api.Id",
        "context.Api.Name",
        "context.Api.Path",
        "context.Api.Version",
        "context.Api.Revision",
        "context.Api.IsCurrentRevision",
        "context.Operation",
        "context.Operation.Id",
        "context.Operation.Name",
        "context.Operation.Method",
        "context.Operation.UrlTemplate",
        "context.Product",
        "context.Product.Id",
        "context.Product.Name",
        "context.Subscription",
        "context.Subscription.Id",
        "context.Subscription.Name",
        "context.Workspace",
        "context.Workspace.Id",
        "context.Workspace.Name",
        "context.Deployment.ServiceName",
        "context.Deployment.Region",
        "context.Deployment.Gateway.Id",
        "context.Deployment.Gateway.IsManaged",
        "context.LastError",
        "context.LastError.Source",
        "context.LastError.Reason",
        "context.LastError.Message",
        "DateTime.Now",
        "DateTime.UtcNow",
    }
)
# On a text, with one literal: `member.StartsWith("x")`.
TEXT_METHODS: Mapping[str, Callable[[str, str], bool]] = {
    "StartsWith": str.startswith,
    "EndsWith": str.endswith,
    "Contains": operator.contains,
}
ATTACHED = "context.Deployment.Certificates"
# Tokens of the call that reads a header, with two literals: the name, and what stands for none.
HEADERS = ("context", ".", "Request", ".", "Headers", ".", "GetValueOrDefault")
