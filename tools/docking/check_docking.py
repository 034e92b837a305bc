"""Does Vina find a pose of this molecule that binds? The docking check of the funnel, one call per
candidate."""

from __future__ import annotations

import time

from rdkit import Chem

from tools.docking.receptor import Receptor
from tools.docking.vina import dock_smiles, versions
from tools.types import CheckResult, Verdict

NAME = "dock"


def check_docking(
    smiles: str,
    receptor: Receptor,
    *,
    exhaustiveness: int = 8,
    seed: int = 7,
    max_states: int = 4,
    max_stereoisomers: int = 4,
    n_ring_conformers: int = 3,
    cpu: int = 1,
    max_affinity_kcal_mol: float = 0.0,
) -> CheckResult:
    """Dock every state of `smiles`; `value` is the best affinity in kcal/mol.

    Fails where the best affinity is not below `max_affinity_kcal_mol`: at 0, the zero of Vina's scale, no
    pose is attractive. `details["pose_molblock"]` is the best pose; `smiles` its state; `states` every form
    and its affinity.
    """
    started = time.perf_counter()
    docked = dock_smiles(
        smiles,
        receptor,
        exhaustiveness=exhaustiveness,
        seed=seed,
        cpu=cpu,
        embed_seed=seed,
        max_states=max_states,
        max_stereoisomers=max_stereoisomers,
        n_ring_conformers=n_ring_conformers,
    )
    binds = docked.affinity_kcal_mol < max_affinity_kcal_mol
    heavy_atoms = Chem.MolFromSmiles(docked.smiles).GetNumHeavyAtoms()
    return CheckResult(
        name=NAME,
        verdict=Verdict.PASS if binds else Verdict.FAIL,
        value=docked.affinity_kcal_mol,
        unit="kcal/mol",
        threshold=f"< {max_affinity_kcal_mol:g}",
        reason="" if binds else f"best affinity {docked.affinity_kcal_mol:.1f} kcal/mol is not attractive",
        tool="vina",
        version=", ".join(f"{name} {version}" for name, version in versions().items()),
        seconds=time.perf_counter() - started,
        details={
            "pose_molblock": docked.pose,
            "smiles": docked.smiles,
            "states": [
                {"smiles": s.smiles, "affinity_kcal_mol": s.affinity_kcal_mol, "n_starts": s.n_starts}
                for s in docked.states
            ],
            "undefined_stereo": docked.undefined_stereo,
            "heavy_atoms": heavy_atoms,
            "efficiency_kcal_mol_per_heavy_atom": docked.affinity_kcal_mol / heavy_atoms,
            "exhaustiveness": exhaustiveness,
            "seed": seed,
            "box": docked.box,
        },
    )
