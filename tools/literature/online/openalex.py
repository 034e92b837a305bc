"""OpenAlex: works search. Abstracts come as an index of word positions and are put together again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.literature.documents import Document
from tools.literature.online.fields import abstract, bare_doi, dig, list_of, load_json, text_of, year_in
from tools.literature.online.web import Web

BASE_URL = "https://api.openalex.org"
SECONDS_BETWEEN = 0.2
MAX_WORDS = 5000


def search(web: Web, base_url: str, query: str, n: int) -> list[Document]:
    """The `n` most relevant works."""
    params: dict[str, str | int] = {"search": query, "per-page": n, **({"mailto": web.contact} if web.contact else {})}
    answer = load_json("openalex", web.get("openalex", f"{base_url}/works", params, SECONDS_BETWEEN))
    results = list_of(dig(answer, "results"))
    return [document for result in results if (document := _document(result)) is not None]


def _document(result: Any) -> Document | None:
    place = dig(result, "best_oa_location") or dig(result, "primary_location")
    return abstract(
        "OpenAlex",
        text_of(dig(result, "display_name")) or text_of(dig(result, "title")),
        text_of(restored(dig(result, "abstract_inverted_index"))),
        [text_of(dig(entry, "author", "display_name")) for entry in list_of(dig(result, "authorships"))],
        year_in(dig(result, "publication_year")),
        bare_doi(dig(result, "doi")),
        text_of(dig(place, "landing_page_url")) or text_of(dig(result, "id")),
        text_of(dig(place, "license")),
    )


def restored(index: Any) -> str:
    """The text of an inverted index {word: [positions]}."""
    if not isinstance(index, Mapping):
        return ""
    places = [
        (position, str(word))
        for word, positions in index.items()
        for position in list_of(positions)
        if isinstance(position, int) and 0 <= position < MAX_WORDS
    ]
    return " ".join(word for _, word in sorted(places))
