"""
The messages on the queue of notices: small, versioned, and with nothing in them that the ledger knows.
"""

import json
from dataclasses import asdict, dataclass, replace

from apimend.model.errors import Unreadable

QUEUE = "apimend-notices"
VERSION = 1

EVENT = "event"
DIGEST = "digest"
DAILY = "daily"


@dataclass(frozen=True, kw_only=True)
class Message:
    """
    One thing to deliver. `kind` is that of the run's card, or `event`, `digest` or `daily`.

    `route` is the name of a webhook; `tries` how often delivery was put off.
    """

    kind: str
    run: str = ""
    route: str = ""
    tries: int = 0

    def written(self) -> str:
        """As it stands on the queue."""
        return json.dumps({"v": VERSION, **asdict(self)})

    def again(self) -> "Message":
        """The same for another try."""
        return replace(self, tries=self.tries + 1)

    @classmethod
    def read(cls, text: str) -> "Message":
        """The message in a text. Raises Unreadable for an unknown version or form."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise Unreadable("A notice is no JSON.") from error
        if not isinstance(values, dict) or values.get("v") != VERSION:
            raise Unreadable("A notice is of an unknown version.")
        kind, run, route, tries = (values.get(name) for name in ("kind", "run", "route", "tries"))
        texts = isinstance(kind, str) and isinstance(run, str) and isinstance(route, str)
        if not texts or not isinstance(tries, int) or isinstance(tries, bool) or tries < 0:
            raise Unreadable("A notice is of an unknown form.")
        return cls(kind=str(kind), run=str(run), route=str(route), tries=tries)
