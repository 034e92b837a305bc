"""SERVICES: the public services that can be searched, one line an entry. All answers become documents of the library.

Each service is a small client of its public interface: it asks for a page of results and reads titles, authors, dates,
abstracts, identifiers and licences where they are given. Full texts are not fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools.errors import InputError, OrganonError
from tools.literature.documents import Document
from tools.literature.online import arxiv, crossref, europepmc, openalex, pubchem
from tools.literature.online.web import Web

Search = Callable[[Web, str, str, int], list[Document]]


@dataclass(frozen=True, slots=True)
class Service:
    """`search(web, base_url, query, n)`; `about` for people."""

    about: str
    base_url: str
    search: Search


SERVICES: dict[str, Service] = {
    "arxiv": Service("preprints: physics, mathematics, computing, biology", arxiv.BASE_URL, arxiv.search),
    "europepmc": Service("life science papers and preprints", europepmc.BASE_URL, europepmc.search),
    "openalex": Service("works of all fields", openalex.BASE_URL, openalex.search),
    "crossref": Service("works with a DOI", crossref.BASE_URL, crossref.search),
    "pubchem": Service("compounds, by name or SMILES", pubchem.BASE_URL, pubchem.search),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the services gave, and for each that gave a fault instead the reason, without its name."""

    documents: list[Document]
    faults: dict[str, str]

    def fault_lines(self) -> list[str]:
        """One line for each reason: "arxiv, crossref cannot be reached: ..."."""
        names: dict[str, list[str]] = {}
        for name, reason in self.faults.items():
            names.setdefault(reason, []).append(name)
        return [f"{', '.join(group)} {reason}" for reason, group in names.items()]


def search_online(
    web: Web, query: str, n: int, services: Sequence[str] = tuple(SERVICES), base_urls: Mapping[str, str] | None = None
) -> Answer:
    """Ask the services at the same time, `n` results each. `base_urls`: other addresses of them (mirrors, proxies)."""
    if not query.strip():
        raise InputError("the search text is empty: say what to look for")
    unknown = [name for name in services if name not in SERVICES]
    if unknown:
        raise InputError(f"unknown source {', '.join(unknown)}: there are {', '.join(SERVICES)}")
    addresses = {name: (base_urls or {}).get(name, SERVICES[name].base_url).rstrip("/") for name in services}
    documents: list[Document] = []
    faults: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=max(1, len(services))) as pool:
        asked = {name: pool.submit(SERVICES[name].search, web, addresses[name], query, n) for name in services}
        for name, future in asked.items():
            try:
                documents += future.result()
            except OrganonError as error:
                faults[name] = str(error).removeprefix(f"{name} ")
    return Answer(_distinct(documents), faults)


def _distinct(documents: Sequence[Document]) -> list[Document]:
    """Each work once: of those with the same DOI the one with the longest text."""
    best: dict[str, Document] = {}
    for document in documents:
        key = document.doi or document.identity
        held = best.get(key)
        if held is None or _length(document) > _length(held):
            best[key] = document
    return list(best.values())


def _length(document: Document) -> int:
    return sum(len(page.text) for page in document.pages) + sum(len(row.text) for row in document.rows)
