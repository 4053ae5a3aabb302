"""The Gradescope archive, run as Gradescope runs it: in a bare folder tree, by its own scripts."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from autograder import sandbox
from autograder.bundle import Bundle
from autograder.cli import main
from autograder.gradescope import archive as making
from autograder.gradescope import run as running
from autograder.gradescope.archive import ArchiveError, Choices, archive
from autograder.gradescope.results import as_results
from autograder.intake import Unreadable
from autograder.pack import unpack
from autograder.release import filled, solved_notebook, to_text
from autograder.results import ExamResult
from autograder.sandbox import SandboxError
from autograder.workplace import Workplace

from .tiny import SOURCE, write

UNIT = "99_tiny"
closed_in = pytest.mark.skipif(sandbox.abilities().best == "none", reason="no sandbox works here")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The archive of the tiny unit, and papers."""
    base = tmp_path_factory.mktemp("gradescope")
    path = write(base)
    bundle = Bundle.load(path)
    right = {name: exercise.cell.source for name, exercise in bundle.unit.exercises.items()}
    whole = bundle.unit.exercises["softmax"].mistakes[0].source
    mistaken = right | {"softmax": f"{right['softmax']}\n\n{whole}"}
    papers = {
        "right": to_text(solved_notebook(bundle.unit)),
        "wrong": to_text(filled(bundle.release, mistaken)),
        "broken": to_text(bundle.release)[:500],
    }
    return SimpleNamespace(path=path, bundle=bundle, data=archive(path), papers=papers, right=right)


@pytest.fixture
def root(made, tmp_path):
    """/autograder, as Gradescope lays it out before a run."""
    root = tmp_path / "autograder"
    with zipfile.ZipFile(io.BytesIO(made.data)) as packed:
        packed.extractall(root / "source")
        for info in packed.infolist():  # unzip keeps modes, Python does not
            (root / "source" / info.filename).chmod(info.external_attr >> 16 & 0o777)
    shutil.copy2(root / "source" / "run_autograder", root / "run_autograder")
    (root / "submission").mkdir()
    (root / "results").mkdir()
    return root


def hand_in(root, text, name=f"{UNIT}.ipynb"):
    path = root / "submission" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def run(root, python=sys.executable):
    environment = os.environ | {"GRADESCOPE_ROOT": str(root), "GRADUS_PYTHON": python}
    done = subprocess.run([root / "run_autograder"], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads((root / "results" / "results.json").read_text()), done.stdout + done.stderr


def choose(root, **choices):
    path = root / "source" / "settings.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | choices))


# as Gradescope runs it


@closed_in
def test_a_right_notebook(root, made):
    hand_in(root, made.papers["right"])
    results, said = run(root)
    assert results["score"] == 6 and [test["status"] for test in results["tests"]] == ["passed"] * 6
    assert sum(test["max_score"] for test in results["tests"]) == sum(test["score"] for test in results["tests"]) == 6
    assert [test["visibility"] for test in results["tests"]].count("after_published") == 1
    assert "sandbox: " in said and 0 < results["execution_time"] < 120
    assert results["output"] == "Marked by hand, and not part of this score: why (2 points)."
    assert stat.S_IMODE((root / "source").stat().st_mode) & 0o077 == 0  # closed to other users


@closed_in
def test_a_known_mistake_with_partial_credit_and_its_hint(root, made):
    hand_in(root, made.papers["wrong"], "work/of mine/Tiny (1).ipynb")
    results, _ = run(root)
    assert results["score"] == 4 and results["extra_data"]["mistakes"] == {"softmax": "whole"}
    tests = {test["name"]: test for test in results["tests"]}
    rows = tests["softmax: each row sums to one"]
    assert (rows["score"], rows["max_score"], rows["status"], rows["visibility"]) == (0, 1, "failed", "visible")
    assert "first difference at [0]" in rows["output"]
    assert rows["output"].endswith("Hint: You divided by the sum of the whole array.")
    hidden = tests["softmax: random scores"]
    assert (hidden["score"], hidden["visibility"]) == (0, "after_published")
    assert hidden["output"] == "This test did not pass. What it looks at is not told."
    assert json.dumps(results).count("Hint:") == 1


def test_a_broken_notebook_gets_a_result_too(root, made):
    hand_in(root, made.papers["broken"])
    results, _ = run(root)
    assert results["score"] == 0 and "The file is not a notebook: it is no valid JSON" in results["output"]
    assert [test["score"] for test in results["tests"]] == [0, 0]


def test_a_grader_that_fails_says_so_and_gives_a_result(root, made):
    hand_in(root, made.papers["right"])
    (root / "source" / "bundle.json").write_text("torn")
    results, said = run(root)
    assert results["score"] == 0 and "no fault of yours" in results["output"] and "Traceback" in said
    assert "Traceback" not in json.dumps(results) and results["stdout_visibility"] == "hidden"
    (root / "results" / "results.json").write_text("of the run before")
    results, _ = run(root, python="/nowhere/python")
    assert results["score"] == 0 and "did not start (exit status 127)" in results["output"]


# what is in the archive


def test_what_the_archive_holds(made):
    with zipfile.ZipFile(io.BytesIO(made.data)) as packed:
        names = packed.namelist()
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in packed.infolist()}
        told = packed.read("README.txt").decode()
    assert modes["setup.sh"] == modes["run_autograder"] == 0o755 and modes["bundle.json"] == 0o600
    assert {"gradus/pyproject.toml", "gradus/constraints.txt", "gradus/autograder/examine.py"} <= set(names)
    assert "gradus/course/gradus/check/run.py" in names and not any(
        "solutions" in n or "__pycache__" in n for n in names
    )
    assert "Autograder points: 6." in told and "why (2)" in told and "Timeout: 10 minutes" in told
    assert made.data == archive(made.path)  # the same bytes each time


def test_the_scripts_are_sound():
    for script in ("setup.sh", "run_autograder"):
        done = subprocess.run(["bash", "-n", making.HERE / script], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "GRADESCOPE_ROOT" in (making.HERE / script).read_text()


def test_without_the_projects_folder_there_is_no_archive(made, monkeypatch, tmp_path):
    monkeypatch.setattr(making, "ROOT", tmp_path)
    with pytest.raises(ArchiveError, match=r"has no pyproject\.toml.*from a clone"):
        archive(made.path)


def test_the_command(made, tmp_path, monkeypatch):
    monkeypatch.chdir(made.path.parent.parent)
    out = tmp_path / "a.zip"
    done = CliRunner().invoke(main, ["export", "gradescope", "99", "--out", str(out), "--hidden", "hidden"])
    assert done.exit_code == 0 and "only for Gradescope" in done.output
    with zipfile.ZipFile(out) as packed:
        assert json.loads(packed.read("settings.json"))["hidden"] == "hidden"
        assert "Hidden tests: never shown." in packed.read("README.txt").decode()
    done = CliRunner().invoke(main, ["export", "gradescope", "99", "--late", "--course", str(tmp_path / "grading")])
    assert done.exit_code == 1 and "has no policy for 99_tiny" in done.output
    write(tmp_path, SOURCE.replace("points=4", "points=many"))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["export", "gradescope", "99"])
    assert done.exit_code == 1 and "Nothing was written." in done.output


# what was handed in


def found(root, allowed=()):
    return unpack(running.handed_in(root / "submission", UNIT, allowed), allowed).notebook.decode()


def test_which_notebook_counts(root):
    hand_in(root, "mine", "homework.ipynb")
    assert found(root) == "mine"
    hand_in(root, "theirs", f"deep/{UNIT}.ipynb")
    hand_in(root, "hidden", f".ipynb_checkpoints/{UNIT}.ipynb")
    assert found(root) == "theirs"  # called after the unit
    (root / "submission" / f"{UNIT}.ipynb").symlink_to(root / "source" / "bundle.json")
    assert found(root) == "theirs"  # a link is none


def test_no_notebook_or_no_telling_which(root):
    with pytest.raises(Unreadable, match="The upload holds no notebook"):
        found(root)
    hand_in(root, "print('hello')", "homework.py")
    with pytest.raises(
        Unreadable, match=r"The upload holds no notebook, but homework\.py\. Hand in the file 99_tiny\.ipynb"
    ):
        found(root)
    hand_in(root, "one", "a.ipynb")
    hand_in(root, "two", "b.ipynb")
    with pytest.raises(Unreadable, match=r"The upload holds 2 notebooks: a\.ipynb, b\.ipynb"):
        found(root)


def test_files_that_the_unit_takes_come_along(root):
    hand_in(root, "{}")
    hand_in(root, "one two", "words.txt")
    packed = unpack(running.handed_in(root / "submission", UNIT, ("words.txt",)), ("words.txt",))
    assert packed.files == {"words.txt": b"one two"}


# the sandbox


@pytest.fixture
def box(root):
    return running.Box(root)


@closed_in
def test_the_strongest_that_works_is_taken(box, capsys):
    kind, place = running.opened(box)
    place.close()
    assert kind == sandbox.abilities().best


def test_one_that_leaves_the_tests_open_is_passed_over(box, monkeypatch, capsys):
    """The first two start and would let the submission read the tests; the third does not."""
    answers = {"bubblewrap": "open", "landlock": "a process did not start", "user": ""}
    tried = []

    class Place:
        def __init__(self, bundle, limits, kind):
            if kind == "bubblewrap-cold":
                raise SandboxError("does not work here")
            self.kind = kind
            tried.append(kind)

        def close(self):
            tried.append("closed")

    monkeypatch.setattr(running, "Workplace", Place)
    monkeypatch.setattr(running, "_tried", lambda place, secret: answers.get(place.kind, "open"))
    assert running.opened(box)[0] == "user"
    assert tried == ["bubblewrap", "closed", "landlock", "closed", "user"]
    answers["user"] = "open"
    assert running.opened(box)[0] == "none"  # and OPEN tells the instructor
    box.settings["sandbox"] = "required"
    with pytest.raises(SandboxError, match="No sandbox works here"):
        running.opened(box)


@closed_in
def test_what_a_process_can_read_is_tried_and_not_believed(box):
    with Workplace(box.bundle, box.limits) as place:
        assert running._tried(place, [str(box.source / "bundle.json")]) == ""
        assert running._tried(place, ["/proc/self/status"]) == "open"


def test_without_a_sandbox_the_instructor_is_told(root, made):
    choose(root, sandbox="none")
    hand_in(root, made.papers["right"])
    results, said = run(root)
    assert results["score"] == 6 and "sandbox: none. NO SANDBOX works in this container" in said


@pytest.mark.skipif(bool(sandbox._no_user() or sandbox.abilities().seccomp), reason="no throw-away users here")
def test_a_throw_away_user_reads_neither_tests_nor_results(root, made):
    choose(root, sandbox="user")
    spy = (
        "import os\ntry:\n    print(open({0!r}).read())\nexcept OSError as e:\n    print(type(e).__name__, os.getuid())"
    )
    cell = spy.format(str(root / "source" / "bundle.json"))
    hand_in(root, to_text(filled(made.bundle.release, made.right | {"Scaler": f"{cell}\n{made.right['Scaler']}"})))
    results, said = run(root)
    assert results["score"] == 6 and "sandbox: user. no namespaces and no Landlock here" in said


# the results


def result(made, **changes):
    reports = {}
    for name, exercise in made.bundle.unit.exercises.items():
        row = {"title": "a test", "test": "test_a", "status": "pass", "hidden": name == "softmax", "message": ""}
        reports[name] = {"exercise": name, "points": exercise.points, "rows": [row], "mistake": None, "hint": None}
        reports[name]["score"] = exercise.points
    return ExamResult(**({"outcome": "graded", "reports": reports, "outputs": {}, "notebook": None} | changes))


def settings(**changes):
    return vars(Choices()) | changes


def test_hidden_tests_are_as_visible_as_was_chosen(made):
    for chosen in ("visible", "after_due_date", "after_published", "hidden"):
        tests = as_results(result(made), made.bundle.unit, settings(hidden=chosen))["tests"]
        assert [test["visibility"] for test in tests] == [chosen, "visible"]


def test_a_hidden_tests_message_stays_hidden(made):
    one = result(made)
    one.reports["softmax"]["rows"][0] |= {"status": "fail", "message": "SECRET", "call": "SECRET", "printed": "SECRET"}
    assert "SECRET" not in json.dumps(as_results(one, made.bundle.unit, settings(hidden="visible")))


def test_outcomes_and_notes_are_told(made):
    one = result(made, outcome="timeout", notes=["cell check-softmax was edited: the hand-out's was used"])
    told = as_results(one, made.bundle.unit, settings())["output"]
    assert told.startswith("The time for your notebook ran out") and "was edited" in told


LATE = 'zone = "UTC"\n[default]\ndue = 2026-10-01T12:00:00\npenalty = "10 %"\n'
METADATA = {
    "created_at": "2026-10-03T02:00:00.123456-07:00",
    "assignment": {"due_date": "2026-10-01T05:00:00.000000-07:00"},
    "users": [{"email": "a@example.org", "assignment": {"due_date": "2026-10-01T05:00:00.000000-07:00"}}],
}


@pytest.mark.parametrize(
    ("metadata", "score"),
    [
        (METADATA, 4.8),  # two days begun, of six points
        (METADATA | {"created_at": "2026-10-01T04:59:00-07:00"}, 6),
        ({"created_at": METADATA["created_at"]}, 4.8),  # due as the policy says
        (METADATA | {"users": [{"assignment": {"due_date": "2026-10-02T05:00:00-07:00"}}]}, 5.4),  # an extension
        ({}, 6),
        ([], 6),
    ],
)
def test_the_late_policy_where_it_was_asked_for(root, made, metadata, score):
    choose(root, late=LATE)
    (root / "submission_metadata.json").write_text(json.dumps(metadata))
    late = running.lateness(running.Box(root), made.bundle)
    results = as_results(result(made), made.bundle.unit, settings(), late)
    assert results["score"] == score and results["extra_data"]["raw_score"] == 6
    assert ("late: 10 % for each day begun" in results["output"]) == (score < 6)
    choose(root, late="")
    assert running.lateness(running.Box(root), made.bundle) is None
