"""Curves of every stage's log, and clear words where there is nothing to draw."""

import json
from xml.etree import ElementTree

import pytest

from models.errors import ModelInputError
from models.training.plots import panels_of, read_log, try_write_curves, write_curves

PRETRAIN = [
    {"step": 10, "tokens": 100, "minutes": 0.1, "loss": 3.0, "tokens_per_second": 900, "learning_rate": 1e-3},
    {"step": 20, "tokens": 200, "minutes": 0.2, "loss": 2.0, "tokens_per_second": 950, "learning_rate": 2e-3},
    {"step": 20, "tokens": 200, "minutes": 0.2, "validation": {"molecule": 2.1, "reaction": 1.9}},
]
REINFORCE = [
    {"step": 1, "reward": 0.1, "worth": {"molecule": 0.1}, "rewards": {"molecule.drug_like": 0.1}, "unique": 1.0},
    {"step": 3, "reward": 0.9, "worth": {"molecule": 0.9}, "rewards": {"molecule.drug_like": 0.9}, "unique": 0.8},
    {"step": 2, "reward": 0.5, "worth": {"molecule": 0.5}, "diversity": None, "kl": 0.1, "valid": {"molecule": 0.7}},
    {"step": 3, "reward": 0.7, "kl": 0.2, "config": "not a figure"},
]


def write_log(folder, rows):
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_panels_hold_what_the_log_says(tmp_path):
    write_log(tmp_path, REINFORCE)
    panels = {panel.title: panel.curves for panel in panels_of(read_log(tmp_path / "log.jsonl"))}
    assert panels["reward of the samples"] == {
        "reward": [(1, 0.1), (2, 0.5), (3, 0.7)],  # in order; the later row of a repeated step counts
        "molecule": [(1, 0.1), (2, 0.5), (3, 0.9)],
    }
    assert panels["uniqueness and diversity"] == {"unique": [(1, 1.0), (3, 0.8)]}
    assert len(panels) == 5


@pytest.mark.parametrize("rows", [PRETRAIN, REINFORCE])
def test_an_svg_with_a_panel_for_each_figure(tmp_path, rows):
    write_log(tmp_path, rows)
    text = write_curves(tmp_path).read_text()
    assert ElementTree.fromstring(text).tag.endswith("svg")
    for panel in panels_of(rows):
        assert panel.title in text
    assert write_curves(tmp_path, "curves.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_drawn_is_one_clear_line(tmp_path):
    with pytest.raises(ModelInputError, match="give the --out folder of a training run"):
        write_curves(tmp_path)
    write_log(tmp_path, [{"step": 1, "minutes": 2}])
    with pytest.raises(ModelInputError, match="nothing to draw"):
        write_curves(tmp_path)
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n{"st')
    with pytest.raises(ModelInputError, match="line 2 is not JSON"):
        write_curves(tmp_path)
    (tmp_path / "log.jsonl").write_text("[1]\n")
    said: list[str] = []
    try_write_curves(tmp_path, said.append)
    assert "line 1 is no row of a training log" in said[0]
