"""The bank of known mistakes: what every mistake of a unit answers, learnt by running it.

Two forms: the hand-out's, of visible tests only, committed in ``gradus/hints``; and the examiner's, with the
hidden tests, kept in ``.gradus`` beside the sources, made anew when the source or the checks change.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import gradus.check
from gradus.check.hints import Bank, entry
from gradus.check.report import Report

from .isolate import IsolatedError, isolated
from .source import Exercise, Mistake, Unit
from .trial import local_trial, warm

SECONDS = 120  # for one trial of one answer


def mistake_report(unit: Unit, exercise: Exercise, mistake: Mistake, hidden: bool) -> Report:
    """What the check says of a known mistake.

    Raises:
        IsolatedError: the mistake never ended, or broke the process.
    """
    answers = [exercise.cell.source, mistake.source]
    return Report.from_dict(isolated(lambda: local_trial(unit, exercise, answers, hidden).to_dict(), SECONDS))


def learn(unit: Unit) -> dict[str, Any]:
    """Run every mistake of `unit`, hidden tests included; the examiner's bank as plain data.

    A mistake that cannot be run is left out; the gates say so when the unit is built.
    """
    warm(unit)
    bank: dict[str, list] = {}
    for exercise in unit.exercises.values():
        known = bank.setdefault(exercise.name, [])
        for mistake in exercise.mistakes:
            try:
                report = mistake_report(unit, exercise, mistake, hidden=True)
            except IsolatedError:
                continue
            known.append(entry(mistake.name, mistake.hint, report, hidden=True))
    return {"unit": unit.name, "exercises": bank}


def shipped(bank: dict[str, Any], unit: Unit) -> dict[str, Any]:
    """The part of `bank` that a student may have: visible tests only."""
    out = {}
    for name, known in bank["exercises"].items():
        hidden = unit.exercises[name].hidden
        out[name] = [{**k, "tests": {t: v for t, v in k["tests"].items() if t not in hidden}} for k in known]
    defines = {name: exercise.contributes for name, exercise in unit.exercises.items()}
    return {"unit": bank["unit"], "defines": defines, "exercises": out}


def to_text(bank: dict[str, Any]) -> str:
    """A bank as JSON, one mistake a line so that changes can be read."""
    lines = []
    for name, known in bank["exercises"].items():
        rows = ",\n".join("   " + json.dumps(k, ensure_ascii=False, separators=(",", ":")) for k in known)
        lines.append(f"  {json.dumps(name)}: [\n{rows}\n  ]")
    head = f'{{\n "unit": {json.dumps(bank["unit"])},\n "defines": {json.dumps(bank["defines"])},\n'
    return head + ' "exercises": {\n' + ",\n".join(lines) + "\n }\n}\n"


def _key(unit: Unit) -> str:
    digest = hashlib.sha256(Path(unit.path).read_bytes())
    folder = Path(gradus.check.__file__).parent
    for path in sorted(folder.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def full_bank(unit: Unit) -> Bank:
    """The examiner's bank, from the cache if source and checks are what they were."""
    path = Path(unit.path).resolve().parent.parent / ".gradus" / f"{unit.name}.bank.json"
    key = _key(unit)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("key") == key:
            return Bank.from_dict(data)
    except (OSError, ValueError, KeyError):
        pass
    data = learn(unit)
    store(unit, data)
    return Bank.from_dict(data)


def store(unit: Unit, data: dict[str, Any]) -> None:
    """Keep the examiner's bank for later runs; without a writable folder, do without."""
    path = Path(unit.path).resolve().parent.parent / ".gradus" / f"{unit.name}.bank.json"
    try:
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps({**data, "key": _key(unit)}), encoding="utf-8")
        temporary.replace(path)
    except OSError:
        pass
