"""Runs and their candidates as items of a conversation."""

from __future__ import annotations

from agent.interface.schemas import CandidateReport, Item, Quantity, RunResult
from tools.memory.ledger import RunRecord

SHOWN_SCORES = (
    "vina",
    "interactions_met",
    "ligand_efficiency",
    "interaction",
    "strain",
    "qed",
    "sa",
    "logp",
    "mol_weight",
    "desirability",
)


def run_item(record: RunRecord, numbers: dict[str, Quantity] | None = None) -> Item:
    """A run by its id, with what is known of it."""
    details = {"kind": record.kind, "state": record.state, "seed": record.seed}
    return Item(kind="run", value=record.run_id, name=record.name, numbers=numbers or {}, details=details)


def candidate_item(candidate: CandidateReport, result: RunResult) -> Item:
    """A ranked candidate of a campaign, with its scores and checks; `details` say which run and candidate it is. The
    desirability comes of the scores beside it, so it carries the docking's call."""
    scores = candidate.scores
    dock = scores["vina"].call_id if "vina" in scores else ""
    links = {"pose": candidate.pose} if candidate.pose else {}
    if candidate.pose and result.target is not None and result.target.receptor:
        links["receptor"] = result.target.receptor
    return Item(
        kind="molecule",
        value=candidate.smiles,
        name=f"{result.name} rank {candidate.rank}",
        numbers={
            name: Quantity(value=scores[name].value, unit=scores[name].unit, call_id=scores[name].call_id or dock)
            for name in SHOWN_SCORES
            if name in scores
        },
        checks=candidate.checks,
        links=links,
        details={
            "run_id": result.run_id,
            "candidate_id": candidate.candidate_id,
            "rank": candidate.rank,
            "origin": candidate.origin,
            "round": candidate.round,
            "target": result.target.name if result.target else "",
        },
    )
