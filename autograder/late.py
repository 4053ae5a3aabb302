"""The late policy, read from a file: `late.toml` in the course folder.

    zone = "Europe/London"              # of the times below that name none

    [default]                           # for every unit
    penalty = "10 %"                    # for each day that has begun; or points, such as 0.5
    grace = "15 min"

    [units.02_neuron]                   # for one unit; the rest is as in [default]
    due = 2026-10-01T23:59:00
    cap = "50 %"                        # the most that is taken off
    latest = "7 days"                   # what comes later counts 0

    [units.02_neuron.extensions]
    lovelaceada_12345 = "3 days"        # or a due time of the student's own

Nothing here knows the gradebook: a time and a score go in, a penalty and its reason come out.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

FILE = "late.toml"
UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
SHORT = {"s": "second", "sec": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week"}
PERIODS = ("hour", "day", "week")
BEGUN = timedelta(seconds=1)  # less than a second late is not late: clocks differ


class LateError(ValueError):
    """The policy's file has a fault; the message names file, line and key."""


@dataclass(frozen=True)
class Amount:
    """Points, or a share in percent of the points that a penalty is counted from."""

    value: float
    percent: bool = False

    def points(self, base: float) -> float:
        return base * self.value / 100 if self.percent else self.value

    def __str__(self) -> str:
        return f"{self.value:g} %" if self.percent else f"{self.value:g} point{'' if self.value == 1 else 's'}"


@dataclass(frozen=True)
class Judgement:
    """What a policy takes off."""

    penalty: float  # points, never more than the score
    late: timedelta
    reason: str = ""  # a line for the student, where there is anything to say


@dataclass(frozen=True)
class Policy:
    """How late work is counted in one unit. Times are aware of their zone."""

    due: datetime | None = None  # None: as the gradebook says
    grace: timedelta = timedelta(0)  # within it nothing is taken; after it all that is late counts
    penalty: Amount = Amount(0.0)
    per: str = "day"
    begun: bool = True  # a day that has begun counts whole; else in proportion
    of: str = "maximum"  # what percentages are of: the unit's points, or the student's own ("score")
    cap: Amount | None = None  # the most that is taken
    floor: Amount | None = None  # a score is not brought below it
    latest: datetime | timedelta | None = None  # the last time, or how long after the due time; later work counts 0
    extensions: dict[str, datetime | timedelta] = field(default_factory=dict)
    zone: tzinfo | None = None  # of times that name none

    def due_for(self, student: str, due: datetime | None) -> datetime | None:
        """The student's own due time.

        Args:
            due: as the gradebook has it, an extension granted there included.
        """
        more = self.extensions.get(student)
        if isinstance(more, datetime):
            return more
        usual = self.due or due
        return usual + more if usual and more else usual

    def judge(self, score: float, maximum: float, submitted: datetime | None, due: datetime | None) -> Judgement:
        """The penalty for a score.

        Args:
            score: before any penalty. maximum: what the unit can give, extra credit aside.
            submitted, due: None where it is not known: then nothing is late.
        """
        late = submitted - due if submitted and due else timedelta(0)
        if late < BEGUN:
            return Judgement(0.0, timedelta(0))
        how = f"{spelt(late)} late"
        assert submitted and due
        if self.latest is not None and submitted > self.last(due):
            return Judgement(round(max(score, 0.0), 2), late, f"{how}, and after the last time that counts: 0 points")
        if late <= self.grace or not self.penalty.value:
            return Judgement(0.0, late, f"{how}: nothing taken off")
        base = maximum if self.of == "maximum" else max(score, 0.0)
        count = late / UNITS[self.per]
        count = math.ceil(round(count, 6)) if self.begun else count
        taken = self.penalty.points(base) * count
        words = f"{how}: {self.penalty} for each {self.per}{' begun' if self.begun else ''}"
        if self.cap is not None and taken > self.cap.points(base):
            taken, words = self.cap.points(base), f"{words}, at most {self.cap}"
        if self.floor is not None and score - taken < self.floor.points(base):
            taken, words = score - self.floor.points(base), f"{words}, but not below {self.floor}"
        taken = round(min(max(taken, 0.0), max(score, 0.0)), 2)
        return Judgement(taken, late, f"{words}: {taken:g} points taken off")

    def last(self, due: datetime) -> datetime:
        """The last time that counts, for a student with this due time: never before it."""
        assert self.latest is not None
        return max(due, due + self.latest if isinstance(self.latest, timedelta) else self.latest)


@dataclass(frozen=True)
class Policies:
    """All of a file."""

    default: Policy | None
    units: dict[str, Policy]

    def of(self, unit: str) -> Policy | None:
        """The policy for a unit, None where the file has none for it."""
        return self.units.get(unit, self.default)


def load(folder: Path) -> Policies | None:
    """What the course folder's file says; None if there is no such file.

    Raises:
        LateError: it has a fault.
    """
    path = Path(folder) / FILE
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise LateError(f"{path} cannot be read: {error}") from None
    return parse(text, path)


def policy(folder: Path, unit: str) -> Policy | None:
    """The policy for a unit in a course folder, None where there is none.

    Raises:
        LateError: the file has a fault, be it in another unit's part.
    """
    found = load(folder)
    return found.of(unit) if found else None


def parse(text: str, path: Path | str = FILE) -> Policies:
    """Read the text of a policy's file.

    Raises:
        LateError.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LateError(f"{path}: this is no TOML: {error}") from None
    return _Reader(data, text, path).policies()


def spelt(length: timedelta) -> str:
    """A length of time in words, the two largest parts of it."""
    seconds, parts = round(length.total_seconds()), []
    for name in ("day", "hour", "minute", "second"):
        count, seconds = divmod(seconds, round(UNITS[name].total_seconds()))
        if count:
            parts.append(f"{count} {name}{'' if count == 1 else 's'}")
    return " ".join(parts[:2]) or "0 seconds"


def duration(text: str) -> timedelta:
    """A length of time: "15 min", "1 day 12 hours", "2d".

    Raises:
        ValueError.
    """
    found = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text.lower())
    rest = re.sub(r"(\d+(?:\.\d+)?)\s*([a-z]+)[\s,]*", "", text.lower()).strip()
    length = timedelta(0)
    for number, word in found:
        name = SHORT.get(word, word.removesuffix("s"))
        if name not in UNITS:
            rest = word
            break
        length += float(number) * UNITS[name]
    if rest or not found:
        raise ValueError('a length of time is wanted, such as "15 min", "2 hours" or "1 day 12 hours"')
    return length


class _Reader:
    """Turns the file's tables into policies, and says of each fault where it stands."""

    def __init__(self, data: dict[str, Any], text: str, path: Path | str) -> None:
        self.data, self.text, self.path = data, text, path
        self.kinds: dict[str, Callable[[Any], Any]] = {
            "due": self.time,
            "grace": self.length,
            "penalty": self.amount,
            "per": lambda value: self.one_of(value, PERIODS),
            "count": lambda value: self.one_of(value, ("begun", "exact")),
            "of": lambda value: self.one_of(value, ("maximum", "score")),
            "cap": self.amount,
            "floor": self.amount,
            "latest": self.moment,
        }
        assert {name for name in self.kinds if name != "count"} < {f.name for f in fields(Policy)}

    def policies(self) -> Policies:
        for key in self.data:
            if key not in ("zone", "default", "units"):
                raise self.fault((key,), 'there may be "zone", [default] and [units.NAME] here')
        self.zone: tzinfo | None = None
        if "zone" in self.data:
            self.zone = self.checked(("zone",), self.data["zone"], zone_called)
        default = self.policy(("default",), {}) if "default" in self.data else None
        tables = self.table(("units",)) if "units" in self.data else {}
        known = dict(self.data.get("default", {}))
        return Policies(default, {name: self.policy(("units", name), known) for name in tables})

    def policy(self, where: tuple[str, ...], known: dict[str, Any]) -> Policy:
        table = self.table(where)
        made: dict[str, Any] = {"zone": self.zone}
        for key, value in {**known, **table}.items():
            place = (*where, key) if key in table else ("default", key)
            if key == "extensions" and place[0] == "units":
                students = self.table(place)
                made[key] = {name: self.checked((*place, name), value[name], self.moment) for name in students}
            elif key in self.kinds:
                made["begun" if key == "count" else key] = self.checked(place, value, self.kinds[key])
            else:
                allowed = ", ".join(self.kinds) + (" and the table extensions" if where[0] == "units" else "")
                raise self.fault(place, f"no such key; there may be {allowed}")
        if "begun" in made:
            made["begun"] = made["begun"] == "begun"
        return Policy(**made)

    def table(self, where: tuple[str, ...]) -> dict[str, Any]:
        found: Any = self.data
        for key in where:
            found = found[key]
        if not isinstance(found, dict):
            raise self.fault(where, f"a table is wanted, [{'.'.join(where)}]")
        return found

    def checked(self, where: tuple[str, ...], value: Any, kind: Callable[[Any], Any]) -> Any:
        try:
            return kind(value)
        except (ValueError, OverflowError) as error:
            raise self.fault(where, str(error), value) from None

    def fault(self, where: tuple[str, ...], message: str, value: Any = None) -> LateError:
        said = f" = {value!r}" if value is not None and not isinstance(value, dict) else ""
        return LateError(f"{self.path}, line {self.line(where)}, {'.'.join(where)}{said}: {message}.")

    def line(self, where: tuple[str, ...]) -> int | str:
        """Where a key stands. tomllib does not say; headers and keys are found by their text."""
        table: tuple[str, ...] = ()
        for number, line in enumerate(self.text.splitlines(), 1):
            header = re.match(r"\s*\[([^\[\]]+)\]", line)
            key = re.match(r"\s*([^=\[#]+?)\s*=", line)
            if header:
                table = _dotted(header[1])
            if (header and table[: len(where)] == where) or (key and (*table, *_dotted(key[1]))[: len(where)] == where):
                return number
        return "?"

    # values

    def time(self, value: Any) -> datetime:
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value.strip())
            except ValueError:
                raise ValueError("no time; write 2026-10-01T23:59:00") from None
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time(23, 59, 59))  # due on a day: by its end
        if not isinstance(value, datetime):
            raise ValueError("no time; write 2026-10-01T23:59:00")
        return placed(value, self.zone)

    def length(self, value: Any) -> timedelta:
        if not isinstance(value, str):
            raise ValueError('a length of time is wanted, such as "15 min" (with its unit, in quotes)')
        return duration(value)

    def moment(self, value: Any) -> datetime | timedelta:
        """A time, or a length of time."""
        if isinstance(value, str):
            try:
                return duration(value)
            except ValueError:
                pass
        try:
            return self.time(value)
        except ValueError as error:
            if "zone" in str(error):
                raise
            raise ValueError('neither a length of time ("3 days") nor a time (2026-10-08T23:59:00)') from None

    @staticmethod
    def amount(value: Any) -> Amount:
        wanted = 'a number of points or a share is wanted, such as 0.5 or "10 %", and not below 0'
        if isinstance(value, str):
            found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%|percent|points?)?", value.strip())
            if not found:
                raise ValueError(wanted)
            amount = Amount(float(found[1]), found[2] in ("%", "percent"))
            if amount.percent and amount.value > 100:
                raise ValueError("more than 100 % cannot be taken")
            return amount
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
            raise ValueError(wanted)
        return Amount(float(value))

    @staticmethod
    def one_of(value: Any, allowed: tuple[str, ...]) -> str:
        if value not in allowed:
            raise ValueError("one of " + ", ".join(f'"{word}"' for word in allowed) + " is wanted")
        return str(value)


def placed(when: datetime, zone: tzinfo | None) -> datetime:
    """A time in UTC; of a zone of its own, or else of `zone`.

    Raises:
        ValueError: it has neither.
    """
    if when.tzinfo is None:
        if zone is None:
            raise ValueError(
                'the time names no zone: write zone = "Europe/London" at the top of late.toml, or 2026-10-01T23:59:00+01:00'
            )
        when = when.replace(tzinfo=zone)
    return when.astimezone(UTC)


def aware(when: datetime | None) -> datetime | None:
    """A time of nbgrader's: in UTC, and it does not say so."""
    return when.replace(tzinfo=UTC) if when else None


def naive(when: datetime) -> datetime:
    """A time as nbgrader keeps it."""
    return when.astimezone(UTC).replace(tzinfo=None)


def zone_called(value: Any) -> tzinfo:
    """The time zone of that name.

    Raises:
        ValueError: this machine knows none.
    """
    try:
        return ZoneInfo(value)
    except (ValueError, OSError, TypeError, AttributeError, KeyError):  # KeyError: ZoneInfoNotFoundError
        raise ValueError('no time zone that this machine knows; write one such as "Europe/London" or "UTC"') from None


def _dotted(text: str) -> tuple[str, ...]:
    """The parts of a dotted key, without quotes."""
    return tuple(
        part[0] or part[1] or part[2].strip() for part in re.findall(r'"([^"]*)"|\'([^\']*)\'|([^."\']+)', text)
    )
