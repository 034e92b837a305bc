"""Masks of grammar-constrained decoding: which tokens may come next in each row of a batch.

Every row has a `GrammarState`. Its mask is looked up by the few things that decide it (automaton state, open branches,
the tags that may follow) and corrected for ring numbers that may not be used now. Where fewer tokens are left than a
bound of what the row may still need, the choices are tried and kept if the text can be finished after them: a limit
never cuts a span. With our tokenizer the mask is exact. A byte-pair token of several symbols is let through where the
automaton can read it and tried only once drawn (`refused`); close to the limit only those that cannot need more.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from models.backends.constraint import Constraint
from models.backends.grammar_rows import MaskRow, MaskRows, SmilesChoices
from models.backends.grammar_tables import MOST_DEPTH, MOST_GROWTH, MOST_SIMPLE_GROWTH, Ids
from models.backends.grammar_vocabulary import GrammarVocabulary
from models.backends.text_codec import TextCodec
from models.errors import CheckpointError, ModelInputError
from models.grammar.constrain import GrammarState
from models.grammar.parse import GrammarError
from models.grammar.smiles_lexer import COMPLETE, RING_NUMBERS, RING_PLACES
from models.grammar.smiles_state import SmilesState
from models.grammar.span_states import SmilesSpan, Writable

_ONE_TOKEN = 24  # tokens: more than the automaton's own state and one simple token can ask for
_ONE_RING = 8  # tokens: more than one open ring can ask for
_UNSETTLED = 2 * _ONE_TOKEN  # tokens before the limit from where a mask of residues is looked at anew
_MOST_RECENT = 4096  # rows of given chains, which are forgotten when there are more


def build_constraint(codec: TextCodec, n_vocab: int) -> Callable[[], Constraint]:
    """A maker of constraints, one a batch, for logits of width `n_vocab` (ids the tokenizer does not know are never
    allowed). Raises CheckpointError where the tokenizer cannot write the grammar."""
    rows: dict[Hashable, MaskRow] = {}
    return partial(GrammarConstraint, codec, GrammarVocabulary(codec, n_vocab), rows)


class _Row:
    """One sequence: its state, the tokens it may still take, and what is looked up once a tag: the open SMILES, the
    tokens its closing tag and the rest cost, and the mask where more residues leave it as it is."""

    __slots__ = ("after", "left", "same", "settled", "smiles", "state", "tried")

    def __init__(self, state: GrammarState, left: int) -> None:
        self.state = state
        self.left = left
        self.tried: tuple[int, SmilesState] | None = None
        self.look()

    def look(self) -> None:
        span = self.state.span
        self.smiles = span.smiles if isinstance(span, SmilesSpan) and not self.state.ended else None
        self.after = 1 + self.state.cost_after_span()
        self.same: MaskRow | None = None
        self.settled = False

    def copy(self) -> _Row:
        return _Row(self.state.copy(), self.left)


class GrammarConstraint:
    """See `models.backends.constraint.Constraint`. What `allowed` returns is overwritten by its next call."""

    def __init__(self, codec: TextCodec, vocabulary: GrammarVocabulary, rows: dict[Hashable, MaskRow]) -> None:
        self._codec = codec
        self._vocabulary = vocabulary
        self._choices = SmilesChoices(vocabulary)
        self._masks = MaskRows(vocabulary.n_vocab, rows)
        self._recent: dict[Hashable, MaskRow] = {}
        self._widest = MOST_SIMPLE_GROWTH if vocabulary.is_ours else MOST_GROWTH
        self._margin = _ONE_TOKEN if vocabulary.is_ours else _ONE_TOKEN + MOST_GROWTH
        self._rows: list[_Row] = []
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
        """A way on needs tags; CheckpointError where this tokenizer has none of them."""
        ways = state.next_tags() if state.span is None else (state.span.span.close,)
        if not any(tag in self._vocabulary.ids_of_tag for tag in ways):
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
        known, margin = self._masks.known, self._margin
        rows: list[MaskRow] = []
        patches: list[tuple[int, Ids]] = []
        for row in self._rows:
            smiles = row.smiles
            if smiles is None:
                rows.append(row.same or self._row_between(row))
                continue
            lexer, depth, n_rings = smiles.lexer, len(smiles.branches), len(smiles.rings)
            if n_rings and lexer in RING_PLACES:
                self._forbid_rings(len(rows), smiles, patches)
            if row.left < row.after + depth + _ONE_RING * n_rings + margin or lexer in RING_NUMBERS:
                rows.append(self._row_near_limit(row, smiles))
                continue
            complete = not depth and not n_rings and lexer in COMPLETE
            key = (lexer, min(depth, MOST_DEPTH), row.state.next_tags() if complete else ())
            rows.append(known.get(key) or self._row_of_smiles(key))
        return self._masks.write(rows, patches)

    def _forbid_rings(self, at: int, smiles: SmilesState, patches: list[tuple[int, Ids]]) -> None:
        forbidden = smiles.forbidden_rings()
        while forbidden:
            number = (forbidden & -forbidden).bit_length() - 1
            forbidden &= forbidden - 1
            ids = self._vocabulary.table(smiles.lexer).ring_ids.get(number)
            if ids is not None:
                patches.append((at, ids))

    def _row_of_smiles(self, key: tuple[int, int, tuple[str, ...]]) -> MaskRow:
        lexer, depth, end = key
        return self._masks.remember(key, np.concatenate([*self._choices.readable(lexer, depth), self._tag_ids(end)]))

    def _row_near_limit(self, row: _Row, smiles: SmilesState) -> MaskRow:
        """`spare` is by how much the fewest symbols that complete the SMILES may grow with the next token."""
        end = row.state.next_tags()
        spare = row.left - row.after - 1 - smiles.finish_cost(self._vocabulary.units.short_rings)
        if spare >= self._widest and smiles.lexer not in RING_NUMBERS:
            key = (smiles.lexer, min(len(smiles.branches), MOST_DEPTH), end)
            return self._masks.known.get(key) or self._row_of_smiles(key)
        return MaskRow(np.concatenate([*self._choices.fitting(smiles, spare), self._tag_ids(end)]))

    def _row_between(self, row: _Row) -> MaskRow:
        """Everywhere but in SMILES; what may follow is few things, so close to the limit each is tried."""
        state = row.state
        names, writable = state.next_tags(), state.writable()
        if not state.ended and (state.may_grow_at_once or row.left < state.cost() + _ONE_TOKEN):
            return self._row_between_near_limit(row, names, writable)
        key = (names, writable)
        found = self._masks.known.get(key) or self._recent.get(key)
        if found is None:
            ids = np.concatenate([self._tag_ids(names), *self._text_ids(writable)])
            if writable.kind == "strings" and not self._vocabulary.is_ours:
                if len(self._recent) >= _MOST_RECENT:
                    self._recent.clear()
                found = self._recent[key] = MaskRow(ids)
            else:
                found = self._masks.remember(key, ids)
        if row.settled and writable.kind == "residues" and row.left > row.after + _UNSETTLED:
            row.same = found
        return found

    def _row_between_near_limit(self, row: _Row, names: Sequence[str], writable: Writable) -> MaskRow:
        fitting = [name for name in names if name in self._vocabulary.ids_of_tag and _fits_tag(row, name)]
        texts = [ids for ids in self._text_ids(writable) if len(ids)]
        if writable.kind == "residues":
            texts = [ids for ids in texts if self._fits_text(row, int(ids[0]))]
        elif writable.kind == "strings":
            texts = [ids[[self._fits_text(row, int(token)) for token in ids]] for ids in texts]
        return MaskRow(np.concatenate([self._tag_ids(fitting), *texts]))

    def _fits_text(self, row: _Row, token: int) -> bool:
        state = row.state.copy()
        kind, text = self._vocabulary.text_of[token]
        return state.feed_text(text, kind) == len(text) and state.cost() < row.left

    def _tag_ids(self, names: Sequence[str]) -> Ids:
        known = self._vocabulary.ids_of_tag
        return np.array([token for name in names for token in known.get(name, ())], np.int32)

    def _text_ids(self, writable: Writable) -> list[Ids]:
        if writable.kind == "residues":
            return [self._vocabulary.residue_ids(writable.alphabet)]
        beginnings = self._vocabulary.beginnings
        return [np.array(list(beginnings(*string)), np.int32) for string in writable.strings]

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
        table = self._vocabulary.table
        for row, token in zip(self._rows, ids.tolist(), strict=True):
            row.left -= 1
            smiles = row.smiles
            if smiles is not None:
                step = table(smiles.lexer).simple.get(token)
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
            row.settled = True
            if row.left <= row.after + _UNSETTLED:
                row.same = None
        row.tried = None


def _fits_tag(row: _Row, name: str) -> bool:
    state = row.state.copy()
    state.feed_tag(name)
    return state.cost() < row.left


def _cannot_stand(token: int) -> ValueError:
    return ValueError(f"token {token} cannot stand here: the mask did not allow it")
