"""Stand-in for unit 10: PyTorch's own recurrent cells, arrays in and out; text models and sampling over them."""

from __future__ import annotations

import collections
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

__all__ = [
    "CharRNN",
    "gru_step",
    "lstm_step",
    "ngram_bits",
    "perplexity",
    "rnn_backward",
    "rnn_forward",
    "rnn_step",
    "sample",
]


def _tensor(array: Any) -> torch.Tensor:
    return torch.as_tensor(np.asarray(array, dtype=np.float64))


def _cell(kind: type[nn.RNNCellBase], params: dict[str, Any], size: int) -> nn.RNNCellBase:
    """A cell of PyTorch's with these weights; a single bias goes to the inputs' side."""
    cell = kind(len(params["Wx"]), size).double()  # type: ignore[call-arg, arg-type]
    first = _tensor(params["bx"] if "bx" in params else params["b"])
    second = _tensor(params["bh"]) if "bh" in params else torch.zeros_like(first)
    weights = (_tensor(params["Wx"]).T, _tensor(params["Wh"]).T, first, second)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    cell.load_state_dict(dict(zip(names, weights, strict=True)))
    return cell


@torch.no_grad()
def rnn_step(x: Any, h: Any, params: dict[str, Any]) -> np.ndarray:
    """One step of a plain recurrent cell: x (B, D), h (B, H); returns (B, H)."""
    return _cell(nn.RNNCell, params, np.shape(h)[1])(_tensor(x), _tensor(h)).numpy()


def _states(cell: nn.RNNCellBase, inputs: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
    made = []
    for step in inputs.unbind(dim=1):
        state = cell(step, state)
        made.append(state)
    return torch.stack(made, dim=1)


@torch.no_grad()
def rnn_forward(X: Any, h0: Any, params: dict[str, Any]) -> np.ndarray:
    """All states (B, T, H) of a sequence X (B, T, D) from the state h0 (B, H)."""
    return _states(_cell(nn.RNNCell, params, np.shape(h0)[1]), _tensor(X), _tensor(h0)).numpy()


def rnn_backward(
    dH: Any, X: Any, h0: Any, H: Any, params: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Gradients of the inputs, the first state and the weights, by autograd. Werbos, 1990."""
    cell = _cell(nn.RNNCell, params, np.shape(h0)[1])
    inputs, first = _tensor(X).clone().requires_grad_(), _tensor(h0).clone().requires_grad_()
    wanted = (inputs, first, cell.weight_ih, cell.weight_hh, cell.bias_ih)
    found = torch.autograd.grad(_states(cell, inputs, first), wanted, _tensor(dH))
    d_inputs, d_first, d_wx, d_wh, d_b = (g.numpy() for g in found)
    return d_inputs, d_first, {"Wx": d_wx.T, "Wh": d_wh.T, "b": d_b}


@torch.no_grad()
def lstm_step(x: Any, h: Any, c: Any, params: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """One step of an LSTM; gates in the order i, f, g, o. Hochreiter and Schmidhuber, 1997."""
    new_h, new_c = _cell(nn.LSTMCell, params, np.shape(h)[1])(_tensor(x), (_tensor(h), _tensor(c)))
    return new_h.numpy(), new_c.numpy()


@torch.no_grad()
def gru_step(x: Any, h: Any, params: dict[str, Any]) -> np.ndarray:
    """One step of a GRU; gates in the order r, z, n. Cho and others, 2014."""
    return _cell(nn.GRUCell, params, np.shape(h)[1])(_tensor(x), _tensor(h)).numpy()


def perplexity(nll: Any) -> float:
    """e to the mean of nll, surprises in nats."""
    return _tensor(nll).mean().exp().item()


def ngram_bits(train: np.ndarray, test: np.ndarray, n: int, V: int, smoothing: float = 0.1) -> float:
    """Bits per sign of an n-gram model with additive smoothing. Shannon, 1948."""
    windows = np.lib.stride_tricks.sliding_window_view
    whole = collections.Counter(map(bytes, windows(np.asarray(train, dtype=np.int64), n)))
    start = collections.Counter(map(bytes, windows(np.asarray(train, dtype=np.int64), n)[:, :-1]))
    asked = windows(np.asarray(test, dtype=np.int64), n)
    above = np.array([whole[bytes(row)] for row in asked]) + smoothing
    below = np.array([start[bytes(row[:-1])] for row in asked]) + smoothing * V
    return float(np.log2(below / above).mean())


class CharRNN(nn.Module):
    """A model of text: an embedding, a GRU, a score for every sign that may come next."""

    def __init__(self, V: int, D: int, H: int) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(V, D), nn.Linear(H, V)
        self.rnn = nn.GRU(D, hidden_size=H, batch_first=True)

    def forward(self, tokens: torch.Tensor, state: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores (B, T, V) of tokens (B, T), and the state after the last one, (1, B, H)."""
        read, last = self.rnn(self.embed(tokens), state)
        return self.head(read), last


@torch.no_grad()
def sample(model: Any, start: Sequence[int], length: int, temperature: float, rng: np.random.Generator) -> list[int]:
    """`length` new signs after `start`, drawn at a temperature; at 0 the likeliest."""
    dice = torch.Generator().manual_seed(int(rng.integers(1 << 62)))
    scores, state = model(torch.as_tensor([list(start)]), None)
    said: list[int] = []
    while len(said) < length:
        last = scores[0, -1].double()
        if temperature:
            said.append(int(torch.multinomial(functional.softmax(last / temperature, dim=0), 1, generator=dice)))
        else:
            said.append(int(last.argmax()))
        scores, state = model(torch.as_tensor([said[-1:]]), state)
    return said
