"""Plain inputs of the eight tasks to prompts: a dict of names and strings in, the grammar's text out.

Keys besides `id` (default: the input's 0-based number): molecule `smiles_prefix` (optional, the beginning of
a SMILES to go on from) | material none | ligand `sequence` and `pocket` (0-based residue indices, optional) |
molecule and ligand also `log_p`, `molecular_weight` (g/mol) and `qed`, ranges [low, high] (`models.conditions`) |
pocket, protein_edit `sequence` | retrosynthesis `product` | reaction `reactants` (a list) | antibody_cdr
`heavy` and/or `light`, and `loops`: names (H3), then found by conserved residues, or {name: [start, end]},
0-based and half-open; several are designed one after the other. Given SMILES are made canonical before they
enter a prompt, those of LOGOS's own lines (`models.logos`) are not. Not read here: structure files; what
reads them gives `sequence` and `pocket`. Positions in messages count from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rdkit import Chem, rdBase

from models.conditions import CONDITION_KEYS, Bins, read_ranges, with_conditions
from models.errors import ModelInputError
from models.grammar.objects import Molecule, Protein
from models.grammar.tasks import STOP, Task, prompt_for
from models.logos import is_logos_line, read_logos_line
from models.loop_design import LoopPlan, plan_loops
from models.smiles_faults import explain_smiles

TASK_KEYS: dict[Task, tuple[str, ...]] = {
    "molecule": ("smiles_prefix", *CONDITION_KEYS),
    "ligand": ("sequence", "pocket", *CONDITION_KEYS),
    "pocket": ("sequence",),
    "retrosynthesis": ("product",),
    "reaction": ("reactants",),
    "material": (),
    "protein_edit": ("sequence",),
    "antibody_cdr": ("heavy", "light", "loops"),
}
"""What an input of each task may say, `id` aside."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One input understood: its id, its prompt, the chain it is about, the loop this prompt designs and the
    plan of all loops. `given` is the input as it came; `in_logos_form` where it was one of LOGOS's lines. `bins`
    are the property tags that may be asked for, one of each property for each sample; `conditions` those that this
    prompt carries."""

    name: str
    prompt: str
    sequence: str = ""
    loop: str = ""
    plan: LoopPlan | None = None
    in_logos_form: bool = False
    given: Mapping[str, Any] = field(default_factory=dict, compare=False)
    bins: Bins = ()
    conditions: tuple[str, ...] = ()

    def conditioned(self, conditions: tuple[str, ...]) -> Asked:
        """The same input whose prompt carries these property tags, right before the molecule to come."""
        return replace(self, prompt=with_conditions(self.prompt, conditions), conditions=conditions, bins=())


def need_task(name: str) -> Task:
    """`name` as a task; ModelInputError with the list otherwise."""
    if name not in STOP:
        raise ModelInputError(f"unknown task {name!r}; tasks are {', '.join(STOP)}")
    return name


def understand(task: Task, number: int, given: Mapping[str, Any]) -> Asked:
    """Input `number` (0-based) as a prompt; ModelInputError names the input, the value and what is expected."""
    name = str(given.get("id", number))
    try:
        if is_logos_line(given):
            prompt, sequence = read_logos_line(task, given)
            return Asked(name, prompt, sequence, in_logos_form=True, given=given)
        _need_keys(task, given)
        return _BUILDERS[task](name, given)
    except ValueError as fault:
        raise ModelInputError(f"input {name!r}: {fault}") from fault


def _need_keys(task: Task, given: Mapping[str, Any]) -> None:
    unknown = [key for key in given if key != "id" and key not in TASK_KEYS[task]]
    if unknown:
        accepted = ", ".join(("id", *TASK_KEYS[task]))
        raise ValueError(f"unknown key {unknown[0]!r}; task {task} takes {accepted}")


def _molecule_prefix(name: str, given: Mapping[str, Any]) -> Asked:
    prefix = given.get("smiles_prefix", "")
    if not isinstance(prefix, str):
        raise ValueError(f"smiles_prefix must be the beginning of a SMILES, got {prefix!r}")
    if prefix:
        Molecule(prefix)  # its letters are those of SMILES
    return Asked(name, prompt_for("molecule", prefix=prefix), given=given, bins=read_ranges(given))


def _material(name: str, given: Mapping[str, Any]) -> Asked:
    return Asked(name, prompt_for("material"), given=given)


def _ligand(name: str, given: Mapping[str, Any]) -> Asked:
    sequence = _residues(given, "sequence")
    pocket = given.get("pocket", [])
    if not _is_list(pocket) or not all(type(at) is int and 0 <= at < len(sequence) for at in pocket):
        raise ValueError(f"pocket must be a list of residue indices from 0 to {len(sequence) - 1}, got {pocket!r}")
    protein = Protein(sequence, tuple(sorted(set(pocket))))
    return Asked(name, prompt_for("ligand", proteins=protein), sequence, given=given, bins=read_ranges(given))


def _pocket(name: str, given: Mapping[str, Any]) -> Asked:
    sequence = _residues(given, "sequence")
    return Asked(name, prompt_for("pocket", protein=sequence), sequence, given=given)


def _retrosynthesis(name: str, given: Mapping[str, Any]) -> Asked:
    product = read_molecule(given.get("product"), "product")
    return Asked(name, prompt_for("retrosynthesis", product=product), given=given)


def _reaction(name: str, given: Mapping[str, Any]) -> Asked:
    reactants = given.get("reactants")
    if not _is_list(reactants) or not reactants:
        raise ValueError(f"reactants must be a list of one or more SMILES, got {reactants!r}")
    molecules = [read_molecule(smiles, "a reactant") for smiles in reactants]
    return Asked(name, prompt_for("reaction", reactants=molecules), given=given)


def _protein_edit(name: str, given: Mapping[str, Any]) -> Asked:
    sequence = _residues(given, "sequence")
    return Asked(name, prompt_for("protein_edit", parent=sequence), sequence, given=given)


def _antibody_cdr(name: str, given: Mapping[str, Any]) -> Asked:
    chains = {letter: _residues(given, key) for key, letter in (("light", "L"), ("heavy", "H")) if given.get(key)}
    if not chains:
        raise ValueError("give heavy or light, the sequence of a variable domain")
    plan = plan_loops(chains, given.get("loops"))
    first = plan.order[0]
    return Asked(name, plan.prompt(first, {}), plan.chain_of(first), first, plan, given=given)


def _residues(given: Mapping[str, Any], key: str) -> str:
    sequence = given.get(key)
    if not isinstance(sequence, str) or not sequence:
        raise ValueError(f"{key} must be a sequence of one-letter residues, got {sequence!r}")
    bad = next((at for at, letter in enumerate(sequence) if not "A" <= letter <= "Z"), None)
    if bad is not None:
        raise ValueError(f"{key} has {sequence[bad]!r} at position {bad}; residues are capital letters A to Z")
    return sequence


def read_molecule(smiles: Any, what: str) -> Molecule:
    """A given SMILES in canonical spelling; ValueError calls it `what` and tells where it is wrong."""
    if not isinstance(smiles, str) or not smiles:
        raise ValueError(f"{what} must be a SMILES string, got {smiles!r}")
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    fault = explain_smiles(smiles) if mol is None or smiles.split() != [smiles] else ""
    if mol is None or fault or mol.GetNumAtoms() == 0:
        raise ValueError(f"{what} {smiles!r} is not a SMILES that RDKit can read: {fault or 'it has no atoms'}")
    return Molecule(Chem.MolToSmiles(mol))


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


_BUILDERS: dict[Task, Callable[[str, Mapping[str, Any]], Asked]] = {
    "molecule": _molecule_prefix,
    "ligand": _ligand,
    "pocket": _pocket,
    "retrosynthesis": _retrosynthesis,
    "reaction": _reaction,
    "material": _material,
    "protein_edit": _protein_edit,
    "antibody_cdr": _antibody_cdr,
}
