"""Slots: structures told from words, names, handles, numbers with units, conditions, amounts, typing errors."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from rdkit import Chem

from models.chat.offline.amounts import read_amounts
from models.chat.offline.clauses import split_clauses
from models.chat.offline.mentions import read_mentions
from models.chat.offline.names import TRASTUZUMAB_HEAVY, TRASTUZUMAB_LIGHT, components, molecules, target_table
from models.chat.offline.requirements import read_requirements
from models.chat.offline.spelling import correct, distance, known_words, normalise
from models.chat.offline.structures import BadStructure, antibody_chain, read_sequence, read_smiles

SHARED = Path(__file__).resolve().parents[5] / "shared" / "data"
WORDS = "Icon Person CNS COPS SON on no so in Boc icon snoop I C797S T790M CO2 H2O 1iep M1 H3 2.5 logP<3 pIC50 NSCLC"
TARGETS = target_table(())


@pytest.mark.parametrize("word", WORDS.split())
def test_words_are_no_smiles(word: str) -> None:
    assert read_smiles(word) is None


@pytest.mark.parametrize(
    ("text", "smiles"),
    [("CCO", "CCO"), ("OCC", "CCO"), ("c1ccccc1O", "Oc1ccccc1"), ("[Na+].[Cl-]", "[Cl-].[Na+]"), ("ClCCl", "ClCCl")],
)
def test_smiles_are_read(text: str, smiles: str) -> None:
    assert read_smiles(text) == smiles


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("CC(=O)Oc1ccccc1C(=O", "brackets"),
        ("C1CCCCN(C)", "ring"),
        ("CC(C)(C)(C)(C)C", "valence"),
        ("c1cccc1(C)", "aromatic"),
    ],
)
def test_what_is_meant_as_smiles_but_is_none_is_told(text: str, why: str) -> None:
    found = read_smiles(text)
    assert isinstance(found, BadStructure)
    assert why in found.reason


def test_sequences_are_told_from_words_and_smiles() -> None:
    assert read_sequence("MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE")
    assert read_sequence("THISISNOTASEQUENCE") is None
    assert read_sequence("INTERNATIONAL") is None
    assert read_sequence("CCCCCCCCCCCCCCCC") is None
    assert antibody_chain(TRASTUZUMAB_HEAVY) == "heavy"
    assert antibody_chain(TRASTUZUMAB_LIGHT) == "light"


def test_every_molecule_of_the_table_is_in_rdkits_spelling() -> None:
    table = molecules()
    assert len({entry.name for entry in table.values()}) >= 150
    for name, entry in table.items():
        mol = Chem.MolFromSmiles(entry.smiles)
        assert mol is not None, name
        assert Chem.MolToSmiles(mol) == entry.smiles, name


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the data beside the checkout")
def test_molecules_are_what_the_component_dictionary_says() -> None:
    """Same connectivity as the wwPDB component of that code, charges aside."""
    with gzip.open(SHARED / "chem" / "pdb_ligands.tsv.gz", "rt", encoding="utf-8") as lines:
        known = {code: line.split("\t")[3] for line in lines if (code := line.split("\t")[0]) in components()}
        lines.seek(0)
        known = {row[0]: row[4] for row in (line.rstrip("\n").split("\t") for line in lines) if row[0] in components()}
    differing = [
        (code, entry.name)
        for code, entry in components().items()
        if code in known and _skeleton(known[code]) != _skeleton(entry.smiles)
    ]
    assert len(known) > 100
    assert differing == []


def _skeleton(smiles: str) -> str:
    mol = Chem.MolFromSmiles(smiles)
    return str(Chem.MolToInchiKey(mol))[:14]  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("text", "letter", "value"),
    [
        ("ligands for bcr-abl", "t", "ABL1"),
        ("block thrombin", "t", "F2"),
        ("ligands for met", "t", "MET"),
        ("the HER1 receptor", "t", "EGFR"),
        ("ligands for braf", "u", ""),
        ("pockets of 1IEP", "f", "1iep.pdb"),
        ("bond to Met318", "q", "MET318"),
        ("bond to A:THR315", "q", "A:THR315"),
        ("dock gleevec", "m", molecules()["imatinib"].smiles),
        ("dock asprin", "m", molecules()["aspirin"].smiles),
        ("mutate GFP", "n", "GFP"),
        ("a cdr for herceptin", "a", ""),
        ("EGFR T790M", "v", "T790M"),
    ],
)
def test_things_are_found(text: str, letter: str, value: str) -> None:
    assert (letter, value) in {(one.letter, one.value) for one in read_mentions(text, TARGETS).found}


@pytest.mark.parametrize(
    "text", ["we met yesterday", "a kit for this", "the chain is long", "i like 100 of them", "in 2024"]
)
def test_words_are_no_things(text: str) -> None:
    assert read_mentions(text, TARGETS).found == []


def test_a_handle_or_a_target() -> None:
    """F2 is thrombin, unless the conversation has a file of that handle."""
    as_target = read_mentions("dock CCO into F2", TARGETS).found
    as_file = read_mentions("dock CCO into F2", TARGETS, {"F2"}).found
    assert {(one.letter, one.value) for one in as_target} == {("m", "CCO"), ("t", "F2")}
    assert {(one.letter, one.value) for one in as_file} == {("m", "CCO"), ("h", "F2")}


@pytest.mark.parametrize(
    ("text", "constraints"),
    [
        ("QED above 0.4 and no PAINS", {"qed": ">=0.4", "pains": "none"}),
        ("mw 300-450 and logP < 3", {"mol_weight": "300..450", "logp": "<=3"}),
        ("logP between two and three", {"logp": "2..3"}),
        ("at most five rotatable bonds", {"rotatable_bonds": "<=5"}),
        ("QED über 0,5", {"qed": ">=0.5"}),
        ("molecular weight under 500 g/mol and over 200", {"mol_weight": "200..500"}),
        ("logp < 3 and 10 molecules", {"logp": "<=3"}),
        ("lighter than 400 Da, qed 0.6+", {"qed": ">=0.6", "mol_weight": "<=400"}),
        ("tpsa max 90, no pains or brenk alerts", {"tpsa": "<=90", "pains": "none", "brenk": "none"}),
        ("nothing of this kind, 5 molecules for 10 minutes", {}),
    ],
)
def test_conditions(text: str, constraints: dict[str, str]) -> None:
    assert read_requirements(normalise(text))[0].constraints() == constraints


def test_what_cannot_be_asked_for_is_told() -> None:
    found, _ = read_requirements("less than 5 hbd and ic50 below 10 nm")
    assert found.constraints() == {}
    assert len(found.notes) == 2


@pytest.mark.parametrize(
    ("text", "n", "minutes", "settings"),
    [
        ("a dozen ligands in half an hour", 12, 30, {}),
        ("five molecules for ten minutes, seed 42", 5, 10, {"seed": 42}),
        (
            "3 rounds with 64 molecules per round and 96 dockings",
            None,
            None,
            {"rounds": 3, "per_round": 64, "docking_calls": 96},
        ),
        ("three routes in at most 4 steps", None, None, {"n_routes": 3, "max_steps": 4}),
        ("8 variants with up to 3 mutations", 8, None, {"max_mutations": 3}),
        ("a couple of molecules, 1.5 hours", 2, 90, {}),
        ("egfr t790m 2nd 1iep", None, None, {}),
    ],
)
def test_amounts(text: str, n: int | None, minutes: float | None, settings: dict[str, int]) -> None:
    found, _ = read_amounts(normalise(text))
    assert (found.n, found.minutes, dict(found.settings)) == (n, minutes, settings)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("docck", "dock"),
        ("molcules", "molecules"),
        ("agianst", "against"),
        ("inhibtors", "inhibitors"),
        ("litrature", "literature"),
    ],
)
def test_typing_errors(typed: str, meant: str) -> None:
    assert correct(typed) == meant


def test_words_people_use_are_left_alone() -> None:
    words = [*known_words(), "maximize", "clock", "reactive", "finding", "searches", "weather", "promise", "butter"]
    assert [word for word in words if correct(word) != word] == []


@pytest.mark.parametrize(
    ("first", "second", "steps"), [("abc", "acb", 1), ("dock", "docck", 1), ("kitten", "sitting", 3)]
)
def test_distance(first: str, second: str, steps: int) -> None:
    assert distance(first, second, 5) == steps


def test_clauses() -> None:
    text = "find the pocket of §f0§, design ligands that beat §m1§ there and plan the synthesis of the best"
    assert len(split_clauses(text)) == 3
    assert split_clauses("increase qed and lower logp of §m0§") == ["increase qed and lower logp of §m0§"]
    assert split_clauses("hi, can you please dock §m0§ and §m1§ into §t2§?") == ["hi", "dock §m0§ and §m1§ into §t2§"]
