"""Which names a piece of code takes from outside itself."""

from __future__ import annotations

import ast
import dis
import types


def names_read(text: str) -> list[str]:
    """The names that `text` takes from outside itself, in order."""
    found: dict[str, None] = {}
    code = [compile(text, "<kept>", "exec", dont_inherit=True)]
    while code:
        one = code.pop()
        code += [constant for constant in one.co_consts if isinstance(constant, types.CodeType)]
        for step in dis.get_instructions(one):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and not str(step.argval).startswith("__"):
                found[str(step.argval)] = None
    tree = ast.parse(text)
    own = {getattr(node, "name", None) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):  # what a class body makes, its methods may read as if it were global
            own |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
            own |= {n.name for n in node.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    return [name for name in found if name not in own]
