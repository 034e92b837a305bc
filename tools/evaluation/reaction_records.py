"""Rows of reaction files as cases, and records of ranked predictions as top-k figures: shared by both directions.

A row has SMILES of `reactants` and `product`, mixtures written with dots. Reactants enter a prompt in the order of the
file, each in a block of its own, as in training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from models.grammar.tasks import Task
from models.reactions.spelled_inputs import spell_inputs
from models.reactions.voting import Candidate, candidate_of, canonical_parts, vote
from models.task_inputs import understand
from tools.evaluation.ask import Question, ask
from tools.evaluation.candidates import place_of, place_of_largest
from tools.evaluation.intervals import mean_figure, ratio_figure, share_figure
from tools.evaluation.protocol import Case, Figure, Record, Row, Setup

TOP = (1, 3, 5, 10)
_KEPT = 10


def reaction_case(task: Task, row_id: str, row: Row) -> Case:
    """The case of one row: the side that `task` gives is its input, both sides are its truth."""
    sides = {}
    for side in ("product", "reactants"):
        parts = canonical_parts([row[side]])
        if parts is None:
            return Case(row_id, failed=f"{side} {str(row[side])[:120]!r} is not SMILES that RDKit can read")
        sides[side] = parts
    truth = {side: tuple(sorted(set(parts))) for side, parts in sides.items()}
    if task == "retrosynthesis":
        return Case(row_id, {"product": ".".join(sides["product"])}, truth)
    return Case(row_id, {"reactants": sides["reactants"]}, truth)


def spelled_questions(case: Case, task: Task, augment: int, seed: int) -> list[Question]:
    """A question for each of up to `augment` spellings of what the prompt gives; a small molecule has fewer."""
    first = understand(task, 0, {**case.inputs, "id": case.case_id})
    return [Question(one.name, case.inputs, one.prompt) for one in spell_inputs(task, first, augment, seed)]


def ask_spelled(setup: Setup, task: Task, cases: Sequence[Case]) -> list[list[list[Candidate | None]]]:
    """For each case and each spelling of it the candidates answered, best first (None: invalid); all spellings of all
    cases are decoded together."""
    settings = setup.settings
    asked = [spelled_questions(case, task, settings.augment, settings.seed) for case in cases]
    answered = iter(ask(setup.generator, task, [question for group in asked for question in group], settings))
    return [[[_read(task, answer) for answer in ranked] for ranked in islice(answered, len(group))] for group in asked]


def _read(task: Task, answer: Mapping[str, Any]) -> Candidate | None:
    if not answer["valid"]:
        return None
    return candidate_of(answer["reactants"] if task == "retrosynthesis" else [answer["smiles"]])


def ranked_record(given: Candidate, truth: Candidate, answers: Sequence[Sequence[Candidate | None]]) -> Record:
    """Places of the truth and of its largest molecule, the first candidates, and how many answers were invalid, from
    the answers to each spelling of the molecules `given`."""
    ranked = [one.candidate for one in vote(answers, given)]
    return {
        "truth": list(truth),
        "rank": place_of(truth, ranked),
        "maxfrag_rank": place_of_largest(truth, ranked),
        "predictions": [list(candidate) for candidate in ranked[:_KEPT]],
        "n_distinct": len(ranked),
        "n_spellings": len(answers),
        "n_answers": sum(map(len, answers)),
        "n_invalid": sum(candidate is None for given_one in answers for candidate in given_one),
    }


def top_figures(records: Sequence[Record], key: str, name: str, most: int, definition: str) -> list[Figure]:
    """The share of records whose `key` (a rank or None) is within the first k, for each k that `most` answers reach."""
    return [
        share_figure(
            f"{name}_{k}",
            sum(record[key] is not None and record[key] <= k for record in records),
            len(records),
            definition.format(k=k),
        )
        for k in TOP
        if k <= most
    ]


def invalid_figure(records: Sequence[Record], seed: int, over: str) -> Figure:
    return ratio_figure(
        "invalid_share",
        [record["n_invalid"] for record in records],
        [record["n_answers"] for record in records],
        "share of all answers that are ill-formed, cut off or hold a SMILES that RDKit cannot read",
        seed=seed,
        over=over,
    )


def spellings_figure(records: Sequence[Record], augment: int, seed: int, over: str) -> list[Figure]:
    """How many spellings were asked, where more than one was wanted."""
    text = f"distinct spellings asked of an input, of {augment} wanted; small molecules have fewer"
    asked = [record["n_spellings"] for record in records]
    return [mean_figure("spellings", asked, text, seed=seed, over=over)] if augment > 1 else []
