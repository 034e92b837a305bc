import csv
from pathlib import Path

import pytest
from rdkit import Chem, RDConfig

from tools.errors import InputError
from tools.molecule.descriptors import SCORES, score
from tools.molecule.parse import parse_smiles

IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"


# PubChem (CID 5291, 2244): average weight and polar surface; the rest counted by hand on the structure.
@pytest.mark.parametrize(
    ("name", "smiles", "value", "tolerance"),
    [
        ("mol_weight", IMATINIB, 493.6, 0.05),
        ("mol_weight", "CC(=O)Oc1ccccc1C(=O)O", 180.16, 0.01),
        ("tpsa", IMATINIB, 86.3, 0.1),
        ("tpsa", "CC(=O)Oc1ccccc1C(=O)O", 63.6, 0.1),
        ("qed", IMATINIB, 0.389, 0.001),
        ("heavy_atoms", IMATINIB, 37.0, 0.0),
        ("rotatable_bonds", "CCCC", 1.0, 0.0),
        ("fsp3", IMATINIB, 7 / 29, 1e-9),
        ("fsp3", "C1CCCCC1", 1.0, 0.0),
        ("fsp3", "c1ccccc1", 0.0, 0.0),
        ("logp", "c1ccccc1", 1.69, 0.05),
    ],
)
def test_published_values(name, smiles, value, tolerance):
    assert score(name, parse_smiles(smiles)).value == pytest.approx(value, abs=tolerance or 1e-12)


def test_synthetic_accessibility_is_the_published_one():
    table = Path(RDConfig.RDContribDir) / "SA_Score" / "data" / "zim.100.txt"
    rows = list(csv.DictReader(table.open(encoding="utf-8"), delimiter="\t"))
    assert len(rows) == 100
    for row in rows:
        computed = score("sa", parse_smiles(row["smiles"])).value
        assert computed == pytest.approx(float(row["sa_score"]), abs=0.002)


def test_fsp3_counts_over_carbon_and_is_missing_without_carbon():
    assert score("fsp3", parse_smiles("O")).value is None


@pytest.mark.parametrize("name", SCORES)
def test_every_score_has_its_name_and_a_direction_and_ignores_the_spelling(name):
    mol = parse_smiles(IMATINIB)
    result = score(name, mol)
    assert result.name == name
    assert result.goal in {"minimize", "maximize"}
    for text in Chem.MolToRandomSmilesVect(mol, 3, randomSeed=5):
        assert score(name, parse_smiles(text)).value == pytest.approx(result.value)


def test_unknown_descriptor_lists_the_known():
    with pytest.raises(InputError, match="qed, sa, logp"):
        score("QED", parse_smiles("C"))
