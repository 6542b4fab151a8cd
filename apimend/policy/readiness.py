"""
Which hosts are not ready for a check: it would refuse everybody there, or might (R1).

Called by placement.py before it places anything. It must not know of documents.
"""

from collections.abc import Iterator

from apimend.model.check import Form
from apimend.policy.placed import Left, Unplaced
from apimend.policy.topology import GLOBAL, MANAGED, Host, Topology
from apimend.policy.wish import Wish


def unready(topology: Topology, wish: Wish) -> Iterator[Unplaced]:
    """Hosts at which a check would refuse everybody, or might: nobody is locked out by us (R1)."""
    checks = [check for check in (wish.check, *wish.scopes.values()) if check is not None and not check.ignore_error]
    for host in topology.hosts if checks else ():
        if not wish.is_meant(host.name, host.gateway) or not _in_use(host, topology):
            continue
        name = host.name or host.gateway
        if any(check.form is Form.HEADER for check in checks):
            if host.gateway != MANAGED:
                yield _not_negotiated(f"{name} does not lie behind the proxy whose header is checked")
        elif host.negotiates is False:
            yield _not_negotiated(f"{name} does not ask for a certificate")
        elif host.negotiates is None:
            yield _not_negotiated(f"whether {name} asks for a certificate is not known")
        elif not host.trusts and any(check.validate_trust for check in checks):
            yield _not_negotiated(f"no CA certificate is in the Root store of {name}, so it may trust no client")


def _not_negotiated(reason: str) -> Unplaced:
    return Unplaced(scope=GLOBAL, line=0, reason=reason, kind=Left.NOT_NEGOTIATED)


def _in_use(host: Host, topology: Topology) -> bool:
    return any(host.serves(api) for api in topology.apis) or not topology.apis
