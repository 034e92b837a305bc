"""Tune a checkpoint on a few scored texts: weighted likelihood, held near the prior by replaying its own samples.

The loss is  sum_i w_i NLL(x_i) / sum_i w_i  +  replay_weight * mean NLL(replay): the replayed texts are samples of the
untuned model, so that the second term is, up to a constant, the divergence of the tuned model from it (experience
replay; compare Olivecrona 2017, 10.1186/s13321-017-0235-x). Each call starts a fresh optimiser. Not promised: that
more steps are better; with tens of examples a few dozen steps already memorise.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM

from models.errors import ModelInputError
from models.tokenizer import ScientificTokenizer

IGNORED = -100


def adapt(
    checkpoint: Path,
    examples: Sequence[tuple[str, float]],
    replay: Sequence[str],
    out: Path,
    *,
    steps: int = 30,
    batch_size: int = 16,
    learning_rate: float = 1e-4,
    replay_weight: float = 0.5,
    seed: int = 0,
) -> Path:
    """Write a tuned copy of `checkpoint` to `out` and return it. `examples` are (grammar text, weight > 0)."""
    if not examples or any(weight <= 0 for _, weight in examples):
        raise ModelInputError("adapt needs at least one example, each with a weight above 0")
    tokenizer = ScientificTokenizer.load(checkpoint)
    model = AutoModelForCausalLM.from_pretrained(
        checkpoint, local_files_only=True, use_safetensors=True, dtype=torch.float32
    )
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.0)
    weights = torch.tensor([weight for _, weight in examples])
    model.train()
    for _ in range(steps):
        chosen = torch.multinomial(weights, batch_size, replacement=True, generator=generator)
        loss = _mean_nll(model, tokenizer, [examples[int(i)][0] for i in chosen])
        if replay:
            again = torch.randint(len(replay), (batch_size,), generator=generator)
            loss = loss + replay_weight * _mean_nll(model, tokenizer, [replay[int(i)] for i in again])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    model.save_pretrained(out, safe_serialization=True)
    tokenizer.save(out)
    return out


def _mean_nll(model: torch.nn.Module, tokenizer: ScientificTokenizer, texts: Sequence[str]) -> torch.Tensor:
    """Mean over texts of the mean negative log-likelihood of their tokens; texts start with begin-of-text and end
    with end-of-text, as in pre-training."""
    rows = [[tokenizer.bos_id, *tokenizer.encode(text), tokenizer.eos_id] for text in texts]
    length = max(map(len, rows))
    ids = torch.tensor([row + [tokenizer.pad_id] * (length - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1]
    labels = torch.where(mask[:, 1:] == 1, ids[:, 1:], IGNORED)
    losses = functional.cross_entropy(logits.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none")
    return (losses.sum(1) / mask[:, 1:].sum(1)).mean()
