"""Questions to the model, answers back in order: the one place where evaluations meet a Generator.

Answers are those of `models.inference` (same keys), ranked by perplexity of prompt and answer, lower first (LOGOS's
order), or by the beam's own order where beams are asked for; answers to reaction tasks by their log-probability.
Invalid answers and duplicates are kept in their places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from models.backends.base import Generator
from models.grammar.tasks import Task
from models.inference import RANKED_BY_LOG_PROB, SamplingOptions, answer_inputs, beam_order
from models.task_inputs import Asked, need_task, understand
from tools.evaluation.protocol import Settings


@dataclass(frozen=True, slots=True)
class Question:
    """One prompt. `name` keys the random stream with the seed, so it must be unique in the whole run. `prompt`
    replaces the text that `inputs` would give (another spelling of the same molecule, for example)."""

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
    options = SamplingOptions(
        temperature=settings.temperature,
        top_p=settings.top_p,
        repetition_penalty=settings.repetition_penalty,
        max_new_tokens=settings.max_new_tokens,
        beams=settings.beams,
        constrained=settings.constrained,
    )
    given = list(answer_inputs(generator.generate, name, asked, n=settings.n, seed=settings.seed, options=options))
    groups = [given[start : start + settings.n] for start in range(0, len(given), settings.n)]
    if settings.beams and name not in RANKED_BY_LOG_PROB:
        groups = [beam_order(group) for group in groups]
    return [[answer.row() for answer in group] for group in groups]


def _understood(task: Task, at: int, question: Question) -> Asked:
    one = understand(task, at, {**question.inputs, "id": question.name})
    return one if question.prompt is None else replace(one, prompt=question.prompt)
