"""The corpus: nothing held out gets in, the same input gives the same bytes, and texts read back as what they were."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from models.errors import ModelInputError
from models.grammar import parse
from models.grammar.objects import Complex, Reaction, Retrosynthesis
from models.tokenizer import ScientificTokenizer
from models.training.corpus import build_corpus, load_part, neutral_parent, render_table
from models.training.exclusions import KmerIndex, flat_set, held_out_reactions, load_reaction_exclusions
from models.training.overlap import count_overlaps, holds_held_out, load_held_out
from models.training.pretrain import run
from models.training.sources import load_complexes, load_pockets, load_reaction_rows, mutated, reaction_documents

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
CHAIN_A = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVVHSLAKWKRQTLGQHDFSAGEGLYTHMKALRPDEDRLS"
CHAIN_B = "GSHMSLFDFFKNKGSAATATDRLKLILAKERTLNLPYMEEMRKEIIAVIQKYTKSSDIHFKTLDSNQSVETIEVEIILPR"
ACID, AMIDE, AMINE = "O=C(O)c1ccccc1", "CCNC(=O)c1ccccc1", "CCN"


@pytest.fixture(scope="module")
def corpus(data, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("corpus")
    build_corpus(data, out, workers=2)
    return out


def texts(corpus: Path, part: str = "train") -> list[str]:
    tokenizer = ScientificTokenizer.load(corpus / "tokenizer")
    found = []
    for path in sorted(corpus.glob(f"*.{part}.tokens.npy")):
        tokens, offsets = load_part(corpus, path.name.split(".")[0], part)
        for start, end in pairwise(offsets):
            ids = tokens[start:end].tolist()
            assert ids[0] == tokenizer.bos_id
            assert ids[-1] == tokenizer.eos_id
            found.append(tokenizer.decode(ids[1:-1]))
    return found


def test_no_held_out_reaction_is_trained_on_in_either_direction(data, corpus):
    exclusions = load_reaction_exclusions(data)
    n_reactions = 0
    for text in texts(corpus):
        for item in parse(text):
            if isinstance(item, Reaction | Retrosynthesis):
                n_reactions += 1
                left = frozenset().union(*(flat_set(m.smiles) for m in item.reactants))
                right = frozenset().union(*(flat_set(m.smiles) for m in item.products))
                assert not {left, right} & exclusions.reactant_sets
                assert not right & exclusions.products
    assert 4 <= n_reactions <= 2 * (3 + 2)  # two reactions may be trained on: both directions, some roots


def test_nothing_held_out_is_found_when_the_packed_tokens_are_read_back(data, corpus, tmp_path):
    found = count_overlaps(corpus, data, workers=1)
    assert {"reaction", "retrosynthesis", "pocket", "complex", "antibody", "edit", "molecule"} <= set(found)
    assert all(counts["read"] > 0 == counts["overlapping"] for counts in found.values())
    held_out = load_held_out(data)
    for text in (
        f"<MoleculeS>{AMIDE}<MoleculeE><ReverseReact><MoleculeS>{ACID}<MoleculeE><MoleculeS>{AMINE}<MoleculeE>",
        f"<MoleculeS>CC<MoleculeE><React><MoleculeS>{AMIDE}<MoleculeE>",
        f"<ProteinS>{CHAIN_B[:50]}<ProteinE><Search><ProteinS><PocketS>G<PocketE>{CHAIN_B[1:50]}<ProteinE>",
        f"<ProteinS><PocketS>G<PocketE>{CHAIN_B[1:50]}<ProteinE><MoleculeS>CCN<MoleculeE>",
        f"<AntibodyS>{'E' * 96}<CdrS><CdrE>WG<AntibodyE><Design><CdrS>AKSABDAB<CdrE>",
        "<ProteinS>ADEEIR<ProteinE><Edit><ProteinS>WWWWWW<ProteinE>",
        "<MoleculeS>CCS<MoleculeE>",
    ):
        assert [holds_held_out(item, held_out) for item in parse(text)] == [True], text
    earlier_loop = "<AntibodyS>EV<CdrS><CdrE>WG<AntibodyE><Design><CdrS>AKSABDAB<CdrE>"
    assert [holds_held_out(item, held_out) for item in parse(earlier_loop)] == [False]


def test_no_held_out_pocket_chain_or_benchmark_row_is_trained_on(corpus):
    joined = "\n".join(texts(corpus))
    plain = joined
    for tag in ("<PocketS>", "<PocketE>"):
        plain = plain.replace(tag, "")
    assert CHAIN_A in plain
    assert CHAIN_B[:40] not in plain
    assert "AKTEST" not in joined
    assert "WWWWWW" not in joined
    assert "CCS<MoleculeE>" not in joined


def test_ligands_and_molecules_are_neutral_parents(corpus):
    ligands = {i.ligand.smiles for t in texts(corpus) for i in parse(t) if isinstance(i, Complex)}
    assert ligands == {"CCN", "CCO"}
    canonical, spelling, asked = neutral_parent("CC[NH+](CC)CC") or ("", "", ())
    assert canonical == "CCN(CC)CC"
    assert asked == ("<LogP:1..2>", "<MW:..200>", "<QED:0.5..0.6>")
    assert neutral_parent(spelling) == (canonical, spelling, asked)
    assert (neutral_parent("C[N+](C)(C)CCO") or ("",))[0] == "C[N+](C)(C)CCO"  # a permanent charge stays
    assert neutral_parent("[Na+].[Cl-]") is None
    assert neutral_parent("not a smiles") is None


def test_counts_of_what_was_left_out_are_reported(corpus):
    manifest = json.loads((corpus / "corpus.json").read_text())
    dropped = manifest["dropped"]
    assert dropped["molecules: same neutral parent"] == 1
    assert dropped["complexes: not ok_for_pocket_training"] == 1
    assert dropped["complexes: CrossDocked2020 test pockets"] == 1
    assert dropped["complexes: like a UniProtSMB valid/test chain"] == 1
    assert dropped["pockets: UniProtSMB test"] == 1
    assert dropped["dti: rows of a benchmark"] == 1
    table = render_table(manifest)
    assert "chem/zinc250k.smi.gz (MIT (ZINC free to use))" in table
    assert all(row["licence"] and row["documents"] > 0 for row in manifest["table"])


def test_the_same_data_gives_the_same_bytes(data, corpus, tmp_path):
    build_corpus(data, tmp_path, workers=1)
    names = sorted(p.name for p in corpus.glob("*.npy"))
    assert names == sorted(p.name for p in tmp_path.glob("*.npy"))
    for name in names:
        assert np.array_equal(np.load(corpus / name), np.load(tmp_path / name)), name


def test_homologues_are_found_and_strangers_are_not():
    index = KmerIndex([CHAIN_A])
    half_changed = "".join(c if (i // 10) % 2 else "G" for i, c in enumerate(CHAIN_A))
    assert index.shares_kmers(CHAIN_A[10:60])
    assert index.shares_kmers(half_changed)
    assert not index.shares_kmers(CHAIN_B)


def test_mutations_check_the_wild_type_letter():
    assert mutated("SKGE", "S0A,E3D") == "AKGD"
    with pytest.raises(ValueError, match="position 1 holds K"):
        mutated("SKGE", "A1G")


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real data of ../shared is absent")
def test_real_reactions_and_pockets_do_not_overlap_the_held_out_parts():
    exclusions = load_reaction_exclusions(SHARED)
    held_out = list(held_out_reactions(SHARED))
    assert len(held_out) == 1489 + 2974 + 5001
    products = {row["product"] for row in held_out}
    rows = list(load_reaction_rows(SHARED))
    overlapping = [row for row in rows if row.product in products]
    assert len(overlapping) > 100  # the files do overlap, so the rule has work to do
    assert all(reaction_documents(row, exclusions)[0] == [] for row in overlapping[:300])
    from collections import Counter

    kept = {row["sequence"] for _, row in load_complexes(SHARED, Counter())}
    held = {d.key for d in load_pockets(SHARED, Counter()) if d.held_out}
    assert kept
    assert not kept & held


def test_the_command_builds_its_corpus_and_trains_on_it(data, tmp_path):
    config = tmp_path / "tiny.toml"
    config.write_text(
        "steps = 2\nhidden_size = 32\nn_layers = 1\nn_heads = 2\nintermediate_size = 64\ntokens_per_step = 256\n"
        "[mixture]\nmolecule = 0.5\ncomplex = 0.5\n[corpus_shares]\nprotein = 0.0\n"
    )
    summary = run(str(config), data, tmp_path / "out")
    assert summary["steps"] == 2
    assert not (tmp_path / "out" / "corpus" / "protein.train.tokens.npy").exists()
    with pytest.raises(ModelInputError, match="no share can be set for pocket"):
        build_corpus(data, tmp_path / "other", shares={"pocket": 0.5})


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real data of ../shared is absent")
def test_a_corpus_of_the_real_data_holds_nothing_held_out(tmp_path):
    build_corpus(SHARED, tmp_path, shares={"molecule": 0.02, "reaction": 0.05, "protein": 0.02, "edit": 0.5})
    found = count_overlaps(tmp_path, SHARED)
    assert all(counts["overlapping"] == 0 for counts in found.values()), found
    assert found["reaction"]["read"] > 10_000
