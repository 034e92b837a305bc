"""Plain inputs of the eight tasks to prompts: a dict of names and strings in, the grammar's text out.

Keys besides `id` (default: the input's 0-based number): molecule, material none | ligand `sequence` and
`pocket` (0-based residue indices, optional) | pocket, protein_edit `sequence` | retrosynthesis `product` |
reaction `reactants` (a list) | antibody_cdr `heavy` and/or `light`, and `loops`: one loop, by name (H3) and
then found by conserved residues, or {name: [start, end]}, 0-based and half-open. Given SMILES are made
canonical before they enter a prompt. Not read here: structures (`pdb`, `chain`, `ligand`) and LOGOS's own
JSON lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rdkit import Chem, rdBase

from models.antibody_loops import locate_loops
from models.errors import ModelInputError
from models.grammar.objects import Antibody, Molecule, Protein
from models.grammar.tasks import STOP, Task, prompt_for

_STRUCTURE_KEYS = ("pdb", "chain", "ligand")
_LOGOS_KEYS = ("test_input", "protein_pocket_ligand", "text", "groundtruth")
_KEYS: dict[Task, tuple[str, ...]] = {
    "molecule": (),
    "ligand": ("sequence", "pocket"),
    "pocket": ("sequence",),
    "retrosynthesis": ("product",),
    "reaction": ("reactants",),
    "material": (),
    "protein_edit": ("sequence",),
    "antibody_cdr": ("heavy", "light", "loops"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One input understood: its id, its prompt, the chain it is about and the loop to design, where there is
    one."""

    name: str
    prompt: str
    sequence: str = ""
    loop: str = ""


def need_task(name: str) -> Task:
    """`name` as a task; ModelInputError with the list otherwise."""
    if name not in STOP:
        raise ModelInputError(f"unknown task {name!r}; tasks are {', '.join(STOP)}")
    return name


def understand(task: Task, number: int, given: Mapping[str, Any]) -> Asked:
    """Input `number` (0-based) as a prompt; ModelInputError names the input, the value and what is expected."""
    name = str(given.get("id", number))
    try:
        _need_keys(task, given)
        return _BUILDERS[task](name, given)
    except ValueError as fault:
        raise ModelInputError(f"input {name!r}: {fault}") from fault


def _need_keys(task: Task, given: Mapping[str, Any]) -> None:
    unknown = [key for key in given if key != "id" and key not in _KEYS[task]]
    accepted = ", ".join(("id", *_KEYS[task]))
    if any(key in _STRUCTURE_KEYS for key in unknown):
        raise ValueError(f"structures ({', '.join(_STRUCTURE_KEYS)}) are not read here; task {task} takes {accepted}")
    if any(key in _LOGOS_KEYS for key in unknown):
        raise ValueError(f"this is a line in LOGOS's own format, which is not read here; task {task} takes {accepted}")
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}; task {task} takes {accepted}")


def _unconditioned(task: Task) -> Callable[[str, Mapping[str, Any]], Asked]:
    return lambda name, _: Asked(name, prompt_for(task))


def _ligand(name: str, given: Mapping[str, Any]) -> Asked:
    sequence = _residues(given, "sequence")
    pocket = given.get("pocket", [])
    if not _is_list(pocket) or not all(type(at) is int and 0 <= at < len(sequence) for at in pocket):
        raise ValueError(f"pocket must be a list of residue indices from 0 to {len(sequence) - 1}, got {pocket!r}")
    protein = Protein(sequence, tuple(sorted(set(pocket))))
    return Asked(name, prompt_for("ligand", proteins=protein), sequence)


def _pocket(name: str, given: Mapping[str, Any]) -> Asked:
    sequence = _residues(given, "sequence")
    return Asked(name, prompt_for("pocket", protein=sequence), sequence)


def _retrosynthesis(name: str, given: Mapping[str, Any]) -> Asked:
    return Asked(name, prompt_for("retrosynthesis", product=_molecule(given.get("product"), "product")))


def _reaction(name: str, given: Mapping[str, Any]) -> Asked:
    reactants = given.get("reactants")
    if not _is_list(reactants) or not reactants:
        raise ValueError(f"reactants must be a list of one or more SMILES, got {reactants!r}")
    return Asked(name, prompt_for("reaction", reactants=[_molecule(smiles, "a reactant") for smiles in reactants]))


def _protein_edit(name: str, given: Mapping[str, Any]) -> Asked:
    sequence = _residues(given, "sequence")
    return Asked(name, prompt_for("protein_edit", parent=sequence), sequence)


def _antibody_cdr(name: str, given: Mapping[str, Any]) -> Asked:
    chains = {letter: _residues(given, key) for key, letter in (("light", "L"), ("heavy", "H")) if given.get(key)}
    if not chains:
        raise ValueError("give heavy or light, the sequence of a variable domain")
    loop, span = _loop(given.get("loops"), chains)
    antibodies = []
    for letter, sequence in chains.items():
        if loop[0] == letter:
            antibodies.append(Antibody(sequence, (span,)).emptied(0))
        else:
            antibodies.append(Antibody(sequence))
    return Asked(name, prompt_for("antibody_cdr", antibodies=antibodies), chains[loop[0]], loop)


def _loop(loops: Any, chains: Mapping[str, str]) -> tuple[str, tuple[int, int]]:
    """The one loop asked for and its span in its chain."""
    names = [loops] if isinstance(loops, str) else list(loops) if _is_list(loops) or isinstance(loops, Mapping) else []
    if len(names) != 1:
        raise ValueError(f"loops must name one loop at a time (H1 to H3, L1 to L3), got {loops!r}")
    loop = names[0]
    if not isinstance(loop, str) or not re.fullmatch("[HL][123]", loop):
        raise ValueError(f"loops are H1, H2, H3, L1, L2, L3, got {loop!r}")
    if loop[0] not in chains:
        raise ValueError(f"loop {loop} needs the {'heavy' if loop[0] == 'H' else 'light'} chain")
    sequence = chains[loop[0]]
    if not isinstance(loops, Mapping):
        found = locate_loops(sequence, loop[0])
        if loop not in found:
            raise ValueError(f"loop {loop} was not found by its conserved residues; give {{{loop!r}: [start, end]}}")
        return loop, found[loop]
    span = loops[loop]
    whole = _is_list(span) and len(span) == 2 and all(type(at) is int for at in span)
    if not whole or not 0 < span[0] < span[1] < len(sequence):
        raise ValueError(
            f"the span of {loop} must be [start, end] inside the chain's {len(sequence)} residues, got {span!r}"
        )
    return loop, (span[0], span[1])


def _residues(given: Mapping[str, Any], key: str) -> str:
    sequence = given.get(key)
    if not isinstance(sequence, str) or not sequence:
        raise ValueError(f"{key} must be a sequence of one-letter residues, got {sequence!r}")
    bad = next((at for at, letter in enumerate(sequence) if not "A" <= letter <= "Z"), None)
    if bad is not None:
        raise ValueError(f"{key} has {sequence[bad]!r} at position {bad}; residues are capital letters A to Z")
    return sequence


def _molecule(smiles: Any, what: str) -> Molecule:
    if not isinstance(smiles, str) or not smiles:
        raise ValueError(f"{what} must be a SMILES string, got {smiles!r}")
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        raise ValueError(f"{what} {smiles!r} is not a SMILES that RDKit can read")
    return Molecule(Chem.MolToSmiles(mol))


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


_BUILDERS: dict[Task, Callable[[str, Mapping[str, Any]], Asked]] = {
    "molecule": _unconditioned("molecule"),
    "ligand": _ligand,
    "pocket": _pocket,
    "retrosynthesis": _retrosynthesis,
    "reaction": _reaction,
    "material": _unconditioned("material"),
    "protein_edit": _protein_edit,
    "antibody_cdr": _antibody_cdr,
}
