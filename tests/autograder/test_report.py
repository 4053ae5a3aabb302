"""The class report: every figure in it is worked out again from the gradebook and the graded notebooks, another way."""

from __future__ import annotations

import csv
import html
import io
import itertools
import json
import re
import shutil
import sqlite3
from collections import Counter
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from autograder import demo as demos
from autograder.bundle import Bundle
from autograder.classroom import File, grade_class
from autograder.cli import main
from autograder.crowd import crowd
from autograder.demo import paper
from autograder.figures import FEW, class_figures, discrimination, distribution
from autograder.gradebook import Course
from autograder.kernel import Limits
from autograder.marks import read
from autograder.plaincode import differing, example, plain, ranked_examples, reaches
from autograder.report import write_report
from autograder.source import load_unit
from autograder.workplace import Workplace
from gradus.check.hints import Bank

from .tiny import SOURCE, write

UNIT, SIZE = "99_tiny", 40
# the same wrong answer in two ways, by students who write what nobody should read
TWICE = '"""Zoe\'s own"""\n# Zoe: secret words\ndef softmax(z):\n    "secret words"\n    print("secret words")\n    return np.ones_like(z) * 3\n'
TWICE_TOO = "def softmax(z):\n    out = np.empty(z.shape)  # secret words\n    out[...] = 3\n    return out\n"
SNEAKY = "def softmax(z):\n    return z * 0 + 2, '<script>alert(1)</script>'\n"


def handed_in(course, bundle, papers):
    for name, data in papers.items():
        target = course.folder / "submitted" / name / UNIT / f"{UNIT}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    with Workplace(bundle.to_bytes(), Limits(call_seconds=2.0)) as place:
        sources = {name: File(path) for name, path in course.submissions(UNIT).items() if name in papers}
        return grade_class(bundle, sources, course, place)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    base = tmp_path_factory.mktemp("report")
    path = write(base)
    bundle = Bundle.load(path)
    course = Course(base / "grading")
    course.prepare(bundle.unit)
    right = {name: exercise.cell.source for name, exercise in bundle.unit.exercises.items()}
    papers = {student.name: student.data for student in crowd(bundle, SIZE)}
    for name, code in (("zoe", TWICE), ("yann", TWICE), ("xenia", TWICE_TOO), ("=wanda", SNEAKY)):
        papers[name] = paper(bundle, right | {"softmax": code})
    summary = handed_in(course, bundle, papers)
    course.feedback(UNIT)
    files = write_report(course.folder, bundle.unit)
    return SimpleNamespace(
        base=base, path=path, unit=bundle.unit, bundle=bundle, course=course, papers=papers, summary=summary,
        files={file.name: file for file in files}, page=files[0].read_text(encoding="utf-8"),
    )  # fmt: skip


def rows(made, table):
    return list(csv.DictReader(io.StringIO(made.files[f"{UNIT}.{table}.csv"].read_text(encoding="utf-8"))))


class Tables(HTMLParser):
    """Caption -> rows of texts, of every table in a page."""

    def __init__(self, page):
        super().__init__()
        self.found, self.caption, self.row, self.text = {}, "", [], None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag in ("caption", "td", "th"):
            self.text = ""
        elif tag == "tr":
            self.row = []

    def handle_data(self, data):
        if self.text is not None:
            self.text += data

    def handle_endtag(self, tag):
        if tag == "caption":
            self.caption = " ".join(self.text.split())
            self.found[self.caption] = []
        elif tag in ("td", "th"):
            self.row.append(" ".join(self.text.split()))
            self.text = None
        elif tag == "tr":
            self.found[self.caption].append(self.row)


# what is known without the report's own code: SQL, and the verdicts' tables in the graded notebooks


def scores(made):
    with sqlite3.connect(made.course.folder / "gradebook.db") as database:
        query = (
            "SELECT a.student_id, b.name, g.auto_score FROM grade g JOIN base_cell b ON b.id = g.cell_id "
            "JOIN submitted_notebook n ON n.id = g.notebook_id JOIN submitted_assignment a ON a.id = n.assignment_id"
        )
        found = {}
        for student, cell, score in database.execute(query):
            found.setdefault(student, {})[cell] = score or 0.0
    return found


def verdicts(made):
    """(student, exercise) -> {title: (passed, hidden)}, and the hint, read off the tables that students get."""
    found = {}
    for student in made.papers:
        path = made.course.folder / "autograded" / student / UNIT / f"{UNIT}.ipynb"
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["metadata"].get("gradus", {}).get("role") == "check":
                [output] = cell["outputs"]
                text = "".join(output["data"]["text/html"])
                tests = {
                    html.unescape(re.sub(r"(?s) <span.*|<div.*", "", title)): (
                        status == "pass",
                        "(hidden test)" in title,
                        status,
                    )
                    for status, title in re.findall(r'(?s)aria-label="(\w+)">.</td><td[^>]*>(.*?)</td></tr>', text)
                }
                hint = re.search(r"<b>Hint\.</b> (.*?)</div>", text)
                exercise = cell["metadata"]["gradus"]["exercise"]
                found[student, exercise] = tests, html.unescape(hint[1]) if hint else ""
    return found


def written(tests):
    return "the exercise could not be checked" not in tests and all(
        status != "missing" for *_, status in tests.values()
    )


def test_the_class_holds_what_it_is_made_for(made):
    outcomes = Counter(result.outcome for result in made.summary.results.values())
    assert outcomes["unreadable"] == 2 and outcomes["died"] == 1 and outcomes["timeout"] == 1
    every = {(e.name, m.name) for e in made.unit.exercises.values() for m in e.mistakes}
    recognised = {pair for result in made.summary.results.values() for pair in result.mistakes.items()}
    assert len(recognised & every) >= len(every) - 1  # one may be hidden under a stub in the same paper
    assert any(result.evidence for result in made.summary.results.values())
    again = crowd(made.bundle, SIZE)
    assert [student.data for student in again] == [made.papers[student.name] for student in again]


def test_scores_are_the_gradebooks(made):
    mine = {student: round(sum(cells.values()), 2) for student, cells in scores(made).items()}
    shown = {row["student"].removeprefix("'"): float(row["score"]) for row in rows(made, "students")}
    assert shown == mine and len(mine) == SIZE + 4
    values = np.array(list(mine.values()))
    [[*_], numbers] = Tables(made.page).found[f"Scores of {SIZE + 4} submissions, of 8 points"]
    lower, median, upper = np.percentile(values, [25, 50, 75])
    expected = [f"{values.mean():.2f}", f"{values.std():.2f}"]
    expected += [f"{v:.4g}" for v in (values.min(), lower, median, upper, values.max())]
    assert numbers == [*expected, str((values == 8).sum()), str((values == 0).sum())]


def test_the_histogram_holds_everybody(made):
    values = [sum(cells.values()) for cells in scores(made).values()]
    bars = re.findall(r"<title>(\d+) from ([\d.]+) to (below )?([\d.]+)</title>", made.page)
    assert sum(int(count) for count, *_ in bars) == len(values)
    for count, start, below, stop in bars:
        low, high = float(start), float(stop)
        assert int(count) == sum(low <= v < high if below else low <= v <= high for v in values)


def test_shares_of_each_test(made):
    found = verdicts(made)
    table = {(row["exercise"], row["title"]): row for row in rows(made, "tests")}
    for exercise in made.unit.exercises.values():
        mine = {student: tests for (student, name), (tests, _) in found.items() if name == exercise.name}
        wrote = {student: tests for student, tests in mine.items() if written(tests)}
        titles = list(next(iter(wrote.values())))
        assert {title for name, title in table if name == exercise.name} == set(titles)
        for title in titles:
            row, passed = table[exercise.name, title], sum(tests[title][0] for tests in wrote.values())
            assert (int(row["passed"]), int(row["wrote it"])) == (passed, len(wrote)) and passed
            assert float(row["share of all"]) == pytest.approx(passed / len(mine), abs=1e-4)
            assert float(row["share of those"]) == pytest.approx(passed / len(wrote), abs=1e-4)
            assert (row["hidden"] == "yes") == next(iter(wrote.values()))[title][1]


def test_discrimination_is_the_corrected_correlation(made):
    """numpy's correlation of each column with the points of all the others."""
    found = verdicts(made)
    students = sorted(made.papers)
    columns = {}
    for exercise in made.unit.exercises.values():
        titles = list(next(t for (_, name), (t, _) in found.items() if name == exercise.name and written(t)))
        for title in titles:
            columns[exercise.name, title] = [
                exercise.points / len(titles) * found[s, exercise.name][0].get(title, (False,))[0] for s in students
            ]
    whole = sum(np.array(column) for column in columns.values())
    for row in rows(made, "tests"):
        column = np.array(columns[row["exercise"], row["title"]])
        who = [i for i, s in enumerate(students) if written(found[s, row["exercise"]][0])]
        expected = np.corrcoef(column[who] > 0, (whole - column)[who])[0, 1]
        assert float(row["goes with the rest"]) == pytest.approx(expected, abs=1e-4)
        assert (row["to be looked at"] == "yes") == (expected < 0.1)


def test_exercises_add_up(made):
    found, graded = verdicts(made), scores(made)
    table = {row[0]: row for row in Tables(made.page).found["How the class did in each exercise"][1:]}
    for exercise in made.unit.exercises.values():
        mine = [tests for (_, name), (tests, _) in found.items() if name == exercise.name]
        passed = [sum(p for p, *_ in tests.values()) for tests in mine if written(tests)]
        whole = len(next(tests for tests in mine if written(tests)))
        unchecked = sum("the exercise could not be checked" in tests for tests in mine)
        full, none = passed.count(whole), passed.count(0)
        counts = [full, len(passed) - full - none, none, len(mine) - len(passed) - unchecked, unchecked]
        mean = np.mean([cells.get(f"check-{exercise.name}", 0) for cells in graded.values()]) / exercise.points
        assert table[exercise.name][1:8] == [f"{exercise.points:g}", f"{100 * mean:.0f} %", *map(str, counts)]


def test_mistakes_are_counted(made):
    """By the hints that the students were told."""
    told = Counter((exercise, hint) for (_, exercise), (_, hint) in verdicts(made).items() if hint)
    table = [row for row in rows(made, "mistakes") if row["mistake"]]
    assert {(r["exercise"], r["hint"]): int(r["students"]) for r in table if int(r["students"])} == dict(told)
    assert len(table) == len(re.findall("# %% mistake=", SOURCE))
    for row in table:
        assert float(row["share"]) == pytest.approx(int(row["students"]) / (SIZE + 4), abs=1e-4)
        assert (f'id="m-{row["exercise"]}-{row["mistake"]}"' in made.page) == (int(row["students"]) > 0)


def test_wrong_answers_without_a_hint_are_grouped(made):
    """Every written answer that ran to its end, lost points and drew no hint is in exactly one group."""
    [endless] = [name for name, result in made.summary.results.items() if result.outcome == "timeout"]
    lonely = Counter(
        exercise
        for (student, exercise), (tests, hint) in verdicts(made).items()
        if (student, exercise) != (endless, "Scaler")
        and written(tests)
        and not hint
        and not all(passed for passed, *_ in tests.values())
    )
    groups = [row for row in rows(made, "mistakes") if row["group"]]
    counted = Counter()
    for row in groups:
        counted[row["exercise"]] += int(row["students"])
    assert counted == lonely
    by_key = {row["group"]: row for row in groups}
    assert len(by_key) == len(groups)
    figures = class_figures(made.unit, read(made.course.folder, UNIT))
    [mine] = [group for group in figures.groups if "zoe" in group.students]
    assert set(mine.students) == {"zoe", "yann", "xenia"} and by_key[mine.key]["students"] == "3"
    assert set(by_key[mine.key]["tests failed"].split("; ")) == {"test_rows", "test_large", "test_known", "test_random"}
    assert f"autograder learn {UNIT} softmax {mine.key} --name" in html.unescape(made.page)


def test_who_should_be_looked_at(made):
    shown = {row["student"].removeprefix("'"): row["to be looked at"] for row in rows(made, "students")}
    for student, result in made.summary.results.items():
        assert ("tampering" in shown[student]) == bool(result.evidence)
        assert bool(shown[student]) == (bool(result.evidence) or result.outcome != "graded")
    looks = sum(map(bool, shown.values()))
    assert len(Tables(made.page).found[f"{looks} submissions that a person should look at"]) == looks + 1


def test_time_is_recorded(made):
    table = rows(made, "students")
    loop = next(row for row in table if row["outcome"] == "timeout")
    assert float(loop["clock s"]) >= 2.0  # that a call may take here
    assert 0.2 < float(loop["processor s"]) <= float(loop["clock s"]) + 0.1
    for row in table:
        assert float(row["clock s"]) >= 0
        assert row["outcome"] == "unreadable" or float(row["processor s"]) > 0
    assert "of processor time (median)" in made.page


def test_nothing_of_a_students_own_words_is_shown(made):
    text = html.unescape(re.sub(r"<[^>]+>", "", made.page))
    assert "secret words" not in text and "I asked nobody" not in text and "Zoe's own" not in text
    assert "np.ones_like(z) * 3" in text  # while the code is
    assert "<script" not in made.page.lower() and "alert(1)" in text


def test_the_page_needs_nothing_else(made):
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?:https?:)?//""", made.page)
    assert "@import" not in made.page and "url(" not in made.page
    assert (
        "default-src 'none'" in made.page and "prefers-color-scheme: dark" in made.page and "@media print" in made.page
    )
    ids = re.findall(r'\bid="([^"]+)"', made.page)
    assert len(ids) == len(set(ids))
    assert {link for link in re.findall(r'href="#([^"]+)"', made.page)} <= set(ids)


def test_the_tables_can_be_read_aloud(made):
    assert made.page.count("<table>") == made.page.count("<caption>") > 5
    for table in re.findall(r"<table>(.*?)</table>", made.page, re.DOTALL):
        assert 'scope="col"' in table
    for chart in re.findall(r"<svg[^>]*>", made.page):
        assert 'aria-hidden="true"' in chart or 'aria-label="' in chart
    levels = [int(level) for level in re.findall(r"<h(\d)", made.page)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_links_lead_to_the_students_pages(made):
    link = re.search(r'href="([^"#]+)">zoe</a>', made.page)[1]
    assert (made.course.folder / "reports" / link).is_file()


def test_a_spreadsheet_takes_no_name_for_a_formula(made):
    text = made.files[f"{UNIT}.students.csv"].read_text(encoding="utf-8")
    assert "\n'=wanda," in text and "\n=wanda" not in text


def test_without_names(made, tmp_path):
    before = {path: path.read_bytes() for path in (made.course.folder / "reports").iterdir()}
    files = write_report(made.course.folder, made.unit, tmp_path / "anonymous", names=False)
    assert len(files) == 4
    page = files[0].read_text(encoding="utf-8")
    for file in files:
        text = file.read_text(encoding="utf-8")
        for student in made.papers:
            assert not re.search(rf"(?<![\w-]){re.escape(student)}(?![\w-])", text), (student, file)
    named = rows(made, "students")
    nameless = list(csv.DictReader(io.StringIO(files[1].read_text(encoding="utf-8"))))
    assert sorted(row["score"] for row in nameless) == sorted(row["score"] for row in named)
    assert len({row["student"] for row in nameless}) == len(named)
    assert "without names" in page and "feedback/" not in page
    assert {path: path.read_bytes() for path in before} == before


def test_the_command(made, monkeypatch, tmp_path):
    monkeypatch.chdir(made.base)
    done = CliRunner().invoke(main, ["report", "99", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert str(tmp_path / f"{UNIT}.html") in done.output.replace("\n", "")
    assert re.sub(r'href="[^"#]*"', "", (tmp_path / f"{UNIT}.html").read_text()) == re.sub(
        r'href="[^"#]*"', "", made.page
    )
    done = CliRunner().invoke(main, ["report", "99", "--course", str(tmp_path / "none")])
    assert done.exit_code == 1 and "no gradebook" in done.output and "autograder grade" in done.output
    done = CliRunner().invoke(main, ["report", "77"])
    assert done.exit_code == 1 and "no unit" in done.output


# classes that are none


def test_nobody(tmp_path):
    path = write(tmp_path)
    unit = load_unit(path)
    Course(tmp_path / "grading").prepare(unit)
    page, *tables = write_report(tmp_path / "grading", unit)
    text = page.read_text(encoding="utf-8")
    assert "Nobody's work in this unit is graded" in text and "autograder grade 99_tiny" in text
    assert "<svg" not in text and [len(table.read_text().splitlines()) for table in tables] == [1, 7, 9]


def test_one_student_and_no_known_mistakes(tmp_path):
    """A unit that has no mistakes yet: the gates would refuse it, the report must not."""
    bundle = Bundle.load(write(tmp_path))
    bundle.bank = Bank({name: [] for name in bundle.unit.exercises})
    for exercise in bundle.unit.exercises.values():
        exercise.mistakes.clear()
    course = Course(tmp_path / "grading")
    course.prepare(bundle.unit)
    handed_in(course, bundle, {"ada": paper(bundle, {"softmax": TWICE_TOO})})
    page, *_ = write_report(course.folder, bundle.unit)
    text = page.read_text(encoding="utf-8")
    assert "knows no mistakes yet" in text and "<b>1</b> submission<" in re.sub(r"\s*</li>", "<", text)
    assert "1 wrong answer of a single student" in text and "np.empty(z.shape)" in html.unescape(
        re.sub("<[^>]+>", "", text)
    )
    assert "Scores of 1 submission, of 8 points" in text and "nan" not in text.lower()


def test_work_that_plain_nbgrader_graded_has_a_score_only(made, tmp_path):
    """What grading kept beside the gradebook is gone: the scores stand, and the page says why the rest does not."""
    folder = tmp_path / "grading"
    shutil.copytree(made.course.folder, folder)
    shutil.rmtree(folder / ".gradus" / "results")
    page, students, *_ = write_report(folder, made.unit)
    text = page.read_text(encoding="utf-8")
    assert f"Of {SIZE + 4} submissions only the score is known" in text
    before = [row["score"] for row in rows(made, "students")]
    assert [row["score"] for row in csv.DictReader(io.StringIO(students.read_text()))] == before
    (folder / ".gradus" / f"{UNIT}.journal.jsonl").unlink()
    assert "graded by plain nbgrader" in write_report(folder, made.unit)[0].read_text(encoding="utf-8")


# numbers by hand


def test_discrimination_by_hand():
    passed = [True] * 5 + [False] * 5
    assert discrimination(passed, [9.0] * 5 + [1.0] * 5).value == pytest.approx(1.0)
    turned = discrimination(passed, [1.0] * 5 + [9.0] * 5)
    assert turned.value == pytest.approx(-1.0) and turned.flag and "turned round" in turned.words
    nothing = discrimination(passed, [1.0, 2.0, 3.0, 4.0, 5.0] * 2)
    assert nothing.value == pytest.approx(0.0) and nothing.flag
    assert discrimination([True] * 20, [1.0] * 20).words.startswith("everybody passes")
    assert discrimination([False] * 20, [1.0] * 20).flag
    few = discrimination([True] + [False] * (FEW - 2), list(map(float, range(FEW - 1))))
    assert few.value is None and not few.flag and "too few" in few.words
    same = discrimination(passed, [3.0] * 10)
    assert same.value is None and "the same elsewhere" in same.words


def test_bins_are_round_and_hold_all():
    scores = distribution([0, 0.4, 3.3, 10, 10], 10)
    assert scores.bins[0] == (0, 1, 2) and scores.bins[-1] == (9, 10, 2) and sum(n for *_, n in scores.bins) == 5
    above = distribution([12.0, 3.0], 10)  # extra credit
    assert above.bins[-1][1] == 12 and above.bins[-1][2] == 1
    assert distribution([], 10).bins == () and distribution([0.0], 0).values == (0.0,)
    assert (scores.lower, scores.median, scores.upper) == (0.4, 3.3, 10)


# code without the student


def test_plain_code():
    code = plain(
        '%matplotlib inline\n"""Ada"""\nimport os\ndef f(x):\n    "Ada"\n    # Ada\n    print("Ada")\n    return g(x)\ndef g(x): return 1\nf(2)\nh = 3\n',
        ["f"],
    )
    assert code == "def f(x):\n    return g(x)\n\ndef g(x):\n    return 1"
    assert plain("def f(:", ["f"]) is None and plain("f = 1\n" * 20_000) is None and plain("# only words") is None
    assert plain("def f(): return 1\ndef f(): return 2", ["f"]) == "def f():\n    return 2"
    kept = plain("def f(): return 1\ng = f\ndef f(): return g() + 1", ["f"])
    assert kept.count("def f") == 2
    method = plain("@add_to(Tensor)\ndef relu(self):\n    'Ada'\n    return self", ["Tensor"])
    assert method == "@add_to(Tensor)\ndef relu(self):\n    return self"


def test_only_what_differs():
    reference = "def f(x):\n    'words'\n    return x  # mine\ndef g(x): return 1"
    assert differing("def f(x):\n    return x\ndef g(x):\n    return 2", reference) == "def g(x):\n    return 2"
    assert differing("def g(x):\n    return 1", reference) == "def g(x):\n    return 1"


def test_an_example_is_what_most_wrote_and_nobodys_by_name():
    codes = {"a": "x = 1", "b": "x = 2", "c": "x = 2", "d": "berg_x = 3"}
    assert example(codes, {}) == "x = 2"
    assert ranked_examples(codes, {"d": ["Berg"]}) == ["x = 2", "x = 1"]
    assert ranked_examples({"d": "bergX = 3"}, {"d": ["Berg"]}) == []
    assert example({"m": "z.max()"}, {"m": ["Max"]}) == "z.max()"  # NumPy's word, and some people's
    assert example({"m": "softly = 1"}, {"m": ["Softly"]}, known=["softly"]) == "softly = 1"


@pytest.mark.parametrize(
    "code",
    [
        "import os", "from subprocess import run", "open('x')", "eval('1')", "np.load('x')", "().__class__.__base__",
        "x.__subclasses__()", "getattr(x, 'y')", "__import__('os')", "x.tofile('y')", "import gradus", "reference.f(1)",
        "(lambda: 0).__globals__", "globals()['x']", "from . import x", "x.__reduce__()", "np.lib.npyio.os.system('x')",
    ],
)  # fmt: skip
def test_what_reaches_beyond_computing(code):
    assert reaches(code, ())


def test_what_only_computes():
    code = "import numpy as np\nfrom math import exp\nclass T:\n    def __init__(self, x):\n        super().__init__()\n        self.x = np.exp(x)\n    def __add__(self, o):\n        return o.__class__(self.x + o.x)"
    assert reaches(code, ()) == []


def test_every_right_answer_and_known_mistake_only_computes():
    """Else what students write like it could never be learnt."""
    for path in sorted((demos.Path(__file__).parents[2] / "solutions").glob("0[0-5]_*.py")):
        unit = load_unit(path)
        allowed = set(
            re.findall(r"^\s*(?:import|from)\s+(\w+)", "\n".join(c.source for c in unit.setups), re.MULTILINE)
        )
        for exercise in unit.exercises.values():
            for cell in (exercise.cell, *exercise.variants, *exercise.mistakes):
                code = plain(cell.source)
                assert code and not reaches(code, allowed), (path.name, exercise.name)
