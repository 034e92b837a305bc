"""Texts of each kind of row, characters, and perplexity against the model's own log-probabilities."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tools.evaluation.grammar_texts import modality_of, row_texts
from tools.evaluation.perplexity import EVALUATOR, count_characters
from tools.evaluation.protocol import Setup
from tools.evaluation.run import settings_for

SPANS = {"h1s": "2", "h1e": "4", "h2s": "6", "h2e": "7", "h3s": "8", "h3e": "10"}
ROWS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"smiles": "CCO"}, [("molecule", "<MoleculeS>CCO<MoleculeE>")]),
    (
        {"reactants": "CBr.O", "product": "CO", "class": "1"},
        [
            (
                "reaction",
                "<MoleculeS>CBr<MoleculeE><MoleculeS>O<MoleculeE><React><MoleculeS>CO<MoleculeE>",
            ),
            (
                "retrosynthesis",
                "<MoleculeS>CO<MoleculeE><ReverseReact><MoleculeS>CBr<MoleculeE><MoleculeS>O<MoleculeE>",
            ),
        ],
    ),
    (
        {"nodes": "[Zn]", "linkers": "C.N"},
        [("material", "<MaterialS><MetalS>[Zn]<MetalE><MoleculeS>C<MoleculeE><MoleculeS>N<MoleculeE><MaterialE>")],
    ),
    (
        {"sequence": "MKTA", "pocket": [1]},
        [
            (
                "pocket_search",
                "<ProteinS>MKTA<ProteinE><Search><ProteinS>M<PocketS>K<PocketE>TA<ProteinE>",
            )
        ],
    ),
    (
        {"sequence": "MKTA", "pocket": [1], "smiles": "C"},
        [("complex", "<ProteinS>M<PocketS>K<PocketE>TA<ProteinE><MoleculeS>C<MoleculeE>")],
    ),
    ({"sequence": "mkta"}, [("protein", "<ProteinS>MKTA<ProteinE>")]),
    ({"text": "<MoleculeS>C<MoleculeE>"}, [("molecule", "<MoleculeS>C<MoleculeE>")]),
]


@pytest.mark.parametrize(("row", "expected"), ROWS)
def test_rows_as_texts(row: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert list(row_texts(row)) == expected


def test_an_antibody_gives_its_chain_and_a_design_a_loop() -> None:
    texts = list(row_texts({"vh": "ABCDEFGHIKLM", "vl": "", **SPANS}))
    assert [modality for modality, _ in texts] == ["antibody", *["cdr_design"] * 3]
    assert texts[3][1] == "<AntibodyS>ABCDEFGH<CdrS><CdrE>LM<AntibodyE><Design><CdrS>IK<CdrE>"


def test_what_is_no_text_says_so() -> None:
    with pytest.raises(ValueError, match="no text of the grammar in columns yield"):
        list(row_texts({"yield": "3"}))
    with pytest.raises(ValueError):
        list(row_texts({"text": "<MoleculeS>CCO"}))
    assert modality_of("<MoleculeS>C<MoleculeE><MaterialS><MetalS>[Zn]<MetalE><MaterialE>") == "mixed"


def test_a_tag_is_one_character() -> None:
    assert count_characters("<MoleculeS>CCO<MoleculeE>") == 5
    assert count_characters("<ProteinS>MK<ProteinE><Search><ProteinS>M<PocketS>K<PocketE><ProteinE>") == 11


def test_figures_are_those_of_transformers_logits(random_checkpoint: Path, random_model: Any) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    texts = ["<MoleculeS>CCO<MoleculeE>", "<MoleculeS>c1ccccc1Br<MoleculeE>"]
    study = EVALUATOR.open(Setup(random_model, settings_for(EVALUATOR, {}, {}), Path("unused.txt")))
    cases = list(study.cases([(f"row-{n}", {"text": text}) for n, text in enumerate(texts, 1)]))
    figures = {figure.name: figure for figure in study.figures(study.answer(cases))}
    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(random_checkpoint),
        AutoTokenizer.from_pretrained(random_checkpoint),
    )
    nats = n_tokens = 0.0
    for text in texts:
        ids = torch.tensor([tokenizer(text)["input_ids"]])
        with torch.no_grad():
            log_probs = model(ids).logits.log_softmax(-1)[0, :-1]
        nats -= float(log_probs.gather(1, ids[0, 1:, None]).sum())
        n_tokens += ids.shape[1] - 1
    assert figures["molecule_nll_per_token"].value == pytest.approx(nats / n_tokens, abs=1e-4)
    assert figures["molecule_perplexity"].value == pytest.approx(math.exp(nats / n_tokens), rel=1e-4)
    assert figures["molecule_nll_per_character"].value == pytest.approx(nats / (5 + 12), abs=1e-4)
    assert "2 texts" in figures["molecule_perplexity"].definition
