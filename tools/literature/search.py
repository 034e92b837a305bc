"""Hybrid search of the library: BM25 over words and likeness of embeddings, joined by reciprocal rank fusion.

A passage's score is the sum over both rankings of 1 / (k + rank), k = 60: Cormack, Clarke and Buettcher 2009,
doi:10.1145/1571941.1572114. Ranks are joined because the two scores have no common scale. Neighbouring passages that
are both found are merged into one. Where one of the two searches is not available the other answers, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tools.errors import InputError, UnavailableError
from tools.memory.ledger import DocumentRecord, Ledger, PassageRecord
from tools.memory.passage_index import PassageIndex
from tools.memory.recall import SIMILAR_MOLECULE
from tools.molecule.similarity import similarity

RRF_K = 60
_DEPTH = 8
"""Each ranking is read to so many times the passages asked for."""
MAX_RESULTS = 100


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found. `score`: reciprocal rank fusion; `bm25` and `similarity` (cosine) are None where that
    search did not find it; `merged`: ids of the passages it was made of."""

    passage: PassageRecord
    document: DocumentRecord
    score: float
    bm25: float | None = None
    similarity: float | None = None
    merged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """`notes`: what could not be searched, one line each."""

    hits: list[Hit]
    notes: list[str] = field(default_factory=list)


def search_passages(ledger: Ledger, index: PassageIndex, query: str, n: int = 5) -> Found:
    """The `n` best passages for a question in words, best first."""
    if not query.strip():
        raise InputError("the search text is empty: say what to look for")
    if not 1 <= n <= MAX_RESULTS:
        raise InputError(f"n is {n}: ask for 1 to {MAX_RESULTS} passages")
    notes: list[str] = []
    words: list[tuple[str, float]] = []
    alike: list[tuple[str, float]] = []
    try:
        words = ledger.search_words(query, _DEPTH * n)
    except UnavailableError as error:
        notes.append(str(error))
    try:
        alike = index.nearest(query, _DEPTH * n)
    except UnavailableError as error:
        notes.append(f"searched by words only: {error}")
    fused = reciprocal_rank_fusion([[name for name, _ in words], [name for name, _ in alike]])
    hits = _hits(ledger, fused, dict(words), dict(alike))
    return Found(merge_neighbours(hits)[:n], notes)


def search_molecules(
    ledger: Ledger, index: PassageIndex, smiles: str, n: int = 5, at_least: float = SIMILAR_MOLECULE
) -> list[Hit]:
    """The `n` rows of own data whose molecules are most like `smiles`: `score` and `similarity` are the Tanimoto of
    Morgan fingerprints (1: the same bits); below `at_least` (see `tools.memory.recall`) it is no likeness."""
    known = ledger.passages([name for name, _ in index.nearest_molecules(smiles, 4 * n)])
    rows = ledger.passages_of_molecules([row.smiles for row in known.values()])
    likeness = {name: similarity(smiles, row.smiles) for name, row in rows.items()}
    near = sorted((item for item in likeness.items() if item[1] >= at_least), key=lambda item: (-item[1], item[0]))[:n]
    return _hits(ledger, dict(near), {}, dict(near))


def reciprocal_rank_fusion(rankings: Sequence[Sequence[str]], k: int = RRF_K) -> dict[str, float]:
    """Name -> fused score, best first; ties by name."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, name in enumerate(ranking, 1):
            scores[name] = scores.get(name, 0.0) + 1.0 / (k + rank)
    return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))


def merge_neighbours(hits: Sequence[Hit]) -> list[Hit]:
    """Hits that follow each other on a page made one, at the better one's place: its text is again a slice of the
    page. Rows of tables are never merged."""
    merged: list[Hit] = []
    for hit in hits:
        place = next((i for i, other in enumerate(merged) if _adjacent(other, hit)), None)
        if place is None:
            merged.append(hit)
        else:
            merged[place] = _joined(merged[place], hit)
    return merged


def _adjacent(one: Hit, other: Hit) -> bool:
    a, b = one.passage, other.passage
    if a.document_id != b.document_id or a.page != b.page or one.document.kind == "table" or len(one.merged) > 2:
        return False
    first, second = (a, b) if a.start <= b.start else (b, a)
    return second.start <= first.end


def _joined(held: Hit, added: Hit) -> Hit:
    first, second = sorted((held.passage, added.passage), key=lambda passage: passage.start)
    text = first.text + second.text[max(0, first.end - second.start) :]
    passage = replace(
        first,
        text=text,
        end=max(first.end, second.end),
        suspicious=", ".join(dict.fromkeys(part for part in (first.suspicious, second.suspicious) if part)),
    )
    names = (held.merged or (held.passage.passage_id,)) + (added.passage.passage_id,)
    return replace(held, passage=passage, merged=names)


def _hits(
    ledger: Ledger, scores: Mapping[str, float], bm25: Mapping[str, float], similarity: Mapping[str, float]
) -> list[Hit]:
    passages = ledger.passages(list(scores))
    documents = {d.document_id: d for d in ledger.documents(list({p.document_id for p in passages.values()}))}
    return [
        Hit(passages[name], documents[passages[name].document_id], score, bm25.get(name), similarity.get(name))
        for name, score in scores.items()
        if name in passages
    ]
