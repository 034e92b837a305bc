"""The best local alignment of two sequences (Smith & Waterman 1981, doi 10.1016/0022-2836(81)90087-5), affine gaps.

Residues are scored by identity and by seven groups of like ones instead of a substitution matrix: enough to lay two
members of a family on each other, not to tell distant relatives from chance. Time goes with the product of the lengths.
"""

from __future__ import annotations

import numpy as np

GROUPS = ("ILVM", "FWY", "KR", "DE", "QNH", "STAG", "C", "P")
SAME, ALIKE, OTHER = 5.0, 1.0, -2.0
GAP_OPEN, GAP_EXTEND = 8.0, 0.5


def align_locally(first: str, second: str) -> list[tuple[int, int]]:
    """Pairs of 0-based indices (first, second) that are laid on each other, in order."""
    rows, columns = len(first), len(second)
    best = np.zeros((rows + 1, columns + 1))
    across = np.full((rows + 1, columns + 1), -np.inf)
    down = np.full((rows + 1, columns + 1), -np.inf)
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            across[i, j] = max(best[i, j - 1] - GAP_OPEN, across[i, j - 1] - GAP_EXTEND)
            down[i, j] = max(best[i - 1, j] - GAP_OPEN, down[i - 1, j] - GAP_EXTEND)
            matched = best[i - 1, j - 1] + residue_score(first[i - 1], second[j - 1])
            best[i, j] = max(0.0, matched, across[i, j], down[i, j])
    return _traced(first, second, best, across, down)


def residue_score(one: str, other: str) -> float:
    if one == other:
        return SAME
    return ALIKE if _GROUP.get(one, one) == _GROUP.get(other, other) else OTHER


def _traced(
    first: str,
    second: str,
    best: np.ndarray,
    across: np.ndarray,
    down: np.ndarray,
) -> list[tuple[int, int]]:
    i, j = (int(at) for at in np.unravel_index(int(best.argmax()), best.shape))
    pairs = []
    while i > 0 and j > 0 and best[i, j] > 0.0:
        if best[i, j] == best[i - 1, j - 1] + residue_score(first[i - 1], second[j - 1]):
            pairs.append((i - 1, j - 1))
            i, j = i - 1, j - 1
        elif best[i, j] == across[i, j]:
            while across[i, j] == across[i, j - 1] - GAP_EXTEND:
                j -= 1
            j -= 1
        else:
            while down[i, j] == down[i - 1, j] - GAP_EXTEND:
                i -= 1
            i -= 1
    return pairs[::-1]


_GROUP = {letter: str(at) for at, group in enumerate(GROUPS) for letter in group}
