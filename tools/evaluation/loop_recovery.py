"""How much of a CDR loop is recovered, and what counting residues in known antibodies would have recovered.

AAR, amino acid recovery: equal residues at equal positions over the length of the loop (Adolf-Bryfogle et al. 2018,
doi 10.1371/journal.pcbi.1006112, whose designs keep the length). Where lengths differ here, positions count from
the first residue and the longer length divides, so that neither a short nor a long guess gains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.evaluation.edit_distance import levenshtein


def recovery(designed: str, truth: str) -> float:
    """0..1. Example: ARDY against ARGDY: A, R agree and D, Y stand elsewhere, so 2/5."""
    same = sum(a == b for a, b in zip(designed, truth, strict=False))
    return same / max(len(designed), len(truth))


@dataclass(frozen=True, slots=True)
class MajorityLoops:
    """For each loop length the most common residue at each position, and the most common length."""

    by_length: dict[int, str]
    typical_length: int

    def of_length(self, n_residues: int) -> str | None:
        """None where no known loop has this length."""
        return self.by_length.get(n_residues)

    @property
    def typical(self) -> str:
        return self.by_length[self.typical_length]


def count_majority(loops: Iterable[str]) -> MajorityLoops | None:
    """From loops of known antibodies; None without any. Ties go to the letter that comes first in the alphabet."""
    known = [loop for loop in loops if loop]
    if not known:
        return None
    lengths = Counter(map(len, known))
    by_length = {}
    for length in lengths:
        columns = zip(*(loop for loop in known if len(loop) == length), strict=True)
        by_length[length] = "".join(_most_common(Counter(column)) for column in columns)
    return MajorityLoops(by_length, min(lengths, key=lambda n: (-lengths[n], n)))


def _most_common(counts: Counter[str]) -> str:
    return min(counts, key=lambda letter: (-counts[letter], letter))


def loop_identity(first: str, second: str) -> float:
    """1 - Levenshtein distance / longer length, 0..1: identity of the best alignment, gaps counted as differences."""
    return 1.0 - levenshtein(first, second) / max(len(first), len(second), 1)


def nearest_identity(loop: str, others: Sequence[str]) -> float:
    """Identity to the most alike of `others`; 0 where there are none.

    Those whose length alone keeps them below the best are not aligned.
    """
    best = 0.0
    for other in sorted(others, key=lambda one: abs(len(one) - len(loop))):
        if min(len(loop), len(other)) / max(len(loop), len(other), 1) > best:
            best = max(best, loop_identity(loop, other))
    return best
