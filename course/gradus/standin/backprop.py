"""Stand-in for unit 03's engine: the same interface around a torch tensor, float64; autograd differentiates.

What is meant by each name is said in the unit; here it is only spelt in torch's words. Plain numbers and arrays
are constants: they are no parents, and nobody asks for their gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from typing import Any

import numpy as np
import torch


class Tensor:
    """An array that remembers what it was made of.

    Attributes:
        data: the values, a NumPy float64 array. Assign to it, or change it in place.
        grad: None until `backward` has reached this tensor; then an array of data's shape, added to by every pass.
        parents: the Tensors that it was computed from.
        op: how, such as "+" or "exp"; "" if it was not computed.
        rules: for each parent, the function from this tensor's gradient to its share of the parent's.
    """

    __array_ufunc__ = None  # `array * tensor` is the tensor's to answer

    def __init__(self, data: Any, parents: tuple[Tensor, ...] = (), op: str = "") -> None:
        self._value = torch.tensor(np.asarray(data, dtype=np.float64), requires_grad=True)
        self.parents, self.op = tuple(parents), op
        self._function: Callable[..., torch.Tensor] | None = None

    @property
    def data(self) -> np.ndarray:
        return self._value.detach().numpy()

    @data.setter
    def data(self, array: Any) -> None:
        self._value.data = torch.as_tensor(np.asarray(array, dtype=np.float64))

    @property
    def grad(self) -> np.ndarray | None:
        return None if self._value.grad is None else self._value.grad.numpy()

    @grad.setter
    def grad(self, array: Any) -> None:
        self._value.grad = None if array is None else torch.as_tensor(np.asarray(array, dtype=np.float64))

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._value.shape)

    @property
    def rules(self) -> tuple[Callable[[Any], np.ndarray], ...]:
        return tuple(self._rule(which) for which in range(len(self.parents))) if self._function else ()

    def _rule(self, which: int) -> Callable[[Any], np.ndarray]:
        def share(grad: Any) -> np.ndarray:
            assert self._function is not None
            pull_back = torch.func.vjp(self._function, *(parent._value.detach() for parent in self.parents))[1]
            return pull_back(torch.as_tensor(np.asarray(grad, dtype=np.float64)))[which].numpy()

        return share

    def __repr__(self) -> str:
        return f"Tensor({np.array2string(self.data, precision=4, threshold=20)}{f', op={self.op!r}' * bool(self.op)})"

    def backward(self, grad: Any = None) -> None:
        """Add to the gradient of every tensor that this one depends on, and to its own.

        Args:
            grad: the gradient to begin with, of this tensor's shape; ones if None.
        """
        start = np.ones(self.shape) if grad is None else np.broadcast_to(np.asarray(grad, np.float64), self.shape)
        self._value.backward(torch.tensor(start), retain_graph=True)  # so that a second pass is possible

    def __add__(self, other: Any) -> Tensor:
        return _computed("+", torch.add, self, other)

    def __radd__(self, other: Any) -> Tensor:
        return _computed("+", torch.add, other, self)

    def __sub__(self, other: Any) -> Tensor:
        return _computed("-", torch.sub, self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return _computed("-", torch.sub, other, self)

    def __mul__(self, other: Any) -> Tensor:
        return _computed("*", torch.mul, self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return _computed("*", torch.mul, other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return _computed("/", torch.div, self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return _computed("/", torch.div, other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return _computed("@", torch.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return _computed("@", torch.matmul, other, self)

    def __pow__(self, exponent: float) -> Tensor:
        if isinstance(exponent, Tensor):
            return NotImplemented
        return _computed("**", lambda value: torch.pow(value, exponent), self)

    def __neg__(self) -> Tensor:
        return _computed("*", torch.neg, self)

    def exp(self) -> Tensor:
        return _computed("exp", torch.exp, self)

    def log(self) -> Tensor:
        return _computed("log", torch.log, self)

    def relu(self) -> Tensor:
        return _computed("relu", torch.relu, self)

    def tanh(self) -> Tensor:
        return _computed("tanh", torch.tanh, self)

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor:
        return _computed("sum", lambda value: value.sum(dim=_axes(axis, value), keepdim=keepdims), self)

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor:
        return _computed("mean", lambda value: value.mean(dim=_axes(axis, value), keepdim=keepdims), self)

    def reshape(self, *shape: Any) -> Tensor:
        return _computed("reshape", lambda value: value.reshape(_flat(shape)), self)

    def transpose(self, *axes: Any) -> Tensor:
        return _computed("transpose", lambda value: value.permute(_flat(axes) or tuple(range(value.dim())[::-1])), self)

    @property
    def T(self) -> Tensor:
        return self.transpose()

    def __getitem__(self, key: Any) -> Tensor:
        # NumPy says which places any of its keys picks; torch picks those.
        places = torch.as_tensor(np.arange(self._value.numel()).reshape(self.shape)[key].copy())
        return _computed("[]", lambda value: value.reshape(-1)[places], self)

    def __len__(self) -> int:
        return len(self._value)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))


def _computed(op: str, function: Callable[..., torch.Tensor], *operands: Any) -> Tensor:
    """``function`` of Tensors and constants, as a Tensor whose parents are the Tensors among them."""
    constants = [
        None if isinstance(operand, Tensor) else torch.as_tensor(np.asarray(operand, dtype=np.float64))
        for operand in operands
    ]
    parents = tuple(operand for operand in operands if isinstance(operand, Tensor))

    def of_parents(*values: torch.Tensor) -> torch.Tensor:
        rest = iter(values)
        return function(*(next(rest) if constant is None else constant for constant in constants))

    made = Tensor.__new__(Tensor)
    made._value = of_parents(*(parent._value for parent in parents))
    made._value.retain_grad()
    made.parents, made.op, made._function = parents, op, of_parents
    return made


def _axes(axis: int | tuple[int, ...] | None, value: torch.Tensor) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(value.dim()))
    return (axis,) if isinstance(axis, int) else tuple(axis)


def _flat(numbers: tuple[Any, ...]) -> tuple[int, ...]:
    """``(2, 3)`` from the arguments of both ``f(2, 3)`` and ``f((2, 3))``."""
    return tuple(numbers[0]) if len(numbers) == 1 and isinstance(numbers[0], (tuple, list)) else tuple(numbers)


def topological_order(root: Tensor) -> list[Tensor]:
    """Every tensor that `root` depends on, and `root` itself last; each once, inputs before outputs."""
    graph: dict[Tensor, tuple[Tensor, ...]] = {}
    waiting = [root]
    while waiting:
        tensor = waiting.pop()
        if tensor not in graph:
            graph[tensor] = tensor.parents
            waiting.extend(tensor.parents)
    return list(TopologicalSorter(graph).static_order())


def unbroadcast(grad: Any, shape: tuple[int, ...]) -> np.ndarray:
    """`grad` summed over the axes along which an array of `shape` was repeated to get grad's shape."""
    return torch.as_tensor(np.asarray(grad, dtype=np.float64)).sum_to_size(shape).numpy()
