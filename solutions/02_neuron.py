# %% [markdown]
# # You will build one neuron, and it will teach itself to tell a 3 from an 8
#
# A neuron is a small thing: it weighs what it sees, adds up, and says how sure it is. Everything in this course
# is made of it. In about 90 minutes you write one, measure how wrong it is, work out by hand in which direction
# it gets less wrong, and let it walk there.
#
# First, do its job yourself. Each dot below is a picture of a 3 or an 8. It stands where its ink says: how
# dark the picture is **at the upper left**, and how dark **at the lower left**. An 8 is closed on the left, a
# 3 is open. Run the next two cells, then turn and push the line until as few dots as possible stand on the
# wrong side: those wear a red ring.

# %% setup
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import gradus
from gradus import plot
from gradus.check import assert_close, assert_gradient, assert_raises, check, inside, rng
from gradus.widgets import choice, explore, slider, written

gradus.unit("02_neuron")

digits = load_digits()
threes_and_eights = np.isin(digits.target, [3, 8])
images = digits.images[threes_and_eights] / 16  # (357, 8, 8), ink from 0 to 1
labels = (digits.target[threes_and_eights] == 8).astype(float)  # an 8 is 1, a 3 is 0

order = np.random.default_rng(6).permutation(len(labels))  # an average split: some are kinder, some harder
train, test = order[:250], order[250:]
X_train, y_train = images[train].reshape(-1, 64), labels[train]  # (250, 64), (250,)
X_test, y_test = images[test].reshape(-1, 64), labels[test]  # (107, 64), (107,)

# Two measurements of each picture: mean ink at the upper left and at the lower left, on a common scale.
ink = np.stack([images[:, 1:4, 1:4].mean((1, 2)), images[:, 4:7, 1:4].mean((1, 2))], axis=1)
ink = (ink - ink[train].mean(axis=0)) / ink[train].std(axis=0)
F_train, F_test = ink[train], ink[test]  # (250, 2), (107, 2)

# %%
def scatter(axes, F=F_train, y=y_train):
    """The pictures as dots: where their ink stands."""
    for value, name, colour, marker in ((0, "a 3", plot.ORANGE, "o"), (1, "an 8", plot.BLUE, "s")):
        axes.scatter(*F[y == value].T, s=14, color=colour, marker=marker, alpha=0.7, label=name)
    axes.set(xlim=(-3, 3.5), ylim=(-3, 3.5), xlabel="ink at the upper left", ylabel="ink at the lower left")
    axes.legend(loc="lower left", fontsize=8)


def by_hand(tilt, shift):
    """A line between the 3s and the 8s, turned and pushed by hand."""
    figure, axes = plot.figure(3, height=3.4)
    angle = np.deg2rad(tilt)
    across = np.array([np.cos(angle), np.sin(angle)])  # points to the side of the 8s
    wrong = (F_train.dot(across) > shift) != (y_train == 1)
    ends = shift * across + np.outer([-9, 9], [-across[1], across[0]])
    scatter(axes[0])
    axes[0].plot(*ends.T, color="black")
    axes[0].scatter(*F_train[wrong].T, s=60, facecolors="none", edgecolors=plot.VERMILION)
    axes[0].set_title(f"{wrong.sum()} of {len(wrong)} wrong", fontsize=10)
    for axis, value, name in ((axes[1], 0, "the mean 3"), (axes[2], 1, "the mean 8")):
        axis.imshow(X_train[y_train == value].mean(axis=0).reshape(8, 8), cmap="Greys", vmin=0, vmax=1)
        for top in (0.5, 3.5):
            axis.add_patch(plt.Rectangle((0.5, top), 3, 3, fill=False, edgecolor=plot.VERMILION, linewidth=2))
        axis.set(title=name, xticks=[], yticks=[])
        axis.grid(False)
    return figure


explore(by_hand, tilt=slider(0, -90, 180, 5, "tilt (degrees)"), shift=slider(1, -3, 3, 0.1, "shift"))

# %% [markdown]
# The red squares show where the ink is measured. Below 25 wrong is good; 20 of 250 wrong is 0.92 right. Write
# your best count down. Later the neuron tries, first with these two measurements, then with all 64 pixels.
#
# What did you do? You chose a direction in which "more" means "rather an 8", and a threshold. A neuron is
# exactly that, with a number for how sure it is.
#
# ```
#   x1 ---- w1 ---\
#                  \
#   x2 ---- w2 -----( + )---- z ----( squash )---- p      "an 8, I am 75 % sure"
#                  /
#    1 ---- b ----/
# ```

# %% [markdown]
# ## 1. Weigh and add
#
# **In words.** Each measurement gets a *weight*: how much it speaks for an 8, or, if negative, against. The
# *bias* says where the neuron stands before it has seen anything. The sum of it all is the *score*.
#
# **In small numbers.** A picture measures $x = (2, 1)$. The weights are $w = (3, -1)$ and the bias is $b = -4$:
#
# $$z = 3 \cdot 2 + (-1) \cdot 1 - 4 = 1.$$
#
# The score is positive: rather an 8. With $b = -6$ it would be $-1$: rather a 3. The pictures with $z = 0$
# lie on a straight line. The weights turn it, the bias pushes it.
#
# **In maths.** For one example $z = \sum_j w_j x_j + b$. For a table of $N$ examples with $D$ measurements,
# one example in each row,
#
# $$z = X w + b, \qquad X: (N, D), \quad w: (D,), \quad z: (N,).$$
#
# The one number $b$ is added to every row's score.
#
# **In code.** Write `linear`. For example,
# `linear(np.array([[2.0, 1.0]]), np.array([3.0, -1.0]), -4.0)` returns `array([1.])`.

# %% exercise="linear" minutes=5 difficulty=1
def linear(X, w, b):
    """The scores of a neuron, before they are squashed.

    Args:
        X: (N, D), an example in each row.
        w: (D,), a weight for each feature.
        b: a number, the bias.

    Returns:
        (N,), a score for each example.
    """
    ### BEGIN SOLUTION
    return X @ w + b  # (N, D) @ (D,) -> (N,)
    ### END SOLUTION


# %% check="linear" points=3
def test_one_example():
    "the example from the text"
    assert_close(linear(np.array([[2.0, 1.0]]), np.array([3.0, -1.0]), -4.0), np.array([1.0]))


def test_three_examples():
    "three examples, a score for each"
    X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert_close(linear(X, np.array([10.0, 1.0]), -0.5), np.array([11.5, 33.5, 55.5]))


def test_rows_are_examples():
    "a weight belongs to a column, not to a row"
    assert_close(linear(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 0.0]), 0.0), np.array([1.0, 3.0]))


### BEGIN HIDDEN TESTS
def test_random_scores():
    "seven random examples of five features"
    X, w = rng.normal(size=(7, 5)), rng.normal(size=5)
    assert_close(linear(X, w, 0.3), reference.linear(X, w, 0.3))


### END HIDDEN TESTS

check("linear", points=3)

# %% mistake="linear" name="no-bias" hint="The bias is missing: every score is too small by b. Add `b` once to each example's sum."
def linear(X, w, b):
    return X @ w


# %% mistake="linear" name="bias-per-feature" hint="You added the bias to every product before summing, so each score holds it D times. Sum the products first, then add `b` once."
def linear(X, w, b):
    return (X * w + b).sum(axis=1)


# %% mistake="linear" name="products-not-summed" hint="You have a product for every feature, (N, D), but not yet their sum. A score is one number for each example: sum along the row, or let `@` do both."
def linear(X, w, b):
    return X * w + b


# %% mistake="linear" name="summed-down-the-columns" hint="You summed down the columns, axis 0, and have a number for each feature. A score belongs to an example: sum along its row, axis 1."
def linear(X, w, b):
    return (X * w).sum(axis=0) + b


# %% mistake="linear" name="bias-subtracted" hint="You subtracted the bias. It is added: z = X w + b."
def linear(X, w, b):
    return X @ w - b


# %% mistake="linear" name="one-sum-for-all" hint="You summed over the whole table, so all examples share one number. Sum each row by itself: along axis 1."
def linear(X, w, b):
    return np.sum(X * w) + b


# %% mistake="linear" name="wrong-side" hint="You multiplied from the wrong side: `w @ X` gives each ROW a weight. The weights belong to the columns, so `X` stands first."
def linear(X, w, b):
    return w @ X + b


# %% mistake="linear" name="bias-in-weights" hint="You added the bias to the weights, so that it is multiplied by the features. It is added to the score, after the multiplication."
def linear(X, w, b):
    return X @ (w + b)


# %% mistake="linear" name="column-of-scores" hint="You return a column, (N, 1). Scores have the shape (N,): later `scores - y` would otherwise become an (N, N) table without a word."
def linear(X, w, b):
    return X @ w.reshape(-1, 1) + b


# %% variant="linear"
def linear(X, w, b):
    return np.array([sum(x_j * w_j for x_j, w_j in zip(row, w)) + b for row in X])


# %% variant="linear"
def linear(X, w, b):
    return (X * w).sum(axis=1) + b


# %% [markdown]
# ## 2. Squash
#
# **In words.** A score can be any number. We want a probability: 0 is "surely a 3", 1 is "surely an 8". A
# score of 0 should mean "no idea", one half.
#
# **In small numbers.** Think in odds, as in betting. Let a score be the logarithm of the odds. A score of
# $\ln 3$ means odds of 3 to 1, three times out of four: $p = 0.75$. A score of $-\ln 3$ means 1 to 3:
# $p = 0.25$. A score of 0 means 1 to 1: $p = 0.5$.
#
# **In maths.** Odds of $e^z$ to 1 are a probability of
#
# $$\sigma(z) = \frac{e^z}{e^z + 1} = \frac{1}{1 + e^{-z}},$$
#
# the *logistic sigmoid*. The two forms are the same number on paper. They are not in a computer.
#
# > **Numerics.** A 64-bit float ends at $1.8 \cdot 10^{308}$, so `np.exp(710)` overflows. It becomes `inf`,
# > and NumPy warns. The left form then computes `inf / inf`, which is NaN, for large positive scores. The
# > right form overflows for large negative ones. Nothing overflows if `exp` is only ever given a number that
# > is not positive. Let $e = \exp(-|z|)$, between 0 and 1. Which form gives $\sigma(z)$ from $e$ when
# > $z \ge 0$, and which when $z < 0$?
# >
# > Mind `np.where(z >= 0, A, B)`: it computes A **and** B for every element, then picks.
#
# **In code.** Write `sigmoid` so that no score makes NumPy warn. `sigmoid(np.array([0.0, 1000.0]))` returns
# `array([0.5, 1. ])`.

# %% exercise="sigmoid" minutes=15 difficulty=2
def sigmoid(z):
    """Squash scores into probabilities, without overflow.

    Args:
        z: a number, or an array of any shape; floats or whole numbers.

    Returns:
        1 / (1 + exp(-z)), floats of the same shape, between 0 and 1.
    """
    ### BEGIN SOLUTION
    e = np.exp(-np.abs(z))  # never above 1, whatever z is
    return np.where(np.asarray(z) >= 0, 1.0, e) / (1.0 + e)
    ### END SOLUTION


# %% check="sigmoid" points=5
@inside
def watchfully(z):
    """What `sigmoid` returns, and what NumPy warned of meanwhile."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = sigmoid(z)
    return value, sorted({str(warning.message) for warning in caught})


def test_odds():
    "odds of 1 to 1, 3 to 1 and 1 to 9"
    assert_close(sigmoid(np.log([1.0, 3.0, 1 / 9])), np.array([0.5, 0.75, 0.1]))


def test_very_negative():
    "a score of -1000, and no warning"
    value, warned = watchfully(np.array([-1000.0, 0.0]))
    assert_close(value, np.array([0.0, 0.5]))
    assert warned == [], "exp was given a number that is too large."


def test_very_positive():
    "a score of 1000, and no warning"
    value, warned = watchfully(np.array([1000.0, 0.0]))
    assert_close(value, np.array([1.0, 0.5]))
    assert warned == [], "exp was given a number that is too large."


def test_whole_numbers():
    "scores that are whole numbers"
    z = np.array([-2, 0, 2])
    assert_close(sigmoid(z), 0.5 + 0.5 * np.tanh(z / 2))


def test_single_number():
    "a single number"
    assert_close(sigmoid(0.0), 0.5)


### BEGIN HIDDEN TESTS
def test_table():
    "a table of random scores"
    z = rng.normal(scale=20, size=(4, 6))
    assert_close(sigmoid(z), reference.sigmoid(z))


def test_far_out():
    "scores from -800 to 800, and no warning"
    z = np.linspace(-800, 800, 33)
    value, warned = watchfully(z)
    assert_close(value, reference.sigmoid(z))
    assert warned == [], "exp was given a number that is too large."


### END HIDDEN TESTS

check("sigmoid", points=5)

# %% mistake="sigmoid" name="overflow-below" hint="`np.exp(-z)` overflows when z is very negative: at -1000 it is asked for exp(1000). Only give `exp` numbers that are not positive: start from `np.exp(-np.abs(z))`."
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# %% mistake="sigmoid" name="overflow-above" hint="`np.exp(z)` overflows when z is very positive, and inf / inf is NaN. That form is safe for negative scores only; start from `np.exp(-np.abs(z))` and treat the two signs apart."
def sigmoid(z):
    return np.exp(z) / (1 + np.exp(z))


# %% mistake="sigmoid" name="where-computes-both" hint="The idea is right, but `np.where` computes both forms for every element before it picks one, so each still overflows on the other's side. Compute e = np.exp(-np.abs(z)) once, and build both forms from it."
def sigmoid(z):
    return np.where(np.asarray(z) >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))


# %% mistake="sigmoid" name="wrong-sign" hint="Large scores give small probabilities: the sign in the exponent is turned round, or the two forms have changed places. It is exp(-z) in 1 / (1 + exp(-z)); with e = exp(-|z|) this is 1 / (1 + e) where z >= 0."
def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(np.asarray(z) >= 0, e, 1.0) / (1 + e)


# %% mistake="sigmoid" name="tanh" hint="This is tanh: it runs from -1 to 1, and is 0 at 0. The sigmoid runs from 0 to 1, and is one half at 0."
def sigmoid(z):
    return np.tanh(z)


# %% mistake="sigmoid" name="one-side-only" hint="With exp(-|z|) and a single form, negative scores come out as if they were positive. When z < 0 the numerator is e, not 1."
def sigmoid(z):
    return 1 / (1 + np.exp(-np.abs(z)))


# %% mistake="sigmoid" name="if-of-an-array" hint="`if z >= 0` wants one answer, and an array has one for each score. `np.where(z >= 0, A, B)` picks for each score by itself."
def sigmoid(z):
    e = np.exp(-np.abs(z))
    if z >= 0:
        return 1 / (1 + e)
    return e / (1 + e)


# %% mistake="sigmoid" name="for-one-number" hint="The functions of `math` take one number at a time. Those of NumPy take whole arrays: np.exp."
def sigmoid(z):
    import math

    return 1 / (1 + math.exp(-z))


# %% mistake="sigmoid" name="hard-step" hint="This is a step: it says only which side, not how sure. Its slope is 0 everywhere, so nothing could be learnt from it. Use the smooth formula."
def sigmoid(z):
    return np.where(np.asarray(z) > 0, 1.0, 0.0)


# %% mistake="sigmoid" name="whole-number-store" hint="`np.zeros_like(z)` makes an array of whole numbers when z holds whole numbers, and every probability stored in it is cut down to 0. Give it dtype=float."
def sigmoid(z):
    z = np.asarray(z)
    p = np.zeros_like(z)
    p[z >= 0] = 1 / (1 + np.exp(-z[z >= 0]))
    p[z < 0] = np.exp(z[z < 0]) / (1 + np.exp(z[z < 0]))
    return p


# %% variant="sigmoid"
def sigmoid(z):
    return 0.5 * (1 + np.tanh(np.asarray(z) / 2))


# %% variant="sigmoid"
def sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -500, 500)))


# %% variant="sigmoid"
def sigmoid(z):
    z = np.asarray(z, dtype=float)
    p = np.empty_like(z)
    p[z >= 0] = 1 / (1 + np.exp(-z[z >= 0]))
    p[z < 0] = np.exp(z[z < 0]) / (1 + np.exp(z[z < 0]))
    return p


# %% [markdown]
# ### See it: the decision line against the weights
#
# The shade is what **your** `linear` and `sigmoid` say about every point of the plane: blue for "an 8",
# orange for "a 3", white for "no idea". The black line is where your neuron says one half.
#
# Try three things. Keep one weight at 0: which way does the line run? Double both weights and the bias: what
# stays, what changes? Move only the bias.

# %%
across, up = np.meshgrid(np.linspace(-3, 3.5, 80), np.linspace(-3, 3.5, 80))
plane = np.stack([across.ravel(), up.ravel()], axis=1)  # (6400, 2), every point of the picture


def neuron(X, w, b):
    """What the neuron says about each row of X; None while `linear` or `sigmoid` is not written."""
    return written(lambda: sigmoid(linear(X, w, b)))


def side_view(axes, w, b):
    """The plane in the neuron's eyes, and the share of the training pictures that it gets right."""
    p = neuron(plane, w, b).reshape(across.shape)
    axes.imshow(p, extent=(-3, 3.5, -3, 3.5), origin="lower", cmap=plot.diverging(), vmin=0, vmax=1, alpha=0.5, aspect="auto")
    if p.min() < 0.5 < p.max():
        axes.contour(across, up, p, levels=[0.5], colors="black")
    scatter(axes)
    right = np.mean((neuron(F_train, w, b) > 0.5) == (y_train == 1))
    axes.set_title(f"{right:.1%} right", fontsize=10)


def decision_line(w1, w2, b):
    """The plane as the neuron sees it, and its decision line."""
    w = np.array([w1, w2])
    if neuron(plane[:2], w, b) is None:
        return plot.message("Write `linear` and `sigmoid` first, then run this cell again.")
    figure, axes = plot.figure(2, height=3.6)
    side_view(axes[0], w, b)
    z = np.linspace(-8, 8, 200)
    axes[1].plot(z, sigmoid(z), color="black")
    for value, colour in ((0, plot.ORANGE), (1, plot.BLUE)):
        scores = linear(F_train[y_train == value], w, b)
        axes[1].plot(scores, sigmoid(scores), "|", color=colour, markersize=14, alpha=0.5)
    axes[1].set(xlim=(-8, 8), ylim=(-0.08, 1.08), xlabel="score z", ylabel="probability of an 8")
    return figure


explore(
    decision_line,
    w1=slider(1, -5, 5, 0.25, "w1 (upper left)"),
    w2=slider(0, -5, 5, 0.25, "w2 (lower left)"),
    b=slider(0, -5, 5, 0.25, "b (bias)"),
)

# %% [markdown]
# Doubling everything leaves the line where it was: the scores are still 0 there. But the shade hardens, the
# neuron is surer of itself. So *how long* the weights are says how sure, *which way* they point says what
# the neuron looks for.
#
# > **History.** Warren McCulloch and Walter Pitts drew such a unit in 1943, with a hard step and no learning.
# > Frank Rosenblatt's *perceptron* of 1958 learnt its weights. Statisticians had the smooth version in the
# > same year: David Cox's logistic regression. You are writing the place where the two meet.

# %% [markdown]
# ## 3. How wrong is it? The mean squared error
#
# **In words.** To improve, the neuron needs one number that says how bad it is: the *loss*. Smaller is
# better. The simplest takes each answer's distance from the truth, squares it, so that too high and too low
# both count, and averages.
#
# **In small numbers.** The truth is $y = (1, 1, 1)$, the answers are $\hat y = (0.5, 1, 0)$. The
# distances are $-0.5, 0, -1$. Their squares are $0.25, 0, 1$. The mean is $1.25 / 3 \approx 0.417$.
#
# **In maths.**
#
# $$L_\text{MSE} = \frac{1}{N} \sum_{i=1}^{N} (\hat y_i - y_i)^2.$$
#
# **In code.** Write `mse_loss`. It works on arrays of any shape, and averages over all values.
#
# > **Numerics.** Give NumPy a row of shape (3,) and a column of shape (3, 1), and their difference is a
# > (3, 3) table: every answer compared with every truth. The mean of that is a number too, and a wrong one,
# > and nobody is told. So refuse: where the shapes differ, raise `ValueError`.

# %% exercise="mse_loss" minutes=5 difficulty=1
def mse_loss(y_hat, y):
    """The mean squared error.

    Args:
        y_hat: array of any shape, the answers.
        y: array of the same shape, the truth.

    Returns:
        A number: the mean of the squared differences.

    Raises:
        ValueError: the shapes differ.
    """
    ### BEGIN SOLUTION
    if np.shape(y_hat) != np.shape(y):
        raise ValueError(f"answers of shape {np.shape(y_hat)} and truths of shape {np.shape(y)}")
    return np.mean((y_hat - y) ** 2)
    ### END SOLUTION


# %% check="mse_loss" points=3
def test_text_example():
    "the example from the text"
    assert_close(mse_loss(np.array([0.5, 1.0, 0.0]), np.array([1.0, 1.0, 1.0])), 1.25 / 3)


def test_both_signs():
    "too high and too low do not cancel"
    assert_close(mse_loss(np.array([1.0, 3.0, 0.0]), np.array([2.0, 2.0, 2.0])), 2.0)


def test_mse_table():
    "a table has one loss"
    assert_close(mse_loss(np.array([[0.0, 2.0], [4.0, 0.0]]), np.zeros((2, 2))), 5.0)


def test_shapes_refused():
    "a row and a column are refused"
    assert_raises(ValueError, mse_loss, np.array([1.0, 2.0, 3.0]), np.array([[1.0], [2.0], [3.0]]))


### BEGIN HIDDEN TESTS
def test_random_answers():
    "random answers"
    y_hat, y = rng.uniform(size=(3, 7)), rng.integers(0, 2, size=(3, 7)).astype(float)
    assert_close(mse_loss(y_hat, y), reference.mse_loss(y_hat, y))


### END HIDDEN TESTS

check("mse_loss", points=3)

# %% mistake="mse_loss" name="sum" hint="You summed the squares. Divide by how many there are, so that the loss does not grow with the size of the data."
def mse_loss(y_hat, y):
    if y_hat.shape != y.shape:
        raise ValueError("shapes differ")
    return np.sum((y_hat - y) ** 2)


# %% mistake="mse_loss" name="square-of-the-mean" hint="You averaged first and squared after, so that errors of opposite sign cancel. Square each difference, then average."
def mse_loss(y_hat, y):
    if y_hat.shape != y.shape:
        raise ValueError("shapes differ")
    return np.mean(y_hat - y) ** 2


# %% mistake="mse_loss" name="absolute" hint="This is the mean absolute error. The squared error multiplies each difference by itself."
def mse_loss(y_hat, y):
    if y_hat.shape != y.shape:
        raise ValueError("shapes differ")
    return np.mean(np.abs(y_hat - y))


# %% mistake="mse_loss" name="root" hint="This is the root of the mean squared error. Leave the square root out."
def mse_loss(y_hat, y):
    if y_hat.shape != y.shape:
        raise ValueError("shapes differ")
    return np.sqrt(np.mean((y_hat - y) ** 2))


# %% mistake="mse_loss" name="not-averaged" hint="You return a square for each answer. The loss is one number: their mean."
def mse_loss(y_hat, y):
    if y_hat.shape != y.shape:
        raise ValueError("the shapes differ")
    return (y_hat - y) ** 2


# %% mistake="mse_loss" name="minus" hint="Your loss is negative. A square is never below 0, and neither is the mean of squares: no minus sign."
def mse_loss(y_hat, y):
    if y_hat.shape != y.shape:
        raise ValueError("the shapes differ")
    return -np.mean((y_hat - y) ** 2)


# %% mistake="mse_loss" name="caret" hint="`^` is no power in Python: it compares bits. A square is `** 2`."
def mse_loss(y_hat, y):
    if y_hat.shape != y.shape:
        raise ValueError("the shapes differ")
    return np.mean((y_hat - y) ^ 2)


# %% mistake="mse_loss" name="assert" hint="An `assert` raises AssertionError, and is left out altogether when Python runs with -O. For wrong input: if ...: raise ValueError(...)."
def mse_loss(y_hat, y):
    assert y_hat.shape == y.shape
    return np.mean((y_hat - y) ** 2)


# %% mistake="mse_loss" name="half" hint="Your loss is half of the one asked for. Some books put 1/2 in front to make the derivative tidy; here it is a plain mean."
def mse_loss(y_hat, y):
    if y_hat.shape != y.shape:
        raise ValueError("shapes differ")
    return np.mean((y_hat - y) ** 2) / 2


# %% mistake="mse_loss" name="broadcast" hint="The shapes are not compared: a row of three and a column of three became a table of nine differences, without a word. Raise ValueError where the shapes differ."
def mse_loss(y_hat, y):
    return np.mean((y_hat - y) ** 2)


# %% mistake="mse_loss" name="a-loss-per-column" hint="You averaged along one axis, so a table has a loss for each column. Average over all values: `np.mean` without an axis."
def mse_loss(y_hat, y):
    if y_hat.shape != y.shape:
        raise ValueError("shapes differ")
    return np.mean((y_hat - y) ** 2, axis=0)


# %% mistake="mse_loss" name="first-axis-only" hint="You divided by `len(y)`, which counts rows only. A table of 2 by 2 holds four values: divide by `y.size`, or use `np.mean`."
def mse_loss(y_hat, y):
    if y_hat.shape != y.shape:
        raise ValueError("shapes differ")
    return np.sum((y_hat - y) ** 2) / len(y)


# %% variant="mse_loss"
def mse_loss(y_hat, y):
    if y_hat.shape != y.shape:
        raise ValueError("shapes differ")
    difference = (y_hat - y).ravel()
    return difference @ difference / difference.size


# %% [markdown]
# ## 4. A loss for probabilities: the cross-entropy
#
# **In words.** The squared error is mild with a neuron that is certain and wrong: an answer costs at most 1.
# A better rule charges for *surprise*. Ask how probable the neuron thought what really happened. If it said
# 1, no surprise, no charge. One half costs some. Nearly 0 costs a great deal. The surprise is $-\ln$ of that
# probability.
#
# **In small numbers.** The first picture is an 8 ($y = 1$), and the neuron says $p = 0.5$: what happened had
# a probability of 0.5, surprise $\ln 2$. The second is a 3 ($y = 0$), and it says $p = 0.75$ for an 8: what
# happened had only 0.25, surprise $\ln 4$. The loss is the mean,
# $(\ln 2 + \ln 4) / 2 = 1.5 \ln 2 \approx 1.04$.
#
# **In maths.** What happened had probability $p$ if $y = 1$, and $1 - p$ if $y = 0$. One line says both,
# since one of its terms is always 0:
#
# $$L_\text{BCE} = -\frac{1}{N} \sum_{i=1}^{N} \bigl[\, y_i \ln p_i + (1 - y_i) \ln (1 - p_i) \,\bigr].$$
#
# It is the *binary cross-entropy*.
#
# > **Numerics.** $\ln 0$ is minus infinity, and `0 * np.log(0)` is NaN. A sigmoid of 40 is exactly 1 in a
# > float, so this does happen. Before taking any logarithm, keep `p` between $10^{-12}$ and $1 - 10^{-12}$:
# > `np.clip` does it.
#
# **In code.** Write `bce_loss`. `bce_loss(np.array([0.5, 0.75]), np.array([1.0, 0.0]))` returns about 1.0397.

# %% exercise="bce_loss" minutes=10 difficulty=2
def bce_loss(p, y):
    """The binary cross-entropy: the mean surprise of somebody who believed `p`.

    Args:
        p: (N,), probabilities that the label is 1; exactly 0 and 1 may occur. They are kept between
            1e-12 and 1 - 1e-12 before logarithms are taken.
        y: (N,), labels, 0 or 1.

    Returns:
        A number, at least 0 and always finite.
    """
    ### BEGIN SOLUTION
    p = np.clip(p, 1e-12, 1 - 1e-12)  # log(0) would be minus infinity
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    ### END SOLUTION


# %% check="bce_loss" points=4
def test_two_pictures():
    "the example from the text"
    assert_close(bce_loss(np.array([0.5, 0.75]), np.array([1.0, 0.0])), 1.5 * np.log(2))


def test_no_idea():
    "four answers of one half cost ln 2"
    assert_close(bce_loss(np.full(4, 0.5), np.array([1.0, 1.0, 1.0, 0.0])), np.log(2))


def test_certain_and_right():
    "certain and right costs nothing"
    assert_close(bce_loss(np.array([1.0, 0.0]), np.array([1.0, 0.0])), 0.0)


def test_certain_no():
    "certain of a 0, but it is a 1"
    assert_close(bce_loss(np.array([0.0]), np.array([1.0])), 12 * np.log(10), rtol=1e-4)


def test_certain_yes():
    "certain of a 1, but it is a 0"
    assert_close(bce_loss(np.array([1.0]), np.array([0.0])), 12 * np.log(10), rtol=1e-4)


### BEGIN HIDDEN TESTS
def test_random_beliefs():
    "random probabilities"
    p, y = rng.uniform(size=20), rng.integers(0, 2, size=20).astype(float)
    assert_close(bce_loss(p, y), reference.bce_loss(p, y))


### END HIDDEN TESTS

check("bce_loss", points=4)

# %% mistake="bce_loss" name="no-minus" hint="Your loss is negative. The logarithm of a probability is below 0: put a minus sign in front."
def bce_loss(p, y):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


# %% mistake="bce_loss" name="sum" hint="You summed the surprises. Average them, so that the loss does not grow with the size of the data."
def bce_loss(p, y):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))


# %% mistake="bce_loss" name="ones-only" hint="Only the examples with y = 1 cost anything: the second term, (1 - y) * log(1 - p), is missing."
def bce_loss(p, y):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return -np.mean(y * np.log(p))


# %% mistake="bce_loss" name="no-clip" hint="log(0) is minus infinity, and 0 * log(0) is NaN. Keep `p` between 1e-12 and 1 - 1e-12 before taking logarithms: p = np.clip(p, ...). (np.clip returns a new array, and leaves the old one as it is.)"
def bce_loss(p, y):
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


# %% mistake="bce_loss" name="clip-below-only" hint="You keep `p` away from 0 but not from 1: then 1 - p is 0, and its logarithm is minus infinity. Clip on both sides."
def bce_loss(p, y):
    p = np.maximum(p, 1e-12)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


# %% mistake="bce_loss" name="roles-swapped" hint="You took the logarithm of the labels and weighed with the probabilities. It is the other way about: y * log(p)."
def bce_loss(p, y):
    y = np.clip(y, 1e-12, 1 - 1e-12)
    return -np.mean(p * np.log(y) + (1 - p) * np.log(1 - y))


# %% mistake="bce_loss" name="logarithm-of-labels" hint="You took the logarithm of the labels, and the label 0 has none. It is the other way about: y * log(p)."
def bce_loss(p, y):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return -np.mean(p * np.log(y) + (1 - p) * np.log(1 - y))


# %% mistake="bce_loss" name="not-averaged" hint="You return the surprise of each example. The loss is one number: their mean."
def bce_loss(p, y):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


# %% mistake="bce_loss" name="if-of-an-array" hint="`if y == 1` wants one answer, and there is one for each label. Let the formula choose: y * log(p) + (1 - y) * log(1 - p), for all examples at once."
def bce_loss(p, y):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    if y == 1:
        return -np.log(p)
    return -np.log(1 - p)


# %% mistake="bce_loss" name="one-minus-the-logarithm" hint="The second term has 1 - log(p). It is the logarithm of 1 - p: log(1 - p)."
def bce_loss(p, y):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return -np.mean(y * np.log(p) + (1 - y) * (1 - np.log(p)))


# %% mistake="bce_loss" name="other-limits" hint="You keep `p` further from 0 and 1 than was asked: to be certain and wrong then costs too little. The limits are 1e-12 and 1 - 1e-12."
def bce_loss(p, y):
    p = np.clip(p, 1e-8, 1 - 1e-8)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


# %% mistake="bce_loss" name="clipped-in-place" hint="You write into the caller's `p`. Make a new array: p = np.clip(p, 1e-12, 1 - 1e-12)."
def bce_loss(p, y):
    p[p == 0] = 1e-12
    p[p == 1] = 1 - 1e-12
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


# %% mistake="bce_loss" name="log-of-two" hint="You used the logarithm to base 2, which counts in bits. The loss is in natural units: np.log."
def bce_loss(p, y):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return -np.mean(y * np.log2(p) + (1 - y) * np.log2(1 - p))


# %% mistake="bce_loss" name="mean-for-each-class" hint="You averaged the ones and the zeros apart, then added the two means. Every example counts the same: one mean over all of them."
def bce_loss(p, y):
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return sum(-np.log(q).mean() for q in (p[y == 1], 1 - p[y == 0]) if q.size)


# %% variant="bce_loss"
def bce_loss(p, y):
    happened = np.where(y == 1, p, 1 - p)
    return -np.log(np.clip(happened, 1e-12, 1 - 1e-12)).mean()


# %% variant="bce_loss"
def bce_loss(p, y):
    p = np.minimum(np.maximum(p, 1e-12), 1 - 1e-12)
    return (-y * np.log(p) - (1 - y) * np.log1p(-p)).mean()


# %% [markdown]
# ### See it: what one answer costs
#
# The picture is an 8. Move the neuron's answer, and compare what your two losses charge. The slopes matter
# most: they are what pulls the neuron back.

# %%
def charges(p):
    """What both losses charge for one answer about an 8."""
    one = np.array([1.0])
    losses = written(lambda: (("squared error", mse_loss, plot.ORANGE), ("cross-entropy", bce_loss, plot.BLUE)))
    if losses is None or any(written(loss, one * p, one) is None for _, loss, _ in losses):
        return plot.message("Write `mse_loss` and `bce_loss` first, then run this cell again.")
    figure, axes = plot.figure(height=3.2)
    beliefs = np.linspace(0.005, 0.995, 199)
    for name, loss, colour in losses:
        axes.plot(beliefs, [loss(one * belief, one) for belief in beliefs], color=colour)
        axes.plot(p, loss(one * p, one), "o", color=colour, label=f"{name}: {loss(one * p, one):.3f}")
    axes.set(xlabel="p, the neuron's answer; the picture is an 8", ylabel="loss", ylim=(-0.1, 5.4))
    axes.legend()
    return figure


explore(charges, p=slider(0.1, 0.005, 0.995, 0.005, "p"))

# %% [markdown]
# ### See it: the loss bowl
#
# Now let the data stand still, and move the *weights*. Every pair of weights has a loss: a landscape over the
# plane of weights. Your own functions draw it. The dark hollow is where the neuron wants to be.
#
# Compare the two losses far from the hollow, say at $w = (-7, -7)$. One landscape is a bowl: from everywhere
# it goes down to the hollow. The other is nearly flat out there: a neuron dropped on that plain hardly knows
# which way to go.

# %%
AXIS = np.linspace(-8, 8, 33)


def landscape(loss, b):
    """The loss at each pair of weights; None while an exercise that it needs is not written."""
    def height(w1, w2):
        return loss(sigmoid(linear(F_train, np.array([w1, w2]), b)), y_train)

    if written(height, 0.0, 0.0) is None:
        return None
    return np.array([[height(w1, w2) for w1 in AXIS] for w2 in AXIS])


def contours(axes, heights):
    """Draw the landscape, with more lines near its hollow than on its slopes."""
    low, high = heights.min(), heights.max() + 1e-9
    return axes.contourf(AXIS, AXIS, heights, levels=low + (high - low) * np.linspace(0, 1, 24) ** 2, cmap="viridis")


def loss_bowl(w1, w2, b, kind):
    """The loss over the plane of weights, and a walk along one line through it."""
    heights = written(lambda: landscape({"cross-entropy": bce_loss, "squared error": mse_loss}[kind], b))
    if heights is None:
        return plot.message("Write `linear`, `sigmoid`, `mse_loss` and `bce_loss` first,\nthen run this cell again.")
    figure, axes = plot.figure(2, height=3.6)
    shown = contours(axes[0], heights)
    figure.colorbar(shown, ax=axes[0], label="loss", format="%.2f")
    axes[0].plot(w1, w2, "o", color="white", markeredgecolor="black")
    axes[0].set(xlabel="w1", ylabel="w2", title=kind)
    found = written(lambda: bce_gradient(F_train, y_train, np.array([w1, w2]), b))
    if found is not None and kind == "cross-entropy":  # once it is written: the way down
        axes[0].quiver(w1, w2, *-np.asarray(found[0]), color="white", angles="xy", scale_units="xy", scale=0.25)
    row = np.abs(AXIS - w2).argmin()
    axes[1].plot(AXIS, heights[row], color="black")
    axes[1].plot(w1, np.interp(w1, AXIS, heights[row]), "o", color=plot.VERMILION)
    axes[1].set(xlabel=f"w1, while w2 stays at {AXIS[row]:g}", ylabel="loss")
    return figure


explore(
    loss_bowl,
    w1=slider(-5, -7.5, 7.5, 0.5, "w1 (upper left)"),
    w2=slider(-5, -7.5, 7.5, 0.5, "w2 (lower left)"),
    b=slider(0, -4, 4, 0.5, "b (bias)"),
    kind=choice(["cross-entropy", "squared error"], label="loss"),
)

# %% [markdown]
# **Question 1 (2 points).** The squared error's landscape is nearly flat far from the hollow, the
# cross-entropy's is steep. Explain in your own words where the flatness comes from, and why it is bad for
# learning. Think of a neuron that is certain and wrong.

# %% [markdown] question="why-cross-entropy" points=2
# Far out the neuron is certain: the sigmoid is at one of its flat ends. The squared error sees the weights
# only through the sigmoid, so its slope is multiplied by the sigmoid's slope, p (1 - p), which is nearly 0
# there. The error is as large as it can be, yet a small change of the weights changes the loss hardly at all,
# and a step along the slope is tiny: the neuron learns least when it is most wrong. The cross-entropy's
# logarithm grows just as fast as the sigmoid flattens. The two cancel, and the slope is p - y: the more
# wrong, the steeper.

# %% [markdown]
# ## 5. Which way is down? Feel the slope
#
# **In words.** You stand in fog on a hillside. To find the way down you need no map: put a foot a little to
# the right, a little to the left, and compare. Do so in each direction in turn. The list of slopes, one for
# each direction, is the *gradient*. It points uphill. Down is the other way.
#
# **In small numbers.** Take $f(x) = x^3$ at $x = 2$, with a step of $h = 0.1$. To the right $2.1^3 = 9.261$,
# to the left $1.9^3 = 6.859$. They lie $0.2$ apart, so the slope is $(9.261 - 6.859) / 0.2 = 12.01$. The true
# slope is $3 x^2 = 12$. A foot on one side only would give $(9.261 - 8) / 0.1 = 12.61$, far worse.
#
# **In maths.** With $e_j$ a step of 1 in direction $j$ and 0 in all the others,
#
# $$\frac{\partial f}{\partial x_j} \approx \frac{f(x + h e_j) - f(x - h e_j)}{2 h},$$
#
# the *central difference*. The curly $\partial$ says: the slope in this one direction, while all the others stand
# still. The error of the central difference shrinks like $h^2$; the one-sided difference's only like $h$.
#
# **In code.** Write `numerical_gradient`. It needs to know nothing of `f`: it only calls it. `x` may have any
# shape. `numerical_gradient(lambda x: x[0] ** 3, np.array([2.0]), h=0.1)` returns `array([12.01])`.
#
# > **Numerics.** If `x` holds whole numbers, `x[0] += 1e-5` changes nothing: the fraction is cut off. Begin
# > with a copy as floats. A copy also leaves the caller's `x` alone. `np.ndindex(x.shape)` visits all
# > positions of any shape.

# %% exercise="numerical_gradient" minutes=15 difficulty=3
def numerical_gradient(f, x, h=1e-5):
    """The gradient of a function, by central differences.

    Args:
        f: a function of an array like `x`, which returns a number.
        x: array of any shape, floats or whole numbers; it is left as it is.
        h: how far to step to either side.

    Returns:
        Array of the shape of `x`, floats: the slope of `f` in the direction of each value of `x`.
    """
    ### BEGIN SOLUTION
    x = np.array(x, dtype=float)  # a copy: the caller's array stays, and fractions are kept
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h
        grad[index] = (f(x + step) - f(x - step)) / (2 * h)
    return grad
    ### END SOLUTION


# %% check="numerical_gradient" points=5
def test_cube():
    "x cubed at 2, steps of 0.1"
    assert_close(numerical_gradient(lambda x: x[0] ** 3, np.array([2.0]), h=0.1), np.array([12.01]))


def test_each_direction():
    "two values that are multiplied, steps of 0.1"
    grad = numerical_gradient(lambda x: x[0] * x[1] ** 2, np.array([3.0, 2.0]), h=0.1)
    assert_close(grad, np.array([4.0, 12.0]))


def test_small_step():
    "the sine, with the step that is the default"
    grad = numerical_gradient(lambda x: np.sin(x).sum(), np.array([0.0, 0.5, 3.0]))
    assert_close(grad, np.cos([0.0, 0.5, 3.0]))


def test_table_of_weights():
    "a table has a table of slopes"
    slopes = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, 0.0]])
    assert_close(numerical_gradient(lambda x: np.sum(slopes * x), np.ones((2, 3)), h=0.5), slopes)


def test_integers():
    "x may hold whole numbers"
    assert_close(numerical_gradient(lambda x: np.sum(x**2), np.array([1, 2])), np.array([2.0, 4.0]))


### BEGIN HIDDEN TESTS
def test_random_function():
    "a random function of six values"
    A, x = rng.normal(size=(6, 6)), rng.normal(size=6)
    assert_close(
        numerical_gradient(lambda x: x @ A @ x, x),
        reference.numerical_gradient(lambda x: x @ A @ x, x),
        rtol=1e-5,
    )


def test_wide_step():
    "a wide step shows its error"
    x = np.array([[1.0], [2.0]])
    assert_close(numerical_gradient(lambda x: np.sum(x**3), x, h=1.0), 3 * x**2 + 1.0)


### END HIDDEN TESTS

check("numerical_gradient", points=5)

# %% mistake="numerical_gradient" name="one-sided" hint="You compare a step to the right with standing still. Its error shrinks only like h. Step to both sides: f(x + h) - f(x - h), over 2 h."
def numerical_gradient(f, x, h=1e-5):
    x = np.array(x, dtype=float)
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h
        grad[index] = (f(x + step) - f(x)) / h
    return grad


# %% mistake="numerical_gradient" name="divided-by-h" hint="Every slope is twice too steep. From x - h to x + h it is 2 h: divide by that."
def numerical_gradient(f, x, h=1e-5):
    x = np.array(x, dtype=float)
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h
        grad[index] = (f(x + step) - f(x - step)) / h
    return grad


# %% mistake="numerical_gradient" name="missing-brackets" hint="`a / 2 * h` divides by 2 and then MULTIPLIES by h. Put brackets round the denominator: / (2 * h)."
def numerical_gradient(f, x, h=1e-5):
    x = np.array(x, dtype=float)
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h
        grad[index] = (f(x + step) - f(x - step)) / 2 * h
    return grad


# %% mistake="numerical_gradient" name="all-at-once" hint="You move all the values together, so each place holds the sum of all slopes. Move one value at a time, and leave the others where they are."
def numerical_gradient(f, x, h=1e-5):
    x = np.array(x, dtype=float)
    return np.full(x.shape, (f(x + h) - f(x - h)) / (2 * h))


# %% mistake="numerical_gradient" name="one-number" hint="`x + h` moves all the values together, and you have one number for all of them. Move one value at a time, leave the others where they are, and write its slope into its place."
def numerical_gradient(f, x, h=1e-5):
    return (f(x + h) - f(x - h)) / (2 * h)


# %% mistake="numerical_gradient" name="whole-rows" hint="`range(len(x))` visits the rows of a table, and x[i] is then a whole row: its values are moved together. Visit each value: for i in np.ndindex(x.shape)."
def numerical_gradient(f, x, h=1e-5):
    x = np.array(x, dtype=float)
    grad = np.zeros_like(x)
    for i in range(len(x)):
        step = np.zeros_like(x)
        step[i] = h
        grad[i] = (f(x + step) - f(x - step)) / (2 * h)
    return grad


# %% mistake="numerical_gradient" name="back-where-it-began" hint="After `x[i] += h` the step `x[i] -= h` leads back to where you began: you compare right with the middle, over 2 h. To the left it is 2 h from there."
def numerical_gradient(f, x, h=1e-5):
    x = np.array(x, dtype=float)
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        x[index] += h
        right = f(x)
        x[index] -= h
        grad[index] = (right - f(x)) / (2 * h)
    return grad


# %% mistake="numerical_gradient" name="not-put-back" hint="After a value is moved it stays moved, and the next slope is taken somewhere else. Put each value back before going on to the next, or build a new step each time."
def numerical_gradient(f, x, h=1e-5):
    x = np.array(x, dtype=float)
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        x[index] += h
        right = f(x)
        x[index] -= 2 * h
        grad[index] = (right - f(x)) / (2 * h)
    return grad


# %% mistake="numerical_gradient" name="whole-number-copy" hint="A copy of whole numbers holds whole numbers: adding h to one of them is cut off again. Copy as floats: np.array(x, dtype=float)."
def numerical_gradient(f, x, h=1e-5):
    grad = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        right, left = x.copy(), x.copy()
        right[index] += h
        left[index] -= h
        grad[index] = (f(right) - f(left)) / (2 * h)
    return grad


# %% mistake="numerical_gradient" name="step-ignored" hint="The step is always the same, whatever `h` is given. Use the argument."
def numerical_gradient(f, x, h=1e-5):
    h = 1e-5
    x = np.array(x, dtype=float)
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h
        grad[index] = (f(x + step) - f(x - step)) / (2 * h)
    return grad


# %% mistake="numerical_gradient" name="flat-list" hint="The slopes are right, but they come as one long row. Give them the shape of `x`."
def numerical_gradient(f, x, h=1e-5):
    x = np.array(x, dtype=float)
    grad = []
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h
        grad.append((f(x + step) - f(x - step)) / (2 * h))
    return np.array(grad)


# %% mistake="numerical_gradient" name="downhill" hint="Every slope has the wrong sign: you took left minus right. The gradient points uphill: f(x + h) - f(x - h)."
def numerical_gradient(f, x, h=1e-5):
    x = np.array(x, dtype=float)
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h
        grad[index] = (f(x - step) - f(x + step)) / (2 * h)
    return grad


# %% variant="numerical_gradient"
def numerical_gradient(f, x, h=1e-5):
    x = np.asarray(x, dtype=float)
    flat = x.ravel()
    steps = h * np.eye(x.size)
    slopes = [
        (f((flat + step).reshape(x.shape)) - f((flat - step).reshape(x.shape))) / (2 * h) for step in steps
    ]
    return np.array(slopes).reshape(x.shape)


# %% variant="numerical_gradient"
def numerical_gradient(f, x, h=1e-5):
    x = np.array(x, dtype=float)
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        here = x[index]
        x[index] = here + h
        right = f(x)
        x[index] = here - h
        left = f(x)
        x[index] = here
        grad[index] = (right - left) / (2 * h)
    return grad


# %% [markdown]
# ### See it: how small a step?
#
# Smaller is better, until it is not. Below, your function takes the slope of $\sin$ at 1 with ever smaller
# steps. From the right the error falls like $h^2$. Then it rises again: the two values of $f$ are so alike
# that their difference is mostly rounding. The best step lies near $10^{-5}$. Now you know where the default
# comes from.

# %%
def step_sizes(exponent):
    """The error of the numerical gradient against the size of its step."""
    def error(h):
        return abs(numerical_gradient(lambda x: np.sin(x[0]), np.array([1.0]), h=h)[0] - np.cos(1.0))

    if written(error, 0.1) is None:
        return plot.message("Write `numerical_gradient` first, then run this cell again.")
    figure, axes = plot.figure(height=3.0)
    steps = np.logspace(-13, 0, 53)
    axes.loglog(steps, [max(error(h), 1e-17) for h in steps], ".-", color=plot.BLUE)
    h = 10.0**exponent
    axes.loglog(h, max(error(h), 1e-17), "o", color=plot.VERMILION, label=f"h = {h:.0e}: error {error(h):.0e}")
    axes.set(xlabel="step h", ylabel="error of the slope")
    axes.legend()
    return figure


explore(step_sizes, exponent=slider(-1, -13, 0, 0.5, "log10 of h"))

# %% [markdown]
# ## 6. The gradient by hand
#
# **In words.** Feeling for the slope costs two evaluations for each weight. A network of today has billions
# of weights. With pen and paper we can have all slopes at once, for the price of about one evaluation.
#
# Follow the chain for one example. The weight moves the score, the score moves the probability, the probability
# moves the loss:
#
# $$w_j \;\to\; z \;\to\; p \;\to\; L, \qquad
#   \frac{\partial L}{\partial w_j} = \frac{\partial L}{\partial p} \cdot \frac{\partial p}{\partial z} \cdot \frac{\partial z}{\partial w_j}.$$
#
# Three small derivatives:
#
# $$\frac{\partial L}{\partial p} = \frac{p - y}{p (1 - p)}, \qquad
#   \frac{\partial p}{\partial z} = p (1 - p), \qquad
#   \frac{\partial z}{\partial w_j} = x_j .$$
#
# Check the first with $y = 1$: the slope of $-\ln p$ is $-1 / p$, and the formula gives
# $(p - 1) / (p (1 - p)) = -1 / p$. For the second take the slope of $(1 + e^{-z})^{-1}$:
#
# $$\frac{e^{-z}}{(1 + e^{-z})^2} = \frac{1}{1 + e^{-z}} \cdot \frac{e^{-z}}{1 + e^{-z}} = p (1 - p).$$
#
# Multiply. The factor $p (1 - p)$ cancels, and what is left can be remembered for life:
#
# $$\frac{\partial L}{\partial w_j} = (p - y)\, x_j, \qquad \frac{\partial L}{\partial b} = p - y .$$
#
# *Error times input.* For $N$ examples take the mean; the bias counts as a weight whose input is always 1.
#
# **In small numbers.** All weights 0, so the neuron says $p = 0.5$ everywhere. Two examples with one feature:
# $x = 4$ with $y = 1$, and $x = 2$ with $y = 0$. The errors are $-0.5$ and $+0.5$. The slope in $w$ is
# $(-0.5 \cdot 4 + 0.5 \cdot 2) / 2 = -0.5$: the loss falls when $w$ grows. The slope in $b$ is
# $(-0.5 + 0.5) / 2 = 0$.
#
# **In maths**, for the whole table at once:
#
# $$\frac{\partial L}{\partial w} = \frac{1}{N} X^\top (p - y), \qquad
#   \frac{\partial L}{\partial b} = \frac{1}{N} \sum_i (p_i - y_i).$$
#
# $X^\top$, in NumPy `X.T`, is $X$ with its rows as columns. Count the shapes: $X^\top$ is $(D, N)$, the errors are $(N,)$, so the product is $(D,)$, as $w$ is.
#
# **In code.** Write `bce_gradient`. Use your `linear` and `sigmoid`. It returns two things: `dw`, an array,
# and `db`, a number.

# %% exercise="bce_gradient" minutes=15 difficulty=3
def bce_gradient(X, y, w, b):
    """The gradient of the mean binary cross-entropy of a neuron.

    Args:
        X: (N, D), an example in each row.
        y: (N,), labels, 0 or 1.
        w: (D,), the weights at which the slope is taken.
        b: a number, the bias at which it is taken.

    Returns:
        dw: (D,), the slope of the loss in each weight.
        db: a number, its slope in the bias.
    """
    ### BEGIN SOLUTION
    error = sigmoid(linear(X, w, b)) - y  # (N,)
    return X.T @ error / len(y), np.mean(error)
    ### END SOLUTION


# %% check="bce_gradient" points=5
def test_weights_of_zero():
    "weights of zero, by hand"
    X = np.array([[2.0, 0.0], [3.0, 2.0], [2.0, 2.0], [0.0, 4.0]])
    dw, db = bce_gradient(X, np.array([1.0, 1.0, 0.0, 1.0]), np.zeros(2), 0.0)
    # the errors are -1/2, -1/2, 1/2, -1/2
    assert_close(dw, np.array([-0.375, -0.5]), name="dw")
    assert_close(db, -0.25, name="db")


def test_known_probabilities():
    "probabilities of 3/4 and 1/2, by hand"
    dw, db = bce_gradient(
        np.array([[2.0], [-2.0]]), np.array([1.0, 1.0]), np.array([np.log(3) / 4]), np.log(3) / 2
    )
    assert_close(dw, np.array([0.25]), name="dw")
    assert_close(db, -0.375, name="db")


def test_central_differences():
    "against central differences of the loss"
    X, y, w = rng.normal(size=(8, 3)), np.array([0.0, 1, 1, 0, 1, 0, 0, 1]), rng.normal(size=3)

    def loss(X, y, w, b):
        z = X @ w + b
        return np.mean(np.logaddexp(0, z) - y * z)  # the same cross-entropy, written with scores

    assert_gradient(loss, bce_gradient, X, y, w, 0.4, argument=(2, 3))


### BEGIN HIDDEN TESTS
def test_random_gradient():
    "many random examples"
    X, y = rng.normal(size=(40, 6)), rng.integers(0, 2, size=40).astype(float)
    w, b = rng.normal(size=6), -0.7
    dw, db = bce_gradient(X, y, w, b)
    expected_dw, expected_db = reference.bce_gradient(X, y, w, b)
    assert_close(dw, expected_dw, name="dw")
    assert_close(db, expected_db, name="db")


### END HIDDEN TESTS

check("bce_gradient", points=5)

# %% mistake="bce_gradient" name="sum" hint="Both slopes are N times too steep. The loss is a mean, so its slope is one too: divide by the number of examples."
def bce_gradient(X, y, w, b):
    error = sigmoid(linear(X, w, b)) - y
    return X.T @ error, np.sum(error)


# %% mistake="bce_gradient" name="bias-summed" hint="dw is right, db is N times too steep: you summed the errors. Take their mean, as for the weights."
def bce_gradient(X, y, w, b):
    error = sigmoid(linear(X, w, b)) - y
    return X.T @ error / len(y), np.sum(error)


# %% mistake="bce_gradient" name="wrong-sign" hint="The sign is turned round: you took y - p. The slope of the loss is p - y: it is negative where the answer is too low, so that going against it raises the answer."
def bce_gradient(X, y, w, b):
    error = y - sigmoid(linear(X, w, b))
    return X.T @ error / len(y), np.mean(error)


# %% mistake="bce_gradient" name="not-turned-over" hint="X is (N, D) and the errors are (N,): `X @ errors` does not fit. Turn X over, so that the N stands beside the N: X.T @ errors."
def bce_gradient(X, y, w, b):
    errors = sigmoid(linear(X, w, b)) - y
    return X @ errors / len(y), errors.mean()


# %% mistake="bce_gradient" name="errors-along-the-columns" hint="`X * errors` puts the errors, (N,), beside the columns of X. Each belongs to a row: errors[:, None] makes a column of them, (N, 1). Or let `X.T @ errors` do it."
def bce_gradient(X, y, w, b):
    errors = sigmoid(linear(X, w, b)) - y
    return (X * errors).mean(axis=0), errors.mean()


# %% mistake="bce_gradient" name="an-error-for-each" hint="`db` holds the error of each example. The slope in the bias is one number: their mean."
def bce_gradient(X, y, w, b):
    errors = sigmoid(linear(X, w, b)) - y
    return X.T @ errors / len(y), errors


# %% mistake="bce_gradient" name="db-not-returned" hint="Only one thing came back. Two are asked for: return dw, db."
def bce_gradient(X, y, w, b):
    errors = sigmoid(linear(X, w, b)) - y
    return X.T @ errors / len(y)


# %% mistake="bce_gradient" name="divided-by-features" hint="You divided dw by the number of features. The mean is over the N examples: divide by len(y)."
def bce_gradient(X, y, w, b):
    errors = sigmoid(linear(X, w, b)) - y
    return X.T @ errors / X.shape[1], errors.mean()


# %% mistake="bce_gradient" name="no-sigmoid" hint="You compared the scores with the labels. Squash them first: the error is sigmoid(z) - y."
def bce_gradient(X, y, w, b):
    error = linear(X, w, b) - y
    return X.T @ error / len(y), np.mean(error)


# %% mistake="bce_gradient" name="sigmoid-slope-kept" hint="There is a factor p (1 - p) too many. It belongs to the squared error; with the cross-entropy it cancels against the slope of the logarithm."
def bce_gradient(X, y, w, b):
    p = sigmoid(linear(X, w, b))
    error = (p - y) * p * (1 - p)
    return X.T @ error / len(y), np.mean(error)


# %% mistake="bce_gradient" name="bias-not-used" hint="The probabilities are taken without the bias. It belongs to the score, also while the gradient is computed: linear(X, w, b)."
def bce_gradient(X, y, w, b):
    error = sigmoid(X @ w) - y
    return X.T @ error / len(y), np.mean(error)


# %% mistake="bce_gradient" name="mean-over-features" hint="dw is one number for all weights. Average over the examples only, axis 0, so that each weight keeps a slope of its own."
def bce_gradient(X, y, w, b):
    error = sigmoid(linear(X, w, b)) - y
    return np.mean(X * error[:, None]), np.mean(error)


# %% mistake="bce_gradient" name="divided-by-all" hint="You divided by X.size, which is N times D. The mean is over the N examples: divide by len(y)."
def bce_gradient(X, y, w, b):
    error = sigmoid(linear(X, w, b)) - y
    return X.T @ error / X.size, np.mean(error)


# %% mistake="bce_gradient" name="input-forgotten" hint="Each weight has the same slope, the mean error. A weight's slope is the error times ITS input, (p - y) x_j: the input is missing."
def bce_gradient(X, y, w, b):
    error = sigmoid(linear(X, w, b)) - y
    return np.full(len(w), np.mean(error)), np.mean(error)


# %% variant="bce_gradient"
def bce_gradient(X, y, w, b):
    error = sigmoid(linear(X, w, b)) - y
    return (error[:, None] * X).mean(axis=0), error.mean()


# %% variant="bce_gradient"
def bce_gradient(X, y, w, b):
    dw, db = np.zeros(len(w)), 0.0
    for x_i, y_i in zip(X, y):
        error = 1 / (1 + np.exp(-(x_i @ w + b))) - y_i
        dw += error * x_i / len(y)
        db += error / len(y)
    return dw, db


# %% [markdown]
# Two ways to the same slopes: you can now check your own calculus with your own tool. The next cell does.
# Keep the habit: a gradient that was not compared with differences is a rumour.
#
# Then go back to the loss bowl and run its cell again. A white arrow has appeared: your gradient, turned
# downhill.

# %%
w, b = np.array([0.5, -1.0]), 0.2
by_differences = written(
    lambda: numerical_gradient(lambda w: bce_loss(sigmoid(linear(F_train, w, b)), y_train), w)
)
by_calculus = written(lambda: bce_gradient(F_train, y_train, w, b))
print("by differences:", "not written yet" if by_differences is None else by_differences)
print("by calculus:   ", "not written yet" if by_calculus is None else by_calculus[0])

# %% [markdown]
# **Question 2 (2 points).** The gradient of one example is $(p - y)\, x$: error times input. Say in your own
# words what that does to the weights, when one steps against it, in three cases: the neuron is right and
# sure; it is wrong and sure; a feature is 0 in this example.

# %% [markdown] question="error-times-input" points=2
# Right and sure: p is close to y, the error is nearly 0, and the weights stay as they are; there is nothing
# to learn. Wrong and sure: the error is nearly 1 or -1, as large as it gets, so the weights move a long way.
# They move along x: each feature that spoke for the wrong answer loses weight, in proportion to how loudly it
# spoke. A feature that is 0 had no part in the answer, and its weight gets neither blame nor credit: its
# slope is 0.

# %% [markdown]
# ## 7. Walk downhill
#
# **In words.** Begin with all weights 0: the neuron has no opinion. Take the gradient, take a step the other
# way, take the gradient *where you stand now*, and so on. The *learning rate* says how long a step is.
#
# **In small numbers.** One example, $x = 1$ and $y = 1$, with a learning rate of 2. At $w = b = 0$ the neuron
# says $0.5$ and the error is $-0.5$, so both slopes are $-0.5$, and both numbers go to $0 + 2 \cdot 0.5 = 1$.
# Now the score is $1 \cdot 1 + 1 = 2$ and the neuron says $\sigma(2) \approx 0.881$. The error is only
# $-0.119$, and both go to $1 + 2 \cdot 0.119 = 1.238$.
#
# **In maths.** With learning rate $\eta$, both slopes taken before either number moves,
#
# $$w \leftarrow w - \eta\, \frac{\partial L}{\partial w}, \qquad b \leftarrow b - \eta\, \frac{\partial L}{\partial b} .$$
#
# **In code.** Write `fit_logistic`. Use your `bce_gradient`.
# `fit_logistic(np.array([[1.0]]), np.array([1.0]), lr=2.0, steps=1)` returns `(array([1.]), 1.0)`.

# %% exercise="fit_logistic" minutes=15 difficulty=2
def fit_logistic(X, y, lr, steps):
    """Train a neuron by gradient descent on the binary cross-entropy, starting from zero.

    Args:
        X: (N, D), an example in each row.
        y: (N,), labels, 0 or 1.
        lr: the learning rate, a number.
        steps: how many steps to take; after none, weights and bias are zero.

    Returns:
        w: (D,), the weights after the last step.
        b: a number, the bias after the last step.
    """
    ### BEGIN SOLUTION
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        dw, db = bce_gradient(X, y, w, b)
        w, b = w - lr * dw, b - lr * db
    return w, b
    ### END SOLUTION


# %% check="fit_logistic" points=5
def test_one_step():
    "one step from zero, by hand"
    X = np.array([[2.0, 0.0], [3.0, 2.0], [2.0, 2.0], [0.0, 4.0]])
    w, b = fit_logistic(X, np.array([1.0, 1.0, 0.0, 1.0]), lr=2.0, steps=1)
    assert_close(w, np.array([0.75, 1.0]), name="w")
    assert_close(b, 0.5, name="b")


def test_two_steps():
    "two steps, as in the text"
    w, b = fit_logistic(np.array([[1.0]]), np.array([1.0]), lr=2.0, steps=2)
    assert_close(w, np.array([1 + 2 / (1 + np.exp(2))]), name="w")
    assert_close(b, 1 + 2 / (1 + np.exp(2)), name="b")


def test_known_odds():
    "two groups whose odds are known"
    X = np.array([[0.0], [0.0], [0.0], [0.0], [1.0], [1.0], [1.0], [1.0]])
    y = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0])
    w, b = fit_logistic(X, y, lr=1.0, steps=1000)
    # Where x = 0 the odds are 1 to 3, so the score must be -ln 3. Where x = 1 they are 3 to 1.
    assert_close(w, np.array([2 * np.log(3)]), rtol=1e-5, name="w")
    assert_close(b, -np.log(3), rtol=1e-5, name="b")


def test_digits():
    "threes and eights that it has not seen: at least 97 in 100 right"
    w, b = fit_logistic(X_train, y_train, lr=1.0, steps=300)
    right = np.mean((X_test @ w + b > 0) == (y_test == 1))
    assert right >= 0.97


### BEGIN HIDDEN TESTS
def test_random_data():
    "random examples, twenty steps"
    X, y = rng.normal(size=(30, 4)), rng.integers(0, 2, size=30).astype(float)
    w, b = fit_logistic(X, y, lr=0.3, steps=20)
    expected_w, expected_b = reference.fit_logistic(X, y, 0.3, 20)
    assert_close(w, expected_w, name="w")
    assert_close(b, expected_b, name="b")


def test_no_steps():
    "no steps leave everything at zero"
    w, b = fit_logistic(np.ones((2, 3)), np.array([0.0, 1.0]), lr=1.0, steps=0)
    assert_close(w, np.zeros(3), name="w")
    assert_close(b, 0.0, name="b")


### END HIDDEN TESTS

check("fit_logistic", points=5)

# %% mistake="fit_logistic" name="uphill" hint="You walk uphill: the gradient points to where the loss grows. Subtract it."
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        dw, db = bce_gradient(X, y, w, b)
        w, b = w + lr * dw, b + lr * db
    return w, b


# %% mistake="fit_logistic" name="bias-stays" hint="The bias never moves from 0. It has a slope of its own, the second thing that bce_gradient returns: step along it too."
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        dw, db = bce_gradient(X, y, w, b)
        w = w - lr * dw
    return w, b


# %% mistake="fit_logistic" name="returns-too-soon" hint="You return after the first step: the `return` stands inside the loop. Move it out."
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        dw, db = bce_gradient(X, y, w, b)
        w, b = w - lr * dw, b - lr * db
        return w, b
    return w, b


# %% mistake="fit_logistic" name="gradient-taken-once" hint="The gradient is taken once, before the loop, and the same step is repeated. The slope changes as you walk: take it anew in every step."
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    dw, db = bce_gradient(X, y, w, b)
    for _ in range(steps):
        w, b = w - lr * dw, b - lr * db
    return w, b


# %% mistake="fit_logistic" name="one-after-the-other" hint="You moved the weights, then took the bias's slope at the new weights. Take both slopes at the same place, then move both."
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        w = w - lr * bce_gradient(X, y, w, b)[0]
        b = b - lr * bce_gradient(X, y, w, b)[1]
    return w, b


# %% mistake="fit_logistic" name="replaced" hint="Each step replaces the weights instead of moving them, so all but the last step is forgotten. Subtract from what is there: w - lr * dw."
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        dw, db = bce_gradient(X, y, w, b)
        w, b = -lr * dw, -lr * db
    return w, b


# %% mistake="fit_logistic" name="one-step-short" hint="One step is missing: `range(1, steps)` has steps - 1 entries. Use range(steps)."
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(1, steps):
        dw, db = bce_gradient(X, y, w, b)
        w, b = w - lr * dw, b - lr * db
    return w, b


# %% mistake="fit_logistic" name="one-step-too-many" hint="There is one step too many: `range(steps + 1)` has steps + 1 entries. Use range(steps)."
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps + 1):
        dw, db = bce_gradient(X, y, w, b)
        w, b = w - lr * dw, b - lr * db
    return w, b


# %% mistake="fit_logistic" name="a-weight-for-each-example" hint="You begin with a weight for each example, len(X). A weight belongs to a feature: X.shape[1] of them."
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(len(X)), 0.0
    for _ in range(steps):
        dw, db = bce_gradient(X, y, w, b)
        w, b = w - lr * dw, b - lr * db
    return w, b


# %% mistake="fit_logistic" name="one-weight" hint="`w` begins as the number 0. It is an array, a 0 for each feature: np.zeros(X.shape[1])."
def fit_logistic(X, y, lr, steps):
    w, b = 0.0, 0.0
    for _ in range(steps):
        dw, db = bce_gradient(X, y, w, b)
        w, b = w - lr * dw, b - lr * db
    return w, b


# %% mistake="fit_logistic" name="only-weights-returned" hint="Only the weights came back. Two things are asked for: return w, b."
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        dw, db = bce_gradient(X, y, w, b)
        w, b = w - lr * dw, b - lr * db
    return w


# %% mistake="fit_logistic" name="bias-first" hint="You return the bias first. Asked for are the weights, then the bias: return w, b."
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        dw, db = bce_gradient(X, y, w, b)
        w, b = w - lr * dw, b - lr * db
    return b, w


# %% mistake="fit_logistic" name="nothing-returned" hint="Your function returns nothing. Its last line should be `return w, b`."
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        dw, db = bce_gradient(X, y, w, b)
        w, b = w - lr * dw, b - lr * db
    print(w, b)


# %% mistake="fit_logistic" name="starts-at-one" hint="The walk begins with weights of 1. Here it begins at zero, as the text says: np.zeros, and a bias of 0."
def fit_logistic(X, y, lr, steps):
    w, b = np.ones(X.shape[1]), 0.0
    for _ in range(steps):
        dw, db = bce_gradient(X, y, w, b)
        w, b = w - lr * dw, b - lr * db
    return w, b


# %% mistake="fit_logistic" name="learning-rate-forgotten" hint="The learning rate is not used: each step is as long as the gradient itself. Multiply the slopes by `lr`."
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(steps):
        dw, db = bce_gradient(X, y, w, b)
        w, b = w - dw, b - db
    return w, b


# %% variant="fit_logistic"
def fit_logistic(X, y, lr, steps):
    w, b = np.zeros(X.shape[1]), 0.0
    while steps > 0:
        dw, db = bce_gradient(X, y, w, b)
        w -= lr * dw
        b -= lr * db
        steps -= 1
    return w, b


# %% variant="fit_logistic"
def fit_logistic(X, y, lr, steps):
    X1 = np.column_stack([X, np.ones(len(X))])  # the bias as the weight of a feature that is always 1
    w1 = np.zeros(X1.shape[1])
    for _ in range(steps):
        w1 = w1 - lr * X1.T @ (0.5 + 0.5 * np.tanh(X1 @ w1 / 2) - y) / len(y)
    return w1[:-1], w1[-1]


# %% [markdown]
# ### See it: the neuron finds the line by itself
#
# Push the number of steps up from 0, and watch the line turn by itself. Every picture is a fresh run of
# **your** `fit_logistic`. On the right is its walk over the loss bowl. Then try a learning rate that is far
# too small, and one that is far too large.

# %%
def all_written():
    """Whether everything that the pictures from here on need is written."""
    def trial():
        return fit_logistic(F_train, y_train, 1.0, 1), bce_loss(sigmoid(linear(F_train, np.zeros(2), 0.0)), y_train)

    return written(trial) is not None


def learning(steps, lr):
    """The decision line after some steps of gradient descent, and the walk to it."""
    if not all_written():
        return plot.message("Write all seven exercises first, then run this cell again.")
    figure, axes = plot.figure(2, height=3.6)
    w, b = fit_logistic(F_train, y_train, lr, steps)
    side_view(axes[0], w, b)
    contours(axes[1], landscape(bce_loss, b))
    stops = sorted({int(s) for s in np.linspace(0, steps, 25)})
    walk = np.array([fit_logistic(F_train, y_train, lr, stop)[0] for stop in stops])
    axes[1].plot(*walk.T, ".-", color="white")
    axes[1].plot(*w, "o", color=plot.VERMILION)
    loss = bce_loss(sigmoid(linear(F_train, w, b)), y_train)
    axes[1].set(xlabel="w1", ylabel="w2", xlim=(-8, 8), ylim=(-8, 8))
    axes[1].set_title(f"{steps} steps, learning rate {lr:.3g}: loss {loss:.3f}", fontsize=10)
    return figure


explore(
    learning,
    steps=slider(10, 0, 200, 1, "steps"),
    lr=slider(1.0, 0.001, 100.0, 0.25, "learning rate", log=True),
)

# %% [markdown]
# ## 8. The result: 64 pixels
#
# Two measurements were our idea. Now the neuron gets the pictures themselves: 64 pixels, 64 weights, and 107
# test pictures that it has never seen. The number to beat is **0.97**, and your own best count from the
# top of the page. Slide through the test pictures, the worst answer first.

# %%
STOPS = [0, 1, 2, 5, 10, 20, 50, 100, 200, 300]


def report(rank):
    """The neuron's result: its losses, its weights as a picture, and one test picture, the worst first."""
    if not all_written():
        return plot.message("Write all seven exercises first, then run this cell again.")
    w, b = fit_logistic(X_train, y_train, 1.0, 300)
    p = neuron(X_test, w, b)
    p_two = neuron(F_test, *fit_logistic(F_train, y_train, 1.0, 300))
    right, right_two = (np.mean((answer > 0.5) == (y_test == 1)) for answer in (p, p_two))
    figure, axes = plot.figure(3, height=3.2)
    figure.suptitle(f"right in the test: {right:.3f} with 64 pixels, {right_two:.3f} with two measurements")
    walks = [fit_logistic(X_train, y_train, 1.0, stop) for stop in STOPS]
    for X, y, name in ((X_train, y_train, "train"), (X_test, y_test, "test")):
        axes[0].plot(STOPS, [bce_loss(neuron(X, *walk), y) for walk in walks], ".-", label=name)
    axes[0].set(xlabel="steps", ylabel="loss")
    axes[0].legend()
    limit = np.abs(w).max()
    axes[1].imshow(w.reshape(8, 8), cmap=plot.diverging(), vmin=-limit, vmax=limit)
    axes[1].set_title("the 64 weights", fontsize=10)
    shown = np.argsort(-np.abs(p - y_test))[rank]
    axes[2].imshow(X_test[shown].reshape(8, 8), cmap="Greys", vmin=0, vmax=1)
    axes[2].set_title(f"{'an 8' if y_test[shown] else 'a 3'}; it says: {p[shown]:.1%} an 8", fontsize=10)
    for axis in axes[1:]:
        axis.set(xticks=[], yticks=[])
        axis.grid(False)
    return figure


explore(report, rank=slider(0, 0, len(y_test) - 1, 1, "picture, the worst first"))

# %% [markdown]
# Look at the weights as a picture. Blue pixels speak for an 8, orange ones for a 3. Nobody told the neuron
# that an 8 is closed on the left: it found the places that you measured by hand, and others that you had not
# thought of. And the pictures on which it did worst: would you have known them?
#
# One split is one throw of the dice. Over fifty random splits a neuron like this got from 0.97 to 1.00 of the
# test pictures right, 0.992 on average, and with the two measurements 0.92. With 107 test pictures, a single
# one is worth nearly 0.01.
#
# > **In PyTorch** this is `torch.nn.Linear(64, 1)` with `torch.nn.BCEWithLogitsLoss`. That loss takes the
# > *scores* and does sigmoid and logarithm in one, so that nothing needs to be clipped: it computes
# > $\max(z, 0) - z y + \ln(1 + e^{-|z|})$. You know now why.
#
# **Question 3 (2 points).** Four points lie on the corners of a square. Two opposite corners are 8s, the
# other two are 3s. Can a neuron with these two coordinates get all four right? Say why, and name one thing
# that would help.

# %% [markdown] question="four-corners" points=2
# No. A neuron says one half along a single straight line, with 8s on one side and 3s on the other. Any line
# that has both 8s on one side has at least one 3 there too: the segment between the 8s and the segment
# between the 3s cross in the middle, and that point would have to be on both sides at once. At most three of
# the four can be right. What helps is a better view of the points: a third measurement, such as the product
# of the two coordinates, or a layer of other neurons first whose answers this one then weighs.

# %% [markdown]
# ## Your library so far
#
# The next cell lists the parts that a deep-learning library is made of. None of it is yours yet. From unit 03 on, what passes its
# check is kept in a folder `mine/` beside the notebooks, and later units run on it.

# %% locked
gradus.library()

# %% [markdown]
# ## What you can do now
#
# - Compute the scores of a neuron for a whole table at once, and say what weights and bias do to its decision
#   line.
# - Turn scores into probabilities without overflow, and explain where the naive formula breaks.
# - Choose a loss: say what the squared error and the cross-entropy charge, and why a classifier wants the
#   second.
# - Measure any gradient by central differences, and know which step to take.
# - Derive a neuron's gradient by the chain rule, *error times input*, and check it.
# - Train by gradient descent, and read a loss curve and a picture of weights.
#
# Next, in unit 03, the chain rule is done by a machine, and you build the machine.
#
# ## Further reading
#
# - Frank Rosenblatt, "The Perceptron: A Probabilistic Model for Information Storage and Organization in the
#   Brain", *Psychological Review*, 1958. The first neuron that learnt, in its author's words.
# - Christopher M. Bishop, *Pattern Recognition and Machine Learning*, 2006. Section 4.3 derives what you
#   derived here, and goes on to more than two classes.
# - Michael A. Nielsen, *Neural Networks and Deep Learning*, 2015. Chapter 3 shows at length why the squared
#   error learns slowly and the cross-entropy does not.
