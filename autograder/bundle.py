"""All that is needed to examine submissions of one unit, as one value that can be sent."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
import tempfile
import types
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from gradus.check import load_reference
from gradus.check.hints import Bank

from .source import Unit, find_unit, load_unit
from .trial import exercise_names, parameters, reference_code


@dataclass
class Bundle:
    """A unit, its hand-out and its bank of known mistakes, hidden tests included: never for a student's process."""

    unit: Unit
    release: NotebookNode
    bank: Bank = field(repr=False)

    @classmethod
    def load(cls, unit: str | Path) -> Bundle:
        """The bundle of a unit, by name or by its source's path.

        Raises:
            SourceError: the source cannot be built.
        """
        from .bank import full_bank
        from .release import handout  # nbgrader, which an examiner does without

        found = find_unit(unit)
        return cls(found, nbformat.reads(handout(found), as_version=4), full_bank(found))

    def to_bytes(self) -> bytes:
        """The bundle for another process or machine."""
        known = {name: [asdict(mistake) for mistake in bank] for name, bank in self.bank.exercises.items()}
        data = {
            "name": self.unit.name,
            "source": Path(self.unit.path).read_text(encoding="utf-8"),
            "release": nbformat.writes(self.release, version=4),
            "bank": {"exercises": known},
        }
        return json.dumps(data, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Bundle:
        parts = json.loads(data)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{parts['name']}.py"
            path.write_text(parts["source"], encoding="utf-8")
            unit = load_unit(path)
        return cls(unit, nbformat.reads(parts["release"], as_version=4), Bank.from_dict(parts["bank"]))

    @cached_property
    def key(self) -> str:
        """What marks depend on besides the submission: another key, other marks."""
        return hashlib.sha256(self.to_bytes()).hexdigest()[:16]

    @cached_property
    def space(self) -> dict[str, Any]:
        """The examiner's names: the setup cells run, and the reference. Made once, copied for each check."""
        module = types.ModuleType("examiner")
        sys.modules[module.__name__] = module
        for cell in self.unit.setups:
            exec(compile(cell.source, f"<setup {cell.line}>", "exec"), module.__dict__)
        module.__dict__["reference"] = load_reference(reference_code(self.unit))
        return module.__dict__

    @cached_property
    def defines(self) -> dict[str, str]:
        """Name -> kind, of all that the unit's exercises define."""
        return {name: kind for e in self.unit.exercises.values() for name, kind in e.defines.items()}

    @cached_property
    def contributions(self) -> dict[str, list[str]]:
        """Exercise -> what it defines: names, and "Class.method" for a method added to a class."""
        return {name: e.contributes for name, e in self.unit.exercises.items()}

    @cached_property
    def parameters(self) -> dict[str, list[str]]:
        """Function or method -> its arguments' names, of all that the unit's exercises define."""
        return {name: names for e in self.unit.exercises.values() for name, names in parameters(e).items()}

    @cached_property
    def names(self) -> dict[str, list[str]]:
        """Exercise -> the names of exercises that its check reads."""
        return {name: exercise_names(self.unit, e) for name, e in self.unit.exercises.items()}

    @property
    def imports(self) -> list[str]:
        """The modules that the unit's notebook imports: those that a warm parent should have."""
        found: dict[str, None] = {}
        for cell in self.unit.setups:
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Import):
                    found.update(dict.fromkeys(alias.name for alias in node.names))
                elif isinstance(node, ast.ImportFrom) and node.module:
                    found[node.module] = None
                elif isinstance(node, ast.Call) and ast.unparse(node.func) == "gradus.carried":
                    found["torch"] = None  # graded work runs on stand-ins for earlier units, and those on torch
        if any(name.split(".")[0] == "torch" for name in found):
            # the first optimiser imports the compiler, a second of work
            found.update(
                dict.fromkeys(["torch", "torch.nn.functional", "torch.optim", "torch.utils.data", "torch._dynamo"])
            )
        return list(found)
