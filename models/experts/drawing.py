"""Expert usage as a heat map: in characters for a terminal, and as an SVG file.

A cell is how much more often than evenly a kind of text uses an expert: its share of the kind's choices times the
number of experts, 1 where all are used alike.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from models.experts.usage import ExpertUsage, Floats, LayerFigures, layer_figures

_STEPS = (0.25, 0.75, 1.5, 3.0)
"""Over-use at which the next darker shade begins."""
_BLOCKS, _PLAIN = " ░▒▓█", " .+#@"
_GAP = 3


def draw_text(usage: ExpertUsage, width: int, unicode: bool) -> str:
    """The figures of every layer and the heat maps, no line wider than `width` (at least 40) columns."""
    lines = [*_summary(usage), "", *_figure_table(layer_figures(usage)), "", *_maps(usage, max(40, width), unicode)]
    return "\n".join(line[:width].rstrip() if len(line) > width else line.rstrip() for line in lines) + "\n"


def _summary(usage: ExpertUsage) -> Iterator[str]:
    n_layers = len(usage.layers)
    yield f"{usage.n_experts} experts in each of {n_layers} layers, {usage.experts_per_token} a token"
    yield f"{sum(usage.n_tokens):,} tokens of {len(usage.kinds)} kinds: {usage.source}"


def _figure_table(figures: Sequence[LayerFigures]) -> Iterator[str]:
    yield "layer  busiest/mean  entropy  idle  specialisation"
    for row in figures:
        share = "-" if row.specialisation is None else f"{100 * row.specialisation:.0f} %"
        yield (
            f"{row.layer:5}  {row.busiest_over_mean:12.2f}  {row.entropy_share:7.3f}  {row.idle:4}  {share:>5} "
            f"({row.information_bits:.2f} of {row.most_bits:.2f} bits; chance {row.chance_bits:.2f})"
        )


def _maps(usage: ExpertUsage, width: int, unicode: bool) -> Iterator[str]:
    """Layers side by side as far as they fit; a layer with too many experts goes on in a further band."""
    shades = _BLOCKS if unicode else _PLAIN
    label = min(16, max(map(len, usage.kinds)))
    room = width - label - 1
    cell = 2 if usage.n_experts * 2 <= room else 1
    at_once = min(usage.n_experts, room // cell)
    beside = max(1, (room + _GAP) // (at_once * cell + _GAP)) if at_once == usage.n_experts else 1
    over_use = usage.shares * usage.n_experts
    for first in range(0, len(usage.layers), beside):
        numbers = range(first, min(first + beside, len(usage.layers)))
        for start in range(0, usage.n_experts, at_once):
            stop = min(start + at_once, usage.n_experts)
            heads = [_head(usage.layers[n], start, stop, (stop - start) * cell) for n in numbers]
            yield " " * (label + 1) + (" " * _GAP).join(heads)
            for at, kind in enumerate(usage.kinds):
                cells = ["".join(shades[_shade(x)] * cell for x in over_use[n, at, start:stop]) for n in numbers]
                yield f"{kind[:label]:{label}} " + (" " * _GAP).join(cells)
            yield ""
    edges = [f"below {_STEPS[0]:g}", *(f"from {step:g}" for step in _STEPS)]
    yield "use over even use: " + ", ".join(f"'{s}' {edge}" for s, edge in zip(shades, edges, strict=True))


def _head(layer: int, start: int, stop: int, width: int) -> str:
    long = f"layer {layer}, experts {start}-{stop - 1}"
    return f"{long if len(long) <= width else f'layer {layer}':{width}}"[:width]


def _shade(over_use: float) -> int:
    return sum(over_use >= step for step in _STEPS)


_CELL, _LABEL, _TOP, _PANEL_GAP, _COLUMNS = 14, 118, 46, 34, 2


def draw_svg(usage: ExpertUsage) -> str:
    """One panel a layer, two beside each other; the exact figure of a cell shows when it is pointed at."""
    panel_width, panel_height = usage.n_experts * _CELL, len(usage.kinds) * _CELL
    n_rows = -(-len(usage.layers) // _COLUMNS)
    width = _COLUMNS * (_LABEL + panel_width) + _PANEL_GAP
    height = _TOP + n_rows * (panel_height + _PANEL_GAP) + 30
    title = f"Use of experts by kind of text: {usage.source}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="10" role="img">',
        f"<title>{html.escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="8" y="18" font-size="13">{html.escape(title)}</text>',
    ]
    for at, (figures, shares) in enumerate(zip(layer_figures(usage), usage.shares, strict=True)):
        x = _LABEL + (at % _COLUMNS) * (_LABEL + panel_width + _PANEL_GAP // 2)
        y = _TOP + (at // _COLUMNS) * (panel_height + _PANEL_GAP)
        parts += _panel(usage, figures, shares * usage.n_experts, x, y)
    parts += [*_legend(8, height - 18), "</svg>"]
    return "\n".join(parts) + "\n"


def _panel(usage: ExpertUsage, figures: LayerFigures, over_use: Floats, x: int, y: int) -> Iterator[str]:
    share = "" if figures.specialisation is None else f", specialisation {100 * figures.specialisation:.0f} %"
    yield f'<text x="{x}" y="{y - 5}">layer {figures.layer}: busiest {figures.busiest_over_mean:.2f}{share}</text>'
    for row, kind in enumerate(usage.kinds):
        top = y + row * _CELL
        yield f'<text x="{x - 5}" y="{top + _CELL - 4}" text-anchor="end">{html.escape(kind)}</text>'
        for expert, value in enumerate(over_use[row]):
            yield (
                f'<rect x="{x + expert * _CELL}" y="{top}" width="{_CELL - 1}" height="{_CELL - 1}" '
                f'fill="{_colour(float(value))}"><title>{html.escape(kind)}, expert {expert}: {value:.2f} times even '
                "use</title></rect>"
            )


def _legend(x: int, y: int) -> Iterator[str]:
    for at, value in enumerate((0.0, 0.5, 1.0, 2.0, 3.0, 4.0)):
        left = x + at * 52
        yield f'<rect x="{left}" y="{y}" width="{_CELL}" height="{_CELL - 1}" fill="{_colour(value)}" stroke="#999"/>'
        yield f'<text x="{left + _CELL + 4}" y="{y + _CELL - 4}">{value:g}</text>'
    yield f'<text x="{x + 6 * 52}" y="{y + _CELL - 4}">times even use (4 and more alike)</text>'


def _colour(over_use: float) -> str:
    """White at 0 to dark blue at 4, a little less than in proportion, so that little use still differs from none."""
    depth = min(1.0, over_use / 4) ** 0.75
    light, dark = (255, 255, 255), (8, 48, 107)
    return "#" + "".join(f"{round(a + (b - a) * depth):02x}" for a, b in zip(light, dark, strict=True))
