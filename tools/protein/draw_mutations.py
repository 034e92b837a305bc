"""A variant as a strip: the chain as a bar with its number line, a mark and a name at every substitution."""

from __future__ import annotations

from collections.abc import Sequence

from tools.molecule.draw import CARBON, HIGHLIGHT
from tools.molecule.panels import caption, line, whole
from tools.protein.mutations import Mutation

WIDTH, _MARGIN, _ROW, _NAME = 640, 24, 15, 38


def draw_mutations(length: int, mutations: Sequence[Mutation], first_number: int = 1, title: str = "") -> str:
    """One `<svg>`; names that would overlap go to rows above each other."""
    rows: list[float] = []
    placed = []
    for mutation in sorted(mutations, key=lambda one: one.number):
        x = _MARGIN + (WIDTH - 2 * _MARGIN) * (mutation.number - first_number + 0.5) / length
        row = next((at for at, end in enumerate(rows) if x - _NAME / 2 > end), len(rows))
        rows[row : row + 1] = [x + _NAME / 2]
        placed.append((mutation, x, row))
    base = 12 + _ROW * max(len(rows), 1)
    pieces = [
        f'<rect x="{_MARGIN}" y="{base}" width="{WIDTH - 2 * _MARGIN}" height="10" rx="4" fill="{CARBON}" '
        'fill-opacity="0.35"/>'
    ]
    for mutation, x, row in placed:
        pieces.append(line([(x, base - 3 - _ROW * row), (x, base + 10)]))
        pieces.append(f'<circle cx="{x:.1f}" cy="{base + 5}" r="4" fill="{HIGHLIGHT}"/>')
        pieces.append(caption(str(mutation), x, base - 6 - _ROW * row))
    pieces.append(caption(str(first_number), _MARGIN, base + 26))
    pieces.append(caption(str(first_number + length - 1), WIDTH - _MARGIN, base + 26))
    return whole(pieces, WIDTH, base + 34, title or ", ".join(map(str, mutations)) or "no mutation")
