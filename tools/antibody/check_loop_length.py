"""Is a loop as long as such loops are?

The bands hold 99 % of the loops of 2,843 heavy and 2,399 light chains of CoV-AbDab (Raybould et al. 2021,
doi:10.1093/bioinformatics/btaa739), IMGT definition (Lefranc et al. 2003, doi:10.1016/S0145-305X(02)00039-3).
"""

from __future__ import annotations

from tools.antibody.variable_domain import need_loop
from tools.molecule.verdict import decided
from tools.protein.sequence_numbers import need_residues
from tools.types import CheckResult

USUAL_LENGTHS = {"H1": (6, 10), "H2": (6, 10), "H3": (6, 26), "L1": (5, 12), "L2": (3, 7), "L3": (7, 13)}


def check_loop_length(loop: str, residues: str, minimum: int | None = None, maximum: int | None = None) -> CheckResult:
    """Pass where minimum <= residues <= maximum; without them the band of `loop` (H1 .. L3)."""
    name, sequence = need_loop(loop), need_residues(residues, "residues")
    usual = USUAL_LENGTHS[name]
    low = usual[0] if minimum is None else minimum
    high = usual[1] if maximum is None else maximum
    wrong = "short" if len(sequence) < low else "long"
    return decided(
        "loop_length",
        low <= len(sequence) <= high,
        value=float(len(sequence)),
        unit="residues",
        threshold=f"{low}..{high}",
        reason=f"{name} is too {wrong}: {len(sequence)}, usual are {low} to {high} residues",
    )
