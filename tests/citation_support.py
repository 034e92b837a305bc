"""What the tests ask of an answer: which of its sentences do not carry their evidence.

There has to be a citation, and quotations and numbers have to stand in what is cited. Not seen: whether the sentence
follows from the passage.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.literature.answer import CITATION_MARKS, cited_numbers
from tools.literature.sentences import split_sentences
from tools.memory.library import content_words

_NUMBER = re.compile(r"(?<![\w.])[-−–+]?\d+(?:[.,]\d+)*(?:\s?[×x]\s?10\^?[-−]?\d+|[eE][-−+]?\d+)?")
_QUOTED = re.compile(r"“([^“”]{3,})”|\"([^\"]{3,})\"|«([^«»]{3,})»")


@dataclass(frozen=True, slots=True)
class Unsupported:
    sentence: str
    why: str


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


def _fault(sentence: str, known: Mapping[int, Mapping[str, Any]]) -> str:
    bare = CITATION_MARKS.sub(" ", sentence)
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
