"""Docking of generated ligands for the ligand evaluation: Vina's Dock mode from SMILES, one setting for all.

Protocol: the box is the reference ligand's bounding box and a margin of 5 Å on every side; exhaustiveness 8 is Vina's
default, TargetDiff used 16 (doi 10.48550/arXiv.2303.03543). Both are part of every figure. A SMILES model has no pose
of its own, so there is no Score or Min figure. Runs in the calling process: whoever may not hang gives it a worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from tools.docking.pocket import PocketSpec
from tools.docking.prepare import prepare_receptor
from tools.docking.receptor import Receptor
from tools.docking.vina import dock_smiles
from tools.errors import InputError


def dock_molecules(
    smiles: Sequence[str],
    receptor: Path,
    ligand: Path,
    *,
    exhaustiveness: int = 8,
    margin_angstrom: float = 5.0,
    seed: int = 7,
    max_states: int = 1,
    n_ring_conformers: int = 1,
) -> list[float | None]:
    """Best affinity in kcal/mol of each molecule in the site of `ligand` (SDF in the receptor's frame).

    None for a molecule that cannot be docked (no 3D form, an element that Vina has no type for): not computed, not 0.
    `InputError` where the receptor or the ligand file cannot be used.
    """
    prepared = _receptor(receptor, ligand, margin_angstrom)
    found: list[float | None] = []
    for text in smiles:
        try:
            docked = dock_smiles(
                text,
                prepared,
                exhaustiveness=exhaustiveness,
                seed=seed,
                embed_seed=seed,
                max_states=max_states,
                max_stereoisomers=1,
                n_ring_conformers=n_ring_conformers,
            )
        except InputError:
            found.append(None)
        else:
            found.append(docked.affinity_kcal_mol)
    return found


@lru_cache(maxsize=2)
def _receptor(receptor: Path, ligand: Path, margin_angstrom: float) -> Receptor:
    return prepare_receptor(receptor, PocketSpec(ligand_file=ligand), margin_angstrom=margin_angstrom)
