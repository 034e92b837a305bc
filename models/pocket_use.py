"""Does the pocket steer what these weights write? The figure of the card beside them, in a sentence for users.

The figure is `models.card`'s: AUROC of log P(ligand | own pocket) against other pockets, 0.5 being chance. It counts
only where the files it was measured on are those beside it; weights without such a card have no figure, which is not
the same as a good one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.card.figure_table import NO_STEERING, POCKET_USE, STEERS_FROM, format_figure
from models.card.schema import load_card
from models.errors import CheckpointError
from models.training.export import weight_hashes

UNMEASURED = "Whether the pocket steers what these weights write was not measured; docking decides what fits."


@dataclass(frozen=True, slots=True)
class PocketUse:
    """`auroc` with its 95 % interval (None where there is none) over `n`; `sentence` says what it means."""

    auroc: float
    low: float | None
    high: float | None
    n: int
    sentence: str

    @property
    def steers(self) -> bool:
        return self.auroc >= STEERS_FROM

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "steers": self.steers}


def pocket_use_of(folder: Path | None) -> PocketUse | None:
    """The figure of the checkpoint in `folder`; None where it has no card, the card no such figure, or the card is of
    other weights."""
    if folder is None:
        return None
    try:
        card = load_card(folder)
    except CheckpointError:
        return None
    figure = card.figures.get(POCKET_USE)
    if figure is None or figure.value is None or weight_hashes(folder) != dict(card.weights):
        return None
    measured = (
        f"AUROC {format_figure(figure)} of log P(ligand) after its own pocket against other pockets; 0.5 is chance"
    )
    if figure.value < STEERS_FROM:
        sentence = f"With these weights {NO_STEERING} ({measured})."
    else:
        sentence = f"The pocket shifts what these weights write ({measured}); docking decides what fits."
    return PocketUse(figure.value, figure.low, figure.high, figure.n, sentence)
