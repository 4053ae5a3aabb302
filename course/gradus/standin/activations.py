"""Stand-in for unit 05: activations, their derivatives, losses, initialisers and normalisation, by PyTorch.

Arrays go in and come out; PyTorch computes in float64, and differentiates by autograd.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional, init

__all__ = [
    "batchnorm_backward",
    "batchnorm_forward",
    "cross_entropy",
    "d_cross_entropy",
    "d_gelu",
    "d_leaky_relu",
    "d_relu",
    "d_sigmoid",
    "d_silu",
    "d_tanh",
    "gelu",
    "he_normal",
    "layernorm_forward",
    "leaky_relu",
    "log_softmax",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "tanh",
    "xavier_uniform",
]


def _tensor(array: Any) -> torch.Tensor:
    return torch.as_tensor(np.asarray(array, dtype=np.float64))


def _values(f: Callable[..., torch.Tensor], z: Any, *more: Any) -> np.ndarray:
    """f of z, an array of any shape."""
    return f(_tensor(z), *more).numpy()


def _slopes(f: Callable[..., torch.Tensor], z: Any, *more: Any) -> np.ndarray:
    """The derivative of f, number by number, at z."""
    at = _tensor(z).clone().requires_grad_()
    (slope,) = torch.autograd.grad(f(at, *more).sum(), at)
    return slope.numpy()


def sigmoid(z: Any) -> np.ndarray:
    """The logistic sigmoid; any shape."""
    return _values(torch.sigmoid, z)


def relu(z: Any) -> np.ndarray:
    """Negative numbers become 0; any shape."""
    return _values(functional.relu, z)


def leaky_relu(z: Any, slope: float = 0.01) -> np.ndarray:
    """Negative numbers are multiplied by `slope`; any shape."""
    return _values(functional.leaky_relu, z, slope)


def tanh(z: Any) -> np.ndarray:
    """The hyperbolic tangent; any shape."""
    return _values(torch.tanh, z)


def gelu(z: Any) -> np.ndarray:
    """The exact gelu; any shape. Hendrycks and Gimpel, 2016."""
    return _values(functional.gelu, z)


def silu(z: Any) -> np.ndarray:
    """The sigmoid-weighted linear unit; any shape. Elfwing and others, 2017."""
    return _values(functional.silu, z)


def d_sigmoid(z: Any) -> np.ndarray:
    """The derivative of `sigmoid`."""
    return _slopes(torch.sigmoid, z)


def d_relu(z: Any) -> np.ndarray:
    """The derivative of `relu`, 0 at 0."""
    return _slopes(functional.relu, z)


def d_leaky_relu(z: Any, slope: float = 0.01) -> np.ndarray:
    """The derivative of `leaky_relu`, the slope at 0."""
    return _slopes(functional.leaky_relu, z, slope)


def d_tanh(z: Any) -> np.ndarray:
    """The derivative of `tanh`."""
    return _slopes(torch.tanh, z)


def d_gelu(z: Any) -> np.ndarray:
    """The derivative of `gelu`."""
    return _slopes(functional.gelu, z)


def d_silu(z: Any) -> np.ndarray:
    """The derivative of `silu`."""
    return _slopes(functional.silu, z)


def softmax(z: Any) -> np.ndarray:
    """Probabilities of each row of z (N, C), (N, C)."""
    return _values(torch.softmax, z, -1)


def log_softmax(z: Any) -> np.ndarray:
    """Logarithms of the probabilities of each row of z (N, C), (N, C)."""
    return _values(torch.log_softmax, z, -1)


def cross_entropy(logits: Any, y: Any) -> float:
    """The mean cross-entropy in nats of logits (N, C) and true classes y (N,)."""
    return functional.cross_entropy(_tensor(logits), torch.as_tensor(np.asarray(y, dtype=np.int64))).item()


def d_cross_entropy(logits: Any, y: Any) -> np.ndarray:
    """The gradient of `cross_entropy` with respect to the logits, (N, C)."""
    return _slopes(functional.cross_entropy, logits, torch.as_tensor(np.asarray(y, dtype=np.int64)))


def _drawn(fill: Callable[..., torch.Tensor], fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Weights (fan_in, fan_out), the stream started from `rng`. PyTorch's weights are (fan_out, fan_in)."""
    dice = torch.Generator().manual_seed(int(rng.integers(1 << 62)))
    return fill(torch.empty(fan_out, fan_in, dtype=torch.float64), generator=dice).numpy().T.copy()


def xavier_uniform(fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """Glorot and Bengio's uniform weights, (fan_in, fan_out). 2010."""
    return _drawn(init.xavier_uniform_, fan_in, fan_out, rng)


def he_normal(fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """He's normal weights, (fan_in, fan_out). He and others, 2015."""
    return _drawn(lambda w, generator: init.kaiming_normal_(w, generator=generator), fan_in, fan_out, rng)


def batchnorm_forward(
    x: Any, gamma: Any, beta: Any, running: dict, training: bool, momentum: float, eps: float
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Batch normalisation of x (N, D): the result (N, D) and (x_hat (N, D), gamma (D,), std (D,)).

    `running` holds "mean" and "var", (D,), which training moves; `momentum` is the share of them that is kept.
    Ioffe and Szegedy, 2015.
    """
    batch = _tensor(x)
    if training:
        var, mean = torch.var_mean(batch, dim=0, correction=0)
        for name, now in (("mean", mean), ("var", var)):
            running[name] = torch.lerp(now, _tensor(running[name]), momentum).numpy()
    else:
        mean, var = _tensor(running["mean"]), _tensor(running["var"])
    x_hat = functional.batch_norm(batch, mean, var, eps=eps)
    out = torch.addcmul(_tensor(beta), x_hat, _tensor(gamma))
    return out.numpy(), (x_hat.numpy(), np.asarray(gamma), torch.sqrt(var + eps).numpy())


def batchnorm_backward(dout: Any, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradients (N, D), (D,), (D,) of `batchnorm_forward` in training, from that of its result (N, D)."""
    x_hat, gamma, std = map(_tensor, cache)
    # any batch with this x_hat and this std has the same gradients: one of mean zero will do, eps folded into its size
    x = (x_hat * std).requires_grad_()
    scale = gamma.clone().requires_grad_()
    shift = torch.zeros_like(gamma).requires_grad_()
    centred = x - x.mean(dim=0)
    eps = torch.clamp(std**2 - centred.detach().pow(2).mean(dim=0), min=0.0)
    out = centred * torch.rsqrt(centred.pow(2).mean(dim=0) + eps) * scale + shift
    return tuple(g.numpy() for g in torch.autograd.grad(out, (x, scale, shift), _tensor(dout)))  # type: ignore[return-value]


def layernorm_forward(x: Any, gamma: Any, beta: Any, eps: float) -> np.ndarray:
    """Layer normalisation of each row of x (N, D), (N, D). Ba, Kiros and Hinton, 2016."""
    row = _tensor(x)
    return functional.layer_norm(row, row.shape[-1:], _tensor(gamma), _tensor(beta), eps).numpy()
