"""48 drugs that any filter must answer to: what would these constraints have thrown away?

The table (name, PDB chemical component code, SMILES of the neutral parent) restates facts of the wwPDB
Chemical Component Dictionary (CC0). A few rows are the form that binds rather than the one sold (oseltamivir
carboxylate, simvastatin acid, 4-hydroxytamoxifen) or a classic ligand (genistein). It is a yardstick, not a
training set.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from tools.molecule.constraints import HardCheck
from tools.types import Verdict


@dataclass(frozen=True, slots=True)
class Drug:
    """`component_id` is the code of the ligand in the Protein Data Bank."""

    name: str
    component_id: str
    smiles: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """A drug that fails, with every check that says so and its reason."""

    drug: Drug
    reasons: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FilterLoss:
    """Control (c) of protocols.md 2b. `by_check` counts drugs per check, so it can add up to more than
    `n_rejected`."""

    n_drugs: int
    n_rejected: int
    by_check: dict[str, int]
    rejections: tuple[Rejection, ...]
    undecided: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "n_drugs": self.n_drugs,
            "n_rejected": self.n_rejected,
            "by_check": dict(self.by_check),
            "rejected": [
                {"name": r.drug.name, "component_id": r.drug.component_id, "reasons": dict(r.reasons)}
                for r in self.rejections
            ],
            "undecided": [{"name": name, "check": check} for name, check in self.undecided],
        }


@lru_cache(maxsize=1)
def load_approved_drugs() -> tuple[Drug, ...]:
    """The 48 rows in file order."""
    text = files("tools.molecule").joinpath("approved_drugs.csv").read_text(encoding="utf-8")
    return tuple(Drug(row["name"], row["component_id"], row["smiles"]) for row in csv.DictReader(text.splitlines()))


def filter_loss(checks: Sequence[HardCheck], drugs: Sequence[Drug] | None = None) -> FilterLoss:
    """How many of the drugs these checks would reject, which and why.

    A drug is rejected when at least one check fails; unknown rejects nothing and is listed apart. Example:
    QED >= 0.5 alone loses 20 of the 48, no Brenk alert alone 16 (protocols.md 2b).
    """
    panel = load_approved_drugs() if drugs is None else tuple(drugs)
    rejections: list[Rejection] = []
    undecided: list[tuple[str, str]] = []
    for drug in panel:
        results = [(check.name, check(drug.smiles)) for check in checks]
        reasons = tuple((name, r.reason) for name, r in results if r.verdict is Verdict.FAIL)
        undecided.extend((drug.name, name) for name, r in results if r.verdict is Verdict.UNKNOWN)
        if reasons:
            rejections.append(Rejection(drug, reasons))
    counts = Counter(name for rejection in rejections for name, _ in rejection.reasons)
    by_check = {check.name: counts.get(check.name, 0) for check in checks}
    return FilterLoss(len(panel), len(rejections), by_check, tuple(rejections), tuple(undecided))
