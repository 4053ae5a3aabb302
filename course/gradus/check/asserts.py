"""Assertions that say what was wrong, where, and by how much."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from .values import as_array, copied, is_plain, is_tensor, kind_name, short, signature, unchanged

_seen: list | None = None  # what the running test has looked at; None outside a test


class CheckFailure(AssertionError):
    """A test's finding, worded for the learner."""


def record(value: Any) -> None:
    """Keep a few numbers of `value` for the matching of hints."""
    if _seen is not None and len(_seen) < 12:
        _seen.append(signature(value))


def recording(seen: list | None) -> list | None:
    """Make `seen` the list that `record` fills; return the one before it."""
    global _seen
    before, _seen = _seen, seen
    return before


def assert_close(actual: Any, expected: Any, rtol: float = 1e-6, atol: float = 1e-8, name: str | None = None) -> None:
    """Pass if `actual` has the type, the shape and the values of `expected`.

    Arrays, tensors, numbers, strings, and lists, tuples and dictionaries of these. The type is judged
    before the shape, the shape before the values. NaN equals only NaN.

    Raises:
        CheckFailure: says what differs, where first, and by how much.
    """
    record(actual)
    _compare(actual, expected, rtol, atol, name or "the result")


def _numeric(value: Any) -> np.ndarray | None:
    """`value` as an array of numbers where it is one, or a list of numbers without gaps."""
    array = as_array(value)
    if array is None and type(value) in (list, tuple) and is_plain(value):
        try:
            array = np.asarray(value)
        except ValueError:  # rows of different lengths
            return None
    return array if array is not None and array.dtype.kind in "biufc" else None


def _compare(actual: Any, expected: Any, rtol: float, atol: float, where: str) -> None:
    if type(expected) is dict:
        if type(actual) is not dict:
            raise CheckFailure(f"{where} is {kind_name(actual)}; a dict is expected.")
        if actual.keys() != expected.keys():
            raise CheckFailure(
                f"{where} has the keys {sorted(map(str, actual))}; expected {sorted(map(str, expected))}."
            )
        for key, value in expected.items():
            _compare(actual[key], value, rtol, atol, f"{where}[{key!r}]")
        return
    array, target = as_array(actual), _numeric(expected)
    parts = type(expected) is tuple and array is None  # a tuple is judged part by part
    if target is not None and not parts:
        if array is None and type(actual) in (list, tuple) and type(expected) is list:
            array = _numeric(actual)
        _same_kind(actual, expected, where)
        if array is None:
            if type(actual) in (list, tuple) and type(expected) is list and len(actual) == len(expected):
                for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
                    _compare(a, e, rtol, atol, f"{where}[{i}]")  # says which part is no number
            raise CheckFailure(f"{where} is {kind_name(actual)}; {_wanted(expected)} is expected.")
        _arrays(array, target, rtol, atol, where)
        return
    if type(expected) in (list, tuple):
        if type(actual) not in (list, tuple):
            raise CheckFailure(f"{where} is {kind_name(actual)}; {kind_name(expected)} of {len(expected)} is expected.")
        if len(actual) != len(expected):
            raise CheckFailure(f"{where} has {len(actual)} parts; {len(expected)} are expected.")
        for i, (a, e) in enumerate(zip(actual, expected, strict=True)):
            _compare(a, e, rtol, atol, f"{where}[{i}]")
        return
    if type(actual) is not type(expected):
        raise CheckFailure(f"{where} is {kind_name(actual)}; {_wanted(expected)} is expected.")
    if not is_plain(actual):
        raise CheckFailure(f"{where} is {kind_name(actual)}, which cannot be compared.")
    if isinstance(actual, np.ndarray):
        if actual.shape != expected.shape or not np.array_equal(actual, expected):
            raise CheckFailure(f"{where} is {short(actual)}; expected {short(expected)}.")
    elif actual != expected:
        raise CheckFailure(f"{where} is {short(actual)}; expected {short(expected)}.")


def _wanted(expected: Any) -> str:
    if isinstance(expected, (list, tuple)):
        return "an array"
    if isinstance(expected, (bool, np.bool_)):
        return "True or False"
    return "a number" if isinstance(expected, (int, float, np.generic)) else kind_name(expected)


def _said(value: Any, digits: int) -> str:
    return str(value) if isinstance(value, bool) else f"{value:.{digits}g}"


def _same_kind(actual: Any, expected: Any, where: str) -> None:
    """Refuse a list for an array, a tensor for an array, and the other way about."""
    if is_tensor(actual) != is_tensor(expected) and (is_tensor(expected) or is_tensor(actual)):
        raise CheckFailure(f"{where} is {kind_name(actual)}; {_wanted(expected)} is expected.")
    if isinstance(expected, np.ndarray) and type(actual) in (list, tuple):
        raise CheckFailure(f"{where} is {kind_name(actual)}; a NumPy array of shape {expected.shape} is expected.")


def _arrays(actual: np.ndarray, expected: np.ndarray, rtol: float, atol: float, where: str) -> None:
    if actual.dtype.kind not in "biufc":
        raise CheckFailure(f"{where} holds {actual.dtype} values, not numbers.")
    if expected.dtype.kind == "b" and actual.dtype.kind != "b":
        raise CheckFailure(f"{where} holds {actual.dtype} values; True and False are expected.")
    if actual.shape != expected.shape:
        raise CheckFailure(
            f"{where} has shape {actual.shape}; {expected.shape} is expected."
            if actual.ndim or expected.ndim != 0
            else f"{where} is a number; shape {expected.shape} is expected."
        )
    if not actual.size:
        return
    with np.errstate(all="ignore"):
        right = np.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=True)
        error = np.abs(actual.astype(complex) - expected.astype(complex))
    if right.all():
        return
    first = tuple(int(i) for i in np.argwhere(~right)[0])
    got, want = actual[first].item(), expected[first].item()
    if not actual.ndim:
        raise CheckFailure(
            f"{where} is {'NaN (not a number)' if np.isnan(got) else _said(got, 8)}; expected {_said(want, 8)}."
        )
    parts = [] if where == "the result" else [f"{where}:"]
    for test, word in ((np.isnan, "NaN (not a number)"), (np.isinf, "infinite")):
        odd = test(actual) & ~test(expected)
        if odd.any():
            at = tuple(int(i) for i in np.argwhere(odd)[0])
            parts.append(f"{odd.sum()} of {actual.size} values are {word}, first at {list(at)}.")
    share = int(100 * right.mean())
    parts.append(
        f"{share} % of the values are right; first difference at {list(first)}: "
        f"got {_said(got, 6)}, expected {_said(want, 6)}."
    )
    finite = error[np.isfinite(error)]
    if finite.size and expected.dtype.kind != "b":
        parts.append(f"Largest error {finite.max():.3g}.")
    raise CheckFailure(" ".join(parts))


def assert_raises(error: type[BaseException], function: Callable, *args: Any, **kwargs: Any) -> None:
    """Pass if ``function(*args, **kwargs)`` raises `error`; name what happened instead if not."""
    try:
        result = function(*args, **kwargs)
    except error as raised:
        record(type(raised).__name__)
        return
    except NotImplementedError:
        raise
    except Exception as other:
        record(type(other).__name__)
        raise CheckFailure(f"It raised {type(other).__name__} ({other}); {error.__name__} is expected.") from other
    record(result)
    raise CheckFailure(f"{error.__name__} should be raised here, but the call returned {short(result)}.")


def assert_unchanged(function: Callable, *args: Any, **kwargs: Any) -> Any:
    """Call `function`, pass if none of its arguments was modified, and return its result."""
    before = copied(args)
    result = function(*args, **kwargs)
    record(result)
    for i, (was, now) in enumerate(zip(before, args, strict=True)):
        if not unchanged(was, now):
            raise CheckFailure(f"Argument {i} was changed in place: it was {short(was)}, it is now {short(now)}.")
    return result


def assert_gradient(
    f: Callable,
    grad: Callable,
    *args: Any,
    argument: int | tuple[int, ...] = 0,
    h: float = 1e-5,
    rtol: float = 1e-4,
    atol: float = 1e-6,
) -> None:
    """Compare ``grad(*args)`` with central differences of the scalar function `f`.

    Args:
        f: ``f(*args)`` is a number.
        grad: ``grad(*args)`` is the gradient with respect to ``args[argument]``; where `argument` is a
            tuple, a tuple of gradients in that order.
        h: the step of the differences, (f(x + h) - f(x - h)) / 2h; its error is of order h**2.
    """
    wanted = (argument,) if isinstance(argument, int) else tuple(argument)
    given = grad(*args)
    gradients = (given,) if isinstance(argument, int) else given
    if type(gradients) not in (list, tuple) or len(gradients) != len(wanted):
        record(given)
        raise CheckFailure(f"{len(wanted)} gradients are expected; got {kind_name(given)}.")
    try:
        names = list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        names = []
    for which, gradient in zip(wanted, gradients, strict=True):
        record(gradient)
        label = f"argument {which}" + (f" (`{names[which]}`)" if which < len(names) else "")
        array = as_array(gradient)
        x = np.array(as_array(args[which]), dtype=float)
        if array is None:
            raise CheckFailure(f"The gradient for {label} is {kind_name(gradient)}; an array is expected.")
        if array.shape != x.shape:
            raise CheckFailure(f"The gradient for {label} has shape {array.shape}; {label} has shape {x.shape}.")
        for index in np.ndindex(x.shape):
            values = []
            for sign in (+1, -1):
                moved = x.copy()
                moved[index] += sign * h
                values.append(float(f(*args[:which], moved if x.ndim else float(moved), *args[which + 1 :])))
            slope, got = (values[0] - values[1]) / (2 * h), float(array[index])
            if not abs(got - slope) <= atol + rtol * abs(slope):
                place = f" at {list(index)}" if index else ""
                ratio = f" (yours is {got / slope:.3g} times it)" if abs(slope) > atol and np.isfinite(got) else ""
                raise CheckFailure(
                    f"The gradient for {label} is wrong{place}: got {got:.6g}, central differences give {slope:.6g}{ratio}."
                )
