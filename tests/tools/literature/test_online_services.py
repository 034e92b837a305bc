"""The clients against a server that answers as the services do: parsing, caching, manners, and faults in one line."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from tests.tools.literature.literature_services import Services, serve_services
from tools.errors import InputError, TransientError, UnavailableError
from tools.literature.documents import Document
from tools.literature.online import SERVICES, Answer, search_online
from tools.literature.online.openalex import restored
from tools.literature.online.web import Web


@pytest.fixture
def services() -> Iterator[Services]:
    with serve_services() as running:
        yield running


@pytest.fixture
def web(tmp_path: Path) -> Web:
    return Web(tmp_path / "cache", contact="me@example.org", timeout_seconds=5.0)


def ask(name: str, web: Web, services: Services, query: str = "kinase inhibitors brain") -> list[Document]:
    return SERVICES[name].search(web, services.urls[name], query, 5)


def test_arxiv(services: Services, web: Web) -> None:
    (paper,) = ask("arxiv", web, services, "What is known about docking scores?")
    assert (paper.title, paper.authors) == ("Docking with learned scores", ("Ann Example", "Bo Sample"))
    assert (paper.year, paper.doi, paper.url) == (2021, "10.5555/arx.1", "http://arxiv.org/abs/2101.00001v2")
    assert paper.pages[0].text.endswith("ranks poses of kinase inhibitors < 2 A.")
    assert services.asked[0][1]["search_query"] == ["all:known AND all:docking AND all:scores"]
    with pytest.raises(InputError, match="arxiv refused the search: incorrect query"):
        ask("arxiv", replace(web, cache=web.cache / "b"), services, "errors")
    assert ask("arxiv", web, services, "what is it") == []


def test_europepmc(services: Services, web: Web) -> None:
    (paper,) = ask("europepmc", web, services)
    assert (paper.authors, paper.year, paper.licence) == (("Example A", "Sample B"), 2018, "cc by")
    assert paper.url == "https://europepmc.org/article/MED/12345678"
    assert "Background\n\nFew kinase inhibitors enter the brain." in paper.pages[0].text
    assert services.asked[0][1]["resultType"] == ["core"]


def test_openalex(services: Services, web: Web) -> None:
    first, second = ask("openalex", web, services)
    assert first.pages[0].text.endswith("barrier.\nFew inhibitors enter")
    assert (first.doi, first.url, first.licence) == ("10.5555/epmc.1", "https://example.org/w1", "cc-by")
    assert (second.year, second.doi, second.pages[0].text) == (None, "", "A work without much.")
    assert services.asked[0][1]["mailto"] == ["me@example.org"]
    assert restored({"b": [1, 10**9], "a": [0], "c": "x"}) == "a b"


def test_crossref(services: Services, web: Web) -> None:
    (paper,) = ask("crossref", web, services)
    assert (paper.authors, paper.year, paper.doi) == (("Cy Third",), 2015, "10.5555/cr.1")
    assert paper.pages[0].text == "Selective kinase inhibition.\nSelectivity & potency of kinase inhibitors."
    assert paper.licence == "https://creativecommons.org/licenses/by/4.0/"


@pytest.mark.parametrize("query", ["aspirin", "CC(=O)Oc1ccccc1C(=O)O"])
def test_pubchem(services: Services, web: Web, query: str) -> None:
    (compound,) = ask("pubchem", web, services, query)
    (row,) = compound.rows
    assert row.smiles == "CC(=O)Oc1ccccc1C(=O)O"
    assert row.values["molecular weight (g/mol)"] == "180.16"
    assert compound.url == "https://pubchem.ncbi.nlm.nih.gov/compound/2244"


def test_pubchem_knows_no_sentence_and_not_every_name(services: Services, web: Web) -> None:
    assert ask("pubchem", web, services, "which compounds inhibit this enzyme best") == []
    assert services.asked == []
    assert ask("pubchem", web, services, "no such/compound") == []


def test_all_at_once_each_work_once(services: Services, web: Web) -> None:
    answer = search_online(web, "kinase inhibitors", 3, base_urls=services.urls)
    assert answer.faults == {}
    assert {document.source for document in answer.documents} == {"arXiv", "Europe PMC", "OpenAlex", "Crossref"}
    dois = [document.doi for document in answer.documents if document.doi]
    assert len(dois) == len(set(dois))
    kept = next(document for document in answer.documents if document.doi == "10.5555/epmc.1")
    assert kept.source == "Europe PMC"
    assert all(agent.startswith("organon/") and "me@example.org" in agent for agent in services.agents)


def test_answers_are_kept_for_a_while(services: Services, web: Web) -> None:
    ask("europepmc", web, services)
    ask("europepmc", web, services)
    assert len(services.asked) == 1
    ask("europepmc", replace(web, max_age_seconds=0.0), services)
    assert len(services.asked) == 2


def test_a_service_is_not_asked_more_often_than_it_likes(services: Services, web: Web) -> None:
    started = time.monotonic()
    for n in range(3):
        web.get("crossref", f"{services.urls['crossref']}/works", {"q": n}, 0.4)
    assert time.monotonic() - started >= 0.75


def test_one_service_that_fails_does_not_hide_the_others(services: Services, web: Web) -> None:
    services.failing = {"crossref": [503], "europepmc": [429]}
    services.bodies = {"openalex": "<html>maintenance</html>"}
    answer = search_online(web, "kinase", 3, base_urls=services.urls)
    assert answer.faults == {
        "crossref": "is busy (HTTP 503): try again later",
        "openalex": "answered something that is not JSON",
    }
    assert answer.fault_lines()[0] == "openalex answered something that is not JSON"
    same = Answer([], {"arxiv": "cannot be reached", "crossref": "cannot be reached"})
    assert same.fault_lines() == ["arxiv, crossref cannot be reached"]
    assert {document.source for document in answer.documents} == {"arXiv", "Europe PMC"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><feed/>', "a page instead of a feed"),
        ("<feed>", "no feed"),
        ("{", "no feed"),
    ],
)
def test_odd_feeds_are_refused(services: Services, web: Web, body: str, said: str) -> None:
    services.bodies = {"arxiv": body}
    with pytest.raises(TransientError, match=said):
        ask("arxiv", web, services)


@pytest.mark.parametrize("name", ["europepmc", "openalex", "crossref", "pubchem"])
@pytest.mark.parametrize("body", ["[]", "null", '"x"', '{"results": 3, "message": {"items": [null, 1, {"title": 5}]}}'])
def test_json_of_another_shape_gives_nothing(services: Services, web: Web, name: str, body: str) -> None:
    services.bodies = {name: body}
    assert ask(name, web, services, "aspirin") == []


def test_json_nested_without_end_is_no_answer(services: Services, web: Web) -> None:
    services.bodies = {"crossref": "[" * 100_000}
    with pytest.raises(TransientError, match="not JSON"):
        ask("crossref", web, services)


def test_offline_is_said_plainly(web: Web) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(UnavailableError, match=r"europepmc cannot be reached: is this machine offline\?"):
        SERVICES["europepmc"].search(web, nowhere, "kinase", 1)


def test_a_silent_service_is_given_up(web: Web) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        address = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(UnavailableError, match=r"did not answer within 0\.3 s"):
            SERVICES["crossref"].search(replace(web, timeout_seconds=0.3), address, "kinase", 1)


def test_unknown_sources_and_empty_questions_are_refused(web: Web) -> None:
    with pytest.raises(InputError, match="unknown source scholar: there are arxiv, europepmc"):
        search_online(web, "x", 1, ("scholar",))
    with pytest.raises(InputError, match="empty"):
        search_online(web, " ", 1)


def test_who_waits_too_long_for_a_service_is_told_so(web: Web) -> None:
    web.cache.mkdir()
    with FileLock(web.cache / "arxiv.lock"), pytest.raises(TransientError, match="being asked by others"):
        replace(web, queue_seconds=0.05).get("arxiv", "http://localhost:1/", {}, 0.0)


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"answers cannot be kept in .*file/cache"):
        Web(tmp_path / "file" / "cache").get("arxiv", "http://localhost:1/", {}, 0.0)
