"""Reaction SMILES in and out: `A.B>>P`, molecules canonical, atom maps removed.

Agents between the arrows are read and dropped: nothing here judges conditions. Not promised: that the molecules on
the left are all that is needed; see `check_balance`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula, _CalcMolWt

from models.reactions.voting import canonical_parts
from tools.errors import InputError
from tools.molecule.parse import parse_smiles


@dataclass(frozen=True, slots=True)
class Reaction:
    """`reactants` sorted, one canonical SMILES each; `products` likewise."""

    reactants: tuple[str, ...]
    products: tuple[str, ...]


def parse_reaction(text: str) -> Reaction:
    """InputError names what is wrong: no arrow, an empty side, a SMILES that RDKit cannot read."""
    sides = text.strip().split(">")
    if len(sides) != 3:
        raise InputError(
            f"{text!r} is not a reaction SMILES; expected reactants>>product, such as CC(=O)O.CO>>COC(C)=O"
        )
    return Reaction(read_molecules([sides[0]], "reactants"), read_molecules([sides[2]], "product"))


def render_reaction(reaction: Reaction) -> str:
    return f"{'.'.join(reaction.reactants)}>>{'.'.join(reaction.products)}"


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
