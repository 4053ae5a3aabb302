"""Steps of an optimiser, ``(w, grad, state, lr, ...) -> (w, state)``: take several, and judge where they lead.

What is inside `state` is the learner's own affair. So it is never looked at: a step is judged by where it leads, the
state being handed on from each step to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .asserts import CheckFailure, assert_close
from .values import copied, kind_name, unchanged


def take_steps(
    step: Callable[..., Any], w: Any, grads: Sequence[Any], lr: float | Sequence[float], **named: Any
) -> tuple[list, list[str]]:
    """Take a step along each gradient, the first with an empty state. Meant for a probe, beside the learner's code.

    Args:
        step: ``step(w, grad, state, lr, **named)`` returns the new weights and the new state.
        w: the weights before the first step.
        grads: a gradient for each step, of the shape of `w`.
        lr: the learning rate; or one for each step.

    Returns:
        The weights after each step, and remarks: an argument that was changed in place, an answer that is no pair.
    """
    rates = np.broadcast_to(lr, (len(grads),)).tolist()
    path: list = []
    remarks: list[str] = []
    state: Any = {}
    w, grads = copied(w), copied(list(grads))  # what is changed in place is told of the step, not of the probe
    name = f"`{getattr(step, '__name__', 'the step')}`"
    for grad, rate in zip(grads, rates, strict=True):
        given = {"w": w, "grad": grad, "state": state}
        before = copied(given)
        answer = step(w, grad, state, rate, **named)
        for argument, was in before.items():
            if not unchanged(was, given[argument]):
                build = "a new dictionary with new arrays in it" if argument == "state" else "a new array"
                remarks.append(f"{name} changed its argument `{argument}` in place. Leave it as it is; build {build}.")
        if type(answer) is not tuple or len(answer) != 2:
            found = f"a tuple of {len(answer)}" if type(answer) is tuple else kind_name(answer)
            remarks.append(f"{name} returned {found}; two things are expected: the new w, and the new state.")
            break
        w, state = answer
        path.append(copied(w))
        if type(state) is not dict:
            remarks.append(f"{name} returned {kind_name(state)} as the new state; a dict is expected.")
            break
    return path, list(dict.fromkeys(remarks))


def assert_steps(found: tuple[list, list[str]], expected: Sequence[Any], rtol: float = 1e-6) -> None:
    """Pass if what `take_steps` returned goes where `expected` says, and without a remark.

    Raises:
        CheckFailure: after which step the weights are wrong, and by how much; or the first remark.
    """
    path, remarks = found
    for count, (right, w) in enumerate(zip(expected, path, strict=False), 1):
        assert_close(w, right, rtol=rtol, name=f"w after step {count}" if len(expected) > 1 else "the new w")
    if remarks:
        raise CheckFailure(str(remarks[0]))
    if len(path) != len(expected):
        raise CheckFailure(f"{len(path)} steps were taken; {len(expected)} are expected.")
