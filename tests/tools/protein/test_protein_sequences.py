"""Proteins as sequences: published numbers, standard notation, conserved residues of named proteins."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.errors import InputError
from tools.protein.check_motifs import check_motifs
from tools.protein.check_mutations import check_mutations
from tools.protein.check_residues import check_residues
from tools.protein.draw_mutations import draw_mutations
from tools.protein.known_proteins import AVGFP, GB1, KNOWN_PROTEINS, LYSOZYME, TEM1, known_protein, recognise
from tools.protein.mutations import AMINO_ACIDS, Mutation, find_mutations, list_mutations, make_mutations
from tools.protein.propose_substitutions import propose_substitutions
from tools.protein.sequence_numbers import charge_of, hydropathy_of, mass_of, need_residues
from tools.protein.substitution_matrix import BLOSUM62, substitution, substitution_change
from tools.registry import TOOLS
from tools.types import Verdict

GFP = AVGFP.sequence
SEQUENCES = st.text(AMINO_ACIDS, min_size=1, max_size=60)
CHECKS = {"residues": check_residues, "mutations": check_mutations, "motifs": check_motifs}


def gfp(mutations: str) -> str:
    return make_mutations(GFP, find_mutations(mutations))


# name: (arguments that pass, arguments that fail, a word of the reason)
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "residues": ({"sequence": GFP}, {"sequence": "MKB" + GFP}, "residue 3 is 'B'"),
    "mutations": (
        {"sequence": gfp("F64L S65T"), "wild_type": GFP},
        {"sequence": gfp("F64L S65T"), "wild_type": GFP, "maximum_mutations": 1},
        "2 substitutions",
    ),
    "motifs": ({"sequence": gfp("S65T Q80R")}, {"sequence": gfp("Y66A E222G")}, "Y66 is A"),
}


def test_every_sequence_check_is_in_the_table() -> None:
    assert {name: TOOLS[name].load() for name in CHECKS} == CHECKS


@pytest.mark.parametrize("name", CASES)
def test_good_passes_bad_fails(name: str) -> None:
    good, bad, words = CASES[name]
    passed, failed = CHECKS[name](**good), CHECKS[name](**bad)
    assert (passed.name, passed.verdict, passed.reason) == (name, Verdict.PASS, "")
    assert failed.verdict is Verdict.FAIL
    assert words in failed.reason
    assert CHECKS[name](**bad) == failed


def test_published_numbers_of_lysozyme_and_gfp() -> None:
    """Masses of UniProt P00698 (mature) and P42212; charge and GRAVY as Biopython 1.88 computes them."""
    assert mass_of(LYSOZYME.sequence) == pytest.approx(14313, abs=1)
    assert mass_of(GFP) == pytest.approx(26886, abs=1)
    assert charge_of(LYSOZYME.sequence) == pytest.approx(7.3806, abs=1e-3)
    assert hydropathy_of(LYSOZYME.sequence) == pytest.approx(-0.47209, abs=1e-4)
    assert charge_of("DE", 12.0, termini=False) == pytest.approx(-2, abs=0.01)
    assert charge_of("KR", 2.0, termini=False) == pytest.approx(2, abs=0.01)


def test_blosum62_is_the_published_matrix() -> None:
    """Rows W and A against C, and the diagonal, as in Henikoff and Henikoff's table."""
    assert len(BLOSUM62) == 210
    assert [substitution(one, one) for one in "ARNDCQEGHILKMFPSTWYV"] == [
        *(4, 5, 6, 6, 9, 5, 5, 6, 8, 4),
        *(4, 5, 5, 6, 7, 4, 5, 11, 7, 4),
    ]
    assert (substitution("W", "C"), substitution("A", "C"), substitution("I", "V")) == (-2, 0, 3)
    with pytest.raises(InputError):
        substitution("A", "X")
    assert substitution_change([Mutation("F", 64, "L"), Mutation("S", 65, "T")]) == (0 - 6) + (1 - 4)
    assert substitution_change([]) == 0


@given(SEQUENCES, st.data())
def test_mutations_are_listed_as_they_were_made(sequence: str, data: st.DataObject) -> None:
    variant = "".join(data.draw(st.sampled_from(AMINO_ACIDS)) for _ in sequence)
    first = data.draw(st.integers(1, 300))
    found = list_mutations(sequence, variant, first)
    assert make_mutations(sequence, found, first) == variant
    assert find_mutations(" and ".join(map(str, found))) == found


def test_mutations_are_read_from_a_sentence() -> None:
    assert find_mutations("brighter, with S65T/F64L (not A-12 or GFP2A)") == [
        Mutation("S", 65, "T"),
        Mutation("F", 64, "L"),
    ]
    with pytest.raises(InputError, match="residue 65 is S, not A"):
        make_mutations(GFP, find_mutations("A65T"))
    with pytest.raises(InputError, match="residues 1 to 238"):
        make_mutations(GFP, find_mutations("A999T"))
    with pytest.raises(InputError, match="only substitutions"):
        list_mutations("ACD", "AC")


@pytest.mark.parametrize("protein", KNOWN_PROTEINS, ids=lambda protein: protein.accession)
def test_known_proteins_have_their_conserved_residues(protein: Any) -> None:
    assert set(protein.sequence) <= set(AMINO_ACIDS)
    for one in protein.conserved:
        assert protein.sequence[one.position - 1] == one.allowed[0]
        assert one.doi.startswith("10.")
    for name in (*protein.names, protein.accession, protein.names[0].lower()):
        assert known_protein(name) is protein
    assert check_motifs(protein.sequence).verdict is (Verdict.PASS if protein.conserved else Verdict.UNKNOWN)


def test_lengths_are_those_of_uniprot() -> None:
    assert [len(protein.sequence) for protein in (AVGFP, GB1, LYSOZYME, TEM1)] == [238, 56, 129, 286]


def test_variants_are_recognised_with_their_numbering() -> None:
    assert recognise(GFP[1:]) is not None
    assert recognise(GFP[1:])[1] == 2  # type: ignore[index]
    enhanced = "MV" + gfp("F64L S65T H231L")[1:]  # EGFP: a valine after Met, which is not counted
    found = recognise(enhanced)
    assert found is not None
    assert (found.protein, found.first_number) == (AVGFP, 0)
    assert check_motifs(enhanced).verdict is Verdict.PASS
    assert recognise("A" * 238) is None
    assert known_protein("insulin") is None


def test_motifs_of_an_unknown_protein_are_unknown() -> None:
    assert check_motifs("A" * 60).verdict is Verdict.UNKNOWN
    assert check_motifs(GFP, protein="lysozyme").verdict is Verdict.UNKNOWN
    with pytest.raises(InputError, match="not a protein known"):
        check_motifs(GFP, protein="nothing")


def test_a_wild_type_or_another_length_is_no_variant() -> None:
    assert check_mutations(GFP, GFP).reason == "it is the wild type"
    assert "237 residues" in check_mutations(GFP[1:], GFP).reason
    assert check_mutations(gfp("S65T")[1:], GFP[1:], first_number=2).value == "S65T"


def test_residues_are_read_as_people_paste_them() -> None:
    assert need_residues(" mske\nGEEL ") == "MSKEGEEL"
    for broken in ("", "   ", "MK*", "MKX"):
        with pytest.raises(InputError):
            need_residues(broken)


def test_proposals_keep_what_is_protected_and_are_likely_exchanges() -> None:
    protected = {0, *(one.position - 1 for one in AVGFP.conserved)}
    found = propose_substitutions(GFP, 40, 3, seed=1, protected=protected)
    assert len(set(found)) == 40
    assert found == propose_substitutions(GFP, 40, 3, seed=1, protected=protected)
    assert found != propose_substitutions(GFP, 40, 3, seed=2, protected=protected)
    made = [mutation for variant in found for mutation in list_mutations(GFP, variant)]
    assert max(len(list_mutations(GFP, variant)) for variant in found) == 3
    assert not {mutation.number - 1 for mutation in made} & protected
    assert not {mutation.new for mutation in made} & set("CPG")
    mean = sum(substitution(mutation.old, mutation.new) for mutation in made) / len(made)
    assert mean > -0.8  # evenly drawn exchanges have about -1.3
    with pytest.raises(InputError, match="protected"):
        propose_substitutions("ACA", 1, 1, 0, protected={0, 2})


def test_the_strip_names_every_substitution_without_overlap() -> None:
    mutations = find_mutations("F64L S65T V68L S72A T203Y")
    root = ElementTree.fromstring(draw_mutations(len(GFP), mutations))
    texts = list(root.iter("{http://www.w3.org/2000/svg}text"))
    named = {str(node.text): (float(node.get("x", "0")), float(node.get("y", "0"))) for node in texts}
    assert set(map(str, mutations)) <= set(named)
    places = [named[str(one)] for one in mutations]
    for at, (x, y) in enumerate(places):
        assert all(abs(x - other_x) > 30 or y != other_y for other_x, other_y in places[:at])
