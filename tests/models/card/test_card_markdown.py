"""The card as text: what a number makes it say, and that every part of the data is on it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from models.card.figure_table import format_figure, steering_sentence, verdict
from models.card.markdown import render_card
from models.card.schema import Card, CardFigure, Failure, Published, parse_card, render_card_json
from models.errors import CheckpointError

FIGURE = CardFigure(
    label="molecules, valid",
    group="Molecules",
    value=0.951,
    low=0.94,
    high=0.96,
    n=1000,
    unit="share",
    interval="Wilson",
    protocol="share of samples that RDKit sanitises whole",
    settings={
        "n": 1000,
        "temperature": 1.0,
        "seed": 0,
        "limit": None,
        "options": {},
        "where": {"split": "test"},
        "cases": 1000,
        "not_computable": 7,
    },
    command="organon model eval molecule --data x.smi --n 1000",
    at_least=0.95,
    stretch=0.98,
    beside={"chance": 0.5},
    published=(Published("CharRNN", 0.975, "MOSES", "other data"),),
)
POCKET = replace(FIGURE, label="pocket use", group="Ligands", unit="", value=0.504, low=0.43, high=0.58, published=())
ROW = {
    "modality": "molecule",
    "part": "train",
    "source": "chem/zinc.smi.gz",
    "licence": "MIT",
    "documents": 1000,
    "tokens": 9000,
}
HELD_OUT = {**ROW, "modality": "pocket", "part": "valid", "source": "chem/p.jsonl.gz", "licence": "CC0"}
CARD = Card(
    title="Test model",
    weights={"model.safetensors": "ab" * 32},
    model={
        "architecture": "Qwen3MoeForCausalLM",
        "parameters": 24_000_000,
        "active_parameters": 6_000_000,
        "megabytes": 48.0,
        "files": 4,
        "dtype": "BF16",
        "layers": 6,
        "width": 256,
        "heads": 4,
        "experts": 8,
        "experts_per_token": 2,
        "context": 512,
        "vocabulary": 600,
    },
    figures={"molecule_valid": FIGURE, "pocket_use_auroc": POCKET},
    training=(
        {
            "stage": "pretrain",
            "steps": 100,
            "tokens_seen": 2_000_000,
            "minutes": 70.0,
            "processes": 3,
            "flops": 7.2e13,
            "flops_estimated": True,
            "validation": {"molecule": 0.66},
            "config": {"name": "first", "mixture": {"molecule": 3.0, "protein": 1.0}},
        },
        {
            "stage": "reinforce",
            "steps": 20,
            "samples": 1600,
            "minutes": 5.5,
            "stopped": "valid share below its floor",
            "before": {"reward": 0.5, "validation": {"molecule": 0.66}},
            "after": {"reward": 0.625, "validation": {"molecule": 0.67}},
            "config": {"tasks": {"molecule": 8}},
        },
    ),
    corpus={
        "table": [ROW, {**ROW, "part": "valid"}, HELD_OUT],
        "dropped": {"like a test chain": 1234, "nothing": 0},
        "overlap": {"pocket": {"read": 6467, "overlapping": 0}},
    },
    failures=(Failure("Molecules", "<MoleculeS>", "C1CC`x`", "unclosed ring"),),
    unmeasured=("samples in the asked logP bin",),
)


def test_the_data_survive_the_file() -> None:
    assert parse_card(render_card_json(CARD)) == CARD
    with pytest.raises(CheckpointError, match="not what the card command writes"):
        parse_card("{}")


def test_the_card_carries_every_part() -> None:
    text = render_card(CARD)
    for part in (
        "license: apache-2.0",
        "library_name: transformers",
        "- zinc",
        "- mixture-of-experts",
        "# Test model",
        f"- `model.safetensors` SHA-256 `{'ab' * 32}`",
        "8 experts a layer, 2 used by each token (6,000,000 parameters active)",
        "24,000,000 parameters, stored as BF16 in 48.0 MB, 4 files",
        "## Intended use",
        "Not for:",
        "| molecules, valid | 95.1 % [94.0, 96.0] | 1,000 | 95.0 % / 98.0 % | reached, the interval reaches across |",
        "Beside it: chance 50.0 %",
        "- Settings: n 1000, temperature 1.0, seed 0, split test, 7 of 1,000 cases not computable",
        "The weights have the repository's licence, Apache-2.0.",
        "| molecules, valid | 95.1 % [94.0, 96.0] | CharRNN 97.5 % | MOSES | other data |",
        "Asked for and **not measured**: samples in the asked logP bin.",
        "| pretrain | first | 100 | 2.0 million |  | 70 | 476 | 3 | 7.2e+13 |",
        "| reinforce |  | 20 |  | 1,600 | 5.5 |",
        "Stage reinforce was stopped: valid share below its floor.",
        "| reward | 0.5 | 0.625 |",
        "| validation molecule | 0.66 | 0.67 |",
        "| molecule | 75.0 % | 0.66 |",
        "| `chem/zinc.smi.gz` | molecule | 1,000 | 9,000 | MIT |",
        "| `chem/p.jsonl.gz` | pocket (validation) | 0 | 0 | CC0 |",
        "| like a test chain | 1,234 |",
        "| pocket | 6,467 | 0 |",
        "- asked `<MoleculeS>`, wrote `C1CC'x'`: unclosed ring",
        "organon model eval molecule --data x.smi --n 1000",
    ):
        assert part in text
    assert "| nothing |" not in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_front_matter_is_yaml_of_the_hub() -> None:
    import yaml
    from huggingface_hub import ModelCard

    _, front, _ = render_card(CARD).split("---\n", 2)
    assert set(yaml.safe_load(front)) == {"license", "library_name", "pipeline_tag", "tags", "datasets"}
    data = ModelCard(render_card(CARD)).data
    assert (data.license, data.library_name, data.datasets) == ("apache-2.0", "transformers", ["p", "zinc"])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.504, "the pocket does not steer generation, docking does"),
        (0.5499, "the pocket does not steer generation, docking does"),
        (0.55, "the pocket shifts what is written"),
        (None, "was not measured"),
    ],
)
def test_the_card_says_whether_the_pocket_steers(value: float | None, said: str) -> None:
    figures = {"pocket_use_auroc": replace(POCKET, value=value)}
    assert said in steering_sentence(figures)
    assert said in render_card(replace(CARD, figures=figures))
    assert ("does not steer" in steering_sentence(figures)) == (value is not None and value < 0.55)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "reached, the interval reaches across"),
        ({"low": 0.955}, "reached"),
        ({"value": 0.985, "low": 0.981, "high": 0.99}, "stretch reached"),
        ({"value": 0.93, "high": 0.94, "low": 0.92}, "missed"),
        ({"value": 0.93, "high": 0.955, "low": 0.92}, "missed, the interval reaches across"),
        ({"value": None, "low": None, "high": None}, "not computed"),
        ({"at_least": None}, ""),
        ({"better": "lower", "value": 3.2, "low": 3.1, "high": 3.3, "at_least": 3.5, "stretch": 3.0}, "reached"),
        ({"better": "lower", "value": 3.7, "low": 3.6, "high": 3.8, "at_least": 3.5, "stretch": 3.0}, "missed"),
    ],
)
def test_hit_or_miss_in_plain_words(change: dict[str, Any], said: str) -> None:
    assert verdict(replace(FIGURE, **change)) == said


def test_missed_thresholds_are_named_at_the_top() -> None:
    missed = replace(FIGURE, value=0.5, low=0.4, high=0.6)
    text = render_card(replace(CARD, figures={"molecule_valid": missed}))
    assert "Of 1 thresholds asked of this checkpoint 0 were reached; **missed: molecules, valid**." in text


def test_numbers_keep_their_unit() -> None:
    assert format_figure(POCKET) == "0.504 [0.430, 0.580]"
    assert format_figure(replace(FIGURE, low=None)) == "95.1 %"
    assert format_figure(replace(POCKET, value=19.44, low=None)) == "19.4"


def test_an_empty_card_says_what_is_not_known() -> None:
    text = render_card(replace(CARD, figures={}, training=(), corpus={}, failures=()))
    assert "None was measured." in text
    assert text.count("Not recorded.") == 2
    assert "was not measured; let docking decide" in text
    assert not re.search(r"None(?! was)", text)
