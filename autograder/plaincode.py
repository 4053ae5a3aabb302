"""A student's code without the student: no comments, no docstrings, no prints, no name; and what it reaches for."""

from __future__ import annotations

import ast
import builtins
import functools
import keyword
import re
from collections import Counter
from collections.abc import Iterable, Mapping

MAX_SOURCE = 20_000  # characters; what is longer is no example to show
PRINTS = {"print", "display"}
HARMLESS = {"__init__", "__call__", "__len__", "__getitem__", "__setitem__", "__iter__", "__next__", "__repr__"}
HARMLESS |= {f"__{r}{name}__" for r in ("", "r", "i") for name in ("add", "sub", "mul", "truediv", "matmul", "pow")}
HARMLESS |= {
    "__neg__",
    "__eq__",
    "__hash__",
    "__enter__",
    "__exit__",
    "__name__",
    "__class__",
    "__array_ufunc__",
    "__array_priority__",
}
# modules of which nothing leads to files, processes or the network
COMPUTING = {
    *("numpy", "math", "cmath", "itertools", "functools", "collections", "operator", "dataclasses", "typing", "heapq"),
    *("bisect", "graphlib", "copy", "abc", "numbers", "fractions", "decimal", "statistics", "random", "string", "re"),
    *("enum", "time", "warnings", "contextlib"),
}
REACHING = {
    *("open", "exec", "eval", "compile", "input", "globals", "locals", "vars", "breakpoint", "exit", "quit"),
    *("getattr", "setattr", "delattr", "get_ipython", "gradus", "autograder", "reference", "os", "sys", "builtins"),
}
FILES = {
    *("tofile", "fromfile", "load", "save", "savez", "savez_compressed", "savetxt", "loadtxt", "genfromtxt", "memmap"),
    *("system", "popen", "ctypeslib", "f2py", "hub", "dump", "dumps", "loads", "to_csv", "read_csv", "savefig"),
    *("f_back", "f_globals", "f_locals", "tb_frame", "gi_frame", "gi_code", "cr_frame", "func_globals", "mro"),
}


class _Bare(ast.NodeTransformer):
    """Takes out what computes nothing: texts that stand by themselves, and printing."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        value = node.value
        if isinstance(value, ast.Constant) or (
            isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in PRINTS
        ):
            return None
        return self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if getattr(node, "body", None) == [] and not isinstance(node, ast.Module):
            node.body = [ast.Pass()]  # type: ignore[attr-defined]
        return node


def plain(source: str, defines: Iterable[str] = ()) -> str | None:
    """`source` without comments, docstrings, prints and magics; None if it is no Python, or too long.

    Args:
        defines: keep only these names and what they rest on; all that is defined if empty.
    """
    text = re.sub(r"^([ \t]*)[%!].*", r"\1pass", source, flags=re.MULTILINE)
    if len(text) > MAX_SOURCE:
        return None
    try:
        tree = _Bare().visit(ast.parse(text))
        tree.body = _needed(tree.body, set(defines))
        return ast.unparse(ast.fix_missing_locations(tree)) or None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _needed(body: list[ast.stmt], wanted: set[str]) -> list[ast.stmt]:
    """The statements that define something; with `wanted` only those that it needs."""
    body = _last([node for node in body if not isinstance(node, (ast.Expr, ast.Pass))])
    if not wanted:
        return body
    kept: set[int] = set()
    while True:
        more = {i for i, node in enumerate(body) if i not in kept and _binds(node) & wanted}
        if not more:
            return [node for i, node in enumerate(body) if i in kept]
        kept |= more
        wanted = wanted | {
            n.id for i in more for n in ast.walk(body[i]) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
        }


def differing(code: str, reference: str) -> str:
    """The definitions in `code` that `reference` does not have just so; all of it if there is none."""
    known = {ast.dump(node) for node in ast.parse(plain(reference) or "").body}
    tree = ast.parse(code)
    tree.body = [node for node in tree.body if ast.dump(node) not in known] or tree.body
    return ast.unparse(tree)


def _last(body: list[ast.stmt]) -> list[ast.stmt]:
    """Without functions and classes that are defined anew before anything reads them."""
    kept: list[ast.stmt] = []
    defined: set[str] = set()
    for node in reversed(body):
        named = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.decorator_list
        if named and node.name in defined:  # type: ignore[attr-defined]
            continue
        at_once = [*node.decorator_list, *getattr(node, "bases", [])] if hasattr(node, "decorator_list") else [node]
        defined -= {n.id for part in at_once for n in ast.walk(part) if isinstance(n, ast.Name)}
        if named:
            defined.add(node.name)  # type: ignore[attr-defined]
        kept.append(node)
    return kept[::-1]


def _binds(node: ast.stmt) -> set[str]:
    """Names that a statement defines or changes; of ``@add_to(Class)`` the class."""
    found = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        found = {node.name}
        for call in node.decorator_list:
            found |= {n.id for n in ast.walk(call) if isinstance(n, ast.Name)}
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        found = {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    elif isinstance(node, (ast.Assign, ast.AugAssign)):  # Tensor.relu = ... changes Tensor
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        found |= {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
    return found


def reaches(code: str, imports: Iterable[str]) -> list[str]:
    """What `code` does beyond computing, a phrase each; [] for code that may be run where nothing guards it.

    It is a net with wide meshes, for code that a person reads next; what runs unread runs in the sandbox.

    Args:
        imports: modules that it may import besides those for computing (their first names).
    """
    allowed, found = COMPUTING | set(imports), []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or "."]
            found += [f"imports {name}" for name in names if name.split(".")[0] not in allowed]
        elif isinstance(node, ast.Name) and (node.id in REACHING or _special(node.id)):
            found.append(f"uses {node.id}")
        elif isinstance(node, ast.Attribute) and (node.attr in FILES or _special(node.attr)):
            found.append(f"uses .{node.attr}")
    return list(dict.fromkeys(found))


def _special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and name not in HARMLESS


def example(codes: Mapping[str, str], private: Mapping[str, Iterable[str]], known: Iterable[str] = ()) -> str | None:
    """The code that most of `codes` agree on, the shortest of equals: nobody's in particular.

    Args:
        codes: student -> plain code.
        private: student -> words that would tell who it is.
        known: words that tell nothing, because the unit has them itself.
    """
    ranked = ranked_examples(codes, private, known)
    return ranked[0] if ranked else None


def ranked_examples(
    codes: Mapping[str, str], private: Mapping[str, Iterable[str]], known: Iterable[str] = ()
) -> list[str]:
    """All different codes without a student's name in them, the most frequent first."""
    harmless = vocabulary() | {word.casefold() for word in known}
    counts: Counter[str] = Counter()
    named: set[str] = set()
    for student, code in codes.items():
        counts[code] += 1
        if words(code) & ({word.casefold() for word in private.get(student, ())} - harmless):
            named.add(code)
    return sorted((code for code in counts if code not in named), key=lambda code: (-counts[code], len(code), code))


def words(text: str) -> set[str]:
    """The words in a text, those inside of identifiers too, in small letters; three letters at least."""
    split = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    found = re.findall(r"[^\W\d_]{3,}", split) + re.findall(r"[^\W\d_]{3,}", text)
    return {word.casefold() for word in found}


@functools.cache
def vocabulary() -> frozenset[str]:
    """Words of Python's and NumPy's, which are some people's names too."""
    import numpy as np

    names = [*keyword.kwlist, *dir(builtins), *dir(np), *dir(np.ndarray), *dir(np.random.Generator)]
    return frozenset(word for name in names for word in words(name))
