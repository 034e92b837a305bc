"""log P(text | prompt) of the unmodified model: the number behind "does what it was given steer it?"."""

from __future__ import annotations

from collections.abc import Sequence

from models.backends.base import Generator
from models.errors import ModelInputError


def score_continuations(generator: Generator, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """Natural log-probability, summed over tokens, of each continuation after its prompt (prompt, continuation).

    Computed as log P(prompt + continuation) - log P(prompt), each prompt scored once. Exact where the prompt's tokens
    begin those of the whole text, which tags guarantee (they are single tokens); ModelInputError otherwise, and for
    texts beyond the model's context.
    """
    if not pairs:
        return []
    prompts = list(dict.fromkeys(prompt for prompt, _ in pairs))
    heads = dict(zip(prompts, generator.score(prompts), strict=True))
    wholes = generator.score([prompt + continuation for prompt, continuation in pairs])
    found = []
    for (prompt, continuation), whole in zip(pairs, wholes, strict=True):
        head = heads[prompt]
        if whole.token_ids[: len(head.token_ids)] != head.token_ids:
            raise ModelInputError(
                f"the tokens of {continuation!r} run into those of its prompt; end the prompt at a tag"
            )
        found.append(whole.log_prob - head.log_prob)
    return found
