"""Open the course: python start.py. The first time it makes the folder .venv here and installs what the notebooks need.

    python start.py            install if need be, then open JupyterLab
    python start.py --install  install only
    python start.py --here     use the Python that runs this, such as conda's, and install nothing
    python start.py --doctor   say what this machine has and lacks: for a question to somebody who helps

What else is said is handed on to JupyterLab. Standard library only.
"""
# It must at least start in any Python 3, so that an old one is told what to do: no newer syntax here.

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request

FIRST, LAST = (3, 11), (3, 13)  # the Pythons that the course runs in
HERE = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(HERE, ".venv")
STAMP = os.path.join(VENV, "installed.json")
WINDOWS = os.name == "nt"
CPU_TORCH = "https://download.pytorch.org/whl/cpu"  # 0.2 GB instead of 3: PyPI's torch for Linux brings CUDA along


class Stop(Exception):
    """What went wrong and what to do, for the person at the keyboard."""


def main(arguments):
    try:
        if not os.path.isdir(os.path.join(HERE, "course")):
            raise Stop("The folder course/ is not here. Unpack the whole zip first, then start it from the new folder.")
        if "--here" in arguments:
            return run(sys.executable, [word for word in arguments if word != "--here"])
        other = better_python()
        if other:
            return subprocess.call([*other, os.path.abspath(__file__), *arguments])
        python = install()
        if "--install" in arguments:
            print("Installed. Open the course with: python start.py")
            return 0
        return run(python, arguments)
    except Stop as stop:
        print("\n" + str(stop), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on where this one was.", file=sys.stderr)
        return 130


def fits(version):
    return FIRST <= tuple(version[:2]) <= LAST


def better_python():
    """The command of a Python that the course runs in, where the one that runs this is another; else None."""
    if fits(sys.version_info):
        return None
    for minor in range(LAST[1], FIRST[1] - 1, -1):
        name = "3.%d" % minor
        places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/bin", "/opt/homebrew/bin"])
        found = shutil.which("python" + name, path=places)
        if found:
            return [found]
        if WINDOWS and shutil.which("py"):
            asked = subprocess.run(["py", "-" + name, "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if asked.returncode == 0:
                return ["py", "-" + name]
    mine = ".".join(map(str, sys.version_info[:3]))
    raise Stop(
        "This is Python %s; the course needs 3.%d to 3.%d, and none was found here.\n" % (mine, FIRST[1], LAST[1])
        + "Install one from python.org/downloads (it may stand beside the one you have), then start again."
    )


def venv_python():
    return os.path.join(VENV, "Scripts", "python.exe") if WINDOWS else os.path.join(VENV, "bin", "python")


def wanted():
    """What .venv was made for: another list of packages, Python or folder makes it anew."""
    with open(os.path.join(HERE, "pyproject.toml"), "rb") as file:
        packages = hashlib.sha256(file.read().replace(b"\r\n", b"\n")).hexdigest()
    return {"packages": packages, "python": list(sys.version_info[:2]), "folder": HERE}


def install():
    """Make .venv and install, unless that is done; return its Python."""
    try:
        with open(STAMP, encoding="utf-8") as file:
            if json.load(file) == wanted() and os.path.exists(venv_python()):
                return venv_python()
    except (OSError, ValueError):
        pass
    if WINDOWS and len(HERE) > 100:
        print(
            "This folder's path is long (%d letters). If the installation fails, move the folder to C:\\gradus."
            % len(HERE)
        )
    print("Setting up in %s" % HERE)
    make_venv()
    print("Installing: this takes some minutes the first time, and about 2 GB of disk.", flush=True)
    run_pip()
    quiet = os.path.join(VENV, "etc", "jupyter", "labconfig")
    os.makedirs(quiet, exist_ok=True)
    with open(
        os.path.join(quiet, "page_config.json"), "w", encoding="utf-8"
    ) as file:  # it asks the network at every start
        json.dump({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}, file)
    with open(STAMP, "w", encoding="utf-8") as file:
        json.dump(wanted(), file)
    return venv_python()


def make_venv():
    try:
        import ensurepip  # noqa: F401 Debian and Ubuntu leave it out
        import venv
    except ImportError:
        raise Stop(
            "This Python cannot make environments. On Debian and Ubuntu install what is missing, then start again:\n"
            "    sudo apt install python3-venv"
        )
    try:
        venv.EnvBuilder(with_pip=True, clear=True, symlinks=not WINDOWS).create(VENV)
    except PermissionError:
        raise Stop("Nothing can be written to %s. Move the folder to one of your own, such as Documents." % HERE)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Stop("The folder .venv could not be made in %s: %s" % (HERE, error))


def run_pip():
    if slim_torch():
        pip("torch>=2.2", "--index-url", CPU_TORCH)
    # "." and not the folder's name: no quoting goes wrong, whatever letters stand in it
    pip(".[lab]")


def slim_torch():
    """Whether torch without CUDA is of use and can be had: asked first, since pip waits long for what does not answer."""
    if not sys.platform.startswith("linux") or shutil.which("nvidia-smi") or os.environ.get("PIP_NO_INDEX"):
        return False
    try:
        urllib.request.urlopen(CPU_TORCH + "/torch/", timeout=10).close()
    except OSError:
        return False
    return True


def pip(*words):
    command = [venv_python(), "-m", "pip", "install", "--disable-pip-version-check", "--retries", "2", *words]
    environment = dict(os.environ, PYTHONUTF8="1")
    process = subprocess.Popen(command, cwd=HERE, env=environment, stderr=subprocess.PIPE)
    said = []
    for line in process.stderr or []:
        text = line.decode("utf-8", "replace")
        sys.stderr.write(text)
        said.append(text)
    if process.wait():
        raise Stop(reason("".join(said[-200:])))


def reason(said):
    """What pip's complaint means, and what to do."""
    for pattern, advice in (
        (r"No space left|Errno 28|WinError 112", "The disk is full: about 2 GB are needed."),
        (
            r"CERTIFICATE_VERIFY|SSLError",
            "The secure connection was refused: often a firewall or a proxy. Try another network.",
        ),
        (
            r"NewConnectionError|ConnectTimeout|Connection refused|getaddrinfo|name resolution|Max retries|ProxyError"
            r"|Network is unreachable|from versions: none",
            "The packages could not be fetched: is this machine online? Some networks let nothing through; try another one.",
        ),
        (
            r"Errno 2\b.*\.venv|path too long|WinError 206",
            "The folder's path is too long. Move the folder to C:\\gradus.",
        ),
        (
            r"Permission denied|WinError 5|WinError 32|Errno 13",
            "A file could not be written: close other programs that use this folder.",
        ),
    ):
        if re.search(pattern, said, re.IGNORECASE):
            return "Not installed. %s Then run the same command: it goes on." % advice
    return "Not installed. What pip says stands above; if it tells you nothing, send it to your instructor."


def run(python, arguments):
    """Open JupyterLab on course/ and stay until it is closed; or, with --doctor, look at what is there."""
    course = os.path.join(HERE, "course")
    environment = dict(os.environ, PYTHONUTF8="1", PYTHONDONTWRITEBYTECODE="1")
    environment["PATH"] = os.path.dirname(python) + os.pathsep + environment.get("PATH", "")
    # gradus as it lies in course/, in subfolders too, and not the copy that was installed with an earlier hand-out
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [course, environment.get("PYTHONPATH")]))
    if "--doctor" in arguments:
        return subprocess.call([python, "-m", "gradus", "doctor"], cwd=course, env=environment)
    missing = subprocess.run([python, "-c", LOOK], env=environment, stdout=subprocess.PIPE).stdout.decode().strip()
    if missing:
        raise Stop("%s: not installed in %s.\n" % (missing, python) + MEND)
    print("Opening JupyterLab. To end it, press Ctrl-C here twice.", flush=True)
    command = [python, "-m", "jupyterlab"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container there is often nobody else
    return subprocess.call(command + arguments, cwd=course, env=environment)


LOOK = """
from importlib.util import find_spec
print(*[name for name in ("jupyterlab", "torch", "sklearn", "matplotlib", "anywidget") if find_spec(name) is None])
"""
MEND = "Delete the folder .venv and start again; or, in conda: conda env update --file environment.yml"

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
