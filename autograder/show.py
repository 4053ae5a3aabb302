"""What an instructor sees while a class is graded, and when it is done."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from typing import Any

from rich import progress as bars
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .classroom import Graded, Summary


class Progress:
    """A line for each finished submission; under it, on a terminal, a bar with rate and time left."""

    def __init__(self, console: Console, count: int) -> None:
        self.console, self.count, self.done, self.start = console, count, 0, time.monotonic()
        self.bar = bars.Progress(
            bars.BarColumn(),
            bars.MofNCompleteColumn(),
            bars.TextColumn("{task.fields[rate]}"),
            bars.TimeRemainingColumn(),
            bars.TextColumn("left"),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self.task = self.bar.add_task("grading", total=count, rate="")

    def __enter__(self) -> Progress:
        self.bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.bar.stop()

    def finished(self, graded: Graded) -> None:
        """Show one more finished submission."""
        self.done += 1
        result = graded.result
        text = (
            f"[{self.done}/{self.count}] {graded.student}: {result.score:g} / {result.points:g}, {result.outcome}, "
            f"{graded.seconds:.1f} s" + (", to be looked at" if result.evidence else "")
        )
        if result.outcome == "unreadable" and result.notes:
            text += f": {result.notes[0]}"
        if graded.problem:
            text = f"[{self.done}/{self.count}] {graded.student}: NOT recorded: {graded.problem}"
        self.bar.console.print(text, markup=False, soft_wrap=True)
        rate = self.done / max(time.monotonic() - self.start, 1e-3)
        self.bar.update(self.task, advance=1, rate=f"{60 * rate:.0f} a minute")


def show_summary(console: Console, unit: str, summary: Summary) -> None:
    """A table of all that was graded, and the counts."""
    if summary.graded:
        table = Table("student", "score", "outcome", "recognised mistakes", title=unit)
        for student, result in sorted(summary.results.items()):
            mistakes = ", ".join(f"{e}: {m}" for e, m in result.mistakes.items())
            table.add_row(escape(student), f"{result.score:g} / {result.points:g}", result.outcome, escape(mistakes))
        console.print(table)
        outcomes = Counter(result.outcome for result in summary.results.values())
        counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        mean = statistics.mean(result.score for result in summary.results.values())
        points = next(iter(summary.results.values())).points
        console.print(f"{len(summary.graded)} examined: {counts}. Mean score {mean:.2f} of {points:g}.", markup=False)
    looked = [(student, line) for student, result in sorted(summary.results.items()) for line in result.evidence]
    if looked:
        console.print("To be looked at (undone, and no point rests on it):")
        for student, line in looked:
            console.print(f"  {student}: {line}", markup=False, soft_wrap=True)
    if summary.unchanged:
        console.print(
            f"{len(summary.unchanged)} graded before and unchanged since: left as they are (--force grades them again).",
            markup=False,
            soft_wrap=True,
        )
