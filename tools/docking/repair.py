"""Repair of the protein part with PDBFixer: non-standard residues become standard, missing heavy atoms are
built.

Unusual: chain breaks end a segment (no loop is modelled and no bond is drawn across), and every run gives the
same atoms (seeded, one thread). NOT promised: missing loops.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.docking.rebuild import relax_built
from tools.docking.residues import CAPS, STANDARD
from tools.docking.structure import Atom, Residue, Structure, join, render_pdb, segments

C_OXT_ANGSTROM = 1.25  # carboxylate C-O (Allen 1987, doi 10.1039/P298700000S1)


def repair_protein(protein: Structure, seed: int = 7) -> tuple[Structure, list[str]]:
    """The amino acids of `protein` as standard residues with all heavy atoms (hydrogens dropped), and what
    was done."""
    from openmm import unit
    from pdbfixer import PDBFixer

    selenium = [f"{r.label} by MET" for r in protein.residues if r.name == "MSE"]
    stripped = Structure(tuple(_without_selenium(_without_hydrogens(r)) for r in protein.residues))
    with reproducible_platform(seed) as platform:
        fixer = PDBFixer(pdbfile=io.StringIO(render_pdb(stripped)), platform=platform)
        fixer.findNonstandardResidues()
        replaced = selenium + [f"{r.chain.id}:{r.name}{r.id} by {new}" for r, new in fixer.nonstandardResidues]
        fixer.replaceNonstandardResidues()
        fixer.missingResidues = {}
        fixer.findMissingAtoms()
        built = {(r.chain.id, r.id, r.insertionCode): [a.name for a in lost] for r, lost in fixer.missingAtoms.items()}
        incomplete = [f"{r.chain.id}:{r.name}{r.id}" for r in fixer.missingAtoms]
        fixer.missingTerminals = {}
        fixer.addMissingAtoms(seed=seed)
    places = fixer.positions.value_in_unit(unit.angstrom)
    residues = []
    for residue in fixer.topology.residues():
        atoms = tuple(
            Atom(
                a.name,
                a.element.symbol,
                (round(places[a.index][0], 3), round(places[a.index][1], 3), round(places[a.index][2], 3)),
            )
            for a in residue.atoms()
        )
        residues.append(Residue(residue.chain.id, int(residue.id), residue.insertionCode.strip(), residue.name, atoms))
    residues = _relax(
        residues, {(c, int(n), i.strip()): frozenset(v) for (c, n, i), v in built.items()}, fixer.templates
    )
    unknown = [r.label for r in residues if r.name not in STANDARD and r.name not in CAPS]
    notes = []
    if replaced:
        notes.append(f"Non-standard residues were replaced by their parents: {join(replaced)}.")
    if incomplete:
        notes.append(f"Missing heavy atoms were built in {len(incomplete)} residues: {join(incomplete)}.")
    if unknown:
        notes.append(f"Residues without a standard parent were removed: {join(unknown)}.")
    standard = Structure(tuple(r for r in residues if r.name in STANDARD or r.name in CAPS))
    return add_terminal_oxygens(standard), notes


def _relax(
    residues: list[Residue], built: Mapping[tuple[str, int, str], frozenset[str]], templates: Mapping[str, Any]
) -> list[Residue]:
    """Residues with built atoms brought to their template's geometry, one after the other."""
    from openmm import unit

    result = list(residues)
    for i, residue in enumerate(result):
        names = built.get((residue.chain, residue.number, residue.icode))
        if not names or residue.name not in templates:
            continue
        template = templates[residue.name]
        places = template.positions.value_in_unit(unit.angstrom)
        ideal = {a.name: np.array([float(v) for v in places[a.index]]) for a in template.topology.atoms()}
        bonds = frozenset((first.name, second.name) for first, second in template.topology.bonds())
        result[i] = relax_built(residue, names, ideal, bonds, _around(result, i))
    return result


def _around(residues: list[Residue], index: int, reach_angstrom: float = 10.0) -> NDArray[np.float64]:
    """Heavy atoms of the other residues within `reach_angstrom` of this one's CA."""
    alpha = residues[index].atom("CA")
    others = np.concatenate([r.heavy() for i, r in enumerate(residues) if i != index] or [np.empty((0, 3))])
    if alpha is None or not len(others):
        return np.empty((0, 3))
    near: NDArray[np.float64] = others[np.linalg.norm(others - np.array(alpha.xyz), axis=1) < reach_angstrom]
    return near


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


def _without_hydrogens(residue: Residue) -> Residue:
    return replace(residue, atoms=tuple(atom for atom in residue.atoms if not atom.is_hydrogen))


def _without_selenium(residue: Residue) -> Residue:
    """Methionine for selenomethionine with sulphur where selenium was: PDBFixer would build it anew, 2 Å
    away."""
    if residue.name != "MSE":
        return residue
    atoms = tuple(Atom("SD", "S", a.xyz) if a.element == "Se" else a for a in residue.atoms)
    return replace(residue, name="MET", atoms=atoms)


def add_terminal_oxygens(protein: Structure) -> Structure:
    """OXT on the last amino acid of every backbone segment, in the plane of CA, C and O.

    PDBFixer's own placement let CA and OXT come within 1.9 Å, which reads as a bond.
    """
    done = []
    for run in segments(protein):
        *inner, last = run
        done += [*inner, _with_oxt(last)]
    return Structure(tuple(done))


def _with_oxt(residue: Residue) -> Residue:
    carbon, alpha, oxygen = (residue.atom(name) for name in ("C", "CA", "O"))
    if residue.name in CAPS or residue.atom("OXT") or carbon is None or alpha is None or oxygen is None:
        return residue
    center = np.array(carbon.xyz)
    arms = [np.array(atom.xyz) - center for atom in (alpha, oxygen)]
    direction = -sum(arm / np.linalg.norm(arm) for arm in arms)
    place = center + direction * (C_OXT_ANGSTROM / np.linalg.norm(direction))
    oxt = Atom("OXT", "O", (round(float(place[0]), 3), round(float(place[1]), 3), round(float(place[2]), 3)))
    return replace(residue, atoms=(*residue.atoms, oxt))
