"""How good the model in use is at a task, as its own card says: figures with interval and number, never from memory.

A checkpoint without a card (another's, or one behind a server) gets a sentence that says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agent.interface.schemas import Citation
from models.card.figure_table import format_figure, format_value
from models.card.schema import FIGURES, load_card
from models.errors import CheckpointError

_NO_CARD = "how well this model does such a task is not known here: it has no model card"


def card_statement(checkpoint: Path | None, names: Sequence[str]) -> tuple[str, list[Citation]]:
    """("measured for this model: LABEL VALUE [LOW, HIGH], n = N [1]; ...", its citations) for the figures of these
    names that the card has."""
    if checkpoint is None:
        return _NO_CARD, []
    try:
        card = load_card(checkpoint)
    except CheckpointError:
        return _NO_CARD, []
    said: list[str] = []
    cited: list[Citation] = []
    for name in names:
        figure = card.figures.get(name)
        if figure is None or figure.value is None:
            continue
        number = len(cited) + 1
        beside = "".join(f"; beside it: {what} {format_value(v, figure.unit)}" for what, v in figure.beside.items())
        said.append(f"{figure.label} {format_figure(figure)}, n = {figure.n}{beside} [{number}]")
        cited.append(
            Citation(
                number=number,
                kind="passage",
                source="model card",
                title=card.title,
                locator=f"{FIGURES}: {name}",
                quote=f"{figure.label}: {format_figure(figure)} (n = {figure.n}){beside}; {figure.protocol}",
            )
        )
    if not said:
        return f"the card of this model has no figure for such a task ({', '.join(names)})", []
    return f"measured for this model: {'; '.join(said)}", cited
