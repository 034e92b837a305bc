"""Molecules as arguments name them: SMILES, a handle of the conversation, or the name of a bundled drug."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from agent.actions.action import ActionContext
from agent.actions.given import given_item
from agent.interface.schemas import Item
from tools.errors import InputError
from tools.molecule.approved_drugs import load_approved_drugs
from tools.molecule.parse import canonical_parent, parse_smiles

MOLECULE_WORDS = "a SMILES, a handle of this conversation (M3) or the name of a bundled drug (imatinib)"

MOST_HEAVY_ATOMS = 150
"""What is given is embedded in 3D, which takes half a minute at that size; a peptide of twenty residues is as large."""


@dataclass(frozen=True, slots=True)
class GivenMolecule:
    """`smiles` is the canonical SMILES of the neutral parent; `item` what the handle names, where it was one."""

    smiles: str
    name: str = ""
    item: Item | None = None

    @property
    def made_from(self) -> list[str]:
        return [self.item.handle] if self.item is not None and self.item.handle else []


def given_molecule(text: str, context: ActionContext) -> GivenMolecule:
    """InputError that names the text and what it may be."""
    drug = next((drug for drug in load_approved_drugs() if drug.name == text.strip().lower()), None)
    if drug is not None:
        return GivenMolecule(canonical_parent(drug.smiles), drug.name)
    item = given_item(text, ("molecule",), context)
    try:
        smiles = canonical_parent(item.value)
    except InputError as error:
        if re.fullmatch(r"[A-Za-z][a-z-]{3,}", item.value):
            raise InputError(f"{item.value!r} is neither a SMILES nor a bundled drug; give {MOLECULE_WORDS}") from None
        raise InputError(str(error)) from None
    n_atoms = parse_smiles(smiles).GetNumHeavyAtoms()
    if n_atoms > MOST_HEAVY_ATOMS:
        raise InputError(
            f"{smiles[:40]}... has {n_atoms} heavy atoms; at most {MOST_HEAVY_ATOMS}: give a small molecule"
        )
    return GivenMolecule(smiles, item.name or _drug_names().get(smiles, ""), item if item.handle else None)


@cache
def _drug_names() -> dict[str, str]:
    """The bundled drugs' names by canonical SMILES of the neutral parent."""
    return {canonical_parent(drug.smiles): drug.name for drug in load_approved_drugs()}


def given_molecules(texts: Sequence[str], context: ActionContext) -> list[GivenMolecule]:
    """Distinct molecules in their order. InputError for an empty list."""
    if not texts:
        raise InputError(f"give at least one molecule: {MOLECULE_WORDS}")
    found: dict[str, GivenMolecule] = {}
    for text in texts:
        one = given_molecule(text, context)
        found.setdefault(one.smiles, one)
    return list(found.values())
