"""The course as a website: a page a unit, the reference of gradus, the instructor's guide. Sphinx does the building."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

import gradus

from .address import Address
from .page import page
from .release import handout
from .source import Unit, load_unit
from .vendored import vendored

GUIDES = ("README.md", "GUIDE.md", "CONTRIBUTING.md", "LICENSE")
PRIVATE = {"__main__", "hints", "standin"}  # modules of gradus that nobody imports by name


class SiteError(RuntimeError):
    """The website cannot be built; the message says why."""


@dataclass
class Site:
    """Where things are: the project, the folder for what may be kept, the finished pages."""

    project: Path
    out: Path

    @property
    def kept(self) -> Path:
        return self.project / ".gradus" / "site"

    @property
    def work(self) -> Path:
        """Where it is built: one for each folder to write, so that two builds do not meet."""
        return self.kept / hashlib.sha256(str(self.out).encode()).hexdigest()[:8]

    @property
    def pages(self) -> Path:
        """What Sphinx reads, made anew each time."""
        return self.work / "pages"


def build_site(site: Site, sources: Iterable[Path], say: Callable[[str], None] = print) -> int:
    """Write the website into `site.out`; return how many units it has.

    Raises:
        SiteError: Sphinx refuses. PageError: a unit does not run. VendorError: a script cannot be fetched.
        SourceErrors: a unit's source has faults.
    """
    try:
        from sphinx.application import Sphinx
        from sphinx.errors import SphinxError
    except ImportError:
        raise SiteError("Sphinx is not installed. Run: make site, or pip install 'gradus[site]'") from None
    say("scripts")
    scripts = vendored(site.kept / "vendor")
    address = Address.of(site.project)
    shutil.rmtree(site.pages, ignore_errors=True)
    site.pages.mkdir(parents=True)
    units = [load_unit(path) for path in sources]
    for unit in units:
        say(unit.name)
        _unit_page(site, unit, address)
    _other_pages(site, units)
    say("pages")
    settings: dict[str, Any] = {"html_extra_path": [str(scripts)], "html_theme_options": _theme(address)}
    shutil.rmtree(site.out, ignore_errors=True)
    with (site.work / "sphinx.log").open("w", encoding="utf-8") as log:
        try:
            app = Sphinx(
                str(site.pages),
                str(site.project / "docs"),
                str(site.out),
                str(site.work / "doctrees"),
                "html",
                confoverrides=settings,
                status=None,
                warning=log,
                freshenv=True,
            )
            app.build()
        except SphinxError as error:
            raise SiteError(f"Sphinx stopped: {error}") from None
    warnings = (site.work / "sphinx.log").read_text(encoding="utf-8").strip()
    if warnings:
        raise SiteError(f"Sphinx complains; mend these and build again:\n{warnings[-6000:]}")
    return len(units)


def _unit_page(site: Site, unit: Unit, address: Address | None) -> None:
    """The page, and the notebook that a reader may download."""
    folder = site.pages / "notebooks"
    folder.mkdir(exist_ok=True)
    (folder / f"{unit.name}.ipynb").write_text(handout(unit), encoding="utf-8", newline="\n")
    links = [f"{{download}}`Download this notebook <notebooks/{unit.name}.ipynb>`"]
    colab = address.colab(unit.name) if address else None
    if colab:
        links.insert(0, f"[Open in Colab]({colab})")
    made = page(unit, site.kept / "executed", " · ".join(links))
    nbformat.write(made, site.pages / f"{unit.name}.ipynb")


def _other_pages(site: Site, units: list[Unit]) -> None:
    docs = site.project / "docs"
    for name in GUIDES:
        if (site.project / name).is_file():
            shutil.copy(site.project / name, site.pages / name)
    if (docs / "pictures").is_dir():
        shutil.copytree(docs / "pictures", site.pages / "docs" / "pictures")
    index = (docs / "index.md").read_text(encoding="utf-8")
    tree = "\n".join(f"{short(unit.name)} <{unit.name}>" for unit in units)
    rows = "\n".join(f"| [{short(unit.name)}]({unit.name}.ipynb) | {unit.title} |" for unit in units)
    guides = "\n".join(
        f"{title} <{name}>"
        for title, name in (
            ("About Gradus", "README"),
            ("The instructor's guide", "GUIDE"),
            ("Adding an exercise", "CONTRIBUTING"),
        )
        if (site.pages / f"{name}.md").is_file()
    )
    for mark, text in (("{tree}", tree), ("{rows}", rows), ("{guides}", guides)):
        index = index.replace(mark, text)
    (site.pages / "index.md").write_text(index, encoding="utf-8")
    (site.pages / "reference.md").write_text(reference(), encoding="utf-8")


def short(name: str) -> str:
    """A unit's name for a menu: "02 Neuron"."""
    number, _, words = name.partition("_")
    return f"{number} {words.replace('_', ' ').capitalize()}".replace("Pytorch", "PyTorch")


def reference() -> str:
    """The page that Sphinx fills with the docstrings of gradus."""
    parts = ["# The helper package `gradus`", "", "What every notebook imports. It holds no answer to an exercise.", ""]
    for name in ("gradus", *modules()):
        members = getattr(importlib.import_module(name), "__all__", None)
        options = (
            "   :members:\n"
            if members is None
            else f"   :members: {', '.join(sorted(members))}\n   :imported-members:\n"
        )
        parts += [f"## {name}", "", "```{eval-rst}", f".. automodule:: {name}", options.rstrip("\n"), "```", ""]
    return "\n".join(parts)


def modules() -> list[str]:
    """The modules of gradus that a reader may import, in the order of their names."""
    found = []
    for info in pkgutil.iter_modules(gradus.__path__):
        taken = info.name in gradus.__all__  # a function of that name, which stands under gradus
        if info.name not in PRIVATE and not info.name.startswith("_") and not taken:
            found.append(f"gradus.{info.name}")
    return found


def _theme(address: Address | None) -> dict[str, Any]:
    """What the theme is told of the repository: Colab buttons, and a way to the sources."""
    options: dict[str, Any] = {
        "use_download_button": False,  # it would give the page; the notebook is offered below the title
        "use_fullscreen_button": False,
        "navbar_persistent": [],  # the search that stands in the sidebar is enough
        "show_toc_level": 2,
        "path_to_docs": "course",
    }
    if address is not None and address.colab("x"):
        options |= {"repository_url": address.repository, "repository_branch": address.branch}
        options |= {"launch_buttons": {"colab_url": "https://colab.research.google.com"}}
    return options
