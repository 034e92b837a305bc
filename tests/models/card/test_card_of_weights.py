"""The shipped card is of the shipped weights: hashes, every number, and a sample of the runs behind them done again."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from models.card.figure_table import format_figure
from models.card.schema import CARD, FIGURES, load_card, parse_card, render_card_json
from models.card.verify import check_card, write_card
from models.checkpoint import SHIPPED_CHECKPOINT
from models.errors import CheckpointError
from models.training.export import weight_hashes


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED_CHECKPOINT, tmp_path / "weights"))


def change_byte(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def test_weights_figures_and_card_belong_together() -> None:
    assert check_card(SHIPPED_CHECKPOINT) == []
    card = load_card(SHIPPED_CHECKPOINT)
    assert dict(card.weights) == weight_hashes(SHIPPED_CHECKPOINT)
    assert card.figures
    assert parse_card(render_card_json(card)) == card


def test_every_number_of_the_tables_is_a_figure() -> None:
    figures = {one.label: one for one in load_card(SHIPPED_CHECKPOINT).figures.values()}
    text = (SHIPPED_CHECKPOINT / CARD).read_text(encoding="utf-8")
    section = text.partition("\n## Figures\n")[2].partition("\n## Training\n")[0].partition("### Beside published")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    rows = [row for row in rows if row[0] != "figure"]
    assert {row[0] for row in rows} == set(figures)
    for label, measured, n, *_ in rows:
        assert measured == format_figure(figures[label])
        assert n == f"{figures[label].n:,}"
        assert (figures[label].value is None) == (not re.search(r"\d", measured))


def test_one_changed_byte_of_the_weights_is_found(copied: Path) -> None:
    file = next(copied.glob("*.safetensors"))
    change_byte(file, file.stat().st_size - 3)
    (problem,) = check_card(copied)
    assert problem.startswith(f"{file.name} has SHA-256")
    with pytest.raises(CheckpointError, match="of other weights than those"):
        write_card(copied, load_card(copied))


def test_one_changed_digit_of_the_card_is_found(copied: Path) -> None:
    text = (copied / CARD).read_text(encoding="utf-8")
    at = text.index(" %", text.index("## Figures")) - 1
    (copied / CARD).write_text(f"{text[:at]}{(int(text[at]) + 1) % 10}{text[at + 1 :]}", encoding="utf-8")
    assert check_card(copied) == [f"{CARD} is not what {FIGURES} renders to"]
    write_card(copied, load_card(copied))
    assert check_card(copied) == []
    assert (copied / CARD).read_text(encoding="utf-8") == text


def test_one_changed_number_of_the_figures_is_found(copied: Path) -> None:
    given = json.loads((copied / FIGURES).read_text(encoding="utf-8"))
    figure = next(iter(given["figures"].values()))
    figure["value"] = figure["value"] * 0.9
    (copied / FIGURES).write_text(json.dumps(given), encoding="utf-8")
    assert check_card(copied) == [f"{CARD} is not what {FIGURES} renders to"]


def test_other_files_are_found(copied: Path) -> None:
    config = json.loads((copied / "config.json").read_text(encoding="utf-8"))
    (copied / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 77}), encoding="utf-8")
    assert check_card(copied) == [f"{FIGURES} states another shape of the model than config.json and the weights"]
    (copied / FIGURES).unlink()
    (problem,) = check_card(copied)
    assert "cannot be read" in problem
    for file in list(copied.glob("*.safetensors")):
        file.rename(file.with_suffix(".bin"))
    with pytest.raises(CheckpointError, match="holds no"):
        write_card(copied, load_card(SHIPPED_CHECKPOINT))


def test_the_card_leaks_no_path_of_the_machine() -> None:
    for name in (CARD, FIGURES):
        assert not re.search(
            r"(?:^|[\s\"'`=(:])/(?:work|home|root|tmp|Users)/", (SHIPPED_CHECKPOINT / name).read_text()
        )


def test_the_stated_validity_is_what_the_weights_do(tmp_path: Path) -> None:
    """The first 256 samples of the card's own run again. Six standard errors of slack, since they are a part of it and
    other processors round differently; a card of other weights, or a made-up number, is further off."""
    from models.registry import load_generator
    from tools.evaluation.protocol import Setup
    from tools.evaluation.registry import load_evaluator
    from tools.evaluation.run import run_evaluation, settings_for

    figure = load_card(SHIPPED_CHECKPOINT).figures["molecule_valid"]
    reference = tmp_path / "reference.smi"
    reference.write_text("CCO\nc1ccccc1O\n")
    evaluator = load_evaluator("molecule")
    settings = settings_for(evaluator, {"n": 256}, {})
    report = run_evaluation(evaluator, Setup(load_generator(SHIPPED_CHECKPOINT, "cpu"), settings, reference))
    assert figure.value is not None
    error = (max(0.01, figure.value * (1 - figure.value)) / 256) ** 0.5
    assert abs(report["figures"]["validity"]["value"] - figure.value) < 6 * error
