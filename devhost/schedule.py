"""
The schedule of a timer trigger: an NCRONTAB expression of six fields (or five, without seconds).

Called by the timers. Unlike Unix cron, NCRONTAB wants day and day-of-week both to match, counts Sunday as 0 only, and
a range can't wrap. Times are UTC; `%SETTING%` and the TimeSpan form of App Service plans are not read here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

MONTHS = {
    "JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6,
    "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12,
}  # fmt: skip
DAYS = {"SUN": 0, "MON": 1, "TUE": 2, "WED": 3, "THU": 4, "FRI": 5, "SAT": 6}
FIELDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}),
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, MONTHS),
    (0, 6, DAYS),
)
LONGEST_GAP = timedelta(days=366 * 8 + 1)  # 29 February across a century that has none


class ScheduleError(ValueError):
    """A schedule that can't be read, or that never comes."""


@dataclass(frozen=True)
class Schedule:
    """When a timer is due."""

    text: str
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        fields = text.split()
        if len(fields) == 5:
            fields = ["0", *fields]
        if len(fields) != 6:
            raise ScheduleError(f"{text!r} is not an NCRONTAB expression of five or six fields")
        numbers = [_numbers(field, *FIELDS[at], text) for at, field in enumerate(fields)]
        return cls(text, *numbers)

    def after(self, moment: datetime) -> datetime:
        """The first moment later than this one."""
        day = moment.astimezone(UTC).date()
        while day - moment.date() <= LONGEST_GAP:
            for at in self._times(day):
                if at > moment:
                    return at
            day += timedelta(days=1)
        raise ScheduleError(f"{self.text!r} never comes")

    def _times(self, day: date) -> Iterator[datetime]:
        if day.month not in self.months or day.day not in self.days or day.isoweekday() % 7 not in self.weekdays:
            return
        for hour in self.hours:
            for minute in self.minutes:
                for second in self.seconds:
                    yield datetime.combine(day, time(hour, minute, second), UTC)


def _numbers(field: str, low: int, high: int, names: dict[str, int], text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            start, end = low, high
        else:
            start = _number(first, names, text)
            end = _number(last, names, text) if dash else high if step else start
        every = _number(step, {}, text) if step else 1
        if not (low <= start <= end <= high) or every < 1:
            raise ScheduleError(f"{part!r} in {text!r} is outside {low} to {high}")
        found.update(range(start, end + 1, every))
    return tuple(sorted(found))


def _number(text: str, names: dict[str, int], whole: str) -> int:
    if text.upper() in names:
        return names[text.upper()]
    if not text.isdecimal():
        raise ScheduleError(f"{text!r} in {whole!r} is not a number")
    return int(text)
