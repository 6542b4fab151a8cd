"""
Reads single values from the environment and gathers what is wrong with them.

A value with a fault is replaced by its default, so that reading goes on and every fault is found; the caller
throws the result away if there was any. Never puts a value into a fault where it may be a secret.
"""

import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from apimend.model.errors import Fault
from apimend.model.words import did_you_mean
from apimend.settings.names import DEFAULTS, NOT_OURS, PREFIX, WEBHOOK_PREFIX

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})")
_WEBHOOK = re.compile(r"[A-Z0-9]+(?:_[A-Z0-9]+)*")


class Environment:
    """A mapping of texts, and the faults found in it so far. White space around values does not count."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {name: value.strip() for name, value in values.items()}
        self.faults: list[Fault] = []

    def fault(self, name: str, what: str, mend: str = "") -> None:
        """Note that something is wrong with the setting `name`."""
        self.faults.append(Fault(what=what, where=name, mend=mend))

    def is_set(self, name: str) -> bool:
        """Whether there is a value; an empty one counts as none, as portals leave them behind."""
        return bool(self._values.get(name))

    def text(self, name: str, *, required: bool = False) -> str:
        """The value, or its default."""
        value = self._values.get(name) or DEFAULTS.get(name, "")
        if value.startswith("@Microsoft.KeyVault("):
            self.fault(name, "The Key Vault reference was not resolved.", "Look at the app's configuration in Azure.")
            return DEFAULTS.get(name, "")
        if required and not value:
            self.fault(name, "It is needed and has no value.")
        return value

    def choice(self, name: str, words: Collection[str]) -> str:
        """One of these words."""
        value = self.text(name)
        if value in words:
            return value
        self.fault(name, f"{value[:100]!r} is none of {', '.join(words)}.", did_you_mean(value, words))
        return DEFAULTS[name]

    def number(self, name: str, least: int, most: int) -> int:
        """A whole number from `least` to `most`."""
        value = self.text(name)
        if value.isascii() and value.isdigit() and len(value) < 10 and least <= int(value) <= most:
            return int(value)
        self.fault(name, f"{value[:100]!r} is no whole number from {least} to {most}.")
        return int(DEFAULTS[name])

    def guid(self, name: str) -> str:
        """A GUID in lower case, or an empty text."""
        value = self.text(name)
        if value and not _GUID.fullmatch(value):
            self.fault(name, f"{value[:100]!r} is no GUID.")
            return ""
        return value.lower()

    def guids(self, name: str) -> frozenset[str]:
        """GUIDs separated by commas, in lower case."""
        values = self.words(name)
        for value in values:
            if not _GUID.fullmatch(value):
                self.fault(name, f"{value[:100]!r} is no GUID.", "Separate several with commas.")
        return frozenset(value.lower() for value in values)

    def words(self, name: str) -> tuple[str, ...]:
        """Texts separated by commas."""
        return tuple(part.strip() for part in self.text(name).split(",") if part.strip())

    def url(self, name: str, *, required: bool = False, schemes: Collection[str] = ("https",)) -> str:
        """
        A URL without a slash at its end, or an empty text.

        The value itself is in no fault: the signature of a webhook stands in its query.
        """
        value = self.text(name, required=required).rstrip("/")
        if value and not _is_url(value, schemes):
            self.fault(name, f"It is no URL that begins with {' or '.join(schemes)}://.", "Write it with its host.")
            return ""
        return value

    def address(self, name: str) -> str | None:
        """A `host:port`, or None."""
        value = self.text(name)
        found = _ADDRESS.fullmatch(value)
        if value and (found is None or not 0 < int(found[2]) < 65536):
            self.fault(name, f"{value[:100]!r} is no host:port.", "Write 127.0.0.1:8443, for example.")
            return None
        return value or None

    def webhooks(self) -> dict[str, str]:
        """The further webhooks by the name that routes use."""
        found = {}
        for name in sorted(self._values):
            if _is_webhook(name) and self.is_set(name):
                found[name.removeprefix(WEBHOOK_PREFIX).lower().replace("_", "-")] = self.url(name)
        return found

    def unknown(self) -> None:
        """Note every name that looks like ours and is none: a slip must not fall back to a default in silence."""
        known = [name for name in DEFAULTS if "<" not in name]
        for name in sorted(self._values):
            ours = name.upper().startswith(PREFIX) and name not in NOT_OURS
            if ours and name not in known and not _is_webhook(name):
                self.fault(name[:100], "There is no such setting.", did_you_mean(name, known))


def _is_webhook(name: str) -> bool:
    rest = name.removeprefix(WEBHOOK_PREFIX)
    return rest != name and name not in DEFAULTS and _WEBHOOK.fullmatch(rest) is not None


def _is_url(value: str, schemes: Collection[str]) -> bool:
    try:
        parts = urlsplit(value)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = value.isascii() and value.isprintable() and " " not in value and parts.username is None
    return parts.scheme in schemes and bool(parts.hostname) and port_is_fine and plain
