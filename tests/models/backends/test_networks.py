"""Our forward pass and the one through transformers, logit by logit against the model's own call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from models.backends.llama_like import LlamaLike, covers
from models.backends.network import Network
from models.backends.slots import Places, SlotCache
from models.backends.transformers_network import TransformersNetwork

SMALL = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
SPARSE = {
    **SMALL,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "num_experts": 5,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 24,
}
LONG = {"rope_type": "llama3", "rope_theta": 500_000.0, "factor": 8.0, "low_freq_factor": 1.0}
LONG |= {"high_freq_factor": 4.0, "original_max_position_embeddings": 32}
OURS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", {**SMALL, "num_key_value_heads": 2}),
    "llama with biases": ("llama", {**SMALL, "attention_bias": True, "mlp_bias": True}),
    "llama 3, long context": ("llama", {**SMALL, "num_key_value_heads": 2, "rope_parameters": LONG}),
    "tied embeddings": ("llama", {**SMALL, "tie_word_embeddings": True}),
    "mistral without a window": ("mistral", {**SMALL, "num_key_value_heads": 2, "sliding_window": None}),
    "qwen2": ("qwen2", {**SMALL, "num_key_value_heads": 2}),
    "qwen3": ("qwen3", {**SMALL, "num_key_value_heads": 2, "head_dim": 12}),
    "qwen3_moe": ("qwen3_moe", {**SPARSE, "norm_topk_prob": True}),
    "qwen3_moe, unnormalised, one dense layer": ("qwen3_moe", {**SPARSE, "mlp_only_layers": [0]}),
}
THEIRS: dict[str, tuple[str, dict[str, Any]]] = {
    "mixtral": ("mixtral", {**SMALL, "num_key_value_heads": 2, "num_local_experts": 4, "num_experts_per_tok": 2}),
    "mistral with a window": ("mistral", {**SMALL, "num_key_value_heads": 2, "sliding_window": 8}),
    "dynamic positions": (
        "llama",
        {**SMALL, "rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}},
    ),
    "another activation": ("llama", {**SMALL, "hidden_act": "gelu"}),
    "gpt2": ("gpt2", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}),
}


def build(model_type: str, settings: dict[str, Any]) -> Any:
    ids = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    config = AutoConfig.for_model(model_type, vocab_size=90, initializer_range=0.3, **ids, **settings)
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(config).eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        if name.endswith("bias") or "norm" in name:  # as trained weights are: not all nought or one
            parameter.copy_(parameter + 0.2 * torch.randn_like(parameter))
    return model


def check(network: Network, expected: list[torch.Tensor], sequences: list[list[int]], split: list[int]) -> None:
    """Read the first part of each sequence, then go on token by token; every logit within 1e-4."""
    prompts = [sequence[:at] for sequence, at in zip(sequences, split, strict=True)]
    read = network.read(prompts)
    for at, prompt in enumerate(prompts):
        assert torch.allclose(read.last_logits[at], expected[at][len(prompt) - 1], atol=1e-4, rtol=0)
        log_probs = expected[at].log_softmax(-1)
        own = [float(log_probs[place, prompt[place + 1]]) for place in range(len(prompt) - 1)]
        assert read.token_log_probs[at] == pytest.approx(own, abs=1e-4)
    cache = SlotCache(network.pool)
    cache.reserve(read.keys[0], len(read.keys), len(sequences), max(split))
    cache.write_prompts(0, read.keys, read.values, torch.arange(len(sequences)), max(split))
    for step in range(len(sequences[0]) - max(split)):
        positions = [at + step for at in split]
        cache.reserve(read.keys[0], len(read.keys), len(sequences), max(positions) + 1)
        ids = torch.tensor([sequence[at] for sequence, at in zip(sequences, positions, strict=True)])
        logits = network.step(ids, Places(np.array(positions), cache.n_places, torch.device("cpu")), cache)
        for at, place in enumerate(positions):
            assert torch.allclose(logits[at], expected[at][place], atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", [*OURS, *THEIRS])
def test_logits_equal_transformers(name: str) -> None:
    model = build(*(OURS | THEIRS)[name])
    sequences = torch.randint(3, 90, (3, 40), generator=torch.Generator().manual_seed(3)).tolist()
    with torch.inference_mode():
        expected = list(model(input_ids=torch.tensor(sequences)).logits)
    assert covers(model) == (name in OURS)
    networks: list[Network] = [TransformersNetwork(model), *([LlamaLike(model)] if name in OURS else [])]
    for network in networks:
        check(network, expected, sequences, [20, 4, 11])
        check(network, expected, sequences, [9, 9, 9])
    with torch.inference_mode():
        again = model(input_ids=torch.tensor(sequences)).logits
    assert torch.allclose(again, torch.stack(expected), atol=1e-5), "laying weights side by side changed the model"


def test_a_sequence_does_not_depend_on_what_is_read_beside_it() -> None:
    network = LlamaLike(build(*OURS["qwen3_moe"]))
    short, long = [5, 6, 7], list(range(3, 60))
    together = network.read([short, long])
    for at, sequence in enumerate((short, long)):
        alone = network.read([sequence])
        assert torch.allclose(alone.last_logits[0], together.last_logits[at], atol=1e-5)
