"""Per-residue votes of a model for a binding site, in two ways.

`sampled_votes`: the share of a chain's valid answers that mark the residue; an answer whose annotated chain is not
the given chain letter by letter is invalid and has no vote. `mark_probabilities` asks for no copy of the chain: along
the true, unmarked chain it reads how much of the probability of "open a mark" and "write the next residue" goes to
the mark. The second measures what the weights know; the first what a user gets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from models.backends.base import Generator
from models.errors import ModelInputError
from models.grammar import tags
from models.grammar.objects import PocketSearch, Protein
from models.grammar.render import render
from models.grammar.tasks import prompt_for
from tools.evaluation.residue_labels import vote_shares

_TEXTS_AT_ONCE = 64


def why_not_searchable(generator: Generator, sequence: str, pocket: Sequence[int] = ()) -> str:
    """Empty where the search text of this chain, its `pocket` marked, fits the model; else the reason."""
    try:
        generator.score([render(PocketSearch(Protein(sequence), Protein(sequence, tuple(pocket))))])
    except ModelInputError as fault:
        return f"the chain of {len(sequence)} residues and its annotated copy: {fault}"
    return ""


def sampled_votes(answers: Sequence[Mapping[str, Any]], n_residues: int) -> tuple[list[float], int]:
    """Share of valid answers that mark each residue, and how many are valid.

    An answer that marks nothing is well-formed and votes for nothing.
    """
    valid = [answer["residues"] for answer in answers if answer["residues"] is not None]
    return vote_shares(valid, n_residues), len(valid)


def mark_probabilities(generator: Generator, sequence: str) -> list[float]:
    """For each residue P(mark) / (P(mark) + P(residue)) after the chain and its unmarked copy up to there, 0..1.

    In one pass over the copy where the model is here and its tokenizer has a token a residue, else text by text.
    """
    prompt = prompt_for("pocket", protein=sequence)
    read = getattr(generator, "alternative_log_probs", None)
    whole, before = generator.score([prompt + sequence, prompt])
    first = len(before.token_ids)
    if read is None or whole.token_ids[:first] != before.token_ids or len(whole.token_ids) != first + len(sequence):
        marks, residues = _marks_text_by_text(generator, prompt, sequence)
    else:
        marks = read(prompt + sequence, tags.POCKET.open)[first - 1 : -1].tolist()
        residues = whole.token_log_probs[-len(sequence) :]
    return [1.0 / (1.0 + math.exp(min(700.0, plain - mark))) for mark, plain in zip(marks, residues, strict=True)]


def _marks_text_by_text(generator: Generator, prompt: str, sequence: str) -> tuple[Sequence[float], Sequence[float]]:
    """log P(mark) and log P(residue) at each residue. One text is scored for each: the copy up to it and an opened
    mark, whose last token is the mark and whose others are the copy. Where residues merge into longer tokens,
    P(residue) is the ratio of the copies' probabilities under their own tokens."""
    texts = [prompt + sequence[:at] + tags.POCKET.open for at in range(len(sequence) + 1)]
    marks, copies = [], []
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        for score in generator.score(texts[start : start + _TEXTS_AT_ONCE]):
            marks.append(score.token_log_probs[-1])
            copies.append(score.log_prob - score.token_log_probs[-1])
    return marks[:-1], [after - before for before, after in pairwise(copies)]
