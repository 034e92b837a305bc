"""One tokenizer for every modality, built from the tag table; no learned merges, nothing to train.

Unusual: the tag decides how a span is split. Inside Protein, Antibody and Cdr spans (and for a single letter
in a Pocket) each residue is one token of its own kind, so `C` the cysteine and `C` the carbon have different
ids; everywhere else text is split into SMILES symbols, with frequent bracket atoms whole. All of it lives in
`tokenizer.json`: a normaliser moves residue letters to private-use code points, a pre-tokenizer cuts SMILES
symbols, a byte-level fallback covers the rest. `AutoTokenizer` loads the directory without custom code and
gives the same ids. Any string survives encode and decode unchanged, private-use characters included (they are
escaped). Not promised: that a span cut off in its middle splits as it would in the whole text.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.grammar import tags
from models.smiles_symbols import BRACKET_ATOMS, PLAIN_SYMBOLS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

BOS, EOS, PAD = "<bos>", "<eos>", "<pad>"
MAX_LENGTH = 512

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_RESIDUE_OF = {letter: chr(0xE000 + ord(letter)) for letter in _LETTERS}  # U+E041 .. U+E05A
_ESCAPE = "\ue0ff"
# A literal private-use character that this tokenizer uses itself is written as the escape and one small sign.
_ESCAPED = {**{residue: letter.lower() for letter, residue in _RESIDUE_OF.items()}, _ESCAPE: "!"}
_SYMBOLS = r"\[[^\[\]<>\s]{1,12}\]|Br|Cl|@@|->|<-|%[0-9]{2}"
_SYMBOL = re.compile(f"{_SYMBOLS}|(?s:.)")
_TAG = re.compile(f"({'|'.join(map(re.escape, tags.ALL_TAGS))})")
_OPENS_RESIDUES = frozenset(
    [span.open for span in tags.SPANS if span.alphabet is tags.Alphabet.RESIDUES] + [tags.CDR.close, tags.POCKET.close]
)


class ScientificTokenizer:
    """Text of the scientific grammar to token ids and back. `encode` adds no special tokens unless asked."""

    def __init__(self, fast: "PreTrainedTokenizerFast") -> None:
        self.fast = fast
        self._vocabulary: dict[str, int] = fast.get_vocab()
        self._residues = {letter: self._vocabulary[residue] for letter, residue in _RESIDUE_OF.items()}
        letters = {index: letter for letter, index in self._residues.items()}
        self._texts = {
            index: letters.get(index, token) for token, index in self._vocabulary.items() if not token.startswith("<0x")
        }
        self.vocab_size: int = len(fast)
        self.bos_id: int = self.id_of(BOS)
        self.eos_id: int = self.id_of(EOS)
        self.pad_id: int = self.id_of(PAD)

    @classmethod
    def build(cls) -> "ScientificTokenizer":
        """The tokenizer of this version of the tag table."""
        from transformers import PreTrainedTokenizerFast

        return cls(
            PreTrainedTokenizerFast(
                tokenizer_object=_build_backend(),
                bos_token=BOS,
                eos_token=EOS,
                pad_token=PAD,
                model_max_length=MAX_LENGTH,
                clean_up_tokenization_spaces=False,
                padding_side="left",
            )
        )

    @classmethod
    def load(cls, directory: Path) -> "ScientificTokenizer":
        """Read a directory written by `save`."""
        from transformers import PreTrainedTokenizerFast

        return cls(PreTrainedTokenizerFast.from_pretrained(str(directory)))

    def save(self, directory: Path) -> None:
        """Write `tokenizer.json` and its configuration into `directory`."""
        self.fast.save_pretrained(str(directory))

    def encode(self, text: str, *, bos: bool = False, eos: bool = False) -> list[int]:
        """Token ids of `text`, with the begin or end token where asked."""
        (ids,) = self.encode_many([text])
        return [self.bos_id] * bos + ids + [self.eos_id] * eos

    def encode_many(self, texts: list[str]) -> list[list[int]]:
        """As `encode` without special tokens, for many texts at once.

        Plain texts of the grammar, nearly all of them, take a short cut past the normaliser: the same ids, ten
        times faster.
        """
        short_cuts = [self._encode_quickly(text) for text in texts]
        others = iter(self._encode_in_full([t for t, ids in zip(texts, short_cuts, strict=True) if ids is None]))
        return [next(others) if ids is None else ids for ids in short_cuts]

    def _encode_quickly(self, text: str) -> list[int] | None:
        """The ids of a text of the grammar, span by span; None where anything unusual needs the whole tokenizer."""
        if not text.isascii():
            return None
        pieces = _TAG.split(text)
        ids: list[int] = []
        in_residues = False
        try:
            for at, piece in enumerate(pieces):
                if at % 2:
                    ids.append(self._vocabulary[piece])
                    in_residues = piece in _OPENS_RESIDUES
                    if piece == tags.POCKET.open:
                        closed = at + 2 >= len(pieces) or pieces[at + 2] == tags.POCKET.close
                        in_residues = len(pieces[at + 1]) == 1 and pieces[at + 1].isupper() and closed
                elif in_residues:
                    ids += [self._residues[letter] for letter in piece]
                else:
                    ids += [self._vocabulary[symbol] for symbol in _SYMBOL.findall(piece)]
        except KeyError:
            return None
        return ids

    def _encode_in_full(self, texts: list[str]) -> list[list[int]]:
        encodings = self.fast.backend_tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def decode(self, ids: list[int], *, skip_special_tokens: bool = False) -> str:
        """The text of `ids`; the exact inverse of `encode`. `skip_special_tokens` leaves out begin, end and
        padding, never tags.
        """
        if not skip_special_tokens:
            try:
                return "".join([self._texts[index] for index in ids])
            except KeyError:
                pass
        text: str = self.fast.decode(ids, skip_special_tokens=skip_special_tokens)
        return text

    def id_of(self, tag: str) -> int:
        """The id of a tag or special token; KeyError for anything that is not one token by that exact name."""
        return self._vocabulary[tag]


def vocabulary() -> dict[str, int]:
    """Token to id: special tokens, tags, residues, SMILES symbols, bracket atoms, then the 256 bytes."""
    tokens = [PAD, BOS, EOS, *tags.ALL_TAGS, *_RESIDUE_OF.values(), *PLAIN_SYMBOLS, *BRACKET_ATOMS]
    tokens += [f"<0x{byte:02X}>" for byte in range(256)]
    return {token: index for index, token in enumerate(tokens)}


def _residue_pattern(letter: str) -> str:
    r"""Matches `letter` where it stands for a residue.

    The run of residues begins at a tag or where the last match ended (\G, but not at the start of the text);
    \K drops what led to the letter from the match. A single letter in a pocket counts when the pocket closes
    after it or the text ends there.
    """
    first, last = _RESIDUE_OF["A"], _RESIDUE_OF["Z"]
    openers = sorted(tag[1:-1] for tag in _OPENS_RESIDUES)
    run = rf"(?:<(?:{'|'.join(openers)})>|(?!\A)\G)[A-Z{first}-{last}]*?\K{letter}"
    return rf"{run}|{tags.POCKET.open}\K{letter}(?={tags.POCKET.close}|\z)"


def _build_backend() -> Any:
    from tokenizers import (
        AddedToken,
        Regex,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        processors,
    )

    vocab = vocabulary()
    backend = Tokenizer(models.BPE(vocab=vocab, merges=[], byte_fallback=True, ignore_merges=True, fuse_unk=False))
    escapes = [_ESCAPE, *(_RESIDUE_OF[letter] for letter in _LETTERS)]
    backend.normalizer = normalizers.Sequence(
        [normalizers.Replace(char, _ESCAPE + _ESCAPED[char]) for char in escapes]
        + [normalizers.Replace(Regex(_residue_pattern(letter)), _RESIDUE_OF[letter]) for letter in _LETTERS]
    )
    backend.pre_tokenizer = pre_tokenizers.Split(Regex(_SYMBOLS + "|(?m:.)"), behavior="isolated")
    backend.decoder = decoders.Sequence(
        [
            *(decoders.Replace(residue, letter) for letter, residue in _RESIDUE_OF.items()),
            decoders.ByteFallback(),
            decoders.Fuse(),
            *(decoders.Replace(_ESCAPE + _ESCAPED[char], char) for char in reversed(escapes)),
        ]
    )
    backend.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in (PAD, BOS, EOS)])
    backend.add_tokens([AddedToken(tag, normalized=True, special=False) for tag in tags.ALL_TAGS])
    backend.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[(BOS, vocab[BOS])]
    )
    return backend
