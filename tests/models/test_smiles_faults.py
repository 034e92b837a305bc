"""Where a SMILES is wrong: positions checked by hand on strings whose fault is known."""

from __future__ import annotations

import pytest
from rdkit import Chem

from models.smiles_faults import explain_smiles


@pytest.mark.parametrize(
    ("smiles", "said"),
    [
        ("CCX", "syntax error at position 2 ('X')"),
        ("c1ccccc1[Xx]", "at position 9 ('X')"),
        ("CCO)C", "extra close parentheses at position 3 (')')"),
        ("CC(C", "extra open parentheses at position 2 ('(')"),
        ("C1CC", "unclosed ring at position 1 ('1')"),
        ("C1CC2CC1", "unclosed ring at position 4 ('2')"),
        ("[13CH4]C%12CC", "unclosed ring at position 8 ('%')"),
        ("CC(C)(C)(C)C", "atom 1 is at position 1"),
        ("BrC(C)(C)(C)C", "atom 1 is at position 2"),
        ("Oc1cccc1", "atom 1 is at position 1"),
        ("CC C", "white space at position 2"),
        ("CCO\n", "white space at position 3"),
        ("", "empty"),
    ],
)
def test_the_reason_and_the_place(smiles: str, said: str) -> None:
    assert said in explain_smiles(smiles)


@pytest.mark.parametrize("smiles", ["CCO", "[Na+].[Cl-]", "c1ccc2[nH]ccc2c1", "C%12CCCCC%12", "F[P-](F)(F)(F)(F)F"])
def test_what_rdkit_reads_has_no_fault(smiles: str) -> None:
    assert explain_smiles(smiles) == ""


def test_whatever_rdkit_refuses_has_a_reason() -> None:
    whole = "CC(=O)Oc1ccc([N+](=O)[O-])cc1[C@H](Br)C(F)(F)F"
    for cut in range(1, len(whole)):
        piece = whole[:cut]
        assert bool(explain_smiles(piece)) == (Chem.MolFromSmiles(piece) is None), piece


def test_rdkit_still_logs_to_where_it_did(capfd: pytest.CaptureFixture[str]) -> None:
    explain_smiles("CCX")
    assert capfd.readouterr().err == ""
    Chem.MolFromSmiles("CCX", sanitize=False)
    assert "SMILES Parse Error" in capfd.readouterr().err
