"""Routes and single reactions as one SVG each, on the molecule drawings of `tools.molecule.draw`.

A route is read from the left, the target, to the right, what it is made from; a brace-like line joins a molecule with
its reactants. A reaction is read as chemists write it: reactants, arrow, product. Both read on light and dark pages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tools.errors import InputError
from tools.molecule.draw import draw_svg
from tools.molecule.panels import caption, line, nested, whole
from tools.reaction.route import RouteNode

WIDTH, HEIGHT = 190, 130
_GAP_X, _LABEL, _SIGN = 56, 22, 34
_MOST_MOLECULES = 80


def draw_route(root: RouteNode, label: Callable[[RouteNode], str] | None = None) -> str:
    """One `<svg>`: columns by distance from the target, a caption under each molecule (`label`; default: whether it
    may be a starting material)."""
    if sum(1 for _ in root.nodes()) > _MOST_MOLECULES:
        raise InputError(f"a route of more than {_MOST_MOLECULES} molecules is not drawn")
    words = label or _default_label
    rows = len(root.leaves())
    row_height = HEIGHT + _LABEL
    width = (root.depth() + 1) * (WIDTH + _GAP_X) - _GAP_X
    pieces: list[str] = []

    def place(node: RouteNode, column: int, first_row: float) -> tuple[float, float]:
        """Draws a subtree; gives its middle (in rows) and how many rows it takes."""
        if node.step is None:
            middle, taken = first_row + 0.5, 1.0
        else:
            taken, middles = 0.0, []
            for reactant in node.step.reactants:
                middle, rows_taken = place(reactant, column + 1, first_row + taken)
                middles.append(middle)
                taken += rows_taken
            middle = (middles[0] + middles[-1]) / 2
            pieces.append(_joint(column, middle, middles, row_height))
        x, y = column * (WIDTH + _GAP_X), middle * row_height - row_height / 2
        pieces.append(nested(draw_svg(node.smiles, WIDTH, HEIGHT), x, y))
        pieces.append(caption(words(node), x + WIDTH / 2, y + HEIGHT + 14))
        return middle, taken

    place(root, 0, 0.0)
    return whole(pieces, width, rows * row_height, f"synthesis route to {root.smiles}")


def draw_reaction(reactants: Sequence[str], product: str, changed: Sequence[int] = ()) -> str:
    """One `<svg>`: reactants with plus signs, an arrow, the product with its `changed` atoms lit (indices in the order
    of its SMILES)."""
    if not reactants or len(reactants) > _MOST_MOLECULES:
        raise InputError(f"a reaction drawing takes 1 to {_MOST_MOLECULES} reactants, got {len(reactants)}")
    pieces, x = [], 0.0
    for at, smiles in enumerate(reactants):
        if at:
            pieces.append(caption("+", x + _SIGN / 2, HEIGHT / 2 + 6, size=20))
            x += _SIGN
        pieces.append(nested(draw_svg(smiles, WIDTH, HEIGHT), x, 0.0))
        x += WIDTH
    middle = HEIGHT / 2
    pieces.append(line([(x + 8, middle), (x + _GAP_X - 8, middle)]))
    pieces.append(line([(x + _GAP_X - 16, middle - 5), (x + _GAP_X - 8, middle), (x + _GAP_X - 16, middle + 5)]))
    x += _GAP_X
    pieces.append(nested(draw_svg(product, WIDTH, HEIGHT, changed), x, 0.0))
    return whole(pieces, x + WIDTH, HEIGHT, f"{'.'.join(reactants)}>>{product}")


def _default_label(node: RouteNode) -> str:
    if node.step is not None:
        return ""
    return "starting material" if node.starting_material else "open: no starting material"


def _joint(column: int, middle: float, middles: Sequence[float], row_height: float) -> str:
    """From the right edge of a molecule to the left edges of its reactants."""
    start = column * (WIDTH + _GAP_X) + WIDTH
    bend, end, lift = start + _GAP_X / 2, start + _GAP_X - 6, _LABEL / 2
    here = middle * row_height - lift
    lines = [line([(start + 6, here), (bend, here)])]
    for other in middles:
        there = other * row_height - lift
        lines.append(line([(bend, here), (bend, there), (end, there)]))
    return "".join(lines)
