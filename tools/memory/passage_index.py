"""Passages by likeness: prose by the text embedding, rows with a molecule by their fingerprint. Chroma on disk.

Derived from the ledger, like `vectors`, in whose folder and under whose lock it lies: what it lacks is added, what is
gone is dropped and what was read anew is indexed anew when it is opened. Made with one embedding; opened with another,
the texts are embedded anew. Rows of tables are not embedded as texts: they are found by their words and by structure.
A text or molecule that stands in several places is held once: HNSW's graph falls apart around many equal vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tools.errors import InputError
from tools.memory.chroma_folder import ChromaFolder, collection_of
from tools.memory.embeddings import molecule_vector
from tools.memory.ledger import Ledger, PassageRecord
from tools.memory.text_embedding import TextEmbedding

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

_PASSAGES = "passages"
_ROWS = "passage_molecules"
_BATCH = 250


class _Collections(NamedTuple):
    passages: Collection
    rows: Collection


class PassageIndex:
    """`PassageIndex(home / "vectors", ledger, load_text_embedding())`."""

    def __init__(
        self, root: Path, ledger: Ledger, embedding: TextEmbedding, lock_timeout_seconds: float = 10.0
    ) -> None:
        self.embedding = embedding
        self._ledger = ledger
        self._folder = ChromaFolder(root, lock_timeout_seconds)

    def nearest(self, query: str, n: int) -> list[tuple[str, float]]:
        """(passage id, cosine similarity) of the `n` texts of prose most like the query, most similar first."""
        vector = self.embedding.embed([query])[0]
        with self._open() as collections:
            return _query(collections.passages, vector, n)

    def nearest_molecules(self, smiles: str, n: int) -> list[tuple[str, float]]:
        """(passage id, cosine of Morgan fingerprints) of a row of each of the `n` molecules most like `smiles`."""
        vector = molecule_vector(smiles)
        with self._open() as collections:
            return _query(collections.rows, vector, n)

    def counts(self) -> dict[str, int]:
        with self._open() as collections:
            return {"passages": int(collections.passages.count()), "molecules": int(collections.rows.count())}

    @contextmanager
    def _open(self) -> Iterator[_Collections]:
        with self._folder.open(self._complete) as collections:
            yield collections

    def _complete(self, client: Any) -> _Collections:
        made_by = {"embedding": self.embedding.name}
        passages = collection_of(client, _PASSAGES, made_by)
        if (passages.metadata or {}).get("embedding") != self.embedding.name:
            client.delete_collection(_PASSAGES)
            passages = collection_of(client, _PASSAGES, made_by)
        rows = collection_of(client, _ROWS, made_by)
        state = self._ledger.library_state()
        if any((one.metadata or {}).get("state") != state for one in (passages, rows)):
            self._catch_up(passages, "prose")
            self._catch_up(rows, "molecules")
            for one in (passages, rows):
                one.modify(metadata={**made_by, "state": state})
        return _Collections(passages, rows)

    def _catch_up(self, collection: Collection, what: Literal["prose", "molecules"]) -> None:
        """Each entry keeps when its document was taken in: one that was read anew has the same ids and other text."""
        there = collection.get(include=["metadatas"])
        taken = [(about or {}).get("time") for about in there["metadatas"] or []]
        held, wanted = dict(zip(there["ids"], taken, strict=True)), self._ledger.passage_times(what)
        gone = sorted(held.keys() - wanted.keys())
        for start in range(0, len(gone), _BATCH):
            collection.delete(ids=gone[start : start + _BATCH])
        lacking = [name for name, time in wanted.items() if held.get(name) != time]
        for start in range(0, len(lacking), _BATCH):
            passages = list(self._ledger.passages(lacking[start : start + _BATCH]).values())
            if passages:
                collection.upsert(
                    ids=[passage.passage_id for passage in passages],
                    embeddings=self._vectors(passages, what),
                    metadatas=[{"time": wanted[passage.passage_id]} for passage in passages],
                )

    def _vectors(self, passages: Sequence[PassageRecord], what: str) -> NDArray[np.float32]:
        if what == "prose":
            return self.embedding.embed([passage.text for passage in passages])
        return np.array([molecule_vector(passage.smiles) for passage in passages])


def _query(collection: Collection, vector: NDArray[np.float32], n: int) -> list[tuple[str, float]]:
    if n < 1:
        raise InputError(f"n is {n}: ask for at least 1 passage")
    n_held = collection.count()
    if n_held == 0:
        return []
    answer = collection.query(query_embeddings=vector[np.newaxis, :], n_results=min(n, n_held), include=["distances"])
    distances = (answer["distances"] or [[]])[0]
    return [(name, 1.0 - distance) for distance, name in sorted(zip(distances, answer["ids"][0], strict=True))]
