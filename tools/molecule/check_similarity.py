"""How like a reference molecule, by shared circular substructures: what a molecule kept of its parent."""

from __future__ import annotations

from rdkit import Chem

from tools.molecule.parse import canonical_smiles, parse_smiles
from tools.molecule.similarity import similarity
from tools.molecule.verdict import decided, molecule_check
from tools.types import CheckResult


@molecule_check("similarity")
def check_similarity(mol: Chem.Mol, reference: str, minimum: float = 0.0) -> CheckResult:
    """Pass where the Tanimoto similarity (Morgan, radius 2, 2048 bits; Rogers 2010, doi 10.1021/ci100050t) to the
    SMILES `reference` is at least `minimum`, 0..1."""
    value = similarity(canonical_smiles(mol), canonical_smiles(parse_smiles(reference)))
    return decided(
        "similarity",
        value >= minimum,
        value=value,
        unit="Tanimoto",
        threshold=f">={minimum:g}",
        reason=f"similarity {value:.2f} to the reference is too low",
    )
