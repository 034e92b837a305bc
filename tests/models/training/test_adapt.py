"""Tuning on scored texts: what is weighted becomes likelier, and the same seed gives the same file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from models.errors import ModelInputError
from models.registry import load_generator
from models.tokenizer import ScientificTokenizer
from models.training.adapt import adapt

GOOD = "<MoleculeS>COc1ccccc1<MoleculeE>"
OTHER = "<MoleculeS>CC(=O)NCCN<MoleculeE>"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    tokenizer = ScientificTokenizer.build()
    config = LlamaConfig(
        vocab_size=tokenizer.vocab_size,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=128,
        bos_token_id=tokenizer.bos_id,
        eos_token_id=tokenizer.eos_id,
        pad_token_id=tokenizer.pad_id,
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path / "prior")
    tokenizer.save(tmp_path / "prior")
    return tmp_path / "prior"


def log_probs(folder: Path) -> tuple[float, float]:
    good, other = load_generator(folder, "cpu").score([GOOD, OTHER])
    return good.log_prob, other.log_prob


def test_a_weighted_text_becomes_likelier_than_one_that_is_not_shown(checkpoint: Path, tmp_path: Path) -> None:
    before = log_probs(checkpoint)
    tuned = adapt(checkpoint, [(GOOD, 1.0)], [], tmp_path / "tuned", steps=20, learning_rate=1e-3, seed=1)
    after = log_probs(tuned)
    assert after[0] - before[0] > after[1] - before[1] + 1.0


def test_weights_decide_between_examples(checkpoint: Path, tmp_path: Path) -> None:
    examples = [(GOOD, 0.95), (OTHER, 0.05)]
    tuned = adapt(checkpoint, examples, [], tmp_path / "tuned", steps=20, learning_rate=1e-3, seed=1)
    good, other = (b - a for a, b in zip(log_probs(checkpoint), log_probs(tuned), strict=True))
    assert good > other


def test_the_same_seed_gives_the_same_weights(checkpoint: Path, tmp_path: Path) -> None:
    folders = [adapt(checkpoint, [(GOOD, 1.0)], [OTHER], tmp_path / name, steps=3, seed=5) for name in "ab"]
    contents = [(folder / "model.safetensors").read_bytes() for folder in folders]
    assert contents[0] == contents[1]


def test_nothing_to_learn_from_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelInputError, match="at least one example"):
        adapt(checkpoint, [], [], tmp_path / "tuned")
    with pytest.raises(ModelInputError, match="weight above 0"):
        adapt(checkpoint, [(GOOD, 0.0)], [], tmp_path / "tuned")
