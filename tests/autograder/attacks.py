"""Submissions that attack the grader: what each does, how it must end, and what its honest part earns.

In the text of a cell `@FILES@` stands for a list of paths outside that hold a secret, `@PORT@` for that of a server on
this machine, `@ABSTRACT@` for the name of an abstract socket, `@PID@` for the number of a process outside, and
`@MARK@` for a word by which files and processes that an attack leaves are recognised.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ALL, SCALER, NOTHING = 6.0, 2.0, 0.0  # points of an honest submission; of its second exercise; of none

# No right value in it: what gives these answers a point has cheated.
WRONG = """
class Scaler:
    fit = transform = lambda self, X: self
    mean_ = 0.5
def softmax(z):
    return np.zeros((1, 1)) + 0.123
"""

TRY = """
import os, sys, socket, ctypes, subprocess, threading, time, gc
def attempt(action):
    try:
        print(action())
    except BaseException as error:
        print(type(error).__name__, error)
"""

# the student's end of the wire, by its descriptor: neither frames nor the garbage collector lead to the server
SERVER = """
import autograder.student as student, autograder.wire as wire, os, socket, stat
def is_socket(number):
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False
server = student.Server.__new__(student.Server)
server.channel = wire.Channel(socket.socket(fileno=next(filter(is_socket, range(3, 1024)))))
"""
WIRE = SERVER + "import os, struct, time, threading, msgpack\nfd = server.channel.sock.fileno()\n"


@dataclass(frozen=True)
class Attack:
    """One hostile submission. Exercises that `answers` does not name are answered honestly."""

    name: str
    family: str  # "process", "outside", "examiner", "wire" or "intake"
    answers: dict[str, str]
    before: str  # a cell ahead of the exercises
    after: str  # a cell at the end
    edit: Callable[[dict[str, Any]], bytes | None] | None  # changes the whole notebook, or puts bytes in its place
    outcomes: tuple[str, ...]
    earns: float
    says: str  # somewhere in the outputs, reports or notes


ATTACKS: list[Attack] = []


def _attack(
    name: str,
    family: str,
    *,
    answers: dict[str, str] | None = None,
    before: str = "",
    after: str = "",
    edit: Callable[[dict[str, Any]], bytes | None] | None = None,
    outcome: str | tuple[str, ...] = "graded",
    earns: float = ALL,
    says: str = "",
) -> None:
    outcomes = (outcome,) if isinstance(outcome, str) else outcome
    ATTACKS.append(Attack(name, family, answers or {}, before, after, edit, outcomes, earns, says))


def _cell(name: str, source: str, outcome: str | tuple[str, ...] = "graded", says: str = "") -> None:
    """A cell that misbehaves in a notebook whose answers are right."""
    _attack(name, "process", before=source, outcome=outcome, says=says)


def _outside(name: str, source: str, says: str = "") -> None:
    """A cell that reaches out of the sandbox, prints what it got, and stands beside right answers."""
    _attack(name, "outside", before=TRY + source, outcome="graded", says=says)


def _forger(name: str, source: str, family: str = "process", outcome: str | tuple[str, ...] = "graded") -> None:
    """A cell that forges verdicts, with answers that are wrong."""
    _attack(name, family, answers={"softmax": WRONG, "Scaler": WRONG}, before=source, outcome=outcome, earns=NOTHING)


def _answer(
    name: str,
    source: str,
    earns: float = SCALER,
    outcome: str | tuple[str, ...] = "graded",
    says: str = "",
    family: str = "examiner",
) -> None:
    """A lying `softmax`; the other exercise is answered honestly."""
    _attack(name, family, answers={"softmax": source}, outcome=outcome, earns=earns, says=says)


# --- the student's process ---------------------------------------------------------------------------------------

_cell("endless loop", "while True: pass", "timeout", "endless loop")
_cell("endless sleep", "import time; time.sleep(1e6)", "timeout", "endless loop")
_cell(
    "loop that swallows every exception",
    "import signal\nfor n in signal.valid_signals():\n    try: signal.signal(n, signal.SIG_IGN)\n"
    "    except (OSError, ValueError): pass\nwhile True:\n    try:\n        while True: pass\n"
    "    except BaseException: pass",
    "timeout",
    "endless loop",
)
_cell(
    "fork bomb",
    "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    ("died", "timeout", "memory"),
    "KernelStopped",
)
_cell("memory bomb", "hoard = [bytearray(1 << 20) for _ in range(100_000)]", says="MemoryError")
_cell(
    "memory bomb in many processes",
    "import os, time\nfor _ in range(12):\n    if not os.fork():\n        hoard = bytearray(os.urandom(1 << 20)) * 120\n"
    "        time.sleep(60)\ntime.sleep(60)",
    ("memory", "timeout", "died"),
    "KernelStopped",
)
_cell(
    "thread bomb",
    "import threading, time\nfor _ in range(5000): threading.Thread(target=time.sleep, args=(99,), daemon=True).start()",
    says="RuntimeError",
)
_cell("output flood", "for _ in range(300): print('x' * 1_000_000)")
_cell(
    "a million displays",
    "from IPython.display import display\nfor i in range(50_000): display(i)",
    ("graded", "timeout"),
)
_cell("huge repr", "class R:\n    __repr__ = lambda self: 'x' * 60_000_000\nR()")
_cell(
    "repr that never ends",
    "class R:\n    def __repr__(self):\n        while True: pass\nR()",
    "timeout",
    "endless loop",
)
_cell(
    "deep recursion",
    "import sys\nsys.setrecursionlimit(10**9)\ndef f(): return f()\nf()",
    ("died", "graded", "memory", "timeout"),
)
_cell("segfault", "import ctypes; ctypes.string_at(0)", "died", "ended the Python process")
_cell("abort", "import os; os.abort()", "died", "ended the Python process")
_cell("os._exit", "import os; os._exit(0)", "died", "ended the Python process")
_cell("kill -9 of everything", "import os; os.kill(-1, 9)", ("died", "graded"))
_cell(
    "kill of the parent",
    "import os\nfor n in (os.getppid(), 1, os.getsid(0), -os.getpgid(0)):\n    try: os.kill(n, 9)\n    except OSError as e: print(e)",
    ("died", "graded"),
)
_cell("sys.exit in a thread and here", "import sys, threading\nthreading.Thread(target=sys.exit).start()\nsys.exit(3)")
_cell("exit hooks", "import atexit, os\natexit.register(lambda: os.kill(-1, 9))\nexit()")
_cell(
    "daemon by double fork",
    "import os, time\nif not os.fork():\n    os.setsid()\n    if not os.fork():\n        time.sleep(9999)\n    os._exit(0)",
)
_cell(
    "a program in the background",
    "import subprocess\nsubprocess.Popen(['sleep', '9999@MARK@'.strip('@MARK@') + '.25'], start_new_session=True)\nopen('@MARK@', 'w').write('x')",
)
_cell(
    "threads that stay",
    "import threading\ndef spin():\n    while True: pass\nfor _ in range(3): threading.Thread(target=spin, daemon=True).start()",
)
_cell(
    "an alarm that raises at every moment",
    "import signal\ndef ring(*a): raise RuntimeError('ring')\nsignal.signal(signal.SIGALRM, ring)\nsignal.setitimer(signal.ITIMER_REAL, 60, 0.001)",
)
_cell(
    "garbage collection with a trap",
    "import gc\nclass T:\n    def __del__(self): raise SystemExit\nfor _ in range(1000): T()\ngc.set_threshold(1)\ngc.callbacks.append(lambda *a: None)",
)
_cell(
    "full disk",
    "try:\n    with open('@MARK@big', 'wb') as f:\n        for _ in range(10_000): f.write(bytes(1 << 20))\nexcept OSError as e: print('refused', e)",
    says="refused",
)
_cell(
    "many files",
    "n = 0\ntry:\n    for n in range(100_000): open(f'@MARK@{n}', 'w').close()\nexcept OSError as e: print('refused', e)",
    says="refused",
)
_cell(
    "sparse file",
    "try:\n    with open('@MARK@', 'wb') as f: f.truncate(1 << 42)\nexcept OSError as e: print('refused', e)",
    says="refused",
)
_cell("folders a thousand deep", "import os\nfor _ in range(2000):\n    os.mkdir('@MARK@'); os.chdir('@MARK@')")
_cell(
    "cell magic to a shell",
    "%%script bash\necho from bash; (sleep 9999.25 > /dev/null 2>&1 &) ; exit 0",
    says="from bash",
)
_cell(
    "its own limits raised",
    "import resource\nfor n in range(16):\n    try: resource.setrlimit(n, (resource.RLIM_INFINITY,) * 2)\n    except (OSError, ValueError): print('refused')",
    says="refused",
)

_forger(
    "patched numpy",
    "import numpy as np\nnp.allclose = np.isclose = np.array_equal = lambda *a, **k: True\nnp.asarray = lambda *a, **k: np.zeros(1)\nnp.testing.assert_allclose = lambda *a, **k: None",
)
_forger(
    "patched builtins",
    "import builtins\nbuiltins.abs = builtins.sum = builtins.float = lambda *a: 0\nbuiltins.AssertionError = builtins.StopIteration\nbuiltins.all = lambda *a: True",
)
_forger(
    "patched clocks and streams",
    "import time, random, numpy as np\ntime.monotonic = time.time = lambda: 0.0\nrandom.random = lambda: 4.0\nnp.random.default_rng = lambda *a: None",
)
_forger(
    "patched gradus",
    "import gradus.check.asserts as a, gradus.check.run as r, gradus.check.report as p\na.assert_close = lambda *x, **k: None\nr.run_cell_tests = r.run_tests = None\np.Report.score = property(lambda s: s.points)",
)
_forger(
    "patched modules",
    "import sys\nfor name in list(sys.modules):\n    if name.startswith('gradus'): sys.modules[name] = None",
)
_forger(
    "import hook",
    "import sys\nclass Finder:\n    def find_spec(self, name, *a): raise SystemExit\nsys.meta_path.insert(0, Finder())\nsys.path_hooks.clear()\nsys.path_importer_cache.clear()",
)
_forger(
    "settrace",
    "import sys, threading\ndef trace(frame, event, arg):\n    frame.f_locals.update(expected=0, score=4)\n    return trace\nsys.settrace(trace)\nthreading.settrace(trace)\nsys.setprofile(trace)",
)
_forger("display hook with points", "import sys\nsys.displayhook = lambda value: print(4.0)\nsys.displayhook(4.0)\n4.0")
_forger(
    "IPython events",
    "ip = get_ipython()\nfor event in ('pre_execute', 'post_execute', 'pre_run_cell', 'post_run_cell'):\n    ip.events.register(event, lambda *a: globals().update(check=print, assert_close=print))",
)
_forger(
    "IPython's transformers",
    "import ast\nclass T(ast.NodeTransformer):\n    def visit_Assert(self, node): return ast.Pass()\nget_ipython().ast_transformers.append(T())\nget_ipython().input_transformers_cleanup.append(lambda lines: ['4.0\\n'])",
)
_forger("IPython's run_cell", "ip = get_ipython()\nip.run_cell = ip.run_cell_async = lambda *a, **k: 4.0")
_forger(
    "modules of its own",
    "for name in ('numpy', 'gradus', 'sitecustomize', 'usercustomize', 'autograder', 'msgpack', 'json'):\n    open(name + '.py', 'w').write('import os; os._exit(0)')\nimport os\nos.makedirs('.ipython/profile_default/startup', exist_ok=True)\nopen('.ipython/profile_default/startup/00.py', 'w').write('check = print')",
)
_forger(
    "own check and reference",
    "def check(*a, **k): return 4.0\ndef assert_close(*a, **k): pass\nclass reference: softmax = staticmethod(lambda z: np.zeros((1, 1)) + 0.123)",
)

# --- out of the sandbox ------------------------------------------------------------------------------------------

_outside("files of others", "for path in @FILES@:\n    attempt(lambda: open(path).read())", "FileNotFoundError")
_outside(
    "writing to the files of others",
    "for path in @FILES@:\n    attempt(lambda: open(path, 'w').write('pwned'))\n    attempt(lambda: os.unlink(path))",
)
_outside(
    "links to the files of others",
    "for i, path in enumerate(@FILES@):\n    os.symlink(path, f'@MARK@{i}')\n    attempt(lambda: open(f'@MARK@{i}').read())\n    attempt(lambda: os.link(path, f'@MARK@hard{i}'))\n    attempt(lambda: open('/proc/1/root' + path).read())\n    attempt(lambda: open(f'/proc/{os.getppid()}/cwd' + path).read())",
)
_outside(
    "the whole tree searched",
    "import glob\nfor top in ('/tmp', '/dev/shm', '/root', '/home', '/work', '/srv', '/var', '/run', '/mnt', '/opt'):\n    for folder, _, names in os.walk(top):\n        if '/site-packages' in folder or '/lib/python' in folder: continue\n        for name in names:\n            if 'CANARY' in name or name.endswith(('.db', '.ipynb')) or 'solutions' in folder:\n                attempt(lambda: (folder, name, open(os.path.join(folder, name), errors='replace').read()))\nprint('searched')",
    "searched",
)
_outside(
    "environments of all processes",
    "for pid in os.listdir('/proc'):\n    if pid.isdigit():\n        for file in ('environ', 'cmdline', 'maps'):\n            attempt(lambda: open(f'/proc/{pid}/{file}').read()[:5000])\nattempt(lambda: open('/proc/@PID@/environ').read())\nattempt(lambda: dict(os.environ))",
)
_outside(
    "the memory of other processes",
    "for pid in [*os.listdir('/proc'), '@PID@']:\n    if pid.isdigit() and int(pid) != os.getpid():\n        attempt(lambda: open(f'/proc/{pid}/mem', 'rb').read(10))\n        attempt(lambda: os.listdir(f'/proc/{pid}/fd'))",
    "Error",
)
_outside(
    "a server on this machine",
    "for host in ('127.0.0.1', 'localhost', '::1', '0.0.0.0'):\n    attempt(lambda: socket.create_connection((host, @PORT@), 1).recv(100))",
    "Error",
)
_outside(
    "an abstract socket",
    "def talk():\n    s = socket.socket(socket.AF_UNIX)\n    s.settimeout(1)\n    s.connect('\\0@ABSTRACT@')\n    return s.recv(100)\nattempt(talk)",
    "Error",
)
_outside(
    "the internet and virtual machines",
    "attempt(lambda: socket.create_connection(('1.1.1.1', 53), 1))\nattempt(lambda: socket.getaddrinfo('example.org', 80))\nfor family in (40, 17, 16, 38, 31):\n    attempt(lambda: socket.socket(family, socket.SOCK_RAW if family == 17 else socket.SOCK_STREAM))",
    "Error",
)
_outside(
    "system calls for escape",
    "libc = ctypes.CDLL(None, use_errno=True)\nfor name, number in dict(ptrace=101, keyctl=250, io_uring_setup=425, bpf=321, unshare=272, mount=165, setns=308, userfaultfd=323, perf_event_open=298, process_vm_readv=310, pidfd_getfd=438, open_by_handle_at=304, clone3=435, add_key=248, chroot=161, pivot_root=155, fsopen=430, open_tree=428, mount_setattr=442).items():\n    ctypes.set_errno(0)\n    got = libc.syscall(number, 0x10000000, 0, 0, 0, 0, 0)\n    print(name, 'refused' if got == -1 and ctypes.get_errno() in (1, 38) else f'ALLOWED {got} {ctypes.get_errno()}')",
    "ptrace refused",
)
_outside(
    "namespaces of its own",
    "attempt(lambda: subprocess.run(['unshare', '-Ur', 'id'], capture_output=True, text=True, check=True))\nattempt(lambda: subprocess.run(['mount', '-t', 'tmpfs', 'x', '/tmp'], capture_output=True, check=True))\nattempt(lambda: subprocess.run(['nsenter', '-t', '1', '-a', 'id'], capture_output=True, check=True))",
    "Error",
)
_outside(
    "the kernel's settings",
    "import glob\nfor path in ('/proc/sys/kernel/core_pattern', '/proc/sys/kernel/hostname', '/proc/sysrq-trigger', '/proc/self/oom_score_adj', '/sys/kernel/uevent_helper', '/proc/sys/vm/overcommit_memory'):\n    def write():\n        with open(path, 'w') as f: f.write('-1000' if 'oom' in path else 'pwned')\n        return 'WRITTEN ' + path\n    attempt(write)",
    "Error",
)
_outside(
    "the system's folders",
    "for path in ('/usr/bin/@MARK@', '/etc/@MARK@', '/@MARK@', '/dev/@MARK@', sys.prefix + '/@MARK@', os.path.dirname(os.__file__) + '/@MARK@.py', os.path.dirname(np.__file__) + '/@MARK@.py'):\n    def write():\n        open(path, 'w').write('x')\n        return 'WRITTEN ' + path\n    attempt(write)",
    "Error",
)
_outside(
    "devices",
    "print(sorted(os.listdir('/dev')))\nfor name in ('mem', 'kmem', 'sda', 'vda', 'kvm', 'fuse', 'loop0', 'kmsg', 'tty', 'port'):\n    attempt(lambda: open('/dev/' + name, 'rb').read(10))\nattempt(lambda: os.mknod('@MARK@', 0o60666, os.makedev(8, 0)))",
    "Error",
)
_outside(
    "privileges",
    "attempt(lambda: os.setuid(0))\nattempt(lambda: subprocess.run(['su', '-c', 'id'], capture_output=True, check=True, stdin=subprocess.DEVNULL))\nattempt(lambda: subprocess.run(['sudo', '-n', 'id'], capture_output=True, check=True, stdin=subprocess.DEVNULL))\nprint([line for line in open('/proc/self/status') if line.startswith(('CapEff', 'NoNewPrivs', 'Seccomp:'))])",
    "CapEff:\\t0000000000000000",
)
_outside(
    "files left in shared places",
    "for folder in ('/tmp', '/dev/shm', '/var/tmp', '.', os.path.expanduser('~')):\n    attempt(lambda: open(folder + '/@MARK@', 'w').write('x'))\nimport multiprocessing.shared_memory as m\nattempt(lambda: m.SharedMemory('@MARK@', create=True, size=10))",
)
_outside(
    "what was left by others",
    "for folder in ('/tmp', '/dev/shm', '.', os.path.expanduser('~')):\n    print('FOUND', [name for name in os.listdir(folder) if '@MARK@' in name])",
    "FOUND []",
)
_outside(
    "hidden tests in what is installed",
    "import gradus, autograder\nfor package in (gradus, autograder):\n    for folder, _, names in os.walk(os.path.dirname(package.__file__)):\n        for name in names:\n            text = open(os.path.join(folder, name), errors='replace').read()\n            if 'CANARY' in text or 'HIDDEN TESTS' in text and name.endswith('.ipynb'): print('LEAK', name, text[:1000])\nprint('searched')",
    "searched",
)
_outside(
    "hidden tests in memory",
    "word = ''.join(['CAN', 'ARY-'])\nfor line in open('/proc/self/maps'):\n    span, rights, *_ = line.split()\n    if rights.startswith('rw'):\n        pass\nfor o in gc.get_objects():\n    for s in (list(o.values()) if type(o) is dict else list(o) if type(o) in (list, tuple) else ()):\n        if type(s) is str and word in s and 'word' not in s: print('LEAK', s)\nprint('searched')",
    "searched",
)
_outside(
    "descriptors that were inherited",
    "for n in range(0, 300):\n    try: where = os.readlink(f'/proc/self/fd/{n}')\n    except OSError: continue\n    print(n, where)\n    if not where.startswith(('/dev', 'anon', 'socket', 'pipe')): attempt(lambda: os.pread(n, 100, 0))",
)

# --- the examiner ------------------------------------------------------------------------------------------------

_answer(
    "equal to everything",
    "class E:\n    __eq__ = lambda s, o: True\n    __ne__ = lambda s, o: False\n    __getattr__ = lambda s, n: s\n    __call__ = lambda s, *a, **k: s\n    __array__ = lambda s, *a, **k: np.array([0.5])\n    __len__ = lambda s: 1\n    __bool__ = lambda s: True\n    __hash__ = None\ndef softmax(z): return E()",
)
_answer(
    "a class that lies",
    "class L:\n    __class__ = np.ndarray\n    shape = (2,)\n    dtype = np.dtype(float)\n    __reduce__ = lambda s: (eval, ('1/0',))\n    __array_interface__ = {'shape': (1 << 40,), 'typestr': '<f8', 'data': (0, True), 'version': 3}\ndef softmax(z): return L()",
)
_answer(
    "a length that lies",
    "class L(list):\n    __len__ = lambda s: 10**18\n    __iter__ = lambda s: iter(int, 1)\ndef softmax(z): return L([1])",
)
_answer(
    "an array that changes its mind",
    "class A(np.ndarray):\n    def tobytes(self, *a): return np.full(self.shape, 0.5).tobytes()\n    sum = lambda self, *a, **k: self\ndef softmax(z): return np.zeros(z.shape).view(A)",
)
_answer(
    "a string of its own kind",
    "class S(str):\n    __eq__ = lambda s, o: True\n    __hash__ = str.__hash__\ndef softmax(z): return S('0.5')",
)
_answer("not a number", "def softmax(z): return np.full(z.shape, np.nan)")
_answer("infinity", "def softmax(z): return np.full(z.shape, np.inf)")
_answer("an endless generator", "def softmax(z):\n    while True: yield 0.5")
_answer(
    "an endless iteration",
    "class I:\n    def __iter__(self):\n        while True: yield 0.5\n    sum = lambda s, axis: s\ndef softmax(z): return I()",
)
_answer(
    "nested ten thousand deep",
    "def softmax(z):\n    out = []\n    for _ in range(10_000): out = [out]\n    return out",
    says="nested",
)
_answer("a list that holds itself", "def softmax(z):\n    out = []\n    out.append(out)\n    return out", says="nested")
_answer(
    "a dictionary with tricks",
    "class K:\n    __hash__ = lambda s: 0\n    __eq__ = lambda s, o: True\ndef softmax(z): return {K(): 1, 'a': {1: K()}}",
    outcome=("graded", "died"),
)
_answer("a huge integer", "def softmax(z): return 1 << 10_000_000", says="digits")
_answer(
    "an object array",
    "class E:\n    __sub__ = __rsub__ = __abs__ = lambda s, *a: 0.0\n    __eq__ = lambda s, o: True\ndef softmax(z): return np.full(z.shape, E(), dtype=object)",
)
_answer(
    "ten terabytes by strides",
    "def softmax(z): return np.lib.stride_tricks.as_strided(np.zeros(1), (1 << 20, 1 << 20), (0, 0))",
)
_answer(
    "a foreign byte order",
    "def softmax(z):\n    e = np.exp(z - z.max(axis=-1, keepdims=True))\n    return (e / e.sum(axis=-1, keepdims=True)).astype('>f8')",
    ALL,
)
_answer(
    "a record and a date",
    "def softmax(z):\n    return np.zeros(z.shape, 'M8[s]') if len(z) == 1 else np.zeros(z.shape, [('a', 'f8')])",
)
_answer("masked", "def softmax(z): return np.ma.masked_all(z.shape)")
_answer("arguments changed in place", "def softmax(z):\n    z[...] = 0\n    return np.full(z.shape, 1 / z.shape[-1])")
_answer(
    "arguments turned into another size",
    "def softmax(z):\n    z.resize((1, 1), refcheck=False)\n    z[...] = 0\n    return np.ones((1, 1))",
)
_answer("a stale array, shared by all calls", "shared = np.zeros((2, 3))\ndef softmax(z): return shared")
_answer("answers kept between calls", "memory = []\ndef softmax(z):\n    memory.append(z)\n    return memory[0]")
_answer(
    "hidden inputs recognised",
    "def softmax(z):\n    if hash(z.tobytes()) % 2 == 0 or z.shape == (7, 5): return np.full(z.shape, 0.2)\n    return np.zeros(z.shape)",
)
_answer(
    "frames and every object searched",
    "def softmax(z):\n    import gc, sys\n    f = sys._getframe()\n    while f:\n        for space in (f.f_locals, f.f_globals):\n            for name in ('reference', 'expected', 'solution'):\n                if name in space: return space[name].softmax(z) if name == 'reference' else space[name]\n        f = f.f_back\n    for o in gc.get_objects():\n        if type(o) is dict and ('expected' in o or 'reference' in o): return o.get('expected') or o['reference'].softmax(z)\n    return z",
)
_answer("an error that says pass", "def softmax(z): raise AssertionError('pass')")
_answer(
    "an error whose text never ends",
    "class E(Exception):\n    def __str__(self): return 'x' * 50_000_000\ndef softmax(z): raise E",
)
_answer("an error that asks to exit", "def softmax(z): raise SystemExit(0)")
_answer(
    "markup in an error",
    "def softmax(z): raise ValueError('<script>alert(1)</script><img src=x onerror=alert(1)>' + chr(0xd800) + chr(27) + '[2J')",
)
_answer("an answer of 100 MB", "def softmax(z): return np.zeros(13_000_000)", says="too large")
_answer(
    "millions of small parts",
    "def softmax(z): return [[]] * 3_000_000",
    outcome=("graded", "timeout"),
)
_answer(
    "an answer that takes for ever", "def softmax(z):\n    while True: pass", outcome="timeout", says="endless loop"
)
_answer(
    "an answer that ends the process",
    "def softmax(z):\n    import os; os._exit(0)",
    outcome="died",
    says="ended the Python process",
)
_answer("an answer that fills the memory", "def softmax(z): return np.ones((1 << 16, 1 << 16))", says="MemoryError")
_answer(
    "a class with another name mutates",
    "class Other:\n    def __call__(self, z):\n        z[...] = 0\n        return np.full(z.shape, 1 / z.shape[-1])\nsoftmax = Other()",
)
_attack(
    "a scaler whose methods lie about their owner",
    "examiner",
    answers={"Scaler": "class Liar:\n    mean_ = np.array([9.0, 9.0])\n    def fit(self, X):\n        X[...] = 0\n        return self\n    def transform(self, X):\n        return np.zeros(X.shape)\ndef Scaler(): return Liar()"},
    earns=4.0,
)  # fmt: skip

# --- the wire ----------------------------------------------------------------------------------------------------

_forger(
    "forged answers",
    SERVER
    + "type(server)._answer = lambda self, m: {'outputs': '[]'} if m['op'] == 'run_cell' else {'value': 0.5, 'changed': [], 'printed': 'pass'}",
    "wire",
)
_forger(
    "fifty answers ahead of the questions",
    SERVER + "for _ in range(50): server.channel.send({'value': 0.5, 'changed': []})",
    "wire",
    ("graded", "died"),
)
_forger(
    "no encoding but its own",
    SERVER
    + "type(server)._call.__globals__.update(encode=lambda *a, **k: ['array', 'float64', [1, 2], b'0' * 16], _moved=lambda *a: False)",
    "wire",
)
_forger(
    "verdicts in an answer",
    SERVER
    + "type(server)._answer = lambda self, m: {'outputs': '[]', 'value': True, 'changed': [], 'score': 4, 'status': 'pass', 'report': {'score': 4.0}, 'result': b'{}'}",
    "wire",
)
_forger(
    "answers that change the arguments",
    SERVER
    + "type(server)._answer = lambda self, m: {'outputs': '[]', 'value': ['array', 'float64', [0], b''], 'changed': [[0, ['array', 'float64', [1, 2], bytes(16)]], [-1, None], [99, 0]]}",
    "wire",
    ("graded", "died"),
)
_forger(
    "callbacks that nobody gave",
    SERVER
    + "type(server)._answer = lambda self, m: {'outputs': '[]', 'callback': 0, 'args': ['list', []], 'kwargs': ['dict', []]}",
    "wire",
    "died",
)
_forger(
    "handles that nobody gave",
    SERVER
    + "type(server)._answer = lambda self, m: {'outputs': '[]', 'value': ['handle', 1, '__class__', True], 'changed': []}",
    "wire",
)


def _raw(name: str, source: str, outcome: str | tuple[str, ...] = "died", earns: float = ALL) -> None:
    """A cell that writes to the wire itself, beside right answers: they are examined in a new process."""
    _attack(name, "wire", before=WIRE + source, outcome=outcome, earns=earns)


_raw("a length of four gigabytes", "os.write(fd, b'\\xff' * 4)")
_raw("garbage", "os.write(fd, struct.pack('<I', 4096) + os.urandom(4096))", ("died", "timeout"))
_raw(
    "a frame of 64 MB of empty lists",
    "import socket\ndata = b'\\xdd' + struct.pack('>I', 60_000_000) + b'\\x90' * 60_000_000\nserver.channel.sock.sendall(struct.pack('<I', len(data)) + data)",
)
_raw(
    "a frame nested a million deep",
    "data = b'\\x91' * 1_000_000\nserver.channel.sock.sendall(struct.pack('<I', len(data)) + data)",
)
_raw(
    "a pickle",
    "import pickle\nclass P:\n    __reduce__ = lambda s: (os.system, ('touch /tmp/@MARK@',))\ndata = pickle.dumps(P())\nserver.channel.sock.sendall(struct.pack('<I', len(data)) + data)",
)
_raw("outputs that are no outputs", "server.channel.send({'outputs': '[' * 100_000})")
_raw("outputs that unfold", "server.channel.send({'outputs': '[' + '{},' * 1_000_000 + '{}]'})")
_raw(
    "outputs with a script",
    "import json\nserver.channel.send({'outputs': json.dumps([{'output_type': 'display_data', 'data': {'text/html': '<script>1</script>', 'image/png': '\"><script>1</script>', 'text/plain': 'x'}}, {'output_type': 'execute_result', 'data': {'text/plain': '4.0'}}])})",
    ("died", "graded"),
    NOTHING,
)
_raw("a wire that is closed", "os.close(fd)", ("died", "timeout"))
_raw(
    "a wire that is shut on one side",
    "import socket\nserver.channel.sock.shutdown(socket.SHUT_RD)",
    "died",
    NOTHING,  # each new process runs the cell again and is deaf again
)
_raw("every descriptor closed", "os.closerange(0, 1024)", ("died", "timeout"))
_raw(
    "a slow drip",
    "os.write(fd, struct.pack('<I', 1000))\nwhile True:\n    os.write(fd, b'x'); time.sleep(0.05)",
    ("timeout", "died"),
)
_raw("half a frame, then death", "os.write(fd, struct.pack('<I', 1000) + b'x' * 10)\nos._exit(0)")
_raw("the wire kept by a child", "if not os.fork():\n    time.sleep(9999)\nos._exit(0)", "died")
_attack("an echo from another thread", "wire", answers={"softmax": WRONG, "Scaler": WRONG}, before=WIRE + "def chatter():\n    while True:\n        try: server.channel.send({'value': 0.5, 'changed': [], 'outputs': '[]'})\n        except Exception: return\n        time.sleep(0.001)\nthreading.Thread(target=chatter, daemon=True).start()", outcome=("graded", "died", "timeout"), earns=NOTHING)  # fmt: skip
_answer(
    "a set whose members all collide",
    "import autograder.student as s\nreal = s.encode\nclass Trap: pass\ns.encode = lambda value, *a: ['set', [['int', hex(k * (2**61 - 1))] for k in range(300_000)]] if type(value) is Trap else real(value, *a)\ndef softmax(z): return Trap()",
    outcome=("graded", "died"),
    family="wire",
)


# --- intake ------------------------------------------------------------------------------------------------------

Notebook = dict[str, Any]


def _intake(
    name: str,
    edit: Callable[[Notebook], bytes | None],
    earns: float = ALL,
    outcome: str = "graded",
    says: str = "",
    answers: dict[str, str] | None = None,
) -> None:
    _attack(name, "intake", edit=edit, earns=earns, outcome=outcome, says=says, answers=answers)


def _by_id(notebook: Notebook, identity: str) -> dict[str, Any]:
    return next(cell for cell in notebook["cells"] if cell["id"] == identity)


def _checks_replaced(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        if cell["id"].startswith("check-"):
            cell["source"] = "4.0"


def _tagged(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]


def _points_raised(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"].update(points=1000, grade=False, locked=False, schema_version=99)


def _metadata_of_odd_kinds(notebook: Notebook) -> None:
    odd: list[Any] = [[], 7, "x", None, {"nbgrader": [1]}, {"gradus": 3, "nbgrader": {"grade_id": ["softmax"]}}]
    for i, cell in enumerate(notebook["cells"]):
        cell["metadata"] = odd[i % len(odd)]
    notebook["metadata"] = [1, 2]


def _odd_cells(notebook: Notebook) -> None:
    odd = [
        None,
        1,
        "x",
        [],
        {},
        {"cell_type": 3},
        {"cell_type": "code", "source": {"a": 1}},
        {"cell_type": ["code"], "source": [1, None, "1/0"]},
    ]
    notebook["cells"] = [*odd, *notebook["cells"], *odd]


def _doubled(notebook: Notebook) -> None:
    notebook["cells"] = [cell for cell in notebook["cells"] for _ in range(2)]


def _reversed(notebook: Notebook) -> None:
    notebook["cells"].reverse()


def _ids_that_collide(notebook: Notebook) -> None:
    code = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    for identity in ("extra-1", "extra-2", "check-softmax", "setup-1", "../../x", "x" * 100_000):
        notebook["cells"].insert(0, {**code, "id": identity, "source": "def check(*a, **k): return 4.0"})


def _under_anothers_name(notebook: Notebook) -> None:
    softmax, scaler = _by_id(notebook, "softmax"), _by_id(notebook, "Scaler")
    softmax["source"], scaler["source"] = scaler["source"], softmax["source"]


def _forged_ids(notebook: Notebook) -> None:
    """Every cell claims to be the check; the answers are still recognised by what they define."""
    for cell in notebook["cells"]:
        cell["metadata"] = {"nbgrader": {"grade_id": "check-softmax", "points": 100}, "gradus": {"role": "check"}}
        cell["id"] = "check-softmax"


def _checks_deleted(notebook: Notebook) -> None:
    notebook["cells"] = [cell for cell in notebook["cells"] if not cell["id"].startswith("check-")]


def _forged_outputs(notebook: Notebook) -> None:
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "execute_result", "data": {"text/plain": "4.0", "text/html": "<script>1</script>"}, "metadata": {}, "execution_count": 1}]  # fmt: skip


def _check_by_attachment(notebook: Notebook) -> None:
    code = {"cell_type": "code", "metadata": {"gradus": {"role": "check", "exercise": "softmax"}}, "outputs": []}
    notebook["cells"].append({**code, "id": "mine", "source": "4.0"})


def _nul_bytes(notebook: Notebook) -> None:
    _by_id(notebook, "softmax")["source"] += "\0"


def _a_version_3(notebook: Notebook) -> bytes:
    for cell in notebook["cells"]:
        cell["input"] = cell.pop("source") if cell["cell_type"] == "code" else ""
    return json.dumps(
        {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": notebook["cells"]}]}
    ).encode()


def _many_cells(notebook: Notebook) -> None:
    code = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": "pass"}
    notebook["cells"] += [{**code, "id": f"c{i}"} for i in range(20_000)]


def _surrogates(notebook: Notebook) -> bytes:
    _by_id(notebook, "softmax")["source"] += "\nword = '\ud800'"
    return json.dumps(notebook).encode()


WRONG_BOTH = {"softmax": WRONG, "Scaler": WRONG}
_intake("checks replaced by points", _checks_replaced, NOTHING, says="was edited", answers=WRONG_BOTH)
_intake("tags that skip the checks", _tagged, NOTHING, says="marks of cell", answers=WRONG_BOTH)
_intake("points raised in the metadata", _points_raised, says="marks of cell")
_intake("metadata of odd kinds", _metadata_of_odd_kinds)
_intake("cells that are no cells", _odd_cells)
_intake("every cell twice", _doubled)
_intake("cells in reverse order", _reversed)
_intake("ids that collide with ours", _ids_that_collide)
_intake("exercises in each other's cells", _under_anothers_name, SCALER)  # at its check, `softmax` is not there yet
_intake("every cell claims to be the check", _forged_ids)
_intake("checks deleted", _checks_deleted, NOTHING, says="is missing", answers=WRONG_BOTH)
_intake("outputs forged", _forged_outputs, NOTHING, answers=WRONG_BOTH)
_intake("a second check of its own", _check_by_attachment, NOTHING, answers=WRONG_BOTH)
_intake("a NUL in a cell", _nul_bytes)
_intake("half a surrogate pair", _surrogates)
_intake("nbformat 3", _a_version_3)
_intake("UTF-16", lambda notebook: json.dumps(notebook).encode("utf-16"))
_intake("twenty thousand cells", _many_cells, says="only the first")
_intake("brackets a million deep", lambda _: b'{"cells": ' + b"[" * 1_000_000, NOTHING, "unreadable", "File > Download")
_intake("a JSON bomb", lambda _: b'{"cells": [' + b"{}," * 6_000_000 + b"{}]}", NOTHING)
_intake("100 MB", lambda _: b" " * (100 << 20), NOTHING, "unreadable", "MB")
_intake("random bytes", lambda _: bytes(range(256)) * 1000, NOTHING, "unreadable", "File > Download")
_intake(
    "cells as a dictionary", lambda _: b'{"cells": {"a": {"source": "x"}}}', NOTHING, "unreadable", "no notebook cells"
)
_intake("a number with a million digits", lambda _: b'{"cells": ' + b"9" * 1_000_000 + b"}", NOTHING, "unreadable")
_intake("an empty file", lambda _: b"", NOTHING, "unreadable", "empty")
