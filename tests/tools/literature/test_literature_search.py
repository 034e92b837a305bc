"""Thirty questions over twenty documents; and what the search does with filters, syntax, neighbours and faults."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.citation_support import unsupported_sentences
from tools.errors import InputError
from tools.literature.answer import compose_answer
from tools.literature.cite import cite_passages, reference
from tools.literature.documents import Document, Page
from tools.literature.search import (
    merge_neighbours,
    reciprocal_rank_fusion,
    search_molecules,
    search_passages,
)
from tools.literature.store import store_document
from tools.literature.tables import read_delimited
from tools.memory.ledger import Ledger
from tools.memory.library import match_expression
from tools.memory.passage_index import PassageIndex
from tools.memory.text_embedding import HashingEmbedding

FIRST = 3
NEEDED_SHARE = 0.9


def holds(text: str, phrase: str) -> bool:
    return phrase in " ".join(text.split())


def test_thirty_questions_find_their_passage_among_the_first_three(shelf: Any, open_documents: Any) -> None:
    missed = []
    for question, file, phrase in open_documents.QUESTIONS:
        hits = search_passages(shelf.ledger, shelf.index, question, FIRST).hits
        right = [h for h in hits if h.document.source.startswith(file) and holds(h.passage.text, phrase)]
        if not right:
            missed.append(question)
    assert len(open_documents.QUESTIONS) == 30
    assert len(shelf.files) == 20
    assert len(missed) <= (1 - NEEDED_SHARE) * 30, missed


def test_every_sentence_of_a_composed_answer_stands_in_what_it_cites(shelf: Any, open_documents: Any) -> None:
    answered = 0
    for question, _, phrase in open_documents.QUESTIONS:
        citations = cite_passages(search_passages(shelf.ledger, shelf.index, question, 5).hits)
        sentences = compose_answer(question, citations)
        by_number = {citation["number"]: citation for citation in citations}
        for sentence in sentences:
            (number,) = sentence.citations
            quoted = sentence.text.removesuffix(f" [{number}].").strip("“”")
            assert quoted in " ".join(by_number[number]["quote"].split())
        assert unsupported_sentences(" ".join(s.text for s in sentences), citations) == []
        answered += any(holds(s.text, phrase) for s in sentences)
    assert answered >= 24


def test_a_quote_is_the_very_slice_of_the_page(shelf: Any) -> None:
    for hit in search_passages(shelf.ledger, shelf.index, "resistance of kinase mutants", 10).hits:
        stored = shelf.ledger.passages_of_document(hit.document.document_id)
        same_page = sorted((p for p in stored if p.page == hit.passage.page), key=lambda p: p.start)
        assert hit.passage.end - hit.passage.start == len(hit.passage.text)
        assert any(p.text in hit.passage.text or hit.passage.text in p.text for p in same_page)


def test_pages_are_those_of_the_file(shelf: Any) -> None:
    (hit, *_) = search_passages(shelf.ledger, shelf.index, "gatekeeper threonine T315I ponatinib", 1).hits
    assert (hit.document.source, hit.passage.page) == ("imatinib.pdf", 3)
    citation = cite_passages([hit])[0]
    assert citation["locator"].startswith("page 3, characters ")
    assert citation["title"].startswith("Organon tests Imatinib and the inactive form of the ABL kinase.")


def test_a_bibliography_is_cited_by_its_entries(shelf: Any) -> None:
    (hit, *_) = search_passages(shelf.ledger, shelf.index, "rank fusion of retrieval systems", 1).hits
    assert reference(hit.document).startswith("Cormack, Gordon V., Clarke, Charles L. A., Büttcher, Stefan (2009) ")
    assert cite_passages([hit])[0]["url"] == "https://doi.org/10.1145/1571941.1572114"


@pytest.mark.parametrize(
    "query",
    [
        '"',
        "a OR b NOT (c",
        "NEAR(x y, 2)",
        "title: x",
        "x*",
        "-x",
        "'; DROP TABLE passages; --",
        "β-lactam",
        "?!.",
        "a",
    ],
)
def test_no_query_is_syntax(shelf: Any, query: str) -> None:
    search_passages(shelf.ledger, shelf.index, query, 2)
    assert shelf.ledger.count_documents() == 21


def test_queries_are_cleaned() -> None:
    assert match_expression("What is the pKa of X-1 (and why)?") == '"pka" OR "x" OR "1"'
    assert match_expression("what is it") == '"what" OR "is" OR "it"'
    assert match_expression("?!") == ""


def test_wrong_requests_are_said(shelf: Any) -> None:
    with pytest.raises(InputError, match="empty"):
        search_passages(shelf.ledger, shelf.index, "  ", 3)
    with pytest.raises(InputError, match="n is 0"):
        search_passages(shelf.ledger, shelf.index, "x", 0)


def test_reciprocal_rank_fusion_by_hand() -> None:
    fused = reciprocal_rank_fusion([["a", "b"], ["b", "c"]])
    assert fused == pytest.approx({"b": 1 / 62 + 1 / 61, "a": 1 / 61, "c": 1 / 62})
    assert list(fused) == ["b", "a", "c"]


def test_neighbours_become_one_exact_slice(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    text = " ".join(f"Sentence number {n} speaks of catalysts and yields." for n in range(60))
    store_document(ledger, Document("text", "long", "long.txt", pages=(Page(text),)))
    index = PassageIndex(tmp_path / "vectors", ledger, HashingEmbedding())
    hits = search_passages(ledger, index, "catalysts and yields", 20).hits
    assert any(len(hit.merged) > 1 for hit in hits)
    for hit in hits:
        assert text[hit.passage.start : hit.passage.end] == hit.passage.text
    spans = sorted((hit.passage.start, hit.passage.end) for hit in hits)
    assert len(spans) < index.counts()["passages"]
    assert merge_neighbours([hits[0], replace(hits[0], score=0.0)])[0].passage.text == hits[0].passage.text


class OtherEmbedding(HashingEmbedding):
    """Another model, for the index: smaller vectors under another name."""

    name = "other"
    size = 8

    def embed(self, texts: Any) -> NDArray[np.float32]:
        vectors = np.array([[1.0 + (len(t) % 7), *[float(t.count(c)) for c in "aeiourn"]] for t in texts])
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_another_embedding_makes_the_index_anew(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    store_document(ledger, Document("text", "one", "one.txt", pages=(Page("A first text about proteins."),)))
    hashing = PassageIndex(tmp_path / "vectors", ledger, HashingEmbedding())
    assert hashing.nearest("proteins", 1)[0][1] > 0.3
    other = PassageIndex(tmp_path / "vectors", ledger, OtherEmbedding())
    assert other.counts() == {"passages": 1, "molecules": 0}
    assert other.nearest("A first text about proteins.", 1)[0][1] == pytest.approx(1.0, abs=1e-5)
    assert hashing.nearest("A first text about proteins.", 1)[0][1] == pytest.approx(1.0, abs=1e-5)


def test_the_index_follows_the_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    index = PassageIndex(tmp_path / "vectors", ledger, HashingEmbedding())
    records = [
        store_document(ledger, Document("text", f"d{n}", f"{n}.txt", pages=(Page(f"Text {n} on topic."),)))[0]
        for n in range(3)
    ]
    assert index.counts()["passages"] == 3
    assert ledger.remove_document(records[0].document_id)
    assert not ledger.remove_document(records[0].document_id)
    assert index.counts()["passages"] == 2
    assert [name for name, _ in ledger.search_words("topic", 5)] == [f"{r.document_id}:0" for r in records[1:]]


def test_the_index_sees_documents_that_changed_places_or_were_read_anew(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    index = PassageIndex(tmp_path / "vectors", ledger, HashingEmbedding())

    def store(name: str, text: str) -> str:
        return store_document(ledger, Document("text", name, name, pages=(Page(text),)))[0].document_id

    first = store("first", "Zeolites are made of silicon and aluminium.")
    assert [name for name, _ in index.nearest("kinases", 5)] == [f"{first}:0"]
    ledger.remove_document(first)
    second = store("second", "Kinases transfer phosphate.")
    assert [name for name, _ in index.nearest("kinases", 5)] == [f"{second}:0"]
    ledger.remove_document(second)
    assert store("second", "Lipases cut esters of fats.") == second
    ((_, likeness),) = index.nearest("Lipases cut esters of fats.", 5)
    assert likeness == pytest.approx(1.0, abs=1e-5)


@pytest.mark.timeout(30)
def test_a_large_document_is_removed_at_once(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    table = "name\tvalue\n" + "\n".join(f"row {n}\t{n}" for n in range(4000))
    (document,) = read_delimited("own.tsv", "digest", table)
    record, _ = store_document(ledger, document)
    assert ledger.remove_document(record.document_id)
    assert ledger.search_words("row", 5) == []


def test_while_the_index_is_busy_words_still_find(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    store_document(ledger, Document("text", "one", "one.txt", pages=(Page("Kinases transfer phosphate."),)))
    busy = PassageIndex(tmp_path / "vectors", ledger, HashingEmbedding(), lock_timeout_seconds=0.1)
    with PassageIndex(tmp_path / "vectors", ledger, HashingEmbedding())._open():
        found = search_passages(ledger, busy, "phosphate", 1)
    assert found.hits[0].similarity is None
    assert found.notes[0].startswith("searched by words only: vector index")


def test_rows_of_own_data_are_found_by_structure(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    table = "name,smiles,IC50 (nM)\nA,CC(=O)Nc1ccc(O)cc1,12\nB,CCCCCCCC,900\nC,CC(=O)Nc1ccc(OC)cc1,15\n"
    (document,) = read_delimited("own.csv", "digest", table)
    store_document(ledger, document)
    index = PassageIndex(tmp_path / "vectors", ledger, HashingEmbedding())
    hits = search_molecules(ledger, index, "CC(=O)Nc1ccc(O)cc1", 5)
    assert [hit.passage.values["name"] for hit in hits] == ["A", "C"]
    assert hits[0].score == 1.0
    assert cite_passages(hits)[0]["locator"] == "row 2"
    assert index.counts() == {"passages": 0, "molecules": 3}


def test_a_text_that_stands_in_many_places_is_found_once_and_hides_no_other(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    index = PassageIndex(tmp_path / "vectors", ledger, HashingEmbedding())
    often = [Page(f"Kinase number {n % 3} is inhibited by a molecule that binds in its hinge.", n) for n in range(600)]
    store_document(ledger, Document("text", "often", "often.txt", pages=tuple(often)))
    store_document(ledger, Document("text", "once", "once.txt", pages=(Page("Ciprofloxacin inhibits DNA gyrase."),)))
    hits = search_passages(ledger, index, "What inhibits gyrase?", 5).hits
    assert hits[0].document.source == "once.txt"
    assert hits[0].similarity is not None
    texts = [hit.passage.text for hit in search_passages(ledger, index, "kinase hinge", 5).hits]
    assert len(texts) == len(set(texts)) >= 3


def test_all_rows_of_a_molecule_are_found_by_its_structure(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    index = PassageIndex(tmp_path / "vectors", ledger, HashingEmbedding())
    for name in ("a.csv", "b.csv"):
        (document,) = read_delimited(name, name, "smiles,IC50 (nM)\nc1ccccc1O,5\nOc1ccccc1,7\nCCCCCCCCN,9\n")
        store_document(ledger, document)
    assert index.counts()["molecules"] == 2
    assert len(search_molecules(ledger, index, "Oc1ccccc1", 10)) == 4
