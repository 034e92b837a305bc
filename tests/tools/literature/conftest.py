"""The twenty documents of `open_documents`, read, stored and indexed with the built-in embedding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from tests.tools.literature import open_documents as texts
from tools.literature.read import read_file
from tools.literature.store import store_documents
from tools.memory.ledger import Ledger
from tools.memory.passage_index import PassageIndex
from tools.memory.text_embedding import HashingEmbedding


@dataclass(frozen=True)
class Shelf:
    """A library on disk, and the files it was made of."""

    root: Path
    files: list[Path]
    ledger: Ledger
    index: PassageIndex


@pytest.fixture(scope="session")
def open_documents() -> ModuleType:
    return texts


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, open_documents: ModuleType) -> Iterator[Shelf]:
    root = tmp_path_factory.mktemp("library")
    (root / "files").mkdir()
    files = open_documents.write_documents(root / "files")
    ledger = Ledger(root / "ledger.sqlite")
    for file in files:
        store_documents(ledger, read_file(file.name, file.read_bytes()))
    yield Shelf(root, files, ledger, PassageIndex(root / "vectors", ledger, HashingEmbedding()))
    ledger.close()
