"""Every kind of file, whole and damaged."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tools.errors import InputError
from tools.evaluation.data_files import (
    choose_rows,
    filter_rows,
    missing_value,
    need_columns,
    read_rows,
    split_counts,
)

CONTENTS = {
    "a.csv": "smiles,name\nCCO,ethanol\nC,methane\n",
    "a.tsv": "smiles\tname\nCCO\tethanol\nC\tmethane\n",
    "a.jsonl": '{"smiles": "CCO", "name": "ethanol"}\n\n{"smiles": "C", "name": "methane"}\n',
    "a.smi": "CCO ethanol\nC\tmethane\n",
}


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("zipped", [False, True])
def test_one_table_in_every_form(tmp_path: Path, name: str, zipped: bool) -> None:
    path = tmp_path / (f"{name}.gz" if zipped else name)
    path.write_bytes(gzip.compress(CONTENTS[name].encode()) if zipped else CONTENTS[name].encode())
    rows = read_rows(path)
    assert [dict(row.values) for row in rows] == [
        {"smiles": "CCO", "name": "ethanol"},
        {"smiles": "C", "name": "methane"},
    ]
    assert [row.row_id for row in rows] == ["row-1", "row-2"]


def test_a_damaged_line_costs_its_row_only(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"x": 1}\n{"x": \n[1]\n{"x": 4}\n')
    rows = read_rows(path)
    assert [row.number for row in rows if not row.fault] == [1, 4]
    assert "not JSON" in rows[1].fault
    assert "not a JSON object" in rows[2].fault
    table = tmp_path / "a.csv"
    table.write_text("x,y\n1,2\n1\n1,2,3\n")
    assert [bool(row.fault) for row in read_rows(table)] == [False, True, True]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "has no rows"),
        ("a.csv", b"x,y\n", "has no rows"),
        ("a.csv.gz", b"this is not gzip", "cannot be read"),
        ("a.csv.gz", gzip.compress(b"x,y\n" * 5000, mtime=0)[:40], "cannot be read"),
        ("a.txt", b"\xff\xfe\xfa", "cannot be read"),
        ("a.xlsx", b"", "known are .csv"),
    ],
)
def test_a_file_of_no_use_says_why(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_rows(path)
    with pytest.raises(InputError, match=r"cannot be read.*No such file"):
        read_rows(tmp_path / "absent.csv")


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("product,yield\nCCO,\n")
    rows = read_rows(path)
    with pytest.raises(InputError, match=r"no column 'reactants'; it has product, yield"):
        need_columns(path, rows, ["product", "reactants"])
    need_columns(path, rows, ["smiles|product"])
    assert missing_value(rows[0], ["product"]) == ""
    assert missing_value(rows[0], ["yield"]) == "column yield is empty"


def test_rows_by_value_and_by_number(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("split,x\n" + "".join(f"{'valid' if n % 3 else 'test'},{n}\n" for n in range(300)))
    rows = read_rows(path)
    assert split_counts(rows) == {"test": 100, "valid": 200}
    kept = filter_rows(path, rows, {"split": "test"})
    assert len(kept) == 100
    with pytest.raises(InputError, match=r"no row has split='dev'; there are test, valid"):
        filter_rows(path, rows, {"split": "dev"})
    few, more = choose_rows(kept, 10, seed=1), choose_rows(kept, 30, seed=1)
    assert {row.number for row in few} < {row.number for row in more}
    assert [row.number for row in more] == sorted(row.number for row in more)
    assert {row.number for row in few} != {row.number for row in choose_rows(kept, 10, seed=2)}
    assert choose_rows(kept, None, seed=1) == kept
