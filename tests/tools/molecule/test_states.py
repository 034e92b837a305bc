import pytest
from rdkit import Chem

from tools.errors import InputError
from tools.molecule.parse import canonical_parent, parse_smiles
from tools.molecule.states import enumerate_states, has_undefined_stereo

IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"


@pytest.mark.parametrize(
    ("name", "smiles", "likeliest"),
    [
        ("acetic acid, pKa 4.8", "CC(=O)O", -1),
        ("propylamine, pKa 10.6", "CCCN", 1),
        ("benzene", "c1ccccc1", 0),
        ("glycine", "NCC(=O)O", 0),
        ("sorafenib, a neutral urea", "CNC(=O)c1cc(Oc2ccc(NC(=O)Nc3ccc(Cl)c(C(F)(F)F)c3)cc2)ccn1", 0),
        ("benzamidine, pKa 11.6", "NC(=N)c1ccccc1", 1),
        ("choline", "C[N+](C)(C)CCO", 1),
    ],
)
def test_likeliest_charge_at_physiological_ph(name, smiles, likeliest):
    assert enumerate_states(smiles)[0].formal_charge == likeliest, name


def test_states_are_bounded_distinct_and_share_the_parent():
    states = enumerate_states(IMATINIB, max_states=2)
    assert 1 < len(states) <= 2
    assert len({state.smiles for state in states}) == len(states)
    assert {canonical_parent(state.smiles) for state in states} == {canonical_parent(IMATINIB)}
    for state in states:
        assert Chem.GetFormalCharge(parse_smiles(state.smiles)) == state.formal_charge


def test_a_longer_list_begins_with_the_shorter_one():
    assert enumerate_states(IMATINIB, max_states=4)[:1] == enumerate_states(IMATINIB, max_states=1)


def test_order_is_the_same_for_every_spelling():
    spellings = Chem.MolToRandomSmilesVect(parse_smiles(IMATINIB), 5, randomSeed=3)
    assert {tuple(enumerate_states(text)) for text in spellings} == {tuple(enumerate_states(IMATINIB))}


def test_defined_stereo_is_kept_and_open_stereo_is_enumerated_and_reported():
    (ibuprofen,) = enumerate_states("CC(C)Cc1ccc([C@H](C)C(=O)O)cc1")
    assert not ibuprofen.undefined_stereo
    both = enumerate_states("CC(C)Cc1ccc(C(C)C(=O)O)cc1")
    assert all(state.undefined_stereo for state in both)
    assert ibuprofen.smiles in {state.smiles for state in both}
    assert len(both) == 2


def test_stereoisomers_are_limited_and_reproducible():
    sugar = "OCC1OC(O)C(O)C(O)C1O"
    assert len(enumerate_states(sugar)) == 4
    assert enumerate_states(sugar) == enumerate_states(sugar)
    assert len(enumerate_states(sugar, max_stereoisomers=2)) == 2


def test_an_imine_hydrogen_is_no_open_stereo():
    assert not has_undefined_stereo(parse_smiles("NC(=N)NCCC"))
    assert has_undefined_stereo(parse_smiles("CC=CC"))


@pytest.mark.parametrize(
    "arguments", [{"ph": 15.0}, {"ph_tolerance": -1.0}, {"max_states": 0}, {"max_stereoisomers": 0}]
)
def test_impossible_settings_are_input_errors(arguments):
    with pytest.raises(InputError):
        enumerate_states("CCO", **arguments)


@pytest.mark.parametrize(
    ("parent", "likeliest"),
    [
        ("CC(=O)Nc1ccc(O)cc1", "CC(=O)Nc1ccc(O)cc1"),  # paracetamol, pKa 9.5
        ("CN1CCN(Cc2ccccc2)CC1", "CN1CC[NH+](Cc2ccccc2)CC1"),  # a piperazine takes one proton
        ("CC(=O)O", "CC(=O)[O-]"),
        ("NCc1ccccc1", "[NH3+]Cc1ccccc1"),
    ],
)
def test_the_likeliest_state_comes_first(parent: str, likeliest: str) -> None:
    assert enumerate_states(parent, max_states=1)[0].smiles == likeliest
