"""The SMILES automaton against RDKit's reader: nothing malformed passes, nothing usual is refused, every state ends."""

import random
from itertools import product

import pytest
from rdkit import Chem, rdBase

from models.grammar.smiles_lexer import TRANSITIONS
from models.grammar.smiles_state import SmilesState, is_well_formed

DRUGS = """
    CC(=O)Oc1ccccc1C(=O)O CN1C=NC2=C1C(=O)N(C(=O)N2C)C CC(C)Cc1ccc(cc1)[C@@H](C)C(=O)O
    CN1CCC[C@H]1c1cccnc1 C[C@@H]1CC2C3C[C@H](F)C4=CC(=O)C=C[C@]4(C)C3(F)[C@@H](O)C[C@]2(C)[C@@]1(O)C(=O)CO
    COc1cc2c(cc1OCCCN1CCOCC1)c(ncn2)Nc1ccc(F)c(Cl)c1 O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O
    CN(C)CCOC(c1ccccc1)c1ccccc1.Cl C/C=C/C(=O)N[C@@H]1C(=O)N2[C@@H](C(=O)O)C(C)(C)S[C@@H]12
    [Na+].[O-]S(=O)(=O)c1ccc(/N=N/c2ccc(cc2)N(C)C)cc1 N[Pt@SP1](N)(Cl)Cl c1ccc2c(c1)[nH]c1ccccc12
    CC1(C)SC2C(NC(=O)Cc3ccccc3)C(=O)N2C1C(=O)[O-] [O][Zn][O] [Cu]<-[OH2] C1->[Zn]<-2OC=O->2O1 [13CH3][C:12](=O)[2H]
    B1OB2OB(O1)O2 c1cc[se]c1 OC[P+](C)(C)C F[C@H](Cl)Br C%10CCCCC%10 C%(100)CC%(100) *C#N [*:1]c1ccccc1 C$C N~N
""".split()  # noqa: SIM905
MALFORMED = """
    C( C() (C) C) C(C C1 C11 C1C1 C12CC12 C== C= =C . C. C..C C(.C) C.(C) C(=) C(1CC1) C%1 C%01CC1 [C [] C] [Xx]
    [CC] [C+-] [C@@@H] [CH+-] [C:] [C:01] [+] [2] C(C1)1 C((C)) %10 1CC1 Xy [C@SP4] [C@TB21] [sn] [01C] C-(C) se
    C=.C C1.C12.C2=
""".split()  # noqa: SIM905


def read(smiles: str) -> bool:
    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(smiles, sanitize=False) is not None


@pytest.mark.parametrize("smiles", DRUGS)
def test_real_molecules_are_well_formed(smiles):
    assert is_well_formed(smiles)
    assert read(smiles)


@pytest.mark.parametrize("smiles", MALFORMED)
def test_malformed_ones_are_refused(smiles):
    assert not is_well_formed(smiles)
    assert not read(smiles)


@pytest.mark.parametrize("smiles", ["C=1CC#1", "C-1CC=1", "C:1CC-1", "C->1CC=1"])
def test_two_bond_symbols_of_a_closure_have_to_agree_though_rdkit_does_not_ask(smiles):
    assert not is_well_formed(smiles)
    assert is_well_formed(smiles.replace(smiles[-2], "", 1) if smiles.count(smiles[-2]) == 1 else smiles[:-2] + "1")


def test_every_short_text_over_the_delicate_characters_is_judged_as_rdkit_does():
    """All 66,429 texts of up to five of nine characters."""
    differing = [
        text
        for length in range(1, 6)
        for characters in product("C1=()[H].", repeat=length)
        if is_well_formed(text := "".join(characters)) != read(text)
    ]
    assert differing == []


def moves(state: SmilesState) -> list[tuple[str, SmilesState]]:
    found = []
    for character, step in TRANSITIONS[state.lexer].items():
        after = state.copy()
        if after.apply(*step):
            found.append((character, after))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_random_beginnings_can_be_finished_within_their_cost_and_rdkit_reads_them(seed):
    rng = random.Random(seed)
    for _ in range(60):
        state, text = SmilesState(), ""
        wish = 10 * rng.random()
        for _ in range(rng.randint(1, 50)):
            options = moves(state)
            weights = [wish if c.isdigit() else 3 if c in "C(%" else 0.5 if c in ".<-" else 1 for c, _ in options]
            ((character, state),) = rng.choices(options, weights)
            text += character
        while not state.complete:
            cost = state.finish_cost(short_rings=10)
            best, character, state = min((after.finish_cost(10), c, after) for c, after in moves(state))
            assert best < cost, text
            text += character
        assert state.finish_cost(10) == 0
        assert read(text), text


def test_a_refused_character_leaves_the_state_as_it_was():
    state = SmilesState()
    assert state.feed("C1C1") == 3  # a ring bond between atoms already bonded
    assert state.feed("C1") == 2
    assert state.complete


def test_the_cost_counts_what_is_open():
    def cost(text: str, short_rings: int = 10) -> int:
        state = SmilesState()
        assert state.feed(text) == len(text)
        return state.finish_cost(short_rings)

    assert cost("") == 1
    assert cost("C") == 0
    assert cost("C(") == 2
    assert cost("C(C(C") == 2
    assert cost("C1CC") == 1
    assert cost("C1") == 3  # two more atoms, then the closure
    assert cost("C12CC") == 3  # both rings to the same atom: one more atom
    assert cost("C(CC1") == 2  # closed where the branch began
    assert cost("C=") == 1
    assert cost("[") == 2
    assert cost("C%42CC") == 3
    assert cost("C%42CC", short_rings=43) == 1
    assert cost("CC%4") == 6  # the last digit, two atoms, the closure in three characters
