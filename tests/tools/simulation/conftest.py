"""A real pocket without ../shared: ABL1 of the dockstring wheel, polar hydrogens as its authors placed them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from tools.docking.dockstring_targets import parse_pdbqt
from tools.docking.structure import render_pdb

SITE_ANGSTROM = (15.851, 14.647, 3.904)  # centre of ABL1's docking box in dockstring
Embed = Callable[..., Chem.Mol]


@pytest.fixture(scope="session")
def abl1_pdb() -> str:
    spec = importlib.util.find_spec("dockstring")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "resources" / "targets"
    return render_pdb(parse_pdbqt((folder / "ABL1_target.pdbqt").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def embed() -> Embed:
    """SMILES -> molecule with hydrogens and one conformer, its centroid at `centre` (Å)."""

    def make(smiles: str, seed: int = 3, centre: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Chem.Mol:
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        assert rdDistGeom.EmbedMolecule(mol, randomSeed=seed) == 0
        positions = mol.GetConformer().GetPositions()
        mol.GetConformer().SetPositions(positions - positions.mean(axis=0) + centre)
        return mol

    return make
