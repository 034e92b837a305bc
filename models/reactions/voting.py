"""Many answers to several spellings of one input, voted into one ranking: the test-time augmentation of R-SMILES.

Zhong et al. 2022 (doi:10.1039/d2sc02763a), as their published scoring script computes it: within the answers to one
spelling, invalid ones and repeats are dropped; the candidate at place k (from 0) of what is left earns
1 / (1 + alpha k) there, alpha = 1; earnings are summed over the spellings. Candidates are ordered by the best place
they have reached in any spelling, and among equals by the sum. With one spelling this is the model's own order.
Beyond the paper: an answer that only repeats the input (every molecule of it stands there) is dropped as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rdkit import Chem, rdBase

Candidate = tuple[str, ...]
"""Distinct canonical isomeric SMILES without atom maps, sorted: one set of molecules."""


@dataclass(frozen=True, slots=True)
class Voted:
    """A candidate's standing: the `score` earned, the `best_place` (from 0), how many answers were it, and of which
    spelling and answer (both from 0) its best one came, the earliest among equals."""

    candidate: Candidate
    score: float
    best_place: int
    n_answers: int
    origin: tuple[int, int]


def candidate_of(smiles: Iterable[str]) -> Candidate | None:
    """The set of molecules in these SMILES, mixtures split; None where RDKit cannot read one or there is none."""
    parts = canonical_parts(smiles)
    return None if parts is None else tuple(sorted(set(parts)))


def canonical_parts(smiles: Iterable[str]) -> list[str] | None:
    """Each molecule of these SMILES, mixtures split, maps removed, canonical, in the order written; None where RDKit
    cannot read one or there is none."""
    found = [_canonical(part) for text in smiles for part in text.split(".")]
    known = [part for part in found if part is not None]
    return known if known and len(known) == len(found) else None


@lru_cache(maxsize=200_000)
def _canonical(smiles: str) -> str | None:
    """Canonical SMILES of the molecule as re-read from its own canonical SMILES, so that both sides of a comparison
    have gone through the same reading (maps can hide that two arms of a centre are alike). Beams over many spellings
    write the same molecules again and again."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
        if mol is None or mol.GetNumAtoms() == 0:
            return None
        for atom in mol.GetAtoms():
            atom.SetAtomMapNum(0)
        first = str(Chem.MolToSmiles(mol))
        again = Chem.MolFromSmiles(first)
    return first if again is None else str(Chem.MolToSmiles(again))


def vote(
    answers: Sequence[Sequence[Candidate | None]], given: Iterable[str] = (), *, alpha: float = 1.0
) -> list[Voted]:
    """Distinct valid candidates, best first, from the ranked answers to each spelling (None: invalid); `given` are
    the molecules of the input, canonical."""
    inputs = frozenset(given)
    score: dict[Candidate, float] = {}
    best: dict[Candidate, int] = {}
    origin: dict[Candidate, tuple[int, int]] = {}
    copies: dict[Candidate, int] = {}
    for spelling, ranked in enumerate(answers):
        first: dict[Candidate, int] = {}
        for at, candidate in enumerate(ranked):
            if candidate is not None and not inputs.issuperset(candidate):
                first.setdefault(candidate, at)
                copies[candidate] = copies.get(candidate, 0) + 1
        for place, (candidate, at) in enumerate(first.items()):
            score[candidate] = score.get(candidate, 0.0) + 1 / (1 + alpha * place)
            if place < best.get(candidate, place + 1):
                best[candidate], origin[candidate] = place, (spelling, at)
    ordered = sorted(score, key=lambda candidate: (best[candidate], -score[candidate]))
    return [Voted(one, score[one], best[one], copies[one], origin[one]) for one in ordered]
