"""The examiner on whole submissions: what is deserved is given, whatever else the notebook does."""

from __future__ import annotations

import base64
import html
import json

import nbformat
import pytest

from autograder.bank import full_bank
from autograder.bundle import Bundle
from autograder.examine import examine
from autograder.kernel import Limits
from autograder.release import filled, handout, solved_notebook, to_text
from autograder.source import load_unit

from .tiny import SOURCE, write

LIMITS = Limits(cell_seconds=3, call_seconds=2, total_seconds=60)
TOTAL = 6.0


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    unit = load_unit(write(tmp_path_factory.mktemp("examine")))
    return Bundle(unit, nbformat.reads(handout(unit), as_version=4), full_bank(unit))


@pytest.fixture(scope="module")
def right(bundle):
    return {name: exercise.cell.source for name, exercise in bundle.unit.exercises.items()}


def paper(bundle, answers, before="", after=""):
    """A submission with `answers`; `before` and `after` are cells that the student added."""
    notebook = json.loads(to_text(filled(bundle.release, answers)))
    at = next(i for i, cell in enumerate(notebook["cells"]) if cell["id"] == "softmax")
    extra = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    if before:
        notebook["cells"].insert(at, {**extra, "source": before})
    if after:
        notebook["cells"].append({**extra, "source": after})
    return json.dumps(notebook).encode()


def graded(bundle, answers, before="", after=""):
    return examine(paper(bundle, answers, before, after), bundle, LIMITS)


def test_perfect(bundle):
    result = examine(to_text(solved_notebook(bundle.unit)).encode(), bundle, LIMITS)
    assert (result.score, result.points, result.outcome, result.notes) == (TOTAL, TOTAL, "graded", [])


def test_stubs_get_nothing_and_are_told_what_is_missing(bundle):
    result = graded(bundle, {})
    assert (result.score, result.outcome, result.mistakes) == (0, "graded", {})
    rows = [row for report in result.reports.values() for row in report["rows"]]
    assert {row["status"] for row in rows} == {"missing"}
    assert "You have not written `softmax` yet" in str(rows)
    stub = bundle.unit.exercises["Scaler"].stub
    half = stub.replace("# YOUR CODE HERE\n        raise NotImplementedError()", "return self", 1)
    assert "You have not written `Scaler.transform` yet" in str(graded(bundle, {"Scaler": half}).reports)


def test_a_fault_is_looked_for_where_it_is(bundle, right):
    """A right answer that calls a wrong one loses points with it, and the page says why."""
    wrong = next(m for m in bundle.unit.exercises["softmax"].mistakes if m.name == "whole").source
    leaning = right["Scaler"].replace("return X - self.mean_", "return X - self.mean_ + softmax(X)")
    reports = graded(bundle, right | {"softmax": wrong, "Scaler": leaning}).reports
    assert reports["Scaler"]["note"] == "This uses `softmax`, which does not pass its own check: mend that first."
    assert reports["softmax"]["note"] == ""
    assert graded(bundle, right | {"Scaler": leaning}).reports["Scaler"]["note"] == ""


def every_mistake():
    return ["whole", "overflow", "columns", "no-exp", "rows", "all", "plus", "in-place"]


@pytest.mark.parametrize("name", every_mistake())
def test_a_known_mistake_loses_points_and_is_told_its_hint(bundle, right, name):
    exercise, mistake = next((e, m) for e in bundle.unit.exercises.values() for m in e.mistakes if m.name == name)
    result = graded(bundle, right | {exercise.name: right[exercise.name] + "\n\n" + mistake.source})
    assert result.score < TOTAL
    assert result.mistakes == {exercise.name: name}
    cell = next(c for c in result.notebook.cells if c.id == f"check-{exercise.name}")
    assert html.escape(mistake.hint) in cell.outputs[0].data["text/html"]
    assert float(cell.outputs[0].data["text/plain"]) == result.reports[exercise.name]["score"]


def test_a_variant_gets_full_marks(bundle, right):
    answers = {name: f"{right[name]}\n\n{e.variants[0].source}" for name, e in bundle.unit.exercises.items()}
    assert graded(bundle, answers).score == TOTAL


def test_a_new_wrong_answer_loses_points_without_a_hint(bundle, right):
    result = graded(bundle, right | {"softmax": "def softmax(z):\n    return np.full(z.shape, 1 / z.shape[1])"})
    report = result.reports["softmax"]
    assert 0 < report["score"] < 4 and report["mistake"] is None


def test_a_new_right_answer_gets_full_marks(bundle, right):
    answer = (
        "def softmax(z):\n    out = np.empty_like(z)\n    for i, row in enumerate(z):\n"
        "        powers = [math.exp(v - max(row)) for v in row]\n        out[i] = np.array(powers) / sum(powers)\n"
        "    return out"
    )
    assert graded(bundle, right | {"softmax": answer}, before="import math").score == TOTAL


def test_a_syntax_error_costs_its_own_exercise_only(bundle, right):
    result = graded(bundle, right | {"softmax": "def softmax(z:\n    return z"})
    assert result.reports["softmax"]["score"] == 0 and result.reports["Scaler"]["score"] == 2


ENDS = {
    "while True: pass": "timeout",
    "import os; os._exit(0)": "died",
    "import os; os.kill(os.getpid(), 9)": "died",
    "exit()": "graded",
    "raise KeyboardInterrupt": "graded",
    "raise SystemExit": "graded",
}


@pytest.mark.parametrize("cell", ENDS)
def test_a_cell_that_ends_things_costs_no_other(bundle, right, cell):
    result = graded(bundle, right, before=cell)
    assert (result.score, result.outcome) == (TOTAL, ENDS[cell])


@pytest.mark.parametrize("body", ["while True: pass", "import os; os._exit(0)"])
def test_an_answer_that_ends_things_costs_its_own_exercise_only(bundle, right, body):
    result = graded(bundle, right | {"softmax": f"def softmax(z):\n    {body}"})
    assert result.reports["softmax"]["score"] == 0 and result.reports["Scaler"]["score"] == 2
    said = result.reports["softmax"]["rows"][0]["message"]
    assert said in (
        "KernelTimeout: stopped after 2 s: an endless loop?",
        "KernelDied: the code ended the Python process",
    )
    assert ("endless" in said) == ("while" in body)


def test_the_time_for_a_notebook_ends(bundle, right):
    limits = Limits(cell_seconds=5, call_seconds=2, total_seconds=1)
    result = examine(paper(bundle, right, before="import time; time.sleep(1.5)"), bundle, limits)
    assert result.score == 0 and "used up" in str(result.reports)


def test_checks_take_no_more_than_the_time_for_a_notebook(bundle, right):
    """Each call is quick enough by itself; all of them together are not."""
    slow = {"softmax": "import time\ndef softmax(z):\n    time.sleep(0.9)\n    return z"}
    limits = Limits(cell_seconds=5, call_seconds=1, total_seconds=2)
    result = examine(paper(bundle, right | slow), bundle, limits)
    reached = [row["test"] for row in result.reports["softmax"]["rows"] if row["status"] == "fail"]
    assert len(reached) <= 2  # of four, at 0.9 s each
    assert result.reports["softmax"]["score"] == 0 and "used up" in str(result.reports["softmax"])
    assert "used up" in str(result.reports["Scaler"])


def test_a_cell_that_fails_when_it_is_run_again_is_left_out(bundle, right, tmp_path):
    """After a death all that ran before runs again; what then ends the process must not end it for ever."""
    mood = (
        f"import os\nif os.path.exists({str(tmp_path / 'flag')!r}): os._exit(0)\nopen({str(tmp_path / 'flag')!r}, 'w')"
    )
    result = graded(bundle, right | {"softmax": "def softmax(z):\n    import os; os._exit(0)"}, before=mood)
    assert (result.reports["softmax"]["score"], result.reports["Scaler"]["score"]) == (0, 2)


def test_broken_json_gets_nothing_and_a_reason(bundle):
    result = examine(b'{"cells": [', bundle, LIMITS)
    assert (result.score, result.outcome) == (0, "unreadable")
    assert "File > Download" in result.notes[0]
    checks = [c for c in result.notebook.cells if c.id.startswith("check-")]
    assert all("File &gt; Download" in c.outputs[0].data["text/html"] for c in checks)


def test_warnings_on_stderr_cost_nothing(bundle, right):
    noisy = right["softmax"].replace("    shifted", "    import sys; print('oh', file=sys.stderr)\n    shifted", 1)
    assert noisy != right["softmax"]
    result = graded(bundle, right | {"softmax": noisy})
    assert result.score == TOTAL
    cell = next(c for c in result.notebook.cells if c.id == "check-softmax")
    assert [o.output_type for o in cell.outputs] == ["execute_result"]


WRONG = "def softmax(z):\n    return np.zeros((1, 1)) + 0.123\nclass Scaler:\n    fit = transform = lambda s, X: s\n    mean_ = 0.5"
ATTACKS = {
    "patched numpy": "import numpy as np\nnp.allclose = np.isclose = np.array_equal = lambda *a, **k: True\nnp.testing.assert_allclose = lambda *a, **k: None",
    "patched gradus": "import gradus.check.asserts as a, gradus.check.run as r, gradus.check.values as v\na._compare = lambda *x, **k: None\na.assert_close = lambda *x, **k: None\nv.agree = lambda *x: True\nr.run_tests = None",
    "patched report": "import gradus.check.report as r\nr.Report.score = property(lambda s: s.points)\nr.Row.status = 'pass'",
    "own check": "def check(name, points, **k):\n    return float(points)",
    "own assert_close": "assert_close = lambda *a, **k: None",
    "display hook": "import sys\nsys.displayhook = lambda v: None\nget_ipython().run_cell = lambda *a, **k: None",
    "builtins": "import builtins\nbuiltins.float = lambda v: 4.0\nbuiltins.round = lambda *a: 4.0\nbuiltins.sum = lambda *a: 4",
    "trace": "import sys\ndef t(frame, event, arg):\n    frame.f_locals.update(expected=0)\n    return t\nsys.settrace(t)",
    "exit hook": "import atexit, os\natexit.register(lambda: print('4.0'))",
    "patched wire": "import autograder.student as s, autograder.wire as w\nw.encode = lambda *a, **k: [0.5, 0.5]\ns.encode = w.encode\ns.unchanged = lambda *a: True",
    "numbers on the screen": "print(4.0)\n4.0",
    "every answer forged": "import gc\nServer = next(type(o) for o in gc.get_objects() if type(o).__name__ == 'Server')\nServer._answer = lambda self, m: {'outputs': '[]'} if m['op'] == 'run_cell' else {'value': 0.5, 'changed': [], 'printed': 'pass'}",
    "own encoding": "import gc\nServer = next(type(o) for o in gc.get_objects() if type(o).__name__ == 'Server')\nServer._call.__globals__.update(encode=lambda *a, **k: ['array', 'float64', [1, 2], b'0' * 16], _moved=lambda *a: False)",
    "own channel": "import gc\nserver = next(o for o in gc.get_objects() if type(o).__name__ == 'Server')\nfor i in range(50): server.channel.send({'value': 0.5, 'changed': []})",
    "threads": "import threading, time\ndef evil():\n    while True:\n        globals().update(assert_close=print, check=print, reference=print)\n        time.sleep(0.01)\nthreading.Thread(target=evil, daemon=True).start()",
    "files of ours": "import os\nfor name in ('numpy.py', 'gradus.py', 'sitecustomize.py', 'autograder.py'): open(name, 'w').write('raise SystemExit')",
    "input transformer": "get_ipython().input_transformers_cleanup.append(lambda lines: ['4.0\\n'])",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gains_nothing(bundle, name):
    result = graded(bundle, {"softmax": WRONG, "Scaler": WRONG}, before=ATTACKS[name])
    assert result.score == 0, result.reports


SNEAKS = {
    "equal to everything": "class E:\n    __eq__ = lambda s, o: True\n    __ne__ = lambda s, o: False\n    __getattr__ = lambda s, n: s\n    __call__ = lambda s, *a, **k: s\n    __array__ = lambda s, *a, **k: np.array([0.5])\n    __hash__ = None\ndef softmax(z): return E()",
    "NaN": "def softmax(z): return np.full(z.shape, np.nan)",
    "display hook with points": "def softmax(z):\n    import sys\n    sys.displayhook(5.0)\n    return z",
    "an error that says pass": "def softmax(z):\n    raise AssertionError('pass')",
    "frames": "def softmax(z):\n    import sys\n    f = sys._getframe()\n    while f:\n        r = f.f_globals.get('reference') or f.f_locals.get('reference')\n        if r: return r.softmax(z)\n        f = f.f_back\n    return z",
    "gc": "def softmax(z):\n    import gc\n    for o in gc.get_objects():\n        if isinstance(o, dict) and 'reference' in o and hasattr(o['reference'], 'softmax'): return o['reference'].softmax(z)\n    return z",
    "arithmetic that gives zero": "class Z:\n    __sub__ = __rsub__ = __abs__ = lambda s, *a: 0.0\n    __getattr__ = lambda s, n: (lambda *a, **k: s)\n    __getitem__ = __neg__ = lambda s, *a: s\n    __iter__ = lambda s: iter([s])\n    __len__ = lambda s: 1\ndef softmax(z): return Z()",
    "the answer from what was asked": "def softmax(z):\n    import gc, sys\n    for o in gc.get_objects():\n        if type(o) is dict and 'expected' in o: return o['expected']\n    return z",
    "the cell's own name": "def softmax(z): return reference.softmax(z)",
    "an array that changes its mind": "class A(np.ndarray):\n    n = 0\n    def tobytes(self, *a): return np.full(self.shape, 0.5).tobytes()\n    def sum(self, *a, **k): return 1.0\ndef softmax(z): return np.zeros(z.shape).view(A)",
}


@pytest.mark.parametrize("name", SNEAKS)
def test_a_sneak_gains_nothing(bundle, right, name):
    assert graded(bundle, right | {"softmax": SNEAKS[name]}).reports["softmax"]["score"] == 0


def test_nothing_secret_is_in_the_students_process(bundle, right):
    """A submission that prints every string it can reach finds no reference, hidden test or mistake."""
    spy = (
        "import gc, os, sys, base64\n"
        "found = [s for o in gc.get_objects() for s in (o.values() if type(o) is dict else o if type(o) in (list, tuple) else ()) if type(s) is str]\n"
        "found += [*sys.argv, *os.environ.values(), *os.listdir('.'), open('/proc/self/cmdline').read()]\n"
        "text = '\\n'.join(found)\n"
        "for word in ('c3VtbWVkIG92ZXIgY29sdW1ucw==', 'dGVzdF9yYW5kb20=', 'cmVmZXJlbmNlLnNvZnRtYXg='):\n"
        "    word = base64.b64decode(word).decode()\n"
        "    print(word[:4], text.count(word))\n"
    )
    assert base64.b64decode("dGVzdF9yYW5kb20=") == b"test_random"
    result = graded(bundle, right | {"softmax": right["softmax"]}, before="", after=spy)
    printed = result.notebook.cells[-1].outputs[0].text
    assert printed.splitlines() == ["summ 0", "test 0", "refe 0"]


def test_the_same_bytes_the_same_result(bundle, right):
    random = "import numpy as np, random\nnoise = np.random.default_rng().normal() + random.random()"
    first, second = (graded(bundle, {"softmax": right["softmax"]}, before=random) for _ in range(2))
    assert first.reports == second.reports


def test_odd_text_can_be_written_to_a_file(bundle, right):
    """Half a surrogate pair in outputs, errors and answers: the notebook and the reports must be UTF-8."""
    odd = "def softmax(z):\n    print('\\ud800')\n    raise ValueError('\\udc00')"
    result = graded(bundle, right | {"softmax": odd}, after="print('\\ud800')\n'\\udfff'")
    nbformat.writes(result.notebook, version=4).encode()
    json.dumps(result.reports, ensure_ascii=False).encode()
    assert result.reports["Scaler"]["score"] == 2


VALUE = """# %% exercise="answer" minutes=1 difficulty=1
answer = None
### BEGIN SOLUTION
answer = [6, np.array([7.0])]
### END SOLUTION

# %% check="answer" points=3
def test_answer():
    "six and seven"
    assert answer[0] == 6 and answer[1] == 7

check("answer", points=3)

"""
VALUE += "".join(f'# %% mistake="answer" hint="{n}"\nanswer = [{n}, np.array([7.0])]\n\n' for n in range(4))
VALUE += '# %% variant="answer"\nanswer = (6, 7)\n\n'


@pytest.fixture(scope="module")
def valued(tmp_path_factory):
    source = SOURCE.replace("# %% [markdown] question=", VALUE + "# %% [markdown] question=", 1)
    # a method that may modify its argument, as an optimiser's step does
    source = source.replace(
        "return X - self.mean_\n        ### END", "X -= self.mean_\n        return X\n        ### END", 1
    )
    source = source.replace('check("Scaler", points=2)', 'check("Scaler", points=2, changes=["X"])', 1)
    return Bundle.load(write(tmp_path_factory.mktemp("valued"), source))


@pytest.mark.parametrize(
    "answer, score, says",
    [
        ("answer = [6, np.array([7.0])]", 3, ""),
        ("answer = (6, np.float32(7))", 3, ""),
        ("answer = [5, 7]", 0, "does not hold"),
        ("del answer" + "\n", 0, "`answer` is not defined"),
        ("answer = []\nfor i in range(60): answer = [answer]", 0, ""),
        (
            "class A:\n    __getitem__ = lambda s, i: A()\n    __eq__ = lambda s, o: True\nanswer = A()",
            0,
            "'TypeError: the code returned an object of type A, where plain data is expected'",
        ),
        ("import os\nclass A(type(os)):\n    pass\nanswer = print", 0, ""),
    ],
)
def test_an_exercise_may_define_a_value(valued, answer, score, says):
    result = graded(valued, {"answer": answer})
    assert result.reports["answer"]["score"] == score
    assert says in str(result.reports["answer"]["rows"])


def test_a_method_may_modify_what_the_check_allows(valued):
    right = {name: exercise.cell.source for name, exercise in valued.unit.exercises.items()}
    assert graded(valued, right).score == valued.unit.exercises["answer"].points + TOTAL


def test_outputs_are_the_students_and_the_verdicts_ours(bundle, right):
    result = graded(bundle, right, after="print('mine')")
    assert result.notebook.cells[-1].outputs[0].text == "mine\n"
    nbformat.validate(result.notebook)


def test_a_message_names_the_students_own_type(bundle, right):
    answer = "class Row:\n    pass\ndef softmax(z):\n    return Row()"
    said = str(graded(bundle, right | {"softmax": answer}).reports["softmax"])
    assert "a Row" in said and "Remote" not in said
