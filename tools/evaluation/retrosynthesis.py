"""One-step retrosynthesis: are the recorded reactants among the first k answers, and do the answers lead back?

Top-k as in Liu et al. 2017 (doi:10.1021/acscentsci.7b00303) on exact sets of reactants; MaxFrag after Tetko et al.
2020 (doi:10.1038/s41467-020-19266-y); round trip after Schwaller et al. 2020 (doi:10.1039/c9sc05704h), with the same
checkpoint as forward model, greedy. Ranking over the spellings of a product
(`--augment`): `models.reactions.voting`. Reaction classes are not given to the model. A round trip by
the same checkpoint says that it agrees with itself, not that the reaction works.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from models.errors import ModelInputError
from models.reactions.voting import candidate_of
from tools.evaluation.ask import Question, ask
from tools.evaluation.intervals import mean_figure, ratio_figure, share_figure
from tools.evaluation.protocol import Case, Evaluator, Figure, Record, Row, Setup
from tools.evaluation.reaction_records import (
    ask_spelled,
    invalid_figure,
    ranked_record,
    reaction_case,
    spellings_figure,
    top_figures,
)


@dataclass(frozen=True, slots=True)
class RetrosynthesisStudy:
    setup: Setup

    def cases(self, rows: Iterable[tuple[str, Row]]) -> Iterable[Case]:
        return (reaction_case("retrosynthesis", row_id, row) for row_id, row in rows)

    def answer(self, cases: Sequence[Case]) -> Sequence[Record]:
        records = []
        for case, found in zip(cases, ask_spelled(self.setup, "retrosynthesis", cases), strict=True):
            record = ranked_record(case.truth["product"], case.truth["reactants"], found)
            records.append({"product": case.inputs["product"], **record})
        self._round_trips(cases, records)
        return records

    def _round_trips(self, cases: Sequence[Case], records: Sequence[Record]) -> None:
        """Adds `round_trip` to each record: whether each of the first predictions leads back to the product; None where
        the model could not be asked."""
        deepest = int(self.setup.settings.options["round_trip"])
        questions: dict[tuple[int, int], Question] = {}
        for at, (case, record) in enumerate(zip(cases, records, strict=True)):
            record["round_trip"] = [None] * len(record["predictions"][:deepest])
            for place, reactants in enumerate(record["predictions"][:deepest]):
                questions[at, place] = Question(f"{case.case_id}/back/{place}", {"reactants": reactants})
        answers = self._forward(list(questions.values()))
        for (at, place), product in zip(questions, answers, strict=True):
            if product is not _UNASKED:
                records[at]["round_trip"][place] = product == cases[at].truth["product"]

    def _forward(self, questions: Sequence[Question]) -> list[Any]:
        """The greedy product of each set of reactants: a Candidate, None where it is invalid, or _UNASKED."""
        greedy = replace(self.setup.settings, n=1, beams=0, temperature=0.0, augment=1)
        if not questions:
            return []
        try:
            answers = ask(self.setup.generator, "reaction", questions, greedy)
        except ModelInputError:
            if len(questions) == 1:
                return [_UNASKED]
            return [found for question in questions for found in self._forward([question])]
        return [candidate_of([one["smiles"]]) if one["valid"] else None for (one,) in answers]

    def figures(self, records: Sequence[Record]) -> Sequence[Figure]:
        settings = self.setup.settings
        most = settings.n * settings.augment
        exact = "share of products whose recorded set of reactants is among the first {k} distinct valid predictions"
        maxfrag = "share of products for which one of the first {k} predictions has the recorded largest reactant"
        return [
            *top_figures(records, "rank", "top", most, exact),
            *top_figures(records, "maxfrag_rank", "maxfrag", most, maxfrag),
            *self._round_trip_figures(records),
            invalid_figure(records, settings.seed, "products"),
            *spellings_figure(records, settings.augment, settings.seed, "products"),
            mean_figure(
                "distinct_predictions",
                [record["n_distinct"] for record in records],
                f"distinct valid predictions a product, of {most} answers",
                seed=settings.seed,
                over="products",
            ),
        ]

    def _round_trip_figures(self, records: Sequence[Record]) -> list[Figure]:
        deepest = int(self.setup.settings.options["round_trip"])
        if not deepest:
            return []
        known = [record["round_trip"] for record in records if None not in record["round_trip"]]
        back = "its greedy forward prediction by this checkpoint is the product"
        figures = [
            share_figure(
                "round_trip_1",
                sum(bool(found and found[0]) for found in known),
                len(known),
                f"share of products whose first prediction leads back: {back}; no valid prediction counts as no",
            )
        ]
        if deepest > 1:
            figures += [
                ratio_figure(
                    f"round_trip_accuracy_{deepest}",
                    [sum(found) for found in known],
                    [len(found) for found in known],
                    f"share of the first {deepest} predictions that lead back: {back}",
                    seed=self.setup.settings.seed,
                    over="products",
                ),
                share_figure(
                    f"round_trip_coverage_{deepest}",
                    sum(any(found) for found in known),
                    len(known),
                    f"share of products with one of the first {deepest} predictions leading back",
                ),
            ]
        return figures


_UNASKED = object()


EVALUATOR = Evaluator(
    name="retrosynthesis",
    title="one-step retrosynthesis, exact reactant sets",
    open=RetrosynthesisStudy,
    columns=("product", "reactants"),
    defaults={"n": 10},
    options={"round_trip": 1},
    augments=True,
)
