"""Molecules as arguments name them: SMILES, a handle of the conversation, the name of a bundled drug, or, where many
are asked for, an attached file of molecules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from agent.actions.action import ActionContext
from agent.actions.given import given_item, is_handle
from agent.interface.schemas import Item
from tools.errors import InputError
from tools.molecule.approved_drugs import load_approved_drugs
from tools.molecule.parse import canonical_parent, parse_smiles

MOLECULE_WORDS = "a SMILES, a handle of this conversation (M3) or the name of a bundled drug (imatinib)"
FILE_WORDS = "or the handle of an attached file of molecules (F1: SDF, MOL, SMILES, CSV)"
MOST_MOLECULES = 200

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
    """Distinct molecules in their order, those of files among them. InputError for none or too many."""
    found: dict[str, GivenMolecule] = {}
    for text in texts:
        of_file = is_handle(text) and context.item(text.strip()).kind == "file"
        for one in _molecules_of_file(text.strip(), context) if of_file else [given_molecule(text, context)]:
            found.setdefault(one.smiles, one)
    if not found:
        raise InputError(f"give at least one molecule: {MOLECULE_WORDS}")
    if len(found) > MOST_MOLECULES:
        raise InputError(f"{len(found)} molecules; at most {MOST_MOLECULES} at once: give fewer, or a smaller file")
    return list(found.values())


def _molecules_of_file(handle: str, context: ActionContext) -> list[GivenMolecule]:
    """The distinct molecules of the file's rows, which are in the library from now on; rows without one are passed
    over."""
    from agent.library import ingest_artifacts
    from tools.literature.tables import row_name

    item, ledger = context.item(handle), context.session.ledger
    (taken,) = ingest_artifacts(context.session, [(item.value, item.name)])
    if taken.state == "refused":
        raise InputError(f"{handle}: {taken.reason}")
    rows = [row for name in taken.document_ids for row in ledger.passages_of_document(name) if row.smiles]
    named: dict[str, str] = {}
    for row in rows:
        named.setdefault(row.smiles, row_name(row.values))
    if not named:
        raise InputError(f"{handle} ({item.name}) holds no molecules: attach SDF, MOL, SMILES or a table of SMILES")
    if len(named) > MOST_MOLECULES:
        raise InputError(f"{handle} ({item.name}) holds {len(named)} molecules; at most {MOST_MOLECULES} at once")
    found = [(given_molecule(smiles, context), name) for smiles, name in named.items()]
    return [GivenMolecule(molecule.smiles, name or molecule.name, item) for molecule, name in found]
