"""Stand-in for unit 08: convolution and pooling by torch.nn.functional, windows by unfold and fold; NumPy in and out.

`SmallCNN` and `augment` are torch's, as in the unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

__all__ = [
    "SmallCNN",
    "augment",
    "col2im",
    "conv2d_backward",
    "conv2d_forward",
    "conv2d_naive",
    "conv_output_size",
    "im2col",
    "max_pool_backward",
    "max_pool_forward",
]


def _floats(*arrays: Any) -> list[torch.Tensor]:
    """Arrays as tensors of one floating type, the largest among them."""
    kind = np.result_type(np.float32 if all(np.asarray(a).dtype == np.float32 for a in arrays) else np.float64)
    return [torch.from_numpy(np.array(a, dtype=kind)) for a in arrays]


def _slopes(compute: Callable, dout: np.ndarray, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """What autograd finds for each of `arrays` when `compute` of them gets the slopes `dout`."""
    above, *inputs = _floats(dout, *arrays)
    leaves = [t.requires_grad_() for t in inputs]
    found = torch.autograd.grad(compute(*leaves), leaves, above)
    return tuple(t.numpy() for t in found)


def conv_output_size(n: int, k: int, stride: int = 1, padding: int = 0) -> int:
    """Places of a kernel of k on n pixels with zeros on both ends.

    Raises:
        ValueError: it fits nowhere.
    """
    last = n - k + padding + padding
    if last < 0:
        raise ValueError(f"the kernel ({k}) is larger than the padded picture ({n + padding + padding})")
    return 1 + divmod(last, stride)[0]


def conv2d_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int = 1, padding: int = 0) -> np.ndarray:
    """Maps (B, F, H', W') of pictures x (B, C, H, W), filters w (F, C, kh, kw) and biases b (F,)."""
    pictures, filters, biases = _floats(x, w, b)
    return functional.conv2d(pictures, filters, biases, stride, padding).numpy()


def conv2d_naive(x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int = 1, padding: int = 0) -> np.ndarray:
    """The same."""
    return conv2d_forward(x, w, b, stride, padding)


def conv2d_backward(
    dout: np.ndarray, x: np.ndarray, w: np.ndarray, b: np.ndarray, stride: int = 1, padding: int = 0
) -> tuple[np.ndarray, ...]:
    """dx (B, C, H, W), dw (F, C, kh, kw), db (F,) from the output's slopes dout (B, F, H', W')."""
    return _slopes(lambda X, W, B: functional.conv2d(X, W, B, stride, padding), dout, x, w, b)


def im2col(x: np.ndarray, kh: int, kw: int, stride: int = 1, padding: int = 0) -> np.ndarray:
    """(B, C * kh * kw, H' * W'): every window of x (B, C, H, W) as a column."""
    return functional.unfold(_floats(x)[0], (kh, kw), padding=padding, stride=stride).numpy()


def col2im(cols: np.ndarray, shape: Sequence[int], kh: int, kw: int, stride: int = 1, padding: int = 0) -> np.ndarray:
    """(B, C, H, W): columns back in their places, added up where windows overlap."""
    height, width = shape[-2:]
    return functional.fold(_floats(cols)[0], (height, width), (kh, kw), padding=padding, stride=stride).numpy()


def max_pool_forward(x: np.ndarray, size: int = 2, stride: int | None = None) -> np.ndarray:
    """(B, C, H', W'): the largest number of each window of x (B, C, H, W)."""
    return functional.max_pool2d(_floats(x)[0], size, stride).numpy()


def max_pool_backward(dout: np.ndarray, x: np.ndarray, size: int = 2, stride: int | None = None) -> np.ndarray:
    """(B, C, H, W): each window's slope at its largest number, the first of equal ones."""
    return _slopes(lambda given: functional.max_pool2d(given, size, stride), dout, x)[0]


class SmallCNN(nn.Module):
    """Convolution, ReLU and max pooling for each of `widths`, then scores. LeCun and others, 1998."""

    def __init__(
        self, channels: int = 1, widths: Sequence[int] = (16, 32, 64), size: int = 28, classes: int = 10
    ) -> None:
        super().__init__()
        sizes = [channels, *widths]
        self.filters = nn.ModuleList(nn.Conv2d(sizes[i], sizes[i + 1], 3, 1, 1) for i in range(len(widths)))
        side = size >> len(widths)  # halved so many times, rounded down each time
        self.scores = nn.Linear(sizes[-1] * side**2, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores (B, classes) of pictures (B, channels, size, size)."""
        for filters in self.filters:
            x = functional.max_pool2d(filters(x).relu(), 2)
        return self.scores(torch.flatten(x, start_dim=1))


def augment(batch: torch.Tensor, rng: np.random.Generator, shift: int = 1) -> torch.Tensor:
    """Every picture of a batch (B, C, H, W) moved by up to `shift` pixels each way, zeros coming in. The batch stays."""
    moves = torch.from_numpy(rng.integers(-shift, shift, size=(2, len(batch), 1), endpoint=True))
    padded = functional.pad(batch, [shift] * 4)
    rows = (torch.arange(batch.shape[2]) + shift - moves[0])[:, None, :, None]  # (B, 1, H, 1)
    columns = (torch.arange(batch.shape[3]) + shift - moves[1])[:, None, None, :]  # (B, 1, 1, W)
    pictures, channels = (torch.arange(n) for n in batch.shape[:2])
    return padded[pictures[:, None, None, None], channels[None, :, None, None], rows, columns]
