"""What memory contributes to a discovery run, found out once, when it is planned, and frozen into its first event.

Three things change the plan: molecules to start from (`seeds`: the best on the same target in another structure or on
a protein much like it, and the user's own molecules like the reference), texts that are known to fail here (`avoid`:
not proposed again), and the best on this very receptor (`memory`, parents of the first rounds). Beside them stand, for
people, the most frequent reasons of failure and what the library says of the target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.discovery.deps import Deps
from tools.domain import Call
from tools.errors import UnavailableError
from tools.funnel import walk
from tools.literature.cite import cite_passages
from tools.literature.search import Hit, search_molecules, search_passages
from tools.memory.passage_index import PassageIndex
from tools.memory.recall import Recalled, distinct, failures, recall_protein, recall_target, state_finding
from tools.memory.text_embedding import load_text_embedding
from tools.types import CheckResult, Verdict

N_REMEMBERED = 12
N_SEEDS = 8
N_AVOIDED = 300
N_REASONS = 5
N_PASSAGES = 3
SHOWN_QUOTE = 600

NOTHING: dict[str, Any] = {
    "memory": [],
    "recall": {"seeds": [], "avoid": [], "failures": [], "passages": [], "n_known": 0, "notes": []},
}


def recalled_of(context: Mapping[str, Any]) -> dict[str, Any]:
    """What memory contributed to the run of this context; nothing, for one planned before memory did."""
    return dict(context.get("recall") or NOTHING["recall"])


def recall(context: Mapping[str, Any], deps: Deps) -> dict[str, Any]:
    """{"memory": findings on this receptor, "recall": {...}}, as JSON; empty where the campaign keeps memory off.

    A run that planned before and was killed gets what its first event holds, whatever has been learned since."""
    held = next((e.payload for e in deps.ledger.events(deps.run_id) if e.type == "run_started"), None)
    if held is not None:
        return {"memory": held["memory"], "recall": held.get("recall", NOTHING["recall"])}
    if deps.campaign.memory == "off":
        return NOTHING
    known = deps.ledger.findings(context["receptor"])
    notes: list[str] = []
    on_receptor = deps.vectors.best_on_receptor(context["receptor"], N_REMEMBERED)
    seeds = _seeds(context, deps, {str(finding["text"]) for finding in known}, notes)
    return {
        "memory": on_receptor,
        "recall": {
            "seeds": seeds,
            "avoid": _known_to_fail(known, context, deps),
            "failures": failures(known, N_REASONS),
            "passages": _passages(context, deps, notes),
            "n_known": len(known),
            "notes": notes,
        },
    }


def _known_to_fail(known: Sequence[Mapping[str, Any]], context: Mapping[str, Any], deps: Deps) -> list[str]:
    """Texts of which the ledger already holds that they fail under this run's own limits and settings: their checks
    are replayed from stored calls, nothing is executed. What failed only another run's limits is not among them, nor is
    what the campaign itself starts from."""
    tried = dict.fromkeys(str(finding["text"]) for finding in known if finding.get("passed") is False)

    given = {deps.domain.identity(seed) for seed in deps.campaign.seeds}

    def stored(call_id: str, _request: Call) -> CheckResult | None:
        return deps.ledger.get_call(call_id)

    return [
        text
        for text in list(tried)[-N_AVOIDED:]
        if text not in given
        and any(outcome.verdict is Verdict.FAIL for outcome in walk(deps.domain.stages, text, context, stored))
    ]


def _seeds(context: Mapping[str, Any], deps: Deps, known: set[str], notes: list[str]) -> list[dict[str, Any]]:
    """Molecules that were not yet tried on this receptor and are likely to be worth it, most telling first."""
    try:
        seeds = [*_of_targets(context, deps), *_of_own_data(context, deps)]
    except UnavailableError as error:
        notes.append(f"similar targets and molecules could not be searched: {error}")
        seeds = [_seed(entry) for entry in recall_target(deps.ledger, context["target"]["name"], N_SEEDS)]
    chosen: dict[str, dict[str, Any]] = {}
    for seed in seeds:
        identity = deps.domain.identity(seed["text"])
        if identity and identity not in known and len(chosen) < N_SEEDS:
            chosen.setdefault(identity, {**seed, "text": identity})
    return list(chosen.values())


def _of_targets(context: Mapping[str, Any], deps: Deps) -> list[dict[str, Any]]:
    """What passed on a target of the same name, or on a protein that is much the same."""
    found = recall_target(deps.ledger, context["target"]["name"], N_SEEDS)
    chain = context.get("pocket_chain") or {}
    if chain.get("sequence"):
        found += recall_protein(deps.vectors, deps.ledger, chain["sequence"], N_SEEDS)
    return [_seed(entry) for entry in distinct(found) if entry.finding.get("passed") is True]


def _seed(entry: Recalled) -> dict[str, Any]:
    finding = entry.finding
    return {
        "text": str(finding["text"]),
        "why": entry.why,
        "likeness": entry.likeness,
        "source": str(finding["run_id"]),
        "said": state_finding(finding),
    }


def _of_own_data(context: Mapping[str, Any], deps: Deps) -> list[dict[str, Any]]:
    """The user's own molecules that are like the reference compound."""
    reference = context.get("reference")
    if not reference:
        return []
    return [
        _row_seed(hit, str(reference["name"]))
        for hit in search_molecules(deps.ledger, _index(deps), reference["smiles"], N_SEEDS)
        if hit.document.kind == "table"
    ]


def _row_seed(hit: Hit, reference: str) -> dict[str, Any]:
    return {
        "text": hit.passage.smiles,
        "why": f"own data, like {reference} (Tanimoto {hit.similarity or 0.0:.2f})",
        "likeness": hit.similarity,
        "source": hit.passage.passage_id,
        "said": f"{hit.document.source}, row {hit.passage.page}: {hit.passage.text}",
    }


def _passages(context: Mapping[str, Any], deps: Deps, notes: list[str]) -> list[dict[str, Any]]:
    """Citations of what the library says of the target: passages that name it or its reference compound."""
    names = [str(context["target"]["name"]), str((context.get("reference") or {}).get("name") or "")]
    wanted = [name for name in names if len(name) > 2 and name != "reference"]
    if not wanted or not deps.ledger.count_documents():
        return []
    try:
        found = search_passages(deps.ledger, _index(deps), " ".join(wanted), 2 * N_PASSAGES)
    except UnavailableError as error:
        notes.append(f"the library could not be searched: {error}")
        return []
    named = [hit for hit in found.hits if _names(hit, wanted) and not hit.passage.suspicious][:N_PASSAGES]
    return [{**citation, "quote": str(citation["quote"])[:SHOWN_QUOTE]} for citation in cite_passages(named)]


def _names(hit: Hit, wanted: list[str]) -> bool:
    text = f"{hit.document.title} {hit.passage.text}".casefold()
    return any(name.casefold() in text for name in wanted)


def _index(deps: Deps) -> PassageIndex:
    return PassageIndex(deps.settings.vectors_path, deps.ledger, load_text_embedding(deps.settings.embeddings))
