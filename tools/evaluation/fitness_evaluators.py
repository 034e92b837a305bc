"""What says how fit a designed sequence is: a look-up in a measured landscape, or a transparent ridge model.

GGS's oracle is a network that is not part of this project; figures under another evaluator are on another scale and
stand in another row. The ridge model is linear in one-hot residues, so it can only add up single effects: its
Spearman correlation on sequences it was not fitted to belongs beside every figure made with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats

from tools.errors import InputError

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"


@dataclass(frozen=True, slots=True)
class LookUp:
    """Fitness as measured; None for a sequence that was not. Where `sites` are given, a design is judged by its
    residues there and its changes elsewhere are taken back to those of `background`."""

    fitness: Mapping[str, float]
    background: str = ""
    sites: tuple[int, ...] = ()

    def __call__(self, sequences: Sequence[str]) -> list[float | None]:
        return [self.fitness.get(self.at_sites(sequence)) for sequence in sequences]

    def at_sites(self, sequence: str) -> str:
        if not self.sites or len(sequence) != len(self.background):
            return sequence
        letters = list(self.background)
        for site in self.sites:
            letters[site] = sequence[site]
        return "".join(letters)


@dataclass(frozen=True, slots=True)
class RidgeEvaluator:
    """`weights` (L * 20,) on one-hot residues; `spearman` on the `n_held_out` sequences it was not fitted to."""

    weights: NDArray[np.float64]
    intercept: float
    length: int
    spearman: float
    n_held_out: int

    def __call__(self, sequences: Sequence[str]) -> list[float | None]:
        """Predicted fitness; None for another length or a letter outside the twenty."""
        fits = [len(s) == self.length and set(s) <= set(AMINO_ACIDS) for s in sequences]
        known = [sequence for sequence, fit in zip(sequences, fits, strict=True) if fit]
        predicted = iter((one_hot(known) @ self.weights + self.intercept).tolist() if known else [])
        return [float(next(predicted)) if fit else None for fit in fits]


def fit_ridge(fitness: Mapping[str, float], *, alpha: float = 1.0, held_out_share: float = 0.2) -> RidgeEvaluator:
    """Ridge regression (penalty `alpha`, intercept free) on all sequences but a share held out by hash of sequence."""
    lengths = {len(sequence) for sequence in fitness}
    if len(lengths) != 1:
        raise InputError(f"the ridge evaluator needs sequences of one length, got {min(lengths)} to {max(lengths)}")
    names = sorted(fitness)
    held = np.array([_place(name) < held_out_share for name in names])
    if held.all() or held.sum() < 2:
        raise InputError(f"{len(names)} sequences are too few for a held-out share of {held_out_share:g}")
    values = np.array([fitness[name] for name in names])
    features = one_hot(names)
    train, middle = features[~held], values[~held].mean()
    gram = (train.T @ train).toarray() + alpha * np.eye(train.shape[1])
    weights = np.linalg.solve(gram, train.T @ (values[~held] - middle))
    correlation = float(stats.spearmanr(features[held] @ weights, values[held]).statistic)
    return RidgeEvaluator(weights, float(middle), lengths.pop(), correlation, int(held.sum()))


def one_hot(sequences: Sequence[str]) -> sparse.csr_matrix:
    """(N, L * 20), one 1 a residue."""
    length = len(sequences[0])
    columns = np.array([[20 * at + AMINO_ACIDS.index(letter) for at, letter in enumerate(s)] for s in sequences])
    rows = np.repeat(np.arange(len(sequences)), length)
    shape = (len(sequences), 20 * length)
    return sparse.csr_matrix((np.ones(rows.size), (rows, columns.ravel())), shape=shape)


def _place(name: str) -> float:
    """A number in 0..1 that depends on the text alone."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") / 2**64
