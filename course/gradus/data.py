"""Data that cannot die: what comes with a package, and larger sets from a folder, a cache, or mirrors in turn.

A file is used only if its SHA-256 is the one written here. A download goes to a temporary file and takes its
name when it is whole and right.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np


class DataError(RuntimeError):
    """A data set cannot be had; the message says what was tried and what to do."""


# name -> SHA-256, of the original files
MNIST = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
FASHION_MNIST = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}
FASHION_MNIST_MIRRORS = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
)

NAMES = {"names.txt": "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"}
NAMES_MIRRORS = ("https://raw.githubusercontent.com/karpathy/makemore/master/",)
SHAKESPEARE = {"input.txt": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"}
SHAKESPEARE_MIRRORS = ("https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/",)

TRASHNET = {"trashnet_128x96.zip": "62e829bc49786e8b450520f41b40f495270929b5d5efa144393a792b71f1ccd6"}


def digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's handwritten digits: images (1797, 8, 8) of ink from 0 to 1, labels (1797,) from 0 to 9.

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998.
    """
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.images / 16.0, found.target


def wine() -> tuple[np.ndarray, np.ndarray]:
    """Chemical analyses of wines: X (178, 13), the grower y (178,) of 0, 1, 2. Source: Forina and others, 1991."""
    from sklearn.datasets import load_wine

    found = load_wine()
    return found.data, found.target


def breast_cancer() -> tuple[np.ndarray, np.ndarray]:
    """Measures of cell nuclei: X (569, 30), y (569,): 0 malignant, 1 benign. Source: Street and others, 1993."""
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    return found.data, found.target


def mnist(split: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """MNIST: images (N, 28, 28) uint8 from 0 to 255, labels (N,) from 0 to 9; N is 60,000, or 10,000 for "test".

    Raises:
        ValueError: `split` is neither "train" nor "test".
        DataError: the files cannot be had. Source: LeCun, Cortes and Burges, 1998.
    """
    return _pictures("mnist", MNIST, MNIST_MIRRORS, split)


def fashion_mnist(split: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """Fashion-MNIST: images (N, 28, 28) uint8 from 0 to 255, kinds of clothes (N,) from 0 to 9; N as for `mnist`.

    Raises:
        ValueError: `split` is neither "train" nor "test".
        DataError: the files cannot be had. Source: Xiao, Rasul and Vollgraf, 2017; MIT licence.
    """
    return _pictures("fashion_mnist", FASHION_MNIST, FASHION_MNIST_MIRRORS, split)


def _pictures(folder: str, hashes: dict[str, str], mirrors: Iterable[str], split: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures and labels in MNIST's four files."""
    if split not in ("train", "test"):
        raise ValueError(f'split is {split!r}; it must be "train" or "test"')
    stem = "train" if split == "train" else "t10k"
    images = read_idx(fetch(folder, f"{stem}-images-idx3-ubyte.gz", hashes, mirrors))
    labels = read_idx(fetch(folder, f"{stem}-labels-idx1-ubyte.gz", hashes, mirrors))
    return images, labels.astype(np.int64)


def names() -> list[str]:
    """First names given in the USA: 32,033 of them, a to z, some twice.

    Raises:
        DataError: the file cannot be had. Source: US Social Security Administration, 2018, as cut for makemore.
    """
    return fetch("names", "names.txt", NAMES, NAMES_MIRRORS).read_text(encoding="ascii").split()


def tiny_shakespeare() -> str:
    """Some of Shakespeare's plays: 1,115,394 signs, 65 different ones.

    Raises:
        DataError: the file cannot be had. Source: Karpathy, char-rnn, 2015.
    """
    return fetch("tiny_shakespeare", "input.txt", SHAKESPEARE, SHAKESPEARE_MIRRORS).read_text(encoding="ascii")


def trashnet() -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """TrashNet's photos of rubbish, made smaller: photos (2527, 96, 128, 3) uint8, kinds (2527,) from 0 to 5, six names.

    No mirror has this smaller copy: it comes from $GRADUS_DATA or the cache folder.

    Raises:
        DataError: the file cannot be had, or has another content. Source: Thung and Yang, 2016; MIT licence.
    """
    import io
    import zipfile

    from PIL import Image

    with zipfile.ZipFile(fetch("trashnet", "trashnet_128x96.zip", TRASHNET, ())) as archive:
        paths = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        photos = np.stack([np.asarray(Image.open(io.BytesIO(archive.read(path))).convert("RGB")) for path in paths])
    folders = [path.split("/")[-2] for path in paths]
    names = tuple(sorted(set(folders)))
    return photos, np.array([names.index(folder) for folder in folders]), names


def cache_folder() -> Path:
    """Where downloads are kept: $GRADUS_CACHE, else the platform's cache folder."""
    import pooch

    return Path(os.environ.get("GRADUS_CACHE") or pooch.os_cache("gradus"))


def fetch(folder: str, name: str, hashes: dict[str, str], mirrors: Iterable[str]) -> Path:
    """The path of a file whose content is known: from $GRADUS_DATA, the cache, or the mirrors in turn.

    Raises:
        DataError: none of them has it; the message names each and why.
    """
    import pooch

    tried = []
    given = os.environ.get("GRADUS_DATA")
    if given:
        path = Path(given) / folder / name
        if not path.is_file():
            tried.append(f"{path}: not there")
        elif _sha256(path) != hashes[name]:
            tried.append(f"{path}: not the right content (it was left as it is; its SHA-256 should be {hashes[name]})")
        else:
            return path
    target = cache_folder() / folder
    kept = target / name
    if kept.is_file():
        if _sha256(kept) == hashes[name]:
            return kept
        kept.unlink()  # half-written or damaged: fetched anew
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        for mirror in mirrors:
            try:
                downloader = pooch.HTTPDownloader(progressbar=True, timeout=20)
                found = pooch.retrieve(
                    mirror + name, known_hash=f"sha256:{hashes[name]}", fname=name, path=target, downloader=downloader
                )
                return Path(found)
            except Exception as error:  # whatever a mirror's fault is, the next one is asked
                kept.unlink(missing_ok=True)
                tried.append(f"{mirror}{name}: {str(error).splitlines()[0][:150] or type(error).__name__}")
    finally:
        logger.setLevel(level)
    raise DataError(
        f"{name} cannot be had. Tried:\n- "
        + "\n- ".join(tried)
        + f"\nPut the file into {target}, or set GRADUS_DATA to a folder that holds {folder}/{name}, and run this again."
    )


def read_idx(path: Path) -> np.ndarray:
    """An array from a gzipped idx file of unsigned bytes (the format of MNIST).

    Raises:
        DataError: the file is no such file, or is cut short.
    """
    try:
        data = gzip.decompress(Path(path).read_bytes())
        zero, kind, rank = struct.unpack_from(">HBB", data)
        shape = struct.unpack_from(f">{rank}I", data, 4)
    except (OSError, EOFError, struct.error) as error:
        raise DataError(f"{path} is not an idx file ({type(error).__name__}).") from None
    if zero != 0 or kind != 8 or len(data) != 4 + 4 * rank + int(np.prod(shape)):
        raise DataError(f"{path} is not an idx file of bytes, or is cut short.")
    return np.frombuffer(data, dtype=np.uint8, offset=4 + 4 * rank).reshape(shape)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
