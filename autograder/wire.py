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
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
import numpy as np

from gradus.check.values import is_tensor

MAX_FRAME = 64 << 20  # bytes of one message
MAX_DEPTH = 30
MAX_ITEMS = 2_000_000  # parts of one message, all containers together
MANY_KEYS = 10_000  # more than these may be kept by hash only where nobody can choose them to collide
SMALL = 1 << 31
MAX_DIGITS = 5000  # of a large integer, in hexadecimal
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

    student_lines: tuple[str, ...] = ()  # a learner is shown the message, and none of our lines


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
        if value.bit_length() > 4 * MAX_DIGITS:
            raise WireError("an integer with too many digits to be sent")
        return value if -(2**63) <= value < 2**63 else ["int", hex(value)]
    if kind.__name__ in CONTAINERS and CONTAINERS[kind.__name__] is kind:
        return [kind.__name__, [encode(item, special, depth + 1) for item in value]]
    if kind is dict:
        return [
            "dict",
            [[encode(k, special, depth + 1), encode(v, special, depth + 1)] for k, v in value.items()],
        ]
    if kind is np.ndarray and value.dtype.name in DTYPES:
        native = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("="))  # the name says no byte order
        return ["array", value.dtype.name, list(value.shape), native.tobytes()]
    if kind is np.ndarray and value.dtype.kind == "U":
        return ["text", list(value.shape), [str(item) for item in value.reshape(-1)]]
    if isinstance(value, np.generic) and value.dtype.name in DTYPES:
        return ["number", value.dtype.name, value.tobytes()]
    if kind is np.str_:
        return ["word", str(value)]
    if kind is complex:
        return ["complex", value.real, value.imag]
    if kind is slice:
        return [
            "slice",
            *(encode(part, special, depth + 1) for part in (value.start, value.stop, value.step)),
        ]
    if kind is range and abs(value.stop - value.start) <= MAX_ITEMS * abs(value.step):
        return ["range", *(encode(part) for part in (value.start, value.stop, value.step))]
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
        brain = value.dtype == torch.bfloat16
        try:
            plain = value.detach().cpu()
            array = (plain.float() if brain else plain).resolve_conj().resolve_neg().contiguous().numpy()
        except (TypeError, RuntimeError):  # sparse, quantised, eight bits
            return None
        if array.dtype.name in DTYPES:
            flags = [brain, bool(value.requires_grad)]
            return ["tensor", array.dtype.name, list(array.shape), array.tobytes(), *flags]
    return None


def parts(value: Any, others: frozenset[int] = frozenset()) -> Iterator[Any]:
    """Everything in `value` that can be changed in place, in the order in which both sides meet it.

    Objects whose id is in `others` are left out: what is no data on the other side.
    """
    if id(value) in others:
        return
    if type(value) in (list, dict, np.ndarray, np.random.Generator) or is_tensor(value):
        yield value
    if type(value) in (list, tuple, dict):
        for item in value.values() if type(value) is dict else value:
            yield from parts(item, others)


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
    try:
        return _decode(data, special, 0)
    except WireError:
        raise
    except Exception as error:  # of bytes that nobody honest sends, whatever is wrong with them
        raise WireError(f"malformed message ({type(error).__name__})") from None


def _decode(data: Any, special: Callable[[list], Any] | None, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise WireError("nested too deeply")
    if data is None or type(data) in (bool, int, float, str, bytes):
        return data
    if type(data) is not list or not data or type(data[0]) is not str:
        raise WireError("malformed message")

    def inner(item: Any) -> Any:
        return _decode(item, special, depth + 1)

    tag, rest = data[0], data[1:]
    if tag in CONTAINERS:
        (items,) = rest
        made = [inner(item) for item in _typed(items, list)]
        if tag in ("set", "frozenset"):
            _hashable(made)
        return CONTAINERS[tag](made)
    if tag == "dict":
        (pairs,) = rest
        keys = [inner(key) for key, _ in _typed(pairs, list)]
        _hashable(keys)
        return {key: inner(value) for key, (_, value) in zip(keys, pairs, strict=True)}
    if tag == "array":
        return _array(*rest)
    if tag == "number":
        name, content = rest
        return _array(name, [], content)[()]
    if tag == "text":
        return _text(*rest)
    if tag == "word":
        (word,) = rest
        return np.str_(_typed(word, str))
    if tag == "int":
        (digits,) = rest
        if len(_typed(digits, str)) > MAX_DIGITS + 3:
            raise WireError("an integer with too many digits")
        return int(digits, 16)
    if tag == "complex":
        real, imaginary = rest
        return complex(_typed(real, float), _typed(imaginary, float))
    if tag == "slice":
        start, stop, step = map(inner, rest)
        return slice(start, stop, step)
    if tag == "range":
        start, stop, step = (_typed(inner(part), int) for part in rest)
        counted = range(start, stop, step)
        if len(counted) > MAX_ITEMS:  # a loop over it would not end
            raise WireError("a range that is too long")
        return counted
    if tag == "...":
        () = rest
        return Ellipsis
    if tag == "rng":
        return _generator(*rest)
    if tag in ("tensor", "size", "dtype"):
        return _decode_torch(tag, rest)
    if special is not None:
        return special(data)
    raise WireError(f"unknown tag {tag[:20]!r}")


def _hashable(keys: list) -> None:
    """Refuse many keys that may have been chosen to collide: putting them together would take hours.

    Texts have hashes of this process's own; whole numbers below `SMALL` are too few that collide.
    """
    if len(keys) > MANY_KEYS and not all(map(_harmless, keys)):
        raise WireError(f"more than {MANY_KEYS} keys, and not all of them text or small whole numbers")


def _harmless(key: Any) -> bool:
    if type(key) is tuple:
        return all(map(_harmless, key))
    return type(key) in (str, bytes, bool) or key is None or (type(key) is int and -SMALL < key < SMALL)


def _text(shape: Any, items: Any) -> np.ndarray:
    words = [_typed(item, str) for item in _typed(items, list)]
    if any(n < 0 for n in _typed(shape, list)) or math.prod(_typed(n, int) for n in shape) != len(words):
        raise WireError("an array's data does not fit its shape")
    if 4 * len(words) * max(map(len, words), default=0) > MAX_FRAME:  # each takes the room of the longest
        raise WireError("an array of text that is too large")
    return np.array(words, dtype=str).reshape(shape)


def _generator(state: Any, inc: Any, has_uint32: Any, uinteger: Any) -> np.random.Generator:
    inner = {name: int(_typed(digits, str)[:40], 16) for name, digits in (("state", state), ("inc", inc))}
    if not all(0 <= number < 2**128 for number in inner.values()):
        raise WireError("malformed generator")
    generator = np.random.Generator(np.random.PCG64(0))
    generator.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": inner,
        "has_uint32": _typed(has_uint32, int),
        "uinteger": _typed(uinteger, int),
    }
    return generator


def _decode_torch(tag: str, rest: list) -> Any:
    import torch

    if tag == "size":
        (sizes,) = rest
        return torch.Size(_typed(n, int) for n in _typed(sizes, list))
    if tag == "dtype":
        (name,) = rest
        found = vars(torch).get(_typed(name, str))  # getattr would import torch's lazy modules
        if not isinstance(found, torch.dtype):
            raise WireError("unknown dtype")
        return found
    name, shape, data, brain, grad = rest
    tensor = torch.from_numpy(_array(name, shape, data))
    if brain is True:
        tensor = tensor.bfloat16()
    return tensor.requires_grad_() if grad is True and tensor.is_floating_point() else tensor


def pack(message: Any) -> bytes:
    """A message of encoded values as bytes. Half a surrogate pair, which no file can hold, becomes "?".

    Raises:
        WireError: the other side would refuse it.
    """
    try:
        data: bytes = msgpack.packb(message, use_bin_type=True, unicode_errors="replace")
    except (TypeError, ValueError, OverflowError) as error:
        raise WireError(f"not plain data ({error})") from None
    if len(data) > MAX_FRAME:
        raise WireError(f"a message of {len(data) >> 20} MiB is too large; the limit is {MAX_FRAME >> 20} MiB")
    _count(data)
    return data


def unpack(data: bytes) -> Any:
    """A message from bytes.

    Raises:
        WireError: the bytes are no message.
    """
    try:
        _count(data)
        return msgpack.unpackb(data, raw=False, strict_map_key=True)
    except WireError:
        raise
    except Exception as error:
        raise WireError(f"not a message ({type(error).__name__})") from None


# of msgpack's first bytes: how many bytes of value follow, or how many of a length
_VALUES = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8} | {0xCC + i: 1 << i for i in range(4)}
_VALUES |= {0xD0 + i: 1 << i for i in range(4)}
_TEXTS = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_LISTS = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}


def _count(data: bytes) -> None:
    """Refuse what would unfold to too many objects, before one is made: a frame of empty lists takes 4 GB."""
    at, left, total = 0, 1, 1
    while left:
        if at >= len(data):
            raise WireError("a message that is cut off")
        first = data[at]
        at, left, more = at + 1, left - 1, 0
        if first < 0x80 or first >= 0xE0:
            pass
        elif first < 0x90:
            more = 2 * (first & 15)
        elif first < 0xA0:
            more = first & 15
        elif first < 0xC0:
            at += first & 31
        elif first in _VALUES:
            at += _VALUES[first]
        elif first in _TEXTS:
            width = _TEXTS[first]
            at += width + int.from_bytes(data[at : at + width], "big")
        elif first in _LISTS:
            width, each = _LISTS[first]
            more = each * int.from_bytes(data[at : at + width], "big")
            at += width
        else:
            raise WireError("a message with a type of its own")
        left, total = left + more, total + more
        if total > MAX_ITEMS:
            raise WireError("too many parts in one message")


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
