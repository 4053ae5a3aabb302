"""A computation graph as a picture: nodes with their values and gradients, arrows with what flows back along them.

Read from any object with `parents`, `op`, `data` and `grad`, and `rules` where it has them; nothing is computed here
that the object does not say itself. Long arrows are led past the nodes between, as Sugiyama, Tagawa and Toda do it
(Methods for Visual Understanding of Hierarchical System Structures, 1981).
"""

from __future__ import annotations

import html
import itertools
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .plot import BLUE

MOST = 40  # nodes; beyond that nobody can read the picture
WIDTH, HEIGHT, GAP, RISE = 104, 62, 80, 26  # a node's box, and the room between boxes, in pixels
SIGNS = {"*": "×", "-": "−"}
GRAD, WRONG, LINE = "#A34700", "#B00020", "#667788"  # dark enough to read on white (contrast above 4.5)


@dataclass
class Node:
    """One node of the picture: what the object said of itself."""

    label: str
    value: Any
    grad: Any
    measured: Any = None  # the true gradient where somebody measured it
    leaf: bool = False
    x: float = 0.0
    y: float = 0.0


@dataclass
class Arrow:
    """From an input to what was computed from it; `share` is what flows back along it."""

    start: int
    end: int
    share: Any = None
    bends: list[tuple[float, float]] = field(default_factory=list)


@dataclass
class Graph:
    """Nodes, inputs before outputs, and arrows."""

    nodes: list[Node]
    arrows: list[Arrow]
    width: float = 0.0
    height: float = 0.0


def trace(root: Any, names: dict[int, str] | None = None) -> tuple[list[Any], Graph]:
    """The objects that `root` depends on, inputs first, and their graph, laid out.

    Args:
        root: an object with `parents`, `op`, `data`, `grad`.
        names: labels by ``id`` of object; else a node is called by its `op`.

    Raises:
        ValueError: there are more than `MOST` nodes, or they go round in a circle.
    """
    order: list[Any] = []
    state: dict[int, bool] = {}  # False: begun, True: done
    stack = [root]
    while stack:
        node = stack[-1]
        fresh = [parent for parent in node.parents if id(parent) not in state]
        if id(node) not in state:
            state[id(node)] = False
            if len(state) > MOST:
                raise ValueError(f"This graph has more than {MOST} nodes: too many for a picture.")
        if fresh:
            stack.append(fresh[0])
            continue
        stack.pop()
        if not state[id(node)]:
            if any(not state[id(parent)] for parent in node.parents):
                raise ValueError("This graph goes round in a circle: a tensor depends on itself.")
            state[id(node)] = True
            order.append(node)
    index = {id(node): i for i, node in enumerate(order)}
    nodes = [
        Node((names or {}).get(id(n)) or SIGNS.get(n.op, str(n.op)) or "tensor", n.data, n.grad, leaf=not n.parents)
        for n in order
    ]
    arrows = [
        Arrow(index[id(parent)], i, _share(n, k)) for i, n in enumerate(order) for k, parent in enumerate(n.parents)
    ]
    graph = Graph(nodes, arrows)
    _lay_out(graph)
    return order, graph


def _share(node: Any, which: int) -> Any:
    """What the node's own rule passes to one parent; None where it has no rules or they fail."""
    try:
        return np.asarray(node.rules[which](node.grad), dtype=float)
    except Exception:  # a wrong rule is shown by the gradients that it leads to
        return None


def _lay_out(graph: Graph) -> None:
    """Put the nodes into columns by their distance from the inputs, and lead long arrows between them."""
    nodes, arrows = graph.nodes, graph.arrows
    column = [0] * len(nodes)
    for arrow in arrows:  # they stand in the order of their ends, inputs first
        column[arrow.end] = max(column[arrow.end], column[arrow.start] + 1)
    for i in reversed(range(len(nodes))):  # an input stands right before its first use
        uses = [column[arrow.end] for arrow in arrows if arrow.start == i]
        if nodes[i].leaf and uses:
            column[i] = min(uses) - 1
    # Slots: a node's own, ("node", i), and one in each column that a long arrow passes, ("bend", k, c).
    columns: list[list[tuple]] = [[] for _ in range(max(column, default=0) + 1)]
    for i in range(len(nodes)):
        columns[column[i]].append(("node", i))
    before: dict[tuple, list[tuple]] = {}
    for k, arrow in enumerate(arrows):
        path: list[tuple] = [("node", arrow.start)]
        for c in range(column[arrow.start] + 1, column[arrow.end]):
            path.append(("bend", k, c))
            columns[c].append(path[-1])
        path.append(("node", arrow.end))
        for left, right in itertools.pairwise(path):
            before.setdefault(right, []).append(left)
            before.setdefault(("after", *left), []).append(right)
    _untangle(columns, before)
    heights = {slot: HEIGHT if slot[0] == "node" else 14 for slots in columns for slot in slots}
    tall = max(sum(heights[s] + RISE for s in slots) for slots in columns)
    for c, slots in enumerate(columns):
        y = (tall - sum(heights[s] + RISE for s in slots)) / 2
        for slot in slots:
            x = 10 + c * (WIDTH + GAP)
            middle = 10 + y + (heights[slot] + RISE) / 2
            if slot[0] == "node":
                nodes[slot[1]].x, nodes[slot[1]].y = x, middle - HEIGHT / 2
            else:
                arrows[slot[1]].bends += [(x, middle), (x + WIDTH, middle)]
            y += heights[slot] + RISE
    graph.width, graph.height = 20 + len(columns) * (WIDTH + GAP) - GAP, 20 + tall


def _untangle(columns: list[list[tuple]], beside: dict[tuple, list[tuple]]) -> None:
    """Order each column by the mean place of its neighbours, to and fro, so that few arrows cross."""
    for sweep in range(8):
        forward = sweep % 2 == 0
        place = {slot: i / max(len(slots) - 1, 1) for slots in columns for i, slot in enumerate(slots)}
        for slots in columns if forward else columns[::-1]:

            def mean(slot: tuple, forward: bool = forward, place: dict = place) -> float:
                near = beside.get(slot if forward else ("after", *slot), [])
                return sum(place[s] for s in near) / len(near) if near else place[slot]

            slots.sort(key=mean)
            place.update({slot: i / max(len(slots) - 1, 1) for i, slot in enumerate(slots)})


def number(value: Any) -> str:
    """A value in a few characters: a number, up to three numbers, or a shape such as "3 × 2"."""
    if value is None:
        return "None"
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        return type(value).__name__
    if array.size == 1 and array.ndim <= 1:
        return f"{array.item():.4g}".replace("-", "−")
    if array.ndim == 1 and array.size <= 3:
        return "[" + ", ".join(f"{x:.3g}" for x in array.tolist()).replace("-", "−") + "]"
    return "×".join(map(str, array.shape)) + " numbers" if array.ndim == 1 else " × ".join(map(str, array.shape))


def wrong(node: Node) -> bool:
    """Whether the node's gradient differs from the measured one."""
    if node.measured is None:
        return False
    if node.grad is None or np.shape(node.grad) != np.shape(node.measured):
        return True
    return not np.allclose(np.asarray(node.grad, dtype=float), node.measured, rtol=1e-3, atol=1e-5)


def svg(
    graph: Graph,
    values: Collection[int] | None = None,
    grads: Collection[int] | None = None,
    shares: Collection[int] = (),
    active: int | None = None,
    title: str = "a computation graph",
) -> str:
    """The graph as an SVG picture, complete in itself.

    Args:
        values: the nodes whose value is shown (all if None).
        grads: the nodes whose gradient is shown (all if None).
        shares: the arrows along which something has flowed back.
        active: the node that is at work.
        title: said to those who cannot see the picture.
    """
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {graph.width:g} {graph.height:g}" role="img" '
        f'aria-label="{html.escape(title, quote=True)}" font-family="sans-serif" font-size="12" '
        # a wide graph is pushed along rather than shrunk until its numbers cannot be read
        f'style="width:100%;min-width:{0.75 * graph.width:.0f}px;max-width:{graph.width:g}px;background:white">',
        f"<title>{html.escape(title)}</title>",
        f'<rect width="{graph.width:g}" height="{graph.height:g}" fill="white"/>',
    ]
    parts += [_arrow(graph, arrow, k in shares) for k, arrow in enumerate(graph.arrows)]
    for i, node in enumerate(graph.nodes):
        parts.append(_box(node, values is None or i in values, grads is None or i in grads, i == active))
    parts += [_tag(graph, arrow) for k, arrow in enumerate(graph.arrows) if k in shares]
    return "".join([*parts, "</svg>"])


def _points(graph: Graph, arrow: Arrow) -> list[tuple[float, float]]:
    start, end = graph.nodes[arrow.start], graph.nodes[arrow.end]
    twins = [other for other in graph.arrows if (other.start, other.end) == (arrow.start, arrow.end)]
    which = next(k for k, twin in enumerate(twins) if twin is arrow)
    shift = 26 * (which - (len(twins) - 1) / 2)  # x * x has two arrows between the same nodes
    first, last = (start.x + WIDTH, start.y + HEIGHT / 2 + shift), (end.x, end.y + HEIGHT / 2 + shift)
    return [first, *arrow.bends, last]


def _arrow(graph: Graph, arrow: Arrow, flowed: bool) -> str:
    points = _points(graph, arrow)
    x, y = points[-1]
    points[-1] = (
        x - 6,
        y,
    )  # the line ends inside its head, which is drawn by itself: a marker needs a name in the page
    path = f"M{points[0][0]:g},{points[0][1]:g}"
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        middle = (x0 + x1) / 2
        path += f" C{middle:g},{y0:g} {middle:g},{y1:g} {x1:g},{y1:g}"
    colour = GRAD if flowed else LINE
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{2 if flowed else 1.2}"/>'
        f'<path d="M{x:g},{y:g} l-9,-4 v8 z" fill="{colour}"/>'
    )


def _tag(graph: Graph, arrow: Arrow) -> str:
    """What flows back, written on the arrow near the node that sends it."""
    if arrow.share is None:
        return ""
    (x0, y0), (x1, y1) = _points(graph, arrow)[-2:]
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    text = f"◂ {number(arrow.share)}"
    wide = min(7 * len(text) + 6, GAP - 6)
    return (
        f'<rect x="{x - wide / 2:g}" y="{y - 9:g}" width="{wide}" height="18" rx="4" fill="white" stroke="{GRAD}" '
        f'stroke-width=".6"/><text x="{x:g}" y="{y + 4:g}" text-anchor="middle" fill="{GRAD}"'
        f"{_squeeze(text, wide - 6)}>{html.escape(text)}</text>"
    )


def _box(node: Node, value: bool, grad: bool, active: bool) -> str:
    bad = grad and wrong(node)
    edge, thick = (WRONG, 2.5) if bad else ("black", 3) if active else (LINE, 1.2)
    fill = "#FFF4CC" if active else "#EAF3FA" if node.leaf else "white"
    middle = node.x + WIDTH / 2
    lines = [(18, "black", "bold", node.label)]
    if value:
        lines.append((36, BLUE, "normal", number(node.value)))
    if grad:
        lines.append((53, WRONG if bad else GRAD, "bold" if bad else "normal", f"grad {number(node.grad)}"))
    texts = "".join(
        f'<text x="{middle:g}" y="{node.y + down:g}" text-anchor="middle" fill="{colour}" font-weight="{weight}"'
        f"{_squeeze(text)}>{html.escape(text)}</text>"
        for down, colour, weight, text in lines
    )
    if bad:
        note = f"✗ measured {number(node.measured)}"
        texts += (
            f'<text x="{middle:g}" y="{node.y + HEIGHT + 14:g}" text-anchor="middle" fill="{WRONG}" '
            f'font-weight="bold"{_squeeze(note, WIDTH + 40)}>{html.escape(note)}</text>'
        )
    return (
        f'<rect x="{node.x:g}" y="{node.y:g}" width="{WIDTH}" height="{HEIGHT}" rx="8" fill="{fill}" stroke="{edge}" '
        f'stroke-width="{thick}"/>{texts}'
    )


def _squeeze(text: str, room: float = WIDTH - 8) -> str:
    """Attributes that keep a text that is too long within its room."""
    return f' textLength="{room:g}" lengthAdjust="spacingAndGlyphs"' if 6.8 * len(text) > room else ""
