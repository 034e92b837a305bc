"""Which tokens can follow each state of the SMILES automaton, and what each does to the molecule.

The automaton is run over all token texts at once, a character a time (0.5 ms for our vocabulary, some 20 ms for one of
50,000 SMILES fragments); a state's table is made when the state is first met.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.grammar.smiles_lexer import AFTER_ANY_BOND, RING_NUMBERS, TO_COMPLETE, TRANSITIONS, Event, Step

Ids = NDArray[np.int32]

MAX_TOKEN_CHARACTERS = 24
"""Longer token texts are not used inside spans."""
MOST_GROWTH = 24
"""Tokens that may raise the fewest symbols that finish a SMILES by more than this are not used."""
MOST_SIMPLE_GROWTH = 12
"""No token of one event may raise it by more; the beginning of a long ring number does by this much."""
MOST_DEPTH = 3
"""From how many open branches on the mask no longer tells depths apart (a drawn token is tried)."""
MOST_EXTRA = {Event.RING: 3, Event.RING_READ: 3, Event.LAST_DIGIT: 3, Event.OPEN: 1, Event.CLOSE: 1}
"""By how much an event may raise the fewest symbols that finish a SMILES, beyond what its automaton state says."""

_DEAD = len(TRANSITIONS)
_PAD = 127
_EXTRA = np.array([MOST_EXTRA.get(event, 0) for event in Event], np.int32)


def _dense() -> NDArray[np.int32]:
    """(states + 1, 128, 3): next state, event, argument; the pad leaves a state as it is, all else not listed ends in
    the dead state."""
    dense = np.zeros((_DEAD + 1, 128, 3), np.int32)
    dense[:, :, 0] = _DEAD
    dense[:, _PAD, 0] = np.arange(_DEAD + 1)
    for state, row in enumerate(TRANSITIONS):
        for character, step in row.items():
            dense[state, ord(character)] = step
    return dense


_STEPS = _dense()


def begun(lexer: int) -> int:
    """What a state of the SMILES automaton surely adds to the fewest symbols that finish."""
    return 0 if lexer in AFTER_ANY_BOND or lexer in RING_NUMBERS else TO_COMPLETE[lexer]


class TokenTexts:
    """Token texts as an array of characters: `ids` (N,), `codes` (N, L)."""

    def __init__(self, tokens: Sequence[tuple[int, str]]) -> None:
        self.ids = np.array([token for token, _ in tokens], np.int32)
        length = max((len(text) for _, text in tokens), default=1)
        padded = "".join(text.ljust(length, chr(_PAD)) for _, text in tokens)
        self.codes = np.frombuffer(padded.encode("ascii"), np.uint8).reshape(-1, length)


class LexerTable:
    """The tokens that can follow one state of the SMILES automaton.

    `simple`: tokens with one event at most, as that one step. `groups`: their ids by step. `compound`: all others,
    with the depth of branches they close (`depths`) and a bound of what they add to the fewest symbols that finish
    (`growth`). Left out: those over MOST_GROWTH, and those using a ring number twice at one atom (allowed where it is
    open, but RDKit wrote it in none of 500,000 molecules, and a vocabulary of plain language is full of `2011`).
    `ring_ids[n]`: the simple tokens of ring number n.
    """

    def __init__(self, lexer: int, texts: TokenTexts) -> None:
        found = _run(lexer, texts)
        is_simple = found["count"] <= 1
        self.simple: dict[int, Step] = {}
        self.groups: list[tuple[Step, Ids]] = []
        for step, chosen in _by_value(found, ("state", "event", "argument"), is_simple):
            ids = found["ids"][chosen]
            merged = (step[0], Event(step[1]), step[2])
            self.groups.append((merged, ids))
            self.simple.update(dict.fromkeys(ids.tolist(), merged))
        self.ring_ids = {step[2]: ids for step, ids in self.groups if step[1] == Event.RING}
        unread = np.array([MOST_SIMPLE_GROWTH if s in RING_NUMBERS else n for s, n in enumerate(TO_COMPLETE)])
        growth = unread[found["state"]] - begun(lexer) + found["extra"]
        compound = ~is_simple & (growth <= MOST_GROWTH) & (found["twice"] == 0)
        self.compound: Ids = found["ids"][compound]
        self.depths = np.minimum(-found["lowest"][compound], MOST_DEPTH)
        self.growth = growth[compound]


def _run(lexer: int, texts: TokenTexts) -> dict[str, Any]:
    """The automaton from `lexer` over every token; arrays for those it can read.

    `count` of events, bond symbols in a row and the two digits of a ring number being one; `event`, `argument`: the
    last; `lowest`: the least depth of branches on the way; `extra`: the sum of MOST_EXTRA;
    `rings`: bits of the ring digits at the last atom; `twice`: whether one stood there twice.
    """
    names = ("count", "event", "argument", "depth", "lowest", "extra", "rings", "twice")
    now: dict[str, Any] = {name: np.zeros(len(texts.ids), np.int32) for name in names}
    now |= {"state": np.full(len(texts.ids), lexer, np.int32), "ids": texts.ids, "codes": texts.codes}
    for at in range(texts.codes.shape[1]):
        steps = _STEPS[now["state"], now["codes"][:, at]]
        alive = steps[:, 0] != _DEAD
        if not alive.all():
            now = {name: values[alive] for name, values in now.items()}
            steps = steps[alive]
        now["state"] = steps[:, 0]
        if steps[:, 1].any():
            _count(now, steps[:, 1].copy(), steps[:, 2].copy())
    return now


def _count(now: dict[str, Any], event: NDArray[np.int32], argument: NDArray[np.int32]) -> None:
    happens = event != Event.NONE
    number = (event == Event.LAST_DIGIT) & (now["event"] == Event.DIGIT)
    again = number | ((event == Event.BOND) & (now["event"] == Event.BOND))
    argument[number] += 10 * now["argument"][number]
    event[number] = Event.RING
    now["count"] = now["count"] + (happens & ~again)
    now["event"] = np.where(happens, event, now["event"])
    now["argument"] = np.where(happens, argument, now["argument"])
    now["depth"] = now["depth"] + (event == Event.OPEN) - (event == Event.CLOSE)
    now["lowest"] = np.minimum(now["lowest"], now["depth"])
    digit = np.where((event == Event.RING) & (argument < 10), 1 << np.minimum(argument, 9), 0)
    now["twice"] = now["twice"] | (now["rings"] & digit)
    now["rings"] = np.where((event == Event.ATOM) | (event == Event.CLOSE), 0, now["rings"] | digit)
    long_ring = (event == Event.RING) & (argument >= 10)
    now["extra"] = now["extra"] + _EXTRA[event] + 2 * long_ring


def _by_value(
    found: dict[str, Any], names: Sequence[str], chosen: NDArray[np.bool_]
) -> list[tuple[tuple[int, ...], NDArray[np.intp]]]:
    """The places of the chosen tokens, by their values of `names`."""
    places = np.flatnonzero(chosen)
    columns = np.stack([found[name][places] for name in names], axis=1)
    values, group = np.unique(columns, axis=0, return_inverse=True)
    return [(tuple(map(int, value)), places[group.ravel() == at]) for at, value in enumerate(values)]
