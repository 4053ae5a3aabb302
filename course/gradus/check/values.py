"""Plain values: told from other objects, described in a line, reduced to a few numbers."""

from __future__ import annotations

import math
import sys
import zlib
from typing import Any

import numpy as np

NUMBERS = (bool, int, float, complex, np.generic)
PLAIN = (*NUMBERS, str, bytes, type(None), slice, range)
KEPT = 12  # numbers kept of an array: enough to tell mistakes apart, too few to be an answer


def is_tensor(value: Any) -> bool:
    """Whether `value` is a torch tensor. torch is never imported for the question."""
    torch = sys.modules.get("torch")
    return torch is not None and type(value) in (torch.Tensor, torch.nn.Parameter)


def as_array(value: Any) -> np.ndarray | None:
    """The numbers of an array, a tensor or a number as a NumPy array; None for anything else."""
    if is_tensor(value):
        return value.detach().cpu().double().numpy() if value.is_floating_point() else value.detach().cpu().numpy()
    if type(value) is np.ndarray:
        return value
    if isinstance(value, NUMBERS) and type(value).__module__ in ("builtins", "numpy"):
        return np.asarray(value)
    return None


def is_plain(value: Any, depth: int = 0) -> bool:
    """Whether `value` is data through and through: nothing in it can decide how it is compared."""
    if depth > 20:
        return False
    kind = type(value)
    if kind is np.ndarray:
        return value.dtype.kind in "biufcUS"
    if kind in (list, tuple, set, frozenset):
        return all(is_plain(item, depth + 1) for item in value)
    if kind is dict:
        return all(is_plain(k, depth + 1) and is_plain(v, depth + 1) for k, v in value.items())
    if kind.__module__ in ("builtins", "numpy", "torch") and (
        kind in PLAIN or issubclass(kind, (np.generic, np.dtype)) or kind.__name__ in ("Size", "dtype", "device")
    ):
        return True
    return is_tensor(value)


def type_name(value: Any) -> str:
    """The name of the type of `value`; the examiner's stand-in for a student's object goes by the object's own."""
    return str(value._kind) if hasattr(type(value), "_gradus_stand_in") else type(value).__name__


def kind_name(value: Any) -> str:
    """What a learner calls the type of `value`."""
    if value is None:
        return "None"
    if is_tensor(value):
        return "a torch tensor"
    if isinstance(value, np.ndarray):
        return "a NumPy array"
    name = type_name(value)
    return ("an " if name[0].lower() in "aeiou" else "a ") + name


def short(value: Any, width: int = 240) -> str:
    """`value` in a line or a few, its shape and type said where they are not plain to see."""
    array = None if is_tensor(value) and value.is_meta else as_array(value)  # a meta tensor has a shape and no numbers
    if array is not None and array.ndim:
        body = np.array2string(array, precision=4, threshold=24, edgeitems=3, separator=", ", max_line_width=88)
        label = "tensor" if is_tensor(value) else "array"
        kind = str(value.dtype).removeprefix("torch.")
        text = f"{label} {tuple(array.shape)} {kind}: {body}"
    elif array is not None and array.dtype.kind == "f":
        text = f"{float(array):.8g}"
    elif isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        inner = ", ".join(short(item, 60) for item in value[:8]) + (", ..." if len(value) > 8 else "")
        text = f"[{inner}]" if type(value) is list else f"({inner}{',' if len(value) == 1 else ''})"
    elif type(value) is dict:
        inner = ", ".join(f"{k!r}: {short(v, 60)}" for k, v in list(value.items())[:8])
        text = "{" + inner + (", ..." if len(value) > 8 else "") + "}"
    elif isinstance(value, np.random.Generator):
        text = "rng"
    elif callable(value) and hasattr(value, "__name__"):
        text = str(value.__name__)
    elif is_plain(value):
        text = str(value.item()) if isinstance(value, np.generic) else repr(value)
    else:
        text = f"<{type_name(value)}>"  # never the object's own repr: it may raise, or say anything
    if len(text) <= width:
        return text
    whole, comma, _ = text[: width - 4].rpartition(", ")  # half a number would be read as another number
    return f"{whole}, ..." if comma else text[: width - 3] + "..."


def _number(x: Any) -> float | str:
    x = float(np.real(x))
    if math.isfinite(x):
        return float(f"{x:.6g}")
    return "nan" if math.isnan(x) else ("inf" if x > 0 else "-inf")


def signature(value: Any, depth: int = 0) -> list:
    """A few numbers that tell one wrong answer from another: kind, shape, up to twelve values.

    Text is kept as a checksum, so that nothing readable of an answer is stored.
    """
    array = as_array(value)
    if array is not None and array.dtype.kind in "biufc":
        flat = array.reshape(-1)
        pick = flat if flat.size <= KEPT else flat[np.linspace(0, flat.size - 1, KEPT).astype(int)]
        return ["a", [int(n) for n in array.shape], [_number(x) for x in pick]]
    if type(value) is str:
        return ["s", zlib.crc32(value.encode("utf-8", "replace"))]
    if value is None:
        return ["none"]
    if depth < 4 and type(value) in (list, tuple):
        if value and all(isinstance(v, NUMBERS) for v in value):
            return [type(value).__name__[0], *signature(np.asarray(value))[1:]]
        return [type(value).__name__[0], len(value), [signature(v, depth + 1) for v in value[:6]]]
    if depth < 4 and type(value) is dict:
        return ["d", len(value), [signature(v, depth + 1) for v in list(value.values())[:6]]]
    return ["o"]  # an object is the same to a notebook and to a stand-in


def agree(a: Any, b: Any) -> bool:
    """Whether two signatures are the same up to rounding."""
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(agree(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-7)
    return bool(a == b)


def copied(value: Any, depth: int = 0) -> Any:
    """A copy of the data in `value`; what is not data is returned as it is."""
    if type(value) is np.ndarray:
        return value.copy()
    if is_tensor(value):
        return value.detach().clone()
    if depth < 6 and type(value) in (list, tuple):
        return type(value)(copied(v, depth + 1) for v in value)
    if depth < 6 and type(value) is dict:
        return {k: copied(v, depth + 1) for k, v in value.items()}
    return value


def unchanged(before: Any, after: Any) -> bool:
    """Whether the data in `after` is what `copied` saw in `before`. NaNs count as equal to NaNs."""
    if type(before) is np.ndarray:
        return (
            type(after) is np.ndarray
            and before.shape == after.shape
            and before.dtype == after.dtype
            and bool(np.array_equal(before, after, equal_nan=before.dtype.kind in "fc"))
        )
    if is_tensor(before):
        return is_tensor(after) and unchanged(as_array(before), as_array(after))
    if type(before) in (list, tuple):
        return len(before) == len(after) and all(unchanged(x, y) for x, y in zip(before, after, strict=True))
    if type(before) is dict:
        return before.keys() == after.keys() and all(unchanged(before[k], after[k]) for k in before)
    if is_plain(before) and is_plain(after):
        return bool(before == after) or (before != before and after != after)
    return True
