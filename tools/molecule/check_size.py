"""Is the molecule inside the heavy-atom band? Docking scores grow with size, so ranking happens within a
band."""

from __future__ import annotations

from rdkit import Chem

from tools.errors import InputError
from tools.molecule.verdict import decided, molecule_check
from tools.types import CheckResult

MIN_HEAVY_ATOMS = 20
MAX_HEAVY_ATOMS = 35


@molecule_check("size")
def check_size(mol: Chem.Mol, minimum: int = MIN_HEAVY_ATOMS, maximum: int = MAX_HEAVY_ATOMS) -> CheckResult:
    """Pass where minimum <= heavy atoms <= maximum. The default band 20..35 is protocols.md 2b."""
    if not 0 <= minimum <= maximum:
        raise InputError(f"heavy-atom band {minimum}..{maximum} is empty; expected 0 <= minimum <= maximum")
    n_heavy = int(mol.GetNumHeavyAtoms())
    side = "small" if n_heavy < minimum else "large"
    return decided(
        "size",
        minimum <= n_heavy <= maximum,
        value=float(n_heavy),
        unit="heavy atoms",
        threshold=f"{minimum}..{maximum}",
        reason=f"too {side}: {n_heavy} heavy atoms",
    )
