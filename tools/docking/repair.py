"""Repair of the protein part: non-standard residues become standard, missing heavy atoms are built.

PDBFixer knows which residue stands for which and which atoms are missing; `rebuild` places them. Chain breaks end a
segment: no loop is modelled and no bond is drawn across. NOT promised: missing loops.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.docking.rebuild import build_missing
from tools.docking.residues import CAPS, STANDARD
from tools.docking.structure import Atom, Residue, Structure, join, render_pdb, segments

C_OXT_ANGSTROM = 1.25  # carboxylate C-O (Allen 1987, doi 10.1039/P298700000S1)
REACH_ANGSTROM = 12.0
Place = tuple[str, int, str]


def repair_protein(protein: Structure) -> tuple[Structure, list[str]]:
    """The amino acids of `protein` as standard residues with all heavy atoms (hydrogens dropped), and what was done."""
    from pdbfixer import PDBFixer

    selenium = [f"{r.label} by MET" for r in protein.residues if r.name == "MSE"]
    stripped = Structure(tuple(_without_selenium(_without_hydrogens(r)) for r in protein.residues))
    fixer = PDBFixer(pdbfile=io.StringIO(render_pdb(stripped)))
    fixer.findNonstandardResidues()
    replaced = selenium + [f"{r.chain.id}:{r.name}{r.id} by {new}" for r, new in fixer.nonstandardResidues]
    fixer.replaceNonstandardResidues()
    fixer.missingResidues = {}
    fixer.findMissingAtoms()
    residues = _read(fixer)
    missing = {_place(r): {a.name: a.element.symbol for a in lost} for r, lost in fixer.missingAtoms.items()}
    complete = _build(residues, missing, fixer.templates)
    unknown = [r.label for r in complete if r.name not in STANDARD and r.name not in CAPS]
    incomplete = [r.label for r in complete if (r.chain, r.number, r.icode) in missing]
    notes = []
    if replaced:
        notes.append(f"Non-standard residues were replaced by their parents: {join(replaced)}.")
    if incomplete:
        notes.append(f"Missing heavy atoms were built in {len(incomplete)} residues: {join(incomplete)}.")
    if unknown:
        notes.append(f"Residues without a standard parent were removed: {join(unknown)}.")
    standard = Structure(tuple(r for r in complete if r.name in STANDARD or r.name in CAPS))
    return add_terminal_oxygens(standard), notes


def _read(fixer: Any) -> list[Residue]:
    """PDBFixer's topology as residues."""
    from openmm import unit

    places = fixer.positions.value_in_unit(unit.angstrom)
    residues = []
    for residue in fixer.topology.residues():
        atoms = tuple(Atom(atom.name, atom.element.symbol, _rounded(places[atom.index])) for atom in residue.atoms())
        chain, number, icode = _place(residue)
        residues.append(Residue(chain, number, icode, residue.name, atoms))
    return residues


def _place(residue: Any) -> Place:
    return (residue.chain.id, int(residue.id), residue.insertionCode.strip())


def _build(
    residues: list[Residue], missing: Mapping[Place, Mapping[str, str]], templates: Mapping[str, Any]
) -> list[Residue]:
    """Residues with their missing atoms, one after the other: a later one keeps clear of what was built before."""
    from openmm import unit

    result = list(residues)
    for i, residue in enumerate(result):
        lost = missing.get((residue.chain, residue.number, residue.icode))
        if not lost or residue.name not in templates:
            continue
        template = templates[residue.name]
        places = template.positions.value_in_unit(unit.angstrom)
        ideal = {a.name: np.array([float(v) for v in places[a.index]]) for a in template.topology.atoms()}
        bonds = frozenset((first.name, second.name) for first, second in template.topology.bonds())
        result[i] = build_missing(residue, lost, ideal, bonds, _around(result, i))
    return result


def _around(residues: list[Residue], index: int) -> NDArray[np.float64]:
    """Heavy atoms of the other residues within reach of this one's CA."""
    alpha = residues[index].atom("CA")
    others = np.concatenate([np.empty((0, 3)), *(r.heavy() for i, r in enumerate(residues) if i != index)])
    if alpha is None:
        return np.empty((0, 3))
    near: NDArray[np.float64] = others[np.linalg.norm(others - np.array(alpha.xyz), axis=1) < REACH_ANGSTROM]
    return near


def _without_hydrogens(residue: Residue) -> Residue:
    return replace(residue, atoms=tuple(atom for atom in residue.atoms if not atom.is_hydrogen))


def _without_selenium(residue: Residue) -> Residue:
    """Methionine for selenomethionine with sulphur where selenium was: PDBFixer would build it anew, 2 Å away."""
    if residue.name != "MSE":
        return residue
    atoms = tuple(Atom("SD", "S", a.xyz) if a.element == "Se" else a for a in residue.atoms)
    return replace(residue, name="MET", atoms=atoms)


def add_terminal_oxygens(protein: Structure) -> Structure:
    """OXT on the last amino acid of every backbone segment, in the plane of CA, C and O."""
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
    return replace(residue, atoms=(*residue.atoms, Atom("OXT", "O", _rounded(place))))


def _rounded(place: Any) -> tuple[float, float, float]:
    return (round(float(place[0]), 3), round(float(place[1]), 3), round(float(place[2]), 3))
