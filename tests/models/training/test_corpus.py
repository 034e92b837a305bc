"""The corpus: nothing held out gets in, the same input gives the same bytes, and texts read back as what they were."""

import csv
import gzip
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

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
HEAVY = (
    "EVQLVESGGGLVQPGGSLRLSCAASGFTFSSYAMSWVRQAPGKGLEWVSAISGSGGSTYYADSVKGRFTISRDNSKNTLYLQMNSLRAEDTAVYYCAKDRGYWGQGTLVTVSS"
)
ESTER, ACID = "CCOC(=O)c1ccccc1", "O=C(O)c1ccccc1"
AMIDE, AMINE = "CCNC(=O)c1ccccc1", "CCN"


def write_csv(path: Path, rows: list[dict[str, object]], delimiter: str = ",") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def write_lines(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt") as file:
        file.write("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A data directory of the real layout with a handful of rows, among them ones that must not be trained on."""
    root = tmp_path_factory.mktemp("data")
    chem, bio = root / "chem", root / "bio"
    write_lines(chem / "zinc250k.smi.gz", ["CC[NH+](CC)CC", "CCN(CC)CC", "CCO", "c1ccccc1O", "[Na+].[Cl-]"])
    write_lines(chem / "enamine50k.smi.gz", ["CC(=O)Nc1ccc(O)cc1", "not a smiles"])
    flag = "guacamol_holdout_sim_gt_0.323"
    write_csv(
        chem / "bioactive.tsv.gz",
        [{"smiles": "Cn1cnc2c1c(=O)n(C)c(=O)n2C", "sources": "x", flag: 0}, {"smiles": "CCS", "sources": "x", flag: 1}],
        "\t",
    )
    write_csv(
        chem / "uspto50k.train.csv.gz",
        [
            {"reactants": f"{ACID}.CCO", "product": ESTER},
            {"reactants": f"{ACID}.{AMINE}", "product": AMIDE},  # the product is in the test part
            {"reactants": "C[C@H](O)F.Cl", "product": "C[C@H](Cl)F"},  # the reactants are, written without stereo
        ],
    )
    write_csv(chem / "uspto50k.valid.csv.gz", [{"reactants": "CC(O)F.Cl", "product": "CC(Cl)I"}])
    write_csv(
        chem / "uspto15k_forward.csv.gz",
        [
            {"split": "train", "reactants": "CCBr.O", "reagents": "", "product": "CCO"},
            {"split": "test", "reactants": f"{ACID}.{AMINE}", "reagents": "", "product": AMIDE},
            {"split": "valid", "reactants": "CCCl.O", "reagents": "[Na+]", "product": "CCCO"},
        ],
    )
    # the reverse of a test reaction: read backwards it is the test reaction
    write_csv(chem / "uspto_full_extra.csv.gz", [{"reactants": AMIDE, "product": f"{ACID}.{AMINE}"}])
    pocket_rows = [
        {"id": "a", "source": "s", "split": "train", "sequence": CHAIN_A, "pocket": [3, 4, 9]},
        {"id": "b", "source": "s", "split": "test", "sequence": CHAIN_B, "pocket": [1]},
        {"id": "c", "source": "s", "split": "train", "sequence": CHAIN_B[:60], "pocket": [2]},  # like a test chain
        {"id": "d", "source": "s", "split": "train_overlaps_valid_test", "sequence": CHAIN_A, "pocket": [2]},
    ]
    write_lines(chem / "pockets.jsonl.gz", [json.dumps(row) for row in pocket_rows])
    base = {"source": "fep", "pocket": [3, 4, 9], "other_chains": [], "smiles": "CC[NH3+]", "p_affinity": 9}
    complex_rows = [
        {**base, "id": "1", "sequence": CHAIN_A, "ok_for_pocket_training": True},
        {**base, "id": "2", "sequence": CHAIN_A, "ok_for_pocket_training": False},
        {**base, "id": "3", "sequence": CHAIN_B, "ok_for_pocket_training": True},
        {**base, "id": "4", "sequence": CHAIN_A, "ok_for_pocket_training": True, "source": "crossdocked2020_test100"},
    ]
    write_lines(chem / "complexes.jsonl.gz", [json.dumps(row) for row in complex_rows])
    write_csv(chem / "dti_proteins.csv.gz", [{"protein_id": "P", "sequence": CHAIN_A}])
    write_csv(
        chem / "dti_pairs.csv.gz",
        [{"source": s, "protein_id": "P", "smiles": "CCO"} for s in ("KIBA", "PDBbind2016_core290")],
    )
    write_csv(chem / "mofs.csv.gz", [{"nodes": "[Zn][O]([Zn])->[Zn]", "linkers": "[O-]C(=O)c1ccncc1.CC"}])
    write_csv(
        bio / "proteins_sequences_nr.csv.gz",
        [{"cluster70": "1", "sequence": CHAIN_A}, {"cluster70": "2", "sequence": "M" * 500}],
    )
    heavy = {
        "vh": HEAVY,
        "vl": "DIQMTQSPSS",
        **dict(zip(("h1s", "h1e", "h2s", "h2e", "h3s", "h3e"), (25, 33, 50, 58, 96, 102), strict=True)),
    }
    write_csv(
        bio / "antibody_covabdab_paired.csv.gz",
        [
            {**heavy, "refinegnn_split": "train", "cdrh3": "AKDRGY"},
            {**heavy, "refinegnn_split": "test", "cdrh3": "AKTEST"},
            {**heavy, "refinegnn_split": "train", "cdrh3": "AKTEST"},
        ],
    )
    write_csv(bio / "antibody_sabdab_heavy_imgt.csv.gz", [{"cdrh3": "AKSABDAB"}])
    spans = dict(zip(("c1s", "c1e", "c2s", "c2e", "c3s", "c3e"), (25, 33, 50, 58, 96, 102), strict=True))
    write_csv(bio / "antibody_antiberta_paratope.csv.gz", [{"sequence": HEAVY, **spans, "set": "val"}])
    starts = [
        {"sequence": s, "score": i, "ggs_medium": 1, "ggs_hard": 0}
        for i, s in enumerate(("ADEEIR", "ADEKIR", "ADEEWR"))
    ]
    write_csv(
        bio / "aav_bryant2021_ggs.csv.gz",
        [*starts, {"sequence": "WWWWWW", "score": 19, "ggs_medium": 0, "ggs_hard": 0}],
    )
    write_csv(
        bio / "gfp_sarkisyan2016.csv.gz",
        [{"mutations": m, "score": i, "ggs_medium": 0, "ggs_hard": 1} for i, m in enumerate(("S0A", "K1R", "S0A,K1R"))],
    )
    (bio / "dms_wildtypes.json").write_text(json.dumps({"avgfp": {"wt": "SKGEELF"}}))
    return root


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
        "<AntibodyS>EV<CdrS><CdrE>WG<AntibodyE><Design><CdrS>AKSABDAB<CdrE>",
        "<ProteinS>ADEEIR<ProteinE><Edit><ProteinS>WWWWWW<ProteinE>",
        "<MoleculeS>CCS<MoleculeE>",
    ):
        assert [holds_held_out(item, held_out) for item in parse(text)] == [True], text


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
    with pytest.raises(ValueError, match="no share can be set for pocket"):
        build_corpus(data, tmp_path / "other", shares={"pocket": 0.5})


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real data of ../shared is absent")
def test_a_corpus_of_the_real_data_holds_nothing_held_out(tmp_path):
    build_corpus(SHARED, tmp_path, shares={"molecule": 0.02, "reaction": 0.05, "protein": 0.02, "edit": 0.5})
    found = count_overlaps(tmp_path, SHARED)
    assert all(counts["overlapping"] == 0 for counts in found.values()), found
    assert found["reaction"]["read"] > 10_000
