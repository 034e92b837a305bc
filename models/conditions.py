"""Ranges of properties as a user asks for them, and the property tags that each sample's prompt then carries.

A range is [low, high], either end null where it is open, or one number, which is the bin that holds it. A range over
several bins draws them over the samples, evenly or as often as training showed them, in an order fixed by the seed,
each property on its own. A bin that the
range cuts is asked for whole: what comes out may lie beside the range and has to be checked.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from models.errors import ModelInputError
from models.grammar.properties import PROPERTIES, Property
from models.grammar.tags import MOLECULE

CONDITION_KEYS: tuple[str, ...] = tuple(item.key for item in PROPERTIES)
LIMITS: dict[str, tuple[float, float]] = {
    "log_p": (-math.inf, math.inf),
    "molecular_weight": (0.0, math.inf),
    "qed": (0.0, 1.0),
}
"""What a property can be: molecular weight in g/mol is above 0, QED lies between 0 and 1 by definition."""

_SHARES: dict[str, tuple[float, ...]] = {
    "log_p": (0.028, 0.067, 0.177, 0.283, 0.271, 0.134, 0.029, 0.011),
    "molecular_weight": (0.023, 0.074, 0.183, 0.318, 0.231, 0.090, 0.045, 0.037),
    "qed": (0.042, 0.033, 0.051, 0.092, 0.141, 0.240, 0.321, 0.081),
}
TRAINING_SHARES: dict[str, float] = {
    tag: share for item in PROPERTIES for tag, share in zip(item.tags, _SHARES[item.key], strict=True)
}
"""Share of each bin among 8,000 molecules drawn (seed 0) from the three sources of training molecules, ZINC250k,
Enamine and the bioactive ones, measured on neutral parents; rounded. Used to draw by, never reported."""

Bins = tuple[tuple[str, ...], ...]
"""For each property asked for, in the grammar's order, the tags of the bins that its range touches."""


def read_ranges(given: Mapping[str, Any]) -> Bins:
    """The bins of the property keys in `given`; other keys are not looked at. ValueError names the key, the value and
    what is expected."""
    return tuple(_bins(item, given[item.key]) for item in PROPERTIES if given.get(item.key) is not None)


def draw_conditions(bins: Bins, n: int, seed: int, *, evenly: bool = True) -> list[tuple[str, ...]]:
    """The tags of each of `n` samples; the first k are the same for every n >= k.

    `evenly`: every bin of a property comes before one comes again, in drawn order. Otherwise bins are drawn as often as
    training showed them, so that a wide range changes little of what the model would write.
    """
    draw = _drawn_evenly if evenly else _drawn_as_trained
    drawn = [draw(tags, n, random.Random(f"{seed}|{tags}")) for tags in bins]
    return list(zip(*drawn, strict=True)) if drawn else [()] * n


def with_conditions(prompt: str, conditions: Iterable[str]) -> str:
    """The prompt with property tags right before the molecule that it opens last."""
    at = prompt.rindex(MOLECULE.open)
    return prompt[:at] + "".join(conditions) + prompt[at:]


def need_conditions(id_of: Callable[[str], int | None], bins: Iterable[Sequence[str]]) -> None:
    """ModelInputError where `id_of` (a tokenizer's) does not know one of the tags as one token."""
    missing = [tag for tags in bins for tag in tags if id_of(tag) is None]
    if missing:
        raise ModelInputError(
            f"this checkpoint's tokenizer has no token {missing[0]}: it was not trained on properties and cannot be "
            f"asked for {' or '.join(CONDITION_KEYS)}"
        )


def _bins(item: Property, value: Any) -> tuple[str, ...]:
    floor, ceiling = LIMITS[item.key]
    if _is_number(value):
        low = high = float(value)
    elif isinstance(value, Sequence) and len(value) == 2 and all(end is None or _is_number(end) for end in value):
        low = floor if value[0] is None else float(value[0])
        high = ceiling if value[1] is None else float(value[1])
    else:
        raise ValueError(f"{item.key} must be a range [low, high], an open end null, or one number, got {value!r}")
    if low < floor or high > ceiling:
        raise ValueError(f"{item.key} {value!r} is outside what it can be, {_span(floor, ceiling)}")
    return (item.tag_of(low),) if low == high else item.tags_within(low, high)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _span(floor: float, ceiling: float) -> str:
    return f"at least {floor:g}" if ceiling == math.inf else f"{floor:g} to {ceiling:g}"


def _drawn_evenly(tags: Sequence[str], n: int, rng: random.Random) -> list[str]:
    drawn: list[str] = []
    while len(drawn) < n:
        turn = list(tags)
        rng.shuffle(turn)
        drawn += turn
    return drawn[:n]


def _drawn_as_trained(tags: Sequence[str], n: int, rng: random.Random) -> list[str]:
    return rng.choices(tags, [TRAINING_SHARES[tag] for tag in tags], k=n)
