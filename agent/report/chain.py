"""The chain of a workflow as one SVG: a column a stage, a box for each thing it made, a line from what it was made of.

Boxes are links to the things' own places on the page. Lines run from left to right only, since a stage can use only
what came before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from agent.interface.schemas import Item
from agent.interface.workflow_schemas import EvidenceLink

SHOWN = 8
"""Boxes in a column; what is left over is counted in a last one."""
BOX, GAP, COLUMN, TOP = (148, 40), 12, 206, 46


@dataclass(frozen=True, slots=True)
class Column:
    """One stage: its name, its state and what it made."""

    name: str
    state: str
    items: Sequence[Item]


def draw_chain(columns: Sequence[Column], links: Sequence[EvidenceLink]) -> Markup:
    """The drawing; its text is escaped. Empty where there is nothing to draw."""
    if not any(column.items for column in columns):
        return Markup("")
    places = {
        item.handle: (at * COLUMN, TOP + row * (BOX[1] + GAP))
        for at, column in enumerate(columns)
        for row, item in enumerate(column.items[:SHOWN])
    }
    tallest = max(min(len(column.items), SHOWN + 1) for column in columns)
    width, height = len(columns) * COLUMN - (COLUMN - BOX[0]), TOP + max(tallest, 1) * (BOX[1] + GAP)
    parts = [_line(places, link) for link in links]
    for at, column in enumerate(columns):
        parts.append(_heading(at * COLUMN, column))
        parts += [_box(*places[item.handle], item) for item in column.items[:SHOWN]]
        if len(column.items) > SHOWN:
            y = TOP + SHOWN * (BOX[1] + GAP) + 16
            parts.append(
                Markup('<text class="more" x="{}" y="{}">and {} more</text>').format(
                    at * COLUMN, y, len(column.items) - SHOWN
                )
            )
    opening = Markup(
        '<svg class="chain" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
    )
    label = "What was made from what: " + ", then ".join(column.name for column in columns)
    return opening.format(w=width, h=height, label=label) + Markup("").join(parts) + Markup("</svg>")


def _heading(x: int, column: Column) -> Markup:
    heading = Markup(
        '<text class="stage" x="{x}" y="16">{name}</text><text class="state {state}" x="{x}" y="32">{state}</text>'
    )
    return heading.format(x=x, name=_cut(column.name, 20), state=column.state)


def _box(x: int, y: int, item: Item) -> Markup:
    box = Markup(
        '<a href="#item-{handle}"><title>{title}</title>'
        '<rect class="{kind}" x="{x}" y="{y}" width="{w}" height="{h}" rx="4"/>'
        '<text class="handle" x="{tx}" y="{t1}">{handle}</text><text class="what" x="{tx}" y="{t2}">{what}</text></a>'
    )
    what = _cut(item.name or item.value, 21)
    places = {"x": x, "y": y, "tx": x + 10, "t1": y + 16, "t2": y + 31, "w": BOX[0], "h": BOX[1]}
    return box.format(
        handle=item.handle, title=f"{item.kind} {item.name or item.value}"[:300], kind=item.kind, what=what, **places
    )


def _line(places: dict[str, tuple[int, int]], link: EvidenceLink) -> Markup:
    start, end = places.get(link.source), places.get(link.target)
    if start is None or end is None or start[0] >= end[0]:
        return Markup("")
    x1, y1, x2, y2 = start[0] + BOX[0], start[1] + BOX[1] // 2, end[0], end[1] + BOX[1] // 2
    bend = (x2 - x1) // 2
    line = Markup('<path class="{}" d="M{} {} C{} {} {} {} {} {}"><title>{}</title></path>')
    relation = "made from" if link.relation == "made_from" else "made with"
    title = f"{link.target} {relation} {link.source}, call {link.call_id}"
    return line.format(link.relation, x1, y1, x1 + bend, y1, x2 - bend, y2, x2, y2, title)


def _cut(text: str, n: int) -> str:
    return text if len(text) <= n else f"{text[: n - 1]}…"
