"""
What a hand-off is: snippets, or the reason why there are none; never both, never neither.
"""

from dataclasses import dataclass

from apimend.report.plain import clean, clean_lines


@dataclass(frozen=True, kw_only=True)
class HandOff:
    """Lines for the owner's code, or `why_none` in one sentence."""

    lines: tuple[str, ...] = ()
    why_none: str = ""

    @classmethod
    def of(cls, text: str, why_none: str) -> "HandOff":
        """That of a text, or the reason where it is empty."""
        lines = clean_lines(text)
        return cls(lines=lines) if any(lines) else cls(why_none=clean(why_none))
