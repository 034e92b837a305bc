"""Compare two campaigns: settings, controls, funnels, scores and candidates. Says what cannot be compared, and why.

Docking scores are compared only where receptor, box and search settings are the same; scores that are relative to
their own run (size residual) never. A difference is called one only where its interval leaves out zero. All numbers are
read from the two runs' results; nothing is computed again.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agent.interface.compare_schemas import (
    ComparedRun,
    Comparison,
    Difference,
    Overlap,
    Sample,
    ScoreComparison,
    SharedCandidate,
)
from agent.interface.schemas import CandidateReport, RunResult
from agent.judged import Judged, judged_candidates
from agent.report.wording import flatten
from tools.best_mean import SOURCE, best_mean, compare_best_means
from tools.errors import InputError
from tools.molecule.similarity import similarity_matrix
from tools.types import Goal, Score

if TYPE_CHECKING:
    from agent.session import Session

BEST_K = 5
SIMILAR = 0.7
"""Tanimoto similarity from which two designs count as variants of one; the campaign's own rule for finalists."""
FROM_DOCKING = ("vina", "ligand_efficiency", "strain", "interaction", "interactions_met", "desirability")
WITHIN_RUN = ("size_residual",)
SEARCH = ("max_states", "max_stereoisomers", "n_ring_conformers")
SHOWN = (
    "vina",
    "ligand_efficiency",
    "interaction",
    "strain",
    "desirability",
    "size_residual",
    "qed",
    "sa",
    "logp",
    "mol_weight",
    "heavy_atoms",
)
NOT_SETTINGS = ("name",)
MAX_SHARED, MAX_NEAREST = 50, 20


def compare_runs(
    session: Session, a: str, b: str, *, k: int = BEST_K, similar: float = SIMILAR, seed: int = 7
) -> Comparison:
    """Two finished (or stopped) campaigns side by side. `k`: how many of the best the means are of; `similar`: Tanimoto
    threshold; `seed`: of the bootstrap. InputError for a run that is no campaign or has no result yet."""
    if a == b:
        raise InputError(f"both are run {a}: name two different runs")
    results = [_result(session, run_id) for run_id in (a, b)]
    judged = [judged_candidates(session, session.ledger.get_run(run_id)) for run_id in (a, b)]
    obstacles = {of: docking_obstacle(results[0], results[1], of) for of in ("docked", "table")}
    scores = _scores(results, judged, obstacles, k, seed)
    return Comparison(
        a=_run(session, results[0], judged[0]),
        b=_run(session, results[1], judged[1]),
        settings=_differences(*(_settings(result) for result in results)),
        versions=_differences(results[0].versions, results[1].versions),
        funnel_a=results[0].funnel,
        funnel_b=results[1].funnel,
        scores=scores,
        overlap=_overlap(results, judged, similar, comparable=not obstacles["docked"]),
        notes=_notes(results, scores, obstacles),
    )


def _result(session: Session, run_id: str) -> RunResult:
    record = session.ledger.get_run(run_id)
    if record.kind not in ("campaign", "demo"):
        raise InputError(f"run {run_id} is a {record.kind}: two campaigns can be compared")
    return session.result(run_id)


def _run(session: Session, result: RunResult, judged: Sequence[Judged]) -> ComparedRun:
    record = session.ledger.get_run(result.run_id)
    return ComparedRun(
        run_id=result.run_id,
        name=result.name,
        kind=record.kind,
        state=result.state,
        seed=result.seed,
        seconds=result.seconds,
        target=result.target.name if result.target else "",
        docking=result.controls.trust if result.controls else "untested",
        docking_summary=result.controls.summary if result.controls else "no control experiment is recorded",
        generated=sum(r.generated for r in result.rounds),
        docked=sum(one.docked for one in judged),
        passed=sum(one.passed for one in judged),
        ranked=len(result.candidates),
    )


def _settings(result: RunResult) -> dict[str, Any]:
    campaign = {key: value for key, value in result.settings["campaign"].items() if key not in NOT_SETTINGS}
    model = (result.settings.get("model") or {}).get("model", "")
    return {**dict(flatten(campaign)), **({"model": model} if model else {})}


def _differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    keys = dict.fromkeys([*a, *b])
    return [Difference(key=key, a=a.get(key), b=b.get(key)) for key in keys if a.get(key) != b.get(key)]


def docking_obstacle(a: RunResult, b: RunResult, of: str) -> str:
    """Why docking scores of the two may not be compared; "" where they may."""
    if a.target is None or b.target is None:
        return "a target is not recorded"
    if a.target.receptor != b.target.receptor:
        return f"docked into different receptors ({a.target.name}, {b.target.name}, or prepared differently)"
    boxes = [(t.box_center_angstrom, t.box_size_angstrom) for t in (a.target, b.target)]
    if boxes[0] != boxes[1]:
        return "docked in different boxes"
    first, second = (result.settings["campaign"]["docking"] for result in (a, b))
    level = "final_exhaustiveness" if of == "table" else "exhaustiveness"
    for key in (level, *SEARCH):
        if first[key] != second[key]:
            return f"docked with different {key} ({first[key]} and {second[key]})"
    if a.versions.get("vina") != b.versions.get("vina"):
        return f"docked with different versions of Vina ({a.versions.get('vina')}, {b.versions.get('vina')})"
    ranked = [*a.candidates, *b.candidates] if of == "table" else []
    levels = {check.details.get("exhaustiveness") for one in ranked for check in one.checks if check.name == "dock"}
    return "one of them has no confirmed finalists, its table holds the scores of the rounds" if len(levels) > 1 else ""


def _scores(
    results: Sequence[RunResult], judged: Sequence[Sequence[Judged]], obstacles: Mapping[str, str], k: int, seed: int
) -> list[ScoreComparison]:
    compared = []
    same_objective = len({str(result.settings["campaign"]["objective"]) for result in results}) == 1
    for name in SHOWN:
        for of in ("docked", "table"):
            samples = [_values(name, of, result, held) for result, held in zip(results, judged, strict=True)]
            found = [score for sample in samples for score in sample]
            if not found:
                continue
            obstacle = obstacles[of] if name in FROM_DOCKING else ""
            if name in WITHIN_RUN:
                obstacle = "relative to the candidates of its own run"
            elif name == "desirability" and not same_objective:
                obstacle = "the objectives differ"
            compared.append(_score(name, of, found[0], samples, obstacle, k, seed))
    return compared


def _score(
    name: str, of: Any, example: Score, samples: Sequence[Sequence[Score]], obstacle: str, k: int, seed: int
) -> ScoreComparison:
    values = [[score.value for score in sample if score.value is not None] for sample in samples]
    entry = {"score": name, "unit": example.unit, "goal": example.goal, "of": of, "k": k}
    entry |= {key: _sample(sample, k, example.goal) for key, sample in zip("ab", samples, strict=True)}
    if obstacle or not values[0] or not values[1]:
        reason = obstacle or "one of the runs has no such value"
        return ScoreComparison.model_validate({**entry, "comparable": False, "reason": reason})
    found = compare_best_means(values[0], values[1], k, example.goal, seed)
    lower = found.difference < 0
    better = ("a" if lower == (example.goal == "minimize") else "b") if found.decided else ""
    too_few = f"no interval: it needs {2 * k} values in each run" if found.low is None else ""
    numbers = {"difference": found.difference, "low": found.low, "high": found.high, "confidence": found.confidence}
    said = {"decided": found.decided, "better": better, "source": SOURCE if found.low is not None else ""}
    return ScoreComparison.model_validate({**entry, **numbers, **said, "comparable": True, "reason": too_few})


def _values(name: str, of: str, result: RunResult, judged: Sequence[Judged]) -> list[Score]:
    if of == "table":
        return [
            Score(name, held.value, held.unit, held.goal, held.call_id)
            for candidate in result.candidates
            if (held := candidate.scores.get(name)) is not None
        ]
    return [one.round_scores[name] for one in judged if one.passed and name in one.round_scores]


def _sample(scores: Sequence[Score], k: int, goal: Goal) -> Sample:
    calls = {score.value: score.call_id for score in reversed(scores) if score.value is not None}
    values = [score.value for score in scores if score.value is not None]
    if not values:
        return Sample(n=0)
    best = min(values) if goal == "minimize" else max(values)
    quartiles = None
    if len(values) > 1:
        low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
        quartiles = (low, middle, high)
    mean = best_mean(values, k, goal)
    return Sample(n=len(values), best=best, best_call=calls[best], best_mean=mean, quartiles=quartiles)


def _overlap(
    results: Sequence[RunResult], judged: Sequence[Sequence[Judged]], similar: float, comparable: bool
) -> Overlap:
    by_text = [{one.candidate.text: one for one in reversed(held)} for held in judged]
    shared = [text for text in by_text[0] if text in by_text[1]]
    docked = [text for text in shared if by_text[0][text].docked and by_text[1][text].docked]
    nearest = _nearest(results[0].candidates, results[1].candidates)
    return Overlap(
        candidates=(len(by_text[0]), len(by_text[1])),
        identical=len(shared),
        n_identical_docked=len(docked),
        identical_docked=[_shared(by_text[0][t], by_text[1][t], comparable) for t in docked[:MAX_SHARED]],
        ranked_similar=sum(similar <= likeness < 1.0 for _, _, likeness in nearest),
        threshold=similar,
        mean_nearest=statistics.fmean(likeness for _, _, likeness in nearest) if nearest else None,
        nearest=nearest[:MAX_NEAREST],
    )


def _shared(a: Judged, b: Judged, comparable: bool) -> SharedCandidate:
    scores = {}
    if comparable:
        for name in ("vina", "interaction"):
            pair = tuple(one.round_scores[name].value if name in one.round_scores else None for one in (a, b))
            scores[name] = (pair[0], pair[1])
    ids = {"a": a.candidate.candidate_id, "b": b.candidate.candidate_id}
    return SharedCandidate(text=a.candidate.text, scores=scores, **ids)


def _nearest(a: Sequence[CandidateReport], b: Sequence[CandidateReport]) -> list[tuple[str, str, float]]:
    """For each ranked candidate of A the likest of B (SMILES, SMILES, Tanimoto)."""
    if not a or not b:
        return []
    texts = [candidate.smiles for candidate in (*a, *b)]
    likeness = similarity_matrix(texts)[: len(a), len(a) :]
    found = []
    for row, candidate in enumerate(a):
        column = int(likeness[row].argmax())
        found.append((candidate.smiles, b[column].smiles, round(float(likeness[row, column]), 4)))
    return found


def _notes(results: Sequence[RunResult], scores: Sequence[ScoreComparison], obstacles: Mapping[str, str]) -> list[str]:
    """What a reader has to know before reading the numbers."""
    notes = []
    for of, obstacle in obstacles.items():
        if obstacle:
            whose = "of the rounds" if of == "docked" else "of the tables"
            notes.append(f"Docking scores {whose} are not compared: {obstacle}.")
    for letter, result in zip("AB", results, strict=True):
        if result.state != "done":
            notes.append(f"Run {letter} was {result.state}: it did not do all it was asked.")
        if result.controls is not None and result.controls.trust != "trusted":
            notes.append(f"Docking is {result.controls.trust} on the target of run {letter}: {result.controls.summary}")
    minutes = [(result.settings["campaign"].get("budget") or {}).get("minutes") for result in results]
    if any(minutes):
        notes.append("A run with a time budget depends on the machine's speed.")
    if any(score.comparable for score in scores):
        notes.append("One run each: the intervals tell nothing of how other seeds would have gone.")
    return notes
