"""Code as a stream of forms, cut into overlapping fragments: what is left when names, values and layout are set aside.

A form is what a node of the syntax tree is (an assignment, a call of `.exp`, a loop), so that comments, formatting and
brackets have none. Names that a student chose are all the same form; names of the hand-out, of libraries and of Python
keep theirs. A fragment is `SIZE` forms in a row, never across the border of two functions: their order says nothing.
(The k-grams of Schleimer, Wilkerson and Aiken, "Winnowing", 2003, over forms in place of characters.)
"""

from __future__ import annotations

import ast
import builtins
import copy
import functools
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

SIZE = 8
MOST = 20_000  # forms of one answer
PYTHON = frozenset(dir(builtins))
SHOWS = {"print", "display"}
SILENT = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.Load, ast.Pass)


@dataclass(frozen=True)
class Names:
    """The names that are not the student's own: those of the hand-out, and what modules are called."""

    given: frozenset[str] = frozenset()
    modules: tuple[tuple[str, str], ...] = ()  # name, module

    @classmethod
    def of(cls, sources: list[str]) -> Names:
        """All names that the hand-out's cells use, in any place."""
        given: set[str] = set()
        modules: dict[str, str] = {}
        for source in sources:
            tree = parsed(source)
            if tree is None:
                given.update(re.findall(r"[^\W\d]\w*", source))
                continue
            modules.update(_imported(tree))
            for node in ast.walk(tree):
                given.update(_bound_or_read(node))
        return cls(frozenset(given), tuple(sorted(modules.items())))


@dataclass
class Chunk:
    """A function, a method, or what stands between them: its lines, its forms, and the line of each form."""

    first: int  # of its lines, counted from 1
    last: int
    forms: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def fragments(self) -> Iterator[tuple[str, set[int]]]:
        """Each fragment, and the lines that it covers."""
        count = len(self.forms)
        for start in range(max(1, count - SIZE + 1) if count else 0):
            yield " ".join(self.forms[start : start + SIZE]), set(self.lines[start : start + SIZE])


def fragments(chunks: list[Chunk]) -> set[str]:
    """All fragments of an answer."""
    return {fragment for chunk in chunks for fragment, _ in chunk.fragments()}


@functools.lru_cache(maxsize=5000)
def parsed(source: str) -> ast.Module | None:
    """The syntax tree; None if it is no Python. Lines of IPython's own are passed over."""
    text = re.sub(r"^([ \t]*)[%!].*", r"\1pass", source, flags=re.MULTILINE)
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def chunks(source: str, names: Names) -> list[Chunk]:
    """An answer, cut at its functions and methods; what does not parse is one chunk of words."""
    tree = parsed(source)
    end = source.count("\n") + 1
    if tree is None:
        return [_words(source, names, end)]
    spans = _spans(tree)
    found = []
    reader = _Reader(tree, names)
    for number, (nodes, first) in enumerate(spans):
        last = spans[number + 1][1] - 1 if number + 1 < len(spans) else end
        chunk = Chunk(first if number else 1, last)
        for node in nodes:
            reader.read(node, chunk)
        found.append(chunk)
    return found or [Chunk(1, end)]


def _spans(tree: ast.Module) -> list[tuple[list[ast.AST], int]]:
    """The nodes of each chunk, and its first line."""
    spans: list[tuple[list[ast.AST], int]] = []
    loose = False  # whether the last one takes further statements
    for node in tree.body:
        first = _first(node)
        if isinstance(node, ast.ClassDef):
            methods = [part for part in node.body if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))]
            rest = [part for part in node.body if part not in methods]
            head = copy.copy(node)
            head.body = rest
            spans.append(([head], first))
            spans += [([method], _first(method)) for method in methods]
            loose = False
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            spans.append(([node], first))
            loose = False
        elif loose:
            spans[-1][0].append(node)
        else:
            spans.append(([node], first))
            loose = True
    return spans


def _first(node: ast.stmt) -> int:
    above = [decorator.lineno for decorator in getattr(node, "decorator_list", [])]
    return min([node.lineno, *above])


class _Reader:
    """Turns nodes into forms."""

    def __init__(self, tree: ast.Module, names: Names) -> None:
        self.given = names.given
        self.modules = {**dict(names.modules), **_imported(tree)}
        own = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _stored(node)}
        own |= {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        self.own = own - names.given
        # a name of the hand-out's that the student has bound anew is the student's
        self.bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and _stored(node)}
        self.bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}

    def read(self, node: ast.AST, chunk: Chunk) -> None:
        """Put the forms of `node` and all below it into `chunk`."""
        waiting: list[tuple[ast.AST, int]] = [(node, getattr(node, "lineno", chunk.first))]
        while waiting and len(chunk.forms) < MOST:
            here, line = waiting.pop()
            if isinstance(here, SILENT) or _says_nothing(here):
                continue
            line = getattr(here, "lineno", line)
            form = self._form(here)
            if form:
                chunk.forms.append(form)
                chunk.lines.append(line)
            waiting += [(child, line) for child in reversed(list(_below(here)))]

    def _form(self, node: ast.AST) -> str:
        if isinstance(node, ast.Name):
            if node.id in self.bound:
                return "name"
            if node.id in self.modules:
                return self.modules[node.id]
            return node.id if node.id in self.given or node.id in PYTHON else "name"
        if isinstance(node, ast.Attribute):
            return ".name" if node.attr in self.own else f".{node.attr}"
        if isinstance(node, ast.keyword):
            return f"{node.arg}="
        if isinstance(node, ast.Constant):
            plain = node.value is None or isinstance(node.value, bool)
            return str(node.value) if plain else type(node.value).__name__
        if isinstance(node, (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.AugAssign)):
            return f"{type(node).__name__}:{type(node.op).__name__}"
        if isinstance(node, ast.Compare):
            return "Compare:" + ",".join(type(op).__name__ for op in node.ops)
        if isinstance(node, ast.AnnAssign):
            return "Assign"
        if isinstance(node, (ast.Module, ast.Expr, ast.arguments, ast.alias)):
            return ""
        return type(node).__name__


def _below(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below, without annotations and without what is never run."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_comment", "type_params"):
            continue
        if isinstance(value, list):
            for part in value:
                if isinstance(part, ast.AST):
                    yield part
                if isinstance(part, (ast.Return, ast.Raise, ast.Break, ast.Continue)):
                    break
        elif isinstance(value, ast.AST):
            yield value


def _says_nothing(node: ast.AST) -> bool:
    """Texts that stand by themselves, printing, and what a false condition guards."""
    if isinstance(node, (ast.If, ast.While)):
        return isinstance(node.test, ast.Constant) and not node.test.value and not node.orelse
    if not isinstance(node, ast.Expr):
        return False
    value = node.value
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id in SHOWS
    return isinstance(value, ast.Constant)


def _stored(node: ast.Attribute | ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _imported(tree: ast.AST) -> dict[str, str]:
    """Name -> what it stands for, of all imports."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update({alias.asname or alias.name: alias.name for alias in node.names})
    return found


def _bound_or_read(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.Attribute):
        return [node.attr]
    return []


def _words(source: str, names: Names, end: int) -> Chunk:
    """What cannot be parsed, as words and signs."""
    chunk = Chunk(1, end)
    for number, line in enumerate(source.splitlines(), 1):
        for word in re.findall(r"[^\W\d]\w*|\d[\w.]*|[^\w\s]", line.split("#")[0]):
            if word[0].isdigit():
                word = "number"
            elif (word[0].isalpha() or word[0] == "_") and not keyword.iskeyword(word):
                word = word if word in names.given or word in PYTHON else "name"
            chunk.forms.append(word)
            chunk.lines.append(number)
    del chunk.forms[MOST:], chunk.lines[MOST:]
    return chunk
