"""From decoded rows to samples: the text, and the perplexity of the whole string.

Where the text of prompt and sample tokenises differently from what was generated (byte-pair tokenizers), the
perplexity is computed anew on those ids, several at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from models.backends.base import Sample
from models.backends.prompts import Prompt
from models.backends.rows import Finished
from models.backends.text_codec import TextCodec

Score = Callable[[list[list[int]]], list[list[float]]]
"""Token sequences to the log-probability of every id but the first of each."""


def build_samples(finished: Sequence[Finished], codec: TextCodec, context: int, score: Score) -> list[Sample]:
    """A sample for each row, in the order given."""
    texts = [codec.decode(_text_ids(row, codec)) for row in finished]
    whole = codec.encode_many([row.row.prompt.request.prompt + text for row, text in zip(finished, texts, strict=True)])
    as_made = [[*row.row.prompt.ids, *_text_ids(row, codec)] for row in finished]
    differing = [at for at, ids in enumerate(whole) if ids != as_made[at]]
    fitting = [at for at in differing if 2 <= len(whole[at]) <= context]
    rescored = dict.fromkeys(differing, math.inf)
    for at, log_probs in zip(fitting, score([whole[at] for at in fitting]) if fitting else [], strict=True):
        rescored[at] = perplexity_of(log_probs)
    return [
        _sample(row, text, rescored.get(at), codec) for at, (row, text) in enumerate(zip(finished, texts, strict=True))
    ]


def perplexity_of(log_probs: Sequence[float]) -> float:
    """exp of the mean negative log-likelihood; infinite where nothing was scored, so that it ranks last."""
    return math.exp(min(-math.fsum(log_probs) / len(log_probs), 700.0)) if log_probs else math.inf


def _sample(finished: Finished, text: str, rescored: float | None, codec: TextCodec) -> Sample:
    in_text = len(_text_ids(finished, codec))
    own = perplexity_of([*finished.prompt_log_probs, *finished.log_probs[:in_text]])
    return Sample(
        request_id=finished.row.prompt.request.request_id,
        index=finished.row.index,
        text=text,
        token_ids=finished.ids,
        log_prob=math.fsum(finished.log_probs),
        sample_log_prob=math.fsum(finished.sample_log_probs),
        perplexity=own if rescored is None else rescored,
        finish_reason=finished.finish_reason,
        rescored=rescored is not None,
    )


def _text_ids(finished: Finished, codec: TextCodec) -> tuple[int, ...]:
    """The ids of the text: all but a final end-of-text, which is in no text unless it is a stop tag asked for."""
    ends = _pure_eos(finished.row.prompt, codec)
    stopped = finished.finish_reason == "stop" and finished.ids[-1] in ends
    return finished.ids[:-1] if stopped else finished.ids


def _pure_eos(prompt: Prompt, codec: TextCodec) -> frozenset[int]:
    return (codec.eos_ids & prompt.stop_ids) - {codec.id_of(tag) for tag in prompt.request.stop}
