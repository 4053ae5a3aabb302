"""The wire: what is plain arrives as it was; what is hostile is refused, and nothing else happens."""

from __future__ import annotations

import contextlib
import math
import socket
import struct
import time
import tracemalloc

import hypothesis.extra.numpy as npst
import msgpack
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.wire import DTYPES, MAX_DEPTH, MAX_FRAME, Channel, WireError, decode, encode, pack, unpack
from gradus.check.values import unchanged

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | st.complex_numbers()
)
arrays = npst.arrays(st.sampled_from(sorted(DTYPES)), npst.array_shapes(min_dims=0, max_side=4, min_side=0))
plain = st.recursive(
    scalars | arrays,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


def there_and_back(value):
    return decode(unpack(pack(encode(value))))


def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return a == b or repr(a) == repr(b)  # NaN


@given(plain)
@settings(deadline=None, max_examples=200)
def test_plain_data_arrives_as_it_was(value):
    assert same(there_and_back(value), value)


@pytest.mark.parametrize(
    "value",
    [
        2**200,
        -(2**70),
        slice(1, None, 2),
        range(0, 9, 3),
        Ellipsis,
        {1, 2},
        frozenset("ab"),
        np.float32(1.5),
        np.bool_(True),
        np.str_("cat"),
        range(2**70, 2**70 + 3),
        np.array(["a", "bcd"]),
        torch.Size([2, 3]),
        torch.float16,
        np.zeros((0, 3)),
        np.arange(12).reshape(3, 4)[:, ::2],
    ],
    ids=str,
)
def test_each_kind(value):
    back = there_and_back(value)
    assert type(back) is type(value)
    assert np.all(back == value) if isinstance(value, np.ndarray) else back == value


@pytest.mark.parametrize("kind", ["float32", "float64", "bfloat16", "int64", "bool", "complex64"])
def test_tensors(kind):
    tensor = torch.ones(2, 3).to(getattr(torch, kind)).t()
    back = there_and_back(tensor)
    assert back.dtype == tensor.dtype and back.shape == (3, 2) and torch.equal(back, tensor)
    assert there_and_back(torch.ones(2, requires_grad=True)).requires_grad


def test_a_generator_goes_on_where_it_was():
    rng = np.random.default_rng(3)
    rng.normal(size=5)
    assert np.array_equal(there_and_back(rng).normal(size=4), rng.normal(size=4))


def test_what_is_no_plain_data_is_not_sent():
    for value in (object(), lambda: 0, np.array([object()]), np.array([1], dtype="datetime64[s]"), open, type):
        with pytest.raises(WireError):
            encode(value)

    class Text(str):
        pass

    with pytest.raises(WireError):
        encode(Text("looks plain"))
    with pytest.raises(WireError):
        encode([Text("inside")])


def test_a_list_that_holds_itself_is_not_sent():
    loop: list = []
    loop.append(loop)
    with pytest.raises(WireError, match="deep"):
        encode(loop)


def nested(depth):
    value: list = ["list", []]
    for _ in range(depth):
        value = ["list", [value]]
    return value


HOSTILE = {
    "unknown tag": ["pickle", b"cos\nsystem"],
    "no tag": [1, 2],
    "empty": [],
    "a map": {"a": 1},
    "deep": nested(MAX_DEPTH + 2),
    "very deep": nested(400),
    "object dtype": ["array", "object", [1], b"12345678"],
    "void dtype": ["array", "V8", [1], b"12345678"],
    "huge shape, little data": ["array", "float64", [1 << 20, 1 << 20], b"12345678"],
    "overflowing shape": ["array", "int8", [2**62, 4], b""],
    "negative shape": ["array", "int8", [-1, -1], b"1"],
    "float shape": ["array", "int8", [1.0], b"1"],
    "true as a length": ["array", "int8", [True], b"1"],
    "33 dimensions": ["array", "int8", [1] * 33, b"1"],
    "shape is text": ["array", "int8", "1", b"1"],
    "data is text": ["array", "int8", [1], "1"],
    "too few parts": ["array", "int8"],
    "too many parts": ["array", "int8", [1], b"1", 0],
    "number of a list": ["number", "float64", []],
    "dict of ones": ["dict", [[1]]],
    "dict with list keys": ["dict", [[["list", []], 1]]],
    "set of lists": ["set", [["list", []]]],
    "int of letters": ["int", "zz"],
    "int of a list": ["int", []],
    "range of floats": ["range", 1.0, 2.0, 1.0],
    "range of step 0": ["range", 0, 5, 0],
    "torch function as dtype": ["dtype", "load"],
    "tensor of objects": ["tensor", "object", [1], b"12345678", False, False],
    "size of text": ["size", ["a"]],
    "text with a wrong shape": ["text", [3], ["a"]],
    "text with negative shape": ["text", [-1, -1], ["a"]],
    "rng of text": ["rng", "1", "x", 0, 0],
    "rng of nothing": ["rng"],
    "slice of five": ["slice", 1, 2, 3, 4, 5],
    "complex of text": ["complex", "1", "2"],
    "an int of six thousand digits": ["int", "0x" + "f" * 6000],
    "two ints": ["int", "0x1", "0x2"],
    "a number of two arrays": ["number", "int8", b"1", b"2"],
    "complex of three": ["complex", 1.0, 2.0, 3.0],
    "dots with something": ["...", 1],
    "two sizes": ["size", [1], [2]],
    "a torch module as dtype": ["dtype", "onnx"],
    "rng beyond 128 bits": ["rng", "f" * 33, "1", 0, 0],
    "rng below zero": ["rng", "-1", "1", 0, 0],
    "a range without end": ["range", 0, 10**15, 1],
    "a range longer than any number": ["range", 0, ["int", hex(2**80)], 1],
    "one long word and many short": ["text", [100_000], ["x" * 1_000_000] + [""] * 99_999],
    "slice of one": ["slice", 1],
    "a word of bytes": ["word", b"a"],
    "a handle that nobody gave": ["handle", 3, "Tensor", None],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_message_is_refused(name):
    with pytest.raises(WireError):
        decode(HOSTILE[name])


def array32(count):
    return b"\xdd" + struct.pack(">I", count)


@pytest.mark.parametrize(
    "data",
    [
        array32(60 << 20) + b"\x90" * (60 << 20),  # a list of empty lists: 4 GB
        b"".join(array32(1 << 20) + b"\x90" * ((1 << 20) - 1) for _ in range(50)),  # and so on, nested
        array32(60 << 20) * 500 + b"\xc0" * (60 << 20),  # lists that promise much and end early
        b"\xdf" + struct.pack(">I", 1 << 24) + b"\xa1x\x80" * (1 << 24),
    ],
    ids=["lists", "nested lists", "promises", "maps"],
)
def test_a_frame_that_unfolds_to_too_much_is_refused_before_it_does(data):
    start = time.process_time()  # not the wall's: the machine may be busy
    tracemalloc.start()
    with pytest.raises(WireError, match="too many"):
        unpack(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
    assert time.process_time() - start < 10


def test_the_sender_refuses_what_the_receiver_would():
    """So that an honest answer that is too large is an error of one test, and not the end of the process."""
    with pytest.raises(WireError, match="too many"):
        pack(encode(list(range(2_000_001))))
    with pytest.raises(WireError, match="too many digits"):
        encode(1 << 30_000)
    with pytest.raises(WireError):
        encode(range(10**12))
    with pytest.raises(WireError, match="not plain data"):
        pack({"value": object()})
    assert len(there_and_back(list(range(500_000)))) == 500_000


def test_half_a_surrogate_pair_arrives_as_a_question_mark():
    assert there_and_back("a\ud800b") == "a?b"


def test_the_order_of_bytes_is_kept():
    """As some files have them: big-endian numbers have the same type name as little-endian ones."""
    numbers = np.arange(5, dtype=">f8")
    assert np.array_equal(there_and_back(numbers), numbers)
    assert there_and_back(numbers[3]) == 3.0


def test_tensors_that_are_no_arrays_are_not_sent():
    for tensor in (torch.eye(2).to_sparse(), torch.empty(2, device="meta"), torch.ones(2).to(torch.float8_e4m3fn)):
        with pytest.raises(WireError, match="Tensor is not plain data"):
            encode(tensor)


def test_a_small_message_takes_little_memory():
    """Ten bytes that promise a gigabyte are refused before anything of the kind is made."""
    tracemalloc.start()
    for message in (
        ["array", "float64", [1 << 27], b"0"],
        ["text", [1 << 30], []],
        HOSTILE["one long word and many short"],
    ):
        with pytest.raises(WireError):
            decode(message)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


BYTES = {
    "array32 of four thousand million": b"\xdd\xff\xff\xff\xff",
    "map32 of four thousand million": b"\xdf\xff\xff\xff\xff",
    "binary longer than what follows": b"\xc6\xff\xff\xff\xff12",
    "an extension type": msgpack.packb(msgpack.ExtType(4, b"12")),
    "a timestamp": msgpack.packb(msgpack.Timestamp(1, 2)),
    "text that is no UTF-8": b"\xa2\xff\xfe",
    "nested a hundred thousand deep": b"\x91" * 100_000 + b"\xc0",
    "two messages": b"\xc0\xc0",
    "nothing": b"",
    "a map with a list as key": b"\x81\x90\xc0",
}


@pytest.mark.parametrize("name", BYTES)
def test_hostile_bytes_are_refused(name):
    with pytest.raises(WireError):
        decode(unpack(BYTES[name]))


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=500)
def test_random_bytes(data):
    with contextlib.suppress(WireError):
        decode(unpack(data))


@given(plain, st.data())
@settings(deadline=None, max_examples=200)
def test_damaged_messages(value, data):
    """A real message with a few bytes changed or cut off."""
    message = bytearray(pack(encode(value)))
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    message = message[: data.draw(st.integers(0, len(message)))]
    with contextlib.suppress(WireError):
        decode(unpack(bytes(message)))


def test_a_value_too_large_is_not_sent():
    with pytest.raises(WireError, match="too large"):
        pack(encode(np.zeros(MAX_FRAME // 8 + 1)))


@pytest.fixture
def ends():
    one, other = socket.socketpair()
    yield Channel(one), other
    one.close()
    other.close()


def soon():
    return time.monotonic() + 0.2


def test_frames_arrive_in_order(ends):
    channel, other = ends
    peer = Channel(other)
    peer.send({"a": 1})
    peer.send({"b": b"x" * 1000})
    assert channel.receive(soon()) == {"a": 1}
    assert channel.receive(soon())["b"].startswith(b"x")


def test_a_length_over_the_limit_is_refused_before_it_is_read(ends):
    channel, other = ends
    other.sendall(struct.pack("<I", MAX_FRAME + 1) + b"x")
    with pytest.raises(WireError, match="larger"):
        channel.receive(soon())


def test_a_truncated_frame_ends(ends):
    channel, other = ends
    other.sendall(struct.pack("<I", 100) + b"x" * 10)
    other.shutdown(socket.SHUT_WR)
    with pytest.raises(EOFError):
        channel.receive(soon())


def test_a_frame_that_never_comes_times_out(ends):
    channel, other = ends
    other.sendall(struct.pack("<I", 100) + b"x" * 10)
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        channel.receive(soon())
    assert time.monotonic() - start < 5


def test_nobody_reads(ends):
    channel, _ = ends
    with pytest.raises(OSError):
        channel.send({"x": b"0" * (8 << 20)}, soon())


def test_nan_is_nan_on_the_other_side():
    assert math.isnan(there_and_back(float("nan")))
    assert unchanged(np.array([np.nan, np.inf]), there_and_back(np.array([np.nan, np.inf])))


@pytest.mark.parametrize("tag", ["set", "frozenset", "dict"])
def test_many_keys_that_may_collide_are_refused(tag):
    """300,000 whole numbers that are multiples of Python's hash modulus took the examiner three minutes."""
    keys = [["int", hex(k * (2**61 - 1))] for k in range(20_000)]
    with pytest.raises(WireError, match="keys"):
        decode([tag, keys if tag != "dict" else [[key, None] for key in keys]])
    with pytest.raises(WireError, match="keys"):
        decode([tag, [[float(k), 1] for k in range(20_000)] if tag == "dict" else [float(k) for k in range(20_000)]])


def test_large_vocabularies_pass():
    words = {f"word{i}": i for i in range(30_000)}
    pairs = {(i, f"w{i}"): -i for i in range(30_000)}
    for value in (words, pairs, set(words), frozenset(range(30_000)), {float(i) for i in range(10_000)}):
        assert decode(encode(value)) == value
