"""What a run rests on besides its own checks: what memory contributed, what came of it, and how things are linked.

`run_evidence` is written into the run's result (settings["evidence"]) and shown by the report; `thread_links` serves
any page that shows how the steps of a conversation or workflow hang together: each thing with the handles it was made
from. Everything here is read from frozen events and stored records; nothing is searched again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.discovery.deps import Deps
from agent.discovery.recall import recalled_of
from tools.memory.ledger import Ledger
from tools.types import Candidate

SHOWN_REMEMBERED = 6
MAX_LINKS = 200
SHOWN_SCORES = ("vina", "ligand_efficiency", "interaction", "strain", "qed", "sa")


def run_evidence(context: Mapping[str, Any], deps: Deps, ranked: Sequence[Candidate]) -> dict[str, Any]:
    """JSON of the section "Evidence and memory"; `ranked`: the candidates of the final table, best first."""
    recall = recalled_of(context)
    thread_id = deps.ledger.thread_of(deps.run_id)
    links = thread_links(deps.ledger, thread_id) if thread_id else []
    if deps.campaign.memory == "off":
        return {"memory": "off", "links": links}
    ranks = {candidate.text: rank for rank, candidate in enumerate(ranked, 1)}
    candidates = deps.ledger.candidates(deps.run_id)
    known = {str(finding["text"]) for finding in context["memory"]} | {seed["text"] for seed in recall["seeds"]}
    tried = {c.text: c.candidate_id for c in candidates if c.origin.startswith("recalled")}
    return {
        "memory": "on",
        "n_known": recall["n_known"],
        "remembered": [_remembered(finding) for finding in context["memory"][:SHOWN_REMEMBERED]],
        "seeds": [
            {**seed, "candidate_id": tried.get(seed["text"], ""), "rank": ranks.get(seed["text"])}
            for seed in recall["seeds"]
        ],
        "n_avoided": len(recall["avoid"]),
        "failures": recall["failures"],
        "descended": [
            {"rank": ranks[text], "from": sorted(origins)}
            for text, origins in descent(candidates, known).items()
            if text in ranks
        ],
        "passages": recall["passages"],
        "notes": recall["notes"],
        "links": links,
    }


def descent(candidates: Sequence[Candidate], known: set[str]) -> dict[str, set[str]]:
    """Text of each candidate that comes of a known one, over any number of generations -> the known texts it comes of.
    `candidates` in the order they were made."""
    roots: dict[str, set[str]] = {}
    for candidate in candidates:
        found = {text for text in candidate.parents if text in known}
        found.update(*(roots.get(parent, set()) for parent in candidate.parents))
        if candidate.text in known:
            found.add(candidate.text)
        if found:
            roots[candidate.text] = roots.get(candidate.text, set()) | found
    return roots


def thread_links(ledger: Ledger, thread_id: str) -> list[dict[str, Any]]:
    """The things of a conversation that were made from others or that others were made from, oldest first: {"handle",
    "kind", "name", "made_from": [handles]}."""
    items = ledger.items(thread_id)
    used = {str(handle) for item in items for handle in item.get("made_from") or []}
    return [
        {
            "handle": item["handle"],
            "kind": item["kind"],
            "name": str(item.get("name") or item["value"])[:80],
            "made_from": [str(handle) for handle in item.get("made_from") or []],
        }
        for item in items
        if item.get("made_from") or item["handle"] in used
    ][:MAX_LINKS]


def _remembered(finding: Mapping[str, Any]) -> dict[str, Any]:
    scores = dict(finding.get("scores") or {})
    return {
        "text": finding["text"],
        "run_id": finding["run_id"],
        "desirability": finding.get("desirability"),
        "scores": {name: scores[name] for name in SHOWN_SCORES if name in scores},
        "units": dict(finding.get("units") or {}),
    }
