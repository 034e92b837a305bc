"""Plain inputs to ranked, parsed, checked outputs: what `organon model generate --task T` does for each line.

Samples of one input are ranked by LOGOS's perplexity, lower first, duplicates and invalid ones kept. What
counts as valid is told in `models.answers`, what an input may say in `models.task_inputs`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.answers import read_answer
from models.backends.base import Request, Sample
from models.grammar.tasks import STOP, Task
from models.task_inputs import Asked, need_task, understand


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """The defaults are the decoding settings of LOGOS's inference scripts; the length (tokens) is ours."""

    temperature: float = 1.2
    top_p: float = 0.85
    repetition_penalty: float = 1.05
    max_new_tokens: int = 256


def generate_for_task(
    generate: Callable[[Sequence[Request]], Iterable[Sample]],
    task: str,
    inputs: Iterable[Mapping[str, Any]],
    *,
    n: int = 10,
    seed: int = 0,
    options: SamplingOptions | None = None,
) -> Iterator[dict[str, Any]]:
    """JSON-ready answers, `n` for each input: inputs in their order, each one's answers by rank (from 1).

    `generate` is a Generator's `generate` or a ModelWorker's `submit`. Keys of an answer: id, task, rank,
    text (the generated part), valid, reason (why not), log_prob, perplexity, finish_reason, and by task
    smiles | reactants | residues | metals, linkers | sequence | loops. Raises ModelInputError naming the
    input and the fix before anything is generated.
    """
    name = need_task(task)
    asked = [understand(name, at, given) for at, given in enumerate(inputs)]
    chosen = options or SamplingOptions()
    stop = STOP[name]
    requests = [
        Request(
            prompt=one.prompt,
            n=n,
            temperature=chosen.temperature,
            top_p=chosen.top_p,
            repetition_penalty=chosen.repetition_penalty,
            max_new_tokens=chosen.max_new_tokens,
            stop=() if stop is None else (stop,),
            seed=seed,
            request_id=one.name,
        )
        for one in asked
    ]
    return _answers(name, {one.name: one for one in asked}, generate(requests), n)


def _answers(task: Task, asked: Mapping[str, Asked], samples: Iterable[Sample], n: int) -> Iterator[dict[str, Any]]:
    """Answers in the order of the inputs: an input that finishes early waits for those before it."""
    collected: dict[str, list[Sample]] = {name: [] for name in asked}
    left = list(asked)
    for sample in samples:
        collected[sample.request_id].append(sample)
        while left and len(collected[left[0]]) == n:
            name = left.pop(0)
            yield from _ranked(task, asked[name], collected.pop(name))


def _ranked(task: Task, one: Asked, samples: Sequence[Sample]) -> Iterator[dict[str, Any]]:
    ordered = sorted(samples, key=lambda sample: (sample.perplexity, sample.index))
    for rank, sample in enumerate(ordered, 1):
        answer = read_answer(task, one, sample)
        yield {
            "id": one.name,
            "task": task,
            "rank": rank,
            "text": sample.text,
            "valid": not answer.reason,
            "reason": answer.reason,
            "log_prob": sample.log_prob,
            "perplexity": sample.perplexity if math.isfinite(sample.perplexity) else None,
            "finish_reason": sample.finish_reason,
            **answer.fields,
        }
