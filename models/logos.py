"""LOGOS's own files: its JSON lines as inputs and its JSON lines as outputs.

Keys, prompts and the form of the output follow the README and the inference scripts of LOGOS-Hub/LOGOS (arXiv
2606.16905). Unlike the other inputs nothing is made canonical: what the line says is what the model reads.
`sequence` is `text` for materials only, as there; both hold the whole string, prompt included. Unlike theirs
it carries no begin-of-text or end-of-text token, `ppl` counts none either, and lines of one input are sorted
by `ppl`, lower first. Their script for pocket search is not published with an example of its output: its
lines have the form of ligand design's here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from models.grammar import tags
from models.grammar.objects import Protein
from models.grammar.parse import parse
from models.grammar.tasks import Task
from models.smiles_faults import explain_smiles

INPUT_KEY: dict[Task, str] = {
    "retrosynthesis": "test_input",
    "pocket": "text",
    "ligand": "protein_pocket_ligand",
}
"""The key that makes a line one of LOGOS's, by task; materials are generated without input lines."""

EXTRA_KEYS = ("id", "groundtruth")

SAMPLES: dict[Task, int] = {"retrosynthesis": 32, "pocket": 40, "ligand": 10, "material": 10_000}
"""Samples an input; for materials in all."""


def is_logos_line(given: Mapping[str, Any]) -> bool:
    return any(key in given for key in INPUT_KEY.values())


def read_logos_line(task: Task, given: Mapping[str, Any]) -> tuple[str, str]:
    """(prompt, chain sequence or "") of a line; ValueError says what is wrong. Keys beside theirs are
    ignored."""
    expected = INPUT_KEY.get(task)
    key = next(key for key in INPUT_KEY.values() if key in given)
    if expected is None or expected not in given:
        owner = next(name for name, own in INPUT_KEY.items() if own == key)
        raise ValueError(f"key {key!r} is LOGOS's for task {owner}, not for {task}")
    text = given[expected]
    if not isinstance(text, str) or not text:
        raise ValueError(f"{expected} must be a text, got {text!r}")
    if task == "retrosynthesis":
        return _retrosynthesis_prompt(text), ""
    if task == "pocket":
        return _pocket_prompt(text)
    return text, ""


def _retrosynthesis_prompt(text: str) -> str:
    """`test_input` as published, the whole prompt, or a product's SMILES alone."""
    if tags.MOLECULE.open in text:
        if not text.endswith(tags.REVERSE_REACT):
            raise ValueError(f"test_input must end in {tags.REVERSE_REACT}, it ends in {text[-24:]!r}")
        return text
    fault = explain_smiles(text)
    if fault:
        raise ValueError(f"test_input {text!r} is neither a prompt nor a SMILES: {fault}")
    return f"{tags.MOLECULE.open}{text}{tags.MOLECULE.close}{tags.REVERSE_REACT}"


def _pocket_prompt(text: str) -> tuple[str, str]:
    if not text.endswith(tags.SEARCH):
        raise ValueError(f"text must end in {tags.SEARCH}, it ends in {text[-24:]!r}")
    (protein, *others) = parse(text.removesuffix(tags.SEARCH))
    if others or not isinstance(protein, Protein):
        raise ValueError(f"text must be one {tags.PROTEIN.open} span before {tags.SEARCH}")
    return text + tags.PROTEIN.open, protein.sequence


def render_logos_line(task: Task, given: Mapping[str, Any], whole_text: str, perplexity: float) -> dict[str, Any]:
    """One output line in LOGOS's form. `given` is the input line; its id and groundtruth are handed through.
    `ppl` is null where nothing could be scored."""
    ppl = perplexity if math.isfinite(perplexity) else None
    if task == "material":
        return {"text": whole_text, "ppl": ppl}
    row: dict[str, Any] = {"sequence": whole_text}
    if "id" in given:
        row["id"] = given["id"]
    row["ppl"] = ppl
    if "groundtruth" in given:
        row["groundtruth"] = given["groundtruth"]
    return row
