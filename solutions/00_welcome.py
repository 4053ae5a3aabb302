# %% [markdown]
# # You will write functions, and be told at once what is right
#
# This is unit 00 of Gradus, a course that climbs deep learning one step at a time. It takes about half an
# hour. You learn how an exercise works, how to read a check's answer, and whether this machine is ready.
#
# Run a cell with **Shift + Enter**. Start with the next one: it loads what this unit uses. Run it again whenever you
# come back and the kernel has been started anew.

# %% setup
import matplotlib.pyplot as plt
import numpy as np

import gradus
from gradus import plot
from gradus.check import assert_close, assert_raises, check, inside, rng
from gradus.widgets import explore, slider, written

gradus.unit("00_welcome")

# %%


def wave(cycles=2.0):
    """A wave whose number of cycles is set by the slider."""
    x = np.linspace(0, 1, 400)
    figure, axes = plot.figure(height=2.2)
    axes.plot(x, np.sin(2 * np.pi * cycles * x))
    axes.set(xlabel="time in seconds", ylabel="height", ylim=(-1.1, 1.1), title=f"{cycles:g} cycles a second")
    return figure


explore(wave, cycles=slider(2, 0.5, 8, 0.5, "cycles a second (Hz)"))

# %% [markdown]
# Move the slider, with the mouse or with the arrow keys: the picture follows. In every unit there is a picture that is
# drawn by **your own function**. When the function is wrong, the picture looks wrong.
#
# ## Is this machine ready?
#
# The next cell prints what the course finds here. If you ask somebody for help, paste it into your question.

# %%
report = gradus.report()

# %% [markdown]
# If something does not work, `gradus doctor` looks for what is amiss and says what to do about each thing. It runs in a
# terminal. In a notebook, type `%run -m gradus doctor` into an empty cell.
#
# ## A first exercise
#
# An exercise is a function with a hole in it. The text between the quotes, the *docstring*, says what goes in
# and what comes out. Below it stands `raise NotImplementedError()`: that line says "nobody has written this
# yet". Take it out, and write your own.
#
# For example, `greet("Ada")` returns the text `'Hello, Ada!'`.
#
# Do it wrongly once, on purpose: forget the exclamation mark, run the exercise's cell, then the check below it,
# and read what it says.

# %% exercise="greet" minutes=3 difficulty=1
def greet(name):
    """Greet somebody.

    name: a string, such as "Ada".
    Returns a string: Hello, a comma, a space, the name, an exclamation mark.
    """
    ### BEGIN SOLUTION
    return f"Hello, {name}!"
    ### END SOLUTION


# %% check="greet" points=2
def test_ada():
    "Ada is greeted"
    assert_close(greet("Ada"), "Hello, Ada!")


def test_two_words():
    "a name of two words"
    assert_close(greet("Grace Hopper"), "Hello, Grace Hopper!")


### BEGIN HIDDEN TESTS
def test_other_letters():
    "a name with other letters"
    assert_close(greet("Zoë"), "Hello, Zoë!")


### END HIDDEN TESTS

check("greet", points=2)


# %% mistake="greet" name="no-exclamation" hint="The greeting ends with an exclamation mark. Yours does not."
def greet(name):
    return f"Hello, {name}"


# %% mistake="greet" name="printed" hint="You printed the greeting. A function hands its answer back with `return`; what is printed is gone."
def greet(name):
    print(f"Hello, {name}!")


# %% mistake="greet" name="always-ada" hint="Your function greets the same person whatever it is given. Use the argument `name`."
def greet(name):
    return "Hello, Ada!"


# %% mistake="greet" name="name-in-quotes" hint="You greet the word 'name' itself. In an f-string the variable stands in braces: f'Hello, {name}!'."
def greet(name):
    return "Hello, name!"


# %% mistake="greet" name="no-comma" hint="A comma stands between Hello and the name."
def greet(name):
    return f"Hello {name}!"


# %% variant="greet"
def greet(name):
    return "Hello, " + name + "!"


# %% [markdown]
# ## How to read a check
#
# A check is a list of small tests. All of them run, whatever the others do. The next cell shows one on purpose: somebody
# wrote a function that turns degrees Celsius into Fahrenheit on a bad day. You need not read the code, only what it prints.

# %%
from IPython.display import HTML, display

from gradus.check.run import run_cell_tests


def fahrenheit(celsius, round_to=None):
    """Degrees Fahrenheit: 1.8 times the degrees Celsius, plus 32. Written on a bad day."""
    if isinstance(celsius, list):
        raise NotImplementedError("lists come tomorrow")
    if round_to is not None:
        return round(1.8 * celsius + 32, rond_to)
    return 1.8 * celsius + 32 * (celsius > 0)


TOUR = '''
def test_boiling():
    "water boils at 100 degrees: 212 Fahrenheit"
    assert_close(fahrenheit(100.0), 212.0)

def test_freezing():
    "water freezes at 0 degrees: 32 Fahrenheit"
    assert_close(fahrenheit(0.0), 32.0)

def test_rounded():
    "36.66 degrees, rounded to one place: 98.0"
    assert_close(fahrenheit(36.66, round_to=1), 98.0)

def test_list():
    "a list of two"
    assert_close(fahrenheit([0.0, 100.0]), [32.0, 212.0])

check("fahrenheit", points=4)
'''
tour = run_cell_tests(TOUR, "the tour", {"fahrenheit": fahrenheit, "assert_close": assert_close}, "fahrenheit", ["fahrenheit"])
tour.hint = "The 32 degrees are added to positive temperatures only. They are added to every one."
display(HTML(tour.html()))

# %% [markdown]
# Four tests, four kinds of answer:
#
# | sign | meaning |
# |---|---|
# | ✓ | passed |
# | ✗ | your function answered, and the answer is wrong. The first line says what is wrong. *called* is the call that was made: you can copy it into a cell of your own. *gave* is what came back. |
# | ! | your function stopped with an error. Below it stands the line of *your* code where it stopped: here a name was mistyped. |
# | … | not written yet |
#
# Your points are the share of the tests that passed. When your work is graded, a few more tests are run. They ask for
# the same thing with other numbers.
#
# **The hint.** Many wrong answers are old acquaintances. If yours is one that learners often give, a hint says which
# misunderstanding leads to it. If there is no hint, or it does not help:
#
# 1. Take the simplest test that fails. Work its answer out by hand, on paper.
# 2. Copy the call into a cell below, run it, and print what is inside your function on the way, and its `.shape`.
# 3. Read the docstring again: which shape goes in, which comes out?
# 4. Restart the kernel and run the cells from the top (*Kernel*, *Restart Kernel and Run up to Selected Cell*). A notebook remembers what
#    you have deleted.
# 5. Still stuck: ask, and paste the check's table and the report from above into your question.
#
# ## What a check keeps
#
# Each check notes what you have reached, in the file `progress.json` beside the notebooks. From unit 03 on it keeps more:
# code that has passed goes into a folder `mine/`, as plain Python, a file for each unit. Later units run on *your* code
# then, so that at the end you own a small deep-learning library. Code that fails its check never replaces code that has
# passed. As long as you have not written a part, the course lends you one, and says so.
#
# The next cell shows how far you are; run it again whenever you like.

# %%
gradus.progress()

# %% [markdown]
# ## Arrays have shapes
#
# Nearly everything in this course is an array of numbers, and the first question about an array is its shape.
# A table of N examples with D features each has the shape (N, D): N rows, D columns. Here are three people
# (N = 3), with height in metres and weight in kilograms (D = 2):
#
# $$X = \begin{pmatrix} 1.6 & 60 \\ 1.7 & 62 \\ 1.8 & 64 \end{pmatrix}$$
#
# The mean of each column is $(1.7,\ 62)$: one number a feature, shape (2,). In NumPy, `X.mean(axis=0)` takes the
# mean *along* axis 0, down the rows; what is left has the shape of the other axis. `X.mean(axis=1)` goes along axis 1,
# across the columns, and leaves one number a row, $(30.8,\ 31.85,\ 32.9)$, shape (3,). NumPy does not mind that it has
# averaged metres with kilograms. You must.

# %% exercise="column_means" minutes=5 difficulty=1
def column_means(X):
    """The mean of each column.

    X: array (N, D).
    Returns an array (D,).
    """
    ### BEGIN SOLUTION
    return X.mean(axis=0)
    ### END SOLUTION


# %% check="column_means" points=3
def test_three_people():
    "the three people of the text"
    assert_close(column_means(np.array([[1.6, 60.0], [1.7, 62.0], [1.8, 64.0]])), [1.7, 62.0])


def test_one_row():
    "a single row is its own mean"
    assert_close(column_means(np.array([[4.0, 5.0, 7.0]])), [4.0, 5.0, 7.0])


def test_lopsided():
    "columns whose mean is not the value in the middle"
    assert_close(column_means(np.array([[0.0, 1.0], [1.0, 1.0], [5.0, 4.0]])), [2.0, 2.0])


### BEGIN HIDDEN TESTS
def test_random():
    "a larger table"
    X = rng.normal(size=(50, 4))
    assert_close(column_means(X), reference.column_means(X))


### END HIDDEN TESTS

check("column_means", points=3)


# %% mistake="column_means" name="of-rows" hint="You took the mean of each row. Columns are averaged along axis 0, down the rows."
def column_means(X):
    return X.mean(axis=1)


# %% mistake="column_means" name="of-everything" hint="You took one mean of the whole table. Give `mean` an axis, so that each column has its own."
def column_means(X):
    return X.mean()


# %% mistake="column_means" name="sum" hint="That is the sum of each column. Divide by the number of rows, or use `mean`."
def column_means(X):
    return X.sum(axis=0)


# %% mistake="column_means" name="wrong-count" hint="You divided by the number of columns. A column has as many numbers as the table has rows: X.shape[0]."
def column_means(X):
    return X.sum(axis=0) / X.shape[1]


# %% mistake="column_means" name="two-dimensional" hint="The values are right, but the shape is (1, D). Leave out keepdims, so that the shape is (D,)."
def column_means(X):
    return X.mean(axis=0, keepdims=True)


# %% mistake="column_means" name="median" hint="That is the median, the value in the middle. The mean is the sum divided by the number of rows."
def column_means(X):
    return np.median(X, axis=0)


# %% mistake="column_means" name="counts-rows" hint="You went through as many columns as the table has rows. `len(X)` counts the rows; X.shape[1] counts the columns."
def column_means(X):
    return np.array([X[:, column].mean() for column in range(len(X))])


# %% variant="column_means"
def column_means(X):
    return np.array([sum(column) / len(column) for column in X.T])


# %% [markdown]
# ## Do not change what you are given
#
# An array that a function receives is not a copy. If the function writes into it, the caller's array changes too,
# and some later line is wrong for no visible reason. Every check in this course watches for that.
#
# To *centre* a table is to subtract from each column its mean, so that every column has the mean zero. The three
# people become
#
# $$\begin{pmatrix} -0.1 & -2 \\ 0 & 0 \\ 0.1 & 2 \end{pmatrix}$$
#
# Try `X -= X.mean(axis=0)` first, and see what the check says. Then write it without harm.

# %% exercise="centre" minutes=5 difficulty=1
def centre(X):
    """Subtract from each column its mean. X itself is left as it is.

    X: array (N, D).
    Returns an array (N, D) whose columns have the mean 0.
    """
    ### BEGIN SOLUTION
    return X - X.mean(axis=0)
    ### END SOLUTION


# %% check="centre" points=3
def test_three_people():
    "the three people of the text"
    X = np.array([[1.6, 60.0], [1.7, 62.0], [1.8, 64.0]])
    assert_close(centre(X), [[-0.1, -2.0], [0.0, 0.0], [0.1, 2.0]], atol=1e-6)


def test_square():
    "as many rows as columns"
    X = np.array([[1.0, 10.0, 0.0], [3.0, 20.0, 0.0], [8.0, 30.0, 3.0]])
    assert_close(centre(X), [[-3.0, -10.0, -1.0], [-1.0, 0.0, -1.0], [4.0, 10.0, 2.0]], atol=1e-6)


### BEGIN HIDDEN TESTS
def test_random():
    "a larger table"
    X = rng.normal(size=(20, 3)) * 5 + 2
    assert_close(centre(X), reference.centre(X), atol=1e-6)


### END HIDDEN TESTS

check("centre", points=3)


# %% mistake="centre" name="in-place" hint="`X -= ...` writes into the caller's array. Write `X - ...`, which makes a new one."
def centre(X):
    X -= X.mean(axis=0)
    return X


# %% mistake="centre" name="one-mean" hint="You subtracted one mean of the whole table. Each column has a mean of its own: axis=0."
def centre(X):
    return X - X.mean()


# %% mistake="centre" name="row-means" hint="You subtracted the mean of each row. Columns are features: average along axis 0."
def centre(X):
    return X - X.mean(axis=1, keepdims=True)


# %% mistake="centre" name="scaled-too" hint="You also divided by the standard deviation. That is standardising; here the columns are only shifted."
def centre(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


# %% mistake="centre" name="added" hint="You added the mean. To bring the mean to zero, subtract it."
def centre(X):
    return X + X.mean(axis=0)


# %% mistake="centre" name="turned-round" hint="You subtracted the table from its means, so that every sign is turned round. Write the table first: X - ..."
def centre(X):
    return X.mean(axis=0) - X


# %% mistake="centre" name="row-means-flat" hint="`axis=1` gives one mean a row, shape (N,). You need one a column, shape (D,): NumPy then subtracts it from every row of X."
def centre(X):
    return X - X.mean(axis=1)


# %% mistake="centre" name="median" hint="You subtracted the median, the value in the middle. Subtract the mean of each column."
def centre(X):
    return X - np.median(X, axis=0)


# %% variant="centre"
def centre(X):
    result = X.copy()
    for column in range(X.shape[1]):
        result[:, column] -= X[:, column].mean()
    return result


# %% [markdown]
# ### Your function at work
#
# Each of the 120 points is a row of a table (120, 2). The cloud on the left is the data; on the right is what **your**
# `centre` makes of it. Move the slider: the left cloud wanders, and the right one must stay on the cross.

# %%
cloud = np.random.default_rng(1).normal(size=(120, 2)) * [1.0, 0.5]


def centring(shift=2.0):
    """Two clouds of points: as given, and centred by your function."""
    given = cloud + [shift, shift / 2]
    centred = written(lambda: centre(given))
    if centred is None:
        return plot.message("Write `centre` first, then run this cell again.")
    figure, panels = plot.figure(columns=2, height=3.2)
    for axes, points, title in ((panels[0], given, "given"), (panels[1], centred, "after your centre")):
        axes.scatter(points[:, 0], points[:, 1], s=12)
        axes.axhline(0, color="grey", lw=1)
        axes.axvline(0, color="grey", lw=1)
        axes.set(xlim=(-8, 8), ylim=(-4, 4), xlabel="column 0", ylabel="column 1", title=title)
    return figure


explore(centring, shift=slider(2, -4, 4, 0.5, "shift of the cloud"))

# %% [markdown]
# ## Not a number
#
# `np.nan`, "not a number", marks a missing value. It spreads: the sum of 1, 2 and NaN is NaN. And it is equal to
# nothing, not even to itself, so `x == np.nan` is never true; `np.isnan(x)` asks properly.
#
# Example: of the values 2, NaN, 4 the mean of those that are there is (2 + 4) / 2 = 3. If nothing is there, there
# is no mean, and the honest answer is an error: `raise ValueError("...")`.

# %% exercise="mean_of_known" minutes=6 difficulty=2
def mean_of_known(x):
    """The mean of the values that are not NaN.

    x: array (N,).
    Returns a number. Raises ValueError if every value is NaN, or there is none.
    """
    ### BEGIN SOLUTION
    known = x[~np.isnan(x)]
    if known.size == 0:
        raise ValueError("there is no value to average")
    return known.mean()
    ### END SOLUTION


# %% check="mean_of_known" points=4
def test_one_missing():
    "one value is missing"
    assert_close(mean_of_known(np.array([2.0, np.nan, 4.0])), 3.0)


def test_none_missing():
    "nothing is missing"
    assert_close(mean_of_known(np.array([1.0, 2.0, 6.0])), 3.0)


def test_all_missing():
    "everything is missing: ValueError"
    assert_raises(ValueError, mean_of_known, np.array([np.nan, np.nan]))


def test_empty():
    "no value at all: ValueError"
    assert_raises(ValueError, mean_of_known, np.array([]))


### BEGIN HIDDEN TESTS
def test_random():
    "many values, some missing"
    x = rng.normal(size=40)
    x[::3] = np.nan
    assert_close(mean_of_known(x), reference.mean_of_known(x))


### END HIDDEN TESTS

check("mean_of_known", points=4)


# %% mistake="mean_of_known" name="plain-mean" hint="NaN spreads: one missing value makes the whole mean NaN. Pick the known values first, with ~np.isnan(x)."
def mean_of_known(x):
    if np.isnan(x).all():
        raise ValueError("nothing known")
    return x.mean()


# %% mistake="mean_of_known" name="compared" hint="A comparison with np.nan keeps every value, by `!=` and by `is not`: NaN is equal to nothing. Ask np.isnan(x)."
def mean_of_known(x):
    known = x[x != np.nan]
    if known.size == 0:
        raise ValueError("nothing known")
    return known.mean()


# %% mistake="mean_of_known" name="as-zero" hint="You counted missing values as zeros. They are not there: neither the sum nor the count may include them."
def mean_of_known(x):
    if np.isnan(x).all():
        raise ValueError("nothing known")
    return np.nan_to_num(x).mean()


# %% mistake="mean_of_known" name="no-error" hint="The mean is right where there is one. If every value is missing, raise a ValueError instead of returning NaN."
def mean_of_known(x):
    return np.nanmean(x)


# %% mistake="mean_of_known" name="mask-turned-round" hint="You kept the missing values and dropped the others. `np.isnan(x)` is true where a value is missing; ~ turns it round."
def mean_of_known(x):
    known = x[np.isnan(x)]
    if known.size == 0:
        raise ValueError("nothing known")
    return known.mean()


# %% mistake="mean_of_known" name="gives-up" hint="You raise the error as soon as one value is missing. Raise it only if no value is known."
def mean_of_known(x):
    if np.isnan(x).any():
        raise ValueError("something is missing")
    return x.mean()


# %% mistake="mean_of_known" name="wrong-error" hint="With nothing to count you divide by zero. Look at the count before you divide, and raise a ValueError yourself."
def mean_of_known(x):
    known = [float(value) for value in x if not np.isnan(value)]
    return sum(known) / len(known)


# %% variant="mean_of_known"
def mean_of_known(x):
    values = [float(value) for value in x if not np.isnan(value)]
    if not values:
        raise ValueError("nothing known")
    return sum(values) / len(values)


# %% [markdown]
# ## A result on real data
#
# scikit-learn's table of 178 Italian wines has 13 measurements a wine. Your `centre` brings every column's mean to
# zero. Not quite to zero: a computer keeps about 16 digits of a number and rounds the rest away. The number to beat: the
# largest mean left over, whatever its sign, must be below $10^{-10}$.

# %%
from sklearn.datasets import load_wine

wines = load_wine().data  # (178, 13)
try:
    left_over = np.abs(centre(wines).mean(axis=0)).max()
    print(f"{wines.shape[0]} wines, {wines.shape[1]} measurements")
    print(f"largest mean left over: {left_over:.1e}, to beat: 1e-10")
except (NotImplementedError, NameError):
    print("Write `centre` first, and run its cell.")

# %% [markdown]
# ## In your own words
#
# A person reads these answers, not a check. Double-click YOUR ANSWER HERE, write two or three sentences in its place, and
# leave the cell with Shift + Enter.
#
# **Question 1 (1 point).** `column_means(X)` of a table with the shape (100, 7) has the shape (7,). Why is that axis 0 and not axis 1?

# %% [markdown] question="why-axis" points=1
# Axis 0 is the one that runs over the rows. Averaging along it uses it up: of (100, 7) the 100 goes and (7,) stays.

# %% [markdown]
# **Question 2 (1 point).** A classmate's function returns the right values but changes its argument. Why is that a fault?

# %% [markdown] question="why-copy" points=1
# The caller still holds the same array, and goes on with values that it never asked to be changed. The error shows
# up elsewhere, later, and depends on the order in which cells were run.

# %% [markdown]
# ## Before you hand in
#
# Restart the kernel and run all cells (*Kernel*, *Restart Kernel and Run All Cells*). What you then see is what counts.
# Save (Ctrl + S).
#
# ## What you can do now
#
# - Run a check, read what went in, what came out and what was expected, and know what to try when a hint does not help.
# - Say the shape of an array, and choose the axis to reduce.
# - Write a function that leaves its arguments alone.
# - Deal with missing values on purpose.
#
# Next, in unit 01, you rescue a ruined table, and catch a score that lies.
#
# ## Further reading
#
# - Charles R. Harris and others, *Array programming with NumPy*, Nature 585, 2020.
# - Jake VanderPlas, *Python Data Science Handbook*, O'Reilly, second edition 2022.
# - David Goldberg, *What Every Computer Scientist Should Know About Floating-Point Arithmetic*, ACM Computing
#   Surveys 23, 1991.
