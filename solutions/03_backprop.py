# %% [markdown]
# # You will write back-propagation, and train a network with it
#
# A network has thousands of weights and one loss. To train it you need thousands of slopes: how much does the
# loss move when this one weight moves? In unit 02 you worked two of them out on paper. In this unit you build a
# machine that finds all of them at once, for **any** formula. It takes about 90 minutes and a hundred lines. It is
# what PyTorch does when you call `loss.backward()`.
#
# Here is the whole idea in one picture. Run the next two cells and press *next*. First **values** flow from left
# to right, along the arrows. Then **gradients** flow back. Move the sliders: what stays, what changes?

# %% setup
import gc
import time
import weakref

import numpy as np

import gradus
from gradus import add_to, plot
from gradus.check import assert_close, check, inside, rng
from gradus.check.expressions import computed, evaluate, measured, shares
from gradus.data import digits
from gradus.standin import backprop as pytorch
from gradus.stepper import step_through
from gradus.widgets import choice, explore, slider, written

gradus.unit("03_backprop")


# %%
def squared_score(w, x, b):
    """A neuron's score, squared."""
    z = w * x + b
    return z * z


step_through(squared_score, pytorch.Tensor, w=3.0, x=2.0, b=-4.0)

# %% [markdown]
# So far PyTorch does the work. In section 4 the same picture is driven by **your** code, and it will say so when
# your gradients are not the true ones.
#
# Blue numbers are values. Brown ones are gradients: how fast the last value moves when this one moves. The numbers on
# the arrows are what one node tells another.
#
# ```
#   a value goes forward        w ----------> w * x ----------> ...  loss
#   a gradient comes back       w <---------- w * x <---------- ...  1
# ```

# %% [markdown]
# ## 1. A number that remembers
#
# **In words.** Python computes `w * x + b` and forgets at once how it did that. Our numbers shall remember. Each
# result keeps its *parents*, the numbers that it was made of. And for each parent it keeps a *rule*: if my own
# gradient is so much, then this is your share.
#
# **In small numbers.** $w = 3$ and $x = 2$, so $w x = 6$. Move $w$ by $0.01$: the product moves by $0.02$, twice as
# far. Twice, because the other factor is 2. Now suppose that the loss moves 4 times as fast as the product. Then the
# loss moves $4 \cdot 2 = 8$ times as fast as $w$. That is $w$'s share: what arrives, times the other factor. By the
# same rule $x$ gets $4 \cdot 3 = 12$. A sum is simpler. Move one of its terms by $0.01$, and the sum moves by
# $0.01$: each term gets just what arrives.
#
# **In maths.** Let $L$ be the last value, the loss, and write $\bar v$ for $\partial L / \partial v$, the gradient at
# the node $v$. The chain rule says: if $v$ is made of $a$, then $a$'s share is
# $\bar v \cdot \partial v / \partial a$. For the two operations,
#
# $$v = a + b: \quad \bar v \text{ and } \bar v; \qquad\qquad v = a\,b: \quad \bar v\, b \text{ and } \bar v\, a .$$
#
# **In code.** The class below is given. A `Tensor` holds an array in `data`; all operations work number by number,
# as in NumPy. Read it once. Three things matter:
#
# - `Tensor.value(a)` is the array behind an operand. An operand is a Tensor, or a plain number or array. Plain ones
#   are *constants*: nobody asks for their slope, so they are no nodes.
# - `Tensor.made(op, data, (a, rule), (b, rule))` makes the result of an operation. It takes care of constants.
# - A rule is a function. It is given `grad`, the gradient of the result, and returns the operand's share. A
#   *lambda* is a function in one line: `lambda grad: 7 * grad`.
#
# You write `add` and `multiply`. Then `a + b` and `2 * a` work, because the class calls your functions. With
# `v = Tensor(3.0) * Tensor(2.0)`, `v.data` is 6 and `v.rules[0](4.0)` gives 8.
#
# Later exercises add methods to this class. If you run this cell again after them, run theirs again too.


# %% exercise="tensor" minutes=10 difficulty=2
class Tensor:
    """A node of the graph: an array, and how it was computed.

    Attributes:
        data: the values, an array of float64.
        grad: the gradient, of data's shape; None until a backward pass has come by.
        parents: the Tensors that it was computed from; none for an input.
        op: the operation, such as "+"; "" for an input.
        rules: for each parent a function: the gradient of this node in, the parent's share out.
    """

    __array_ufunc__ = None  # so that NumPy leaves `array * tensor` to us

    def __init__(self, data, parents=(), op=""):
        # An input keeps a copy: training will change it in place, and your own array should stay as it is.
        self.data = np.asarray(data, dtype=float) if parents else np.array(data, dtype=float)
        self.grad = None
        self.parents, self.op, self.rules = tuple(parents), op, ()

    @staticmethod
    def value(operand):
        """The array behind a Tensor, a number or an array."""
        return operand.data if isinstance(operand, Tensor) else np.asarray(operand, dtype=float)

    @classmethod
    def made(cls, op, data, *arrows):
        """The Tensor that an operation gives. An arrow is (operand, rule); constants get none."""
        arrows = [(operand, rule) for operand, rule in arrows if isinstance(operand, Tensor)]
        result = cls(data, [operand for operand, _ in arrows], op)
        result.rules = tuple(rule for _, rule in arrows)
        return result

    # What the signs call. You write these functions, one after the other.
    __add__ = lambda self, other: add(self, other)
    __radd__ = lambda self, other: add(other, self)
    __mul__ = lambda self, other: multiply(self, other)
    __rmul__ = lambda self, other: multiply(other, self)
    __neg__ = lambda self: multiply(self, -1.0)
    __sub__ = lambda self, other: subtract(self, other)
    __rsub__ = lambda self, other: subtract(other, self)
    __truediv__ = lambda self, other: divide(self, other)
    __rtruediv__ = lambda self, other: divide(other, self)
    __pow__ = lambda self, exponent: power(self, exponent)
    __matmul__ = lambda self, other: matmul(self, other)
    __rmatmul__ = lambda self, other: matmul(other, self)
    sum = lambda self, axis=None, keepdims=False: self.total(axis, keepdims)
    T = property(lambda self: self.transpose())
    shape = property(lambda self: self.data.shape)

    def __repr__(self):
        return f"Tensor({self.data}" + (f", op={self.op!r})" if self.op else ")")


def add(a, b):
    """a + b, number by number.

    Args:
        a, b: Tensors, or plain numbers or arrays; at least one of them a Tensor.

    Returns:
        A Tensor with op "+", made with a rule for `a` and a rule for `b`.
    """
    ### BEGIN SOLUTION
    return Tensor.made("+", Tensor.value(a) + Tensor.value(b), (a, lambda grad: grad), (b, lambda grad: grad))
    ### END SOLUTION


def multiply(a, b):
    """a * b, number by number.

    Args:
        a, b: Tensors, or plain numbers or arrays; at least one of them a Tensor.

    Returns:
        A Tensor with op "*", made with a rule for `a` and a rule for `b`.
    """
    ### BEGIN SOLUTION
    x, y = Tensor.value(a), Tensor.value(b)
    return Tensor.made("*", x * y, (a, lambda grad: grad * y), (b, lambda grad: grad * x))
    ### END SOLUTION


# %% check="tensor" points=5
@inside
def node(expression, grad, **inputs):
    """A node: its value and operation, its parents by name, and what its rules make of a gradient."""
    out, tensors = computed(Tensor, expression, inputs)
    names = {id(tensor): name for name, tensor in tensors.items()}
    return {
        "value": out.data,
        "op": out.op,
        "parents": [names.get(id(parent), "another") for parent in out.parents],
        "shares": shares(out, grad),
    }


def test_product():
    "the product of two numbers"
    found = node("a * b", 1.0, a=3.0, b=2.0)
    assert_close(found, {"value": 6.0, "op": "*", "parents": ["a", "b"], "shares": [2.0, 3.0]})


def test_chain():
    "what arrives is passed on, times the other factor"
    found = node("a * b", 4.0, a=3.0, b=2.0)
    assert_close(found, {"value": 6.0, "op": "*", "parents": ["a", "b"], "shares": [8.0, 12.0]})


def test_sum():
    "a sum passes on what arrives"
    found = node("a + b", 4.0, a=3.0, b=2.0)
    assert_close(found, {"value": 5.0, "op": "+", "parents": ["a", "b"], "shares": [4.0, 4.0]})


def test_arrays():
    "arrays, number by number"
    found = node("a * b", np.array([1.0, 10.0]), a=np.array([1.0, 2.0]), b=np.array([3.0, 4.0]))
    shares = [np.array([3.0, 40.0]), np.array([1.0, 20.0])]
    assert_close(found, {"value": np.array([3.0, 8.0]), "op": "*", "parents": ["a", "b"], "shares": shares})


def test_constant():
    "a plain number is no parent, on either side"
    found = node("2 * a", 4.0, a=3.0)
    assert_close(found, {"value": 6.0, "op": "*", "parents": ["a"], "shares": [8.0]})
    found = node("a + 2", 4.0, a=3.0)
    assert_close(found, {"value": 5.0, "op": "+", "parents": ["a"], "shares": [4.0]})


### BEGIN HIDDEN TESTS
def test_random():
    "random tables"
    a, b, grad = rng.normal(size=(3, 2, 4))
    found = node("a * b", grad, a=a, b=b)
    assert_close(found, {"value": a * b, "op": "*", "parents": ["a", "b"], "shares": [grad * b, grad * a]})
    found = node("a + b", grad, a=a, b=b)
    assert_close(found, {"value": a + b, "op": "+", "parents": ["a", "b"], "shares": [grad, grad]})


def test_constant_array():
    "a plain array on the left, and a minus sign"
    a, c, grad = rng.normal(size=(3, 4))
    found = node("c * a", grad, a=a, c=c)
    assert_close(found, {"value": a * c, "op": "*", "parents": ["a"], "shares": [grad * c]})
    found = node("-a", grad, a=a)
    assert_close(found, {"value": -a, "op": "*", "parents": ["a"], "shares": [-grad]})


### END HIDDEN TESTS

check("tensor", points=5)


# %% mistake="tensor" name="own-factor" hint="Each factor's rule multiplies by the factor itself. Move `a` a little: the product moves by as much, times `b`. The rule for `a` needs the OTHER one."
def multiply(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    return Tensor.made("*", x * y, (a, lambda grad: grad * x), (b, lambda grad: grad * y))


# %% mistake="tensor" name="chain-cut" hint="The rules of the product do not use `grad`: they give the slope of this one step. The chain rule wants it times what arrives from further on."
def multiply(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    return Tensor.made("*", x * y, (a, lambda grad: y), (b, lambda grad: x))


# %% mistake="tensor" name="sum-gives-one" hint="The rules of the sum give 1, the slope of this one step. Each term's share is what arrives, times 1: `grad` itself."
def add(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    return Tensor.made("+", x + y, (a, lambda grad: np.ones_like(x)), (b, lambda grad: np.ones_like(y)))


# %% mistake="tensor" name="sum-like-product" hint="The rules of the sum multiply by the other term, as those of a product do. Move one term a little: the sum moves by just as much, whatever the other is."
def add(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    return Tensor.made("+", x + y, (a, lambda grad: grad * y), (b, lambda grad: grad * x))


# %% mistake="tensor" name="number-has-no-data" hint="In `2 * a` one operand is a plain number, and a number has no `.data`. `Tensor.value(...)` gives the array behind either kind."
def multiply(a, b):
    return Tensor.made("*", a.data * b.data, (a, lambda grad: grad * b.data), (b, lambda grad: grad * a.data))


# %% mistake="tensor" name="one-parent" hint="Only `a` got an arrow: `b` would never hear of its gradient. Give `Tensor.made` an arrow for each operand; it leaves constants out by itself."
def multiply(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    return Tensor.made("*", x * y, (a, lambda grad: grad * y))


# %% mistake="tensor" name="forgets" hint="The value is right, but the result has no parents: it has forgotten where it came from. Make it with `Tensor.made`, which takes the arrows."
def multiply(a, b):
    return Tensor(Tensor.value(a) * Tensor.value(b), op="*")


# %% mistake="tensor" name="inner-product" hint="This sums the products of two arrays. `*` works number by number and keeps the shape; sums and `@` come later."
def multiply(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    return Tensor.made("*", np.dot(x, y), (a, lambda grad: grad * y), (b, lambda grad: grad * x))


# %% mistake="tensor" name="times-the-product" hint="The rules multiply by the whole product. The slope of the product with respect to one factor is the other factor alone."
def multiply(a, b):
    v = Tensor.value(a) * Tensor.value(b)
    return Tensor.made("*", v, (a, lambda grad: grad * v), (b, lambda grad: grad * v))


# %% mistake="tensor" name="number-for-a-rule" hint="An arrow of your sum holds a number where its rule should stand. A rule is a function of the gradient that arrives: `lambda grad: ...`."
def add(a, b):
    return Tensor.made("+", Tensor.value(a) + Tensor.value(b), (a, 1.0), (b, 1.0))


# %% mistake="tensor" name="share-of-tensors" hint="The product's rules multiply by `b` and `a`, which are Tensors. A share is a plain array: multiply by the arrays behind them, `Tensor.value(b)` and `Tensor.value(a)`."
def multiply(a, b):
    return Tensor.made("*", Tensor.value(a) * Tensor.value(b), (a, lambda grad: grad * b), (b, lambda grad: grad * a))


# %% mistake="tensor" name="array-for-a-rule" hint="The arrows of your product hold arrays where their rules should stand. A rule is a function of the gradient that arrives: `lambda grad: grad * Tensor.value(b)`."
def multiply(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    return Tensor.made("*", x * y, (a, y), (b, x))


# %% mistake="tensor" name="calls-itself" hint="`a + b` calls `add`, and your `add` computes `a + b` again: it never ends. Add the arrays behind the two: `Tensor.value(a) + Tensor.value(b)`."
def add(a, b):
    return Tensor.made("+", a + b, (a, lambda grad: grad), (b, lambda grad: grad))


# %% variant="tensor"
def multiply(a, b):
    x, y = Tensor.value(a), Tensor.value(b)

    def for_a(grad):
        return np.multiply(y, grad)

    def for_b(grad):
        return np.multiply(x, grad)

    return Tensor.made("*", np.multiply(x, y), (a, for_a), (b, for_b))


# %% variant="tensor"
def add(a, b):
    same = lambda grad: 1.0 * grad
    return Tensor.made("+", np.add(Tensor.value(a), Tensor.value(b)), (a, same), (b, same))


# %% [markdown]
# ### See it: your graph, forward
#
# The formula from the top of the page, in **your** numbers that remember. The way back follows in section 4: come back
# to this cell then.

# %%
step_through(squared_score, Tensor, w=3.0, x=2.0, b=-4.0)

# %% [markdown]
# ## 2. In which order?
#
# **In words.** On the way back a node hears from every node that uses it. It may pass something on only when it has
# heard from all of them: a gradient that arrives later would come too late. So we need the nodes in a line in which
# **everything stands after what it was made of**. Forward, go along this line. Back, go along it from the end.
#
# **In small numbers.** $b = 2a$, $c = 3b$ and $d = c + a$. The line is $a, b, c, d$. On the way back $d$ speaks first,
# to $c$ and to $a$. If $a$ spoke next, it would miss what comes to it by way of $c$ and $b$. Sorting the nodes by their
# number of steps to $d$ makes just this mistake: $a$ is one step away, as $c$ is, but $b$ is two.
#
# ```
#     a --> b --> c --> d
#     |                 ^
#     +-----------------+
# ```
#
# **In maths.** The line is a *topological order*. Find it by searching the graph from its end, *depth first*: a node
# may stand in line when all its parents stand there.
#
# **In code.** The obvious way calls itself for every parent, and Python stops after a thousand calls within calls.
# A sentence read word by word is a graph of many thousands of nodes. So keep a list of your own, a *stack*:
#
# - Take the last entry off the stack. The stack begins with the root.
# - A node that you see for the first time: put it back, marked as *open*, and put its parents on top of it.
# - A node that comes up again marked as open: all its parents are in line by now. It joins.
# - A node that you have seen before, not marked: there is nothing to do.
#
# With the graph above, the top of the stack at the right:
#
# | taken off | | the stack now | the line |
# |---|---|---|---|
# | $d$ | new | $d$ open, $c$, $a$ | |
# | $a$ | new, no parents | $d$ open, $c$, $a$ open | |
# | $a$ open | joins | $d$ open, $c$ | $a$ |
# | $c$ | new | $d$ open, $c$ open, $b$ | $a$ |
# | $b$ | new | $d$ open, $c$ open, $b$ open, $a$ | $a$ |
# | $a$ | seen before | $d$ open, $c$ open, $b$ open | $a$ |
#
# Then $b$, $c$ and $d$ come off, open, and join.
#
# Write `topological_order`. For `d = Tensor(1.0) + Tensor(2.0)` it returns a list of three: the two inputs, then `d`.


# %% exercise="topological_order" minutes=12 difficulty=3
def topological_order(root):
    """Every node that `root` depends on, and `root` itself; parents before the nodes made of them.

    Args:
        root: a Tensor.

    Returns:
        A list of Tensors, each once; `root` is the last. Works for any depth.
    """
    ### BEGIN SOLUTION
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, is_open = stack.pop()
        if is_open:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return order
    ### END SOLUTION


# %% check="topological_order" points=5
@inside
def order_of(graph, root):
    """The names of the nodes in your order. `graph` tells the parents of each node."""
    made = {}
    for name, parents in graph.items():
        made[name] = Tensor(0.0, [made[parent] for parent in parents], "f" if parents else "")
    names = {id(tensor): name for name, tensor in made.items()}
    order = topological_order(made[root])
    if not isinstance(order, list):
        raise TypeError(f"topological_order returned an object of type {type(order).__name__}; a list is expected")
    return [names.get(id(tensor), "another") for tensor in order]


@inside
def chain(length):
    """How many nodes your order has for a chain, and whether each stands right after its parent."""
    tensor = Tensor(0.0)
    for _ in range(length):
        tensor = Tensor(0.0, [tensor], "f")
    order = topological_order(tensor)
    return len(order), all(later.parents == (node,) for node, later in zip(order, order[1:]))


def assert_in_order(graph, root, nodes):
    """Each of `nodes` once, and after its parents."""
    order = order_of(graph, root)
    assert sorted(order) == sorted(nodes), "Each node that leads to the root must stand there once."
    early = [f"{n} before its parent {p}" for n in order for p in graph[n] if order.index(p) > order.index(n)]
    assert early == [], "Parents come first."


def test_line():
    "three in a row"
    assert_close(order_of({"a": [], "b": ["a"], "c": ["b"]}, "c"), ["a", "b", "c"])


def test_one():
    "an input alone"
    assert_close(order_of({"a": []}, "a"), ["a"])


def test_shortcut():
    "a long way and a short way, as in the text"
    assert_in_order({"a": [], "b": ["a"], "c": ["b"], "d": ["c", "a"]}, "d", "abcd")
    assert_in_order({"a": [], "b": ["a"], "c": ["b"], "d": ["a", "c"]}, "d", "abcd")


def test_diamond():
    "two ways of the same length"
    assert_in_order({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}, "d", "abcd")


def test_used_twice():
    "a node that uses its parent twice"
    assert_close(order_of({"a": [], "b": ["a", "a"]}, "b"), ["a", "b"])


def test_elsewhere():
    "a node that does not lead to the root is left out"
    assert_in_order({"a": [], "b": ["a"], "z": ["a", "b"], "c": ["b"]}, "c", "abc")


def test_deep():
    "a chain of 20,000 nodes"
    assert_close(chain(20_000), (20_001, True))


### BEGIN HIDDEN TESTS
def test_random_graphs():
    "random graphs"
    for _ in range(10):
        graph = {"n0": [], "n1": []}
        for i in range(2, 12):
            graph[f"n{i}"] = [f"n{p}" for p in rng.integers(0, i, size=rng.integers(1, 4))]
        needed, waiting = set(), ["n11"]
        while waiting:
            name = waiting.pop()
            needed.add(name)
            waiting += graph[name]
        assert_in_order(graph, "n11", needed)


def test_many_ways():
    "a graph with thousands of ways through it"
    graph = {"n0": []} | {f"n{i}": [f"n{i - 1}", f"n{i - 1}"] for i in range(1, 13)}
    assert_close(order_of(graph, "n12"), [f"n{i}" for i in range(13)])


### END HIDDEN TESTS

check("topological_order", points=5)


# %% mistake="topological_order" name="recursive" hint="Your function calls itself for every parent, and Python stops that after about a thousand calls: a chain of 20,000 nodes is too deep. Keep a stack of your own, as the text describes."
def topological_order(root):
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)
    return order


# %% mistake="topological_order" name="root-first" hint="Your line begins with the root. It should end with it: inputs first. Backward will go along it from the end."
def topological_order(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, is_open = stack.pop()
        if is_open:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return order[::-1]


# %% mistake="topological_order" name="by-distance" hint="You sorted by the distance from the root (breadth first). An input that the root uses directly is near, and yet it may also be used far away: it must stand before that. A node joins the line after its parents, not after a number of steps."
def topological_order(root):
    order, seen, queue = [], {root}, [root]
    while queue:
        node = queue.pop(0)
        order.append(node)
        for parent in node.parents:
            if parent not in seen:
                seen.add(parent)
                queue.append(parent)
    return order[::-1]


# %% mistake="topological_order" name="joins-at-once" hint="A node joins your line as soon as it is taken off the stack, and the line is turned round at the end. That goes wrong where there are two ways to a node. Put it back, marked as open; it joins when it comes up again, after its parents."
def topological_order(root):
    order, seen, stack = [], {root}, [root]
    while stack:
        node = stack.pop()
        order.append(node)
        for parent in node.parents:
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return order[::-1]


# %% mistake="topological_order" name="seen-when-pushed" hint="A node counts as seen as soon as it is put on the stack. A longer way may still lead to it, and then it must join earlier than where it lies. It is seen when you TAKE IT OFF for the first time; it may lie on the stack several times."
def topological_order(root):
    line, seen, stack = [], {root}, [(root, False)]
    while stack:
        node, is_open = stack.pop()
        if is_open:
            line.append(node)
            continue
        stack.append((node, True))
        for parent in node.parents:
            if parent not in seen:
                seen.add(parent)
                stack.append((parent, False))
    return line


# %% mistake="topological_order" name="not-remembered" hint="A node that can be reached in two ways stands in your line twice. Remember which nodes you have seen, in a set. And mark the ENTRY on the stack as open, such as (node, True): that a node comes up a second time does not mean that this is the open entry."
def topological_order(root):
    order, stack = [], [(root, False)]
    while stack:
        node, is_open = stack.pop()
        if is_open:
            order.append(node)
        else:
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return order


# %% mistake="topological_order" name="inputs-missing" hint="The inputs are missing. They have no parents, and still belong into the line: theirs are the gradients that we want most."
def topological_order(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, is_open = stack.pop()
        if is_open:
            order.append(node)
        elif node not in seen and node.parents:
            seen.add(node)
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return order


# %% mistake="topological_order" name="equal-is-same" hint="Two different nodes with the same value count as one in your code. Remember the nodes themselves, not their values: Tensors can be put into a set."
def topological_order(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, is_open = stack.pop()
        if is_open:
            order.append(node)
        elif node.data.tobytes() not in seen:
            seen.add(node.data.tobytes())
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return order


# %% mistake="topological_order" name="root-missing" hint="The root itself is missing. It stands last in the line: backward begins there."
def topological_order(root):
    order, seen, stack = [], set(), [(parent, False) for parent in root.parents]
    while stack:
        node, is_open = stack.pop()
        if is_open:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return order


# %% variant="topological_order"
def topological_order(root):
    children, missing, ready, waiting = {}, {}, [], [root]
    while waiting:
        node = waiting.pop()
        if node not in missing:
            missing[node] = len(set(node.parents))
            ready += [] if node.parents else [node]
            for parent in set(node.parents):
                children.setdefault(parent, []).append(node)
                waiting.append(parent)
    for node in ready:  # it grows while we go: a node is ready when its last parent has come by
        for child in children.get(node, []):
            missing[child] -= 1
            ready += [] if missing[child] else [child]
    return ready


# %% variant="topological_order"
def topological_order(root):
    order, finished, stack = [], set(), [root]
    while stack:
        missing = [parent for parent in stack[-1].parents if parent not in finished]
        if missing:
            stack.append(missing[0])
        else:
            node = stack.pop()
            if node not in finished:
                finished.add(node)
                order.append(node)
    return order


# %% [markdown]
# **Question 1 (2 points).** Somebody goes back through the graph without any order: a node that receives a gradient
# passes its shares on at once, and again whenever another gradient arrives. The result is right. In a graph where each
# of 30 nodes in a row uses the one before it twice, how much work is it, and how much with a topological order?

# %% [markdown] question="why-order" points=2
# Passing on at once walks every path from the root to the input by itself. Each node has two arrows to the one
# before, so the number of paths doubles at every node: 2 to the power of 30, more than a thousand million. In a
# topological order each node first collects all that arrives and then speaks once, along its two arrows: 60 messages.

# %% [markdown]
# ## 3. What was stretched must be summed
#
# **In words.** NumPy adds a row of biases to a whole table: it *stretches* the row, as if it were there once for every
# row of the table. This is *broadcasting*. So one bias is used many times, and each use sends a gradient back. The
# gradient of the bias is their **sum**.
#
# **In small numbers.** A table of shape (2, 3) plus a bias of shape (3,). The gradient that arrives has the table's
# shape:
#
# ```
#     1 2 3
#     4 5 6      sum down the columns ->   5 7 9     shape (3,), as the bias
# ```
#
# A column of shape (2, 1) is stretched along the other axis: there the rows are summed, to 6 and 15, and the result
# has the shape (2, 1). A single number, shape (), gets the sum of everything, 21.
#
# **In maths.** If $v_{ij} = x_{ij} + b_j$ then $\bar b_j = \sum_i \bar v_{ij}$. In general: sum over all axes along
# which the array was stretched. NumPy compares shapes **from the right**. So there are two kinds of such axes:
#
# 1. axes in front that the array does not have at all: sum them away;
# 2. axes where the array has size 1: sum them, and keep them, with size 1.
#
# **In code.** Write `unbroadcast`. `unbroadcast(np.ones((2, 3)), (3,))` returns `array([2., 2., 2.])`.


# %% exercise="unbroadcast" minutes=8 difficulty=2
def unbroadcast(grad, shape):
    """Sum a gradient over the axes along which an array of `shape` was stretched.

    Args:
        grad: an array; `shape` can be broadcast to its shape.
        shape: a tuple, the shape that the array had before.

    Returns:
        An array of shape `shape`.
    """
    ### BEGIN SOLUTION
    if grad.shape == shape:
        return grad
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    return grad.sum(axis=tuple(i for i, size in enumerate(shape) if size == 1), keepdims=True)
    ### END SOLUTION


# %% check="unbroadcast" points=4
TABLE = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
SQUARE = np.array([[1.0, 2.0], [3.0, 4.0]])


def test_row():
    "a row that was added to every row of a table"
    assert_close(unbroadcast(TABLE, (3,)), np.array([5.0, 7.0, 9.0]))


def test_column():
    "a column, (2, 1)"
    assert_close(unbroadcast(TABLE, (2, 1)), np.array([[6.0], [15.0]]))


def test_number():
    "a single number"
    assert_close(unbroadcast(TABLE, ()), 21.0)


def test_square():
    "a square table, where the shapes do not say which axis"
    assert_close(unbroadcast(SQUARE, (2,)), np.array([4.0, 6.0]))
    assert_close(unbroadcast(SQUARE, (2, 1)), np.array([[3.0], [7.0]]))


def test_both_kinds():
    "a column that was stretched in both ways, (2, 1) to (3, 2, 2)"
    assert_close(unbroadcast(np.stack([SQUARE, SQUARE, SQUARE]), (2, 1)), np.array([[9.0], [21.0]]))


def test_nothing_stretched():
    "nothing was stretched"
    assert_close(unbroadcast(TABLE, (2, 3)), TABLE)


### BEGIN HIDDEN TESTS
def test_random_shapes():
    "random shapes"
    for big, small in [((4, 3, 2), (3, 2)), ((4, 3, 2), (1, 3, 1)), ((2, 2, 2), (2,)), ((5, 1), (1,)), ((3,), ())]:
        grad = rng.normal(size=big)
        assert_close(unbroadcast(grad, small), reference.unbroadcast(grad, small), name=f"from {big} to {small}")


def test_is_the_transpose_of_stretching():
    "for every x: sum(stretched x * grad) = sum(x * unbroadcast grad)"
    grad, x = rng.normal(size=(3, 4, 2)), rng.normal(size=(4, 1))
    assert_close(np.sum(x * unbroadcast(grad, (4, 1))), np.sum(x * grad))


### END HIDDEN TESTS

check("unbroadcast", points=4)


# %% mistake="unbroadcast" name="front-only" hint="Axes in front are summed away, but an axis of size 1 was stretched as well: (2, 1) to (2, 3). Sum along it, with keepdims=True."
def unbroadcast(grad, shape):
    return grad.sum(axis=tuple(range(grad.ndim - len(shape))))


# %% mistake="unbroadcast" name="ones-only" hint="Axes of size 1 are summed, but not the axes in front that `shape` does not have at all: (3,) was stretched to (2, 3). Sum those away first."
def unbroadcast(grad, shape):
    front = grad.ndim - len(shape)
    return grad.sum(axis=tuple(front + i for i, size in enumerate(shape) if size == 1), keepdims=True)


# %% mistake="unbroadcast" name="mean" hint="You took the mean. Each use of a number moves the loss, and the moves add up: take the sum."
def unbroadcast(grad, shape):
    grad = grad.mean(axis=tuple(range(grad.ndim - len(shape))))
    return grad.mean(axis=tuple(i for i, size in enumerate(shape) if size == 1), keepdims=True)


# %% mistake="unbroadcast" name="axis-lost" hint="The axes of size 1 are gone: a column (2, 1) came back as (2,). `sum` keeps an axis with keepdims=True."
def unbroadcast(grad, shape):
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    return grad.sum(axis=tuple(i for i, size in enumerate(shape) if size == 1))


# %% mistake="unbroadcast" name="first-copy" hint="You kept the gradient of the first use and dropped the others. Each use counts: sum them."
def unbroadcast(grad, shape):
    while grad.ndim > len(shape):
        grad = grad[0]
    for i, size in enumerate(shape):
        if size == 1:
            grad = grad.take([0], axis=i)
    return grad


# %% mistake="unbroadcast" name="from-the-left" hint="You matched the shapes from the left and summed the LAST axes away. NumPy compares from the right: the axes that are missing are those in front."
def unbroadcast(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(axis=-1)
    return grad.sum(axis=tuple(i for i, size in enumerate(shape) if size == 1), keepdims=True)


# %% mistake="unbroadcast" name="from-the-left-reshaped" hint="You matched the shapes from the left, and `reshape` could not mend it. NumPy compares from the right: (3,) in front of (2, 3) is (1, 3), so the FIRST axis was stretched."
def unbroadcast(grad, shape):
    axes = tuple(i for i in range(grad.ndim) if i >= len(shape) or shape[i] == 1)
    return grad.sum(axis=axes).reshape(shape)


# %% mistake="unbroadcast" name="one-sum" hint="Everywhere stands the sum of the whole gradient. Sum only along the axes that were stretched; the others keep their places apart."
def unbroadcast(grad, shape):
    return np.full(shape, grad.sum())


# %% mistake="unbroadcast" name="laid-out-anew" hint="`reshape` only lays numbers out anew; it cannot make fewer of them. Sum along the axes that were stretched."
def unbroadcast(grad, shape):
    return grad.reshape(shape)


# %% mistake="unbroadcast" name="always-the-first-axis" hint="You always sum along the first axis. That is right for a row of biases only: which axes were stretched follows from `shape`."
def unbroadcast(grad, shape):
    return grad.sum(axis=0)


# %% variant="unbroadcast"
def unbroadcast(grad, shape):
    while np.ndim(grad) > len(shape):
        grad = np.sum(grad, axis=0)
    for axis, size in enumerate(shape):
        if size == 1:
            grad = np.sum(grad, axis=axis, keepdims=True)
    return grad


# %% variant="unbroadcast"
def unbroadcast(grad, shape):
    full = (1,) * (grad.ndim - len(shape)) + tuple(shape)
    stretched = tuple(i for i in range(grad.ndim) if full[i] == 1)
    return np.add.reduce(grad, axis=stretched, keepdims=True).reshape(shape)


# %% [markdown]
# ### See it: what comes back to a stretched array
#
# On the left a gradient of shape (3, 4). On the right what **your** `unbroadcast` makes of it for an array that had
# another shape. Which squares were added to which?


# %%
def grid(axes, values, title):
    """An array as coloured squares with numbers."""
    table = np.atleast_2d(values)
    axes.pcolormesh(table, cmap=plot.diverging(), vmin=-14, vmax=14, edgecolors="black", linewidth=0.5)
    for (i, j), number in np.ndenumerate(table):
        axes.text(j + 0.5, i + 0.5, f"{number:g}", ha="center", va="center", fontsize=11)
    axes.set(title=title, xlim=(-0.02, 4.02), ylim=(3.02, -0.02))  # room for the lines at the edge
    axes.axis("off")


def shrinking(shape):
    """A gradient of shape (3, 4), and what your `unbroadcast` makes of it."""
    grad = np.array([[1.0, 2.0, -3.0, 1.0], [0.0, 1.0, 1.0, 2.0], [2.0, 0.0, -1.0, 3.0]])
    figure, axes = plot.figure(2, height=2.6)
    grid(axes[0], grad, "the gradient that arrives, (3, 4)")
    came = unbroadcast(grad, shape)
    grid(axes[1], came, f"yours: shape {np.shape(came)}" + ("" if np.shape(came) == shape else f", not {shape}"))
    return figure


explore(
    shrinking, shape=choice({str(s): s for s in [(4,), (1, 4), (3, 1), (1, 1), (), (3, 4)]}, label="it had the shape")
)

# %% [markdown]
# ## 4. The way back
#
# **In words.** Now it comes together. Think of a letter box at every node. Put a 1 into the box of the root: the loss
# moves exactly as fast as itself. Then go along the line from its end. Each node empties its box: the **sum** of the
# letters is its gradient. It writes that down. Then it sends each parent a letter with its share.
#
# **In small numbers.** $c = a\,b$ and $d = c + a$, with $a = 3$ and $b = 2$. The line is $a, b, c, d$.
#
# | node | in its box | gradient | sends |
# |---|---|---|---|
# | $d$ | 1 | 1 | 1 to $c$, 1 to $a$ |
# | $c$ | 1 | 1 | $1 \cdot b = 2$ to $a$, $1 \cdot a = 3$ to $b$ |
# | $b$ | 3 | 3 | |
# | $a$ | 1 and 2 | 3 | |
#
# Check it: $d = a b + a$, so the slope in $a$ is $b + 1 = 3$.
#
# **In maths.** A node that is used by $v_1, v_2, \dots$ gets
# $\bar a = \sum_k \bar v_k\, \partial v_k / \partial a$. This sum is the heart of the method. Code that *assigns* where
# it should *add* is right for every chain, and wrong wherever a number is used twice.
#
# There is a second sum. `grad` stays on a tensor after the pass, and the next pass **adds** to it. That is useful: two
# batches of examples, two passes, and `grad` holds the sum. If you do not want that, set `grad = None` between them.
#
# > **Numerics.** Two traps, both about *which array*. First: a letter is for one pass. If you use `grad` itself as
# > the letter box, the second pass sends the letters of the first one again. Keep the box apart, for instance in a
# > dictionary that is made anew by each call. Second: a sum hands the same array to both terms. If you then write
# > `box += letter`, NumPy changes **that array**, in the other node's box too. Write `box = box + letter`, which
# > makes a new one; and let each node's `grad` be an array of its own: `np.array(x)` copies, `np.asarray(x)` does not.
#
# **In code.** Write `backward`. Use your `topological_order`, the `rules` and your `unbroadcast`: what a rule returns
# may still be stretched, so bring each share to the parent's shape, `parent.shape`. After `(a * a).backward()` with
# `a = Tensor(3.0)`, `a.grad` is 6.


# %% exercise="backward" minutes=15 difficulty=3
@add_to(Tensor)
def backward(self, grad=None):
    """Go back from this node: add to `grad` of every node that it depends on, and to its own.

    Args:
        grad: the gradient to begin with, an array of this node's shape; ones if None. It is not changed.

    Returns:
        Nothing. Afterwards each node's `grad` is a float64 array of the node's shape, and belongs to it alone.
    """
    ### BEGIN SOLUTION
    arrived = {self: np.ones(self.shape) if grad is None else np.asarray(grad, dtype=float)}
    for node in reversed(topological_order(self)):
        here = arrived.pop(node)  # all that uses the node has spoken
        node.grad = np.array(here if node.grad is None else node.grad + here)
        for parent, rule in zip(node.parents, node.rules):
            share = unbroadcast(rule(here), parent.shape)
            arrived[parent] = arrived[parent] + share if parent in arrived else share
    ### END SOLUTION


# %% check="backward" points=9
@inside
def run(expression, **inputs):
    """The value of an expression, and each input's gradient after one backward pass."""
    return evaluate(Tensor, expression, inputs)


@inside
def seeded(expression, seed, **inputs):
    """The same, with a gradient to begin with."""
    return evaluate(Tensor, expression, inputs, seed=seed)


@inside
def passes(expression, count, **inputs):
    """The same, after some passes."""
    return evaluate(Tensor, expression, inputs, passes=count)


@inside
def inner(a, b):
    """The gradients of all four nodes of c = a * b; d = c + a."""
    a, b = Tensor(a), Tensor(b)
    c = a * b
    d = c + a
    d.backward()
    return {"a": a.grad, "b": b.grad, "c": c.grad, "d": d.grad}


@inside
def apart(a, b):
    """After c = a + b went back and a.grad was multiplied by 100, the other two gradients."""
    a, b = Tensor(a), Tensor(b)
    c = a + b
    c.backward()
    a.grad *= 100
    return {"b": b.grad, "c": c.grad}


@inside
def letters(count):
    """How many letters are sent where each of `count` nodes uses the one before it twice; value and gradient."""
    sent = []

    def rule(grad):
        sent.append(1)
        return grad

    a = Tensor(1.0)
    end = a
    for _ in range(count):
        end = Tensor.made("f", 2 * end.data, (end, rule), (end, rule))
    end.backward()
    return len(sent), end.data, a.grad


@inside
def deep(length):
    """The value and the gradient of a chain a * 1 + 0 * 1 + 0 ..."""
    a = Tensor(2.0)
    tensor = a
    for _ in range(length // 2):
        tensor = tensor * 1.0 + 0.0
    tensor.backward()
    return tensor.data, a.grad


def test_text():
    "the example from the text, all four nodes"
    assert_close(inner(3.0, 2.0), {"a": 3.0, "b": 3.0, "c": 1.0, "d": 1.0})


def test_twice():
    "a number that is used twice"
    assert_close(run("a * a", a=3.0), {"value": 9.0, "a": 6.0})
    assert_close(run("a + a", a=3.0), {"value": 6.0, "a": 2.0})


def test_picture():
    "the picture at the top of the page"
    found = run("(w * x + b) * (w * x + b)", w=3.0, x=2.0, b=-4.0)
    assert_close(found, {"value": 4.0, "w": 8.0, "x": 12.0, "b": 4.0})


def test_bias():
    "a table plus a row: ones to begin with, and what was stretched is summed"
    found = run("t + r", t=np.zeros((2, 3)), r=np.array([1.0, 2.0, 3.0]))
    table = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    assert_close(found, {"value": table, "t": np.ones((2, 3)), "r": np.array([2.0, 2.0, 2.0])})


def test_stretched_factor():
    "a table times a column"
    found = run("t * k", t=np.array([[1.0, 2.0], [3.0, 4.0]]), k=np.array([[10.0], [20.0]]))
    value, t = np.array([[10.0, 20.0], [60.0, 80.0]]), np.array([[10.0, 10.0], [20.0, 20.0]])
    assert_close(found, {"value": value, "t": t, "k": np.array([[3.0], [7.0]])})


def test_boxes():
    "a letter to one node changes no other node's box"
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert_close(run("a + b + a", a=a, b=b), {"value": 2 * a + b, "a": np.array([2.0, 2.0]), "b": np.array([1.0, 1.0])})


def test_apart():
    "each node's gradient is an array of its own"
    found = apart(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    assert_close(found, {"b": np.array([1.0, 1.0]), "c": np.array([1.0, 1.0])})


def test_passes():
    "None before the first pass; two passes add up, and the second is like the first"
    assert_close(passes("a * b + a", 2, a=3.0, b=2.0), {"value": 9.0, "a": 6.0, "b": 6.0})
    assert_close(passes("a * b + a", 0, a=3.0, b=2.0), {"value": 9.0, "a": None, "b": None})


def test_seed():
    "a gradient to begin with"
    found = seeded("a * a", np.array([1.0, 10.0]), a=np.array([3.0, 4.0]))
    assert_close(found, {"value": np.array([9.0, 16.0]), "a": np.array([6.0, 80.0])})


def test_deep():
    "20,000 operations in a row"
    assert_close(deep(20_000), (2.0, 1.0))


def test_letters():
    "ten nodes in a row, each uses the one before twice: twenty letters are enough"
    assert_close(letters(10), (20, 1024.0, 1024.0))


### BEGIN HIDDEN TESTS
def test_random():
    "random graphs of + and *"
    for _ in range(4):
        inputs = {
            "a": rng.normal(size=(3, 4)),
            "b": rng.normal(size=4),
            "d": rng.normal(size=(3, 1)),
            "e": rng.normal(),
        }
        names, terms = [*inputs], []
        for _ in range(6):
            first, second, third = rng.choice(names + terms, size=3)
            terms.append(f"({first} * {second} + {third})")
        expression = " + ".join(sorted(terms, key=len)[:5] + names)
        expected = evaluate(reference.Tensor, expression, inputs)
        assert_close(run(expression, **inputs), expected, name="a random expression")


def test_torch():
    "the same gradients as PyTorch's"
    inputs = {"a": rng.normal(size=(2, 3)), "b": rng.normal(size=3), "d": rng.normal(size=(2, 1))}
    for expression in ("(a * b + d) * (a * b)", "a * a * a + b * b + d", "2 * a * d + a * -b"):
        seed = rng.normal(size=(2, 3))
        assert_close(
            seeded(expression, seed, **inputs), evaluate(pytorch.Tensor, expression, inputs, seed), name=expression
        )


def test_three_passes():
    "three passes over a graph in which an inner node is used twice"
    inputs = {"a": rng.normal(size=3), "b": rng.normal(size=3)}
    once = evaluate(reference.Tensor, "(a * b + a) * (a * b + b)", inputs)
    thrice = {name: array if name == "value" else 3 * array for name, array in once.items()}
    assert_close(passes("(a * b + a) * (a * b + b)", 3, **inputs), thrice)


### END HIDDEN TESTS

check("backward", points=9)


# %% mistake="backward" name="assigns" hint="A letter replaces what was in the box. Where a node is used twice only the last share is left: add it to what has arrived already."
@add_to(Tensor)
def backward(self, grad=None):
    arrived = {self: np.ones(self.shape) if grad is None else np.asarray(grad, dtype=float)}
    for node in reversed(topological_order(self)):
        here = arrived.pop(node)
        node.grad = np.array(here if node.grad is None else node.grad + here)
        for parent, rule in zip(node.parents, node.rules):
            arrived[parent] = unbroadcast(rule(here), parent.shape)


# %% mistake="backward" name="not-summed" hint="A share is passed on in the shape of the result. The parent may have been stretched: bring the share to `parent.shape` with your `unbroadcast`."
@add_to(Tensor)
def backward(self, grad=None):
    arrived = {self: np.ones(self.shape) if grad is None else np.asarray(grad, dtype=float)}
    for node in reversed(topological_order(self)):
        here = arrived.pop(node)
        node.grad = np.array(here if node.grad is None else node.grad + here)
        for parent, rule in zip(node.parents, node.rules):
            share = rule(here)
            arrived[parent] = arrived[parent] + share if parent in arrived else share


# %% mistake="backward" name="wrong-end" hint="You go along the line from its beginning, so the inputs speak before they have heard anything. Begin at the end: `reversed(topological_order(self))`."
@add_to(Tensor)
def backward(self, grad=None):
    arrived = {self: np.ones(self.shape) if grad is None else np.asarray(grad, dtype=float)}
    for node in topological_order(self):
        if node not in arrived:
            continue
        here = arrived.pop(node)
        node.grad = np.array(here if node.grad is None else node.grad + here)
        for parent, rule in zip(node.parents, node.rules):
            share = unbroadcast(rule(here), parent.shape)
            arrived[parent] = arrived[parent] + share if parent in arrived else share


# %% mistake="backward" name="last-pass-only" hint="The second pass wipes out the first: `grad` is replaced. Add to what is there, unless it is None."
@add_to(Tensor)
def backward(self, grad=None):
    arrived = {self: np.ones(self.shape) if grad is None else np.asarray(grad, dtype=float)}
    for node in reversed(topological_order(self)):
        node.grad = np.array(arrived.pop(node))
        for parent, rule in zip(node.parents, node.rules):
            share = unbroadcast(rule(node.grad), parent.shape)
            arrived[parent] = arrived[parent] + share if parent in arrived else share


# %% mistake="backward" name="letters-again" hint="You use `grad` itself as the letter box, so the second pass sends on what the first one left there, once more. Keep what arrives in this pass apart, in a dictionary made anew, and add it to `grad` when the node speaks."
@add_to(Tensor)
def backward(self, grad=None):
    start = np.ones(self.shape) if grad is None else np.asarray(grad, dtype=float)
    self.grad = np.array(start if self.grad is None else self.grad + start)
    for node in reversed(topological_order(self)):
        for parent, rule in zip(node.parents, node.rules):
            share = unbroadcast(rule(node.grad), parent.shape)
            parent.grad = np.array(share if parent.grad is None else parent.grad + share)


# %% mistake="backward" name="gradients-as-boxes" hint="You collect the letters in `grad` itself. In a second pass what the first one left there is sent on once more. Keep the boxes of a pass apart from `grad`, in a dictionary made anew by each call."
@add_to(Tensor)
def backward(self, grad=None):
    order = topological_order(self)
    for node in order:
        if node.grad is None:
            node.grad = np.zeros(node.shape)
    self.grad = np.ones(self.shape) if grad is None else np.array(grad, dtype=float)
    for node in reversed(order):
        for parent, rule in zip(node.parents, node.rules):
            parent.grad += unbroadcast(rule(node.grad), parent.shape)


# %% mistake="backward" name="shared-box" hint="`+=` changes an array in place, and a sum has handed that same array to another node as well, so its box changes too. Write `box = box + share`, which makes a new array."
@add_to(Tensor)
def backward(self, grad=None):
    arrived = {self: np.ones(self.shape) if grad is None else np.array(grad, dtype=float)}
    for node in reversed(topological_order(self)):
        here = arrived.pop(node)
        node.grad = np.array(here if node.grad is None else node.grad + here)
        for parent, rule in zip(node.parents, node.rules):
            share = unbroadcast(rule(here), parent.shape)
            if parent in arrived:
                arrived[parent] += share
            else:
                arrived[parent] = share


# %% mistake="backward" name="shared-gradient" hint="Two nodes hold the very same array as their `grad`: a sum hands it to both terms. Whoever changes one in place changes the other. Keep a copy: `np.array(...)`."
@add_to(Tensor)
def backward(self, grad=None):
    arrived = {self: np.ones(self.shape) if grad is None else np.asarray(grad, dtype=float)}
    for node in reversed(topological_order(self)):
        here = arrived.pop(node)
        node.grad = here if node.grad is None else node.grad + here
        for parent, rule in zip(node.parents, node.rules):
            share = unbroadcast(rule(here), parent.shape)
            arrived[parent] = arrived[parent] + share if parent in arrived else share


# %% mistake="backward" name="single-one" hint="You begin with a single 1, whatever the root's shape. A gradient has the shape of its node: `np.ones(self.shape)`."
@add_to(Tensor)
def backward(self, grad=None):
    arrived = {self: np.array(1.0) if grad is None else np.asarray(grad, dtype=float)}
    for node in reversed(topological_order(self)):
        here = arrived.pop(node)
        node.grad = np.array(here if node.grad is None else node.grad + here)
        for parent, rule in zip(node.parents, node.rules):
            share = unbroadcast(rule(here), parent.shape)
            arrived[parent] = arrived[parent] + share if parent in arrived else share


# %% mistake="backward" name="seed-unused" hint="The argument `grad` is not used: every pass begins with ones. Where it is given, begin with it."
@add_to(Tensor)
def backward(self, grad=None):
    arrived = {self: np.ones(self.shape)}
    for node in reversed(topological_order(self)):
        here = arrived.pop(node)
        node.grad = np.array(here if node.grad is None else node.grad + here)
        for parent, rule in zip(node.parents, node.rules):
            share = unbroadcast(rule(here), parent.shape)
            arrived[parent] = arrived[parent] + share if parent in arrived else share


# %% mistake="backward" name="every-path" hint="Your function calls itself for every arrow, so it walks each path by itself, and a deep graph stops it. Go along the topological order in a loop: each node speaks once, when its box is full."
@add_to(Tensor)
def backward(self, grad=None):
    def walk(node, here):
        node.grad = np.array(here if node.grad is None else node.grad + here)
        for parent, rule in zip(node.parents, node.rules):
            walk(parent, unbroadcast(rule(here), parent.shape))

    walk(self, np.ones(self.shape) if grad is None else np.asarray(grad, dtype=float))


# %% mistake="backward" name="no-order" hint="The gradients are right, but whoever hears something passes it on at once, again and again: twenty letters became thousands. Go along the topological order, so that each node first collects all that arrives and then speaks once."
@add_to(Tensor)
def backward(self, grad=None):
    waiting = [(self, np.ones(self.shape) if grad is None else np.asarray(grad, dtype=float))]
    while waiting:
        node, here = waiting.pop()
        node.grad = np.array(here if node.grad is None else node.grad + here)
        for parent, rule in zip(node.parents, node.rules):
            waiting.append((parent, unbroadcast(rule(here), parent.shape)))


# %% mistake="backward" name="inputs-only" hint="Only the inputs have a gradient afterwards. Every node keeps its own, the ones between and the root too."
@add_to(Tensor)
def backward(self, grad=None):
    arrived = {self: np.ones(self.shape) if grad is None else np.asarray(grad, dtype=float)}
    for node in reversed(topological_order(self)):
        here = arrived.pop(node)
        if not node.parents:
            node.grad = np.array(here if node.grad is None else node.grad + here)
        for parent, rule in zip(node.parents, node.rules):
            share = unbroadcast(rule(here), parent.shape)
            arrived[parent] = arrived[parent] + share if parent in arrived else share


# %% variant="backward"
@add_to(Tensor)
def backward(self, grad=None):
    order = topological_order(self)
    boxes = {node: np.zeros(node.shape) for node in order}
    boxes[self] = boxes[self] + (1.0 if grad is None else grad)
    while order:
        node = order.pop()
        for parent, rule in zip(node.parents, node.rules):
            boxes[parent] += unbroadcast(rule(boxes[node]), parent.shape)
        node.grad = boxes[node] if node.grad is None else node.grad + boxes[node]


# %% variant="backward"
@add_to(Tensor)
def backward(self, grad=None):
    before, order = {}, topological_order(self)
    for node in order:
        before[node], node.grad = node.grad, np.zeros(node.shape)
    self.grad = self.grad + (np.ones(self.shape) if grad is None else grad)
    for node in order[::-1]:
        for parent, rule in zip(node.parents, node.rules):
            parent.grad = parent.grad + unbroadcast(rule(node.grad), parent.shape)
    for node in order:
        if before[node] is not None:
            node.grad = np.asarray(node.grad + before[node])
        node.grad = np.array(node.grad)


# %% [markdown]
# ### See it: your own machine, step by step
#
# This is the picture from the top of the page. Now it is driven by **your** `Tensor`: its values, its parents, its
# rules, its gradients. For every input the picture also *measures* the slope, as you did in unit 02: it moves the
# input a little and runs your forward pass again. Where your gradient is not the measured one, the box turns red.
#
# Change the function and run the cell again. Use something twice. Use something three times. Before you press *next*,
# say where two letters will meet.


# %%
def my_graph(a, b, x):
    """Change me: any formula of + and * will do."""
    c = a * x
    return c * c + b * x + a


step_through(my_graph, Tensor, a=2.0, b=-1.0, x=3.0)

# %% [markdown]
# > **History.** The idea of going backwards through a computation is older than its use in networks. Seppo
# > Linnainmaa described it in his master's thesis in Helsinki in 1970, to follow rounding errors. Paul Werbos proposed
# > it for networks in 1974. David Rumelhart, Geoffrey Hinton and Ronald Williams showed in 1986 that hidden layers
# > learn useful things by it, and then everybody knew.
#
# **Question 2 (2 points).** A loss depends on 100,000 weights. You could measure each slope by differences, as in unit
# 02. How many forward passes does that take? About how much work is one backward pass, compared with one forward pass,
# and why does it not depend on the number of weights in the same way?

# %% [markdown] question="why-backward" points=2
# Differences need two forward passes for each weight, 200,000 in all (100,001 if one only steps to one side). A
# backward pass visits every node once and does for each arrow about as much work as the operation itself took, so it
# costs two or three times a forward pass, whatever the number of weights. It gets all slopes at once because it starts
# from the one loss: what happens between a node and the loss is worked out once, as the node's gradient, and used for
# everything that lies before the node.

# %% [markdown]
# ## 5. Minus, divide, power
#
# The machine is complete. What is left is vocabulary: each further operation is a value and its rules.
#
# **In small numbers.** Take $x = 6$, $y = 2$, so $x / y = 3$. Move $x$ by 0.01: the quotient moves by
# $0.01 / 2 = 0.005$. The slope is $1 / y = 0.5$. Move $y$ to 2.01: $6 / 2.01 \approx 2.985$, which is $0.015$ less.
# The slope is $-1.5$, and $-x / y^2 = -6/4$ is just that.
#
# **In maths.**
#
# $$\frac{\partial (x - y)}{\partial y} = -1, \qquad \frac{\partial (x / y)}{\partial y} = -\frac{x}{y^2}, \qquad
# \frac{\partial\, x^n}{\partial x} = n\, x^{n-1}.$$
#
# **In code.** Write `subtract`, `divide` and `power`. The exponent is a plain number. `Tensor(2.0) ** 3` is 8, with
# the slope 12.


# %% exercise="arithmetic" minutes=8 difficulty=2
def subtract(a, b):
    """a - b, number by number; op "-".  a, b: Tensors, or plain numbers or arrays."""
    ### BEGIN SOLUTION
    return Tensor.made("-", Tensor.value(a) - Tensor.value(b), (a, lambda grad: grad), (b, lambda grad: -grad))
    ### END SOLUTION


def divide(a, b):
    """a / b, number by number; op "/".  a, b: Tensors, or plain numbers or arrays."""
    ### BEGIN SOLUTION
    x, y = Tensor.value(a), Tensor.value(b)
    return Tensor.made("/", x / y, (a, lambda grad: grad / y), (b, lambda grad: -grad * x / y**2))
    ### END SOLUTION


def power(a, n):
    """a ** n, number by number; op "**".  a: a Tensor; n: a plain number, whole or not."""
    ### BEGIN SOLUTION
    x = Tensor.value(a)
    return Tensor.made("**", x**n, (a, lambda grad: grad * n * x ** (n - 1)))
    ### END SOLUTION


# %% check="arithmetic" points=4
@inside
def run(expression, **inputs):
    """The value of an expression, and each input's gradient after one backward pass."""
    return evaluate(Tensor, expression, inputs)


def test_minus():
    "a - b, and 10 - a"
    assert_close(run("a - b", a=5.0, b=3.0), {"value": 2.0, "a": 1.0, "b": -1.0})
    assert_close(run("10 - a", a=4.0), {"value": 6.0, "a": -1.0})


def test_divide():
    "a / b, as in the text, and 1 / a"
    assert_close(run("a / b", a=6.0, b=2.0), {"value": 3.0, "a": 0.5, "b": -1.5})
    assert_close(run("1 / a", a=2.0), {"value": 0.5, "a": -0.25})


def test_power():
    "a ** 3, a square root, and a ** -1"
    assert_close(run("a ** 3", a=2.0), {"value": 8.0, "a": 12.0})
    assert_close(run("a ** 0.5", a=4.0), {"value": 2.0, "a": 0.25})
    assert_close(run("a ** -1", a=2.0), {"value": 0.5, "a": -0.25})


def test_all_three():
    "(a - b) ** 2 / b"
    assert_close(run("(a - b) ** 2 / b", a=5.0, b=2.0), {"value": 4.5, "a": 3.0, "b": -5.25})


def test_passes_on():
    "what arrives counts: 10 * (a - b), 10 * (a / b), 10 * a ** 2"
    assert_close(run("10 * (a - b)", a=5.0, b=3.0), {"value": 20.0, "a": 10.0, "b": -10.0})
    assert_close(run("10 * (a / b)", a=6.0, b=2.0), {"value": 30.0, "a": 5.0, "b": -15.0})
    assert_close(run("10 * a ** 2", a=3.0), {"value": 90.0, "a": 60.0})


### BEGIN HIDDEN TESTS
EXPRESSIONS = [
    "a - b",
    "c - a * b",
    "a * b - c",
    "a / b",
    "c / a + b",
    "a / c - b",
    "a ** 3 * b",
    "a + b ** -1.5",
    "(a - b) / (a / b) ** 2",
]


def test_against_differences():
    "every operation against differences of your own values"
    for expression in EXPRESSIONS:
        inputs = {"a": rng.uniform(0.5, 2, (2, 3)), "b": rng.uniform(0.5, 2, (2, 1)), "c": rng.uniform(0.5, 2, 3)}
        assert_close(
            run(expression, **inputs), measured(run, expression, inputs), rtol=1e-5, atol=1e-6, name=expression
        )


def test_against_torch():
    "every operation against PyTorch"
    for expression in EXPRESSIONS:
        inputs = {"a": rng.uniform(0.5, 2, (2, 3)), "b": rng.uniform(0.5, 2, (2, 1)), "c": rng.uniform(0.5, 2, 3)}
        assert_close(run(expression, **inputs), evaluate(pytorch.Tensor, expression, inputs), name=expression)


### END HIDDEN TESTS

check("arithmetic", points=4)


# %% mistake="arithmetic" name="minus-lost" hint="In a - b the share of `b` has lost its minus. When b grows, a - b falls."
def subtract(a, b):
    return Tensor.made("-", Tensor.value(a) - Tensor.value(b), (a, lambda grad: grad), (b, lambda grad: grad))


# %% mistake="arithmetic" name="divisor-grows" hint="In a / b the share of `b` has lost its minus. When the divisor grows, the quotient falls."
def divide(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    return Tensor.made("/", x / y, (a, lambda grad: grad / y), (b, lambda grad: grad * x / y**2))


# %% mistake="arithmetic" name="no-square" hint="The slope of x / y with respect to y is -x / y**2; in yours the divisor is not squared."
def divide(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    return Tensor.made("/", x / y, (a, lambda grad: grad / y), (b, lambda grad: -grad * x / y))


# %% mistake="arithmetic" name="numerator-times" hint="In a / b the share of `a` is multiplied by the divisor. Move the numerator a little: the quotient moves by that, DIVIDED by b."
def divide(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    return Tensor.made("/", x / y, (a, lambda grad: grad * y), (b, lambda grad: -grad * x / y**2))


# %% mistake="arithmetic" name="number-has-no-data" hint="In `10 - a` and `1 / a` one operand is a plain number, and a number has no `.data`. `Tensor.value(...)` gives the array behind either kind."
def subtract(a, b):
    return Tensor.made("-", a.data - b.data, (a, lambda grad: grad), (b, lambda grad: -grad))


def divide(a, b):
    x, y = a.data, b.data
    return Tensor.made("/", x / y, (a, lambda grad: grad / y), (b, lambda grad: -grad * x / (y * y)))


# %% mistake="arithmetic" name="same-exponent" hint="The exponent stayed as it was. The slope of x ** n is n * x ** (n - 1): one less."
def power(a, n):
    x = Tensor.value(a)
    return Tensor.made("**", x**n, (a, lambda grad: grad * n * x**n))


# %% mistake="arithmetic" name="no-factor" hint="The factor n is missing: the slope of x ** n is n * x ** (n - 1)."
def power(a, n):
    x = Tensor.value(a)
    return Tensor.made("**", x**n, (a, lambda grad: grad * x ** (n - 1)))


# %% mistake="arithmetic" name="chain-cut" hint="The rule of the power gives its own slope and does not use `grad`. Multiply it by what arrives."
def power(a, n):
    x = Tensor.value(a)
    return Tensor.made("**", x**n, (a, lambda grad: n * x ** (n - 1)))


# %% variant="arithmetic"
def subtract(a, b):
    return add(a, multiply(b, -1.0) if isinstance(b, Tensor) else -np.asarray(b))


def divide(a, b):
    return multiply(a, power(b, -1) if isinstance(b, Tensor) else 1 / np.asarray(b))


# %% variant="arithmetic"
def power(a, n):
    x = Tensor.value(a)
    slope = n * x ** (n - 1)
    return Tensor.made("**", np.power(x, n), (a, lambda grad: slope * grad))


# %% [markdown]
# ## 6. Four functions
#
# **In words.** A network needs bends. `exp` and `log` make losses, `relu` and `tanh` make hidden units. Each takes one
# operand, number by number.
#
# **In maths.** Two of the slopes are best said with the **result** $y$, which has been computed already:
#
# | function | value $y$ | slope | |
# |---|---|---|---|
# | exp | $e^x$ | $y$ | |
# | log | $\ln x$ | $1/x$ | |
# | relu | $\max(0, x)$ | 1 where $x > 0$, else 0 | at 0 we take 0, as PyTorch does |
# | tanh | $\tanh x$ | $1 - y^2$ | |
#
# **In small numbers.** $\tanh 0.5 \approx 0.4621$, so its slope there is $1 - 0.4621^2 \approx 0.7864$. A relu lets
# 2 through, with its gradient, and stops $-1$, with its gradient.
#
# > **Numerics.** What may a rule remember? It needs the array `y`. It does not need the Tensor that holds it. If
# > `y`'s rule holds the Tensor and the Tensor holds the rule, they keep each other alive after you have dropped them: a
# > *reference cycle*. Python's collector finds such a ring some time later; until then every graph that you have ever
# > computed fills the memory. So first compute `y = np.tanh(self.data)`, then let the rule use `y`.
#
# **In code.** Write the four methods, each with its name as op. `Tensor([-1.0, 2.0]).relu()` holds 0 and 2.


# %% exercise="functions" minutes=10 difficulty=2
@add_to(Tensor)
def exp(self):
    """e to the power of each number; op "exp"."""
    ### BEGIN SOLUTION
    y = np.exp(self.data)
    return Tensor.made("exp", y, (self, lambda grad: grad * y))
    ### END SOLUTION


@add_to(Tensor)
def log(self):
    """The natural logarithm of each number; op "log"."""
    ### BEGIN SOLUTION
    x = self.data
    return Tensor.made("log", np.log(x), (self, lambda grad: grad / x))
    ### END SOLUTION


@add_to(Tensor)
def relu(self):
    """The larger of 0 and each number; op "relu". The slope at 0 is 0."""
    ### BEGIN SOLUTION
    x = self.data
    return Tensor.made("relu", np.maximum(x, 0.0), (self, lambda grad: grad * (x > 0)))
    ### END SOLUTION


@add_to(Tensor)
def tanh(self):
    """The hyperbolic tangent of each number; op "tanh"."""
    ### BEGIN SOLUTION
    y = np.tanh(self.data)
    return Tensor.made("tanh", y, (self, lambda grad: grad * (1.0 - y**2)))
    ### END SOLUTION


# %% check="functions" points=6
@inside
def run(expression, **inputs):
    """The value of an expression, and each input's gradient after one backward pass."""
    return evaluate(Tensor, expression, inputs)


@inside
def kept_alive(values):
    """The sums of values and gradients, and the functions whose result lives on when nobody holds it any more."""
    sums, alive = [], []
    gc.disable()  # the collector would find a ring; without it only rings stay
    try:
        for name in ("exp", "log", "relu", "tanh"):
            inputs = Tensor(values)
            result = getattr(inputs, name)()
            result.backward()
            sums.append((result.data.sum(), inputs.grad.sum()))
            watch = weakref.ref(result)
            del result
            alive += [name] if watch() is not None else []
    finally:
        gc.enable()
    return sums, alive


def test_exp():
    "exp"
    values = np.array([1.0, 2.0, 0.5])
    assert_close(run("a.exp()", a=np.log(values)), {"value": values, "a": values})


def test_log():
    "log"
    found = run("a.log()", a=np.array([1.0, 2.0, 4.0]))
    assert_close(found, {"value": np.log([1.0, 2.0, 4.0]), "a": np.array([1.0, 0.5, 0.25])})


def test_relu():
    "relu, below 0, at 0 and above"
    found = run("a.relu()", a=np.array([-1.0, 0.0, 2.0]))
    assert_close(found, {"value": np.array([0.0, 0.0, 2.0]), "a": np.array([0.0, 0.0, 1.0])})


def test_tanh():
    "tanh"
    y = np.tanh([0.0, 0.5, -2.0])
    assert_close(run("a.tanh()", a=np.array([0.0, 0.5, -2.0])), {"value": y, "a": 1 - y * y})


def test_what_arrives():
    "what arrives is passed on, minus signs too"
    a = np.array([2.0, -1.0, 3.0])
    assert_close(run("c * a.relu()", a=a, c=np.array([-5.0, 7.0, 2.0]))["a"], np.array([-5.0, 0.0, 2.0]))
    assert_close(run("10 * a.exp()", a=0.0), {"value": 10.0, "a": 10.0})
    assert_close(run("10 * a.log()", a=2.0), {"value": 10 * np.log(2.0), "a": 5.0})
    assert_close(run("10 * a.tanh()", a=0.0), {"value": 0.0, "a": 10.0})


def test_no_ring():
    "all four once more: right, and no result is kept alive by its own rule"
    x = np.array([0.5, 1.0])
    slopes = [np.exp(x), 1 / x, np.ones(2), 1 - np.tanh(x) ** 2]
    values = [np.exp(x), np.log(x), x, np.tanh(x)]
    expected = [(value.sum(), slope.sum()) for value, slope in zip(values, slopes)]
    assert_close(kept_alive(x), (expected, []))


### BEGIN HIDDEN TESTS
EXPRESSIONS = ["a.exp() * b", "a.log() / b", "(a - b).relu() * a", "(a - b).tanh()", "(a * b).tanh() * (a / b).log()"]


def test_against_differences():
    "every function against differences of your own values"
    for expression in EXPRESSIONS:
        inputs = {"a": rng.uniform(0.3, 2, (2, 3)), "b": rng.uniform(0.3, 2, (2, 1))}
        inputs["a"][np.abs(inputs["a"] - inputs["b"]) < 1e-3] += 0.01  # not at a relu's bend
        assert_close(
            run(expression, **inputs), measured(run, expression, inputs), rtol=1e-5, atol=1e-6, name=expression
        )


def test_against_torch():
    "every function against PyTorch"
    for expression in EXPRESSIONS:
        inputs = {"a": rng.uniform(0.3, 2, (2, 3)), "b": rng.uniform(0.3, 2, (2, 1))}
        assert_close(run(expression, **inputs), evaluate(pytorch.Tensor, expression, inputs), name=expression)


### END HIDDEN TESTS

check("functions", points=6)


# %% mistake="functions" name="relu-at-zero" hint="Your relu has the slope 1 at exactly 0. By the course's agreement, which is PyTorch's, it is 0 there: `>` instead of `>=`."
@add_to(Tensor)
def relu(self):
    x = self.data
    return Tensor.made("relu", np.maximum(x, 0.0), (self, lambda grad: grad * (x >= 0)))


# %% mistake="functions" name="relu-of-the-gradient" hint="Your relu's rule looks at the sign of what arrives. Whether something passes is decided by the sign of the INPUT; a negative gradient passes like any other."
@add_to(Tensor)
def relu(self):
    return Tensor.made("relu", np.maximum(self.data, 0.0), (self, lambda grad: np.maximum(grad, 0.0)))


# %% mistake="functions" name="relu-in-place" hint="Your relu sets the negative numbers of its own input to 0. The input belongs to somebody else: make a new array."
@add_to(Tensor)
def relu(self):
    x = self.data
    x[x < 0] = 0.0
    return Tensor.made("relu", x, (self, lambda grad: grad * (x > 0)))


# %% mistake="functions" name="relu-stops-nothing" hint="The relu's rule lets everything through. Where the input was not positive the output stands still, so its share is 0."
@add_to(Tensor)
def relu(self):
    return Tensor.made("relu", np.maximum(self.data, 0.0), (self, lambda grad: grad))


# %% mistake="functions" name="relu-times-output" hint="Your relu's rule multiplies by the output. Where the input is positive the output moves exactly as the input does: the slope is 1."
@add_to(Tensor)
def relu(self):
    y = np.maximum(self.data, 0.0)
    return Tensor.made("relu", y, (self, lambda grad: grad * y))


# %% mistake="functions" name="one-maximum" hint="Python's `max` wants to know which of two things is larger, and of two arrays it cannot tell. NumPy's `np.maximum` compares number by number."
@add_to(Tensor)
def relu(self):
    x = self.data
    return Tensor.made("relu", max(x, 0.0), (self, lambda grad: grad * (x > 0)))


# %% mistake="functions" name="exp-of-input" hint="The slope of exp is exp itself: multiply by the result, not by the input."
@add_to(Tensor)
def exp(self):
    x = self.data
    return Tensor.made("exp", np.exp(x), (self, lambda grad: grad * x))


# %% mistake="functions" name="log-times" hint="The slope of the logarithm is 1 / x: divide what arrives by the input."
@add_to(Tensor)
def log(self):
    x = self.data
    return Tensor.made("log", np.log(x), (self, lambda grad: grad * x))


# %% mistake="functions" name="tanh-of-input" hint="The slope of tanh is 1 - y**2 with the RESULT y. You squared the input."
@add_to(Tensor)
def tanh(self):
    x = self.data
    return Tensor.made("tanh", np.tanh(x), (self, lambda grad: grad * (1.0 - x**2)))


# %% mistake="functions" name="tanh-not-squared" hint="The slope of tanh is 1 - y**2; the square is missing."
@add_to(Tensor)
def tanh(self):
    y = np.tanh(self.data)
    return Tensor.made("tanh", y, (self, lambda grad: grad * (1.0 - y)))


# %% mistake="functions" name="ring" hint="Your tanh is right, but its rule holds the Tensor that holds the rule: a ring that stays in memory. Compute `y = np.tanh(self.data)` first, and let the rule use that array."
@add_to(Tensor)
def tanh(self):
    result = Tensor.made("tanh", np.tanh(self.data), (self, lambda grad: grad * (1.0 - result.data**2)))
    return result


# %% mistake="functions" name="ring-exp" hint="Your exp is right, but its rule holds the Tensor that holds the rule: a ring that stays in memory. Compute `y = np.exp(self.data)` first, and let the rule use that array."
@add_to(Tensor)
def exp(self):
    result = Tensor.made("exp", np.exp(self.data), (self, lambda grad: grad * result.data))
    return result


# %% mistake="functions" name="chain-cut" hint="The rule of tanh gives its own slope and does not use `grad`. Multiply it by what arrives."
@add_to(Tensor)
def tanh(self):
    y = np.tanh(self.data)
    return Tensor.made("tanh", y, (self, lambda grad: 1.0 - y**2))


# %% variant="functions"
@add_to(Tensor)
def relu(self):
    on = (self.data > 0).astype(float)
    return Tensor.made("relu", self.data * on, (self, lambda grad: on * grad))


@add_to(Tensor)
def tanh(self):
    x = self.data
    return Tensor.made("tanh", np.tanh(x), (self, lambda grad: grad / np.cosh(x) ** 2))


# %% variant="functions"
@add_to(Tensor)
def tanh(self):
    e = (self * -2.0).exp()
    return (1.0 - e) / (1.0 + e)


@add_to(Tensor)
def relu(self):
    x = self.data
    return Tensor.made("relu", np.where(x > 0, x, 0.0), (self, lambda grad: np.where(x > 0, grad, 0.0)))


# %% [markdown]
# ## 7. Sums, shapes, places
#
# **In words.** The operations of this section change no number. They add numbers up, lay them out anew, or pick
# some. All their rules say the same: **every gradient goes back to the place that the number came from.**
#
# **In small numbers.** Take the table with the rows $(1, 2)$ and $(3, 4)$.
#
# - Its sum along axis 1 is $(3, 7)$. Suppose that the gradient $(1, 10)$ comes back. The 1 belongs to the first row:
#   both numbers there get 1. Both numbers of the second row get 10.
# - Its mean along axis 1 is $(1.5, 3.5)$. Each number moved the mean by half of itself, so they get $0.5$ and $5$.
# - Pick the rows 0, 0 and 1, and let ones come back. The first row was picked twice: it gets 2, the second gets 1.
# - Reshape or transpose it: the gradient is laid out back again. With three axes look twice. `transpose(1, 2, 0)` makes
#   (2, 3, 1) of the shape (1, 2, 3): axis 1 comes first, then 2, then 0. Now axis 0 stands at place 2, axis 1 at
#   place 0, axis 2 at place 1. So the way back is `transpose(2, 0, 1)`, and `np.argsort((1, 2, 0))` finds these places.
#
# **In maths.** If $s_i = \sum_j x_{ij}$ then $\bar x_{ij} = \bar s_i$. For a mean of $n$ numbers,
# $\bar x_{ij} = \bar s_i / n$. Picking $v = x_k$ gives $\bar x_k$ the **sum** of all gradients of places that picked it.
#
# > **Numerics.** On a square table a gradient of shape (2,) fits along both axes. NumPy takes the last, silently. So
# > first give back the axis that the sum took away: `np.expand_dims(grad, axis)` makes (2, 1) of (2,). Then
# > `np.broadcast_to(..., shape)` stretches along the right one. For picking, begin with zeros in the input's shape:
# > `full = np.zeros(shape)`. Then `full[key] = grad` keeps only one gradient where a place was picked twice;
# > `np.add.at(full, key, grad)` adds them all.
#
# **In code.** Write five methods. `axis` is None, a number or a tuple of numbers, as in NumPy. The sum is called `total`
# here, since a function named `sum` in your notebook would hide Python's own; `t.sum(...)` calls it.


# %% exercise="shapes" minutes=15 difficulty=3
@add_to(Tensor)
def total(self, axis=None, keepdims=False):
    """The sum of all numbers, or along `axis`; op "sum". With `keepdims` a summed axis stays, with size 1."""
    ### BEGIN SOLUTION
    shape = self.shape

    def rule(grad):
        lost = axis is not None and not keepdims
        return np.broadcast_to(np.expand_dims(grad, axis) if lost else grad, shape)

    return Tensor.made("sum", self.data.sum(axis=axis, keepdims=keepdims), (self, rule))
    ### END SOLUTION


@add_to(Tensor)
def mean(self, axis=None, keepdims=False):
    """The mean of all numbers, or along `axis`."""
    ### BEGIN SOLUTION
    summed = self.total(axis, keepdims)
    return summed * (summed.data.size / self.data.size)
    ### END SOLUTION


@add_to(Tensor)
def reshape(self, *shape):
    """The same numbers in another shape; op "reshape".  Called as t.reshape(2, 3), or t.reshape(-1)."""
    ### BEGIN SOLUTION
    before = self.shape
    return Tensor.made("reshape", self.data.reshape(*shape), (self, lambda grad: grad.reshape(before)))
    ### END SOLUTION


@add_to(Tensor)
def transpose(self, *axes):
    """The axes in another order, reversed if none is given; op "transpose".  Called as t.transpose(1, 2, 0)."""
    ### BEGIN SOLUTION
    order = np.ravel(axes or range(self.data.ndim)[::-1]) % self.data.ndim
    back = np.argsort(order)  # where each axis went
    return Tensor.made("transpose", self.data.transpose(order), (self, lambda grad: grad.transpose(back)))
    ### END SOLUTION


@add_to(Tensor)
def __getitem__(self, key):
    """The numbers at some places; op "[]".  Called as t[3], t[:, 1], t[[0, 0, 2]], whatever NumPy takes."""
    ### BEGIN SOLUTION
    shape = self.shape

    def rule(grad):
        full = np.zeros(shape)
        np.add.at(full, key, grad)  # a place that was picked twice gets both
        return full

    return Tensor.made("[]", self.data[key], (self, rule))
    ### END SOLUTION


# %% check="shapes" points=8
@inside
def run(expression, **inputs):
    """The value of an expression, and each input's gradient after one backward pass."""
    return evaluate(Tensor, expression, inputs)


SQUARE = np.array([[1.0, 2.0], [3.0, 4.0]])
TABLE = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def test_sum_of_all():
    "the sum of all numbers"
    assert_close(run("10 * a.sum()", a=TABLE), {"value": 210.0, "a": np.full((2, 3), 10.0)})


def test_sum_along():
    "the sum along an axis: the example from the text"
    found = run("c * a.sum(axis=1)", a=SQUARE, c=np.array([1.0, 10.0]))
    assert_close(found, {"value": np.array([3.0, 70.0]), "a": np.array([[1.0, 1.0], [10.0, 10.0]])})
    found = run("c * a.sum(axis=0)", a=SQUARE, c=np.array([1.0, 10.0]))
    assert_close(found, {"value": np.array([4.0, 60.0]), "a": np.array([[1.0, 10.0], [1.0, 10.0]])})


def test_sum_kept():
    "a sum that keeps its axis"
    found = run("c * a.sum(axis=1, keepdims=True)", a=SQUARE, c=np.array([[1.0], [10.0]]))
    assert_close(found, {"value": np.array([[3.0], [70.0]]), "a": np.array([[1.0, 1.0], [10.0, 10.0]])})


def test_mean():
    "a mean divides by as many numbers as went into it"
    assert_close(run("a.mean()", a=TABLE), {"value": 3.5, "a": np.full((2, 3), 1 / 6)})
    found = run("c * a.mean(axis=1)", a=TABLE, c=np.array([3.0, 30.0]))
    assert_close(found, {"value": np.array([6.0, 150.0]), "a": np.array([[1.0, 1.0, 1.0], [10.0, 10.0, 10.0]])})


def test_reshape():
    "another shape, and back"
    c = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert_close(run("c * a.reshape(3, 2)", a=TABLE, c=c), {"value": TABLE.reshape(3, 2) * c, "a": TABLE})


def test_transpose():
    "rows for columns"
    c = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    a = np.array([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]])
    assert_close(run("c * a.T", a=TABLE, c=c), {"value": TABLE.T * c, "a": a})


def test_three_axes():
    "three axes in a circle"
    a, c = np.arange(8.0).reshape(2, 2, 2), np.ones((2, 2, 2))
    a_turned = np.array([[[0.0, 4.0], [1.0, 5.0]], [[2.0, 6.0], [3.0, 7.0]]])
    assert_close(run("c * a.transpose(1, 2, 0)", a=a, c=c), {"value": a_turned, "a": c})
    assert_close(run("c * a.transpose(1, 2, 0)", a=a, c=a_turned), {"value": a_turned**2, "a": a})


def test_pick():
    "picking: a row, a column, and a row twice"
    assert_close(
        run("10 * a[1]", a=SQUARE), {"value": np.array([30.0, 40.0]), "a": np.array([[0.0, 0.0], [10.0, 10.0]])}
    )
    assert_close(run("a[:, 0]", a=SQUARE), {"value": np.array([1.0, 3.0]), "a": np.array([[1.0, 0.0], [1.0, 0.0]])})
    found = run("a[[0, 0, 1]]", a=SQUARE)
    assert_close(found, {"value": SQUARE[[0, 0, 1]], "a": np.array([[2.0, 2.0], [1.0, 1.0]])})


### BEGIN HIDDEN TESTS
EXPRESSIONS = {
    "sum, axis 1 of 3": "c * a.sum(axis=1)[:, None]",
    "sum, last axis": "c * a.sum(axis=-1)[..., None]",
    "sum, two axes": "c * a.sum(axis=(0, 2))[None, :, None]",
    "sum, kept": "c * a.sum(axis=(0, 1), keepdims=True)",
    "sum of all, kept": "c * a.sum(keepdims=True)",
    "mean, two axes": "c * a.mean(axis=(0, 2), keepdims=True)",
    "mean, last axis": "c * a.mean(axis=-1, keepdims=True)",
    "reshape, -1": "(c * a).reshape(-1) * 3",
    "reshape, a tuple": "(c * a).reshape((6, 4)) ** 2",
    "transpose, reversed": "(c * a).transpose() ** 2",
    "transpose, in a circle": "(c * a).transpose(2, 0, 1) ** 2",
    "a slice with a step": "(c * a)[:, ::2] ** 2",
    "pairs, one twice": "(c * a)[[0, 1, 0], [2, 1, 2]] ** 2",
    "a condition": "(c * a)[np.arange(24).reshape(2, 3, 4) % 5 == 0] ** 2",
    "a single number": "(c * a)[1, 2, 3] ** 2",
}


def test_against_differences():
    "every operation against differences of your own values"
    a, c = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 4))
    for name in ("sum, axis 1 of 3", "mean, two axes", "reshape, -1", "transpose, in a circle", "pairs, one twice"):
        expected = measured(run, EXPRESSIONS[name], {"a": a, "c": c})
        assert_close(run(EXPRESSIONS[name], a=a, c=c), expected, rtol=1e-5, atol=1e-6, name=name)


def test_against_torch():
    "every operation against PyTorch"
    for name, expression in EXPRESSIONS.items():
        inputs = {"a": rng.normal(size=(2, 3, 4)), "c": rng.normal(size=(2, 3, 4))}
        assert_close(run(expression, **inputs), evaluate(pytorch.Tensor, expression, inputs), name=name)


### END HIDDEN TESTS

check("shapes", points=8)


# %% mistake="shapes" name="not-stretched" hint="The sum's rule returns what arrives, in the shape of the sum. Every number that went into it gets its gradient: stretch it back to the input's shape, with `np.broadcast_to`."
@add_to(Tensor)
def total(self, axis=None, keepdims=False):
    return Tensor.made("sum", self.data.sum(axis=axis, keepdims=keepdims), (self, lambda grad: grad))


# %% mistake="shapes" name="not-stretched-refused" hint="What arrives at a sum has the shape of the sum, and your rule hands it on in that shape. Each number of the input gets a share: `np.broadcast_to(grad, shape)` stretches it to the shape of the input."
def unbroadcast(grad, shape):
    full = (1,) * (np.ndim(grad) - len(shape)) + tuple(shape)
    stretched = tuple(i for i in range(np.ndim(grad)) if full[i] == 1)
    return np.sum(grad, axis=stretched, keepdims=True).reshape(shape)


@add_to(Tensor)
def total(self, axis=None, keepdims=False):
    return Tensor.made("sum", self.data.sum(axis=axis, keepdims=keepdims), (self, lambda grad: grad))


# %% mistake="shapes" name="none-expanded" hint="`np.expand_dims(grad, axis)` gives back ONE lost axis. Without an axis, or with keepdims=True, there is none to give back: stretch what arrives as it is."
@add_to(Tensor)
def total(self, axis=None, keepdims=False):
    rule = lambda grad: np.broadcast_to(np.expand_dims(grad, axis), self.shape)
    return Tensor.made("sum", self.data.sum(axis=axis, keepdims=keepdims), (self, rule))


# %% mistake="shapes" name="plain-sum" hint="Your sum returns a plain array or number, which remembers nothing. Make the result with `Tensor.made`, like every operation."
@add_to(Tensor)
def total(self, axis=None, keepdims=False):
    return self.data.sum(axis=axis, keepdims=keepdims)


# %% mistake="shapes" name="wrong-axis" hint="For a sum along axis 1 your gradient is stretched along the wrong axis: NumPy aligns shapes from the right. Give the lost axis back first: `np.expand_dims(grad, axis)`."
@add_to(Tensor)
def total(self, axis=None, keepdims=False):
    shape = self.shape
    return Tensor.made("sum", self.data.sum(axis=axis, keepdims=keepdims), (self, lambda grad: np.zeros(shape) + grad))


# %% mistake="shapes" name="axis-kept-anyway" hint="Your sum always keeps its axis. Without keepdims=True the axis goes away: hand `keepdims` on to NumPy's sum."
@add_to(Tensor)
def total(self, axis=None, keepdims=False):
    shape = self.shape
    return Tensor.made(
        "sum", self.data.sum(axis=axis, keepdims=True), (self, lambda grad: np.broadcast_to(grad, shape))
    )


# %% mistake="shapes" name="mean-without-factor" hint="The mean's rule gives each number all of what arrives. Each moves the mean by one n-th of itself: divide by n, the count of numbers that went into one mean."
@add_to(Tensor)
def mean(self, axis=None, keepdims=False):
    shape = self.shape

    def rule(grad):
        return np.broadcast_to(grad if axis is None or keepdims else np.expand_dims(grad, axis), shape)

    return Tensor.made("mean", self.data.mean(axis=axis, keepdims=keepdims), (self, rule))


# %% mistake="shapes" name="mean-of-everything" hint="Along an axis your mean divides by the size of the whole table. Only the numbers along that axis went into one mean."
@add_to(Tensor)
def mean(self, axis=None, keepdims=False):
    return self.total(axis, keepdims) * (1.0 / self.data.size)


# %% mistake="shapes" name="mean-by-rows" hint="Your mean divides by `len(...)`, which counts the rows only. Count the numbers that went into one mean: all of them without an axis, else those along the axis."
@add_to(Tensor)
def mean(self, axis=None, keepdims=False):
    return self.total(axis, keepdims) * (1.0 / len(self.data))


# %% mistake="shapes" name="chain-cut" hint="The sum's rule gives ones and does not use what arrives. The slope of a sum is 1, times `grad`, stretched to the input's shape."
@add_to(Tensor)
def total(self, axis=None, keepdims=False):
    shape = self.shape
    return Tensor.made("sum", self.data.sum(axis=axis, keepdims=keepdims), (self, lambda grad: np.ones(shape)))


# %% mistake="shapes" name="not-laid-back" hint="After a reshape the gradient comes in the new shape. Lay it back: reshape it to the shape that the input had."
@add_to(Tensor)
def reshape(self, *shape):
    return Tensor.made("reshape", self.data.reshape(*shape), (self, lambda grad: grad))


# %% mistake="shapes" name="same-order" hint="To undo a transpose you apply the same order of axes once more. With two axes that happens to be right; with three in a circle it turns on. Each axis must go back where it came from: `np.argsort(axes)`."
@add_to(Tensor)
def transpose(self, *axes):
    order = axes or tuple(range(self.data.ndim))[::-1]
    return Tensor.made("transpose", self.data.transpose(order), (self, lambda grad: grad.transpose(order)))


# %% mistake="shapes" name="axes-unused" hint="`transpose(1, 2, 0)` does not use the axes that it is given: yours always reverses them."
@add_to(Tensor)
def transpose(self, *axes):
    return Tensor.made("transpose", self.data.T, (self, lambda grad: grad.T))


# %% mistake="shapes" name="picked-once" hint="A row that was picked twice got only one of its two gradients: `full[key] = grad` and `full[key] += grad` count each place once. `np.add.at(full, key, grad)` adds them all."
@add_to(Tensor)
def __getitem__(self, key):
    shape = self.shape

    def rule(grad):
        full = np.zeros(shape)
        full[key] += grad
        return full

    return Tensor.made("[]", self.data[key], (self, rule))


# %% mistake="shapes" name="not-put-back" hint="The rule of picking returns only the gradients of what was picked. Make zeros in the input's shape, and add them at the places they came from."
@add_to(Tensor)
def __getitem__(self, key):
    return Tensor.made("[]", self.data[key], (self, lambda grad: grad))


# %% variant="shapes"
@add_to(Tensor)
def total(self, axis=None, keepdims=False):
    kept, ones = self.data.sum(axis=axis, keepdims=True), np.ones(self.shape)
    value = kept if keepdims else self.data.sum(axis=axis)
    return Tensor.made("sum", value, (self, lambda grad: grad.reshape(kept.shape) * ones))


@add_to(Tensor)
def mean(self, axis=None, keepdims=False):
    value, shape = self.data.mean(axis=axis, keepdims=keepdims), self.shape
    kept = self.data.sum(axis=axis, keepdims=True).shape

    def rule(grad):
        return np.broadcast_to(np.reshape(grad, kept), shape) * (np.size(value) / np.prod(shape))

    return Tensor.made("mean", value, (self, rule))


# %% variant="shapes"
@add_to(Tensor)
def transpose(self, *axes):
    if len(axes) == 1 and not isinstance(axes[0], int):
        axes = axes[0]
    places = np.arange(self.data.size).reshape(self.shape).transpose(*axes)

    def rule(grad):
        flat = np.empty(places.size)
        flat[places.reshape(-1)] = grad.reshape(-1)
        return flat.reshape(shape)

    shape = self.shape
    return Tensor.made("transpose", self.data.transpose(*axes), (self, rule))


# %% [markdown]
# ## 8. The product of matrices
#
# **In words.** One layer of a network is one product, `X @ W`. Each number in the result is a row times a column. So each
# weight is used once for every example, and its gradient is a sum over all examples.
#
# **In small numbers.** $A = (1\;\; 2)$ is a row and $B$ the column of $3$ and $4$. Their product is
# $1 \cdot 3 + 2 \cdot 4 = 11$. Move the 1 by $0.01$: the product moves by $0.03$. So the gradient of $A$ is
# $(3\;\; 4)$, a **row**, as $A$ is; and the gradient of $B$ is the **column** of 1 and 2. Each factor gets the other
# one, turned round.
#
# **In maths.** $V = A B$ with the shapes $(N, M) = (N, K) \cdot (K, M)$. From $v_{nm} = \sum_k a_{nk} b_{km}$ it
# follows that $\bar a_{nk} = \sum_m \bar v_{nm} b_{km}$ and $\bar b_{km} = \sum_n a_{nk} \bar v_{nm}$, or in one stroke
#
# $$\bar A = \bar V B^\top, \qquad \bar B = A^\top \bar V .$$
#
# You need not learn this by heart: the **shapes** decide. $\bar A$ has the shape $(N, K)$. You have $\bar V$ with
# $(N, M)$ and $B$ with $(K, M)$. There is one way to multiply them so that it fits.
#
# **In code.** Write `matmul` for two matrices, (N, K) @ (K, M), and for stacks of them, (..., N, K) @ (..., K, M). In a
# stack only the last two axes are exchanged: `.T` would turn all of them round, `np.swapaxes(y, -1, -2)` does not. A
# stack may meet a single matrix; then your `unbroadcast` sums, as always. Vectors are done for you.


# %% exercise="matmul" minutes=8 difficulty=2
def matmul(a, b):
    """a @ b as in NumPy; op "@".

    Args:
        a, b: Tensors, or plain arrays: (..., N, K) and (..., K, M), or a vector, (K,), on either side.

    Returns:
        A Tensor, (..., N, M), without the axis that a vector does not have.
    """
    x, y = Tensor.value(a), Tensor.value(b)
    if y.ndim == 1:  # (..., K) @ (K,): each row times y, summed
        return Tensor.made("@", x @ y, (a, lambda grad: grad[..., None] * y), (b, lambda grad: grad[..., None] * x))
    if x.ndim == 1:  # (K,) @ (..., K, M)
        for_a, for_b = lambda grad: (y * grad[..., None, :]).sum(axis=-1), lambda grad: x[:, None] * grad[..., None, :]
        return Tensor.made("@", x @ y, (a, for_a), (b, for_b))
    ### BEGIN SOLUTION
    for_a, for_b = lambda grad: grad @ np.swapaxes(y, -1, -2), lambda grad: np.swapaxes(x, -1, -2) @ grad
    return Tensor.made("@", x @ y, (a, for_a), (b, for_b))
    ### END SOLUTION


# %% check="matmul" points=5
@inside
def run(expression, **inputs):
    """The value of an expression, and each input's gradient after one backward pass."""
    return evaluate(Tensor, expression, inputs)


A = np.array([[1.0, 2.0], [3.0, 4.0]])
B = np.array([[5.0, 6.0], [7.0, 8.0]])


def test_row_by_column():
    "a row times a column, as in the text"
    found = run("a @ b", a=np.array([[1.0, 2.0]]), b=np.array([[3.0], [4.0]]))
    assert_close(found, {"value": np.array([[11.0]]), "a": np.array([[3.0, 4.0]]), "b": np.array([[1.0], [2.0]])})


def test_square():
    "square matrices, where no shape helps"
    found = run("c * (a @ b)", a=A, b=B, c=np.array([[1.0, 0.0], [0.0, 10.0]]))
    value, b = np.array([[19.0, 0.0], [0.0, 500.0]]), np.array([[1.0, 30.0], [2.0, 40.0]])
    assert_close(found, {"value": value, "a": np.array([[5.0, 7.0], [60.0, 80.0]]), "b": b})


def test_shapes():
    "(2, 3) @ (3, 4): the sums of b's rows, the sums of a's columns"
    a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    rows, columns = np.stack([b.sum(axis=1)] * 2), np.stack([a.sum(axis=0)] * 4, axis=1)
    assert_close(run("a @ b", a=a, b=b), {"value": a @ b, "a": rows, "b": columns})


def test_constant_left():
    "a constant on the left, as in X @ W, with a table of weights and with a vector"
    c = np.array([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]])
    assert_close(run("c @ b", b=B, c=c), {"value": c @ B, "b": np.array([[3.0, 3.0], [4.0, 4.0]])})
    assert_close(run("c @ b", b=B[0], c=c), {"value": c @ B[0], "b": np.array([3.0, 4.0])})


def test_stack():
    "a stack of two matrices times one"
    a, ones = np.stack([A, 2 * A]), np.ones((2, 2))
    b = np.array([[12.0, 12.0], [18.0, 18.0]])
    assert_close(run("a @ b", a=a, b=B), {"value": a @ B, "a": np.stack([ones @ B.T] * 2), "b": b})


### BEGIN HIDDEN TESTS
EXPRESSIONS = {
    "c @ (a @ b)": ((2, 3), (3, 4), (5, 2)),
    "c * (a @ b)": ((2, 3), (3, 4), (2, 4)),
    "(a @ b) @ c": ((4, 2, 3), (3, 3), (3, 2)),
    "(a @ b) * (a @ b)": ((2, 3), (4, 3, 2), ()),
    "(a @ b) * (a @ b) * c": ((2, 1, 2, 3), (4, 3, 2), ()),
    "(a @ b) * (b @ c)": ((3, 4), (4,), (4, 3)),
    "(b @ a).tanh() * c": ((4, 3), (4,), (3,)),
}


def test_against_differences():
    "every kind against differences of your own values"
    for expression in ("c * (a @ b)", "(a @ b) @ c"):
        inputs = dict(zip("abc", (rng.normal(size=shape) for shape in EXPRESSIONS[expression])))
        expected = measured(run, expression, inputs)
        assert_close(run(expression, **inputs), expected, rtol=1e-5, atol=1e-6, name=expression)


def test_against_torch():
    "every kind against PyTorch"
    for expression, shapes in EXPRESSIONS.items():
        inputs = dict(zip("abc", (rng.normal(size=shape) for shape in shapes)))
        assert_close(run(expression, **inputs), evaluate(pytorch.Tensor, expression, inputs), name=expression)


### END HIDDEN TESTS

check("matmul", points=5)


# %% mistake="matmul" name="nothing-transposed" hint="The other factor is not transposed. For square matrices the shapes do not object, and the numbers are wrong: a's gradient is grad @ (b transposed), b's is (a transposed) @ grad."
def matmul(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    return Tensor.made("@", x @ y, (a, lambda grad: grad @ y), (b, lambda grad: x @ grad))


# %% mistake="matmul" name="wrong-side" hint="The factors stand on the wrong side of `grad`: b stood on the right of the product, so its transpose stands on the right of `grad`; a's on the left."
def matmul(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    return Tensor.made("@", x @ y, (a, lambda grad: y.T @ grad), (b, lambda grad: grad @ x.T))


# %% mistake="matmul" name="all-axes-turned" hint="For a stack, `.T` turns round all axes, the stack's too. Exchange the last two only: `np.swapaxes(y, -1, -2)`."
def matmul(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    if 1 in (x.ndim, y.ndim):
        return Tensor.made("@", x @ y, (a, lambda grad: grad[..., None] * y), (b, lambda grad: grad[..., None] * x))
    return Tensor.made("@", x @ y, (a, lambda grad: grad @ y.T), (b, lambda grad: x.T @ grad))


# %% mistake="matmul" name="number-by-number" hint="These are the rules of `*`, number by number. Each number of a matrix product is a sum over a whole row and column: the rules are matrix products too."
def matmul(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    return Tensor.made("@", x @ y, (a, lambda grad: grad * y), (b, lambda grad: grad * x))


# %% mistake="matmul" name="value-by-number" hint="The value itself is the product number by number. A matrix product is `x @ y`."
def matmul(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    for_a, for_b = lambda grad: grad @ np.swapaxes(y, -1, -2), lambda grad: np.swapaxes(x, -1, -2) @ grad
    return Tensor.made("@", x * y, (a, for_a), (b, for_b))


# %% mistake="matmul" name="gradient-transposed" hint="You transposed `grad` as well. Only the other factor is turned round: grad @ (b transposed), (a transposed) @ grad."
def matmul(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    return Tensor.made("@", x @ y, (a, lambda grad: grad.T @ y.T), (b, lambda grad: x.T @ grad.T))


# %% mistake="matmul" name="exchanged" hint="Each factor got the other one's rule. `a` needs the share that is made with b, `b` the one that is made with a."
def matmul(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    for_a, for_b = lambda grad: grad @ np.swapaxes(y, -1, -2), lambda grad: np.swapaxes(x, -1, -2) @ grad
    return Tensor.made("@", x @ y, (a, for_b), (b, for_a))


# %% variant="matmul"
def matmul(a, b):
    x, y = Tensor.value(a), Tensor.value(b)
    left, right = np.atleast_2d(x), y if y.ndim > 1 else y[:, None]

    def whole(grad):
        grad = grad[..., None] if y.ndim == 1 else grad
        return grad[..., None, :] if x.ndim == 1 else grad

    def for_a(grad):
        return np.einsum("...nm,...km->...nk", whole(grad), right)

    def for_b(grad):
        share = np.einsum("...nk,...nm->...km", left, whole(grad))
        return share[..., 0] if y.ndim == 1 else share

    return Tensor.made("@", x @ y, (a, for_a), (b, for_b))


# %% [markdown]
# ### See it: a small network
#
# Two examples with three features, two hidden units, one output each; the last box adds the two outputs up. Every box
# is a whole array now. Step through it and watch the shapes on the way back: each gradient has the shape of its value.
# Where is something summed, since it was used for both examples?


# %%
def small_network(W1, b1, W2):
    """The summed outputs of a network with one hidden layer, for two examples."""
    X = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]])
    hidden = (X @ W1 + b1).tanh()
    return (hidden @ W2).sum()


dice = np.random.default_rng(3)
step_through(small_network, Tensor, W1=dice.normal(size=(3, 2)), b1=np.zeros(2), W2=dice.normal(size=(2, 1)))

# %% [markdown]
# ## 9. The result: a network that reads digits
#
# Everything is there. 64 pixels go into 64 hidden units with a relu, and those into ten scores, one for each digit. The
# loss is the cross-entropy of unit 02, for ten classes: the surprise at the true digit, $-\ln p$, averaged. The
# probabilities are $p_k = e^{z_k} / \sum_j e^{z_j}$; unit 05 says more about that. Note what is **not** here: no
# derivative. You write the loss as a formula, and your machine finds 4,810 slopes.

# %%
images, labels = digits()  # (1797, 8, 8) of ink from 0 to 1, (1797,)
order = np.random.default_rng(0).permutation(len(labels))
train, test = order[:1300], order[1300:]
X_train, y_train, X_test, y_test = (
    images[train].reshape(-1, 64),
    labels[train],
    images[test].reshape(-1, 64),
    labels[test],
)


def scores(weights, X):
    """Ten scores for each row of X, (N, 10); with two weights a linear classifier, with four a network."""
    *first, W, b = weights
    hidden = (X @ first[0] + first[1]).relu() if first else X
    return hidden @ W + b


def cross_entropy(weights, X, y):
    """The mean surprise at the true digits."""
    z = scores(weights, X)
    z = z - z.data.max(axis=1, keepdims=True)  # a constant for each row: it changes no probability, and exp stays small
    log_p = z - z.exp().sum(axis=1, keepdims=True).log()
    return -log_p[np.arange(len(y)), y].mean()


def fit(hidden=64, epochs=40, lr=0.2, batch=32):
    """Train by gradient descent on batches; the weights after each epoch, as arrays, and the seconds it took."""
    dice, began = np.random.default_rng(1), time.perf_counter()
    sizes = [64, hidden, 10] if hidden else [64, 10]
    weights = []
    for n, m in zip(sizes, sizes[1:]):
        weights += [Tensor(dice.normal(scale=np.sqrt(2 / n), size=(n, m))), Tensor(np.zeros(m))]
    history = [[w.data.copy() for w in weights]]
    for _ in range(epochs):
        shuffled = dice.permutation(len(y_train))
        for rows in np.split(shuffled, range(batch, len(shuffled), batch)):
            for w in weights:
                w.grad = None
            cross_entropy(weights, X_train[rows], y_train[rows]).backward()
            for w in weights:
                w.data -= lr * w.grad
        history.append([w.data.copy() for w in weights])
    return history, time.perf_counter() - began


def tested(history):
    """Loss on both sets, and the share of test digits read rightly, after each epoch."""
    runs = [[Tensor(w) for w in weights] for weights in history]
    losses = np.array([[cross_entropy(w, X_train, y_train).data, cross_entropy(w, X_test, y_test).data] for w in runs])
    right = np.array([np.mean(scores(w, X_test).data.argmax(axis=1) == y_test) for w in runs])
    return losses, right


network, linear = written(fit), written(fit, hidden=0)
if network and linear:
    results, baseline = tested(network[0]), tested(linear[0])
    print(f"linear: {baseline[1][-1]:.3f} of the test digits right, {linear[1]:.1f} s")
    print(f"network: {results[1][-1]:.3f} of the test digits right, {network[1]:.1f} s")
else:
    print("Write all eight exercises first, then run this cell again.")


# %%
def report(epoch, rank):
    """How the training went, what the hidden units look at, and a test digit, the most surprising first."""
    if not (network and linear):
        return plot.message("Write all eight exercises first, then run the cell above and this one again.")
    losses, right = results
    weights = network[0][epoch]
    figure, axes = plot.figure(3, height=3.0)
    for column, name in enumerate(("training", "test")):
        axes[0].plot(losses[:, column], label=f"loss, {name}")
    axes[0].plot(1 - right, label="misread, test")
    axes[0].axhline(1 - baseline[1][-1], color="black", linestyle=":", label="misread, linear")
    axes[0].axvline(epoch, color="black", linewidth=0.8)
    axes[0].set(xlabel="epoch", ylim=(0, 0.6))
    axes[0].set_title(f"{right[epoch]:.1%} of the test right", fontsize=10)
    axes[0].legend(fontsize=8)
    strong = np.argsort(-np.linalg.norm(weights[2], axis=1), kind="stable")[:16]  # the units that count most
    units = np.pad(weights[0].T[strong].reshape(4, 4, 8, 8), ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=np.nan)
    axes[1].imshow(units.transpose(0, 2, 1, 3).reshape(40, 40), cmap=plot.diverging(), vmin=-0.8, vmax=0.8)
    axes[1].set_title("what 16 hidden units look at", fontsize=10)
    z = scores([Tensor(w) for w in weights], X_test).data
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    shown = np.argsort(p[np.arange(len(y_test)), y_test], kind="stable")[rank]
    axes[2].imshow(X_test[shown].reshape(8, 8), cmap="Greys", vmin=0, vmax=1)
    read = p[shown].argmax()
    axes[2].set_title(f"test: a {y_test[shown]}, read as {read} ({p[shown, read]:.0%})", fontsize=10)
    for axis in axes[1:]:
        axis.axis("off")
    return figure


explore(report, epoch=slider(40, 0, 40, label="epoch"), rank=slider(0, 0, 99, label="test digit"))

# %% [markdown]
# The number to beat is the dotted line: a linear classifier, trained by the same code with the hidden layer left out.
# On this split it reads 0.968 of the test digits rightly. Over twenty random splits it was 0.961 on average, and 0.971 for
# the network: a quarter of the mistakes are gone. A single split is a throw of the dice. The network's results ran from
# 0.956 to 0.988.
#
# > **In PyTorch** you would write the same formulas, and `loss.backward()`. What differs: its tensors are float32 by default;
# > only tensors with `requires_grad=True` are nodes, where we take every Tensor; and its rules are written in C++.
# > For a network of 784, 128 and 10 units this page's own solution, in double precision, needed 0.8 times the time
# > of PyTorch in double precision, and 1.4 times that of PyTorch in its usual single precision, on one thread. Nearly all
# > of it goes into the same matrix products.
#
# **Question 3 (2 points).** Take the two lines `for w in weights: w.grad = None` out of `fit`. What do the steps then
# follow, instead of the slope of the batch? Why does the training still work for a while, and then go wrong?

# %% [markdown] question="why-none" points=2
# The gradients add up over all passes since the beginning, so each step follows the sum of the gradients of all batches
# so far, most of them taken at weights that are long gone. At first they all point in about the same direction, so the
# loss still falls, with steps that grow and grow. Later the old gradients push on where the slope has long turned round: the
# weights shoot past every valley, and the loss swings or blows up.

# %% [markdown]
# ### How deep, and how fast?
#
# The last two claims of this page, on your machine: a chain of 20,000 operations, and the time for one step of a
# network of 784, 128 and 10 units on a batch of 64.


# %%
def depth_and_speed():
    """Forward and back through 20,000 operations; one training step of a network for MNIST's pictures."""
    began, end = time.perf_counter(), Tensor(1.0)
    for _ in range(20_000):
        end = end * 1.0001
    end.backward()
    print(f"20,000 operations, forward and back: {time.perf_counter() - began:.2f} s")
    dice = np.random.default_rng(0)
    X, y = dice.random(size=(64, 784)), dice.integers(0, 10, size=64)
    weights = [Tensor(dice.normal(scale=0.05, size=shape)) for shape in ((784, 128), (128,), (128, 10), (10,))]
    began = time.perf_counter()
    for _ in range(20):
        cross_entropy(weights, X, y).backward()
    print(f"one step of the network: {(time.perf_counter() - began) / 20 * 1000:.1f} ms")
    return True


if written(depth_and_speed) is None:
    print("Write all eight exercises first, then run this cell again.")

# %% [markdown]
# ## Your library so far
#
# Each exercise that passed its check is kept in the folder `mine`, beside this notebook: ordinary Python that you can
# read and change. Unit 06 builds its layers on your `Tensor`, as soon as all eight are there.

# %% locked
gradus.library()

# %% [markdown]
# ## What you can do now
#
# - Draw the graph of a formula, and carry values forward and gradients back through it by hand.
# - Say why gradients are added where a number is used twice, and why the order is a topological one.
# - Find such an order without recursion.
# - Undo broadcasting: sum over the axes along which an array was stretched.
# - Derive and write the rule of a new operation, and check it against differences.
# - Recognise the classic mistakes: a gradient that is assigned, a box that is shared, a ring that fills the memory.
# - Write any loss as a formula, and train a network without deriving anything.
#
# Next, in unit 04, the steps get better: what to do with a gradient once you have it.
#
# ## Further reading
#
# - David E. Rumelhart, Geoffrey E. Hinton and Ronald J. Williams, "Learning representations by back-propagating errors",
#   *Nature*, 1986. Four pages. With what you have written you can repeat its experiments.
# - Andreas Griewank and Andrea Walther, *Evaluating Derivatives: Principles and Techniques of Algorithmic
#   Differentiation*, second edition, 2008. The whole field; chapter 3 is your engine.
# - Atılım Güneş Baydin, Barak A. Pearlmutter, Alexey Andreyevich Radul and Jeffrey Mark Siskind, "Automatic
#   Differentiation in Machine Learning: a Survey", *Journal of Machine Learning Research*, 2018. What else the method can do,
#   and what it is not.
