# %% [markdown]
# # You will make a network of twenty layers learn, where the obvious one does not
#
# In unit 02 one neuron told a 3 from an 8. Put many of them into a layer, and many layers on top of each other, and you
# have a deep network. On paper that is all. Try it, and most such networks learn nothing at all: the numbers that run
# through them die out or blow up. In about 90 minutes you write the three things that keep them alive: the *bend*
# after each layer, the *weights to begin with*, and *normalisation*.
#
# First, see the illness. Sixty-four numbers go through many layers of random weights, without a bend. On the left is
# their typical size after each layer, on the right the numbers themselves, one row for each layer. Run the next two
# cells. For which scale of the weights do the colours stay alive up to layer 20?

# %% setup
import functools
import warnings

import numpy as np
from scipy.special import erf
from sklearn.datasets import load_digits

import gradus
from gradus import plot
from gradus.check import assert_close, assert_gradient, check, inside, rng
from gradus.widgets import choice, explore, slider, switch, written

gradus.unit("05_activations")

# %%
def pile(scale, layers):
    """Numbers that pass through many random layers without a bend: they die out or blow up."""
    dice = np.random.default_rng(0)
    x = dice.normal(size=64)
    rows = [x]
    for _ in range(layers):
        x = x @ dice.normal(scale=scale / 8, size=(64, 64))
        rows.append(x)
    rows = np.array(rows)  # (layers + 1, 64)
    figure, axes = plot.figure(2, height=3.2)
    axes[0].semilogy(rows.std(axis=1), "o-")
    axes[0].set(xlabel="layer", ylabel="typical size", ylim=(1e-8, 1e8))
    axes[0].set_title(f"after {layers} layers: {rows[-1].std():.1e}", fontsize=10)
    axes[1].imshow(rows, cmap=plot.diverging(), vmin=-3, vmax=3, aspect="auto", origin="lower")
    axes[1].set(xlabel="unit", ylabel="layer")
    axes[1].grid(False)
    return figure


explore(pile, scale=slider(0.8, 0.4, 1.8, 0.05, "scale of the weights"), layers=slider(20, 2, 40, 1, "layers"))

# %% [markdown]
# Every layer multiplies the typical size by about the same factor. Twenty layers make $0.8^{20} \approx 0.01$ of a
# factor of 0.8, and $1.4^{20} \approx 800$ of 1.4. Between the two lies a narrow ridge. This unit is about staying on
# it, on the way up with the numbers, and on the way down with the gradients.

# %% [markdown]
# ## 1. Why there must be a bend, and the two oldest
#
# **In words.** A layer weighs and adds. Two layers in a row weigh and add twice, and that is no more than weighing and
# adding once with other weights. So depth is worth nothing unless something happens *between* the layers that is not a
# weighted sum: every number goes by itself through a curve. It is called the *activation*.
#
# **In small numbers.** The first layer makes $u = 2x + 1$, the second $z = 3u - 2$. Together $z = 6x + 1$: one layer.
# Now replace negative $u$ by 0. At $x = 0$ nothing changes, $z = 1$. At $x = -1$ the first layer gives $-1$, which
# becomes 0, so $z = -2$ and not $-5$. The line has a bend, and many bends can follow any curve.
#
# The two oldest activations squash. You met the *sigmoid* in unit 02: $\sigma(\ln 3) = 3/(3 + 1) = 0.75$. The
# *hyperbolic tangent* does the same between $-1$ and 1: $\tanh z = 2\sigma(2z) - 1$, so
# $\tanh(\tfrac12 \ln 3) = 2 \cdot 0.75 - 1 = 0.5$.
#
# **In maths.** Back-propagation multiplies by the slope of the curve, once for each layer, so we want it too. Let
# $s = \sigma(z)$ and $t = \tanh z$. Then
#
# $$\sigma(z) = \frac{1}{1 + e^{-z}}, \quad \sigma'(z) = s\,(1 - s), \qquad\qquad
# \tanh z = \frac{e^z - e^{-z}}{e^z + e^{-z}}, \quad \tanh'(z) = 1 - t^2 .$$
#
# At $z = 0$ the sigmoid rises with a slope of $0.5 \cdot 0.5 = 0.25$, and nowhere faster. At $\ln 3$ it is
# $0.75 \cdot 0.25 = 0.1875$.
#
# **In code.** Write both curves and both slopes. Every function of this section takes $z$, an array of any shape, and
# returns an array of the same shape. `d_sigmoid(z)` is given $z$ and not $s$: it begins by computing
# `sigmoid(z)`. `d_tanh(np.array([0.0]))` returns `array([1.])`.
#
# > **Numerics.** As in unit 02: `np.exp` overflows above 709. Only ever give it numbers that are not positive, such as
# > $-|z|$. NumPy's own `np.tanh` is safe; the formula above, typed as it stands, is not.

# %% exercise="saturating" minutes=8 difficulty=1
def sigmoid(z):
    """1 / (1 + exp(-z)), number by number, without overflow.

    z: array of any shape, floats or whole numbers.
    Returns floats of the same shape, between 0 and 1.
    """
    ### BEGIN SOLUTION
    small = np.exp(-np.abs(z))  # never above 1, whatever z is
    return np.where(z >= 0, 1.0, small) / (1.0 + small)
    ### END SOLUTION


def d_sigmoid(z):
    """The slope of sigmoid at every number of z, an array of the same shape."""
    ### BEGIN SOLUTION
    s = sigmoid(z)
    return s * (1.0 - s)
    ### END SOLUTION


def tanh(z):
    """The hyperbolic tangent, number by number, between -1 and 1, without overflow."""
    ### BEGIN SOLUTION
    return np.tanh(z)
    ### END SOLUTION


def d_tanh(z):
    """The slope of tanh at every number of z, an array of the same shape."""
    ### BEGIN SOLUTION
    return 1.0 - np.tanh(z) ** 2
    ### END SOLUTION


# %% check="saturating" points=5
@inside
def watchfully(name, z):
    """What one of the four functions returns, and what NumPy warned of meanwhile."""
    functions = {"sigmoid": sigmoid, "d_sigmoid": d_sigmoid, "tanh": tanh, "d_tanh": d_tanh}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = functions[name](z)
    return value, sorted({str(warning.message) for warning in caught})


def test_sigmoid():
    "sigmoid of 0, ln 3 and -ln 3"
    assert_close(sigmoid(np.array([0.0, np.log(3.0), -np.log(3.0)])), [0.5, 0.75, 0.25])


def test_sigmoid_whole():
    "sigmoid of the whole numbers 0, 1000 and -1000"
    assert_close(sigmoid(np.array([0, 1000, -1000])), [0.5, 1.0, 0.0])


def test_sigmoid_far_below():
    "sigmoid of -1000, and no warning"
    value, warned = watchfully("sigmoid", np.array([-1000.0, 0.0]))
    assert_close(value, np.array([0.0, 0.5]))
    assert warned == [], "exp was given a number that is too large."


def test_sigmoid_far_above():
    "sigmoid of 1000, and no warning"
    value, warned = watchfully("sigmoid", np.array([1000.0, 0.0]))
    assert_close(value, np.array([1.0, 0.5]))
    assert warned == [], "exp was given a number that is too large."


def test_d_sigmoid():
    "the slope of sigmoid at 0, ln 3 and -ln 3"
    assert_close(d_sigmoid(np.array([[0.0, np.log(3.0), -np.log(3.0)]])), [[0.25, 0.1875, 0.1875]])


def test_tanh():
    "tanh of 0, (ln 3) / 2 and -(ln 3) / 2"
    assert_close(tanh(np.array([0.0, np.log(3.0) / 2, -np.log(3.0) / 2])), [0.0, 0.5, -0.5])


def test_tanh_far_out():
    "tanh of -1000 and 1000, and no warning"
    value, warned = watchfully("tanh", np.array([-1000.0, 1000.0]))
    assert_close(value, np.array([-1.0, 1.0]))
    assert warned == [], "exp was given a number that is too large."


def test_d_tanh():
    "the slope of tanh at 0, (ln 3) / 2 and -(ln 3) / 2"
    assert_close(d_tanh(np.array([[0.0, np.log(3.0) / 2, -np.log(3.0) / 2]])), [[1.0, 0.75, 0.75]])


### BEGIN HIDDEN TESTS
def test_tables():
    "a table of random numbers, and one of whole numbers"
    for z in (rng.normal(scale=3, size=(4, 5)), np.array([[-3, 0, 2], [1, -1, 5]])):
        assert_close(sigmoid(z), reference.sigmoid(z), name="sigmoid")
        assert_close(tanh(z), reference.tanh(z), name="tanh")


def test_slopes():
    "the slopes against central differences"
    z = rng.normal(scale=2, size=(2, 4))
    assert_gradient(lambda z: reference.sigmoid(z).sum(), d_sigmoid, z)
    assert_gradient(lambda z: reference.tanh(z).sum(), d_tanh, z)


def test_slopes_far_out():
    "the slopes far from zero are zero"
    z = np.array([-900.0, -50.0, 50.0, 900.0])
    assert_close(d_sigmoid(z), np.zeros(4), name="d_sigmoid")
    assert_close(d_tanh(z), np.zeros(4), name="d_tanh")


### END HIDDEN TESTS

check("saturating", points=5)


# %% mistake="saturating" name="sigmoid-sign" hint="Your sigmoid falls where it should rise: the sign in the exponent is turned round. It is exp(-z) in 1 / (1 + exp(-z))."
def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, e, 1.0) / (1.0 + e)


# %% mistake="saturating" name="overflow-below" hint="`np.exp(-z)` overflows when z is very negative. Only give `exp` numbers that are not positive: start from `np.exp(-np.abs(z))`, and treat the two signs apart."
def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


# %% mistake="saturating" name="where-computes-both" hint="`np.where` computes both forms for every number before it picks one, so each still overflows on the other's side. Compute e = np.exp(-np.abs(z)) once, and build both forms from it."
def sigmoid(z):
    return np.where(z >= 0, 1.0 / (1.0 + np.exp(-z)), np.exp(z) / (1.0 + np.exp(z)))


# %% mistake="saturating" name="one-side-only" hint="With exp(-|z|) and a single form, your sigmoid treats -z like z. Where z is negative the numerator is e, not 1."
def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-np.abs(z)))


# %% mistake="saturating" name="one-number-only" hint="`if z >= 0` asks one question of a whole array, and gets as many answers as it has numbers. Choose number by number: np.where, or a formula with np.abs(z)."
def sigmoid(z):
    if z >= 0:
        return 1.0 / (1.0 + np.exp(-z))
    return np.exp(z) / (1.0 + np.exp(z))


# %% mistake="saturating" name="whole-number-store" hint="`np.zeros_like(z)` makes an array of whole numbers when z holds whole numbers, and 0.5 stored in it is cut down to 0. Give it dtype=float, or use np.where."
def sigmoid(z):
    out, above = np.zeros_like(z), z >= 0
    out[above] = 1 / (1 + np.exp(-z[above]))
    e = np.exp(z[~above])
    out[~above] = e / (1 + e)
    return out


# %% mistake="saturating" name="slope-from-z" hint="The form s(1 - s) wants s = sigmoid(z), and d_sigmoid is given z itself. Compute s first."
def d_sigmoid(z):
    return z * (1.0 - z)


# %% mistake="saturating" name="slope-of-the-exponential" hint="You have s where s(1 - s) belongs: e to the power z is its own slope, the sigmoid is not."
def d_sigmoid(z):
    return sigmoid(z)


# %% mistake="saturating" name="minus-lost" hint="Your slope of the sigmoid is s(1 + s). The sign is a minus: the nearer s comes to 1, the flatter it gets."
def d_sigmoid(z):
    s = sigmoid(z)
    return s * (1.0 + s)


# %% mistake="saturating" name="tanh-overflow" hint="Your tanh is right near zero, but for large z it divides infinity by infinity. Use np.tanh, or build it from your sigmoid: 2 sigmoid(2z) - 1."
def tanh(z):
    return (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))


# %% mistake="saturating" name="tanh-too-slow" hint="This is tanh(z / 2). In 2 sigmoid(2z) - 1 there is a 2 inside as well as in front."
def tanh(z):
    return 2.0 * sigmoid(z) - 1.0


# %% mistake="saturating" name="tanh-slope-not-squared" hint="The slope of tanh is 1 minus its SQUARE. As it stands, it is larger than 1 for negative z."
def d_tanh(z):
    return 1.0 - np.tanh(z)


# %% mistake="saturating" name="tanh-slope-from-z" hint="In 1 - t**2, t is tanh(z). You squared z itself."
def d_tanh(z):
    return 1.0 - z**2


# %% mistake="saturating" name="tanh-slope-like-sigmoid" hint="t(1 - t) is the sigmoid's rule. The rule for tanh is another one, 1 - t**2, because it runs from -1 to 1."
def d_tanh(z):
    t = np.tanh(z)
    return t * (1.0 - t)


# %% variant="saturating"
def sigmoid(z):
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def d_sigmoid(z):
    e = np.exp(-np.abs(z))
    return e / (1.0 + e) ** 2


def tanh(z):
    return 2.0 * sigmoid(2.0 * z) - 1.0


def d_tanh(z):
    return 4.0 * d_sigmoid(2.0 * z)


# %% variant="saturating"
def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-np.clip(z, -700, 700)))


def d_tanh(z):
    return (1.0 - tanh(z)) * (1.0 + tanh(z))


# %% [markdown]
# ### See it: a curve and its slope
#
# On the left **your** function, with a tangent line whose slope is **your** derivative at the point. On the right
# your derivative, dashed, over a grey band: the slope *measured* from your function. If the tangent cuts the curve,
# or the dashes leave the band, one of the two is wrong.
#
# Move the point outwards. Where is the curve so flat that hardly any gradient gets through? It *saturates* there.

# %%
def both(name):
    """Your activation of this name and your slope of it, as they are now."""
    try:
        return globals()[name], globals()["d_" + name]
    except KeyError as missing:
        raise NotImplementedError(f"{missing.args[0]} is not there yet") from None


def curves(name, z):
    """One activation with a tangent, and its derivative, as you wrote them."""
    f, d = both(name)
    line = np.linspace(-6, 6, 601)
    values, slopes = f(line), d(line)
    here, slope = f(np.array([z]))[0], d(np.array([z]))[0]
    figure, axes = plot.figure(2, height=3.2)
    axes[0].plot(line, values)
    axes[0].plot([z - 2, z + 2], [here - 2 * slope, here + 2 * slope], color=plot.VERMILION)
    axes[0].plot(z, here, "o", color=plot.VERMILION)
    axes[0].set(xlim=(-6, 6), ylim=(-1.5, 3), xlabel="z", title=f"{name}({z:g}) = {here:.4f}")
    axes[1].plot(line, np.gradient(values, line), color="lightgrey", lw=7, label="measured")
    axes[1].plot(line, slopes, "--", label="d_" + name)
    axes[1].plot(z, slope, "o", color=plot.VERMILION)
    axes[1].set(xlim=(-6, 6), ylim=(-0.3, 1.3), xlabel="z")
    axes[1].set_title(f"slope {slope:.4f}; over 20 layers {slope**20:.1e}", fontsize=10)
    axes[1].legend(fontsize=8)
    return figure


explore(curves, name=choice(["sigmoid", "tanh"], "sigmoid", "function"), z=slider(1.0, -6, 6, 0.1, "z"))

# %% [markdown]
# Even at its best place the sigmoid takes three quarters of a gradient away. Twenty of them leave at most
# $0.25^{20} \approx 10^{-12}$. That is one reason why nobody trained deep networks for so long.

# %% [markdown]
# ## 2. Bends that do not saturate
#
# **In words.** The simplest bend of all lets positive numbers pass and stops the rest: the *rectified linear unit*,
# relu. Where it lets a number pass, it lets the gradient pass whole: the slope is 1, however large the number is.
# Where it stops a number, it stops the gradient too. The *leaky* relu leaves a small slope there, so that something
# always gets through.
#
# **In small numbers.** With a slope of 0.01 on the left:
#
# | $z$ | $-50$ | $0$ | $3$ |
# |---|---|---|---|
# | relu, and its slope | 0, slope 0 | 0, slope 0 | 3, slope 1 |
# | leaky relu, and its slope | $-0.5$, slope 0.01 | 0, slope 0.01 | 3, slope 1 |
#
# **In maths.** With a number $a$ from 0 to 1, $\mathrm{relu}(z) = \max(0, z)$ and
#
# $$\text{leaky}(z) = \begin{cases} z & z > 0 \\ a z & \text{else,} \end{cases} \qquad
# \text{leaky}'(z) = \begin{cases} 1 & z > 0 \\ a & \text{else.} \end{cases}$$
#
# At exactly $z = 0$ the curve has a corner, and no slope. One has to choose; like PyTorch we take the slope from the
# left: 0 for relu, $a$ for the leaky one.
#
# **In code.** Write the two, and their slopes. `leaky_relu(np.array([-2.0, 3.0]), slope=0.5)` returns
# `array([-1.,  3.])`. Do not write into `z`: on the way back it is needed once more, as it was.

# %% exercise="rectified" minutes=7 difficulty=1
def relu(z):
    """The larger of 0 and z, number by number.  z: array of any shape; an array of the same shape is returned."""
    ### BEGIN SOLUTION
    return np.maximum(z, 0.0)
    ### END SOLUTION


def d_relu(z):
    """The slope of relu, a number for each of z: 1.0 where z is positive, else 0.0."""
    ### BEGIN SOLUTION
    return (z > 0).astype(float)
    ### END SOLUTION


def leaky_relu(z, slope=0.01):
    """z where it is positive, slope * z elsewhere.

    z: array of any shape, floats or whole numbers.  slope: a number from 0 to 1.
    Returns floats of the same shape.
    """
    ### BEGIN SOLUTION
    return np.where(z > 0, z, slope * z)
    ### END SOLUTION


def d_leaky_relu(z, slope=0.01):
    """The slope of leaky_relu: 1.0 where z is positive, else `slope`."""
    ### BEGIN SOLUTION
    return np.where(z > 0, 1.0, slope)
    ### END SOLUTION


# %% check="rectified" points=5
def test_relu():
    "relu of -2, 0 and 3"
    assert_close(relu(np.array([-2.0, 0.0, 3.0])), [0.0, 0.0, 3.0])


def test_d_relu():
    "the slope of relu at -2, 0 and 3"
    slopes = d_relu(np.array([[-2.0, 0.0, 3.0]]))
    assert_close(slopes, [[0.0, 0.0, 1.0]])
    assert np.asarray(slopes).dtype.kind != "b", "The slopes are True and False. They must be numbers, 1.0 and 0.0."


def test_leaky_relu():
    "leaky relu of -2, 0 and 3"
    assert_close(leaky_relu(np.array([-2.0, 0.0, 3.0])), [-0.02, 0.0, 3.0])


def test_leaky_relu_slope():
    "leaky relu with a slope of 0.5"
    assert_close(leaky_relu(np.array([[-2.0, 3.0]]), slope=0.5), [[-1.0, 3.0]])


def test_leaky_relu_whole():
    "leaky relu of the whole numbers -50, 0 and 3"
    assert_close(leaky_relu(np.array([-50, 0, 3])), [-0.5, 0.0, 3.0])


def test_d_leaky_relu():
    "the slope of leaky relu at -2, 0 and 3"
    assert_close(d_leaky_relu(np.array([-2.0, 0.0, 3.0])), [0.01, 0.01, 1.0])


def test_d_leaky_relu_slope():
    "the slope of leaky relu, with 0.5 on the left"
    assert_close(d_leaky_relu(np.array([[-2.0, 3.0]]), slope=0.5), [[0.5, 1.0]])


### BEGIN HIDDEN TESTS
def test_tables():
    "a table of random numbers"
    z = rng.normal(size=(3, 2, 4)) * 3
    for mine, theirs in ((relu, reference.relu), (d_relu, reference.d_relu)):
        assert_close(mine(z), theirs(z))
    for mine, theirs in ((leaky_relu, reference.leaky_relu), (d_leaky_relu, reference.d_leaky_relu)):
        assert_close(mine(z, slope=0.2), theirs(z, slope=0.2))


def test_whole_numbers():
    "whole numbers"
    z = np.array([[-7, 0], [1, 9]])
    assert_close((relu(z), d_relu(z)), (np.array([[0.0, 0.0], [1.0, 9.0]]), np.array([[0.0, 0.0], [1.0, 1.0]])))
    assert_close(d_leaky_relu(z), reference.d_leaky_relu(z))


### END HIDDEN TESTS

check("rectified", points=5)


# %% mistake="rectified" name="relu-absolute" hint="Your relu is the absolute value: it folds negative numbers over. They become 0."
def relu(z):
    return np.abs(z)


# %% mistake="rectified" name="relu-in-place" hint="`z[z < 0] = 0` writes into the array that you were given, and whoever kept it finds it changed. np.maximum(z, 0.0) makes a new one."
def relu(z):
    z[z < 0] = 0.0
    return z


# %% mistake="rectified" name="python-max" hint="Python's own `max` and `if` ask whether a whole array is larger than 0, and there is no answer: some of its numbers are. np.maximum compares number by number."
def relu(z):
    return max(0.0, z)


# %% mistake="rectified" name="np-max" hint="`np.max` looks for the largest number of the array. `np.maximum` compares number by number."
def relu(z):
    return np.max(z, 0)


# %% mistake="rectified" name="relu-capped" hint="Your relu stops at 1. It has no upper end: 3 stays 3."
def relu(z):
    return np.clip(z, 0.0, 1.0)


# %% mistake="rectified" name="slope-at-zero" hint="At exactly 0 the slope of relu is taken as 0 here: compare with >, not >=."
def d_relu(z):
    return (z >= 0).astype(float)


# %% mistake="rectified" name="value-not-slope" hint="Your d_relu returns what relu returns. Its slope is 1 wherever z is positive, whether z is 0.1 or 100."
def d_relu(z):
    return np.maximum(z, 0.0)


# %% mistake="rectified" name="slope-of-the-sign" hint="On the left your d_relu is -1. relu is flat there: the slope is 0."
def d_relu(z):
    return np.sign(z)


# %% mistake="rectified" name="true-and-false" hint="Your d_relu returns True and False. As slopes they must be numbers: add .astype(float)."
def d_relu(z):
    return z > 0


# %% mistake="rectified" name="leaky-everywhere" hint="Your leaky relu multiplies by the slope everywhere. Positive numbers stay as they are."
def leaky_relu(z, slope=0.01):
    return slope * z


# %% mistake="rectified" name="leaky-fixed-slope" hint="Your leaky relu has 0.01 written into it. Use the argument `slope`."
def leaky_relu(z, slope=0.01):
    return np.where(z > 0, z, 0.01 * z)


# %% mistake="rectified" name="leaky-floor" hint="You return the slope itself on the left, a flat floor. The slope is multiplied by z."
def leaky_relu(z, slope=0.01):
    return np.where(z > 0, z, slope)


# %% mistake="rectified" name="whole-number-store" hint="`np.zeros_like(z)` makes an array of whole numbers when z holds whole numbers, and -0.5 stored in it is cut down to 0. Give it dtype=float, or use np.where."
def leaky_relu(z, slope=0.01):
    out = np.zeros_like(z)
    out[z > 0] = z[z > 0]
    out[z <= 0] = slope * z[z <= 0]
    return out


# %% mistake="rectified" name="leaky-in-place" hint="`z[z < 0] *= slope` writes into the array that you were given. np.where(z > 0, z, ...) makes a new one."
def leaky_relu(z, slope=0.01):
    z[z < 0] = slope * z[z < 0]
    return z


# %% mistake="rectified" name="leaky-slope-zero" hint="On the left your d_leaky_relu is 0, as for relu. The leaky one still has its slope there: that is what it is for."
def d_leaky_relu(z, slope=0.01):
    return np.where(z > 0, 1.0, 0.0)


# %% mistake="rectified" name="leaky-slope-times-z" hint="On the left you return slope * z, the value. The slope of that line is `slope`, wherever you stand on it."
def d_leaky_relu(z, slope=0.01):
    return np.where(z > 0, 1.0, slope * z)


# %% mistake="rectified" name="leaky-slope-fixed" hint="Your d_leaky_relu has 0.01 written into it. Use the argument `slope`."
def d_leaky_relu(z, slope=0.01):
    return np.where(z > 0, 1.0, 0.01)


# %% mistake="rectified" name="leaky-slope-at-zero" hint="At exactly 0 the slope of the leaky relu is taken from the left here: compare with >, not >=."
def d_leaky_relu(z, slope=0.01):
    return np.where(z >= 0, 1.0, slope)


# %% variant="rectified"
def relu(z):
    return z * (z > 0)


def d_relu(z):
    return np.where(z > 0, 1, 0)


def leaky_relu(z, slope=0.01):
    return np.maximum(z, slope * z)


def d_leaky_relu(z, slope=0.01):
    return (z > 0) + slope * (z <= 0)


# %% variant="rectified"
def relu(z):
    out = np.array(z, dtype=float)
    out[out < 0] = 0.0
    return out


def d_relu(z):
    return np.heaviside(z, 0.0)


def leaky_relu(z, slope=0.01):
    return np.maximum(z, 0.0) + slope * np.minimum(z, 0.0)


def d_leaky_relu(z, slope=0.01):
    slopes = np.full(np.shape(z), float(slope))
    slopes[z > 0] = 1.0
    return slopes


# %% [markdown]
# ## 3. Bends without a corner
#
# **In words.** relu asks one question, yes or no: is $z$ positive? A softer answer is a *share* between 0 and 1 of $z$
# that is let through. Large $z$ pass nearly whole, very negative ones hardly, and in between there is no corner. Both
# curves dip a little below 0 first.
#
# - *silu*, also called swish, takes the sigmoid as the share: $z\,\sigma(z)$.
# - *gelu*, which most language models use, takes the share of a normal distribution that lies below $z$. It is called
#   $\Phi(z)$.
#
# **In small numbers.** $\mathrm{silu}(\ln 3) = 1.0986 \cdot 0.75 = 0.8240$. Of a normal distribution, 84.13 % lie
# below one standard deviation, so $\mathrm{gelu}(1) = 1 \cdot 0.8413$. Below $-1$ lie the other 15.87 %:
# $\mathrm{gelu}(-1) = -0.1587$.
#
# **In maths.** With the error function erf, which `scipy.special` has,
#
# $$\Phi(z) = \tfrac12 \Bigl( 1 + \mathrm{erf} \frac{z}{\sqrt 2} \Bigr), \qquad
# \Phi'(z) = \varphi(z) = \frac{1}{\sqrt{2 \pi}}\, e^{-z^2/2} .$$
#
# Both curves are products, so their slopes have two terms:
#
# $$\mathrm{gelu}'(z) = \Phi(z) + z\, \varphi(z), \qquad \mathrm{silu}'(z) = s + z\, s\,(1 - s) \quad \text{with } s = \sigma(z) .$$
#
# **In code.** Write the two, and their slopes. `erf` is imported in the setup cell. Use your `sigmoid`.
# `gelu(np.array([1.0]))` returns `array([0.84134475])`.
#
# > **Numerics.** In much code you find $\tfrac12 z\,(1 + \tanh(\sqrt{2/\pi}\,(z + 0.044715\, z^3)))$ under the name
# > of gelu. It is an approximation from the days when erf was slow, right to about three digits. We take the exact
# > form.

# %% exercise="smooth" minutes=10 difficulty=2
def gelu(z):
    """z times the share of a normal distribution below z, exactly.  z: array of any shape; the same shape is returned."""
    ### BEGIN SOLUTION
    return z * 0.5 * (1.0 + erf(z / np.sqrt(2.0)))
    ### END SOLUTION


def d_gelu(z):
    """The slope of gelu at every number of z, an array of the same shape."""
    ### BEGIN SOLUTION
    below = 0.5 * (1.0 + erf(z / np.sqrt(2.0)))
    return below + z * np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    ### END SOLUTION


def silu(z):
    """z times its sigmoid.  z: array of any shape; the same shape is returned."""
    ### BEGIN SOLUTION
    return z * sigmoid(z)
    ### END SOLUTION


def d_silu(z):
    """The slope of silu at every number of z, an array of the same shape."""
    ### BEGIN SOLUTION
    s = sigmoid(z)
    return s + z * s * (1.0 - s)
    ### END SOLUTION


# %% check="smooth" points=5
def test_gelu():
    "gelu of -1, 0, 1 and 3"
    assert_close(gelu(np.array([-1.0, 0.0, 1.0, 3.0])), [-0.158655254, 0.0, 0.841344746, 2.995950306])


def test_d_gelu():
    "the slope of gelu at -1, 0 and 1"
    assert_close(d_gelu(np.array([[-1.0, 0.0, 1.0]])), [[-0.083315471, 0.5, 1.083315471]])


def test_silu():
    "silu of -ln 3, 0 and ln 3"
    assert_close(silu(np.array([-np.log(3.0), 0.0, np.log(3.0)])), [-0.274653072, 0.0, 0.823959217])


def test_d_silu():
    "the slope of silu at -ln 3, 0 and ln 3"
    assert_close(d_silu(np.array([[-np.log(3.0), 0.0, np.log(3.0)]])), [[0.044010196, 0.5, 0.955989804]])


### BEGIN HIDDEN TESTS
def test_tables():
    "a table of random numbers, and one of whole numbers"
    for z in (rng.normal(scale=2, size=(3, 4)), np.array([[-3, 0], [2, 5]])):
        assert_close(gelu(z), reference.gelu(z), name="gelu")
        assert_close(silu(z), reference.silu(z), name="silu")


def test_slopes():
    "the slopes against central differences"
    z = rng.normal(scale=2, size=(2, 4))
    assert_gradient(lambda z: reference.gelu(z).sum(), d_gelu, z)
    assert_gradient(lambda z: reference.silu(z).sum(), d_silu, z)


def test_far_out():
    "far from zero: all or nothing"
    z = np.array([-60.0, 60.0])
    assert_close((gelu(z), silu(z)), (np.array([0.0, 60.0]), np.array([0.0, 60.0])))
    assert_close((d_gelu(z), d_silu(z)), (np.array([0.0, 1.0]), np.array([0.0, 1.0])))


### END HIDDEN TESTS

check("smooth", points=5)


# %% mistake="smooth" name="gelu-tanh" hint="That is the tanh approximation of gelu, right to about three digits. Use the exact form, with erf."
def gelu(z):
    return 0.5 * z * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (z + 0.044715 * z**3)))


# %% mistake="smooth" name="gelu-sigmoid" hint="z sigmoid(1.702 z) is a rough approximation of gelu, wrong in the third digit. Use the exact form, with erf."
def gelu(z):
    return z * sigmoid(1.702 * z)


# %% mistake="smooth" name="np-erf" hint="NumPy has no erf. It comes from scipy.special and is imported in the setup cell: write erf(...) alone."
def gelu(z):
    return z * 0.5 * (1.0 + np.erf(z / np.sqrt(2.0)))


# %% mistake="smooth" name="gelu-no-root" hint="In gelu, z is divided by the square root of 2 before erf sees it."
def gelu(z):
    return z * 0.5 * (1.0 + erf(z))


# %% mistake="smooth" name="gelu-share-alone" hint="Your gelu is the share that lies below z. gelu is z times that share."
def gelu(z):
    return 0.5 * (1.0 + erf(z / np.sqrt(2.0)))


# %% mistake="smooth" name="gelu-twice" hint="Your gelu is twice too large: 1 + erf runs from 0 to 2. Half of it is a share."
def gelu(z):
    return z * (1.0 + erf(z / np.sqrt(2.0)))


# %% mistake="smooth" name="gelu-density" hint="You multiplied z by the height of the bell curve at z. The share is the AREA below it, up to z: half of 1 + erf."
def gelu(z):
    return z * np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)


# %% mistake="smooth" name="gelu-slope-one-term" hint="gelu is a product, so its slope has two terms. You kept only the share below z."
def d_gelu(z):
    return 0.5 * (1.0 + erf(z / np.sqrt(2.0)))


# %% mistake="smooth" name="gelu-slope-no-z" hint="The second term of gelu's slope is z times the bell curve. You left out the z."
def d_gelu(z):
    return 0.5 * (1.0 + erf(z / np.sqrt(2.0))) + np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)


# %% mistake="smooth" name="gelu-slope-not-normed" hint="The bell curve in gelu's slope is divided by the square root of 2 pi, so that the area below it is 1. Yours is not."
def d_gelu(z):
    return 0.5 * (1.0 + erf(z / np.sqrt(2.0))) + z * np.exp(-0.5 * z**2)


# %% mistake="smooth" name="silu-sigmoid" hint="Your silu is the sigmoid alone. Multiply by z."
def silu(z):
    return sigmoid(z)


# %% mistake="smooth" name="silu-sign" hint="You multiplied z by the share that is held back, 1 - sigmoid(z). Multiply by the share that is let through."
def silu(z):
    return z * sigmoid(-z)


# %% mistake="smooth" name="silu-slope-second-term" hint="silu is a product, so its slope has two terms. You kept only z s(1 - s): the s is missing."
def d_silu(z):
    s = sigmoid(z)
    return z * s * (1.0 - s)


# %% mistake="smooth" name="silu-slope-first-term" hint="silu is a product, so its slope has two terms. You kept only s: what z does to s is missing."
def d_silu(z):
    return sigmoid(z)


# %% mistake="smooth" name="silu-slope-no-z" hint="In the second term of silu's slope the z is missing: it is z s(1 - s)."
def d_silu(z):
    s = sigmoid(z)
    return s + s * (1.0 - s)


# %% variant="smooth"
def gelu(z):
    return 0.5 * z + 0.5 * z * erf(z * 2**-0.5)


def d_gelu(z):
    return 0.5 + 0.5 * erf(z * 2**-0.5) + z * np.exp(-(z**2) / 2) * (2 * np.pi) ** -0.5


def silu(z):
    return 0.5 * z * (1.0 + np.tanh(0.5 * z))


def d_silu(z):
    s = 0.5 * (1.0 + np.tanh(0.5 * z))
    return s * (1.0 + z * (1.0 - s))


# %% variant="smooth"
def d_silu(z):
    return sigmoid(z) + z * d_sigmoid(z)


# %% [markdown]
# ### See it: all six
#
# The same picture as before, for all six of **your** functions. Which of them have a slope above 1 somewhere? Which
# reach below 0?

# %%
NAMES = ["sigmoid", "tanh", "relu", "leaky_relu", "gelu", "silu"]

explore(curves, name=choice(NAMES, "gelu", "function"), z=slider(-0.7, -6, 6, 0.1, "z"))

# %% [markdown]
# ### See it: up with the numbers, down with the gradients
#
# Layers of 64 units with random weights, and one of your bends after each. Numbers go up; then a gradient is sent back
# down, through **your** derivatives. Both should keep their size. With the scale at 1, compare the sigmoid, tanh and
# relu. Then find the scale at which relu neither dies nor blows up. (You will compute it soon.)

# %%
def flow(f, d, draw, layers, inputs=64):
    """Sizes of numbers and of gradients in a random network: scores z of every layer, their sizes, the gradients' sizes."""
    dice = np.random.default_rng(0)
    x, kept = dice.normal(size=(inputs, 64)), []
    for _ in range(layers):
        w = draw(64, 64, dice)
        z = x @ w
        kept.append((w, z))
        x = f(z)
    g, sizes = dice.normal(size=x.shape), []
    for w, z in reversed(kept):
        g = (g * d(z)) @ w.T
        sizes.append(np.sqrt(np.mean(g**2)))
    return [z for w, z in kept], [np.sqrt(np.mean(f(z) ** 2)) for w, z in kept], sizes[::-1]


def sizes_by_layer(axes, numbers, gradients):
    """Two curves on a logarithmic scale: how large the numbers and the gradients are at every layer."""
    layer = np.arange(1, len(numbers) + 1)
    axes.semilogy(layer, np.maximum(numbers, 1e-18), "o-", label="numbers, going up")
    axes.semilogy(layer, np.maximum(gradients, 1e-18), "s--", label="gradients, going down")
    axes.set(xlabel="layer (1 is the first)", ylabel="typical size", ylim=(1e-18, 1e12))
    axes.legend(fontsize=8, loc="upper left")


def depth(name, scale, layers):
    """The size of numbers and gradients at every layer of a random network."""
    f, d = both(name)
    figure, axes = plot.figure(height=3.2)
    numbers, gradients = flow(f, d, lambda fan_in, fan_out, dice: dice.normal(0, scale / 8, (fan_in, fan_out)), layers)[1:]
    sizes_by_layer(axes, numbers, gradients)
    axes.set_title(f"{name}, scale {scale:g}: numbers {numbers[-1]:.1e} at the top, gradients {gradients[0]:.1e} at the bottom", fontsize=10)
    return figure


explore(
    depth,
    name=choice(NAMES, "sigmoid", "function"),
    scale=slider(1.0, 0.5, 5, 0.1, "scale of the weights"),
    layers=slider(20, 2, 40, 1, "layers"),
)

# %% [markdown]
# With the scale at 1, a gradient comes down through twenty sigmoids about $10^{13}$ times smaller. The numbers going
# up do not die: all of them sit near one half, whatever went in, which is no better. tanh takes away a factor of 7,
# relu of a thousand; at a scale of 1.4 relu is nearly level. At 4 it makes half a billion of 1.
#
# > **History.** Sepp Hochreiter described the vanishing gradient in his diploma thesis of 1991. Xavier Glorot,
# > Antoine Bordes and Yoshua Bengio showed in 2011 that with relu deep networks learn without their layers being
# > trained one by one first. gelu is by Dan Hendrycks and Kevin Gimpel (2016), silu appears there too, and in
# > Elfwing, Uchibe and Doya (2017).
#
# > **In PyTorch** these are `torch.sigmoid`, `torch.tanh`, and `relu`, `leaky_relu`, `gelu` and `silu` in
# > `torch.nn.functional`. Their derivatives are built in. `gelu` takes `approximate="tanh"` for the other form.
#
# **Question 1 (2 points).** Somebody builds a network of twenty layers and leaves out all activations. What can it do
# that one layer cannot? Say why. And what does *each* sigmoid between two layers do to a gradient that passes through
# it?

# %% [markdown] question="why-bends" points=2
# It can do nothing more. A weighted sum of weighted sums is a weighted sum: the product of the twenty matrices is one
# matrix, so that one layer could take its place and draws the same straight boundary. Each sigmoid multiplies the
# gradient by its slope, which is a quarter at most, and nearly 0 where it saturates, so that after many layers hardly
# anything is left for the first ones.

# %% [markdown]
# ## 4. From scores to probabilities: softmax
#
# **In words.** The neuron of unit 02 had one score and two classes. A network for digits has ten scores for each
# picture, one for each class, called *logits*. Softmax makes probabilities of them: exponentiate, so that all are
# positive, and divide by the sum of the row, so that they add up to 1.
#
# **In small numbers.** The scores $(0, \ln 3)$ become $(1, 3)$, and divided by 4: $(0.25,\ 0.75)$. The scores
# $(5, 5)$ become $(0.5,\ 0.5)$: only differences count. Adding 5 to all scores of a row multiplies every
# exponential by $e^5$, and the sum too.
#
# **In maths.** For one row of scores $z$ with $C$ entries,
#
# $$\mathrm{softmax}(z)_c = \frac{e^{z_c}}{\sum_k e^{z_k}}, \qquad
# \log \mathrm{softmax}(z)_c = z_c - \ln \sum_k e^{z_k} .$$
#
# > **Numerics.** Scores of 1000 do occur, and $e^{1000}$ is infinity in a float. Since only differences count,
# > subtract each row's own maximum first: then no exponent is positive. And never take the logarithm of a softmax: a
# > probability too small for a float has become 0, and its logarithm is minus infinity. Use the right-hand formula,
# > with the shifted scores.
#
# **In code.** Write both. The classes lie along the *last* axis: usually `z` is (N, C), an example in each row, but in
# unit 11 it will be (B, T, C). `softmax(np.array([[0.0, np.log(3.0)]]))` returns `array([[0.25, 0.75]])`.

# %% exercise="softmax" minutes=10 difficulty=2
def softmax(z):
    """Turn scores into probabilities along the last axis.

    z: array (..., C), floats or whole numbers; it stays as it is.
    Returns floats of the same shape, each row along the last axis with the sum 1.
    """
    ### BEGIN SOLUTION
    e = np.exp(z - z.max(axis=-1, keepdims=True))  # the largest exponent is 0
    return e / e.sum(axis=-1, keepdims=True)
    ### END SOLUTION


def log_softmax(z):
    """The logarithm of softmax(z), finite for all finite scores.  z: array (..., C); the same shape is returned."""
    ### BEGIN SOLUTION
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    ### END SOLUTION


# %% check="softmax" points=5
def test_softmax_by_hand():
    "softmax of the two rows from the text"
    assert_close(softmax(np.array([[0.0, np.log(3.0)], [5.0, 5.0]])), [[0.25, 0.75], [0.5, 0.5]])


def test_softmax_large():
    "softmax of a row of zeros and a row of thousands"
    assert_close(softmax(np.array([[0.0, 0.0], [1000.0, 1000.0]])), [[0.5, 0.5], [0.5, 0.5]])


def test_softmax_one_row():
    "softmax of one row by itself, shape (3,), whole numbers"
    assert_close(softmax(np.array([7, 7, 7])), [1 / 3, 1 / 3, 1 / 3])


def test_softmax_three_axes():
    "softmax of a batch of sequences, shape (1, 2, 2)"
    assert_close(softmax(np.array([[[0.0, np.log(3.0)], [np.log(4.0), 0.0]]])), [[[0.25, 0.75], [0.8, 0.2]]])


def test_log_softmax_by_hand():
    "log-softmax of the two rows"
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


def test_random_three_axes():
    "random scores with three axes"
    z = rng.normal(size=(2, 3, 4)) * 4
    assert_close((softmax(z), log_softmax(z)), (reference.softmax(z), reference.log_softmax(z)))


def test_far_below():
    "scores of -1000"
    z = np.array([[-1000.0, -1000.0, -1001.0], [3.0, 2.0, 1.0]])
    assert_close((softmax(z), log_softmax(z)), (reference.softmax(z), reference.log_softmax(z)))


### END HIDDEN TESTS

check("softmax", points=5)


# %% mistake="softmax" name="whole-array" hint="You divided by the sum of the whole array. Each row must add up to 1 by itself: give `sum` an axis and keepdims=True."
def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum()


# %% mistake="softmax" name="overflow" hint="Scores of 1000 overflow. Subtract the maximum of each row before you exponentiate: it changes no probability."
def softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


# %% mistake="softmax" name="one-maximum-for-all" hint="You subtracted the maximum of the whole array. Rows far below it then become 0 / 0. Subtract each row's own maximum: axis=-1, keepdims=True."
def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum(axis=-1, keepdims=True)


# %% mistake="softmax" name="no-keepdims" hint="Without keepdims=True the maxima and sums of the rows have the shape (N,), and NumPy lays them along the columns. With it they are (N, 1): a number for each row."
def softmax(z):
    e = np.exp(z - z.max(axis=-1))
    return e / e.sum(axis=-1)


# %% mistake="softmax" name="not-divided" hint="You exponentiated, but a row does not add up to 1 yet: divide it by its sum."
def softmax(z):
    return np.exp(z - z.max(axis=-1, keepdims=True))


# %% mistake="softmax" name="columns" hint="Your columns add up to 1. An example is a row: take maximum and sum along the last axis."
def softmax(z):
    e = np.exp(z - z.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


# %% mistake="softmax" name="second-axis" hint="axis=1 is the last axis of a table only. With one axis or with three it is another one, or none. axis=-1 is always the last."
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


# %% mistake="softmax" name="in-place" hint="`z -= ...` writes into the array that you were given. Write z - ..., which makes a new one."
def softmax(z):
    z -= z.max(axis=-1, keepdims=True)
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


# %% mistake="softmax" name="not-exponentiated" hint="You divided the scores by their sum. Scores may be negative, and a row of zeros has the sum 0: exponentiate first."
def softmax(z):
    return z / z.sum(axis=-1, keepdims=True)


# %% mistake="softmax" name="log-of-softmax" hint="You took the logarithm of the softmax, and a probability too small for a float has become 0. Use z minus the logarithm of the sum."
def log_softmax(z):
    return np.log(softmax(z))


# %% mistake="softmax" name="log-with-a-crutch" hint="A small number under the logarithm hides the minus infinity and puts a wrong number in its place: -27.6 instead of -1000. Use z minus the logarithm of the sum; it needs no crutch."
def log_softmax(z):
    return np.log(softmax(z) + 1e-12)


# %% mistake="softmax" name="sum-without-log" hint="In log_softmax you subtracted the sum of the exponentials itself. Take its logarithm."
def log_softmax(z):
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.exp(shifted).sum(axis=-1, keepdims=True)


# %% mistake="softmax" name="shift-lost" hint="You shifted the scores inside the sum only, so the result is too large by the row's maximum. Shift both: what stands before the minus, and what is summed."
def log_softmax(z):
    shifted = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


# %% mistake="softmax" name="log-overflow" hint="In log_softmax, scores of 1000 overflow inside the sum. Shift the scores there too."
def log_softmax(z):
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


# %% variant="softmax"
def softmax(z):
    return np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))


def log_softmax(z):
    return z - np.logaddexp.reduce(z, axis=-1, keepdims=True)


# %% variant="softmax"
def log_softmax(z):
    top = z.max(axis=-1, keepdims=True)
    return z - top - np.log(np.sum(np.exp(z - top), axis=-1, keepdims=True))


def softmax(z):
    return np.exp(log_softmax(z))


# %% [markdown]
# ### See it: only differences count
#
# Four scores go through **your** `softmax` on the left. Push the shift to a thousand, and nothing may move. Spread
# the scores, and the largest takes all: a *soft* maximum. On the right is what each class would cost if it were the
# true one: minus **your** `log_softmax`. It goes on growing where the bar on the left has long become invisible.

# %%
def soft(spread, shift):
    """Probabilities of four scores, and the cost of each class."""
    z = spread * np.array([2.0, 1.0, 0.0, -1.0]) + shift
    p, cost = softmax(z[None])[0], -log_softmax(z[None])[0]
    figure, axes = plot.figure(2, height=2.8)
    names = [f"{score:g}" for score in z]
    axes[0].bar(range(4), p, color=plot.BLUE)
    axes[0].set(xticks=range(4), xticklabels=names, ylim=(0, 1.1), xlabel="score", ylabel="probability")
    axes[0].set_title(f"they add up to {p.sum():.4f}", fontsize=10)
    axes[1].bar(range(4), cost, color=plot.ORANGE)
    axes[1].set(xticks=range(4), xticklabels=names, ylim=(0, 32), xlabel="score", ylabel="cost in nats")
    axes[1].set_title("cost, if this class is the true one", fontsize=10)
    for place, height in enumerate(cost):
        axes[1].text(place, height + 0.6, f"{height:.2f}", ha="center", fontsize=9)
    return figure


explore(soft, spread=slider(1.0, 0.0, 10.0, 0.5, "spread"), shift=slider(0, -1000, 1000, 50, "shift of all scores"))

# %% [markdown]
# ## 5. The loss and its gradient
#
# **In words.** The loss is the *surprise* of unit 02, for more than two classes: how probable did the network think the
# class that is the true one? It is minus the logarithm of that, averaged over the examples, and called *cross-entropy*.
#
# **In small numbers.** Two examples, both with the scores $(0, \ln 3)$ and so the probabilities $(0.25, 0.75)$. The
# true classes are 1 and 0. The first costs $-\ln 0.75 = 0.288$, the second $-\ln 0.25 = 1.386$; the loss is the mean,
# $0.837$.
#
# For the gradient take probability minus truth, as with one neuron. The truth of class 1 is $(0, 1)$, so the first
# example has $(0.25, -0.25)$. The second has $(0.25 - 1,\ 0.75) = (-0.75, 0.75)$. The mean has a $1/N$ in it, so each
# is divided by 2: $(0.125, -0.125)$ and $(-0.375, 0.375)$.
#
# **In maths.** With the logits $z$, shape $(N, C)$, and the true classes $y$, shape $(N,)$,
#
# $$L = -\frac1N \sum_{i=1}^N \log \mathrm{softmax}(z_i)_{y_i}, \qquad
# \frac{\partial L}{\partial z} = \frac{1}{N} \bigl( \mathrm{softmax}(z) - \text{onehot}(y) \bigr), \quad \text{shape } (N, C).$$
#
# **In code.** Write both. `A[np.arange(N), y]` picks from row $i$ of `A` the entry number $y_i$, for all rows at
# once: shape (N,). `A[:, y]` is something else: for each row all $N$ columns that are named in `y`, shape (N, N).

# %% exercise="cross_entropy" minutes=12 difficulty=3
def cross_entropy(logits, y):
    """The mean cross-entropy, in nats.

    logits: array (N, C), the scores.
    y: (N,), whole numbers from 0 to C - 1, the true classes.
    Returns a number, finite for all finite logits.
    """
    ### BEGIN SOLUTION
    return -log_softmax(logits)[np.arange(len(y)), y].mean()
    ### END SOLUTION


def d_cross_entropy(logits, y):
    """The gradient of cross_entropy with respect to the logits, an array (N, C)."""
    ### BEGIN SOLUTION
    gradient = softmax(logits)
    gradient[np.arange(len(y)), y] -= 1.0
    return gradient / len(y)
    ### END SOLUTION


# %% check="cross_entropy" points=5
def test_loss_by_hand():
    "the loss of the two examples from the text"
    logits = np.array([[0.0, np.log(3.0)], [0.0, np.log(3.0)]])
    assert_close(cross_entropy(logits, np.array([1, 0])), (np.log(4 / 3) + np.log(4)) / 2)


def test_loss_each_its_own():
    "two examples with different scores: the mean of -ln 0.75 and -ln 0.8"
    logits = np.array([[0.0, np.log(3.0)], [np.log(4.0), 0.0]])
    assert_close(cross_entropy(logits, np.array([1, 0])), (np.log(4 / 3) + np.log(5 / 4)) / 2)


def test_loss_no_idea():
    "ten equal scores cost ln 10, whatever is true"
    assert_close(cross_entropy(np.zeros((3, 10)), np.array([4, 9, 0])), np.log(10))


def test_loss_large():
    "a class that is 1000 behind costs 1000"
    assert_close(cross_entropy(np.array([[1000.0, 0.0, 0.0]]), np.array([2])), 1000.0)


def test_gradient_by_hand():
    "the gradient of the two examples from the text"
    logits = np.array([[0.0, np.log(3.0)], [0.0, np.log(3.0)]])
    assert_close(d_cross_entropy(logits, np.array([1, 0])), [[0.125, -0.125], [-0.375, 0.375]])


def test_gradient_three_classes():
    "the gradient of one example of three classes"
    assert_close(d_cross_entropy(np.zeros((1, 3)), np.array([2])), [[1 / 3, 1 / 3, -2 / 3]])


### BEGIN HIDDEN TESTS
def test_random():
    "random scores: the loss, and its gradient by central differences"
    logits, y = rng.normal(size=(6, 4)), np.array([0, 3, 2, 1, 1, 0])
    assert_close(cross_entropy(logits, y), reference.cross_entropy(logits, y))
    assert_gradient(lambda z: reference.cross_entropy(z, y), lambda z: d_cross_entropy(z, y), logits)


def test_gradient_large():
    "the gradient where scores are large"
    logits, y = np.array([[1000.0, 0.0, 999.0], [-800.0, 0.0, 800.0]]), np.array([2, 0])
    assert_close(d_cross_entropy(logits, y), reference.d_cross_entropy(logits, y))


### END HIDDEN TESTS

check("cross_entropy", points=5)


# %% mistake="cross_entropy" name="summed" hint="You added over the examples. The loss is a mean: divide by N."
def cross_entropy(logits, y):
    return -log_softmax(logits)[np.arange(len(y)), y].sum()


# %% mistake="cross_entropy" name="not-averaged" hint="You return one loss for each example. The loss is one number, their mean."
def cross_entropy(logits, y):
    return -log_softmax(logits)[np.arange(len(y)), y]


# %% mistake="cross_entropy" name="mean-over-classes" hint="You averaged over all N times C entries of a table that is 0 outside the true classes, so the loss is C times too small. Average over the N examples."
def cross_entropy(logits, y):
    return -(log_softmax(logits) * np.eye(logits.shape[1])[y]).mean()


# %% mistake="cross_entropy" name="all-pairs" hint="logits[:, y] takes every class that is named in y, in every row: (N, N). Pair rows and classes: [np.arange(N), y]."
def cross_entropy(logits, y):
    return -log_softmax(logits)[:, y].mean()


# %% mistake="cross_entropy" name="rows-by-class" hint="[y] alone picks whole ROWS, the examples with the numbers in y. Name the row and the class: [np.arange(N), y]."
def cross_entropy(logits, y):
    return -log_softmax(logits)[y].mean()


# %% mistake="cross_entropy" name="bits" hint="Your loss is counted in bits: a logarithm to base 2 is 1.44 times too large. Nats are asked for, the natural logarithm."
def cross_entropy(logits, y):
    return -log_softmax(logits)[np.arange(len(y)), y].mean() / np.log(2.0)


# %% mistake="cross_entropy" name="no-minus" hint="Your loss is negative. The logarithm of a probability is below 0: put a minus sign in front."
def cross_entropy(logits, y):
    return log_softmax(logits)[np.arange(len(y)), y].mean()


# %% mistake="cross_entropy" name="log-of-zero" hint="You took the logarithm of the softmax, which is minus infinity where the probability is too small for a float. Use log_softmax."
def cross_entropy(logits, y):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return -np.log((e / e.sum(axis=1, keepdims=True))[np.arange(len(y)), y]).mean()


# %% mistake="cross_entropy" name="softmax-twice" hint="You took the softmax of probabilities: log_softmax wants the scores themselves, and does its own softmax. The loss hardly moves that way."
def cross_entropy(logits, y):
    return -log_softmax(softmax(logits))[np.arange(len(y)), y].mean()


# %% mistake="cross_entropy" name="scores-not-logged" hint="You averaged the true classes' probabilities. The surprise is minus their LOGARITHM: take log_softmax, not softmax."
def cross_entropy(logits, y):
    return -softmax(logits)[np.arange(len(y)), y].mean()


# %% mistake="cross_entropy" name="gradient-not-averaged" hint="The loss is a mean over the examples, so its gradient has the 1/N too: divide by N."
def d_cross_entropy(logits, y):
    gradient = softmax(logits)
    gradient[np.arange(len(y)), y] -= 1.0
    return gradient


# %% mistake="cross_entropy" name="gradient-over-all-entries" hint="You divided the gradient by the number of its entries, N times C. The loss is a mean over N examples: divide by N."
def d_cross_entropy(logits, y):
    gradient = softmax(logits)
    gradient[np.arange(len(y)), y] -= 1.0
    return gradient / gradient.size


# %% mistake="cross_entropy" name="gradient-sign" hint="The gradient has the wrong sign: it is probability minus truth."
def d_cross_entropy(logits, y):
    gradient = -softmax(logits)
    gradient[np.arange(len(y)), y] += 1.0
    return gradient / len(y)


# %% mistake="cross_entropy" name="gradient-truth-forgotten" hint="The gradient is the probability minus the truth. You left out the truth: subtract 1 at the true class."
def d_cross_entropy(logits, y):
    return softmax(logits) / len(y)


# %% mistake="cross_entropy" name="gradient-all-pairs" hint="`gradient[:, y] -= 1` takes 1 from every class named in y, in every row. Pair rows and classes: [np.arange(N), y]."
def d_cross_entropy(logits, y):
    gradient = softmax(logits)
    gradient[:, y] -= 1.0
    return gradient / len(y)


# %% mistake="cross_entropy" name="gradient-rows-by-class" hint="`gradient[y] -= 1` takes 1 from whole ROWS, those with the numbers in y. Name the row and the class: [np.arange(N), y]."
def d_cross_entropy(logits, y):
    gradient = softmax(logits)
    gradient[y] -= 1.0
    return gradient / len(y)


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
# ### See it: who is pushed, and how hard
#
# Three classes; two scores are 0, and you move the score of class A. On the left is what **your** functions say, on
# the right minus **your** gradient: the direction in which a step will push each score. The pushes always add up to
# 0. Make the network wrong and sure: does the push ever become larger than 1?

# %%
def push(score, truth):
    """Probabilities of three classes, the loss, and the pushes on the scores."""
    logits, y = np.array([[score, 0.0, 0.0]]), np.array([truth])
    p, loss, pushes = softmax(logits)[0], cross_entropy(logits, y), -d_cross_entropy(logits, y)[0]
    figure, axes = plot.figure(2, height=2.8)
    for axis, heights, colour in ((axes[0], p, plot.BLUE), (axes[1], pushes, plot.VERMILION)):
        axis.bar(range(3), heights, color=colour)
        axis.axhline(0, color="black", lw=0.8)
        axis.set(xticks=range(3), xticklabels=[name + " (true)" * (place == truth) for place, name in enumerate("ABC")])
    axes[0].set(ylim=(0, 1.1), ylabel="probability")
    axes[0].set_title(f"loss {loss:.3f}", fontsize=10)
    axes[1].set(ylim=(-1.1, 1.1), ylabel="push on the score")
    axes[1].set_title(f"the pushes add up to {abs(pushes.sum()):.4f}", fontsize=10)
    return figure


explore(
    push,
    score=slider(2.0, -10.0, 10.0, 0.5, "score of A"),
    truth=choice({"A": 0, "B": 1, "C": 2}, 1, "true class"),
)

# %% [markdown]
# Remember one number. A network that has no idea gives each of ten classes a tenth, and its loss is
# $\ln 10 \approx 2.303$. Whenever a loss stands still at 2.303, the network says nothing about the picture. You will
# see it below.
#
# > **In PyTorch** both functions are one: `torch.nn.functional.cross_entropy(logits, y)`. It takes logits. To give it
# > probabilities is one of the commonest errors there is; nothing stops, and the training is merely slow.

# %% [markdown]
# ## 6. Weights to begin with
#
# **In words.** A unit adds up `fan_in` numbers, each times a weight. The more there are, the larger the sum gets. So
# the weights must be the smaller, the more inputs a unit has: just so small that what comes out is as large as what
# went in.
#
# **In small numbers.** Four inputs with variance 1, four weights with variance $v$. Each product has the variance
# $v$, and the variances of independent numbers add up: the sum has $4v$. It stays at 1 if $v = 1/4$, a standard
# deviation of 0.5.
#
# **In maths.** In general $v = 1/\text{fan\_in}$. Two refinements are used everywhere.
#
# - **Xavier** (Glorot and Bengio, 2010) thinks of the way back too, where `fan_out` numbers are added up, and takes the
#   middle: $v = 2/(\text{fan\_in} + \text{fan\_out})$. Drawn *evenly* between $-a$ and $a$, whose variance is $a^2/3$:
#   $$a = \sqrt{\frac{6}{\text{fan\_in} + \text{fan\_out}}} .$$
# - **He** (He, Zhang, Ren and Sun, 2015) thinks of relu, which stops half of the numbers, and with them half of the
#   mean square. So he doubles: a *normal* distribution with mean 0 and standard deviation
#   $$\sqrt{\frac{2}{\text{fan\_in}}} .$$
#
# With 200 in and 100 out, Xavier's $a = \sqrt{6/300} = 0.1414$, and He's standard deviation is $\sqrt{2/200} = 0.1$.
#
# **In code.** Write both. They return weights of shape (fan_in, fan_out), a column for each unit, so that `x @ w`
# works for `x` of shape (N, fan_in). They draw from the generator that they are given: `rng.uniform(low, high, size)`
# and `rng.normal(mean, standard_deviation, size)`. No seed of their own: whoever trains the network wants to choose
# the dice.

# %% exercise="initialisers" minutes=8 difficulty=2
def xavier_uniform(fan_in, fan_out, rng):
    """Xavier's weights, evenly distributed.

    fan_in, fan_out: how many numbers go into the layer, and how many come out.
    rng: a NumPy Generator, from which they are drawn.
    Returns an array (fan_in, fan_out).
    """
    ### BEGIN SOLUTION
    limit = np.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))
    ### END SOLUTION


def he_normal(fan_in, fan_out, rng):
    """He's weights, normally distributed.  Arguments and result as in xavier_uniform."""
    ### BEGIN SOLUTION
    return rng.normal(0.0, np.sqrt(2.0 / fan_in), size=(fan_in, fan_out))
    ### END SOLUTION


# %% check="initialisers" points=4
def test_xavier():
    "xavier, 200 to 100: shape, lowest, highest, standard deviation"
    w = xavier_uniform(200, 100, rng)
    found = (np.array(np.shape(w)), np.min(w), np.max(w), np.std(w))
    assert_close(found, (np.array([200, 100]), -0.141421, 0.141421, 0.0816497), rtol=0.03)


def test_he():
    "he, 200 to 100: shape, standard deviation, share beyond two of them"
    w = he_normal(200, 100, rng)
    found = (np.array(np.shape(w)), np.std(w), np.mean(np.abs(w) > 0.2))
    assert_close(found, (np.array([200, 100]), 0.1, 0.0455), rtol=0.1)


def test_means():
    "both have the mean 0"
    found = np.array([np.mean(xavier_uniform(100, 300, rng)), np.mean(he_normal(100, 300, rng))])
    assert_close(found, np.zeros(2), atol=0.005)


def test_dice():
    "the same dice give the same weights, other dice other weights"
    for draw in (xavier_uniform, he_normal):
        one, same, other = [draw(20, 30, np.random.default_rng(seed)) for seed in (5, 5, 6)]
        assert_close(np.std(other), np.sqrt(2 / (50 if draw is xavier_uniform else 20)), rtol=0.2)
        assert np.array_equal(one, same), "The same dice gave two tables of weights: draw from `rng`, not from np.random."
        assert not np.array_equal(one, other), "Other dice gave the same weights: draw from the `rng` that is given."


### BEGIN HIDDEN TESTS
def test_few_in():
    "few in, many out"
    a, b = xavier_uniform(20, 900, rng), he_normal(20, 900, rng)
    assert_close((np.std(a), np.std(b), np.shape(b)[0] * 1.0), (0.0466252, 0.3162278, 20.0), rtol=0.03)


def test_many_in():
    "many in, few out"
    a, b = xavier_uniform(900, 20, rng), he_normal(900, 20, rng)
    assert_close((np.std(a), np.std(b), np.shape(b)[1] * 1.0), (0.0466252, 0.0471405, 20.0), rtol=0.03)


### END HIDDEN TESTS

check("initialisers", points=4)


# %% mistake="initialisers" name="xavier-fan-in-only" hint="Your Xavier looks at fan_in only. It divides by fan_in + fan_out."
def xavier_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(6.0 / fan_in)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% mistake="initialisers" name="xavier-not-symmetric" hint="Your Xavier weights are all positive, so all sums go one way. Draw from -a to a."
def xavier_uniform(fan_in, fan_out, rng):
    return rng.uniform(0.0, np.sqrt(6.0 / (fan_in + fan_out)), size=(fan_in, fan_out))


# %% mistake="initialisers" name="xavier-deviation-as-limit" hint="You took the standard deviation as the limit a. Evenly distributed numbers reach the square root of 3 times further than their standard deviation: 6, not 2, under the root."
def xavier_uniform(fan_in, fan_out, rng):
    limit = np.sqrt(2.0 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% mistake="initialisers" name="xavier-normal" hint="The size is right, but your xavier_uniform draws from a normal distribution. Its weights are spread evenly between -a and a: rng.uniform."
def xavier_uniform(fan_in, fan_out, rng):
    return rng.normal(0.0, np.sqrt(2.0 / (fan_in + fan_out)), size=(fan_in, fan_out))


# %% mistake="initialisers" name="xavier-no-root" hint="The square root is missing in Xavier's limit."
def xavier_uniform(fan_in, fan_out, rng):
    limit = 6.0 / (fan_in + fan_out)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% mistake="initialisers" name="he-variance" hint="You gave the variance where NumPy's `normal` wants the standard deviation. Take the square root."
def he_normal(fan_in, fan_out, rng):
    return rng.normal(0.0, 2.0 / fan_in, size=(fan_in, fan_out))


# %% mistake="initialisers" name="he-fan-out" hint="He's variance is 2 / fan_in: what counts is how many numbers are added up. You used fan_out."
def he_normal(fan_in, fan_out, rng):
    return rng.normal(0.0, np.sqrt(2.0 / fan_out), size=(fan_in, fan_out))


# %% mistake="initialisers" name="he-without-two" hint="relu stops half of the numbers, so He doubles the variance: 2 / fan_in."
def he_normal(fan_in, fan_out, rng):
    return rng.normal(0.0, np.sqrt(1.0 / fan_in), size=(fan_in, fan_out))


# %% mistake="initialisers" name="he-uniform" hint="The size is right, but your he_normal draws evenly. Its weights come from a normal distribution: rng.normal."
def he_normal(fan_in, fan_out, rng):
    limit = np.sqrt(6.0 / fan_in)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# %% mistake="initialisers" name="transposed" hint="The shape is turned round. It is (fan_in, fan_out), so that x @ w works for x of shape (N, fan_in)."
def he_normal(fan_in, fan_out, rng):
    return rng.normal(0.0, np.sqrt(2.0 / fan_in), size=(fan_out, fan_in))


# %% mistake="initialisers" name="dice-of-its-own" hint="Your he_normal makes dice of its own with a fixed seed, so all layers of one size begin alike, in every run. Draw from the `rng` that is given."
def he_normal(fan_in, fan_out, rng):
    rng = np.random.default_rng(0)
    return rng.normal(0.0, np.sqrt(2.0 / fan_in), size=(fan_in, fan_out))


# %% variant="initialisers"
def xavier_uniform(fan_in, fan_out, rng):
    return (2.0 * rng.random((fan_in, fan_out)) - 1.0) * (6.0 / (fan_in + fan_out)) ** 0.5


def he_normal(fan_in, fan_out, rng):
    return rng.standard_normal((fan_in, fan_out)) * (2.0 / fan_in) ** 0.5


# %% [markdown]
# ### See it: the start
#
# The picture from above, with a choice of starts, **yours** among them. On the right are the scores that arrive at
# the last layer. Find for the sigmoid, for tanh and for relu the start that suits it best. Why is Xavier too small
# for relu, and by what factor a layer?

# %%
def plain_normal(deviation):
    """Weights with the same standard deviation, however many there are."""
    return lambda fan_in, fan_out, dice: dice.normal(0.0, deviation, size=(fan_in, fan_out))


STARTS = {
    "normal, 0.01": plain_normal(0.01),
    "normal, 0.5": plain_normal(0.5),
    "your xavier_uniform": lambda *a: xavier_uniform(*a),
    "your he_normal": lambda *a: he_normal(*a),
}


def start(name, weights, layers):
    """Numbers and gradients by layer for a start, and the scores of the last layer."""
    f, d = both(name)
    scores, numbers, gradients = flow(f, d, STARTS[weights], layers)
    figure, axes = plot.figure(2, height=3.2)
    sizes_by_layer(axes[0], numbers, gradients)
    axes[0].set_title(f"{name}: {numbers[-1]:.1e} at the top, {gradients[0]:.1e} back", fontsize=10)
    axes[1].hist(np.clip(scores[-1].ravel(), -5, 5), np.linspace(-5, 5, 61), density=True)
    axes[1].set(xlabel="score in the last layer (ends: beyond)", ylim=(0, 2))
    axes[1].set_title(f"typical score {np.sqrt(np.mean(scores[-1] ** 2)):.1e}", fontsize=10)
    return figure


explore(
    start,
    name=choice(NAMES, "relu", "function"),
    weights=choice(list(STARTS), "your xavier_uniform", "weights"),
    layers=slider(20, 2, 40, 1, "layers"),
)

# %% [markdown]
# ### See it: dead units
#
# A relu unit whose score is negative for *every* example answers 0 to every example, and its slope is 0 for every
# example too. No gradient reaches its weights, so it stays like that: it is dead. A bad step that pushes the biases
# down can do it. Count the dead with **your** functions: push the biases down, then change to the leaky relu.

# %%
def dead(name, bias, layers):
    """The share of units whose slope is zero for every example."""
    f, d = both(name)
    dice = np.random.default_rng(2)
    x, shares = dice.normal(size=(200, 64)), []
    for _ in range(layers):
        z = x @ he_normal(64, 64, dice) + bias
        shares.append(np.mean(np.abs(d(z)).max(axis=0) < 1e-6))
        x = f(z)
    figure, axes = plot.figure(height=2.6)
    axes.bar(range(1, layers + 1), shares, color=plot.VERMILION)
    axes.set(xlabel="layer", ylabel="share of dead units", ylim=(0, 1), xlim=(0.3, layers + 0.7))
    axes.set_title(f"{name}, bias {bias:g}: {np.mean(shares):.0%} of all units are dead", fontsize=10)
    return figure


explore(
    dead,
    name=choice(["relu", "leaky_relu", "gelu", "silu"], "relu", "function"),
    bias=slider(-0.5, -2.0, 1.0, 0.1, "bias"),
    layers=slider(8, 1, 20, 1, "layers"),
)

# %% [markdown]
# With a bias of $-0.5$ every unit of the eighth layer is dead, and nothing above it can learn. Even with a bias of 0
# the twentieth layer has 28 % dead units: so high up, the 200 examples have become so alike that a score is negative
# for all of them at once.
#
# **Question 2 (2 points).** Twenty layers of 64 relu units start with weights of standard deviation 0.01, and the
# loss stands still at 2.303. What became of the numbers on the way up, and of the gradient on the way down? Would a
# learning rate a hundred times larger help?

# %% [markdown] question="why-stuck" points=2
# A sum of 64 numbers times weights of 0.01 is about 0.01 times 8 = 0.08 as large, and relu leaves still less, so each
# layer shrinks the numbers about eighteenfold. After twenty layers nothing of the picture is left: all logits are 0,
# and the loss is ln 10. The gradient shrinks by the same factor a layer on the way down, to some 1e-25 of what it
# was, so the lower weights do not move. A learning rate a hundred times larger makes up for less than two of the
# twenty layers, and is too large for the last layer.

# %% [markdown]
# ## 7. Bring them back at every layer: normalisation
#
# **In words.** A good start holds at the start. Then the weights move, and nothing keeps the numbers in their range
# any more. So measure them, at every layer and in every step, and bring them back: subtract the mean, divide by the
# standard deviation. There are two ways of counting.
#
# - *Batch normalisation* (Ioffe and Szegedy, 2015) looks **down a column**: one feature, over all examples of the
#   batch.
# - *Layer normalisation* (Ba, Kiros and Hinton, 2016) looks **along a row**: one example, over all its features.
#
# Afterwards each feature may be scaled by a number $\gamma$ and shifted by a number $\beta$ of its own. Both are
# learnt, so that the network can undo the normalising where that is better.
#
# **In small numbers.** A batch of two examples with two features:
#
# $$x = \begin{pmatrix} 1 & 10 \\ 3 & 30 \end{pmatrix}$$
#
# Down the columns the means are $(2, 20)$ and the variances $(1, 100)$: the squares are averaged, divided by $N$ and
# not by $N - 1$. So batch normalisation makes the columns $(-1, 1)$ and $(-1, 1)$. Along the rows the means are 5.5
# and 16.5, the standard deviations 4.5 and 13.5: layer normalisation makes both rows $(-1, 1)$. With
# $\gamma = (2, 1)$ and $\beta = (0, 5)$, batch normalisation returns $\begin{pmatrix} -2 & 4 \\ 2 & 6 \end{pmatrix}$.
#
# **In maths.** With a small $\varepsilon$, so that nothing is divided by 0,
#
# $$\hat x = \frac{x - \mu}{\mathrm{std}}, \qquad \mathrm{std} = \sqrt{\mathrm{var} + \varepsilon}, \qquad \text{out} = \gamma\, \hat x + \beta ,$$
#
# where $\mu$ and var are taken over the batch (axis 0) or over the features (axis $-1$).
#
# **One example alone.** When the network is used, there may be no batch, and an answer should not depend on who else
# is asked at the same time. So batch normalisation keeps *running* values while training, a share $m$ (the momentum)
# of the old and the rest of the new, and uses them later:
#
# $$\text{running} \leftarrow m \cdot \text{running} + (1 - m) \cdot \text{new} .$$
#
# With $m = 0.9$, a running mean of 0 and a batch mean of 2, it becomes $0.9 \cdot 0 + 0.1 \cdot 2 = 0.2$. Layer
# normalisation has no such trouble: a row is enough.
#
# **In code.** Write both. Three things to mind in `batchnorm_forward`:
#
# - `running` is a dictionary that belongs to the caller. Put the new arrays **into** it, `running["mean"] = ...`. A
#   new dictionary under the same name would be yours alone, and gone when the function ends.
# - While training the batch's own mean and variance are used, not the running ones. Otherwise it is the other way
#   about, and `running` stays as it is.
# - The `cache` is what the way back will need: `(x_hat, gamma, std)`, of shapes (N, D), (D,) and (D,). The std has
#   the $\varepsilon$ in it.

# %% exercise="normalisation" minutes=15 difficulty=3
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    """Batch normalisation: each feature over the examples of the batch.

    Args:
        x: array (N, D), an example in each row.
        gamma, beta: arrays (D,), scale and shift of each feature.
        running: a dict with the arrays "mean" and "var", (D,); given new values in training, used otherwise.
        training: True or False.
        momentum: the share of the old running values that is kept.
        eps: a small number, added to the variance.

    Returns:
        out: (N, D).
        cache: (x_hat, gamma, std), for the way back; std is (D,) and includes eps.
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


def layernorm_forward(x, gamma, beta, eps):
    """Layer normalisation: each example over its own features, the last axis.

    x: array (..., D).  gamma, beta: arrays (D,).  eps: a small number, added to the variance.
    Returns an array of the shape of x.
    """
    ### BEGIN SOLUTION
    mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta
    ### END SOLUTION


# %% check="normalisation" points=7
def fresh():
    return {"mean": np.zeros(2), "var": np.ones(2)}


def batch():
    return np.array([[1.0, 10.0], [3.0, 30.0]])


def test_batch_training():
    "batch, in training: the example from the text"
    out, cache = batchnorm_forward(batch(), np.array([2.0, 1.0]), np.array([0.0, 5.0]), fresh(), True, 0.9, 0.0)
    assert_close(out, [[-2.0, 4.0], [2.0, 6.0]])


def test_batch_running():
    "batch, in training: twice the running values move a tenth of the way"
    running = fresh()
    batchnorm_forward(batch(), np.ones(2), np.zeros(2), running, True, 0.9, 0.0)
    out, cache = batchnorm_forward(batch(), np.ones(2), np.zeros(2), running, True, 0.9, 0.0)
    assert_close((running["mean"], running["var"]), (np.array([0.38, 3.8]), np.array([1.0, 19.81])), name="running")
    assert_close(out, [[-1.0, -1.0], [1.0, 1.0]])


def test_batch_using():
    "batch, not in training: the running values are used, and stay"
    running = {"mean": np.array([1.0, 0.0]), "var": np.array([4.0, 25.0])}
    out, cache = batchnorm_forward(batch(), np.ones(2), np.zeros(2), running, False, 0.9, 0.0)
    assert_close(out, [[0.0, 2.0], [1.0, 6.0]])
    assert_close(running, {"mean": np.array([1.0, 0.0]), "var": np.array([4.0, 25.0])}, name="running")


def test_batch_eps():
    "batch: eps is under the root, and in the cache's std"
    running = {"mean": np.zeros(1), "var": np.ones(1)}
    out, cache = batchnorm_forward(np.array([[1.0], [3.0]]), np.array([4.0]), np.zeros(1), running, True, 0.9, 3.0)
    assert_close(out, [[-2.0], [2.0]])
    assert_close(cache, (np.array([[-0.5], [0.5]]), np.array([4.0]), np.array([2.0])), name="cache")


def test_layer_by_hand():
    "layer: the two rows from the text"
    out = layernorm_forward(batch(), np.array([2.0, 1.0]), np.array([0.0, 5.0]), 0.0)
    assert_close(out, [[-2.0, 6.0], [-2.0, 6.0]])


def test_layer_eps():
    "layer: eps is under the root"
    assert_close(layernorm_forward(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2), 3.0), [[-0.5, 0.5]])


def test_layer_three_axes():
    "layer: a batch of sequences, (1, 2, 2)"
    x = np.array([[[0.0, 4.0], [10.0, 30.0]]])
    assert_close(layernorm_forward(x, np.ones(2), np.zeros(2), 0.0), [[[-1.0, 1.0], [-1.0, 1.0]]])


### BEGIN HIDDEN TESTS
def test_batch_random():
    "batch: random numbers, in training; result, cache and running values"
    x, gamma, beta = rng.normal(size=(8, 3)) * 4 + 1, rng.normal(size=3), rng.normal(size=3)
    mine, theirs = [{"mean": np.zeros(3), "var": np.ones(3)} for _ in range(2)]
    got = batchnorm_forward(x, gamma, beta, mine, True, 0.8, 1e-5)
    assert_close((got, mine), (reference.batchnorm_forward(x, gamma, beta, theirs, True, 0.8, 1e-5), theirs))


def test_batch_one_example():
    "batch: one example alone, when the network is used"
    x, gamma, beta = rng.normal(size=(1, 4)), rng.normal(size=4), rng.normal(size=4)
    running = {"mean": rng.normal(size=4), "var": rng.uniform(1, 3, size=4)}
    expected = reference.batchnorm_forward(x, gamma, beta, running, False, 0.9, 1e-5)
    assert_close(batchnorm_forward(x, gamma, beta, running, False, 0.9, 1e-5), expected)


def test_layer_random():
    "layer: random numbers"
    x, gamma, beta = rng.normal(size=(4, 5, 6)) * 3, rng.normal(size=6), rng.normal(size=6)
    assert_close(layernorm_forward(x, gamma, beta, 1e-5), reference.layernorm_forward(x, gamma, beta, 1e-5))


### END HIDDEN TESTS

check("normalisation", points=7, changes=["running"])


# %% mistake="normalisation" name="batch-n-minus-one" hint="In batchnorm_forward you divided the squares by N - 1. Here they are divided by N: `var` without ddof."
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


# %% mistake="normalisation" name="batch-always-its-own" hint="When not training you still use the batch's own mean and variance, so the answer depends on who else is asked. Use the running ones."
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    mean, var = x.mean(axis=0), x.var(axis=0)
    if training:
        running["mean"] = momentum * running["mean"] + (1.0 - momentum) * mean
        running["var"] = momentum * running["var"] + (1.0 - momentum) * var
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x_hat, gamma, std)


# %% mistake="normalisation" name="running-in-training" hint="While training you normalise by the running values. They lag behind: while training the batch's own mean and variance are used, and the running ones only kept up to date."
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    if training:
        running["mean"] = momentum * running["mean"] + (1.0 - momentum) * x.mean(axis=0)
        running["var"] = momentum * running["var"] + (1.0 - momentum) * x.var(axis=0)
    mean, var = running["mean"], running["var"]
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x_hat, gamma, std)


# %% mistake="normalisation" name="running-always-moved" hint="You move the running values when not training too. They are learnt in training only: whoever uses the network must not change it."
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    mean, var = (x.mean(axis=0), x.var(axis=0)) if training else (running["mean"], running["var"])
    running["mean"] = momentum * running["mean"] + (1.0 - momentum) * x.mean(axis=0)
    running["var"] = momentum * running["var"] + (1.0 - momentum) * x.var(axis=0)
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x_hat, gamma, std)


# %% mistake="normalisation" name="running-replaced" hint="After a training step the caller's `running` is as it was before. Either you never give it new values, or they go into a dictionary of your own, `running = {...}`. Put them into the one you were given: running[\"mean\"] = ..."
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    if training:
        mean, var = x.mean(axis=0), x.var(axis=0)
        running = {
            "mean": momentum * running["mean"] + (1.0 - momentum) * mean,
            "var": momentum * running["var"] + (1.0 - momentum) * var,
        }
    else:
        mean, var = running["mean"], running["var"]
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x_hat, gamma, std)


# %% mistake="normalisation" name="momentum-turned-round" hint="Momentum is the share of the OLD running value that is kept. You kept that share of the new one. (PyTorch counts it the other way; here it is the old.)"
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


# %% mistake="normalisation" name="running-deviation" hint="You keep the running standard deviation under the name \"var\". Keep the variance: the root comes later, with eps in it."
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    if training:
        mean, var = x.mean(axis=0), x.var(axis=0)
        running["mean"] = momentum * running["mean"] + (1.0 - momentum) * mean
        running["var"] = momentum * running["var"] + (1.0 - momentum) * np.sqrt(var)
    else:
        mean, var = running["mean"], running["var"]
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x_hat, gamma, std)


# %% mistake="normalisation" name="batch-eps-outside" hint="In batchnorm_forward eps is added to the variance, under the root. You added it to the root."
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


# %% mistake="normalisation" name="batch-along-rows" hint="Your batchnorm_forward normalises each example by itself. Batch normalisation takes each feature over the batch, down the column: axis 0."
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    std = np.sqrt(x.var(axis=1, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=1, keepdims=True)) / std
    return gamma * x_hat + beta, (x_hat, gamma, std)


# %% mistake="normalisation" name="batch-one-mean" hint="Your batchnorm_forward takes one mean and one variance of the whole table. Each feature has its own: axis=0."
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    if training:
        mean, var = x.mean(), x.var()
        running["mean"] = momentum * running["mean"] + (1.0 - momentum) * mean
        running["var"] = momentum * running["var"] + (1.0 - momentum) * var
    else:
        mean, var = running["mean"], running["var"]
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x_hat, gamma, std)


# %% mistake="normalisation" name="batch-not-scaled" hint="Your batchnorm_forward returns x_hat itself. It is scaled and shifted first: gamma * x_hat + beta."
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


# %% mistake="normalisation" name="cache-holds-the-result" hint="The first thing in your cache is the result, scaled and shifted. The way back needs x_hat, as it was before gamma and beta."
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    if training:
        mean, var = x.mean(axis=0), x.var(axis=0)
        running["mean"] = momentum * running["mean"] + (1.0 - momentum) * mean
        running["var"] = momentum * running["var"] + (1.0 - momentum) * var
    else:
        mean, var = running["mean"], running["var"]
    std = np.sqrt(var + eps)
    out = gamma * (x - mean) / std + beta
    return out, (out, gamma, std)


# %% mistake="normalisation" name="cache-without-eps" hint="The std in your cache is the root of the variance alone. The way back divides by what you divided by: the root of variance plus eps."
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    mean, var = running["mean"], running["var"]
    if training:
        mean, var = x.mean(axis=0), x.var(axis=0)
        running["mean"] = momentum * running["mean"] + (1 - momentum) * mean
        running["var"] = momentum * running["var"] + (1 - momentum) * var
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma * x_hat + beta, (x_hat, gamma, np.sqrt(var))


# %% mistake="normalisation" name="no-cache" hint="Your batchnorm_forward returns the result alone. It returns two things: the result, and the cache for the way back, (x_hat, gamma, std)."
def batchnorm_forward(x, gamma, beta, running, training, momentum, eps):
    if training:
        mean, var = x.mean(axis=0), x.var(axis=0)
        running["mean"] = momentum * running["mean"] + (1.0 - momentum) * mean
        running["var"] = momentum * running["var"] + (1.0 - momentum) * var
    else:
        mean, var = running["mean"], running["var"]
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


# %% mistake="normalisation" name="layer-over-the-batch" hint="Your layernorm_forward looks down the columns, axis 0. Layer normalisation takes each example by itself, along the row: axis -1, with keepdims=True."
def layernorm_forward(x, gamma, beta, eps):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta


# %% mistake="normalisation" name="layer-no-keepdims" hint="Without keepdims=True the rows' means have the shape (N,), and NumPy subtracts them along the columns. With it they are (N, 1): a number for each row."
def layernorm_forward(x, gamma, beta, eps):
    return gamma * (x - x.mean(axis=-1)) / np.sqrt(x.var(axis=-1) + eps) + beta


# %% mistake="normalisation" name="layer-second-axis" hint="axis=1 is the last axis of a table only. With three axes it is another one. axis=-1 is always the last."
def layernorm_forward(x, gamma, beta, eps):
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


# %% mistake="normalisation" name="layer-one-mean" hint="Your layernorm_forward takes one mean and one variance of everything. Each example has its own: axis=-1 and keepdims=True."
def layernorm_forward(x, gamma, beta, eps):
    return gamma * (x - x.mean()) / np.sqrt(x.var() + eps) + beta


# %% mistake="normalisation" name="layer-n-minus-one" hint="In layernorm_forward you divided the squares by D - 1. Divide by D: `var` without ddof."
def layernorm_forward(x, gamma, beta, eps):
    mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True, ddof=1)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


# %% mistake="normalisation" name="layer-eps-outside" hint="In layernorm_forward eps is added to the variance, under the root, not to the root."
def layernorm_forward(x, gamma, beta, eps):
    mean, std = x.mean(axis=-1, keepdims=True), x.std(axis=-1, keepdims=True)
    return gamma * (x - mean) / (std + eps) + beta


# %% mistake="normalisation" name="layer-no-root" hint="Your layernorm_forward divides by the variance. Divide by its square root."
def layernorm_forward(x, gamma, beta, eps):
    mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return gamma * (x - mean) / (var + eps) + beta


# %% mistake="normalisation" name="layer-not-shifted" hint="In layernorm_forward beta is missing: it is added at the end."
def layernorm_forward(x, gamma, beta, eps):
    mean, var = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps)


# %% variant="normalisation"
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


def layernorm_forward(x, gamma, beta, eps):
    centred = x - np.mean(x, axis=-1, keepdims=True)
    return centred * ((centred**2).mean(axis=-1, keepdims=True) + eps) ** -0.5 * gamma + beta


# %% [markdown]
# ### See it: columns and rows
#
# Eight examples with ten features. Make one *feature* large (a column), and one *example* large (a row). **Your**
# functions bring things back, each in its own direction. Which of the two takes the loud example down to the size of
# the others? Which the loud feature?

# %%
def normed(column, row):
    """A batch as it is, after batch normalisation, and after layer normalisation."""
    x = np.random.default_rng(7).normal(size=(8, 10))
    x[:, 3] = x[:, 3] * column + (column - 1)
    x[5] *= row
    one, zero = np.ones(10), np.zeros(10)
    running = {"mean": zero.copy(), "var": one.copy()}
    tables = [x, batchnorm_forward(x, one, zero, running, True, 0.9, 1e-5)[0], layernorm_forward(x, one, zero, 1e-5)]
    figure, axes = plot.figure(3, height=2.9)
    for axis, table, title in zip(axes, tables, ("given", "your batch norm", "your layer norm")):
        axis.imshow(table, cmap=plot.diverging(), vmin=-3, vmax=3, aspect="auto")
        axis.grid(False)
        axis.set(xlabel="feature", xticks=range(0, 10, 3), yticks=range(0, 8, 5))
        axis.set_title(f"{title}\ncolumn 3: {table[:, 3].std():.2f}, row 5: {table[5].std():.2f}", fontsize=9)
    axes[0].set_ylabel("example")
    return figure


explore(
    normed,
    column=slider(4.0, 0.0, 10.0, 0.5, "size of feature 3"),
    row=slider(1.0, 0.0, 10.0, 0.5, "size of example 5"),
)

# %% [markdown]
# > **In PyTorch** these are `nn.BatchNorm1d` and `nn.LayerNorm`. Two traps: PyTorch's `momentum` is the share of the
# > *new* value, 0.1 where we say 0.9; and its running variance is divided by $N - 1$, though the batch is normalised
# > by $N$.
#
# ## 8. The way back through batch normalisation
#
# **In words.** Move one $x_i$ a little. Its own $\hat x_i$ moves. But the mean moves too, and the standard deviation,
# and with them every other $\hat x$ in the column. So the gradient of $x_i$ has three parts: the direct one, one
# through the mean, and one through the standard deviation.
#
# **In small numbers.** One feature, $N = 4$, $\hat x = (-1, -1, 1, 1)$, $\gamma = 2$, std $= 4$. Only the first
# result matters to the loss: $g = (1, 0, 0, 0)$.
#
# - $\beta$ was added to all: its gradient is the sum of $g$, 1. $\gamma$ was multiplied by $\hat x$: its gradient is
#   the sum of $g \hat x$, $-1$.
# - For $x$: $N g$ is $(4, 0, 0, 0)$. Minus the sum of $g$: $(3, -1, -1, -1)$. Minus $\hat x$ times the sum of
#   $g \hat x$, that is plus $\hat x$: $(2, -2, 0, 0)$. Times $\gamma / (N\, \mathrm{std}) = 2/16$:
#   $(0.25, -0.25, 0, 0)$.
#
# They add up to 0, as they must: if all $x$ of a column move together, the mean takes it out again.
#
# **In maths.** With $g = \partial L / \partial\, \text{out}$, for each column
#
# $$\frac{\partial L}{\partial \gamma} = \sum_i g_i \hat x_i, \qquad \frac{\partial L}{\partial \beta} = \sum_i g_i, \qquad
# \frac{\partial L}{\partial x_i} = \frac{\gamma}{N\,\mathrm{std}} \Bigl( N g_i - \sum_k g_k - \hat x_i \sum_k g_k \hat x_k \Bigr) .$$
#
# **In code.** Write it. The cache is what your `batchnorm_forward` returned in training.

# %% exercise="batchnorm_backward" minutes=12 difficulty=3
def batchnorm_backward(dout, cache):
    """The gradients of batch normalisation in training.

    Args:
        dout: array (N, D), the gradient of the result; it stays as it is.
        cache: (x_hat, gamma, std), of shapes (N, D), (D,) and (D,), as batchnorm_forward returned it.

    Returns:
        dx: (N, D).  dgamma: (D,).  dbeta: (D,).
    """
    ### BEGIN SOLUTION
    x_hat, gamma, std = cache
    dbeta, dgamma = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    n = len(dout)
    return gamma / (n * std) * (n * dout - dbeta - x_hat * dgamma), dgamma, dbeta
    ### END SOLUTION


# %% check="batchnorm_backward" points=5
def example():
    x_hat = np.array([[-1.0], [-1.0], [1.0], [1.0]])
    return np.array([[1.0], [0.0], [0.0], [0.0]]), (x_hat, np.array([2.0]), np.array([4.0]))


def test_dx():
    "the gradient of x, as in the text"
    dx, dgamma, dbeta = batchnorm_backward(*example())
    assert_close(dx, [[0.25], [-0.25], [0.0], [0.0]], name="dx")


def test_dgamma():
    "the gradient of gamma, as in the text"
    dx, dgamma, dbeta = batchnorm_backward(*example())
    assert_close(dgamma, [-1.0], name="dgamma")


def test_dbeta():
    "the gradient of beta, as in the text"
    dx, dgamma, dbeta = batchnorm_backward(*example())
    assert_close(dbeta, [1.0], name="dbeta")


def test_two_features():
    "two features, each by itself"
    cache = (np.array([[-1.0, 1.0], [1.0, -1.0]]), np.array([1.0, 3.0]), np.array([2.0, 0.5]))
    dx, dgamma, dbeta = batchnorm_backward(np.array([[1.0, 0.0], [2.0, 5.0]]), cache)
    assert_close(dgamma, [1.0, -5.0], name="dgamma")
    assert_close(dbeta, [3.0, 5.0], name="dbeta")
    assert_close(dx, [[0.0, 0.0], [0.0, 0.0]], name="dx")  # two examples are always -1 and 1: nothing can move them


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


def test_large_eps():
    "with a large eps, where x_hat has no standard deviation of 1"
    x, gamma, dout = rng.normal(size=(6, 3)), rng.normal(size=3), rng.normal(size=(6, 3))
    running = {"mean": np.zeros(3), "var": np.ones(3)}
    cache = reference.batchnorm_forward(x, gamma, np.zeros(3), running, True, 0.9, 2.0)[1]
    assert_close(batchnorm_backward(dout, cache), reference.batchnorm_backward(dout, cache))


### END HIDDEN TESTS

check("batchnorm_backward", points=5)


# %% mistake="batchnorm_backward" name="constant-statistics" hint="You treated mean and standard deviation as constants. They move with x: two more terms belong to dx."
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    return dout * gamma / std, (dout * x_hat).sum(axis=0), dout.sum(axis=0)


# %% mistake="batchnorm_backward" name="mean-only" hint="The part through the standard deviation is missing in dx: minus x_hat times the sum of dout * x_hat."
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    dbeta, dgamma = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    n = len(dout)
    return gamma / (n * std) * (n * dout - dbeta), dgamma, dbeta


# %% mistake="batchnorm_backward" name="deviation-only" hint="The part through the mean is missing in dx: minus the sum of dout. Without it, moving the whole column would matter."
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    dbeta, dgamma = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    n = len(dout)
    return gamma / (n * std) * (n * dout - x_hat * dgamma), dgamma, dbeta


# %% mistake="batchnorm_backward" name="sign" hint="The part through the standard deviation has the wrong sign in dx: it is subtracted, like the part through the mean."
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    dbeta, dgamma = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    n = len(dout)
    return gamma / (n * std) * (n * dout - dbeta + x_hat * dgamma), dgamma, dbeta


# %% mistake="batchnorm_backward" name="one-sum-for-all" hint="You summed over the whole table. Each feature has sums of its own, down its column: axis=0."
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    dbeta, dgamma = dout.sum(), (dout * x_hat).sum()
    n = len(dout)
    return gamma / (n * std) * (n * dout - dbeta - x_hat * dgamma), dgamma, dbeta


# %% mistake="batchnorm_backward" name="n-counts-features" hint="Your N is the number of features. It is the number of examples in the batch: len(dout)."
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    dbeta, dgamma = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    n = dout.shape[1]
    return gamma / (n * std) * (n * dout - dbeta - x_hat * dgamma), dgamma, dbeta


# %% mistake="batchnorm_backward" name="no-gamma" hint="dx lacks the factor gamma: on the way forward x_hat was multiplied by it."
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    dbeta, dgamma = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    n = len(dout)
    return (n * dout - dbeta - x_hat * dgamma) / (n * std), dgamma, dbeta


# %% mistake="batchnorm_backward" name="not-divided-by-n" hint="Your dx is N times too large: the bracket is divided by N times std."
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    dbeta, dgamma = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    return gamma / std * (len(dout) * dout - dbeta - x_hat * dgamma), dgamma, dbeta


# %% mistake="batchnorm_backward" name="variance-for-deviation" hint="You divided dx by the variance. Divide by std, once: it is already the root."
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    dbeta, dgamma = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    n = len(dout)
    return gamma / (n * std**2) * (n * dout - dbeta - x_hat * dgamma), dgamma, dbeta


# %% mistake="batchnorm_backward" name="dgamma-without-x" hint="Your gradient of gamma is that of beta. gamma was multiplied by x_hat, so it is the sum of dout times x_hat."
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


# %% mistake="batchnorm_backward" name="order" hint="The gradients of gamma and beta have changed places: dx, then dgamma, then dbeta."
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    dbeta, dgamma = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    n = len(dout)
    return gamma / (n * std) * (n * dout - dbeta - x_hat * dgamma), dbeta, dgamma


# %% mistake="batchnorm_backward" name="in-place" hint="`dout *= gamma` writes into the gradient that you were given; other layers may still need it. Write g = dout * gamma."
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    dbeta, dgamma = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    dout *= gamma
    return (dout - dout.mean(axis=0) - x_hat * (dout * x_hat).mean(axis=0)) / std, dgamma, dbeta


# %% variant="batchnorm_backward"
def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    g = dout * gamma
    dx = (g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0)) / std
    return dx, np.einsum("nd,nd->d", dout, x_hat), dout.sum(axis=0)


# %% [markdown]
# ## 9. The result: twenty layers
#
# All of it together: twenty layers of 64 units, built of **your** functions, on scikit-learn's digits (1,797 pictures
# of 8 by 8 pixels, 540 of them kept back for the test). It is trained three times, with relu and everything else
# alike:
#
# - from weights of standard deviation 0.01;
# - from the same small weights, but with **your** batch normalisation after every layer;
# - from **your** `he_normal`.
#
# The number to beat is **0.92** on the test, with the good start. The three runs take some seconds.

# %%
digits = load_digits()
order = np.random.default_rng(0).permutation(len(digits.target))
pictures, labels = digits.data[order] / 16 - 0.5, digits.target[order]
X_train, y_train, X_test, y_test = pictures[:1257], labels[:1257], pictures[1257:], labels[1257:]


class Tower:
    """Layers of 64 units on top of each other, and ten scores at the end, made of this unit's functions.

    name: the activation.  draw: the weights to begin with.  norm: whether each layer is batch-normalised.
    """

    def __init__(self, name, draw, norm, layers, dice):
        self.f, self.d = both(name)
        self.weights = [draw(64, 64, dice) for _ in range(layers - 1)] + [draw(64, 10, dice)]
        self.norms = [(np.ones(64), np.zeros(64)) for _ in range(layers - 1)] if norm else []
        self.running = [{"mean": np.zeros(64), "var": np.ones(64)} for _ in self.norms]
        self.all = self.weights + [array for pair in self.norms for array in pair]
        self.speed = [np.zeros_like(array) for array in self.all]

    def forward(self, x, training=False):
        """Scores (N, 10) of x (N, 64), and what the way back needs."""
        kept = []
        for i, w in enumerate(self.weights[:-1]):
            z, cache = x @ w, None
            if self.norms:
                z, cache = batchnorm_forward(z, *self.norms[i], self.running[i], training, 0.9, 1e-5)
            kept.append((x, z, cache))
            x = self.f(z)
        return x @ self.weights[-1], [*kept, (x, None, None)]

    def step(self, x, y, lr):
        """One step with momentum along the gradient of the loss on (x, y); the loss."""
        logits, kept = self.forward(x, training=True)
        g = d_cross_entropy(logits, y)
        for_weights, for_norms = [], []
        for w, (x, z, cache) in zip(reversed(self.weights), reversed(kept)):
            if z is not None:
                g = g * self.d(z)
            if cache is not None:
                g, *pair = batchnorm_backward(g, cache)
                for_norms = pair + for_norms
            for_weights.insert(0, x.T @ g)
            g = g @ w.T
        for array, speed, gradient in zip(self.all, self.speed, for_weights + for_norms):
            speed *= 0.9
            speed -= lr * gradient
            array += speed
        return cross_entropy(logits, y)


def train(name, draw, norm=False, layers=20, epochs=range(30), lr=0.005, seed=1):
    """The losses of the steps, and the share of test pictures that is right in the end."""
    dice = np.random.default_rng(seed)
    tower, losses = Tower(name, draw, norm, layers, dice), []
    with np.errstate(all="ignore"):  # a bad start may blow up, and that is part of the show
        for _ in epochs:
            for rows in np.array_split(dice.permutation(len(X_train)), 39):
                losses.append(tower.step(X_train[rows], y_train[rows], lr))
        return losses, np.mean(tower.forward(X_test)[0].argmax(axis=1) == y_test)


def three_runs():
    """The losses of three networks of twenty layers: a poor start, the same with batch norm, a good start."""
    runs = [
        ("deviation 0.01", STARTS["normal, 0.01"], False),
        ("0.01, with your batch norm", STARTS["normal, 0.01"], True),
        ("your he_normal", he_normal, False),
    ]
    figure, axes = plot.figure(height=3.6)
    for label, draw, norm in runs:
        losses, right = train("relu", draw, norm, epochs=gradus.track(range(30), label))
        smooth = np.convolve(losses, np.ones(13) / 13, "valid")  # a mean over a third of an epoch
        axes.plot(np.arange(len(smooth)) / 39, smooth, label=f"{label}: {right:.3f} right")
        print(f"{label}: {right:.3f} of the test pictures right")
    axes.axhline(np.log(10), color="grey", linestyle=":")
    axes.set(xlabel="epoch", ylabel="training loss in nats", ylim=(0, 2.6), title="twenty layers (dotted: no idea, ln 10)")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    return figure


ready = written(lambda: train("relu", he_normal, norm=True, layers=3, epochs=range(1)))
three_runs() if ready else plot.message("Write all eight exercises first, then run this cell again.")

# %% [markdown]
# The poor start never leaves the dotted line. From `he_normal` the same network gets 0.957 of the test pictures
# right; over five throws of the dice it was 0.928 to 0.976. Batch normalisation brings the poor start to life: 0.911,
# and over five throws 0.77 to 0.95. To life, not to health. After batch normalisation the size of the weights does
# not matter to the answer, but the steps are as long as before, and turn tiny weights a long way. From Xavier's
# weights *with* batch normalisation it was 0.956 to 0.981.
#
# > **In all honesty:** these small pictures do not need twenty layers. A single one got 0.97 to 0.98 here, with a
# > learning rate ten times as large. What you have shown is that twenty layers *can* be trained. Unit 09 has pictures
# > that need them.
#
# ### See it: a laboratory
#
# Now everything is yours to combine: bend, start, depth, batch normalisation. Each choice trains a tower for eight
# epochs, which takes about a second. Try Xavier with relu and with tanh. Try to make the sigmoid learn at all. Why
# does no start of ours do it, and what does?

# %%
@functools.lru_cache(maxsize=64)
def short_run(name, weights, norm, layers, functions):
    return train(name, STARTS[weights], norm, layers, epochs=range(8))


def laboratory(name, weights, norm, layers):
    """The training loss of a tower, and how much of the test it gets right."""
    yours = (*both(name), cross_entropy, d_cross_entropy, he_normal, xavier_uniform, batchnorm_forward, batchnorm_backward)
    losses, right = short_run(name, weights, norm, layers, yours)  # trained anew as soon as one of them is another
    figure, axes = plot.figure(height=3.0)
    axes.plot(np.arange(1, len(losses) + 1) / 39, np.clip(losses, 0, 9))
    axes.axhline(np.log(10), color="grey", linestyle=":")
    axes.set(xlabel="epoch", ylabel="training loss in nats", xlim=(0, 8), ylim=(0, 3))
    end = "it blew up" if not np.isfinite(losses[-1]) else f"{right:.3f} right"
    axes.set_title(f"{layers} layers of {name}, {weights}{', batch norm' * norm}: {end}", fontsize=10)
    return figure


explore(
    laboratory,
    name=choice(NAMES, "tanh", "function"),
    weights=choice(list(STARTS), "your xavier_uniform", "weights"),
    norm=switch(False, "batch normalisation"),
    layers=slider(20, 1, 30, 1, "layers"),
)

# %% [markdown]
# After eight epochs of twenty layers we got: relu from He's weights 0.87, from Xavier's 0.16; tanh from Xavier's
# 0.95. The sigmoid stays near 0.10 from each of the four starts. With batch normalisation and Xavier's weights it
# gets 0.965. Look at the way back: your gradient is divided by std, once a layer. Sigmoids squeeze the numbers
# together, so std is small, and the division gives back what the flat slope has taken. (gelu and silu stand still
# with He's weights, at 0.18 and 0.16. Near 0 both are close to $z/2$, so they want somewhat larger weights: with a
# standard deviation of 0.22 in place of 0.18 they got 0.90 and 0.92.)
#
# **Question 3 (2 points).** Batch normalisation behaves differently in training and in use, layer normalisation does
# not. Why is that so? Name one situation in which you would rather have the second.

# %% [markdown] question="why-running" points=2
# Batch normalisation uses the other examples of the batch. They are not there when one example comes alone, and an
# answer should not depend on them, so that means kept from training stand in. Layer normalisation needs only the
# example itself, so that it does the same at all times. I would rather have it where batches are tiny, so that their
# means are mostly chance, or where examples are sequences of different lengths.

# %% [markdown]
# ## Your library so far
#
# What passed its check here is kept in your folder `mine/`, as `mine/activations.py`: plain Python that you can read.
# Unit 06 takes `he_normal`, `cross_entropy` and `d_cross_entropy` from there and builds a whole network with them.
# The next cell says what your library can do by now.

# %% locked
gradus.library()

# %% [markdown]
# ## What you can do now
#
# - Say why depth needs a bend, write six of them with their slopes, and say what each does to a gradient on its way
#   down.
# - Turn scores into probabilities and a loss, without overflow, and write the gradient: probability minus truth.
# - Choose weights to begin with, from the number of inputs and the bend, so that twenty layers learn.
# - Recognise dead units, and a loss that stands still at the logarithm of the number of classes.
# - Write batch and layer normalisation, say which is which, and find the way back through the first.
#
# Next, in unit 06, layers, bends and optimisers become a whole network.
#
# ## Further reading
#
# - Xavier Glorot and Yoshua Bengio, "Understanding the difficulty of training deep feedforward neural networks",
#   *AISTATS*, 2010. Its figures show the numbers of each layer during training, as you did.
# - Kaiming He, Xiangyu Zhang, Shaoqing Ren and Jian Sun, "Delving Deep into Rectifiers", *ICCV*, 2015. Section 2.2 is
#   the calculation of the factor 2; its figure 3 is your picture with Xavier and He, for thirty layers.
# - Sergey Ioffe and Christian Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
#   Covariate Shift", *ICML*, 2015. Section 3 has the formulae of the way back.
# - Jimmy Lei Ba, Jamie Ryan Kiros and Geoffrey Hinton, "Layer Normalization", 2016.
