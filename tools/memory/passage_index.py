"""Passages by likeness: prose by the text embedding, rows with a molecule by their fingerprint. Chroma on disk.

Derived from the ledger, like `vectors`, in whose folder and under whose lock it lies: what it lacks is added and what
is gone is dropped when it is opened. Made with one embedding; opened with another, the texts are embedded anew. Rows
of tables are not embedded as texts: they are found by their words and by structure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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

    def nearest(self, query: str, n: int, document_ids: Sequence[str] | None = None) -> list[tuple[str, float]]:
        """(passage id, cosine similarity) of the `n` passages of prose most like the query, most similar first."""
        with self._open() as collections:
            return _query(collections.passages, self.embedding.embed([query])[0], n, document_ids)

    def nearest_molecules(
        self, smiles: str, n: int, document_ids: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """(passage id, cosine of Morgan fingerprints) of the rows whose molecules are most like `smiles`."""
        vector = molecule_vector(smiles)
        with self._open() as collections:
            return _query(collections.rows, vector, n, document_ids)

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
        rows = collection_of(client, _ROWS)
        self._catch_up(passages, "prose")
        self._catch_up(rows, "molecules")
        return _Collections(passages, rows)

    def _catch_up(self, collection: Collection, what: Literal["prose", "molecules"]) -> None:
        if collection.count() == self._ledger.count_passages(what):
            return
        held, wanted = set(collection.get(include=[])["ids"]), self._ledger.passage_ids(what)
        gone = sorted(held.difference(wanted))
        for start in range(0, len(gone), _BATCH):
            collection.delete(ids=gone[start : start + _BATCH])
        lacking = [name for name in wanted if name not in held]
        for start in range(0, len(lacking), _BATCH):
            passages = list(self._ledger.passages(lacking[start : start + _BATCH]).values())
            if passages:
                collection.upsert(
                    ids=[passage.passage_id for passage in passages],
                    embeddings=self._vectors(passages, what),
                    metadatas=[{"document_id": passage.document_id} for passage in passages],
                )

    def _vectors(self, passages: Sequence[PassageRecord], what: str) -> NDArray[np.float32]:
        if what == "prose":
            return self.embedding.embed([passage.text for passage in passages])
        return np.array([molecule_vector(passage.smiles) for passage in passages])


def _query(
    collection: Collection, vector: NDArray[np.float32], n: int, document_ids: Sequence[str] | None
) -> list[tuple[str, float]]:
    if n < 1:
        raise InputError(f"n is {n}: ask for at least 1 passage")
    n_held = collection.count()
    if n_held == 0 or (document_ids is not None and not document_ids):
        return []
    only: Mapping[str, Any] | None = None if document_ids is None else {"document_id": {"$in": list(document_ids)}}
    answer = collection.query(
        query_embeddings=vector[np.newaxis, :],
        n_results=min(n, n_held),
        where=dict(only) if only else None,
        include=["distances"],
    )
    distances = (answer["distances"] or [[]])[0]
    return [(name, 1.0 - distance) for distance, name in sorted(zip(distances, answer["ids"][0], strict=True))]
