"""A data directory of the real layout with a handful of rows, for tests of the corpus and of all stages together."""

import csv
import gzip
import json
from pathlib import Path

import pytest

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


@pytest.fixture(scope="session")
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
