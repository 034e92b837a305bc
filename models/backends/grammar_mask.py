"""Masks of grammar-constrained decoding: which tokens may come next in each row of a batch.

Every row has a `GrammarState`. Its mask is looked up by the few things that decide it (automaton state, whether a
branch is open, the closing tag) and corrected for ring numbers that may not be used now. Where fewer tokens are left
than a bound of what the row may still need, each choice is tried and kept if the text can be finished after it: a limit
never cuts a span. With our tokenizer the mask is exact. A byte-pair token of several symbols is let through where the
automaton can read it and tried only once drawn (`refused`); close to the limit only those that cannot need more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from models.backends.constraint import Constraint
from models.backends.grammar_vocabulary import MOST_EXTRA, GrammarVocabulary, Ids, LexerTable, begun
from models.backends.text_codec import TextCodec
from models.errors import CheckpointError, ModelInputError
from models.grammar import tags
from models.grammar.constrain import GrammarState
from models.grammar.parse import GrammarError
from models.grammar.smiles_lexer import RING_NUMBERS, RING_PLACES, TO_COMPLETE, Event, Step
from models.grammar.smiles_state import SmilesState
from models.grammar.span_states import SmilesSpan, Writable

_NARROW = 8192  # tokens; up to here a row of the mask is copied whole, above only what changes is written
_MOST_ROWS = 4096  # remembered mask rows before they are forgotten and built anew
_ONE_TOKEN = 24  # tokens: more than the automaton's own state and one simple token can ask for
_ONE_RING = 8  # tokens: more than one open ring can ask for


def build_constraint(codec: TextCodec, n_vocab: int) -> Callable[[], Constraint]:
    """A maker of constraints, one a batch, for logits of width `n_vocab` (ids the tokenizer does not know are never
    allowed). Raises CheckpointError where the tokenizer cannot write the grammar."""
    return partial(GrammarConstraint, codec, GrammarVocabulary(codec, n_vocab))


class MaskRow:
    """The ids one row of the mask allows; `whole` is the row itself where the vocabulary is narrow."""

    __slots__ = ("ids", "whole")

    def __init__(self, ids: Ids, n_vocab: int) -> None:
        self.ids = ids
        self.whole: NDArray[np.bool_] | None = None
        if n_vocab <= _NARROW:
            self.whole = np.zeros(n_vocab, np.bool_)
            self.whole[ids] = True


class _Row:
    """One sequence: its state, the tokens it may still take, and a drawn token already tried."""

    __slots__ = ("after", "left", "smiles", "state", "tried")

    def __init__(self, state: GrammarState, left: int) -> None:
        self.state = state
        self.left = left
        self.tried: tuple[int, SmilesState] | None = None
        self.smiles: SmilesState | None = None
        self.after = 0
        self.look()

    def look(self) -> None:
        """Find the open SMILES and what its end will cost, after every tag."""
        span = self.state.span
        self.smiles = span.smiles if isinstance(span, SmilesSpan) and not self.state.ended else None
        self.after = 1 + self.state.cost_after_span()

    def copy(self) -> _Row:
        return _Row(self.state.copy(), self.left)


class GrammarConstraint:
    """See `models.backends.constraint.Constraint`. What `allowed` returns is overwritten by its next call."""

    def __init__(self, codec: TextCodec, vocabulary: GrammarVocabulary) -> None:
        self._codec = codec
        self._vocabulary = vocabulary
        self._rows: list[_Row] = []
        self._remembered: dict[object, MaskRow] = {}
        self._mask = np.zeros((0, vocabulary.n_vocab), np.bool_)
        self._written: list[MaskRow | None] = []
        self._changed: list[bool] = []
        self._last_prompt: tuple[tuple[int, ...], tuple[str, ...], GrammarState] | None = None

    # -- rows ----------------------------------------------------------------------------------------------
    def add(self, prompt_ids: Sequence[int], stop: Sequence[str], limit: int) -> None:
        """Raises ModelInputError where the prompt is no beginning of a grammar text, or `limit` too short."""
        state = self._state_after(tuple(prompt_ids), tuple(stop))
        cost = state.cost()
        if cost > limit:
            raise ModelInputError(
                f"max_new_tokens leaves {limit} tokens, but the shortest well-formed completion of this prompt takes "
                f"{cost}; raise max_new_tokens to {cost} or more"
            )
        self._rows.append(_Row(state, limit))

    def _state_after(self, prompt_ids: tuple[int, ...], stop: tuple[str, ...]) -> GrammarState:
        if self._last_prompt is None or self._last_prompt[:2] != (prompt_ids, stop):
            state = GrammarState(self._vocabulary.units)
            known = prompt_ids[1:] if prompt_ids[:1] == (self._codec.bos_id,) else prompt_ids
            try:
                state.read_prompt(self._codec.decode(known) if known else "", stop)
            except GrammarError as fault:
                raise ModelInputError(f"constrained decoding cannot go on from this prompt: {fault}") from fault
            self._need_tags(state)
            self._last_prompt = prompt_ids, stop, state
        return self._last_prompt[2].copy()

    def _need_tags(self, state: GrammarState) -> None:
        """Every way on may need a tag this tokenizer does not have."""
        known = self._vocabulary.ids_of_tag
        closing = () if state.span is None else (state.span.span.close,)
        ways = closing or state.next_tags()
        if not any(tag in known for tag in ways):
            raise CheckpointError(f"the tokenizer lacks {', '.join(ways)}, which this prompt needs as one token")

    def keep(self, rows: Sequence[int]) -> None:
        """As the protocol says."""
        seen: set[int] = set()
        kept = []
        for at in rows:
            kept.append(self._rows[at].copy() if at in seen else self._rows[at])
            seen.add(at)
        self._rows = kept

    # -- masks ---------------------------------------------------------------------------------------------
    def allowed(self) -> NDArray[np.bool_]:
        """(B, V); the array is this object's own and good until the next call."""
        rows = self._rows
        self._make_room(len(rows))
        for at, row in enumerate(rows):
            smiles = row.smiles
            if smiles is None:
                mask_row = self._row_between(row)
            else:
                need = row.after + len(smiles.branches) + _ONE_RING * len(smiles.rings) + _ONE_TOKEN
                table = self._vocabulary.table(smiles.lexer)
                if row.left < need + table.widest or smiles.lexer in RING_NUMBERS:
                    mask_row = self._tried_smiles(row, smiles, table)
                else:
                    mask_row = self._row_of_smiles(row, smiles, table)
                    if smiles.rings and smiles.lexer in RING_PLACES:
                        self._write(at, mask_row)
                        self._forbid_rings(at, smiles, table)
                        continue
            self._write(at, mask_row)
        return self._mask[: len(rows)]

    def _make_room(self, n_rows: int) -> None:
        if n_rows > len(self._mask):
            self._mask = np.zeros((max(n_rows, 2 * len(self._mask)), self._vocabulary.n_vocab), np.bool_)
            self._written = [None] * len(self._mask)
            self._changed = [False] * len(self._mask)

    def _write(self, at: int, mask_row: MaskRow) -> None:
        before = self._written[at]
        if before is mask_row and not self._changed[at]:
            return
        target = self._mask[at]
        if mask_row.whole is not None:
            target[:] = mask_row.whole
        else:
            if before is not None and before is not mask_row:
                target[before.ids] = False
            target[mask_row.ids] = True
        self._written[at] = mask_row
        self._changed[at] = False

    def _forbid_rings(self, at: int, smiles: SmilesState, table: LexerTable) -> None:
        forbidden = smiles.forbidden_rings()
        while forbidden:
            number = (forbidden & -forbidden).bit_length() - 1
            forbidden &= forbidden - 1
            ids = table.first_ring.get(number)
            if ids is not None:
                self._mask[at, ids] = False
                self._changed[at] = True

    def _remember(self, key: object, ids: Ids) -> MaskRow:
        if len(self._remembered) >= _MOST_ROWS:
            self._remembered.clear()
        made = self._remembered[key] = MaskRow(ids, self._vocabulary.n_vocab)
        return made

    def _row_of_smiles(self, row: _Row, smiles: SmilesState, table: LexerTable) -> MaskRow:
        """Far from the limit: all the automaton can read, with the brackets that the open branches allow."""
        depth = min(len(smiles.branches), table.deepest)
        end = row.state.next_tags()
        key = (smiles.lexer, depth, end)
        found = self._remembered.get(key)
        if found is None:
            simple = [ids for step, ids in table.groups if depth or step[1] != Event.CLOSE]
            ids = np.concatenate([*simple, table.compound[table.depths <= depth], self._tag_ids(end)])
            found = self._remember(key, ids)
        return found

    def _tag_ids(self, names: Sequence[str]) -> Ids:
        known = self._vocabulary.ids_of_tag
        return np.array([token for name in names for token in known.get(name, ())], np.int32)

    def _row_between(self, row: _Row) -> MaskRow:
        """Everywhere but in SMILES; what may follow is few things, so close to the limit each is tried."""
        state = row.state
        names, writable = state.next_tags(), state.writable()
        tight = not state.ended and (state.may_grow_at_once or row.left < state.cost() + _ONE_TOKEN)
        if not tight:
            key = (names, writable)
            found = self._remembered.get(key)
            if found is None:
                found = self._remember(key, np.concatenate([self._tag_ids(names), *self._text_ids(writable)]))
            return found
        fitting = [name for name in names if name in self._vocabulary.ids_of_tag and _fits_tag(row, name)]
        texts = [ids for ids in self._text_ids(writable) if len(ids)]
        if writable.kind == "residues":
            texts = [ids for ids in texts if self._fits_text(row, int(ids[0]))]
        elif writable.kind == "strings":
            texts = [ids[[self._fits_text(row, int(token)) for token in ids]] for ids in texts]
        return MaskRow(np.concatenate([self._tag_ids(fitting), *texts]), self._vocabulary.n_vocab)

    def _text_ids(self, writable: Writable) -> list[Ids]:
        if writable.kind == "residues":
            return [self._vocabulary.residue_ids(writable.alphabet)]
        beginnings = self._vocabulary.beginnings
        return [np.unique(np.fromiter(beginnings(*string), np.int32)) for string in writable.strings]

    # -- close to the limit --------------------------------------------------------------------------------
    def _fits_text(self, row: _Row, token: int) -> bool:
        state = row.state.copy()
        kind, text = self._vocabulary.text_of[token]
        return state.feed_text(text, kind) == len(text) and state.cost() < row.left

    def _tried_smiles(self, row: _Row, smiles: SmilesState, table: LexerTable) -> MaskRow:
        """Each simple token with its event tried; of the others those that cannot need too much."""
        short = self._vocabulary.units.short_rings
        spare = row.left - row.after - 1 - smiles.finish_cost(short)
        chosen = [ids for step, ids in table.groups if _fits_step(smiles, step, spare, row.left - row.after, short)]
        if smiles.lexer not in RING_NUMBERS:
            fits = (table.depths <= len(smiles.branches)) & (table.growth <= spare)
            chosen.append(table.compound[fits])
        chosen.append(self._tag_ids(row.state.next_tags()))
        return MaskRow(np.concatenate(chosen), self._vocabulary.n_vocab)

    # -- drawn tokens --------------------------------------------------------------------------------------
    def refused(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(B,): always False with our tokenizer, whose tokens are single symbols."""
        found = np.zeros(len(self._rows), np.bool_)
        if self._vocabulary.is_ours:
            return found
        for at, (row, token) in enumerate(zip(self._rows, ids.tolist(), strict=True)):
            smiles = row.smiles
            if smiles is None or token not in self._vocabulary.text_of:
                continue
            if token in self._vocabulary.table(smiles.lexer).simple:
                continue
            text = self._vocabulary.text_of[token][1]
            tried = smiles.copy()
            fits = tried.feed(text) == len(text) and self._leaves_room(row, tried)
            found[at] = not fits
            row.tried = (token, tried) if fits else None
        return found

    def _leaves_room(self, row: _Row, tried: SmilesState) -> bool:
        enough = row.after + len(tried.branches) + _ONE_RING * len(tried.rings) + _ONE_TOKEN
        return row.left > enough or row.after + tried.finish_cost(self._vocabulary.units.short_rings) < row.left

    def advance(self, ids: NDArray[np.int64]) -> None:
        """Append one drawn token to every row. Raises ValueError for one that cannot stand."""
        vocabulary = self._vocabulary
        for row, token in zip(self._rows, ids.tolist(), strict=True):
            row.left -= 1
            smiles = row.smiles
            if smiles is not None:
                step = vocabulary.table(smiles.lexer).simple.get(token)
                if step is not None:
                    if not smiles.apply(*step):
                        raise _cannot_stand(token)
                    continue
            if not row.state.ended:
                self._append(row, token)

    def _append(self, row: _Row, token: int) -> None:
        """Everything but a simple token of SMILES."""
        tag = self._vocabulary.tag_of.get(token)
        if tag is not None and tag in row.state.next_tags():
            row.state.feed_tag(tag)
            row.look()
        elif row.tried is not None and row.tried[0] == token and isinstance(row.state.span, SmilesSpan):
            row.smiles = row.state.span.smiles = row.tried[1]
        else:
            kind, text = self._vocabulary.text_of.get(token, ("", ""))
            if not text or row.state.feed_text(text, kind) < len(text):
                raise _cannot_stand(token)
        row.tried = None


def _fits_tag(row: _Row, name: str) -> bool:
    if name in ("", tags.PROTEIN.close, tags.ANTIBODY.close):
        return True
    state = row.state.copy()
    state.feed_tag(name)
    return state.cost() < row.left


def _fits_step(smiles: SmilesState, step: Step, spare: int, room: int, short_rings: int) -> bool:
    """Whether a step may be taken and leaves a SMILES that `room` - 1 tokens suffice to complete."""
    lexer, event, argument = step
    most = TO_COMPLETE[lexer] - begun(smiles.lexer) + MOST_EXTRA.get(event, 0) + 2 * (argument >= short_rings)
    if event == Event.CLOSE and not smiles.branches:
        return False
    if event == Event.RING and not smiles.may_ring(argument):
        return False
    if most <= spare and event <= Event.RING and lexer not in RING_NUMBERS:
        return True
    tried = smiles.copy()
    return tried.apply(*step) and tried.finish_cost(short_rings) < room


def _cannot_stand(token: int) -> ValueError:
    return ValueError(f"token {token} cannot stand here: the mask did not allow it")
