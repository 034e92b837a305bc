"""Is this a chain of the twenty amino acids, and of a length one would call a protein? Its numbers come along."""

from __future__ import annotations

from tools.errors import InputError
from tools.molecule.verdict import decided
from tools.protein.sequence_numbers import charge_of, hydropathy_of, mass_of, need_residues
from tools.types import CheckResult


def check_residues(sequence: str, minimum_length: int = 10, ph: float = 7.4) -> CheckResult:
    """Pass for at least `minimum_length` residues, all of the twenty. `details`: mass (Da), charge at `ph`,
    hydropathy."""
    threshold = f">= {minimum_length} residues, all of the twenty"
    try:
        chain = need_residues(sequence)
    except InputError as fault:
        return decided("residues", False, threshold=threshold, reason=str(fault))
    return decided(
        "residues",
        len(chain) >= minimum_length,
        value=float(len(chain)),
        unit="residues",
        threshold=threshold,
        reason=f"{len(chain)} residues are a peptide",
        details={
            "mass_da": round(mass_of(chain), 1),
            "charge_e": round(charge_of(chain, ph), 2),
            "hydropathy": round(hydropathy_of(chain), 3),
            "cysteines": chain.count("C"),
        },
    )
