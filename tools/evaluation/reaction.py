"""Forward reaction prediction: is the recorded product among the first k answers?

Exact match of canonical isomeric SMILES without atom maps, as in Jin et al. 2017 (arXiv 1709.04555) and Schwaller et
al. 2019 (doi:10.1021/acscentsci.9b00576). The model is given the reactants, each in a block of its own; reagents are
not given (a column `reagents` is not read), so figures stand beside "reactants only" results and no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
class ReactionStudy:
    setup: Setup

    def cases(self, rows: Iterable[tuple[str, Row]]) -> Iterable[Case]:
        return (reaction_case("reaction", row_id, row) for row_id, row in rows)

    def answer(self, cases: Sequence[Case]) -> Sequence[Record]:
        records = []
        for case, found in zip(cases, ask_spelled(self.setup, "reaction", cases), strict=True):
            record = ranked_record(case.truth["reactants"], case.truth["product"], found)
            records.append({"reactants": case.inputs["reactants"], **record})
        return records

    def figures(self, records: Sequence[Record]) -> Sequence[Figure]:
        settings = self.setup.settings
        exact = "share of reactions whose recorded product is among the first {k} distinct valid predictions"
        return [
            *top_figures(records, "rank", "top", settings.n * settings.augment, exact),
            invalid_figure(records, settings.seed, "reactions"),
            *spellings_figure(records, settings.augment, settings.seed, "reactions"),
        ]


EVALUATOR = Evaluator(
    name="reaction",
    title="forward reaction prediction from the reactants alone, exact products",
    open=ReactionStudy,
    columns=("product", "reactants"),
    defaults={"n": 10},
    augments=True,
)
