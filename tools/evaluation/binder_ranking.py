"""Do likelier CDR-H3 loops bind? The model's score on trastuzumab variants sorted for binding to HER2.

Data: Mason et al. 2021, doi 10.1038/s41551-021-00699-9: ten varied residues of trastuzumab's CDR-H3, sorted into
binders and non-binders. The score of a variant is log P(whole H3 | trastuzumab's chains with H3 cut out). Beside it
the plainest ranking: the number of residues shared with trastuzumab itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.grammar import tags
from models.task_inputs import understand
from tools.errors import InputError
from tools.evaluation.auroc import auroc, average_precision
from tools.evaluation.intervals import ratio_figure, statistic_figure
from tools.evaluation.protocol import Figure, Record

HEAVY = (
    "EVQLVESGGGLVQPGGSLRLSCAASGFNIKDTYIHWVRQAPGKGLEWVARIYPTNGYTRYADSVKGRFTISADTSKNTAYLQMNSLRAEDTAVYYC"
    "SRWGGDGFYAMDYWGQGTLVTVSS"
)
LIGHT = "DIQMTQSPSSLSASVGDRVTITCRASQDVNTAVAWYQQKPGKAPKLLIYSASFLYSGVPSRFSGSRSGTDFTLTISSLQPEDFATYYCQQHYTTPPTFGQGTKVEIK"
"""Variable domains of trastuzumab (Carter et al. 1992, doi 10.1073/pnas.89.10.4285; PDB 1N8Z)."""
H3 = (96, 109)
BEFORE, PARENT, AFTER = "SR", "WGGDGFYAMD", "Y"
"""IMGT CDR-H3 around and at the ten varied residues."""


def binder_prompt() -> str:
    """Light and heavy chain, H3 left as the slot to fill."""
    return understand("antibody_cdr", 0, {"heavy": HEAVY, "light": LIGHT, "loops": {"H3": list(H3)}}).prompt


def binder_loop(variable: str) -> str:
    """The text that is scored: the whole loop of a variant and the closing tag."""
    if len(variable) != len(PARENT):
        raise InputError(f"variant {variable!r} is not {len(PARENT)} residues")
    return BEFORE + variable + AFTER + tags.CDR.close


def shared_residues(variable: str) -> int:
    """Positions at which a variant has trastuzumab's residue, 0..10."""
    return sum(a == b for a, b in zip(variable, PARENT, strict=True))


def binder_figures(records: Sequence[Record], *, seed: int) -> list[Figure]:
    """From records with `binder`, `log_prob` and `shared`."""
    binds = np.array([bool(record["binder"]) for record in records])
    scores = np.array([record["log_prob"] for record in records], dtype=np.float64)
    shared = np.array([record["shared"] for record in records], dtype=np.float64)
    n = len(records)
    rows = (
        ("binder_auroc", auroc, scores, "AUROC of log P(CDR-H3 | trastuzumab's framework), binders against others"),
        ("binder_average_precision", average_precision, scores, "average precision of the same score"),
        ("binder_parent_auroc", auroc, shared, "AUROC of the number of residues shared with trastuzumab"),
    )
    found = [
        statistic_figure(name, n, _split(measure, values, binds), text, seed=seed, over="variants", n_resamples=300)
        for name, measure, values, text in rows
    ]
    share = "share of binders among the variants: the average precision of chance"
    return [*found, ratio_figure("binder_share", binds.tolist(), [1.0] * n, share, seed=seed, over="variants")]


def _split(
    measure: Callable[[Sequence[float], Sequence[float]], float | None],
    values: NDArray[np.float64],
    binds: NDArray[np.bool_],
) -> Callable[[NDArray[np.intp]], float]:
    def statistic(at: NDArray[np.intp]) -> float:
        drawn, real = values[at], binds[at]
        value = measure(drawn[real].tolist(), drawn[~real].tolist())
        return float("nan") if value is None else value

    return statistic
