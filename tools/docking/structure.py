"""Macromolecules as plain data: read from PDB or mmCIF, cleaned, written as PDB.

Unusual: coordinates are the authority. Residues are merged where a file lists their atoms apart, the backbone
is broken where no peptide bond spans (numbering gaps prove nothing: several bundled targets have one without
the other), and what is removed is returned as sentences. NOT promised: nucleic acids are carried along but
not prepared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import gemmi
import numpy as np
from numpy.typing import NDArray

from tools.docking.residues import CAPS, STANDARD, is_residue, one_letter
from tools.errors import InputError

PEPTIDE_BOND_MAX_ANGSTROM = 2.0  # 1.33 Å (Engh and Huber 1991, doi 10.1107/S0108767391001071) times 1.5
BACKBONE = frozenset({"N", "CA", "C"})


@dataclass(frozen=True, slots=True)
class Atom:
    """`xyz` in Å; `element` as in the periodic table ("Zn")."""

    name: str
    element: str
    xyz: tuple[float, float, float]

    @property
    def is_hydrogen(self) -> bool:
        return self.element in ("H", "D")


@dataclass(frozen=True, slots=True)
class Residue:
    chain: str
    number: int
    icode: str
    name: str
    atoms: tuple[Atom, ...]

    @property
    def label(self) -> str:
        """As people cite it: "A:THR315" (insertion code behind the number)."""
        return f"{self.chain}:{self.name}{self.number}{self.icode}"

    @property
    def is_polymer(self) -> bool:
        """An amino acid by name, or one that gemmi's table knows as modified and that has N, CA and C; or a
        cap."""
        if is_residue(self.name) or self.name in CAPS:
            return True
        has_backbone = BACKBONE.issubset(atom.name for atom in self.atoms)
        return has_backbone and bool(gemmi.find_tabulated_residue(self.name).is_amino_acid())

    def atom(self, name: str) -> Atom | None:
        return next((atom for atom in self.atoms if atom.name == name), None)

    def heavy(self) -> NDArray[np.float64]:
        """Heavy-atom coordinates, shape (n, 3) in Å."""
        points = [atom.xyz for atom in self.atoms if not atom.is_hydrogen]
        return np.array(points, dtype=np.float64).reshape(-1, 3)


@dataclass(frozen=True, slots=True)
class Structure:
    residues: tuple[Residue, ...]

    def heavy(self) -> NDArray[np.float64]:
        """Heavy-atom coordinates of all residues, shape (n, 3) in Å."""
        return np.concatenate([np.empty((0, 3)), *(residue.heavy() for residue in self.residues)])

    def chains(self) -> list[str]:
        return list(dict.fromkeys(residue.chain for residue in self.residues))


def load_structure(path: Path) -> tuple[Structure, list[str]]:
    """Read a PDB or mmCIF file (also .gz): first model, one alternate location an atom, atoms sorted by
    residue.

    Returns the structure and sentences on what was left out. Raises `InputError` for a missing, unreadable or
    empty file.
    """
    if not path.is_file():
        raise InputError(f"structure file {str(path)!r} does not exist")
    try:
        model_source = gemmi.read_structure(str(path))
    except (RuntimeError, ValueError, IndexError, OSError) as fault:
        raise InputError(
            f"structure file {str(path)!r} does not read as PDB or mmCIF: {' '.join(str(fault).split())}"
        ) from fault
    if len(model_source) == 0 or sum(1 for chain in model_source[0] for residue in chain for _ in residue) == 0:
        raise InputError(f"structure file {str(path)!r} holds no atoms; expected a PDB or mmCIF file")
    notes = []
    if len(model_source) > 1:
        notes.append(f"The file holds {len(model_source)} models; the first was taken.")
    residues, n_alternates = _read_residues(model_source[0])
    if n_alternates:
        notes.append(f"{n_alternates} atoms had alternate locations; the one of highest occupancy was taken.")
    return Structure(tuple(residues)), notes


def _read_residues(model: gemmi.Model) -> tuple[list[Residue], int]:
    """Residues merged by (chain, number, insertion code, name), in the order of their CA in the file.

    Numbers do not order a chain (trypsin runs 184A, 184), and a stray hydrogen at the top of a file moves
    nothing: atom serials tell the order, where they are unique.
    """
    merged: dict[tuple[str, int, str, str], dict[str, tuple[float, Atom]]] = {}
    places: dict[tuple[str, int, str, str], int] = {}
    n_alternates = 0
    serials = [atom.serial for chain in model for residue in chain for atom in residue]
    in_file_order = len(set(serials)) == len(serials)
    for chain in model:
        for residue in chain:
            key = (
                chain.name.strip() or "A",
                int(residue.seqid.num or 0),
                residue.seqid.icode.strip(),
                residue.name.strip(),
            )
            atoms = merged.setdefault(key, {})
            for atom in residue:
                name = atom.name.strip()
                if key not in places or name == "CA":
                    places[key] = atom.serial if in_file_order else len(places)
                found = Atom(name, atom.element.name, (atom.pos.x, atom.pos.y, atom.pos.z))
                if not all(math.isfinite(value) for value in found.xyz):
                    raise InputError(f"atom {name} of {key[3]}{key[1]} has no finite coordinates")
                if name in atoms:
                    n_alternates += 1
                if name not in atoms or atom.occ > atoms[name][0]:
                    atoms[name] = (atom.occ, found)
    residues = [Residue(*key, tuple(atom for _, atom in atoms.values())) for key, atoms in merged.items()]
    residues, n_conformers = _drop_microheterogeneity(residues)
    order = {chain: i for i, chain in enumerate(dict.fromkeys(residue.chain for residue in residues))}
    residues.sort(key=lambda r: (not r.is_polymer, order[r.chain], places[(r.chain, r.number, r.icode, r.name)]))
    return residues, n_alternates + n_conformers


def _drop_microheterogeneity(residues: list[Residue]) -> tuple[list[Residue], int]:
    """Where one position holds two polymer residues of different names, keep the one with more atoms."""
    best: dict[tuple[str, int, str], Residue] = {}
    for residue in residues:
        if residue.is_polymer:
            key = (residue.chain, residue.number, residue.icode)
            if key not in best or len(residue.atoms) > len(best[key].atoms):
                best[key] = residue
    kept = [r for r in residues if not r.is_polymer or best[(r.chain, r.number, r.icode)] is r]
    return kept, len(residues) - len(kept)


def remove_fragments(structure: Structure) -> tuple[Structure, list[str]]:
    """Amino acid residues without N, CA and C removed, with a sentence that names them."""
    broken = [r for r in structure.residues if is_residue(r.name) and not {a.name for a in r.atoms} >= BACKBONE]
    if not broken:
        return structure, []
    names = ", ".join(f"{r.label} ({len(r.atoms)} atom{'s' if len(r.atoms) > 1 else ''})" for r in broken)
    kept = tuple(residue for residue in structure.residues if residue not in broken)
    return Structure(kept), [f"Fragments without N, CA and C were removed: {names}."]


def is_bonded(first: Residue, second: Residue) -> bool:
    """True where a peptide bond joins C of `first` to N of `second` (shorter than 2.0 Å)."""
    carbon, nitrogen = first.atom("C"), second.atom("N")
    return (
        first.is_polymer
        and second.is_polymer
        and first.chain == second.chain
        and carbon is not None
        and nitrogen is not None
        and math.dist(carbon.xyz, nitrogen.xyz) < PEPTIDE_BOND_MAX_ANGSTROM
    )


def segments(structure: Structure) -> list[list[Residue]]:
    """Runs of residues joined by peptide bonds; every residue that is no amino acid is a run of its own."""
    runs: list[list[Residue]] = []
    for residue in structure.residues:
        if runs and is_bonded(runs[-1][-1], residue):
            runs[-1].append(residue)
        else:
            runs.append([residue])
    return runs


def chain_breaks(structure: Structure) -> list[tuple[Residue, Residue]]:
    """Neighbours in one chain between which the backbone is broken."""
    polymer = [residue for residue in structure.residues if residue.is_polymer]
    return [(a, b) for a, b in pairwise(polymer) if a.chain == b.chain and not is_bonded(a, b)]


def sequences(structure: Structure) -> dict[str, str]:
    """One-letter sequence of each chain with amino acids, "/" at a break of the backbone, caps left out."""
    found: dict[str, str] = {}
    for run in segments(structure):
        letters = "".join(one_letter(residue.name) for residue in run if is_residue(residue.name))
        if letters:
            chain = run[0].chain
            found[chain] = f"{found[chain]}/{letters}" if chain in found else letters
    return found


def residues_near(structure: Structure, points: NDArray[np.float64], distance_angstrom: float) -> list[Residue]:
    """Residues with a heavy atom within `distance_angstrom` of any of `points`, shape (N, 3) in Å."""
    near = []
    for residue in structure.residues:
        heavy = residue.heavy()
        if len(heavy) and len(points):
            gaps = np.linalg.norm(heavy[:, None, :] - points[None, :, :], axis=2)
            if float(gaps.min()) <= distance_angstrom:
                near.append(residue)
    return near


def render_pdb(structure: Structure) -> str:
    """PDB text: ATOM for standard amino acids and caps, HETATM for the rest, TER at the end of every
    segment."""
    lines: list[str] = []
    serial = 1
    for run in segments(structure):
        for residue in run:
            for atom in residue.atoms:
                lines.append(_pdb_line(serial, residue, atom))
                serial += 1
        if run[-1].is_polymer:
            last = run[-1]
            place = f"{last.chain[:1]}{last.number:4d}{last.icode or ' '}"
            lines.append(f"TER   {serial % 100000:5d}      {last.name:>3} {place}")
            serial += 1
    return "\n".join([*lines, "END", ""])


def _pdb_line(serial: int, residue: Residue, atom: Atom) -> str:
    record = "ATOM" if residue.name in STANDARD or residue.name in CAPS else "HETATM"
    name = atom.name if len(atom.name) >= 4 or len(atom.element) == 2 else f" {atom.name}"
    x, y, z = atom.xyz
    return (
        f"{record:<6}{serial % 100000:5d} {name:<4} {residue.name:>3} {residue.chain[:1]}{residue.number:4d}"
        f"{residue.icode or ' '}   {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {atom.element.upper():>2}  "
    )


def join(values: Sequence[str], limit: int = 12) -> str:
    """Comma-separated, shortened with a count."""
    shown = ", ".join(values[:limit])
    return shown if len(values) <= limit else f"{shown} and {len(values) - limit} more"
