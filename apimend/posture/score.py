"""
A posture in numbers: a score for the instance and each family, and what would raise it most.

Pure. Unknowns count beside fails, or missing permissions would be rewarded; what is waived or can't apply is left out.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from apimend.model.plan import Severity
from apimend.model.posture import Assessment, PostureFigures, Verdict

WEIGHTS = {Severity.INFO: 0, Severity.LOW: 1, Severity.MEDIUM: 3, Severity.HIGH: 6, Severity.CRITICAL: 10}
_MOST = 5


def score(assessments: Iterable[Assessment]) -> int:
    """Out of 100, rounded down so that 100 means all; 100 too where nothing counts."""
    return of_hundred(*weighed(assessments))


def weighed(assessments: Iterable[Assessment]) -> tuple[int, int]:
    """What is met, and all that counts, by weight: those of several instances add up."""
    counted = [each for each in assessments if each.verdict.counts]
    met = sum(WEIGHTS[each.severity] for each in counted if each.verdict.is_good)
    return met, sum(WEIGHTS[each.severity] for each in counted)


def of_hundred(met: int, whole: int) -> int:
    """The score of weights."""
    return 100 if whole == 0 else met * 100 // whole


def families(assessments: Iterable[Assessment]) -> tuple[tuple[str, int], ...]:
    """The score of each family, in the order in which they come."""
    grouped: dict[str, list[Assessment]] = {}
    for each in assessments:
        grouped.setdefault(each.family, []).append(each)
    return tuple((family, score(group)) for family, group in grouped.items())


def raising(assessments: Sequence[Assessment]) -> tuple[tuple[Assessment, int], ...]:
    """What somebody has to do something about, with the points that each would bring, the most first."""
    whole = sum(WEIGHTS[each.severity] for each in assessments if each.verdict.counts)
    bad = [each for each in assessments if each.verdict.is_bad and WEIGHTS[each.severity]]
    ranked = sorted(bad, key=lambda each: (-WEIGHTS[each.severity], each.verdict is not Verdict.FAIL, each.control))
    return tuple((each, -(-WEIGHTS[each.severity] * 100 // whole)) for each in ranked)


def figures(
    assessments: Sequence[Assessment], before: Sequence[Assessment] = (), *, whole: bool = True
) -> PostureFigures:
    """The figures of a posture; `before` is what was known of the same controls."""
    failed = {each.control for each in before if each.verdict is Verdict.FAIL}
    known = {each.control for each in before if each.verdict is not Verdict.UNKNOWN}
    fails = [each for each in assessments if each.verdict is Verdict.FAIL]
    newly = [each for each in fails if each.control in known - failed]
    met = {each.control for each in assessments if each.verdict.is_good}
    counts = Counter(each.verdict.value for each in assessments)
    return PostureFigures(
        score=score(assessments),
        verdicts={verdict.value: counts[verdict.value] for verdict in Verdict if counts[verdict.value]},
        families=families(assessments),
        raises=tuple(f"{e.control} {e.title} (+{points})" for e, points in raising(assessments)[:_MOST]),
        failing=tuple(f"{each.control} {each.title}" for each in newly),
        mended=tuple(f"{each.control} {each.title}" for each in before if each.control in failed & met),
        whole=whole,
    )
