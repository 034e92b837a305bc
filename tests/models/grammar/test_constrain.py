"""GrammarState: real texts are never refused, the text may end exactly where it parses, prompts are read strictly."""

import re

import pytest

from models.grammar import GrammarError, parse, prompt_for, render, tags
from models.grammar import objects as go
from models.grammar.constrain import END_OF_TEXT, GrammarState, Units

MARKED = go.Protein("MKTAYIAKQR", (1, 4, 9))
HEAVY = go.Antibody("EVQLVESGGGLVQ", ((3, 5), (8, 8)))
TEXTS = [
    render(item)
    for item in (
        go.Molecule("CC(=O)Oc1ccccc1C(=O)O"),
        go.Protein("MKTAYIAKQR"),
        MARKED,
        go.Protein("MKTAYIAKQR", (1, 4, 9), expanded=True),
        HEAVY,
        go.Antibody("", ((0, 0),)),
        go.Material((go.Metal("[O][Zn]"), go.Metal("[Zn]"), go.Molecule("O=C([O-])c1ccc(C(=O)[O-])cc1"))),
        go.Complex((go.Protein("MKT"), MARKED), go.Molecule("CCN")),
        go.Reaction((go.Molecule("CCO"), go.Molecule("CC(=O)O")), (go.Molecule("CCOC(C)=O"),)),
        go.Retrosynthesis((go.Molecule("CCOC(C)=O"),), (go.Molecule("CCO"), go.Molecule("CC(=O)O"))),
        go.PocketSearch(go.Protein(MARKED.sequence), MARKED),
        go.PocketTransform(MARKED, go.Protein(MARKED.sequence, MARKED.pocket, expanded=True)),
        go.ProteinEdit(go.Protein("MKTAY"), go.Protein("MKAY")),
        go.CdrDesign((go.Antibody("DIQM"), HEAVY), ("ARDY",)),
        [go.Molecule("C"), go.Protein("MK"), go.Antibody("EV"), go.Material((go.Metal("[Zn]"), go.Molecule("CO")))],
    )
]
PIECE = re.compile("(" + "|".join(map(re.escape, tags.ALL_TAGS)) + ")")


def parses(text: str) -> bool:
    try:
        return bool(parse(text))
    except GrammarError:
        return False


def generating(prompt: str = "", stop: tuple[str, ...] = ()) -> GrammarState:
    state = GrammarState()
    state.read_prompt(prompt, stop)
    return state


def write(state: GrammarState, text: str) -> None:
    for piece in filter(None, PIECE.split(text)):
        if piece in tags.ALL_TAGS:
            assert piece in state.next_tags(), piece
            state.feed_tag(piece)
        else:
            assert state.feed_text(piece) == len(piece), piece


@pytest.mark.parametrize("text", TEXTS)
def test_every_kind_of_text_may_be_generated_and_ends_where_it_parses(text):
    state, so_far = generating(), ""
    for piece in filter(None, PIECE.split(text)):
        for unit in [piece] if piece in tags.ALL_TAGS else piece:
            cost = state.cost()
            write(state, unit)
            so_far += unit
            assert (END_OF_TEXT in state.next_tags()) == parses(so_far), so_far
            assert cost >= 1
    state.feed_tag(END_OF_TEXT)
    assert state.ended
    assert state.cost() == 0


@pytest.mark.parametrize("text", TEXTS)
def test_any_beginning_may_be_the_prompt(text):
    for cut in range(len(text) + 1):
        beginning = text[:cut]
        if "<" in PIECE.sub("", beginning):
            continue  # in the middle of a tag
        state = generating(beginning)
        write(state, text[cut:])
        assert END_OF_TEXT in state.next_tags()


@pytest.mark.parametrize(
    ("prompt", "position", "expected"),
    [
        ("hello", 0, "<ProteinS>"),
        ("<ProteinS>MK1", 12, "residues"),
        ("<MoleculeS>CC)", 13, "a SMILES"),
        ("<MoleculeS>C1C1", 14, "a SMILES"),
        ("<MoleculeS>C<MoleculeE><Search>", 23, "<React>"),
        ("<ProteinS>MKT<ProteinE><Search><ProteinS>MT", 42, "the given chain"),
        ("<ProteinS>MK<ProteinE><Search><ProteinS>MK", 41, "<PocketS>"),
        ("<MoleculeS><MoleculeE>", 11, "a SMILES"),
        ("<MoleculeS>C C<MoleculeE>", 12, "a SMILES"),
    ],
)
def test_a_prompt_that_is_no_beginning_is_refused_with_its_place(prompt, position, expected):
    with pytest.raises(GrammarError) as raised:
        generating(prompt)
    assert raised.value.position == position
    assert expected in raised.value.expected


def test_finished_spans_of_a_prompt_are_taken_as_they_are():
    odd = "<MoleculeS>[#6]C=1CC#1<MoleculeE><ReverseReact>"
    assert generating(odd).next_tags() == (tags.MOLECULE.open,)
    assert tags.PROTEIN.open in generating("<ProteinS>MXBZ<ProteinE>").next_tags()


def test_generated_residues_are_the_twenty_and_in_an_edit_those_of_the_parent():
    assert generating("<ProteinS>MX").feed_text("X") == 0
    assert generating("<ProteinS>MU<ProteinE><Edit><ProteinS>").feed_text("UX") == 1
    assert generating("<AntibodyS>E<CdrS><CdrE><AntibodyE><Design><CdrS>").feed_text("AB") == 1


def test_an_annotated_chain_copies_and_marks_at_least_one_residue():
    state = generating("<ProteinS>MXK<ProteinE><Search><ProteinS>")
    assert state.feed_text("MXK") == 2
    assert state.next_tags() == (tags.POCKET.open,)
    write(state, "<PocketS>K<PocketE><ProteinE>")
    assert state.next_tags() == (END_OF_TEXT,)


def test_the_right_side_of_a_transform_is_the_expansion():
    state = generating(render(MARKED) + "<Trans><ProteinS>")
    assert state.feed_text("MK") == 1
    assert generating("<ProteinS>MK<ProteinE>").next_tags()[-2:] == (tags.SEARCH, tags.EDIT)


def test_a_material_needs_a_metal_and_a_linker():
    state = generating("<MaterialS><MetalS>[Zn]<MetalE>")
    assert tags.MATERIAL.close not in state.next_tags()
    write(state, "<MoleculeS>CO<MoleculeE>")
    assert tags.MATERIAL.close in state.next_tags()


def test_no_more_loops_than_slots():
    state = generating("<AntibodyS>E<CdrS><CdrE><AntibodyE><Design><CdrS>")
    assert state.next_tags() == ()
    write(state, "AR<CdrE>")
    assert state.next_tags() == (END_OF_TEXT,)


def test_a_stop_tag_ends_the_text():
    state = generating("<MoleculeS>", (tags.MOLECULE.close,))
    assert state.cost() == 2
    write(state, "C<MoleculeE>")
    assert state.ended
    assert state.next_tags() == (END_OF_TEXT,)


@pytest.mark.parametrize(
    ("prompt", "stop", "cost"),
    [
        ("", (), 4),  # a molecule of one atom and the end
        (prompt_for("molecule"), (tags.MOLECULE.close,), 2),
        (prompt_for("retrosynthesis", product="CCO"), (), 4),
        (prompt_for("material"), (tags.MATERIAL.close,), 7),
        (prompt_for("material"), (), 8),
        (prompt_for("pocket", protein="MKTAY"), (tags.PROTEIN.close,), 8),  # five residues, two pocket tags, the end
        (prompt_for("protein_edit", parent="MK"), (tags.PROTEIN.close,), 2),
        ("<ProteinS>MK<ProteinE><Search>", (), 7),
        ("<MoleculeS>C1CC(", (tags.MOLECULE.close,), 4),  # an atom, the bracket, the ring, the tag
    ],
)
def test_the_cost_is_the_shortest_way_to_the_end(prompt, stop, cost):
    assert generating(prompt, stop).cost() == cost


def test_longer_tokens_make_a_copy_cheaper():
    state = GrammarState(Units(residue_words={"M", "K", "T", "KT", "MKT"}))
    state.read_prompt("<ProteinS>MKTMKT<ProteinE><Search><ProteinS>", ())
    assert state.cost() == 1 + 3 + 1 + 1 + 1  # MKT, a marked M, KT, the closing tag, the end


def test_a_copy_goes_its_own_way():
    state = generating("<MoleculeS>C1CC(")
    other = state.copy()
    write(state, "C)1<MoleculeE>")
    assert other.next_tags() == ()
    write(other, "N)C1")


def test_property_tags_are_the_prompts_part_and_lead_to_a_molecule():
    state = generating("<LogP:2..3><QED:0.7..0.8>")
    assert state.next_tags() == (tags.MOLECULE.open,)
    assert state.cost() == 4
    write(state, "<MoleculeS>CCO<MoleculeE>")
    assert tags.REACT not in state.next_tags()
    assert not any(tag.startswith("<LogP") for tag in generating().next_tags())
    write(generating("<ProteinS>MK<PocketS>T<PocketE><ProteinE><MW:300..350>"), "<MoleculeS>C<MoleculeE>")
    for wrong in ("<QED:0.7..0.8><LogP:2..3>", "<LogP:2..3><ProteinS>"):
        with pytest.raises(GrammarError):
            generating(wrong)
