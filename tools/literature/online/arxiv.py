"""arXiv: Atom feed of export.arxiv.org/api/query; one request in three seconds, as arXiv asks."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from tools.errors import InputError, TransientError
from tools.literature.documents import Document, one_line
from tools.literature.online.fields import abstract, bare_doi, text_of, year_in
from tools.literature.online.web import Web
from tools.memory.library import content_words

BASE_URL = "https://export.arxiv.org"
SECONDS_BETWEEN = 3.0
MAX_WORDS = 8
_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"


def search(web: Web, base_url: str, query: str, n: int) -> list[Document]:
    """The `n` preprints that arXiv finds most relevant: all words must occur."""
    words = [word for word in content_words(query) if re.fullmatch(r"[\w]+", word)][:MAX_WORDS]
    if not words:
        return []
    params: dict[str, str | int] = {
        "search_query": " AND ".join(f"all:{word}" for word in words),
        "max_results": n,
        "sortBy": "relevance",
    }
    feed = _feed(web.get("arxiv", f"{base_url}/api/query", params, SECONDS_BETWEEN))
    entries = feed.findall(f"{_ATOM}entry")
    if entries and "/api/errors" in _text(entries[0], "id"):
        raise InputError(f"arxiv refused the search: {one_line(_text(entries[0], 'summary'), 200)}")
    return [document for entry in entries if (document := _document(entry)) is not None]


def _feed(body: bytes) -> ET.Element:
    """The feed's root. A document type declaration, which a feed has no use for, is refused: it may hold bombs."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise TransientError("arxiv answered a page instead of a feed")
    try:
        return ET.fromstring(body)
    except ET.ParseError as error:
        raise TransientError(f"arxiv answered something that is no feed: {error}") from error


def _document(entry: ET.Element) -> Document | None:
    return abstract(
        "arXiv",
        " ".join(_text(entry, "title").split()),
        " ".join(_text(entry, "summary").split()),
        [" ".join((author.findtext(f"{_ATOM}name") or "").split()) for author in entry.findall(f"{_ATOM}author")],
        year_in(_text(entry, "published")),
        bare_doi(entry.findtext(f"{_ARXIV}doi")),
        _text(entry, "id").strip(),
        "",
    )


def _text(entry: ET.Element, tag: str) -> str:
    return text_of(entry.findtext(f"{_ATOM}{tag}"))
