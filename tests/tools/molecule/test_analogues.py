"""The search for analogues on real molecules: nearer the goals, near the parent, the kept part kept, the same again."""

import pytest
from rdkit import Chem

from tools.molecule.analogues import MIN_SIMILARITY, Search, find_analogues
from tools.molecule.goals import MEASURES, parse_goals
from tools.molecule.parse import canonical_parent
from tools.molecule.similarity import similarity

SORAFENIB = "CNC(=O)c1cc(Oc2ccc(NC(=O)Nc3ccc(Cl)c(C(F)(F)F)c3)cc2)ccn1"
SHORT = Search(rounds=4, size=12, children=24)


@pytest.fixture(scope="module")
def goals():
    return parse_goals(["log_p <= 4", "solubility up"], Chem.MolFromSmiles(SORAFENIB))


@pytest.fixture(scope="module")
def found(goals):
    return find_analogues(SORAFENIB, goals, keep=Chem.MolFromSmarts("NC(=O)N"), search=SHORT, seed=3)


def test_the_best_is_nearer_the_goals_than_the_parent(found, goals):
    best = Chem.MolFromSmiles(found[0].smiles)
    for goal in goals:
        parent, child = MEASURES[goal.score](Chem.MolFromSmiles(SORAFENIB)).value, MEASURES[goal.score](best).value
        assert goal.desirability(child) > goal.desirability(parent)


def test_every_analogue_keeps_the_part_and_stays_near(found):
    pattern = Chem.MolFromSmarts("NC(=O)N")
    parent = canonical_parent(SORAFENIB)
    for one in found:
        assert Chem.MolFromSmiles(one.smiles).HasSubstructMatch(pattern)
        assert one.similarity == pytest.approx(similarity(parent, one.smiles))
        assert one.similarity >= MIN_SIMILARITY
    assert parent not in {one.smiles for one in found}
    assert len({one.smiles for one in found}) == len(found)


def test_they_come_best_first_and_the_same_again(found, goals):
    assert [one.worth for one in found] == sorted((one.worth for one in found), reverse=True)
    again = find_analogues(SORAFENIB, goals, keep=Chem.MolFromSmarts("NC(=O)N"), search=SHORT, seed=3)
    assert again == found
    assert find_analogues(SORAFENIB, goals, search=SHORT, seed=4) != found


def test_what_a_model_proposes_takes_part(goals):
    asked = []

    def model(parents, n, seed):
        asked.append((tuple(parents), n, seed))
        return ["CNC(=O)c1cc(Oc2ccc(NC(=O)Nc3ccc(F)c(CO)c3)cc2)ccn1", "C"]

    found = find_analogues(SORAFENIB, goals, search=Search(rounds=2, size=5, children=10), seed=1, model=model)
    assert len(asked) == 2
    assert any(one.origin == "model" for one in found)
    assert all(one.smiles != "C" for one in found)


def test_it_stops_when_asked(goals):
    assert find_analogues(SORAFENIB, goals, search=SHORT, should_stop=lambda: True) == []
