"""Plain data on a wire: the only thing that crosses between the examiner and a student's process.

Values become msgpack of a few tagged lists and are rebuilt by hand on the other side, each length, depth and
type checked first. Nothing is ever unpickled or evaluated, so the worst that hostile bytes can do is to be refused.
"""

from __future__ import annotations

import math
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

import msgpack
import numpy as np

MAX_FRAME = 64 << 20  # bytes of one message
MAX_DEPTH = 30
MAX_ITEMS = 1_000_000  # of one message, all containers together
DTYPES = frozenset(
    [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
        "complex64",
        "complex128",
    ]
)
CONTAINERS: dict[str, type] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


class WireError(ValueError):
    """What came over the wire is not a message, or not plain data."""


def encode(value: Any, special: Callable[[Any], list | None] = lambda v: None, depth: int = 0) -> Any:
    """`value` as tagged lists.

    `special` is asked about what is not plain data; it returns a tagged list, or None to refuse.

    Raises:
        WireError: something in `value` is not plain data.
    """
    if depth > MAX_DEPTH:
        raise WireError("nested too deeply to be sent")
    kind = type(value)
    if value is None or kind is bool or kind is str or kind is float or kind is bytes:
        return value
    if kind is int:
        return value if -(2**63) <= value < 2**63 else ["int", hex(value)]
    if kind.__name__ in CONTAINERS and CONTAINERS[kind.__name__] is kind:
        return [kind.__name__, [encode(item, special, depth + 1) for item in value]]
    if kind is dict:
        return [
            "dict",
            [[encode(k, special, depth + 1), encode(v, special, depth + 1)] for k, v in value.items()],
        ]
    if kind is np.ndarray and value.dtype.name in DTYPES:
        return ["array", value.dtype.name, list(value.shape), np.ascontiguousarray(value).tobytes()]
    if kind is np.ndarray and value.dtype.kind == "U":
        return ["text", list(value.shape), [str(item) for item in value.reshape(-1)]]
    if isinstance(value, np.generic) and value.dtype.name in DTYPES:
        return ["number", value.dtype.name, value.tobytes()]
    if kind is complex:
        return ["complex", value.real, value.imag]
    if kind is slice:
        return [
            "slice",
            *(encode(part, special, depth + 1) for part in (value.start, value.stop, value.step)),
        ]
    if kind is range:
        return ["range", value.start, value.stop, value.step]
    if value is Ellipsis:
        return ["..."]
    if kind is np.random.Generator and type(value.bit_generator) is np.random.PCG64:
        state = value.bit_generator.state
        inner = state["state"]
        return ["rng", hex(inner["state"]), hex(inner["inc"]), state["has_uint32"], state["uinteger"]]
    torch = sys.modules.get("torch")
    if torch is not None:
        sent = _encode_torch(torch, value, kind)
        if sent is not None:
            return sent
    other = special(value)
    if other is None:
        raise WireError(f"a {kind.__name__} is not plain data and cannot be sent")
    return other


def _encode_torch(torch: Any, value: Any, kind: type) -> list | None:
    if kind is torch.Size:
        return ["size", list(value)]
    if kind is torch.dtype:
        return ["dtype", str(value).removeprefix("torch.")]
    if kind in (torch.Tensor, torch.nn.Parameter):
        plain = value.detach().cpu()
        brain = plain.dtype == torch.bfloat16
        array = (plain.float() if brain else plain).resolve_conj().resolve_neg().contiguous().numpy()
        if array.dtype.name in DTYPES:
            flags = [brain, bool(value.requires_grad)]
            return ["tensor", array.dtype.name, list(array.shape), array.tobytes(), *flags]
    return None


class _Budget:
    """Counts what one message unfolds to."""

    def __init__(self) -> None:
        self.items = 0

    def spend(self, count: int) -> None:
        self.items += count
        if self.items > MAX_ITEMS:
            raise WireError("too many parts in one message")


def _typed(value: Any, *kinds: type) -> Any:
    if type(value) not in kinds:
        raise WireError("malformed message")
    return value


def _array(name: Any, shape: Any, data: Any) -> np.ndarray:
    if type(name) is not str or name not in DTYPES or type(shape) is not list or type(data) is not bytes:
        raise WireError("malformed array")
    if len(shape) > 32 or any(type(n) is not int or n < 0 or n > MAX_FRAME for n in shape):
        raise WireError("malformed array shape")
    if math.prod(shape) * np.dtype(name).itemsize != len(data):
        raise WireError("an array's data does not fit its shape")
    return np.frombuffer(data, dtype=name).reshape(shape).copy()


def decode(data: Any, special: Callable[[list], Any] | None = None) -> Any:
    """The value that `encode` was given.

    `special` rebuilds tags that are not plain data, such as handles.

    Raises:
        WireError: `data` is nothing that `encode` makes.
    """
    budget = _Budget()
    try:
        return _decode(data, special, 0, budget)
    except WireError:
        raise
    except Exception as error:  # of bytes that nobody honest sends, whatever is wrong with them
        raise WireError(f"malformed message ({type(error).__name__})") from None


def _decode(data: Any, special: Callable[[list], Any] | None, depth: int, budget: _Budget) -> Any:
    if depth > MAX_DEPTH:
        raise WireError("nested too deeply")
    if data is None or type(data) in (bool, int, float, str, bytes):
        return data
    if type(data) is not list or not data or type(data[0]) is not str:
        raise WireError("malformed message")

    def inner(item: Any) -> Any:
        return _decode(item, special, depth + 1, budget)

    tag, rest = data[0], data[1:]
    if tag in CONTAINERS:
        (items,) = rest
        budget.spend(len(_typed(items, list)))
        return CONTAINERS[tag](inner(item) for item in items)
    if tag == "dict":
        (pairs,) = rest
        budget.spend(2 * len(_typed(pairs, list)))
        return {inner(k): inner(v) for k, v in pairs}
    if tag == "array":
        return _array(*rest)
    if tag == "number":
        return _array(rest[0], [], rest[1])[()]
    if tag == "text":
        shape, items = rest
        budget.spend(len(_typed(items, list)))
        if math.prod(_typed(n, int) for n in _typed(shape, list)) != len(items):
            raise WireError("an array's data does not fit its shape")
        return np.array([_typed(item, str) for item in items], dtype=str).reshape(shape)
    if tag == "int":
        return int(_typed(rest[0], str)[:5000], 16)
    if tag == "complex":
        return complex(_typed(rest[0], float), _typed(rest[1], float))
    if tag == "slice":
        return slice(*map(inner, rest))
    if tag == "range":
        return range(*(_typed(n, int) for n in rest))
    if tag == "...":
        return Ellipsis
    if tag == "rng":
        generator = np.random.Generator(np.random.PCG64(0))
        inner_state = {"state": int(_typed(rest[0], str)[:40], 16), "inc": int(_typed(rest[1], str)[:40], 16)}
        generator.bit_generator.state = {
            "bit_generator": "PCG64",
            "state": inner_state,
            "has_uint32": _typed(rest[2], int),
            "uinteger": _typed(rest[3], int),
        }
        return generator
    if tag in ("tensor", "size", "dtype"):
        return _decode_torch(tag, rest)
    if special is not None:
        return special(data)
    raise WireError(f"unknown tag {tag[:20]!r}")


def _decode_torch(tag: str, rest: list) -> Any:
    import torch

    if tag == "size":
        return torch.Size(_typed(n, int) for n in _typed(rest[0], list))
    if tag == "dtype":
        found = getattr(torch, _typed(rest[0], str), None)
        if not isinstance(found, torch.dtype):
            raise WireError("unknown dtype")
        return found
    name, shape, data, brain, grad = rest
    tensor = torch.from_numpy(_array(name, shape, data))
    if brain is True:
        tensor = tensor.bfloat16()
    return tensor.requires_grad_() if grad is True and tensor.is_floating_point() else tensor


def pack(message: Any) -> bytes:
    """A message of encoded values as bytes."""
    data: bytes = msgpack.packb(message, use_bin_type=True)
    if len(data) > MAX_FRAME:
        raise WireError(f"a message of {len(data) >> 20} MiB is too large; the limit is {MAX_FRAME >> 20} MiB")
    return data


def unpack(data: bytes) -> Any:
    """A message from bytes.

    Raises:
        WireError: the bytes are no message.
    """
    try:
        return msgpack.unpackb(data, raw=False, strict_map_key=True, max_ext_len=0)
    except Exception as error:
        raise WireError(f"not a message ({type(error).__name__})") from None


class Channel:
    """Frames over a socket: four bytes of length, then msgpack."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def send(self, message: Any, deadline: float | None = None) -> None:
        """Raises OSError (TimeoutError too) where the other side is gone or does not read."""
        data = pack(message)
        self._limit(deadline)
        self.sock.sendall(struct.pack("<I", len(data)) + data)

    def receive(self, deadline: float | None = None) -> Any:
        """The next message.

        Raises:
            EOFError: the other side is gone. TimeoutError: nothing came. WireError: no message.
        """
        (length,) = struct.unpack("<I", self._exactly(4, deadline))
        if length > MAX_FRAME:
            raise WireError("a message larger than allowed")
        return unpack(self._exactly(length, deadline))

    def _limit(self, deadline: float | None) -> None:
        if deadline is None:
            self.sock.settimeout(None)
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("time is up")
        self.sock.settimeout(left)

    def _exactly(self, count: int, deadline: float | None) -> bytes:
        buffer = bytearray()
        while len(buffer) < count:
            self._limit(deadline)
            chunk = self.sock.recv(min(count - len(buffer), 1 << 20))
            if not chunk:
                raise EOFError("the other side is gone")
            buffer += chunk
        return bytes(buffer)

    def close(self) -> None:
        self.sock.close()
