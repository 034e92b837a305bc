"""A small random checkpoint with our tokenizer, written and loaded as a real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def random_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from models.tokenizer import ScientificTokenizer

    folder = tmp_path_factory.mktemp("random")
    tokenizer = ScientificTokenizer.build().fast
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=160,
        initializer_range=0.3,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def random_model(random_checkpoint: Path) -> Any:
    from models.registry import load_generator

    return load_generator(random_checkpoint, "cpu")


@pytest.fixture(scope="session")
def shipped_model() -> Any:
    from models.registry import load_generator

    return load_generator(None, "cpu")
