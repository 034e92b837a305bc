"""Do higher scores go to the right side? Areas under the ROC and the precision-recall curve, ties counted
fairly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """Chance that a random positive scores above a random negative, ties counted half; None where a side is
    empty.

    The Mann-Whitney form of Hanley & McNeil 1982, doi 10.1148/radiology.143.1.7063747. Example: [3, 1] against
    [2, 0]: pairs won 3>2, 3>0, 1>0, lost 1<2, so 0.75.
    """
    if not len(positives) or not len(negatives):
        return None
    ranks = stats.rankdata(np.concatenate([np.asarray(positives, float), np.asarray(negatives, float)]))
    n, m = len(positives), len(negatives)
    return float((ranks[:n].sum() - n * (n + 1) / 2.0) / (n * m))


def average_precision(positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """Area under the precision-recall curve as a step sum over distinct scores; None without positives.

    sum over thresholds of (recall gained) * precision, as scikit-learn defines it; random scores give the share of
    positives. Examples that share a score enter together.
    """
    if not len(positives):
        return None
    scores = np.concatenate([np.asarray(positives, float), np.asarray(negatives, float)])
    labels = np.concatenate([np.ones(len(positives)), np.zeros(len(negatives))])
    order = np.argsort(-scores, kind="stable")
    scores, labels = scores[order], labels[order]
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    found = np.cumsum(labels)[last]
    precision = found / (last + 1)
    gained = np.diff(np.concatenate([[0.0], found])) / len(positives)
    return float((gained * precision).sum())
