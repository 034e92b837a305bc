"""The ligand domain: small molecules for a pocket, judged by RDKit, Vina, PoseBusters and OpenMM.

Stages, cheap to expensive: chemistry, conformer, docking, pose, strain, minimisation. Everything else of the domain
(target, prompts, controls) stands in `ligand_target`, `ligand_prompts` and `ligand_controls`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.grammar.objects import Molecule
from models.grammar.render import render
from tools import ligand_controls, ligand_prompts, ligand_target
from tools.docking.check_contact import parse_requirement
from tools.docking.dockstring_targets import resolve_target
from tools.domain import Call, Context, Prompt, Results, Stage
from tools.errors import InputError
from tools.memory.artifacts import Artifacts
from tools.molecule.constraints import HardCheck, flag_checks, parse_constraints
from tools.molecule.crossover import crossover
from tools.molecule.mutate import mutate
from tools.molecule.objectives import parse_objectives
from tools.molecule.parse import canonical_smiles, neutral_parent, parse_smiles
from tools.molecule.similarity import similarity_matrix
from tools.rank import Objective, ligand_efficiency
from tools.types import CheckResult, Score, Verdict

CAMPAIGN_KEYS = ("docking", "constraints", "reference", "actives", "decoys", "must", "seed")


def _chemistry(text: str, _results: Results, context: Context) -> list[Call]:
    hard = [Call(tool, {"smiles": text, **args}, label=label) for tool, args, label in context["hard_checks"]]
    flags = [Call(tool, {"smiles": text, **args}, hard=False, label=label) for tool, args, label in context["flags"]]
    return [*hard, *flags, Call("descriptors", {"smiles": text}, hard=False)]


def _conformer(text: str, _results: Results, context: Context) -> list[Call]:
    return [Call("conformer", {"smiles": text, "seed": context["docking"]["seed"]})]


def _docking(text: str, _results: Results, context: Context) -> list[Call]:
    return [ligand_controls.dock_call(text, context)]


def _pose(_text: str, results: Results, context: Context) -> list[Call]:
    pose = results["dock"].details["pose"]
    wanted = [
        Call("contact", {"pose": pose, "receptor_pdb": context["receptor_pdb"], "must": must}, hard=False, label=must)
        for must in context.get("must") or ()
    ]
    return [Call("pose", {"pose": pose, "receptor": context["receptor"]}), *wanted]


def _strain(_text: str, results: Results, context: Context) -> list[Call]:
    return [Call("strain", {"pose": results["dock"].details["pose"], "seed": context["docking"]["seed"]})]


def _minimisation(_text: str, results: Results, context: Context) -> list[Call]:
    return [Call("interaction", {"pose": results["dock"].details["pose"], "receptor_pdb": context["receptor_pdb"]})]


class Ligand:
    """`tools.registry.DOMAINS["ligand"]`."""

    name = "ligand"
    stages = (
        Stage("chemistry", "RDKit accepts it, and the campaign's hard limits hold", "cheap", _chemistry),
        Stage("conformer", "a 3D conformer exists", "expensive", _conformer),
        Stage("docking", "Vina finds a pose that binds", "expensive", _docking),
        Stage("pose", "PoseBusters finds the pose plausible", "expensive", _pose),
        Stage("strain", "the pose costs little strain", "expensive", _strain),
        Stage("minimisation", "the pose holds when minimised in the pocket", "expensive", _minimisation),
    )
    costly_scores = ("vina", "interaction", "strain", "interactions_met")

    def examine(self, campaign: Mapping[str, Any]) -> None:
        if campaign["target"].get("name"):
            resolve_target(campaign["target"]["name"])
        parse_constraints(campaign["constraints"])
        parse_objectives(campaign["objective"])
        for smiles in campaign.get("seeds", ()):
            neutral_parent(parse_smiles(smiles))
        for must in campaign.get("must", ()):
            parse_requirement(must)
        ligand_target.reference(campaign["reference"], {"cognate": None})

    def prepare(self, target: Mapping[str, Any], artifacts: Artifacts, must: Sequence[str] = ()) -> dict[str, Any]:
        try:
            return ligand_target.prepare(target, artifacts, must)
        except InputError as error:
            return {"input_error": str(error)}

    def objectives(self, campaign: Mapping[str, Any]) -> list[Objective]:
        return parse_objectives(campaign["objective"])

    def context(self, campaign: Mapping[str, Any], prepared: Mapping[str, Any]) -> dict[str, Any]:
        hard = parse_constraints(campaign["constraints"])
        reference = ligand_target.reference(campaign["reference"], prepared)
        chosen = {key: campaign.get(key) for key in CAMPAIGN_KEYS}
        checks = {"hard_checks": list(map(_bound, hard)), "flags": list(map(_bound, flag_checks(hard)))}
        return {**chosen, **prepared, **checks, "reference": reference}

    def control_calls(self, context: Context, extent: str) -> list[Call]:
        return ligand_controls.control_calls(context, extent)

    def judge_controls(self, context: Context, answers: Sequence[tuple[Call, CheckResult]]) -> dict[str, Any]:
        return ligand_controls.judge(context, answers)

    def reference_report(self, context: Context, results: Sequence[CheckResult]) -> dict[str, Any]:
        return ligand_controls.reference_report(context, results, self.scores)

    def identity(self, text: str) -> str | None:
        try:
            return canonical_smiles(neutral_parent(parse_smiles(text)))
        except InputError:
            return None

    def scores(self, results: Results, context: Context) -> dict[str, Score]:
        scores: dict[str, Score] = {}
        described = results.get("descriptors")
        if described is not None:
            for name, value in described.details["values"].items():
                unit, goal = described.details["units"][name], described.details["goals"][name]
                scores[name] = Score(name, value, unit, goal, described.call_id)
        for name, tool in (("vina", "dock"), ("strain", "strain"), ("interaction", "interaction")):
            result = results.get(tool)
            if result is not None:
                scores[name] = Score(name, _number(result), "kcal/mol", "minimize", result.call_id)
        wanted = [results[must] for must in context.get("must") or () if must in results]
        if wanted:
            undecided = any(result.verdict is Verdict.UNKNOWN for result in wanted)
            met = None if undecided else sum(result.passed for result in wanted) / len(context["must"])
            unit, call_id = "share of those asked for", wanted[0].call_id
            scores["interactions_met"] = Score("interactions_met", met, unit, "maximize", call_id)
        vina, atoms = scores.get("vina"), scores.get("heavy_atoms")
        if vina and atoms and vina.value is not None and atoms.value:
            efficiency = ligand_efficiency(vina.value, round(atoms.value))
            unit = "kcal/mol per heavy atom"
            scores["ligand_efficiency"] = Score("ligand_efficiency", efficiency, unit, "maximize", vina.call_id)
        return scores

    def prompts(self, context: Context) -> Sequence[Prompt]:
        return ligand_prompts.prompts(context)

    def render(self, text: str) -> str:
        return render(Molecule(text))

    def reprompt(self, text: str, seed: int) -> tuple[Prompt, str]:
        return ligand_prompts.reprompt(text, seed)

    def mutate(self, text: str, context: Context, seed: int) -> str | None:
        return _child(mutate, text, seed=seed, **_size_band(context))

    def crossover(self, a: str, b: str, context: Context, seed: int) -> str | None:
        return _child(crossover, a, b, seed=seed, **_size_band(context))

    def similarity(self, texts: Sequence[str]) -> NDArray[np.float64]:
        return similarity_matrix(texts)


def _bound(check: HardCheck) -> tuple[str, dict[str, Any], str]:
    """(tool, arguments, label) of a campaign's check: tools are named after their check functions."""
    args = {key: list(value) if isinstance(value, tuple) else value for key, value in check.arguments}
    return check.function.__name__.removeprefix("check_"), args, check.name


def _number(result: CheckResult) -> float | None:
    return float(result.value) if isinstance(result.value, int | float) else None


def _size_band(context: Context) -> dict[str, int]:
    """The campaign's band of heavy atoms, which the operators keep."""
    band = next(args for tool, args, _ in context["hard_checks"] if tool == "size")
    return {"min_heavy_atoms": band["minimum"], "max_heavy_atoms": band["maximum"]}


def _child(operator: Callable[..., str], *texts: str, **settings: int) -> str | None:
    """An operator that finds no child for these parents is no fault: there is just no child."""
    try:
        return operator(*texts, **settings)
    except InputError:
        return None
