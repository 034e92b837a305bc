"""The pocket around a pose as one RDKit molecule that MMFF94 can type.

Whole residues within the cut-off, cut chain ends capped ACE/NME, bond orders and charges from `residues.py`.
Unusual: whatever has no template (cofactor, covalent metal, modified residue, incomplete residue) makes the pocket
`Undecided` with its name; nothing is left out silently. Hydrogens whose place follows from the heavy atoms are
added if absent (and a thiol's, in a staggered place); a missing hydroxyl, water or His hydrogen is a decision for
receptor preparation and is not taken here. Not promised: states other than those of `residues.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers
from rdkit.Geometry import Point3D

from tools.errors import InputError
from tools.simulation.receptor import Point, Receptor, Residue, ResidueKey, load_receptor, residues_within
from tools.simulation.residues import ResidueTemplate, load_template, template_names

POCKET_CUTOFF_ANGSTROM = 6.0  # protocols.md 2b

# Engh & Huber 1991 (doi:10.1107/S0108767391001071): Å and degrees of the trans peptide group
_C_N, _C_CA, _N_CA, _C_O = 1.329, 1.525, 1.458, 1.231
_CA_C_N, _C_N_CA, _O_C_N = 116.2, 121.7, 123.0


@dataclass(frozen=True, slots=True)
class Pocket:
    """`mol` has every hydrogen and one conformer in the receptor's frame; it is shared by a cache: never change it.

    `changes` says in words where the file's protonation was overruled; `n_added_hydrogens` counts those placed here,
    the caps' not included.
    """

    mol: Chem.Mol
    residues: tuple[str, ...]
    net_charge: int
    n_caps: int
    n_added_hydrogens: int
    changes: tuple[str, ...]
    receptor_sha256: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """Why no pocket could be made, one reason a residue, the residue named first; `empty` if no residue is near."""

    reasons: tuple[str, ...]
    empty: bool = False


def build_pocket(
    receptor_pdb: str, pose: Chem.Mol, cutoff_angstrom: float = POCKET_CUTOFF_ANGSTROM
) -> Pocket | Undecided:
    """Cut the pocket of `pose` (one conformer) out of `receptor_pdb` (PDB text, hydrogens present).

    A residue belongs to it if a heavy atom lies within `cutoff_angstrom` of a heavy atom of the pose. Bonded
    cysteines come in pairs, and a single residue between two members comes along, as it could not carry two caps.
    """
    if cutoff_angstrom <= 0:
        raise InputError(f"cutoff_angstrom {cutoff_angstrom} must be greater than 0")
    receptor = load_receptor(receptor_pdb)
    heavy = [atom.GetIdx() for atom in pose.GetAtoms() if atom.GetAtomicNum() > 1]
    points = pose.GetConformer().GetPositions()[heavy]
    near = residues_within(receptor, points, cutoff_angstrom)
    if not near:
        return Undecided((f"no receptor residue within {cutoff_angstrom:g} Å of the pose",), empty=True)
    return _assemble(receptor_pdb, _closed(receptor, near))


def _closed(receptor: Receptor, keys: frozenset[ResidueKey]) -> frozenset[ResidueKey]:
    """Add disulphide partners and residues between two members until nothing changes."""
    members = set(keys)
    while True:
        extra = {receptor.disulphides[key] for key in members if key in receptor.disulphides}
        extra |= {
            receptor.next[key]
            for key in members
            if key in receptor.next and receptor.next.get(receptor.next[key]) in members
        }
        if extra <= members:
            return frozenset(members)
        members |= extra


@lru_cache(maxsize=64)
def _assemble(receptor_pdb: str, keys: frozenset[ResidueKey]) -> Pocket | Undecided:
    receptor = load_receptor(receptor_pdb)
    members = [residue for key, residue in receptor.residues.items() if key in keys]
    reasons = [*_covalent_links(receptor, keys)]
    builder = _PocketBuilder()
    for residue in members:
        template = _template_for(residue, receptor)
        if isinstance(template, str):
            reasons.append(f"{residue.label}: {template}")
        elif problem := _missing(residue, template):
            reasons.append(f"{residue.label}: {problem}")
        else:
            builder.add_residue(residue, template, is_terminus=residue.key in receptor.termini)
    if reasons:
        return Undecided(tuple(reasons))
    builder.connect(receptor, members)
    mol = builder.finish()
    if not rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol):
        return Undecided(("the pocket holds an atom that MMFF94 cannot type",))
    return Pocket(
        mol=mol,
        residues=tuple(residue.label for residue in members),
        net_charge=Chem.GetFormalCharge(mol),
        n_caps=builder.n_caps,
        n_added_hydrogens=builder.n_added_hydrogens,
        changes=tuple(builder.changes),
        receptor_sha256=receptor.sha256,
    )


def _covalent_links(receptor: Receptor, keys: frozenset[ResidueKey]) -> Iterable[str]:
    """Members bonded to something without a template; two amino acids that close are a clash, not a bond."""
    known = template_names() | {"HIS"}
    for link in receptor.links:
        for member, other in (link, link[::-1]):
            if member in keys and receptor.residues[other].name not in known:
                labels = (receptor.residues[member].label, receptor.residues[other].label)
                yield f"{labels[0]}: bonded to {labels[1]}, a link without a template"


def _template_for(residue: Residue, receptor: Receptor) -> ResidueTemplate | str:
    """The template that the residue's name, hydrogens and bonds call for, or why there is none."""
    name = residue.name
    if name in ("HIS", "HID", "HIE", "HIP"):
        on_ring = (bool(residue.hydrogens.get("ND1")), bool(residue.hydrogens.get("NE2")))
        by_hydrogens = {(True, True): "HIP", (True, False): "HID", (False, True): "HIE"}
        name = by_hydrogens.get(on_ring, name)
        if name == "HIS":
            return "no hydrogen on either ring nitrogen, so its protonation is not known"
    if name in ("CYS", "CYX", "CYM"):
        bonded = residue.key in receptor.disulphides
        if name == "CYX" and not bonded:
            return "named CYX, but no other SG within a bond's length"
        name = "CYX" if bonded else name
    if name not in template_names():
        return "no MMFF94 template (cofactor, metal or modified residue)"
    return load_template(name)


def _missing(residue: Residue, template: ResidueTemplate) -> str:
    """Heavy atoms that are absent, unknown or of another element, and hydrogens only preparation can place."""
    allowed = template.elements | ({"OXT": "O"} if template.is_amino_acid else {})
    if absent := sorted(template.elements.keys() - residue.atoms.keys()):
        return f"atoms missing: {', '.join(absent)}"
    if foreign := sorted(residue.atoms.keys() - allowed.keys()):
        return f"atoms not in its template: {', '.join(foreign)}"
    for atom, element in residue.elements.items():
        if element != allowed[atom]:
            return f"atom {atom} is {element}, expected {allowed[atom]}"
    for atom, count in template.hydrogens.items():
        if template.elements[atom] == "O" and len(residue.hydrogens.get(atom, ())) < count:
            return f"hydrogen missing on {atom} (prepare the receptor with hydrogens)"
    return ""


class _PocketBuilder:
    """Collects atoms and bonds; `finish` gives the sanitised molecule with the remaining hydrogens added."""

    def __init__(self) -> None:
        self._mol = Chem.RWMol()
        self._points: list[Point] = []
        self._index: dict[tuple[ResidueKey, str], int] = {}
        self._open_hydrogens: dict[int, int] = {}
        self.changes: list[str] = []
        self.n_caps = 0
        self.n_added_hydrogens = 0

    def _add_atom(self, element: str, point: Point, charge: int = 0, hydrogens: int = 0) -> int:
        atom = Chem.Atom(element)
        atom.SetFormalCharge(charge)
        atom.SetNoImplicit(True)
        index = int(self._mol.AddAtom(atom))
        self._points.append(point)
        self._open_hydrogens[index] = hydrogens
        return index

    def _bond(self, a: int, b: int, order: Chem.BondType = Chem.BondType.SINGLE) -> None:
        self._mol.AddBond(a, b, order)

    def add_residue(self, residue: Residue, template: ResidueTemplate, *, is_terminus: bool) -> None:
        """Charged ends only at a terminus: hydrogens or an OXT at a break of the model are dropped for a cap."""
        charges, expected = dict(template.charges), dict(template.hydrogens)
        n_on_n = len(residue.hydrogens.get("N", ()))
        if template.is_amino_acid and is_terminus and n_on_n >= expected["N"] + 2:
            charges["N"], expected["N"] = 1, expected["N"] + 2
        for name, element in template.elements.items():
            index = self._add_atom(element, residue.atoms[name], charges.get(name, 0))
            self._index[residue.key, name] = index
            self._add_hydrogens(residue, name, index, expected[name])
        for a, b, order in template.bonds:
            self._bond(self._index[residue.key, a], self._index[residue.key, b], order)
        if "OXT" in residue.atoms and not is_terminus:
            self.changes.append(f"{residue.label}: OXT at a break of the chain replaced by a cap")
        elif "OXT" in residue.atoms:
            oxygen = self._add_atom("O", residue.atoms["OXT"], charge=-1)
            self._index[residue.key, "OXT"] = oxygen
            self._bond(self._index[residue.key, "C"], oxygen)

    def _add_hydrogens(self, residue: Residue, name: str, index: int, expected: int) -> None:
        present = residue.hydrogens.get(name, ())
        for point in present[:expected]:
            self._bond(index, self._add_atom("H", point))
        if len(present) > expected:
            self.changes.append(f"{residue.label}: {len(present) - expected} hydrogen removed from {name}")
        if len(present) < expected:
            self._open_hydrogens[index] = expected - len(present)
            self.n_added_hydrogens += expected - len(present)
            if residue.elements[name] != "C":
                self.changes.append(f"{residue.label}: {expected - len(present)} hydrogen added to {name}")

    def connect(self, receptor: Receptor, members: list[Residue]) -> None:
        """Peptide bonds and disulphides inside the pocket; caps where the chain was cut or is broken."""
        for residue in members:
            key = residue.key
            if (partner := receptor.disulphides.get(key)) is not None and key < partner:
                self._bond(self._index[key, "SG"], self._index[partner, "SG"])
            before, after = receptor.previous.get(key), receptor.next.get(key)
            if before is not None and (before, "C") in self._index:
                self._bond(self._index[before, "C"], self._index[key, "N"])
            elif (key, "N") in self._index:
                self._cap_start(residue, receptor.residues.get(before) if before else None)
            if (key, "C") in self._index and not (after is not None and (after, "N") in self._index):
                self._cap_end(residue, receptor.residues.get(after) if after else None)

    def _cap_start(self, residue: Residue, before: Residue | None) -> None:
        """ACE on N, from the residue before if the file has it, else by ideal geometry opposite N's hydrogen."""
        nitrogen = self._index[residue.key, "N"]
        if self._mol.GetAtomWithIdx(nitrogen).GetFormalCharge() == 1 or residue.name == "ACE":
            return
        atoms = residue.atoms
        if before is not None and {"C", "O", "CA"} <= before.atoms.keys():
            carbon, oxygen, methyl = (before.atoms[name] for name in ("C", "O", "CA"))
        else:
            anchor = atoms["CH3"] if "CH3" in atoms else atoms["CA"]
            other = [atoms["CD"]] if residue.name == "PRO" else residue.hydrogens.get("N", ())
            reference = atoms.get("C", anchor + np.array([1.0, 0.0, 0.0]))
            turn = _dihedral(reference, anchor, atoms["N"], other[0]) + 180.0 if other else -60.0
            carbon = _place(reference, anchor, atoms["N"], _C_N, _C_N_CA, turn)
            oxygen = _place(anchor, atoms["N"], carbon, _C_O, _O_C_N, 0.0)
            methyl = _place(anchor, atoms["N"], carbon, _C_CA, _CA_C_N, 180.0)
        c = self._add_atom("C", carbon)
        self._bond(c, nitrogen)
        self._bond(c, self._add_atom("O", oxygen), Chem.BondType.DOUBLE)
        self._bond(c, self._add_atom("C", methyl, hydrogens=3))
        self.n_caps += 1

    def _cap_end(self, residue: Residue, after: Residue | None) -> None:
        """NME on C, from the residue after if the file has it, else by ideal geometry opposite C's oxygen."""
        if (residue.key, "OXT") in self._index:
            return
        atoms = residue.atoms
        if after is not None and {"N", "CA"} <= after.atoms.keys():
            nitrogen, methyl = after.atoms["N"], after.atoms["CA"]
        else:
            anchor = atoms["CH3"] if "CH3" in atoms else atoms["CA"]
            reference = atoms.get("N", anchor + np.array([1.0, 0.0, 0.0]))
            turn = _dihedral(reference, anchor, atoms["C"], atoms["O"]) + 180.0
            nitrogen = _place(reference, anchor, atoms["C"], _C_N, _CA_C_N, turn)
            methyl = _place(anchor, atoms["C"], nitrogen, _N_CA, _C_N_CA, 180.0)
        n = self._add_atom("N", nitrogen, hydrogens=1)
        self._bond(n, self._index[residue.key, "C"])
        self._bond(n, self._add_atom("C", methyl, hydrogens=3))
        self.n_caps += 1

    def finish(self) -> Chem.Mol:
        conformer = Chem.Conformer(len(self._points))
        for index, point in enumerate(self._points):
            conformer.SetAtomPosition(index, Point3D(*map(float, point)))
        self._mol.AddConformer(conformer, assignId=True)
        for index, count in self._open_hydrogens.items():
            self._mol.GetAtomWithIdx(index).SetNumExplicitHs(count)
        mol = self._mol.GetMol()
        Chem.SanitizeMol(mol)
        return Chem.AddHs(mol, addCoords=True)


def _place(a: Point, b: Point, c: Point, length: float, angle: float, dihedral: float) -> Point:
    """The point d with |cd| = length (Å), angle bcd and dihedral abcd (degrees)."""
    axis = (c - b) / np.linalg.norm(c - b)
    normal = np.cross(b - a, axis)
    normal /= np.linalg.norm(normal)
    theta, phi = math.radians(angle), math.radians(dihedral)
    offset = (
        -math.cos(theta) * axis
        + math.sin(theta) * math.cos(phi) * np.cross(normal, axis)
        + math.sin(theta) * math.sin(phi) * normal
    )
    return np.asarray(c + length * offset)


def _dihedral(a: Point, b: Point, c: Point, d: Point) -> float:
    """The dihedral abcd in degrees, IUPAC sign."""
    first, axis, last = b - a, c - b, d - c
    n1, n2 = np.cross(first, axis), np.cross(axis, last)
    sine = np.dot(np.cross(n1, n2), axis / np.linalg.norm(axis))
    return math.degrees(math.atan2(float(sine), float(np.dot(n1, n2))))
