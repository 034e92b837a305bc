"""Documents into the ledger: cut into passages, stored once. The vector index follows by itself when it is opened."""

from __future__ import annotations

import time
from collections.abc import Iterable

from tools.literature.chunk import passages_of
from tools.literature.documents import Document
from tools.memory.ledger import DocumentRecord, Ledger


def store_document(ledger: Ledger, document: Document) -> tuple[DocumentRecord, bool]:
    """The stored record, and whether it is new."""
    passages = passages_of(document)
    record = DocumentRecord(
        document.document_id,
        document.kind,
        document.source,
        document.title,
        document.authors,
        document.year,
        document.doi,
        document.url,
        document.licence,
        document.warnings,
        len(passages),
        time.time(),
    )
    return record, ledger.put_document(record, passages)


def store_documents(ledger: Ledger, documents: Iterable[Document]) -> list[tuple[DocumentRecord, bool]]:
    return [store_document(ledger, document) for document in documents]
