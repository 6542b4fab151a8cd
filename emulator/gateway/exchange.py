"""
One call on its way through the policies: what it carries, and what the policies have made of it so far.

The runner and the elements share it; it lives for one request. `scope` shows it to expressions in the words of C#.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from multidict import CIMultiDict

from emulator.certificates import thumbprint
from emulator.gateway.admission import Asked, Target
from emulator.gateway.backends import Backends
from emulator.gateway.estate import Estate
from emulator.gateway.outcome import Failure, Response
from emulator.gateway.shown import shown_certificate
from emulator.gateway.validation import Presented
from emulator.options import Options
from emulator.store import Resource


@dataclass(frozen=True, kw_only=True)
class Record:
    """
    What a policy recorded: `trace` or `emit-metric` as written, with the API, operation and caller it was about.
    """

    kind: str
    name: str
    details: dict[str, str]
    api: str
    operation: str
    thumbprint: str


@dataclass(frozen=True, kw_only=True)
class Cached:
    """
    A response that `cache-store` kept, and until when.
    """

    response: Response
    until: datetime


@dataclass(kw_only=True)
class Exchange:
    """
    The state of one request. `target` is None when nothing was found for it.
    """

    estate: Estate
    asked: Asked
    target: Target | None
    presented: Presented
    address: str
    backends: Backends
    options: Options
    records: list[Record] = field(default_factory=list)
    cache: dict[str, Cached] = field(default_factory=dict)
    headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    answer_headers: CIMultiDict[str] = field(default_factory=CIMultiDict)
    variables: dict[str, str] = field(default_factory=dict)
    base_url: str = ""
    path: str = ""
    backend: Resource | None = None
    own_certificate: str = ""
    failure: Failure | None = None
    received: Response | None = None

    @property
    def owner(self) -> Resource:
        return self.target.api.owner if self.target else self.estate.service

    @property
    def cache_key(self) -> str:
        return f"{self.asked.method} {self.estate.service.id} {self.asked.message.first[1]}".casefold()

    @property
    def sees_preflight(self) -> bool:
        """
        An OPTIONS call by a browser that asks whether it may make another.
        """
        headers = self.asked.message.headers
        return self.asked.method == "OPTIONS" and "Origin" in headers and "Access-Control-Request-Method" in headers

    def record(self, kind: str, name: str, details: dict[str, str]) -> None:
        operation = self.target.operation if self.target else None
        certificate = self.presented.certificate
        self.records.append(
            Record(
                kind=kind,
                name=name,
                details=details,
                api=self.target.api.base_name if self.target else "",
                operation=operation.name if operation else "",
                thumbprint=thumbprint(certificate) if certificate else "",
            )
        )

    def _headers(self) -> CIMultiDict[str]:
        """
        The caller's headers, with those that policies have written in their place.
        """
        headers = CIMultiDict(self.asked.message.headers)
        for name in self.headers:
            headers.popall(name, None)
        headers.extend(self.headers)
        return headers

    def scope(self) -> dict[str, Any]:
        """
        `context` and `DateTime` for expressions; the names are those of `members`.
        """
        service, target = self.estate.service, self.target
        workspace = self.owner if self.owner is not service else None
        request = {
            "Certificate": shown_certificate(self.presented.certificate, self.presented),
            "Headers": self._headers(),
            "Method": self.asked.method,
            "IpAddress": self.address,
            "OriginalUrl": {"Host": self.asked.host, "Path": f"/{self.asked.path}"},
            "Url": {"Path": f"/{self.path or (target.rest if target else '')}"},
        }
        deployment = {
            "ServiceName": service.name,
            "Region": service.body.get("location"),
            "Gateway": {
                "Id": self.estate.host.gateway_id,
                "IsManaged": self.estate.host.gateway is None,
            },
            "Certificates": [shown_certificate(one) for one in self.presented.attached.values()],
        }
        context = {
            "Request": request,
            "Deployment": deployment,
            "Api": _api(target) if target else None,
            "Operation": _operation(target.operation) if target and target.operation else None,
            "Product": _named(target.product) if target else None,
            "Subscription": _named(target.subscription) if target else None,
            "Workspace": _named(workspace),
            "LastError": _error(self.failure),
        }
        return {"context": context, "DateTime": {"Now": self.presented.now, "UtcNow": self.presented.now}}


def _api(target: Target) -> dict[str, Any]:
    api = target.api
    return {
        "Id": api.base_name,
        "Name": api.resource.properties.get("displayName"),
        "Path": api.path,
        "Version": api.version,
        "Revision": api.revision,
        "IsCurrentRevision": api.is_current,
    }


def _operation(operation: Resource) -> dict[str, Any]:
    properties = operation.properties
    return {
        "Id": operation.name,
        "Name": properties.get("displayName"),
        "Method": properties.get("method"),
        "UrlTemplate": properties.get("urlTemplate"),
    }


def _named(resource: Resource | None) -> dict[str, Any] | None:
    if resource is None:
        return None
    return {"Id": resource.name, "Name": resource.properties.get("displayName") or resource.name}


def _error(failure: Failure | None) -> dict[str, Any] | None:
    if failure is None:
        return None
    return {"Source": failure.source, "Reason": failure.reason, "Message": failure.message}
