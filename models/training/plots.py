"""Curves of a training run from its `log.jsonl`: one panel a kind of figure, every stage's log alike.

Needs matplotlib, imported only here. Rows may come from several runs into one folder (a resumed run repeats steps
after its last checkpoint): the later row of a step counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import ModelInputError

Curve = list[tuple[float, float]]

_PANELS: tuple[tuple[str, str, bool], ...] = (
    ("loss", "training loss", False),
    ("replay_loss", "loss on replayed documents, nats a token", False),
    ("validation", "validation loss, nats a token", False),
    ("worth", "reward of the samples", True),
    ("rewards", "single rewards", True),
    ("valid", "valid share of the samples", True),
    ("spread", "uniqueness and diversity", True),
    ("kl", "divergence from the start, nats a token", True),
    ("learning_rate", "learning rate", True),
    ("speed", "tokens or samples a second", True),
)
"""Key of a panel, its title, and whether its axis begins at 0."""
_PANEL_OF: dict[str, str] = {
    "losses": "loss",
    "reward": "worth",
    "unique": "spread",
    "diversity": "spread",
    "tokens_per_second": "speed",
    "samples_per_second": "speed",
}


@dataclass(frozen=True, slots=True)
class Panel:
    """One set of axes: `curves` by name, each a list of (step, value)."""

    title: str
    from_zero: bool
    curves: dict[str, Curve]


def read_log(file: Path) -> list[dict[str, Any]]:
    """Rows of a log in order of step; ModelInputError where there is none or a line is no JSON object."""
    if not file.is_file():
        raise ModelInputError(f"{file} is missing: give the --out folder of a training run")
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ModelInputError(f"{file}, line {number} is not JSON: {error}") from error
        if not isinstance(row, dict) or not isinstance(row.get("step"), int):
            raise ModelInputError(f"{file}, line {number} is no row of a training log (no step)")
        rows.append(row)
    return sorted(rows, key=lambda row: row["step"])


def panels_of(rows: Sequence[dict[str, Any]]) -> list[Panel]:
    """What there is to draw, in a fixed order; keys of a row that are no figure of a training run are left out."""
    points: dict[str, dict[str, dict[float, float]]] = {key: {} for key, _, _ in _PANELS}
    for row in rows:
        for key, value in row.items():
            panel = _PANEL_OF.get(key, key)
            if panel not in points:
                continue
            named = value if isinstance(value, dict) else {key: value}
            for name, number in named.items():
                if isinstance(number, int | float):
                    points[panel].setdefault(name, {})[row["step"]] = float(number)
    return [
        Panel(title, from_zero, {name: sorted(curve.items()) for name, curve in points[key].items()})
        for key, title, from_zero in _PANELS
        if points[key]
    ]


def write_curves(out: Path, name: str = "curves.svg") -> Path:
    """Draw `out/log.jsonl` into `out/name` (SVG, PNG or PDF by its ending); returns the path."""
    panels = panels_of(read_log(out / "log.jsonl"))
    if not panels:
        raise ModelInputError(f"{out / 'log.jsonl'} holds nothing to draw")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as fault:
        raise ModelInputError("drawing curves needs matplotlib: pip install matplotlib") from fault
    n_columns = min(3, len(panels))
    n_rows = -(-len(panels) // n_columns)
    figure = Figure(figsize=(4.6 * n_columns, 3.2 * n_rows), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, panel in zip(figure.subplots(n_rows, n_columns, squeeze=False).flat, panels, strict=False):
        for label, curve in panel.curves.items():
            axes.plot(*zip(*curve, strict=True), label=label, linewidth=1.2, marker="." if len(curve) < 12 else None)
        axes.set_title(panel.title, fontsize=9)
        axes.set_xlabel("step", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.grid(alpha=0.3)
        if panel.from_zero:
            axes.set_ylim(bottom=0)
        axes.legend(fontsize=6)
    for axes in list(figure.axes)[len(panels) :]:
        axes.set_visible(False)
    target = out / name
    figure.savefig(target)
    return target


def try_write_curves(out: Path, say: Callable[[str], None]) -> None:
    """`write_curves` at the end of a stage, where a missing library must not lose a finished run: it is said only."""
    try:
        say(f"curves in {write_curves(out)}")
    except ModelInputError as fault:
        say(f"no curves: {fault}")
