"""Short motifs that are known to trouble antibody drugs, in one loop and the residues beside it.

N-glycosylation, free cysteine, oxidation: Jarasch et al. 2015 (doi:10.1002/jps.24430); deamidation and isomerisation:
Sydow et al. 2014 (doi:10.1371/journal.pone.0100736), Lu et al. 2019 (doi:10.1080/19420862.2018.1548233). Sequence alone
finds more than there is: whether a site reacts depends on exposure and mobility, which nothing here knows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tools.molecule.verdict import decided
from tools.protein.sequence_numbers import need_residues
from tools.types import CheckResult

FLANK = 2
"""Residues beside the loop that a motif may reach into."""


@dataclass(frozen=True, slots=True)
class Liability:
    """`severe`: its presence fails the check; others are listed only."""

    name: str
    motif: str
    doi: str
    severe: bool


LIABILITIES = (
    Liability("N-glycosylation", "N[^P][ST]", "10.1002/jps.24430", True),
    Liability("free cysteine", "C", "10.1002/jps.24430", True),
    Liability("deamidation", "NG", "10.1371/journal.pone.0100736", True),
    Liability("isomerisation", "DG", "10.1371/journal.pone.0100736", True),
    Liability("deamidation, slower", "N[ST]", "10.1371/journal.pone.0100736", False),
    Liability("isomerisation, slower", "D[STDH]", "10.1371/journal.pone.0100736", False),
    Liability("oxidation", "[MW]", "10.1002/jps.24430", False),
)


def find_liabilities(residues: str, before: str = "", after: str = "") -> list[tuple[Liability, int, str]]:
    """(liability, 1-based place in the loop, motif found), for motifs that begin or end inside the loop."""
    context = before[-FLANK:] + residues + after[:FLANK]
    first = len(before[-FLANK:])
    found = []
    for liability in LIABILITIES:
        for match in re.finditer(f"(?=({liability.motif}))", context):
            start, text = match.start(), match.group(1)
            if start < first + len(residues) and start + len(text) > first:
                found.append((liability, start - first + 1, text))
    return found


def check_liabilities(residues: str, before: str = "", after: str = "", original: str = "") -> CheckResult:
    """`residues` of the loop, `before` and `after` the chain beside it, `original` the loop that it replaces. Fail
    where a severe motif stands in the loop that the original, at the same place counted from either end, had not."""
    sequence = need_residues(residues, "residues")
    earlier = need_residues(original, "original") if original else ""
    before, after = before.upper(), after.upper()
    found = find_liabilities(sequence, before, after)
    inherited = set()
    for liability, place, text in find_liabilities(earlier, before, after) if earlier else []:
        inherited |= _places(liability, place, text, len(earlier))
    shown = [
        {
            "name": liability.name,
            "place": place,
            "motif": text,
            "severe": liability.severe,
            "inherited": bool(_places(liability, place, text, len(sequence)) & inherited),
            "doi": liability.doi,
        }
        for liability, place, text in found
    ]
    severe = [one for one in shown if one["severe"] and not one["inherited"]]
    return decided(
        "liabilities",
        not severe,
        value=float(len(shown)),
        unit="motifs",
        threshold="no new severe motif",
        reason=", ".join(f"{one['name']} {one['motif']} at {one['place']}" for one in severe),
        details={"motifs": shown},
    )


def _places(liability: Liability, place: int, motif: str, length: int) -> set[tuple[str, int, str]]:
    """The motif by its place counted from either end of the loop."""
    return {(liability.name, place, motif), (liability.name, place - length - 1, motif)}
