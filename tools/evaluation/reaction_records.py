"""Rows of reaction files as cases, and records of ranked predictions as top-k figures: shared by both directions.

A row has SMILES of `reactants` and `product`, mixtures written with dots. Reactants enter a prompt in the order of the
file, each in a block of its own, as in training.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.grammar.tasks import Task, prompt_for
from tools.evaluation.ask import Question
from tools.evaluation.candidates import (
    Candidate,
    canonical_parts,
    place_of,
    place_of_largest,
    rank_candidates,
    spellings,
)
from tools.evaluation.intervals import ratio_figure, share_figure
from tools.evaluation.protocol import Case, Figure, Record, Row

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
    """A question for each of `augment` spellings of what the prompt gives: the product, or each reactant."""
    name = "product" if task == "retrosynthesis" else "reactants"
    given = case.inputs[name]
    molecules = [given] if isinstance(given, str) else list(given)
    ways = [spellings(smiles, augment, f"{seed}|{case.case_id}|{at}") for at, smiles in enumerate(molecules)]
    questions = [Question(case.case_id, case.inputs)]
    for turn in range(1, augment):
        chosen = [way[turn] for way in ways]
        prompt = prompt_for(task, **{name: chosen if name == "reactants" else chosen[0]})
        questions.append(Question(f"{case.case_id}/{turn}", case.inputs, prompt))
    return questions


def ranked_record(truth: Candidate, answers: Sequence[Sequence[Candidate | None]]) -> Record:
    """Places of the truth and of its largest molecule, the first candidates, and how many answers were invalid."""
    ranked = rank_candidates(answers)
    return {
        "truth": list(truth),
        "rank": place_of(truth, ranked),
        "maxfrag_rank": place_of_largest(truth, ranked),
        "predictions": [list(candidate) for candidate in ranked[:_KEPT]],
        "n_distinct": len(ranked),
        "n_answers": sum(map(len, answers)),
        "n_invalid": sum(candidate is None for given in answers for candidate in given),
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
