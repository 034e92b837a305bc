"""Does docking find the crystal pose of the receptor's own ligand again? A control, one call per seed."""

from __future__ import annotations

import time

from tools.docking.controls import redock
from tools.docking.receptor import Receptor
from tools.docking.vina import versions
from tools.types import CheckResult, Verdict

NAME = "redock"


def check_redock(
    receptor: Receptor,
    *,
    exhaustiveness: int = 8,
    seed: int = 1,
    n_ring_conformers: int = 3,
    cpu: int = 1,
    max_rmsd_angstrom: float = 2.0,
) -> CheckResult:
    """Redock `receptor.ligand` from an RDKit conformer; `value` is the top pose's RMSD in Å.

    Passes within `max_rmsd_angstrom` (2.0 Å, the customary criterion: Cole 2005, doi 10.1002/prot.20497).
    Unknown where the receptor carries no ligand with known bond orders.
    """
    started = time.perf_counter()
    threshold = f"<= {max_rmsd_angstrom:g}"
    version = ", ".join(f"{name} {version}" for name, version in versions().items())
    if receptor.ligand is None:
        reason = f"receptor {receptor.name!r} has no bound ligand with known bond orders"
        return CheckResult(NAME, Verdict.UNKNOWN, None, "Å", threshold, reason, "vina", version)
    (result,) = redock(
        receptor,
        receptor.ligand.smiles,
        receptor.ligand.molblock,
        (seed,),
        exhaustiveness=exhaustiveness,
        cpu=cpu,
        n_ring_conformers=n_ring_conformers,
    )
    found = result.rmsd_angstrom <= max_rmsd_angstrom
    reason = "" if found else f"the top pose is {result.rmsd_angstrom:.1f} Å from the crystal pose"
    return CheckResult(
        name=NAME,
        verdict=Verdict.PASS if found else Verdict.FAIL,
        value=result.rmsd_angstrom,
        unit="Å",
        threshold=threshold,
        reason=reason,
        tool="vina",
        version=version,
        seconds=time.perf_counter() - started,
        details={
            "pose_molblock": result.pose,
            "affinity_kcal_mol": result.affinity_kcal_mol,
            "exhaustiveness": exhaustiveness,
            "seed": seed,
        },
    )
