"""A traceback cut to the lines that the student wrote."""

from __future__ import annotations

import linecache
import re
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from types import CodeType, TracebackType

_OWN = str(Path(__file__).resolve().parent.parent)  # the course's own files, stand-ins among them

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # torch writes some of its words in bold
files: set[str] = set()  # of a notebook's check cells: nothing in them is the student's
probes: set[CodeType] = set()  # functions of checks that run beside the student's code: not the student's lines either


def _foreign(filename: str) -> bool:
    """Whether a frame's file belongs to a library, to Python or to the checks."""
    if filename.startswith(_OWN) or filename.startswith("<frozen") or filename == "<reference>":
        return True
    path = filename.replace("\\", "/")
    return "/site-packages/" in path or "/dist-packages/" in path or path.startswith(f"{sys.base_prefix}/lib/")


def _student_frames(traceback: TracebackType | None, skip: tuple[str, ...] = ()) -> Iterator[tuple[CodeType, int]]:
    """Code and line of every frame of the student's own, from the outside in."""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        is_test = code.co_name.startswith("test_") or code.co_filename in files or code.co_filename in skip
        is_test = is_test or code in probes or code.co_filename.startswith(("<check", "<probe"))
        if not is_test and not _foreign(code.co_filename):
            yield code, traceback.tb_lineno
        traceback = traceback.tb_next


def student_lines(traceback: TracebackType | None, skip: tuple[str, ...] = ()) -> list[str]:
    """ "line 3, in softmax: e = np.exp(z)" for every frame of the student's own."""
    lines = []
    for code, number in _student_frames(traceback, skip):
        text = linecache.getline(code.co_filename, number).strip()
        where = f"line {number}" + ("" if code.co_name == "<module>" else f", in {code.co_name}")
        lines.append(f"{where}: {text}" if text else where)
    return lines[-6:]  # of a deep recursion, the end


def student_function(traceback: TracebackType | None) -> str:
    """The innermost function of the student's own: "softmax", "Layer.forward"; "" if there is none."""
    names = [code.co_qualname.rpartition("<locals>.")[2] for code, _ in _student_frames(traceback)]
    return next((name for name in reversed(names) if not name.endswith(">")), "")  # <module>, <lambda>, <listcomp>


def is_unwritten(error: BaseException, names: Collection[str]) -> bool:
    """Whether an exercise was called that is not there: its stub stopped, or the cell that defines it was never run.

    A stub's error says nothing; a library that cannot do something (torch) raises the same kind with a text.

    Args:
        names: what the exercises define.
    """
    if isinstance(error, NotImplementedError):
        return not str(error)
    return isinstance(error, NameError) and error.name in names


def student_trace(error: BaseException) -> str:
    """The student's own lines, then the error's type and message."""
    lines = getattr(error, "student_lines", None)
    if lines is None:
        lines = student_lines(error.__traceback__)
    said = _COLOUR.sub("", f"{type_name(error)}: {error}")
    return "\n".join([*lines, said[:600]])


def type_name(error: BaseException) -> str:
    """What the error is called where it was raised."""
    return getattr(error, "student_type", None) or type(error).__name__
