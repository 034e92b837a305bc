"""parse and render are exact inverses over every form; prompts complete to what extract reads back."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.grammar import STOP, GrammarError, extract, parse, prompt_for, render, tags
from models.grammar import objects as go
from models.grammar.properties import LOG_P, PROPERTIES, condition_tags

BOOLEANS = st.booleans()
residues = st.text("ACDEFGHIKLMNPQRSTVWYXBZJUO", min_size=1, max_size=40)
smiles = st.lists(
    st.sampled_from([*"BCNOPSFIclnosr[]()=#@+-/\\.%0123456789H", "->", "<-"]), min_size=1, max_size=40
).map("".join)
molecules = st.builds(go.Molecule, smiles)
metals = st.builds(go.Metal, smiles)
several = st.lists(molecules, min_size=1, max_size=3).map(tuple)


@st.composite
def proteins(draw, marked=BOOLEANS, expanded=BOOLEANS):
    sequence = draw(residues)
    pocket: tuple[int, ...] = ()
    if draw(marked):
        pocket = tuple(sorted(draw(st.sets(st.integers(0, len(sequence) - 1), max_size=8))))
    can_expand = any(sequence[i] in go.RESIDUE_SMILES for i in pocket)
    return go.Protein(sequence, pocket, expanded=can_expand and draw(expanded))


@st.composite
def antibodies(draw):
    sequence = draw(residues)
    cuts = sorted(draw(st.lists(st.integers(0, len(sequence)), max_size=6)))
    return go.Antibody(sequence, tuple(zip(cuts[::2], cuts[1::2], strict=False)))


conditions = st.tuples(*(st.sampled_from(["", *item.tags]) for item in PROPERTIES)).map(
    lambda t: tuple(filter(None, t))
)
conditioned = st.builds(go.Molecule, smiles, conditions)
plain = proteins(marked=st.just(False))
annotated = proteins(expanded=st.just(False))
statements = st.one_of(
    st.builds(go.Reaction, several, several),
    st.builds(go.Retrosynthesis, several, several),
    st.builds(go.PocketSearch, plain, annotated),
    st.builds(go.PocketTransform, annotated, proteins()),
    st.builds(go.ProteinEdit, plain, proteins()),
    st.builds(
        go.CdrDesign,
        st.lists(antibodies(), min_size=1, max_size=2).map(tuple),
        st.lists(residues, min_size=1, max_size=2).map(tuple),
    ),
)
blocks = st.one_of(
    proteins(),
    antibodies(),
    conditioned,
    st.builds(go.Material, st.lists(st.one_of(metals, molecules), min_size=1, max_size=4).map(tuple)),
    st.builds(go.Complex, st.lists(proteins(), min_size=1, max_size=2).map(tuple), conditioned),
)


@given(st.one_of(statements, blocks))
def test_parse_inverts_render(item):
    text = render(item)
    assert parse(text) == (item,)
    assert render(parse(text)) == text


@given(st.lists(blocks, min_size=1, max_size=4))
def test_rows_of_blocks_either_read_back_or_are_refused(items):
    try:
        text = render(items)
    except ValueError:
        assert any(isinstance(a, go.Protein) and isinstance(b, go.Molecule | go.Complex) for a, b in pairwise(items))
        return
    assert parse(text) == tuple(items)


@given(st.lists(st.sampled_from([*tags.ALL_TAGS, "MK", "CCO", "C", "<", "<X>", " "]), max_size=12).map("".join))
def test_any_text_parses_and_renders_back_or_is_a_located_error(text):
    try:
        objects = parse(text)
    except GrammarError as raised:
        error = raised
    else:
        assert render(objects) == text
        return
    assert 0 <= error.position <= len(text)
    assert error.expected in str(error)


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 0, "<ProteinS>"),
        ("<MoleculeS>CC O<MoleculeE>", 13, "a SMILES"),
        ("<MoleculeS><MoleculeE>", 11, "a SMILES"),
        ("<MoleculeS>CCO", 14, "<MoleculeE>"),
        ("<ProteinS>MKk<ProteinE>", 12, "residues"),
        ("<ProteinS>M<PocketS>CCO<PocketE><ProteinE>", 20, "20 amino acids"),
        ("<ProteinS>M<ProteinE><React><MoleculeS>C<MoleculeE>", 21, "a verb that fits"),
        ("<MoleculeS>C<MoleculeE><React>", 30, "<MoleculeS>"),
        ("<MaterialS>C<MaterialE>", 11, "<MetalS>"),
        ("<MoleculeS>C<MoleculeE><React><MoleculeS>C<MoleculeE><React>", 53, "the end of the text"),
    ],
)
def test_errors_say_where_and_what(text, position, expected):
    with pytest.raises(GrammarError) as raised:
        parse(text)
    assert raised.value.position == position
    assert expected in raised.value.expected


def test_the_forms_of_the_specification_to_the_letter():
    marked = go.Protein("JFDSSKJEFKKSD", (4, 9))
    assert render(marked) == ("<ProteinS>JFDS<PocketS>S<PocketE>KJEF<PocketS>K<PocketE>KSD<ProteinE>")
    expanded = go.Protein("AXG", (1, 2), expanded=True)
    assert render(expanded) == "<ProteinS>A<PocketS>X<PocketE><PocketS>NCC(=O)O<PocketE><ProteinE>"
    material = go.Material((go.Metal("[Zn]"), go.Molecule("O=C([O-])c1ccncc1")))
    assert render(material) == ("<MaterialS><MetalS>[Zn]<MetalE><MoleculeS>O=C([O-])c1ccncc1<MoleculeE><MaterialE>")
    assert len(tags.LOGOS_TAGS) == 16
    assert tags.OUR_TAGS[:4] == ("<CdrS>", "<CdrE>", "<Edit>", "<Design>")
    assert tags.OUR_TAGS[4] == "<LogP:..0>"
    assert (
        go.Molecule("CCO", ("<LogP:0..1>", "<QED:0.4..0.5>"))
        == parse("<LogP:0..1><QED:0.4..0.5><MoleculeS>CCO<MoleculeE>")[0]
    )


def test_every_residue_smiles_is_that_amino_acid():
    chem = pytest.importorskip("rdkit.Chem")
    for letter, written in go.RESIDUE_SMILES.items():
        reference = chem.MolFromSequence(letter)
        assert chem.MolToSmiles(chem.MolFromSmiles(written)) == chem.MolToSmiles(reference)


def test_prompts_and_extraction_of_all_eight_tasks():
    heavy = go.Antibody("EVQLCWGQG", ((5, 5),))
    cases = [
        ("molecule", {}, "CCO<MoleculeE>", (go.Molecule("CCO"),)),
        ("molecule", {"prefix": "CC"}, "O<MoleculeE>", (go.Molecule("CCO"),)),
        ("ligand", {"proteins": go.Protein("MKT", (1,))}, "CCO<MoleculeE>", (go.Molecule("CCO"),)),
        ("pocket", {"protein": "MKT"}, "M<PocketS>K<PocketE>T<ProteinE>", (go.Protein("MKT", (1,)),)),
        (
            "retrosynthesis",
            {"product": "CCO"},
            render([go.Molecule("C"), go.Molecule("O")]),
            (go.Molecule("C"), go.Molecule("O")),
        ),
        ("reaction", {"reactants": ["C", "O"]}, render(go.Molecule("CO")), (go.Molecule("CO"),)),
        ("material", {}, "<MetalS>[Zn]<MetalE><MaterialE>", (go.Material((go.Metal("[Zn]"),)),)),
        ("protein_edit", {"parent": "MKT"}, "MKV<ProteinE>", (go.Protein("MKV"),)),
        ("antibody_cdr", {"antibodies": heavy}, "ARDY<CdrE>", (go.Antibody("EVQLCARDYWGQG", ((5, 9),)),)),
    ]
    assert {case[0] for case in cases} == set(STOP)
    for task, inputs, completion, expected in cases:
        prompt = prompt_for(task, **inputs)
        assert extract(task, prompt, completion) == expected
        stop = STOP[task]
        if stop is not None:
            assert completion.endswith(stop)
            assert extract(task, prompt, completion.removesuffix(stop)) == expected


def test_prompts_spell_as_logos_does():
    assert prompt_for("retrosynthesis", product="CCO") == "<MoleculeS>CCO<MoleculeE><ReverseReact>"
    assert prompt_for("pocket", protein="MK") == "<ProteinS>MK<ProteinE><Search><ProteinS>"
    assert prompt_for("material") == "<MaterialS>"


def test_bad_prompts_are_refused():
    with pytest.raises(ValueError, match="retrosynthesis"):
        prompt_for("fold")
    with pytest.raises(ValueError, match="exactly one empty CDR slot"):
        prompt_for("antibody_cdr", antibodies=go.Antibody("EVQ"))
    with pytest.raises(ValueError, match="at least one"):
        prompt_for("reaction", reactants=[])
    with pytest.raises(TypeError):
        prompt_for("reaction", product="C")


@given(antibodies(), residues, st.data())
def test_emptying_and_filling_a_loop_are_inverse(antibody, loop, data):
    if not antibody.cdrs:
        return
    index = data.draw(st.integers(0, len(antibody.cdrs) - 1))
    start, end = antibody.cdrs[index]
    emptied = antibody.emptied(index) if antibody.sequence[:start] + antibody.sequence[end:] else None
    if emptied is None or start == end:
        return
    assert emptied.filled(index, antibody.sequence[start:end]) == antibody


def test_a_value_on_an_edge_belongs_to_the_bin_above_and_bins_have_bounds():
    assert LOG_P.tag_of(2.0) == "<LogP:2..3>"
    assert LOG_P.tag_of(1.999) == "<LogP:1..2>"
    assert LOG_P.tag_of(-9) == "<LogP:..0>"
    assert LOG_P.bounds_of("<LogP:6..>") == (6, float("inf"))
    assert LOG_P.tags_within(2, 4) == ("<LogP:2..3>", "<LogP:3..4>")
    assert LOG_P.tags_within(2.5, 2.6) == ("<LogP:2..3>",)
    assert condition_tags({"qed": 0.75, "log_p": 2.5}) == ("<LogP:2..3>", "<QED:0.7..0.8>")
    with pytest.raises(ValueError, match="tpsa"):
        condition_tags({"tpsa": 1.0})
    with pytest.raises(ValueError, match="lower bound first"):
        LOG_P.tags_within(3, 2)


@pytest.mark.parametrize(
    "text",
    [
        "<QED:0.4..0.5><LogP:0..1><MoleculeS>CCO<MoleculeE>",  # out of order
        "<LogP:0..1><LogP:1..2><MoleculeS>CCO<MoleculeE>",  # twice
        "<LogP:0..1><ProteinS>MK<ProteinE>",
        "<LogP:0..1><MoleculeS>CCO<MoleculeE><React><MoleculeS>CCO<MoleculeE>",
        "<MoleculeS>CCO<MoleculeE><React><LogP:0..1><MoleculeS>CCO<MoleculeE>",
        "<LogP:0..1>",
    ],
)
def test_property_tags_out_of_place_are_located_errors(text):
    with pytest.raises(GrammarError):
        parse(text)


def test_property_tags_in_a_reaction_or_material_are_refused():
    asked = go.Molecule("CCO", ("<LogP:0..1>",))
    for build in (lambda: go.Reaction((asked,), (go.Molecule("C"),)), lambda: go.Material((asked,))):
        with pytest.raises(ValueError, match="no property tags"):
            build()
