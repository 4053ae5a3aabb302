"""Unit 04 on PyTorch: the optimisers, the schedule and the clipping, with the interface of the student's own.

NumPy in and out. A step makes a torch optimiser, gives it the state that the last step left, lets it step once, and
keeps what it then knows. Nothing that is handed over is changed. Torch imports its compiler when the first optimiser
is made, which takes about a second, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

State = dict[str, Any]


def sgd_step(w: np.ndarray, grad: np.ndarray, state: State, lr: float) -> tuple[np.ndarray, State]:
    """One step of plain gradient descent: the new weights, of the shape of `w`, and the new state.

    Args:
        w: weights, of any shape.
        grad: the loss's slope in each weight, of the shape of `w`.
        state: what the last step returned; {} before the first.
        lr: the learning rate.

    Raises:
        ValueError: `state` was made by another kind of step.
    """
    return _step("SGD", w, grad, state, lr=lr)


def momentum_step(
    w: np.ndarray, grad: np.ndarray, state: State, lr: float, momentum: float = 0.9
) -> tuple[np.ndarray, State]:
    """One step of gradient descent with a velocity (Polyak, 1964); else as `sgd_step`."""
    return _step("SGD", w, grad, state, lr=lr, momentum=momentum)


def nesterov_step(
    w: np.ndarray, grad: np.ndarray, state: State, lr: float, momentum: float = 0.9
) -> tuple[np.ndarray, State]:
    """One step with Nesterov's velocity, in the form of Sutskever and others (2013); else as `sgd_step`."""
    return _step("SGD", w, grad, state, lr=lr, momentum=momentum, nesterov=momentum > 0)


def rmsprop_step(
    w: np.ndarray, grad: np.ndarray, state: State, lr: float, alpha: float = 0.99, eps: float = 1e-8
) -> tuple[np.ndarray, State]:
    """One step of RMSprop (Tieleman and Hinton, 2012); else as `sgd_step`."""
    return _step("RMSprop", w, grad, state, lr=lr, alpha=alpha, eps=eps)


def adam_step(
    w: np.ndarray,
    grad: np.ndarray,
    state: State,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[np.ndarray, State]:
    """One step of Adam (Kingma and Ba, 2015); else as `sgd_step`."""
    return _step("Adam", w, grad, state, lr=lr, betas=(beta1, beta2), eps=eps)


def adamw_step(
    w: np.ndarray,
    grad: np.ndarray,
    state: State,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> tuple[np.ndarray, State]:
    """One step of AdamW (Loshchilov and Hutter, 2019); else as `sgd_step`."""
    return _step("AdamW", w, grad, state, lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay)


def _step(kind: str, w: np.ndarray, grad: np.ndarray, state: State, **options: Any) -> tuple[np.ndarray, State]:
    if state.get("kind", kind) != kind:
        raise ValueError(f"this state was made by {state['kind']}, and {kind} cannot go on with it; begin with {{}}")
    weights = _tensor(w, w)
    weights.grad = _tensor(grad, w)
    optimiser = getattr(torch.optim, kind)([weights], foreach=False, **options)
    if "known" in state:
        optimiser.state[weights] = {name: _copied(value) for name, value in state["known"].items()}
    optimiser.step()
    return weights.numpy(), {"kind": kind, "known": dict(optimiser.state[weights])}


def _tensor(array: np.ndarray, like: np.ndarray) -> torch.Tensor:
    """A copy as a tensor, in the floating type of `like`; whole numbers become float64."""
    kind = np.asarray(like).dtype
    return torch.from_numpy(np.array(array, dtype=kind if kind.kind == "f" else np.float64, order="C"))


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, torch.Tensor) else value  # torch changes its state in place


def cosine_schedule(step: int, total: int, base: float, warmup: int = 0) -> float:
    """The learning rate at `step`: a straight rise from 0 to `base` over `warmup` steps, then half a cosine down to
    0 at `total`; 0 from there on (Loshchilov and Hutter, 2017).
    """
    if step >= total:
        return 0.0
    if step < warmup:
        return float(np.interp(step, [0, warmup], [0.0, base]))
    quarter = torch.tensor(torch.pi / 2 * (step - warmup) / (total - warmup), dtype=torch.float64)
    return float(base * torch.cos(quarter) ** 2)  # (1 + cos 2a) / 2 is the square of cos a


def clip_by_global_norm(grads: Sequence[np.ndarray], max_norm: float) -> list[np.ndarray]:
    """All arrays made shorter by one factor, where together they are longer than `max_norm` (Pascanu and others, 2013).

    Args:
        grads: arrays of any shapes.
        max_norm: the longest that all of them, as one vector, may be.

    Returns:
        New arrays of the same shapes. Torch divides by the norm plus 1e-6, so that they end a hair below `max_norm`.
    """
    weights = []
    for grad in grads:
        weight = _tensor(grad, grad)
        weight.grad = weight.clone()
        weights.append(weight)
    torch.nn.utils.clip_grad_norm_(weights, max_norm, foreach=False)
    return [weight.grad.numpy() for weight in weights if weight.grad is not None]
