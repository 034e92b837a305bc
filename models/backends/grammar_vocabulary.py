"""What each token of a tokenizer is to the grammar: a tag, the end of the text, or letters that spell something.

Organon's own tokenizer has tokens of one symbol each and different ones for residues and SMILES; in a byte-pair one
any token of the right characters may stand in either. Tokens that are neither are never used. Per state of the SMILES
automaton the tokens that can follow are sorted out when the state is first met (1 ms for our vocabulary, tens of
milliseconds for one of 150,000).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.backends.text_codec import TextCodec
from models.errors import CheckpointError
from models.grammar import tags
from models.grammar.constrain import Units
from models.grammar.smiles_lexer import (
    AFTER_ANY_BOND,
    AFTER_ATOM,
    COMPLETE,
    RING_NUMBERS,
    TO_COMPLETE,
    TRANSITIONS,
    Event,
    Step,
)
from models.grammar.span_states import AMINO_ACIDS

Ids = NDArray[np.int32]

MAX_TOKEN_CHARACTERS = 24
"""Longer token texts are not used inside spans."""

_SMILES_TEXT = re.compile(r"[A-Za-z0-9@+\-\[\]()=#$:/\\.%*~<>]+")
_RESIDUE_TEXT = re.compile(r"[A-Z]+")
_OUR_LETTER = {chr(0xE000 + ord(letter)): letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_NEEDED_SYMBOLS = "()[]=#$:/\\.~*-+@%0123456789BCNOPSFIHbcnops"
MOST_GROWTH = 24
"""Tokens that may raise the fewest symbols that finish a SMILES by more than this are not used."""
MOST_DEPTH = 3
"""From how many open branches on the mask no longer tells depths apart (a drawn token is tried)."""
_RING_NUMBER_GROWTH = 10
MOST_EXTRA = {Event.RING: 3, Event.RING_READ: 3, Event.LAST_DIGIT: 3, Event.OPEN: 1, Event.CLOSE: 1}
"""By how much an event may raise the fewest symbols that finish a SMILES, beyond what its automaton state says."""


class LexerTable:
    """The tokens that can follow one state of the SMILES automaton.

    `simple`: tokens with one event at most, as that one step. `groups`: their ids by step. `compound`: all others,
    with the depth of branches they close (`depths`) and a bound of what they add to the fewest symbols that finish
    (`growth`; those over MOST_GROWTH are left out). `first_ring[n]`: tokens that begin by using ring number n.
    """

    def __init__(self, lexer: int, tokens: Iterable[tuple[int, str]]) -> None:
        self.simple: dict[int, Step] = {}
        by_step: dict[Step, list[int]] = defaultdict(list)
        by_ring: dict[int, list[int]] = defaultdict(list)
        compound: list[tuple[int, int, int]] = []
        for token, text in tokens:
            events = _events(lexer, text)
            if events is None:
                continue
            end = events[-1][0]
            merged = _merged(events)
            if len(merged) <= 1:
                step: Step = (end, *(merged[0] if merged else (Event.NONE, 0)))
                self.simple[token] = step
                by_step[step].append(token)
            elif (growth := _growth(lexer, end, merged)) <= MOST_GROWTH:
                compound.append((token, min(_depth_closed(merged), MOST_DEPTH), growth))
            for event, argument in merged[:1]:
                if event == Event.RING:
                    by_ring[argument].append(token)
        self.groups = [(step, np.array(ids, np.int32)) for step, ids in by_step.items()]
        self.first_ring = {number: np.array(ids, np.int32) for number, ids in by_ring.items()}
        columns = np.array(compound, np.int32).reshape(-1, 3)
        self.compound, self.depths, self.growth = (np.ascontiguousarray(column) for column in columns.T)


def _events(lexer: int, text: str) -> list[tuple[int, Event, int]] | None:
    """The automaton's steps over `text`, None where it refuses."""
    steps = []
    for character in text:
        step = TRANSITIONS[lexer].get(character)
        if step is None:
            return None
        lexer = step[0]
        steps.append(step)
    return steps


def _merged(steps: list[tuple[int, Event, int]]) -> list[tuple[Event, int]]:
    """The events that count: of bond symbols in a row the last, a ring number spelled out as one."""
    merged: list[tuple[Event, int]] = []
    for _, event, argument in steps:
        if event == Event.NONE:
            continue
        if event == Event.BOND and merged and merged[-1][0] == Event.BOND:
            merged.pop()
        if event == Event.LAST_DIGIT and merged and merged[-1][0] == Event.DIGIT:
            merged.append((Event.RING, merged.pop()[1] * 10 + argument))
        else:
            merged.append((event, argument))
    return merged


def _depth_closed(events: list[tuple[Event, int]]) -> int:
    """How many branches must be open before."""
    depth = lowest = 0
    for event, _ in events:
        depth += (event == Event.OPEN) - (event == Event.CLOSE)
        lowest = min(lowest, depth)
    return -lowest


def _growth(start: int, end: int, events: list[tuple[Event, int]]) -> int:
    long_rings = sum(2 for event, argument in events if event == Event.RING and argument >= 10)
    unread = _RING_NUMBER_GROWTH if end in RING_NUMBERS else TO_COMPLETE[end]
    return unread - begun(start) + long_rings + sum(MOST_EXTRA.get(event, 0) for event, _ in events)


def begun(lexer: int) -> int:
    """What a state of the SMILES automaton surely adds to the fewest symbols that finish."""
    return 0 if lexer in AFTER_ANY_BOND or lexer in RING_NUMBERS else TO_COMPLETE[lexer]


class GrammarVocabulary:
    """`text_of`: id to (kind, text), kind `residues` or `smiles` in our tokenizer and empty in others; `tag_of`: id to
    tag; `ids_of_tag`: the reverse, the end of the text ("") included. Raises CheckpointError where the tokenizer
    cannot write the grammar."""

    def __init__(self, codec: TextCodec, n_vocab: int) -> None:
        self.n_vocab = n_vocab
        names: Mapping[str, int] = codec.tokenizer.get_vocab()
        self.is_ours = all(letter in names for letter in _OUR_LETTER)
        self.ids_of_tag = _tag_ids(codec, n_vocab)
        self.tag_of = {token: tag for tag, ids in self.ids_of_tag.items() for token in ids}
        reserved = set(self.tag_of) | set(map(int, codec.tokenizer.added_tokens_decoder))
        found = _our_texts(names) if self.is_ours else _texts(codec)
        self.text_of = {token: text for token, *text in found if token < n_vocab and token not in reserved}
        self.residues = self._by_text("residues", _RESIDUE_TEXT)
        self.smiles = self._by_text("smiles", _SMILES_TEXT)
        self._smiles_tokens = [(token, text) for text, ids in self.smiles.items() for token in ids]
        self._tables: dict[int, LexerTable] = {}
        self._check_spelling()
        short = next(number for number in range(10, 101) if f"%{number}" not in self.smiles)
        self.units = Units(self.residues.keys(), self.smiles.keys(), short)

    def table(self, lexer: int) -> LexerTable:
        """The tokens that can follow a state of the SMILES automaton."""
        found = self._tables.get(lexer)
        if found is None:
            at = AFTER_ATOM if self.is_ours and lexer in COMPLETE else lexer  # Cl is one token, never C and l
            found = self._tables[lexer] = LexerTable(at, self._smiles_tokens)
        return found

    def residue_ids(self, alphabet: str) -> Ids:
        """Tokens of letters of `alphabet` alone."""
        letters = frozenset(alphabet)
        return np.array([t for text, ids in self.residues.items() if letters.issuperset(text) for t in ids], np.int32)

    def beginnings(self, kind: str, text: str) -> Iterator[int]:
        """Tokens that `text` begins with."""
        words = self.residues if kind == "residues" else self.smiles
        for end in range(1, min(len(text), MAX_TOKEN_CHARACTERS) + 1):
            yield from words.get(text[:end], ())

    def _by_text(self, kind: str, pattern: re.Pattern[str]) -> dict[str, list[int]]:
        words: dict[str, list[int]] = defaultdict(list)
        for token, (of_kind, text) in self.text_of.items():
            if of_kind in ("", kind) and len(text) <= MAX_TOKEN_CHARACTERS and pattern.fullmatch(text):
                words[text].append(token)
        return dict(words)

    def _check_spelling(self) -> None:
        missing = [c for c in _NEEDED_SYMBOLS if c not in self.smiles] + [
            c for c in AMINO_ACIDS if c not in self.residues
        ]
        if missing:
            raise CheckpointError(
                f"the tokenizer has no token for {', '.join(missing)}; constrained decoding needs one"
            )


def _tag_ids(codec: TextCodec, n_vocab: int) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {
        tag: (token,) for tag in tags.ALL_TAGS if (token := codec.id_of(tag)) is not None and token < n_vocab
    }
    missing = [tag for tag in tags.LOGOS_TAGS if tag not in found]
    if missing:
        raise CheckpointError(
            f"the tokenizer lacks {', '.join(missing)}, which constrained decoding needs as one token"
        )
    found[""] = tuple(sorted(token for token in codec.eos_ids if token < n_vocab))
    if not found[""]:
        raise CheckpointError("the tokenizer names no end-of-text token, which constrained decoding needs")
    return found


def _our_texts(names: Mapping[str, int]) -> Iterator[tuple[int, str, str]]:
    """Id, kind and text of Organon's own tokens; bytes and special tokens are not used."""
    for name, token in names.items():
        if name in _OUR_LETTER:
            yield token, "residues", _OUR_LETTER[name]
        elif not _BYTE.fullmatch(name):
            yield token, "smiles", name


def _texts(codec: TextCodec) -> Iterator[tuple[int, str, str]]:
    """Id and text of every token, as it reads after a tag."""
    backend: Any = codec.tokenizer.backend_tokenizer
    anchor = codec.id_of(tags.MOLECULE.open)
    before = len(backend.decode([anchor], skip_special_tokens=False))
    everything = range(codec.n_ids)
    texts = backend.decode_batch([[anchor, token] for token in everything], skip_special_tokens=False)
    for token, text in zip(everything, texts, strict=True):
        yield token, "", text[before:]
