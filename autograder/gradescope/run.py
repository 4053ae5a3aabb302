"""In Gradescope's container: read what was handed in, grade it, write results.json. ``python -m autograder.gradescope.run``.

Everything lies under GRADESCOPE_ROOT, which is /autograder there: source/ (this archive), submission/,
submission_metadata.json, results/. A result is written whatever happens.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
import traceback
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from ..archive import Item
from ..bundle import Bundle
from ..examine import unexamined
from ..handed import MAX_INNER, Handed
from ..intake import MAX_BYTES, Unreadable
from ..kernel import KernelDied, Limits
from ..late import Policies, Policy, parse
from ..results import ExamResult
from ..sandbox import SandboxError
from ..workplace import ExaminerLost, Workplace
from .results import as_results, failure

CLOSED = ("bubblewrap", "bubblewrap-cold", "landlock")
KINDS = (*CLOSED, "user", "none")  # the last two are good enough, if at all, for a container that has this one purpose
OPEN = {
    "user": "no namespaces and no Landlock here: each submission ran as a throw-away user without network, who can read "
    "what every user of this container can. The tests, the sources and the results are closed to it.",
    "none": "NO SANDBOX works in this container: the submission ran with the grader's own rights, and code that is meant "
    "to can read the hidden tests and write its own result. Look at high scores, or grade where a sandbox works.",
}
# a process of a student's says what it can reach: imports, and the files that it must not read
TRY = """
import numpy, pathlib
import gradus.check
answer = []
for path in {paths!r}:
    try:
        pathlib.Path(path).read_bytes()
        answer.append(path)
    except OSError:
        pass
print("ready", answer)
"""


class Box:
    """The folders of one run, and what the instructor chose when the archive was made."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source = root / "source"
        self.settings: dict[str, Any] = json.loads((self.source / "settings.json").read_text(encoding="utf-8"))
        self.bundle = (self.source / "bundle.json").read_bytes()

    @property
    def limits(self) -> Limits:
        return Limits(total_seconds=self.settings["seconds"], memory_bytes=self.settings["memory"] << 30)

    def metadata(self) -> dict[str, Any]:
        """What Gradescope says of the submission; {} if it does not."""
        try:
            found = json.loads((self.root / "submission_metadata.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def main(words: list[str]) -> int:
    """Grade, or with --try the reference; return the exit status."""
    start = time.monotonic()
    root = Path(os.environ.get("GRADESCOPE_ROOT") or "/autograder").resolve()
    target = root / "results" / "results.json"
    try:
        box = Box(root)
        if words == ["--try"]:
            return try_out(box)
        results = graded(box)
    except Exception:
        traceback.print_exc()  # Gradescope shows it to the instructor alone
        results = failure(
            "The grader failed, so nothing of your notebook counts yet. This is no fault of yours: tell your instructor."
        )
    results["execution_time"] = round(time.monotonic() - start, 1)
    put(target, results)
    return 0


def put(target: Path, results: dict[str, Any]) -> None:
    """Write results.json, whole, in place of whatever is there."""
    begun = target.with_name(f".{target.name}.begun")
    begun.unlink(missing_ok=True)
    begun.write_text(json.dumps(results, indent=1), encoding="utf-8")
    begun.replace(target)


def graded(box: Box) -> dict[str, Any]:
    """The results of the submission, as Gradescope wants them."""
    bundle = Bundle.from_bytes(box.bundle)
    try:
        data = handed_in(box.root / "submission", bundle.unit.name, tuple(bundle.unit.files))
    except Unreadable as why:
        return as_results(unexamined(bundle, "unreadable", str(why)), bundle.unit, box.settings)
    kind, place = opened(box)
    with place:
        try:
            result = ExamResult.from_bytes(place.examine(data))
        except ExaminerLost as error:
            print(f"The examiner was lost, and the submission is tried once more: {error}")
            try:
                result = ExamResult.from_bytes(place.examine(data))
            except ExaminerLost as again:
                result = unexamined(bundle, "died", f"Grading did not finish, tried twice: {again}")
    print(f"sandbox: {kind}. {OPEN.get(kind, '')}".strip())
    for line in result.evidence:
        print(f"to be looked at: {line}")
    return as_results(result, bundle.unit, box.settings, late=lateness(box, bundle))


def handed_in(folder: Path, unit: str, allowed: tuple[str, ...]) -> bytes:
    """The notebook of an upload, and the unit's files beside it.

    It may lie anywhere in the upload; which of several counts is found out as in a zip that a student has made.

    Raises:
        Unreadable: there is none, or no telling which; says what the student can do.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, (name, data) in enumerate(_files(folder, allowed)):
            if number >= MAX_INNER:
                break
            archive.writestr(name, data)
    item = Item((f"{unit}.zip",), "the upload", lambda most: packed.getvalue())
    try:
        return Handed(unit, item, zipped=True, allowed=allowed).read()
    except Unreadable as error:
        raise Unreadable(str(error).replace("The zip", "The upload")) from None


def _files(folder: Path, allowed: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """The upload's files; of those that can be no notebook the names alone. Links are passed over."""
    room = MAX_BYTES  # of all together
    for where, folders, files in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        for name in sorted(files):
            path = Path(where) / name
            if path.is_symlink() or not path.is_file():
                continue
            wanted = name.lower().endswith(".ipynb") or name in allowed
            data = b""
            if wanted:
                with path.open("rb") as file:
                    data = file.read(MAX_BYTES + 1)
                room -= len(data)
                if room < 0:
                    raise Unreadable(
                        f"The notebooks in the upload have more than {MAX_BYTES >> 20} MB. Clear all outputs, save, and hand "
                        "in the notebook alone."
                    )
            yield str(path.relative_to(folder)), data


def opened(box: Box) -> tuple[str, Workplace]:
    """A workplace in the strongest sandbox in which a student's process starts and cannot read what it must not.

    Raises:
        SandboxError: none will do.
    """
    secret = [str(box.source / "bundle.json"), str(box.source / "settings.json")]
    wanted = box.settings["sandbox"]
    kinds = {"auto": KINDS, "required": CLOSED}.get(wanted, (wanted,))
    reasons: list[str] = []
    for kind in kinds:
        try:
            place = Workplace(box.bundle, box.limits, kind)
        except SandboxError as error:
            reasons.append(str(error))
            continue
        said = _tried(place, secret)
        if said == "" or (said == "open" and place.kind == "none"):
            for reason in reasons:
                print(reason)
            return place.kind, place
        place.close()
        reasons.append(f"sandbox {place.kind}: {said}")
    raise SandboxError("No sandbox works here: " + " / ".join(reasons))


def _tried(place: Workplace, secret: list[str]) -> str:
    """ "" if a student's process works there and is closed in, "open" if it works and is not, else what is wrong."""
    try:
        with place.student() as kernel:
            outputs = kernel.run_cell(TRY.format(paths=secret)).outputs
    except KernelDied as error:
        return f"a process did not start ({error})"
    text = "".join(output.get("text", "") for output in outputs).strip()
    if not text.startswith("ready"):
        return f"a process does not work: {str(outputs)[-300:]}"
    return "" if text == "ready []" else "open"


def lateness(box: Box, bundle: Bundle) -> tuple[Policy, datetime | None, datetime | None] | None:
    """The late policy that the archive holds, when this was handed in, and when it was due."""
    if not box.settings.get("late"):
        return None
    policies: Policies = parse(box.settings["late"])
    policy, data = policies.of(bundle.unit.name), box.metadata()
    if policy is None:
        return None
    own = [user.get("assignment") for user in data.get("users") or [] if isinstance(user, dict)]
    dues = [_time(a.get("due_date")) for a in [*own, data.get("assignment")] if isinstance(a, dict)]
    # a student's own due time is the later one; of a group the latest counts for all
    due = max((time for time in dues if time is not None), default=None)
    return policy, _time(data.get("created_at")), due or policy.due


def _time(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None


def try_out(box: Box) -> int:
    """Grade the reference: it must get full marks. Returns the exit status."""
    from ..release import solved_notebook, to_text

    bundle = Bundle.from_bytes(box.bundle)
    kind, place = opened(box)
    with place:
        result = ExamResult.from_bytes(place.examine(to_text(solved_notebook(bundle.unit)).encode()))
    print(f"{bundle.unit.name}: the reference gets {result.score:g} of {result.points:g} points, sandbox {kind}.")
    if kind in OPEN:
        print(OPEN[kind])
    for name, report in result.reports.items():
        for row in report["rows"]:
            if row["status"] != "pass":
                print(f"{name}, {row['title']}: {row['message']}", file=sys.stderr)
    return 0 if result.outcome == "graded" and abs(result.score - result.points) < 0.005 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
