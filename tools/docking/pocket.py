"""Where the pocket is, as a user says it: a bound ligand's code, residues, a box, or a ligand file.

The bound or given ligand also becomes the reference for redocking where its bond orders are known: a file in
SDF knows them, a PDB file does not, so there the SMILES must be given. A wrong chain, code or residue lists
what exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import AllChem

from tools.docking.box import Box, box_around, require_box_on_protein
from tools.docking.cofactors import bond_by_distance
from tools.docking.receptor import BoundLigand
from tools.docking.residues import COFACTORS, WATER, is_metal
from tools.docking.structure import Residue, Structure, join, residues_near
from tools.errors import InputError


@dataclass(frozen=True, slots=True)
class PocketSpec:
    """Exactly one of: `ligand` (code, "STI", "A:STI" or "A:STI201"), `residues` ("A:THR315", "A:315", "315"),
    `box`, `ligand_file` (SDF or MOL in the receptor's frame). `ligand_smiles` gives a bound ligand its bond
    orders."""

    ligand: str | None = None
    residues: tuple[str, ...] = ()
    box: Box | None = None
    ligand_file: Path | None = None
    ligand_smiles: str | None = None

    def __post_init__(self) -> None:
        given = [bool(self.ligand), bool(self.residues), self.box is not None, self.ligand_file is not None]
        if sum(given) != 1:
            raise InputError("a pocket needs exactly one of: ligand code, residues, box, ligand file")


@dataclass(frozen=True, slots=True)
class Pocket:
    """`bound` is the residue to take out of the receptor; `residues` the labels around the site."""

    box: Box
    bound: Residue | None
    ligand: BoundLigand | None
    residues: tuple[str, ...]
    notes: tuple[str, ...]


def resolve_pocket(
    structure: Structure, spec: PocketSpec, margin_angstrom: float = 5.0, contact_angstrom: float = 4.5
) -> Pocket:
    """Find the pocket in `structure` (all chains kept, ligands still inside).

    Box: the ligand's or the residues' bounding box plus `margin_angstrom` (TargetDiff's 5 Å). Pocket
    residues: a heavy atom within `contact_angstrom` of the ligand (4.5 Å, the definition of the project's
    structure data set); for a box those inside it.
    """
    protein = Structure(tuple(residue for residue in structure.residues if residue.is_polymer))
    if spec.ligand:
        bound, note = find_ligand(structure, spec.ligand)
        ligand, ligand_notes = _bound_ligand(bound, spec.ligand_smiles)
        box, near = _around(protein, bound.heavy(), margin_angstrom, contact_angstrom)
        return Pocket(box, bound, ligand, near, (*note, *ligand_notes))
    if spec.ligand_file is not None:
        ligand = load_ligand_file(spec.ligand_file)
        points = ligand.mol().GetConformer().GetPositions()
        box, near = _around(protein, points, margin_angstrom, contact_angstrom)
        return Pocket(box, _overlapping(structure, points), ligand, near, ())
    if spec.box is not None:
        require_box_on_protein(spec.box, protein.heavy())
        inside = tuple(r.label for r in protein.residues if spec.box.contains(r.heavy()).any())
        return Pocket(spec.box, None, None, inside, ())
    chosen = find_residues(protein, spec.residues)
    box = box_around(np.concatenate([residue.heavy() for residue in chosen]), margin_angstrom)
    return Pocket(box, None, None, tuple(residue.label for residue in chosen), ())


def _around(
    protein: Structure, points: NDArray[np.float64], margin: float, contact: float
) -> tuple[Box, tuple[str, ...]]:
    """Box and pocket residues around `points`, shape (N, 3) in Å."""
    box = box_around(points, margin)
    require_box_on_protein(box, protein.heavy())
    return box, tuple(residue.label for residue in residues_near(protein, points, contact))


def ligand_residues(structure: Structure) -> list[Residue]:
    """What could be meant by a ligand code: neither amino acid, water nor metal ion."""
    return [r for r in structure.residues if not r.is_polymer and r.name not in WATER and not is_metal(r.name)]


def find_ligand(structure: Structure, code: str) -> tuple[Residue, tuple[str, ...]]:
    """The residue meant by `code` and a note where several match (the first is taken)."""
    wanted = code.strip().upper()
    found = [r for r in ligand_residues(structure) if wanted in _spellings(r)]
    if not found:
        exist = list(dict.fromkeys(r.label for r in ligand_residues(structure)))
        listed = join(exist) if exist else "none: the file holds no ligand"
        raise InputError(f"ligand {code!r} is not in the structure; ligands there: {listed}")
    if len(found) == 1:
        return found[0], ()
    others = join([r.label for r in found[1:]])
    return found[0], (
        f"{len(found)} copies of {wanted} are bound; {found[0].label} marks the pocket (also: {others}).",
    )


def _spellings(residue: Residue) -> set[str]:
    chain, _, rest = residue.label.partition(":")
    return {residue.name.upper(), f"{chain}:{residue.name}".upper(), f"{chain}:{rest}".upper()}


def find_residues(protein: Structure, labels: Sequence[str]) -> list[Residue]:
    """Residues by label; the chain may be left out where there is only one, the name always."""
    chains = protein.chains()
    found = []
    for label in labels:
        chain, _, rest = label.strip().rpartition(":")
        chain = chain or (chains[0] if len(chains) == 1 else "")
        name, number = (rest[:3].upper(), rest[3:]) if rest[:1].isalpha() else ("", rest)
        matches = [
            r
            for r in protein.residues
            if r.chain == chain and f"{r.number}{r.icode}" == number and name in ("", r.name)
        ]
        if not matches:
            spans = [_span(protein, c) for c in chains]
            raise InputError(f"residue {label!r} is not in the structure; write it as A:THR315; it has {join(spans)}")
        found.append(matches[0])
    return found


def _span(protein: Structure, chain: str) -> str:
    members = [residue for residue in protein.residues if residue.chain == chain]
    return f"{members[0].label} to {members[-1].label}"


def load_ligand_file(path: Path) -> BoundLigand:
    """The first molecule of an SDF or MOL file with 3D coordinates, hydrogens removed."""
    if not path.is_file():
        raise InputError(f"ligand file {str(path)!r} does not exist")
    with rdBase.BlockLogs():
        try:
            molecules = [mol for mol in Chem.SDMolSupplier(str(path), removeHs=True) if mol is not None]
        except (OSError, RuntimeError) as fault:
            raise InputError(f"ligand file {str(path)!r} does not read as SDF: {fault}") from fault
    if not molecules:
        raise InputError(f"ligand file {str(path)!r} holds no molecule that RDKit accepts; expected SDF or MOL")
    mol = molecules[0]
    if mol.GetNumConformers() == 0 or not mol.GetConformer().Is3D():
        raise InputError(f"ligand file {str(path)!r} has no 3D coordinates; the pocket needs the bound pose")
    Chem.AssignStereochemistryFrom3D(mol)
    name = mol.GetProp("_Name").strip() if mol.HasProp("_Name") else ""
    return BoundLigand(name or path.stem, Chem.MolToSmiles(mol), Chem.MolToMolBlock(mol))


def _bound_ligand(bound: Residue, smiles: str | None) -> tuple[BoundLigand | None, tuple[str, ...]]:
    """The bound residue as a molecule; None with a note where its bond orders cannot be known."""
    holds_metal = any(is_metal(atom.element.upper()) for atom in bound.atoms)
    known = smiles or (None if holds_metal else COFACTORS.get(bound.name))
    if known is None:
        return None, (f"The bond orders of {bound.label} are not in the file; give its SMILES to have it redocked.",)
    template = Chem.MolFromSmiles(known)
    if template is None:
        raise InputError(f"SMILES {known!r} of the bound ligand {bound.label} does not parse")
    skeleton = bond_by_distance([atom for atom in bound.atoms if not atom.is_hydrogen])
    with rdBase.BlockLogs():
        try:
            if template.GetNumAtoms() != skeleton.GetNumAtoms():
                raise ValueError("different numbers of heavy atoms")
            mol = AllChem.AssignBondOrdersFromTemplate(template, skeleton)  # type: ignore[no-untyped-call]
        except ValueError:
            return None, (f"The SMILES known does not match the atoms of {bound.label}; it is not redocked.",)
        Chem.AssignStereochemistryFrom3D(mol)
    return BoundLigand(bound.name, Chem.MolToSmiles(mol), Chem.MolToMolBlock(mol)), ()


def _overlapping(structure: Structure, points: NDArray[np.float64]) -> Residue | None:
    """The ligand of the structure that stands where a ligand file says: half of its atoms within 1 Å."""
    for residue in ligand_residues(structure):
        heavy = residue.heavy()
        if len(heavy):
            nearest = np.linalg.norm(heavy[:, None, :] - points[None, :, :], axis=2).min(axis=1)
            if float(np.mean(nearest < 1.0)) >= 0.5:
                return residue
    return None
