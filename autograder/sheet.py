"""A table that an instructor downloaded from a learning system: read, and given back with one column filled."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path

from .export import BOM, to_text
from .times import delimiter


class TemplateError(ValueError):
    """The file is not the one that was wanted; the message says what to download."""


@dataclass
class Sheet:
    """A table and how it was written."""

    path: Path
    rows: list[list[str]]
    separator: str = ","
    bom: bool = False
    end: str = "\r\n"
    notes: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Sheet:
        """Read a CSV file, be it separated by commas, semicolons or tabs.

        Raises:
            TemplateError.
        """
        try:
            data = path.read_bytes()
            text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")
        except OSError as error:
            raise TemplateError(f"{path} cannot be read ({error.strerror or error}).") from None
        except UnicodeError:
            raise TemplateError(
                f"{path} is no UTF-8 text: a spreadsheet may have saved it in its own way. Download it again."
            ) from None
        bom = text.startswith(BOM)
        text = text.removeprefix(BOM)
        separator = delimiter(text)
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
        except csv.Error as error:
            raise TemplateError(f"{path} is no table that can be read ({error}). Download it again.") from None
        if len(rows) < 2:
            raise TemplateError(f"{path} holds no table with a heading and rows. Download it again.")
        width = len(rows[0])
        for number, row in enumerate(rows[1:], 2):
            if any(cell.strip() for cell in row[width:]):
                raise TemplateError(
                    f"{path}, row {number}: {len(row)} cells under {width} headings. Download it again, and do not save it "
                    "from a spreadsheet."
                )
            row += [""] * (width - len(row))
        return cls(path, rows, separator, bom, "\r\n" if "\r\n" in text else "\n")

    @property
    def head(self) -> list[str]:
        return [cell.strip() for cell in self.rows[0]]

    def column(self, *called: str) -> int | None:
        """Where the column is that has one of these headings, in any case."""
        wanted = [name.casefold() for name in called]
        return next((at for at, cell in enumerate(self.head) if cell.casefold() in wanted), None)

    def data(self) -> bytes:
        text = to_text(self.rows, self.separator, self.end)
        return ((BOM if self.bom else "") + text).encode()


def value(text: str) -> float | None:
    """A number as a learning system writes it, 3.5 or 3,5; None if it is none."""
    found = re.fullmatch(r"\s*(-?\d+(?:[.,]\d+)?)\s*", text)
    return float(found[1].replace(",", ".")) if found else None


def plain(text: str) -> str:
    """A title for comparing: letters and digits alone."""
    return "".join(character for character in text.casefold() if character.isalnum())
