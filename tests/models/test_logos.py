"""LOGOS's files, as its README spells them: each line becomes the prompt of its script, each answer its line."""

from __future__ import annotations

import math
from typing import Any

import pytest

from models.errors import ModelInputError
from models.grammar.tasks import Task
from models.logos import is_logos_line, render_logos_line
from models.task_inputs import understand

MARKED = "<ProteinS>MK<PocketS>T<PocketE>A<ProteinE>"


@pytest.mark.parametrize(
    ("task", "given", "prompt"),
    [
        (
            "retrosynthesis",
            {"test_input": "<MoleculeS>OCC<MoleculeE><ReverseReact>", "groundtruth": "<MoleculeS>C<MoleculeE>"},
            "<MoleculeS>OCC<MoleculeE><ReverseReact>",
        ),
        ("retrosynthesis", {"test_input": "OCC", "groundtruth": ""}, "<MoleculeS>OCC<MoleculeE><ReverseReact>"),
        (
            "pocket",
            {"id": "a.pdb", "text": "<ProteinS>MKTA<ProteinE><Search>"},
            "<ProteinS>MKTA<ProteinE><Search><ProteinS>",
        ),
        (
            "ligand",
            {"id": "a.pdb", "protein_pocket_ligand": MARKED + "<MoleculeS>", "groundtruth": "CCO"},
            MARKED + "<MoleculeS>",
        ),
        ("ligand", {"id": "a.pdb", "protein_pocket_ligand": MARKED, "groundtruth": "CCO"}, MARKED),
    ],
)
def test_prompts_are_those_of_their_scripts(task: Task, given: dict[str, Any], prompt: str) -> None:
    asked = understand(task, 3, given)
    assert (asked.prompt, asked.in_logos_form, asked.given) == (prompt, True, given)
    assert asked.name == given.get("id", "3")
    assert asked.sequence == ("MKTA" if task == "pocket" else "")


@pytest.mark.parametrize(
    ("task", "given", "named"),
    [
        ("ligand", {"test_input": "CCO"}, "'test_input' is LOGOS's for task retrosynthesis, not for ligand"),
        ("molecule", {"text": "<ProteinS>MK<ProteinE><Search>"}, "LOGOS's for task pocket"),
        ("retrosynthesis", {"test_input": "<MoleculeS>CCO<MoleculeE>"}, "must end in <ReverseReact>"),
        ("retrosynthesis", {"test_input": "C1CC"}, "unclosed ring at position 1"),
        ("retrosynthesis", {"test_input": 7}, "must be a text"),
        ("pocket", {"text": "<ProteinS>MK<ProteinE>"}, "must end in <Search>"),
        ("pocket", {"text": "<ProteinS>M1K<ProteinE><Search>"}, "at character 11"),
        ("pocket", {"text": "<MoleculeS>C<MoleculeE><Search>"}, "one <ProteinS> span"),
        ("ligand", {"protein_pocket_ligand": ""}, "must be a text"),
    ],
)
def test_wrong_lines_say_what_is_wrong(task: Task, given: dict[str, Any], named: str) -> None:
    with pytest.raises(ModelInputError, match="input '0'") as refused:
        understand(task, 0, given)
    assert named in str(refused.value)


def test_plain_lines_are_not_theirs() -> None:
    assert not is_logos_line({"product": "CCO", "id": "x"})
    assert is_logos_line({"text": "…"})


@pytest.mark.parametrize(
    ("task", "given", "expected"),
    [
        (
            "retrosynthesis",
            {"test_input": "CCO", "groundtruth": "g"},
            {"sequence": "WHOLE", "ppl": 2.5, "groundtruth": "g"},
        ),
        ("pocket", {"id": "a.pdb", "text": "…"}, {"sequence": "WHOLE", "id": "a.pdb", "ppl": 2.5}),
        (
            "ligand",
            {"id": 5, "protein_pocket_ligand": "…", "groundtruth": "CCO"},
            {"sequence": "WHOLE", "id": 5, "ppl": 2.5, "groundtruth": "CCO"},
        ),
        ("material", {}, {"text": "WHOLE", "ppl": 2.5}),
    ],
)
def test_answers_are_written_in_their_form(task: Task, given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert render_logos_line(task, given, "WHOLE", 2.5) == expected
    assert render_logos_line(task, given, "WHOLE", math.inf)["ppl"] is None
