"""Crossref: works by bibliographic query. Many works have no abstract there; then the title stands alone."""

from __future__ import annotations

from typing import Any

from tools.literature.documents import Document
from tools.literature.online.fields import abstract, bare_doi, dig, list_of, load_json, text_of, year_in
from tools.literature.online.web import Web

BASE_URL = "https://api.crossref.org"
SECONDS_BETWEEN = 0.5


def search(web: Web, base_url: str, query: str, n: int) -> list[Document]:
    """The `n` most relevant works."""
    params: dict[str, str | int] = {
        "query.bibliographic": query,
        "rows": n,
        **({"mailto": web.contact} if web.contact else {}),
    }
    answer = load_json("crossref", web.get("crossref", f"{base_url}/works", params, SECONDS_BETWEEN))
    items = list_of(dig(answer, "message", "items"))
    return [document for item in items if (document := _document(item)) is not None]


def _document(item: Any) -> Document | None:
    authors = [f"{text_of(dig(a, 'given'))} {text_of(dig(a, 'family'))}".strip() for a in list_of(dig(item, "author"))]
    return abstract(
        "Crossref",
        text_of(dig(item, "title", 0)),
        text_of(dig(item, "abstract")),
        authors,
        year_in(dig(item, "issued", "date-parts", 0, 0)),
        bare_doi(dig(item, "DOI")),
        text_of(dig(item, "URL")),
        text_of(dig(item, "license", 0, "URL")),
    )
