"""Docking with AutoDock Vina 1.2 (Eberhardt 2021, doi 10.1021/acs.jcim.1c00203) in the calling process.

Unusual: the Vina object with the receptor and its affinity maps is kept for the life of the process, so a
worker pays for maps once per receptor, box, seed and number of cores. A type missing from the maps ends the
process, so the maps are made for every type Vina has (3.5 s and 0.5 GB for a 30 Å box; per ligand 1.3 s each
time) and `ligand_pdbqt` refuses types it has not. One call at a time in a process. NOT promised: that a
hanging or crashing search stops here; whoever calls owns a worker it can kill. An affinity is Vina's score in
kcal/mol, not a measured free energy.
"""

from __future__ import annotations

import tempfile
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from rdkit import Chem

from tools.docking.ligand_pdbqt import parse_poses, render_ligand
from tools.docking.receptor import Receptor
from tools.errors import InputError, TransientError, UnavailableError
from tools.molecule.conformers import embed, ring_conformers
from tools.molecule.parse import parse_smiles
from tools.molecule.states import enumerate_states

GRID_SPACING_ANGSTROM = 0.375  # Vina's own default
POSE_MIN_RMSD_ANGSTROM = 1.0  # Vina's own default
ENERGY_RANGE_KCAL_MOL = 3.0  # Vina's own default
MAX_CACHED_ENGINES = 1  # one set of maps of a 30 Å box takes about 0.5 GB


@dataclass(frozen=True, slots=True)
class StateResult:
    """The best affinity in kcal/mol of one docked form, over its `n_starts` start conformers."""

    smiles: str
    affinity_kcal_mol: float
    n_starts: int


@dataclass(frozen=True, slots=True)
class DockingResult:
    """`smiles` is the state of the best pose, `pose` its molblock with all hydrogens in the receptor's frame;
    `poses` all kept poses of that state, best first, `pose_affinities_kcal_mol` their scores; `states` every
    form."""

    affinity_kcal_mol: float
    pose: str
    smiles: str
    states: tuple[StateResult, ...]
    poses: tuple[str, ...]
    pose_affinities_kcal_mol: tuple[float, ...]
    receptor_id: str
    box: str
    exhaustiveness: int
    seed: int
    undefined_stereo: bool = False
    seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        data = {name: getattr(self, name) for name in self.__dataclass_fields__}
        data["states"] = [
            {"smiles": s.smiles, "affinity_kcal_mol": s.affinity_kcal_mol, "n_starts": s.n_starts} for s in self.states
        ]
        return {
            **data,
            "poses": list(self.poses),
            "pose_affinities_kcal_mol": list(self.pose_affinities_kcal_mol),
            "versions": dict(self.versions),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DockingResult:
        states = tuple(StateResult(**state) for state in data["states"])
        lists = {name: tuple(data[name]) for name in ("poses", "pose_affinities_kcal_mol")}
        return cls(**{**data, **lists, "states": states, "versions": dict(data["versions"])})


@dataclass(frozen=True, slots=True)
class _Search:
    """Settings of one Vina search."""

    exhaustiveness: int
    seed: int
    cpu: int
    n_poses: int
    max_evals: int


@dataclass(frozen=True, slots=True)
class _Run:
    affinity: float
    mol: Chem.Mol
    affinities: tuple[float, ...]


def dock(
    ligands: Sequence[Chem.Mol],
    receptor: Receptor,
    *,
    exhaustiveness: int = 8,
    seed: int = 7,
    cpu: int = 1,
    n_poses: int = 9,
    max_evals: int = 0,
    undefined_stereo: bool = False,
) -> DockingResult:
    """Dock every form in `ligands` and keep the best.

    Each molecule is one form (protonation state or stereoisomer) with explicit hydrogens; each of its 3D
    conformers is one start. `exhaustiveness` counts Monte Carlo runs per form and is shared by its starts, at
    least one each; 8 is Vina's default, 16 TargetDiff's. `max_evals` bounds one run's energy evaluations (0:
    Vina's heuristic). The same arguments give the same result. Raises `InputError` for a ligand Vina cannot
    type or place.
    """
    if not ligands:
        raise InputError("nothing to dock: no ligand was given")
    for name, value in (("exhaustiveness", exhaustiveness), ("cpu", cpu), ("n_poses", n_poses)):
        if value < 1:
            raise InputError(f"{name} {value} must be at least 1")
    search = _Search(exhaustiveness, seed, cpu, n_poses, max_evals)
    started = time.perf_counter()
    best: _Run | None = None
    best_smiles = ""
    states = []
    for ligand in ligands:
        smiles = Chem.MolToSmiles(Chem.RemoveHs(ligand))
        runs = _dock_form(ligand, receptor, search)
        top = min(runs, key=lambda run: run.affinity)
        states.append(StateResult(smiles, top.affinity, len(runs)))
        if best is None or top.affinity < best.affinity:
            best, best_smiles = top, smiles
    assert best is not None
    poses = tuple(Chem.MolToMolBlock(best.mol, confId=c.GetId()) for c in best.mol.GetConformers())
    return DockingResult(
        affinity_kcal_mol=best.affinity,
        pose=poses[0],
        smiles=best_smiles,
        states=tuple(states),
        poses=poses,
        pose_affinities_kcal_mol=best.affinities,
        receptor_id=receptor.receptor_id,
        box=receptor.box.key(),
        exhaustiveness=exhaustiveness,
        seed=seed,
        undefined_stereo=undefined_stereo,
        seconds=time.perf_counter() - started,
        versions=dict(versions()),
    )


def dock_smiles(
    smiles: str,
    receptor: Receptor,
    *,
    exhaustiveness: int = 8,
    seed: int = 7,
    cpu: int = 1,
    n_poses: int = 9,
    embed_seed: int = 7,
    ph: float = 7.4,
    ph_tolerance: float = 0.5,
    max_states: int = 4,
    max_stereoisomers: int = 4,
    n_ring_conformers: int = 3,
    max_evals: int = 0,
) -> DockingResult:
    """Dock the states of a parent SMILES at `ph` +- `ph_tolerance` and its undefined stereoisomers; keep the
    best.

    Saturated rings start from up to `n_ring_conformers` puckers, as Vina does not sample rings; the defaults
    are those of protocols.md 2b. Cost grows with states times starts: a cheap round lowers `max_states` and
    `n_ring_conformers`.
    """
    started = time.perf_counter()
    states = enumerate_states(smiles, ph, ph_tolerance, max_states, max_stereoisomers)
    ligands = [start_conformers(state.smiles, n_ring_conformers, embed_seed) for state in states]
    undefined = any(state.undefined_stereo for state in states)
    result = dock(
        ligands,
        receptor,
        exhaustiveness=exhaustiveness,
        seed=seed,
        cpu=cpu,
        n_poses=n_poses,
        max_evals=max_evals,
        undefined_stereo=undefined,
    )
    return replace(result, seconds=time.perf_counter() - started)


def start_conformers(smiles: str, n_ring_conformers: int = 3, embed_seed: int = 7) -> Chem.Mol:
    """The molecule with hydrogens and its start conformers: one, or one for each distinct ring pucker."""
    mol = parse_smiles(smiles)
    if n_ring_conformers > 1:
        return ring_conformers(mol, n_ring_conformers, embed_seed)
    return embed(mol, 1, embed_seed)


def score_pose(pose: Chem.Mol, receptor: Receptor, seed: int = 7, cpu: int = 1) -> float:
    """Vina's score in kcal/mol of a pose with hydrogens, exactly as given.

    `seed` and `cpu` only choose which cached maps are used: give those of the docking.
    """
    text = render_ligand(pose)
    engine = load_engine(receptor, seed, cpu)
    engine.set_ligand_from_string(text)
    return float(engine.score()[0])


def _dock_form(ligand: Chem.Mol, receptor: Receptor, search: _Search) -> list[_Run]:
    """One search per start conformer; they share the exhaustiveness."""
    conformer_ids = [conformer.GetId() for conformer in ligand.GetConformers()]
    if not conformer_ids:
        raise InputError(f"ligand {Chem.MolToSmiles(ligand)!r} has no 3D conformer; embed it before docking")
    share = replace(search, exhaustiveness=max(1, search.exhaustiveness // len(conformer_ids)))
    return [_dock_conformer(render_ligand(ligand, i), receptor, share) for i in conformer_ids]


def _dock_conformer(pdbqt: str, receptor: Receptor, search: _Search) -> _Run:
    engine = load_engine(receptor, search.seed, search.cpu)
    try:
        engine.set_ligand_from_string(pdbqt)
        engine.dock(
            exhaustiveness=search.exhaustiveness,
            n_poses=search.n_poses,
            min_rmsd=POSE_MIN_RMSD_ANGSTROM,
            max_evals=search.max_evals,
        )
    except RuntimeError as fault:
        raise TransientError(f"Vina failed: {fault}") from fault
    text = engine.poses(n_poses=search.n_poses, energy_range=ENERGY_RANGE_KCAL_MOL)
    if "MODEL" not in text:
        raise InputError(
            f"Vina found no pose inside the box of {receptor.name!r} ({receptor.box.size_angstrom} Å edges): "
            "the box is too small for this ligand"
        )
    energies = engine.energies(n_poses=search.n_poses, energy_range=ENERGY_RANGE_KCAL_MOL)
    affinities = tuple(float(row[0]) for row in energies)
    return _Run(affinities[0], parse_poses(text), affinities)


_ENGINES: OrderedDict[tuple[str, str, int, int], Any] = OrderedDict()


def load_engine(receptor: Receptor, seed: int, cpu: int) -> Any:
    """The process's Vina object for this receptor and box, with maps of every atom type; made where there is
    none."""
    key = (receptor.receptor_id, receptor.box.key(), seed, cpu)
    if key not in _ENGINES:
        while len(_ENGINES) >= MAX_CACHED_ENGINES:
            _ENGINES.popitem(last=False)
        _ENGINES[key] = _build_engine(receptor, seed, cpu)
    _ENGINES.move_to_end(key)
    return _ENGINES[key]


def _build_engine(receptor: Receptor, seed: int, cpu: int) -> Any:
    try:
        import vina
    except ImportError as missing:
        raise UnavailableError("docking needs the package vina 1.2.7: pip install vina==1.2.7") from missing
    engine = vina.Vina(sf_name="vina", cpu=cpu, seed=seed, verbosity=0)
    with tempfile.TemporaryDirectory(prefix="organon-dock-") as folder:
        path = Path(folder) / "receptor.pdbqt"
        path.write_text(receptor.pdbqt)
        engine.set_receptor(str(path))
    # Before any ligand is set Vina computes the maps of all its atom types, here and never again.
    engine.compute_vina_maps(
        list(receptor.box.center_angstrom), list(receptor.box.size_angstrom), spacing=GRID_SPACING_ANGSTROM
    )
    return engine


@lru_cache(maxsize=1)
def versions() -> Mapping[str, str]:
    """Versions that decide a docking result: part of its cache key."""
    return {name: metadata.version(name) for name in ("vina", "meeko", "rdkit", "dimorphite-dl")}
