"""Does a pose make one named interaction with one residue? Geometry only, over hydrogens where they stand.

Kinds and criteria (each an argument of `Criteria`):
- hbond, hbond_donor (the ligand gives the hydrogen), hbond_acceptor (it takes it): H...A at most 2.5 Å and D-H...A at
  least 120 degrees (Baker & Hubbard 1984, doi 10.1016/0079-6107(84)90007-5). A hydroxyl, thiol or ammonium turns freely
  and its hydrogen was put anywhere, so there D...A at most 3.5 Å and X-D...A at least 90 degrees decide (the same
  paper's distance; angle of McDonald & Thornton 1994, doi 10.1006/jmbi.1994.1334).
- salt_bridge: atoms of opposite charge at most 4.0 Å apart (Barlow & Thornton 1983, doi 10.1016/S0022-2836(83)80079-5);
  a charge is on all atoms that share it (both oxygens of a carboxylate, the nitrogens of an amidinium).
- hydrophobic: carbons bound to carbon and hydrogen only, at most 4.0 Å; stacking: ring centres at most 5.5 Å, planes
  within 30 degrees of parallel or perpendicular, offset at most 2.0 Å (PLIP, Salentin 2015, doi 10.1093/nar/gkv315).
- contact: any two heavy atoms at most 4.5 Å apart.
Not promised: energies, water bridges, or that the interaction exists in the crystal.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from tools.simulation.receptor import Residue

Point = NDArray[np.float64]
KINDS = ("hbond", "hbond_donor", "hbond_acceptor", "salt_bridge", "hydrophobic", "stacking", "contact")
AROMATIC_RINGS = {
    "PHE": (("CG", "CD1", "CE1", "CZ", "CE2", "CD2"),),
    "TYR": (("CG", "CD1", "CE1", "CZ", "CE2", "CD2"),),
    "HIS": (("CG", "ND1", "CE1", "NE2", "CD2"),),
    "TRP": (("CG", "CD1", "NE1", "CE2", "CD2"), ("CD2", "CE2", "CZ2", "CH2", "CZ3", "CE3")),
}
CHARGED_ATOMS = {
    "ASP": (-1, ("OD1", "OD2")),
    "GLU": (-1, ("OE1", "OE2")),
    "LYS": (1, ("NZ",)),
    "ARG": (1, ("NE", "NH1", "NH2")),
    "HIS": (1, ("ND1", "NE2")),
}
FREE_DONORS = {("SER", "OG"), ("THR", "OG1"), ("TYR", "OH"), ("CYS", "SG"), ("LYS", "NZ")}
NON_POLAR_CARBONS = {
    "ALA": ("CB",), "VAL": ("CB", "CG1", "CG2"), "LEU": ("CB", "CG", "CD1", "CD2"),
    "ILE": ("CB", "CG1", "CG2", "CD1"), "MET": ("CB",), "PRO": ("CB", "CG"), "LYS": ("CB", "CG", "CD"),
    "ARG": ("CB", "CG"), "GLN": ("CB",), "GLU": ("CB",), "THR": ("CG2",), "HIS": ("CB",),
    "PHE": ("CB", "CG", "CD1", "CD2", "CE1", "CE2", "CZ"), "TYR": ("CB", "CG", "CD1", "CD2", "CE1", "CE2"),
    "TRP": ("CB", "CG", "CD2", "CE3", "CZ2", "CZ3", "CH2"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Criteria:
    """Distances in Å, angles in degrees; sources in the module's docstring."""

    hydrogen_acceptor: float = 2.5
    donor_angle: float = 120.0
    donor_acceptor: float = 3.5
    antecedent_angle: float = 90.0
    salt_bridge: float = 4.0
    hydrophobic: float = 4.0
    ring_centres: float = 5.5
    ring_angle_deviation: float = 30.0
    ring_offset: float = 2.0
    contact: float = 4.5


@dataclass(frozen=True, slots=True)
class Closest:
    """The pair that meets the criteria, else the nearest one: its distance in Å (None where there is no such pair),
    the ligand atom (0-based) and the residue's atom, and in words what was measured."""

    met: bool
    distance_angstrom: float | None
    ligand_atom: int | None = None
    residue_atom: str = ""
    measured: str = ""


@dataclass(frozen=True, slots=True)
class Donor:
    place: Point
    hydrogens: tuple[Point, ...]
    neighbours: tuple[Point, ...]
    turns_freely: bool


def closest_interaction(pose: Chem.Mol, residue: Residue, kind: str, criteria: Criteria | None = None) -> Closest:
    """The best pair of `kind` between a pose (hydrogens explicit, one conformer, in the receptor's frame) and one of
    the receptor's residues."""
    pairs = _PAIRS[kind](pose, residue, criteria or Criteria())
    nothing = Closest(False, None, measured=f"the ligand and {residue.name} have no pair of atoms for a {kind}")
    return min(pairs, key=lambda pair: (not pair.met, pair.distance_angstrom), default=nothing)


def _hydrogen_bonds(pose: Chem.Mol, residue: Residue, criteria: Criteria) -> Iterator[Closest]:
    yield from _given_bonds(pose, residue, criteria)
    yield from _taken_bonds(pose, residue, criteria)


def _given_bonds(pose: Chem.Mol, residue: Residue, criteria: Criteria) -> Iterator[Closest]:
    """The ligand gives the hydrogen."""
    for (index, donor), (name, place) in itertools.product(_ligand_donors(pose), _residue_acceptors(residue)):
        yield _judged(donor, place, index, name, criteria)


def _taken_bonds(pose: Chem.Mol, residue: Residue, criteria: Criteria) -> Iterator[Closest]:
    for index, (name, donor) in itertools.product(_ligand_acceptors(pose), _residue_donors(residue)):
        yield _judged(donor, _place(pose, index), index, name, criteria)


def _judged(donor: Donor, acceptor: Point, index: int, name: str, criteria: Criteria) -> Closest:
    apart = float(np.linalg.norm(donor.place - acceptor))
    if donor.turns_freely:
        angle = min((_angle(n, donor.place, acceptor) for n in donor.neighbours), default=180.0)
        met = apart <= criteria.donor_acceptor and angle >= criteria.antecedent_angle
        return Closest(met, apart, index, name, f"D...A {apart:.2f} Å, X-D...A {angle:.0f}°")
    found = [(float(np.linalg.norm(h - acceptor)), _angle(donor.place, h, acceptor)) for h in donor.hydrogens]
    gap, angle = min(found)
    met = any(d <= criteria.hydrogen_acceptor and a >= criteria.donor_angle for d, a in found)
    return Closest(met, apart, index, name, f"D...A {apart:.2f} Å, H...A {gap:.2f} Å, D-H...A {angle:.0f}°")


def _salt_bridges(pose: Chem.Mol, residue: Residue, criteria: Criteria) -> Iterator[Closest]:
    sign, names = CHARGED_ATOMS.get(residue.name, (0, ()))
    if not _is_charged(residue):
        return
    for atom in pose.GetAtoms():
        if atom.GetFormalCharge() * sign < 0 and not _charge_is_formal_only(atom):
            for index in _sharing_charge(atom):
                yield from _near(pose, index, residue, names, criteria.salt_bridge)


def _hydrophobic(pose: Chem.Mol, residue: Residue, criteria: Criteria) -> Iterator[Closest]:
    for atom in pose.GetAtoms():
        if atom.GetAtomicNum() == 6 and all(n.GetAtomicNum() in {1, 6} for n in atom.GetNeighbors()):
            names = NON_POLAR_CARBONS.get(residue.name, ())
            yield from _near(pose, atom.GetIdx(), residue, names, criteria.hydrophobic)


def _contacts(pose: Chem.Mol, residue: Residue, criteria: Criteria) -> Iterator[Closest]:
    for atom in pose.GetAtoms():
        if atom.GetAtomicNum() > 1:
            yield from _near(pose, atom.GetIdx(), residue, tuple(residue.atoms), criteria.contact)


def _near(pose: Chem.Mol, index: int, residue: Residue, names: tuple[str, ...], limit: float) -> Iterator[Closest]:
    for name in names:
        if name in residue.atoms:
            apart = float(np.linalg.norm(_place(pose, index) - residue.atoms[name]))
            yield Closest(apart <= limit, apart, index, name, f"{apart:.2f} Å apart")


def _stackings(pose: Chem.Mol, residue: Residue, criteria: Criteria) -> Iterator[Closest]:
    rings = [
        ring
        for ring in pose.GetRingInfo().AtomRings()
        if len(ring) in {5, 6} and all(pose.GetAtomWithIdx(i).GetIsAromatic() for i in ring)
    ]
    for ring, names in itertools.product(rings, AROMATIC_RINGS.get(residue.name, ())):
        if all(name in residue.atoms for name in names):
            mine = np.array([_place(pose, i) for i in ring])
            theirs = np.array([residue.atoms[name] for name in names])
            yield _stacked(mine, theirs, ring[0], names[0], criteria)


def _stacked(mine: Point, theirs: Point, index: int, name: str, criteria: Criteria) -> Closest:
    between = theirs.mean(axis=0) - mine.mean(axis=0)
    apart = float(np.linalg.norm(between))
    normals = [np.linalg.svd(ring - ring.mean(axis=0))[2][2] for ring in (mine, theirs)]
    angle = float(np.degrees(np.arccos(min(1.0, abs(float(normals[0] @ normals[1]))))))
    offset = min(float(np.sqrt(max(0.0, apart**2 - float(between @ normal) ** 2))) for normal in normals)
    aligned = angle <= criteria.ring_angle_deviation or angle >= 90.0 - criteria.ring_angle_deviation
    met = aligned and apart <= criteria.ring_centres and offset <= criteria.ring_offset
    measured = f"ring centres {apart:.2f} Å, planes {angle:.0f}°, offset {offset:.2f} Å"
    return Closest(met, apart, index, name, measured)


def _ligand_donors(pose: Chem.Mol) -> list[tuple[int, Donor]]:
    donors = []
    for atom in pose.GetAtoms():
        hydrogens = tuple(_place(pose, n.GetIdx()) for n in atom.GetNeighbors() if n.GetAtomicNum() == 1)
        if atom.GetAtomicNum() in {7, 8, 16} and hydrogens:
            heavy = [n for n in atom.GetNeighbors() if n.GetAtomicNum() > 1]
            free = len(heavy) == 1 and (atom.GetAtomicNum() in {8, 16} or len(hydrogens) == 3)
            places = tuple(_place(pose, n.GetIdx()) for n in heavy)
            donors.append((atom.GetIdx(), Donor(_place(pose, atom.GetIdx()), hydrogens, places, free)))
    return donors


def _ligand_acceptors(pose: Chem.Mol) -> list[int]:
    """Oxygens, and nitrogens whose lone pair is neither in a pi system nor used for a bond."""
    return [a.GetIdx() for a in pose.GetAtoms() if a.GetFormalCharge() <= 0 and _has_free_pair(a)]


def _has_free_pair(atom: Chem.Atom) -> bool:
    if atom.GetAtomicNum() == 8:
        return True
    if atom.GetAtomicNum() != 7:
        return False
    return atom.GetDegree() <= 2 or atom.GetHybridization() == Chem.HybridizationType.SP3


def _residue_donors(residue: Residue) -> list[tuple[str, Donor]]:
    donors = []
    for name, hydrogens in residue.hydrogens.items():
        if residue.elements[name] in {"N", "O", "S"}:
            place = residue.atoms[name]
            around = (p for other, p in residue.atoms.items() if other != name)
            bonded = tuple(p for p in around if np.linalg.norm(p - place) < 2.0)
            donors.append((name, Donor(place, hydrogens, bonded, (residue.name, name) in FREE_DONORS)))
    return donors


def _residue_acceptors(residue: Residue) -> list[tuple[str, Point]]:
    """Oxygens, and the ring nitrogen of a histidine that bears no hydrogen."""
    return [
        (name, place)
        for name, place in residue.atoms.items()
        if residue.elements[name] == "O"
        or (residue.name == "HIS" and name in {"ND1", "NE2"} and not residue.hydrogens.get(name))
    ]


def _is_charged(residue: Residue) -> bool:
    """As its hydrogens say: an acid without one, a histidine with both."""
    sign, names = CHARGED_ATOMS.get(residue.name, (0, ()))
    bears = [bool(residue.hydrogens.get(name)) for name in names]
    return sign < 0 and not any(bears) if residue.name in {"ASP", "GLU"} else sign > 0 and all(bears)


def _charge_is_formal_only(atom: Chem.Atom) -> bool:
    """One end of a charge-separated bond (nitro, N-oxide), which is no ion."""
    return any(n.GetFormalCharge() * atom.GetFormalCharge() < 0 for n in atom.GetNeighbors())


def _sharing_charge(atom: Chem.Atom) -> list[int]:
    """The charged atom and its equals: same element and number of neighbours, joined over one atom by a double or
    aromatic bond."""
    shared = {atom.GetIdx()}
    for bond in atom.GetBonds():
        between = bond.GetOtherAtom(atom)
        for other in between.GetBonds():
            end = other.GetOtherAtom(between)
            alike = (end.GetAtomicNum(), end.GetTotalDegree()) == (atom.GetAtomicNum(), atom.GetTotalDegree())
            if alike and {bond.GetBondType(), other.GetBondType()} != {Chem.BondType.SINGLE}:
                shared.add(end.GetIdx())
    return sorted(shared)


def needs_hydrogens(residue: Residue, kind: str) -> bool:
    """Whether hydrogens would decide on this interaction but the structure gives the residue none: where it has to give
    one (proline cannot), where a histidine's nitrogens may bear one, where a base's charge is read from them."""
    if residue.hydrogens:
        return False
    if kind == "hbond_donor":
        return residue.name == "HIS"
    if kind == "salt_bridge":
        return CHARGED_ATOMS.get(residue.name, (0, ()))[0] > 0
    return kind.startswith("hbond") and residue.name != "PRO"


def _place(pose: Chem.Mol, index: int) -> Point:
    return np.array(pose.GetConformer().GetAtomPosition(index), dtype=np.float64)


def _angle(first: Point, middle: Point, last: Point) -> float:
    """In degrees, at `middle`."""
    one, two = first - middle, last - middle
    cosine = float(one @ two) / float(np.linalg.norm(one) * np.linalg.norm(two))
    return float(np.degrees(np.arccos(min(1.0, max(-1.0, cosine)))))


_PAIRS: dict[str, Callable[[Chem.Mol, Residue, Criteria], Iterator[Closest]]] = {
    "hbond": _hydrogen_bonds,
    "hbond_donor": _given_bonds,
    "hbond_acceptor": _taken_bonds,
    "salt_bridge": _salt_bridges,
    "hydrophobic": _hydrophobic,
    "stacking": _stackings,
    "contact": _contacts,
}
