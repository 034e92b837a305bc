"""A small real protein made from a bundled target: 90 residues of HSP90's ATP site, benzamide placed beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from tools.docking.dockstring_targets import _folder, parse_pdbqt
from tools.docking.pocket import PocketSpec
from tools.docking.prepare import prepare_receptor
from tools.docking.receptor import Receptor
from tools.docking.structure import Atom, Residue, Structure, render_pdb
from tools.molecule.conformers import embed

BENZAMIDE = "NC(=O)c1ccccc1"


def protein_fragment(n_residues: int = 90) -> Structure:
    """The first residues of the bundled HSP90AA1, heavy atoms only."""
    polar = parse_pdbqt((_folder() / "HSP90AA1_target.pdbqt").read_text())
    return Structure(
        tuple(
            Residue(r.chain, r.number, r.icode, r.name, tuple(a for a in r.atoms if not a.is_hydrogen))
            for r in polar.residues[:n_residues]
        )
    )


def ligand_beside(protein: Structure, name: str = "BZM", number: int = 900) -> Residue:
    """Benzamide pushed out from the protein's centre until no heavy atom is nearer than 3.3 Å."""
    model = Chem.RemoveHs(embed(Chem.MolFromSmiles(BENZAMIDE), 1, seed=1))
    points = model.GetConformer().GetPositions()
    heavy = protein.heavy()
    points = points - points.mean(axis=0) + heavy.mean(axis=0)
    while np.linalg.norm(heavy[:, None] - points[None], axis=2).min() < 3.3:
        points = points + np.array([0.3, 0.2, 0.1])
    atoms = tuple(
        Atom(f"{atom.GetSymbol()}{atom.GetIdx() + 1}", atom.GetSymbol(), tuple(float(v) for v in place))
        for atom, place in zip(model.GetAtoms(), points, strict=True)
    )
    return Residue("A", number, "", name, atoms)


def single_atom(name: str, element: str, number: int, at: np.ndarray) -> Residue:
    return Residue("A", number, "", name, (Atom(element.upper(), element, tuple(float(v) for v in at)),))


@pytest.fixture(scope="session")
def protein() -> Structure:
    return protein_fragment()


@pytest.fixture(scope="session")
def complex_file(protein: Structure, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fragment with MSE 98 for its methionine, a zinc, a glycerol-like group, two waters and benzamide."""
    ligand = ligand_beside(protein)
    edge = protein.heavy().max(axis=0)
    residues = []
    for residue in protein.residues:
        atoms = tuple(Atom("SE", "Se", a.xyz) if a.name == "SD" else a for a in residue.atoms)
        name = "MSE" if residue.name == "MET" else residue.name
        residues.append(Residue(residue.chain, residue.number, residue.icode, name, atoms))
    hetero = [
        single_atom("ZN", "Zn", 901, edge + 3.0),
        single_atom("GOL", "C", 902, edge + 8.0),
        single_atom("HOH", "O", 903, edge + 12.0),
        single_atom("HOH", "O", 904, edge + 16.0),
        ligand,
    ]
    path = tmp_path_factory.mktemp("complex") / "complex.pdb"
    path.write_text(render_pdb(Structure((*residues, *hetero))))
    return path


@pytest.fixture(scope="session")
def receptor(complex_file: Path) -> Receptor:
    return prepare_receptor(complex_file, PocketSpec(ligand="BZM", ligand_smiles=BENZAMIDE))
