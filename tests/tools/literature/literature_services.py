"""A local HTTP server that answers as arXiv, Europe PMC, OpenAlex, Crossref and PubChem do: same paths, same formats.

The records are made up; fields, nesting, markup and status codes are those of the services' public interfaces.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

ARXIV = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <title type="html">ArXiv Query: search_query=all:docking</title>
  <opensearch:totalResults xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">1</opensearch:totalResults>
  <entry>
    <id>http://arxiv.org/abs/2101.00001v2</id>
    <updated>2021-02-01T10:00:00Z</updated>
    <published>2021-01-01T10:00:00Z</published>
    <title>Docking with
  learned scores</title>
    <summary>  We show that a learned score ranks poses
of kinase inhibitors &lt; 2 A.
</summary>
    <author><name>Ann Example</name></author>
    <author><name>Bo Sample</name></author>
    <arxiv:doi xmlns:arxiv="http://arxiv.org/schemas/atom">10.5555/ARX.1</arxiv:doi>
    <link href="http://arxiv.org/abs/2101.00001v2" rel="alternate" type="text/html"/>
  </entry>
</feed>
"""
ARXIV_ERROR = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>http://arxiv.org/api/errors#incorrect</id><title>Error</title>
<summary>incorrect query</summary></entry></feed>"""
EUROPEPMC = {
    "version": "6.9",
    "hitCount": 1,
    "resultList": {
        "result": [
            {
                "id": "12345678",
                "source": "MED",
                "pmid": "12345678",
                "doi": "10.5555/EPMC.1",
                "title": "Kinase inhibitors that cross the blood-brain barrier.",
                "authorString": "Example A, Sample B.",
                "authorList": {"author": [{"fullName": "Example A"}, {"fullName": "Sample B"}]},
                "pubYear": "2018",
                "abstractText": "<h4>Background</h4>Few <i>kinase</i> inhibitors enter the brain.<h4>End</h4>Two do.",
                "license": "cc by",
                "isOpenAccess": "Y",
            }
        ]
    },
}
OPENALEX = {
    "meta": {"count": 1},
    "results": [
        {
            "id": "https://openalex.org/W1",
            "doi": "https://doi.org/10.5555/EPMC.1",
            "display_name": "Kinase inhibitors that cross the blood-brain barrier",
            "publication_year": 2018,
            "authorships": [{"author": {"display_name": "A. Example"}}],
            "abstract_inverted_index": {"Few": [0], "enter": [2], "inhibitors": [1]},
            "best_oa_location": {"landing_page_url": "https://example.org/w1", "license": "cc-by"},
        },
        {
            "id": "https://openalex.org/W2",
            "doi": None,
            "display_name": "A work without much",
            "publication_year": None,
            "authorships": [],
            "abstract_inverted_index": None,
            "best_oa_location": None,
        },
    ],
}
CROSSREF = {
    "status": "ok",
    "message": {
        "items": [
            {
                "DOI": "10.5555/CR.1",
                "title": ["Selective kinase inhibition"],
                "author": [{"given": "Cy", "family": "Third"}],
                "issued": {"date-parts": [[2015, 6]]},
                "abstract": "<jats:p>Selectivity &amp; potency of <jats:i>kinase</jats:i> inhibitors.</jats:p>",
                "URL": "https://doi.org/10.5555/cr.1",
                "license": [{"URL": "https://creativecommons.org/licenses/by/4.0/"}],
            },
            {"DOI": "10.5555/CR.2", "title": [], "issued": {"date-parts": [[None]]}},
        ]
    },
}
PUBCHEM = {
    "PropertyTable": {
        "Properties": [
            {
                "CID": 2244,
                "Title": "Aspirin",
                "MolecularFormula": "C9H8O4",
                "MolecularWeight": "180.16",
                "SMILES": "CC(=O)OC1=CC=CC=C1C(=O)O",
                "ConnectivitySMILES": "CC(=O)OC1=CC=CC=C1C(=O)O",
                "InChIKey": "BSYNRYMUTXBXSQ-UHFFFAOYSA-N",
                "XLogP": 1.2,
                "TPSA": 63.6,
            }
        ]
    }
}
NOT_FOUND = {"Fault": {"Code": "PUGREST.NotFound", "Message": "No CID found"}}


@dataclass
class Services:
    """`asked`: (path, query) of every request; `failing`: path part -> statuses to give, one each, before answering."""

    address: str
    asked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)
    failing: dict[str, list[int]] = field(default_factory=dict)
    bodies: dict[str, str] = field(default_factory=dict)
    agents: list[str] = field(default_factory=list)

    @property
    def urls(self) -> dict[str, str]:
        names = ("arxiv", "europepmc", "openalex", "crossref", "pubchem")
        return {name: f"{self.address}/{name}" for name in names}


@contextmanager
def serve_services() -> Iterator[Services]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    services = Services(f"http://127.0.0.1:{server.server_address[1]}")
    server.services = services  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield services
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        services: Services = self.server.services  # type: ignore[attr-defined]
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        services.asked.append((unquote(parts.path), query))
        services.agents.append(self.headers["User-Agent"])
        name = parts.path.strip("/").partition("/")[0]
        if services.failing.get(name):
            self._send(services.failing[name].pop(0), "text/html", "<html>busy</html>", {"Retry-After": "0"})
            return
        if name in services.bodies:
            self._send(200, "text/plain", services.bodies[name])
            return
        status, kind, body = self._answer(name, unquote(parts.path), query)
        self._send(status, kind, body)

    def _answer(self, name: str, path: str, query: dict[str, list[str]]) -> tuple[int, str, str]:
        if name == "arxiv" and path == "/arxiv/api/query":
            bad = "errors" in query["search_query"][0]
            return 200, "application/atom+xml", ARXIV_ERROR if bad else ARXIV
        known: dict[str, tuple[str, Any]] = {
            "europepmc": ("/europepmc/search", EUROPEPMC),
            "openalex": ("/openalex/works", OPENALEX),
            "crossref": ("/crossref/works", CROSSREF),
        }
        if name in known and path == known[name][0]:
            return 200, "application/json", json.dumps(known[name][1])
        if name == "pubchem" and path.endswith("/JSON") and "/property/Title," in path:
            aspirin = "/name/aspirin/" in path or query.get("smiles") == ["CC(=O)Oc1ccccc1C(=O)O"]
            return (
                (200, "application/json", json.dumps(PUBCHEM))
                if aspirin
                else (404, "text/plain", json.dumps(NOT_FOUND))
            )
        return 400, "text/plain", "wrong address"

    def _send(self, status: int, kind: str, body: str, headers: dict[str, str] | None = None) -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""
        del format, args
