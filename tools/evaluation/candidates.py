"""Candidates of one reaction from many answers: canonical sets of molecules, ranked over spellings of the input.

The ranking is that of R-SMILES (Zhong et al. 2022, doi:10.1039/d2sc02763a, as its published scoring script computes
it): within the answers to one spelling, invalid ones and repeats are dropped; candidate c at place k (from 0) of what
is left earns 1 / (1 + alpha k) there, alpha = 1; earnings are summed over the spellings. Candidates are ordered by the
best place they have reached in any spelling, and among equals by the sum. With one spelling this is the model's own
order.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from rdkit import Chem, rdBase

Candidate = tuple[str, ...]
"""Distinct canonical isomeric SMILES without atom maps, sorted: one set of molecules."""


def candidate_of(smiles: Iterable[str]) -> Candidate | None:
    """The set of molecules in these SMILES, mixtures split; None where RDKit cannot read one or there is none."""
    parts = canonical_parts(smiles)
    return None if parts is None else tuple(sorted(set(parts)))


def canonical_parts(smiles: Iterable[str]) -> list[str] | None:
    """Each molecule of these SMILES, mixtures split, maps removed, canonical, in the order written; None where RDKit
    cannot read one or there is none."""
    found: list[str] = []
    with rdBase.BlockLogs():
        for part in (part for text in smiles for part in text.split(".")):
            mol = Chem.MolFromSmiles(part)
            if mol is None or mol.GetNumAtoms() == 0:
                return None
            for atom in mol.GetAtoms():
                atom.SetAtomMapNum(0)
            found.append(_fixed(mol))
    return found or None


def _fixed(mol: Chem.Mol) -> str:
    """Canonical SMILES of the molecule as re-read from its own canonical SMILES, so that both sides of a comparison
    have gone through the same reading (maps can hide that two arms of a centre are alike)."""
    first = Chem.MolToSmiles(mol)
    again = Chem.MolFromSmiles(first)
    return str(first if again is None else Chem.MolToSmiles(again))


def largest(candidate: Candidate) -> str:
    """The molecule of most heavy atoms; among equals the first in order of text."""
    with rdBase.BlockLogs():
        return min(candidate, key=lambda smiles: (-Chem.MolFromSmiles(smiles).GetNumHeavyAtoms(), smiles))


def rank_candidates(answers: Sequence[Sequence[Candidate | None]], alpha: float = 1.0) -> list[Candidate]:
    """Distinct valid candidates, best first, from the ranked answers to each spelling (None: invalid)."""
    earned: dict[Candidate, float] = {}
    best: dict[Candidate, int] = {}
    for ranked in answers:
        distinct = list(dict.fromkeys(candidate for candidate in ranked if candidate is not None))
        for place, candidate in enumerate(distinct):
            earned[candidate] = earned.get(candidate, 0.0) + 1 / (1 + alpha * place)
            best[candidate] = min(place, best.get(candidate, place))
    return sorted(earned, key=lambda candidate: (best[candidate], -earned[candidate]))


def place_of(wanted: Candidate, ranked: Sequence[Candidate]) -> int | None:
    """Rank (from 1) of `wanted`, or None."""
    return next((at for at, candidate in enumerate(ranked, 1) if candidate == wanted), None)


def place_of_largest(wanted: Candidate, ranked: Sequence[Candidate]) -> int | None:
    """Rank (from 1) of the first candidate whose largest molecule is `wanted`'s, or None (MaxFrag)."""
    target = largest(wanted)
    return next((at for at, candidate in enumerate(ranked, 1) if largest(candidate) == target), None)


def spellings(smiles: str, n: int, seed: str) -> list[str]:
    """`n` SMILES of one molecule: the canonical one, then canonical ones rooted at atoms drawn at random.

    R-SMILES roots test inputs at random atoms in the same way; roots are drawn without replacement until every atom
    has had its turn. `seed` is any text.
    """
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    rng = random.Random(seed)
    roots: list[int] = []
    while len(roots) < n - 1:
        order = list(range(mol.GetNumAtoms()))
        rng.shuffle(order)
        roots += order
    return [str(Chem.MolToSmiles(mol)), *(str(Chem.MolToSmiles(mol, rootedAtAtom=root)) for root in roots[: n - 1])]
