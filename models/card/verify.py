"""Does a card belong to the weights beside it? And how it is written, so that it does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from models.card.facts import model_facts
from models.card.markdown import render_card
from models.card.schema import CARD, FIGURES, Card, load_card, render_card_json
from models.errors import CheckpointError
from models.training.export import weight_hashes


def check_card(folder: Path) -> list[str]:
    """What does not agree in a checkpoint directory, a line each; empty where weights, figures and card belong
    together."""
    try:
        card = load_card(folder)
    except CheckpointError as fault:
        return [str(fault)]
    problems = []
    there, stated = weight_hashes(folder), dict(card.weights)
    for name in sorted(there | stated):
        if there.get(name) != stated.get(name):
            problems.append(
                f"{name} has SHA-256 {there.get(name, 'none: no such file')}, {FIGURES} was made with "
                f"{stated.get(name, 'no such file')}"
            )
    if not problems and model_facts(folder) != dict(card.model):
        problems.append(f"{FIGURES} states another shape of the model than config.json and the weights")
    path = folder / CARD
    written = path.read_text(encoding="utf-8") if path.is_file() else ""
    if written != render_card(card):
        problems.append(f"{CARD} is not what {FIGURES} renders to")
    return problems


def write_card(folder: Path, card: Card) -> None:
    """Write figures.json and README.md; CheckpointError where the card is of other weights than the folder's."""
    there = weight_hashes(folder)
    if not there:
        raise CheckpointError(f"{str(folder)!r} holds no *.safetensors weights to make a card for")
    if there != dict(card.weights):
        raise CheckpointError(f"the card's figures are of other weights than those in {str(folder)!r}")
    card = replace(card, model=model_facts(folder))
    for name, text in ((FIGURES, render_card_json(card)), (CARD, render_card(card))):
        try:
            (folder / name).write_text(text, encoding="utf-8")
        except OSError as fault:
            raise CheckpointError(f"cannot write {folder / name}: {fault.strerror or fault}") from fault
