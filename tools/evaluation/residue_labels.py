"""Predicted against true binding residues: votes of samples, precision, recall, F1 and MCC.

Needs no coordinates. A figure that divides by zero is None (not decided), never 0: precision without a predicted
residue, recall without a true one, MCC where a row or column of the table is empty.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True, slots=True)
class Confusion:
    """Residues by prediction and truth."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion(
            self.true_positive + other.true_positive,
            self.false_positive + other.false_positive,
            self.false_negative + other.false_negative,
            self.true_negative + other.true_negative,
        )


def vote_shares(samples: Sequence[Iterable[int]], n_residues: int) -> list[float]:
    """For each residue the share of `samples` (sets of 0-based indices) that mark it; zeros without samples."""
    votes = [0] * n_residues
    for sample in samples:
        for residue in set(sample):
            votes[residue] += 1
    return [count / max(1, len(samples)) for count in votes]


def marked_residues(shares: Sequence[float], threshold: float) -> list[int]:
    """Residues that at least `threshold` of the samples mark and at least one sample does."""
    return [at for at, share in enumerate(shares) if share > 0.0 and share >= threshold]


def confusion(predicted: Iterable[int], truth: Iterable[int], n_residues: int) -> Confusion:
    """The table of one chain."""
    said, real = set(predicted), set(truth)
    hits = len(said & real)
    return Confusion(hits, len(said) - hits, len(real) - hits, n_residues - len(said | real))


def confusion_scores(table: Confusion) -> dict[str, float | None]:
    """precision, recall, f1 (0..1) and mcc (-1..1; Matthews 1975, doi 10.1016/0005-2795(75)90109-9).

    Example: 3 hits, 1 false alarm, 2 missed, 94 right no: precision .75, recall .6, f1 .667, mcc .656.
    """
    tp, fp, fn, tn = table.true_positive, table.false_positive, table.false_negative, table.true_negative
    norm = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return {
        "precision": tp / (tp + fp) if tp + fp else None,
        "recall": tp / (tp + fn) if tp + fn else None,
        "f1": 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else None,
        "mcc": (tp * tn - fp * fn) / math.sqrt(norm) if norm else None,
    }


def mean_scores(tables: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """Mean over chains of each figure, over those where it is decided."""
    means: dict[str, float | None] = {}
    for name in ("precision", "recall", "f1", "mcc"):
        known = [value for table in tables if (value := table[name]) is not None]
        means[name] = fmean(known) if known else None
    return means
