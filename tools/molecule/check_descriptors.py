"""All descriptors of one molecule in one call, so that every number shown traces to it. A record, not a
judgement."""

from __future__ import annotations

from rdkit import Chem

from tools.molecule.descriptors import SCORES
from tools.types import CheckResult, Verdict


def check_descriptors(mol: Chem.Mol) -> CheckResult:
    """Pass for every molecule that can be described; `details` maps descriptor to value (None: not defined)."""
    values = {name: score(mol).value for name, score in SCORES.items()}
    return CheckResult("descriptors", Verdict.PASS, details=values)
