"""Plain ``assert`` statements, rewritten so that a failure shows the values compared.

Also the place where a comparison is kept honest: an object that calls itself equal to everything is
no data, and fails before its ``__eq__`` is asked.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .asserts import CheckFailure, record
from .values import as_array, is_plain, kind_name, short

_OPS: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "Eq": ("==", operator.eq),
    "NotEq": ("!=", operator.ne),
    "Lt": ("<", operator.lt),
    "LtE": ("<=", operator.le),
    "Gt": (">", operator.gt),
    "GtE": (">=", operator.ge),
    "In": ("in", lambda a, b: a in b),
    "NotIn": ("not in", lambda a, b: a not in b),
    "Is": ("is", operator.is_),
    "IsNot": ("is not", operator.is_not),
}


class _Asserts(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if any(isinstance(mark, ast.Name) and mark.id == "inside" for mark in node.decorator_list):
            return node  # a probe runs beside the student's code, where nothing is recorded: here and there alike
        return self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        text = ast.Constant(ast.unparse(node.test))
        message = ast.Lambda(_no_arguments(), node.msg) if node.msg else ast.Constant(None)
        test = node.test
        if isinstance(test, ast.Compare):
            ops = ast.Tuple([ast.Constant(type(op).__name__) for op in test.ops], ast.Load())
            values = [ast.Lambda(_no_arguments(), value) for value in (test.left, *test.comparators)]
            call = _call("__assert_compare__", ops, text, message, *values)
        else:
            call = _call("__assert_true__", test, text, message)
        return ast.fix_missing_locations(ast.copy_location(ast.Expr(call), node))


def _no_arguments() -> ast.arguments:
    return ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])


def _call(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(args), [])


def rewrite(tree: ast.Module) -> ast.Module:
    """The same module with every ``assert`` made to show its values."""
    return ast.fix_missing_locations(_Asserts().visit(tree))


def _tail(message: Callable[[], Any] | None) -> str:
    return f" {message()}" if message is not None else ""


def assert_compare(ops: tuple[str, ...], text: str, message: Callable | None, *values: Callable[[], Any]) -> None:
    left = values[0]()
    for op, value in zip(ops, values[1:], strict=True):
        right = value()
        sign, apply = _OPS[op]
        record(left)
        if op not in ("Is", "IsNot"):
            for side in (left, right):
                if not is_plain(side):
                    raise CheckFailure(f"`{text}`: found {kind_name(side)}, which is not plain data.{_tail(message)}")
        result = apply(left, right)
        if not (
            bool(np.all(result)) if isinstance(result, np.ndarray) or as_array(result) is not None else bool(result)
        ):
            raise CheckFailure(f"`{text}` does not hold: {short(left)} {sign} {short(right)} is false.{_tail(message)}")
        left = right


def assert_true(value: Any, text: str, message: Callable | None) -> None:
    record(value)
    if not is_plain(value):
        raise CheckFailure(f"`{text}` is {kind_name(value)}, not True or False.{_tail(message)}")
    if not (bool(np.all(value)) if isinstance(value, np.ndarray) else bool(value)):
        raise CheckFailure(f"`{text}` does not hold: it is {short(value)}.{_tail(message)}")


HELPERS = {"__assert_compare__": assert_compare, "__assert_true__": assert_true}
