"""Does a loop read like the loop it is meant to be, or like another of the six?

Naive Bayes over the first and last three residues. The counts (`loop_kinds.csv`) are of the distinct loops of CoV-AbDab
(Raybould et al. 2021, doi:10.1093/bioinformatics/btaa739, CC BY 4.0), add-one smoothed. With counts of one half, at a
margin of 2, 1 to 5 % of the other half's loops fail, and 94 to 99 % of loops of another kind do; of loops of SAbDab's
heavy chains that are not in CoV-AbDab 3 to 7 % fail. Not promised: that a loop of the right kind folds or binds.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files
from math import log

from tools.antibody.variable_domain import LOOPS, need_loop
from tools.molecule.verdict import decided
from tools.protein.mutations import AMINO_ACIDS
from tools.protein.sequence_numbers import need_residues
from tools.types import CheckResult

MARGIN = 2.0
_SMOOTHING = 1


def check_loop_kind(loop: str, residues: str, margin: float = MARGIN) -> CheckResult:
    """Fail where another loop explains the ends better by more than `margin` (natural log). `value` is how much better
    (above 0) or worse `loop` explains them than the best other one."""
    name, sequence = need_loop(loop), need_residues(residues, "residues")
    scores = {kind: _log_prob(sequence, kind) for kind in LOOPS}
    rival = max((kind for kind in LOOPS if kind != name), key=lambda kind: scores[kind])
    ahead = scores[name] - scores[rival]
    return decided(
        "loop_kind",
        ahead >= -margin,
        value=round(ahead, 3),
        unit="ln odds",
        threshold=f">= {-margin:g} against every other loop",
        reason=f"{sequence} reads like an {rival}, not an {name}",
        details={"log_prob": {kind: round(score, 3) for kind, score in scores.items()}},
    )


def _log_prob(sequence: str, kind: str) -> float:
    """Of the residues at the places that the sequence has."""
    total = 0.0
    for place, counts in _counts()[kind].items():
        at = place - 1 if place > 0 else place
        if -len(sequence) <= at < len(sequence):
            n = sum(counts.values()) + _SMOOTHING * len(AMINO_ACIDS)
            total += log((counts[sequence[at]] + _SMOOTHING) / n)
    return total


@lru_cache(maxsize=1)
def _counts() -> dict[str, dict[int, dict[str, int]]]:
    """Loop -> place (1, 2, 3 from the start, -1, -2, -3 from the end) -> residue -> count."""
    text = files("tools.antibody").joinpath("loop_kinds.csv").read_text(encoding="utf-8")
    found: dict[str, dict[int, dict[str, int]]] = {kind: {} for kind in LOOPS}
    for row in csv.DictReader(text.splitlines()):
        found[row["loop"]][int(row["place"])] = {letter: int(row[letter]) for letter in AMINO_ACIDS}
    return found
