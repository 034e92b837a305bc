"""A receptor's PDB text as residues with coordinates, ready to be cut into a pocket.

Unusual: atoms are grouped by residue whatever their order in the file, and hydrogens belong to the heavy atom they
are bonded to (nearest within 1.4 Å), because their names differ between programs. Chains are followed by distance,
not by numbering. Not promised: repair. What is missing stays missing and is named by who needs it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

import gemmi
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tools.errors import InputError
from tools.simulation.residues import standard_atom_name, standard_residue_name

HYDROGEN_BOND_LENGTH_MAX_ANGSTROM = 1.4  # S-H is 1.34
PEPTIDE_BOND_MAX_ANGSTROM = 1.8  # 1.33 ideal; the next N of a broken chain is > 2.4 away
DISULPHIDE_MAX_ANGSTROM = 2.5  # 2.05 ideal
COVALENT_CONTACT_MAX_ANGSTROM = 1.9  # no two non-bonded heavy atoms come this close

Point = NDArray[np.float64]
ResidueKey = tuple[str, int, str, str]  # chain, number, insertion code, residue name as in the file


@dataclass(frozen=True, slots=True)
class Residue:
    """Heavy atoms by standard name, in Å; hydrogens by the name of the heavy atom they sit on."""

    key: ResidueKey
    name: str
    atoms: dict[str, Point] = field(default_factory=dict)
    elements: dict[str, str] = field(default_factory=dict)
    hydrogens: dict[str, tuple[Point, ...]] = field(default_factory=dict)

    @property
    def label(self) -> str:
        chain, number, insertion, name = self.key
        return f"{name} {chain}{number}{insertion}".strip()


@dataclass(frozen=True, slots=True)
class Receptor:
    """Residues in file order; `previous[k]` is the residue whose C is bonded to k's N, `next` its inverse.

    `disulphides` maps both partners to each other; `links` are other covalent contacts between residues. `termini`
    are the first and last amino acid of each chain by number: any other end is a break in the model, not charged.
    """

    residues: dict[ResidueKey, Residue]
    previous: dict[ResidueKey, ResidueKey]
    next: dict[ResidueKey, ResidueKey]
    disulphides: dict[ResidueKey, ResidueKey]
    links: tuple[tuple[ResidueKey, ResidueKey], ...]
    termini: frozenset[ResidueKey]
    sha256: str


@lru_cache(maxsize=8)
def load_receptor(receptor_pdb: str) -> Receptor:
    """Parse PDB text (not a path). First model, first alternate location of each residue."""
    structure = gemmi.read_pdb_string(receptor_pdb)
    if len(structure) == 0 or sum(1 for _ in structure[0].all()) == 0:
        start = receptor_pdb.strip().splitlines()[0][:60] if receptor_pdb.strip() else ""
        raise InputError(f"no ATOM record in the receptor (text of a PDB file expected, starts {start!r})")
    residues = _group_by_residue(structure[0])
    keys, names, points = _heavy_atoms(residues)
    pairs = cKDTree(points).query_pairs(DISULPHIDE_MAX_ANGSTROM, output_type="ndarray")
    previous, following, disulphides, links = {}, {}, {}, []
    for a, b in pairs:
        first, second = keys[a], keys[b]
        if first == second:
            continue
        distance = float(np.linalg.norm(points[a] - points[b]))
        if {names[a], names[b]} == {"C", "N"} and distance <= PEPTIDE_BOND_MAX_ANGSTROM:
            before, after = (first, second) if names[a] == "C" else (second, first)
            previous[after], following[before] = before, after
        elif names[a] == names[b] == "SG":
            disulphides[first], disulphides[second] = second, first
        elif distance <= COVALENT_CONTACT_MAX_ANGSTROM:
            links.append((first, second))
    digest = hashlib.sha256(receptor_pdb.encode()).hexdigest()
    return Receptor(residues, previous, following, disulphides, tuple(links), _termini(residues), digest)


def _termini(residues: dict[ResidueKey, Residue]) -> frozenset[ResidueKey]:
    chains: dict[str, list[ResidueKey]] = {}
    for key, residue in residues.items():
        if {"N", "CA", "C"} <= residue.atoms.keys():
            chains.setdefault(key[0], []).append(key)
    return frozenset(end for keys in chains.values() for end in (min(keys), max(keys)))


def _group_by_residue(model: gemmi.Model) -> dict[ResidueKey, Residue]:
    raw: dict[ResidueKey, list[gemmi.Atom]] = {}
    location: dict[tuple[str, int, str], str] = {}
    for item in model.all():
        place = (item.chain.name.strip(), item.residue.seqid.num or 0, item.residue.seqid.icode.strip())
        altloc = item.atom.altloc
        if altloc != "\0" and location.setdefault(place, altloc) != altloc:
            continue
        raw.setdefault((*place, item.residue.name), []).append(item.atom)
    return {key: _residue(key, atoms) for key, atoms in raw.items()}


def _residue(key: ResidueKey, atoms: list[gemmi.Atom]) -> Residue:
    name = standard_residue_name(key[3])
    residue = Residue(key, name)
    for atom in atoms:
        if not atom.is_hydrogen():
            standard = standard_atom_name(name, atom.name)
            residue.atoms[standard] = np.array(atom.pos.tolist())
            residue.elements[standard] = atom.element.name.capitalize()
    if not residue.atoms:
        return residue
    heavy_names = list(residue.atoms)
    tree = cKDTree(np.array(list(residue.atoms.values())))
    for atom in atoms:
        if atom.is_hydrogen():
            point = np.array(atom.pos.tolist())
            distance, nearest = tree.query(point)
            if distance <= HYDROGEN_BOND_LENGTH_MAX_ANGSTROM:
                owner = heavy_names[nearest]
                residue.hydrogens[owner] = (*residue.hydrogens.get(owner, ()), point)
    return residue


def _heavy_atoms(residues: dict[ResidueKey, Residue]) -> tuple[list[ResidueKey], list[str], Point]:
    rows = [(key, name, point) for key, residue in residues.items() for name, point in residue.atoms.items()]
    if not rows:
        raise InputError("the receptor holds hydrogens only")
    return [row[0] for row in rows], [row[1] for row in rows], np.array([row[2] for row in rows])


def residues_within(receptor: Receptor, points: Point, cutoff_angstrom: float) -> frozenset[ResidueKey]:
    """Residues with a heavy atom within `cutoff_angstrom` of any of `points`, shape (N, 3) in Å."""
    keys, _, atoms = _heavy_atoms(receptor.residues)
    distances, _ = cKDTree(points).query(atoms, distance_upper_bound=cutoff_angstrom)
    return frozenset(keys[row] for row in np.flatnonzero(np.isfinite(distances)))
