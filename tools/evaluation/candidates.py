"""Where the recorded molecules stand among ranked candidates: the exact set, and its largest molecule (MaxFrag).

MaxFrag after Tetko et al. 2020 (doi:10.1038/s41467-020-19266-y). Candidates are ranked by `models.reactions.voting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rdkit import Chem, rdBase

from models.reactions.voting import Candidate


def largest(candidate: Candidate) -> str:
    """The molecule of most heavy atoms; among equals the first in order of text."""
    return min(candidate, key=lambda smiles: (-_n_heavy_atoms(smiles), smiles))


@lru_cache(maxsize=200_000)
def _n_heavy_atoms(smiles: str) -> int:
    with rdBase.BlockLogs():
        return int(Chem.MolFromSmiles(smiles).GetNumHeavyAtoms())


def place_of(wanted: Candidate, ranked: Sequence[Candidate]) -> int | None:
    """Rank (from 1) of `wanted`, or None."""
    return next((at for at, candidate in enumerate(ranked, 1) if candidate == wanted), None)


def place_of_largest(wanted: Candidate, ranked: Sequence[Candidate]) -> int | None:
    """Rank (from 1) of the first candidate whose largest molecule is `wanted`'s, or None (MaxFrag)."""
    target = largest(wanted)
    return next((at for at, candidate in enumerate(ranked, 1) if largest(candidate) == target), None)
