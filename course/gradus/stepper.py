"""A graph, step by step: values flow forward, gradients flow back. Driven by whatever engine builds the graph."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .graph import Graph, number, svg, trace, wrong
from .widgets.controls import player, slider
from .widgets.picture import _where
from .widgets.show import _align, _guard, headless, publish

INFIX = ("+", "−", "×", "/", "@", "**")


@dataclass
class Frame:
    """One step: what is known by then, and a sentence about it."""

    caption: str
    values: set[int] = field(default_factory=set)
    grads: set[int] = field(default_factory=set)
    shares: set[int] = field(default_factory=set)
    active: int | None = None


def frames(graph: Graph, backward: bool = True) -> list[Frame]:
    """The steps of a graph: its inputs, each node forward, the start of the way back, each node backward."""
    nodes, arrows = graph.nodes, graph.arrows
    values = {i for i, node in enumerate(nodes) if node.leaf}
    made = [Frame("The inputs: " + ", ".join(f"{nodes[i].label} = {number(nodes[i].value)}" for i in sorted(values)))]
    made[0].values = set(values)
    computed = [i for i, node in enumerate(nodes) if not node.leaf]
    for i in computed:
        values = values | {i}
        made.append(Frame(f"Forward. {_formula(graph, i)} is {number(nodes[i].value)}.", values, active=i))
    if not backward:
        return made
    root, grads, shares = len(nodes) - 1, {len(nodes) - 1}, set[int]()
    said = f"Now back. The last node begins: its gradient with respect to itself is {number(nodes[root].grad)}."
    made.append(Frame(said, values, set(grads), set(), root))
    for i in reversed(computed):
        sent = [k for k, arrow in enumerate(arrows) if arrow.end == i]
        shares = shares | set(sent)
        for k in sent:
            uses = [j for j, arrow in enumerate(arrows) if arrow.start == arrows[k].start]
            if shares.issuperset(uses):
                grads = grads | {arrows[k].start}
        made.append(Frame(_backward(graph, i, sent, grads), values, grads, shares, i))
    return made


def _called(graph: Graph, i: int) -> str:
    """An input by its name, a computed node by its operation and its value."""
    node = graph.nodes[i]
    return node.label if node.leaf else f"the {node.label} node ({number(node.value)})"


def _formula(graph: Graph, i: int) -> str:
    """How node `i` comes from its parents: "w * x", or "w * x + b" where it fits into a few characters."""
    node = graph.nodes[i]
    if node.leaf:
        return node.label
    parts = []
    for arrow in graph.arrows:
        if arrow.end == i:
            inner = _formula(graph, arrow.start)
            if len(inner) > 16:
                return _called(graph, i)
            parts.append(f"({inner})" if " " in inner and node.label in INFIX else inner)
    if node.label not in INFIX:
        return f"{node.label}({', '.join(parts)})"
    return f" {node.label} ".join(parts) if len(parts) > 1 else f"{parts[0]} {node.label} a constant"


def _backward(graph: Graph, i: int, sent: list[int], grads: set[int]) -> str:
    """The sentence for a node that passes its gradient back."""
    nodes, arrows = graph.nodes, graph.arrows
    flows = [
        f"{number(arrows[k].share)} to {_called(graph, arrows[k].start)}" for k in sent if arrows[k].share is not None
    ]
    name = _called(graph, i)
    said = f"Back. {name[0].upper()}{name[1:]} has the gradient {number(nodes[i].grad)}" + (
        f" and passes {', '.join(flows)}." if flows else "."
    )
    for start in dict.fromkeys(arrows[k].start for k in sent):
        node, name = nodes[start], _called(graph, start)
        count = sum(arrow.start == start for arrow in arrows)
        if start not in grads:
            said += f" So far not all arrows of {name} have spoken."
        elif count > 1:
            said += f" {'Both' if count == 2 else f'All {count}'} arrows of {name} have spoken: its gradient is {number(node.grad)}."
        if start in grads and wrong(node):
            said += f" Measured by differences it is {number(node.measured)}."
    return said


def differences(
    build: Callable[..., Any], tensor: Callable[[Any], Any], inputs: dict[str, Any], h: float = 1e-5
) -> dict:
    """The slope of ``sum(build(...).data)`` for every input, by central differences of the forward pass alone."""
    found = {}
    arrays = {name: np.array(value, dtype=float) for name, value in inputs.items()}
    for name, array in arrays.items():
        slope = np.zeros(array.shape)
        for place in np.ndindex(array.shape):
            ends = []
            for sign in (1, -1):
                moved = array.copy()
                moved[place] += sign * h
                ends.append(np.sum(build(**{n: tensor(moved if n == name else a) for n, a in arrays.items()}).data))
            slope[place] = (ends[0] - ends[1]) / (2 * h)
        found[name] = slope
    return found


def run(
    build: Callable[..., Any], tensor: Callable[[Any], Any], inputs: dict[str, Any]
) -> tuple[Graph, list[Frame], str]:
    """Build the graph, go back through it, measure the inputs' slopes; graph, steps, and what has to be said."""
    leaves = {name: tensor(value) for name, value in inputs.items()}
    root = build(**leaves)
    names = {id(leaf): name for name, leaf in leaves.items()}
    trace(root, names)  # refuses what is too large to draw before anything is done with it
    missing = ""
    try:
        if not hasattr(root, "backward"):
            raise NotImplementedError
        root.backward()
    except NotImplementedError:
        missing = "The way back is not written yet."
    except Exception as error:  # the way forward can be shown all the same
        if headless():
            raise
        missing = f"The way back stopped: {_where(error)}; {type(error).__name__}: {error}"[:400]
    objects, graph = trace(root, names)
    if not missing and sum(np.size(value) for value in inputs.values()) <= 60:
        measured = differences(build, tensor, inputs)
        for node, thing in zip(graph.nodes, objects, strict=True):
            if id(thing) in names:
                node.measured = measured[names[id(thing)]]
    return graph, frames(graph, not missing), missing


def _message(text: str) -> str:
    return f'<div style="max-width:60em;padding:.6em;border-left:4px solid #b9770e;white-space:pre-wrap">{html.escape(text)}</div>'


class Stepper:
    """The state behind the widget: inputs, step, and the page that shows them."""

    def __init__(self, build: Callable[..., Any], tensor: Callable[[Any], Any], inputs: dict[str, Any]) -> None:
        self.build, self.tensor, self.inputs = build, tensor, dict(inputs)
        self.refresh()

    def refresh(self) -> None:
        """Build the graph anew from the inputs; what goes wrong becomes the page."""
        self.graph: Graph | None = None
        self.steps, self.missing, self.trouble = [Frame("")], "", ""
        try:
            self.graph, self.steps, self.missing = run(self.build, self.tensor, self.inputs)
        except Exception as error:
            unwritten = isinstance(error, (NotImplementedError, NameError))
            if headless() == "solved" or (headless() and not unwritten):
                raise
            if unwritten:
                named = f" ({error})" if isinstance(error, NameError) else ""
                self.trouble = (
                    "This picture is drawn by your own code. Write it first, then run this cell again." + named
                )
            else:
                self.trouble = f"Your code stopped here:\n{_where(error)}\n{type(error).__name__}: {error}"[:400]

    def page(self, step: int) -> str:
        """The picture after some steps, and its sentence, as HTML."""
        if self.graph is None:
            return _message(self.trouble)
        step = min(step, len(self.steps) - 1)
        frame = self.steps[step]
        last = step == len(self.steps) - 1
        said = f"Step {step} of {len(self.steps) - 1}. {frame.caption}"
        if self.missing and last:
            said += f" {self.missing}"
        measured = [node for node in self.graph.nodes if node.measured is not None]
        if last and measured:
            bad = [node.label for node in measured if wrong(node)]
            if not bad:
                said += " ✓ Measured by differences, the inputs' gradients are just these."
            elif len(bad) == 1:
                said += f" ✗ The gradient of {bad[0]} is not the measured one."
            else:
                said += f" ✗ The gradients of {', '.join(bad[:-1])} and {bad[-1]} are not the measured ones."
        picture = svg(self.graph, frame.values, frame.grads, frame.shares, frame.active, said)
        return (
            f'<div style="overflow-x:auto">{picture}</div>'
            f'<div role="status" aria-live="polite" style="min-height:3.2em;max-width:60em">{html.escape(said)}</div>'
        )


def step_through(build: Callable[..., Any], tensor: Callable[[Any], Any], **inputs: Any) -> None:
    """Show a graph that can be stepped through, forward and back, with the slider or the buttons.

    Args:
        build: called with a tensor for each input, by name; returns the tensor at the end.
        tensor: makes a tensor of a number or an array: the engine's class.
        inputs: numbers, which get a slider each, or arrays.

    The gradients are the engine's own. Those of the inputs are measured too, by differences of the forward pass, and
    where the two disagree the picture says so. The page shows its last step where no kernel runs.
    """
    import ipywidgets

    stepper = Stepper(build, tensor, inputs)
    last = len(stepper.steps) - 1
    steps, page = player(last), ipywidgets.HTML(stepper.page(0))
    knobs = {name: _knob(name, float(value)) for name, value in inputs.items() if isinstance(value, (int, float))}

    def draw(change: Any = None) -> None:
        page.value = stepper.page(steps.value)

    def turn(change: Any) -> None:
        stepper.inputs.update({name: knob.value for name, knob in knobs.items()})
        stepper.refresh()
        steps.slider.max = steps.play.max = len(stepper.steps) - 1
        draw()

    steps.observe(draw, names="value")
    for knob in knobs.values():
        knob.observe(turn, names="value")
    _align([steps, *knobs.values()])
    alt = stepper.trouble or f"a computation graph of {len(stepper.graph.nodes) if stepper.graph else 0} nodes"
    publish(ipywidgets.VBox([steps, page, *knobs.values(), *_guard()]), stepper.page(last), alt)


def _knob(name: str, value: float) -> Any:
    """A slider in steps of a half, with `value` itself among its stops: a page moves a slider to its nearest stop."""
    below, above = (value - min(-6.0, value - 0.5)), (max(6.0, value + 0.5) - value)
    knob = slider(value, value - below // 0.5 * 0.5, value + above // 0.5 * 0.5, 0.5, name)
    knob.readout_format = ".4g"
    return knob
