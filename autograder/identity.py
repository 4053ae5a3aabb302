"""Which of our students is meant by a learning system's number or name.

Canvas's and Moodle's downloads end a student's name with a number: `lovelaceada_12345` is Canvas's user 12345,
`Ada Lovelace_123456` is participant 123456 of one Moodle assignment. Numbers are compared as numbers, names whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

NUMBER = re.compile(r"(?P<name>.+)_(?P<number>\d+)", re.DOTALL)


def number_of(student: str) -> int | None:
    """The learning system's number at the end of a student's name, if there is one."""
    found = NUMBER.fullmatch(student)
    return int(found["number"]) if found else None


def name_of(student: str) -> str:
    """A student's name without that number."""
    found = NUMBER.fullmatch(student)
    return found["name"] if found else student


class Students:
    """Finds a student by name, number, login or e-mail address.

    Args:
        students: our names for them, and for each what else the gradebook calls them (login, e-mail address).
    """

    def __init__(self, students: Iterable[tuple[str, Iterable[str]]]) -> None:
        self._named: dict[str, set[str]] = {}
        self._numbered: dict[int, set[str]] = {}
        for student, others in students:
            for name in (student, *others):
                if name.strip():
                    self._named.setdefault(_plain(name), set()).add(student)
            number = number_of(student)
            if number is not None:
                self._numbered.setdefault(number, set()).add(student)

    def numbered(self, text: str) -> str | None:
        """The student whose number stands at the end of `text`: "12345", "Participant 12345". None if not just one is."""
        digits = re.search(r"(\d+)\s*$", text)
        return _only(self._numbered.get(int(digits[1]), set())) if digits else None

    def named(self, *texts: str) -> str | None:
        """The student who is called one of `texts`, whole and in any case; None if not just one is."""
        found = [student for text in texts if text.strip() for student in self._named.get(_plain(text), ())]
        return _only(set(found))


def _only(found: set[str]) -> str | None:
    return next(iter(found)) if len(found) == 1 else None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()
