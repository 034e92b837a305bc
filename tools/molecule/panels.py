"""Pieces of larger SVG drawings: a drawing placed within another, lines and captions in colours for light and dark."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from tools.molecule.draw import CARBON


def nested(svg: str, x: float, y: float) -> str:
    """A drawing as a part of another, its corner at (x, y) pixels."""
    return re.sub(r"<svg\b", f'<svg x="{x:.1f}" y="{y:.1f}"', svg, count=1)


def line(points: Sequence[tuple[float, float]]) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{CARBON}" stroke-width="1.5"/>'


def caption(text: str, x: float, y: float, size: int = 11, colour: str = CARBON, weight: str = "normal") -> str:
    """Centred text on the base line `y`; nothing for no text."""
    if not text:
        return ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-size="{size}" font-family="sans-serif" '
        f'font-weight="{weight}" fill="{colour}">{escape(text)}</text>'
    )


def whole(pieces: Sequence[str], width: float, height: float, title: str) -> str:
    """One `<svg>` element that a screen reader calls `title`."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}"><title>{escape(title)}</title>{"".join(pieces)}</svg>'
    )
