"""What code inside each kind of sandbox can see, reach and use up, asked of the code itself."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from autograder import sandbox
from autograder.cli import main
from autograder.kernel import Kernel, Limits
from autograder.sandbox import SandboxError
from autograder.warm import Nursery, students

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")

PRELOAD = ["numpy"]
LIMITS = Limits(cell_seconds=30, call_seconds=5, memory_bytes=1 << 30, file_bytes=32 << 20)
CLOSED = ("bubblewrap", "bubblewrap-cold", "landlock")
INSIDE = ("bubblewrap", "bubblewrap-cold")


def missing(kind: str) -> str:
    try:
        sandbox.choose(kind)
    except SandboxError as error:
        return str(error)
    return ""


def parent(kind: str) -> Nursery:
    return students(kind, preload=PRELOAD)


@pytest.fixture(scope="module", params=CLOSED)
def closed(request, tmp_path_factory) -> Iterator[Kernel]:
    """A student's process in each kind of sandbox."""
    if missing(request.param):
        pytest.skip(missing(request.param))
    os.environ["GRADUS_TEST_TOKEN"] = "CANARY"  # this process's environment, for a sandbox that hands it on
    try:
        with parent(request.param) as nursery:
            kernel = Kernel.start(LIMITS, nursery)
            kernel.kind = request.param
            yield kernel
            kernel.close()
    finally:
        del os.environ["GRADUS_TEST_TOKEN"]


@pytest.fixture
def boxed(closed) -> Kernel:
    """Only the kinds that have a file system of their own."""
    if closed.kind not in INSIDE:
        pytest.skip("Landlock closes files, and hides none")
    return closed


def told(kernel: Kernel, source: str) -> object:
    """What the cell leaves in `answer`."""
    result = kernel.run_cell("answer = None\n" + textwrap.dedent(source) + "\nimport json\nprint(json.dumps(answer))")
    assert not result.died and not result.timed_out, result
    errors = [output for output in result.outputs if output["output_type"] == "error"]
    assert not errors, errors
    return json.loads("".join(o["text"] for o in result.outputs if o["output_type"] == "stream").splitlines()[-1])


def refused(kernel: Kernel, statement: str, imports: str = "os, socket, subprocess") -> str:
    """The error that `statement` ends in, "" if it works."""
    return told(
        kernel,
        f"""
import {imports}
try:
    {statement}
    answer = ""
except Exception as error:
    answer = type(error).__name__ + ": " + str(error)
""",
    )


# Who one is


def test_nobody_with_no_capability_and_no_way_to_any(closed):
    status = told(closed, "answer = open('/proc/self/status').read()")
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(lines[name], 16) == 0, name
    assert lines["NoNewPrivs"].strip() == "1" and lines["Seccomp"].strip() == "2"
    if closed.kind in INSIDE:
        assert told(closed, "import os\nanswer = [os.getuid(), os.geteuid(), os.getgid()]")[0] != 0
        assert refused(closed, "os.setuid(0)")


def test_its_environment_is_ours_to_make(closed):
    found = told(closed, "import os\nanswer = dict(os.environ)")
    assert "GRADUS_TEST_TOKEN" not in found and found["GRADUS_GRADING"] == "1"
    assert {found[f"{name}_NUM_THREADS"] for name in ("OMP", "OPENBLAS", "MKL")} == {"1"}
    allowed = {*sandbox.environment(), "PWD", "LC_CTYPE"}
    # what libraries add while they are imported
    assert {name for name in found if name not in allowed and not name.startswith(("KMP_", "MPL", "PYDEVD"))} == set()
    # what the kernel keeps of it is the parent's, as that was started
    assert "CANARY" not in told(closed, "try: answer = open('/proc/self/environ').read()\nexcept OSError: answer = ''")


def test_no_descriptor_but_its_channel(closed):
    found = told(
        closed,
        """
        import os, stat
        answer = []
        for number in range(256):
            try:
                mode = os.fstat(number).st_mode
            except OSError:
                continue
            answer.append([number, "socket" if stat.S_ISSOCK(mode) else "device" if stat.S_ISCHR(mode) else "other"])
        """,
    )
    kinds = [kind for _, kind in found]
    assert [number for number, _ in found[:3]] == [0, 1, 2] and kinds[:3] == ["device"] * 3
    assert kinds[3:] == ["socket"]


# What is outside


def test_no_file_of_anybody_else_can_be_read(closed):
    """A gradebook, another's submission, the hidden tests: files that this very process can read."""
    with tempfile.TemporaryDirectory(dir=Path.home() if os.access(Path.home(), os.W_OK) else None) as folder:
        secret = Path(folder) / "gradebook.db"
        secret.write_text("CANARY")
        for path in (secret, Path(__file__), Path(__file__).parents[2] / "solutions" / "02_neuron.py", "/etc/passwd"):
            assert os.path.exists(path), path
            assert refused(closed, f"open({str(path)!r}).read()").startswith(("FileNotFound", "PermissionError")), path
        assert refused(closed, f"open({str(secret)!r}, 'w')")
        assert refused(closed, f"os.unlink({str(secret)!r})")
        assert secret.read_text() == "CANARY"


def test_the_system_is_there_and_cannot_be_written_to(closed):
    import gradus

    for path in (sys.prefix, sys.base_prefix, str(Path(gradus.__file__).parent), "/usr"):
        assert told(closed, f"import os\nanswer = len(os.listdir({path!r}))") > 0
        assert refused(closed, f"open({path + '/planted.pth'!r}, 'w')")
        assert not os.path.exists(f"{path}/planted.pth")


def test_hidden_folders_are_not_there_at_all(boxed):
    assert told(boxed, "import os\nanswer = os.path.exists('/etc/shadow') or os.path.exists('/home')") is False
    assert set(told(boxed, "import os\nanswer = os.listdir('.')")) <= {".ipython"}


def test_only_its_own_processes_can_be_seen(boxed):
    seen = told(boxed, "import os\nanswer = sorted(int(name) for name in os.listdir('/proc') if name.isdigit())")
    assert 1 <= len(seen) <= 4 and max(seen) < 50
    outside = subprocess.Popen(["sleep", "60"])
    try:
        assert refused(boxed, f"os.kill({outside.pid}, 9)")
        assert outside.poll() is None
    finally:
        outside.kill()
        outside.wait()


def test_no_signal_reaches_anybody(closed):
    outside = subprocess.Popen(["sleep", "60"])
    try:
        assert refused(closed, f"os.kill({outside.pid}, 9)").startswith(("PermissionError", "ProcessLookupError"))
        assert refused(closed, f"os.kill({os.getpid()}, 0)").startswith(("PermissionError", "ProcessLookupError"))
        assert outside.poll() is None
    finally:
        outside.kill()
        outside.wait()


def test_no_network_not_even_this_machines(closed):
    calls: list[object] = []
    with contextlib.ExitStack() as stack:
        internet = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0gradus-{closed.kind}-{os.getpid()}")
        abstract.listen()
        datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        datagrams.bind(("127.0.0.1", 0))
        datagrams.settimeout(0.3)

        def serve(server: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while True:
                    calls.append(server.accept()[1])

        for server in (internet, abstract):
            threading.Thread(target=serve, args=(server,), daemon=True).start()
        port = internet.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()  # it is there
        while not calls:
            pass
        assert refused(closed, f"socket.create_connection(('127.0.0.1', {port}), timeout=2)")
        assert refused(closed, "socket.create_connection(('1.1.1.1', 53), timeout=2)")
        assert refused(closed, "socket.getaddrinfo('example.org', 80)")
        udp = datagrams.getsockname()[1]
        refused(closed, f"socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {udp}))")
        with pytest.raises(TimeoutError):
            datagrams.recv(1)
        if closed.kind in INSIDE or sandbox.abilities().landlock >= 6:  # before, abstract names are not closed
            name = f"\\0gradus-{closed.kind}-{os.getpid()}"
            assert refused(closed, f"socket.socket(socket.AF_UNIX).connect('{name}')")
        assert refused(closed, "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)")
        assert refused(closed, "socket.socket(40, socket.SOCK_STREAM)")  # AF_VSOCK passes through network namespaces
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("unshare", "0x10000000"),
        ("mount", "b'none', b'/tmp', b'tmpfs', 0, None"),
        ("setns", "0, 0"),
        ("ptrace", "16, 1, 0, 0"),
        ("umount2", "b'/tmp', 0"),
        ("chroot", "b'/tmp'"),
        ("keyctl", "0, -3"),
        ("personality", "0x0040000"),
    ],
)
def test_what_escapes_go_through_is_refused(closed, name, arguments):
    """Each of these would fail for another reason too; EPERM is the filter's answer to whatever arguments."""
    number = told(
        closed,
        f"""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        if hasattr(libc, {name!r}):
            answer = [libc.{name}({arguments}), ctypes.get_errno()]
        """,
    )
    assert number is None or number == [-1, 1]


# What can be used up


def test_its_folder_is_its_own_empty_and_writable(closed):
    assert told(
        closed, "open('x', 'w').write('1')\nimport os\nanswer = [name for name in os.listdir('.') if name[0] != '.']"
    ) == ["x"]
    assert told(closed, "import tempfile\nwith tempfile.TemporaryFile() as f: answer = f.write(b'abc')") == 3
    told(closed, "import os\nos.remove('x')")


def test_a_large_file_is_refused_and_the_folder_holds_so_much(closed):
    assert refused(closed, "open('big', 'wb').write(bytes(40 << 20))").startswith("OSError")
    told(closed, "import os\nos.remove('big')")
    if closed.kind not in INSIDE:
        return
    for folder in sandbox.folders():  # /tmp is not among them where this project lies in it
        found = refused(
            closed,
            f"for i in range(20): open({folder!r} + f'/part{{i}}', 'wb').write(bytes(30 << 20))",
        )
        told(closed, f"import glob, os\nfor p in glob.glob({folder!r} + '/part*'): os.remove(p)")
        assert "No space left" in found, folder


def test_limits_are_set_and_cannot_be_raised(closed):
    hard = told(
        closed,
        """
        import resource
        answer = {name: list(resource.getrlimit(getattr(resource, "RLIMIT_" + name)))
                  for name in ("AS", "FSIZE", "CORE", "NOFILE", "CPU")}
        """,
    )
    wanted = LIMITS.rlimits()
    assert hard == {name: [wanted[name]] * 2 for name in hard}
    for name in ("AS", "FSIZE", "NOFILE", "CPU"):
        assert refused(
            closed, f"resource.setrlimit(resource.RLIMIT_{name}, ({wanted[name]}, {wanted[name] * 2}))", "resource"
        ).startswith(("ValueError", "PermissionError"))


def test_too_many_processes_and_too_much_memory_in_all_end_it(closed):
    """Each below its own limit, together above. Last of a kind: it ends the process."""
    with parent(closed.kind) as nursery:
        kernel = Kernel.start(replace(LIMITS, memory_bytes=300 << 20), nursery)
        result = kernel.run_cell(
            "import os, time\nkeep = []\n"
            "for _ in range(4):\n    if os.fork() == 0:\n        keep.append(b'x' * (130 << 20)); time.sleep(30)\n"
            "time.sleep(30)"
        )
        assert result.died and "memory" in kernel.ending()
        kernel.close()
        # on a busy machine forking takes long enough for their shared pages to be counted, each in every one of them
        kernel = Kernel.start(replace(LIMITS, memory_bytes=64 << 30), nursery)
        result = kernel.run_cell(
            "import os, time\nfor _ in range(100):\n    if os.fork() == 0:\n        time.sleep(30)\ntime.sleep(30)"
        )
        assert result.died and "processes" in kernel.ending()
        kernel.close()


# Brothers of one warm parent


@pytest.fixture(scope="module", params=CLOSED)
def family(request) -> Iterator[Nursery]:
    if missing(request.param):
        pytest.skip(missing(request.param))
    with parent(request.param) as nursery:
        nursery.kind = request.param
        yield nursery


def test_nothing_of_one_reaches_its_brother(family):
    first, second = Kernel.start(LIMITS, family), Kernel.start(LIMITS, family)
    try:
        first.run_cell(
            "import numpy, os\nnumpy.pi = 3\nnumpy.planted = 1\nos.environ['PLANTED'] = '1'\n"
            "for folder in ('.', '/tmp', '/dev/shm'):\n"
            "    try: open(folder + '/planted', 'w').write('x')\n"
            "    except OSError: pass\n"
            "numpy.random.seed(1)"
        )
        look = """
        import numpy, os
        answer = [numpy.pi, hasattr(numpy, "planted"), os.environ.get("PLANTED"), os.path.exists("planted"),
                  PLACES]
        """
        places = "[os.path.exists(f + '/planted') for f in ('/tmp', '/dev/shm')]" if family.inside else "[]"
        expected = [3.141592653589793, False, None, False, [False, False] if family.inside else []]
        third = Kernel.start(LIMITS, family)
        try:
            for brother in (second, third):
                assert told(brother, look.replace("PLACES", places)) == expected
        finally:
            third.close()
    finally:
        first.close()
        second.close()
        Path("/dev/shm/planted").unlink(missing_ok=True)


def test_no_brother_can_be_killed_nor_the_parent(family):
    """By every number that there is."""
    first, second = Kernel.start(LIMITS, family), Kernel.start(LIMITS, family)
    try:
        first.run_cell(
            "import os\nfor pid in list(range(2, 500)) + [os.getppid()]:\n"
            "    if pid != os.getpid():\n        try: os.kill(pid, 9)\n        except OSError: pass"
        )
        first.close()
        assert told(second, "answer = 1") == 1
        third = Kernel.start(LIMITS, family)
        assert told(third, "answer = 2") == 2
        third.close()
    finally:
        second.close()


def test_one_that_ends_takes_all_it_started_along(family):
    mark = f"98{os.getpid()}.5"
    kernel = Kernel.start(LIMITS, family)
    kernel.run_cell(
        f"import subprocess\nfor _ in range(3): subprocess.Popen(['sleep', '{mark}'], start_new_session=True)"
    )
    running = subprocess.run(["pgrep", "-fc", f"^sleep {mark}"], capture_output=True, text=True, check=False)
    assert int(running.stdout) == 3
    kernel.close()
    running = subprocess.run(["pgrep", "-fc", f"^sleep {mark}"], capture_output=True, text=True, check=False)
    assert int(running.stdout) == 0


def test_the_same_seed_gives_the_same_numbers_in_every_kind(family):
    draw = """
    import random, numpy
    answer = [random.random(), numpy.random.rand(), numpy.random.default_rng(0).random(), hash("a") % 1000]
    """
    found = []
    for seed in (5, 5, 6):
        kernel = Kernel.start(LIMITS, family, seed=seed)
        found.append(told(kernel, draw))
        kernel.close()
    assert found[0] == found[1] and found[0][:2] != found[2][:2]
    SEEN.setdefault("numbers", found[0])
    assert found[0] == SEEN["numbers"], "another kind of sandbox gave other numbers"


SEEN: dict[str, object] = {}


# Which kind is taken, and what is said where none serves


def with_abilities(monkeypatch, **changes):
    found = sandbox.Abilities(**({"bubblewrap": "", "nested": "", "seccomp": "", "landlock": 7} | changes))
    monkeypatch.setattr(sandbox, "abilities", lambda: found)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "bubblewrap"),
        ({"nested": "no user namespaces inside"}, "bubblewrap-cold"),
        ({"bubblewrap": "not installed", "nested": "not installed"}, "landlock"),
    ],
)
def test_the_strongest_that_serves_is_chosen(monkeypatch, changes, kind):
    with_abilities(monkeypatch, **changes)
    assert sandbox.choose("auto") == kind


@pytest.mark.parametrize(
    "changes",
    [
        {"bubblewrap": "the program bwrap is not installed", "landlock": 0},
        {"seccomp": "libseccomp cannot be used (no such file)"},
    ],
)
def test_where_none_serves_it_is_refused_with_what_to_do(monkeypatch, changes):
    with_abilities(monkeypatch, **changes)
    with pytest.raises(SandboxError) as raised:
        sandbox.choose("auto")
    said = str(raised.value)
    assert "apt install bubblewrap" in said and "--no-sandbox" in said and "autograder doctor" in said
    assert all(str(why) in said for why in changes.values() if why)
    assert sandbox.choose("none") == "none"


@pytest.mark.parametrize("kind", CLOSED)
def test_one_that_was_asked_for_and_does_not_work_is_not_replaced(monkeypatch, kind):
    with_abilities(monkeypatch, bubblewrap="no bwrap", nested="no bwrap", landlock=0)
    with pytest.raises(SandboxError, match=f"--sandbox {kind} does not work here"):
        sandbox.choose(kind)


def test_the_command_refuses_and_changes_nothing(monkeypatch, tmp_path):
    from autograder.release import solved_notebook, to_text
    from autograder.source import load_unit

    from .tiny import write

    path = write(tmp_path)
    submission = tmp_path / "ada.ipynb"
    submission.write_text(to_text(solved_notebook(load_unit(path))))
    monkeypatch.chdir(tmp_path)
    with_abilities(monkeypatch, bubblewrap="the program bwrap is not installed", nested="x", landlock=0)
    done = CliRunner().invoke(main, ["grade", "99_tiny", str(submission)])
    assert done.exit_code == 1 and "Nothing was graded." in done.output
    assert "apt install bubblewrap" in " ".join(done.output.split())
    assert not list((tmp_path / "grading").glob("autograded/*"))
    done = CliRunner().invoke(main, ["grade", "99_tiny", str(submission), "--no-sandbox"])
    assert done.exit_code == 0, done.output


def test_root_is_nobody_inside():
    """Root's own user could write to /proc/sys from inside, whatever the namespaces."""
    if missing("bubblewrap-cold"):
        pytest.skip(missing("bubblewrap-cold"))
    with sandbox.command(
        [sys.executable, "-P", "-c", "import os; print(os.getuid()); open('/proc/sys/kernel/core_pattern', 'w')"]
    ) as argv:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert int(done.stdout) != 0 if os.geteuid() == 0 else int(done.stdout) == os.geteuid()
    assert "Error" in done.stderr
