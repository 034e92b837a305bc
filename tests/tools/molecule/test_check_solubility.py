"""ESOL against the values of its own paper's table (doi 10.1021/ci034243x), where only the logP differs."""

import pytest
from rdkit import Chem

from tools.molecule.check_solubility import check_solubility, score_solubility
from tools.types import Verdict

# SMILES, ESOL prediction of the paper's supporting table, measured value (log10 mol/L).
PUBLISHED = [
    ("Cc1occc1C(=O)Nc2ccccc2", -2.885, -3.30),
    ("CC(C)=CCCC(C)=CC(=O)", -2.579, -2.06),
    ("c1ccsc1", -2.232, -1.33),
    ("c2ccc1scnc1c2", -2.733, -1.50),
    ("CC12CCC3C(CCc4cc(O)ccc34)C2CCC1O", -4.138, -5.03),
]


@pytest.mark.parametrize(("smiles", "published", "measured"), PUBLISHED)
def test_it_follows_the_published_predictions(smiles, published, measured):
    value = score_solubility(Chem.MolFromSmiles(smiles)).value
    assert value == pytest.approx(published, abs=0.7)
    assert abs(value - measured) < 1.8


def test_sugar_dissolves_and_a_big_aromatic_does_not():
    glucose, picene = "OCC1OC(O)C(O)C(O)C1O", "c1ccc2c(c1)ccc3c2ccc4c5ccccc5ccc43"
    assert score_solubility(Chem.MolFromSmiles(glucose)).value > 0.0
    assert score_solubility(Chem.MolFromSmiles(picene)).value == pytest.approx(-6.618, abs=0.8)


def test_it_is_a_record_without_a_limit_and_a_check_with_one():
    mol = Chem.MolFromSmiles("c1ccc2c(c1)ccc3c2ccc4c5ccccc5ccc43")
    assert check_solubility(mol).verdict is Verdict.PASS
    failed = check_solubility(mol, minimum=-4.0)
    assert failed.verdict is Verdict.FAIL
    assert "too low" in failed.reason


@pytest.mark.parametrize("smiles", ["[H][H]", "[Na+].CC(=O)[O-]", "CCO.CCN"])
def test_what_is_not_one_molecule_has_no_estimate(smiles):
    result = check_solubility(Chem.MolFromSmiles(smiles))
    assert (result.verdict, result.value) == (Verdict.UNKNOWN, None)
