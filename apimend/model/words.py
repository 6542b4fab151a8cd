"""
What a person may have meant who wrote a name that we do not know.

Settings, the desired state and the command line ask here, so that a slip is met with the same sentence everywhere.
"""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that `word` resembles most, without regard to case; None where none comes close."""
    by_key = {name.casefold(): name for name in known}
    found = get_close_matches(word[:100].casefold(), by_key, n=1, cutoff=0.6)
    return by_key[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`Did you mean …?` where something comes close, else the whole list where it is short, else nothing."""
    names = sorted(known)
    found = nearest(word, names)
    if found is not None:
        return f"Did you mean {found}?"
    return f"Known here: {', '.join(names)}." if 0 < len(names) <= 20 else ""
