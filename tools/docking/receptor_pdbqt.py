"""Receptor PDBQT: amino acids by meeko's residue templates, cofactors, metals and waters by a table of their
own.

meeko has no template for haem or NADP and would stop or drop them. Vina reads atom types and coordinates
only, so their types follow from element and hydrogens. Contacts short enough to look like bonds between
residues are forgiven: they are clashes of the file. Partial charges of that part are written as 0: Vina does
not use them.
"""

from __future__ import annotations

import logging
import math

from rdkit import rdBase

from tools.docking.residues import CAPS, STANDARD
from tools.docking.structure import Atom, Residue, Structure, render_pdb
from tools.errors import InputError

X_H_MAX_ANGSTROM = 1.45
TYPE_OF_ELEMENT = {"C": "C", "O": "OA", "S": "SA", "P": "P", "F": "F", "Cl": "Cl", "Br": "Br", "I": "I"}


def render_receptor(structure: Structure) -> str:
    """PDBQT of a structure with all hydrogens; raises `InputError` that names residues meeko has no template
    for."""
    protein = Structure(tuple(r for r in structure.residues if r.name in STANDARD or r.name in CAPS))
    others = [r for r in structure.residues if r not in protein.residues]
    lines = _protein_pdbqt(protein).splitlines()
    serial = len(lines) + 1
    for residue in others:
        for atom, kind in _typed(residue):
            lines.append(_line(serial, residue, atom, kind))
            serial += 1
    return "\n".join([*lines, "TER", ""])


def _protein_pdbqt(protein: Structure) -> str:
    import meeko

    if not protein.residues:
        raise InputError("the receptor has no amino acid left; check the chain")
    logger = logging.getLogger("meeko")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with rdBase.BlockLogs():
            polymer = meeko.Polymer.from_pdb_string(
                render_pdb(protein),
                meeko.ResidueChemTemplates.create_from_defaults(),
                meeko.MoleculePreparation(),
                forgive_extra_bonds=True,
            )
    except (meeko.PolymerCreationError, RuntimeError, ValueError) as fault:
        raise InputError(
            f"meeko has no template for part of the receptor: {' '.join(str(fault).split())[:300]}"
        ) from fault
    finally:
        logger.setLevel(level)
    text, _ = meeko.PDBQTWriterLegacy.write_string_from_polymer(polymer)
    return str(text)


def _typed(residue: Residue) -> list[tuple[Atom, str]]:
    """Heavy atoms and polar hydrogens with their AutoDock types."""
    heavy = [atom for atom in residue.atoms if not atom.is_hydrogen]
    typed: list[tuple[Atom, str]] = []
    for atom in heavy:
        hydrogens = [h for h in residue.atoms if h.is_hydrogen and math.dist(h.xyz, atom.xyz) < X_H_MAX_ANGSTROM]
        if atom.element == "N":
            neighbours = [a for a in heavy if a is not atom and math.dist(a.xyz, atom.xyz) < 1.8]
            typed.append((atom, "NA" if not hydrogens and len(neighbours) < 3 else "N"))
        else:
            typed.append((atom, TYPE_OF_ELEMENT.get(atom.element, atom.element)))
        if atom.element in ("N", "O", "S"):
            typed += [(hydrogen, "HD") for hydrogen in hydrogens]
    return typed


def _line(serial: int, residue: Residue, atom: Atom, kind: str) -> str:
    name = atom.name if len(atom.name) >= 4 or len(atom.element) == 2 else f" {atom.name}"
    x, y, z = atom.xyz
    return (
        f"ATOM  {serial % 100000:5d} {name:<4} {residue.name:>3} {residue.chain[:1]}{residue.number:4d}"
        f"{residue.icode or ' '}   {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00    {0.0:+6.3f} {kind:<2}"
    )
