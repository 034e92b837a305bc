"""What `benchmarks/generation.py` generates from: checkpoints of stated shapes with random weights, and prompts.

Random weights emit ids that no real tokenizer would have produced together, so that nearly every text would have to
be scored anew on other ids and the figures would be about that. `build_fixed_width_tokenizer` makes a vocabulary of
any size in which every id is a word of the same width: text to ids and back is exact for whatever is drawn.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from models.backends.base import Request
from models.grammar.objects import Protein
from models.grammar.tags import LOGOS_TAGS
from models.grammar.tasks import prompt_for

# Dihydrofolate reductase of E. coli, UniProt P0ABQ4, 159 residues.
DHFR = (
    "MISLIAALAVDRVIGMENAMPWNLPADLAWFKRNTLNKPVIMGRHTWESIGRPLPGRKNIILSSQPGTDDRVTWVKSVDEAIAACGDVPEIMVIGGGRVYEQFLPKAQKLYL"
    "THIDAEVEGDTHFPDYEPDDWESVFSEFHDADAQNSHSYCFEILERR"
)
# Its methotrexate site, numbered from 1: I5 A6 A7 M20 D27 L28 F31 K32 S49 I50 L54 R57 I94 Y100 T113.
_SITE = (5, 6, 7, 20, 27, 28, 31, 32, 49, 50, 54, 57, 94, 100, 113)
DHFR_POCKET = tuple(at - 1 for at in _SITE)

_STARTS = ("C", "CC", "N", "O", "c1ccccc1", "C1CCCCC1", "n1ccccc1", "CC(C)", "CN", "CO", "Cc1ccc(", "C1CCNCC1", "CS",
           "O=C(", "FC(F)(F)", "c1ccncc1", "C1CC1", "CCO", "CC(=O)", "NC(=O)", "Cn1cccc1", "Clc1ccccc1")  # fmt: skip
_NEXT = ("", "C", "N", "O", "CC", "CN", "CO", "CCC", "c1ccccc1", "C(C)", "N(C)", "OC", "CCN", "CCO", "C(=O)",
         "C(=O)N", "S", "CF", "NC", "C(N)", "OCC", "CCCC", "NCC", "SC", "C(O)")  # fmt: skip

TEMPERATURE, TOP_P, REPETITION_PENALTY = 1.2, 0.85, 1.05

SHAPES: dict[str, dict[str, Any]] = {
    "1b": {
        "model_type": "llama",
        "vocab_size": 128_256,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 64,
        "tie_word_embeddings": True,
    },
    "qwen3_moe": {
        "model_type": "qwen3_moe",
        "vocab_size": 4096,
        "hidden_size": 256,
        "intermediate_size": 704,
        "moe_intermediate_size": 192,
        "num_hidden_layers": 6,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 32,
        "num_experts": 16,
        "num_experts_per_tok": 4,
        "tie_word_embeddings": False,
    },
    "tiny": {
        "model_type": "llama",
        "vocab_size": 512,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "tie_word_embeddings": True,
    },
}
_CONTEXT = 1024
_WIDTH = 6
"""Letters of a word of the fixed-width tokenizer, the "w" in front included."""


def write_random_checkpoint(folder: Path, shape: str, *, seed: int = 11) -> Path:
    """A checkpoint of `SHAPES[shape]` with random bf16 weights and a tokenizer of fixed-width words."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    settings = dict(SHAPES[shape])
    tokenizer = build_fixed_width_tokenizer(settings["vocab_size"])
    ids = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    config = AutoConfig.for_model(**settings, **ids, max_position_embeddings=_CONTEXT, dtype=torch.bfloat16)
    torch.manual_seed(seed)
    AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def build_fixed_width_tokenizer(n_ids: int) -> Any:
    """Begin, end and padding, LOGOS's tags, the printable ASCII characters but "w", then "w00000", "w00001", ..."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    specials = ["<pad>", "<bos>", "<eos>"]
    plain = [*specials, *LOGOS_TAGS, *(chr(code) for code in range(33, 127) if chr(code) != "w")]
    words = [f"w{number:0{_WIDTH - 1}x}" for number in range(n_ids - len(plain))]
    vocabulary = {word: at for at, word in enumerate([*plain, *words])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
    pieces = f"w[0-9a-f]{{{_WIDTH - 1}}}|[!-~]"
    backend.pre_tokenizer = pre_tokenizers.Split(Regex(pieces), behavior="isolated")
    backend.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token=specials[0], bos_token=specials[1], eos_token=specials[2]
    )
    tokenizer.add_tokens([*LOGOS_TAGS], special_tokens=False)
    return tokenizer


def ask(
    prompt: str,
    tokens: int,
    *,
    n: int = 1,
    seed: int = 0,
    request_id: str = "0",
    stop: tuple[str, ...] = (),
    ignore_eos: bool = False,
) -> Request:
    """A request with LOGOS's sampling settings, the ones of every arm."""
    return Request(
        prompt,
        n=n,
        temperature=TEMPERATURE,
        top_p=TOP_P,
        repetition_penalty=REPETITION_PENALTY,
        max_new_tokens=tokens,
        stop=stop,
        seed=seed,
        request_id=request_id,
        ignore_eos=ignore_eos,
    )


def speed_prompts() -> dict[str, str]:
    """The two prompts of the speed figures: one tag, and a protein with its pocket marked."""
    return {
        "unconditional": prompt_for("molecule"),
        "pocket": prompt_for("ligand", proteins=Protein(DHFR, DHFR_POCKET)),
    }


def short_prompts(n: int) -> list[str]:
    """`n` different starts of molecules."""
    pairs = itertools.product(_NEXT, _STARTS)
    prompts = list(dict.fromkeys(prompt_for("molecule", prefix=start + more) for more, start in pairs))
    if n > len(prompts):
        raise ValueError(f"there are {len(prompts)} short prompts, {n} asked for")
    return prompts[:n]


def mixed_requests(n: int, lengths: tuple[int, int], *, seed: int = 3) -> list[Request]:
    """`n` requests of one sample each, of lengths drawn evenly from `lengths` (tokens, both ends included)."""
    drawn = np.random.default_rng(seed).integers(lengths[0], lengths[1] + 1, n)
    return [
        ask(prompt, int(length), seed=seed, request_id=str(at), ignore_eos=True)
        for at, (prompt, length) in enumerate(zip(short_prompts(n), drawn, strict=True))
    ]
