"""Expressions in an engine's tensors, written as text: plain data that a check can send beside the student's code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_FILE = str(Path(__file__).with_name("<expression>"))  # in this folder, so that no traceback shows it as the student's
CONSTANT = "c"  # the input that stays a plain array


def computed(kind: Callable[[Any], Any], expression: str, inputs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The tensor that an expression gives, and the tensors made of its inputs, by name.

    Args:
        kind: the engine's class, such as Tensor.
        expression: such as "a * b + a", in the names of `inputs`; `np` is NumPy.
        inputs: numbers or arrays by name. Each becomes a tensor, but `c`, which stays as it is.

    Raises:
        TypeError: what came out is no tensor.
    """
    tensors = {name: value if name == CONSTANT else kind(value) for name, value in inputs.items()}
    out = eval(compile(expression, _FILE, "eval"), {"np": np}, tensors)
    if not hasattr(out, "parents"):
        hint = " Is a `return` missing?" if out is None else ""
        name = getattr(kind, "__name__", "Tensor")
        raise TypeError(f"{expression} gave an object of type {type(out).__name__}, not a {name}.{hint}")
    return out, {name: tensor for name, tensor in tensors.items() if name != CONSTANT}


def shares(node: Any, grad: Any) -> list[Any]:
    """What the rules of a node make of a gradient: its parents' shares, plain arrays.

    Raises:
        TypeError: a rule is no function, or its share is a tensor.
    """
    found = []
    for rule in node.rules:
        if not callable(rule):
            raise TypeError(f"a rule is an object of type {type(rule).__name__}; a function of `grad` is expected")
        found.append(rule(grad))
        if isinstance(found[-1], type(node)):
            raise TypeError(f"a rule returned a {type(node).__name__}; a share is a plain array")
    return found


def _misfit(root: Any) -> str:
    """The first rule in a graph whose share can never be its parent's gradient, by its shape; "" if there is none."""
    waiting, seen = [root], set[int]()
    while waiting and len(seen) < 200:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        for parent, rule in zip(node.parents, getattr(node, "rules", ()), strict=False):
            waiting.append(parent)
            got, wanted = np.shape(rule(np.ones(np.shape(node.data)))), np.shape(parent.data)
            if not _stretched(wanted, got):
                return (
                    f'A rule of the operation "{node.op}" gave a share of shape {got} for a parent of shape {wanted}.'
                )
    return ""


def _stretched(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Whether an array of shape `small` can be broadcast to `large`."""
    try:
        return np.broadcast_shapes(small, large) == large
    except ValueError:
        return False


def evaluate(
    kind: Callable[[Any], Any], expression: str, inputs: dict[str, Any], seed: Any = None, passes: int = 1
) -> dict[str, Any]:
    """Compute an expression with an engine, go back through it, and tell what came out.

    Args:
        kind, expression, inputs: see `computed`.
        seed: the gradient to begin with; None for the engine's own choice.
        passes: how often to go back.

    Returns:
        The "value" of the expression, and the gradient of each input by its name; beside them the names of inputs whose
        values were changed, if there are any.
    """
    try:
        out, tensors = computed(kind, expression, inputs)
        for _ in range(passes):
            _go_back(out, seed)
    except AttributeError as error:
        name = getattr(kind, "__name__", "Tensor")
        if f"'{name}' object has no attribute" not in str(error):
            raise
        again = f"If you ran the cell of `class {name}` again, run the cells below it again too."
        raise AttributeError(f"{error}. {again}").with_traceback(error.__traceback__) from None
    found = {"value": out.data, **{name: tensor.grad for name, tensor in tensors.items()}}
    changed = [name for name, tensor in tensors.items() if not np.array_equal(tensor.data, inputs[name])]
    return found | ({"inputs that were changed": changed} if changed else {})


def _go_back(root: Any, seed: Any) -> None:
    """One backward pass. Where shapes do not fit, the message says which rule gave a share that is no gradient."""
    try:
        root.backward() if seed is None else root.backward(seed)
    except ValueError as error:
        try:
            misfit = _misfit(root)
        except Exception:  # a rule that stops says so itself, by the error at hand
            misfit = ""
        if not misfit:
            raise
        raise ValueError(f"{error}. {misfit}").with_traceback(error.__traceback__) from None


def measured(run: Callable[..., Any], expression: str, inputs: dict[str, Any], h: float = 1e-5) -> dict[str, Any]:
    """What `evaluate` should find, by central differences of the values that ``run(expression, **inputs)`` gives.

    Args:
        run: returns a dictionary with the "value".
        h: the step; the error is of order h**2.
    """
    found = {"value": run(expression, **inputs)["value"]}
    for name in [name for name in inputs if name != CONSTANT]:
        array = np.array(inputs[name], dtype=float)
        found[name] = np.zeros(array.shape)
        for place in np.ndindex(array.shape):
            step = np.zeros(array.shape)
            step[place] = h
            ends = [np.sum(run(expression, **{**inputs, name: array + sign * step})["value"]) for sign in (1, -1)]
            found[name][place] = (ends[0] - ends[1]) / (2 * h)
    return found
