"""All descriptors of one molecule in one call, so that every number shown traces to it. A record, not a judgement."""

from __future__ import annotations

from rdkit import Chem

from tools.molecule.descriptors import SCORES
from tools.types import CheckResult, Verdict


def check_descriptors(mol: Chem.Mol) -> CheckResult:
    """Pass for every molecule that can be described. `details` maps each descriptor to its value (None: not defined
    for this molecule), unit and goal, in three mappings of those names."""
    scores = {name: score(mol) for name, score in SCORES.items()}
    details = {
        "values": {name: score.value for name, score in scores.items()},
        "units": {name: score.unit for name, score in scores.items()},
        "goals": {name: score.goal for name, score in scores.items()},
    }
    return CheckResult("descriptors", Verdict.PASS, details=details)
