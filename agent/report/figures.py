"""The two drawings of the page as inline SVG: the funnel and the best-so-far curves.

Colours come from the page's style sheet by class name, so that both themes and the printed page are served by one
drawing. The funnel is laid out in percent with text in pixels, hence legible at any width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from agent.interface.schemas import FunnelStage
from agent.report.wording import label, number, quantity, stage

ROW_HEIGHT_PX = 46
BAR_HEIGHT_PX = 15
MIN_BAR_PERCENT = 0.6


@dataclass(frozen=True, slots=True)
class Curve:
    """Best value so far of one score, per round; `reference` is the reference ligand's value, where there is one.
    `goal` is "minimize" or "maximize", "" where no candidate says which."""

    name: str
    unit: str
    goal: str
    points: tuple[tuple[int, float], ...]
    reference: float | None = None
    reference_name: str = ""


def draw_funnel(stages: Sequence[FunnelStage]) -> Markup:
    """One bar per stage, as long as the number that entered it, split into passed, unknown and failed."""
    widest = max((row.entered for row in stages), default=0)
    rows = [_funnel_row(row, index * ROW_HEIGHT_PX, widest) for index, row in enumerate(stages)]
    summary = "; ".join(
        f"{stage(s.stage)}: {s.entered} in, {s.passed} passed, {s.failed} failed, {s.unknown} unknown" for s in stages
    )
    return Markup(
        '<svg class="funnel" width="100%" height="{height}" role="img" aria-label="{summary}">{rows}</svg>'
    ).format(height=len(stages) * ROW_HEIGHT_PX, summary=summary, rows=Markup("").join(rows))


def _funnel_row(row: FunnelStage, top: int, widest: int) -> Markup:
    bar = Markup(
        '<rect class="share {verdict}" x="{x:.3f}%" y="{y}" width="{w:.3f}%" height="{h}">'
        "<title>{n} {verdict}</title></rect>"
    )
    parts, left = [], 0.0
    for verdict, count in (("pass", row.passed), ("unknown", row.unknown), ("fail", row.failed)):
        if not count or not widest:
            continue
        width = max(100.0 * count / widest, MIN_BAR_PERCENT)
        parts.append(bar.format(verdict=verdict, x=left, y=top + 22, w=width, h=BAR_HEIGHT_PX, n=count))
        left += width
    return Markup(
        '<text class="stage" x="0" y="{y}">{name}</text>'
        '<text class="count" x="100%" y="{y}" text-anchor="end">{count}</text>'
        '<rect class="track" x="0" y="{top}" width="100%" height="{h}"/>{bars}'
    ).format(
        y=top + 15,
        top=top + 22,
        h=BAR_HEIGHT_PX,
        name=stage(row.stage),
        count=f"{row.passed} of {row.entered} passed" if row.entered else "none entered",
        bars=Markup("").join(parts),
    )


WIDTH, HEIGHT = 340.0, 210.0
LEFT, RIGHT, TOP, BOTTOM = 48.0, 14.0, 16.0, 34.0


def draw_curve(curve: Curve) -> Markup:
    """A step line through the best value so far; the reference ligand's value as a dashed line, if known."""
    values = [value for _, value in curve.points]
    if curve.reference is not None:
        values = [*values, curve.reference]
    ticks = nice_ticks(min(values), max(values))
    low, high = min(ticks[0], *values), max(ticks[-1], *values)
    rounds = [index for index, _ in curve.points]
    first, last = min(rounds), max(rounds)

    def x_at(index: float) -> float:
        span = last - first
        return LEFT + (WIDTH - LEFT - RIGHT) * ((index - first) / span if span else 0.5)

    def y_at(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - (value - low) / (high - low))

    body = [
        *_grid(ticks, y_at),
        *_round_ticks(rounds, x_at),
        *([_reference_line(curve, y_at)] if curve.reference is not None else []),
        _step_line([(x_at(i), y_at(v)) for i, v in curve.points]),
        *(
            Markup('<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.2"><title>{t}</title></circle>').format(
                x=x_at(i), y=y_at(v), t=f"round {i}: {quantity(v, curve.unit)}"
            )
            for i, v in curve.points
        ),
    ]
    summary = f"{label(curve.name)}, best so far by round: " + ", ".join(
        f"round {i} {quantity(v, curve.unit)}" for i, v in curve.points
    )
    return Markup('<svg class="curve" viewBox="0 0 {w:.0f} {h:.0f}" role="img" aria-label="{s}">{body}</svg>').format(
        w=WIDTH, h=HEIGHT, s=summary, body=Markup("").join(body)
    )


def _grid(ticks: Sequence[float], y_at: Callable[[float], float]) -> list[Markup]:
    row = Markup(
        '<line class="grid" x1="{a:.0f}" x2="{b:.0f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        '<text class="tick" x="{tx:.0f}" y="{ty:.1f}" text-anchor="end">{t}</text>'
    )
    digits = tick_digits(ticks)
    return [
        row.format(a=LEFT, b=WIDTH - RIGHT, y=y_at(t), tx=LEFT - 6, ty=y_at(t) + 3.5, t=f"{t:.{digits}f}")
        for t in ticks
    ]


def _round_ticks(rounds: Sequence[int], x_at: Callable[[float], float]) -> list[Markup]:
    every = max(1, math.ceil(len(rounds) / 10))
    tick = Markup('<text class="tick" x="{x:.1f}" y="{y:.0f}" text-anchor="middle">{t}</text>')
    shown = [tick.format(x=x_at(i), y=HEIGHT - BOTTOM + 16, t=i) for i in rounds[::every]]
    return [*shown, tick.format(x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 3, t="round")]


def _reference_line(curve: Curve, y_at: Callable[[float], float]) -> Markup:
    assert curve.reference is not None
    y = y_at(curve.reference)
    text = f"{curve.reference_name or 'reference'} {number(curve.reference, curve.unit)}"
    return Markup(
        '<line class="ref" x1="{a:.0f}" x2="{b:.0f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        '<text class="reflabel" x="{b:.0f}" y="{ty:.1f}" text-anchor="end">{t}</text>'
    ).format(a=LEFT, b=WIDTH - RIGHT, y=y, ty=y - 5, t=text)


def _step_line(points: Sequence[tuple[float, float]]) -> Markup:
    x, y = points[0]
    path = f"M{x:.1f} {y:.1f}" + "".join(f"H{px:.1f}V{py:.1f}" for px, py in points[1:])
    return Markup('<path class="line" d="{d}"/>').format(d=escape(path))


def nice_ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round axis values that enclose [low, high]: steps of 1, 2 or 5 times a power of ten."""
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    raw = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= raw)
    start = math.floor(low / step + 1e-9)
    stop = math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(start, stop + 1)]


def tick_digits(ticks: Sequence[float]) -> int:
    """Decimals that tell neighbouring ticks apart."""
    step = abs(ticks[1] - ticks[0]) if len(ticks) > 1 else 1.0
    return max(0, -math.floor(math.log10(step) + 1e-9))
