"""Facts of real small checkpoints, and what is read from summaries and corpora for a card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from models.card.facts import model_facts
from models.card.provenance import read_architectures, read_corpus, read_training
from models.errors import ModelInputError

ROW = {"modality": "m", "part": "train", "source": "s", "licence": "MIT", "documents": 1, "tokens": 2}


def test_active_parameters_of_a_sparse_checkpoint(tmp_path: Path) -> None:
    """Counted against the model: all weights but those of the experts that a token does not meet."""
    from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM

    config = Qwen3MoeConfig(
        vocab_size=60, hidden_size=16, intermediate_size=24, moe_intermediate_size=8, num_hidden_layers=3, head_dim=4,
        num_attention_heads=4, num_key_value_heads=2, num_experts=4, num_experts_per_tok=1, tie_word_embeddings=True,
        max_position_embeddings=77,
    )  # fmt: skip
    model = Qwen3MoeForCausalLM(config)
    model.save_pretrained(tmp_path)
    facts = model_facts(tmp_path)
    n_all = sum(parameter.numel() for parameter in model.parameters())
    one_expert = 3 * 16 * 8
    assert (facts["parameters"], facts["active_parameters"]) == (n_all, n_all - 3 * 3 * one_expert)
    assert (facts["experts"], facts["experts_per_token"], facts["context"], facts["layers"]) == (4, 1, 77, 3)


def test_a_dense_checkpoint_is_all_active(our_checkpoint: Path) -> None:
    facts = model_facts(our_checkpoint)
    assert facts["experts"] == 0
    assert facts["active_parameters"] == facts["parameters"] > 0


def written(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_summary_is_completed_where_it_is_silent(tmp_path: Path) -> None:
    given = {"steps": 5, "tokens_seen": 100, "checkpoint": "/there/step-5", "config": {"mixture": {"m": 1.0}}}
    path = written(tmp_path / "finetune" / "summary.json", given)
    found = read_training(path, 7, "a laptop")
    assert "checkpoint" not in found
    assert (found["stage"], found["machine"], found["flops"]) == ("finetune", "a laptop", 6 * 7 * 100)
    assert found["flops_estimated"]
    said = written(path, {**given, "stage": "pretrain", "machine": "a cluster", "flops": 1e9})
    found = read_training(said, 7, "a laptop")
    assert (found["stage"], found["machine"], found["flops"]) == ("pretrain", "a cluster", 1e9)
    assert "flops_estimated" not in found
    samples_only = written(path, {"steps": 5, "samples": 9, "config": {}})
    assert "flops" not in read_training(samples_only, 7)


@pytest.mark.parametrize(
    ("read", "content", "said"),
    [
        (read_corpus, "{", "is not JSON"),
        (read_corpus, [1], "is not a JSON object"),
        (read_corpus, {"table": []}, "is no corpus.json"),
        (read_corpus, {"table": [{**ROW, "licence": "x"}, {"part": "train"}], "dropped": {}}, "lacks modality, source"),
        (lambda path: read_training(path, 1), {"steps": 3}, "is no summary.json"),
        (read_architectures, {"rows": []}, "no comparison of architectures"),
        (read_architectures, "x", "cannot be read as JSON"),
    ],
)
def test_what_is_not_what_it_should_be(tmp_path: Path, read: Any, content: Any, said: str) -> None:
    with pytest.raises(ModelInputError, match=said):
        read(written(tmp_path / "given.json", content))
    with pytest.raises(ModelInputError, match="cannot be read"):
        read(tmp_path / "absent.json")


def test_a_corpus_keeps_what_a_card_needs(tmp_path: Path) -> None:
    overlap = {"m": {"read": 1, "overlapping": 0}}
    given = {"table": [ROW], "dropped": {"r": 1}, "overlap": overlap, "built_in": "/somewhere"}
    found = read_corpus(written(tmp_path / "corpus.json", given))
    assert found == {"table": [ROW], "dropped": {"r": 1}, "overlap": overlap}
