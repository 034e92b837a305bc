"""Is the text one molecule at all? The first and cheapest question of the funnel."""

from __future__ import annotations

from rdkit import Chem

from tools.errors import InputError
from tools.molecule.parse import parse_smiles
from tools.molecule.verdict import decided
from tools.types import CheckResult

NAME = "sanitise"


def check_sanitise(smiles: str) -> CheckResult:
    """Pass where the SMILES parses, sanitises (valence, aromaticity) and is one connected molecule without
    radicals.

    An unreadable text is a fail with RDKit's reason, since a generator proposed it; what is not a text is an
    `InputError`. The largest fragment is never taken (protocols.md 2: validity).
    """
    if not isinstance(smiles, str):
        raise InputError(f"check_sanitise takes a SMILES text, not {smiles!r}")
    threshold = "one connected molecule, no radicals"
    try:
        mol = parse_smiles(smiles)
    except InputError as error:
        return decided(NAME, False, threshold=threshold, reason=str(error))
    n_fragments = len(Chem.GetMolFrags(mol))
    n_radicals = sum(atom.GetNumRadicalElectrons() for atom in mol.GetAtoms())
    reason = f"{n_fragments} disconnected parts" if n_fragments > 1 else f"{n_radicals} unpaired electrons"
    return decided(NAME, n_fragments == 1 and n_radicals == 0, threshold=threshold, reason=reason)
