"""Data: right files are used, wrong ones never, and what is said when there is none."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import os
import struct
import threading
from pathlib import Path

import numpy as np
import pytest

from gradus import data

GOOD = gzip.compress(struct.pack(">HBBII", 0, 8, 2, 2, 3) + bytes(range(6)), mtime=0)
HASHES = {"x.gz": hashlib.sha256(GOOD).hexdigest()}


@pytest.fixture
def mirrors(tmp_path, monkeypatch):
    """Folders served on this machine; the cache is an empty folder."""
    monkeypatch.delenv("GRADUS_DATA", raising=False)
    monkeypatch.setenv("GRADUS_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "www"
    for name, content in {"good": GOOD, "corrupt": GOOD[:-4] + b"oops", "short": GOOD[:20]}.items():
        (root / name).mkdir(parents=True)
        (root / name / "x.gz").write_bytes(content)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(root))

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def test_mirrors_are_asked_in_turn(mirrors):
    path = data.fetch(
        "set", "x.gz", HASHES, [mirrors + "dead/", mirrors + "corrupt/", mirrors + "short/", mirrors + "good/"]
    )
    assert path.read_bytes() == GOOD
    assert data.read_idx(path).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_nothing_is_left_behind_and_the_message_says_what_to_do(mirrors):
    with pytest.raises(data.DataError) as error:
        data.fetch("set", "x.gz", HASHES, [mirrors + "corrupt/", mirrors + "short/", mirrors + "dead/"])
    text = str(error.value)
    assert "corrupt/x.gz" in text and "short/x.gz" in text and "dead/x.gz" in text and "GRADUS_DATA" in text
    assert [p for p in data.cache_folder().rglob("*") if p.is_file()] == []


def test_damaged_cache_is_replaced(mirrors):
    kept = data.cache_folder() / "set" / "x.gz"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(GOOD[:10])
    assert data.fetch("set", "x.gz", HASHES, [mirrors + "good/"]).read_bytes() == GOOD


def test_cache_is_used_without_a_mirror(mirrors):
    data.fetch("set", "x.gz", HASHES, [mirrors + "good/"])
    assert data.fetch("set", "x.gz", HASHES, []).read_bytes() == GOOD


def test_given_folder_comes_first_and_is_never_changed(mirrors, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADUS_DATA", str(tmp_path / "given"))
    file = tmp_path / "given" / "set" / "x.gz"
    file.parent.mkdir(parents=True)
    file.write_bytes(GOOD)
    assert data.fetch("set", "x.gz", HASHES, []) == file
    file.write_bytes(b"damaged")
    with pytest.raises(data.DataError, match="not the right content"):
        data.fetch("set", "x.gz", HASHES, [])
    assert file.read_bytes() == b"damaged"


@pytest.mark.parametrize(
    "content", [b"", b"no gzip", gzip.compress(b"\0\0"), gzip.compress(struct.pack(">HBBI", 0, 8, 1, 99) + b"x")]
)
def test_idx_that_is_none(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(data.DataError):
        data.read_idx(tmp_path / "x")


def test_offline_sets():
    for (X, y), shape in ((data.digits(), (1797, 8, 8)), (data.wine(), (178, 13)), (data.breast_cancer(), (569, 30))):
        assert X.shape == shape and y.shape == shape[:1] and np.isfinite(X).all()
    assert data.digits()[0].max() == 1.0


@pytest.mark.skipif(
    not (Path(os.environ.get("GRADUS_DATA", "-")) / "mnist").is_dir(), reason="GRADUS_DATA has no MNIST"
)
def test_mnist_from_the_given_folder():
    images, labels = data.mnist("test")
    assert images.shape == (10000, 28, 28) and np.bincount(labels)[1] == 1135


def test_mnist_refuses_an_unknown_split():
    with pytest.raises(ValueError, match="train"):
        data.mnist("validation")


@pytest.mark.skipif(
    not (Path(os.environ.get("GRADUS_DATA", "-")) / "names").is_dir(), reason="GRADUS_DATA has no texts"
)
def test_texts_from_the_given_folder():
    assert len(data.names()) == 32033 and len(set(data.names())) == 29494
    assert len(data.tiny_shakespeare()) == 1_115_394 and len(set(data.tiny_shakespeare())) == 65


@pytest.mark.skipif(
    not (Path(os.environ.get("GRADUS_DATA", "-")) / "trashnet").is_dir(), reason="GRADUS_DATA has no TrashNet"
)
def test_trashnet_from_the_given_folder():
    photos, kinds, names = data.trashnet()
    assert photos.shape == (2527, 96, 128, 3) and photos.dtype == np.uint8
    assert names == ("cardboard", "glass", "metal", "paper", "plastic", "trash")
    assert np.bincount(kinds).tolist() == [403, 501, 410, 594, 482, 137]


def test_trashnet_says_where_to_put_the_file(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADUS_CACHE", str(tmp_path))
    monkeypatch.delenv("GRADUS_DATA", raising=False)
    with pytest.raises(data.DataError, match=r"trashnet_128x96\.zip cannot be had"):
        data.trashnet()


@pytest.mark.skipif(
    not (Path(os.environ.get("GRADUS_DATA", "-")) / "fashion_mnist").is_dir(), reason="GRADUS_DATA has no Fashion-MNIST"
)
def test_fashion_mnist_from_the_given_folder():
    images, labels = data.fashion_mnist("test")
    assert images.shape == (10_000, 28, 28) and np.bincount(labels).tolist() == [1000] * 10
    assert labels[:5].tolist() == [9, 2, 1, 1, 6]
