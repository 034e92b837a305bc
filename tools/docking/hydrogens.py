"""All hydrogens on a structure: OpenMM's Modeller for amino acids and water, RDKit for cofactors.

Unusual: reproducible. Modeller draws start positions from Python's global random state and minimises on a
threaded platform; here the state is seeded and restored, and the platform runs one thread, so that one input
gives one output. Hydrogens already there and named as the standard are kept where they are. Heavy atoms never
move. NOT promised: pKa shifts by the surroundings; a residue gets its textbook state at that pH unless
`variants` says otherwise.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.docking.cofactors import hydrogenate_cofactor
from tools.docking.residues import CAPS, MODIFIED, STANDARD, WATER
from tools.docking.structure import Atom, Residue, Structure, segments

X_H_ANGSTROM = {"C": 1.09, "N": 1.01, "O": 0.96, "S": 1.34}  # Allen 1987, doi 10.1039/P298700000S1, rounded
BOND_TOLERANCE = 1.25  # heavy atoms closer than this times the sum of covalent radii are bonded


def add_hydrogens(
    structure: Structure, ph: float = 7.4, variants: Mapping[str, str] | None = None, seed: int = 7
) -> Structure:
    """The structure with all hydrogens.

    `variants` maps a residue's label to OpenMM's name of its state ("HID", "HIP", "ASH", "CYX", ...); others
    follow `ph` with OpenMM's table of pKa values (histidine by its hydrogen bonds). Cofactors follow
    `tools.docking.cofactors`; what has no template there (metals, clusters) stays as it is.
    """
    chosen = dict(variants or {})
    handled = [r for r in structure.residues if _modeller_knows(r)]
    done = _run_modeller(Structure(tuple(handled)), ph, chosen, seed) if handled else {}
    residues = [done.get(i) for i in range(len(handled))]
    iterator = iter(residues)
    result = []
    for residue in structure.residues:
        if _modeller_knows(residue):
            replaced = next(iterator)
            result.append(replaced if replaced is not None else residue)
        else:
            result.append(hydrogenate_cofactor(residue))
    return Structure(tuple(result))


def _modeller_knows(residue: Residue) -> bool:
    return residue.name in STANDARD or residue.name in CAPS or residue.name in MODIFIED or residue.name in WATER


def _run_modeller(structure: Structure, ph: float, variants: Mapping[str, str], seed: int) -> dict[int, Residue]:
    """Residue index -> residue with hydrogens."""
    from openmm import app, unit

    topology, positions, originals = build_topology(structure)
    chosen: list[Any] = []
    for residue, original in zip(topology.residues(), originals, strict=True):
        if original.name in MODIFIED:
            chosen.append(_modified_hydrogens(residue, original))
        else:
            chosen.append(variants.get(original.label))
    modeller = app.Modeller(topology, positions)
    with reproducible_platform(seed) as platform:
        modeller.addHydrogens(pH=ph, variants=chosen, platform=platform)
    coordinates = modeller.positions.value_in_unit(unit.angstrom)
    _idealise(modeller.topology, coordinates := np.array([list(place) for place in coordinates]))
    done = {}
    for i, (residue, original) in enumerate(zip(modeller.topology.residues(), originals, strict=True)):
        atoms = tuple(
            Atom(atom.name, atom.element.symbol, _rounded(coordinates[atom.index])) for atom in residue.atoms()
        )
        done[i] = Residue(original.chain, original.number, original.icode, original.name, atoms)
    return done


def _idealise(topology: Any, coordinates: NDArray[np.float64]) -> None:
    """Set every X-H distance in place: Modeller's own geometry has 1.0 Å for all of them."""
    for first, second in topology.bonds():
        heavy, hydrogen = (first, second) if second.element.symbol == "H" else (second, first)
        if hydrogen.element.symbol == "H" and heavy.element.symbol in X_H_ANGSTROM:
            direction = coordinates[hydrogen.index] - coordinates[heavy.index]
            length = float(np.linalg.norm(direction))
            if length > 0:
                ideal = X_H_ANGSTROM[heavy.element.symbol]
                coordinates[hydrogen.index] = coordinates[heavy.index] + direction * (ideal / length)


def build_topology(structure: Structure) -> tuple[Any, Any, list[Residue]]:
    """An OpenMM topology with a chain per backbone segment, its positions, and the residues in the same
    order.

    Bonds: OpenMM's tables for standard residues, distances for the rest, disulfides by distance.
    """
    from openmm import Vec3, app, unit

    topology = app.Topology()
    positions, originals = [], []
    extra: list[tuple[list[Any], Residue]] = []
    for run in segments(structure):
        chain = topology.addChain(run[0].chain)
        for residue in run:
            name = "HOH" if residue.name in WATER else residue.name
            added = topology.addResidue(name, chain, str(residue.number), residue.icode)
            atoms = []
            for atom in residue.atoms:
                atoms.append(topology.addAtom(atom.name, app.Element.getBySymbol(atom.element), added))
                positions.append(Vec3(*atom.xyz))
            originals.append(residue)
            if residue.name in MODIFIED:
                extra.append((atoms, residue))
    topology.createStandardBonds()
    for atoms, residue in extra:
        _bond_by_distance(topology, atoms, residue)
    _bond_backbone(topology, originals)
    quantity = unit.Quantity(positions, unit.angstrom)
    topology.createDisulfideBonds(quantity)
    return topology, quantity, originals


def _bond_by_distance(topology: Any, atoms: list[Any], residue: Residue) -> None:
    from rdkit import Chem

    table = Chem.GetPeriodicTable()
    for i, first in enumerate(residue.atoms):
        for j in range(i):
            second = residue.atoms[j]
            reach = table.GetRcovalent(first.element) + table.GetRcovalent(second.element)
            if math.dist(first.xyz, second.xyz) < BOND_TOLERANCE * reach:
                topology.addBond(atoms[i], atoms[j])


def _bond_backbone(topology: Any, originals: list[Residue]) -> None:
    """Peptide bonds into and out of modified residues, which OpenMM's tables do not know."""
    residues = list(topology.residues())
    for first, second in pairwise(residues):
        modified = originals[first.index].name in MODIFIED or originals[second.index].name in MODIFIED
        if modified and first.chain is second.chain:
            carbon = next((a for a in first.atoms() if a.name == "C"), None)
            nitrogen = next((a for a in second.atoms() if a.name == "N"), None)
            bonded = {frozenset((bond[0].index, bond[1].index)) for bond in topology.bonds()}
            if carbon and nitrogen and frozenset((carbon.index, nitrogen.index)) not in bonded:
                topology.addBond(carbon, nitrogen)


def _modified_hydrogens(residue: Any, original: Residue) -> list[tuple[str, str]]:
    """Explicit hydrogens of a modified residue whose parent atoms are there; three on a free amino end."""
    present = {atom.name for atom in original.atoms}
    wanted = [pair for pair in MODIFIED[original.name][1] if pair[1] in present]
    first = next(residue.chain.residues())
    return [*wanted, ("H2", "N"), ("H3", "N")] if first is residue else wanted


@contextmanager
def reproducible_platform(seed: int) -> Iterator[Any]:
    """OpenMM's CPU platform on one thread (Reference where there is none), Python's random state seeded
    meanwhile."""
    from openmm import OpenMMException, Platform

    state = random.getstate()
    random.seed(seed)
    try:
        platform = Platform.getPlatformByName("CPU")
        threads = platform.getPropertyDefaultValue("Threads")
        platform.setPropertyDefaultValue("Threads", "1")
    except OpenMMException:
        platform, threads = Platform.getPlatformByName("Reference"), None
    try:
        yield platform
    finally:
        random.setstate(state)
        if threads is not None:
            platform.setPropertyDefaultValue("Threads", threads)


def _rounded(position: Any) -> tuple[float, float, float]:
    return (round(float(position[0]), 3), round(float(position[1]), 3), round(float(position[2]), 3))
