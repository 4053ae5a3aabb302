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
            added = any(isinstance(d, ast.Call) and getattr(d.func, "id", "") == "add_to" for d in node.decorator_list)
            if added:  # a method: what is checked is its class
                found[ast.unparse(node.decorator_list[0].args[0])] = "class"  # type: ignore[attr-defined]
            else:
                found[node.name] = "function"
        elif isinstance(node, ast.ClassDef):
            found[node.name] = "class"
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.update({n.id: "value" for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)})
    return found


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
