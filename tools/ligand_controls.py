"""Controls of a ligand campaign, run before the first round and cached per receptor like every other call.

(a) does docking find the bound ligand's crystal pose again; (b) does it rank known actives above decoys, and better
than counting heavy atoms does; (c) how many approved drugs would the chosen filters throw away; and the reference
compound, docked and checked exactly as the finalists are, except that no failed filter stops it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.docking.controls import Enrichment, enrichment, judge_trust, match_decoys
from tools.domain import Call, Context, Results
from tools.ligand_target import smiles_of_file
from tools.molecule.approved_drugs import load_approved_drugs
from tools.molecule.parse import parse_smiles
from tools.types import CheckResult, Score, Verdict

REDOCK_SEEDS = {"quick": (1,), "full": (1, 2, 3)}
DECOYS_PER_ACTIVE = 4
FEWEST_FOR_ENRICHMENT = 2
Answers = Sequence[tuple[Call, CheckResult]]


def control_calls(context: Context, extent: str) -> list[Call]:
    """The independent calls. `quick` redocks one seed and leaves the actives out; `off` runs nothing."""
    if extent == "off":
        return []
    calls = [Call("filter_loss", {"constraints": dict(context["constraints"])})]
    if context["cognate"]:
        settings = {"exhaustiveness": context["docking"]["final_exhaustiveness"]}
        redocks = [{"receptor": context["receptor"], "seed": seed, **settings} for seed in REDOCK_SEEDS[extent]]
        calls += [Call("redock", args) for args in redocks]
    if extent == "full":
        actives, decoys = known_ligands(context)
        calls += [dock_call(smiles, context) for smiles in (*actives, *decoys)]
    return calls


def known_ligands(context: Context) -> tuple[list[str], list[str]]:
    """Actives the campaign names and decoys for them: its own, else property-matched approved drugs."""
    if not context["actives"]:
        return [], []
    actives = smiles_of_file(Path(context["actives"]))
    if context["decoys"]:
        return actives, smiles_of_file(Path(context["decoys"]))
    pool = [drug.smiles for drug in load_approved_drugs()]
    return actives, match_decoys(actives, pool, DECOYS_PER_ACTIVE, seed=context["seed"])


def dock_call(smiles: str, context: Context) -> Call:
    docking = context["docking"]
    names = ("exhaustiveness", "seed", "max_states", "max_stereoisomers", "n_ring_conformers")
    return Call("dock", {"smiles": smiles, "receptor": context["receptor"], **{n: docking[n] for n in names}})


def judge(context: Context, answers: Answers) -> dict[str, Any]:
    """The control panel as JSON: what was found, and whether docking can be trusted here."""
    redocked = [(call, result) for call, result in answers if call.tool == "redock"]
    docked = {call.args["smiles"]: result for call, result in answers if call.tool == "dock"}
    controls = [_drugs_control(result) for call, result in answers if call.tool == "filter_loss"]
    enriched = None
    if docked:
        enriched, control = _enrichment_control(context, docked)
        controls.insert(0, control)
    if redocked:
        controls.insert(0, _redock_control(redocked))
    rmsds = [result.value for _, result in redocked if isinstance(result.value, float)]
    trust, summary = judge_trust(rmsds, enriched)
    return {"trust": trust, "summary": summary, "controls": controls}


def reference_report(
    context: Context, results: Sequence[CheckResult], scores: Callable[[Results, Context], dict[str, Score]]
) -> dict[str, Any]:
    """The reference compound's results as JSON, in the shape of a candidate's."""
    by_name = {result.name: result for result in results}
    dock = by_name.get("dock")
    shown = scores(by_name, context)
    return {
        "name": context["reference"]["name"],
        "smiles": context["reference"]["smiles"],
        "scores": {
            name: {"value": s.value, "unit": s.unit, "goal": s.goal, "call_id": s.call_id} for name, s in shown.items()
        },
        "checks": [result.to_json() for result in results],
        "pose": dock.details.get("pose") if dock else None,
    }


def _redock_control(answers: Answers) -> dict[str, Any]:
    results = [result for _, result in answers]
    verdicts = [result.verdict for result in results]
    passed = verdicts.count(Verdict.PASS)
    undecided = verdicts.count(Verdict.UNKNOWN) == len(verdicts)
    verdict = "unknown" if undecided else "pass" if 3 * passed >= 2 * len(verdicts) else "fail"
    seeds = ", ".join(f"seed {call.args['seed']}: {_rmsd(result)}" for call, result in answers)
    return {
        "name": "redock",
        "verdict": verdict,
        "summary": f"The bound ligand, docked from an RDKit conformer, against its crystal pose: {seeds}.",
        "evidence": {
            "rmsd_angstrom": [result.value for result in results],
            "threshold_angstrom": 2.0,
            "calls": [result.call_id for result in results],
        },
    }


def _rmsd(result: CheckResult) -> str:
    return f"{result.value:.2f} Å" if isinstance(result.value, float) else f"not computed ({result.reason})"


def _enrichment_control(
    context: Context, docked: Mapping[str, CheckResult]
) -> tuple[Enrichment | None, dict[str, Any]]:
    actives, decoys = known_ligands(context)
    scored = [[s for s in group if isinstance(docked[s].value, float)] for group in (actives, decoys)]
    evidence: dict[str, Any] = {"calls": [result.call_id for result in docked.values()]}
    if min(map(len, scored)) < FEWEST_FOR_ENRICHMENT:
        counts = f"{len(scored[0])} actives and {len(scored[1])} decoys were docked"
        summary = f"Too few to say: {counts}, at least {FEWEST_FOR_ENRICHMENT} of each are needed."
        return None, {"name": "enrichment", "verdict": "unknown", "summary": summary, "evidence": evidence}
    values = [[float(str(docked[s].value)) for s in group] for group in scored]
    sizes = [[parse_smiles(s).GetNumHeavyAtoms() for s in group] for group in scored]
    result = enrichment(values[0], values[1], sizes[0], sizes[1], seed=context["seed"])
    beats_size = result.auc_difference_low > 0.0
    summary = (
        f"{result.n_actives} actives against {result.n_decoys} decoys: ROC-AUC {result.auc:.2f} "
        f"[{result.auc_low:.2f}, {result.auc_high:.2f}]; heavy-atom count alone {result.heavy_atom_auc:.2f}; docking "
        + ("is better than counting atoms." if beats_size else "is not shown to be better than counting atoms.")
    )
    verdict = "pass" if beats_size and result.auc_low > 0.5 else "fail"
    evidence |= result.to_json()
    return result, {"name": "enrichment", "verdict": verdict, "summary": summary, "evidence": evidence}


def _drugs_control(result: CheckResult) -> dict[str, Any]:
    lost, details = result.value, result.details
    if not isinstance(lost, float):
        summary = f"The filters could not be tried on approved drugs: {result.reason}"
        return {"name": "approved_drugs", "verdict": "unknown", "summary": summary, "evidence": {}}
    causes = ", ".join(f"{name} {n}" for name, n in details["by_check"].items() if n)
    summary = f"The campaign's hard limits would lose {lost:.0f} of {details['n_drugs']} approved drugs"
    return {
        "name": "approved_drugs",
        "verdict": "pass" if lost <= details["n_drugs"] / 2 else "fail",
        "summary": f"{summary} ({causes})." if causes else f"{summary}.",
        "evidence": {**details, "calls": [result.call_id]},
    }
