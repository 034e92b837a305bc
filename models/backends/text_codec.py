"""Text to ids and back with whatever fast tokenizer a checkpoint brings, Organon's own included.

A leading begin-of-text id is added exactly when the checkpoint's own tokenizer adds one; end-of-text is never
added. Tags are written `<Name>`; which of them are single tokens is read from the tokenizer, never assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from models.errors import CheckpointError
from models.tokenizer import ScientificTokenizer, vocabulary

_TAG = re.compile(r"<[A-Z][A-Za-z0-9_]*>")
_PROPERTY_TAG = re.compile(r"<[A-Z][A-Za-z]*:[0-9.]+>")


class TextCodec:
    """`eos_ids` end a text; `bos_id` is None where the tokenizer adds none; `pad_id` may be any id (it is
    masked)."""

    def __init__(self, tokenizer: Any, eos_ids: Iterable[int] = ()) -> None:
        """`eos_ids` are those the checkpoint's generation settings name besides the tokenizer's own."""
        self.tokenizer = tokenizer
        own = tokenizer.eos_token_id
        self.eos_ids = frozenset(eos_ids) | (frozenset() if own is None else frozenset({int(own)}))
        probe = self._ids("C")
        bos = tokenizer.bos_token_id
        self.bos_id: int | None = int(bos) if bos is not None and probe[:1] == [bos] else None
        self._appends_eos = len(probe) > 1 and probe[-1] in self.eos_ids
        self.n_ids = len(tokenizer)
        self._ours = ScientificTokenizer(tokenizer) if tokenizer.get_vocab() == vocabulary() else None
        self.pad_id = int(tokenizer.pad_token_id or 0)

    def encode(self, text: str) -> list[int]:
        """Ids with the leading begin-of-text where the tokenizer uses one."""
        return self.encode_many([text])[0]

    def encode_many(self, texts: Sequence[str]) -> list[list[int]]:
        """As `encode`, for many texts at once (in parallel where the tokenizer can)."""
        if not texts:
            return []
        if self._ours is not None:
            lead = [] if self.bos_id is None else [self.bos_id]
            return [lead + ids for ids in self._ours.encode_many(list(texts))]
        many = self.tokenizer(list(texts), verbose=False)["input_ids"]
        return [list(ids[:-1]) if self._appends_eos else list(ids) for ids in many]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`, special tokens spelled out, nothing cleaned up."""
        if self._ours is not None:
            return self._ours.decode(list(ids))
        text = self.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return str(text)

    def id_of(self, tag: str) -> int | None:
        """The id of a tag (a property tag, too) that is one token, else None."""
        return self.tags.get(tag, self.property_tags.get(tag))

    @cached_property
    def tags(self) -> dict[str, int]:
        """Every `<Name>` that is one token, in id order."""
        return self._tokens(_TAG)

    @cached_property
    def property_tags(self) -> dict[str, int]:
        """Every `<Name:low..high>` that is one token, in id order."""
        return self._tokens(_PROPERTY_TAG)

    def _tokens(self, pattern: re.Pattern[str]) -> dict[str, int]:
        found = {name: int(at) for name, at in self.tokenizer.get_vocab().items() if pattern.fullmatch(name)}
        return dict(sorted(found.items(), key=lambda item: item[1]))

    def _ids(self, text: str) -> list[int]:
        return [int(at) for at in self.tokenizer(text, verbose=False)["input_ids"]]


def load_codec(folder: Path, eos_ids: Iterable[int] = ()) -> TextCodec:
    """The codec of the tokenizer in `folder`; CheckpointError with the reason if there is none that can be
    served."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError, ImportError) as fault:
        reason = " ".join(str(fault).split())[:300]
        raise CheckpointError(f"the tokenizer in {str(folder)!r} cannot be loaded: {reason}") from fault
    if not tokenizer.is_fast:
        raise CheckpointError(
            f"the tokenizer in {str(folder)!r} has no tokenizer.json; only fast tokenizers are served"
        )
    return TextCodec(tokenizer, eos_ids)
