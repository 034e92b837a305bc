"""Documents into passages: a few sentences each, never across a page, cut between sentences where there are any.

A passage is an exact slice of its page: `page.text[start:end] == text`. Consecutive passages share their border
sentence, so that a statement and the sentence it refers to are found together; a merge of neighbours is again a slice.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.literature.documents import Document, Page, Row
from tools.literature.sentences import sentence_spans
from tools.literature.suspicious import suspicious
from tools.memory.ledger import PassageRecord

PASSAGE_CHARACTERS = 900
OVERLAP_CHARACTERS = 200
"""Longest sentence that is repeated at the head of the next passage."""


def passages_of(document: Document, size: int = PASSAGE_CHARACTERS) -> list[PassageRecord]:
    """A document's passages in order; `size`: characters a passage aims at (one long sentence may exceed it)."""
    name, found = document.document_id, list[PassageRecord]()

    def add(page: int | None, start: int, end: int, text: str, row: Row | None = None) -> None:
        place = len(found)
        smiles, values = (row.smiles, row.values) if row else ("", {})
        found.append(
            PassageRecord(f"{name}:{place}", name, place, page, start, end, text, smiles, values, suspicious(text))
        )

    for page in document.pages:
        for start, end in _slices(page, size):
            add(page.number, start, end, page.text[start:end])
    for row in document.rows:
        add(row.number, 0, len(row.text), row.text, row)
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
