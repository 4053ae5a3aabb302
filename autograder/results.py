"""The result of grading one submission, as data."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import nbformat
from nbformat import NotebookNode


@dataclass
class ExamResult:
    """Outcome, a report for every exercise, and the notebook with the verdicts in it.

    `outcome` is "graded", "timeout", "memory", "died", "unreadable" or "unrecorded" (the gradebook refused it).
    Points earned before a death are kept. `seed` is that of the student's random streams.
    """

    outcome: str
    reports: dict[str, dict[str, Any]]
    outputs: dict[str, list[dict[str, Any]]] = field(repr=False)
    notebook: NotebookNode = field(repr=False)
    notes: list[str] = field(default_factory=list)
    seed: int = 0
    evidence: list[str] = field(default_factory=list)  # of tampering: undone, and for the instructor to look at
    processor: float = 0.0  # seconds that the student's cells took, checks included; 0 where that is not known

    @property
    def score(self) -> float:
        return round(sum(report["score"] for report in self.reports.values()), 2)

    @property
    def points(self) -> float:
        return sum(report["points"] for report in self.reports.values())

    @property
    def mistakes(self) -> dict[str, str]:
        """Exercise -> name of the known mistake recognised in it."""
        return {name: r["mistake"] for name, r in self.reports.items() if r.get("mistake")}

    def slim(self) -> ExamResult:
        """The same without notebook and outputs, which are most of its size."""
        return replace(self, outputs={}, notebook=nbformat.v4.new_notebook())

    def to_bytes(self) -> bytes:
        data = {
            "outcome": self.outcome,
            "reports": self.reports,
            "outputs": self.outputs,
            "notebook": self.notebook,
            "notes": self.notes,
            "seed": self.seed,
            "evidence": self.evidence,
            "processor": self.processor,
        }
        return json.dumps(data).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> ExamResult:
        fields = json.loads(data)
        fields["notebook"] = nbformat.from_dict(fields["notebook"])
        return cls(**fields)
