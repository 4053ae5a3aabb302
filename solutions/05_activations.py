# %% [markdown]
# # You will make a network of twenty layers learn, where the obvious one does not
#
# A stack of weighted sums is one weighted sum, however high it is stacked. What makes depth worth having is the bend
# between the layers. In this unit you write the bends and their derivatives, turn scores into probabilities, choose
# weights to begin with, and keep the numbers in a deep network in a healthy range. It takes about 90 minutes.

# %% setup
import matplotlib.pyplot as plt
import numpy as np
from scipy.special import erf
from sklearn.datasets import load_digits

import gradus
from gradus import plot
from gradus.check import assert_close, assert_gradient, check, inside, rng
from gradus.widgets import choice, explore, slider

gradus.unit("05_activations")

# %%


def pile(layers=10, scale=0.8):
    """Numbers that pass through many random layers without a bend: they die out or blow up."""
    dice = np.random.default_rng(0)
    x, sizes = dice.normal(size=(50, 64)), []
    for _ in range(layers):
        x = x @ dice.normal(scale=scale / 8, size=(64, 64))
        sizes.append(x.std())
    figure, axes = plot.figure(height=2.6)
    axes.semilogy(range(1, layers + 1), sizes, "o-")
    axes.set(xlabel="layer", ylabel="typical size of a number", ylim=(1e-6, 1e6), title=f"weights scaled by {scale:g}")
    return figure


explore(
    pile,
    layers=slider(20, 2, 40, 1, "layers"),
    scale=slider(0.8, 0.4, 1.8, 0.1, "scale"),
)

# %% [markdown]
# Every layer multiplies the typical size by the same factor. A factor of 0.8 leaves a hundredth after twenty layers;
# 1.4 makes eight hundred of one. Between the two lies a narrow ridge. This unit is about staying on it.
#
# ## The bends
#
# Six functions, each applied to every number by itself:
#
# | name | formula | at $z = 1$ |
# |---|---|---|
# | sigmoid | $\sigma(z) = 1/(1 + e^{-z})$ | 0.7311 |
# | relu | $\max(0, z)$ | 1 |
# | leaky relu | $z$ if $z > 0$, else $s\,z$ with a small slope $s$ | 1 |
# | tanh | $(e^z - e^{-z})/(e^z + e^{-z})$ | 0.7616 |
# | gelu | $z\,\Phi(z)$, with $\Phi(z) = \tfrac12\bigl(1 + \mathrm{erf}(z/\sqrt2)\bigr)$ | 0.8413 |
# | silu | $z\,\sigma(z)$ | 0.7311 |
#
# $\Phi$ is the share of a normal distribution below $z$. For gelu we take the exact form with the error function
# `erf`, not one of its approximations. Sigmoid must not overflow for large $|z|$: use $e^{-|z|}$.

# %% exercise="activations" minutes=12 difficulty=2
def sigmoid(z):
    """1 / (1 + exp(-z)) of every number, without overflow.  z: any shape; the same shape is returned."""
    ### BEGIN SOLUTION
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, small) / (1.0 + small)
    ### END SOLUTION


def relu(z):
    """The larger of 0 and z."""
    ### BEGIN SOLUTION
    return np.maximum(z, 0.0)
    ### END SOLUTION


def leaky_relu(z, slope=0.01):
    """z where it is positive, slope * z elsewhere."""
    ### BEGIN SOLUTION
    return np.where(z > 0, z, slope * z)
    ### END SOLUTION


def tanh(z):
    """The hyperbolic tangent."""
    ### BEGIN SOLUTION
    return np.tanh(z)
    ### END SOLUTION


def gelu(z):
    """z times the share of a normal distribution below z, exactly (with erf)."""
    ### BEGIN SOLUTION
    return z * 0.5 * (1.0 + erf(z / np.sqrt(2.0)))
    ### END SOLUTION


def silu(z):
    """z times its sigmoid."""
    ### BEGIN SOLUTION
    return z * sigmoid(z)
    ### END SOLUTION


# %% check="activations" points=6
def test_sigmoid():
    "sigmoid of 0, ln 3 and -ln 3"
    assert_close(sigmoid(np.array([0.0, np.log(3.0), -np.log(3.0)])), [0.5, 0.75, 0.25])


def test_relu():
    "relu of -2, 0 and 3"
    assert_close(relu(np.array([-2.0, 0.0, 3.0])), [0.0, 0.0, 3.0])


def test_leaky_relu():
    "leaky relu, with the usual slope and another"
    z = np.array([-2.0, 3.0])
    assert_close((leaky_relu(z), leaky_relu(z, slope=0.5)), (np.array([-0.02, 3.0]), np.array([-1.0, 3.0])))


def test_tanh():
    "tanh of 0 and of (ln 3) / 2"
    assert_close(tanh(np.array([[0.0, np.log(3.0) / 2]])), [[0.0, 0.5]])


def test_gelu():
    "gelu of -1, 0 and 1"
    assert_close(gelu(np.array([-1.0, 0.0, 1.0])), [-0.158655254, 0.0, 0.841344746], rtol=1e-6)


def test_silu():
    "silu of 0 and ln 3"
    assert_close(silu(np.array([0.0, np.log(3.0)])), [0.0, 0.823959217], rtol=1e-6)


### BEGIN HIDDEN TESTS
@inside
def without_overflow(z):
    with np.errstate(over="raise", invalid="raise"):
        return sigmoid(z)


def test_large():
    "sigmoid far from zero, without overflow"
    assert_close(without_overflow(np.array([-800.0, 800.0])), [0.0, 1.0])


def test_random():
    "all six on random numbers"
    z = rng.normal(size=(4, 5)) * 3
    for name in ("sigmoid", "relu", "leaky_relu", "tanh", "gelu", "silu"):
        mine = {"sigmoid": sigmoid, "relu": relu, "leaky_relu": leaky_relu, "tanh": tanh, "gelu": gelu, "silu": silu}
        assert_close(mine[name](z), getattr(reference, name)(z), name=name)


### END HIDDEN TESTS

check("activations", points=6)


# %% mistake="activations" name="sigmoid-sign" hint="In your sigmoid the exponent has the wrong sign: it falls where it should rise."
def sigmoid(z):
    return 1.0 / (1.0 + np.exp(z))


# %% mistake="activations" name="relu-absolute" hint="Your relu is the absolute value. Negative numbers become 0, not positive."
def relu(z):
    return np.abs(z)


# %% mistake="activations" name="leaky-everywhere" hint="Your leaky relu multiplies by the slope everywhere. Positive numbers stay as they are."
def leaky_relu(z, slope=0.01):
    return slope * z


# %% mistake="activations" name="leaky-fixed-slope" hint="Your leaky relu has 0.01 written into it. Use the argument `slope`."
def leaky_relu(z, slope=0.01):
    return np.where(z > 0, z, 0.01 * z)


# %% mistake="activations" name="gelu-tanh" hint="That is the tanh approximation of gelu, right to three digits. Use the exact form, with erf."
def gelu(z):
    return 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))


# %% mistake="activations" name="gelu-no-root" hint="In gelu, z is divided by the square root of 2 before erf."
def gelu(z):
    return z * 0.5 * (1.0 + erf(z))


# %% mistake="activations" name="silu-without-z" hint="Your silu is the sigmoid alone. Multiply by z."
def silu(z):
    return sigmoid(z)


# %% variant="activations"
def sigmoid(z):
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def relu(z):
    return z * (z > 0)


def leaky_relu(z, slope=0.01):
    return np.maximum(z, 0.0) + slope * np.minimum(z, 0.0)


def tanh(z):
    return 2.0 * sigmoid(2.0 * z) - 1.0


# %% [markdown]
# ## How steep? The derivatives
#
# Back-propagation multiplies by these, once a layer. The sigmoid's derivative has a short form: with
# $s = \sigma(z)$ it is $s(1 - s)$. At $z = 0$ that is a quarter, its largest value. So a gradient that passes twenty
# sigmoids is multiplied by at most $0.25^{20} \approx 10^{-12}$.
#
# - tanh: $1 - \tanh^2 z$;
# - relu: 1 where $z > 0$, else 0 (at exactly 0 we take 0);
# - leaky relu: 1 where $z > 0$, else the slope;
# - gelu: $\Phi(z) + z\,\varphi(z)$, with $\varphi(z) = e^{-z^2/2}/\sqrt{2\pi}$, by the product rule;
# - silu: $s + z\,s(1 - s)$, by the product rule too.

# %% exercise="derivatives" minutes=15 difficulty=3
def d_sigmoid(z):
    """The derivative of sigmoid at every number of z."""
    ### BEGIN SOLUTION
    s = sigmoid(z)
    return s * (1.0 - s)
    ### END SOLUTION


def d_relu(z):
    """1.0 where z is positive, else 0.0."""
    ### BEGIN SOLUTION
    return (z > 0).astype(float)
    ### END SOLUTION


def d_leaky_relu(z, slope=0.01):
    """1.0 where z is positive, else the slope."""
    ### BEGIN SOLUTION
    return np.where(z > 0, 1.0, slope)
    ### END SOLUTION


def d_tanh(z):
    """The derivative of tanh."""
    ### BEGIN SOLUTION
    return 1.0 - np.tanh(z) ** 2
    ### END SOLUTION


def d_gelu(z):
    """The derivative of the exact gelu."""
    ### BEGIN SOLUTION
    below = 0.5 * (1.0 + erf(z / np.sqrt(2.0)))
    return below + z * np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    ### END SOLUTION


def d_silu(z):
    """The derivative of silu."""
    ### BEGIN SOLUTION
    s = sigmoid(z)
    return s + z * s * (1.0 - s)
    ### END SOLUTION


# %% check="derivatives" points=6
def test_d_sigmoid():
    "sigmoid's derivative at 0 and ln 3"
    assert_close(d_sigmoid(np.array([0.0, np.log(3.0)])), [0.25, 0.1875])


def test_d_relu():
    "relu's derivative at -2, 0 and 3"
    assert_close(d_relu(np.array([-2.0, 0.0, 3.0])), [0.0, 0.0, 1.0])


def test_d_leaky_relu():
    "leaky relu's derivative, with two slopes"
    z = np.array([-2.0, 3.0])
    assert_close((d_leaky_relu(z), d_leaky_relu(z, slope=0.5)), (np.array([0.01, 1.0]), np.array([0.5, 1.0])))


def test_d_tanh():
    "tanh's derivative at 0 and (ln 3) / 2"
    assert_close(d_tanh(np.array([0.0, np.log(3.0) / 2])), [1.0, 0.75])


def test_d_gelu():
    "gelu's derivative at 0 and 1"
    assert_close(d_gelu(np.array([0.0, 1.0])), [0.5, 1.083315471], rtol=1e-6)


def test_d_silu():
    "silu's derivative at 0 and ln 3"
    assert_close(d_silu(np.array([0.0, np.log(3.0)])), [0.5, 0.955989804], rtol=1e-6)


### BEGIN HIDDEN TESTS
def test_differences():
    "all six against central differences"
    z = rng.normal(size=6)
    mine = {"sigmoid": d_sigmoid, "relu": d_relu, "leaky_relu": d_leaky_relu, "tanh": d_tanh, "gelu": d_gelu, "silu": d_silu}
    for name, derivative in mine.items():
        f = getattr(reference, name)
        assert_gradient(lambda z, f=f: f(z).sum(), derivative, z)


### END HIDDEN TESTS

check("derivatives", points=6)


# %% mistake="derivatives" name="sigmoid-of-s" hint="The form s(1 - s) wants s = sigmoid(z). You put z itself into it."
def d_sigmoid(z):
    return z * (1.0 - z)


# %% mistake="derivatives" name="relu-at-zero" hint="At exactly 0 the derivative of relu is taken as 0: compare with >, not >=."
def d_relu(z):
    return (z >= 0).astype(float)


# %% mistake="derivatives" name="leaky-zero" hint="Left of 0 the leaky relu still has its slope; yours is flat there."
def d_leaky_relu(z, slope=0.01):
    return np.where(z > 0, 1.0, 0.0)


# %% mistake="derivatives" name="tanh-not-squared" hint="The derivative of tanh is 1 minus its SQUARE."
def d_tanh(z):
    return 1.0 - np.tanh(z)


# %% mistake="derivatives" name="gelu-one-term" hint="gelu is a product, so its derivative has two terms. You kept only the share below z."
def d_gelu(z):
    return 0.5 * (1.0 + erf(z / np.sqrt(2.0)))


# %% mistake="derivatives" name="silu-one-term" hint="silu is a product, so its derivative has two terms. You kept only z s(1 - s)."
def d_silu(z):
    s = sigmoid(z)
    return z * s * (1.0 - s)


# %% variant="derivatives"
def d_sigmoid(z):
    e = np.exp(-np.abs(z))
    return e / (1.0 + e) ** 2


def d_tanh(z):
    return 1.0 / np.cosh(z) ** 2


def d_silu(z):
    s = 1.0 / (1.0 + np.exp(-z))
    return s * (1.0 + z * (1.0 - s))


# %% [markdown]
# ### Your curves
#
# Choose a function: the picture shows **your** function and **your** derivative, and in grey the slope measured from
# your function. Where the dashed line leaves the grey one, one of the two is wrong.

# %%
NAMES = ["sigmoid", "relu", "leaky_relu", "tanh", "gelu", "silu"]


def curves(name="gelu", reach=4.0):
    """One activation and its derivative, as you wrote them."""
    f, d = globals()[name], globals()["d_" + name]
    z = np.linspace(-reach, reach, 401)
    figure, axes = plot.figure(height=3.2)
    axes.plot(z, np.gradient(f(z), z), color="lightgrey", lw=6, label="slope of your function")
    axes.plot(z, f(z), label=name)
    axes.plot(z, d(z), "--", label="d_" + name)
    axes.set(xlabel="z", title=f"{name}: steepest slope {d(z).max():.2f}")
    axes.legend()
    return figure


explore(
    curves,
    name=choice(NAMES, "gelu", "function"),
    reach=slider(4, 1, 10, 0.5, "reach of z"),
)

# %% [markdown]
# ### Gradients by depth
#
# Twenty layers or more of 64 units, random weights, a gradient sent back from the top. The picture shows its size at
# every layer, computed with **your** functions. Which of them keep it alive, and at which scale of the weights?

# %%


def depth(name="sigmoid", layers=20, scale=1.0):
    """The size of the gradient at every layer of a random network."""
    f, d = globals()[name], globals()["d_" + name]
    dice = np.random.default_rng(0)
    x, kept = dice.normal(size=(64, 64)), []
    for _ in range(layers):
        w = dice.normal(scale=scale / 8, size=(64, 64))
        z = x @ w
        kept.append((w, z))
        x = f(z)
    g, sizes = np.ones_like(x), []
    for w, z in reversed(kept):
        g = (g * d(z)) @ w.T
        sizes.append(np.abs(g).mean() + 1e-30)
    figure, axes = plot.figure(height=3.0)
    axes.semilogy(range(layers, 0, -1), sizes, "o-")
    axes.set(xlabel="layer (1 is the first)", ylabel="mean size of the gradient", ylim=(1e-16, 1e8), title=name)
    return figure


explore(
    depth,
    name=choice(NAMES, "sigmoid", "function"),
    layers=slider(20, 2, 40, 1, "layers"),
    scale=slider(1.0, 0.5, 3, 0.1, "scale"),
)

# %% [markdown]
# ## From scores to probabilities: softmax
#
# The last layer gives C scores an example, the *logits*. Softmax makes probabilities of them: exponentiate, and
# divide by the row's sum.
#
# The scores $(0, \ln 3)$ become $(1, 3)$, and divided by 4: $(0.25,\ 0.75)$.
#
# $$\mathrm{softmax}(z)_c = \frac{e^{z_c}}{\sum_k e^{z_k}}, \qquad
# \log \mathrm{softmax}(z)_c = z_c - \ln \sum_k e^{z_k}$$
#
# > **Numerics.** Adding the same number to all scores of a row changes nothing. So subtract the row's maximum first:
# > then no exponent is positive, and nothing overflows. For the logarithm, never take the log of a softmax: a
# > probability too small for a float becomes 0, and its logarithm minus infinity. Use the second form.

# %% exercise="softmax" minutes=10 difficulty=2
def softmax(z):
    """Turn each row of scores z (N, C) into probabilities, (N, C)."""
    ### BEGIN SOLUTION
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
    ### END SOLUTION


def log_softmax(z):
    """The logarithm of the softmax of each row of z (N, C), finite for all finite scores."""
    ### BEGIN SOLUTION
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    ### END SOLUTION


# %% check="softmax" points=4
def test_softmax_by_hand():
    "softmax of two rows"
    assert_close(softmax(np.array([[0.0, np.log(3.0)], [5.0, 5.0]])), [[0.25, 0.75], [0.5, 0.5]])


def test_softmax_large():
    "softmax of scores of 1000"
    assert_close(softmax(np.array([[1000.0, 1000.0]])), [[0.5, 0.5]])


def test_log_softmax_by_hand():
    "log-softmax of two rows"
    z = np.array([[0.0, np.log(3.0)], [5.0, 5.0]])
    assert_close(log_softmax(z), np.log([[0.25, 0.75], [0.5, 0.5]]))


def test_log_softmax_large():
    "log-softmax of 0 and 1000 is -1000 and 0"
    assert_close(log_softmax(np.array([[0.0, 1000.0]])), [[-1000.0, 0.0]])


### BEGIN HIDDEN TESTS
def test_random():
    "random scores"
    z = rng.normal(size=(7, 5)) * 4
    assert_close((softmax(z), log_softmax(z)), (reference.softmax(z), reference.log_softmax(z)))


### END HIDDEN TESTS

check("softmax", points=4)


# %% mistake="softmax" name="whole-array" hint="You divided by the sum of the whole array. Each row must sum to one by itself: give `sum` an axis and keepdims=True."
def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum()


# %% mistake="softmax" name="overflow" hint="Scores of 1000 overflow. Subtract the maximum of each row before you exponentiate."
def softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


# %% mistake="softmax" name="columns" hint="Your columns sum to one. An example is a row: sum along the last axis."
def softmax(z):
    e = np.exp(z - z.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


# %% mistake="softmax" name="log-of-softmax" hint="You took the logarithm of the softmax, and a very small probability has become 0. Use z minus the logarithm of the sum."
def log_softmax(z):
    return np.log(softmax(z))


# %% mistake="softmax" name="forgot-log" hint="In log_softmax you subtracted the sum of the exponentials itself. Take its logarithm."
def log_softmax(z):
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.exp(shifted).sum(axis=-1, keepdims=True)


# %% variant="softmax"
def softmax(z):
    return np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))


def log_softmax(z):
    return z - np.logaddexp.reduce(z, axis=-1, keepdims=True)


# %% [markdown]
# ## The loss and its gradient
#
# The cross-entropy is the surprise at the true class: $-\log \mathrm{softmax}(z)_{y}$, averaged over the examples.
# Scores $(0, \ln 3)$ with the true class 1 give $-\ln 0.75 = 0.2877$; with the true class 0, $\ln 4 = 1.3863$.
#
# Its gradient with respect to the scores is as simple as for one neuron: probability minus truth,
#
# $$\frac{\partial L}{\partial z} = \frac{1}{N} \bigl( \mathrm{softmax}(z) - \text{one-hot}(y) \bigr) \qquad \text{shape } (N, C)$$

# %% exercise="cross_entropy" minutes=12 difficulty=3
def cross_entropy(logits, y):
    """The mean cross-entropy, in nats.

    logits: array (N, C).  y: integers (N,), the true classes.
    Returns a number, finite for all finite logits.
    """
    ### BEGIN SOLUTION
    return -log_softmax(logits)[np.arange(len(y)), y].mean()
    ### END SOLUTION


def d_cross_entropy(logits, y):
    """The gradient of cross_entropy with respect to the logits, (N, C)."""
    ### BEGIN SOLUTION
    gradient = softmax(logits)
    gradient[np.arange(len(y)), y] -= 1.0
    return gradient / len(y)
    ### END SOLUTION


# %% check="cross_entropy" points=5
def test_loss_by_hand():
    "the loss of two examples"
    logits = np.array([[0.0, np.log(3.0)], [0.0, np.log(3.0)]])
    assert_close(cross_entropy(logits, np.array([1, 0])), 0.836988216, rtol=1e-7)


def test_loss_large():
    "scores of 1000: the loss is 1000"
    assert_close(cross_entropy(np.array([[1000.0, 0.0, 0.0]]), np.array([2])), 1000.0)


def test_gradient_by_hand():
    "the gradient of two examples"
    logits = np.array([[0.0, np.log(3.0)], [0.0, np.log(3.0)]])
    assert_close(d_cross_entropy(logits, np.array([1, 0])), [[0.125, -0.125], [-0.375, 0.375]])


def test_gradient_three_classes():
    "the gradient of one example of three classes"
    assert_close(d_cross_entropy(np.zeros((1, 3)), np.array([2])), [[1 / 3, 1 / 3, -2 / 3]])


### BEGIN HIDDEN TESTS
def test_random():
    "random scores, loss and gradient"
    logits, y = rng.normal(size=(6, 4)), np.array([0, 3, 2, 1, 1, 0])
    assert_close(cross_entropy(logits, y), reference.cross_entropy(logits, y))
    assert_gradient(lambda z: reference.cross_entropy(z, y), lambda z: d_cross_entropy(z, y), logits)


### END HIDDEN TESTS

check("cross_entropy", points=5)


# %% mistake="cross_entropy" name="summed" hint="You added over the examples. The loss is a mean: divide by N."
def cross_entropy(logits, y):
    return -log_softmax(logits)[np.arange(len(y)), y].sum()


# %% mistake="cross_entropy" name="all-pairs" hint="logits[:, y] picks a column for every example in every row. Pair rows and classes: [np.arange(N), y]."
def cross_entropy(logits, y):
    return -log_softmax(logits)[:, y].mean()


# %% mistake="cross_entropy" name="no-minus" hint="Your loss is negative: the minus sign is missing."
def cross_entropy(logits, y):
    return log_softmax(logits)[np.arange(len(y)), y].mean()


# %% mistake="cross_entropy" name="log-of-zero" hint="You took the log of the softmax, which is minus infinity where the probability is too small for a float. Use log_softmax."
def cross_entropy(logits, y):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return -np.log((e / e.sum(axis=1, keepdims=True))[np.arange(len(y)), y]).mean()


# %% mistake="cross_entropy" name="gradient-not-averaged" hint="The loss is right. Its gradient is a mean over the examples too: divide by N."
def d_cross_entropy(logits, y):
    gradient = softmax(logits)
    gradient[np.arange(len(y)), y] -= 1.0
    return gradient


# %% mistake="cross_entropy" name="gradient-sign" hint="The gradient has the wrong sign: it is probability minus truth."
def d_cross_entropy(logits, y):
    gradient = -softmax(logits)
    gradient[np.arange(len(y)), y] += 1.0
    return gradient / len(y)


# %% mistake="cross_entropy" name="gradient-truth-forgotten" hint="The gradient is the probability minus the truth. You left out the truth: subtract 1 at the true class."
def d_cross_entropy(logits, y):
    return softmax(logits) / len(y)


# %% variant="cross_entropy"
def cross_entropy(logits, y):
    total = 0.0
    for row, c in zip(logits, y):
        total += np.logaddexp.reduce(row) - row[c]
    return total / len(y)


def d_cross_entropy(logits, y):
    truth = np.eye(logits.shape[1])[y]
    return (np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)) - truth) / len(logits)


# %% [markdown]
# ## Weights to begin with
#
# A weighted sum of `fan_in` numbers of variance 1, with weights of variance $v$, has the variance
# $\text{fan\_in} \cdot v$. To keep it at 1, take $v = 1/\text{fan\_in}$.
#
# - **Xavier** (Glorot and Bengio, 2010) thinks of the way back as well and takes $v = 2/(\text{fan\_in} + \text{fan\_out})$. As a
#   uniform distribution on $(-a, a)$, whose variance is $a^2/3$: $a = \sqrt{6/(\text{fan\_in} + \text{fan\_out})}$.
# - **He** (2015) thinks of relu, which sets half of the numbers to zero, and doubles: a normal distribution with the
#   variance $2/\text{fan\_in}$.
#
# Example: 200 in, 100 out. Xavier's $a = \sqrt{6/300} = 0.1414$; He's standard deviation is $\sqrt{2/200} = 0.1$.

# %% exercise="initialisers" minutes=8 difficulty=2
def xavier_uniform(fan_in, fan_out, rng):
    """Xavier's uniform weights, (fan_in, fan_out), drawn from the NumPy Generator rng."""
    ### BEGIN SOLUTION
    limit = np.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))
    ### END SOLUTION


def he_normal(fan_in, fan_out, rng):
    """He's normal weights, (fan_in, fan_out), drawn from the NumPy Generator rng."""
    ### BEGIN SOLUTION
    return rng.normal(0.0, np.sqrt(2.0 / fan_in), size=(fan_in, fan_out))
    ### END SOLUTION


# %% check="initialisers" points=3
def test_xavier():
    "xavier: shape, largest value and standard deviation"
    w = xavier_uniform(200, 100, rng)
    found = (np.array(np.shape(w)), np.max(np.abs(w)), np.std(w))
    assert_close(found, (np.array([200, 100]), 0.141421, 0.0816497), rtol=0.03)


def test_he():
    "he: shape, standard deviation, and the share beyond two of them"
    w = he_normal(200, 100, rng)
    found = (np.array(np.shape(w)), np.std(w), np.mean(np.abs(w) > 0.2))
    assert_close(found, (np.array([200, 100]), 0.1, 0.0455), rtol=0.1)


### BEGIN HIDDEN TESTS
def test_other_sizes():
    "few in, many out"
    a, b = xavier_uniform(20, 900, rng), he_normal(20, 900, rng)
    assert_close((np.std(a), np.std(b), np.shape(b)[0] * 1.0), (0.0466252, 0.3162278, 20.0), rtol=0.03)


### END HIDDEN TESTS

check("initialisers", points=3)


# %% mistake="initialisers" name="xavier-fan-in-only" hint="Your Xavier looks at fan_in only. It divides by fan_in + fan_out."
def xavier_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6.0 / fan_in)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% mistake="initialisers" name="xavier-not-symmetric" hint="Your Xavier weights are all positive. Draw from -a to a."
def xavier_uniform(fan_in, fan_out, rng):
    return rng.uniform(0.0, np.sqrt(6.0 / (fan_in + fan_out)), size=(fan_in, fan_out))


# %% mistake="initialisers" name="he-variance" hint="You gave the variance where NumPy's normal wants the standard deviation. Take the square root."
def he_normal(fan_in, fan_out, rng):
    return rng.normal(0.0, 2.0 / fan_in, size=(fan_in, fan_out))


# %% mistake="initialisers" name="he-fan-out" hint="He's variance is 2 / fan_in: what counts is how many numbers are added up. You used fan_out."
def he_normal(fan_in, fan_out, rng):
    return rng.normal(0.0, np.sqrt(2.0 / fan_out), size=(fan_in, fan_out))


# %% mistake="initialisers" name="he-without-two" hint="relu sets half of the numbers to zero, so He doubles the variance: 2 / fan_in."
def he_normal(fan_in, fan_out, rng):
    return rng.normal(0.0, np.sqrt(1.0 / fan_in), size=(fan_in, fan_out))


# %% mistake="initialisers" name="transposed" hint="The shape is turned round: (fan_in, fan_out), so that a row of inputs stands on the left, x @ w."
def he_normal(fan_in, fan_out, rng):
    return rng.normal(0.0, np.sqrt(2.0 / fan_in), size=(fan_out, fan_in))


# %% variant="initialisers"
def xavier_uniform(fan_in, fan_out, rng):
    return (2.0 * rng.random((fan_in, fan_out)) - 1.0) * (6.0 / (fan_in + fan_out)) ** 0.5


def he_normal(fan_in, fan_out, rng):
    return rng.standard_normal((fan_in, fan_out)) * (2.0 / fan_in) ** 0.5


# %% [markdown]
# ### Dead units
#
# A relu unit whose weighted sum is negative for every example gives 0 for every example, and its derivative is 0 too:
# it learns nothing any more. The picture counts such units layer by layer, with **your** functions and **your**
# `he_normal`. Shift the biases down, and watch them die; then change to a leaky relu.

# %%


def dead(name="relu", bias=-0.5, layers=8):
    """The share of units whose derivative is zero for every example."""
    f, d = globals()[name], globals()["d_" + name]
    dice = np.random.default_rng(2)
    x, shares = dice.normal(size=(200, 64)), []
    for _ in range(layers):
        z = x @ he_normal(64, 64, dice) + bias
        shares.append(np.mean(np.abs(d(z)).max(axis=0) < 1e-6))
        x = f(z)
    figure, axes = plot.figure(height=2.6)
    axes.bar(range(1, layers + 1), shares)
    axes.set(xlabel="layer", ylabel="share of dead units", ylim=(0, 1), title=f"{name}, bias {bias:g}")
    return figure


explore(
    dead,
    name=choice(["relu", "leaky_relu", "gelu"], "relu", "function"),
    bias=slider(-0.5, -2, 1, 0.1, "bias"),
    layers=slider(8, 1, 20, 1, "layers"),
)

# %% [markdown]
# ## Batch normalisation
#
# Instead of hoping that the numbers keep their size, bring them back at every layer (Ioffe and Szegedy, 2015): subtract
# the mean of the batch and divide by its standard deviation, for each feature by itself. Then let the network scale and
# shift as it likes, by $\gamma$ and $\beta$.
#
# $$\hat x = \frac{x - \mu}{\sqrt{\mathrm{var} + \varepsilon}}, \qquad \text{out} = \gamma \hat x + \beta$$
#
# Example: the feature's values in the batch are 1 and 3. Mean 2, variance 1 (divide by N, not by N - 1), so
# $\hat x = (-1, 1)$ for $\varepsilon = 0$; with $\gamma = 2$, $\beta = 0$ the result is $(-2, 2)$.
#
# When the network is used later there may be only one example, so in training we keep running means:
# `running["mean"] = momentum * running["mean"] + (1 - momentum) * mean`, and the same for `running["var"]`. They are
# updated **in place** in training, and used instead of the batch's own when not training.

# %% exercise="batchnorm_forward" minutes=12 difficulty=3
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    """Batch normalisation.

    x: array (N, D).  gamma, beta: arrays (D,).  running: dict with the arrays "mean" and "var", (D,); updated in
    place in training.  training: bool.  momentum: the share of the old running values that is kept.
    Returns (out, cache): out (N, D), and cache = (x_hat, gamma, std), for the way back; std is (D,) and includes eps.
    """
    ### BEGIN SOLUTION
    if training:
        mean, var = x.mean(axis=0), x.var(axis=0)
        running["mean"] = momentum * running["mean"] + (1.0 - momentum) * mean
        running["var"] = momentum * running["var"] + (1.0 - momentum) * var
    else:
        mean, var = running["mean"], running["var"]
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x_hat, gamma, std)
    ### END SOLUTION


# %% check="batchnorm_forward" points=4
def fresh():
    return {"mean": np.zeros(2), "var": np.ones(2)}


BATCH = np.array([[1.0, 10.0], [3.0, 30.0]])


def test_training():
    "in training: the batch's own mean and variance"
    out, cache = batchnorm_forward(BATCH.copy(), np.array([2.0, 1.0]), np.array([0.0, 5.0]), fresh(), True, 0.9, 0.0)
    assert_close(out, [[-2.0, 4.0], [2.0, 6.0]])


def test_running():
    "in training: the running values move a tenth of the way"
    running = fresh()
    batchnorm_forward(BATCH.copy(), np.ones(2), np.zeros(2), running, True, 0.9, 0.0)
    out, cache = batchnorm_forward(BATCH.copy(), np.ones(2), np.zeros(2), running, True, 0.9, 0.0)
    assert_close((running["mean"], running["var"]), (np.array([0.38, 3.8]), np.array([1.0, 19.81])))
    assert_close(out, [[-1.0, -1.0], [1.0, 1.0]])


def test_evaluating():
    "not in training: the running values are used, and stay"
    running = {"mean": np.array([1.0, 0.0]), "var": np.array([4.0, 25.0])}
    out, cache = batchnorm_forward(BATCH.copy(), np.ones(2), np.zeros(2), running, False, 0.9, 0.0)
    assert_close((out, running["mean"]), (np.array([[0.0, 2.0], [1.0, 6.0]]), np.array([1.0, 0.0])))


def test_eps():
    "eps stands under the root"
    out, cache = batchnorm_forward(np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1), {"mean": np.zeros(1), "var": np.ones(1)}, True, 0.9, 3.0)
    assert_close((out, cache[2]), (np.array([[-0.5], [0.5]]), np.array([2.0])))


### BEGIN HIDDEN TESTS
def test_random():
    "a random batch: result and cache"
    x, gamma, beta = rng.normal(size=(8, 3)) * 4 + 1, rng.normal(size=3), rng.normal(size=3)
    mine, theirs = [{"mean": np.zeros(3), "var": np.ones(3)} for _ in range(2)]
    got = batchnorm_forward(x, gamma, beta, mine, True, 0.8, 1e-5)
    assert_close((got, mine), (reference.batchnorm_forward(x, gamma, beta, theirs, True, 0.8, 1e-5), theirs))


### END HIDDEN TESTS

check("batchnorm_forward", points=4, changes=["running"])


# %% mistake="batchnorm_forward" name="n-minus-one" hint="You divided the squares by N - 1. Batch normalisation divides by N: var without ddof."
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    if training:
        mean, var = x.mean(axis=0), x.var(axis=0, ddof=1)
        running["mean"] = momentum * running["mean"] + (1.0 - momentum) * mean
        running["var"] = momentum * running["var"] + (1.0 - momentum) * var
    else:
        mean, var = running["mean"], running["var"]
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x_hat, gamma, std)


# %% mistake="batchnorm_forward" name="batch-when-evaluating" hint="When not training you still use the batch's own mean and variance. Use the running ones: there may be only one example."
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    mean, var = x.mean(axis=0), x.var(axis=0)
    if training:
        running["mean"] = momentum * running["mean"] + (1.0 - momentum) * mean
        running["var"] = momentum * running["var"] + (1.0 - momentum) * var
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x_hat, gamma, std)


# %% mistake="batchnorm_forward" name="momentum-swapped" hint="Momentum is the share of the OLD running value that is kept. You kept that share of the new one."
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    if training:
        mean, var = x.mean(axis=0), x.var(axis=0)
        running["mean"] = (1.0 - momentum) * running["mean"] + momentum * mean
        running["var"] = (1.0 - momentum) * running["var"] + momentum * var
    else:
        mean, var = running["mean"], running["var"]
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x_hat, gamma, std)


# %% mistake="batchnorm_forward" name="eps-outside" hint="eps is added to the variance, under the root. You added it to the root."
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    if training:
        mean, var = x.mean(axis=0), x.var(axis=0)
        running["mean"] = momentum * running["mean"] + (1.0 - momentum) * mean
        running["var"] = momentum * running["var"] + (1.0 - momentum) * var
    else:
        mean, var = running["mean"], running["var"]
    std = np.sqrt(var) + eps
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x_hat, gamma, std)


# %% mistake="batchnorm_forward" name="rows" hint="You normalised each example by itself. Batch normalisation takes each feature over the batch: axis 0."
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    std = np.sqrt(x.var(axis=1, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=1, keepdims=True)) / std
    return gamma * x_hat + beta, (x_hat, gamma, std)


# %% mistake="batchnorm_forward" name="no-gamma" hint="The result is not scaled and shifted: gamma * x_hat + beta."
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    if training:
        mean, var = x.mean(axis=0), x.var(axis=0)
        running["mean"] = momentum * running["mean"] + (1.0 - momentum) * mean
        running["var"] = momentum * running["var"] + (1.0 - momentum) * var
    else:
        mean, var = running["mean"], running["var"]
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    return x_hat, (x_hat, gamma, std)


# %% variant="batchnorm_forward"
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    mean, var = running["mean"], running["var"]
    if training:
        mean = np.sum(x, axis=0) / len(x)
        var = np.sum((x - mean) ** 2, axis=0) / len(x)
        running["mean"] += (1.0 - momentum) * (mean - running["mean"])
        running["var"] += (1.0 - momentum) * (var - running["var"])
    std = (var + eps) ** 0.5
    x_hat = (x - mean) / std
    return x_hat * gamma + beta, (x_hat, gamma, std)


# %% [markdown]
# ## The way back through it
#
# Every $x$ moves the mean and the variance too, so its gradient has three parts. With $g = \partial L/\partial\,\text{out}$:
#
# $$\frac{\partial L}{\partial \gamma} = \sum_i g_i \hat x_i, \quad \frac{\partial L}{\partial \beta} = \sum_i g_i, \quad
# \frac{\partial L}{\partial x_i} = \frac{\gamma}{N\,\mathrm{std}} \Bigl( N g_i - \sum_k g_k - \hat x_i \sum_k g_k \hat x_k \Bigr)$$
#
# Example with N = 4: $\hat x = (-1, -1, 1, 1)$, $g = (1, 0, 0, 0)$, $\gamma = 2$, std = 4. The sums are 1 and -1. In the
# bracket stands $(4 - 1 - 1,\ -1 - 1,\ -1 + 1,\ -1 + 1) = (2, -2, 0, 0)$, and the factor is $2/16$: the gradient is
# $(0.25, -0.25, 0, 0)$.

# %% exercise="batchnorm_backward" minutes=12 difficulty=3
def batchnorm_backward(dout, cache):
    """The gradients of batch normalisation in training.

    dout: array (N, D), the gradient of the result.  cache: (x_hat (N, D), gamma (D,), std (D,)).
    Returns (dx (N, D), dgamma (D,), dbeta (D,)).
    """
    ### BEGIN SOLUTION
    x_hat, gamma, std = cache
    dbeta, dgamma = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    n = len(dout)
    return gamma / (n * std) * (n * dout - dbeta - x_hat * dgamma), dgamma, dbeta
    ### END SOLUTION


# %% check="batchnorm_backward" points=4
def example():
    x_hat = np.array([[-1.0], [-1.0], [1.0], [1.0]])
    return np.array([[1.0], [0.0], [0.0], [0.0]]), (x_hat, np.array([2.0]), np.array([4.0]))


def test_dx():
    "the gradient of x, as in the text"
    dx, dgamma, dbeta = batchnorm_backward(*example())
    assert_close(dx, [[0.25], [-0.25], [0.0], [0.0]])


def test_dgamma():
    "the gradient of gamma"
    dx, dgamma, dbeta = batchnorm_backward(*example())
    assert_close(dgamma, [-1.0])


def test_dbeta():
    "the gradient of beta"
    dx, dgamma, dbeta = batchnorm_backward(*example())
    assert_close(dbeta, [1.0])


### BEGIN HIDDEN TESTS
def test_differences():
    "against central differences"
    x, gamma, beta, weights = rng.normal(size=(5, 2)), rng.normal(size=2), rng.normal(size=2), rng.normal(size=(5, 2))

    def forward(x, gamma, beta):
        running = {"mean": np.zeros(2), "var": np.ones(2)}
        return reference.batchnorm_forward(x, gamma, beta, running, True, 0.9, 1e-5)

    def loss(x, gamma, beta):
        return (forward(x, gamma, beta)[0] * weights).sum()

    assert_gradient(loss, lambda *a: batchnorm_backward(weights, forward(*a)[1]), x, gamma, beta, argument=(0, 1, 2))


### END HIDDEN TESTS

check("batchnorm_backward", points=4)


# %% mistake="batchnorm_backward" name="constant-statistics" hint="You treated mean and standard deviation as constants. They move with x: two more terms belong to dx."
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    return dout * gamma / std, (dout * x_hat).sum(axis=0), dout.sum(axis=0)


# %% mistake="batchnorm_backward" name="mean-only" hint="The term of the variance is missing in dx: minus x_hat times the sum of dout * x_hat."
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    dbeta, dgamma = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    n = len(dout)
    return gamma / (n * std) * (n * dout - dbeta), dgamma, dbeta


# %% mistake="batchnorm_backward" name="no-gamma" hint="dx lacks the factor gamma: on the way forward x_hat was multiplied by it."
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    dbeta, dgamma = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    n = len(dout)
    return (n * dout - dbeta - x_hat * dgamma) / (n * std), dgamma, dbeta


# %% mistake="batchnorm_backward" name="dgamma-without-x" hint="The gradient of gamma is the sum of dout times x_hat: gamma multiplies x_hat."
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    dbeta, dgamma = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    n = len(dout)
    return gamma / (n * std) * (n * dout - dbeta - x_hat * dgamma), dbeta, dbeta


# %% mistake="batchnorm_backward" name="averaged" hint="The gradients of gamma and beta are sums over the batch, not means: the loss already holds its 1/N."
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    dbeta, dgamma = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    n = len(dout)
    return gamma / (n * std) * (n * dout - dbeta - x_hat * dgamma), dgamma / n, dbeta / n


# %% variant="batchnorm_backward"
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    g = dout * gamma
    dx = (g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0)) / std
    return dx, np.einsum("nd,nd->d", dout, x_hat), dout.sum(axis=0)


# %% [markdown]
# ## Layer normalisation
#
# The same idea, turned by a quarter (Ba, Kiros and Hinton, 2016): each **example** is normalised over its own features.
# Nothing depends on the batch, so training and use are the same, and there are no running values.
#
# Example: the row (1, 3) has the mean 2 and the variance 1, and becomes (-1, 1).

# %% exercise="layernorm_forward" minutes=6 difficulty=2
def layernorm_forward(x, gamma, beta, eps):
    """Layer normalisation over the last axis.

    x: array (..., D).  gamma, beta: arrays (D,).  eps is added to the variance.
    Returns an array of the shape of x.
    """
    ### BEGIN SOLUTION
    mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta
    ### END SOLUTION


# %% check="layernorm_forward" points=3
def test_by_hand():
    "two rows"
    x = np.array([[1.0, 3.0], [10.0, 30.0]])
    assert_close(layernorm_forward(x, np.array([2.0, 1.0]), np.array([0.0, 5.0]), 0.0), [[-2.0, 6.0], [-2.0, 6.0]])


def test_eps():
    "eps stands under the root"
    assert_close(layernorm_forward(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2), 3.0), [[-0.5, 0.5]])


def test_three_axes():
    "a batch of sequences, (B, T, D)"
    x = np.array([[[0.0, 4.0], [1.0, 3.0]]])
    assert_close(layernorm_forward(x, np.ones(2), np.zeros(2), 0.0), [[[-1.0, 1.0], [-1.0, 1.0]]])


### BEGIN HIDDEN TESTS
def test_random():
    "random numbers"
    x, gamma, beta = rng.normal(size=(4, 6)) * 3, rng.normal(size=6), rng.normal(size=6)
    assert_close(layernorm_forward(x, gamma, beta, 1e-5), reference.layernorm_forward(x, gamma, beta, 1e-5))


### END HIDDEN TESTS

check("layernorm_forward", points=3)


# %% mistake="layernorm_forward" name="over-the-batch" hint="You normalised over the batch, axis 0. Layer normalisation takes each example by itself: axis -1."
def layernorm_forward(x, gamma, beta, eps):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta


# %% mistake="layernorm_forward" name="n-minus-one" hint="You divided the squares by D - 1. Divide by D: var without ddof."
def layernorm_forward(x, gamma, beta, eps):
    mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True, ddof=1)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


# %% mistake="layernorm_forward" name="eps-outside" hint="eps is added to the variance, under the root, not to the root."
def layernorm_forward(x, gamma, beta, eps):
    mean, std = x.mean(axis=-1, keepdims=True), x.std(axis=-1, keepdims=True)
    return gamma * (x - mean) / (std + eps) + beta


# %% mistake="layernorm_forward" name="no-root" hint="You divided by the variance. Divide by its square root."
def layernorm_forward(x, gamma, beta, eps):
    mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return gamma * (x - mean) / (var + eps) + beta


# %% mistake="layernorm_forward" name="no-shift" hint="beta is missing: it is added at the end."
def layernorm_forward(x, gamma, beta, eps):
    mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps)


# %% variant="layernorm_forward"
def layernorm_forward(x, gamma, beta, eps):
    centred = x - np.mean(x, axis=-1, keepdims=True)
    return centred * ((centred**2).mean(axis=-1, keepdims=True) + eps) ** -0.5 * gamma + beta


# %% [markdown]
# ## A result: twenty layers
#
# A network of twenty relu layers of 64 units, on scikit-learn's digits (1,797 pictures of 8 by 8 pixels), built of
# **your** functions. It is trained twice for a few seconds, once with small weights (standard deviation 0.01), and once
# with **your** `he_normal`; everything else is the same. The number to beat: 90 % on the test part with the good
# start, while the poor start stays near the 10 % of blind guessing.

# %%
digits = load_digits()
order = np.random.default_rng(0).permutation(len(digits.target))
pictures, labels = digits.data[order] / 16 - 0.5, digits.target[order]
X_train, y_train, X_test, y_test = pictures[:1257], labels[:1257], pictures[1257:], labels[1257:]


def small_normal(fan_in, fan_out, rng):
    return rng.normal(0.0, 0.01, size=(fan_in, fan_out))


def forward_all(weights, x):
    """The inputs of every layer and the weighted sums, (N, 64) each; the last sum is the logits (N, 10)."""
    kept = []
    for w in weights[:-1]:
        z = x @ w
        kept.append((x, z))
        x = relu(z)
    return kept, x, x @ weights[-1]


def train(init, layers=20, epochs=30, lr=0.005, batch_size=32):
    dice = np.random.default_rng(1)
    weights = [init(64, 64, dice) for _ in range(layers - 1)] + [init(64, 10, dice)]
    speed = [np.zeros_like(w) for w in weights]
    losses = []
    for _ in range(epochs):
        for rows in np.array_split(dice.permutation(len(X_train)), len(X_train) // batch_size):
            kept, top, logits = forward_all(weights, X_train[rows])
            losses.append(cross_entropy(logits, y_train[rows]))
            g = d_cross_entropy(logits, y_train[rows])
            gradients = [top.T @ g]
            g = g @ weights[-1].T
            for w, (x, z) in zip(reversed(weights[:-1]), reversed(kept)):
                g = g * d_relu(z)
                gradients.append(x.T @ g)
                g = g @ w.T
            for w, v, gradient in zip(weights, speed, reversed(gradients)):
                v *= 0.9
                v -= lr * gradient
                w += v
    return losses, np.mean(forward_all(weights, X_test)[2].argmax(axis=1) == y_test)


try:
    picture, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    for label, init in (("standard deviation 0.01", small_normal), ("your he_normal", he_normal)):
        losses, accuracy = train(init)
        axes.plot(losses, label=f"{label}: test accuracy {accuracy:.3f}")
        print(f"{label}: test accuracy {accuracy:.3f}")
    axes.set(xlabel="step", ylabel="training loss in nats", title="twenty layers")
    axes.legend()
    plt.show()
except NotImplementedError:
    plt.close()
    print("Write the exercises above first.")

# %% [markdown]
# ## In your own words
#
# **1.** Why does a network without bends between its layers gain nothing from depth?

# %% [markdown] question="why-bends" points=2
# A product of matrices is a matrix. However many layers of weighted sums are stacked, the whole is one weighted sum, and
# can draw no other boundary than a straight one.

# %% [markdown]
# **2.** With the small start the loss of the twenty layers does not move. What became of the signal, and of the gradient?

# %% [markdown] question="why-stuck" points=2
# With weights of 0.01 each layer of 64 units shrinks the signal about eighteenfold, so that after a few layers nothing of
# the picture is left: all logits are zero. The gradient shrinks by the same factor on the way back, so that no weight learns.

# %% [markdown]
# **3.** Batch normalisation behaves differently in training and in use, layer normalisation does not. Why?

# %% [markdown] question="why-running" points=2
# Batch normalisation uses the other examples of the batch, which are not there when one example comes alone, so that means
# kept from training stand in. Layer normalisation needs only the example itself.

# %% [markdown]
# ## What you can do now
#
# - name six activations, write them and their derivatives, and say what each does to a gradient;
# - turn scores into probabilities and a loss, without overflow;
# - choose weights to begin with, so that twenty layers learn;
# - write batch and layer normalisation, and the way back through the first.
#
# ## Further reading
#
# - Xavier Glorot and Yoshua Bengio, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS 2010.
# - Kaiming He, Xiangyu Zhang, Shaoqing Ren and Jian Sun, *Delving Deep into Rectifiers*, ICCV 2015.
# - Sergey Ioffe and Christian Szegedy, *Batch Normalization: Accelerating Deep Network Training by Reducing Internal
#   Covariate Shift*, ICML 2015.
# - Jimmy Lei Ba, Jamie Ryan Kiros and Geoffrey Hinton, *Layer Normalization*, 2016.
