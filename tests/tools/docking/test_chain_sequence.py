"""One chain and its pocket from structure files: a file made here, and real ones where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.docking.chain_sequence import load_chain_sequence
from tools.errors import InputError

STRUCTURES = Path(__file__).resolve().parents[4] / "shared" / "data" / "chem" / "structures"


def atom(record: str, name: str, residue: str, chain: str, number: int, xyz: tuple[float, float, float]) -> str:
    x, y, z = xyz
    return (
        f"{record:<6}    1  {name:<3} {residue} {chain}{number:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          "
        f" {name[0]}  \n"
    )


def chain(name: str, residues: list[str], z: float, start: int = 1) -> str:
    """A straight backbone along x, 3.8 Å a residue, with peptide bonds of 1.3 Å."""
    text = ""
    for at, residue in enumerate(residues):
        record = "HETATM" if residue in ("MSE", "SEP") else "ATOM"
        for offset, atom_name in ((0.0, "N"), (1.25, "CA"), (2.5, "C")):
            text += atom(record, atom_name, residue, name, start + at, (3.8 * at + offset, 0.0, z))
    return text


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Chains A (with selenomethionine and phosphoserine) and B 30 Å apart, a copy of LIG at each, water, and a LIG
    that touches nothing."""
    text = chain("A", ["MET", "MSE", "LYS", "SEP", "GLY"], 0.0) + chain("B", ["ALA", "TRP", "TYR"], 30.0)
    text += atom("HETATM", "C1", "LIG", "A", 90, (8.8, 4.0, 0.0)) + atom(
        "HETATM", "C1", "LIG", "B", 91, (1.2, 4.0, 30.0)
    )
    text += atom("HETATM", "C1", "FAR", "A", 92, (90.0, 90.0, 90.0)) + atom(
        "HETATM", "O", "HOH", "A", 93, (1.0, 3.0, 0.0)
    )
    path = tmp_path / "made.pdb"
    path.write_text(text + "END\n")
    return path


def test_sequence_with_the_parents_of_modified_residues(file: Path) -> None:
    found = load_chain_sequence(file, "A")
    assert (found.sequence, found.pocket, found.ligand) == ("MMKSG", (), "")


def test_the_copy_that_touches_the_chain_marks_its_pocket(file: Path) -> None:
    a, b = load_chain_sequence(file, "A", "LIG"), load_chain_sequence(file, "B", "LIG")
    assert (a.ligand, b.ligand) == ("A:LIG90", "B:LIG91")
    assert (a.sequence, a.pocket) == ("MMKSG", (2,))
    assert (b.sequence, b.pocket) == ("AWY", (0,))
    assert "2 copies of LIG" in a.notes[-1]
    assert load_chain_sequence(file, None, "B:LIG91").chain == "B"
    assert load_chain_sequence(file, None, "B:LIG").pocket == b.pocket


def test_the_distance_is_a_parameter(file: Path) -> None:
    assert load_chain_sequence(file, "A", "LIG", contact_angstrom=4.8).pocket == (1, 2, 3)


@pytest.mark.parametrize(
    ("chain_name", "ligand", "words"),
    [
        ("Q", None, ["'Q'", "A (5 residues), B (3 residues)"]),
        (None, None, ["several chains", "A (5 residues), B (3 residues)"]),
        ("A", "STI", ["'STI'", "A:LIG90", "B:LIG91"]),
        ("A", "FAR", ["A:FAR92", "chain A within 4.5 Å"]),
        ("A", "B:LIG91", ["B:LIG91", "chain A within 4.5 Å"]),
    ],
)
def test_what_is_not_there_lists_what_is(
    file: Path, chain_name: str | None, ligand: str | None, words: list[str]
) -> None:
    with pytest.raises(InputError) as refused:
        load_chain_sequence(file, chain_name, ligand)
    for word in words:
        assert word in str(refused.value)


def test_a_gap_is_said(tmp_path: Path) -> None:
    path = tmp_path / "gap.pdb"
    path.write_text(chain("A", ["GLY", "ALA"], 0.0) + chain("A", ["TRP"], 20.0, start=9) + "END\n")
    found = load_chain_sequence(path)
    assert found.sequence == "GAW"
    assert "A:ALA2 to A:TRP9" in found.notes[-1]


@pytest.mark.shared
@pytest.mark.skipif(not STRUCTURES.is_dir(), reason="needs ../shared/data/chem/structures")
def test_real_pockets_by_a_second_calculation() -> None:
    """Every residue within 4.5 Å and none beyond, from the columns of the file itself."""
    for name, chain_name, code in (("1hpx.pdb", "A", "KNI"), ("1acj.pdb", "A", "THA"), ("1vsn.pdb", "A", "NFT")):
        path = STRUCTURES / name
        found = load_chain_sequence(path, chain_name, code)
        protein: dict[str, list[list[float]]] = {}
        ligand: list[list[float]] = []
        for line in path.read_text().splitlines():
            if not line.startswith(("ATOM", "HETATM")) or line[76:78].strip() == "H" or line[16] not in " A":
                continue
            xyz = [float(line[at : at + 8]) for at in (30, 38, 46)]
            if line[17:20] == code:
                ligand.append(xyz)
            elif line.startswith("ATOM") and line[21] == chain_name:
                protein.setdefault(line[22:27], []).append(xyz)
        near = [
            at
            for at, atoms in enumerate(protein.values())
            if np.linalg.norm(np.array(atoms)[:, None] - np.array(ligand)[None], axis=2).min() <= 4.5
        ]
        assert list(found.pocket) == near
        assert len(found.sequence) == len(protein)
