"""Which of some molecules stand in given files: the novelty half of every evaluation of molecules.

Molecules are the same where their neutral parents are (data sets write charges at random, `tools.molecule.parse`), a
mixture where its canonical SMILES is. Files of hundreds of thousands of SMILES are searched without parsing them all:
only entries that share atoms, ring count and then the graph of elements with an asked molecule are compared in full.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from rdkit import Chem, rdBase
from rdkit.Chem import rdMolHash

from tools.errors import InputError
from tools.evaluation.data_files import need_columns, read_rows
from tools.molecule.parse import canonical_parent

Outline = tuple[tuple[str, int], ...]

_PIECE = re.compile(r"\[\d*([A-Za-z][a-z]?)[^\]]*\]|(Cl|Br|[BCNOPSFIbcnops])|(%\d\d|\d)|(#)")


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


def outline(smiles: str) -> Outline:
    """Heavy atoms by element, ring closures and triple bonds, read off the text without parsing: what every spelling
    and every protonation state of a molecule shares. [nH] and N are both nitrogen, hydrogens are left out."""
    found: Counter[str] = Counter()
    for bracket, plain, ring, triple in _PIECE.findall(smiles):
        found["ring" if ring else "triple" if triple else (bracket or plain).capitalize()] += 1
    found.pop("H", None)
    return tuple(sorted(found.items()))


def element_graph(smiles: str) -> str:
    """The graph of elements without bond orders, hydrogens and charges, as text; "" where RDKit cannot read it."""
    with rdBase.BlockLogs():
        mol: Chem.Mol | None = Chem.MolFromSmiles(smiles, sanitize="[H]" in smiles)
    if mol is None:
        return ""
    mol.UpdatePropertyCache(strict=False)
    return str(rdMolHash.MolHash(mol, rdMolHash.HashFunction.ElementGraph))


def find_known(asked: Iterable[str], known: Iterable[str]) -> set[str]:
    """Those of the `asked` valid SMILES that are among the `known` ones; unreadable known ones match nothing."""
    identities: dict[str, list[str]] = {}
    for smiles in asked:
        identities.setdefault(molecule_identity(smiles), []).append(smiles)
    outlines = {outline(smiles) for group in identities.values() for smiles in group}
    graphs = {element_graph(smiles) for group in identities.values() for smiles in group}
    found: set[str] = set()
    for entry in known:
        if outline(entry) not in outlines or element_graph(entry) not in graphs:
            continue
        try:
            found.update(identities.get(molecule_identity(entry), ()))
        except ValueError:
            continue
    return found
