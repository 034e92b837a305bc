"""What each token of a tokenizer is to the grammar: a tag, the end of the text, or letters that spell something.

Organon's own tokenizer has tokens of one symbol each and different ones for residues and SMILES; in a byte-pair one
any token of the right characters may stand in either. Tokens that are neither are never used.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from models.backends.grammar_tables import MAX_TOKEN_CHARACTERS, Ids, LexerTable, TokenTexts
from models.backends.text_codec import TextCodec
from models.errors import CheckpointError
from models.grammar import tags
from models.grammar.constrain import Units
from models.grammar.smiles_lexer import AFTER_ATOM, COMPLETE
from models.grammar.span_states import AMINO_ACIDS

_SMILES_TEXT = re.compile(r"[A-Za-z0-9@+\-\[\]()=#$:/\\.%*~<>]+")
_RESIDUE_TEXT = re.compile(r"[A-Z]+")
_OUR_LETTER = {chr(0xE000 + ord(letter)): letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_NEEDED_SYMBOLS = "()[]=#$:/\\.~*-+@%0123456789BCNOPSFIHbcnops"


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
        self._smiles_texts = TokenTexts([(token, text) for text, ids in self.smiles.items() for token in ids])
        self._tables: dict[int, LexerTable] = {}
        self._check_spelling()
        short = next(number for number in range(10, 101) if f"%{number}" not in self.smiles)
        self.units = Units(self.residues.keys(), self.smiles.keys(), short)

    def table(self, lexer: int) -> LexerTable:
        """The tokens that can follow a state of the SMILES automaton."""
        found = self._tables.get(lexer)
        if found is None:
            at = AFTER_ATOM if self.is_ours and lexer in COMPLETE else lexer  # Cl is one token, never C and l
            found = self._tables[lexer] = LexerTable(at, self._smiles_texts)
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
