"""The student's process: cells, stand-ins, probes; and what happens when it misbehaves."""

from __future__ import annotations

import contextlib
import io
import json
import textwrap
import time

import numpy as np
import pytest
import torch

from autograder import sandbox
from autograder.kernel import Kernel, KernelDied, KernelGone, KernelTimeout, Limits, StudentError
from autograder.sandbox import SandboxError
from autograder.standins import RemoteObject
from autograder.warm import Nursery
from gradus.check import assert_close
from gradus.check.asserts import CheckFailure
from gradus.check.guard import Watch, watching

LIMITS = Limits(cell_seconds=20, call_seconds=2)


@pytest.fixture(scope="module", params=["cold", "bubblewrap", "landlock"])
def nursery(request):
    """None for processes that are started cold, in no sandbox; else the warm parent that forks them."""
    if request.param == "cold":
        yield None
        return
    try:
        sandbox.choose(request.param)
    except SandboxError as error:
        pytest.skip(str(error))
    with Nursery.start(request.param, "autograder.student:prepare", preload=["numpy", "torch"]) as started:
        yield started


@pytest.fixture(scope="module")
def shared(nursery):
    kernel = Kernel.start(LIMITS, nursery)
    kernel.run_cell("import numpy as np\nimport torch")
    yield kernel
    kernel.close()


@pytest.fixture
def kernel(shared, nursery):
    """The shared process, or a new one where a test before has killed it."""
    if shared.alive:
        yield shared
        return
    fresh = Kernel.start(LIMITS, nursery)
    fresh.run_cell("import numpy as np\nimport torch")
    yield fresh
    fresh.close()


@pytest.fixture
def doomed(nursery):
    """A process that the test may kill."""
    kernel = Kernel.start(Limits(cell_seconds=1.5, call_seconds=1), nursery)
    kernel.run_cell("import numpy as np")
    yield kernel
    kernel.close()


def run(kernel, source):
    result = kernel.run_cell(textwrap.dedent(source))
    assert not result.died and not result.timed_out
    return result.outputs


def function(kernel, name, *parameters):
    return kernel.stand_ins({name: "function"}, {name: list(parameters)})[name]


def define(kernel, source, name):
    assert run(kernel, source) == []
    return function(kernel, name)


# Cells


def test_streams_and_a_result(kernel):
    out = run(kernel, "import sys\nprint('a')\nprint('b')\nprint('c', file=sys.stderr)\n1 + 1")
    assert [o["output_type"] for o in out] == ["stream", "stream", "display_data"]
    assert out[0]["text"] == "a\nb\n" and out[0]["name"] == "stdout"
    assert out[1]["text"] == "c\n" and out[1]["name"] == "stderr"
    assert out[2]["data"]["text/plain"] == "2"


def test_an_error_is_an_output_and_the_next_cell_runs(kernel):
    out = run(kernel, "1 / 0")
    assert out[0]["output_type"] == "error" and out[0]["ename"] == "ZeroDivisionError"
    assert run(kernel, "print('still here')")[0]["text"] == "still here\n"


def test_a_syntax_error_is_an_output(kernel):
    assert run(kernel, "def f(:\n    pass")[0]["ename"] == "SyntaxError"


def test_pictures_come_and_scripts_do_not(kernel):
    out = run(
        kernel,
        """
        from IPython.display import HTML, Javascript, Image, display
        display(HTML("<script>alert(1)</script>"))
        display(Javascript("alert(1)"))
        display(Image(data=b"\\x89PNG....", format="png"))
        """,
    )
    kinds = {kind for o in out for kind in o["data"]}
    assert kinds <= {"text/plain", "image/png"} and "image/png" in kinds
    assert "alert" not in str(out)


def test_endless_printing_is_cut(kernel):
    out = run(kernel, "for i in range(400000): print('x' * 40)")
    assert 100_000 < sum(len(o["text"]) for o in out) < 3 << 20


def test_magics_do_not_break_a_cell(kernel):
    assert run(kernel, "%matplotlib inline\nprint('ok')")[-1]["text"] == "ok\n"


def test_a_figure_is_a_picture(kernel):
    out = run(kernel, "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    assert any("image/png" in o.get("data", {}) for o in out)


def test_what_is_no_picture_is_none(kernel):
    """A picture's text is put into the feedback page as it stands."""
    evil = '"><script>evil()</script>'
    data = {"image/png": evil, "text/plain": "x"}
    out = run(kernel, f"from IPython.display import display\ndisplay({data!r}, raw=True)")
    assert out[0]["data"] == {"text/plain": "x"}


def test_a_million_outputs_come_to_an_end(kernel):
    show = "display({'text/plain': ''}, raw=True)"
    out = run(kernel, f"from IPython.display import display\nfor i in range(20_000): {show}")
    assert 100 < len(out) <= 2000
    assert run(kernel, "print(1)")[0]["text"] == "1\n"


def test_an_error_whose_text_fails_is_an_error(kernel):
    out = run(
        kernel,
        """
        class Odd(Exception):
            def __str__(self): raise ValueError("no text")
        raise Odd()
        """,
    )
    assert {o["output_type"] for o in out} == {"error"} and len(str(out)) < 20_000
    assert kernel.alive


def test_half_a_surrogate_pair_can_be_printed(kernel):
    """Text that no file could hold would stop the class's grading where its notebook is written."""
    out = run(kernel, "print('\\ud800')\nraise ValueError('\\udfff')")
    json.dumps(out, ensure_ascii=False).encode()
    assert out[0]["text"] == "?\n"
    assert define(kernel, "def f():\n    return '\\ud800'", "f")() == "?"


# Stand-ins


def test_an_argument_may_have_any_name(kernel):
    f = define(kernel, "def f(x, **kwargs):\n    return sorted(kwargs)", "f")
    names = ["args", "function", "kwargs", "name", "op", "self", "target"]
    assert f(1, **dict.fromkeys(names, 2)) == names
    run(kernel, "class C:\n    def f(this, **kwargs): return sorted(kwargs)\n    __call__ = f")
    made = kernel.stand_ins({"C": "class"})["C"]()
    assert made.f(**dict.fromkeys(names, 2)) == made(**dict.fromkeys(names, 2)) == names


def test_a_function_takes_and_gives_plain_data(kernel):
    f = define(kernel, "def f(x, scale=1.0):\n    return {'y': x * scale, 'shape': x.shape}", "f")
    answer = f(np.array([1.0, 2.0]), scale=3.0)
    assert_close(answer, {"y": np.array([3.0, 6.0]), "shape": (2,)})


def test_it_is_always_the_current_definition(kernel):
    f = define(kernel, "def f():\n    return 1", "f")
    assert f() == 1
    run(kernel, "def f():\n    return 2")
    assert f() == 2


def test_tensors_cross(kernel):
    f = define(kernel, "def f(t):\n    return t.relu()", "f")
    assert torch.equal(f(torch.tensor([-1.0, 2.0])), torch.tensor([0.0, 2.0]))


def test_a_class_its_methods_attributes_and_operators(kernel):
    run(
        kernel,
        """
        class Point:
            def __init__(self, x, y=0.0):
                self.x, self.y = x, y
            def moved(self, by):
                return Point(self.x + by, self.y)
            def __add__(self, other):
                return Point(self.x + other.x, self.y + other.y)
            def __mul__(self, k):
                return Point(self.x * k, self.y * k)
            __rmul__ = __mul__
            def __len__(self):
                return 2
            def __getitem__(self, i):
                return (self.x, self.y)[i]
            def __iter__(self):
                return iter((self.x, self.y))
            def __call__(self, z):
                return self.x * z
        """,
    )
    Point = kernel.stand_ins({"Point": "class"})["Point"]
    p = Point(1.0, y=2.0)
    assert isinstance(p, RemoteObject) and p.x == 1.0
    assert (p.moved(3.0) + p).x == 5.0
    assert (2.0 * p).y == 4.0 and (p * 2.0).y == 4.0
    assert len(p) == 2 and p[1] == 2.0 and list(p) == [1.0, 2.0] and p(5.0) == 5.0
    p.x = 9.0
    assert p.x == 9.0


def test_an_object_is_never_equal_and_never_true(kernel):
    run(
        kernel,
        """
        class Yes:
            def __eq__(self, other): return True
            def __bool__(self): return True
            def __array__(self, *a, **k): return np.array([42.0])
            def __float__(self): return 42.0
            __lt__ = __le__ = __gt__ = __ge__ = __eq__
            __hash__ = None
        def answer(): return Yes()
        """,
    )
    yes = function(kernel, "answer")()
    for ask in (
        lambda: yes == 42.0,
        lambda: yes != 1,
        lambda: bool(yes),
        lambda: float(yes),
        lambda: yes < 1,
        lambda: np.asarray(yes),
        lambda: np.allclose(yes, 42.0),
        lambda: 42.0 in yes,
        lambda: assert_close(yes, np.array([42.0])),
    ):
        with pytest.raises((TypeError, CheckFailure)):
            ask()


LIARS = {
    "a str that equals everything": "class S(str):\n    __eq__ = lambda s, o: True\n    __hash__ = str.__hash__\nanswer = lambda: S('wrong')",
    "a float that equals everything": "class F(float):\n    __eq__ = lambda s, o: True\n    __hash__ = None\nanswer = lambda: F(0.5)",
    "a dict with its own equality": "class D(dict):\n    __eq__ = lambda s, o: True\nanswer = lambda: D()",
    "an array subclass": "class A(np.ndarray):\n    __eq__ = lambda s, o: np.True_\nanswer = lambda: np.zeros(2).view(A)",
    "__class__ lies": "class L:\n    __class__ = property(lambda s: np.ndarray)\n    dtype = np.dtype(float)\n    shape = (2,)\nanswer = lambda: L()",
    "a tuple subclass": "class T(tuple):\n    __eq__ = lambda s, o: True\nanswer = lambda: T((1, 2))",
}


@pytest.mark.parametrize("name", LIARS)
def test_a_liar_arrives_as_data_or_not_at_all(kernel, name):
    """Whatever arrives has a builtin type of this process, or is a stand-in that nothing is equal to."""
    run(kernel, LIARS[name])
    found = function(kernel, "answer")()
    if isinstance(found, RemoteObject):
        with pytest.raises(TypeError):
            _ = found == 42
    else:
        assert type(found) in (str, float, dict, np.ndarray, tuple)
        assert not np.array_equal(found, [1.0, 1.0])


def test_callbacks_go_there_and_back(kernel):
    f = define(kernel, "def numeric(f, x, h):\n    return (f(x + h) - f(x - h)) / (2 * h)", "numeric")
    seen = []

    def cube(x):
        seen.append(x)
        return x**3

    assert f(cube, 2.0, 0.1) == pytest.approx(12.01)
    assert seen == [2.1, 1.9]


def test_a_callback_that_raises_raises_here(kernel):
    f = define(kernel, "def call(f):\n    return f(1)", "call")

    class Ours(Exception):
        pass

    def bad(x):
        raise Ours("from the test")

    with pytest.raises(Ours):
        f(bad)


def test_a_change_in_place_comes_back(kernel):
    f = define(kernel, "def add_one(x):\n    x += 1", "add_one")
    x = np.zeros(3)
    f(x)
    assert x.tolist() == [1.0, 1.0, 1.0]
    with watching(Watch()), pytest.raises(CheckFailure, match="in place"):
        f(x)
    with watching(Watch(["argument 0"])):
        f(x)


def changes(kernel, body, *args, **kwargs):
    """Call a function with `body` whose arguments are `a`, `b` and `c`."""
    f = define(kernel, f"def change(a, b=None, c=None):\n    {body}", "change")
    return f(*args, **kwargs)


def test_changes_come_back_from_wherever_they_are(kernel):
    """In keyword arguments, and inside lists, tuples and dictionaries: the very objects that the test holds."""
    x, y, t = np.zeros(2), np.zeros(2), torch.zeros(2)
    changes(kernel, "a[0][0] += 1; b['y'] -= 1; c[0].add_(5)", ([x],), b={"y": y}, c=(t,))
    assert x.tolist() == [1, 1] and y.tolist() == [-1, -1] and t.tolist() == [5, 5]
    names, settings = ["a"], {"lr": 0.1}
    changes(kernel, "a.append('b'); b['lr'] = 1.0; b['new'] = [c]", names, settings, c=3)
    assert names == ["a", "b"] and settings == {"lr": 1.0, "new": [3]}


def test_a_list_that_is_given_other_arrays_leaves_the_old_ones_alone(kernel):
    x, y = np.zeros(2), np.ones(2)
    both = [x, y]
    changes(kernel, "a[0], a[1] = a[1], a[0] + 7", both)
    assert both[0].tolist() == [1, 1] and both[1].tolist() == [7, 7]
    assert x.tolist() == [0, 0] and y.tolist() == [1, 1]


def test_a_generator_is_moved_on(kernel):
    rng, twin = np.random.default_rng(3), np.random.default_rng(3)
    assert changes(kernel, "return a['rng'].normal()", {"rng": rng}) == twin.normal()
    assert rng.normal() == twin.normal()


def test_an_object_of_theirs_among_the_arguments_stays_theirs(kernel):
    run(kernel, "class Bag(list): pass\nbag = [1, 2]\ndef make(): return Bag([3])")
    bag, x = function(kernel, "make")(), np.zeros(1)
    changes(kernel, "b += 1; a.append(4)", bag, x)
    assert x.tolist() == [1] and list(bag) == [3, 4]
    named = function(kernel, "bag")  # a list there, a stand-in here
    changes(kernel, "b += 1; a.append(3)", named, x)
    assert x.tolist() == [2]


def test_what_cannot_be_written_to_cannot_be_changed(kernel):
    x = np.zeros(2)
    x.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        changes(kernel, "a += 1", x)
    assert kernel.alive


def test_methods_are_watched_as_in_a_notebook(kernel):
    """By the argument's name, so that `changes=` allows it; what no exercise defines is not watched."""
    run(
        kernel,
        """
        class Optimiser:
            def step(self, params): params[0] -= 1
            def loop(self):
                def inner(x): x += 1
                return inner
        """,
    )
    made = kernel.stand_ins({"Optimiser": "class"}, {"Optimiser.step": ["params"]})["Optimiser"]()
    x = np.zeros(2)
    with watching(Watch()) as watch:
        with pytest.raises(CheckFailure, match=r"`Optimiser.step` changed its argument `params` in place"):
            made.step(x)
        assert watch.call.startswith("Optimiser.step(")
        made.loop()(x)  # not refused, but what nobody watches changes nothing here: hidden inputs could be made zeros
        assert x.tolist() == [-1, 0]
    with watching(Watch(["params"])):
        made.step(x)
        made.loop()(x)
    assert x.tolist() == [-1, 1]


def test_a_random_stream_moves_on_but_is_not_replaced(kernel):
    rng, twin = np.random.default_rng(3), np.random.default_rng(3)
    with watching(Watch()):
        changes(kernel, "a.normal(size=2)", rng)
    twin.normal(size=2)
    assert rng.normal() == twin.normal()
    zeros = "s = a.bit_generator.state; s['state'] = {'state': 0, 'inc': 0}; a.bit_generator.state = s"
    changes(kernel, zeros, rng)
    assert rng.normal() == twin.normal()


def test_what_was_printed_before_an_exception_is_kept(kernel):
    f = define(kernel, "def f():\n    print('so far')\n    raise ValueError", "f")
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), pytest.raises(ValueError):
        f()
    assert shown.getvalue() == "so far\n"


def test_a_callbacks_exception_that_they_catch_is_theirs(kernel):
    body = "try:\n        a()\n    except Exception:\n        raise KeyError('mine')"

    def bad():
        raise ZeroDivisionError("from the test")

    with pytest.raises(KeyError, match="mine"):
        changes(kernel, body, bad)
    with pytest.raises(ZeroDivisionError, match="from the test"):
        changes(kernel, "return a()", bad)
    with pytest.raises(IndexError):
        changes(kernel, "return a[1]", [])


def test_calls_without_end_between_both_sides_stop(kernel):
    f = define(kernel, "def f(g):\n    return g(g)", "f")

    def again(g):
        return f(again)

    with pytest.raises(RecursionError, match="nested too deeply"):
        f(again)
    assert run(kernel, "print(1)")[0]["text"] == "1\n"


@pytest.mark.parametrize(
    "answer",
    ["np.zeros((9 << 20))", "list(range(2_100_000))", "1 << 30_000", "['x' * (33 << 20)] * 2"],
    ids=["array", "items", "digits", "text"],
)
def test_an_answer_too_large_is_an_error_of_one_call(kernel, answer):
    with pytest.raises(Exception, match=r"sent|part") as error:
        define(kernel, f"def f():\n    return {answer}", "f")()
    assert not isinstance(error.value, KernelGone)
    assert run(kernel, "print(1)")[0]["text"] == "1\n"


def test_exceptions_keep_their_type_text_and_line(kernel):
    f = define(kernel, "def f(x):\n    if x < 0:\n        raise ValueError(f'x is {x}')\n    return [][3]", "f")
    with pytest.raises(ValueError, match="x is -1") as error:
        f(-1)
    assert any("raise ValueError" in line for line in error.value.student_lines)
    with pytest.raises(IndexError):
        f(1)


def test_an_exception_class_of_their_own_is_named(kernel):
    f = define(kernel, "class Mine(Exception): pass\ndef f():\n    raise Mine('mine')", "f")
    with pytest.raises(StudentError, match="mine") as error:
        f()
    assert error.value.student_type == "Mine"


def test_a_name_that_is_not_there(kernel):
    with pytest.raises(NameError):
        function(kernel, "nobody_wrote_this")()


def test_recursion_without_end_is_an_exception(kernel):
    f = define(kernel, "def f(n):\n    return f(n + 1)", "f")
    with pytest.raises(RecursionError):
        f(0)
    assert kernel.alive


def test_system_exit_is_an_exception_not_an_end(kernel):
    f = define(kernel, "import sys\ndef f():\n    sys.exit(0)", "f")
    with pytest.raises(Exception) as error:
        f()
    assert not isinstance(error.value, SystemExit)
    assert run(kernel, "print('here')")[0]["text"] == "here\n"


def test_a_probe_runs_beside_the_students_code(kernel):
    run(kernel, "class Counter:\n    def __init__(self):\n        self._secret = {'n': 3}")

    def state(k):
        return Counter()._secret["n"] + k  # noqa: F821

    assert kernel.inside(state)(4) == 7


def test_generators_and_iterators(kernel):
    f = define(kernel, "def batches(n):\n    for i in range(n):\n        yield np.full(2, float(i))", "batches")
    assert [b.tolist() for b in f(3)] == [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]


# Misbehaviour


def test_an_endless_cell_is_stopped(doomed):
    start = time.monotonic()
    assert doomed.run_cell("while True: pass").timed_out
    assert time.monotonic() - start < 10
    with pytest.raises(KernelGone):
        function(doomed, "f")()


def test_an_endless_cell_that_ignores_signals_is_stopped(doomed):
    assert doomed.run_cell(
        "import signal\nfor s in (2, 15): signal.signal(s, signal.SIG_IGN)\n"
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
    ).timed_out


def test_an_endless_call_is_stopped(doomed):
    doomed.run_cell("def f():\n    while True: pass")
    with pytest.raises(KernelTimeout, match="endless"):
        function(doomed, "f")()


def test_a_dead_process_is_noticed(doomed):
    doomed.run_cell("import os\ndef f():\n    os._exit(0)")
    with pytest.raises(KernelDied):
        function(doomed, "f")()


@pytest.mark.parametrize("how", ["os._exit(0)", "os.kill(os.getpid(), 9)", "ctypes.string_at(0)"])
def test_a_cell_that_ends_the_process(doomed, how):
    assert doomed.run_cell(f"import os, ctypes\n{how}").died


def test_garbage_on_the_wire_is_death_not_belief(doomed):
    """A student who finds the socket may write to it what he likes: no answer of his making is taken for more than data."""
    doomed.run_cell(
        "import os, stat\n"
        "def f():\n"
        "    for fd in range(3, 64):\n"
        "        try:\n"
        "            if stat.S_ISSOCK(os.fstat(fd).st_mode): os.write(fd, b'\\xff' * 64)\n"
        "        except OSError: pass\n"
        "    return 1\n"
    )
    with pytest.raises(KernelGone):
        function(doomed, "f")()


def forge(kernel, answer):
    """Let student code answer every later request in the place of our own."""
    found = kernel.run_cell(
        "import gc, json, sys\ndef f(x): pass\n"
        "student = sys.modules.get('autograder.student')  # in a warm child; in a cold process it was the main module\n"
        "served = student.Server if student else next(type(o) for o in gc.get_objects() if type(o).__name__ == 'Server')\n"
        f"served._answer = lambda self, message: {answer}"
    )
    assert found.outputs == [] and not found.died


FORGED = {
    "no answer": "7",
    "no map": "[1]",
    "nothing in it": "{}",
    "an unknown tag": "{'value': ['pickle', 1], 'changed': []}",
    "too much": "{'value': ['range', 0, 10**15, 1], 'changed': []}",
    "changes of a number": "{'value': 1, 'changed': 7}",
    "changes of what is not there": "{'value': 1, 'changed': [[99, 1]]}",
    "changes by name": "{'value': 1, 'changed': [['x', 1]]}",
    "changes of nothing": "{'value': 1, 'changed': [[]]}",
    "a callback that nobody gave": "{'callback': 12345, 'args': ['list', []], 'kwargs': ['dict', []]}",
    "a callback by name": "{'callback': 'open', 'args': ['list', []], 'kwargs': ['dict', []]}",
    "a handle of text": "{'value': ['handle', 'x', 'y', True], 'changed': []}",
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_answer_is_death_not_belief(doomed, name):
    """Student code that answers in the place of ours: nothing but KernelGone, whatever it sends."""
    forge(doomed, FORGED[name])
    with pytest.raises(KernelGone):
        function(doomed, "f")(np.zeros(2))
    assert not doomed.alive


FORGED_ERRORS = [
    "7",
    "[1, 2, 3]",
    "['ValueError', 'x']",
    "['SystemExit', 'x', []]",
    "['KeyboardInterrupt', '', 7]",
    "[{}, [], {}]",
]


@pytest.mark.parametrize("error", FORGED_ERRORS)
def test_a_forged_error_is_an_exception(doomed, error):
    forge(doomed, f"{{'error': {error}, 'printed': [1], 'changed': 3}}")
    with pytest.raises(Exception) as raised:
        function(doomed, "f")(np.zeros(2))
    assert isinstance(raised.value, Exception) and not isinstance(raised.value, KernelGone)


FORGED_OUTPUTS = {
    "deep": "'[' * 100_000",
    "no list": "'7'",
    "no JSON": "'x'",
    "bytes": "b'[]'",
    "much": "'[' + '[],' * (8 << 20) + '[]]'",
    "no kind": "'[{}]'",
    "data of text": """'[{"output_type": "display_data", "data": "x"}]'""",
    "a traceback of a number": """'[{"output_type": "error", "ename": "", "evalue": "", "traceback": 3}]'""",
}


@pytest.mark.parametrize("name", FORGED_OUTPUTS)
def test_forged_outputs_are_death(doomed, name):
    forge(doomed, f"{{'outputs': {FORGED_OUTPUTS[name]}}}")
    result = doomed.run_cell("1")
    assert result.died and result.outputs == []


def test_forged_outputs_are_cleaned(doomed):
    forged = [
        {"output_type": "execute_result", "data": {"text/plain": "5.0", "text/html": "<script>"}, "metadata": {"x": 1}},
        {"output_type": "stream", "name": "evil", "text": ["x"]},
    ] * 2000
    forge(doomed, f"{{'outputs': json.dumps({forged!r})}}")
    out = doomed.run_cell("1").outputs
    assert len(out) == 2000
    assert {o["output_type"] for o in out} == {"display_data", "stream"} and "script" not in str(out)
    assert out[1]["name"] == "stdout"


def test_folders_a_thousand_deep_are_removed(nursery):
    if nursery is not None and nursery.inside:
        pytest.skip("the folder lies in memory and goes with the process")
    kernel = Kernel.start(LIMITS, nursery)
    run(kernel, "import os\nfor i in range(1500):\n    os.mkdir('d' * 50)\n    os.chdir('d' * 50)")
    kernel.close()
    assert not kernel.process.folder.exists()
    kernel.close()  # a second time is no error


def test_too_much_memory_is_the_students_exception(nursery):
    kernel = Kernel.start(Limits(cell_seconds=20, call_seconds=5, memory_bytes=2 << 30), nursery)
    try:
        out = kernel.run_cell("x = bytearray(8 << 30)").outputs
        assert out[0]["ename"] == "MemoryError"
        assert kernel.run_cell("print(1)").outputs[0]["text"] == "1\n"
    finally:
        kernel.close()


def test_a_file_too_large_is_refused_and_its_folder_goes(nursery):
    kernel = Kernel.start(Limits(cell_seconds=20, file_bytes=1 << 20), nursery)
    kernel.run_cell("open('big', 'wb').write(b'x' * (8 << 20))")
    folder = kernel.process.folder
    kernel.close()
    assert folder is None or not folder.exists()


def test_its_children_end_with_it():
    kernel = Kernel.start(LIMITS)
    out = run(kernel, "import subprocess\np = subprocess.Popen(['sleep', '300'])\nprint(p.pid)")
    pid = int(out[0]["text"])
    kernel.close()
    time.sleep(0.2)
    try:
        with open(f"/proc/{pid}/stat") as file:
            assert file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        pass
