"""Tampering is undone, and the instructor hears of it; honest work gives no cause."""

from __future__ import annotations

import pytest

from autograder.bundle import Bundle
from autograder.examine import examine
from autograder.intake import read_cells, rebuild
from autograder.kernel import Kernel, Limits
from autograder.release import filled, solved_notebook, to_text

from .tiny import SOURCE, write

LIMITS = Limits(cell_seconds=20, call_seconds=10, total_seconds=60)

DONE = {
    "numpy": ("import numpy as np\nnp.allclose = lambda *a, **k: True", "patched in numpy: allclose"),
    "builtins": ("import builtins\nbuiltins.abs = lambda x: 0", "patched in builtins: abs"),
    "time": ("import time\ntime.sleep = print\ndel time.monotonic", "patched in time: monotonic, sleep"),
    "checks": (
        "import gradus.check\ngradus.check.check = lambda *a, **k: 4.0\nfrom gradus.check.report import Report\n"
        "Report.score = property(lambda self: 4.0)\nReport.headline = lambda self: 'fine'",
        "patched in gradus.check.report.Report: headline",
    ),
    "grader": ("import autograder.student as s\ns.Server._answer = lambda *a: {}", None),
    "module": ("import sys, types\nsys.modules['numpy'] = types.ModuleType('numpy')", "the module numpy was replaced"),
    "finder": (
        "import sys\nclass Finder:\n    def find_spec(self, *a): return None\nsys.meta_path.insert(0, Finder())",
        "a hook on sys.meta_path",
    ),
    "trace": ("import sys\ndef look(*a): return None\nsys.setprofile(look)", "a hook on sys.setprofile"),
    "event": (
        "def later(*a): pass\nget_ipython().events.register('post_run_cell', later)",
        "a hook on IPython's event post_run_cell",
    ),
    "input": (
        "def other(lines): return lines\nget_ipython().input_transformers_post.append(other)",
        "a hook on IPython's input",
    ),
    "shell": ("def run(*a, **k): pass\nget_ipython().showtraceback = run", "a hook on IPython's shell"),
    "signal": ("import signal\ndef no(*a): pass\nsignal.signal(signal.SIGTERM, no)", "a hook on the signal"),
    "thread": (
        "import threading\ndef wait():\n    import time\n    time.sleep(60)\n"
        "threading.Thread(target=wait, daemon=True).start()",
        "1 thread still running at the end",
    ),
    "process": ("import subprocess\nleft = subprocess.Popen(['sleep', '60'])", "1 process still running at the end"),
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return Bundle.load(write(tmp_path_factory.mktemp("evidence")))


def found(source):
    kernel = Kernel.start(LIMITS)
    try:
        result = kernel.run_cell(source)
        assert not result.died and not [o for o in result.outputs if o["output_type"] == "error"], result.outputs
        return kernel.evidence()
    finally:
        kernel.close()


@pytest.mark.parametrize("name", DONE)
def test_what_was_done_to_the_process_is_found(name):
    source, line = DONE[name]
    lines = found(source)
    assert line is None or any(text.startswith(line) for text in lines), lines
    assert len(lines) <= 3 and (lines or line)


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nnp.random.seed(0)\nx = np.ones(3)\nabs = 3\nsum = lambda x: 1",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()",
        "get_ipython().run_line_magic('matplotlib', 'inline')\nimport matplotlib.pyplot as plt\nplt.plot([1])",
        "from tqdm.auto import tqdm\nfor i in tqdm(range(3)): pass",
        "import torch\nx = torch.ones(3, requires_grad=True)\nx.sum().backward()\n"
        "class Net(torch.nn.Module):\n    def forward(self, x): return x\nNet()(x)",
        "import subprocess\nsubprocess.run(['true'])",
        "import threading\ndef work(): pass\nt = threading.Thread(target=work); t.start(); t.join()",
        "import warnings\nwarnings.simplefilter('ignore')\nwith warnings.catch_warnings(): pass",
        "import gradus.plot, gradus.widgets\nfrom gradus import data",
        "import sys\nsys.setrecursionlimit(5000)\nimport pandas" if __import__("importlib.util").util.find_spec("pandas")
        else "import sys\nsys.setrecursionlimit(5000)",
        "1 / 1\nprint(_)\n%timeit -n1 -r1 1",
    ],
)  # fmt: skip
def test_ordinary_cells_give_no_cause(source):
    assert found(source) == []


@pytest.mark.parametrize("answer", [{"evidence": 5}, {"evidence": None}, {}, {"evidence": [1, "a\x1b[0m" * 500] * 40}])
def test_an_answer_is_taken_as_data(answer, monkeypatch):
    kernel = Kernel.start(LIMITS)
    monkeypatch.setattr(kernel, "_exchange", lambda *_: answer)
    lines = kernel.evidence()
    kernel.close()
    assert 1 <= len(lines) <= 20 and all(len(line) <= 300 and line.isprintable() for line in lines)


def test_a_process_that_does_not_answer_costs_nothing(bundle, monkeypatch):
    monkeypatch.setattr("autograder.kernel.EVIDENCE_SECONDS", 1.0)
    right = {name: exercise.cell.source for name, exercise in bundle.unit.exercises.items()}
    mute = "\nimport autograder.student as s, time\ns.Server._evidence = lambda self: time.sleep(100)"
    first, *_ = right
    result = examine(to_text(filled(bundle.release, right | {first: right[first] + mute})).encode(), bundle, LIMITS)
    assert (result.score, result.outcome) == (6, "graded")
    assert "the process did not answer" in result.evidence[0] and result.evidence[0] in result.notes


def edited(bundle, change, today=None):
    notebook = filled(bundle.release, {n: e.cell.source for n, e in bundle.unit.exercises.items()})
    for cell in notebook.cells:
        change(cell)
    return rebuild((today or bundle).release, to_text(notebook).encode())


def test_an_honest_notebook_gives_no_cause(bundle):
    assert rebuild(bundle.release, to_text(solved_notebook(bundle.unit)).encode()).evidence == []
    assert edited(bundle, lambda cell: None).evidence == []
    assert edited(bundle, lambda cell: cell.metadata.clear()).evidence == []  # some programs drop it all
    assert edited(bundle, lambda cell: cell.metadata.update(colab={}, id="x", tags=["mine"])).evidence == []


def test_a_check_that_was_mended_since_it_was_handed_out_is_no_tampering(bundle, tmp_path):
    """nbgrader's checksum in the cell says that the student did not touch it. Tags are in no checksum."""
    source = SOURCE.replace("[[0.25, 0.75]]", "[[0.26, 0.74]]").replace("points=4", "points=5")
    earlier = Bundle.load(write(tmp_path, source))
    handed_out = edited(earlier, lambda cell: None, bundle)
    assert handed_out.evidence == []
    assert handed_out.notes == ["cell check-softmax is that of an earlier hand-out: today's was used"]
    [check] = [cell for cell in handed_out.notebook.cells if cell.id == "check-softmax"]
    assert "[[0.25, 0.75]]" in check.source and check.metadata.nbgrader.points == 4

    def touched(cell):
        if cell.id == "check-softmax":
            cell.source += "\n4.0"

    def tagged(cell):
        if cell.id == "check-softmax":
            cell.metadata["tags"] = ["skip-execution"]

    assert "cell check-softmax was edited: the hand-out's was used" in edited(earlier, touched, bundle).evidence
    assert ["skip-execution" in line for line in edited(earlier, tagged, bundle).evidence] == [True]


def test_every_check_that_is_handed_out_is_sealed(bundle):
    from nbgrader.utils import compute_checksum

    found = {cell.grade_id: cell for cell in read_cells(to_text(bundle.release).encode())}
    checks = [cell for cell in bundle.release.cells if cell.id.startswith("check-")]
    assert len(checks) == 2
    for cell in checks:
        assert found[cell.id].sealed and cell.metadata.nbgrader.checksum == compute_checksum(cell)


def test_edited_checks_marks_and_tags_are_told(bundle):
    def check(cell):
        if cell.id.startswith("check-softmax"):
            cell.source = "4.0"
            cell.metadata.nbgrader.points = 400
            cell.metadata.nbgrader.locked = False
            cell.metadata["tags"] = ["raises-exception"]

    rebuilt = edited(bundle, check)
    assert len(rebuilt.evidence) == 2 and set(rebuilt.evidence) <= set(rebuilt.notes)
    assert "cell check-softmax was edited: the hand-out's was used" in rebuilt.evidence
    [marks] = [line for line in rebuilt.evidence if "marks" in line]
    assert "check-softmax" in marks and "points, locked, raises-exception" in marks
    release = {cell.id: cell for cell in bundle.release.cells}
    for cell in rebuilt.notebook.cells:
        if cell.id.startswith("check-"):
            assert (cell.source, cell.metadata.nbgrader) == (
                release[cell.id].source,
                release[cell.id].metadata.nbgrader,
            )
