"""Stand-in for unit 06: layers and training over unit 03's Tensor, masks and batches by PyTorch, measures by scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch.utils.data import BatchSampler, RandomSampler

from . import activations

__all__ = [
    "EarlyStopping",
    "Linear",
    "Sequential",
    "confusion_matrix",
    "dropout",
    "l2_penalty",
    "precision_recall_f1",
    "random_search",
    "roc_auc",
    "train_epoch",
]


def _tensor(data: Any) -> Any:
    """A Tensor of whichever engine is in use."""
    from ..carry.bring import brought

    return brought("03_backprop").Tensor(data)


def _dice(rng: np.random.Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(rng.integers(1 << 62)))


class Linear:
    """A layer: weights `w`, Tensor (fan_in, fan_out), He's to begin with, and biases `b`, Tensor (fan_out,), zero."""

    def __init__(self, fan_in: int, fan_out: int, rng: np.random.Generator) -> None:
        self.w, self.b = map(_tensor, (activations.he_normal(fan_in, fan_out, rng), np.zeros(fan_out)))

    def __call__(self, x: Any) -> Any:
        """Scores, Tensor (N, fan_out), of x, Tensor (N, fan_in)."""
        scores = x @ self.w
        return scores + self.b

    def parameters(self) -> list[Any]:
        """w, then b."""
        return list(vars(self).values())


class Sequential:
    """A chain of layers, each a function from a Tensor to a Tensor; `training` is False to begin with."""

    def __init__(self, *layers: Callable) -> None:
        self.layers, self.training = [*layers], False

    def __call__(self, x: Any) -> Any:
        """What the last layer makes of what the others made of x."""
        made = x
        for step in self.layers:
            made = step(made)
        return made

    def _those_with(self, method: str) -> list[Callable]:
        return [getattr(step, method) for step in self.layers if hasattr(step, method)]

    def parameters(self) -> list[Any]:
        """Those of all layers that have any, one flat list."""
        return [w for ask in self._those_with("parameters") for w in ask()]

    def train(self, mode: bool = True) -> None:
        """Say to all layers that can hear it whether they are learning."""
        self.training = mode
        for tell in self._those_with("train"):
            tell(mode)


def dropout(x: Any, p: float, rng: np.random.Generator, training: bool) -> Any:
    """Numbers of a Tensor off with probability p while training, the others divided by 1 - p. Srivastava and others, 2014."""
    if not training:
        return x
    chance = torch.full(tuple(x.shape), 1.0 - p, dtype=torch.float64)
    return x * torch.bernoulli(chance, generator=_dice(rng)).div_(1.0 - p).numpy()


def l2_penalty(params: Iterable[Any], lam: float) -> Any:
    """lam times the sum of all squares, a Tensor of shape ()."""
    return lam * sum((w * w).sum() for w in params)


def train_epoch(
    model: Any,
    X: np.ndarray,
    y: np.ndarray,
    optimiser: Any,
    batch_size: int,
    rng: np.random.Generator,
    penalty: Callable[[], Any] | None = None,
) -> float:
    """Show X (N, D) of classes y (N,) once, in shuffled batches, a step after each; the mean loss of an example."""
    model.train(True)
    losses = np.empty(len(X))
    for batch in BatchSampler(RandomSampler(range(len(X)), generator=_dice(rng)), batch_size, drop_last=False):
        optimiser.zero_grad()
        scores = model(_tensor(X[batch]))
        scores.backward(activations.d_cross_entropy(scores.data, y[batch]))
        if penalty:
            penalty().backward()
        optimiser.step()
        losses[batch] = activations.cross_entropy(scores.data, y[batch])
    model.train(False)
    return float(losses.mean())


class EarlyStopping:
    """Says when `patience` epochs in a row have brought nothing better, and keeps the best weights."""

    def __init__(self, patience: int, min_delta: float = 0.0) -> None:
        self.patience, self.min_delta, self.best, self.since = patience, min_delta, float("inf"), 0
        self._weights: list[np.ndarray] = []

    def update(self, loss: float, parameters: Iterable[Any]) -> bool:
        """Note an epoch's loss; True if it is time to stop."""
        better = self.best - loss > self.min_delta
        if better:
            self.best, self._weights = loss, deepcopy([w.data for w in parameters])
        self.since = 0 if better else self.since + 1
        return self.since >= self.patience

    def restore(self, parameters: Iterable[Any]) -> None:
        """Put the best weights back."""
        for w, best in zip(parameters, self._weights, strict=True):
            w.data = np.array(best)


def confusion_matrix(y: np.ndarray, y_hat: np.ndarray, C: int) -> np.ndarray:
    """(C, C) counts: row the true class, column the answer."""
    from sklearn import metrics

    return metrics.confusion_matrix(y, y_hat, labels=range(C))


def precision_recall_f1(cm: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1 of each class, (C,) each, from a confusion matrix (C, C); 0 where undefined."""
    from sklearn import metrics

    is_, called = np.indices(cm.shape).reshape(2, -1)
    return metrics.precision_recall_fscore_support(
        is_, called, labels=range(len(cm)), sample_weight=np.asarray(cm).ravel(), zero_division=0.0
    )[:3]


def roc_auc(scores: np.ndarray, y: np.ndarray) -> float:
    """The area under the ROC curve of scores (N,) and classes y (N,), 0 or 1.

    Raises:
        ValueError: there is only one class.
    """
    from sklearn import metrics

    if len(np.unique(y)) < 2:
        raise ValueError("the area under the ROC curve needs examples of both classes")
    return float(metrics.roc_auc_score(y, scores))


def random_search(
    space: dict[str, Any], objective: Callable[[dict], float], trials: int, rng: np.random.Generator
) -> tuple[dict | None, float, list]:
    """Try random settings: the best, its score, and all (settings, score). Bergstra and Bengio, 2012."""
    from scipy.stats import loguniform, uniform
    from sklearn.model_selection import ParameterSampler

    def spread(given: Any) -> Any:
        if isinstance(given, list):
            return given
        low, high, *log = given
        return loguniform(low, high) if log else uniform(low, high - low)

    named = {name: spread(given) for name, given in space.items()}
    drawn = ParameterSampler(named, trials, random_state=int(rng.integers(1 << 31)))
    history = [(settings, objective(settings)) for settings in drawn]
    fine = [(score, i) for i, (_, score) in enumerate(history) if not np.isnan(score)]
    if not fine:
        return None, -np.inf, history
    score, which = max(fine, key=lambda one: one[0])
    return history[which][0], score, history
