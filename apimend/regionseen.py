"""
What the hosts of single regions showed when they were last looked at.

Only some visits look from outside, and nothing in Resource Manager tells whether such a host asks for certificates. So
the last look counts until the service changes in any way (its etag), and never longer than `LASTS`. The rule that
places checks keeps it; it looks at nothing itself.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from apimend.model.azure import Service
from apimend.model.runs import Handshake
from apimend.ports import VisitContext

REGIONS = "regions"
"""Under which name the next visit finds it."""

LASTS = timedelta(hours=25)
"""A sweep looks once a day, and may be late."""


def with_regions_seen(service: Service, context: VisitContext) -> Mapping[str, Handshake]:
    """What this visit's handshakes showed, and for regions what the last look did, as far as that still counts."""
    try:
        said = json.loads(context.progress.evidence.get(REGIONS) or "{}")
        counts = said["etag"] == service.etag and context.now - datetime.fromisoformat(said["at"]) <= LASTS
        seen = {host: bool(said["asks"][host]) for host in service.regional_hosts if host in said["asks"]}
    except (ValueError, KeyError, TypeError):
        return context.handshakes
    if not counts:
        return context.handshakes
    return {**{host: Handshake(host=host, asks=asks) for host, asks in seen.items()}, **context.handshakes}


def regions_seen(service: Service, context: VisitContext) -> Mapping[str, str]:
    """What is to be remembered of this visit's look; nothing where it did not look."""
    shown = {host: context.handshakes[host] for host in service.regional_hosts if host in context.handshakes}
    asks = {host: each.asks for host, each in sorted(shown.items()) if each.asks is not None}
    if not asks:
        return {}
    return {REGIONS: json.dumps({"etag": service.etag, "at": context.now.isoformat(), "asks": asks})}
