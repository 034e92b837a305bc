"""Organic cofactors with bond orders, charges and hydrogens, from the table of `tools.docking.residues`.

Connectivity comes from the geometry, bond orders from the table's SMILES; acids are deprotonated and
aliphatic amines protonated, which holds at pH 7.4. Metals inside (the iron of haem) stay where they are,
unbonded. NOT promised: the redox or tautomeric state of one crystal (a flavin is written oxidised).
"""

from __future__ import annotations

import math

from rdkit import Chem, rdBase
from rdkit.Chem import AllChem
from rdkit.Geometry import Point3D

from tools.docking.residues import COFACTORS
from tools.docking.structure import Atom, Residue

BOND_TOLERANCE = 1.25  # atoms closer than this times the sum of their covalent radii are bonded
ACIDIC_HYDROXYL = Chem.MolFromSmarts("[OX2H1,$([OX1H0-0])]-[P,S,C]=O")
ALIPHATIC_AMINE = Chem.MolFromSmarts("[NX3;H2;+0;$(N-[CX4])]")


def hydrogenate_cofactor(residue: Residue) -> Residue:
    """The residue with all hydrogens; unchanged where the table has no SMILES or the atoms do not match
    it."""
    mol = cofactor_mol(residue)
    if mol is None:
        return residue
    full = Chem.AddHs(mol, addCoords=True)
    conformer = full.GetConformer()
    heavy = [atom for atom in residue.atoms if not atom.is_hydrogen]
    hydrogens = []
    for i, index in enumerate(range(mol.GetNumAtoms(), full.GetNumAtoms())):
        place = conformer.GetAtomPosition(index)
        hydrogens.append(Atom(f"H{i + 1}", "H", (round(place.x, 3), round(place.y, 3), round(place.z, 3))))
    return Residue(residue.chain, residue.number, residue.icode, residue.name, (*heavy, *hydrogens))


def cofactor_mol(residue: Residue) -> Chem.Mol | None:
    """Heavy atoms (metals left out) with bond orders and charges for pH 7.4; None where that cannot be
    decided."""
    if residue.name not in COFACTORS:
        return None
    organic = [a for a in residue.atoms if not a.is_hydrogen and a.element in ("C", "N", "O", "P", "S")]
    template = Chem.MolFromSmiles(COFACTORS[residue.name])
    skeleton = bond_by_distance(organic)
    if template.GetNumAtoms() != skeleton.GetNumAtoms():
        return None
    with rdBase.BlockLogs():
        try:
            mol = AllChem.AssignBondOrdersFromTemplate(template, skeleton)  # type: ignore[no-untyped-call]
        except ValueError:
            return None
        charged = Chem.RWMol(mol)
        for oxygen, *_ in charged.GetSubstructMatches(ACIDIC_HYDROXYL):
            charged.GetAtomWithIdx(oxygen).SetFormalCharge(-1)
            charged.GetAtomWithIdx(oxygen).SetNumExplicitHs(0)
        for (nitrogen,) in charged.GetSubstructMatches(ALIPHATIC_AMINE):
            charged.GetAtomWithIdx(nitrogen).SetFormalCharge(1)
        Chem.SanitizeMol(charged)
        Chem.AssignStereochemistryFrom3D(charged)
    return charged.GetMol()


def bond_by_distance(atoms: list[Atom]) -> Chem.Mol:
    """A molecule of single bonds between atoms that are close enough, with its coordinates as a conformer."""
    table = Chem.GetPeriodicTable()
    mol = Chem.RWMol()
    conformer = Chem.Conformer(len(atoms))
    for i, atom in enumerate(atoms):
        index = mol.AddAtom(Chem.Atom(atom.element))
        conformer.SetAtomPosition(index, Point3D(*atom.xyz))
        for j, other in enumerate(atoms[:i]):
            reach = table.GetRcovalent(atom.element) + table.GetRcovalent(other.element)
            if math.dist(atom.xyz, other.xyz) < BOND_TOLERANCE * reach:
                mol.AddBond(j, index, Chem.BondType.SINGLE)
    mol.AddConformer(conformer)
    plain = mol.GetMol()
    plain.UpdatePropertyCache(strict=False)
    return plain
