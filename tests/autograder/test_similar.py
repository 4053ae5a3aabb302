"""Copies are found however they were dressed up; people who think alike are not accused."""

from __future__ import annotations

import ast
import csv
import json
import re
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograder import alike
from autograder.alike import ADDED, Likeness, Pair, compare, groups, rarity
from autograder.alikepages import CAUTION, STRONG, write_pages
from autograder.bundle import Bundle
from autograder.cli import main
from autograder.examine import unexamined
from autograder.fragments import Names, chunks, fragments, parsed
from autograder.gradebook import Course
from autograder.intake import rebuild
from autograder.marks import pseudonym, secret
from autograder.results import ExamResult
from autograder.sidebyside import Answer, rows, without_texts
from autograder.source import find_unit, load_unit

from .tiny import write
from .variety import UNIT, answers, class_of, paper

ROOT = Path(__file__).resolve().parents[2]
TINY = "99_tiny"
WRITTEN = """
class Scaler:
    def fit(self, X):
        total = 0
        for row in X:
            total = total + row
        self.centre = total / len(X)
        return self

    def transform(self, X):
        moved = []
        for row in X:
            moved.append(row - self.centre)
        return np.stack(moved)
"""
DRESSED = '''
class Scaler:
    """My very own scaler."""

    # the order is another
    def transform(self, X):
        print("transforming")
        res: list = []
        for line in X:
            res.append(
                (line - self.avg)
            )
        return np.stack(res)
        res = None

    def fit(self, X):
        s = 0  # the sum
        if False:
            s = 17
        for line in X: s = s + line
        self.avg = s / len(X)
        return self
'''


@pytest.fixture(scope="module")
def unit():
    return find_unit(ROOT / "solutions" / f"{UNIT}.py")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return load_unit(write(tmp_path_factory.mktemp("similar")))


def forms(source, given=()):
    return fragments(chunks(textwrap.dedent(source), Names(frozenset(given), (("np", "numpy"),))))


def renamed(
    source, names=("grad", "up", "down", "old", "delta", "error", "slopes", "losses", "out", "eps", "dw", "db")
):
    for number, name in enumerate(names):
        source = re.sub(rf"\b{name}\b", f"my_{number}", source)
    return source


def found(pairs, one, other):
    [pair] = [pair for pair in pairs if {pair.one, pair.other} == {one, other}] or [None]
    return pair


# forms


def test_names_values_comments_and_layout_have_no_form():
    one = forms("def f(z):\n    scale = 3 * z  # thrice\n    return np.exp(scale - scale.max(axis=-1))")
    other = forms("def f(z):\n\n    k = (7*z)\n    return np.exp( (k - k.max( axis = -2 )) )")
    assert one == other and len(one) > 3


def test_a_renamed_import_is_the_same_library():
    assert forms("import numpy as q\ndef f(z):\n    return q.exp(z) / q.sum(q.exp(z))") != set()
    one = chunks("def f(z):\n    return np.exp(z) / np.sum(np.exp(z))", Names(frozenset(), (("np", "numpy"),)))
    other = chunks("import numpy as q\ndef f(z):\n    return q.exp(z) / q.sum(q.exp(z))", Names())
    assert one[0].forms == other[1].forms


def test_another_computation_has_other_forms():
    one = forms("def f(z):\n    return np.exp(z - z.max()) / np.exp(z - z.max()).sum()")
    for other in ("np.exp(z + z.max()) / np.exp(z + z.max()).sum()", "np.log(z - z.max()) / np.log(z - z.max()).sum()"):
        assert not one & forms(f"def f(z):\n    return {other}") or one != forms(f"def f(z):\n    return {other}")
    assert one.isdisjoint(forms("def f(z):\n    total = 0\n    for v in z:\n        total += v\n    return total"))


def test_order_of_functions_and_dead_code_say_nothing():
    assert forms(WRITTEN) == forms(DRESSED)


def test_what_is_not_python_is_compared_as_words():
    one = forms("def f(x:\n    retrun x + total * 3 - 4")
    assert one == forms("def f(y:\n    retrun y + summe * 5 - 7  # mine") and one
    assert parsed("def f(x:") is None


def test_each_form_knows_its_line():
    [first, second] = chunks("x = 1\n\n@wrap\ndef f(y):\n    return y\n", Names())
    assert (first.first, first.last, set(first.lines)) == (1, 2, {1})
    assert (second.first, second.last, set(second.lines)) == (3, 6, {3, 4, 5})


@pytest.mark.parametrize(
    "source", ["", "%matplotlib inline\n!ls", "(" * 5000, "x = " + "-" * 5000 + "1", "a" * 100_000, "\x00"]
)
def test_whatever_students_write_can_be_read(source):
    fragments(chunks(source, Names()))


# likeness


def test_rarity():
    assert rarity(2, 200) == rarity(1, 200) == 1.0 and rarity(100, 200) == rarity(150, 200) == 0.0
    assert 0.6 < rarity(4, 200) < 0.75 and rarity(50, 200) < 0.05
    assert rarity(3, 5) == 1.0  # nothing is common among so few


def test_copies_are_the_strongest_of_a_class(unit):
    """All seven exercises with other names; four of seven; and by chance nobody is as alike."""
    people = class_of(40)
    people["copy"] = {name: renamed(code) for name, code in people["student-004"].items()}
    some = answers(4000)
    some |= {
        name: renamed(people["student-009"][name])
        for name in ("sigmoid", "numerical_gradient", "bce_gradient", "bce_loss")
    }
    people["partly"] = some
    pairs, _ = compare(people, unit, 0)
    copy, partly = found(pairs, "copy", "student-004"), found(pairs, "partly", "student-009")
    assert copy in pairs[:2] and partly in pairs[:2]
    assert copy.strength >= STRONG and partly.strength > 50
    assert {part.exercise for part in partly.parts if part.share > 0.99} >= {
        "sigmoid",
        "numerical_gradient",
        "bce_gradient",
    }
    assert max(pair.strength for pair in pairs[2:]) < min(STRONG, copy.strength, partly.strength)


@pytest.mark.parametrize("start", [0, 500, 1000])
def test_chance_alone_is_not_strong(unit, start):
    people = {f"s{number}": answers(start + number) for number in range(60)}
    pairs, _ = compare(people, unit, 50)
    assert len(pairs) <= 4 and not [pair for pair in pairs if pair.strength >= STRONG]


def test_dressing_up_hides_nothing(tiny):
    others = {f"s{number}": {"Scaler": tiny.exercises["Scaler"].cell.source} for number in range(10)}
    plain = compare({**others, "a": {"Scaler": WRITTEN}, "b": {"Scaler": WRITTEN}}, tiny, 0)[0]
    dressed = compare({**others, "a": {"Scaler": WRITTEN}, "b": {"Scaler": DRESSED}}, tiny, 0)[0]
    assert len(plain) == len(dressed) == 1
    assert dressed[0].strength == pytest.approx(plain[0].strength) and dressed[0].parts[0].share == 1.0


def test_code_added_to_a_copy_hides_nothing(tiny):
    more = (
        WRITTEN
        + "\n    def describe(self, deep=False):\n        words = [str(v) for v in self.centre]\n        return ', '.join(sorted(words))\n"
    )
    [pair] = compare({"a": {"Scaler": WRITTEN}, "b": {"Scaler": more}}, tiny, 0)[0]
    assert pair.parts[0].share == 1.0 and pair.parts[0].exercise == "Scaler"


def test_stubs_references_variants_and_known_mistakes_are_no_evidence(unit, tiny):
    for source in (unit, tiny):
        people = {}
        for number in range(4):
            for kind, code in (("stub", lambda e: e.stub), ("reference", lambda e: e.cell.source)):
                people[f"{kind}{number}"] = {name: code(e) for name, e in source.exercises.items()}
            people[f"variant{number}"] = {name: e.variants[0].source for name, e in source.exercises.items()}
            people[f"mistake{number}"] = {
                name: e.mistakes[number % len(e.mistakes)].source for name, e in source.exercises.items()
            }
        assert compare(people, source, 0)[0] == []


def test_what_half_the_class_writes_is_no_evidence(tiny):
    """The same words, among people who all write them, and among people who do not."""
    others = {f"o{number}": {"Scaler": tiny.exercises["Scaler"].cell.source} for number in range(18)}
    [pair] = compare({**others, "a": {"Scaler": WRITTEN}, "b": {"Scaler": WRITTEN}}, tiny, 0)[0]
    everybody = compare({f"s{number}": {"Scaler": WRITTEN} for number in range(20)}, tiny, 0)[0]
    assert pair.strength > 40 and everybody == []


def test_a_short_function_says_little(unit):
    """Two alone write `linear` in the same odd way; a whole class of others does not."""
    odd = "def linear(X, w, b):\n    return np.add(b, np.inner(X, w))\n"
    people = class_of(30) | {"a": {"linear": odd}, "b": {"linear": odd}}
    pair = found(compare(people, unit, 0)[0], "a", "b")
    assert pair.parts[0].share == 1.0 and pair.strength < 30


def test_cells_put_beside_the_exercises_are_compared(tiny):
    helper = "def running(values, decay):\n    level = 0.0\n    for value in values:\n        level = decay * level + (1 - decay) * value\n        yield level\n"
    people = {
        name: {"Scaler": tiny.exercises["Scaler"].cell.source, ADDED: code}
        for name, code in (("a", helper), ("b", renamed(helper, ["level", "value"])), ("c", ""))
    }
    [pair] = compare(people, tiny, 0)[0]
    assert (pair.one, pair.other, pair.parts[0].exercise, pair.parts[0].share) == ("a", "b", ADDED, 1.0)


def test_rings_are_one_group():
    def pair(one, other):
        return Pair(one, other, (Likeness("x", 1.0, 50.0, 1, 10),), 10)

    assert groups([pair("a", "b"), pair("b", "c"), pair("d", "e")]) == {"a": 1, "b": 1, "c": 1}


# side by side


def test_moved_functions_stand_beside_each_other():
    one, other = (
        Answer(text.strip("\n"), chunks(text.strip("\n"), Names()), {f: 1.0 for f in forms(WRITTEN)})
        for text in (WRITTEN, DRESSED)
    )
    beside = {a.text.strip(): b.text.strip() for a, b in rows(one, other) if a and b}
    assert (
        beside["def fit(self, X):"] == "def fit(self, X):"
        and beside["def transform(self, X):"] == "def transform(self, X):"
    )
    assert beside["self.centre = total / len(X)"] == "self.avg = s / len(X)"
    assert beside["return np.stack(moved)"] == "return np.stack(res)"
    left = [a.number for a, _ in rows(one, other) if a]
    right = sorted(b.number for _, b in rows(one, other) if b)
    assert left == list(range(1, len(one.lines) + 1)) and right == list(
        range(1, len(other.lines) + 1)
    )  # no line is lost


def test_only_what_both_have_and_few_write_is_marked():
    code = "def f(x):\n    a = x * 2 + 1\n    b = a ** 3 - a\n    return np.sqrt(b).mean()\n"
    fragment = forms(code)
    rare = Answer(code, chunks(code, Names(frozenset(), (("np", "numpy"),))), dict.fromkeys(fragment, 1.0))
    common = Answer(code, rare.chunks, dict.fromkeys(fragment, 0.01))
    assert {a.kind for a, _ in rows(rare, rare) if a.text.strip()} == {"rare"}
    assert {a.kind for a, _ in rows(common, common) if a.text.strip()} == {"common"}
    alone = Answer("def f(x):\n    return x\n", chunks("def f(x):\n    return x\n", Names()), {})
    assert "rare" not in {a.kind for a, _ in rows(rare, alone) if a}


def test_comments_and_texts_are_left_out_with_the_names():
    code = 'def f(x):\n    """Given."""\n    # by Ada Lovelace\n    name = "Ada"; y = x  # Ada\n    t = """Ada\n    Lovelace"""\n    return y'
    shown = without_texts(code, '"""Given."""')
    assert "Ada" not in shown and "Lovelace" not in shown and '"""Given."""' in shown
    assert len(shown.split("\n")) == len(code.split("\n")) and ast.parse(shown)
    assert "Ada" not in without_texts("def f(:\n  Ada = '", "")


# the command


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A course with a copy in it, and somebody who writes HTML."""
    base = tmp_path_factory.mktemp("similar")
    bundle = Bundle.load(ROOT / "solutions" / f"{UNIT}.py")
    people = class_of(12)
    people["Ada Lovelace_42"] = {name: renamed(code) for name, code in people["student-004"].items()}
    people["Ada Lovelace_42"]["sigmoid"] += "# Ada Lovelace </pre><script>alert(1)</script>\n"
    course = Course(base / "grading")
    course.prepare(bundle.unit)
    blank = unexamined(bundle, "graded", "")
    for student, code in people.items():
        notebook = rebuild(bundle.release, paper(bundle, code).encode()).notebook
        for cell, other in zip(notebook.cells, blank.notebook.cells, strict=True):
            if cell.cell_type == "code":
                cell.outputs = other.outputs
        course.record(student, UNIT, ExamResult("graded", blank.reports, {}, notebook))
    course.close()
    return course


def similar(graded, monkeypatch, *words):
    monkeypatch.chdir(ROOT)
    return CliRunner().invoke(main, ["similar", UNIT, "--course", str(graded.folder), *words])


def test_the_command_writes_a_list_and_pages(graded, monkeypatch):
    said = similar(graded, monkeypatch)
    assert said.exit_code == 0 and "13 submissions compared" in said.output
    folder = graded.folder / "similar" / UNIT
    index, pair = ((folder / name).read_text(encoding="utf-8") for name in ("index.html", "pair-001.html"))
    for page in (index, pair):
        assert CAUTION in page and "Ada Lovelace_42" in page and "student-004" in page
        assert "<script" not in page and "http" not in page.replace("http-equiv", "")
    assert "&lt;script&gt;alert(1)" in pair and 'class="rare"' in pair
    assert "prefers-color-scheme: dark" in pair and "@media print" in pair
    listed = list(csv.DictReader((folder / "pairs.csv").open(encoding="utf-8")))
    assert {listed[0]["student"], listed[0]["other"]} == {"Ada Lovelace_42", "student-004"}
    assert float(listed[0]["likeness"]) >= STRONG and listed[0]["fit_logistic %"] == "100"
    strengths = [float(row["likeness"]) for row in listed]
    assert strengths == sorted(strengths, reverse=True) and min(strengths) >= 50


def test_without_names_nobody_can_be_known(graded, monkeypatch, tmp_path):
    said = similar(
        graded, monkeypatch, "--no-names", "--out", str(tmp_path / "pages"), "--threshold", "0", "--most", "5"
    )
    assert said.exit_code == 0
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "pages").iterdir()] + [said.output]
    assert len(texts) == 5 + 4
    for text in texts:
        assert not re.search(r"Ada|Lovelace|student-0\d\d\b", text)
    assert any(pseudonym("Ada Lovelace_42", secret(graded.folder)) in text for text in texts)


def test_a_second_run_leaves_no_page_of_the_first(graded, monkeypatch, tmp_path):
    folder = tmp_path / "pages"
    similar(graded, monkeypatch, "--out", str(folder), "--threshold", "0", "--most", "5")
    assert similar(graded, monkeypatch, "--out", str(folder), "--threshold", "99.9").exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == [".gradus-similar", "index.html", "pairs.csv"]
    assert "Nothing to show" in (folder / "index.html").read_text(encoding="utf-8")


def test_bad_wishes_get_a_reason(graded, monkeypatch, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    said = similar(graded, monkeypatch, "--out", str(tmp_path / "mine"))
    assert said.exit_code == 1 and "holds something else" in said.output
    said = CliRunner().invoke(main, ["similar", UNIT, "--course", str(tmp_path / "none")])
    assert said.exit_code == 1 and "no gradebook" in said.output
    said = CliRunner().invoke(main, ["similar", "05_activations", "--course", str(graded.folder)])
    assert said.exit_code == 1 and "autograder grade 05_activations" in said.output


def test_a_notebook_that_cannot_be_read_costs_nobody_else(graded, monkeypatch, tmp_path):
    path = graded.folder / "autograded" / "student-000" / UNIT / f"{UNIT}.ipynb"
    text = path.read_text(encoding="utf-8")
    path.chmod(0o644)
    path.write_text("{", encoding="utf-8")
    said = similar(graded, monkeypatch, "--out", str(tmp_path / "pages"))
    path.write_text(text, encoding="utf-8")
    assert json.loads(text) and said.exit_code == 0
    assert "12 submissions compared" in said.output and "1 left out" in said.output


def test_pages_without_any_pair(tmp_path, tiny):
    files = write_pages(tmp_path, tiny, {"a": {}, "b": {}}, [], {}, 10)
    assert [file.name for file in files] == ["index.html", "pairs.csv"] and alike.FEW
