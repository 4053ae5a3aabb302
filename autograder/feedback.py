"""Feedback: one page a student, complete in itself.

Nothing in a page is live: it holds no script and needs no other file, everything goes through a sanitiser, and a
policy in its head forbids the browser to run or to fetch anything, should the sanitiser ever be wrong.
"""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jinja2
import nh3
from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markupsafe import Markup
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from .celltext import visible
from .intake import role

if TYPE_CHECKING:
    from .marks import Result

NOTES = "gradus-notes"  # the cell that holds the grader's notes
MAX_TEXT = 20_000  # characters of one output, or of one answer in words
MAX_TEXTS = 400_000  # of all outputs and cells of the student's together
MAX_PICTURES = 2 << 20  # characters of all pictures together, as base64
MAX_FORMULA = 1000

MATHS = {
    *("math", "semantics", "mrow", "mi", "mo", "mn", "ms", "mtext", "mspace", "mstyle", "mpadded", "mphantom"),
    *("mfrac", "msqrt", "mroot", "msup", "msub", "msubsup", "mover", "munder", "munderover", "mtable", "mtr", "mtd"),
    "menclose",
}
MATHS_ATTRIBUTES = {
    *("display", "mathvariant", "stretchy", "fence", "form", "separator", "lspace", "rspace", "minsize", "maxsize"),
    *("columnalign", "columnspacing", "rowspacing", "columnlines", "rowlines", "linethickness", "displaystyle"),
    *("scriptlevel", "accent", "accentunder", "width", "height", "depth", "movablelimits", "notation", "symmetric"),
}
TEXT = {
    *("p", "br", "hr", "em", "strong", "b", "i", "s", "u", "sub", "sup", "code", "pre", "blockquote", "kbd"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "a", "span", "div"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
STYLES = {  # those of the tables that checks show
    *("background", "border-collapse", "border-left", "color", "font-weight", "margin", "max-width", "opacity"),
    *("padding", "padding-left", "text-align", "vertical-align", "white-space", "width"),
}
CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f]")
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")  # they show text in another order than it has


@dataclass(frozen=True)
class Mark:
    """What one graded cell earned."""

    score: float
    points: float
    waiting: bool = False  # for a person to mark it
    by_hand: bool = False


@dataclass
class Marks:
    """What the gradebook has on one student's work in a unit."""

    cells: dict[str, Mark] = field(default_factory=dict)  # by the cell's name, in the notebook's order
    comments: dict[str, str] = field(default_factory=dict)  # the instructor's, by the cell's name
    penalty: float = 0.0  # points taken off because it came late
    late: str = ""  # what is to be said of that

    @classmethod
    def of(cls, result: Result) -> Marks:
        """Those of a result in the model that all of the grader shares."""
        cells = {name: Mark(cell.score, cell.points, cell.waiting, cell.by_hand) for name, cell in result.cells.items()}
        return cls(cells, result.comments, result.penalty, result.penalty_reason)

    @property
    def score(self) -> float:
        return round(max(0.0, sum(mark.score for mark in self.cells.values()) - self.penalty), 2)

    @property
    def points(self) -> float:
        return sum(mark.points for mark in self.cells.values())


def page(student: str, unit: str, notebook: NotebookNode, marks: Marks) -> str:
    """The page of one student, from the autograded notebook and the gradebook."""
    room = _Room()
    names = {cell.id: cell.metadata.get("nbgrader", {}).get("grade_id", cell.id) for cell in notebook.cells}
    notes = next((_markdown(cell.source, True) for cell in notebook.cells if cell.id == NOTES), Markup(""))
    parts = list(_parts([cell for cell in notebook.cells if cell.id != NOTES], names, marks, room))
    rows = [(name, _exercise(name), mark) for name, mark in marks.cells.items()]
    waiting = any(mark.waiting for mark in marks.cells.values())
    return PAGE.render(
        student=student, unit=unit, title=_title(notebook) or unit, marks=marks, rows=rows, waiting=waiting,
        notes=notes, parts=parts, style=Markup(f"{colours()}\n{STYLE}"),
    )  # fmt: skip


def _title(notebook: NotebookNode) -> str:
    for cell in notebook.cells:
        found = re.search(r"^# (.+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else None
        if found:
            return found[1].replace("`", "").strip()
    return ""


def _exercise(name: str) -> str:
    return name.removeprefix("check-").removeprefix("question-")


class _Room:
    """How much of the student's own may still go into the page."""

    def __init__(self) -> None:
        self.text, self.pictures = MAX_TEXTS, MAX_PICTURES

    def take(self, text: str, limit: int = MAX_TEXT) -> str:
        """`text` without control characters, its middle left out where it is too long."""
        limit = min(limit, self.text)
        self.text = max(0, self.text - min(len(text), limit) - 100)
        if len(text) > limit:
            half = limit // 2
            left = len(text) - 2 * half
            text = f"{text[:half]}\n[… {left} characters left out …]\n{text[len(text) - half :]}"
        return TURNING.sub("\N{REPLACEMENT CHARACTER}", CONTROL.sub("", text))

    def picture(self, size: int) -> bool:
        if size > self.pictures:
            return False
        self.pictures -= size
        return True


@dataclass
class _Part:
    """A piece of the page: the student's own in full, the hand-out's folded up."""

    kind: str
    body: Markup
    name: str = ""
    mark: Mark | None = None
    comment: str = ""
    tests: Markup | None = None


def _parts(cells: list[NotebookNode], names: Mapping[str, str], marks: Marks, room: _Room) -> Iterator[_Part]:
    folded: list[Markup] = []
    for cell in cells:
        kind, name = role(cell), names[cell.id]
        outputs = cell.get("outputs", [])
        failed = any(output.output_type == "error" for output in outputs)
        changed = cell.metadata.get("gradus", {}).get("changed", False)
        own = kind in ("exercise", "check", "question", "extra") or failed or (kind == "demo" and changed)
        if not own:
            folded.append(_markdown(cell.source, True) if cell.cell_type == "markdown" else code_block(cell.source))
            folded += _outputs(outputs, room)
            continue
        if folded:
            yield _Part("handout", Markup("\n").join(folded))
            folded = []
        part = _Part(kind, Markup(""), name, marks.cells.get(name), marks.comments.get(name, ""))
        if cell.cell_type == "markdown":
            part.body = _markdown(room.take(cell.source), False)
        elif kind == "check":
            part.body = Markup("\n").join(_verdict(outputs))
            part.tests = code_block(visible(cell.source))
        else:
            part.body = Markup("\n").join([code_block(room.take(cell.source)), *_outputs(outputs, room)])
        yield part
    if folded:
        yield _Part("handout", Markup("\n").join(folded))


def _verdict(outputs: list[Any]) -> list[Markup]:
    """A check's table: the examiner's, with what the student's code gave in it as text."""
    return [_clean(text) for output in outputs if (text := _text(output.get("data", {}).get("text/html", "")))]


def _outputs(outputs: list[Any], room: _Room) -> list[Markup]:
    found = []
    for output in outputs:
        data = output.get("data", {})
        picture = _text(data.get("image/png", "")).strip()
        if output.output_type == "error":
            text = _text(output.get("traceback", []), "\n") or f"{output.get('ename')}: {output.get('evalue')}"
            found.append(Markup('<pre class="error">{}</pre>').format(room.take(text)))
        elif output.output_type == "stream":
            found.append(Markup('<pre class="output">{}</pre>').format(room.take(_text(output.get("text", "")))))
        elif picture and re.fullmatch(r"[A-Za-z0-9+/=\s]+", picture):
            if room.picture(len(picture)):
                source = re.sub(r"\s", "", picture)
                found.append(
                    Markup('<img alt="a picture from this cell" src="data:image/png;base64,{}">').format(source)
                )
            else:
                found.append(Markup('<p class="left-out">A picture is left out: the page would grow too large.</p>'))
        elif "text/plain" in data:
            found.append(Markup('<pre class="output">{}</pre>').format(room.take(_text(data["text/plain"]))))
    return found


def _text(value: Any, between: str = "") -> str:
    return between.join(map(str, value)) if isinstance(value, list) else str(value)


@functools.lru_cache(maxsize=2000)  # most cells are the hand-out's, the same for a whole class
def code_block(source: str) -> Markup:
    """Python in colours, as HTML; `colours` has their style."""
    coloured = highlight(source, PythonLexer(stripnl=False, ensurenl=False), HtmlFormatter(nowrap=True))
    return Markup(f'<pre class="code">{coloured}</pre>')


@functools.lru_cache(maxsize=2000)
def _markdown(source: str, ours: bool) -> Markup:
    """Markdown as HTML. Tags in it are the hand-out's right alone; in a student's they are shown as text."""
    try:
        return _clean(_renderer(ours).render(source))
    except Exception:  # whatever is in it, it must be readable
        return Markup("<pre>{}</pre>").format(source)


@functools.cache
def _renderer(ours: bool) -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": ours}).enable(["table", "strikethrough"])
    dollarmath_plugin(reader, double_inline=True, allow_digits=False, renderer=_formula)
    return reader


def _formula(latex: str, options: Mapping[str, Any]) -> str:
    display = bool(options.get("display_mode"))
    try:
        return _mathml(latex[: MAX_FORMULA + 1], display)
    except Exception:  # what the converter does not know is shown as it was written
        return f"<code>{html.escape(latex)}</code>"


@functools.lru_cache(maxsize=5000)
def _mathml(latex: str, display: bool) -> str:
    if len(latex) > MAX_FORMULA:
        raise ValueError("too long")
    return convert(latex.strip(), display="block" if display else "inline")


def _clean(text: str) -> Markup:
    """`text` without anything that is live, or that leads a browser elsewhere unasked."""
    return Markup(
        nh3.clean(
            text,
            tags=TEXT | MATHS,
            attributes={"a": {"href"}, **{tag: MATHS_ATTRIBUTES for tag in MATHS}, **_STYLED},
            url_schemes={"http", "https"},
            link_rel="noopener noreferrer",
            filter_style_properties=STYLES,
        )
    )


_STYLED = {tag: {"style", "aria-label"} for tag in ("div", "span", "table", "tr", "td", "code")}


@functools.cache
def colours() -> str:
    """The style of `code_block`, on light and on dark."""
    light, dark = (HtmlFormatter(style=name).get_style_defs(".code") for name in ("default", "github-dark"))
    dark = re.sub(r"^(?:pre|td|span)\b.*$", "", dark, flags=re.MULTILINE)
    light = re.sub(r"^(?:pre|td|span)\b.*$", "", light, flags=re.MULTILINE)
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"


STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8881; --good: #2a7f3f; --bad: #c0392b; --text: #1b1b1b;
  --page: #fff; --link: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e6e6; --page: #16181c; --good: #57b870; --bad: #ef7a6d;
  --link: #8ab4f8; } }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--text); background: var(--page); max-width: 56em;
  margin: 2em auto; padding: 0 1em; overflow-wrap: anywhere; }
a { color: var(--link); }
h1 { line-height: 1.2; margin-bottom: .2em; }
h1, h2, h3 { text-wrap: balance; }
table { border-collapse: collapse; margin: .6em 0; }
th, td { text-align: left; padding: .25em .9em .25em .3em; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.score { font-size: 1.3em; margin: .4em 0 1em; }
.quiet { opacity: .75; }
.notes, .comment { border-left: 4px solid #b9770e; background: var(--soft); padding: .4em .9em; margin: .8em 0; }
.comment { border-color: var(--link); white-space: pre-wrap; }
section { margin: 1.6em 0; }
section > h2 { font-size: 1.05em; margin: 0 0 .4em; border-bottom: 2px solid var(--line); padding-bottom: .2em; }
pre, pre.code { background: var(--soft); padding: .6em .9em; border-radius: 4px; margin: .4em 0;
  font: 14px/1.45 ui-monospace, Menlo, Consolas, monospace; white-space: pre-wrap; tab-size: 4; }
pre.output { background: none; border-left: 3px solid var(--line); border-radius: 0; max-height: 30em; overflow: auto; }
pre.error { background: #c0392b1a; border-left: 3px solid var(--bad); border-radius: 0; }
code { font: .92em ui-monospace, Menlo, Consolas, monospace; }
pre code { font: inherit; }
img { max-width: 100%; background: #fff; display: block; margin: .4em 0; }
details { margin: 1em 0; }
details > div { border-left: 1px solid var(--line); padding-left: 1em; }
summary { cursor: pointer; opacity: .75; }
math[display="block"] { display: block math; margin: .6em 0; }
@media print { details, pre.output { max-height: none; } }
"""

PAGE = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; \
base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<title>{{ unit }}: {{ student }}</title>
<style>{{ style }}</style>
</head>
<body>
<header>
<h1>{{ title }}</h1>
<div class="quiet">Feedback for {{ student }}</div>
<p class="score"><b>Score: {{ "%g"|format(marks.score) }} / {{ "%g"|format(marks.points) }}</b>
{% if marks.late %}<span class="quiet">({{ marks.late }})</span>
{% elif marks.penalty %}<span class="quiet">(late: {{ "%g"|format(marks.penalty) }} points taken off)</span>{% endif %}
{% if waiting %}<span class="quiet">Not everything is marked yet.</span>{% endif %}</p>
<table>
{% for name, label, mark in rows %}
<tr><td><a href="#{{ name }}">{{ label }}</a></td>
<td class="number">{% if mark.waiting %}not marked yet{% else %}{{ "%g"|format(mark.score) }}{% endif %} / \
{{ "%g"|format(mark.points) }}</td></tr>
{% endfor %}
</table>
{% if notes %}<div class="notes">{{ notes }}</div>{% endif %}
</header>
<main>
{% for part in parts %}
{% if part.kind == "handout" %}
<details><summary>From the notebook</summary><div>{{ part.body }}</div></details>
{% else %}
<section id="{{ part.name }}" class="{{ part.kind }}">
{% if part.kind == "exercise" %}<h2>Your code: {{ part.name }}</h2>
{% elif part.kind == "check" %}<h2>Check</h2>
{% elif part.kind == "question" %}<h2>Your answer</h2>
{% elif part.kind == "extra" %}<h2>A cell that you added</h2>
{% elif part.kind == "demo" %}<h2>A cell that you changed</h2>
{% endif %}
{{ part.body }}
{% if part.kind == "question" and part.mark %}
<p>{% if part.mark.waiting %}Not marked yet.{% else %}{{ "%g"|format(part.mark.score) }} of \
{{ "%g"|format(part.mark.points) }} points.{% endif %}</p>
{% elif part.mark and part.mark.by_hand %}
<p>Marked by hand: {{ "%g"|format(part.mark.score) }} of {{ "%g"|format(part.mark.points) }} points.</p>
{% endif %}
{% if part.comment %}<div class="comment"><b>From your instructor.</b> {{ part.comment }}</div>{% endif %}
{% if part.tests %}<details><summary>The tests that you can see</summary><div>{{ part.tests }}</div></details>{% endif %}
</section>
{% endif %}
{% endfor %}
</main>
</body>
</html>
"""
)
