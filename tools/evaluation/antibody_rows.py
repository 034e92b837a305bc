"""Antibody tables of several makers as one kind of row: chains and the spans of their CDR loops (IMGT).

Columns read: `heavy` or `vh`, `light` or `vl`, or `sequence` (with `chain` H or L, heavy without). Spans are 0-based
and half-open: h1s, h1e .. l3s, l3e | h1_start, h1_end .. | c1s, c1e .. for the one chain of a row. A loop without a
span in the table is looked for by conserved residues (`models.antibody_loops`, IMGT); -1 says that the maker found
none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.antibody_loops import locate_loops
from tools.errors import InputError
from tools.evaluation.protocol import Row

LOOPS = ("H1", "H2", "H3", "L1", "L2", "L3")
COLUMNS = ("heavy", "vh", "light", "vl", "sequence")


@dataclass(frozen=True, slots=True)
class AntibodyRow:
    """Chains ("" where unknown) and the span of each loop found in them."""

    heavy: str
    light: str
    spans: Mapping[str, tuple[int, int]]

    def chain_of(self, loop: str) -> str:
        return self.heavy if loop.startswith("H") else self.light

    def loop(self, name: str) -> str:
        """The residues of a loop; "" where it is not known."""
        start, end = self.spans.get(name, (0, 0))
        return self.chain_of(name)[start:end]


def parse_antibody(row: Row) -> AntibodyRow:
    """`InputError` where the row has no chain or a span outside its chain."""
    heavy, light = _chain(row, "heavy", "vh"), _chain(row, "light", "vl")
    single = _chain(row, "sequence")
    if single and not heavy and not light:
        heavy, light = ("", single) if str(row.get("chain") or "H").upper() in ("L", "K") else (single, "")
    if not heavy and not light:
        raise InputError(f"the row has no chain; expected one of the columns {', '.join(COLUMNS)}")
    spans: dict[str, tuple[int, int]] = {}
    for letter, chain in (("H", heavy), ("L", light)):
        if chain:
            spans.update(_spans(row, letter, chain, alone=bool(single)))
    return AntibodyRow(heavy, light, spans)


def _chain(row: Row, *columns: str) -> str:
    """The first usable chain: capital letters only ("ND" and the like say that it is not known)."""
    for column in columns:
        text = str(row.get(column) or "").strip().upper()
        if len(text) > 20 and text.isalpha() and text.isascii():
            return text
    return ""


def _spans(row: Row, letter: str, chain: str, *, alone: bool) -> dict[str, tuple[int, int]]:
    located: dict[str, tuple[int, int]] | None = None
    found: dict[str, tuple[int, int]] = {}
    for number in "123":
        name = f"{letter}{number}"
        low = name.lower()
        pairs = [(f"{low}s", f"{low}e"), (f"{low}_start", f"{low}_end")]
        pairs += [(f"c{number}s", f"c{number}e")] if alone else []
        given = next(((row[a], row[b]) for a, b in pairs if row.get(a) not in (None, "")), None)
        if given is None:
            located = locate_loops(chain, letter) if located is None else located
            if name in located:
                found[name] = located[name]
        elif int(given[0]) >= 0:
            start, end = int(given[0]), int(given[1])
            if not 0 < start < end < len(chain):
                raise InputError(f"the span {start}-{end} of loop {name} is not inside its chain of {len(chain)}")
            found[name] = (start, end)
    return found
