"""The vector index: every finding, searchable by the likeness of molecules, proteins and words. Chroma on disk.

It is derived: findings are written to the ledger first, and what the index lacks is added the next time it is
opened; `rebuild` makes it anew. One process at a time has it open, for the length of one call (`chroma_folder`).
Searching is approximate (HNSW); `best_on_receptor` is exact. Passages of documents are in `passage_index`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tools.errors import InputError, UnavailableError
from tools.memory.chroma_folder import ChromaFolder, collection_of
from tools.memory.embeddings import molecule_vector, protein_vector, text_vector
from tools.memory.ledger import Ledger

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

_MOLECULES = "molecules"
_TEXTS = "texts"
_PROTEINS = "proteins"
_BATCH = 250


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A finding and its cosine similarity to what was asked for (1 is the same)."""

    similarity: float
    finding: Mapping[str, Any]


class _Collections(NamedTuple):
    molecules: Collection
    texts: Collection
    proteins: Collection
    """One entry a receptor: the protein of its pocket."""


class Vectors:
    """`Vectors(home / "vectors", ledger)`."""

    def __init__(self, root: Path, ledger: Ledger, lock_timeout_seconds: float = 10.0) -> None:
        """`lock_timeout_seconds`: how long to wait while another process has the index open."""
        self.root = root
        self._ledger = ledger
        self._folder = ChromaFolder(root, lock_timeout_seconds)

    def add_results(self, findings: Sequence[Mapping[str, Any]]) -> int:
        """Keep findings (see tools/memory/findings.py) in the ledger and index them. Gives back how many are
        indexed now: 0 means that the index could not be opened and will catch up later; nothing is lost."""
        changed = self._ledger.put_findings(findings)
        try:
            with self._open() as collections:
                _index(self._ledger.findings_by_id(changed), collections)
                return len(findings)
        except UnavailableError:
            return 0

    def best_on_receptor(self, receptor: str, n: int) -> list[dict[str, Any]]:
        """The `n` best findings that passed on this receptor: highest `desirability` first, one per text.
        Read from the ledger where the index cannot be opened; the answer is the same."""
        try:
            with self._open() as collections:
                ids = collections.texts.get(where={"receptor": receptor}, include=[])["ids"]
            found = self._ledger.findings_by_id(ids)
        except UnavailableError:
            found = self._ledger.findings(receptor)
        found = [finding for finding in found if finding.get("passed") is True]
        best: dict[str, dict[str, Any]] = {}
        for finding in sorted(found, key=lambda f: (-_number(f.get("desirability")), f["id"])):
            best.setdefault(finding["text"], finding)
        return list(best.values())[:n]

    def similar(self, smiles: str, k: int = 10) -> list[Neighbour]:
        """The `k` findings whose molecules are most like `smiles`, most similar first."""
        vector = molecule_vector(smiles)
        with self._open() as collections:
            return self._nearest(collections.molecules, vector, k)

    def search(self, text: str, k: int = 10) -> list[Neighbour]:
        """The `k` findings whose description is most like `text` in its letters, most similar first."""
        with self._open() as collections:
            return self._nearest(collections.texts, text_vector(text), k)

    def similar_proteins(self, sequence: str, k: int = 10) -> list[Neighbour]:
        """One finding on each of the `k` receptors whose proteins have the most 3-mers in common with `sequence`."""
        vector = protein_vector(sequence)
        with self._open() as collections:
            return self._nearest(collections.proteins, vector, k)

    def count(self) -> int:
        with self._open() as collections:
            return int(collections.texts.count())

    def rebuild(self) -> int:
        """Throw the index away and make it from the ledger; gives back the number of findings in it."""
        with self._folder.locked():
            self._folder.remove()
            with self._open() as collections:
                return int(collections.texts.count())

    def _nearest(self, collection: Collection, vector: NDArray[np.float32], k: int) -> list[Neighbour]:
        if k < 1:
            raise InputError(f"k is {k}: ask for at least 1 neighbour")
        n_held = collection.count()
        if n_held == 0:
            return []
        answer = collection.query(
            query_embeddings=vector[np.newaxis, :], n_results=min(k, n_held), include=["distances", "metadatas"]
        )
        distances, metadatas = (answer["distances"] or [[]])[0], (answer["metadatas"] or [[]])[0]
        names = [str(about.get("finding") or name) for name, about in zip(answer["ids"][0], metadatas, strict=True)]
        pairs = sorted(zip(distances, names, strict=True))
        by_id = {finding["id"]: finding for finding in self._ledger.findings_by_id([name for _, name in pairs])}
        return [Neighbour(1.0 - distance, by_id[name]) for distance, name in pairs if name in by_id]

    @contextmanager
    def _open(self) -> Iterator[_Collections]:
        """The collections, complete. Opened for one call, because another process may have written since."""
        with self._folder.open(self._complete) as collections:
            yield collections

    def _complete(self, client: Any) -> _Collections:
        collections = _Collections(*(collection_of(client, name) for name in (_MOLECULES, _TEXTS, _PROTEINS)))
        self._catch_up(collections)
        return collections

    def _catch_up(self, collections: _Collections) -> None:
        """Index what the ledger holds and the index lacks."""
        texts = collections.texts
        if texts.count() == self._ledger.count_findings():
            return
        held = set(texts.get(include=[])["ids"])
        lacking = [name for name in self._ledger.finding_ids() if name not in held]
        for start in range(0, len(lacking), _BATCH):
            _index(self._ledger.findings_by_id(lacking[start : start + _BATCH]), collections)


def describe(finding: Mapping[str, Any]) -> str:
    """The line of words by which a finding is searched."""
    scores = finding.get("scores")
    numbers = (
        [f"{k} {v:.3g}" for k, v in sorted(scores.items()) if _is_number(v)] if isinstance(scores, Mapping) else []
    )
    passed = {True: "passed", False: "failed"}.get(finding.get("passed"), "")  # type: ignore[arg-type]
    if finding.get("verdict") == "unknown":
        passed = "undecided"
    parts = [
        finding["text"],
        finding.get("target"),
        passed,
        finding.get("reason"),
        ", ".join(numbers),
        finding["run_id"],
    ]
    return " | ".join(str(part) for part in parts if part)


def _index(findings: Sequence[Mapping[str, Any]], collections: _Collections) -> None:
    """Put findings into the collections; one that is no molecule into the texts only. Texts come last: what stands
    there counts as indexed."""
    for start in range(0, len(findings), _BATCH):
        batch = findings[start : start + _BATCH]
        drawn = [(finding, vector) for finding in batch if (vector := _molecule_or_none(finding["text"]))]
        if drawn:
            _upsert(collections.molecules, [finding for finding, _ in drawn], [vector for _, vector in drawn])
        proteins = {str(f["receptor"]): f for f in batch if f.get("receptor") and f.get("sequence")}
        if proteins:
            collections.proteins.upsert(
                ids=list(proteins),
                embeddings=np.array([protein_vector(finding["sequence"]) for finding in proteins.values()]),
                metadatas=[{"finding": finding["id"]} for finding in proteins.values()],
            )
        lines = [describe(finding) for finding in batch]
        _upsert(collections.texts, batch, [text_vector(line).tolist() for line in lines], lines)


def _upsert(
    collection: Collection,
    findings: Sequence[Mapping[str, Any]],
    vectors: list[list[float]],
    documents: list[str] | None = None,
) -> None:
    collection.upsert(
        ids=[finding["id"] for finding in findings],
        embeddings=vectors,  # type: ignore[arg-type]
        metadatas=[_metadata(finding) for finding in findings],
        documents=documents,
    )


def _molecule_or_none(text: str) -> list[float] | None:
    try:
        vector: list[float] = molecule_vector(text).tolist()
        return vector
    except InputError:
        return None


def _metadata(finding: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """The finding's plain values and its scores as `score_<name>`; Chroma filters by these and holds nothing
    nested."""
    scores = finding.get("scores")
    flat = {f"score_{k}": v for k, v in scores.items()} if isinstance(scores, Mapping) else {}
    return {k: v for k, v in {**finding, **flat}.items() if isinstance(v, str | int | float | bool) and v != ""}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("-inf")
