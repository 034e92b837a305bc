"""search_results: what earlier runs and conversations found that is like this, with what failed and why.

Findings of discovery runs are recalled by structure, by target, by protein and by words; rows of the user's own data
and things made in other conversations by structure. Every line cites its record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from agent import library
from agent.actions.action import Action, ActionContext, Arguments
from agent.actions.given import given_item, is_handle
from agent.actions.molecule_arguments import given_molecule
from agent.interface.schemas import ActionResult, Citation, Item, Quantity
from agent.plural import plural
from tools.errors import InputError, UnavailableError
from tools.literature.cite import cite_passage, cite_record
from tools.literature.search import Hit
from tools.memory.ledger import Ledger
from tools.memory.recall import (
    SIMILAR_MOLECULE,
    Recalled,
    best_first,
    distinct,
    failures,
    recall_molecule,
    recall_protein,
    recall_target,
    recall_text,
    state_finding,
)
from tools.memory.vectors import Vectors
from tools.molecule.similarity import similarity

_SEQUENCE = re.compile(r"[ACDEFGHIKLMNPQRSTVWYX\s]{25,}", re.IGNORECASE)
N_REASONS = 3
SHOWN_NAME = 60


class SearchResults(Arguments):
    query: str = Field(default="", max_length=2000, description="what to look for, in words")
    molecule: str = Field(default="", description="SMILES, handle (M3) or drug name: earlier molecules like it")
    target: str = Field(
        default="", description="target name (ABL1), handle of a receptor, pocket or protein, or a protein sequence"
    )
    n: int = Field(default=5, ge=1, le=50, description="results wanted")


def _run(args: SearchResults, context: ActionContext) -> ActionResult:
    if not (args.query.strip() or args.molecule.strip() or args.target.strip()):
        raise InputError("say what to look for: words (query), a molecule, or a target")
    given = given_molecule(args.molecule, context) if args.molecule.strip() else None
    made_from = [*given.made_from] if given else []
    notes: list[str] = []
    recalled = _recalled(args, given.smiles if given else "", context, made_from, notes)
    rows = _rows(given.smiles, args.n, context, notes) if given else []
    things = _things(given.smiles, args.n, context) if given else []
    items, citations = _listed(recalled, rows, things, made_from, context.call_id)
    failed = failures(_failed(recalled, context), N_REASONS)
    if not items:
        about = (args.molecule or args.target or args.query).strip()[:SHOWN_NAME]
        summary = f"Nothing like {about} is among the earlier results of this home."
    else:
        ways = list(dict.fromkeys(f"by {entry.why}" for entry in recalled))
        most = [f"failed most: {_reasons(failed)}"] if failed else []
        said = "; ".join([_counts(recalled, rows, things), *ways, *most])
        citations.append(_cite_call(len(citations) + 1, context.call_id, "this search of earlier results", said))
        summary = _summary(recalled, rows, things, failed, len(citations))
    return ActionResult(
        action="search_results",
        call_id=context.call_id,
        summary=summary,
        items=items,
        citations=[Citation.model_validate(citation) for citation in citations],
        not_checked=["whether earlier runs asked the same: their constraints and settings stand in the runs cited"],
        warnings=notes,
        runs=list(dict.fromkeys(str(entry.finding["run_id"]) for entry in recalled)),
    )


def _recalled(
    args: SearchResults, smiles: str, context: ActionContext, made_from: list[str], notes: list[str]
) -> list[Recalled]:
    """Findings by the most telling thing that was given; a target given with a molecule or words narrows them."""
    ledger = context.session.ledger
    vectors = Vectors(context.session.settings.vectors_path, ledger)
    on_target = _on_target(args, context, vectors, made_from, notes) if args.target.strip() else None
    found: list[Recalled] = []
    wanted = args.n if on_target is None else 10 * args.n
    try:
        if smiles:
            found = recall_molecule(vectors, smiles, wanted)
        elif args.query.strip():
            found = distinct([*_named(args.query, ledger, wanted), *recall_text(vectors, args.query, wanted)])
    except UnavailableError as error:
        notes.append(f"earlier results could not be searched by likeness: {error}")
    if on_target is None:
        return found[: args.n]
    receptors = {str(entry.finding.get("receptor")) for entry in on_target}
    there = [entry for entry in found if str(entry.finding.get("receptor")) in receptors]
    if smiles:
        return there[: args.n]
    return distinct([*there, *on_target])[: args.n]


def _named(query: str, ledger: Ledger, n: int) -> list[Recalled]:
    """The best findings on targets that the words name."""
    words = {word.casefold() for word in re.findall(r"[\w-]+", query)}
    return [
        entry for name in ledger.target_names() if name.casefold() in words for entry in recall_target(ledger, name, n)
    ]


def _on_target(
    args: SearchResults, context: ActionContext, vectors: Vectors, made_from: list[str], notes: list[str]
) -> list[Recalled]:
    """Findings on the target: this receptor, the same name, a protein that is much the same."""
    ledger, wanted = context.session.ledger, 50 * args.n
    name, receptor, sequence = _target(args.target, context)
    if is_handle(args.target):
        made_from.append(args.target.strip())
    found: list[Recalled] = []
    if receptor:
        found += [Recalled(f, "the same receptor") for f in best_first(ledger.findings(receptor))[:wanted]]
    if name:
        found += recall_target(ledger, name, wanted)
        known = next((str(x.finding["sequence"]) for x in found if x.finding.get("sequence")), "")
        sequence = sequence or known
    if sequence:
        try:
            found += recall_protein(vectors, ledger, sequence, args.n)
        except UnavailableError as error:
            notes.append(f"similar proteins could not be searched: {error}")
    return distinct(found)


def _target(text: str, context: ActionContext) -> tuple[str, str, str]:
    """(name, receptor id, sequence) of what the text names; "" for what it does not say."""
    text = text.strip()
    if not is_handle(text):
        sequence = "".join(text.split()).upper() if _SEQUENCE.fullmatch(text) else ""
        return ("" if sequence else text), "", sequence
    item = given_item(text, ("receptor", "protein", "pocket", "file"), context)
    if item.kind == "protein":
        return item.name, "", item.value
    return item.name, str(item.details.get("receptor") or ""), ""


def _rows(smiles: str, n: int, context: ActionContext, notes: list[str]) -> list[Hit]:
    """Rows of own data with molecules like this one; what a service told of a compound is none."""
    try:
        return [hit for hit in library.similar_rows(context.session, smiles, n) if hit.document.kind == "table"]
    except UnavailableError as error:
        notes.append(f"own data could not be searched by structure: {error}")
        return []


def _things(smiles: str, n: int, context: ActionContext) -> Sequence[tuple[float, str, Mapping[str, Any]]]:
    """(likeness, call id, item): molecules with numbers or checks that other conversations made."""
    found = []
    for _, call_id, item in context.session.ledger.recent_items(("molecule",), not_in_thread=context.thread_id):
        if not (item.get("numbers") or item.get("checks")) or not call_id:
            continue
        try:
            likeness = similarity(smiles, str(item["value"]))
        except InputError:
            continue
        if likeness >= SIMILAR_MOLECULE:
            found.append((likeness, call_id, item))
    found.sort(key=lambda entry: (-entry[0], entry[1]))
    return found[:n]


def _listed(
    recalled: Sequence[Recalled],
    rows: Sequence[Hit],
    things: Sequence[tuple[float, str, Mapping[str, Any]]],
    made_from: list[str],
    call_id: str,
) -> tuple[list[Item], list[dict[str, Any]]]:
    """Items and their citations, number for number."""
    items: list[Item] = []
    citations: list[dict[str, Any]] = []
    for entry in recalled:
        finding = entry.finding
        candidate = str(finding["id"]).rpartition("/")[2]
        items.append(_finding_item(entry, made_from, call_id))
        statement = f"{state_finding(finding)} Recalled by {entry.why}."
        citations.append(cite_record(len(items), str(finding["run_id"]), candidate, statement))
    for hit in rows:
        items.append(
            Item(
                kind="molecule",
                value=hit.passage.smiles,
                name=hit.document.title[:SHOWN_NAME],
                numbers={"likeness": Quantity(value=round(hit.similarity or 0.0, 4), call_id=call_id)},
                made_from=made_from,
                details={"passage_id": hit.passage.passage_id, "values": dict(hit.passage.values)},
            )
        )
        citations.append(cite_passage(hit, len(items)))
    for likeness, made_by, thing in things:
        numbers = {name: Quantity.model_validate(value) for name, value in dict(thing.get("numbers") or {}).items()}
        numbers["likeness"] = Quantity(value=round(likeness, 4), call_id=call_id)
        name = str(thing.get("name") or "")[:SHOWN_NAME]
        items.append(Item(kind="molecule", value=str(thing["value"]), name=name, numbers=numbers, made_from=made_from))
        citations.append(_cite_thing(len(items), made_by, thing))
    return items, citations


def _finding_item(entry: Recalled, made_from: list[str], call_id: str) -> Item:
    finding = entry.finding
    units, calls = dict(finding.get("units") or {}), dict(finding.get("calls") or {})
    numbers = {
        name: Quantity(value=value, unit=units.get(name, ""), call_id=calls.get(name, ""))
        for name, value in dict(finding.get("scores") or {}).items()
    }
    if entry.likeness is not None:
        numbers["likeness"] = Quantity(value=entry.likeness, call_id=call_id)
    return Item(
        kind="molecule",
        value=str(finding["text"]),
        name=str(finding["id"])[:SHOWN_NAME],
        numbers=numbers,
        made_from=made_from,
        details={
            "run_id": finding["run_id"],
            "target": finding.get("target") or "",
            "passed": finding.get("passed"),
            "reason": finding.get("reason") or "",
            "why": entry.why,
        },
    )


def _cite_thing(number: int, call_id: str, thing: Mapping[str, Any]) -> dict[str, Any]:
    values = [
        f"{name} {quantity['value']:.4g} {quantity.get('unit') or ''}".strip()
        for name, quantity in dict(thing.get("numbers") or {}).items()
        if quantity.get("value") is not None
    ]
    checks = [f"{check.get('name')} {check.get('verdict')}" for check in thing.get("checks") or []]
    statement = f"{thing['value']}: {', '.join([*values, *checks])}"
    return _cite_call(number, call_id, str(thing.get("name") or ""), statement)


def _cite_call(number: int, call_id: str, title: str, statement: str) -> dict[str, Any]:
    return {"number": number, "kind": "call", "source": call_id, "title": title, "quote": statement}


def _failed(recalled: Sequence[Recalled], context: ActionContext) -> list[Mapping[str, Any]]:
    """Everything known on the receptors that came to mind: failures are counted over all of it."""
    receptors = list(dict.fromkeys(str(x.finding["receptor"]) for x in recalled if x.finding.get("receptor")))
    return [finding for receptor in receptors[:3] for finding in context.session.ledger.findings(receptor)]


def _summary(
    recalled: Sequence[Recalled],
    rows: Sequence[Hit],
    things: Sequence[Any],
    failed: Sequence[Mapping[str, Any]],
    tally: int,
) -> str:
    """Counts, the best of what was seen, and what failed most; `tally`: the number of this search's own citation."""
    passed = [entry for entry in recalled if entry.finding.get("passed") is True]
    parts = [f"Yes: {_counts(recalled, rows, things)} [{tally}]."]
    if recalled:
        best = (passed or list(recalled))[0]
        statement = state_finding(best.finding).rstrip(".")
        parts.append(f"Nearest, by {best.why}: {statement} [{recalled.index(best) + 1}].")
    if failed:
        parts.append(f"What failed there most: {_reasons(failed)} [{tally}].")
    return " ".join(parts)


def _counts(recalled: Sequence[Recalled], rows: Sequence[Hit], things: Sequence[Any]) -> str:
    passed = sum(entry.finding.get("passed") is True for entry in recalled)
    alike = f"{plural(len(recalled), 'earlier result')} {'is' if len(recalled) == 1 else 'are'} alike"
    parts = [f"{alike}, {passed} of which passed"] if recalled else []
    parts += [f"{plural(len(rows), 'row')} of own data"] if rows else []
    parts += [f"{plural(len(things), 'molecule')} of other conversations"] if things else []
    return "; ".join(parts)


def _reasons(failed: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(f"{entry['reason']} ({entry['n']}×)" for entry in failed)


SEARCH_RESULTS = Action(
    name="search_results",
    about=(
        "Have we seen something like this? Earlier results of all runs on this home, by molecule, target, protein or "
        "words, with what failed and why. Use it before designing anew, and for any statement about past work."
    ),
    args=SearchResults,
    run=_run,
)
