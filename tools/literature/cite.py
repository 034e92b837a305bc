"""Numbered citations of passages and of records: what a sentence rests on, with the place where it stands.

The keys are those of `agent.interface.schemas.Citation`: number, kind, source, title, locator, quote, url.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from tools.literature.search import Hit
from tools.memory.ledger import DocumentRecord, PassageRecord

SHOWN_AUTHORS = 3


def cite_passage(hit: Hit, number: int) -> dict[str, Any]:
    return {
        "number": number,
        "kind": "passage",
        "source": hit.passage.passage_id,
        "title": reference(hit.document),
        "locator": locator(hit.passage, hit.document),
        "quote": hit.passage.text,
        "url": hit.document.url
        or (f"https://doi.org/{quote(hit.document.doi, safe='/():;')}" if hit.document.doi else ""),
    }


def cite_passages(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    return [cite_passage(hit, number) for number, hit in enumerate(hits, 1)]


def cite_record(number: int, run_id: str, candidate_id: str, statement: str) -> dict[str, Any]:
    """A record of a run; `statement` is its content in words, which is what a sentence may say of it."""
    return {
        "number": number,
        "kind": "run",
        "source": run_id,
        "title": f"run {run_id}",
        "locator": f"candidate {candidate_id}" if candidate_id else "",
        "quote": statement,
        "url": "",
    }


def reference(document: DocumentRecord) -> str:
    """ "Smith, Jones, et al. (2019) The title. doi:10.…": what of it is known, and the file it stands in."""
    names = ", ".join(document.authors[:SHOWN_AUTHORS]) + (", et al." if len(document.authors) > SHOWN_AUTHORS else "")
    year = f"({document.year})" if document.year else ""
    title = document.title or document.source
    parts = [names, year, title if title.endswith((".", "?", "!")) else f"{title}."]
    parts.append(f"doi:{document.doi}" if document.doi else "")
    parts.append(f"[{document.source}]" if document.source not in title else "")
    return " ".join(part for part in parts if part).removesuffix(".")


def locator(passage: PassageRecord, document: DocumentRecord) -> str:
    """ "page 3, characters 120-480", "row 17"; "" for a compound's record, which is one row."""
    if document.kind in ("table", "compound"):
        return f"row {passage.page}" if document.kind == "table" else ""
    page = f"page {passage.page}, " if passage.page is not None else ""
    return f"{page}characters {passage.start}-{passage.end}"
