"""Documents into passages: a few sentences each, never across a page, cut between sentences where there are any.

A passage is an exact slice of its page: `page.text[start:end] == text`. Consecutive passages share their border
sentence, so that a statement and the sentence it refers to are found together; a merge of neighbours is again a slice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tools.literature.documents import Document, Page
from tools.literature.sentences import sentence_spans
from tools.literature.suspicious import suspicious

PASSAGE_CHARACTERS = 900
OVERLAP_CHARACTERS = 200
"""Longest sentence that is repeated at the head of the next passage."""


@dataclass(frozen=True, slots=True)
class Passage:
    """`page`: number of the page, or of the row of a table; None where there is neither. `start`, `end`: characters of
    the page's text (0 and the length, for a row). `suspicious`: why it reads like an instruction, or ""."""

    passage_id: str
    document_id: str
    position: int
    text: str
    page: int | None
    start: int
    end: int
    smiles: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    suspicious: str = ""


def passages_of(document: Document, size: int = PASSAGE_CHARACTERS) -> list[Passage]:
    """A document's passages in order; `size`: characters a passage aims at (one long sentence may exceed it)."""
    name, found = document.document_id, list[Passage]()
    for page in document.pages:
        for start, end in _slices(page, size):
            text, place = page.text[start:end], len(found)
            found.append(
                Passage(f"{name}:{place}", name, place, text, page.number, start, end, suspicious=suspicious(text))
            )
    for row in document.rows:
        place = len(found)
        flag = suspicious(row.text)
        found.append(
            Passage(
                f"{name}:{place}", name, place, row.text, row.number, 0, len(row.text), row.smiles, row.values, flag
            )
        )
    return found


def _slices(page: Page, size: int) -> Iterator[tuple[int, int]]:
    """(start, end) of the page's passages."""
    held: list[tuple[int, int]] = []
    fresh = 0
    for start, end in _pieces(page.text, size):
        if held and fresh and end - held[0][0] > size:
            yield held[0][0], held[-1][1]
            last = held[-1]
            held, fresh = ([last] if last[1] - last[0] <= OVERLAP_CHARACTERS else []), 0
            if held and end - held[0][0] > size:
                held = []
        held.append((start, end))
        fresh += 1
    if held and fresh:
        yield held[0][0], held[-1][1]


def _pieces(text: str, size: int) -> Iterator[tuple[int, int]]:
    """Sentences; one longer than `size` is cut at white space, or anywhere where there is none."""
    for first, end in sentence_spans(text):
        start = first
        while end - start > size:
            half = start + size // 2
            blank = max(text.rfind(" ", half, start + size), text.rfind("\n", half, start + size))
            cut = blank if blank > start else start + size
            yield start, cut
            start = cut + (1 if blank > start else 0)
        if text[start:end].strip():
            yield start, end
