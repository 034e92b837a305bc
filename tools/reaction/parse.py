"""Molecules of a reaction, read canonical and without atom maps, and counted. Nothing here judges conditions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula, _CalcMolWt

from models.reactions.voting import canonical_parts
from tools.errors import InputError
from tools.molecule.parse import parse_smiles


def read_molecules(given: Iterable[str], what: str) -> tuple[str, ...]:
    """Canonical SMILES, mixtures split, sorted; repeated molecules stay. InputError calls them `what`."""
    texts = [text.strip() for text in given]
    if not any(texts):
        raise InputError(f"{what}: at least one SMILES is needed")
    parts = canonical_parts(texts)
    if parts is None:
        for text in texts:
            for part in text.split("."):
                parse_smiles(part)
        raise InputError(f"{what}: {'.'.join(texts)!r} is not SMILES that RDKit can read")
    return tuple(sorted(parts))


def element_counts(molecules: Sequence[str]) -> Counter[str]:
    """Heavy atoms by element over all molecules; written hydrogens and deuterium are none."""
    atoms = (atom for smiles in molecules for atom in parse_smiles(smiles).GetAtoms())
    return Counter(atom.GetSymbol() for atom in atoms if atom.GetAtomicNum() > 1)


def formula_of(molecules: Sequence[str]) -> str:
    """Hill formula of all molecules together."""
    return str(CalcMolFormula(Chem.MolFromSmiles(".".join(molecules))))


def mass_of(molecules: Sequence[str]) -> float:
    """Average molecular weight of all molecules together, g/mol."""
    return float(sum(_CalcMolWt(parse_smiles(smiles)) for smiles in molecules))
