"""Does a 3D conformer exist? What cannot be embedded cannot be docked. Strain is judged after docking, not
here."""

from __future__ import annotations

from rdkit import Chem

from tools.molecule.conformers import EmbeddingError, embed
from tools.molecule.verdict import decided, molecule_check
from tools.types import CheckResult


@molecule_check("conformer")
def check_conformer(mol: Chem.Mol, seed: int = 7, max_attempts: int = 30) -> CheckResult:
    """Pass where ETKDGv3 (doi 10.1021/acs.jcim.0c00025) finds a conformer within `max_attempts` tries from
    distances or as many from random coordinates (measured: 1 suffices for nearly every drug, so 30 is
    generous)."""
    try:
        model = embed(mol, 1, seed, max_attempts=max_attempts, max_minimise_steps=0)
    except EmbeddingError as error:
        return decided("conformer", False, value=0.0, unit="conformers", threshold=">= 1", reason=str(error))
    return decided("conformer", True, value=float(model.GetNumConformers()), unit="conformers", threshold=">= 1")
