"""Write into the gradebook what the late policy takes off, so that formgrader and nbgrader's exports show it too."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nbgrader.api import Assignment, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import create_engine, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from . import late, ledger
from .journal import alone
from .ledger import BUSY_SECONDS, CourseError
from .marks import Result, judged
from .reading import rows

SAME = 1e-9


@dataclass
class Settled:
    """What was written, and how all of the class stands now."""

    policy: late.Policy | None
    results: list[Result] = field(default_factory=list)
    changed: list[Result] = field(default_factory=list)  # `recorded_penalty` is what the gradebook had before
    unknown: list[str] = field(default_factory=list)  # times were given, but nothing is graded


def settle(folder: str | Path, unit: str, times: Mapping[str, datetime] | None = None, write: bool = True) -> Settled:
    """Bring the gradebook's penalties into line with the policy's file. A second call changes nothing.

    Args:
        times: when students handed in, where the gradebook does not know; kept there.
        write: else nothing is changed, and it is only said what would be.

    Raises:
        CourseError: the file or the gradebook has a fault. journal.Busy: somebody is grading.
    """
    folder = Path(folder).resolve()
    path = folder / "gradebook.db"
    policy = ledger.policy(folder, unit)
    if not path.exists():
        raise CourseError(f"There is no gradebook in {folder}. First: autograder grade {unit}")
    with alone(folder), _transaction(path, write) as session:
        found = rows(session, unit)
        known = {part.student for part in found.parts}
        settled = Settled(policy, unknown=sorted(set(times or ()) - known))
        _put_times(session, unit, {student: when for student, when in (times or {}).items() if student in known})
        if policy is not None and policy.due is not None:
            due = late.naive(policy.due)
            session.execute(update(Assignment).where(Assignment.name == unit).values(duedate=due))
        for part in rows(session, unit).parts:
            result = judged(unit, part, found.points, policy)
            settled.results.append(result)
            if policy is not None and abs(result.penalty - part.penalty) > SAME:
                settled.changed.append(result)
                session.execute(
                    update(SubmittedNotebook)
                    .where(SubmittedNotebook.id == part.number)
                    .values(late_submission_penalty=result.penalty or None)
                )
    return settled


def _put_times(session: Session, unit: str, times: Mapping[str, datetime]) -> None:
    assignment = select(Assignment.id).where(Assignment.name == unit).scalar_subquery()
    for student, when in times.items():
        session.execute(
            update(SubmittedAssignment)
            .where(SubmittedAssignment.student_id == student, SubmittedAssignment.assignment_id == assignment)
            .values(timestamp=late.naive(when))
        )


@contextmanager
def _transaction(path: Path, write: bool) -> Iterator[Session]:
    """A session that holds SQLite's write lock: all that is done in it is kept, or (`write` unset) nothing is."""
    ledger.inspect(path)

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    try:
        with Session(engine) as session:
            session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            yield session
            if write:
                session.commit()
            else:
                session.rollback()
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise CourseError(ledger.why(error, path)) from None
    finally:
        engine.dispose()
