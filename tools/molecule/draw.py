"""2D drawings as SVG that read on a light and on a dark page.

The background is transparent and every line and letter has at least 3:1 contrast (WCAG 2.1, graphics) against
white and against near-black, so one file serves both themes. No script, no external reference, no XML header.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D

from tools.errors import InputError
from tools.molecule.parse import parse_smiles

CARBON = "#767676"
ELEMENT_COLOURS = {
    7: "#3b7dd8",
    8: "#d9483b",
    9: "#1f8f5f",
    15: "#c2651a",
    16: "#9a7b00",
    17: "#1f8f5f",
    35: "#a8602f",
    53: "#8e57c2",
}
HIGHLIGHT = "#e0a100"


def draw_svg(smiles: str, width: int = 300, height: int = 220, highlight: Sequence[int] = ()) -> str:
    """The drawing as one `<svg>` element, `width` x `height` pixels.

    `highlight` lists atom indices in the order of the SMILES; bonds between two of them are lit as well.
    """
    if width < 16 or height < 16:
        raise InputError(f"a drawing of {width} x {height} pixels is too small; at least 16 x 16")
    mol = parse_smiles(smiles)
    wrong = [i for i in highlight if not 0 <= i < mol.GetNumAtoms()]
    if wrong:
        raise InputError(f"highlight names atom {wrong[0]}; {smiles!r} has atoms 0..{mol.GetNumAtoms() - 1}")
    rdDepictor.Compute2DCoords(mol)
    drawer = rdMolDraw2D.MolDraw2DSVG(width, height)
    _set_style(drawer.drawOptions())
    lit = set(highlight)
    bonds = [b.GetIdx() for b in mol.GetBonds() if {b.GetBeginAtomIdx(), b.GetEndAtomIdx()} <= lit]
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, mol, highlightAtoms=sorted(lit), highlightBonds=bonds, kekulize=True)
    drawer.FinishDrawing()
    return _clean(drawer.GetDrawingText(), smiles)


def _set_style(options: rdMolDraw2D.MolDrawOptions) -> None:
    style = {"clearBackground": False, "bondLineWidth": 1.6, "padding": 0.06, "fixedBondLength": 28.0}
    for name, value in style.items():
        setattr(options, name, value)
    options.setHighlightColour((*_rgb(HIGHLIGHT), 0.45))
    palette = {-1: _rgb(CARBON), 6: _rgb(CARBON), **{z: _rgb(c) for z, c in ELEMENT_COLOURS.items()}}
    options.setAtomPalette(palette)


def _rgb(colour: str) -> tuple[float, float, float]:
    """Red, green, blue in 0..1 of "#rrggbb"."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255.0 for i in (1, 3, 5))
    return red, green, blue


def _clean(svg: str, title: str) -> str:
    """Header, comments and RDKit's name space out; the SMILES in as the title that screen readers speak."""
    body = re.sub(r"<\?xml.*?\?>|<!--.*?-->", "", svg, flags=re.DOTALL)
    body = re.sub(r"\s+xmlns:(?:rdkit|xlink)='[^']*'|\s+xml:space='preserve'", "", body)
    end = body.index(">", body.index("<svg")) + 1
    body = f"{body[:end]}<title>{escape(title)}</title>{body[end:]}"
    return re.sub(r"\n\s*\n", "\n", body).strip()
