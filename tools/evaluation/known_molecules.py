"""Which of some molecules stand in given files: the novelty half of every evaluation of molecules.

Molecules are the same where their neutral parents are (data sets write charges at random, `tools.molecule.parse`), a
mixture where its canonical SMILES is. Files of hundreds of thousands of SMILES are searched without parsing them all:
only entries with the same heavy atoms as an asked molecule are looked at more closely.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from rdkit import Chem, rdBase

from tools.errors import InputError
from tools.evaluation.data_files import need_columns, read_rows
from tools.molecule.parse import canonical_parent

_ATOM = re.compile(r"\[\d*([A-Za-z][a-z]?)[^\]]*\]|(Cl|Br|[BCNOPSFIbcnops])")


def load_smiles(path: Path) -> list[str]:
    """The SMILES of a file with a column `smiles` (or a .smi list), as written; unreadable rows are left out."""
    rows = read_rows(path)
    need_columns(path, rows, ["smiles"])
    return [str(row.values["smiles"]) for row in rows if row.values.get("smiles")]


def molecule_identity(smiles: str) -> str:
    """Canonical SMILES of the neutral parent; of a mixture, its own canonical SMILES. ValueError where RDKit cannot
    read it."""
    try:
        return canonical_parent(smiles)
    except InputError:
        with rdBase.BlockLogs():
            mol = Chem.MolFromSmiles(smiles)
        if mol is None:
            raise ValueError(f"{smiles!r} is not a SMILES that RDKit can read") from None
        return str(Chem.MolToSmiles(mol))


def heavy_atoms(smiles: str) -> tuple[tuple[str, int], ...]:
    """Heavy atoms by element, read off the text: [nH] and N are both nitrogen, hydrogens are left out."""
    found = Counter((bracket or plain).capitalize() for bracket, plain in _ATOM.findall(smiles))
    found.pop("H", None)
    return tuple(sorted(found.items()))


def find_known(asked: Iterable[str], known: Sequence[str]) -> set[str]:
    """Those of the `asked` valid SMILES that are among the `known` ones; unreadable known ones match nothing."""
    identities: dict[str, list[str]] = {}
    for smiles in asked:
        identities.setdefault(molecule_identity(smiles), []).append(smiles)
    compositions = {heavy_atoms(smiles) for group in identities.values() for smiles in group}
    found: set[str] = set()
    for entry in known:
        if heavy_atoms(entry) not in compositions:
            continue
        try:
            found.update(identities.get(molecule_identity(entry), ()))
        except ValueError:
            continue
    return found
