"""How long a redraw takes: ``python -m tests.benchmarks.widgets [UNIT ...]``.

Set OMP_NUM_THREADS=1, as the Makefile does. Each unit's notebook is run with the reference's answers, and each of its widgets is moved: every control in turn to values
along its range. For each the medians, in milliseconds of processor time: the unit's own draw; the picture made
by savefig; the picture made by gradus (the same figures, in turn); the whole redraw, draw and gradus together, and the slowest. What a
draw raises on the way is told at the end. Nothing is asserted: numbers depend on the machine.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from autograder.release import solved_notebook
from autograder.source import load_unit, unit_paths
from gradus import widgets
from gradus.widgets.picture import Painter

ROOT = Path(__file__).resolve().parents[2]


def moved(control: Any, stops: int) -> list[Any]:
    """Values along a control's range."""
    inner = getattr(control, "slider", control)
    if hasattr(inner, "base"):
        return [float(inner.base**x) for x in np.linspace(inner.min, inner.max, stops)]
    if hasattr(inner, "max") and hasattr(inner, "step"):
        values = np.linspace(inner.min, inner.max, stops)
        return sorted({int(v) for v in values}) if isinstance(inner.value, int) else values.tolist()
    if hasattr(control, "options"):
        return [pair[1] if isinstance(pair, tuple) else pair for pair in control.options]
    if isinstance(control.value, bool):
        return [False, True]
    return [control.value]


def found_in(path: Path) -> list[tuple[Any, dict[str, Any]]]:
    """The widgets of a unit: draw and controls."""
    kept: list[tuple[Any, dict[str, Any]]] = []
    space: dict[str, Any] = {"__name__": "__main__"}
    before = widgets.explore
    widgets.explore = lambda draw, **controls: kept.append((draw, controls))  # type: ignore[assignment]
    try:
        for number, cell in enumerate(solved_notebook(load_unit(path)).cells):
            if cell.cell_type != "code" or cell.metadata.get("gradus", {}).get("role") == "check":
                continue
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                exec(compile(cell.source, f"<{path.stem}-{number}>", "exec"), space)
    finally:
        widgets.explore = before
    return kept


def timed(action: Any, *parts: Any) -> tuple[float, Any]:
    """Milliseconds of processor time, and what came of it. Values by name come last, as a dict."""
    *others, given = parts
    start = time.process_time()
    made = action(*others, **given)
    return 1000 * (time.process_time() - start), made


def savefig(draw: Any, /, **given: Any) -> None:
    draw(**given).savefig(io.BytesIO(), format="png", dpi=100)


def paint(painter: Painter, draw: Any, /, **given: Any) -> bytes:
    return painter.png(draw(**given))


def main(names: list[str]) -> None:
    faults: list[str] = []
    print(f"{'widget':<34}{'draw':>8}{'savefig':>9}{'gradus':>8}{'redraw':>8}{'worst':>8}{'kB':>6}   ms, medians")
    for path in unit_paths(ROOT / "solutions"):
        if names and not any(path.stem.startswith(name) for name in names):
            continue
        for draw, controls in found_in(path):
            painter = Painter()
            start = {name: control.value for name, control in controls.items()}
            rows = []
            painter.png(draw(**start))
            for name, control in controls.items():
                for value in moved(control, 7):
                    given = start | {name: value}
                    try:
                        drawing, _ = timed(draw, given)
                        slow, _ = timed(savefig, draw, given)
                        whole, data = timed(paint, painter, draw, given)
                    except Exception as error:
                        faults.append(f"{path.stem} {draw.__name__}({name}={value!r}): {type(error).__name__}: {error}")
                        continue
                    rows.append((drawing, slow - drawing, whole - drawing, whole, len(data) / 1000))
            if rows:
                middle, worst = np.median(rows, axis=0), np.max(rows, axis=0)
                numbers = (
                    f"{middle[0]:8.0f}{middle[1]:9.0f}{middle[2]:8.0f}{middle[3]:8.0f}{worst[3]:8.0f}{middle[4]:6.0f}"
                )
                print(f"{path.stem[:2]} {draw.__name__[:30]:<31}{numbers}")
    for fault in faults:
        print("FAULT", fault)


if __name__ == "__main__":
    main(sys.argv[1:])
