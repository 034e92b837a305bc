"""Is a docked pose physically plausible? PoseBusters (Buttenschoen 2024, doi 10.1039/D3SC04185A), its "dock"
preset.

Unusual: a test that could not run makes the verdict unknown, never fail, unless another one failed. One
thread, so that workers do not compete. NOT promised: that a plausible pose is the right one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml
from rdkit import Chem, rdBase

from tools.docking.receptor import Receptor
from tools.errors import InputError, UnavailableError
from tools.types import CheckResult, Verdict

NAME = "pose"


def check_pose(pose: Chem.Mol, receptor: Receptor, preset: str = "dock") -> CheckResult:
    """Verdict on a pose with explicit hydrogens, in the receptor's frame.

    The thresholds are those of PoseBusters' preset: bond lengths, angles and internal clashes within 25-30 %
    of distance geometry's bounds, aromatic rings and double bonds flat within 0.25 Å, energy ratio <= 100, no
    receptor atom nearer than 0.75 of the van der Waals sum, volume overlap <= 7.5 %. `value` counts failed
    tests.
    """
    started = time.perf_counter()
    tests = run_posebusters(pose, receptor.pdb, preset)
    verdict, reason = judge_tests(tests)
    return CheckResult(
        name=NAME,
        verdict=verdict,
        value=float(sum(passed is False for passed in tests.values())),
        unit="failed tests",
        threshold="0 failed tests",
        reason=reason,
        tool="posebusters",
        version=metadata.version("posebusters"),
        seconds=time.perf_counter() - started,
        details={"tests": tests},
    )


def judge_tests(tests: Mapping[str, bool | None]) -> tuple[Verdict, str]:
    """Fail names the failed tests; unknown, where none failed, those that could not run."""
    failed = [name for name, passed in tests.items() if passed is False]
    undecided = [name for name, passed in tests.items() if passed is None]
    if failed:
        return Verdict.FAIL, f"failed: {', '.join(failed)}"
    if undecided or not tests:
        return Verdict.UNKNOWN, f"could not run: {', '.join(undecided) or 'any test'}"
    return Verdict.PASS, ""


def run_posebusters(mol: Chem.Mol, receptor_pdb: str, preset: str = "dock") -> dict[str, bool | None]:
    """Test name -> True, False, or None where the test could not run."""
    try:
        import pandas as pd
        from posebusters import PoseBusters
    except ImportError as missing:
        raise UnavailableError("pose checks need the package posebusters: pip install posebusters") from missing
    buster = PoseBusters(config=_config(preset))
    with rdBase.BlockLogs():
        row = buster.bust(mol, mol_cond=_load_receptor(receptor_pdb)).iloc[0]
    return {str(name): None if pd.isna(value) else bool(value) for name, value in row.items()}


def _config(preset: str) -> dict[str, Any]:
    """PoseBusters' preset with the energy ensemble on one thread."""
    import posebusters

    path = Path(posebusters.__file__).parent / "config" / f"{preset}.yml"
    if not path.is_file():
        raise InputError(f"PoseBusters has no preset {preset!r}; use 'dock', 'mol', 'gen' or 'redock'")
    config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    for module in config["modules"]:
        if module["function"] == "energy_ratio":
            module["parameters"]["num_threads"] = 1
    return {**config, "max_workers": 0}


@lru_cache(maxsize=4)
def _load_receptor(receptor_pdb: str) -> Chem.Mol:
    """The receptor as PoseBusters loads a .pdb file: unsanitised, hydrogens kept, no bonds guessed."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromPDBBlock(receptor_pdb, sanitize=False, removeHs=False, proximityBonding=False)
    if mol is None or mol.GetNumAtoms() == 0:
        raise InputError("the receptor's PDB text does not parse; prepare the receptor again")
    return mol
