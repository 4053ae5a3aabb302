"""What the text of one cell says: names it defines, its regions, the ``check(...)`` that ends it."""

from __future__ import annotations

import ast
import re

STUB = ["# YOUR CODE HERE", "raise NotImplementedError()"]  # nbgrader's own, so that both ways agree


def definitions(source: str) -> dict[str, str]:
    """The names that `source` defines at its top level, and what they are."""
    found: dict[str, str] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef):
            owner = added_to(node)  # of a method what is checked is its class
            found[owner or node.name] = "class" if owner else "function"
        elif isinstance(node, ast.ClassDef):
            found[node.name] = "class"
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.update({n.id: "value" for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)})
    return found


def contributions(source: str) -> list[str]:
    """What `source` defines, a method that ``@add_to(Class)`` adds as "Class.method"."""
    found = [name for name, kind in definitions(source).items() if kind != "class"]
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.FunctionDef) and (owner := added_to(node)):
            found.append(f"{owner}.{node.name}")
    return found


def added_to(function: ast.FunctionDef) -> str | None:
    """The class to which ``@add_to(Class)`` adds `function`."""
    for call in function.decorator_list:
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "add_to":
            return ast.unparse(call.args[0])
    return None


def _regions(source: str, what: str) -> tuple[list[str], list[str]]:
    """Lines outside and inside the regions between BEGIN `what` and END `what`; markers in neither."""
    outside: list[str] = []
    inside: list[str] = []
    within = False
    for line in source.splitlines():
        if f"BEGIN {what}" in line or f"END {what}" in line:
            within = f"BEGIN {what}" in line
        else:
            (inside if within else outside).append(line)
    return outside, inside


def visible(source: str) -> str:
    """A check cell without its hidden tests."""
    return "\n".join(_regions(source, "HIDDEN TESTS")[0])


def hidden_tests(source: str) -> set[str]:
    """Names of the hidden tests of a check cell."""
    return set(re.findall(r"^def (test_\w+)", "\n".join(_regions(source, "HIDDEN TESTS")[1]), re.MULTILINE))


def cleared(source: str) -> str:
    """An exercise cell as nbgrader clears it: the stub in place of each solution region."""
    out: list[str] = []
    within = False
    for line in source.splitlines():
        if "BEGIN SOLUTION" in line:
            within = True
            indent = line[: len(line) - len(line.lstrip())]
            out += [indent + stub for stub in STUB]
        elif "END SOLUTION" in line:
            within = False
        elif not within:
            out.append(line)
    return "\n".join(out)


def check_call(source: str) -> ast.Call | None:
    """The ``check(...)`` that ends a check cell, if there is one."""
    body = ast.parse(source).body
    last = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    is_check = isinstance(last, ast.Call) and isinstance(last.func, ast.Name) and last.func.id == "check"
    return last if is_check else None  # type: ignore[return-value]
