"""The pocket's chemistry: net charge from its residues, caps, disulphides, and everything it must refuse."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from tools.errors import InputError
from tools.simulation.mmff import Dielectric, load_mmff_properties, partial_charges
from tools.simulation.pocket import Pocket, Undecided, build_pocket
from tools.simulation.residues import load_template, template_names

SITE = (15.851, 14.647, 3.904)
STRUCTURES = Path(__file__).resolve().parents[3] / "../shared/data/chem/structures"
ABL_1IEP = STRUCTURES / "1iep_receptorH.pdb"


def peptide(sequence: str) -> str:
    """A folded-out peptide with all hydrogens as PDB text; names and residues by RDKit."""
    mol = Chem.AddHs(Chem.MolFromSequence(sequence), addResidueInfo=True)
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=8) == 0
    return str(Chem.MolToPDBBlock(mol))


def at(pdb: str, atom: str, number: int) -> tuple[float, float, float]:
    for line in pdb.splitlines():
        if line.startswith(("ATOM", "HETATM")) and line[12:16].strip() == atom and int(line[22:26]) == number:
            return float(line[30:38]), float(line[38:46]), float(line[46:54])
    raise AssertionError(f"no atom {atom} in residue {number}")


def without(pdb: str, residue: str, *atoms: str) -> str:
    """`pdb` less the named atoms of every residue of that name."""
    return "\n".join(line for line in pdb.splitlines() if not (line[17:20] == residue and line[12:16].strip() in atoms))


def hetero(name: str, element: str, point: tuple[float, float, float]) -> str:
    x, y, z = point
    return (
        f"HETATM 9000 {element:>2s}   {name:>3s} A 900    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {element:>2s}\n"
    )


def probe(embed, centre) -> Chem.Mol:
    return embed("Oc1ccccc1", centre=centre)


def expected_charge(pocket: Pocket) -> int:
    """Lys and Arg +1, Asp and Glu -1; for pockets without His, ions and chain ends."""
    counts = Counter(label[:3] for label in pocket.residues)
    assert not counts["HIS"]
    return counts["LYS"] + counts["ARG"] - counts["ASP"] - counts["GLU"]


@pytest.mark.parametrize("cutoff", [5.0, 6.0, 8.0])
def test_net_charge_of_a_bundled_target_follows_its_residues(abl1_pdb, embed, cutoff):
    pocket = build_pocket(abl1_pdb, probe(embed, SITE), cutoff)
    assert isinstance(pocket, Pocket)
    assert pocket.net_charge == expected_charge(pocket)
    properties = load_mmff_properties(pocket.mol, Dielectric())
    assert partial_charges(pocket.mol, properties).sum() == pytest.approx(pocket.net_charge, abs=1e-6)
    assert pocket.n_added_hydrogens > 0, "the PDBQT has polar hydrogens only"
    assert pocket.changes == ()
    assert pocket.n_caps == 2 * len(Chem.GetMolFrags(pocket.mol))
    assert all(atom.GetTotalNumHs() == 0 for atom in pocket.mol.GetAtoms())


@pytest.mark.shared
@pytest.mark.skipif(not ABL_1IEP.exists(), reason="../shared/data is not beside the checkout")
@pytest.mark.parametrize(("cutoff", "charge"), [(5.0, 0), (6.0, 0), (8.0, -2)])
def test_net_charge_of_1iep(cutoff, charge):
    """At 6 Å: Lys 271 and Arg 362 +2, Glu 282, 286 and Asp 381 -3, His 361 with both hydrogens +1."""
    ligand = Chem.MolFromMolFile(str(STRUCTURES / "1iep_ligand.sdf"), removeHs=False)
    pocket = build_pocket(ABL_1IEP.read_text(), ligand, cutoff)
    assert isinstance(pocket, Pocket)
    assert pocket.net_charge == charge
    assert sum(label.startswith("HIS") for label in pocket.residues) == 1


def test_charges_are_set_and_not_read_off_the_hydrogens(embed):
    """RDKit's peptide has neutral Asp, Glu, Lys and Arg: the pocket has them charged and says what it changed."""
    pdb = peptide("GDGEGKGRG")
    pocket = build_pocket(pdb, probe(embed, at(pdb, "CA", 5)), 50.0)
    assert isinstance(pocket, Pocket)
    by_residue = {change.split(":")[0] for change in pocket.changes}
    assert {"ASP A2", "GLU A4", "LYS A6", "ARG A8"} <= by_residue
    charged = [atom for atom in pocket.mol.GetAtoms() if atom.GetFormalCharge()]
    assert sorted(atom.GetFormalCharge() for atom in charged) in ([-1, -1, 1, 1], [-1, -1, -1, 1, 1])


def test_a_cut_chain_is_capped_with_the_neighbours_own_atoms(embed):
    pdb = peptide("GGGGGAGGGGG")
    pocket = build_pocket(pdb, probe(embed, at(pdb, "CB", 6)), 3.0)
    assert isinstance(pocket, Pocket)
    assert pocket.n_caps >= 2
    positions = pocket.mol.GetConformer().GetPositions()
    first, last = (int(label.split("A")[-1]) for label in (pocket.residues[0], pocket.residues[-1]))
    for atom, number in (("CA", first - 1), ("O", first - 1), ("N", last + 1), ("CA", last + 1)):
        assert np.linalg.norm(positions - np.array(at(pdb, atom, number)), axis=1).min() < 1e-3
    acetyl_and_methylamide = Chem.MolFromSmarts("[CH3]C(=O)N"), Chem.MolFromSmarts("C(=O)[NH][CH3]")
    assert all(pocket.mol.HasSubstructMatch(pattern) for pattern in acetyl_and_methylamide)


def test_a_broken_chain_is_capped_by_ideal_geometry(embed):
    pdb = "\n".join(line for line in peptide("GGGAGGG").splitlines() if line[22:26].strip() not in ("3", "5"))
    pocket = build_pocket(pdb, probe(embed, at(pdb, "CB", 4)), 2.5)
    assert isinstance(pocket, Pocket)
    alanine = next(mol for mol in Chem.GetMolFrags(pocket.mol, asMols=True) if mol.HasSubstructMatch(_ALANINE))
    assert Chem.MolToSmiles(Chem.RemoveHs(alanine)) in (
        "CNC(=O)[C@H](C)NC(C)=O",
        "CNC(=O)[C@@H](C)NC(C)=O",
        "CNC(=O)C(C)NC(C)=O",
    )
    positions = alanine.GetConformer().GetPositions()
    for bond in alanine.GetBonds():
        length = np.linalg.norm(positions[bond.GetBeginAtomIdx()] - positions[bond.GetEndAtomIdx()])
        assert 0.9 < length < 1.65


_ALANINE = Chem.MolFromSmarts("C(=O)C([CH3])N")


def test_bonded_cysteines_come_in_pairs(embed):
    pdb = _with_disulphide()
    pocket = build_pocket(pdb, probe(embed, at(pdb, "CA", 2)), 3.0)
    assert isinstance(pocket, Pocket)
    assert sum(label.startswith("CYS") for label in pocket.residues) == 2
    assert pocket.mol.HasSubstructMatch(Chem.MolFromSmarts("[CH2]SS[CH2]"))


def _with_disulphide() -> str:
    mol = Chem.MolFromSequence("GCGGGGCG")
    sulphurs = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetSymbol() == "S"]
    bonded = Chem.RWMol(mol)
    bonded.AddBond(*sulphurs, Chem.BondType.SINGLE)
    bonded = Chem.AddHs(bonded.GetMol(), addResidueInfo=True) if not Chem.SanitizeMol(bonded) else bonded
    assert rdDistGeom.EmbedMolecule(bonded, randomSeed=2) == 0
    return str(Chem.MolToPDBBlock(bonded))


def test_histidine_follows_its_hydrogens(abl1_pdb, embed):
    pdb = peptide("GHG")
    pocket = build_pocket(pdb, probe(embed, at(pdb, "CG", 2)), 2.5)
    assert isinstance(pocket, Pocket)
    n_with_hydrogen = len(pocket.mol.GetSubstructMatches(Chem.MolFromSmarts("[nH]")))
    assert n_with_hydrogen == 1
    ring_hydrogens = [
        line[12:16].strip()
        for line in pdb.splitlines()
        if line[17:20] == "HIS"
        and line[76:78].strip() == "H"
        and any(
            np.linalg.norm(np.array([float(line[30:38]), float(line[38:46]), float(line[46:54])]) - at(pdb, n, 2)) < 1.2
            for n in ("ND1", "NE2")
        )
    ]
    undecided = build_pocket(without(pdb, "HIS", *ring_hydrogens), probe(embed, at(pdb, "CG", 2)), 2.5)
    assert isinstance(undecided, Undecided)
    assert "HIS A2" in undecided.reasons[0]
    assert "protonation" in undecided.reasons[0]


@pytest.mark.parametrize(("name", "element"), [("ZN", "ZN"), ("HEM", "FE"), ("LIG", "C")])
def test_metals_and_cofactors_are_named_and_never_left_out(abl1_pdb, embed, name, element):
    pdb = hetero(name, element, SITE) + abl1_pdb
    result = build_pocket(pdb, probe(embed, SITE))
    assert isinstance(result, Undecided)
    assert any(reason.startswith(f"{name} A900") for reason in result.reasons)
    far = hetero(name, element, (SITE[0] + 60, SITE[1], SITE[2])) + abl1_pdb
    assert isinstance(build_pocket(far, probe(embed, SITE)), Pocket)


def test_a_simple_ion_is_part_of_the_pocket(abl1_pdb, embed):
    bare = build_pocket(abl1_pdb, probe(embed, SITE))
    with_ion = build_pocket(hetero("MG", "MG", SITE) + abl1_pdb, probe(embed, SITE))
    assert isinstance(bare, Pocket)
    assert isinstance(with_ion, Pocket)
    assert with_ion.net_charge == bare.net_charge + 2
    assert with_ion.mol.GetNumAtoms() == bare.mol.GetNumAtoms() + 1


def test_an_incomplete_residue_is_named(abl1_pdb, embed):
    result = build_pocket(without(abl1_pdb, "LEU", "CD1"), probe(embed, SITE))
    assert isinstance(result, Undecided)
    assert all(reason.startswith("LEU") and "CD1" in reason for reason in result.reasons)


def test_a_pose_far_from_the_protein_has_no_pocket(abl1_pdb, embed):
    result = build_pocket(abl1_pdb, probe(embed, (500.0, 0.0, 0.0)))
    assert isinstance(result, Undecided)
    assert "no receptor residue" in result.reasons[0]


def test_the_order_of_atoms_in_the_file_does_not_matter(abl1_pdb, embed):
    lines = [line for line in abl1_pdb.splitlines() if line.startswith(("ATOM", "HETATM"))]
    shuffled = "\n".join(np.random.default_rng(2).permutation(lines))
    pockets = [build_pocket(text, probe(embed, SITE)) for text in (abl1_pdb, shuffled)]
    assert all(isinstance(pocket, Pocket) for pocket in pockets)
    assert len({pocket.net_charge for pocket in pockets}) == 1
    assert len({pocket.mol.GetNumAtoms() for pocket in pockets}) == 1
    assert Chem.MolToSmiles(pockets[0].mol) == Chem.MolToSmiles(pockets[1].mol)


def test_bad_receptors_are_refused(embed):
    with pytest.raises(InputError, match="no ATOM record"):
        build_pocket("receptor.pdb", probe(embed, SITE))
    with pytest.raises(InputError, match="cutoff_angstrom"):
        build_pocket("ATOM", probe(embed, SITE), 0.0)


@pytest.mark.parametrize("name", sorted(template_names()))
def test_every_template_is_consistent(name):
    template = load_template(name)
    assert set(template.hydrogens) == set(template.elements)
    assert {atom for bond in template.bonds for atom in bond[:2]} <= set(template.elements)
    expected = {"ARG": 1, "LYS": 1, "HIP": 1, "ASP": -1, "GLU": -1, "CYM": -1, "SEP": -2, "TPO": -2, "PTR": -2}
    ions = {"NA": 1, "K": 1, "MG": 2, "CA": 2, "CL": -1}
    assert sum(template.charges.values()) == (expected | ions).get(name, 0)
