"""The website: units as they are handed out, with pictures; nothing of an answer; nothing asked of another machine."""

from __future__ import annotations

import functools
import html
import http.server
import re
import shutil
import threading

import nbformat
import pytest
from click.testing import CliRunner

from autograder import page as pages
from autograder import vendored
from autograder.cli import main
from autograder.release import release_notebook, secrets
from autograder.site import Site, SiteError, build_site
from autograder.source import load_unit

from ..browser.seat import CHROMIUM, browser, watched_page
from .bare import ROOT
from .tiny import SOURCE, write

# Sphinx tells its extensions what will change in its next version
pytestmark = pytest.mark.filterwarnings("ignore:.*:PendingDeprecationWarning", "ignore:.*Sphinx 11.*")

UNIT = SOURCE.replace(
    "# # Tiny\n#\n# Words.\n",
    "# # You will see zebras\n#\n# The loss is $L = e^{-z}$, and\n#\n# $$\\sum_i p_i = 1$$\n#\n"
    "# for $a_1 + a_2 + a_3 + a_4 + a_5 + a_6 + a_7 + a_8 + a_9 + a_{10} + a_{11} + a_{12} + a_{13}$ too.\n",
)
UNIT = UNIT.replace(
    'print("a demo")\n',
    '''import ipywidgets
from gradus import plot
from gradus.widgets import explore, film


def curve(power=1.0):
    """A curve and its power."""
    figure, axes = plot.figure(height=2)
    axes.plot([0, 1, 2], np.array([0.0, 1.0, 2.0]) ** power)
    return figure


explore(curve, power=ipywidgets.FloatSlider(value=1, min=0, max=3, description="power"))

# %%
film(curve, [1.0, 2.0, 3.0], "step")
print("film 7 of 11")
''',
)


@pytest.fixture(scope="module")
def scripts():
    """What pages load, from the project's own cache, so that npm is asked once a machine."""
    kept = ROOT / ".gradus" / "site" / "vendor"
    if not shutil.which("npm") and not kept.is_dir():
        pytest.skip("no npm on this machine (as root: apt-get install npm), so no website was built")
    vendored.vendored(kept)
    return kept


def project(folder, scripts, source=UNIT):
    """A project with one unit."""
    shutil.copytree(ROOT / "docs", folder / "docs")
    for name in ("README.md", "GUIDE.md", "CONTRIBUTING.md", "LICENSE", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    write(folder, source)
    kept = folder / ".gradus" / "site"
    kept.mkdir(parents=True)
    (kept / "vendor").symlink_to(scripts)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory, scripts):
    folder = project(tmp_path_factory.mktemp("site"), scripts)
    made = Site(folder, folder / "site")
    assert build_site(made, [folder / "solutions" / "99_tiny.py"], lambda text: None) == 1
    return made


def text_of(path):
    """What a page says, tags taken out and letters as they are read."""
    raw = path.read_text(encoding="utf-8", errors="replace")
    return html.unescape(re.sub(r"<[^>]*>", "", raw)) if path.suffix == ".html" else html.unescape(raw)


def found_lines(folder, lines):
    """Those of `lines` that some page, script, index or download in `folder` holds."""
    kinds = (".html", ".js", ".json", ".ipynb", ".txt", ".md", ".inv", ".css")
    files = [
        path
        for path in folder.rglob("*")
        if path.suffix in kinds and not {"mathjax", "@jupyter-widgets"} & set(path.parts)
    ]
    escaped = {line: {line, line.replace('"', '\\"')} for line in lines}
    return [line for path in files for line in escaped if any(form in text_of(path) for form in escaped[line])]


# what stands on the pages


def test_no_line_of_a_solution_is_anywhere(site):
    unit = load_unit(site.project / "solutions" / "99_tiny.py")
    hidden = [line for _, line in secrets(unit)]
    assert len(hidden) > 10
    assert found_lines(site.out, hidden) == []
    assert found_lines(site.pages, hidden) == []


def test_such_a_line_would_be_found(tmp_path):
    """So that the test above does not pass because it cannot see: highlighted, escaped, in a download."""
    line = 'return shifted["a"] / shifted.sum(axis=-1)'
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    (tmp_path / "a.html").write_text(highlight(line, PythonLexer(), HtmlFormatter()))
    assert found_lines(tmp_path, [line]) == [line]
    (tmp_path / "a.html").unlink()
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(line)]), tmp_path / "b.ipynb")
    assert found_lines(tmp_path, [line]) == [line]


def test_the_page_is_the_handout_with_pictures(site):
    notebook = nbformat.read(site.pages / "99_tiny.ipynb", as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    unit = load_unit(site.project / "solutions" / "99_tiny.py")
    release = release_notebook(unit)
    assert [cell.source for cell in notebook.cells[1:-1]] == [cell.source for cell in release.cells[3:-1]]
    assert cells["why"].source == "*Here you write your answer, in the notebook.*"
    title, _, rest = cells["markdown-1"].source.partition("\n")
    assert title == "# You will see zebras" and "[Open in Colab](" in rest and "Download this notebook" in rest
    assert "raise NotImplementedError()" in cells["softmax"].source
    for name in ("softmax", "check-softmax", "setup-1", "Scaler", "check-Scaler"):
        assert cells[name].outputs == []  # neither a verdict nor an error: nobody has answered here
    assert cells["check-softmax"].metadata.tags == cells["setup-1"].metadata.tags == ["hide-input"]
    still = cells["demo-1"].outputs
    assert [pages.VIEW in output.data for output in still] == [False]  # the dead slider is left out, its picture stays
    assert 'alt="' in still[0].data["text/html"] and pages.PAGE_SAYS in still[0].data["text/html"]
    live = cells["demo-2"].outputs
    assert pages.VIEW in live[0].data and any(output.get("text") == "film 7 of 11\n" for output in live)
    state = notebook.metadata.widgets[pages.STATE]["state"]
    assert live[0].data[pages.VIEW]["model_id"] in state
    assert not any("Slider" in model["model_name"] for model in state.values())  # of what is not shown, nothing


def test_what_is_offered_to_download_is_the_handout(site):
    [offered] = site.out.glob("_downloads/*/99_tiny.ipynb")
    unit = load_unit(site.project / "solutions" / "99_tiny.py")
    assert nbformat.read(offered, as_version=4) == release_notebook(unit)


def test_reference_and_guide_are_there(site):
    reference = text_of(site.out / "reference.html")
    for words in ("assert_close", "gradus.widgets", "current_unit", "Show the figure that draw returns"):
        assert words in reference, words
    assert "The instructor’s guide" in text_of(site.out / "GUIDE.html")
    assert "You will see zebras" in text_of(site.out / "index.html")


# building


def test_a_second_build_runs_nothing(site, monkeypatch):
    monkeypatch.setattr(pages, "NotebookClient", None)
    unit = load_unit(site.project / "solutions" / "99_tiny.py")
    done = pages.executed(unit, site.kept / "executed")
    assert any(cell.get("outputs") for cell in done.cells)
    monkeypatch.setattr(pages, "to_text", lambda notebook: "another")  # another notebook, another key
    with pytest.raises(TypeError):
        pages.executed(unit, site.kept / "executed")


def test_a_unit_that_does_not_run_is_named(tmp_path, scripts, monkeypatch):
    folder = project(tmp_path, scripts, SOURCE.replace('print("a demo")', "1 / 0"))
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(main, ["site"])
    assert done.exit_code == 1
    assert "99_tiny: the solved notebook does not run" in done.output and "ZeroDivisionError" in done.output
    assert not (folder / "site").exists()


def test_what_sphinx_complains_of_is_said(tmp_path, scripts):
    folder = project(tmp_path, scripts, SOURCE.replace("# Words.", "# [Nowhere](nowhere.md)"))
    with pytest.raises(SiteError, match=r"nowhere\.md"):
        build_site(Site(folder, folder / "site"), [folder / "solutions" / "99_tiny.py"], lambda text: None)


def test_another_folder_is_not_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "conf.py").touch()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("years of work")
    done = CliRunner().invoke(main, ["site", "--out", "thesis"])
    assert done.exit_code == 1 and "give another folder" in done.output
    assert (tmp_path / "thesis" / "chapter1.tex").read_text() == "years of work"


def test_without_npm_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(vendored.VendorError, match=r"needs npm once.*mathjax"):
        vendored.vendored(tmp_path / "vendor")
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error network' >&2\nexit 1\n")
    npm.chmod(0o755)
    with pytest.raises(vendored.VendorError, match=r"could not fetch mathjax@3\.2\.2:\nnpm error network"):
        vendored.vendored(tmp_path / "vendor")
    assert not any(path.is_dir() for path in (tmp_path / "vendor").iterdir())  # half a fetch is none


# in a browser


@pytest.fixture(scope="module")
def visit(site):
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (as root: apt-get install chromium): no page was opened")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site.out)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with browser() as chromium:
        made = []

        def visit(name, **context):
            page, complaints, outside = watched_page(chromium, **context)
            made.append((page, complaints, outside))
            page.goto(f"http://127.0.0.1:{server.server_port}/{name}")
            page.wait_for_load_state("networkidle")
            return page

        visit.watched = made
        yield visit
    server.shutdown()


@pytest.fixture
def open_page(visit):
    visit.watched.clear()
    yield visit
    for page, complaints, outside in visit.watched:
        page.context.close()
        assert outside == [], "a request would have left the machine"
        assert complaints == [], "the console complains"


def test_maths_pictures_and_live_widgets(open_page):
    page = open_page("99_tiny.html")
    page.locator("mjx-container").first.wait_for()
    assert page.locator("mjx-container").count() == 3
    assert page.locator("mjx-merror").count() == 0
    widths = page.evaluate("[...document.querySelectorAll('.cell_output img')].map(i => i.naturalWidth)")
    assert widths and min(widths) > 300
    slider = page.locator(".cell_output input[type=range]")

    def shown():
        return page.locator(".cell_output img:visible").last.get_attribute("src")

    slider.wait_for()
    before = shown()
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert shown() != before
    colab = page.get_by_role("link", name="Open in Colab").get_attribute("href")
    assert colab.startswith("https://colab.research.google.com/github/") and colab.endswith("/course/99_tiny.ipynb")
    button = page.locator(".dropdown-launch-buttons a").first.get_attribute("href")
    assert button == colab


def test_on_a_telephone_what_is_too_wide_can_be_pushed_aside(open_page):
    page = open_page("99_tiny.html", viewport={"width": 400, "height": 800})
    page.locator("mjx-container").nth(2).wait_for()
    wide = page.evaluate(
        """() => {
          const pushed = part => !part.matches('article') &&
            (/auto|scroll/.test(getComputedStyle(part).overflowX) || pushed(part.parentElement));
          return [...document.querySelectorAll('article *')]
            .filter(part => part.getBoundingClientRect().right > innerWidth + 1)
            .map(part => [part.tagName, pushed(part)]);
        }"""
    )
    assert {"MJX-MATH", "SPAN"} <= {name for name, _ in wide}  # the long formula, the code
    assert [name for name, can in wide if not can] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_dark_is_dark_and_can_be_chosen(open_page):
    ground = "getComputedStyle(document.body).backgroundColor"

    def light_of(page):
        return sum(map(int, re.findall(r"\d+", page.evaluate(ground))[:3]))

    dark = open_page("99_tiny.html", color_scheme="dark")
    assert light_of(dark) < 150
    page = open_page("99_tiny.html", color_scheme="light")
    assert light_of(page) > 700
    page.locator(".theme-switch-button").click()
    page.get_by_text("Dark", exact=True).click()
    page.wait_for_function(f"{ground}.match(/\\d+/g).slice(0, 3).every(part => part < 50)")


def test_search_finds(open_page):
    page = open_page("search.html?q=zebras")
    page.locator("#search-results li a").first.wait_for()
    assert "99_tiny.html" in page.locator("#search-results li a").first.get_attribute("href")


@pytest.mark.parametrize("name", ["index.html", "reference.html", "GUIDE.html", "README.html"])
def test_other_pages_are_quiet(open_page, name):
    assert open_page(name).locator("article h1").first.is_visible()


def test_it_can_be_read_from_the_disk(open_page, site):
    page = open_page("index.html")
    page.goto((site.out / "99_tiny.html").as_uri())
    page.locator("mjx-container").first.wait_for()
    page.locator(".cell_output input[type=range]").wait_for()
