"""`organon model card` as a person runs it: results to card, the check, and what it refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.checkpoint import SHIPPED_CHECKPOINT, hash_weights

REACTIONS = "split,reactants,product\ntest,CC(=O)Cl.Nc1ccccc1,CC(=O)Nc1ccccc1\ntest,CCBr.[OH-],CCO\n"
CORPUS = {
    "vocab_size": 9,
    "table": [
        {
            "modality": "reaction",
            "part": "train",
            "source": "chem/uspto.csv.gz",
            "licence": "MIT",
            "documents": 1234,
            "tokens": 56789,
        }
    ],
    "dropped": {"reactions: of a test part": 77},
}
SUMMARY = {
    "steps": 10,
    "tokens_seen": 1000,
    "minutes": 1.5,
    "validation": {"reaction": 0.5},
    "checkpoint": "/somewhere/else",
    "config": {"name": "first", "mixture": {"reaction": 1.0}},
}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED_CHECKPOINT, tmp_path / "weights"))


@pytest.fixture
def results(tmp_path: Path, weights: Path, organon: Callable[..., Any]) -> Path:
    data = tmp_path / "chem" / "reactions.csv"
    data.parent.mkdir()
    data.write_text(REACTIONS)
    out = tmp_path / "results" / "reaction"
    words = ["--n", "5", "--beams", "5", "--max-new-tokens", "20", "--where", "split=test"]
    done = organon("model", "eval", "reaction", "--data", data, "--checkpoint", weights, "--out", out, *words)
    assert done.code == 0, done.err
    return out.parent


def written(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def test_a_card_is_made_from_results(tmp_path: Path, weights: Path, results: Path, organon: Callable[..., Any]) -> None:
    corpus = written(tmp_path / "corpus.json", CORPUS)
    summary = written(tmp_path / "finetune" / "summary.json", SUMMARY)
    rows = written(tmp_path / "controls.json", {"rows": [{"model": "sparse", "loss": 1.25}]})
    done = organon(
        *("model", "card", "--weights", weights, "--eval", results, "--corpus", corpus, "--training", summary),
        *("--architectures", rows, "--title", "Small one"),
    )
    assert done.code == 0, done.err
    n_files = len(list(weights.glob("*.safetensors")))
    assert f"2 figures of {n_files} weight files" in done.out
    text = (weights / "README.md").read_text()
    report = json.loads((results / "reaction" / "reaction.json").read_text())
    value = report["figures"]["top_1"]["value"]
    for part in (
        "# Small one",
        f"| forward reaction, uspto15k_forward test, top-1 | {100 * value:.1f} % [",
        "| `chem/uspto.csv.gz` | reaction | 1,234 | 56,789 | MIT |",
        "| reactions: of a test part | 77 |",
        "| finetune | first | 10 |",
        "| sparse | 1.25 |",
        "**Forward reactions**",
        "unconditional molecules, valid",  # named among the unmeasured
        "organon model eval reaction --data ../shared/data/chem/reactions.csv --where split=test --n 5 --beams 5",
    ):
        assert part in text, part
    assert "/somewhere" not in text + (weights / "figures.json").read_text()
    assert organon("model", "card", "--weights", weights, "--check").code == 0


def test_the_check_tells_what_does_not_agree(weights: Path, organon: Callable[..., Any]) -> None:
    (weights / "README.md").write_text("# A better model\n")
    done = organon("model", "card", "--weights", weights, "--check")
    assert (done.code, done.out) == (1, "README.md is not what figures.json renders to\n")
    assert organon("model", "card", "--weights", weights).code == 0
    assert organon("model", "card", "--weights", weights, "--check").code == 0


def test_results_of_other_weights_are_refused(weights: Path, results: Path, organon: Callable[..., Any]) -> None:
    file = next(weights.glob("*.safetensors"))
    before = hash_weights(weights)
    file.write_bytes(file.read_bytes()[:-1] + b"\x07")
    done = organon("model", "card", "--weights", weights, "--eval", results)
    done.assert_bad_input(f"the report of reaction is of checkpoint {before[:12]}", "evaluate these weights")


def test_bad_input_is_one_line(tmp_path: Path, weights: Path, results: Path, organon: Callable[..., Any]) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    broken = written(tmp_path / "broken.json", {"table": [{"modality": "x"}], "dropped": {}})
    card = ("model", "card", "--weights", weights)
    organon(*card, "--eval", empty).assert_bad_input("holds no report")
    organon(*card, "--corpus", broken).assert_bad_input("give --eval DIR as well")
    organon(*card, "--check", "--eval", results).assert_bad_input("--check writes nothing")
    organon(*card, "--eval", results, "--corpus", broken).assert_bad_input("lacks part, source")
    organon(*card, "--eval", results, "--training", broken).assert_bad_input("no summary.json of a training stage")
    organon(*card, "--eval", results, "--training", tmp_path / "no").assert_bad_input("cannot be read")
    organon("model", "card", "--weights", empty).assert_bad_input("no config.json")
