"""Which documents a step sees: fixed token shares per modality, documents of like length together, none ever
joined.

Unusual: documents are not concatenated into rows. Each stands at the start of its own row, as it will at
generation, and rows of like length share a micro-batch, so that no document sees another and little is padding.
Each modality is a stream of shuffled epochs; the whole state is one cursor and one token balance a modality, so
a run resumes to the document.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelInputError
from models.training.corpus import load_part
from models.training.sources import seed_of

LENGTH_BOUNDS = (64, 128, 256)
Tokens = NDArray[np.uint16]


@dataclass
class _Stream:
    tokens: Any
    offsets: Any
    modality: str
    seed: int
    cursor: int = 0
    balance: float = 0.0
    _epoch: int = -1
    _order: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def next(self) -> Tokens:
        epoch, position = divmod(self.cursor, len(self))
        if self._order is None or epoch != self._epoch:
            rng = np.random.default_rng(seed_of(self.seed, self.modality, epoch))
            self._order, self._epoch = rng.permutation(len(self)), epoch
        self.cursor += 1
        return self.document(int(self._order[position]))

    def document(self, number: int) -> Tokens:
        return np.asarray(self.tokens[self.offsets[number] : self.offsets[number + 1]])


class Labelled(NamedTuple):
    """A document and what it is one of."""

    tokens: Tokens
    modality: str


class MixtureSampler:
    """An endless sequence of steps, each a list of documents."""

    def __init__(self, corpus: Path, mixture: Mapping[str, float], seed: int) -> None:
        used = {name: share for name, share in mixture.items() if share > 0}
        self._shares = {name: share / sum(used.values()) for name, share in used.items()}
        self._streams = {name: _Stream(*_load_whole(corpus, name, "train"), name, seed) for name in used}
        empty = [name for name, stream in self._streams.items() if len(stream) == 0]
        if empty:
            raise ModelInputError(f"the corpus in {corpus} has no training documents of: {', '.join(empty)}")

    def next_step(self, n_tokens: int) -> list[Tokens]:
        """Documents worth `n_tokens` in the long run, every modality by its share, longest first."""
        return [document.tokens for document in self.next_documents(n_tokens)]

    def next_documents(self, n_tokens: int) -> list["Labelled"]:
        """As `next_step`, each document with its modality."""
        documents: list[Labelled] = []
        for name, stream in self._streams.items():
            stream.balance += self._shares[name] * n_tokens
            while stream.balance > 0:
                document = stream.next()
                stream.balance -= len(document)
                documents.append(Labelled(document, name))
        return sorted(documents, key=lambda document: len(document.tokens), reverse=True)

    def state(self) -> dict[str, dict[str, float]]:
        """Everything needed to go on from here."""
        return {n: {"cursor": s.cursor, "balance": s.balance} for n, s in self._streams.items()}

    def load_state(self, state: Mapping[str, Mapping[str, float]]) -> None:
        """Go on from `state`; a modality that was not there before starts at its beginning."""
        for name, stream in self._streams.items():
            if name in state:
                stream.cursor = int(state[name]["cursor"])
                stream.balance = float(state[name]["balance"])


def _load_whole(corpus: Path, modality: str, part: str) -> tuple[Any, Any]:
    """`load_part`; ModelInputError where a file is damaged or they do not belong together."""
    try:
        tokens, offsets = load_part(corpus, modality, part)
    except (OSError, ValueError, EOFError) as fault:
        raise ModelInputError(f"{corpus}: {modality}.{part} cannot be read, build the corpus again: {fault}") from fault
    if offsets.ndim != 1 or offsets[0] != 0 or (np.diff(offsets) < 2).any() or offsets[-1] != len(tokens):
        raise ModelInputError(
            f"{corpus}: {modality}.{part}.offsets.npy does not fit {len(tokens):,} tokens; build the corpus again"
        )
    return tokens, offsets


def group_by_length(documents: list[Tokens], micro_batch_tokens: int, pad_id: int) -> list[NDArray[np.int64]]:
    """Padded micro-batches of like length, each at most `micro_batch_tokens` large (a single row may be more)."""
    groups: list[list[Tokens]] = []
    bound = -1
    for document in sorted(documents, key=len):
        this_bound = sum(len(document) > limit for limit in LENGTH_BOUNDS)
        full = bool(groups) and (len(groups[-1]) + 1) * len(document) > micro_batch_tokens
        if this_bound != bound or full:
            groups.append([])
            bound = this_bound
        groups[-1].append(document)
    return [_padded(group, pad_id) for group in groups]


def _padded(documents: list[Tokens], pad_id: int) -> NDArray[np.int64]:
    batch = np.full((len(documents), max(map(len, documents))), pad_id, dtype=np.int64)
    for row, document in zip(batch, documents, strict=True):
        row[: len(document)] = document
    return batch


def micro_batches(documents: list[Labelled], micro_batch_tokens: int, padded: bool = False) -> list[list[Labelled]]:
    """Documents in parts of about equal size, each of at most `micro_batch_tokens` (with its padding where `padded`)
    unless one alone is longer, like lengths together.
    """
    ordered = sorted(documents, key=lambda document: len(document.tokens))
    total = sum(len(document.tokens) for document in ordered)
    size = total / max(1, -(-total // micro_batch_tokens))
    parts: list[list[Labelled]] = []
    filled = 0
    for document in ordered:
        rows = len(parts[-1]) if parts and padded else 0
        if (
            not parts
            or filled >= size
            or filled + len(document.tokens) > micro_batch_tokens
            or (rows + 1) * len(document.tokens) > micro_batch_tokens
        ):
            parts.append([])
            filled = 0
        parts[-1].append(document)
        filled += len(document.tokens)
    return parts


def validation_documents(corpus: Path, modality: str, n_tokens: int) -> list[Labelled]:
    """The same validation documents every time, up to `n_tokens`; empty where the modality has none."""
    stream = _Stream(*_load_whole(corpus, modality, "valid"), modality, seed=0)
    documents: list[Labelled] = []
    while len(documents) < len(stream) and sum(len(d.tokens) for d in documents) < n_tokens:
        documents.append(Labelled(stream.next(), modality))
    return documents


def validation_batches(
    corpus: Path, modality: str, n_tokens: int, micro_batch_tokens: int, pad_id: int
) -> list[NDArray[np.int64]]:
    """`validation_documents` as padded micro-batches."""
    documents = [document.tokens for document in validation_documents(corpus, modality, n_tokens)]
    return group_by_length(documents, micro_batch_tokens, pad_id)
