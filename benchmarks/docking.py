"""What this project's docking costs over bare Vina: wall time of 20 ligands, maps included, one warm process.

Bare: the `vina` wheel is handed PDBQT strings that were prepared beforehand (not timed), docks them and
returns poses. Ours: `dock_smiles` from SMILES to the parsed pose: states, embedding, meeko, docking, pose
with hydrogens. Both run the same searches (starts, seed, exhaustiveness, box, cores), ligand by ligand in
alternating order; each arm pays for its own maps once. The criterion is a ratio of wall totals of at most 1.2
(protocols.md 4); processor time is given beside it because it holds on a machine that is busy with other
work.

    python benchmarks/docking.py [--target EGFR] [--exhaustiveness 1] [--cpu 1] [--ligands 20] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tools.docking import vina
from tools.docking.dockstring_targets import load_target
from tools.docking.ligand_pdbqt import render_ligand
from tools.docking.receptor import Receptor
from tools.molecule.states import enumerate_states

# Twenty drugs of 13 to 30 heavy atoms, with and without saturated rings, neutral parents.
LIGANDS = (
    "CC(=O)Oc1ccccc1C(=O)O", "CC(C)Cc1ccc(C(C)C(=O)O)cc1", "CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21",
    "COc1ccc2cc(C(C)C(=O)O)ccc2c1", "NC(=O)N1c2ccccc2C=Cc2ccccc21", "CN(C)CCCN1c2ccccc2CCc2ccccc21",
    "Cn1c(=O)c2c(ncn2C)n(C)c1=O", "CC(C)NCC(O)COc1cccc2ccccc12", "CCN(CC)CC(=O)Nc1c(C)cccc1C",
    "Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1", "O=C(O)Cc1ccccc1Nc1c(Cl)cccc1Cl",
    "COc1ccc(CCN(C)CCCC(C#N)(C(C)C)c2ccc(OC)c(OC)c2)cc1OC", "C#Cc1cccc(Nc2ncnc3cc(OCCOC)c(OCCOC)cc23)c1",
    "COc1cc2ncnc(Nc3ccc(F)c(Cl)c3)c2cc1OCCCN1CCOCC1", "CNC(=O)c1cc(Oc2ccc(NC(=O)Nc3ccc(Cl)c(C(F)(F)F)c3)cc2)ccn1",
    "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1", "Nc1ncnc2c1ncn2C1OC(CO)C(O)C1O",
    "CC(C)(C)NCC(O)c1ccc(O)c(CO)c1", "O=C(NCc1ccccn1)c1ccc(Cl)cc1", "COc1ccc(C(=O)Nc2ccccc2C)cc1",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    exhaustiveness: int
    seed: int
    cpu: int
    max_states: int
    n_ring_conformers: int


def prepare(smiles: str, settings: Settings) -> list[tuple[str, int]]:
    """(PDBQT, exhaustiveness) of every search `dock_smiles` runs for this molecule."""
    searches = []
    for state in enumerate_states(smiles, max_states=settings.max_states):
        starts = vina.start_conformers(state.smiles, settings.n_ring_conformers, settings.seed)
        share = max(1, settings.exhaustiveness // starts.GetNumConformers())
        searches += [(render_ligand(starts, c.GetId()), share) for c in starts.GetConformers()]
    return searches


def run_bare(engine: Any, searches: list[tuple[str, int]]) -> float:
    """Best affinity by the wheel alone."""
    best = float("inf")
    for pdbqt, exhaustiveness in searches:
        engine.set_ligand_from_string(pdbqt)
        engine.dock(exhaustiveness=exhaustiveness, n_poses=9)
        engine.poses(n_poses=9)
        best = min(best, float(engine.energies(n_poses=9)[0][0]))
    return best


def run_ours(receptor: Receptor, smiles: str, settings: Settings) -> float:
    """Best affinity by `dock_smiles`."""
    return vina.dock_smiles(
        smiles,
        receptor,
        exhaustiveness=settings.exhaustiveness,
        seed=settings.seed,
        cpu=settings.cpu,
        embed_seed=settings.seed,
        max_states=settings.max_states,
        n_ring_conformers=settings.n_ring_conformers,
    ).affinity_kcal_mol


@dataclass
class Arm:
    """Wall and processor seconds of one arm, its maps first, then a row per ligand."""

    wall: list[float]
    cpu: list[float]
    affinities: list[float]

    def run(self, job: Callable[[], Any]) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        answer = job()
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)
        return answer


def measure(receptor: Receptor, ligands: tuple[str, ...], settings: Settings) -> dict[str, Any]:
    """Seconds of both arms per ligand and in all, and their ratios."""
    prepared = [prepare(smiles, settings) for smiles in ligands]
    bare, ours = Arm([], [], []), Arm([], [], [])
    engine = bare.run(lambda: vina._build_engine(receptor, settings.seed, settings.cpu))
    ours.run(lambda: vina.load_engine(receptor, settings.seed, settings.cpu))
    for i, (smiles, searches) in enumerate(zip(ligands, prepared, strict=True)):
        jobs: list[tuple[Arm, Callable[[], float]]] = [
            (bare, partial(run_bare, engine, searches)),
            (ours, partial(run_ours, receptor, smiles, settings)),
        ]
        for arm, job in jobs if i % 2 == 0 else reversed(jobs):
            arm.affinities.append(arm.run(job))
        print(
            f"{i + 1:2d} bare {bare.wall[-1]:6.2f} s  ours {ours.wall[-1]:6.2f} s  "
            f"{ours.affinities[-1]:6.2f} kcal/mol  {smiles}",
            flush=True,
        )
    return {
        "target": receptor.name,
        "box_size_angstrom": receptor.box.size_angstrom,
        "settings": asdict(settings),
        "versions": dict(vina.versions()),
        "ligands": len(ligands),
        "same_affinities": bare.affinities == ours.affinities,
        "wall": compare(bare.wall, ours.wall),
        "cpu": compare(bare.cpu, ours.cpu),
        "rows": [
            {"smiles": s, "bare_s": b, "ours_s": o, "kcal_mol": a}
            for s, b, o, a in zip(ligands, bare.wall[1:], ours.wall[1:], ours.affinities, strict=True)
        ],
    }


def compare(bare: list[float], ours: list[float]) -> dict[str, float]:
    """Totals with maps, medians per ligand and ratios of two lists of seconds whose first entry is the
    maps."""
    return {
        "bare_maps_s": bare[0],
        "ours_maps_s": ours[0],
        "bare_total_s": sum(bare),
        "ours_total_s": sum(ours),
        "ratio_of_totals": sum(ours) / sum(bare),
        "bare_median_s": statistics.median(bare[1:]),
        "ours_median_s": statistics.median(ours[1:]),
        "median_ratio": statistics.median(o / b for b, o in zip(bare[1:], ours[1:], strict=True)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--target", default="EGFR")
    parser.add_argument("--exhaustiveness", type=int, default=1)
    parser.add_argument("--cpu", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--max-states", type=int, default=1)
    parser.add_argument("--ring-conformers", type=int, default=1)
    parser.add_argument("--ligands", type=int, default=len(LIGANDS))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    settings = Settings(
        arguments.exhaustiveness, arguments.seed, arguments.cpu, arguments.max_states, arguments.ring_conformers
    )
    result = measure(load_target(arguments.target), LIGANDS[: arguments.ligands], settings)
    summary = {key: value for key, value in result.items() if key != "rows"}
    print(json.dumps(summary, indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
