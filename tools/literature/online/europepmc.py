"""Europe PMC: its REST search, results with abstracts and licences."""

from __future__ import annotations

from typing import Any

from tools.literature.documents import Document
from tools.literature.online.fields import abstract, bare_doi, dig, list_of, load_json, text_of, year_in
from tools.literature.online.web import Web

BASE_URL = "https://www.ebi.ac.uk/europepmc/webservices/rest"
SECONDS_BETWEEN = 0.2
_ARTICLE = "https://europepmc.org/article"


def search(web: Web, base_url: str, query: str, n: int) -> list[Document]:
    """The `n` most relevant works."""
    params: dict[str, str | int] = {"query": query, "format": "json", "resultType": "core", "pageSize": n}
    answer = load_json("europepmc", web.get("europepmc", f"{base_url}/search", params, SECONDS_BETWEEN))
    results = list_of(dig(answer, "resultList", "result"))
    return [document for result in results if (document := _document(result)) is not None]


def _document(result: Any) -> Document | None:
    authors = [text_of(dig(author, "fullName")) for author in list_of(dig(result, "authorList", "author"))]
    source, name = text_of(dig(result, "source")), text_of(dig(result, "id"))
    return abstract(
        "Europe PMC",
        text_of(dig(result, "title")),
        text_of(dig(result, "abstractText")),
        authors or text_of(dig(result, "authorString")).rstrip(".").split(", "),
        year_in(dig(result, "pubYear")),
        bare_doi(dig(result, "doi")),
        f"{_ARTICLE}/{source}/{name}" if source and name else "",
        text_of(dig(result, "license")),
    )
