"""
The keys of a function app, and which of them opens what.

Called by the HTTP side. Azure keeps these per app; here they live as long as the host, and never in a log.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Access(Enum):
    """Who may call an HTTP function."""

    ANONYMOUS = "ANONYMOUS"
    FUNCTION = "FUNCTION"
    ADMIN = "ADMIN"


@dataclass(frozen=True, kw_only=True, repr=False)
class Keys:
    """The master key, the host key that opens every function, keys of single functions, and Event Grid's."""

    master: str
    host: str
    eventgrid: str
    functions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def generate(cls) -> "Keys":
        return cls(
            master=secrets.token_urlsafe(32),
            host=secrets.token_urlsafe(32),
            eventgrid=secrets.token_urlsafe(32),
        )

    def open_function(self, name: str, access: Access, key: str | None) -> bool:
        """Whether a caller with this key may call this function."""
        if access is Access.ANONYMOUS:
            return True
        accepted = [self.master]
        if access is Access.FUNCTION:
            accepted += [self.host, *(value for function, value in self.functions.items() if function == name)]
        return _among(key, accepted)

    def open_webhook(self, key: str | None) -> bool:
        """Whether Event Grid may call with this key: the system key `eventgrid_extension`, or the master key."""
        return _among(key, [self.eventgrid, self.master])

    def open_admin(self, key: str | None) -> bool:
        """Whether a caller may use the host's own endpoints."""
        return _among(key, [self.master])


def _among(key: str | None, accepted: list[str]) -> bool:
    return key is not None and any(hmac.compare_digest(key.encode(), each.encode()) for each in accepted)
