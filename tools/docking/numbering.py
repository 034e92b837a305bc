"""Residues named in another numbering than a structure's: what may be meant, for the person to decide.

Structures are often numbered from 1, papers by the full sequence. Several residues with one shift that fits all their
names are strong evidence for it; one residue has only its name. NOT promised: that a suggestion is right; nothing is
ever renamed by it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tools.docking.structure import join

SHOWN = 8
_LABEL = re.compile(r"(?:(?P<chain>\w+):)?(?P<name>[A-Za-z]{3})(?P<number>-?\d+)")


def common_shift(
    wanted: Sequence[str], there: Sequence[str], pocket: Sequence[str] = ()
) -> tuple[int, list[str]] | None:
    """(shift, labels of `there`) where `wanted`, two different residues or more such as "A:MET318", all have their
    names at their numbers plus one shift, and no other shift does it; of several, the only one that leads into the
    `pocket`. None where that decides nothing."""
    asked = list(dict.fromkeys(read for label in wanted if (read := _read(label))))
    if len(asked) < 2 or len(asked) < len(set(wanted)):
        return None
    places = {read: label for label in there if (read := _read(label))}
    first = asked[0]
    shifts = sorted({number - first[1] for name, number in places if name == first[0]})
    fitting = {
        shift: [places[name, number + shift] for name, number in asked]
        for shift in shifts
        if all((name, number + shift) in places for name, number in asked)
    }
    inside = {shift: labels for shift, labels in fitting.items() if set(labels) <= set(pocket)}
    best = fitting if len(fitting) == 1 else inside
    return next(iter(best.items())) if len(best) == 1 else None


def suggest(wanted: Sequence[str], there: Sequence[str], pocket: Sequence[str]) -> str:
    """A sentence or two on what may be meant by residues that are not `there`: the shift that fits all of them, else
    the pocket's residues of the same names, else what lines the pocket."""
    shifted = common_shift(wanted, there, pocket)
    if shifted is not None:
        by, labels = shifted
        lower = "lower" if by < 0 else "higher"
        return f"With numbers {abs(by)} {lower}, as in this structure, they would be {join(labels, SHOWN)}"
    names = {read[0] for label in wanted if (read := _read(label))}
    alike = [label for label in pocket if (read := _read(label)) and read[0] in names]
    lining = f"The pocket is lined by {join(list(pocket), 20)}"
    if not alike:
        return lining
    return f"Structures are often numbered from 1: in the pocket {join(alike, SHOWN)} may be meant. {lining}"


def _read(label: str) -> tuple[str, int] | None:
    found = _LABEL.match(label.strip())
    return (found["name"].upper(), int(found["number"])) if found else None
