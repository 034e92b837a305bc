"""How the steps of a request hang together, and the report's section on it, on real stores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.discovery.evidence import thread_links
from agent.report.page import write_report
from tools.memory.ledger import Ledger

THINGS = [
    ("a.1", {"kind": "protein", "value": "MKV" * 20, "name": "ABL1 domain", "made_from": []}),
    ("a.2", {"kind": "pocket", "value": "A:THR315 A:MET318", "name": "pocket 1", "made_from": ["P1"]}),
    ("a.3", {"kind": "molecule", "value": "CCO", "name": "design", "made_from": ["K1"]}),
    ("a.4", {"kind": "route", "value": "{}", "name": "two steps", "made_from": ["M1"]}),
    ("a.5", {"kind": "molecule", "value": "CCN", "name": "alone", "made_from": []}),
]


def stored(path: Path) -> Ledger:
    ledger = Ledger(path)
    ledger.put_thread("t", "cross-domain")
    for call_id, item in THINGS:
        ledger.put_items("t", call_id, [item])
    return ledger


def test_links_go_from_thing_to_thing_and_leave_out_what_stands_alone(tmp_path: Path) -> None:
    links = thread_links(stored(tmp_path / "ledger.sqlite"), "t")
    assert [(link["handle"], link["made_from"]) for link in links] == [
        ("P1", []),
        ("K1", ["P1"]),
        ("M1", ["K1"]),
        ("S1", ["M1"]),
    ]


def test_the_report_shows_links_passages_and_escapes_them(abl1_run: Any, tmp_path: Path) -> None:
    run, links = abl1_run, thread_links(stored(tmp_path / "ledger.sqlite"), "t")
    passage = {"number": 1, "title": "A paper", "locator": "page 2", "quote": "<b>ABL1</b> is a kinase", "url": ""}
    evidence = {
        "memory": "on",
        "n_known": 3,
        "remembered": [],
        "seeds": [],
        "n_avoided": 1,
        "failures": [{"reason": "pose: # clashes", "n": 2, "runs": ["r1"]}],
        "descended": [],
        "passages": [passage],
        "notes": ["the library could not be searched"],
        "links": links,
    }
    result = run.result.model_copy(update={"settings": {**run.result.settings, "evidence": evidence}})
    page = write_report(result, run.artifacts, run.campaign, run.calls, tmp_path / "report.html").read_text()
    section = " ".join(page[page.index('<section id="evidence">') : page.index('<section id="methods">')].split())
    for said in (
        "Earlier runs left 3 results on this receptor. 1 of their molecules, known to fail here under these limits,",
        "&lt;b&gt;ABL1&lt;/b&gt; is a kinase",
        "A paper, page 2",
        'pose: # clashes <span class="aside">(run r1)</span>',
        "the library could not be searched",
        "K1</th><td>pocket</td>",
        "two steps",
    ):
        assert said in section, said
    assert "alone" not in section
