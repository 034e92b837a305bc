"""Internal diversity of a set of molecules, with its interval.

As MOSES has it (Polykovskiy et al. 2020, doi:10.3389/fphar.2020.565644, IntDiv with p = 1): 1 minus the mean Tanimoto
similarity over all ordered pairs of the valid molecules, each with itself included, on Morgan fingerprints of radius 2
folded to 1024 bits. Duplicates count as often as they occur.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tools.evaluation.intervals import N_RESAMPLES
from tools.evaluation.protocol import Figure
from tools.molecule.similarity import similarity_matrix

MAX_MOLECULES = 4000
"""Molecules at most in one similarity matrix (64 MB of float32); the first ones of a longer list are taken."""

DEFINITION = (
    "1 - mean Tanimoto similarity over all ordered pairs (self pairs included) of the molecules, Morgan radius 2, "
    "1024 bits (MOSES IntDiv1)"
)


def diversity_figure(name: str, smiles: Sequence[str], *, seed: int, n_resamples: int = N_RESAMPLES) -> Figure:
    """Internal diversity of molecules given as valid SMILES, with a percentile bootstrap over molecules.

    A resample holds copies; pairs of copies of one molecule are left out of its mean and the self pairs of MOSES put
    back as a factor, else every resample would look less diverse than the set it came from.
    """
    used = smiles[:MAX_MOLECULES]
    n = len(used)
    definition = DEFINITION if n == len(smiles) else f"{DEFINITION}; the first {n} of {len(smiles)}"
    if n < 2:
        return Figure(name, None, None, None, n, definition)
    similarities = similarity_matrix(used, n_bits=1024).astype(np.float32)
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(n_resamples):
        weights = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float32)
        same = float(weights @ weights)
        total = float(weights @ (similarities @ weights)) - float(weights**2 @ similarities.diagonal())
        if n * n > same:
            values.append((1 - 1 / n) * (1 - total / (n * n - same)))
    low, high = np.quantile(values, [0.025, 0.975])
    return Figure(
        name,
        1.0 - float(similarities.mean(dtype=np.float64)),
        float(low),
        float(high),
        n,
        definition,
        "bootstrap, molecules",
    )
