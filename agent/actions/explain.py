"""explain_candidate: everything known about one candidate of a run, with the call behind every number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from agent.actions.action import Action, ActionContext, Arguments
from agent.actions.campaigns import run_named
from agent.actions.given import is_handle
from agent.discovery.result import check_report
from agent.interface.schemas import ActionResult, CheckReport, Citation, Item, Quantity, RunResult
from agent.judged import Judged, judged_candidates
from tools.errors import InputError
from tools.memory.ledger import RunRecord, Sighting
from tools.rank import Objective, desirability
from tools.registry import load_domain
from tools.types import CheckResult

N_NEIGHBOURS = 3
MAX_COMPARED = 500
MAX_SIGHTINGS = 10


class ExplainArguments(Arguments):
    candidate: str = Field(
        description="Which one: its handle in this conversation (M3), its candidate id, its SMILES, or its rank in the "
        'run\'s table ("1" or "rank 1").'
    )
    run_id: str | None = Field(
        default=None, description="Id or handle (D1) of its run; default: the run it is known from, else the last one."
    )


def _explain(args: ExplainArguments, context: ActionContext) -> ActionResult:
    session = context.session
    wanted, run_id = _named(args, context)
    record = session.ledger.get_run(run_id)
    if record.kind not in ("campaign", "demo"):
        raise InputError(f"run {run_id} is a {record.kind}: only a campaign has candidates")
    judged = judged_candidates(session, record)
    result = RunResult.model_validate(record.result) if record.result else None
    one = _found(wanted, judged, result, record)
    rank = _rank(one, result)
    terms = _terms(one, record, result, rank)
    neighbours = _neighbours(one, judged, result, record)
    seen = session.ledger.sightings([one.candidate.text], not_in_run=run_id)[-MAX_SIGHTINGS:]
    numbers = _numbers(one, terms, result, rank, context.call_id)
    return ActionResult(
        action="explain_candidate",
        call_id=context.call_id,
        summary=" ".join([_origin(one), _fate(one, rank, result), _why(terms, rank), _kin(neighbours, seen)]).strip(),
        items=[
            Item(
                kind="molecule",
                value=one.candidate.text,
                name=f"{record.name} {one.candidate.candidate_id}",
                numbers=numbers,
                checks=_checks(one),
                links=_links(one, result),
                made_from=[args.candidate.strip()] if is_handle(args.candidate) else [],
                details=_details(one, record, rank, terms, neighbours, seen),
            )
        ],
        citations=_citations(one, record, seen),
        runs=[run_id],
        not_checked=["that the docking score is an affinity: none was measured"] if one.docked else [],
    )


def _named(args: ExplainArguments, context: ActionContext) -> tuple[str, str]:
    """What was named, as a candidate id, SMILES or rank; and its run."""
    text = args.candidate.strip()
    if not is_handle(text):
        return text, run_named(args.run_id, context)
    item = context.item(text)
    known, run_id = item.details.get("candidate_id"), item.details.get("run_id")
    if args.run_id is not None or not known or not run_id:
        if item.kind != "molecule":
            raise InputError(f"{text} is a {item.kind}; a candidate is a molecule of a run's table")
        return item.value, run_named(args.run_id, context)
    return str(known), str(run_id)


def _found(wanted: str, judged: Sequence[Judged], result: RunResult | None, record: RunRecord) -> Judged:
    """The candidate of this id, rank or structure. InputError says what there is."""
    by_id = {one.candidate.candidate_id: one for one in judged}
    if wanted in by_id:
        return by_id[wanted]
    words = wanted.lower().removeprefix("rank").strip(" #")
    if words.isdigit() and result is not None:
        ranked = {candidate.rank: candidate.candidate_id for candidate in result.candidates}
        if int(words) in ranked:
            return by_id[ranked[int(words)]]
        raise InputError(f"candidate: rank {words} of run {record.run_id}; its table has ranks 1 to {len(ranked)}")
    text = load_domain(str(record.campaign["task"])).identity(wanted)
    for one in judged:
        if text is not None and one.candidate.text == text:
            return one
    example = next(iter(by_id), "none yet")
    raise InputError(
        f"candidate: {wanted!r:.80} is none of the {len(by_id)} candidates of run {record.run_id}: give a handle, a "
        f"rank, a SMILES or an id such as {example}"
    )


def _rank(one: Judged, result: RunResult | None) -> int | None:
    ids = {} if result is None else {c.candidate_id: c.rank for c in result.candidates}
    return ids.get(one.candidate.candidate_id)


def _terms(one: Judged, record: RunRecord, result: RunResult | None, rank: int | None) -> list[dict[str, Any]]:
    """What the desirability is made of: one row an objective, with value, range, weight and its own desirability."""
    objectives = load_domain(str(record.campaign["task"])).objectives(_without_none(record.campaign))
    values = {name: (score.value, score.unit, score.call_id) for name, score in one.scores.items()}
    if rank is not None and result is not None:
        shown = next(c for c in result.candidates if c.rank == rank).scores
        values |= {name: (score.value, score.unit, score.call_id) for name, score in shown.items()}
    return [_term(objective, *values.get(objective.score, (None, "", ""))) for objective in objectives]


def _term(objective: Objective, value: float | None, unit: str, call_id: str) -> dict[str, Any]:
    return {
        "score": objective.score,
        "value": value,
        "unit": unit,
        "goal": objective.goal,
        "low": objective.low,
        "high": objective.high,
        "weight": objective.weight,
        "desirability": desirability(value, objective),
        "call_id": call_id,
    }


def _without_none(campaign: Any) -> dict[str, Any]:
    entries = [{k: v for k, v in entry.items() if v is not None} for entry in campaign["objective"]]
    return {**campaign, "objective": entries}


def _neighbours(
    one: Judged, judged: Sequence[Judged], result: RunResult | None, record: RunRecord
) -> list[dict[str, Any]]:
    """The likest other candidates of the run, those that were docked before the rest."""
    domain = load_domain(str(record.campaign["task"]))
    if domain.identity(one.candidate.text) is None:
        return []
    others = [other for other in judged if other.candidate.text != one.candidate.text]
    others = [other for other in others if domain.identity(other.candidate.text) is not None]
    others = sorted(others, key=lambda other: not other.docked)[:MAX_COMPARED]
    if not others:
        return []
    likeness = domain.similarity([one.candidate.text, *(other.candidate.text for other in others)])[0, 1:]
    nearest = sorted(zip(likeness.tolist(), others, strict=True), key=lambda pair: -pair[0])[:N_NEIGHBOURS]
    return [
        {
            "candidate_id": other.candidate.candidate_id,
            "text": other.candidate.text,
            "similarity": round(float(value), 4),
            "passed": other.passed,
            "rank": _rank(other, result),
            "vina": other.scores["vina"].value if "vina" in other.scores else None,
        }
        for value, other in nearest
    ]


def _origin(one: Judged) -> str:
    candidate = one.candidate
    text = f"{candidate.candidate_id} of round {candidate.round} was made by {candidate.origin}"
    if candidate.parents:
        text += f" from {', '.join(candidate.parents[:3])}"
    if candidate.log_prob is not None:
        text += f"; the model gave it a log-probability of {candidate.log_prob:.2f}"
    return f"{text}."


def _fate(one: Judged, rank: int | None, result: RunResult | None) -> str:
    obstacle = one.obstacle or (one.last_obstacle if one.finalist else None)
    if obstacle is not None:
        verdict = "failed" if str(obstacle.verdict) == "fail" else "could not be decided at"
        when = " as a finalist" if one.obstacle is None else ""
        said = obstacle.reason or f"{obstacle.value} {obstacle.unit}, criterion {obstacle.threshold}"
        return f"It {verdict} the check {obstacle.name}{when}: {said} (call {obstacle.call_id[:10]})."
    if rank is not None and result is not None:
        return f"It passed every stage and is rank {rank} of {len(result.candidates)}."
    if one.passed:
        return "It passed every stage; it was not among the finalists that were docked again."
    if not one.docked:
        why = ": others promised more within the budget" if result is not None and result.state == "done" else " so far"
        return f"It passed the cheap checks and was not sent to docking{why}."
    return "Its checks are not finished."


def _why(terms: Sequence[dict[str, Any]], rank: int | None) -> str:
    known = [term for term in terms if term["desirability"] is not None]
    if not known:
        return ""
    shown = ", ".join(
        f"{term['score']} {term['value']:.2f} {term['unit']}".rstrip() + f" (desirability {term['desirability']:.2f})"
        for term in known
    )
    weakest = min(known, key=lambda term: term["desirability"] ** term["weight"])
    where = "Its rank rests on" if rank is not None else "Its scores:"
    return f"{where} {shown}; {weakest['score']} costs it most."


def _kin(neighbours: Sequence[dict[str, Any]], seen: Sequence[Sighting]) -> str:
    parts = []
    if neighbours:
        near = neighbours[0]
        place = f"rank {near['rank']}" if near["rank"] else "passed" if near["passed"] else "not passed"
        parts.append(f"Likest in this run: {near['candidate_id']} (Tanimoto {near['similarity']:.2f}, {place}).")
    runs = list(dict.fromkeys(sighting.run_id for sighting in seen))
    parts.append(f"Seen in run {', '.join(runs)}, too." if runs else "No other run has seen it.")
    return " ".join(parts)


def _numbers(
    one: Judged, terms: Sequence[dict[str, Any]], result: RunResult | None, rank: int | None, call_id: str
) -> dict[str, Quantity]:
    numbers = {
        name: Quantity(value=score.value, unit=score.unit, call_id=score.call_id) for name, score in one.scores.items()
    }
    for term in terms:
        numbers.setdefault(term["score"], Quantity(value=term["value"], unit=term["unit"], call_id=term["call_id"]))
        value = Quantity(value=term["desirability"], unit="0..1", call_id=term["call_id"] or call_id)
        numbers[f"desirability of {term['score']}"] = value
    if rank is not None and result is not None:
        overall = next(c for c in result.candidates if c.rank == rank).scores.get("desirability")
        numbers["desirability"] = Quantity(value=overall.value if overall else None, unit="0..1", call_id=call_id)
        numbers["rank"] = Quantity(value=float(rank), unit=f"of {len(result.candidates)}", call_id=call_id)
    if one.candidate.log_prob is not None:
        numbers["log_prob"] = Quantity(value=one.candidate.log_prob, unit="nats", call_id=call_id)
    return numbers


def _checks(one: Judged) -> list[CheckReport]:
    """Every result in order; the finalists' second ones are named so."""
    seen: set[str] = set()
    reports = []
    for result in one.results:
        name = f"{result.name} (finalist)" if result.name in seen else result.name
        seen.add(result.name)
        reports.append(check_report(result).model_copy(update={"name": name}))
    return reports


def _links(one: Judged, result: RunResult | None) -> dict[str, str]:
    dock = one.at_last.get("dock")
    links = {"pose": str(dock.details["pose"])} if dock is not None and dock.details.get("pose") else {}
    if links and result is not None and result.target is not None and result.target.receptor:
        links["receptor"] = result.target.receptor
    return links


def _details(
    one: Judged,
    record: RunRecord,
    rank: int | None,
    terms: Sequence[dict[str, Any]],
    neighbours: Sequence[dict[str, Any]],
    seen: Sequence[Sighting],
) -> dict[str, Any]:
    failed = [_short(result) for result in one.results if not result.passed]
    return {
        "run_id": record.run_id,
        "candidate_id": one.candidate.candidate_id,
        "rank": rank,
        "round": one.candidate.round,
        "origin": one.candidate.origin,
        "parents": list(one.candidate.parents),
        "passed": one.passed,
        "finalist": one.finalist,
        "desirability_terms": list(terms),
        "not_passed": failed,
        "neighbours": list(neighbours),
        "seen_before": [{"run_id": s.run_id, "candidate_id": s.candidate_id, "vina": s.value("dock")} for s in seen],
    }


def _short(result: CheckResult) -> dict[str, Any]:
    return {
        "check": result.name,
        "verdict": str(result.verdict),
        "hard": result.hard,
        "value": result.value,
        "unit": result.unit,
        "threshold": result.threshold,
        "reason": result.reason,
        "call_id": result.call_id,
    }


def _citations(one: Judged, record: RunRecord, seen: Sequence[Sighting]) -> list[Citation]:
    sources: list[tuple[str, str, str]] = [("run", record.run_id, f"run {record.name}")]
    sources += [("call", result.call_id, f"{result.name}: {result.verdict}") for result in one.results if result.hard]
    sources += [("run", sighting.run_id, f"another run, candidate {sighting.candidate_id}") for sighting in seen]
    return [
        Citation.model_validate({"number": n, "kind": kind, "source": source, "title": title})
        for n, (kind, source, title) in enumerate(sources, 1)
        if source
    ]


EXPLAIN_CANDIDATE = Action(
    name="explain_candidate",
    about="Everything known about one candidate of a run: where it came from, every check with value, threshold and "
    "reason, why it ranks where it does, its nearest neighbours and earlier sightings.",
    args=ExplainArguments,
    run=_explain,
)
