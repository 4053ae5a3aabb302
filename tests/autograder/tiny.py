"""A unit small enough to be broken on purpose, and a class that is graded in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from autograder.bundle import Bundle
from autograder.classroom import File, Graded, Summary, grade_class
from autograder.gradebook import Course
from autograder.workplace import Workplace

SOURCE = '''# %% [markdown]
# # Tiny
#
# Words.

# %% setup
import numpy as np

import gradus
from gradus.check import assert_close, check, inside, rng

gradus.unit("99_tiny")

# %%
print("a demo")

# %% exercise="softmax" minutes=10 difficulty=2
def softmax(z):
    """Rows to probabilities."""
    ### BEGIN SOLUTION
    shifted = np.exp(z - z.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)
    ### END SOLUTION

# %% check="softmax" points=4
def test_rows():
    "each row sums to one"
    assert_close(softmax(np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])).sum(axis=1), [1.0, 1.0])

def test_large():
    "scores of 1000 do not overflow"
    assert_close(softmax(np.array([[1000.0, 1000.0]])), [[0.5, 0.5]])

def test_known():
    "a quarter and three quarters"
    assert_close(softmax(np.array([[0.0, np.log(3.0)]])), [[0.25, 0.75]])

### BEGIN HIDDEN TESTS
def test_random():
    "random scores"
    z = rng.normal(size=(7, 5))
    assert_close(softmax(z), reference.softmax(z))
### END HIDDEN TESTS

check("softmax", points=4)

# %% mistake="softmax" name="whole" hint="You divided by the sum of the whole array."
def softmax(z):
    scores = np.exp(z - z.max(axis=-1, keepdims=True))
    return scores / scores.sum()

# %% mistake="softmax" name="overflow" hint="Subtract the maximum."
def softmax(z):
    scores = np.exp(z)
    return scores / scores.sum(axis=-1, keepdims=True)

# %% mistake="softmax" name="columns" hint="You summed over columns."
def softmax(z):
    scores = np.exp(z - z.max(axis=0))
    return scores / scores.sum(axis=0)

# %% mistake="softmax" name="no-exp" hint="The exponential is missing."
def softmax(z):
    scores = z - z.min(axis=-1, keepdims=True) + 1
    return scores / scores.sum(axis=-1, keepdims=True)

# %% variant="softmax"
def softmax(z):
    return np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))

# %% exercise="Scaler" minutes=5 difficulty=1
class Scaler:
    """Shifts columns to mean zero."""

    def fit(self, X):
        ### BEGIN SOLUTION
        self.mean_ = X.mean(axis=0)
        return self
        ### END SOLUTION

    def transform(self, X):
        ### BEGIN SOLUTION
        return X - self.mean_
        ### END SOLUTION

# %% check="Scaler" points=2
X = np.array([[1.0, 10.0], [3.0, 30.0]])

@inside
def learnt(X):
    return Scaler().fit(X).mean_

def test_mean():
    "the mean is learnt"
    assert_close(learnt(X), [2.0, 20.0])

def test_transform():
    "the columns are shifted"
    assert_close(Scaler().fit(X).transform(X), [[-1.0, -10.0], [1.0, 10.0]])

check("Scaler", points=2)

# %% mistake="Scaler" name="rows" hint="You took the mean of the rows."
class Scaler:
    def fit(self, X):
        self.mean_ = X.mean(axis=1)
        return self

    def transform(self, X):
        return X - self.mean_

# %% mistake="Scaler" name="all" hint="You took one mean of everything."
class Scaler:
    def fit(self, X):
        self.mean_ = np.full(X.shape[1], X.mean())
        return self

    def transform(self, X):
        return X - self.mean_

# %% mistake="Scaler" name="plus" hint="You added the mean."
class Scaler:
    def fit(self, X):
        self.mean_ = X.mean(axis=0)
        return self

    def transform(self, X):
        return X + self.mean_

# %% mistake="Scaler" name="in-place" hint="You changed the data you were given."
class Scaler:
    def fit(self, X):
        self.mean_ = X.mean(axis=0)
        return self

    def transform(self, X):
        X -= self.mean_
        return X

# %% variant="Scaler"
class Scaler:
    def fit(self, X):
        self.mean_ = np.array([column.sum() / len(column) for column in X.T])
        return self

    def transform(self, X):
        return np.subtract(X, self.mean_[None])

# %% [markdown] question="why" points=2
# Because of the model answer.
'''


def write(folder: Path, source: str = SOURCE, name: str = "99_tiny") -> Path:
    """Write the unit into folder/solutions, as a project has it; return its path."""
    path = Path(folder) / "solutions" / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    return path


def graded(
    bundle: Bundle,
    found: Mapping[str, Path],
    course: Course,
    finished: Callable[[Graded], None] = lambda graded: None,
) -> Summary:
    """Grade the notebooks in `found` as the command does: in a sandbox, into `course`."""
    with Workplace(bundle.to_bytes()) as place:
        sources = {student: File(path) for student, path in found.items()}
        return grade_class(bundle, sources, course, place, finished=finished)
