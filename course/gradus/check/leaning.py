"""Which earlier exercises an answer leans on: a fault is best looked for where it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..reads import names_read
from .report import Report


def told(
    report: Report,
    texts: Iterable[str],
    called: Iterable[str],
    defines: Mapping[str, Sequence[str]],
    passed: Mapping[str, bool],
) -> str:
    """A sentence if a failed answer uses other exercises whose own checks do not pass; "" if there is nothing to say.

    Args:
        report: of this exercise.
        texts: its code.
        called: names of the student's that its tests use themselves.
        defines: what each exercise of the unit defines.
        passed: of the exercises that were checked so far, whether all tests passed.
    """
    if report.whole:
        return ""
    read = set(called)
    for text in texts:
        try:
            read.update(names_read(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # a student's text may be anything
            continue
    faulty = [  # methods that were added to a class are read by no name of their own
        exercise
        for exercise, names in defines.items()
        if exercise != report.exercise and passed.get(exercise) is False and not read.isdisjoint(names)
    ]
    if not faulty:
        return ""
    named = [f"`{exercise}`" for exercise in faulty]
    if len(named) == 1:
        return f"This uses {named[0]}, which does not pass its own check: mend that first."
    return f"This uses {', '.join(named[:-1])} and {named[-1]}, which do not pass their own checks: mend them first."
