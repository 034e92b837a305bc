"""Answers without a language model: sentences quoted from passages, or records stated, each with its number.

`compose_answer` writes nothing of its own: every sentence is a verbatim quotation of one passage or the statement of
one record. `unsupported_sentences` examines an answer that somebody else wrote: what it checks is that there is a
citation and that quotations and numbers stand in what is cited. Not promised: that the sentence follows from the
passage; only a reader can see that.
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
_MARKS = re.compile(r"\[\s*(\d{1,4}(?:\s*[,;–-]\s*\d{1,4})*)\s*\]")
_NUMBER = re.compile(r"(?<![\w.])[-−–+]?\d+(?:[.,]\d+)*(?:\s?[×x]\s?10\^?[-−]?\d+|[eE][-−+]?\d+)?")
_ENDING = re.compile(
    r"(?<=\w{3})(?:ilit(?:y|ies)|les?|ations?|ances?|ants?|ions?|ity|ive|ally|al|ly|ies|ing|ed|es|s|e|y)$"
)
_QUOTED = re.compile(r"“([^“”]{3,})”|\"([^\"]{3,})\"|«([^«»]{3,})»")


@dataclass(frozen=True, slots=True)
class Sentence:
    """`text` ends in its citation marks: “…” [2]."""

    text: str
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unsupported:
    sentence: str
    why: str


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


def unsupported_sentences(text: str, citations: Sequence[Mapping[str, Any]]) -> list[Unsupported]:
    """The sentences of an answer that do not carry their evidence, each with the reason.

    A sentence needs a mark [n] of one of `citations`; what stands in quotation marks must stand word for word in one
    that it cites, and so must every number, up to rounding. Questions, headings, and introductions that end in a
    colon and state no number need no citation.
    """
    known = {int(citation["number"]): citation for citation in citations}
    found = []
    for sentence in split_sentences(text):
        why = _fault(sentence, known)
        if why:
            found.append(Unsupported(sentence, why))
    return found


def cited_numbers(sentence: str) -> list[int]:
    """[2], [1, 3] and [2-4] as numbers in order."""
    numbers: list[int] = []
    for match in _MARKS.finditer(sentence):
        for part in re.split(r"[,;]", match.group(1)):
            ends = [int(end) for end in re.split(r"[–-]", part)]
            numbers += range(ends[0], min(ends[-1], ends[0] + 50) + 1) if len(ends) == 2 else ends
    return list(dict.fromkeys(numbers))


def _fault(sentence: str, known: Mapping[int, Mapping[str, Any]]) -> str:
    bare = _MARKS.sub(" ", sentence)
    cited = cited_numbers(sentence)
    if not cited:
        return "no citation" if _states_something(bare) else ""
    missing = [number for number in cited if number not in known]
    if missing:
        return f"there is no citation {', '.join(f'[{number}]' for number in missing)}"
    evidence = " ".join(_evidence(known[number]) for number in cited)
    for groups in _QUOTED.findall(bare):
        quoted = " ".join(next(part for part in groups if part).split())
        if quoted.strip(" .,;…").casefold() not in " ".join(evidence.split()).casefold():
            return f"the words “{quoted:.60}” do not stand in what is cited"
    absent = [number for number in _numbers(bare) if not _stands(number, _values(evidence))]
    if absent:
        return f"{', '.join(absent)} not in what is cited"
    return ""


def _states_something(bare: str) -> bool:
    words = re.findall(r"[^\W\d_]{2,}", bare)
    if not words and not _numbers(bare):
        return False
    stripped = bare.strip()
    if _numbers(bare) and not re.match(r"^\s*\d{1,2}[.)]\s*$", bare):
        return True
    if stripped.startswith("#") or stripped.endswith(("?", ":")) or set(stripped) <= set("|-: "):
        return False
    return len(content_words(bare)) >= 2


def _evidence(citation: Mapping[str, Any]) -> str:
    return " ".join(str(citation.get(key) or "") for key in ("quote", "title", "locator", "source"))


def _numbers(text: str) -> list[str]:
    """Numbers of a sentence as written, list marks left out. The 66 of "UiO-66" is one (it must stand in what is cited
    as the name must), the 1 of "ABL1" is not."""
    body = re.sub(r"^\s*(?:[-*•]\s*)?\d{1,2}[.)]\s+", "", text)
    return [match.group().strip() for match in _NUMBER.finditer(body)]


def _values(text: str) -> list[float]:
    return [value for match in _NUMBER.finditer(text) for value in _readings(match.group())]


def _readings(written: str) -> list[float]:
    """What a written number may mean: "1,000" is a thousand, and one where the comma is decimal."""
    text = re.sub(r"[−–]", "-", written.strip()).replace("+", "")
    text = re.sub(r"\s?[×x]\s?10\^?(-?\d+)$", r"e\1", text)
    spellings = {text.replace(",", ""), text.replace(".", "").replace(",", "."), text.replace(",", ".")}
    values = []
    for spelling in sorted(spellings):
        try:
            values.append(float(spelling))
        except ValueError:
            continue
    return values


def _stands(written: str, values: Sequence[float]) -> bool:
    """Whether one of the values is this number, rounded as it is written. A dash before a value may be no minus."""
    mantissa, _, exponent = re.sub(r"\s?[×x]\s?10\^?|[eE]", "e", written).partition("e")
    decimals = len(mantissa.rpartition(".")[2]) if "." in mantissa else 0
    for number in _readings(written):
        half = 0.5 * 10.0**-decimals * (10.0 ** float(re.sub(r"[−–]", "-", exponent) or 0)) * 1.000001
        for value in values:
            exact = math.isclose(abs(number), abs(value), rel_tol=1e-9)
            rounded = not float(value).is_integer() and abs(abs(number) - abs(value)) <= half
            if (exact or rounded) and _same_sign(number, value):
                return True
    return False


def _same_sign(number: float, value: float) -> bool:
    return number * value >= 0.0 or number > 0.0
