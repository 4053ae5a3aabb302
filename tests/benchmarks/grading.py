"""How fast a class is graded, beside plain nbgrader, measured in one run. By hand, from the project's folder:

    python -m tests.benchmarks.grading --quick
    python -m tests.benchmarks.grading --unit 02_neuron --size 100
    python -m tests.benchmarks.grading --unit torch --size 20 --plain 10 --curve 0

Everything is measured as the user has it: whole commands, imports and warm parents included. Ratios are of one run on
one machine; the seconds are that machine's. Processor time is that of every process started, sandboxes' too.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from autograder.bundle import Bundle
from autograder.classroom import Graded, Writer
from autograder.gradebook import Course
from autograder.intake import needed_demos, rebuild, role
from autograder.kernel import Kernel
from autograder.release import source_notebook
from autograder.results import ExamResult
from autograder.source import find_unit
from autograder.trial import reference_code
from autograder.warm import Nursery
from autograder.workplace import Workplace

from .meter import Meter, Used, metered
from .units import hand_in, papers, torch_unit

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unit", default="02_neuron", help='a unit, or "torch" for one made here that trains')
    parser.add_argument("--size", type=int, default=100, help="of the class that autograder grades")
    parser.add_argument("--plain", type=int, default=0, help="of plain nbgrader's class; 0 for the same, -1 for none")
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--each", type=int, default=40, help="submissions measured one by one; 0 for none")
    parser.add_argument("--curve", type=int, nargs="*", default=[10, 50, 100, 250, 500], help="sizes; 0 for none")
    parser.add_argument("--quick", action="store_true", help="12 submissions, 6 with nbgrader, no curve")
    given = parser.parse_args()
    if given.quick:
        given.size, given.plain, given.each, given.curve = 12, 6, 12, []
    given.plain = given.size if given.plain == 0 else max(0, given.plain)
    with tempfile.TemporaryDirectory(prefix="gradus-benchmark-") as folder, metered() as meter:
        base = Path(folder)
        path = torch_unit(base) if given.unit == "torch" else Path(find_unit(given.unit).path).resolve()
        bundle = Bundle.load(path)
        where = f"{platform.machine()}, {len(os.sched_getaffinity(0))} processors, Python {platform.python_version()}"
        print(f"\n### {bundle.unit.name}: {len(bundle.unit.exercises)} exercises ({where})\n")
        if not meter.whole:
            print("No control group could be made (are you root?): sandboxes' processor time is missing below.\n")
        if given.jobs:
            compare(bundle, path, base, given.size, given.plain, given.jobs, meter)
        if given.each:
            one_by_one(bundle, base, given.each, meter)
        sizes = [size for size in given.curve if size]
        if sizes:
            curve(bundle, path, base, sizes, meter)


def compare(bundle: Bundle, path: Path, base: Path, size: int, plain: int, jobs: Sequence[int], meter: Meter) -> None:
    """Whole commands on a class: plain nbgrader's, and ours with so many jobs."""
    rows: list[tuple[str, int, Used]] = []
    if plain:
        rows.append(("`nbgrader autograde`", plain, by_nbgrader(bundle, base / "plain", plain, meter)))
    for count in jobs:
        rows.append(
            (f"`autograder grade --jobs {count}`", size, by_us(bundle, path, base / "ours", size, count, meter))
        )
    print("| command | class | wall, s | processor, s | wall each, s | processor each, s | throughput | processor |")
    print("|---|---|---|---|---|---|---|---|")
    first = rows[0]
    for name, count, used in rows:
        faster = first[2].wall / first[1] / (used.wall / count)
        leaner = first[2].cpu / first[1] / (used.cpu / count)
        print(
            f"| {name} | {count} | {used.wall:.1f} | {used.cpu:.1f} | {used.wall / count:.2f} | {used.cpu / count:.2f} "
            f"| {faster:.1f} x | 1/{leaner:.1f} |"
        )
    if plain and plain != size:
        print(f"\nPlain nbgrader graded {plain} of the {size}: throughput is compared, both with their start included.")
    print(flush=True)


def by_nbgrader(bundle: Bundle, course: Path, size: int, meter: Meter) -> Used:
    """Plain nbgrader as installed: its own folder, its own release, its own kernels."""
    Course(course).prepare(bundle.unit)  # for its source/; the rest is made by nbgrader itself
    (course / "gradebook.db").unlink()
    shutil.rmtree(course / "release")
    hand_in(course, bundle, size)
    command = [BIN / "nbgrader", "generate_assignment", bundle.unit.name]
    meter.run(command, course, _environment())
    return meter.run([BIN / "nbgrader", "autograde", bundle.unit.name], course, _environment())


def by_us(bundle: Bundle, path: Path, course: Path, size: int, jobs: int, meter: Meter) -> Used:
    shutil.rmtree(course, ignore_errors=True)
    hand_in(course, bundle, size)
    command = [BIN / "autograder", "grade", path, "--course", course, "--jobs", str(jobs)]
    return meter.run(command, ROOT, _environment())


def _environment() -> dict[str, str]:
    """This one's, as a shell gives it: nothing set that the Makefile sets for the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    return kept | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def one_by_one(bundle: Bundle, base: Path, count: int, meter: Meter) -> None:
    """Processor time of each step of one submission, over what the student's own cells need in a warm process."""
    meter.enter()
    course = Course(base / "each")
    course.prepare(bundle.unit)
    texts = [text.encode() for _, (_, text) in zip(range(count), papers(bundle), strict=False)]
    own, whole, examined, recorded, ready = [], [], [], [], []
    with Workplace(bundle.to_bytes()) as place, _writer(bundle, course) as writer:
        students = place._pair[0]
        assert isinstance(students, Nursery)
        place.examine(texts[0])
        gc.collect()
        for number, data in enumerate(texts):
            seconds, latency = cells_alone(bundle, data, students)
            own.append(seconds[0])
            whole.append(seconds[1])
            ready.append(latency)
            before = _settled(meter)
            result = ExamResult.from_bytes(place.examine(data))
            between = _settled(meter)
            writer.record(Graded(f"s{number:03d}", result, 0.0))
            after = meter.used()
            examined.append(between - before)
            recorded.append(after - between)
    before = meter.used()
    pages = course.feedback(bundle.unit.name)
    feedback = (meter.used() - before) / max(1, len(pages))
    steps = {
        "the student's own cells in a warm process": own,
        "the same with the checks beside them": whole,
        "examine (intake, both processes, checks)": examined,
        "record (gradebook, autograded notebook, journal)": recorded,
        "feedback page": [feedback],
        "**overhead over own cells**": [e + r + feedback - o for e, r, o in zip(examined, recorded, own, strict=True)],
        "overhead over own cells and checks": [
            e + r + feedback - o for e, r, o in zip(examined, recorded, whole, strict=True)
        ],
        "all, over own cells and checks (ratio)": [
            (e + r + feedback) / o for e, r, o in zip(examined, recorded, whole, strict=True)
        ],
        "kernel ready from warm (wall)": ready,
    }
    print(f"| one submission, of {count} | median, s | nine in ten below, s |")
    print("|---|---|---|")
    for name, values in steps.items():
        print(f"| {name} | {statistics.median(values):.3f} | {sorted(values)[int(0.9 * (len(values) - 1))]:.3f} |")
    print(
        "\nWhere a check calls what trains, the time is in the checks: then the second overhead is the one that tells."
    )
    print(flush=True)


@contextlib.contextmanager
def _writer(bundle: Bundle, course: Course):
    yield Writer(bundle, course)


def _settled(meter: Meter) -> float:
    """The meter, once what was just ended has come to its end."""
    time.sleep(0.05)
    return meter.used()


def cells_alone(bundle: Bundle, data: bytes, students: Nursery) -> tuple[tuple[float, float], float]:
    """Processor time of the cells that grading runs, without and with the checks; and the wait for the process.

    All of it in one process, as in a student's notebook: no examiner, nothing sent, nothing recorded.
    """
    notebook = rebuild(bundle.release, data).notebook
    demos = needed_demos(notebook.cells)
    checks = {cell.id: _check(cell.source) for cell in source_notebook(bundle.unit).cells}
    start = time.monotonic()
    kernel = Kernel.start(nursery=students)
    ready = time.monotonic() - start
    try:
        kernel.run_cell(
            f"from gradus.check import load_reference; reference = load_reference({reference_code(bundle.unit)!r})"
        )
        own = checked = 0.0
        for cell in notebook.cells:
            if cell.cell_type != "code" or (role(cell) == "demo" and cell.id not in demos):
                continue
            before = _clock(kernel)
            kernel.run_cell(checks[cell.id] if role(cell) == "check" else cell.source)
            took = _clock(kernel) - before
            checked += took
            own += took if role(cell) != "check" else 0.0
    finally:
        kernel.close()
    return (own, checked), ready


def _check(source: str) -> str:
    """A check cell with its hidden tests, the reference made beforehand."""
    return "\n".join(line for line in source.splitlines() if not line.startswith("from gradus.check import load_ref"))


def _clock(kernel: Kernel) -> float:
    [output] = kernel.run_cell("__import__('time').process_time()").outputs
    return float(output["data"]["text/plain"])


def curve(bundle: Bundle, path: Path, base: Path, sizes: Sequence[int], meter: Meter) -> None:
    """What one more submission costs in classes of growing size."""
    print("| class | wall, s | processor, s | one more submission, processor s |")
    print("|---|---|---|---|")
    last: tuple[int, float] | None = None
    for size in sorted(sizes):
        used = by_us(bundle, path, base / "curve", size, 0, meter)
        more = f"{(used.cpu - last[1]) / (size - last[0]):.3f}" if last else ""
        print(f"| {size} | {used.wall:.1f} | {used.cpu:.1f} | {more} |", flush=True)
        last = size, used.cpu
    print()


if __name__ == "__main__":
    main()
