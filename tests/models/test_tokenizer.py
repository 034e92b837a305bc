"""The tokenizer: any string survives, the tag decides the split, plain transformers loads the same."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.grammar import tags
from models.tokenizer import ScientificTokenizer, vocabulary

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def tokenizer() -> ScientificTokenizer:
    return ScientificTokenizer.build()


TOKENIZER = ScientificTokenizer.build()
pieces = st.one_of(
    st.sampled_from(
        [
            *tags.ALL_TAGS,
            "<bos>",
            "<eos>",
            "<pad>",
            "<0x41>",
            "[C@@H]",
            "Cl",
            "MKTC",
            "\ue041",
            "\ue0ff",
            "\ue0ffa",
        ]
    ),
    st.text(max_size=6),
)


@settings(max_examples=300)
@given(st.lists(pieces, max_size=12).map("".join))
@example("\ue0ff!\ue041<ProteinS>A\ue043C")
@example("a\r\n\tb  c")
def test_any_string_survives_encode_and_decode(text):
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@given(st.lists(pieces, max_size=12).map("".join))
@example("<MoleculeS>C[Xe]->[Zn]<MoleculeE><React>[C@@H]")
@example("<0x41><bos>[12]")
def test_the_short_cut_for_smiles_gives_the_same_ids(text):
    assert TOKENIZER.encode_many([text, "CCO"]) == [TOKENIZER.encode(text), TOKENIZER.encode("CCO")]


def test_cysteine_is_not_carbon(tokenizer):
    protein = tokenizer.encode("<ProteinS>C<ProteinE>")[1]
    carbon = tokenizer.encode("<MoleculeS>C<MoleculeE>")[1]
    assert protein != carbon
    for text in (
        "<AntibodyS>C<CdrS>C<CdrE>C<AntibodyE>",
        "<ProteinS>C<PocketS>C<PocketE>C<ProteinE>",
        "<ProteinS>ACLC",
        "<Design><CdrS>CC",
    ):
        ids = tokenizer.encode(text)
        assert protein in ids
        assert carbon not in ids
    expanded = tokenizer.encode("<ProteinS>C<PocketS>NCC(=O)O<PocketE>C<ProteinE>")
    assert expanded.count(protein) == 2
    assert expanded.count(carbon) == 2


def test_smiles_symbols_are_single_tokens(tokenizer):
    text = "<MoleculeS>C[C@@H](Cl)c1cc%10Br[nH][Zn+7]<MoleculeE>"
    shown = tokenizer.fast.convert_ids_to_tokens(tokenizer.encode(text))
    assert shown[1:-1] == [
        "C",
        "[C@@H]",
        "(",
        "Cl",
        ")",
        "c",
        "1",
        "c",
        "c",
        "%10",
        "Br",
        "[nH]",
        "[",
        "Z",
        "n",
        "+",
        "7",
        "]",
    ]


def test_every_tag_is_one_token_with_its_own_id(tokenizer):
    ids = [tokenizer.id_of(tag) for tag in (*tags.ALL_TAGS, "<bos>", "<eos>", "<pad>")]
    assert len(set(ids)) == len(ids)
    for tag in tags.ALL_TAGS:
        assert tokenizer.encode(tag) == [tokenizer.id_of(tag)]
    with pytest.raises(KeyError):
        tokenizer.id_of("<NoSuchTag>")


def test_vocabulary_is_dense_and_small(tokenizer):
    assert sorted(vocabulary().values()) == list(range(tokenizer.vocab_size))
    assert tokenizer.vocab_size < 2**16


def test_plain_transformers_loads_it_and_agrees(tokenizer, tmp_path):
    transformers = pytest.importorskip("transformers")
    tokenizer.save(tmp_path)
    assert not list(tmp_path.glob("*.py"))
    plain = transformers.AutoTokenizer.from_pretrained(str(tmp_path))
    ours = ScientificTokenizer.load(tmp_path)
    text = "<ProteinS>MKC<PocketS>C<PocketE>L<ProteinE><MoleculeS>CC(=O)Nc1cc[nH]c1\ue043é<MoleculeE>"
    assert ours.encode(text) == tokenizer.encode(text)
    assert plain(text).input_ids == [ours.bos_id, *ours.encode(text)]
    assert plain.decode(plain(text).input_ids, skip_special_tokens=True) == text
    assert ours.encode(text, bos=True, eos=True) == [ours.bos_id, *ours.encode(text), ours.eos_id]
    assert ours.encode_many([text, "C"]) == [ours.encode(text), ours.encode("C")]


def test_skipping_special_tokens_keeps_the_tags(tokenizer):
    ids = tokenizer.encode("<MoleculeS>C<MoleculeE>", bos=True, eos=True)
    assert tokenizer.decode(ids, skip_special_tokens=True) == "<MoleculeS>C<MoleculeE>"
