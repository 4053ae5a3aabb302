"""The class report as one page: complete in itself, no script, light and dark, and good on paper."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import jinja2
from markupsafe import Markup, escape

from . import charts
from .feedback import code_block, colours
from .figures import ClassFigures, MistakeFigures
from .plaincode import plain
from .reportstyle import STYLE
from .reporttemplate import PAGE
from .unknown import Group

SHOWN_MISTAKES = 12  # the others are folded away
SHOWN_GROUPS = 12
SHOWN_FOLDED = 40
OPEN_CARDS = 3  # unfolded at first sight; on paper all are
LONGEST = 80  # lines of an example


@dataclass(frozen=True)
class Shown:
    """What a page shows beside the figures."""

    name: Callable[[str], str]  # of a student
    page: Callable[[str], str]  # address of a student's feedback page, "" if there is none
    mistake_example: Callable[[MistakeFigures], str | None]
    group_example: Callable[[Group], str | None]
    learn: Callable[[Group], str]  # the command that makes a mistake of a group
    named: bool = True


def render(figures: ClassFigures, shown: Shown) -> str:
    """The page, as HTML."""
    order = list(shown_order(figures, shown))
    return _page().render(
        f=figures,
        s=shown,
        now=datetime.now(UTC).strftime("%d %B %Y").lstrip("0"),
        charts=charts,
        style=Markup(f"{colours()}\n{STYLE}"),
        made=[mistake for mistake in figures.mistakes if mistake.students],
        idle=[mistake for mistake in figures.mistakes if not mistake.students],
        shared=[group for group in figures.groups if len(group.students) > 1 and not group.follows],
        following=[group for group in figures.groups if group.follows],
        most_mistakes=SHOWN_MISTAKES,
        most_groups=SHOWN_GROUPS,
        most_folded=SHOWN_FOLDED,
        single=[group for group in figures.groups if len(group.students) == 1 and not group.follows],
        flagged=[t for e in figures.exercises for t in e.tests if t.discrimination.flag],
        order=order,
        open_cards=OPEN_CARDS,
        unmatched=sorted(figures.unmatched.items(), key=lambda entry: (-len(entry[1]), shown.name(entry[0]))),
        group_of={(student, g.exercise): g.key for g in figures.groups for student in g.students},
        slowest=sorted(figures.times.processor or figures.times.wall, key=_by(figures), reverse=True)[:5],
        median=_median,
        code=_code,
        plain=plain,
        anchor=lambda *words: "-".join(words),
    )


def shown_order(figures: ClassFigures, shown: Shown) -> list[str]:
    """The students as they are listed: by the name that is shown."""
    return sorted(figures.marks.results, key=shown.name)


def _by(figures: ClassFigures) -> Callable[[str], float]:
    times = figures.times.processor or figures.times.wall
    return lambda student: times[student]


def _median(values: list[float]) -> float:
    import statistics

    return statistics.median(values)


def _code(source: str) -> Markup:
    lines = source.splitlines()
    if len(lines) > LONGEST:
        lines = [*lines[:LONGEST], f"# ... {len(lines) - LONGEST} lines more"]
    return code_block("\n".join(lines))


def _ticks(text: str) -> Markup:
    """A hint as it is shown in a notebook: what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


@functools.cache
def _page() -> jinja2.Template:
    made = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    made.filters["percent"] = lambda value: f"{100 * value:.0f} %" if not 0 < value < 0.01 else f"{100 * value:.1f} %"
    made.filters["points"] = lambda value: f"{value:g}"
    made.filters["breaking"] = lambda name: Markup("_<wbr>").join(name.split("_"))
    made.filters["ticks"] = _ticks
    made.filters["seconds"] = lambda value: f"{value:.2f} s" if value < 10 else f"{value:.0f} s"
    made.filters["count"] = lambda n, one, many=None: f"{n} {one if n == 1 else many or one + 's'}"
    return made.from_string(PAGE)
