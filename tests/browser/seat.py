"""A student's seat, driven by a program: JupyterLab in a real browser.

    with Server.start(folder) as server, browser() as chromium:
        seat = Seat.open(chromium, server, "00_welcome.ipynb")
        seat.run_all()
        seat.output(2).screenshot(path="second.png")
        assert "passed" in seat.text(4)
        assert seat.complaints == [] and seat.outside == []

`Server` is JupyterLab on a free port, with settings, kernels and history of its own, so that nothing of the machine's
own Jupyter is read or changed. `Seat` is one notebook in one browser page; it notes what the console complains of and
every request that would leave the machine (those are refused, so that a test cannot pass on the network).
What works on which machine: FACTS.md, "Browser".
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CHROMIUM = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
FLAGS = [
    "--no-sandbox",  # root, as in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HERE = {"127.0.0.1", "localhost"}
PATIENCE = 60_000  # milliseconds for anything to happen: a machine that is busy is slow, not wrong


@dataclass
class Server:
    """A running JupyterLab."""

    url: str  # http://127.0.0.1:PORT
    token: str
    root: Path  # the folder that it shows
    settings: Path  # its users' settings
    process: subprocess.Popen[bytes]

    @classmethod
    @contextlib.contextmanager
    def start(cls, root: Path, private: Path, seconds: float = 120, **environment: str) -> Iterator[Server]:
        """JupyterLab on `root`, ready to answer; stopped, with its kernels, when the block ends.

        Args:
            root: the folder with the notebooks.
            private: an empty folder for its settings, logs and runtime files.
            environment: variables for it and its kernels.
        """
        for name in ("settings", "workspaces", "home", "runtime", "config"):
            (private / name).mkdir(parents=True, exist_ok=True)
        port, token = _free_port(), secrets.token_hex(16)
        home = private / "home"
        env = os.environ | {
            "JUPYTERLAB_SETTINGS_DIR": str(private / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(private / "workspaces"),
            "JUPYTER_CONFIG_DIR": str(private / "config"),
            "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
            "IPYTHONDIR": str(home / ".ipython"),
            "HOME": str(home),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            **environment,
        }
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--ServerApp.port={port}"]
        command += [f"--IdentityProvider.token={token}", "--ServerApp.port_retries=0", "--expose-app-in-browser"]
        command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={root}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--allow-root")
        log = private / "jupyterlab.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(command, env=env, stdout=sink, stderr=sink, cwd=root)
        try:
            server = cls(f"http://127.0.0.1:{port}", token, root, private / "settings", process)
            server._wait(seconds, log)
            yield server
        finally:
            process.terminate()  # it shuts its kernels down
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def put(self, notebook: Path | Any, name: str) -> str:
        """Lay a notebook (a path, or a NotebookNode) at `name` under the server's folder; return `name`."""
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(notebook, Path):
            shutil.copyfile(notebook, target)
        else:
            import nbformat

            nbformat.write(notebook, target)
        return name

    def stop_kernels(self) -> None:
        """End all kernels that notebooks have left running."""
        for kernel in json.loads(self._ask("GET", "kernels")):
            self._ask("DELETE", f"kernels/{kernel['id']}")

    def _ask(self, method: str, what: str) -> bytes:
        asked = urllib.request.Request(f"{self.url}/api/{what}", method=method)
        asked.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.read()

    def _wait(self, seconds: float, log: Path) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.url}/api/status?token={self.token}", timeout=5).close()
                return
            time.sleep(0.2)
        raise RuntimeError(f"JupyterLab did not start within {seconds:g} s:\n{log.read_text(errors='replace')[-3000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """Debian's chromium, without a window; a Playwright ``Browser``."""
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        raise RuntimeError("there is no chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, headless=True)
        try:
            yield made
        finally:
            made.close()


def watched_page(chromium: Any, **context: Any) -> tuple[Any, list[str], list[str]]:
    """A page of a fresh profile, the list of its console's errors, the list of requests that would leave the machine.

    Both lists grow while the page lives. `context` goes to Playwright's ``new_context`` (``color_scheme="dark"``).
    """
    made = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}} | context)
    made.set_default_timeout(PATIENCE)
    page = made.new_page()
    complaints: list[str] = []
    outside: list[str] = []

    def guard(route: Any) -> None:
        parts = urlsplit(route.request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in HERE:
            outside.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    made.route("**/*", guard)
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints, outside


@dataclass
class Seat:
    """One notebook, open in JupyterLab."""

    page: Any  # Playwright's
    complaints: list[str] = field(default_factory=list)  # errors on the console, uncaught exceptions
    outside: list[str] = field(default_factory=list)  # requests that would have left the machine

    @classmethod
    def open(
        cls,
        chromium: Any,
        server: Server,
        name: str,
        dark: bool = False,
        opened: Callable[[Any], None] = lambda page: None,
        **context: Any,
    ) -> Seat:
        """Open the notebook `name` (a path under the server's folder) in a fresh profile.

        Args:
            opened: is given the page before anything is loaded into it.
        """
        _settle(server, dark)
        page, complaints, outside = watched_page(chromium, **context)
        opened(page)
        page.goto(f"{server.url}/lab/tree/{name}?reset&token={server.token}")
        page.locator(".jp-Notebook").wait_for()
        page.wait_for_function("window.jupyterapp && window.jupyterapp.shell.currentWidget?.sessionContext?.isReady")
        page.wait_for_function("jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'")
        return cls(page, complaints, outside)

    def command(self, name: str, **arguments: Any) -> None:
        """Run one of JupyterLab's own commands, as its menus do: ``command("docmanager:save")``."""
        self.page.evaluate("([name, given]) => jupyterapp.commands.execute(name, given)", [name, arguments])

    def run_all(self, seconds: float = 120) -> None:
        """Run > Run All Cells, and wait until all have run."""
        self.command("runmenu:run-all")
        self.wait(seconds)

    def run(self, cell: int, seconds: float = 60) -> None:
        """Select a cell by its number, counted from 0 with the text cells, run it, and wait."""
        self.page.evaluate("n => { jupyterapp.shell.currentWidget.content.activeCellIndex = n }", cell)
        self.command("notebook:run-cell")
        self.wait(seconds)

    def begin(self, cell: int) -> None:
        """Run a cell without waiting for it."""
        self.page.evaluate(
            """n => {
              jupyterapp.shell.currentWidget.content.activeCellIndex = n;
              void jupyterapp.commands.execute('notebook:run-cell');
            }""",
            cell,
        )

    def stop(self) -> None:
        """The Stop button: Kernel > Interrupt Kernel."""
        self.command("notebook:interrupt-kernel")

    def wait(self, seconds: float = 60) -> None:
        """Wait until no cell runs or waits to run."""
        self.page.wait_for_function(
            """() => {
              const panel = jupyterapp.shell.currentWidget;
              const waiting = panel.content.widgets.some(cell => cell.model.executionState === 'running');
              return !waiting && panel.sessionContext.session?.kernel?.status === 'idle';
            }""",
            timeout=1000 * seconds,
        )

    def write(self, cell: int, source: str) -> None:
        """Replace a cell's text."""
        self.page.evaluate(
            "([n, text]) => jupyterapp.shell.currentWidget.content.widgets[n].model.sharedModel.setSource(text)",
            [cell, source],
        )

    def sources(self) -> list[str]:
        """The text of every cell."""
        return self.page.evaluate(
            "() => jupyterapp.shell.currentWidget.content.widgets.map(c => c.model.sharedModel.getSource())"
        )

    def find(self, text: str) -> int:
        """The number of the first cell that holds `text`."""
        return next(number for number, source in enumerate(self.sources()) if text in source)

    def cell(self, number: int) -> Any:
        """A cell on the page (Playwright's locator), scrolled into view."""
        self.page.evaluate(
            "async n => { const c = jupyterapp.shell.currentWidget.content; await c.scrollToItem(n, 'smart') }", number
        )
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{number}"]')

    def output(self, number: int) -> Any:
        """A cell's outputs on the page (Playwright's locator)."""
        return self.cell(number).locator(".jp-OutputArea")

    def text(self, number: int) -> str:
        """What a cell's outputs say, without the prompts."""
        return "\n".join(self.cell(number).locator(".jp-OutputArea-output").all_inner_texts()).strip()

    def save(self) -> None:
        """File > Save Notebook, and wait until it is saved."""
        self.command("docmanager:save")
        self.page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty")

    def close(self) -> None:
        """Close the page and its profile."""
        self.page.context.close()


def _settle(server: Server, dark: bool) -> None:
    """Write the settings that a page reads when it opens."""
    settings = {
        "@jupyterlab/apputils-extension/themes": {
            "theme": "JupyterLab Dark" if dark else "JupyterLab Light",
            "adaptive-theme": False,
        },
        # every cell stays on the page, so that a test finds it wherever the page is scrolled to
        "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
        "@jupyterlab/apputils-extension/notification": {"fetchNews": "false"},
    }
    for name, values in settings.items():
        path = server.settings / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
