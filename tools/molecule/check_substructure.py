"""Is a part that has to stay still there? A SMARTS pattern, matched by RDKit."""

from __future__ import annotations

from rdkit import Chem, rdBase

from tools.errors import InputError
from tools.molecule.verdict import decided, molecule_check
from tools.types import CheckResult


@molecule_check("substructure")
def check_substructure(mol: Chem.Mol, smarts: str, minimum: int = 1) -> CheckResult:
    """Pass where the pattern matches at least `minimum` times."""
    found = len(mol.GetSubstructMatches(parse_smarts(smarts)))
    return decided(
        "substructure",
        found >= minimum,
        value=float(found),
        unit="matches",
        threshold=f">= {minimum} of {smarts}",
        reason=f"{smarts} matches {found} times",
    )


def parse_smarts(smarts: str) -> Chem.Mol:
    """The pattern; InputError where it is none."""
    with rdBase.BlockLogs():
        pattern = Chem.MolFromSmarts(smarts.strip()) if smarts.strip() else None
    if pattern is None or pattern.GetNumAtoms() == 0:
        raise InputError(f"{smarts!r} is not a SMARTS pattern that RDKit can read; for example c1ccncc1")
    return pattern
