"""Answers to reaction inputs asked in several spellings: one ranking by votes for each input.

What `organon model generate --augment` does; the evaluations vote by the same function (`voting.vote`). Every
spelling gets `n` answers, and the best `n` distinct candidates are given back, so that an input may have fewer than
`n`. An input without any candidate gives the first answer as it is, so that the reason is seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from models.grammar.tasks import Task
from models.inference import Generate, Ranked, SamplingOptions, answer_inputs, refused_inputs
from models.reactions.spelled_inputs import molecules_of, spell_inputs
from models.reactions.voting import Candidate, candidate_of, canonical_parts, vote
from models.task_inputs import Asked


def answer_voted(
    generate: Generate,
    task: Task,
    asked: Sequence[Asked],
    *,
    n: int,
    augment: int,
    seed: int = 0,
    options: SamplingOptions | None = None,
) -> Iterator[Ranked]:
    """As `inference.answer_inputs` with up to `augment` spellings of each input: answers with `votes` and `copies`,
    inputs in their order. Refusals are raised at once."""
    groups = [spell_inputs(task, one, augment, seed) for one in asked]
    flat = [one for group in groups for one in group]
    answers = answer_inputs(generate, task, flat, n=n, seed=seed, options=options)

    def voted() -> Iterator[Ranked]:
        for one, group in zip(asked, groups, strict=True):
            spelled = [list(islice(answers, n)) for _ in group]
            yield from _best(one, spelled, n)

    return voted()


def refused_spellings(
    generate: Generate,
    task: Task,
    asked: Sequence[Asked],
    *,
    augment: int,
    seed: int = 0,
    options: SamplingOptions | None = None,
) -> dict[int, str]:
    """As `inference.refused_inputs`: an input is refused where one of its spellings is."""
    found: dict[int, str] = {}
    for at, one in enumerate(asked):
        reasons = refused_inputs(generate, task, spell_inputs(task, one, augment, seed), options)
        if reasons:
            found[at] = next(iter(reasons.values()))
    return found


def candidate_answered(answer: Ranked) -> Candidate | None:
    """The molecules of a valid answer to a reaction task."""
    if answer.answer.reason:
        return None
    fields = answer.answer.fields
    return candidate_of(fields["reactants"] if answer.task == "retrosynthesis" else [fields["smiles"]])


def _best(one: Asked, spelled: Sequence[Sequence[Ranked]], n: int) -> Iterator[Ranked]:
    given = canonical_parts(molecules_of(one.prompt)) or ()
    standing = vote([[candidate_answered(answer) for answer in answers] for answers in spelled], given)
    for rank, voted in enumerate(standing[:n], 1):
        spelling, at = voted.origin
        best = spelled[spelling][at]
        yield replace(best, asked=one, rank=rank, copies=voted.n_answers, votes=voted.score)
    if not standing:
        yield replace(spelled[0][0], asked=one, rank=1, votes=0.0)
