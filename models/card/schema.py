"""What a model card states, as data: the content of `figures.json` beside the weights.

Every number a reader sees in README.md stands here, with the command that made it and the hashes of the weights it
was made with. Not promised: that a hand-written figures.json is found out; only that the card, the figures and the
weights belong together (`verify`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from models.errors import CheckpointError

FIGURES = "figures.json"
CARD = "README.md"


@dataclass(frozen=True, slots=True)
class Published:
    """A number from elsewhere, in the unit of the figure it stands beside, its source, and what differs."""

    name: str
    value: float
    source: str
    differs: str


@dataclass(frozen=True, slots=True)
class CardFigure:
    """One measured number. `value`, `low`, `high` (95 % interval) are None where nothing could be computed.

    `protocol` is the evaluation's own definition; `settings` all it was asked with; `command` repeats it. `at_least`
    and `stretch` are what was asked of the checkpoint (None: nothing was). `beside`: numbers of the same run to read
    this one with (a baseline, chance).
    """

    label: str
    group: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    unit: str
    interval: str
    protocol: str
    settings: Mapping[str, Any]
    command: str
    better: Literal["higher", "lower"] = "higher"
    at_least: float | None = None
    stretch: float | None = None
    beside: Mapping[str, float] = field(default_factory=dict)
    published: tuple[Published, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """What the checkpoint got wrong: the first ones of a run, in its order, not picked."""

    task: str
    prompt: str
    output: str
    why: str


@dataclass(frozen=True, slots=True)
class Card:
    """`weights`: file name -> SHA-256. `model`: facts of the files (`facts.model_facts`). `training`: one summary a
    stage, in order. `corpus`: table and dropped rows as `corpus.json` has them. `architectures`: the controls the
    architecture was chosen against, or empty. `unmeasured`: labels of figures that were asked for and are not here."""

    title: str
    weights: Mapping[str, str]
    model: Mapping[str, Any]
    figures: Mapping[str, CardFigure]
    training: tuple[Mapping[str, Any], ...]
    corpus: Mapping[str, Any]
    failures: tuple[Failure, ...]
    architectures: tuple[Mapping[str, Any], ...] = ()
    unmeasured: tuple[str, ...] = ()


def parse_card(text: str) -> Card:
    """The card that `render_card_json` wrote; CheckpointError where it is none."""
    try:
        given = json.loads(text)
        figures = {
            name: CardFigure(**{**one, "published": tuple(Published(**p) for p in one["published"])})
            for name, one in given["figures"].items()
        }
        failures = tuple(Failure(**one) for one in given["failures"])
        return Card(
            title=given["title"],
            weights=given["weights"],
            model=given["model"],
            figures=figures,
            training=tuple(given["training"]),
            corpus=given["corpus"],
            failures=failures,
            architectures=tuple(given["architectures"]),
            unmeasured=tuple(given["unmeasured"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise CheckpointError(f"{FIGURES} is not what the card command writes: {fault!r}") from fault


def render_card_json(card: Card) -> str:
    return json.dumps(asdict(card), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def load_card(folder: Path) -> Card:
    """The card data of a checkpoint directory; CheckpointError where there is none."""
    try:
        text = (folder / FIGURES).read_text(encoding="utf-8")
    except OSError as fault:
        reason = fault.strerror or fault
        raise CheckpointError(f"{FIGURES} of {str(folder)!r} cannot be read: {reason}; make it with --eval") from fault
    return parse_card(text)
