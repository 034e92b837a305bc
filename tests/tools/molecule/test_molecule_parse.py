import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from tools.errors import InputError
from tools.molecule.approved_drugs import load_approved_drugs
from tools.molecule.parse import canonical_parent, canonical_smiles, neutral_parent, parse_smiles

DRUGS = [drug.smiles for drug in load_approved_drugs()]


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("CCO ethanol", "white space"),
        ("CCO–", "contains '–'"),
        ("c1ccc", "syntax"),
        ("C(C", "syntax"),
        ("FC(F)(F)(F)F", "valence"),
        ("c1cccc1", "kekulize"),
    ],
)
def test_bad_smiles_is_named_with_its_reason(smiles, reason):
    with pytest.raises(InputError, match=reason) as caught:
        parse_smiles(smiles)
    assert repr(smiles.strip()) in str(caught.value) or repr(smiles) in str(caught.value)


@pytest.mark.parametrize(
    ("written", "parent"),
    [
        ("CC(=O)[O-]", "CC(=O)O"),
        ("C[NH3+]", "CN"),
        ("[NH3+]CC(=O)[O-]", "NCC(=O)O"),
        ("C[N+](C)(C)C", "C[N+](C)(C)C"),
        ("C[N+](=O)[O-]", "C[N+](=O)[O-]"),
        ("O=C([O-])C[N+](C)(C)C", "C[N+](C)(C)CC(=O)[O-]"),
        ("[CH3:4][OH:2]", "CO"),
        ("[H]/N=C(/N)C", "CC(=N)N"),
    ],
)
def test_neutral_parent_keeps_only_permanent_charges(written, parent):
    assert canonical_parent(written) == parent


def test_salt_needs_the_largest_fragment_asked_for():
    with pytest.raises(InputError, match="2 disconnected parts"):
        canonical_parent("CC[NH3+].[Cl-]")
    assert canonical_parent("CC[NH3+].[Cl-]", largest_fragment=True) == "CCN"


def test_the_input_molecule_is_not_changed():
    mol = parse_smiles("[CH3:1]C(=O)[O-]")
    before = Chem.MolToCXSmiles(mol)
    neutral_parent(mol)
    assert Chem.MolToCXSmiles(mol) == before


@settings(max_examples=100, deadline=None)
@given(smiles=st.sampled_from(DRUGS), seed=st.integers(0, 2**31 - 1))
def test_identity_does_not_depend_on_the_spelling(smiles, seed):
    spelling = Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(smiles), 1, randomSeed=seed)[0]
    assert canonical_parent(spelling) == smiles
    assert canonical_smiles(parse_smiles(smiles)) == smiles
