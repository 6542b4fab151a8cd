"""
Token buckets by subscription, principal and kind of call, and the headers that count them down.

Refills by the emulator's clock. Without buckets the headers still count, as recorded answers do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from emulator.arm.errors import arm_error, management_error
from emulator.http import Call
from emulator.options import Options, Throttle

NAMES = {"read": "reads", "write": "writes", "delete": "deletes"}
# What recent recordings showed as the remainder after one call.
MANAGEMENT = "management"
SHOWN = {"reads": 249, "writes": 199, "deletes": 199}


@dataclass
class _Bucket:
    level: float
    at: datetime


class Throttling:
    """
    The buckets of all subscriptions and principals.
    """

    def __init__(self, options: Options) -> None:
        self._limits: dict[str, Throttle | None] = {
            "reads": options.reads,
            "writes": options.writes,
            "deletes": options.deletes,
            MANAGEMENT: options.management,
        }
        self._buckets: dict[tuple[str, str, str], _Bucket] = {}

    def admit(self, call: Call) -> None:
        """
        Take a token of every bucket concerned, or refuse with 429 and the seconds until there is one.
        """
        kind = _kind(call)
        seconds = self._take(call, kind)
        if seconds:
            raise arm_error(
                429,
                "SubscriptionRequestsThrottled",
                f"Number of requests for subscription '{_subscription(call)}' and operation '{kind}' exceeded the "
                f"backend limit. Please try again after '{seconds}' seconds.",
                {"Retry-After": str(seconds)},
            )
        seconds = self._take(call, MANAGEMENT) if _service(call) else 0
        if seconds:
            # The provider's limits and their wording are not published; the text is ours.
            refusal = management_error(429, "TooManyRequests", "Too many requests. Please try again later.")
            refusal.answer.headers["Retry-After"] = str(seconds)
            raise refusal

    def _take(self, call: Call, kind: str) -> int:
        """
        Take a token; the seconds to wait where there is none, otherwise 0.
        """
        limit = self._limits[kind]
        if limit is None:
            return 0
        bucket = self._bucket(call, kind, limit)
        if bucket.level < 1:
            return max(1, math.ceil((1 - bucket.level) / limit.per_second))
        bucket.level -= 1
        return 0

    def headers(self, call: Call) -> dict[str, str]:
        kind = _kind(call)
        limit = self._limits[kind]
        left = SHOWN[kind] if limit is None else int(self._bucket(call, kind, limit).level)
        found = {f"x-ms-ratelimit-remaining-subscription-{kind}": str(left)}
        if kind != "deletes":
            found[f"x-ms-ratelimit-remaining-subscription-global-{kind}"] = str(left * 15)
        return found

    def _bucket(self, call: Call, kind: str, limit: Throttle) -> _Bucket:
        shared = kind == MANAGEMENT
        key = (
            _service(call) if shared else _subscription(call),
            "" if shared else str(call.claims.get("oid", "")),
            kind,
        )
        bucket = self._buckets.setdefault(key, _Bucket(float(limit.size), call.at))
        seconds = max(0.0, (call.at - bucket.at).total_seconds())
        bucket.level = min(float(limit.size), bucket.level + seconds * limit.per_second)
        bucket.at = max(bucket.at, call.at)
        return bucket


def _kind(call: Call) -> str:
    if call.method in ("GET", "HEAD"):
        return "reads"
    return "deletes" if call.method == "DELETE" else "writes"


def _subscription(call: Call) -> str:
    parts = call.path.split("/")
    return parts[2].casefold() if len(parts) > 2 and parts[1].casefold() == "subscriptions" else ""


def _service(call: Call) -> str:
    """
    The service that a call goes below of; empty for any other call.
    """
    parts = call.path.casefold().split("/")
    return "/".join(parts[:9]) if len(parts) > 9 and parts[7] == "service" else ""
