"""Small random checkpoints, written and read back as real ones: our tokenizer, and a byte-pair one with
LOGOS's tags."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CORPUS = [
    "<MoleculeS>CC(=O)Oc1ccccc1C(=O)O<MoleculeE><ReverseReact><MoleculeS>CC(=O)O<MoleculeE>",
    "<ProteinS>MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ<ProteinE><Search><ProteinS>",
    "<MaterialS><MetalS>[O][Zn]<MetalE><MoleculeS>O=C([O-])c1ccc(C(=O)[O-])cc1<MoleculeE><MaterialE>",
    "the quick brown fox jumps over the lazy dog; 0123456789",
] * 4


def build_bpe_tokenizer(bos: bool = True, more_tags: tuple[str, ...] = ()) -> Any:
    """A byte-level byte-pair tokenizer trained on a few lines, the sixteen tags and `more_tags` added, as a
    released checkpoint has."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    from models.grammar.tags import LOGOS_TAGS

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    specials = ["<|begin_of_text|>", "<|end_of_text|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(CORPUS, trainer)
    if bos:
        backend.post_processor = processors.TemplateProcessing(
            single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", 0)]
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token=specials[1], **({"bos_token": specials[0]} if bos else {})
    )
    tokenizer.add_tokens([*LOGOS_TAGS, *more_tags])
    return tokenizer


def write_checkpoint(folder: Path, tokenizer: Any, *, sharpness: float = 0.35, **config: Any) -> Path:
    """A random Llama of two layers; `sharpness` is the spread of its weights (larger: less uniform
    predictions)."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    settings: dict[str, Any] = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 96,
        "initializer_range": sharpness,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    torch.manual_seed(11)
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **{**settings, **config}))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_qwen3_checkpoint(folder: Path, tokenizer: Any, **config: Any) -> Path:
    """A random Qwen3 of two layers: heads wider than hidden size / heads, norms on queries and keys, no
    begin-of-text."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    settings: dict[str, Any] = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "max_position_embeddings": 160,
        "initializer_range": 0.35,
        "tie_word_embeddings": False,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    torch.manual_seed(12)
    model = Qwen3ForCausalLM(Qwen3Config(vocab_size=len(tokenizer), **{**settings, **config}))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def our_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from models.tokenizer import ScientificTokenizer

    return write_checkpoint(tmp_path_factory.mktemp("ours"), ScientificTokenizer.build().fast)


@pytest.fixture(scope="session")
def bpe_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("bpe"), build_bpe_tokenizer())


@pytest.fixture(scope="session")
def qwen3_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As LOGOS-8B is shaped: a Qwen3 whose tokenizer has no begin-of-text and tags the grammar does not
    know."""
    tokenizer = build_bpe_tokenizer(bos=False, more_tags=("<GenomeS>", "<GenomeE>", "<Predict>"))
    return write_qwen3_checkpoint(tmp_path_factory.mktemp("qwen3"), tokenizer)


@pytest.fixture(scope="session", params=["ours", "bpe"])
def checkpoint(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue(f"{'our' if request.param == 'ours' else 'bpe'}_checkpoint")
    return folder


@pytest.fixture(scope="session")
def load() -> Callable[..., Any]:
    from models.backends.loading import load_causal_lm

    return load_causal_lm
