"""A made-up class of any size, the same at every call: every known mistake of a unit, mixtures, wrong answers that no
hint knows, work that was not begun, tampering, an endless loop. For trying out what is done with a class.

Wrong answers that the bank may not know are the reference with one thing changed, as a slip would change it.
"""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Iterator

from .bundle import Bundle
from .demo import Student, loops, paper, patched
from .release import to_text
from .source import Exercise

FIRST = (
    *("Ada", "Bela", "Chidi", "Dara", "Emil", "Farah", "Goran", "Hana", "Ivo", "Jun", "Kofi", "Lena", "Mira", "Nuri"),
    *("Olga", "Priya", "Quentin", "Rosa", "Sami", "Tove"),
)
LAST = (
    *("Abara", "Berg", "Castro", "Dumas", "Eriksen", "Faro", "Gupta", "Horvat", "Ito", "Jansen", "Kaya", "Lindt"),
    *("Moreau", "Novak", "Okafor", "Petrov", "Rossi"),
)
SWAPS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Lt: ast.LtE,
    ast.GtE: ast.Gt,
    ast.Gt: ast.GtE,
}
CALLS = {"mean": "sum", "sum": "mean", "max": "min", "min": "max", "exp": "log", "log": "exp", "zeros": "ones"}


def crowd(bundle: Bundle, size: int = 200, seed: int = 0) -> list[Student]:
    """A class of `size` students. Their scores are not foreseen: `Student.score` is NaN.

    With at least as many students as the unit has mistakes, each mistake is made by somebody.
    """
    draw = random.Random(f"{bundle.unit.name}/{seed}")
    unit = bundle.unit
    slips = {name: list(_slips(exercise)) for name, exercise in unit.exercises.items()}
    must = [(name, mistake.name) for name, exercise in unit.exercises.items() for mistake in exercise.mistakes]
    draw.shuffle(must)
    special = _special(bundle)
    made = []
    for number in range(size):
        name = _name(number)
        if number < len(special) and size >= 4 * len(special):
            data, outcome = special[number]
            made.append(Student(name, data, float("nan"), outcome=outcome))
            continue
        strength = draw.betavariate(3, 1.4)  # of this student: most are good, some are lost
        answers = {}
        for exercise in unit.exercises.values():
            answers[exercise.name] = _answer(draw, exercise, strength, slips[exercise.name], name)
        if must:
            exercise_name, mistake = must.pop()
            answers[exercise_name] = _mistaken(unit.exercises[exercise_name], mistake, name)
        answers |= {str(cell.name): cell.source for cell in unit.questions if draw.random() < 0.8}
        made.append(Student(name, paper(bundle, answers), float("nan")))
    return made


def _name(number: int) -> str:
    """A name for each number, none twice."""
    again, at = divmod(number, len(FIRST) * len(LAST))
    name = f"{FIRST[at % len(FIRST)]} {LAST[(at // len(FIRST) + at) % len(LAST)]}"
    return name + (f" {again + 1}" if again else "")


def _answer(draw: random.Random, exercise: Exercise, strength: float, slips: list[str], name: str) -> str:
    """What a student of that strength writes: nothing, something right, a known mistake, or a slip of their own."""
    luck = draw.random()
    hard = float(exercise.cell.options.get("difficulty", 1)) / 10
    if luck < strength - hard + 0.15:
        return draw.choice(
            [exercise.cell.source, *(f"{exercise.cell.source}\n\n{v.source}" for v in exercise.variants)]
        )
    if draw.random() > strength + 0.35:
        return exercise.stub
    if slips and draw.random() < 0.35:
        return _signed(slips[min(int(draw.expovariate(0.7)), len(slips) - 1)], name)
    if exercise.mistakes:
        at = min(int(draw.expovariate(0.45)), len(exercise.mistakes) - 1)  # some mistakes are made by many
        return _mistaken(exercise, exercise.mistakes[at].name, name)
    return exercise.stub


def _mistaken(exercise: Exercise, mistake: str, name: str) -> str:
    code = next(m.source for m in exercise.mistakes if m.name == mistake)
    return _signed(f"{exercise.cell.source}\n\n{code}", name)


def _signed(code: str, name: str) -> str:
    """With a comment, as students write them: no report may show it."""
    return f"# {name}: my own try, I asked nobody\n{code}"


def _slips(exercise: Exercise, most: int = 12) -> Iterator[str]:
    """The reference with one thing changed, each another."""
    tree = ast.parse(exercise.cell.source)
    found = 0
    for at, node in enumerate(ast.walk(tree)):
        for change in _changes(node):
            other = copy.deepcopy(tree)
            target = list(ast.walk(other))[at]
            setattr(target, change[0], change[1])
            yield ast.unparse(ast.fix_missing_locations(other))
            found += 1
            if found >= most:
                return


def _changes(node: ast.AST) -> Iterator[tuple[str, object]]:
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
        yield "op", SWAPS[type(node.op)]()
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        yield "ops", [SWAPS[type(node.ops[0])]()]
    elif isinstance(node, ast.Attribute) and node.attr in CALLS:
        yield "attr", CALLS[node.attr]
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield "value", node.value + 1  # type: ignore[operator]


def _special(bundle: Bundle) -> list[tuple[bytes, str]]:
    """What every large class has too, with its outcome."""
    unit = bundle.unit
    right = {name: exercise.cell.source for name, exercise in unit.exercises.items()}
    last = list(unit.exercises.values())[-1]
    stub = to_text(bundle.release).encode()
    patch = "import numpy as np\nnp.allclose = np.isclose = lambda *a, **k: True\n"
    return [
        (stub, "graded"),
        (stub, "graded"),
        (paper(bundle, right), "graded"),
        (stub[: len(stub) // 2], "unreadable"),
        (b"%PDF-1.7 no notebook at all", "unreadable"),
        (patched(bundle), "graded"),
        (paper(bundle, right | {last.name: patch + last.cell.source}), "graded"),
        (paper(bundle, right | {last.name: "import os\nos._exit(1)"}), "died"),
        (paper(bundle, right | {last.name: loops(last)}), "timeout"),
        (paper(bundle, right | {last.name: f"{last.cell.source}\n}}"}), "graded"),  # does not even parse
    ]
