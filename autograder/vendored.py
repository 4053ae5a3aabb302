"""Script of others that the website needs, fetched from its registries once and served with the pages.

So that a page asks nothing of any other machine. Nothing of it is committed.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
from pathlib import Path

PACKAGES = {"mathjax": "3.2.2", "@jupyter-widgets/html-manager": "1.0.15", "requirejs": "2.3.8"}
WANTED = {  # of each package: what is kept (a file, or all below a folder), and where
    "mathjax": {
        "es5/tex-chtml.js": "mathjax/tex-chtml.js",
        "es5/output/chtml/fonts/woff-v2/": "mathjax/output/chtml/fonts/woff-v2/",
        "es5/input/tex/extensions/": "mathjax/input/tex/extensions/",
        "es5/a11y/": "mathjax/a11y/",
        "es5/ui/": "mathjax/ui/",
        "es5/sre/mathmaps/base.json": "mathjax/sre/mathmaps/base.json",
        "es5/sre/mathmaps/en.json": "mathjax/sre/mathmaps/en.json",
        "es5/sre/mathmaps/nemeth.json": "mathjax/sre/mathmaps/nemeth.json",
    },
    # it looks for its fonts there, seen from the page
    "@jupyter-widgets/html-manager": {"dist/": "@jupyter-widgets/html-manager/dist/"},
    "requirejs": {"require.js": "require.js"},
}
DROPPED = (".map", ".eot", ".svg", "/embed.js", "/libembed-amd.js")  # older browsers' fonts, other builds


class VendorError(RuntimeError):
    """Something could not be fetched; the message says what to do."""


def vendored(folder: Path) -> Path:
    """The folder of what pages load, made in `folder` the first time: to be laid beside the pages.

    Raises:
        VendorError: npm is not there, or fetches nothing.
    """
    kept = folder / hashlib.sha256(repr((PACKAGES, WANTED)).encode()).hexdigest()[:16]
    if not kept.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        begun = folder / "begun"
        shutil.rmtree(begun, ignore_errors=True)
        for name, version in PACKAGES.items():
            _unpack(_fetched(name, version, folder), WANTED[name], begun)
        _anywidget(begun)
        begun.rename(kept)
    return kept


def _fetched(name: str, version: str, folder: Path) -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise VendorError(
            f"The website needs npm once, to fetch {', '.join(PACKAGES)}. Install it (Debian: apt-get install npm)."
        )
    command = [npm, "pack", "--silent", f"{name}@{version}", "--pack-destination", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder)
    if done.returncode:
        raise VendorError(f"npm could not fetch {name}@{version}:\n{(done.stderr or done.stdout).strip()[-800:]}")
    path = folder / done.stdout.strip().splitlines()[-1].rpartition("/")[2]
    try:
        return path.read_bytes()
    finally:
        path.unlink()


def _unpack(archive: bytes, wanted: dict[str, str], target: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            name = member.name.removeprefix("package/")
            place = next((to + name.removeprefix(at) for at, to in wanted.items() if name.startswith(at)), None)
            file = tar.extractfile(member) if member.isfile() else None
            if place is None or file is None or name.endswith(DROPPED) or ".." in place:
                continue
            (target / place).parent.mkdir(parents=True, exist_ok=True)
            (target / place).write_bytes(file.read())


def _anywidget(target: Path) -> None:
    """The front end of anywidget as a module for require.js, which looks for it beside the page."""
    import anywidget

    shutil.copy(Path(anywidget.__file__).parent / "nbextension" / "index.js", target / "anywidget.js")
