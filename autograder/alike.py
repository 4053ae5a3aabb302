"""Which submissions are alike, where likeness is rare: every pair of a class, weighed by what the class writes.

A fragment that the hand-out, the reference, a variant or a known mistake holds is no evidence, nor is one that half the
class writes; one that two students alone share weighs most. What is counted is how many rare fragments a pair shares,
and how much that is of the rare fragments of the one who has fewer (so that code added to a copy does not hide it). A
short function has few fragments, so it cannot say much.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer

from .fragments import Chunk, Names, chunks, fragments
from .source import Unit

ADDED = "added cells"  # what students put beside the exercises
FEW = 8  # in a smaller class nothing is common
ENOUGH = 50.0  # evidence at which a likeness has 63 of 100; by chance the most alike pair of a class has some 30
LEAST = 0.2  # below this weight a fragment counts as common


@dataclass(frozen=True)
class Likeness:
    """How alike two answers to one exercise are."""

    exercise: str
    share: float  # of the rare fragments of the one who has fewer; 0 to 1
    shared: float  # rare fragments in common, each by its weight; 1 is one that only these two have
    as_alike: int  # pairs of the class, this one included, that are as alike in this exercise
    pairs: int  # of all who answered it

    @property
    def evidence(self) -> float:
        """Rare fragments in common, less where they are a small part of the work."""
        return self.share * self.shared

    @property
    def surprise(self) -> float:
        """In bits: how seldom a pair of this class is as alike in this exercise."""
        return math.log2(self.pairs / self.as_alike)


@dataclass(frozen=True)
class Pair:
    """Two students."""

    one: str
    other: str
    parts: tuple[Likeness, ...]  # strongest first
    pairs: int  # in the class: among many, some are alike by chance

    @property
    def evidence(self) -> float:
        """Rare fragments in common, and bits of surprise beyond those that the most alike of a class have by chance.

        The second counts what is likely in each exercise and unlikely in all of them.
        """
        bits = sum(part.surprise for part in self.parts) - math.log2(self.pairs)
        return sum(part.evidence for part in self.parts) + max(0.0, bits)

    @property
    def strength(self) -> float:
        """From 0 to 100, and never 100."""
        return 100.0 * -math.expm1(-self.evidence / ENOUGH)


@dataclass
class Answers:
    """One exercise's answers: of each student who wrote one, the chunks."""

    chunks: dict[str, list[Chunk]] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)  # fragment -> how rare it is in this class; 0 to 1


def known_fragments(unit: Unit, names: Names) -> set[str]:
    """What is no student's own: reference, variants and mistakes, the cells of the hand-out."""
    sources = [cell.source for cell in unit.cells if cell.kind in ("setup", "demo", "check")]
    for exercise in unit.exercises.values():
        sources += [exercise.stub, exercise.cell.source]
        sources += [variant.source for variant in exercise.variants] + [mistake.source for mistake in exercise.mistakes]
    return {fragment for source in sources for fragment in fragments(chunks(source, names))}


def rarity(count: int, size: int) -> float:
    """The weight of a fragment that `count` of `size` students wrote: 1 for two or fewer, 0 for half of them or more.

    The square makes a form that a quarter of a class shares weigh next to nothing: its fragments come together.
    """
    if size < FEW:
        return 1.0
    bits = math.log2(size / max(count, 2)) - 1.0
    return max(0.0, bits / (math.log2(size / 2) - 1.0)) ** 2


def weigh(answers: Mapping[str, list[Chunk]], known: set[str]) -> tuple[Answers, list[str], csr_matrix]:
    """One exercise: what each fragment weighs, who has any, and a row of 0 and 1 for each of them, (students, fragments)."""
    own = {student: fragments(parts) - known for student, parts in answers.items()}
    own = {student: found for student, found in own.items() if found}
    result = Answers(dict(answers))
    if not own:
        return result, [], csr_matrix((0, 0))
    counter = CountVectorizer(analyzer=sorted, binary=True, dtype=np.float64)
    rows = counter.fit_transform(list(own.values()))
    often = np.asarray(rows.sum(axis=0)).ravel()
    weight = [rarity(int(count), len(answers)) for count in often]
    result.weights = dict(zip(counter.get_feature_names_out(), weight, strict=True))
    return result, list(own), rows


def likenesses(
    exercise: str, answers: Answers, students: list[str], rows: csr_matrix
) -> dict[tuple[str, str], Likeness]:
    """Every pair that shares a fragment that is not common."""
    if len(students) < 2:
        return {}
    weight = np.array(list(answers.weights.values()))
    shared = (rows.multiply(weight) @ rows.T).tocoo()  # (students, students)
    own = rows @ weight
    least = np.minimum(own[shared.row], own[shared.col])
    upper = (shared.row < shared.col) & (shared.data > 0.5) & (least > 0)
    one, other, common, least = shared.row[upper], shared.col[upper], shared.data[upper], least[upper]
    share = np.minimum(common / least, 1.0)
    evidence = share * common
    order = np.sort(evidence)
    as_alike = len(order) - np.searchsorted(order, evidence * (1 - 1e-9))
    pairs = len(answers.chunks) * (len(answers.chunks) - 1) // 2
    return {
        (students[i], students[j]): Likeness(exercise, float(s), float(c), int(n), pairs)
        for i, j, s, c, n in zip(one, other, share, common, as_alike, strict=True)
    }


def compare(
    sources: Mapping[str, Mapping[str, str]], unit: Unit, threshold: float
) -> tuple[list[Pair], dict[str, Answers]]:
    """The pairs at or above `threshold`, strongest first, and each exercise's answers.

    Args:
        sources: student -> exercise (or `ADDED`) -> code.
    """
    handed_out = [cell.source for cell in unit.cells if cell.kind in ("setup", "demo", "check")]
    names = Names.of(handed_out + [exercise.stub for exercise in unit.exercises.values()])
    known = known_fragments(unit, names)
    parts: dict[tuple[str, str], list[Likeness]] = {}
    found = {}
    for exercise in (*unit.exercises, ADDED):
        written = {s: chunks(own[exercise], names) for s, own in sources.items() if own.get(exercise, "").strip()}
        found[exercise], students, rows = weigh(written, known)
        for pair, likeness in likenesses(exercise, found[exercise], students, rows).items():
            parts.setdefault(pair, []).append(likeness)
    count = max(1, len(sources) * (len(sources) - 1) // 2)
    pairs = [
        Pair(one, other, tuple(sorted(likeness, key=lambda part: -part.evidence)), count)
        for (one, other), likeness in parts.items()
    ]
    pairs = [pair for pair in pairs if pair.strength >= threshold]
    return sorted(pairs, key=lambda pair: (-pair.strength, pair.one, pair.other)), found


def groups(pairs: list[Pair]) -> dict[str, int]:
    """Student -> number of the group of those who are linked by pairs; only groups of three and more."""
    above: dict[str, str] = {}

    def top(student: str) -> str:
        while above.setdefault(student, student) != student:
            student = above[student]
        return student

    for pair in pairs:
        above[top(pair.other)] = top(pair.one)
    members: dict[str, list[str]] = {}
    for student in list(above):
        members.setdefault(top(student), []).append(student)
    large = sorted(
        (sorted(group) for group in members.values() if len(group) > 2), key=lambda group: (-len(group), group)
    )
    return {student: number for number, group in enumerate(large, 1) for student in group}
