"""Pictures of computation graphs: what stands in them, where, and what happens to graphs that cannot be drawn."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from gradus.graph import HEIGHT, MOST, WIDTH, Node, number, svg, trace, wrong


class Thing:
    """The least that a graph is drawn of."""

    def __init__(self, data, parents=(), op="", grad=None, rules=()):
        self.data, self.parents, self.op, self.grad, self.rules = np.array(data), parents, op, grad, rules


def product():
    """c = a * a, with gradients."""
    a = Thing(3.0, grad=np.array(6.0))
    return a, Thing(9.0, (a, a), "*", np.array(1.0), (lambda g: 3 * g, lambda g: 3 * g))


def texts(picture):
    """All texts of an SVG, which must be well-formed."""
    return [element.text for element in ElementTree.fromstring(picture).iter() if element.tag.endswith("text")]


def test_nodes_stand_inputs_first_and_know_their_names():
    a, c = product()
    order, graph = trace(c, {id(a): "a"})
    assert order == [a, c]
    assert [(node.label, node.leaf) for node in graph.nodes] == [("a", True), ("×", False)]
    assert [(arrow.start, arrow.end, float(arrow.share)) for arrow in graph.arrows] == [(0, 1, 3.0), (0, 1, 3.0)]


def test_a_node_stands_right_of_all_that_it_is_made_of():
    a = Thing(1.0)
    b = Thing(2.0, (a,), "f")
    c = Thing(3.0, (b,), "f")
    _, graph = trace(Thing(4.0, (c, a), "+"))
    assert [node.x for node in graph.nodes] == sorted(node.x for node in graph.nodes)
    assert len({node.x for node in graph.nodes}) == 4
    long = next(arrow for arrow in graph.arrows if (arrow.start, arrow.end) == (0, 3))
    assert len(long.bends) == 4  # past two columns, in and out of each
    for x, y in long.bends:
        assert not any(n.x <= x <= n.x + WIDTH and n.y < y < n.y + HEIGHT for n in graph.nodes)


def test_boxes_do_not_cover_each_other():
    dice = np.random.default_rng(0)
    things = [Thing(0.0), Thing(1.0)]
    for _ in range(20):
        parents = tuple(things[i] for i in dice.integers(0, len(things), 2))
        things.append(Thing(2.0, parents, "+"))
    _, graph = trace(Thing(0.0, tuple(things), "f"))
    boxes = [(node.x, node.y) for node in graph.nodes]
    for i, (x, y) in enumerate(boxes):
        assert 0 < x <= graph.width - WIDTH and 0 < y <= graph.height - HEIGHT
        assert all(abs(x - u) >= WIDTH or abs(y - v) >= HEIGHT for u, v in boxes[:i])


def test_an_input_stands_next_to_its_first_use():
    a, late = Thing(1.0), Thing(5.0)
    b = Thing(2.0, (a,), "f")
    c = Thing(3.0, (b,), "f")
    order, graph = trace(Thing(4.0, (c, late), "+"))
    assert graph.nodes[order.index(late)].x == graph.nodes[order.index(c)].x


def test_the_picture_says_values_gradients_and_shares():
    a, c = product()
    _, graph = trace(c, {id(a): "a<b>"})
    shown = texts(svg(graph, shares={0, 1}))
    assert shown.count("◂ 3") == 2
    assert {"a<b>", "3", "grad 6", "×", "9", "grad 1"} <= set(shown)
    assert texts(svg(graph, values={0}, grads=set())) == ["a<b>", "3", "×"]


def test_the_picture_has_a_name_and_needs_nothing_from_outside():
    _, graph = trace(product()[1])
    picture = svg(graph, title='nine & "six"')
    root = ElementTree.fromstring(picture)
    assert root.get("role") == "img" and root.get("aria-label") == 'nine & "six"'
    assert not re.search(r"script|href|url\(", picture)


def test_a_wide_graph_is_not_shrunk_until_it_cannot_be_read():
    _, graph = trace(product()[1])
    style = ElementTree.fromstring(svg(graph)).get("style")
    least, most = (float(re.search(rf"{name}-width:([\d.]+)px", style)[1]) for name in ("min", "max"))
    assert most == graph.width and 12 * least / most >= 8.9  # letters of 12 px keep three quarters of their size


def test_two_arrows_between_the_same_nodes_are_two_lines():
    _, graph = trace(product()[1])
    lines = re.findall(r'<path d="(M[^"]*C[^"]*)"', svg(graph))
    assert len(set(lines)) == 2


def test_a_wrong_gradient_is_marked():
    _, graph = trace(product()[1])
    graph.nodes[0].measured = np.array(6.0)
    assert not any("measured" in text for text in texts(svg(graph)))
    graph.nodes[0].measured = np.array(5.0)
    assert "✗ measured 5" in texts(svg(graph))


@pytest.mark.parametrize(
    ("grad", "is_wrong"),
    [(np.array([1.0, 2.0]), False), (np.array([1.0, 2.1]), True), (np.array(1.0), True), (None, True), (np.array([np.nan, 2.0]), True)],
)  # fmt: skip
def test_what_counts_as_wrong(grad, is_wrong):
    assert wrong(Node("a", np.zeros(2), grad, measured=np.array([1.0, 2.0]))) is is_wrong
    assert not wrong(Node("a", np.zeros(2), grad))


def test_a_long_chain_is_refused_not_drawn():
    end = Thing(0.0)
    for _ in range(20_000):
        end = Thing(0.0, (end,), "f")
    with pytest.raises(ValueError, match=f"more than {MOST} nodes"):
        trace(end)


def test_many_ways_through_a_graph_cost_nothing():
    end = Thing(0.0)
    for _ in range(MOST - 1):
        end = Thing(0.0, (end, end), "f")
    order, graph = trace(end)
    assert len(order) == MOST and len(graph.arrows) == 2 * (MOST - 1)


def test_a_circle_is_refused():
    a = Thing(0.0)
    b = Thing(0.0, (a,), "f")
    a.parents = (b,)
    with pytest.raises(ValueError, match="circle"):
        trace(b)


def test_a_rule_that_fails_leaves_its_arrow_without_a_number():
    a = Thing(3.0)
    _, graph = trace(Thing(9.0, (a, a), "*", np.array(1.0), (lambda g: 3 * g,)))
    assert [arrow.share is None for arrow in graph.arrows] == [False, True]
    assert sum("◂" in text for text in texts(svg(graph, shares={0, 1}))) == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.0, "2"), (-0.00012345, "−0.0001234"), (np.zeros((2, 3)), "2 × 3"), (np.zeros(7), "7 numbers"), ([1.0, -2.5], "[1, −2.5]"),
     (None, "None"), ("word", "str"), (np.zeros((1, 1)), "1 × 1")],
)  # fmt: skip
def test_values_in_a_few_characters(value, text):
    assert number(value) == text
