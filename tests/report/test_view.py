"""The computed view: one kind, one title, and figures that promise nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from apimend.model.plan import Plan, Severity
from apimend.model.runs import Cause, Outcome, Result, Run, Status
from apimend.report import digest
from apimend.report.digest import DigestView
from apimend.report.kinds import NoticeKind, kind_of, severity_of
from apimend.report.links import Links
from apimend.report.plain import breakable, clean, clip, listing, minutes, seconds
from apimend.report.view import RunView, expected_minutes, label
from script.card_samples import (
    AT,
    ATTACH,
    CHANGES,
    CHECK,
    INSTANCE,
    NEGOTIATE,
    NO_BASE,
    PLANNED,
    RUNS,
    UPLOADED,
    elsewhere,
    finding,
)


def run_of(result: Result, *statuses: Status, **more: object) -> Run:
    """A run with these outcomes."""
    outcomes = tuple(Outcome(change=c.id, status=s) for c, s in zip(CHANGES, statuses, strict=False))
    return replace(PLANNED, result=result, outcomes=outcomes, plan=Plan.of(CHANGES[: len(statuses)]), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "run"), RUNS.items(), ids=RUNS.keys())
def test_every_sample_is_of_its_kind(name: str, run: Run) -> None:
    """
    There is a sample of each kind that people are told of.
    """
    assert name == kind_of(run).value


def test_every_kind_has_a_sample() -> None:
    """
    No kind of news goes without its picture.
    """
    news = {kind.value for kind in NoticeKind if kind.is_news}

    assert news == {*RUNS, "digest"}


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (run_of(Result.CONVERGED), NoticeKind.NO_CHANGES),
        (run_of(Result.PLANNED), NoticeKind.NO_CHANGES),
        (run_of(Result.GONE), NoticeKind.GONE),
        (run_of(Result.UNMANAGED), NoticeKind.NOT_MANAGED),
        (run_of(Result.PENDING, Status.DEFERRED), NoticeKind.NO_CHANGES),
        (run_of(Result.PENDING, Status.PENDING), NoticeKind.STARTED),
        (run_of(Result.PARTIAL, Status.APPLIED, Status.DEFERRED), NoticeKind.STARTED),
        (run_of(Result.PARTIAL, Status.APPLIED, Status.REFUSED), NoticeKind.PARTIALLY_APPLIED),
        (run_of(Result.PARTIAL, Status.APPLIED, Status.FAILED), NoticeKind.PARTIALLY_APPLIED),
        (replace(run_of(Result.REFUSED), plan=Plan.of((), [NO_BASE])), NoticeKind.FINDINGS),
        (replace(run_of(Result.REFUSED), plan=Plan.of((), [finding("x", Severity.LOW, "")])), NoticeKind.NO_CHANGES),
        (
            replace(
                run_of(Result.CONVERGED), plan=Plan.of((), [NO_BASE, finding("waiver_expiring", Severity.LOW, "")])
            ),
            NoticeKind.FINDINGS,
        ),
        (
            replace(PLANNED, plan=Plan.of(CHANGES, [finding("negotiation_lost", Severity.CRITICAL, "")])),
            NoticeKind.NEGOTIATION_LOST,
        ),
    ],
    ids=[
        "converged",
        "an empty plan",
        "gone",
        "never declared",
        "only waiting",
        "an update began",
        "the rest waits its turn",
        "something refused",
        "something failed",
        "findings only",
        "small findings only",
        "findings beside a waiver",
        "callers locked out",
    ],
)
def test_the_kind_follows_from_result_and_findings(run: Run, expected: NoticeKind) -> None:
    """
    A run has one kind; what locks callers out comes first, and a visit that only waits is no news.
    """
    assert expected is kind_of(run)


def test_the_worst_finding_makes_the_severity() -> None:
    """
    A run matters as much as its kind or its worst finding.
    """
    assert Severity.HIGH is severity_of(replace(PLANNED, plan=Plan.of(CHANGES, [UPLOADED])))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plan", "5 % → 94 %"),
        ("applied", "5 % → 94 %"),
        ("refused", "5 %"),
        ("failed", "5 %"),
        ("fight_detected", "5 %"),
    ],
)
def test_coverage_promises_nothing(name: str, shown: str) -> None:
    """
    What the changes would bring is shown as where it goes only while nothing stands in their way.
    """
    view = RunView.of(RUNS[name])

    assert view.coverage
    assert shown == view.coverage.percent


def test_stages_follow_each_other_and_service_changes_share_one_update() -> None:
    """
    Expected time is the sum over stages of the slowest change, with the service's changes counted once.
    """
    twice = replace(NEGOTIATE, reason="", target=INSTANCE, will="", after='{"other":true}')

    assert (15, 46) == expected_minutes(Plan.of([ATTACH, NEGOTIATE, twice, CHECK]))


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ((), "service"),
        (("policies", "policy"), "all APIs"),
        (("apis", "orders", "policies", "policy"), "apis/orders"),
        (("certificates", "partner-a"), "certificates/partner-a"),
    ],
    ids=["service", "global policy", "API policy", "certificate"],
)
def test_targets_are_named_as_people_name_them(path: tuple[str, ...], shown: str) -> None:
    """
    Within its instance a resource is named by its path, a policy by its scope.
    """
    target = INSTANCE.child(*path) if path else INSTANCE

    assert shown == label(target, INSTANCE)


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (Cause.EVENT, "service/write by alice@contoso.com"),
        (Cause.SWEEP, "The scheduled sweep"),
        (Cause.REPLAY, "A replay by alice@contoso.com"),
        (Cause.COMMAND, "The command line by alice@contoso.com"),
    ],
)
def test_the_cause_names_who(cause: Cause, said: str) -> None:
    """
    A run says why the instance was visited, and by whom.
    """
    assert said == RunView.of(replace(PLANNED, trigger=replace(PLANNED.trigger, cause=cause))).why


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\n\tb", "a b"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("\u202eabc\u200b", "\ufffdabc\ufffd"),
        ("e" + "\u0301" * 9, "e\u0301\u0301"),
        ("  a   b  ", "a b"),
        ("Zürich 北京 🙂", "Zürich 北京 🙂"),
    ],
    ids=["line ends", "escape", "bidirectional", "marks", "spaces", "other scripts"],
)
def test_words_are_made_harmless(text: str, expected: str) -> None:
    """
    Any text becomes one line of visible characters, and honest text stays as it is.
    """
    assert expected == clean(text)


def test_small_words() -> None:
    """
    Lengths and amounts read as a person would say them.
    """
    assert ["seconds", "up to 1 minute", "5 minutes", "15 to 45 minutes"] == [
        minutes(span) for span in ((0, 0), (0, 1), (5, 5), (15, 45))
    ]
    assert ["60 seconds", "5 minutes", "6 hours"] == [seconds(amount) for amount in (60, 300, 21_600)]
    assert "a, b and c" == listing("abc")
    assert "abcdef…xyz" == clip("abcdefghijklmnopqrstuvwxyz", 10)
    assert "x" * 26 + "…" + "x" * 13 == breakable("x" * 99)


def test_a_digest_has_the_newest_of_each_instance() -> None:
    """
    A digest shows each instance once, with its newest run, the worst first, and counts who needs a look.
    """
    early = RunView.of(PLANNED)
    late = RunView.of(replace(RUNS["applied"], started=AT + timedelta(hours=1)))
    other = RunView.of(elsewhere(RUNS["failed"], "other"))
    view = DigestView.of("Digest", [late, early, other], since=AT, until=AT)

    assert [other, late] == list(view.runs)
    assert "1 instance needs a look" == view.title
    assert digest.render(view)["body"]


def test_links_carry_the_token_in_the_fragment_only() -> None:
    """
    A link is made of escaped parts; the token stands behind the #; without an address there are no links.
    """
    links = Links(base_url="https://a.example/api/")

    assert "https://a.example/api/runs/a%2Fb%3Fc/approve#t%23k" == links.approve("a/b?c", "t#k")
    assert "" == Links().approve("run", "token")
