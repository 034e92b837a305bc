"""Properties of mutation and crossover over real drugs."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from tools.errors import InputError
from tools.molecule.approved_drugs import load_approved_drugs
from tools.molecule.check_reactive import check_reactive
from tools.molecule.check_sanitise import check_sanitise
from tools.molecule.crossover import crossover
from tools.molecule.mutate import OPERATORS, mutate
from tools.molecule.offspring import NoOffspringError, NotViable, viable_smiles
from tools.molecule.parse import canonical_parent, parse_smiles
from tools.molecule.similarity import similarity

SIZED = [d.smiles for d in load_approved_drugs() if 20 <= parse_smiles(d.smiles).GetNumHeavyAtoms() <= 35]
SEEDS = st.integers(0, 2**31 - 1)
PROPERTY = settings(max_examples=50, deadline=None)


def assert_sound(child: str, parents: list[str], low: int = 20, high: int = 35) -> None:
    assert check_sanitise(child).passed
    assert canonical_parent(child) == child
    assert child not in parents
    mol = parse_smiles(child)
    assert low <= mol.GetNumHeavyAtoms() <= high
    assert Chem.GetFormalCharge(mol) == 0
    groups = set(check_reactive(mol).details["groups"])
    inherited = {g for p in parents for g in check_reactive(parse_smiles(p)).details["groups"]}
    assert groups <= inherited


@PROPERTY
@given(smiles=st.sampled_from(SIZED), seed=SEEDS)
def test_mutants_are_sound_and_reproducible(smiles, seed):
    child = mutate(smiles, seed)
    assert_sound(child, [smiles])
    assert mutate(smiles, seed) == child
    spelling = Chem.MolToRandomSmilesVect(parse_smiles(smiles), 1, randomSeed=seed)[0]
    assert mutate(spelling, seed) == child


@PROPERTY
@given(first=st.sampled_from(SIZED), second=st.sampled_from(SIZED), seed=SEEDS)
def test_children_are_sound_and_reproducible(first, second, seed):
    try:
        child = crossover(first, second, seed)
    except NoOffspringError:  # a rigid parent without a bond to cut; how often is the next test's matter
        return
    assert_sound(child, [first, second])
    assert crossover(first, second, seed) == child


def test_crossover_nearly_always_finds_a_child():
    pairs = list(pairwise(SIZED))
    found = 0
    for seed, (first, second) in enumerate(pairs):
        try:
            crossover(first, second, seed)
            found += 1
        except NoOffspringError:
            continue
    assert found >= 0.8 * len(pairs)


def test_a_child_resembles_both_parents():
    first, second = SIZED[0], SIZED[1]
    children = [crossover(first, second, seed) for seed in range(12)]
    assert len(set(children)) > 6
    for parent in (first, second):
        near = sum(similarity(child, parent) for child in children) / len(children)
        assert near > 0.25


def test_mutants_stay_close_and_vary():
    children = [mutate(SIZED[0], seed) for seed in range(30)]
    assert len(set(children)) > 20
    assert sum(similarity(child, SIZED[0]) for child in children) / 30 > 0.5


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_finds_work_on_some_drug(name):
    operator, weight = OPERATORS[name]
    made = 0
    for seed, smiles in enumerate(SIZED * 3):
        parent = parse_smiles(smiles)
        try:
            viable_smiles(operator(parent, Random(seed)), [parent], 15, 40)
            made += 1
        except NotViable:
            continue
    assert weight > 0
    assert made >= 3


def test_a_parent_outside_the_band_is_moved_towards_it():
    imatinib = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"
    smaller = mutate(imatinib, 3)
    assert parse_smiles(smaller).GetNumHeavyAtoms() < 37
    larger = mutate("CCOc1ccccc1", 3)
    assert parse_smiles(larger).GetNumHeavyAtoms() > 9


def test_permanent_charges_are_inherited_and_never_added():
    nitro = "COc1ccc([N+](=O)[O-])cc1C(=O)Nc1ccc(C)cc1C"
    for seed in range(20):
        child = parse_smiles(mutate(nitro, seed))
        assert Chem.GetFormalCharge(child) == 0
        assert sum(a.GetFormalCharge() != 0 for a in child.GetAtoms()) <= 2


def test_impossible_requests_are_input_errors():
    with pytest.raises(NoOffspringError, match="seed 1"):
        mutate("[He]", 1, min_heavy_atoms=1)
    with pytest.raises(NoOffspringError):
        crossover("c1ccccc1", "C1CCCCC1", 1)
    with pytest.raises(InputError, match="empty"):
        mutate("CCO", 1, min_heavy_atoms=30, max_heavy_atoms=20)
    with pytest.raises(InputError, match="max_attempts"):
        crossover("CCO", "CCN", 1, max_attempts=0)
    with pytest.raises(InputError, match="does not parse"):
        mutate("c1ccc", 1)


@pytest.mark.parametrize(
    "edited",
    [
        "c1cc2ccc1CC2",
        "C1=CC1CCCCCC",
        "CCC(O)OO",
        "CC=C=CC",
        "CC(O)(O)CCC",
        "CCC(=O)Cl",
        "[CH2]CCCC",
        "CCCC[N+](C)(C)C",
        "CC.CCC",
    ],
)
def test_implausible_edits_are_refused(edited):
    parent = parse_smiles("CCCCCCC")
    with pytest.raises(NotViable):
        viable_smiles(Chem.MolFromSmiles(edited), [parent], 1, 30)
