"""Every task's plain input becomes the prompt of grammar.md; every wrong one says what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from models.errors import ModelInputError
from models.grammar.tasks import STOP, Task
from models.task_inputs import need_task, understand

HEAVY = (
    "EVQLVESGGGLFQPGGSLRLSCAASGFSVRNNYVSWVRQAPGKGLEWVSVIYSGGTTYYADSVKGRFTISRDISENTLYLQMNSLRAEDTAVYYC"
    "AREGDVEGLHDFWSGYSRDRYYFDYWGQGTLVTVSS"
)

GOOD: dict[Task, tuple[dict[str, Any], str]] = {
    "molecule": ({}, "<MoleculeS>"),
    "material": ({}, "<MaterialS>"),
    "ligand": (
        {"sequence": "MKTA", "pocket": [2, 1]},
        "<ProteinS>M<PocketS>K<PocketE><PocketS>T<PocketE>A<ProteinE><MoleculeS>",
    ),
    "pocket": ({"sequence": "MKTA"}, "<ProteinS>MKTA<ProteinE><Search><ProteinS>"),
    "retrosynthesis": ({"product": "OCC"}, "<MoleculeS>CCO<MoleculeE><ReverseReact>"),
    "reaction": (
        {"reactants": ["OCC", "C(=O)(O)C"]},
        "<MoleculeS>CCO<MoleculeE><MoleculeS>CC(=O)O<MoleculeE><React>",
    ),
    "protein_edit": ({"sequence": "MKTA"}, "<ProteinS>MKTA<ProteinE><Edit><ProteinS>"),
    "antibody_cdr": (
        {"light": "DIQM", "heavy": "EVCARDYWG", "loops": {"H3": [3, 7]}},
        "<AntibodyS>DIQM<AntibodyE><AntibodyS>EVC<CdrS><CdrE>WG<AntibodyE><Design><CdrS>",
    ),
}


def test_every_task_is_covered() -> None:
    assert set(GOOD) == set(STOP)


@pytest.mark.parametrize("task", GOOD)
def test_prompt_of_each_task(task: Task) -> None:
    given, prompt = GOOD[task]
    asked = understand(task, 7, given)
    assert (asked.name, asked.prompt) == ("7", prompt)
    assert understand(task, 7, {"id": "mine", **given}).name == "mine"


def test_a_molecule_goes_on_from_a_prefix() -> None:
    assert understand("molecule", 0, {"smiles_prefix": "CC(=O)N"}).prompt == "<MoleculeS>CC(=O)N"


def test_several_loops_begin_with_the_first_asked_for() -> None:
    asked = understand("antibody_cdr", 0, {"heavy": HEAVY, "loops": ["H3", "H1"]})
    assert asked.loop == "H3"
    assert asked.plan is not None
    assert asked.plan.order == ("H3", "H1")
    assert asked.prompt == understand("antibody_cdr", 0, {"heavy": HEAVY, "loops": "H3"}).prompt


def test_a_named_loop_is_found_by_conserved_residues() -> None:
    asked = understand("antibody_cdr", 0, {"heavy": HEAVY, "loops": ["H3"]})
    assert "DTAVYYC<CdrS><CdrE>WGQGTLVTVSS<AntibodyE><Design><CdrS>" in asked.prompt
    assert asked.prompt == understand("antibody_cdr", 0, {"heavy": HEAVY, "loops": "H3"}).prompt
    assert asked.loop == "H3"


@pytest.mark.parametrize(
    ("task", "given", "named"),
    [
        ("molecule", {"smiles": "C"}, "unknown key 'smiles'"),
        ("ligand", {"pdb": "1iep.pdb", "chain": "A", "ligand": "STI"}, "unknown key 'pdb'; task ligand takes id, seq"),
        ("molecule", {"smiles_prefix": 3}, "beginning of a SMILES"),
        ("molecule", {"smiles_prefix": "C C"}, "SMILES characters"),
        ("ligand", {"sequence": "MKTA", "pocket": [4]}, "from 0 to 3"),
        ("ligand", {"sequence": "MKTA", "pocket": "1"}, "list of residue indices"),
        ("ligand", {}, "sequence must be"),
        ("pocket", {"sequence": "MK1A"}, "'1' at position 2"),
        ("protein_edit", {"sequence": "mkta"}, "'m' at position 0"),
        ("retrosynthesis", {"product": "C1CC"}, "'C1CC'.*unclosed ring at position 1"),
        ("retrosynthesis", {"product": "CCX"}, "at position 2"),
        ("retrosynthesis", {"product": "CC ethane"}, "white space at position 2"),
        ("retrosynthesis", {"product": None}, "product must be"),
        ("reaction", {"reactants": "CCO"}, "list"),
        ("reaction", {"reactants": []}, "list"),
        ("antibody_cdr", {"loops": ["H3"]}, "heavy or light"),
        ("antibody_cdr", {"heavy": "EVQ", "loops": ["L1"]}, "light chain"),
        ("antibody_cdr", {"heavy": "EVQ", "loops": ["H3"]}, "not found"),
        ("antibody_cdr", {"heavy": HEAVY, "loops": ["H3", "H3"]}, "twice"),
        ("antibody_cdr", {"heavy": HEAVY, "loops": ["H4"]}, "H1, H2, H3"),
        ("antibody_cdr", {"heavy": "EVCARDYWG", "loops": {"H3": [3, 99]}}, "9 residues"),
    ],
)
def test_wrong_inputs_say_what_is_wrong(task: Task, given: dict[str, Any], named: str) -> None:
    with pytest.raises(ModelInputError, match=named) as refused:
        understand(task, 5, given)
    assert "input '5'" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_unknown_task_lists_the_tasks() -> None:
    with pytest.raises(ModelInputError, match=r"retrosynthesis.*antibody_cdr"):
        need_task("poetry")
