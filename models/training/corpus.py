"""Build the packed token corpus from the data directory: deterministic, deduplicated, with a table of it.

Written: `<modality>.<part>.tokens.npy` (uint16, documents end to end, each `<bos> text <eos>`),
`<modality>.<part>.offsets.npy` (int64, where each begins, plus the end), the tokenizer, and `corpus.json` with
counts, licences and everything dropped. The same input gives the same bytes whatever the number of workers.
Molecules are the neutral parent (RDKit Uncharger; permanent charges kept), once canonical, once in a random spelling
and once behind some of their property tags; reactions are root-aligned (`models.reactions.spelling`).
"""

import json
import multiprocessing
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem.MolStandardize import rdMolStandardize

from models.errors import ModelInputError
from models.grammar import render
from models.grammar.objects import Complex, Molecule, Protein
from models.grammar.properties import condition_tags
from models.molecule_properties import measured_properties
from models.tokenizer import MAX_LENGTH, ScientificTokenizer
from models.training import sources
from models.training.exclusions import (
    ChainParts,
    ReactionExclusions,
    chains_like_held_out,
    held_out_reactions,
    load_reaction_exclusions,
    parsed,
)
from models.training.sources import LICENCES, Document, kept, seed_of

VALID_SHARE = 0.01
MAX_HEAVY_ATOMS = 70
MAX_VALID_DOCUMENTS = 2000
ENCODE_CHUNK = 400  # documents a worker encodes at once
SHARED_OUT = {"molecule": 1.0, "reaction": 1.0, "protein": 1.0, "edit": 1.0}
"""What a share can be set for, and the share where none is."""


class Parent(NamedTuple):
    """The neutral parent of a molecule: canonical, in one random spelling, and its property tags."""

    canonical: str
    spelling: str
    asked: tuple[str, ...]


def neutral_parent(smiles: str) -> Parent | None:
    """None where it is no single molecule of 2 to 70 heavy atoms."""
    with rdBase.BlockLogs():
        mol = parsed(smiles)
        if mol is None or not 1 < mol.GetNumHeavyAtoms() <= MAX_HEAVY_ATOMS:
            return None
        mol = parsed(Chem.MolToSmiles(rdMolStandardize.Uncharger().uncharge(mol)))
        if mol is None:
            return None
        canonical = str(Chem.MolToSmiles(mol))
        if "." in canonical:
            return None
        (spelling,) = Chem.MolToRandomSmilesVect(mol, 1, randomSeed=seed_of(canonical) % 2**31)
        return Parent(canonical, str(spelling), condition_tags(measured_properties(mol)))


def build_corpus(data: Path, out: Path, workers: int = 3, shares: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Write the corpus of `data` into `out` and return the content of its `corpus.json`.

    `shares` (molecule, reaction, protein, edit: 0..1) take a part of the rows, chosen by hash, where a run is too short
    to see them all.
    """
    unknown = sorted(set(shares or {}) - set(SHARED_OUT))
    if unknown:
        raise ModelInputError(f"no share can be set for {', '.join(unknown)}; only for {', '.join(SHARED_OUT)}")
    out.mkdir(parents=True, exist_ok=True)
    dropped: Counter[str] = Counter()
    tokenizer = ScientificTokenizer.build()
    exclusions = load_reaction_exclusions(data)
    with multiprocessing.get_context("fork").Pool(workers, _start_worker, (exclusions,)) as pool:
        packer = _Packer(tokenizer, dropped, pool)
        for documents in _document_groups(data, pool, dropped, {**SHARED_OUT, **(shares or {})}):
            packer.add(documents)
            _say(f"{sum(packer.n_tokens.values()):,} tokens so far")
    manifest = packer.write(out)
    tokenizer.save(out / "tokenizer")
    (out / "corpus.json").write_text(json.dumps(manifest, indent=1))
    return manifest


def _document_groups(
    data: Path, pool: Any, dropped: Counter[str], shares: Mapping[str, float]
) -> Iterator[Iterable[Document]]:
    proteins, edits = sources.load_proteins(data, dropped), sources.load_edits(data)
    yield from (
        sources.load_materials(data, dropped),
        sources.load_antibodies(data, dropped),
        (edit for edit in edits if kept(edit.text, shares["edit"])),
        sources.load_pockets(data, dropped),
        (protein for protein in proteins if kept(protein.key, shares["protein"])),
        _complexes(data, pool, dropped),
        _reactions(data, pool, dropped, shares["reaction"]),
        _molecules(data, pool, dropped, shares["molecule"]),
    )


def _molecules(data: Path, pool: Any, dropped: Counter[str], share: float) -> Iterator[Document]:
    pairs = [pair for pair in sources.load_molecule_smiles(data, dropped) if kept(pair[1], share)]
    seen: set[str] = set()
    parents = pool.imap(neutral_parent, (smiles for _, smiles in pairs), chunksize=2000)
    for (source, _), parent in zip(pairs, parents, strict=True):
        if parent is None:
            dropped["molecules: no single parent of 2 to 70 heavy atoms"] += 1
        elif parent.canonical in seen:
            dropped["molecules: same neutral parent"] += 1
        else:
            seen.add(parent.canonical)
            yield from _molecule_documents(source, parent)


def _molecule_documents(source: str, parent: Parent) -> Iterator[Document]:
    rng = random.Random(seed_of("asked", parent.canonical))
    molecules = {
        "molecule": Molecule(parent.canonical),
        "molecule_random": Molecule(parent.spelling),
        "molecule_property": Molecule(parent.canonical, sources.some_of(parent.asked, rng)),
    }
    for modality, molecule in molecules.items():
        yield Document(modality, source, parent.canonical, render(molecule))


def _reactions(data: Path, pool: Any, dropped: Counter[str], share: float) -> Iterator[Document]:
    rows = [row for row in sources.load_reaction_rows(data) if kept(row.reactants, share)]
    for (documents, why_none), row in zip(pool.imap(_reaction_worker, rows, chunksize=500), rows, strict=True):
        if why_none:
            dropped[f"{row.source}: {why_none}"] += 1
        yield from documents
    for held_out in held_out_reactions(data):
        if held_out.get("split", "valid") == "valid":
            name = "chem/uspto15k_forward.csv.gz" if "split" in held_out else "chem/uspto50k.valid.csv.gz"
            row = sources.ReactionRow(name, held_out["reactants"], held_out["product"], held_out.get("rxn_mapped", ""))
            yield from sources.reaction_documents(row, None)[0]


def _complexes(data: Path, pool: Any, dropped: Counter[str]) -> Iterator[Document]:
    rows = list(sources.load_complexes(data, dropped))
    pairs = list(sources.load_dti_pairs(data, dropped))
    smiles = sorted({row["smiles"] for _, row in rows} | {pair[2] for pair in pairs})
    parents = dict(zip(smiles, pool.map(neutral_parent, smiles, chunksize=500), strict=True))
    held_out = ChainParts(chains_like_held_out(data))
    for source, row in rows:
        if (parent := parents[row["smiles"]]) is not None:
            yield from sources.complex_documents(source, row, parent.canonical, parent.asked, held_out)
    for source, sequence, ligand in pairs:
        if (parent := parents[ligand]) is not None:
            text = render(Complex((Protein(sequence),), Molecule(parent.canonical)))
            yield Document("complex_plain", source, sequence, text)


_exclusions: ReactionExclusions | None = None
_tokenizer: ScientificTokenizer | None = None


def _start_worker(exclusions: ReactionExclusions) -> None:
    global _exclusions, _tokenizer
    _exclusions, _tokenizer = exclusions, ScientificTokenizer.build()


def _encode_worker(texts: list[str]) -> list[list[int]]:
    if _tokenizer is None:
        raise RuntimeError("the worker was not started with _start_worker")
    return _tokenizer.encode_many(texts)


def _reaction_worker(row: sources.ReactionRow) -> tuple[list[Document], str]:
    return sources.reaction_documents(row, _exclusions)


class _Packer:
    """Collects documents as tokens, by modality and part, without duplicates."""

    def __init__(self, tokenizer: ScientificTokenizer, dropped: Counter[str], pool: Any) -> None:
        self._tokenizer = tokenizer
        self._pool = pool
        self._dropped = dropped
        self._seen: set[int] = set()
        self._ids: dict[tuple[str, str], list[np.ndarray[Any, np.dtype[np.uint16]]]] = defaultdict(list)
        self.n_tokens: Counter[tuple[str, str, str]] = Counter()
        self._n_documents: Counter[tuple[str, str, str]] = Counter()

    def add(self, documents: Iterable[Document]) -> None:
        remaining = iter(documents)
        while batch := list(islice(remaining, 50 * ENCODE_CHUNK)):
            chunks = [batch[i : i + ENCODE_CHUNK] for i in range(0, len(batch), ENCODE_CHUNK)]
            encoded = self._pool.map(_encode_worker, [[d.text for d in chunk] for chunk in chunks], chunksize=1)
            for document, ids in zip(batch, chain.from_iterable(encoded), strict=True):
                self._add_one(document, ids)

    def _add_one(self, document: Document, ids: list[int]) -> None:
        if len(ids) + 2 > MAX_LENGTH:
            self._dropped[f"{document.modality}: longer than the context of {MAX_LENGTH} tokens"] += 1
            return
        fingerprint = seed_of(document.modality.removesuffix("_random"), document.text)
        if fingerprint in self._seen:
            self._dropped[f"{document.modality}: same text"] += 1
            return
        part = self._part(document)
        if part is None:
            return
        self._seen.add(fingerprint)
        whole = np.array([self._tokenizer.bos_id, *ids, self._tokenizer.eos_id], dtype=np.uint16)
        self._ids[document.modality, part].append(whole)
        row = (document.modality, part, document.source)
        self.n_tokens[row] += len(whole)
        self._n_documents[row] += 1

    def _part(self, document: Document) -> str | None:
        """Train or valid; by key, so that all spellings of one object fall on one side."""
        by_key = document.modality not in ("reaction", "retrosynthesis", "pocket", "edit")
        if not (document.held_out or (by_key and seed_of("part", document.key) % 10_000 < VALID_SHARE * 10_000)):
            return "train"
        full = len(self._ids[document.modality, "valid"]) >= MAX_VALID_DOCUMENTS
        return None if full else "valid"

    def write(self, out: Path) -> dict[str, Any]:
        """Write the arrays; returns the manifest."""
        for (modality, part), documents in sorted(self._ids.items()):
            offsets = np.cumsum([0, *map(len, documents)], dtype=np.int64)
            np.save(out / f"{modality}.{part}.tokens.npy", np.concatenate(documents))
            np.save(out / f"{modality}.{part}.offsets.npy", offsets)
        rows = [
            {
                "modality": m,
                "part": p,
                "source": s,
                "licence": LICENCES[s],
                "documents": n,
                "tokens": self.n_tokens[m, p, s],
            }
            for (m, p, s), n in sorted(self._n_documents.items())
        ]
        return {
            "vocab_size": self._tokenizer.vocab_size,
            "table": rows,
            "dropped": dict(sorted(self._dropped.items())),
        }


def load_part(directory: Path, modality: str, part: str) -> tuple[Any, Any]:
    """(tokens, offsets) of one modality and part as memory maps; (empty, [0]) where there is none."""
    tokens = directory / f"{modality}.{part}.tokens.npy"
    if not tokens.exists():
        return np.zeros(0, np.uint16), np.zeros(1, np.int64)
    return np.load(tokens, mmap_mode="r"), np.load(directory / f"{modality}.{part}.offsets.npy")


def render_table(manifest: dict[str, Any]) -> str:
    """The manifest as plain text for a person."""
    lines = [f"{'modality':16} {'part':6} {'documents':>10} {'tokens':>12}  source (licence)"]
    for row in manifest["table"]:
        lines.append(
            f"{row['modality']:16} {row['part']:6} {row['documents']:>10,} {row['tokens']:>12,}  "
            f"{row['source']} ({row['licence']})"
        )
    lines += ["left out:", *(f"{count:>10,}  {reason}" for reason, count in manifest["dropped"].items())]
    return "\n".join(lines)


def _say(message: str) -> None:
    print(f"corpus: {message}", file=sys.stderr, flush=True)  # noqa: T201 - progress of a command
