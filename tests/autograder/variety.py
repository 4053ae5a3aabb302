"""A class that writes for itself: right answers to unit 02 put together from choices that people make, one by one.

Nobody copies here. Two who are alike have made the same choices by chance, as in a real class: many write the short
functions alike, few the long ones.
"""

from __future__ import annotations

import ast
import random

from autograder.bundle import Bundle
from autograder.release import filled, to_text

UNIT = "02_neuron"


def linear(pick):
    return pick(
        "def linear(X, w, b):\n    return X @ w + b\n",
        "def linear(X, w, b):\n    return np.dot(X, w) + b\n",
        "def linear(X, w, b):\n    return (X * w).sum(axis=1) + b\n",
        "def linear(X, w, b):\n    scores = X.dot(w)\n    return scores + b\n",
        "def linear(X, w, b):\n    out = X @ w\n    out = out + b\n    return out\n",
    )


def sigmoid(pick):
    head = "def sigmoid(z):\n"
    first = pick(
        "    z = np.asarray(z, dtype=float)\n", "    z = np.array(z) * 1.0\n", "    z = np.asarray(z).astype(float)\n"
    )
    where = first + pick(
        "    positive = z >= 0\n    small = np.exp(-np.abs(z))\n    return np.where(positive, 1 / (1 + small), small / (1 + small))\n",
        "    big = np.exp(-np.maximum(z, 0))\n    other = np.exp(np.minimum(z, 0))\n    return np.where(z > 0, 1 / (1 + big), other / (1 + other))\n",
        "    t = np.exp(-abs(z))\n    upper = 1.0 / (1.0 + t)\n    return np.where(z < 0, 1.0 - upper, upper)\n",
    )
    masks = first + (
        pick("    out = np.empty_like(z)\n", "    out = np.zeros(z.shape)\n", "    out = np.ones_like(z)\n")
        + pick("    up = z >= 0\n    down = ~up\n", "    up = z > 0\n    down = z <= 0\n")
        + "    out[up] = 1 / (1 + np.exp(-z[up]))\n"
        + pick(
            "    e = np.exp(z[down])\n    out[down] = e / (1 + e)\n",
            "    out[down] = np.exp(z[down]) / (1 + np.exp(z[down]))\n",
            "    out[down] = 1 - 1 / (1 + np.exp(z[down]))\n",
        )
        + "    return out\n"
    )
    other = pick(
        "    return 0.5 * (1 + np.tanh(np.asarray(z) / 2))\n",
        "    half = np.tanh(0.5 * np.asarray(z))\n    return (half + 1) / 2\n",
        "    return np.exp(-np.logaddexp(0, -np.asarray(z, dtype=float)))\n",
    )
    return head + pick(where, masks, other)


def mse_loss(pick):
    test = pick(
        "    if np.shape(y_hat) != np.shape(y):\n",
        "    if y_hat.shape != y.shape:\n",
        "    same = np.shape(y) == np.shape(y_hat)\n    if not same:\n",
    )
    complaint = pick(
        '        raise ValueError("shapes differ")\n',
        '        raise ValueError(f"{y_hat.shape} and {y.shape}")\n',
        '        message = "the shapes are not the same"\n        raise ValueError(message)\n',
    )
    rest = pick(
        "    return np.mean((y_hat - y) ** 2)\n",
        "    return ((y - y_hat) ** 2).mean()\n",
        "    diff = y_hat - y\n    return np.mean(diff * diff)\n",
        "    d = np.subtract(y_hat, y)\n    return np.square(d).sum() / d.size\n",
    )
    return "def mse_loss(y_hat, y):\n" + test + complaint + rest


def bce_loss(pick):
    clip = pick(
        "    p = np.clip(p, 1e-12, 1 - 1e-12)\n",
        "    eps = 1e-12\n    p = np.clip(p, eps, 1 - eps)\n",
        "    p = np.minimum(np.maximum(p, 1e-12), 1 - 1e-12)\n",
    )
    rest = pick(
        "    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))\n",
        "    losses = -(y * np.log(p) + (1 - y) * np.log(1 - p))\n    return losses.mean()\n",
        "    one = y * np.log(p)\n    zero = (1 - y) * np.log(1 - p)\n    return -(one + zero).mean()\n",
        "    return -np.log(np.where(y == 1, p, 1 - p)).mean()\n",
        "    total = 0\n    for pi, yi in zip(p, y):\n        total -= np.log(pi) if yi == 1 else np.log(1 - pi)\n    return total / len(p)\n",
    )
    return "def bce_loss(p, y):\n" + clip + rest


def numerical_gradient(pick):
    start = pick(
        "    x = np.array(x, dtype=float)\n",
        "    x = np.asarray(x).astype(float)\n",
        "    x = x.copy().astype(float)\n",
        "    x = np.array(x) + 0.0\n",
    )
    grad = pick("    grad = np.zeros_like(x)\n", "    grad = np.zeros(x.shape)\n", "    grad = np.empty(x.shape)\n")
    loop = pick(
        "    for i in np.ndindex(*x.shape):\n",
        "    for i, _ in np.ndenumerate(x):\n",
        "    for k in range(x.size):\n        i = np.unravel_index(k, x.shape)\n",
        "    for i in list(np.ndindex(x.shape)):\n",
    )
    body = pick(
        "        up = x.copy()\n        up[i] += h\n        down = x.copy()\n        down[i] -= h\n        grad[i] = (f(up) - f(down)) / (2 * h)\n",
        "        old = x[i]\n        x[i] = old + h\n        high = f(x)\n        x[i] = old - h\n        low = f(x)\n        x[i] = old\n        grad[i] = (high - low) / (2 * h)\n",
        "        delta = np.zeros(x.shape)\n        delta[i] = h\n        rise = f(x + delta) - f(x - delta)\n        grad[i] = rise / h / 2\n",
        "        plus, minus = x.copy(), x.copy()\n        plus[i] = plus[i] + h\n        minus[i] = minus[i] - h\n        grad[i] = 0.5 * (f(plus) - f(minus)) / h\n",
    )
    return "def numerical_gradient(f, x, h=1e-5):\n" + start + grad + loop + body + "    return grad\n"


def bce_gradient(pick):
    p = pick(
        "    p = sigmoid(linear(X, w, b))\n",
        "    z = linear(X, w, b)\n    p = sigmoid(z)\n",
        "    p = sigmoid(X @ w + b)\n",
    )
    count = pick("    n = len(y)\n", "    n = X.shape[0]\n", "    n = y.size\n")
    rest = pick(
        "    dw = X.T @ (p - y) / n\n    db = (p - y).sum() / n\n",
        "    error = p - y\n    dw = np.dot(error, X) / n\n    db = error.mean()\n",
        "    d = (p - y) / n\n    dw = X.T.dot(d)\n    db = np.sum(d)\n",
        "    dw = ((p - y)[:, None] * X).mean(axis=0)\n    db = np.mean(p - y)\n",
    )
    return "def bce_gradient(X, y, w, b):\n" + p + count + rest + "    return dw, db\n"


def fit_logistic(pick):
    start = pick(
        "    w = np.zeros(X.shape[1])\n    b = 0.0\n",
        "    n, d = X.shape\n    w, b = np.zeros(d), 0.0\n",
        "    b = 0.0\n    w = np.zeros(len(X[0]))\n",
    )
    loop = pick(
        "    for _ in range(steps):\n",
        "    for step in range(steps):\n",
        "    i = 0\n    while i < steps:\n        i += 1\n",
    )
    body = pick(
        "        dw, db = bce_gradient(X, y, w, b)\n        w = w - lr * dw\n        b = b - lr * db\n",
        "        dw, db = bce_gradient(X, y, w, b)\n        w -= lr * dw\n        b -= lr * db\n",
        "        g = bce_gradient(X, y, w, b)\n        w, b = w - lr * g[0], b - lr * g[1]\n",
        "        slopes = bce_gradient(X, y, w, b)\n        b = b - lr * slopes[1]\n        w = w - slopes[0] * lr\n",
    )
    return "def fit_logistic(X, y, lr, steps):\n" + start + loop + body + "    return w, b\n"


class Habits(ast.NodeTransformer):
    """Rewrites an answer as somebody else would have put it, here and there: the values stay the same."""

    def __init__(self, dice: random.Random, often: float) -> None:
        self.dice, self.often, self.temporaries = dice, often, 0

    def _turn(self) -> bool:
        return self.dice.random() < self.often

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, (ast.Add, ast.Mult)) and self._turn():
            node.left, node.right = node.right, node.left
        if isinstance(node.op, ast.Sub) and self._turn():  # a - b = -b + a
            node = ast.BinOp(ast.UnaryOp(ast.USub(), node.right), ast.Add(), node.left)
        if isinstance(node.op, ast.Div) and self._turn():
            call = self.dice.choice(["np.divide", "np.true_divide"])
            node = ast.Call(ast.parse(call, mode="eval").body, [node.left, node.right], [])
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and self._turn():
            node = ast.Call(ast.parse("np.square", mode="eval").body, [node.left], [])
        return node

    def visit_Call(self, node):
        self.generic_visit(node)
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in ("mean", "sum", "copy") and self._turn():
            if isinstance(function.value, ast.Name) and function.value.id == "np":
                node = ast.Call(ast.Attribute(node.args[0], function.attr, ast.Load()), node.args[1:], node.keywords)
            else:
                name = ast.parse(f"np.{function.attr}", mode="eval").body
                node = ast.Call(name, [function.value, *node.args], node.keywords)
        return node

    def body(self, statements):
        """Statements, some of whose values get a name of their own first."""
        found = []
        for node in statements:
            for inner in ("body", "orelse"):
                if getattr(node, inner, None):
                    setattr(node, inner, self.body(getattr(node, inner)))
            value = getattr(node, "value", None)
            if isinstance(node, (ast.Assign, ast.Return)) and isinstance(value, ast.BinOp) and self._turn():
                self.temporaries += 1
                name = f"t{self.temporaries}"
                side = self.dice.choice(["left", "right"])
                found.append(ast.Assign([ast.Name(name, ast.Store())], getattr(value, side)))
                setattr(value, side, ast.Name(name, ast.Load()))
            found.append(node)
        return found


def habitual(source: str, dice: random.Random, often: float) -> str:
    tree = ast.parse(source)
    habits = Habits(dice, often)
    for function in tree.body:
        habits.visit(function)
        function.body = habits.body(function.body)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


EXERCISES = (linear, sigmoid, mse_loss, bce_loss, numerical_gradient, bce_gradient, fit_logistic)


def answers(seed: int) -> dict[str, str]:
    """One student's own: exercise -> code. Each student leans to the choices that most make."""
    dice = random.Random(seed)

    def pick(*choices):
        return dice.choices(choices, weights=[1 / (rank + 1) for rank in range(len(choices))])[0]

    return {write.__name__: habitual(write(pick), dice, 0.15) for write in EXERCISES}


def class_of(count: int) -> dict[str, dict[str, str]]:
    return {f"student-{number:03d}": answers(number) for number in range(count)}


def paper(bundle: Bundle, given: dict[str, str]) -> str:
    """A notebook with these answers in it."""
    return to_text(filled(bundle.release, given))
