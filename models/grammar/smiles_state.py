"""A SMILES under construction: what is still open, what may come next, and the fewest symbols that finish it.

Promised: a SMILES that passed here and is complete is one RDKit reads (`MolFromSmiles(s, sanitize=False)`), and its
ring bonds carry one bond symbol or two that agree, which RDKit does not ask. Not promised: valences, aromaticity, and
the shortest finish in every case (the figure is never too small; see `finish_cost`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from models.grammar.smiles_lexer import (
    AFTER_ANY_BOND,
    ARROWS,
    BEFORE_ATOM,
    COMPLETE,
    PERCENT,
    RING_DIGITS_LEFT,
    RING_NUMBERS,
    START,
    TO_COMPLETE,
    TRANSITIONS,
    Event,
)

_ATOM, _BOND, _OPEN, _CLOSE, _DOT, _RING, _DIGIT, _LAST_DIGIT, _RING_READ = list(Event)[1:]
_NO_ATOM = -1


class SmilesState:
    """`lexer` is the automaton's state. Atoms are numbered as written; `bonded[i]` has bit j set where atoms i and j
    are bonded; `rings` maps an open ring number to the atom that opened it and the bond symbol written there."""

    __slots__ = ("bond", "bonded", "branches", "current", "lexer", "number", "rings")

    def __init__(self) -> None:
        self.lexer = START
        self.bond = 0
        self.number = 0
        self.current = _NO_ATOM
        self.bonded: list[int] = []
        self.branches: list[int] = []
        self.rings: dict[int, tuple[int, int]] = {}

    def copy(self) -> SmilesState:
        """An independent state equal to this one."""
        other = SmilesState.__new__(SmilesState)
        other.lexer, other.bond, other.number, other.current = self.lexer, self.bond, self.number, self.current
        other.bonded = self.bonded.copy()
        other.branches = self.branches.copy()
        other.rings = self.rings.copy()
        return other

    # -- what was written --------------------------------------------------------------------------------------
    def feed(self, text: str) -> int:
        """Append `text`; returns how many of its characters could follow (all of them where it is well-formed so
        far). After a refusal the state is as before the refused character."""
        for at, character in enumerate(text):
            step = TRANSITIONS[self.lexer].get(character)
            if step is None or not self.apply(*step):
                return at
        return len(text)

    def apply(self, lexer: int, event: int, argument: int) -> bool:
        """One step of the automaton with its event; False, and nothing changed, where the molecule forbids it."""
        if event == _ATOM:
            self._add_atom()
        elif event == _BOND:
            self.bond = argument
        elif event == _RING:
            if not self._ring(argument):
                return False
        elif event == _OPEN:
            self.branches.append(self.current)
        elif event == _CLOSE:
            if not self.branches:
                return False
            self.current = self.branches.pop()
        elif event == _DOT:
            self.current = _NO_ATOM
        elif event and not self._spell_ring(lexer, event, argument):
            return False
        self.lexer = lexer
        return True

    def _add_atom(self) -> None:
        bonded, last = self.bonded, self.current
        new = len(bonded)
        if last >= 0:
            bonded[last] |= 1 << new
            bonded.append(1 << last)
        else:
            bonded.append(0)
        self.current = new
        self.bond = 0

    def _ring(self, number: int) -> bool:
        here = self.current
        opened = self.rings.get(number)
        if opened is None:
            self.rings[number] = (here, self.bond)
        else:
            if not self._may_close(opened):
                return False
            there = opened[0]
            self.bonded[here] |= 1 << there
            self.bonded[there] |= 1 << here
            del self.rings[number]
        self.bond = 0
        return True

    def _spell_ring(self, lexer: int, event: int, argument: int) -> bool:
        """A character of a ring number of several; refused where no number that may stand here begins so."""
        number = self.number if event == _RING_READ else self.number * 10 + argument
        if event == _DIGIT:
            scale = 10 ** RING_DIGITS_LEFT[lexer]
            if not any(self.may_ring(n) for n in range(number * scale, (number + 1) * scale)):
                return False
            self.number = number
            return True
        if not self._ring(number):
            return False
        self.number = 0
        return True

    # -- what may be written -----------------------------------------------------------------------------------
    def may_ring(self, number: int) -> bool:
        """Whether a ring bond of this number may be opened or closed at the last atom."""
        opened = self.rings.get(number)
        return opened is None or self._may_close(opened)

    def _may_close(self, opened: tuple[int, int]) -> bool:
        atom, mark = opened
        if atom == self.current or self.bonded[self.current] >> atom & 1:
            return False
        return not (mark and self.bond) or mark == self.bond

    def forbidden_rings(self) -> int:
        """Bit n is set where ring number n is open and may not be closed here."""
        found = 0
        here = self.current
        near = self.bonded[here] | 1 << here
        for number, (atom, mark) in self.rings.items():
            if near >> atom & 1 or (self.bond and mark and mark != self.bond):
                found |= 1 << number
        return found

    @property
    def complete(self) -> bool:
        """Whether the SMILES may end here."""
        return self.lexer in COMPLETE and not self.branches and not self.rings

    # -- what it takes to finish -------------------------------------------------------------------------------
    def finish_cost(self, short_rings: int) -> int:
        """Symbols that suffice to complete the SMILES: 0 where it is complete.

        Ring numbers below `short_rings` count one symbol, others three (%42) or six (%(142)); everything inside
        brackets counts by character. From every state with a cost above 0 some symbol leads to a smaller one.
        """
        lexer = self.lexer
        if lexer in COMPLETE:
            return self._closing_cost(short_rings)
        if lexer in RING_NUMBERS:
            return self._ring_number_cost(short_rings)
        if lexer in BEFORE_ATOM:
            return 1 + self._closing_cost(short_rings, new_atom=True)
        if lexer in ARROWS:
            return 2 + self._closing_cost(short_rings, new_atom=True)
        if lexer in AFTER_ANY_BOND:
            cost = 1 + self._closing_cost(short_rings, new_atom=True)
            if any(self._may_close(opened) for opened in self.rings.values()):
                cost = min(cost, self._closing_cost(short_rings))
            return cost
        return TO_COMPLETE[lexer] + self._closing_cost(short_rings)

    def _closing_cost(self, short_rings: int, new_atom: bool = False) -> int:
        """Brackets for the branches, numbers for the rings, and atoms where these cannot be closed on the way.

        `new_atom`: as if one more atom had been written. On the way back the last atom and those where branches began
        each close one ring of every opener they are not bonded to; rings left over need one further atom each, those
        of different openers sharing them. The first further atom is bonded to where it is attached, so one more is
        needed where every place to attach it has the most rings left over.
        """
        cost = len(self.branches)
        if not self.rings:
            return cost
        open_at: dict[int, int] = {}
        for number, (atom, _) in self.rings.items():
            open_at[atom] = open_at.get(atom, 0) + 1
            cost += 1 if number < short_rings else 3 if number < 100 else 6
        here = self.current
        way_back = self.branches[::-1]
        if new_atom:
            for atom in open_at:
                open_at[atom] -= atom != here
        else:
            way_back.insert(0, here)
        self._close_on_the_way(open_at, way_back)
        most = max(open_at.values())
        if most <= 0:
            return cost
        penalty = not new_atom and all(open_at.get(atom, 0) == most for atom in way_back)
        return cost + most + penalty

    def _close_on_the_way(self, open_at: dict[int, int], way_back: list[int]) -> None:
        """Take from each opener's count the rings that the atoms of `way_back`, in that order, close."""
        bonded_now: dict[int, int] = {}
        for closer in way_back:
            near = self.bonded[closer] | 1 << closer | bonded_now.get(closer, 0)
            for atom, count in open_at.items():
                if count > 0 and not near >> atom & 1:
                    open_at[atom] = count - 1
                    bonded_now[atom] = bonded_now.get(atom, 0) | 1 << closer

    def _ring_number_cost(self, short_rings: int) -> int:
        """Symbols left of a ring number begun, then what it takes to finish, for the best number that may stand."""
        read = RING_NUMBERS[self.lexer]
        return min(
            (3 if number < 100 else 6) - read + self._cost_with_ring(number, short_rings)
            for low, high in _spelled_ranges(self.number, self.lexer)
            for number in self._candidates(low, high)
        )

    def _candidates(self, low: int, high: int) -> Iterator[int]:
        """Of the ring numbers from `low` to below `high`, those that may be closed here and one to open."""
        yield from (n for n, opened in self.rings.items() if low <= n < high and self._may_close(opened))
        yield from islice((n for n in range(low, high) if n not in self.rings), 1)

    def _cost_with_ring(self, number: int, short_rings: int) -> int:
        other = self.copy()
        other._ring(number)
        return other._closing_cost(short_rings)


def _spelled_ranges(prefix: int, lexer: int) -> list[tuple[int, int]]:
    """The ring numbers a spelling begun so may become, as half-open ranges."""
    if lexer == PERCENT:
        return [(10, 100), (100, 1000)]
    left = RING_DIGITS_LEFT[lexer]
    return [(max(prefix * 10**left, 100 if left == 3 else 0), (prefix + 1) * 10**left)]


def is_well_formed(smiles: str) -> bool:
    """Whether a whole SMILES is complete and well-formed as described above."""
    state = SmilesState()
    return state.feed(smiles) == len(smiles) and state.complete
