"""What a sample says, as the fields its task promises, and whether it is well-formed.

Valid means form, not merit: the text ended by itself, is of the grammar, its SMILES are molecules for RDKit
and its residues are among the twenty. Whether a molecule is any good is for the checks of the domains.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from rdkit import Chem, rdBase

from models.backends.base import Sample
from models.grammar.objects import Antibody, GrammarObject, Material, Molecule, Protein
from models.grammar.tasks import Task, extract
from models.smiles_faults import explain_smiles
from models.task_inputs import Asked

_AMINO_ACIDS = frozenset("ACDEFGHIKLMNPQRSTVWY")


@dataclass(frozen=True, slots=True)
class Answer:
    """Parsed fields by their output name; `reason` is empty where the sample is valid."""

    fields: Mapping[str, Any]
    reason: str


def read_answer(task: Task, one: Asked, sample: Sample) -> Answer:
    """The task's fields from one sample; None in each where nothing could be read."""
    empty = empty_fields(task)
    if sample.finish_reason == "length":
        return Answer(empty, "cut off at the token limit")
    try:
        objects = extract(task, one.prompt, sample.text)
    except ValueError as fault:
        return Answer(empty, str(fault))
    return _READERS[task](objects, one)


def empty_fields(task: Task) -> dict[str, Any]:
    """The output fields of a task with nothing in them."""
    return dict.fromkeys(_FIELDS[task])


def identity(answer: Answer, text: str) -> str:
    """What two answers to one input share when they are the same: canonical fields in any order of their
    parts where the answer is valid, else the text as it stands."""
    if answer.reason:
        return f"text {text}"
    parts = {key: sorted(value) if isinstance(value, list) else value for key, value in answer.fields.items()}
    return json.dumps(parts, sort_keys=True)


def _read_smiles(objects: Sequence[GrammarObject], _: Asked) -> Answer:
    found, reason = _canonical([cast(Molecule, item).smiles for item in objects])
    return Answer({"smiles": None if found is None else ".".join(found)}, reason)


def _read_reactants(objects: Sequence[GrammarObject], _: Asked) -> Answer:
    found, reason = _canonical([cast(Molecule, item).smiles for item in objects])
    return Answer({"reactants": found}, reason)


def _read_pocket(objects: Sequence[GrammarObject], one: Asked) -> Answer:
    annotated = cast(Protein, objects[0])
    if annotated.sequence != one.sequence:
        return Answer({"residues": None}, "the annotated chain differs from the chain given")
    return Answer({"residues": list(annotated.pocket)}, "" if annotated.pocket else "no residue is marked")


def _read_material(objects: Sequence[GrammarObject], _: Asked) -> Answer:
    """Linkers have to be molecules for RDKit (and are made canonical); nodes have only to parse, their
    valences being the framework's."""
    material = cast(Material, objects[0])
    linkers, fault = _canonical(material.linkers)
    fields = {"metals": list(material.metals), "linkers": linkers or list(material.linkers)}
    if not material.metals or not material.linkers:
        return Answer(fields, "a framework needs a metal node and a linker")
    with rdBase.BlockLogs():
        bad = [smiles for smiles in material.metals if Chem.MolFromSmiles(smiles, sanitize=False) is None]
    if bad:
        return Answer(fields, f"RDKit cannot read the metal node {bad[0]!r}")
    return Answer(fields, fault)


def _read_child(objects: Sequence[GrammarObject], _: Asked) -> Answer:
    sequence = cast(Protein, objects[0]).sequence
    return Answer({"sequence": sequence}, _foreign_residue(sequence))


def _read_loops(objects: Sequence[GrammarObject], one: Asked) -> Answer:
    chain = cast(Antibody, objects[0])
    (start, end) = chain.cdrs[0]
    loop = chain.sequence[start:end]
    return Answer({"loops": {one.loop: loop}}, _foreign_residue(loop))


_READERS: dict[Task, Callable[[Sequence[GrammarObject], Asked], Answer]] = {
    "molecule": _read_smiles,
    "ligand": _read_smiles,
    "pocket": _read_pocket,
    "retrosynthesis": _read_reactants,
    "reaction": _read_smiles,
    "material": _read_material,
    "protein_edit": _read_child,
    "antibody_cdr": _read_loops,
}
_FIELDS: dict[Task, tuple[str, ...]] = {
    "molecule": ("smiles",),
    "ligand": ("smiles",),
    "pocket": ("residues",),
    "retrosynthesis": ("reactants",),
    "reaction": ("smiles",),
    "material": ("metals", "linkers"),
    "protein_edit": ("sequence",),
    "antibody_cdr": ("loops",),
}


def _canonical(smiles: Iterable[str]) -> tuple[list[str] | None, str]:
    """Canonical isomeric SMILES of all, or None and the reason."""
    found: list[str] = []
    with rdBase.BlockLogs():
        for text in smiles:
            mol = Chem.MolFromSmiles(text)
            if mol is None or mol.GetNumAtoms() == 0:
                return None, f"RDKit cannot read the SMILES {text!r}: {explain_smiles(text)}"
            found.append(Chem.MolToSmiles(mol))
    return found, ""


def _foreign_residue(sequence: str) -> str:
    at = next((at for at, letter in enumerate(sequence) if letter not in _AMINO_ACIDS), None)
    return "" if at is None else f"residue {at} is {sequence[at]!r}, not one of the twenty amino acids"
