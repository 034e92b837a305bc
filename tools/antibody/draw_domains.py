"""Variable domains as text in columns: loops named and lit, new residues underlined. For light and dark pages."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from tools.antibody.variable_domain import VariableDomains
from tools.molecule.draw import CARBON, HIGHLIGHT
from tools.molecule.panels import caption, line, whole

_COLUMNS, _CELL, _ROW, _MARGIN = 60, 11, 34, 34


def draw_domains(domains: VariableDomains, designed: Mapping[str, str], title: str = "") -> str:
    """One `<svg>`; `designed` names the loops that are new."""
    pieces: list[str] = []
    top = 0.0
    spans = domains.spans()
    for letter, chain in (("H", domains.heavy), ("L", domains.light)):
        if not chain:
            continue
        mine = {name: span for name, span in spans.items() if name.startswith(letter)}
        pieces.append(caption("heavy" if letter == "H" else "light", _MARGIN / 2, top + 24, size=9))
        pieces += _chain(chain, mine, designed, top)
        top += _ROW * -(-len(chain) // _COLUMNS) + 10
    width = 2 * _MARGIN + _COLUMNS * _CELL
    return whole(pieces, width, max(top, _ROW), title or f"loops {', '.join(designed)} designed")


def _chain(chain: str, spans: Mapping[str, tuple[int, int]], designed: Mapping[str, str], top: float) -> list[str]:
    pieces = []
    lit = {at: name for name, (start, end) in spans.items() for at in range(start, end)}
    for at, residue in enumerate(chain):
        x, y = _MARGIN + (at % _COLUMNS) * _CELL, top + (at // _COLUMNS) * _ROW
        name = lit.get(at, "")
        if name:
            pieces.append(
                f'<rect x="{x}" y="{y + 12:.0f}" width="{_CELL}" height="16" fill="{HIGHLIGHT}" fill-opacity="0.3"/>'
            )
        if name and spans[name][0] == at:
            pieces.append(caption(name, x + _CELL / 2, y + 9, size=9, weight="bold"))
        if name in designed:
            pieces.append(line([(x, y + 29), (x + _CELL, y + 29)]))
        pieces.append(
            f'<text x="{x + _CELL / 2}" y="{y + 24:.0f}" text-anchor="middle" font-size="11" font-family="monospace" '
            f'font-weight="{"bold" if name else "normal"}" fill="{CARBON}">{escape(residue)}</text>'
        )
    return pieces
