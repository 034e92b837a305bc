"""CDR loops of one antibody to be designed in turn: where they lie, and the prompt for each.

The grammar has one empty slot at a time. The loops are designed in the order asked for; a loop already
designed stands filled in when the next one is, and a loop whose turn has not come stands as it was given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.antibody_loops import locate_loops
from models.grammar.objects import Antibody
from models.grammar.tasks import prompt_for

_Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LoopPlan:
    """`chains` by letter (L before H), `spans` of the loops in those chains (0-based, half-open), `order` of
    design."""

    chains: tuple[tuple[str, str], ...]
    spans: tuple[tuple[str, _Span], ...]
    order: tuple[str, ...]

    def chain_of(self, loop: str) -> str:
        """The given sequence of the chain that `loop` lies in."""
        return dict(self.chains)[loop[0]]

    def prompt(self, slot: str, filled: Mapping[str, str]) -> str:
        """The prompt to design `slot`, with the loops of `filled` written in."""
        antibodies = [self._chain(letter, sequence, slot, filled) for letter, sequence in self.chains]
        return prompt_for("antibody_cdr", antibodies=antibodies)

    def _chain(self, letter: str, sequence: str, slot: str, filled: Mapping[str, str]) -> Antibody:
        written, last, place = "", 0, None
        for name, (start, end) in sorted(self.spans, key=lambda item: item[1]):
            if name[0] != letter:
                continue
            written += sequence[last:start]
            if name == slot:
                place = len(written)
            else:
                written += filled.get(name, sequence[start:end])
            last = end
        written += sequence[last:]
        return Antibody(written, () if place is None else ((place, place),))


def plan_loops(chains: Mapping[str, str], loops: Any) -> LoopPlan:
    """The plan for `loops`: names ("H3", "H1,H3" or a list), then found by conserved residues, or
    {name: [start, end]}. ValueError says what is wrong and what is accepted."""
    order = _names(loops)
    if len(set(order)) < len(order):
        raise ValueError(f"loops names one loop twice: {', '.join(order)}")
    spans = []
    for loop in order:
        if loop[0] not in chains:
            raise ValueError(f"loop {loop} needs the {'heavy' if loop[0] == 'H' else 'light'} chain")
        given = loops[loop] if isinstance(loops, Mapping) else None
        spans.append((loop, _span(loop, chains[loop[0]], given)))
    _refuse_overlaps(spans)
    ordered = tuple((letter, chains[letter]) for letter in ("L", "H") if letter in chains)
    return LoopPlan(ordered, tuple(spans), tuple(order))


def _names(loops: Any) -> list[str]:
    listed = isinstance(loops, Sequence | Mapping) and not isinstance(loops, str)
    names = [name.strip() for name in loops.split(",")] if isinstance(loops, str) else list(loops) if listed else []
    if not names:
        raise ValueError(f"loops must name the loops to design (H1 to H3, L1 to L3), got {loops!r}")
    for name in names:
        if not isinstance(name, str) or not re.fullmatch("[HL][123]", name):
            raise ValueError(f"loops are H1, H2, H3, L1, L2, L3, got {name!r}")
    return names


def _span(loop: str, sequence: str, given: Any) -> _Span:
    if given is None:
        found = locate_loops(sequence, loop[0])
        if loop not in found:
            raise ValueError(f"loop {loop} was not found by its conserved residues; give {{{loop!r}: [start, end]}}")
        return found[loop]
    whole = isinstance(given, Sequence) and len(given) == 2 and all(type(at) is int for at in given)
    if not whole or not 0 < given[0] < given[1] < len(sequence):
        raise ValueError(
            f"the span of {loop} must be [start, end] inside the chain's {len(sequence)} residues, got {given!r}"
        )
    return given[0], given[1]


def _refuse_overlaps(spans: Sequence[tuple[str, _Span]]) -> None:
    for at, (name, (start, end)) in enumerate(spans):
        for other, (first, last) in spans[:at]:
            if name[0] == other[0] and start < last and first < end:
                raise ValueError(f"the spans of {other} and {name} overlap")
