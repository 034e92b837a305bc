"""What is read from a sample of each task, and why a malformed one is not valid."""

from __future__ import annotations

from typing import Any

import pytest

from models.answers import read_answer
from models.backends.base import FinishReason, Sample
from models.grammar.tasks import STOP, Task
from models.task_inputs import understand


def read(task: Task, given: dict[str, Any], text: str, finish: FinishReason = "stop") -> tuple[dict[str, Any], str]:
    sample = Sample("0", 0, text, (1,), -1.0, -1.0, 2.0, finish)
    answer = read_answer(task, understand(task, 0, given), sample)
    return dict(answer.fields), answer.reason


LIGAND = {"sequence": "MKTA", "pocket": [1]}
ANTIBODY = {"heavy": "EVCARDYWG", "loops": {"H3": [3, 7]}}
VALID: list[tuple[Task, dict[str, Any], str, dict[str, Any]]] = [
    ("molecule", {}, "OCC<MoleculeE>", {"smiles": "CCO"}),
    ("ligand", LIGAND, "C1=CC=CC=C1<MoleculeE>", {"smiles": "c1ccccc1"}),
    ("reaction", {"reactants": ["CCO"]}, "<MoleculeS>C=C<MoleculeE>", {"smiles": "C=C"}),
    (
        "retrosynthesis",
        {"product": "CCOC(C)=O"},
        "<MoleculeS>OCC<MoleculeE><MoleculeS>CC(O)=O<MoleculeE>",
        {"reactants": ["CCO", "CC(=O)O"]},
    ),
    (
        "pocket",
        {"sequence": "MKTA"},
        "M<PocketS>K<PocketE>T<PocketS>A<PocketE><ProteinE>",
        {"residues": [1, 3]},
    ),
    (
        "material",
        {},
        "<MetalS>[O][Zn]<MetalE><MoleculeS>O=C([O-])c1ccc(C(=O)[O-])cc1<MoleculeE><MaterialE>",
        {"metals": ["[O][Zn]"], "linkers": ["O=C([O-])c1ccc(C(=O)[O-])cc1"]},
    ),
    ("protein_edit", {"sequence": "MKTA"}, "MKTG<ProteinE>", {"sequence": "MKTG"}),
    ("antibody_cdr", ANTIBODY, "AREGY<CdrE>", {"loops": {"H3": "AREGY"}}),
]


@pytest.mark.parametrize(("task", "given", "text", "fields"), VALID, ids=[case[0] for case in VALID])
def test_valid_answers(task: Task, given: dict[str, Any], text: str, fields: dict[str, Any]) -> None:
    assert read(task, given, text) == (fields, "")


@pytest.mark.parametrize(("task", "given", "text", "fields"), VALID, ids=[case[0] for case in VALID])
def test_a_cut_off_answer_is_never_valid(task: Task, given: dict[str, Any], text: str, fields: dict[str, Any]) -> None:
    assert read(task, given, text, "length") == (dict.fromkeys(fields), "cut off at the token limit")


def test_every_task_has_an_example() -> None:
    assert {case[0] for case in VALID} == set(STOP)


@pytest.mark.parametrize(
    ("task", "given", "text", "named"),
    [
        ("molecule", {}, "C1CC<MoleculeE>", "'C1CC': unclosed ring at position 1"),
        ("ligand", {"protein_pocket_ligand": "<ProteinS>MK<ProteinE>"}, "<ProteinE><MoleculeE>", "expected"),
        ("ligand", {"protein_pocket_ligand": "<MoleculeS>"}, "CC<MoleculeE>", "ends in a Molecule, which is no"),
        ("molecule", {}, "C(C)(C)(C)(C)C<MoleculeE>", "RDKit"),
        ("molecule", {}, "", "expected"),
        ("molecule", {}, "CC<ProteinS>", "expected"),
        ("retrosynthesis", {"product": "CCO"}, "CCO", "expected"),
        ("retrosynthesis", {"product": "CCO"}, "<MoleculeS>CC<MoleculeE><MoleculeS>c1cc<MoleculeE>", "'c1cc'"),
        ("pocket", {"sequence": "MKTA"}, "M<PocketS>K<PocketE>TG<ProteinE>", "differs"),
        ("pocket", {"sequence": "MKTA"}, "MKTA<ProteinE>", "no residue"),
        ("material", {}, "<MetalS>[Zn]<MetalE><MaterialE>", "metal node and a linker"),
        ("material", {}, "<MetalS>[Zn<MetalE><MoleculeS>CC<MoleculeE><MaterialE>", "metal node '.Zn'"),
        ("protein_edit", {"sequence": "MKTA"}, "MKXA<ProteinE>", "residue 2 is 'X'"),
        ("antibody_cdr", ANTIBODY, "ARB<CdrE>", "residue 2 is 'B'"),
    ],
)
def test_malformed_answers_say_why(task: Task, given: dict[str, Any], text: str, named: str) -> None:
    _, reason = read(task, given, text)
    assert named.replace(".Zn", "[Zn") in reason
