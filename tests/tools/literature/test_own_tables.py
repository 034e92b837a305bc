"""Tables of own data: the molecule column is found, values and units stay as written, odd rows are counted."""

from __future__ import annotations

import pytest
from rdkit import Chem

from tools.literature.chunk import passages_of
from tools.literature.read import read_file
from tools.literature.tables import find_molecule_column

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def test_a_csv_keeps_values_as_written() -> None:
    text = f"Compound;Structure;IC50 (nM);note\nA-1;{ASPIRIN};1,5;good\nA-2;[Na+].CC(=O)[O-];>10000;\nA-3;oops;3;x\n"
    (document,) = read_file("assay.csv", text.encode())
    first, second, third = document.rows
    assert first.values == {"Compound": "A-1", "Structure": ASPIRIN, "IC50 (nM)": "1,5", "note": "good"}
    assert (first.smiles, second.smiles, third.smiles) == (ASPIRIN, "CC(=O)O", "")
    assert second.values["IC50 (nM)"] == ">10000"
    assert document.warnings == ("1 of 3 rows hold no molecule that parses in column 'Structure'",)
    assert passages_of(document)[0].text == f"Compound: A-1; Structure: {ASPIRIN}; IC50 (nM): 1,5; note: good"
    assert [row.number for row in document.rows] == [2, 3, 4]


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        (["id", "SMILES"], [["1", "CCO"]], 1),
        (["id", "canonical_smiles", "smiles"], [["1", "CCO", "CCN"]], 2),
        (["a", "b"], [["x", "c1ccccc1"], ["y", "CC(=O)O"]], 1),
        (["code", "word"], [["CO", "CC"], ["NO", "CCC"]], None),
        (["smiles", "b"], [["", "1"]], None),
        (["date", "value"], [["2020-01-01", "1.5"]], None),
    ],
)
def test_the_molecule_column(header: list[str], rows: list[list[str]], expected: int | None) -> None:
    assert find_molecule_column(header, rows) == expected


def test_rows_are_numbered_as_in_a_spreadsheet_and_one_column_of_smiles_is_a_table() -> None:
    (document,) = read_file("own.csv", b"name,value\n\na,1\n,\nb,2\n")
    assert [(row.number, row.values["name"]) for row in document.rows] == [(3, "a"), (5, "b")]
    (document,) = read_file("list.csv", b"smiles\nCCO\nc1ccccc1\n")
    assert [(row.number, row.smiles) for row in document.rows] == [(2, "CCO"), (3, "c1ccccc1")]
    (document,) = read_file("list.smi", b"# mine\n\nCCO\n")
    assert document.rows[0].number == 3


def test_tables_without_molecules_are_kept_by_their_words() -> None:
    (document,) = read_file("buffers.tsv", b"buffer\tpH\nTris\t8.0\nHEPES\t7.4\n")
    assert document.warnings == ("no molecule column found: rows are searched by their words only",)
    assert document.rows[1].values == {"buffer": "HEPES", "pH": "7.4"}


def test_uneven_rows_and_repeated_headers_are_told() -> None:
    (document,) = read_file("odd.csv", b"a,a,\n1,2,3,4\n5\n")
    assert document.rows[0].values == {"a": "1", "a (2)": "2", "column 3": "3"}
    assert "2 of 2 rows have more or fewer cells than the header" in document.warnings


def test_an_sdf_gives_molecules_with_their_fields() -> None:
    mol = Chem.MolFromSmiles(ASPIRIN)
    mol.SetProp("_Name", "aspirin")
    block = Chem.MolToMolBlock(mol)
    text = f"{block}>  <Ki (uM)>\n12.5\n\n>  <source>\nlab\nbook 3\n\n$$$$\nbad\n\n\n  0  0\nM  END\n$$$$\n"
    (document,) = read_file("own.sdf", text.encode())
    assert document.rows[0].smiles == ASPIRIN
    assert document.rows[0].values == {"name": "aspirin", "Ki (uM)": "12.5", "source": "lab book 3"}
    assert document.warnings == ("1 of 2 records hold no molecule that RDKit accepts",)


def test_censored_values_of_an_sdf_are_kept() -> None:
    block = Chem.MolToMolBlock(Chem.MolFromSmiles(ASPIRIN))
    text = f"{block}>  <IC50 (nM)>\n>10000\n\n>  <note>\n> solubility limit\n< 1 mM\n\n$$$$\n"
    (document,) = read_file("own.sdf", text.encode())
    assert document.rows[0].values == {"IC50 (nM)": ">10000", "note": "> solubility limit < 1 mM"}


def test_smiles_files_keep_names() -> None:
    (document,) = read_file("set.smi", f"{ASPIRIN} aspirin 2\n# comment\nCCO\nnonsense\n".encode())
    assert [row.values for row in document.rows] == [{"SMILES": ASPIRIN, "name": "aspirin 2"}, {"SMILES": "CCO"}]
    assert document.warnings == ("1 of 3 lines hold no SMILES that parses",)
