"""Each gate is shown to shut: one planted fault, one refusal that names file, line and reason."""

from __future__ import annotations

import re

import pytest

from autograder.bank import full_bank
from autograder.build import build_unit, strays
from autograder.gates import examiner_problems
from autograder.release import leaks, release_notebook
from autograder.source import SourceErrors, load_unit
from autograder.trial import mutant

from .tiny import SOURCE, write

RETURN = "    return shifted / shifted.sum(axis=-1, keepdims=True)\n"


def problems(folder, source, check=False):
    built = build_unit(write(folder, source), folder / "course", check, lambda text: None)
    return built.problems


def test_the_sound_unit_passes(tmp_path):
    assert problems(tmp_path, SOURCE) == []
    assert (tmp_path / "course" / "99_tiny.ipynb").is_file()


STATIC = {
    "unknown header": ('# %% exercise="softmax" minutes', '# %% exersice="softmax" minutes', "unknown cell header"),
    "solution outside": ('print("a demo")', "### BEGIN SOLUTION\n1\n### END SOLUTION", "SOLUTION marker in a demo cell"),
    "unpaired": ("### END HIDDEN TESTS\n", "", "do not pair up"),
    "no check": ('# %% check="softmax" points=4', '# %% check="softmaxx" points=4', "has no check"),
    "points differ": ('check("softmax", points=4)', 'check("softmax", points=5)', "header says"),
    "no title": ('    "each row sums to one"\n', "", "has no title"),
    "same test twice": ("def test_large():", "def test_rows():", "two functions are called test_rows"),
    "reference in the open": ("### BEGIN HIDDEN TESTS\ndef test_random", "def test_random", None),
    "too few mistakes": (re.compile(r'# %% mistake="softmax" name="no-exp".*?(?=# %% variant)', re.S), "", "four are needed"),
    "no variant": (re.compile(r'# %% variant="softmax".*?(?=# %% exercise="Scaler")', re.S), "", "has no variant"),
    "no hint": ('name="whole" hint="You divided by the sum of the whole array."', 'name="whole"', "without a hint"),
    "same name": ('name="overflow"', 'name="whole"', 'are called "whole"'),
    "foreign name": ("softmax(np.array([[1000.0, 1000.0]]))", "softmax(demo_data)", "use `demo_data`"),
    "syntax": ("def softmax(z):\n    return np.exp(z - np", "def softmax(z:\n    return np.exp(z - np", "syntax error"),
}  # fmt: skip


@pytest.mark.parametrize("name", STATIC)
def test_source_is_refused(name, tmp_path):
    old, new, says = STATIC[name]
    source = old.sub(new, SOURCE) if isinstance(old, re.Pattern) else SOURCE.replace(old, new, 1)
    assert source != SOURCE
    with pytest.raises(SourceErrors) as error:
        load_unit(write(tmp_path, source))
    text = str(error.value)
    assert (says or "") in text
    assert re.match(r"solutions/99_tiny.py:\d+: ", text)


def test_a_cell_begins_with_its_first_line(tmp_path):
    """Formatters put blank lines between a header and a definition: a reader of the notebook sees none."""
    unit = load_unit(write(tmp_path, SOURCE.replace('# %%\nprint("a demo")', '# %%\n\n\nprint("a demo")')))
    assert [cell.source for cell in unit.cells if cell.kind == "demo"] == ['print("a demo")']


def test_hidden_tests_leave_no_hole(tmp_path):
    source = SOURCE.replace("### END HIDDEN TESTS\n", "### END HIDDEN TESTS\n\n\n")
    assert source != SOURCE
    notebook = release_notebook(load_unit(write(tmp_path, source)))
    (check, *_) = [cell for cell in notebook.cells if cell.metadata.gradus.role == "check"]
    assert "HIDDEN" not in check.source and "\n\n\n\n" not in check.source
    assert check.source.endswith('check("softmax", points=4)')


WEAK = """def test_shape():
    "the shape is kept"
    assert softmax(np.zeros((2, 3))).shape == (2, 3)

### BEGIN HIDDEN"""
RUN = {
    "stub gets a point": ("def test_large():", 'def test_free():\n    "free"\n    assert 1 == 1\n\ndef test_large():', "the untouched stub gets"),
    "reference loses": ("[[0.25, 0.75]]", "[[0.3, 0.7]]", "the reference loses points"),
    "variant loses": ("np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))", "np.exp(z) / 2", "variant 1 loses points"),
    "mistake gets all": ("    return scores / scores.sum()\n", "    return scores / scores.sum(axis=-1, keepdims=True)\n", "gets full marks"),
    "mistakes look alike": (
        "    scores = z - z.min(axis=-1, keepdims=True) + 1\n    return scores / scores.sum(axis=-1, keepdims=True)\n",
        "    e = np.exp(z - z.max(axis=-1, keepdims=True))\n    return e / np.sum(e)\n",
        "draws no hint",
    ),
    "shape alone": ("### BEGIN HIDDEN", WEAK, "right shape with wrong values passes test_shape"),
    "needs a demo": (RETURN, "    return shifted / shifted.sum(axis=-1, keepdims=True) * demo_only\n", "the reference loses points"),
    "nan slips through": (
        "    assert_close(softmax(np.array([[0.0, np.log(3.0)]])), [[0.25, 0.75]])\n",
        "    error = np.abs(softmax(np.array([[0.0, np.log(3.0)]])) - np.array([[0.25, 0.75]])).max()\n    if error > 1e-6:\n        raise AssertionError\n",
        "an answer of NaN passes test_known",
    ),
    "endless mistake": ("    return scores / scores.sum(axis=0)\n", "    import os\n    os._exit(3)\n", "could not be run"),
}  # fmt: skip


def test_a_setup_cell_that_stops_in_the_examiner_is_named(tmp_path):
    """Not that every exercise of the unit is wrong there. This one stops in the student's process alone."""
    unit = load_unit(
        write(
            tmp_path,
            SOURCE.replace(
                'gradus.unit("99_tiny")', 'gradus.unit("99_tiny")\nimport sys; 1 / ("examiner" in sys.modules)'
            ),
        )
    )
    (problem,) = examiner_problems(unit, full_bank(load_unit(write(tmp_path / "whole", SOURCE))))
    assert problem.line == 6, problem
    assert "set-up cell stopped in the examiner (ZeroDivisionError" in problem.message


@pytest.mark.parametrize("name", RUN)
def test_gate_shuts(name, tmp_path):
    old, new, says = RUN[name]
    source = SOURCE.replace(old, new, 1)
    assert source != SOURCE
    found = problems(tmp_path, source)
    assert any(says in problem for problem in found), found
    assert all(re.match(r".*99_tiny.py:\d+: ", problem) for problem in found)
    assert not (tmp_path / "course" / "99_tiny.ipynb").exists()


SHIFT = "shifted = np.exp(z - z.max(axis=-1, keepdims=True))"


@pytest.mark.parametrize(
    "cell, line",
    [
        ("exercise", SHIFT),
        ("check", "assert_close(softmax(z), reference.softmax(z))"),
        ("mistake", "scores = z - z.min(axis=-1, keepdims=True) + 1"),
        ("variant", "return np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))"),
        ("question", "Because of the model answer."),
    ],
)
def test_what_would_reach_the_student_is_found(cell, line, tmp_path):
    """No line of an answer stands in the helper package."""
    package = tmp_path / "gradus"
    package.mkdir()
    (package / "helpful.py").write_text(f"def f(z):\n    {line}\n", encoding="utf-8")
    unit = load_unit(write(tmp_path, SOURCE))
    found = [message for _, message in leaks(unit, release_notebook(unit), package)]
    assert any(f"this {cell} cell" in message and "gradus/helpful.py" in message for message in found)
    (package / "helpful.py").unlink()
    assert list(leaks(unit, release_notebook(unit), package)) == []


def test_check_says_what_mends_an_old_handout(tmp_path):
    problems(tmp_path, SOURCE)
    target = tmp_path / "course" / "99_tiny.ipynb"
    before = target.read_bytes()
    assert problems(tmp_path, SOURCE, check=True) == []
    target.write_bytes(before.replace(b"a demo", b"a dema"))
    assert any("autograder build 99_tiny" in problem for problem in problems(tmp_path, SOURCE, check=True))
    assert b"a dema" in target.read_bytes()  # checking writes nothing
    problems(tmp_path, SOURCE)
    assert target.read_bytes() == before  # the same bytes every time


def test_a_handout_without_a_source_is_found(tmp_path):
    problems(tmp_path, SOURCE)
    stray = tmp_path / "course" / "98_gone.ipynb"
    stray.write_text("{}", encoding="utf-8")
    assert strays(tmp_path / "solutions", tmp_path / "course") == [stray]


def mutants_caught(folder, test):
    """What the build says of a Tiny whose softmax has `test` as one more."""
    return problems(folder, SOURCE.replace("### BEGIN HIDDEN", test + "### BEGIN HIDDEN", 1))


def test_none_gets_nothing(tmp_path):
    test = 'def test_any():\n    "an answer comes"\n    softmax(np.eye(2))\n\n'
    assert any("an answer of None passes test_any" in problem for problem in mutants_caught(tmp_path, test))


def test_equal_to_everything_gets_nothing(tmp_path):
    """A plain == is refused by the check where one side is no data; asking `not` an object is not."""
    test = 'def test_not():\n    "an answer"\n    answer = softmax(np.zeros((1, 2)))\n    if answer is None or (answer != [[0.5, 0.5]]) is False:\n        raise AssertionError\n\n'
    assert any("passes test_not" in problem for problem in mutants_caught(tmp_path, test))


def test_an_object_that_differs_from_everything_by_nothing_gets_nothing(tmp_path):
    test = 'def test_small():\n    "a small error"\n    if not float(abs(softmax(np.zeros((1, 2))) - 0.5).max() if isinstance(softmax(np.zeros((1, 2))), np.ndarray) else abs(softmax(np.zeros((1, 2))) - 0.5)) < 1e-9:\n        raise AssertionError\n\n'
    assert any("equal to everything passes test_small" in problem for problem in mutants_caught(tmp_path, test))


def test_an_input_modified_in_place_gets_nothing(tmp_path):
    source = SOURCE.replace(
        "def transform(self, X):\n        ### BEGIN SOLUTION\n        return X - self.mean_",
        "def transform(self, X):\n        ### BEGIN SOLUTION\n        X -= self.mean_\n        return X",
        1,
    )
    assert source != SOURCE
    found = problems(tmp_path, source)
    assert any("the reference loses points" in problem and "in place" in problem for problem in found), found


@pytest.mark.parametrize("kind", ["None", "equal to everything"])
def test_a_method_that_answers_nothing_is_tried_too(kind, tmp_path):
    """It works by what it keeps, so the answer that is none must leave that undone."""

    class Scaler:
        def fit(self, X):
            self.mean = sum(X)

        def __getitem__(self, key):
            return key

    scaler = Scaler()
    mutant(kind)({"Scaler": Scaler}, load_unit(write(tmp_path, SOURCE)).exercises["Scaler"])
    scaler.fit([1, 2])
    assert not hasattr(scaler, "mean")
    assert type(scaler[3]) is not int
