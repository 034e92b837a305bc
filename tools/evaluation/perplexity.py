"""How well a checkpoint predicts texts of the grammar, by modality.

Log-probabilities are of the whole text at temperature 1, a begin-of-text token being context only and no end-of-text
token added (LOGOS's convention). Per token depends on the tokenizer and compares checkpoints of one tokenizer only;
per character compares all: every tag counts as one character, since its spelling is no information.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.grammar.tags import ALL_TAGS
from tools.evaluation.grammar_texts import row_texts
from tools.evaluation.intervals import statistic_figure
from tools.evaluation.protocol import Case, Evaluator, Figure, Record, Row, Setup

_TAG = re.compile("|".join(map(re.escape, ALL_TAGS)))


def count_characters(text: str) -> int:
    """Characters of a grammar text, each tag counted as one. `<MoleculeS>CCO<MoleculeE>`: 5."""
    return len(_TAG.sub("#", text))


@dataclass(frozen=True, slots=True)
class PerplexityStudy:
    setup: Setup

    def cases(self, rows: Iterable[tuple[str, Row]]) -> Iterable[Case]:
        """A case for each text, row-<number>/<place in the row>."""
        for row_id, row in rows:
            try:
                texts = list(row_texts(row))
            except (ValueError, KeyError, TypeError, AttributeError) as fault:
                yield Case(row_id, failed=f"no text of the grammar: {fault}")
                continue
            for place, (modality, text) in enumerate(texts):
                name = row_id if len(texts) == 1 else f"{row_id}/{place}"
                yield Case(name, {}, {"modality": modality, "text": text})

    def answer(self, cases: Sequence[Case]) -> Sequence[Record]:
        scores = self.setup.generator.score([case.truth["text"] for case in cases])
        return [
            {
                "modality": case.truth["modality"],
                "log_prob": score.log_prob,
                "n_tokens": len(score.token_log_probs),
                "n_characters": count_characters(case.truth["text"]),
            }
            for case, score in zip(cases, scores, strict=True)
        ]

    def figures(self, records: Sequence[Record]) -> Sequence[Figure]:
        figures: list[Figure] = []
        for modality in sorted({record["modality"] for record in records}):
            chosen = [record for record in records if record["modality"] == modality]
            nats, tokens, characters = (
                np.array([record[name] for record in chosen], dtype=np.float64)
                for name in ("log_prob", "n_tokens", "n_characters")
            )
            size = f"{len(chosen)} texts, {int(tokens.sum())} tokens, {int(characters.sum())} characters"
            seed = self.setup.settings.seed
            for name, statistic, what in (
                ("nll_per_token", _rate(nats, tokens), "mean negative log-likelihood, nats a token"),
                ("perplexity", _exponent(_rate(nats, tokens)), "exp of the mean negative log-likelihood a token"),
                (
                    "nll_per_character",
                    _rate(nats, characters),
                    "negative log-likelihood, nats a character, a tag being one",
                ),
            ):
                figures.append(
                    statistic_figure(
                        f"{modality}_{name}", len(chosen), statistic, f"{what}; {size}", seed=seed, over="texts"
                    )
                )
        return figures


def _rate(nats: NDArray[np.float64], per: NDArray[np.float64]) -> Callable[[NDArray[np.intp]], float]:
    return lambda at: float(-nats[at].sum() / per[at].sum())


def _exponent(rate: Callable[[NDArray[np.intp]], float]) -> Callable[[NDArray[np.intp]], float]:
    return lambda at: math.exp(min(rate(at), 700.0))


EVALUATOR = Evaluator(
    name="perplexity",
    title="perplexity of grammar texts by modality",
    open=PerplexityStudy,
    columns=("text|product|nodes|smiles|sequence|vh",),
    rows_at_once=64,
)
