"""A framework's building blocks side by side: nodes by their composition, linkers drawn. No structure is implied."""

from __future__ import annotations

from collections.abc import Sequence

from tools.material.framework import need_framework, node_elements
from tools.material.known_nodes import named_node
from tools.molecule.draw import ELEMENT_COLOURS, draw_svg
from tools.molecule.panels import caption, nested, whole

WIDTH, HEIGHT = 190, 150
_METAL = ELEMENT_COLOURS[16]


def draw_framework(nodes: Sequence[str], linkers: Sequence[str]) -> str:
    """One `<svg>`: a box for each distinct node, then for each distinct linker."""
    metals, organic = need_framework(nodes, linkers)
    pieces = []
    for at, node in enumerate(metals):
        named = named_node(node)
        middle = at * WIDTH + WIDTH / 2
        pieces.append(caption(composition(node), middle, HEIGHT / 2, size=22, colour=_METAL, weight="bold"))
        pieces.append(caption(named.name if named else "node", middle, HEIGHT / 2 + 22))
    for at, linker in enumerate(organic, len(metals)):
        pieces.append(nested(draw_svg(linker, WIDTH - 10, HEIGHT - 24), at * WIDTH + 5, 0.0))
        pieces.append(caption("linker", at * WIDTH + WIDTH / 2, HEIGHT - 8))
    width = WIDTH * (len(metals) + len(organic))
    return whole(pieces, width, HEIGHT, f"building blocks: {', '.join([*metals, *organic])}")


def composition(node: str) -> str:
    """Atoms of a node without hydrogens, metals first: Zn4O."""
    counts = node_elements(node)
    order = sorted(counts, key=lambda element: (element in ("O", "N", "S", "F", "Cl", "Br", "I", "C", "P"), element))
    return "".join(f"{element}{counts[element] if counts[element] > 1 else ''}" for element in order)
