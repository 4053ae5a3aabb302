"""Two answers beside each other: their functions matched, their lines aligned, what they share marked.

RapidFuzz aligns: lines are compared as forms (see `fragments`), so that another name or another layout is no difference.
"""

from __future__ import annotations

import io
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from .fragments import Chunk

RARE = 0.2  # weight from which a shared fragment is shown as rare


@dataclass(frozen=True)
class Line:
    """One line of an answer, and what is to be seen in it."""

    number: int
    text: str
    kind: str = ""  # "rare" (shared, and rare in the class), "common" (known, or written by many), "" (neither)


Row = tuple[Line | None, Line | None]


class Answer:
    """One student's answer, ready to be laid beside another."""

    def __init__(self, source: str, chunks: list[Chunk], weights: Mapping[str, float]) -> None:
        self.lines = source.split("\n")
        self.chunks, self.weights = chunks, weights
        forms: dict[int, list[str]] = {}
        for chunk in chunks:
            for form, line in zip(chunk.forms, chunk.lines, strict=True):
                forms.setdefault(line, []).append(form)
        self.forms = {line: " ".join(words) for line, words in forms.items()}

    def marked(self, shared: set[str]) -> list[Line]:
        """Its lines, marked for a pair that shares these fragments."""
        rare: set[int] = set()
        common: set[int] = set()
        own: set[int] = set()
        for chunk in self.chunks:
            for fragment, lines in chunk.fragments():
                weight = self.weights.get(fragment, 0.0)  # what is known has none
                if fragment in shared and weight >= RARE:
                    rare |= lines
                elif weight < RARE:
                    common |= lines
                else:
                    own |= lines
        found = []
        for number, text in enumerate(self.lines, 1):
            kind = "rare" if number in rare else "common" if number in common and number not in own else ""
            found.append(Line(number, text, kind))
        return found


def rows(one: Answer, other: Answer) -> list[Row]:
    """Both answers line by line; a function that the other has elsewhere stands beside it."""
    shared = {f for c in one.chunks for f, _ in c.fragments()} & {f for c in other.chunks for f, _ in c.fragments()}
    left, right = one.marked(shared), other.marked(shared)
    found: list[Row] = []
    pairs = _matched(one.chunks, other.chunks)
    for i, j in pairs:
        found += _aligned(one, other, _part(left, one.chunks, i), _part(right, other.chunks, j))
    return found


def _part(lines: list[Line], chunks: list[Chunk], number: int | None) -> list[Line]:
    return [] if number is None else lines[chunks[number].first - 1 : chunks[number].last]


def _matched(one: list[Chunk], other: list[Chunk]) -> list[tuple[int | None, int | None]]:
    """Which chunk belongs to which, the most alike first; in the order of `one`, then what is left of `other`."""
    letters = _Letters()
    left, right = ([letters.word(chunk.forms) for chunk in chunks] for chunks in (one, other))
    alike = cdist(left, right, scorer=Indel.normalized_similarity)
    partner: dict[int, int] = {}
    while alike.size and alike.max() > 0.2:
        i, j = (int(index) for index in np.unravel_index(int(alike.argmax()), alike.shape))
        partner[i] = j
        alike[i, :] = alike[:, j] = 0.0
    rest = [j for j in range(len(other)) if j not in partner.values()]
    return [(i, partner.get(i)) for i in range(len(one))] + [(None, j) for j in rest]


def _aligned(one: Answer, other: Answer, left: list[Line], right: list[Line]) -> list[Row]:
    letters = _Letters()
    words = letters.word(_keys(one, left)), letters.word(_keys(other, right))
    found: list[Row] = []
    for step in Indel.opcodes(*words):
        here, there = left[step.src_start : step.src_end], right[step.dest_start : step.dest_end]
        found += zip_longest(here, there)
    return _closed(found)


def _keys(answer: Answer, lines: list[Line]) -> list[str]:
    """What lines are compared by: their forms; without any (comments, brackets) their text."""
    return [answer.forms.get(line.number) or "# " + line.text.strip() for line in lines]


def _closed(found: list[Row]) -> list[Row]:
    """Lines that one side lacks, beside those that the other lacks, where they follow each other."""
    closed: list[Row] = []
    left: list[Line] = []
    right: list[Line] = []

    def close() -> None:
        closed.extend(zip_longest(left, right))
        left.clear()
        right.clear()

    for one, other in found:
        if one is not None and other is not None:
            close()
            closed.append((one, other))
        elif one is not None:
            left.append(one)
        elif other is not None:
            right.append(other)
    close()
    return closed


class _Letters:
    """A letter for each different word, so that a sequence of words is a string, which RapidFuzz compares fastest."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def word(self, words: list[str]) -> str:
        return "".join(self.known.setdefault(word, chr(0xF0000 + len(self.known))) for word in words)


def without_texts(source: str, handed_out: str) -> str:
    """Code without comments, and without texts that are not the hand-out's: either may hold a name."""
    lines = source.split("\n")
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        return "\n".join("(not Python: left out, it may hold a name)" if line.strip() else "" for line in lines)
    for token in reversed(tokens):
        comment = token.type == tokenize.COMMENT
        text = token.type == tokenize.STRING or tokenize.tok_name[token.type].startswith("FSTRING_MIDDLE")
        if not (comment or text) or token.string in handed_out:
            continue
        (first, start), (last, end) = token.start, token.end
        instead = "# …" if comment else "'…'"
        for number in range(first, last + 1):  # as many lines as before
            line = lines[number - 1]
            before = line[:start] if number == first else ""
            after = line[end:] if number == last else ""
            lines[number - 1] = before + (instead if number == first else "") + after
    return "\n".join(lines)
