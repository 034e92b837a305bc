"""Rows of a mask in one reused array, and the choices left to a SMILES close to the token limit.

A narrow vocabulary's rows are gathered from a table of those seen before; of a wide one's only the ids that change are
written.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.backends.grammar_tables import MOST_EXTRA, Ids, begun
from models.backends.grammar_vocabulary import GrammarVocabulary
from models.grammar.smiles_lexer import RING_NUMBERS, TO_COMPLETE, Event, Step
from models.grammar.smiles_state import SmilesState

_NARROW = 8192  # tokens
_DENSE = 16  # a row allowing more than one token in so many is kept whole
_MOST_REMEMBERED = 4096  # rows
_MOST_CHANGES = 32  # from one row, remembered
_MOST_EXTRA_OF_ONE = 8  # a simple token adds less to the fewest symbols that finish


class MaskRow:
    """The ids one row allows. `place`: where it stands in the table of a narrow vocabulary, -1 if it does not.
    `whole`: the row itself, kept in a wide one where it is dense. `change_to`: the ids to clear and to set to make
    another row of this one, by that row. `kept`: whether it will be met again."""

    __slots__ = ("change_to", "ids", "kept", "place", "whole")

    def __init__(self, ids: Ids, place: int = -1) -> None:
        self.ids = ids
        self.place = place
        self.whole: NDArray[np.bool_] | None = None
        self.change_to: dict[MaskRow, tuple[Ids, Ids]] = {}
        self.kept = False


class MaskRows:
    """Writes (B, V) masks. `remember` keeps a row for its key; `write` returns the reused array. The rows of a wide
    vocabulary are kept in `shared`, for later batches too."""

    def __init__(self, n_vocab: int, shared: dict[Hashable, MaskRow]) -> None:
        self._n_vocab = n_vocab
        self._narrow = n_vocab <= _NARROW
        self._table = np.zeros((64, n_vocab) if self._narrow else (0, 0), np.bool_)
        self._mask = np.zeros((0, n_vocab), np.bool_)
        self._written: list[MaskRow | None] = []
        self._patched: Sequence[tuple[int, Ids]] = []
        self._scratch = np.zeros(n_vocab, np.bool_)
        self.known: dict[Hashable, MaskRow] = {} if self._narrow else shared

    def remember(self, key: Hashable, ids: Ids) -> MaskRow:
        """The row of these ids, kept for `key` while there is room."""
        made = MaskRow(ids)
        if len(self.known) >= _MOST_REMEMBERED:
            return made
        if self._narrow:
            made.place = len(self.known)
            if made.place == len(self._table):
                self._table = np.concatenate([self._table, np.zeros_like(self._table)])
            self._table[made.place] = False
            self._table[made.place, ids] = True
        elif len(ids) > self._n_vocab // _DENSE:
            made.whole = np.zeros(self._n_vocab, np.bool_)
            made.whole[ids] = True
        made.kept = True
        self.known[key] = made
        return made

    def write(self, rows: Sequence[MaskRow], patches: Sequence[tuple[int, Ids]]) -> NDArray[np.bool_]:
        """The mask of `rows`, less the ids of `patches` (row, ids)."""
        if len(rows) > len(self._mask):
            self._mask = np.zeros((max(len(rows), 2 * len(self._mask)), self._n_vocab), np.bool_)
            self._written = [None] * len(self._mask)
            self._patched = []
        mask = self._mask[: len(rows)]
        if self._narrow:
            self._gather(mask, rows)
        else:
            self._write_changes(rows)
            self._patched = patches = [(at, ids[mask[at, ids]]) for at, ids in patches]
        for at, ids in patches:
            mask[at, ids] = False
        return mask

    def _gather(self, mask: NDArray[np.bool_], rows: Sequence[MaskRow]) -> None:
        places = [row.place for row in rows]
        np.take(self._table, places, axis=0, out=mask, mode="wrap")
        if min(places, default=0) < 0:
            for at, row in enumerate(rows):
                if row.place < 0:
                    mask[at] = False
                    mask[at, row.ids] = True

    def _write_changes(self, rows: Sequence[MaskRow]) -> None:
        for at, ids in self._patched:
            self._mask[at, ids] = True
        for at, row in enumerate(rows):
            before = self._written[at]
            if before is row:
                continue
            target = self._mask[at]
            clear, to_set = self._change(before, row)
            if row.whole is not None and len(clear) + len(to_set) > self._n_vocab // _DENSE:
                target[:] = row.whole
            else:
                target[clear] = False
                target[to_set] = True
            self._written[at] = row

    def _change(self, before: MaskRow | None, row: MaskRow) -> tuple[Ids, Ids]:
        """Ids to clear and ids to set; between rows that come again only the difference, worked out once."""
        if before is None:
            return row.ids[:0], row.ids
        known = before.change_to.get(row)
        if known is None:
            if not (before.kept and row.kept) or len(before.change_to) >= _MOST_CHANGES:
                return before.ids, row.ids
            known = before.change_to[row] = self._less(before.ids, row.ids), self._less(row.ids, before.ids)
        return known

    def _less(self, ids: Ids, others: Ids) -> Ids:
        """Those of `ids` that are not among `others`."""
        self._scratch[others] = True
        left = ids[~self._scratch[ids]]
        self._scratch[others] = False
        return left


class SmilesChoices:
    """Which tokens may go on with a SMILES: far from the limit by what the automaton reads, close to it only those
    after which it can still be completed."""

    def __init__(self, vocabulary: GrammarVocabulary) -> None:
        self._vocabulary = vocabulary
        self._short = vocabulary.units.short_rings
        self._grouped = lru_cache(maxsize=None)(self._group)

    def readable(self, lexer: int, depth: int) -> list[Ids]:
        """All that the automaton reads, with the brackets `depth` open branches allow."""
        table = self._vocabulary.table(lexer)
        simple = [ids for step, ids in table.groups if depth or step[1] != Event.CLOSE]
        return [*simple, table.compound[table.depths <= depth]]

    def fitting(self, smiles: SmilesState, spare: int) -> list[Ids]:
        """Those after which the fewest symbols that complete the SMILES have grown by at most `spare`; ring numbers
        that may not stand here are not left out, and long ones are begun only where one is open."""
        fine, rings, others = self._grouped(smiles.lexer, spare if spare < _MOST_EXTRA_OF_ONE else _MOST_EXTRA_OF_ONE)
        chosen = list(fine)
        most = spare + smiles.finish_cost(self._short)
        if smiles.lexer not in RING_NUMBERS and not any(number >= self._short for number in smiles.rings):
            others = [(step, ids) for step, ids in others if step[0] not in RING_NUMBERS]
        chosen += [ids for step, ids in others if self._tried(smiles, step) <= most]
        to_open: dict[bool, bool] = {}
        for step, ids in rings:
            number = step[2]
            if number not in smiles.rings:
                is_long = number >= self._short
                if is_long not in to_open:
                    to_open[is_long] = self._tried(smiles, step) <= most
                if not to_open[is_long]:
                    continue
            chosen.append(ids)
        table = self._vocabulary.table(smiles.lexer)
        if len(table.compound) and smiles.lexer not in RING_NUMBERS:
            chosen.append(table.compound[(table.depths <= len(smiles.branches)) & (table.growth <= spare)])
        return chosen

    def _group(self, lexer: int, spare: int) -> tuple[list[Ids], list[tuple[Step, Ids]], list[tuple[Step, Ids]]]:
        """Simple tokens that fit whatever the molecule, ring numbers to be tried, and others to be tried."""
        fine, rings, others = [], [], []
        for step, ids in self._vocabulary.table(lexer).groups:
            end, event, argument = step
            most = TO_COMPLETE[end] - begun(lexer) + MOST_EXTRA.get(event, 0) + 2 * (argument >= self._short)
            surely = most <= spare and event <= Event.RING and end not in RING_NUMBERS and event != Event.CLOSE
            if lexer in RING_NUMBERS:
                others.append((step, ids))
            elif surely:
                fine.append(ids)
            elif event == Event.RING:
                rings.append((step, ids))
            else:
                others.append((step, ids))
        return [np.concatenate(fine)] if fine else [], rings, others

    def _tried(self, smiles: SmilesState, step: Step) -> int:
        """The fewest symbols that complete the SMILES after `step`; very many where it cannot be taken."""
        tried = smiles.copy()
        return tried.finish_cost(self._short) if tried.apply(*step) else 1 << 30
