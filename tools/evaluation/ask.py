"""Questions to the model, answers back in order: the one place where evaluations meet a Generator.

Answers are those of `models.inference` (same keys), ranked by perplexity of prompt and answer, lower first (LOGOS's
order), or by the beam's own order where beams are asked for. Invalid answers and duplicates are kept in their places.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from models.answers import read_answer
from models.backends.base import Generator, Request, Sample
from models.grammar.tasks import STOP, Task
from models.task_inputs import Asked, need_task, understand
from tools.evaluation.protocol import Settings


@dataclass(frozen=True, slots=True)
class Question:
    """One prompt. `name` keys the random stream with the seed, so it must be unique in the whole run. `prompt`
    replaces the text that `inputs` would give (a random spelling of the same molecule, for example)."""

    name: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    prompt: str | None = None


def ask(
    generator: Generator, task: str, questions: Sequence[Question], settings: Settings
) -> list[list[dict[str, Any]]]:
    """`settings.n` answers to each question, best first, in the order of the questions.

    Keys of an answer: rank (from 1), text, valid, reason, log_prob, perplexity, finish_reason, and by task smiles |
    reactants | residues | metals, linkers | sequence | loops. Raises ModelInputError naming the input.
    """
    name = need_task(task)
    asked = [_understood(name, at, question) for at, question in enumerate(questions)]
    samples = generator.generate([_request(name, one, settings) for one in asked])
    collected = _by_request(asked, samples)
    return [_ranked(name, one, collected[one.name], beams=settings.beams > 0) for one in asked]


def _understood(task: Task, at: int, question: Question) -> Asked:
    one = understand(task, at, {**question.inputs, "id": question.name})
    return one if question.prompt is None else replace(one, prompt=question.prompt)


def _request(task: Task, one: Asked, settings: Settings) -> Request:
    stop = STOP[task]
    return Request(
        prompt=one.prompt,
        n=settings.n,
        temperature=settings.temperature,
        top_p=settings.top_p,
        repetition_penalty=settings.repetition_penalty,
        max_new_tokens=settings.max_new_tokens,
        stop=() if stop is None else (stop,),
        seed=settings.seed,
        request_id=one.name,
        beams=settings.beams,
        constrained=settings.constrained,
    )


def _by_request(asked: Sequence[Asked], samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    collected: dict[str, list[Sample]] = {one.name: [] for one in asked}
    for sample in samples:
        collected[sample.request_id].append(sample)
    return collected


def _ranked(task: Task, one: Asked, samples: Sequence[Sample], *, beams: bool) -> list[dict[str, Any]]:
    ordered = sorted(samples, key=lambda s: (0.0 if beams else s.perplexity, s.index))
    answers = []
    for rank, sample in enumerate(ordered, 1):
        answer = read_answer(task, one, sample)
        answers.append(
            {
                "rank": rank,
                "text": sample.text,
                "valid": not answer.reason,
                "reason": answer.reason,
                "log_prob": sample.log_prob,
                "perplexity": sample.perplexity if math.isfinite(sample.perplexity) else None,
                "finish_reason": sample.finish_reason,
                **answer.fields,
            }
        )
    return answers
