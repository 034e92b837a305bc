"""Labels carried over an alignment, and files found by entry and chain."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.docking.structure import Atom, Residue, Structure
from tools.errors import InputError
from tools.evaluation.structure_chains import carry_labels, chain_atoms, find_structure, protein_chains


def residue(number: int, name: str, chain: str = "A") -> Residue:
    names = ("N", "CA", "C")
    atoms = tuple(Atom(atom, atom[0], (float(number), float(at), 0.0)) for at, atom in enumerate(names))
    return Residue(chain, number, "", name, atoms)


def test_labels_follow_their_residues() -> None:
    assert carry_labels("MKTAYIAKQR", [0, 3, 9], "KTAYIAKQR") == ([2, 8], 1.0), "the first residue is not resolved"
    carried, identity = carry_labels("MKTAYIAKQRQISF", [0, 5, 13], "GSMKTAYAKQRQISF")
    assert carried == [2, 14], "a missing residue takes its label with it"
    assert identity == 1.0
    assert carry_labels("MKTAY", [1], "MWTAY") == ([], 0.8), "a mutated residue too"


def test_file_names(tmp_path: Path) -> None:
    for name in ("1abcB.pdb", "1abc.cif", "pdb2xyz.ent"):
        (tmp_path / name).touch()
    assert find_structure(tmp_path, "1abc", "B").name == "1abcB.pdb"
    assert find_structure(tmp_path, "1ABC", "A").name == "1abc.cif"
    assert find_structure(tmp_path, "2xyz").name == "pdb2xyz.ent"
    with pytest.raises(InputError, match="9zzz"):
        find_structure(tmp_path, "9zzz")


def test_chains_of_a_structure() -> None:
    protein = tuple(residue(number, name) for number, name in enumerate(["MSE", "ALA", "GLY"] * 8))
    peptide = tuple(residue(number, "ALA", "B") for number in range(4))
    structure = Structure((*protein, *peptide))
    (chain,) = protein_chains(structure)
    assert chain.sequence == "MAG" * 8, "a modified residue has its parent's letter"
    assert [one.name for one in protein_chains(structure, ["B"])] == ["B"]
    assert chain_atoms([chain]).shape == (72, 3)
    with pytest.raises(InputError, match="chain 'C'"):
        protein_chains(structure, ["C"])
