"""A new mistake out of a group of wrong answers: written only if the gates let it pass, and without its student."""

from __future__ import annotations

import contextlib
import re
import shutil
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from autograder import learn as learning
from autograder.bundle import Bundle
from autograder.cli import main
from autograder.demo import paper
from autograder.figures import class_figures
from autograder.gradebook import Course
from autograder.learn import Gates, LearnError, find, propose
from autograder.learn import write as put
from autograder.marks import read
from autograder.sandbox import choose
from autograder.source import load_unit

from .test_report import handed_in
from .tiny import write

UNIT = "99_tiny"
LOUD = (
    "# Ada Lovelace: my own\nimport numpy as np\n%time 1\nlovelace = 'Ada'\ndef softmax(z):\n"
    '    """Ada says so"""\n    print("I am Ada")\n    scores = np.exp(z - z.max(axis=-1, keepdims=True))  # Ada\n'
    "    return scores / scores.sum(axis=-1, keepdims=True) * 2\n\nprint(softmax(np.ones((1, 2))))\n"
)
QUIET = "def softmax(z):\n    e = np.exp(z - z.max(-1, keepdims=True))\n    return 2 * e / e.sum(-1, keepdims=True)\n"
NAMED = "def softmax(z):\n    grace = np.exp(z - z.max(-1, keepdims=True))\n    return grace * 7\n"
READING = "def softmax(z):\n    np.load('/etc/passwd') if False else 0\n    return z * 11\n"
HELPED = "def softmax(z):\n    return helper(z)\n\ndef helper(z):\n    return z * 13\n"
MEAN = "class Scaler:\n    def fit(self, X):\n        self.mean_ = X.mean(axis=0)\n        return self\n\n    def transform(self, X):\n        return X * self.mean_\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    base = tmp_path_factory.mktemp("learn")
    path = write(base)
    bundle = Bundle.load(path)
    course = Course(base / "grading")
    course.prepare(bundle.unit)
    right = {name: exercise.cell.source for name, exercise in bundle.unit.exercises.items()}
    wrong = {
        "lovelace_ada": {"softmax": LOUD},
        "quiet-1": {"softmax": QUIET},
        "hopper.grace": {"softmax": NAMED},
        "reader": {"softmax": READING},
        "helped": {"softmax": HELPED},
        "scaler": {"Scaler": MEAN},
    }
    handed_in(course, bundle, {name: paper(bundle, right | answers) for name, answers in wrong.items()})
    figures = class_figures(bundle.unit, read(course.folder, UNIT))
    groups = {student: group for group in figures.groups for student in group.students}
    with Gates(choose("auto")) as gates:
        yield SimpleNamespace(path=path, course=course.folder, groups=groups, gates=gates)


@pytest.fixture
def path(made, tmp_path):
    """The source, in a folder of its own to be written into."""
    copy = tmp_path / "solutions" / made.path.name
    copy.parent.mkdir()
    shutil.copy(made.path, copy)
    return copy


def proposed(made, path, student, name="doubled", hint="Every row sums to two.", exercise="softmax"):
    return propose(find(path, made.course, exercise, made.groups[student].key), name, hint, made.gates)


def test_a_group_becomes_a_mistake(made, path):
    before = path.read_text(encoding="utf-8")
    hint = 'You wrote "2 *" in front: drop it. A backslash \\ and `code` stay, ß too.'
    proposal = proposed(made, path, "quiet-1", hint=hint)
    assert path.read_text(encoding="utf-8") == before  # nothing is written before somebody has read it
    put(proposal)
    text = path.read_text(encoding="utf-8")
    assert text.replace(proposal.cell, "").split() == before.split()
    assert text.splitlines()[proposal.line - 1] == proposal.cell.splitlines()[0]
    assert not list(path.parent.glob(".*"))
    unit = load_unit(path)
    names = [mistake.name for mistake in unit.exercises["softmax"].mistakes]
    assert names == ["whole", "overflow", "columns", "no-exp", "doubled"]
    assert unit.exercises["softmax"].mistakes[-1].hint == hint
    assert len(unit.exercises["Scaler"].mistakes) == 4
    # and the next grading tells these students their hint
    found = find(made.path, made.course, "softmax", made.groups["quiet-1"].key)
    assert Bundle.load(path).bank.match(found.report) == ("doubled", hint)


def test_nothing_of_the_student_is_written(made, path):
    """Both wrote the same wrong answer; the code that is taken has no comment, no docstring, no print, no name."""
    group = made.groups["lovelace_ada"]
    assert set(group.students) == {"lovelace_ada", "quiet-1"}
    for code in find(path, made.course, "softmax", group.key).codes:
        assert not re.search(r"ada|lovelace|#|print|%", code, re.IGNORECASE), code
    put(proposed(made, path, "lovelace_ada"))
    assert not re.search("lovelace|I am|says so", path.read_text(encoding="utf-8"), re.IGNORECASE)


def test_code_with_the_students_name_is_not_taken(made, path):
    with pytest.raises(LearnError, match="name stands in the code"):
        proposed(made, path, "hopper.grace")


def test_code_that_does_more_than_compute_is_never_run(made, path, monkeypatch):
    monkeypatch.setattr(Gates, "run", lambda *_: pytest.fail("it was run"))
    with pytest.raises(LearnError, match=r"does more than compute \(uses \.load\)"):
        proposed(made, path, "reader")


def test_what_the_code_rests_on_comes_along(made, path):
    assert "def helper" in proposed(made, path, "helped").cell


def test_of_an_exercise_at_the_end_of_the_file(made, path):
    text, first = path.read_text(encoding="utf-8"), '# %% mistake="Scaler" name="rows"'
    body, variant = text[: text.index("# %% [markdown] question")].split('# %% variant="Scaler"')
    path.write_text(body.replace(first, f'# %% variant="Scaler"{variant}{first}').rstrip(), encoding="utf-8")
    put(proposed(made, path, "scaler", exercise="Scaler", name="times"))
    assert load_unit(path).exercises["Scaler"].mistakes[-1].name == "times"
    assert path.read_text(encoding="utf-8").endswith("return X * self.mean_\n")


def test_line_ends_stay_what_they_are(made, path):
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    put(proposed(made, path, "quiet-1"))
    data = path.read_bytes()
    assert data.count(b"\n") == data.count(b"\r\n")


@pytest.mark.parametrize(
    "name, hint, why",
    [
        ("whole", "Another hint.", 'two mistakes of "softmax" are called "whole"'),
        ("doubled", "Subtract the maximum.", "have the same hint"),
        ("Two Words", "A hint.", "no name for a mistake"),
        ('x" hint="', "A hint.", "no name for a mistake"),
        ("doubled", "  ", "hint is empty"),
    ],
)
def test_names_and_hints_that_will_not_do(made, path, name, hint, why):
    before = path.read_bytes()
    with pytest.raises(LearnError, match=re.escape(why)):
        proposed(made, path, "quiet-1", name, hint)
    assert path.read_bytes() == before


def test_what_the_gates_refuse_is_not_written(made, path):
    """The unit has a mistake with just these answers by now: two would explain them, and neither's hint could be given."""
    put(proposed(made, path, "quiet-1"))
    before = path.read_bytes()
    with pytest.raises(LearnError, match=r"line \d+: .* draws no hint .*another mistake answers just the same"):
        proposed(made, path, "quiet-1", "again", "Another hint.")
    assert path.read_bytes() == before


def test_code_that_needs_what_stands_elsewhere_is_refused(made, path, monkeypatch):
    found = find(path, made.course, "softmax", made.groups["quiet-1"].key)
    object.__setattr__(found, "codes", ("def softmax(z):\n    return elsewhere(z)",))
    with pytest.raises(LearnError, match="refused with this mistake in it"):
        propose(found, "x", "y", made.gates)
    object.__setattr__(found, "codes", ("def softmax(z):\n    return z * 99",))
    with pytest.raises(LearnError, match="does not answer as these students did"):
        propose(found, "x", "y", made.gates)


def test_an_endless_answer_ends(made, path, monkeypatch):
    found = find(path, made.course, "softmax", made.groups["quiet-1"].key)
    object.__setattr__(found, "codes", ("def softmax(z):\n    while True:\n        pass",))
    monkeypatch.setattr(learning, "SECONDS", 2)
    with pytest.raises(LearnError, match="gates"):
        propose(found, "x", "y", made.gates)


def test_a_file_changed_meanwhile_is_left_alone(made, path):
    proposal = proposed(made, path, "quiet-1")
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(LearnError, match="changed meanwhile"):
        put(proposal)
    assert path.read_bytes() == before


# the command


@pytest.fixture
def run(made, path, monkeypatch):
    monkeypatch.chdir(path.parent.parent)
    monkeypatch.setattr(learning, "Gates", lambda kind: contextlib.nullcontext(made.gates))  # they are open already

    def invoke(*words, answer=None):
        return CliRunner().invoke(main, ["learn", "99", *words, "--course", str(made.course)], input=answer)

    return invoke


def test_it_shows_and_asks(made, path, run):
    before = path.read_bytes()
    words = ("softmax", made.groups["quiet-1"].key, "--name", "doubled", "--hint", "Halve it.")
    done = run(*words, answer="n\n")
    assert done.exit_code == 1 and "Nothing was changed." in done.output and path.read_bytes() == before
    assert '# %% mistake="softmax" name="doubled" hint="Halve it."' in done.output and "2 students" in done.output
    done = run(*words, answer="y\n")
    assert done.exit_code == 0, done.output
    assert b'name="doubled"' in path.read_bytes() and "autograder build 99_tiny" in done.output


def test_errors_are_told(made, path, run):
    before = path.read_bytes()
    done = run("softmx", "abc", "--name", "x", "--hint", "y")
    assert done.exit_code == 1 and "no exercise 'softmx'" in done.output and "softmax, Scaler" in done.output
    done = run("softmax", "abc", "--name", "x", "--hint", "y")
    key = made.groups["quiet-1"].key
    assert done.exit_code == 1 and "no group 'abc'" in done.output and f"{key} (2)" in done.output
    assert "Nothing was changed." in done.output and path.read_bytes() == before
    assert run("softmax", key).exit_code == 2  # what it is called must be said
