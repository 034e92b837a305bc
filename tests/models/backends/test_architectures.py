"""The same decode loop on other shapes than Llama's: log-probabilities against each model's own forward
pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from models.backends.base import Request
from models.errors import CheckpointError
from models.tokenizer import ScientificTokenizer

SMALL = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
SHAPES: dict[str, dict[str, Any]] = {
    "qwen3": {**SMALL, "num_key_value_heads": 2, "head_dim": 12},
    "qwen3_moe": {
        **SMALL,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 24,
    },
    "mixtral": {**SMALL, "num_key_value_heads": 2, "num_local_experts": 4, "num_experts_per_tok": 2},
    "mistral": {**SMALL, "num_key_value_heads": 2, "sliding_window": 8},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64},
}
PROMPTS = ["<MoleculeS>", "<ProteinS>MKTAYIAKQRQISFVK<ProteinE><MoleculeS>"]


def write(folder: Path, model_type: str, settings: dict[str, Any]) -> Path:
    tokenizer = ScientificTokenizer.build()
    ids = {"bos_token_id": tokenizer.bos_id, "eos_token_id": tokenizer.eos_id, "pad_token_id": tokenizer.pad_id}
    config = AutoConfig.for_model(model_type, vocab_size=tokenizer.vocab_size, initializer_range=0.3, **ids, **settings)
    torch.manual_seed(4)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save(folder)
    return folder


@pytest.mark.parametrize("model_type", SHAPES)
def test_log_probabilities_equal_the_models_own(model_type: str, tmp_path: Path, load: Callable[..., Any]) -> None:
    folder = write(tmp_path, model_type, SHAPES[model_type])
    model = load(folder, device="cpu")
    reference = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    asked = [Request(prompt, n=5, max_new_tokens=20, request_id=str(at)) for at, prompt in enumerate(PROMPTS)]
    samples = list(model.generate(asked))
    assert len(samples) == 10
    for sample in samples:
        prompt = model.codec.encode(PROMPTS[int(sample.request_id)])
        ids = prompt + list(sample.token_ids)
        with torch.no_grad():
            table = reference(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        expected = sum(float(table[at - 1, ids[at]]) for at in range(len(prompt), len(ids)))
        assert sample.log_prob == pytest.approx(expected, abs=2e-4)
    alone = {s.index: s.token_ids for s in model.generate(asked[:1])}
    assert alone == {s.index: s.token_ids for s in samples if s.request_id == "0"}


def test_an_architecture_without_a_key_value_cache_is_refused(tmp_path: Path, load: Callable[..., Any]) -> None:
    folder = write(tmp_path, "mamba", {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4})
    with pytest.raises(CheckpointError, match="mamba"):
        load(folder, device="cpu")
