"""Does the loop earn its keep? Equal docking calls, three arms, sizes and logP matched, on two targets.

    python benchmarks/loop.py --zinc zinc250k.smi.gz --home DIR [--targets ABL1 EGFR] [--calls 32] [--json]

Arms: the loop (eight rounds); samples of the same model without refinement; random ZINC molecules. All pass the same
hard filters; every docked molecule is docked once at exhaustiveness 1 with one seed in the target's own box. Each
molecule the loop docked is matched, before any control is docked, with the control molecule nearest in heavy atoms and
logP; intervals are bootstraps over those pairs. "better" is printed only where the interval excludes 0. Docking is
cached in DIR: a second run repeats only what is missing.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.campaign import parse_campaign
from agent.config import load_settings
from agent.discovery.refine.sample import MAX_NEW_TOKENS, TEMPERATURE, TOP_P
from agent.executor import Executor, Fault, Task
from agent.interface.output import print_event
from agent.session import Session
from models.backends.base import Request
from models.registry import load_generator
from tools.domain import Context
from tools.funnel import executing, stages_of, walk
from tools.ligand_controls import dock_call
from tools.molecule.similarity import internal_diversity
from tools.registry import load_domain
from tools.types import CheckResult, Verdict
from tools.worker import call_in_worker

ROUNDS, PER_ROUND, POOL, TOP, RESAMPLES = 8, 64, 1500, 10, 10_000
SIZE_UNIT, LOGP_UNIT = 1.0, 0.5
OBJECTIVE = [
    {"score": "vina", "goal": "minimize", "weight": 1.0},
    {"score": "ligand_efficiency", "goal": "maximize", "weight": 0.5},
]
DOCKING = {
    "exhaustiveness": 1,
    "final_exhaustiveness": 1,
    "finalists": 1,
    "max_states": 1,
    "max_stereoisomers": 1,
    "n_ring_conformers": 1,
}
DOMAIN = load_domain("ligand")


@dataclass(frozen=True)
class Molecule:
    smiles: str
    heavy_atoms: float
    logp: float
    vina: float | None = None

    @property
    def efficiency(self) -> float:
        return -float(self.vina or 0.0) / self.heavy_atoms


def main() -> None:
    args = parse_arguments()
    session = Session.open(load_settings(home=args.home))
    report = {target: run_target(target, args, session) for target in args.targets}
    if args.json:
        print(json.dumps(report))
    else:
        for target, found in report.items():
            print_target(target, found)


def run_target(target: str, args: argparse.Namespace, session: Session) -> dict[str, Any]:
    campaign = {
        "name": f"loop benchmark {target}",
        "target": target,
        "objective": OBJECTIVE,
        "rounds": ROUNDS,
        "per_round": PER_ROUND,
        "refine": args.refine,
        "budget": {"docking_calls": args.calls},
        "docking": DOCKING,
        "constraints": {"reactive": "none", "heavy_atoms": "20..30", "synthesizability": "<=4.5"},
        "memory": "off",
        "controls": "off",
        "seed": args.seed,
    }
    parsed = parse_campaign(campaign, Path.cwd())
    result = session.run(parsed, "benchmark", print_event)
    context = json.loads(
        json.dumps(DOMAIN.context(parsed.model_dump(mode="json"), DOMAIN.prepare({"name": target}, session.artifacts)))
    )
    loop = docked_by(result.run_id, session)
    sampled = match(loop, screened(model_samples(args.seed + 1000), context, session))
    zinc = match(loop, screened(zinc_sample(args.zinc, args.seed), context, session))
    arms = {"loop": loop, "unrefined samples": dock(sampled, context, session), "ZINC": dock(zinc, context, session)}
    return {"arms": {name: describe(arm) for name, arm in arms.items()}} | {
        "loop against": {name: compare(loop, arms[name], args.seed) for name in ("unrefined samples", "ZINC")}
    }


def docked_by(run_id: str, session: Session) -> list[Molecule]:
    texts = {c.candidate_id: c.text for c in session.ledger.candidates(run_id)}
    molecules = []
    for candidate_id, results in session.ledger.results(run_id).items():
        by_name = {result.name: result for result in results}
        dock_result = by_name.get("dock")
        if dock_result is not None and isinstance(dock_result.value, float):
            molecules.append(described(texts[candidate_id], by_name["descriptors"], dock_result.value))
    return molecules


def described(smiles: str, descriptors: CheckResult, vina: float | None = None) -> Molecule:
    return Molecule(smiles, descriptors.details["values"]["heavy_atoms"], descriptors.details["values"]["logp"], vina)


def model_samples(seed: int) -> list[str]:
    prompt = DOMAIN.prompts({"pocket_chain": None})[0]
    request = Request(
        prompt.text,
        n=POOL,
        temperature=TEMPERATURE,
        top_p=TOP_P,
        max_new_tokens=MAX_NEW_TOKENS,
        stop=(prompt.stop,),
        seed=seed,
    )
    samples = sorted(load_generator().generate([request]), key=lambda sample: sample.index)
    return [sample.text.removesuffix(prompt.stop) for sample in samples]


def zinc_sample(path: Path, seed: int) -> list[str]:
    with gzip.open(path, "rt") as handle:
        lines = [line.split()[0] for line in handle]
    chosen = np.random.default_rng(seed).choice(len(lines), size=POOL, replace=False)
    return [lines[index] for index in chosen]


def screened(texts: Sequence[str], context: Context, session: Session) -> list[Molecule]:
    """The distinct neutral parents that pass the same hard filters as the loop's candidates."""
    passing = {}
    for text in dict.fromkeys(filter(None, map(DOMAIN.identity, texts))):
        execute = executing(session.ledger, session.artifacts)
        (outcome,) = walk(stages_of(DOMAIN, "cheap"), text, context, execute)
        if outcome.verdict is Verdict.PASS:
            descriptors = next(result for result in outcome.results if result.name == "descriptors")
            passing[text] = described(text, descriptors)
    return list(passing.values())


def match(wanted: Sequence[Molecule], pool: list[Molecule]) -> list[Molecule]:
    """For each wanted molecule the nearest unused one of the pool in (heavy atoms, logP)."""
    left, matched = list(pool), []
    for molecule in wanted:
        distances = [
            abs(other.heavy_atoms - molecule.heavy_atoms) / SIZE_UNIT + abs(other.logp - molecule.logp) / LOGP_UNIT
            for other in left
        ]
        matched.append(left.pop(int(np.argmin(distances))))
    return matched


def dock(molecules: Sequence[Molecule], context: Context, session: Session) -> list[Molecule]:
    settings = session.settings
    calls = [dock_call(molecule.smiles, context) for molecule in molecules]
    tasks = [Task((call.tool, dict(call.args), str(settings.home)), 600.0) for call in calls]
    docked = []
    with Executor(settings.workers, settings.memory_mb) as executor:
        for index, answer in executor.map_ordered(call_in_worker, tasks):
            molecule = molecules[index]
            value = None if isinstance(answer, Fault) else answer.value
            vina = value if isinstance(value, float) else None
            docked.append(Molecule(molecule.smiles, molecule.heavy_atoms, molecule.logp, vina))
            print(f"{index + 1}/{len(tasks)} {molecule.smiles} {vina}", file=sys.stderr)
    return docked


def describe(arm: Sequence[Molecule]) -> dict[str, float]:
    known = [molecule for molecule in arm if molecule.vina is not None]
    best = sorted(known, key=lambda molecule: float(molecule.vina or 0.0))[:TOP]
    return {
        "docked": len(known),
        "mean_vina": mean([m.vina for m in known]),
        "top10_vina": mean([m.vina for m in best]),
        "top10_efficiency": mean([m.efficiency for m in best]),
        "top10_heavy_atoms": mean([m.heavy_atoms for m in best]),
        "heavy_atoms": mean([m.heavy_atoms for m in known]),
        "logp": mean([m.logp for m in known]),
        "top10_internal_diversity": internal_diversity([m.smiles for m in best]),
    }


def compare(loop: Sequence[Molecule], other: Sequence[Molecule], seed: int) -> dict[str, Any]:
    """Differences loop - other with 95 % intervals over pairs of matched molecules; pairs with a fault are left out."""
    pairs = [(a, b) for a, b in zip(loop, other, strict=True) if a.vina is not None and b.vina is not None]
    vina = np.array([[a.vina, b.vina] for a, b in pairs], dtype=float)
    efficiency = np.array([[a.efficiency, b.efficiency] for a, b in pairs])
    picks = np.random.default_rng(seed).integers(0, len(pairs), size=(RESAMPLES, len(pairs)))
    return {
        "pairs": len(pairs),
        "mean_vina": interval(vina[picks].mean(1), vina.mean(0), lower_is_better=True),
        "top10_vina": interval(
            top(vina[picks], smallest=True), top(vina[None], smallest=True)[0], lower_is_better=True
        ),
        "top10_efficiency": interval(
            top(efficiency[picks], smallest=False), top(efficiency[None], smallest=False)[0], lower_is_better=False
        ),
    }


def top(values: NDArray[np.float64], smallest: bool) -> NDArray[np.float64]:
    """Mean of the ten best in each arm: (R, N, 2) -> (R, 2)."""
    ordered = np.sort(values, axis=1)
    best: NDArray[np.float64] = (ordered[:, :TOP] if smallest else ordered[:, -TOP:]).mean(axis=1)
    return best


def interval(resampled: NDArray[np.float64], observed: NDArray[np.float64], lower_is_better: bool) -> dict[str, Any]:
    low, high = np.percentile(resampled[:, 0] - resampled[:, 1], [2.5, 97.5])
    difference = float(observed[0] - observed[1])
    if low <= 0.0 <= high:
        verdict = "no difference shown"
    else:
        verdict = "better" if (difference < 0) == lower_is_better else "worse"
    return {"difference": difference, "low": float(low), "high": float(high), "verdict": verdict}


def mean(values: Sequence[float | None]) -> float:
    return float(np.mean([value for value in values if value is not None]))


def print_target(target: str, found: dict[str, Any]) -> None:
    print(f"\n{target}")
    for name, arm in found["arms"].items():
        print(f"  {name:18}" + "  ".join(f"{key} {value:.2f}" for key, value in arm.items()))
    for name, comparison in found["loop against"].items():
        for key in ("mean_vina", "top10_vina", "top10_efficiency"):
            c = comparison[key]
            line = f"{c['difference']:+.2f} [{c['low']:+.2f}, {c['high']:+.2f}] {c['verdict']}"
            print(f"  loop - {name:18} {key:17} {line} ({comparison['pairs']} pairs)")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zinc", type=Path, required=True, help="gzipped SMILES, one a line")
    parser.add_argument("--home", type=Path, required=True, help="directory of the ledger that caches the docking")
    parser.add_argument("--targets", nargs="+", default=["ABL1", "EGFR"])
    parser.add_argument("--calls", type=int, default=32)
    parser.add_argument("--refine", default="auto")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
