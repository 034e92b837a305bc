"""A small Gaussian process over similarities: which untested candidate is worth an expensive call?

Exact regression with the similarity itself as kernel (Tanimoto is positive definite: Ralaivola 2005,
10.1016/j.neunet.2005.07.009). For tens to a few thousand tested candidates. Its predictions choose what is tested
next; they are never shown as results.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def predict(tested: Array, values: Array, cross: Array, noise: float = 0.3) -> tuple[Array, Array]:
    """Mean and standard deviation at M new points, in the unit of `values`.

    `tested` (N, N) similarities among the tested, `values` (N,), `cross` (M, N) new against tested; the kernel of a
    point with itself is 1. `noise` is the standard deviation of a repeated measurement, in standard deviations of
    `values`; the default is a guess that keeps the matrix well conditioned, not a fit.
    """
    centre, spread = float(values.mean()), float(values.std()) or 1.0
    kernel = tested + noise**2 * np.eye(len(values))
    solved = np.linalg.solve(kernel, np.column_stack([(values - centre) / spread, cross.T]))
    mean = cross @ solved[:, 0]
    variance = 1.0 - np.einsum("mn,nm->m", cross, solved[:, 1:])
    return centre + spread * mean, spread * np.sqrt(np.clip(variance, 0.0, None))
