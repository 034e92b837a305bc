"""What users are told about the pocket: the card's figure, only where it is of the weights beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from models.card.facts import model_facts
from models.card.schema import FIGURES, Card, CardFigure, render_card_json
from models.pocket_use import pocket_use_of
from models.training.export import weight_hashes


def figure(value: float | None) -> CardFigure:
    return CardFigure(
        label="pocket use",
        group="Ligands",
        value=value,
        low=None if value is None else value - 0.05,
        high=None if value is None else value + 0.05,
        n=80,
        unit="",
        interval="bootstrap over answers",
        protocol="AUROC of log P",
        settings={"seed": 0},
        command="organon model eval ligand",
    )


@pytest.fixture
def with_figure(our_checkpoint: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of a checkpoint with a card beside it that states this pocket use."""

    def make(value: float | None, name: str = "pocket_use_auroc") -> Path:
        folder = tmp_path / "weights"
        shutil.copytree(our_checkpoint, folder, dirs_exist_ok=True)
        card = Card(
            title="small",
            weights=weight_hashes(folder),
            model=model_facts(folder),
            figures={name: figure(value)},
            training=(),
            corpus={},
            failures=(),
        )
        (folder / FIGURES).write_text(render_card_json(card))
        return folder

    return make


def test_below_the_mark_docking_does_the_steering(with_figure: Callable[..., Path]) -> None:
    found = pocket_use_of(with_figure(0.52))
    assert found is not None
    assert not found.steers
    assert "the pocket does not steer generation, docking does (AUROC 0.520 [0.470, 0.570]" in found.sentence
    assert json.loads(json.dumps(found.to_json())) == {
        "auroc": 0.52,
        "low": pytest.approx(0.47),
        "high": pytest.approx(0.57),
        "n": 80,
        "sentence": found.sentence,
        "steers": False,
    }


def test_from_the_mark_on_the_pocket_shifts_what_is_written(with_figure: Callable[..., Path]) -> None:
    found = pocket_use_of(with_figure(0.55))
    assert found is not None
    assert found.steers
    assert "does not steer" not in found.sentence


def test_no_figure_where_none_was_measured_on_these_weights(
    with_figure: Callable[..., Path], our_checkpoint: Path
) -> None:
    assert pocket_use_of(None) is None
    assert pocket_use_of(our_checkpoint) is None
    assert pocket_use_of(with_figure(None)) is None
    assert pocket_use_of(with_figure(0.6, name="other")) is None
    folder = with_figure(0.6)
    assert pocket_use_of(folder) is not None
    weights = next(folder.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes() + b" ")
    assert pocket_use_of(folder) is None
