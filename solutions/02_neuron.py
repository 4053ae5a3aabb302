# %% [markdown]
# # You will teach one neuron to tell two handwritten digits apart
#
# A neuron is the smallest network there is: a weighted sum, then a squashing function. In this unit you write it,
# measure how wrong it is, work out in which direction to turn its weights, and turn them. Nothing is hidden in a
# library. It takes about 90 minutes.

# %% setup
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import gradus
from gradus import plot
from gradus.check import assert_close, assert_gradient, check, inside, rng
from gradus.widgets import explore

gradus.unit("02_neuron")

# %%
two_clouds = np.concatenate([np.random.default_rng(3).normal(m, 0.7, size=(40, 2)) for m in ((-1, -1), (1, 1))])
cloud_labels = np.repeat([0.0, 1.0], 40)


def by_hand(angle=100.0, offset=0.6):
    """Two clouds of points and a line that is turned by hand."""
    turn = np.deg2rad(angle)
    side = two_clouds @ [np.cos(turn), np.sin(turn)] - offset > 0
    figure, axes = plot.figure(height=3.4, width=4.6)
    for label, marker in ((0, "o"), (1, "^")):
        mine = cloud_labels == label
        axes.scatter(two_clouds[mine, 0], two_clouds[mine, 1], marker=marker, s=18, label=f"class {label}")
    t = np.array([-5, 5])
    axes.plot(offset * np.cos(turn) - t * np.sin(turn), offset * np.sin(turn) + t * np.cos(turn), color="black")
    right = np.mean(side == cloud_labels)
    axes.set(xlim=(-3.5, 3.5), ylim=(-3.5, 3.5), title=f"{right:.0%} on the right side", xlabel="x1", ylabel="x2")
    axes.legend(loc="upper left")
    return figure


explore(
    by_hand,
    angle=ipywidgets.FloatSlider(value=100, min=0, max=180, step=5, description="angle (°)"),
    offset=ipywidgets.FloatSlider(value=0.6, min=-3, max=3, step=0.2, description="offset"),
)

# %% [markdown]
# Turn the line until it parts the two clouds. You have just done by hand what this unit does by calculus: you
# looked at how many points were wrong, and turned the line a little in the direction that helped.
#
# ## The weighted sum
#
# An example has D numbers, its features. The neuron has one weight for each of them, and one number more, the
# bias. It multiplies, adds up, and adds the bias.
#
# With small numbers: the features are (1, 2), the weights (3, 4), the bias 5. The sum is
# $1 \cdot 3 + 2 \cdot 4 + 5 = 16$.
#
# For N examples at once we stack the features as rows of a matrix $X$, shape (N, D). With $w$ of shape (D,):
#
# $$z = Xw + b \qquad \text{shape } (N,)$$

# %% exercise="linear" minutes=5 difficulty=1
def linear(X, w, b):
    """The weighted sum of every example.

    X: array (N, D), one example a row.  w: array (D,).  b: a number.
    Returns an array (N,).
    """
    ### BEGIN SOLUTION
    return X @ w + b
    ### END SOLUTION


# %% check="linear" points=2
def test_by_hand():
    "the example of the text, and a second row"
    assert_close(linear(np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([3.0, 4.0]), 5.0), [16.0, 1.0])


def test_three_features():
    "three features, two examples"
    X = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]])
    assert_close(linear(X, np.array([1.0, -1.0, 0.5]), 0.25), [2.25, -0.25])


### BEGIN HIDDEN TESTS
def test_random():
    "random numbers"
    X, w = rng.normal(size=(7, 4)), rng.normal(size=4)
    assert_close(linear(X, w, -0.3), reference.linear(X, w, -0.3))


### END HIDDEN TESTS

check("linear", points=2)


# %% mistake="linear" name="no-bias" hint="The bias is missing: add b to every weighted sum."
def linear(X, w, b):
    return X @ w


# %% mistake="linear" name="no-sum" hint="You multiplied each feature by its weight, and did not add them up. One number an example: sum over the features, or use @."
def linear(X, w, b):
    return X * w + b


# %% mistake="linear" name="bias-first" hint="You added the bias to every feature before weighing. It is added once, after the sum."
def linear(X, w, b):
    return (X + b) @ w


# %% mistake="linear" name="bias-per-feature" hint="You added the bias once for every feature. It is added once for every example, after the sum."
def linear(X, w, b):
    return (X * w + b).sum(axis=1)


# %% variant="linear"
def linear(X, w, b):
    return np.array([sum(float(x_i) * float(w_i) for x_i, w_i in zip(row, w)) + b for row in X])


# %% [markdown]
# ## Squashing: the sigmoid
#
# The weighted sum can be any number. We want a probability, between 0 and 1, that the example belongs to class 1.
# The sigmoid squashes:
#
# $$\sigma(z) = \frac{1}{1 + e^{-z}}$$
#
# $\sigma(0) = \tfrac12$; $\sigma(\ln 3) = \frac{1}{1 + 1/3} = 0.75$; a large $z$ gives nearly 1.
#
# > **Numerics.** $e^{1000}$ is too large for a float: NumPy warns of an overflow and goes on with infinity. For
# > $z = -1000$ the formula asks for exactly that. There is a second form, with $e^{z}$ instead of $e^{-z}$:
# > $\sigma(z) = e^{z} / (1 + e^{z})$. Use each where its exponent is not positive.

# %% exercise="sigmoid" minutes=10 difficulty=2
def sigmoid(z):
    """Squash every number of z into (0, 1), without overflow for any z.

    z: array of any shape.
    Returns an array of the same shape.
    """
    ### BEGIN SOLUTION
    small = np.exp(-np.abs(z))  # never above 1
    return np.where(z >= 0, 1.0, small) / (1.0 + small)
    ### END SOLUTION


# %% check="sigmoid" points=3
def test_known():
    "0 gives one half, ln 3 gives three quarters"
    assert_close(sigmoid(np.array([0.0, np.log(3.0), -np.log(3.0)])), [0.5, 0.75, 0.25])


def test_matrix():
    "a matrix keeps its shape"
    assert_close(sigmoid(np.array([[0.0, np.log(9.0)]])), [[0.5, 0.9]])


@inside
def without_overflow(z):
    with np.errstate(over="raise", invalid="raise"):
        return sigmoid(z)


def test_very_negative():
    "-1000 without an overflow"
    assert_close(without_overflow(np.array([-1000.0])), [0.0])


def test_very_positive():
    "1000 without an overflow"
    assert_close(without_overflow(np.array([1000.0])), [1.0])


### BEGIN HIDDEN TESTS
def test_random():
    "random scores"
    z = rng.normal(size=(5, 3)) * 4
    assert_close(sigmoid(z), reference.sigmoid(z))


### END HIDDEN TESTS

check("sigmoid", points=3)


# %% mistake="sigmoid" name="overflows" hint="The formula is right, but for z = -1000 it computes e to the 1000, which overflows. Take np.exp(-np.abs(z)), which never does, and use the form that fits the sign of z."
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# %% mistake="sigmoid" name="wrong-sign" hint="The exponent has the wrong sign: yours falls where the sigmoid rises."
def sigmoid(z):
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, small, 1.0) / (1.0 + small)


# %% mistake="sigmoid" name="tanh" hint="That is the hyperbolic tangent: it runs from -1 to 1. The sigmoid runs from 0 to 1."
def sigmoid(z):
    return np.tanh(z)


# %% mistake="sigmoid" name="clipped" hint="You cut z off at a small value, and the result is no longer right there. Rewrite the formula instead of changing z."
def sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -1, 1)))


# %% mistake="sigmoid" name="other-form" hint="For large z you divide infinity by infinity, which is NaN. Use this form only where z is negative."
def sigmoid(z):
    return np.exp(z) / (1 + np.exp(z))


# %% variant="sigmoid"
def sigmoid(z):
    return np.exp(-np.logaddexp(0.0, -z))


# %% [markdown]
# ### Your neuron draws
#
# The colour is the probability that **your** `linear` and `sigmoid` give to each place. Change the weights: the
# line on which the probability is one half stands at right angles to the weights, and the bias shifts it.

# %%


def decision(w1=1.0, w2=-1.0, b=0.0):
    """Probability over the plane, by your own linear and sigmoid."""
    axis = np.linspace(-3.5, 3.5, 80)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)  # (6400, 2)
    p = sigmoid(linear(grid, np.array([w1, w2]), b)).reshape(80, 80)
    figure, axes = plot.figure(height=3.6, width=5.2)
    colours = axes.contourf(axis, axis, p, levels=np.linspace(0, 1, 11), cmap="cividis")
    figure.colorbar(colours, label="probability of class 1")
    axes.contour(axis, axis, p, levels=[0.5], colors="white")
    for label, marker in ((0, "o"), (1, "^")):
        points = two_clouds[cloud_labels == label]
        axes.scatter(points[:, 0], points[:, 1], marker=marker, s=16, color="white", edgecolor="black")
    right = np.mean((sigmoid(linear(two_clouds, np.array([w1, w2]), b)) > 0.5) == cloud_labels)
    axes.set(xlabel="x1", ylabel="x2", title=f"{right:.0%} right")
    return figure


explore(
    decision,
    w1=ipywidgets.FloatSlider(value=1, min=-4, max=4, step=0.25, description="weight 1"),
    w2=ipywidgets.FloatSlider(value=-1, min=-4, max=4, step=0.25, description="weight 2"),
    b=ipywidgets.FloatSlider(value=0, min=-4, max=4, step=0.25, description="bias"),
)

# %% [markdown]
# ## How wrong? The squared error
#
# A loss is one number that says how wrong a model is. The oldest takes the differences, squares them, so that
# too much and too little count alike, and averages.
#
# Predictions (3, 5), truth (1, 6): the differences are 2 and -1, the squares 4 and 1, the mean is 2.5.
#
# $$L = \frac{1}{N} \sum_{i=1}^{N} (\hat y_i - y_i)^2$$

# %% exercise="mse_loss" minutes=4 difficulty=1
def mse_loss(y_hat, y):
    """The mean squared error.

    y_hat, y: arrays (N,).
    Returns a number.
    """
    ### BEGIN SOLUTION
    return np.mean((y_hat - y) ** 2)
    ### END SOLUTION


# %% check="mse_loss" points=2
def test_by_hand():
    "the example of the text"
    assert_close(mse_loss(np.array([3.0, 5.0]), np.array([1.0, 6.0])), 2.5)


def test_three():
    "three values, one of them right"
    assert_close(mse_loss(np.array([0.0, 2.0, -3.0]), np.array([1.5, 2.0, 0.0])), 3.75)


### BEGIN HIDDEN TESTS
def test_random():
    "random numbers"
    a, b = rng.normal(size=9), rng.normal(size=9)
    assert_close(mse_loss(a, b), reference.mse_loss(a, b))


### END HIDDEN TESTS

check("mse_loss", points=2)


# %% mistake="mse_loss" name="sum" hint="You added the squares up. Divide by their number, so that the loss does not grow with the data."
def mse_loss(y_hat, y):
    return np.sum((y_hat - y) ** 2)


# %% mistake="mse_loss" name="halved" hint="Some books write a half in front, for a tidier derivative. Here there is none."
def mse_loss(y_hat, y):
    return np.mean((y_hat - y) ** 2) / 2


# %% mistake="mse_loss" name="absolute" hint="That is the mean absolute error. Square the differences."
def mse_loss(y_hat, y):
    return np.mean(np.abs(y_hat - y))


# %% mistake="mse_loss" name="root" hint="You took the root of it. The squared error stays squared."
def mse_loss(y_hat, y):
    return np.sqrt(np.mean((y_hat - y) ** 2))


# %% mistake="mse_loss" name="mean-first" hint="You averaged the differences and then squared: too much and too little cancel. Square first."
def mse_loss(y_hat, y):
    return np.mean(y_hat - y) ** 2


# %% variant="mse_loss"
def mse_loss(y_hat, y):
    d = y_hat - y
    return float(d @ d) / len(d)


# %% [markdown]
# ## A loss for probabilities: cross-entropy
#
# The neuron says "class 1 with probability $p$". If the truth is class 1, the surprise is $-\ln p$: none at
# $p = 1$, and without bound as $p$ goes to 0. If the truth is class 0, it is $-\ln(1 - p)$. With $y$ equal to 1 or
# 0, both fit into one line:
#
# $$L = -\frac{1}{N} \sum_{i=1}^{N} \bigl( y_i \ln p_i + (1 - y_i) \ln (1 - p_i) \bigr)$$
#
# Example: $p = (0.5,\ 0.25)$, $y = (1, 0)$. The surprises are $\ln 2 = 0.6931$ and $-\ln 0.75 = 0.2877$; the mean is
# 0.4904.
#
# > **Numerics.** $\ln 0$ is minus infinity. A neuron that is wholly sure and wrong would make the loss infinite, so
# > we keep $p$ between $10^{-12}$ and $1 - 10^{-12}$.

# %% exercise="bce_loss" minutes=8 difficulty=2
def bce_loss(p, y):
    """The mean binary cross-entropy, in nats.

    p: array (N,), probabilities of class 1; kept within [1e-12, 1 - 1e-12].
    y: array (N,) of 0 and 1.
    Returns a number.
    """
    ### BEGIN SOLUTION
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    ### END SOLUTION


# %% check="bce_loss" points=3
def test_by_hand():
    "the example of the text"
    assert_close(bce_loss(np.array([0.5, 0.25]), np.array([1.0, 0.0])), 0.490414627, rtol=1e-7)


def test_sure_and_wrong():
    "wholly sure, and wrong: large, but finite"
    assert_close(bce_loss(np.array([0.0]), np.array([1.0])), 27.6310211159, rtol=1e-4)


def test_mixed():
    "three examples"
    assert_close(bce_loss(np.array([0.9, 0.2, 0.8]), np.array([1.0, 1.0, 0.0])), 1.1080788, rtol=1e-6)


### BEGIN HIDDEN TESTS
def test_random():
    "random probabilities"
    p, y = rng.uniform(0.01, 0.99, size=20), (rng.uniform(size=20) > 0.5).astype(float)
    assert_close(bce_loss(p, y), reference.bce_loss(p, y))


### END HIDDEN TESTS

check("bce_loss", points=3)


# %% mistake="bce_loss" name="no-clip" hint="At p = 0 the logarithm is minus infinity. Keep p within [1e-12, 1 - 1e-12] with np.clip first."
def bce_loss(p, y):
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


# %% mistake="bce_loss" name="no-minus" hint="The logarithm of a probability is negative; the loss is not. A minus sign is missing."
def bce_loss(p, y):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


# %% mistake="bce_loss" name="sum" hint="You added up the surprises of all examples. Take their mean."
def bce_loss(p, y):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)) * 1.0


# %% mistake="bce_loss" name="class-one-only" hint="You counted only the examples of class 1. Those of class 0 are surprised by ln(1 - p)."
def bce_loss(p, y):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return -np.mean(y * np.log(p))


# %% mistake="bce_loss" name="base-two" hint="You took logarithms to the base 2, which counts in bits. Here it is the natural logarithm, np.log."
def bce_loss(p, y):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return -np.mean(y * np.log2(p) + (1 - y) * np.log2(1 - p))


# %% mistake="bce_loss" name="swapped" hint="The two cases are swapped: where y is 1, the surprise is -ln p."
def bce_loss(p, y):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return -np.mean((1 - y) * np.log(p) + y * np.log(1 - p))


# %% variant="bce_loss"
def bce_loss(p, y):
    told = np.where(y == 1, p, 1 - p)  # the probability given to what was true
    return float(np.mean(-np.log(np.maximum(told, 1e-12))))


# %% [markdown]
# ## Which way is down? The gradient
#
# The gradient of the loss says, for each weight, how fast the loss grows when that weight grows. To make the loss
# smaller, step the other way.
#
# The chain rule gives a result of rare beauty. For one example, with $z = w \cdot x + b$ and $p = \sigma(z)$:
#
# $$\frac{\partial L}{\partial z} = p - y, \qquad
# \frac{\partial L}{\partial w_j} = (p - y)\, x_j, \qquad \frac{\partial L}{\partial b} = p - y$$
#
# (The derivative of the sigmoid is $p(1-p)$, that of the cross-entropy is $\frac{p - y}{p(1-p)}$; the product is what
# is left.) For N examples we take the mean: $\ \partial L / \partial w = \frac1N X^\top (p - y)$, shape (D,).
#
# Example: one example $x = (2, -1)$ with $y = 1$; $w = (0, 0)$, $b = 0$. Then $p = 0.5$, the error is $-0.5$, and the
# gradient is $(-1,\ 0.5)$ for the weights and $-0.5$ for the bias.

# %% exercise="bce_gradient" minutes=12 difficulty=3
def bce_gradient(X, y, w, b):
    """The gradient of the cross-entropy of a neuron.

    X: array (N, D).  y: array (N,) of 0 and 1.  w: array (D,).  b: a number.
    Returns (dw, db): an array (D,) and a number.
    """
    ### BEGIN SOLUTION
    error = sigmoid(linear(X, w, b)) - y  # (N,)
    return X.T @ error / len(y), error.mean()
    ### END SOLUTION


# %% check="bce_gradient" points=4
def test_by_hand():
    "the example of the text"
    dw, db = bce_gradient(np.array([[2.0, -1.0]]), np.array([1.0]), np.zeros(2), 0.0)
    assert_close((dw, db), (np.array([-1.0, 0.5]), -0.5))


def test_mean_over_examples():
    "two examples, averaged"
    X, y = np.array([[1.0, 0.0], [3.0, 2.0]]), np.array([0.0, 1.0])
    dw, db = bce_gradient(X, y, np.zeros(2), np.log(3.0))
    assert_close((dw, db), (np.array([0.0, -0.25]), 0.25), atol=1e-9)


### BEGIN HIDDEN TESTS
def test_differences():
    "against central differences"
    X, y = rng.normal(size=(6, 3)), np.array([1.0, 0.0, 1.0, 1.0, 0.0, 0.0])

    def loss(w, b):
        return reference.bce_loss(reference.sigmoid(reference.linear(X, w, b)), y)

    w = rng.normal(size=3)
    assert_gradient(loss, lambda w, b: bce_gradient(X, y, w, b), w, 0.4, argument=(0, 1))


### END HIDDEN TESTS

check("bce_gradient", points=4)


# %% mistake="bce_gradient" name="sign" hint="Both gradients have the wrong sign: the error is p - y, not y - p."
def bce_gradient(X, y, w, b):
    error = y - sigmoid(linear(X, w, b))
    return X.T @ error / len(y), error.mean()


# %% mistake="bce_gradient" name="sum" hint="You added over the examples. The loss is a mean, so its gradient is one too: divide by N."
def bce_gradient(X, y, w, b):
    error = sigmoid(linear(X, w, b)) - y
    return X.T @ error, error.sum()


# %% mistake="bce_gradient" name="squashed-twice" hint="The factor p(1 - p) cancels against the derivative of the logarithm. You kept it."
def bce_gradient(X, y, w, b):
    p = sigmoid(linear(X, w, b))
    error = (p - y) * p * (1 - p)
    return X.T @ error / len(y), error.mean()


# %% mistake="bce_gradient" name="no-sigmoid" hint="You took the weighted sum itself for the probability. Put it through sigmoid first."
def bce_gradient(X, y, w, b):
    error = linear(X, w, b) - y
    return X.T @ error / len(y), error.mean()


# %% mistake="bce_gradient" name="bias-not-averaged" hint="The weights' gradient is right. That of the bias is a mean over the examples too, not a sum."
def bce_gradient(X, y, w, b):
    error = sigmoid(linear(X, w, b)) - y
    return X.T @ error / len(y), error.sum()


# %% variant="bce_gradient"
def bce_gradient(X, y, w, b):
    dw, db = np.zeros(len(w)), 0.0
    for x_i, y_i in zip(X, y):
        p = 1 / (1 + np.exp(-(np.dot(x_i, w) + b)))
        dw = dw + (p - y_i) * x_i / len(y)
        db += (p - y_i) / len(y)
    return dw, db


# %% [markdown]
# ## Trust, but measure: the numerical gradient
#
# A derivative is a limit of differences. We can simply try: move one number by $h$ up and by $h$ down, and see how
# the function changes. It is slow, and it needs no calculus, so it makes a fine witness against mistakes in
# calculus.
#
# $$\frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2h}$$
#
# Example: $f(x) = x^2$ at $x = 3$ with $h = 0.1$: $(9.61 - 8.41) / 0.2 = 6$. One-sided it would be
# $(9.61 - 9)/0.1 = 6.1$: the two-sided form is right to the second order in $h$.

# %% exercise="numerical_gradient" minutes=12 difficulty=2
def numerical_gradient(f, x, h=1e-5):
    """The gradient of f at x, by central differences.

    f: a function of an array, with a number as its value.  x: array of any shape, left as it is.
    Returns an array of the shape of x.
    """
    ### BEGIN SOLUTION
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        moved = x.copy()
        moved[index] = x[index] + h
        up = f(moved)
        moved[index] = x[index] - h
        gradient[index] = (up - f(moved)) / (2 * h)
    return gradient
    ### END SOLUTION


# %% check="numerical_gradient" points=4
def test_squares():
    "the sum of the squares"
    assert_close(numerical_gradient(lambda x: (x**2).sum(), np.array([1.0, 2.0, -3.0])), [2.0, 4.0, -6.0], rtol=1e-6)


def test_matrix():
    "a function of a matrix"
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert_close(numerical_gradient(lambda x: x[0, 0] * x[1, 1] + 5 * x[0, 1], x), [[4.0, 5.0], [0.0, 1.0]], atol=1e-7)


def test_second_order():
    "a cube, to seven digits"
    assert_close(numerical_gradient(lambda x: (x**3).sum(), np.array([2.0, 5.0])), [12.0, 75.0], rtol=1e-7)


### BEGIN HIDDEN TESTS
def test_step():
    "a larger step h is used"
    x = np.array([1.0, -2.0])
    f = lambda x: (x**3).sum()
    assert_close(numerical_gradient(f, x, 0.1), [3.01, 12.01], rtol=1e-9)


### END HIDDEN TESTS

check("numerical_gradient", points=4)


# %% mistake="numerical_gradient" name="one-sided" hint="You moved up only. Move up and down, and divide by 2h: the error then shrinks with the square of h."
def numerical_gradient(f, x, h=1e-5):
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        moved = x.copy()
        moved[index] += h
        gradient[index] = (f(moved) - f(x)) / h
    return gradient


# %% mistake="numerical_gradient" name="divided-by-h" hint="Every value is twice what it should be: the two points are 2h apart."
def numerical_gradient(f, x, h=1e-5):
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += h
        down[index] -= h
        gradient[index] = (f(up) - f(down)) / h
    return gradient


# %% mistake="numerical_gradient" name="all-at-once" hint="You moved all the numbers together, which gives the sum of the slopes. Move one at a time."
def numerical_gradient(f, x, h=1e-5):
    return np.full(x.shape, (f(x + h) - f(x - h)) / (2 * h))


# %% mistake="numerical_gradient" name="not-put-back" hint="You moved a number and did not put it back before moving the next. Work on a fresh copy each time."
def numerical_gradient(f, x, h=1e-5):
    gradient, moved = np.zeros(x.shape), x.copy()
    for index in np.ndindex(x.shape):
        moved[index] += 1000 * h
        up = f(moved)
        moved[index] -= 2000 * h
        gradient[index] = (up - f(moved)) / (2000 * h)
    return gradient


# %% mistake="numerical_gradient" name="in-place" hint="You changed x itself while trying. Copy it first: the caller still needs it."
def numerical_gradient(f, x, h=1e-5):
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        x[index] += h
        up = f(x)
        x[index] -= 2 * h
        gradient[index] = (up - f(x)) / (2 * h)
    return gradient


# %% variant="numerical_gradient"
def numerical_gradient(f, x, h=1e-5):
    steps = np.eye(x.size).reshape(x.size, *x.shape) * h
    return np.array([(f(x + step) - f(x - step)) / (2 * h) for step in steps]).reshape(x.shape)


# %% [markdown]
# ## Going down: logistic regression
#
# Start with all weights at zero. Work out the gradient. Step against it, by the learning rate `lr`. Repeat.
#
# $$w \leftarrow w - \text{lr} \cdot \frac{\partial L}{\partial w}, \qquad b \leftarrow b - \text{lr} \cdot \frac{\partial L}{\partial b}$$
#
# Example: two examples with one feature, 0 and 1, of the classes 0 and 1; lr = 1. At the start both probabilities
# are 0.5, the errors are 0.5 and -0.5, so $dw = (0.5 \cdot 0 - 0.5 \cdot 1)/2 = -0.25$ and $db = 0$. After one step
# $w = 0.25$ and $b = 0$.

# %% exercise="fit_logistic" minutes=12 difficulty=2
def fit_logistic(X, y, lr, steps):
    """Fit a neuron by gradient descent, from zero.

    X: array (N, D).  y: array (N,) of 0 and 1.  lr: the learning rate.  steps: how many steps.
    Returns (w, b): an array (D,) and a number.
    """
    ### BEGIN SOLUTION
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        dw, db = bce_gradient(X, y, w, b)
        w = w - lr * dw
        b = b - lr * db
    return w, b
    ### END SOLUTION


# %% check="fit_logistic" points=4
def test_one_step():
    "one step, as in the text"
    w, b = fit_logistic(np.array([[0.0], [1.0]]), np.array([0.0, 1.0]), 1.0, 1)
    assert_close(w, [0.25])


def test_two_steps():
    "two steps"
    w, b = fit_logistic(np.array([[0.0], [1.0]]), np.array([0.0, 1.0]), 1.0, 2)
    assert_close((w, b), (np.array([0.46891174]), -0.03108826), rtol=1e-6)


def test_learning_rate():
    "half the learning rate"
    w, b = fit_logistic(np.array([[2.0], [1.0]]), np.array([1.0, 1.0]), 0.5, 1)
    assert_close((w, b), (np.array([0.375]), 0.25))


### BEGIN HIDDEN TESTS
def test_many_steps():
    "200 steps on random data"
    X = rng.normal(size=(30, 3))
    y = (X[:, 0] - X[:, 2] + 0.3 * rng.normal(size=30) > 0).astype(float)
    assert_close(fit_logistic(X, y, 0.5, 200), reference.fit_logistic(X, y, 0.5, 200), rtol=1e-6)


### END HIDDEN TESTS

check("fit_logistic", points=4)


# %% mistake="fit_logistic" name="uphill" hint="You add the gradient, which climbs. To go down, subtract it."
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        dw, db = bce_gradient(X, y, w, b)
        w, b = w + lr * dw, b + lr * db
    return w, b


# %% mistake="fit_logistic" name="bias-never-moves" hint="The bias never moves. It has a gradient too."
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        w = w - lr * bce_gradient(X, y, w, b)[0]
    return w, b


# %% mistake="fit_logistic" name="one-step" hint="Only one step is taken, however many are asked for. Is the return inside the loop?"
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        dw, db = bce_gradient(X, y, w, b)
        w, b = w - lr * dw, b - lr * db
        return w, b


# %% mistake="fit_logistic" name="starts-at-one" hint="Start with all weights at zero; yours start at one."
def fit_logistic(X, y, lr, steps):
    w, b = np.ones(X.shape[1]), 0.0
    for _ in range(steps):
        dw, db = bce_gradient(X, y, w, b)
        w, b = w - lr * dw, b - lr * db
    return w, b


# %% mistake="fit_logistic" name="no-learning-rate" hint="The learning rate is not used: you subtract the whole gradient."
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        dw, db = bce_gradient(X, y, w, b)
        w, b = w - dw, b - db
    return w, b


# %% mistake="fit_logistic" name="stale-weights" hint="The bias's gradient is taken at the new weights. Work out both gradients first, then move both."
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        w = w - lr * bce_gradient(X, y, w, b)[0]
        b = b - lr * bce_gradient(X, y, w, b)[1]
    return w, b


# %% variant="fit_logistic"
def fit_logistic(X, y, lr, steps):
    design = np.column_stack([X, np.ones(len(X))])  # the bias is the weight of a feature that is always 1
    theta = np.zeros(design.shape[1])
    for _ in range(steps):
        theta = theta - lr * design.T @ (1 / (1 + np.exp(-design @ theta)) - y) / len(y)
    return theta[:-1], theta[-1]


# %% [markdown]
# ### The bowl
#
# For two weights the loss is a surface. It is drawn with **your** `linear`, `sigmoid` and `bce_loss`; the path is
# that of **your** `fit_logistic`. Make the learning rate small, then large.

# %%
bowl_X = np.random.default_rng(7).normal(size=(60, 2))
bowl_y = (bowl_X @ [1.5, -1.0] + np.random.default_rng(8).normal(size=60) > 0).astype(float)


def bowl(rate=0.0, steps=30):
    """The loss over two weights, and the path that your descent takes."""
    lr = 10.0**rate
    axis = np.linspace(-4, 4, 45)
    surface = np.array([[bce_loss(sigmoid(linear(bowl_X, np.array([a, c]), 0.0)), bowl_y) for a in axis] for c in axis])
    path = np.array([fit_logistic(bowl_X, bowl_y, lr, n)[0] for n in range(steps + 1)])
    figure, axes = plot.figure(height=3.6, width=5.2)
    lines = axes.contour(axis, axis, surface, levels=18, cmap="cividis")
    figure.colorbar(lines, label="loss in nats")
    axes.plot(path[:, 0], path[:, 1], "o-", ms=3, color=plot.VERMILION)
    axes.set(xlabel="weight 1", ylabel="weight 2", xlim=(-4, 4), ylim=(-4, 4), title=f"learning rate {lr:.3g}, {steps} steps")
    return figure


explore(
    bowl,
    rate=ipywidgets.FloatSlider(value=0, min=-2, max=1.5, step=0.25, description="lr, 10 to the"),
    steps=ipywidgets.IntSlider(value=30, min=1, max=60, description="steps"),
)

# %% [markdown]
# ## A result: telling a 3 from an 8
#
# scikit-learn's digits are 1,797 scanned numerals of 8 by 8 pixels, so D = 64. We take the threes and the eights,
# which look alike, keep 30 % aside, and fit **your** neuron on the rest. The number to beat: 97 % right on the part
# it has never seen.

# %%
digits = load_digits()
pair = np.isin(digits.target, (3, 8))
X, y = digits.data[pair] / 16, (digits.target[pair] == 8).astype(float)
order = np.random.default_rng(0).permutation(len(y))
train, test = order[: int(0.7 * len(y))], order[int(0.7 * len(y)) :]
try:
    w, b = fit_logistic(X[train], y[train], 1.0, 500)
    p = sigmoid(linear(X[test], w, b))
    accuracy = np.mean((p > 0.5) == y[test])
    print(f"{len(train)} examples to learn from, {len(test)} to test on")
    print(f"test accuracy {accuracy:.3f} (to beat: 0.97), test loss {bce_loss(p, y[test]):.3f} nats")
    picture, panels = plt.subplots(1, 2, figsize=(7, 2.8), layout="constrained")
    limit = np.abs(w).max()
    panels[0].imshow(w.reshape(8, 8), cmap="PuOr", vmin=-limit, vmax=limit)
    panels[0].set(title="the weights: purple says 8, orange says 3", xticks=[], yticks=[])
    panels[1].hist([p[y[test] == 0], p[y[test] == 1]], bins=20, label=["a 3", "an 8"])
    panels[1].set(xlabel="probability of an 8", ylabel="test examples")
    panels[1].legend()
    plt.show()
except NotImplementedError:
    print("Write the exercises above first.")

# %% [markdown]
# Look at the weights: the neuron has found the two places on the left where an 8 has ink and a 3 has none.
#
# ## In your own words
#
# **1.** Why is the squared error a poor loss for a probability that is sure and wrong? Think of the slope of the sigmoid.

# %% [markdown] question="why-cross-entropy" points=2
# Where the sigmoid is flat, its derivative p(1 - p) is nearly zero, and with the squared error that factor stays in
# the gradient: a neuron that is sure and wrong hardly learns. In the cross-entropy the factor cancels, and the
# gradient is p - y, largest just there.

# %% [markdown]
# **2.** What happens when the learning rate is far too large? Describe what you saw in the bowl, and why.

# %% [markdown] question="too-large" points=2
# The step leaps over the bottom of the valley to the other side, and may end higher than it began: the path swings
# to and fro, or flies off. The gradient tells the slope at one place only, and a large step leaves that place.

# %% [markdown]
# ## What you can do now
#
# - write a neuron for N examples at once, and say the shape of everything in it;
# - choose between squared error and cross-entropy, and say why;
# - work out a gradient by hand, and prove it right by numbers;
# - fit a model by gradient descent, and see what the learning rate does.
#
# ## Further reading
#
# - Frank Rosenblatt, *The Perceptron: A Probabilistic Model for Information Storage and Organization in the Brain*,
#   Psychological Review 65, 1958.
# - David R. Cox, *The Regression Analysis of Binary Sequences*, Journal of the Royal Statistical Society B 20, 1958.
# - Ian Goodfellow, Yoshua Bengio and Aaron Courville, *Deep Learning*, MIT Press 2016, chapters 4 to 6.
