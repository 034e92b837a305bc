"""Other spellings of reaction inputs: the same molecules, distinct prompts, each reactant first in turn."""

from __future__ import annotations

import pytest
from rdkit import Chem

from models.errors import ModelInputError
from models.reactions.spelled_inputs import molecules_of, spell_inputs
from models.task_inputs import Asked, understand

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def product(smiles: str) -> Asked:
    return understand("retrosynthesis", 0, {"id": "p", "product": smiles})


def reactants(*smiles: str) -> Asked:
    return understand("reaction", 0, {"id": "r", "reactants": list(smiles)})


def test_spellings_of_a_product_are_the_same_molecule_and_differ() -> None:
    found = spell_inputs("retrosynthesis", product(ASPIRIN), 12, seed=7)
    assert found[0].prompt == f"<MoleculeS>{ASPIRIN}<MoleculeE><ReverseReact>"
    assert [one.name for one in found] == ["p", *(f"p/{at}" for at in range(1, 12))]
    texts = [smiles for one in found for smiles in molecules_of(one.prompt)]
    assert len(set(texts)) == 12
    assert {Chem.CanonSmiles(text) for text in texts} == {ASPIRIN}
    assert found == spell_inputs("retrosynthesis", product(ASPIRIN), 12, seed=7)
    assert found != spell_inputs("retrosynthesis", product(ASPIRIN), 12, seed=8)


def test_small_molecules_have_fewer() -> None:
    assert len(spell_inputs("retrosynthesis", product("CO"), 6, seed=0)) == 2
    assert len(spell_inputs("reaction", reactants("C"), 6, seed=0)) == 1


def test_each_reactant_comes_first_in_turn() -> None:
    found = spell_inputs("reaction", reactants("CC(=O)Cl", "Nc1ccccc1", "CCN(CC)CC"), 7, seed=1)
    sides = [[Chem.CanonSmiles(smiles) for smiles in molecules_of(one.prompt)] for one in found]
    assert sides[0] == ["CC(=O)Cl", "Nc1ccccc1", "CCN(CC)CC"]
    assert {tuple(sorted(side)) for side in sides} == {tuple(sorted(sides[0]))}
    assert [side[0] for side in sides] == [sides[0][turn % 3] for turn in range(7)]
    assert all(one.prompt.endswith("<MoleculeE><React>") for one in found)
    assert len({one.prompt for one in found}) == 7


def test_what_cannot_be_spelled_is_told() -> None:
    with pytest.raises(ModelInputError, match="task molecule has one spelling"):
        spell_inputs("molecule", understand("molecule", 0, {}), 2, seed=0)
    with pytest.raises(ModelInputError, match="from 1 to 100, got 0"):
        spell_inputs("reaction", reactants("C"), 0, seed=0)
    assert len(spell_inputs("molecule", understand("molecule", 0, {}), 1, seed=0)) == 1
