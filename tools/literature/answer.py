"""Answers without a language model: sentences quoted from passages, or records stated, each with its number.

`compose_answer` writes nothing of its own: every sentence is a verbatim quotation of one passage or the statement of
one record. Not promised: that it answers the question; only a reader can see that.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.literature.sentences import split_sentences
from tools.literature.suspicious import suspicious
from tools.memory.library import content_words

PASSAGE_SHARE = 0.5
ELSEWHERE = 0.5
"""Share of the best sentence's weight that one of another passage must have, so that it is about the same thing."""
MAX_QUOTED = 400
"""Characters of a quoted sentence; longer ones are no sentences but lists."""
CITATION_MARKS = re.compile(r"\[\s*(\d{1,4}(?:\s*[,;–-]\s*\d{1,4})*)\s*\]")
_ENDING = re.compile(
    r"(?<=\w{3})(?:ilit(?:y|ies)|les?|ations?|ances?|ants?|ions?|ity|ive|ally|al|ly|ies|ing|ed|es|s|e|y)$"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """`text` ends in its citation marks: “…” [2]."""

    text: str
    citations: tuple[int, ...]


def compose_answer(
    question: str, citations: Sequence[Mapping[str, Any]], n_sentences: int = 3, shortest_overlap: float = 0.2
) -> list[Sentence]:
    """Up to `n_sentences` sentences from the cited passages and records that have the question's words, best first.

    `citations`: as `tools.literature.cite` makes them, in order of relevance. `shortest_overlap`: share of the
    question's weight that a sentence must have (and `ELSEWHERE`); with none such there is no answer. A word weighs the
    more the fewer of the given sentences hold it, and what its whole passage shares with the question counts
    `PASSAGE_SHARE`. Sentences that read like instructions to an assistant are not quoted.
    """
    asked = _stems(question)
    found = [(c, rank, text) for rank, c in enumerate(citations) for text in _statements(c)]
    known = Counter(word for _, _, text in found for word in _stems(text))
    weight = {word: math.log(1.0 + len(found) / (1.0 + max(1, known[word]))) for word in asked}
    total = sum(weight.values()) or 1.0

    def share(text: str) -> float:
        return sum(weight[word] for word in asked & _stems(text)) / total

    around = [share(f"{citation.get('title', '')} {citation['quote']}") for citation in citations]
    shares = [share(text) for _, _, text in found]
    best = max(shares, default=0.0)
    of_best = {rank for own, (_, rank, _) in zip(shares, found, strict=True) if own == best}
    scored = [
        (own + PASSAGE_SHARE * around[rank] + 0.1 / (1.0 + rank), citation, text)
        for own, (citation, rank, text) in zip(shares, found, strict=True)
        if own >= max(shortest_overlap, 0.0 if rank in of_best else ELSEWHERE * best)
    ]
    scored.sort(key=lambda entry: -entry[0])
    chosen: dict[str, Sentence] = {}
    for _, citation, text in scored:
        if len(chosen) < n_sentences and text not in chosen:
            number = int(citation["number"])
            shown = f"“{text}”" if citation["kind"] == "passage" else text.rstrip(".")
            chosen[text] = Sentence(f"{shown} [{number}].", (number,))
    return list(chosen.values())


def _stems(text: str) -> set[str]:
    """Content words without their commonest English endings: enough to see "stability" in "stable"."""
    return {_ENDING.sub("", word) for word in content_words(text)}


def _statements(citation: Mapping[str, Any]) -> list[str]:
    """What may be quoted of a citation: a passage's sentences on one line each, a record as a whole."""
    if citation["kind"] != "passage":
        return [str(citation["quote"])]
    sentences = [" ".join(text.split()) for text in split_sentences(str(citation["quote"]))]
    return [text for text in sentences if _quotable(text)]


def _quotable(text: str) -> bool:
    """A sentence, or a row of a table ("IC50 (nM): 12"): no heading, no fragment, no words to an assistant."""
    whole = text.endswith((".", "!", "?", ".)", ".”")) or ": " in text
    return (
        whole
        and 20 <= len(text) <= MAX_QUOTED
        and not text.startswith("#")
        and "“" not in text
        and not suspicious(text)
    )


def cited_numbers(sentence: str) -> list[int]:
    """[2], [1, 3] and [2-4] as numbers in order."""
    numbers: list[int] = []
    for match in CITATION_MARKS.finditer(sentence):
        for part in re.split(r"[,;]", match.group(1)):
            ends = [int(end) for end in re.split(r"[–-]", part)]
            numbers += range(ends[0], min(ends[-1], ends[0] + 50) + 1) if len(ends) == 2 else ends
    return list(dict.fromkeys(numbers))
