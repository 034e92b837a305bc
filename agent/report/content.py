"""What the page says: headline, rows, columns, curves and the request, read from a `RunResult` without any HTML.

The headline's sentence is assembled from counts and scores of the run; it claims nothing that the controls do not
carry and never calls a docking score an affinity.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from agent.interface.schemas import CandidateReport, CheckReport, ReferenceLigand, RunResult, ScoreReport
from agent.report.figures import Curve
from agent.report.methods import entries
from agent.report.wording import duration, flatten, is_missing, label, plain, quantity, unit
from tools.errors import OrganonError
from tools.molecule.draw import draw_svg

SHOWN_COLUMNS = 6
SHOWN_REASONS = 6
DRAWING_SIZE = (260, 190)
MAX_CURVES = 4
RANKED_BY = "desirability"
FIRST_SCORES = ("vina", "ligand_efficiency", "size_residual", "heavy_atoms", "interaction", "strain", "qed", "sa")

TRUST = {
    "trusted": "Docking trusted on this target",
    "weak": "Docking weak on this target",
    "untested": "Docking untested on this target",
}
STATES = {
    "queued": "queued",
    "running": "still running",
    "paused": "paused",
    "waiting_approval": "waiting for approval",
    "done": "finished",
    "failed": "failed",
    "stopped": "stopped early",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the table: the reference ligand (rank None) or a candidate. `drawing` is a data: address or ""."""

    key: str
    title: str
    smiles: str
    drawing: str
    scores: Mapping[str, ScoreReport]
    checks: tuple[CheckReport, ...]
    pose: str | None
    rank: int | None = None
    round: int | None = None
    origin: str = ""
    parents: tuple[str, ...] = ()
    seen_before: str | None = None

    @property
    def is_reference(self) -> bool:
        return self.rank is None

    def count(self, verdict: str) -> int:
        return sum(shown_verdict(check) == verdict for check in self.checks)


def shown_verdict(check: CheckReport) -> str:
    """pass, fail, unknown, or "flag": a fail that the campaign did not make a limit."""
    return "flag" if check.verdict == "fail" and not check.hard else check.verdict


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    unit: str
    goal: str

    @property
    def printed_unit(self) -> str:
        """The unit for a header, left out where the label says it already ("Heavy atoms")."""
        printed = unit(self.unit)
        return "" if printed.lower() in label(self.name).lower() else printed


@dataclass(frozen=True, slots=True)
class Headline:
    target: str
    state: str
    outcome: str
    trust: str
    trust_line: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Request:
    """The campaign as rows of (name, value), its objective, its budget beside what was used, and the whole as YAML."""

    rows: tuple[tuple[str, str], ...]
    objectives: tuple[Mapping[str, Any], ...]
    constraints: tuple[tuple[str, str], ...]
    budget: tuple[tuple[str, str, str], ...]
    text: str


def build_entries(result: RunResult) -> list[Entry]:
    """The reference ligand first, if there is one, then the candidates in rank order."""
    candidates = sorted(result.candidates, key=lambda candidate: candidate.rank)
    entries = [_reference_entry(result.reference)] if result.reference else []
    return [*entries, *(_candidate_entry(candidate, n) for n, candidate in enumerate(candidates, start=1))]


def _reference_entry(reference: ReferenceLigand) -> Entry:
    return Entry(
        key="reference",
        title=reference.name,
        smiles=reference.smiles,
        drawing=_drawing(reference.smiles),
        scores=reference.scores,
        checks=tuple(reference.checks),
        pose=reference.pose,
    )


def _candidate_entry(candidate: CandidateReport, number: int) -> Entry:
    return Entry(
        key=f"candidate-{number}",
        title=candidate.candidate_id,
        smiles=candidate.smiles,
        drawing=_drawing(candidate.smiles),
        scores=candidate.scores,
        checks=tuple(candidate.checks),
        pose=candidate.pose,
        rank=candidate.rank,
        round=candidate.round,
        origin=candidate.origin,
        parents=tuple(candidate.parents),
        seen_before=candidate.seen_before,
    )


def _drawing(smiles: str) -> str:
    try:
        svg = draw_svg(smiles, *DRAWING_SIZE)
    except OrganonError:
        return ""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")


def build_headline(result: RunResult, campaign: Mapping[str, Any]) -> Headline:
    controls = result.controls
    trust = controls.trust if controls else "untested"
    evidence = controls.summary if controls else "This run recorded no control experiment."
    target = result.target.name if result.target else "target not recorded"
    return Headline(target, STATES[result.state], _outcome(result, campaign), trust, TRUST[trust], evidence)


def _outcome(result: RunResult, campaign: Mapping[str, Any]) -> str:
    """One sentence: how many designs are ranked, and the first one's leading score beside the reference's."""
    if not result.candidates:
        return "No design passed every stage."
    generated = sum(summary.generated for summary in result.rounds)
    docked = sum(summary.docked for summary in result.rounds)
    count = len(result.candidates)
    text = f"{count} design{'s' if count > 1 else ''} ranked"
    if result.rounds:
        n_rounds = len(result.rounds)
        text += f" out of {generated} generated and {docked} docked in {n_rounds} round{'s' if n_rounds > 1 else ''}"
    best = min(result.candidates, key=lambda candidate: candidate.rank)
    names = [column.name for column in score_columns(result, campaign) if column.name != RANKED_BY]
    name = next((n for n in names if n in best.scores and not is_missing(best.scores[n].value)), None)
    if name is not None:
        score = best.scores[name]
        text += f"; rank {best.rank} has a {_inside(label(name))} of {quantity(score.value, score.unit)}"
        own = result.reference.scores.get(name) if result.reference else None
        if result.reference and own and not is_missing(own.value):
            text += f", the reference {result.reference.name} {quantity(own.value, own.unit)}"
    return text + "."


def _inside(text: str) -> str:
    """A label within a sentence: only a plain first word loses its capital."""
    first = text.split(" ", maxsplit=1)[0]
    return text if first in {"Vina"} or not first[1:].islower() else text[0].lower() + text[1:]


def key_facts(result: RunResult) -> list[tuple[str, str]]:
    """The strip of numbers under the headline; a number nobody recorded reads "not computed"."""
    rounds = result.rounds
    return [
        ("Generated", str(sum(r.generated for r in rounds)) if rounds else quantity(None)),
        ("Docked", str(sum(r.docked for r in rounds)) if rounds else quantity(None)),
        ("Passed all stages", str(result.funnel[-1].passed) if result.funnel else quantity(None)),
        ("Rounds", str(len(rounds))),
        ("Wall time", duration(result.seconds)),
        ("Seed", str(result.seed)),
    ]


def score_columns(result: RunResult, campaign: Mapping[str, Any]) -> list[Column]:
    """Every score once: what ranking read, the campaign's objective, docking score, efficiency, size, the rest."""
    found: dict[str, Column] = {}
    for entry in entries(result):
        for name, score in entry.scores.items():
            found.setdefault(name, Column(name, score.unit, score.goal))
    wanted = [str(o.get("score")) for o in _objectives(campaign)]
    order = [name for name in (RANKED_BY, *wanted, *FIRST_SCORES, *found) if name in found]
    return [found[name] for name in dict.fromkeys(order)]


def build_curves(result: RunResult, campaign: Mapping[str, Any]) -> list[Curve]:
    """Best-so-far curves in the order of the score columns, at most four."""
    units = {column.name: column for column in score_columns(result, campaign)}
    names = list(dict.fromkeys(name for summary in result.rounds for name in summary.best))
    ordered = [name for name in units if name in names] + [name for name in names if name not in units]
    curves = []
    for name in ordered[:MAX_CURVES]:
        points = tuple((r.round, r.best[name]) for r in result.rounds if not is_missing(r.best.get(name)))
        if not points:
            continue
        column = units.get(name, Column(name, "", ""))
        reference = result.reference.scores.get(name) if result.reference else None
        value = reference.value if reference and not is_missing(reference.value) else None
        title = result.reference.name if result.reference else ""
        curves.append(Curve(name, column.unit, column.goal, points, value, title))
    return curves


def build_request(result: RunResult, campaign: Mapping[str, Any]) -> Request:
    campaign = _set_values(campaign)
    told_apart = ("objective", "constraints", "budget")
    rows = [(label(name), plain(value)) for name, value in campaign.items() if name not in told_apart]
    constraints = campaign.get("constraints") or {}
    text = yaml.safe_dump(json.loads(json.dumps(campaign, default=str)), sort_keys=False, allow_unicode=True)
    return Request(
        rows=tuple(rows),
        objectives=tuple(_objectives(campaign)),
        constraints=tuple((label(name), plain(value)) for name, value in flatten(constraints)),
        budget=tuple(_budget(result, campaign.get("budget") or {})),
        text=text,
    )


def _set_values(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The campaign without the options that were left unset."""
    return {k: _set_values(v) if isinstance(v, Mapping) else v for k, v in tree.items() if v is not None}


def _objectives(campaign: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [item for item in campaign.get("objective") or [] if isinstance(item, Mapping)]


def _budget(result: RunResult, budget: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(what, allowed, used); used only for what the run's own document counts."""
    used = {"minutes": f"{result.seconds / 60:.1f}"}
    if result.rounds:
        used["docking_calls"] = f"{sum(r.docked for r in result.rounds)} in rounds"
    return [(label(name), plain(value), used.get(name, "not recorded")) for name, value in budget.items()]


def order_calls(calls: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Calls by time, then id."""
    return dict(sorted(calls.items(), key=lambda item: (str(item[1].get("time") or ""), item[0])))
