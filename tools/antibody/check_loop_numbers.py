"""A designed loop in numbers beside the one it replaces: charge, hydropathy, identity. A record, no judgement."""

from __future__ import annotations

from tools.evaluation.loop_recovery import loop_identity, recovery
from tools.protein.sequence_numbers import charge_of, hydropathy_of, need_residues
from tools.types import CheckResult, Verdict


def check_loop_numbers(residues: str, original: str, ph: float = 7.4) -> CheckResult:
    """Pass for every pair of loops. `details`: charge at `ph` without termini (e), Kyte-Doolittle mean, identity (1 -
    edit distance / longer length) and recovery (equal residues at equal positions), each 0..1."""
    loop, before = need_residues(residues, "residues"), need_residues(original, "original")
    details = {
        "length": len(loop),
        "charge_e": round(charge_of(loop, ph, termini=False), 2),
        "original_charge_e": round(charge_of(before, ph, termini=False), 2),
        "hydropathy": round(hydropathy_of(loop), 3),
        "original_hydropathy": round(hydropathy_of(before), 3),
        "identity": round(loop_identity(loop, before), 3),
        "recovery": round(recovery(loop, before), 3),
    }
    return CheckResult("loop_numbers", Verdict.PASS, value=details["identity"], unit="identity", details=details)
