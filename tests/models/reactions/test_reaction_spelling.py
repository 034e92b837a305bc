"""Aligned spellings name the same molecules, the same way every time, and share more text than others do."""

import random
from difflib import SequenceMatcher

import pytest
from rdkit import Chem

from models.reactions.spelling import AlignedReaction, match_atoms, rooted_spellings

# An esterification, an amide coupling, a Suzuki coupling, a deprotection with a stereo centre.
REACTIONS = [
    ("CC(=O)O.OCc1ccccc1", "CC(=O)OCc1ccccc1"),
    ("O=C(O)c1ccc(Cl)nc1.NCC1CCOCC1", "O=C(NCC1CCOCC1)c1ccc(Cl)nc1"),
    ("OB(O)c1ccc2ncccc2c1.Brc1ccc(C#N)cc1", "N#Cc1ccc(-c2ccc3ncccc3c2)cc1"),
    ("CC(C)(C)OC(=O)N[C@@H](Cc1ccccc1)C(=O)OC", "COC(=O)[C@@H](N)Cc1ccccc1"),
]
MAPPED = ("[CH3:1][C:2](=[O:3])[OH:9].[OH:4][CH3:5]", "[CH3:1][C:2](=[O:3])[O:4][CH3:5]")


def canonical(smiles: str) -> str:
    return Chem.MolToSmiles(Chem.MolFromSmiles(smiles))


@pytest.mark.parametrize(("reactants", "product"), [*REACTIONS, MAPPED])
def test_both_directions_spell_the_same_molecules(reactants, product):
    def plain(smiles):
        mol = Chem.MolFromSmiles(smiles)
        for atom in mol.GetAtoms():
            atom.SetAtomMapNum(0)
        return Chem.MolToSmiles(mol)

    reaction = AlignedReaction(reactants, product)
    for seed in range(10):
        rng = random.Random(seed)
        written_product, written_reactants = reaction.retrosynthesis(rng)
        assert canonical(written_product) == plain(product)
        assert canonical(".".join(written_reactants)) == plain(reactants)
        written_reactants, written_product = reaction.forward(rng)
        assert canonical(written_product) == plain(product)
        assert canonical(".".join(written_reactants)) == plain(reactants)
        assert "".join(written_reactants).count(":") == 0
    assert reaction.retrosynthesis(random.Random(3)) == reaction.retrosynthesis(random.Random(3))


def test_aligned_sides_share_more_text_than_sides_spelled_apart():
    def shared(one, other):
        blocks = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
        return sum(block.size for block in blocks) / len(one)

    aligned = apart = 0.0
    for reactants, product in REACTIONS:
        for seed in range(10):
            written, others = AlignedReaction(reactants, product).retrosynthesis(random.Random(seed))
            aligned += shared(written, ".".join(others))
            others = [rooted_spellings(smiles, 2, seed)[-1] for smiles in reactants.split(".")]
            apart += shared(written, ".".join(others))
    assert aligned > 1.15 * apart


def test_atoms_are_matched_across_an_amide_coupling():
    reactants, product = REACTIONS[1]
    right, left = Chem.MolFromSmiles(product), Chem.MolFromSmiles(reactants)
    matched = match_atoms(right, left)
    assert len(matched) == right.GetNumAtoms()
    assert len(set(matched.values())) == len(matched)
    assert all(right.GetAtomWithIdx(a).GetSymbol() == left.GetAtomWithIdx(b).GetSymbol() for a, b in matched.items())
    (amide,) = [a.GetIdx() for a in right.GetAtoms() if a.GetSymbol() == "N" and not a.GetIsAromatic()]
    assert left.GetAtomWithIdx(matched[amide]).GetTotalNumHs() == 2  # the amine's nitrogen


def test_rooted_spellings_are_distinct_seeded_and_begin_with_the_canonical_one():
    aspirin = "CC(=O)Oc1ccccc1C(=O)O"
    spellings = rooted_spellings(aspirin, 8, seed=1)
    assert spellings[0] == canonical(aspirin)
    assert len(set(spellings)) == 8
    assert {canonical(s) for s in spellings} == {canonical(aspirin)}
    assert rooted_spellings(aspirin, 8, seed=1) == spellings != rooted_spellings(aspirin, 8, seed=2)
    assert rooted_spellings("C", 20) == ("C",)


@pytest.mark.parametrize(
    ("reactants", "product", "reason"),
    [("CCO", "not", "RDKit can read"), ("C(", "CCO", "RDKit can read"), ("CCO", "CC.O", "one connected molecule")],
)
def test_what_cannot_be_spelled_is_refused(reactants, product, reason):
    with pytest.raises(ValueError, match=reason):
        AlignedReaction(reactants, product)
