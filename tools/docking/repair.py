"""Repair of the protein part with PDBFixer: non-standard residues become standard, missing heavy atoms are
built.

Unusual: chain breaks end a segment (no loop is modelled and no bond is drawn across), and every run gives the
same atoms (seeded, one thread). NOT promised: missing loops.
"""

from __future__ import annotations

import io

from tools.docking.hydrogens import reproducible_platform
from tools.docking.residues import CAPS, STANDARD
from tools.docking.structure import Atom, Residue, Structure, join, render_pdb


def repair_protein(protein: Structure, seed: int = 7) -> tuple[Structure, list[str]]:
    """The amino acids of `protein` as standard residues with all heavy atoms (hydrogens dropped), and what
    was done."""
    from openmm import unit
    from pdbfixer import PDBFixer

    stripped = Structure(
        tuple(
            Residue(r.chain, r.number, r.icode, r.name, tuple(a for a in r.atoms if not a.is_hydrogen))
            for r in protein.residues
        )
    )
    with reproducible_platform(seed) as platform:
        fixer = PDBFixer(pdbfile=io.StringIO(render_pdb(stripped)), platform=platform)
        fixer.findNonstandardResidues()
        replaced = [f"{r.chain.id}:{r.name}{r.id} by {new}" for r, new in fixer.nonstandardResidues]
        fixer.replaceNonstandardResidues()
        fixer.missingResidues = {}
        fixer.findMissingAtoms()
        incomplete = [f"{r.chain.id}:{r.name}{r.id}" for r in fixer.missingAtoms]
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
    unknown = [r.label for r in residues if r.name not in STANDARD and r.name not in CAPS]
    notes = []
    if replaced:
        notes.append(f"Non-standard residues were replaced by their parents: {join(replaced)}.")
    if incomplete:
        notes.append(f"Missing heavy atoms were built in {len(incomplete)} residues: {join(incomplete)}.")
    if unknown:
        notes.append(f"Residues without a standard parent were removed: {join(unknown)}.")
    return Structure(tuple(r for r in residues if r.name in STANDARD or r.name in CAPS)), notes
