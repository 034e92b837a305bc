"""From the data files to texts of the grammar: one function a file group, each counting what it drops.

Every document names its modality, its source file and a key (the same object has the same key; the validation
split goes by it). Never read: `p_affinity` columns (PDBbind's terms) and genos_kegg (KEGG's terms).
"""

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from models.grammar import render
from models.grammar.objects import (
    Antibody,
    CdrDesign,
    Complex,
    Material,
    Metal,
    Molecule,
    PocketSearch,
    PocketTransform,
    Protein,
    ProteinEdit,
    Reaction,
    Retrosynthesis,
)
from models.reactions.spelling import AlignedReaction
from models.training.exclusions import (
    ChainParts,
    KmerIndex,
    ReactionExclusions,
    chains_like_held_out,
    held_out_pocket_chains,
    read_csv,
    read_jsonl,
)

LICENCES: dict[str, str] = {
    "chem/zinc250k.smi.gz": "MIT (ZINC free to use)",
    "chem/bioactive.tsv.gz": "MIT / none stated / CC BY-SA 3.0 / BSD-3 / CC0, by row",
    "chem/enamine50k.smi.gz": "MIT",
    "chem/uspto50k.train.csv.gz": "MIT (USPTO text mining CC0)",
    "chem/uspto50k.valid.csv.gz": "MIT (validation only)",
    "chem/uspto15k_forward.csv.gz": "MIT",
    "chem/uspto_full_extra.csv.gz": "none stated (USPTO text mining CC0)",
    "chem/complexes.jsonl.gz": "MIT, Apache-2.0, GPL repositories of PDB data (CC0)",
    "chem/dti_pairs.csv.gz": "none stated (DeepDTA, MONN) / BSD-3 (MolTrans)",
    "chem/pockets.jsonl.gz": "none stated (UniProt CC BY 4.0 upstream)",
    "chem/mofs.csv.gz": "GPL-2 repository / Apache-2.0; QMOF CC BY 4.0",
    "bio/proteins_sequences_nr.csv.gz": "NCBI RefSeq public data, MIT, AFL-3.0",
    "bio/antibody_covabdab_paired.csv.gz": "MIT (CoV-AbDab CC BY 4.0)",
    "bio/antibody_antiberta_paratope.csv.gz": "Apache-2.0",
    "bio/gfp_sarkisyan2016.csv.gz": "CC BY 4.0; start-set membership from a CC BY-NC-SA 4.0 repository",
    "bio/aav_bryant2021_ggs.csv.gz": "none stated (Bryant et al. 2021)",
}
ROOTS = {"chem/uspto50k.train.csv.gz": 3, "chem/uspto15k_forward.csv.gz": 2, "chem/uspto_full_extra.csv.gz": 1}
"""Root-aligned spellings of each reaction and direction: more for the sets that the benchmarks resemble."""
ASKED_SHARE = 0.25
"""Share of the ligands with property tags: enough to learn them beside a pocket, which they must not stand in for."""
SHOWN_RESIDUES = 160
"""Residues of the shorter windows of a chain: twice that and its marks are well within the context."""
MAX_RESIDUES = 440  # leaves room for pocket tags and a ligand in a context of 512
POCKET_SPLITS_FOR_TRAINING = ("train",)
BENCHMARK_DTI_SOURCES = ("PLAPT_benchmark1k", "PDBbind2016_core290")
MAX_PAIRS_PER_PROTEIN = 40


class ReactionRow(NamedTuple):
    """One reaction of a source; `mapped` is it with atom maps, or empty."""

    source: str
    reactants: str
    product: str
    mapped: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One training text. `key` identifies the object; `held_out` forces it into the validation part."""

    modality: str
    source: str
    key: str
    text: str
    held_out: bool = False


def seed_of(*parts: object) -> int:
    """A stable seed from names and numbers, the same on every machine."""
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def kept(key: str, share: float) -> bool:
    """Whether an object belongs to the part of the data that a corpus of this share holds."""
    return share >= 1 or seed_of("share", key) % 1000 < share * 1000


def load_molecule_smiles(data: Path, dropped: Counter[str]) -> Iterator[tuple[str, str]]:
    """(source, SMILES) of the drug-like sets; bioactives close to a GuacaMol hold-out drug are dropped."""
    import gzip

    for name in ("chem/zinc250k.smi.gz", "chem/enamine50k.smi.gz"):
        with gzip.open(data / name, "rt") as file:
            yield from ((name, line.strip()) for line in file)
    name = "chem/bioactive.tsv.gz"
    for row in read_csv(data / name, "\t"):
        if row["guacamol_holdout_sim_gt_0.323"] == "1":
            dropped["bioactive: close to a GuacaMol hold-out drug"] += 1
        else:
            yield name, row["smiles"]


def load_reaction_rows(data: Path) -> Iterator[ReactionRow]:
    """Every reaction that may be trained on, before exclusions."""
    for name in ROOTS:
        for row in read_csv(data / name):
            if row.get("split", "train") == "train":
                yield ReactionRow(name, row["reactants"], row["product"], row.get("rxn_mapped", ""))


def reaction_documents(row: ReactionRow, exclusions: ReactionExclusions | None) -> tuple[list[Document], str]:
    """Both directions in `ROOTS` spellings each, every fragment its own block; where there are none, why (second).

    Without `exclusions` the reaction is a held-out one, spelled once.
    """
    if exclusions is not None and exclusions.excludes(row.reactants, row.product):
        return [], "product or reactant set of a validation or test reaction"
    mapped_reactants, _, mapped_product = row.mapped.rpartition(">")
    try:
        aligned = AlignedReaction(
            mapped_reactants.removesuffix(">") or row.reactants, mapped_product if row.mapped else row.product
        )
    except ValueError:
        return [], "more than one product, or a side RDKit cannot read"
    held_out = exclusions is None
    key = f"{row.reactants}>>{row.product}"
    documents = []
    for number in range(1 if held_out else ROOTS[row.source]):
        rng = random.Random(seed_of("root", number, key))
        product, reactants = aligned.retrosynthesis(rng)
        backwards = Retrosynthesis((Molecule(product),), tuple(map(Molecule, reactants)))
        documents.append(Document("retrosynthesis", row.source, key, render(backwards), held_out))
        reactants, product = aligned.forward(rng)
        forwards = Reaction(tuple(map(Molecule, reactants)), (Molecule(product),))
        documents.append(Document("reaction", row.source, key, render(forwards), held_out))
    return documents, ""


def load_complexes(data: Path, dropped: Counter[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows with a pocket that may be trained on. `p_affinity` is taken out of the row unread."""
    held_out = KmerIndex(held_out_pocket_chains(data))
    name = "chem/complexes.jsonl.gz"
    for row in read_jsonl(data / name):
        row.pop("p_affinity", None)
        chains = [row["sequence"], *(chain["sequence"] for chain in row.get("other_chains") or [])]
        if not row["ok_for_pocket_training"]:
            dropped["complexes: not ok_for_pocket_training"] += 1
        elif row["source"] == "crossdocked2020_test100":
            dropped["complexes: CrossDocked2020 test pockets"] += 1
        elif any(held_out.shares_kmers(chain) for chain in chains):
            dropped["complexes: like a UniProtSMB valid/test chain"] += 1
        else:
            yield name, row


def complex_documents(
    source: str, row: dict[str, Any], ligand: str, asked: tuple[str, ...], held_out: ChainParts
) -> list[Document]:
    """All levels of one complex: whole chains where they fit, windows at the pocket, expanded and plain.

    Every fourth, by chance, names some of `asked`, the ligand's property tags. Without those whose marked chain is part
    of a chain of `held_out`.
    """
    sequence, pocket = row["sequence"].upper(), tuple(sorted(set(row["pocket"])))
    rng = random.Random(seed_of("complex", row["id"]))
    others = [
        Protein(chain["sequence"].upper(), tuple(sorted(set(chain.get("pocket") or ()))))
        for chain in row.get("other_chains") or []
    ]
    whole = Protein(sequence, pocket)
    variants: list[tuple[Protein, ...]] = []
    n_residues = len(sequence) + sum(len(other.sequence) for other in others)
    if others and n_residues <= MAX_RESIDUES:
        variants.append((whole, *others))
    if len(sequence) <= MAX_RESIDUES:
        variants += [(whole,), (whole,)]
    variants += [(crop_to_pocket(whole, rng, size),) for size in (SHOWN_RESIDUES, 280, 280)]
    windows = [variant[0] for variant in variants[-2:]]
    variants += [(Protein(w.sequence, w.pocket, expanded=True),) for w in windows[:1] if _expandable(w)]
    variants.append((Protein(windows[-1].sequence),))
    variants = [chains for chains in variants if not any(c.pocket and held_out.holds(c.sequence) for c in chains)]
    ligands = [Molecule(ligand, some_of(asked, rng) if rng.random() < ASKED_SHARE else ()) for _ in variants]
    complexes = [Complex(proteins, molecule) for proteins, molecule in zip(variants, ligands, strict=True)]
    return [Document("complex", source, sequence, render(one)) for one in complexes]


def some_of(asked: tuple[str, ...], rng: random.Random) -> tuple[str, ...]:
    """At least one of the property tags, in their order."""
    chosen = rng.sample(range(len(asked)), rng.randint(1, len(asked)))
    return tuple(asked[at] for at in sorted(chosen))


def crop_to_pocket(protein: Protein, rng: random.Random, max_residues: int = 280) -> Protein:
    """A random stretch around the pocket; where the pocket spans too much, the stretch holding most of it."""
    first, last = protein.pocket[0], protein.pocket[-1]
    if last - first + 1 > max_residues:
        starts = range(first, last - max_residues + 2)
        first = max(starts, key=lambda s: (sum(s <= i < s + max_residues for i in protein.pocket), -s))
        last = first + max_residues - 1
    room = max_residues - (last - first + 1)
    start = max(0, first - rng.randint(0, room // 2))
    end = min(len(protein.sequence), last + 1 + rng.randint(0, room // 2))
    pocket = tuple(i - start for i in protein.pocket if start <= i < end)
    return Protein(protein.sequence[start:end], pocket)


def _expandable(protein: Protein) -> bool:
    return any(protein.sequence[i] in "ACDEFGHIKLMNPQRSTVWY" for i in protein.pocket)


def load_dti_pairs(data: Path, dropped: Counter[str]) -> Iterator[tuple[str, str, str]]:
    """(source, protein sequence, SMILES) of known pairs whose chain fits the context, at most 40 a protein."""
    name = "chem/dti_pairs.csv.gz"
    sequences = {r["protein_id"]: r["sequence"].upper() for r in read_csv(data / "chem/dti_proteins.csv.gz")}
    seen: Counter[str] = Counter()
    for row in sorted(read_csv(data / name), key=lambda r: seed_of(r["protein_id"], r["smiles"])):
        sequence = sequences[row["protein_id"]]
        if row["source"] in BENCHMARK_DTI_SOURCES:
            dropped["dti: rows of a benchmark"] += 1
        elif len(sequence) > MAX_RESIDUES - 60:
            dropped["dti: protein too long for the context"] += 1
        elif seen[row["protein_id"]] >= MAX_PAIRS_PER_PROTEIN:
            dropped["dti: over 40 pairs of one protein"] += 1
        else:
            seen[row["protein_id"]] += 1
            yield name, sequence, row["smiles"]


def load_pockets(data: Path, dropped: Counter[str]) -> Iterator[Document]:
    """Search and transform forms of labelled chains; UniProtSMB valid goes to validation, test nowhere."""
    name = "chem/pockets.jsonl.gz"
    held_out = KmerIndex(held_out_pocket_chains(data))
    like_held_out = ChainParts(chains_like_held_out(data))
    for row in read_jsonl(data / name):
        sequence, pocket = row["sequence"].upper(), tuple(sorted(set(row["pocket"])))
        is_valid = row["split"] == "valid"
        if row["split"] == "test":
            dropped["pockets: UniProtSMB test"] += 1
        elif not is_valid and row["split"] not in POCKET_SPLITS_FOR_TRAINING:
            dropped["pockets: split overlaps valid/test"] += 1
        elif not is_valid and held_out.shares_kmers(sequence):
            dropped["pockets: like a UniProtSMB valid/test chain"] += 1
        elif pocket:
            rng = random.Random(seed_of(row["id"]))
            window = crop_to_pocket(Protein(sequence, pocket), rng, SHOWN_RESIDUES)
            shown = (
                [window] if is_valid or len(window.sequence) == len(sequence) else [window, Protein(sequence, pocket)]
            )
            for chain in shown:
                if not is_valid and like_held_out.holds(chain.sequence):
                    dropped["pockets: part of a chain like a UniProtSMB valid/test chain"] += 1
                    continue
                search = PocketSearch(Protein(chain.sequence), chain)
                yield Document("pocket", name, sequence, render(search), is_valid)
            marked = crop_to_pocket(Protein(sequence, pocket), rng, 120)
            if not is_valid and _expandable(marked) and not like_held_out.holds(marked.sequence):
                expanded = Protein(marked.sequence, marked.pocket, expanded=True)
                yield Document("pocket", name, sequence, render(PocketTransform(marked, expanded)))


def load_materials(data: Path, dropped: Counter[str]) -> Iterator[Document]:
    """Metal nodes then linkers, each fragment its own block, sorted and once shuffled."""
    name = "chem/mofs.csv.gz"
    for row in read_csv(data / name):
        nodes, linkers = row["nodes"].split("."), row["linkers"].split(".")
        key = f"{row['nodes']}|{row['linkers']}"
        if len(key) > 400:
            dropped["mofs: nodes and linkers over 400 characters"] += 1
            continue
        rng = random.Random(seed_of("mof", key))
        for _ in range(2):
            parts: tuple[Metal | Molecule, ...] = (*map(Metal, nodes), *map(Molecule, linkers))
            yield Document("material", name, key, render(Material(parts)))
            rng.shuffle(linkers)


def load_proteins(data: Path, dropped: Counter[str]) -> Iterator[Document]:
    """Plain chains that fit the context."""
    name = "bio/proteins_sequences_nr.csv.gz"
    for row in read_csv(data / name):
        if len(row["sequence"]) > MAX_RESIDUES:
            dropped["proteins: longer than 440 residues"] += 1
        else:
            yield Document("protein", name, row["cluster70"], render(Protein(row["sequence"].upper())))


def load_antibodies(data: Path, dropped: Counter[str]) -> Iterator[Document]:
    """Chains and CDR designs from training rows whose H3 stands in no visible validation or test part.

    The SAbDab chains visible here are all validation or test parts of published splits, so none is trained on.
    """
    paired, paratope = "bio/antibody_covabdab_paired.csv.gz", "bio/antibody_antiberta_paratope.csv.gz"
    held_out = held_out_h3(data)
    for row in read_csv(data / paired):
        spans = [(int(row[f"h{i}s"]), int(row[f"h{i}e"])) for i in (1, 2, 3)]
        if row["refinegnn_split"] != "train" or row["cdrh3"] in held_out:
            dropped["antibodies: H3 of a validation or test row"] += 1
        elif all(0 <= a < b for a, b in spans):
            heavy = Antibody(row["vh"], tuple(spans))
            light = Antibody(row["vl"]) if row["vl"].isalpha() and row["vl"].isupper() else None
            yield from antibody_documents(paired, heavy, light)
    for row in read_csv(data / paratope):
        spans = [(int(row[f"c{i}s"]), int(row[f"c{i}e"])) for i in (1, 2, 3)]
        if not all(0 <= a < b for a, b in spans):
            dropped["antibodies: a CDR span not found"] += 1
            continue
        chain = Antibody(row["sequence"], tuple(spans))
        if row["set"] != "train" or chain.sequence[spans[2][0] : spans[2][1]] in held_out:
            dropped["antibodies: H3 of a validation or test row"] += 1
        else:
            yield from antibody_documents(paratope, chain, None)


def held_out_h3(data: Path) -> set[str]:
    """CDR-H3 strings of the visible validation and test chains."""
    loops = {row["cdrh3"] for row in read_csv(data / "bio/antibody_sabdab_heavy_imgt.csv.gz")}
    paired = read_csv(data / "bio/antibody_covabdab_paired.csv.gz")
    return loops | {row["cdrh3"] for row in paired if row["refinegnn_split"] in ("val", "test")}


def antibody_documents(source: str, chain: Antibody, light: Antibody | None) -> Iterator[Document]:
    """The marked chain, and one CDR design a loop; the third loop also with the light chain before it."""
    key = chain.sequence
    yield Document("antibody", source, key, render(chain))
    for index, (start, end) in enumerate(chain.cdrs):
        slot = Antibody(chain.sequence[:start] + chain.sequence[end:], ((start, start),))
        loop = chain.sequence[start:end]
        yield Document("antibody", source, key, render(CdrDesign((slot,), (loop,))))
        if index == 2 and light is not None:
            yield Document("antibody", source, key, render(CdrDesign((light, slot), (loop,))))


def load_edits(data: Path) -> Iterator[Document]:
    """Parent to better child within the official GGS start sets, never outside them."""
    for name, scores, n_pairs in edit_start_sets(data):
        yield from edit_documents(name, scores, n_pairs)


def edit_start_sets(data: Path) -> Iterator[tuple[str, dict[str, float], int]]:
    """(source, sequence -> measured score, pairs to draw) of the official start sets, AAV then GFP."""
    name = "bio/aav_bryant2021_ggs.csv.gz"
    rows = [r for r in read_csv(data / name) if r["ggs_medium"] == "1" or r["ggs_hard"] == "1"]
    yield name, {r["sequence"]: float(r["score"]) for r in rows}, 6000
    name = "bio/gfp_sarkisyan2016.csv.gz"
    rows = [r for r in read_csv(data / name) if r["ggs_medium"] == "1" or r["ggs_hard"] == "1"]
    wild_type = _gfp_wild_type(data)
    yield name, {mutated(wild_type, row["mutations"]): float(row["score"]) for row in rows}, 1500


def _gfp_wild_type(data: Path) -> str:
    import json

    types: dict[str, Any] = json.loads((data / "bio/dms_wildtypes.json").read_text())
    return str(types["avgfp"]["wt"])


def mutated(sequence: str, mutations: str) -> str:
    """`sequence` with substitutions like A108D (0-based) made; a wrong wild-type letter is an error."""
    letters = list(sequence)
    for mutation in filter(None, mutations.split(",")):
        old, position, new = mutation[0], int(mutation[1:-1]), mutation[-1]
        if letters[position] != old:
            raise ValueError(f"{mutation}: position {position} holds {letters[position]}")
        letters[position] = new
    return "".join(letters)


def edit_documents(source: str, scores: dict[str, float], n_pairs: int) -> Iterator[Document]:
    """Random pairs written from the lower to the higher score."""
    rng = random.Random(seed_of("edit", source))
    sequences = sorted(scores)
    for _ in range(n_pairs):
        pair: Iterable[str] = sorted(rng.sample(sequences, 2), key=lambda s: scores[s])
        parent, child = pair
        yield Document("edit", source, child, render(ProteinEdit(Protein(parent), Protein(child))))
