"""What must not be trained on, so that the visible validation and test parts stay honest measures.

Reactions are compared without stereo marks, so that a match is found whatever its stereochemistry; pocket
proteins by shared 5-mers with the UniProtSMB validation and test chains, which finds homologues without an
alignment. Not promised: that the 5-mer rule equals an identity threshold; it is meant to be the stricter of the
two (see `MIN_SHARED`).
"""

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdkit import Chem, rdBase

KMER = 5
_SEED = 20  # residues by which a part of a chain is looked up
MIN_SHARED = 0.04
"""Chains at 50 % identity share about 3 % of 5-mers (0.5^5) if differences are scattered, more as they cluster;
unrelated chains of 300 residues share 0.01 %.
"""


def read_csv(path: Path, delimiter: str = ",") -> Iterator[dict[str, str]]:
    """Rows of a gzipped table with a header."""
    with gzip.open(path, "rt", newline="") as file:
        yield from csv.DictReader(file, delimiter=delimiter)


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Objects of a gzipped JSON-lines file."""
    with gzip.open(path, "rt") as file:
        for line in file:
            yield json.loads(line)


def parsed(smiles: str) -> Chem.Mol | None:
    """The molecule, or None where RDKit cannot read it (which its type stubs do not tell)."""
    mol: Chem.Mol | None = Chem.MolFromSmiles(smiles)
    return mol


def flat_smiles(smiles: str) -> str:
    """Canonical SMILES without stereo marks or atom maps; the input itself if it does not parse."""
    with rdBase.BlockLogs():
        mol = parsed(smiles)
    if mol is None:
        return smiles
    for atom in mol.GetAtoms():
        atom.SetAtomMapNum(0)
    return str(Chem.MolToSmiles(mol, isomericSmiles=False))


def flat_set(smiles: str) -> frozenset[str]:
    """The fragments of a dotted SMILES, each as `flat_smiles`."""
    return frozenset(flat_smiles(part) for part in smiles.split(".") if part)


@dataclass(frozen=True)
class ReactionExclusions:
    """Products and reactant sets of the visible validation and test reactions."""

    products: frozenset[str]
    reactant_sets: frozenset[frozenset[str]]

    def excludes(self, reactants: str, product: str) -> bool:
        """Whether this reaction, read in either direction, is one of theirs."""
        left, right = flat_set(reactants), flat_set(product)
        return bool(right & self.products) or left in self.reactant_sets or right in self.reactant_sets


def load_reaction_exclusions(data: Path) -> ReactionExclusions:
    """From the valid and test parts of uspto15k_forward and from uspto50k.valid."""
    products: set[str] = set()
    reactant_sets: set[frozenset[str]] = set()
    for row in held_out_reactions(data):
        products |= flat_set(row["product"])
        reactant_sets.add(flat_set(row["reactants"]))
        if row.get("reagents"):
            reactant_sets.add(flat_set(f"{row['reactants']}.{row['reagents']}"))
    return ReactionExclusions(frozenset(products), frozenset(reactant_sets))


def held_out_reactions(data: Path) -> Iterator[dict[str, str]]:
    """The visible reactions that are for validation or test."""
    yield from (r for r in read_csv(data / "chem/uspto15k_forward.csv.gz") if r["split"] != "train")
    yield from read_csv(data / "chem/uspto50k.valid.csv.gz")


def held_out_pocket_chains(data: Path) -> list[str]:
    """Sequences of UniProtSMB valid and test."""
    rows = read_jsonl(data / "chem/pockets.jsonl.gz")
    return [row["sequence"] for row in rows if row["split"] in ("valid", "test")]


class KmerIndex:
    """Which of a set of chains share k-mers with a given one."""

    def __init__(self, sequences: Iterable[str]) -> None:
        self._chains: dict[str, list[int]] = {}
        self._sizes: list[int] = []
        for number, sequence in enumerate(sequences):
            kmers = _kmers(sequence)
            self._sizes.append(len(kmers))
            for kmer in kmers:
                self._chains.setdefault(kmer, []).append(number)

    def shares_kmers(self, sequence: str, min_shared: float = MIN_SHARED) -> bool:
        """Whether any indexed chain shares at least `min_shared` of the shorter chain's distinct 5-mers."""
        mine = _kmers(sequence)
        counts: dict[int, int] = {}
        for kmer in mine:
            for number in self._chains.get(kmer, ()):
                counts[number] = counts.get(number, 0) + 1
        return any(
            count >= max(1.0, min_shared * min(len(mine), self._sizes[number])) for number, count in counts.items()
        )


def _kmers(sequence: str) -> set[str]:
    return {sequence[i : i + KMER] for i in range(len(sequence) - KMER + 1)}


class ChainParts:
    """Whether a chain is a stretch of one of a set of chains."""

    def __init__(self, chains: Iterable[str]) -> None:
        self._by_start: dict[str, list[str]] = defaultdict(list)
        for chain in sorted(set(chains)):
            for start in range(max(1, len(chain) - _SEED + 1)):
                self._by_start[chain[start : start + _SEED]].append(chain)

    def holds(self, part: str) -> bool:
        """Parts shorter than the look-up's seed are looked for in every chain."""
        if len(part) < _SEED:
            return any(part in start or part in chain for start, chains in self._by_start.items() for chain in chains)
        return any(part in chain for chain in self._by_start.get(part[:_SEED], ()))


def chains_like_held_out(data: Path) -> Iterator[str]:
    """The UniProtSMB validation and test chains, and every labelled chain of the data that is like one of them."""
    held_out = held_out_pocket_chains(data)
    index = KmerIndex(held_out)
    yield from (chain.upper() for chain in held_out)
    labelled = (row["sequence"].upper() for row in read_jsonl(data / "chem/pockets.jsonl.gz"))
    yield from (chain for chain in labelled if index.shares_kmers(chain))
    for row in read_jsonl(data / "chem/complexes.jsonl.gz"):
        chains = [row["sequence"], *(chain["sequence"] for chain in row.get("other_chains") or [])]
        if any(index.shares_kmers(chain) for chain in chains):
            yield row["sequence"].upper()
