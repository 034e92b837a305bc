"""The library's part of the ledger: documents, their passages, and word search over them (SQLite FTS5, BM25).

The word index is made of the passages and is filled again where it lacks some. A document is identified by its
content: put twice, it is there once. BM25: Robertson and Zaragoza 2009, doi:10.1561/1500000019, with the Porter
stemmer.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, insert, select, text
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from tools.errors import StopError, UnavailableError
from tools.memory.canonical import dump_json
from tools.memory.database import Database
from tools.memory.tables import DocumentRow, FileRow, PassageRow

_IN_CHUNK = 500
_TITLE_WEIGHT, _TEXT_WEIGHT = 0.5, 1.0
"""BM25 weights: a word in the document's title counts half of one in the passage."""
MAX_QUERY_WORDS = 60
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a about an and are as at be been but by can could did do does for from had has have how i if in into is it "
        "its many me much my no not of on or our shall should so such tell than that the their them then there these "
        "they this those to us use used using was we were what when where which who whom whose why will with would "
        "you your",
    )
)


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document of the library, without its text. `time`: when it was taken in (Unix seconds)."""

    document_id: str
    kind: str
    source: str
    title: str
    authors: tuple[str, ...]
    year: int | None
    doi: str
    url: str
    licence: str
    warnings: tuple[str, ...]
    n_passages: int
    time: float


@dataclass(frozen=True, slots=True)
class PassageRecord:
    """A slice of a document, cut by `tools.literature.chunk`. `page`: number of the page, or of the row of a table;
    None where there is neither. `start`, `end`: characters of the page's text (0 and the length, for a row).
    `suspicious`: why it reads like an instruction, or ""."""

    passage_id: str
    document_id: str
    position: int
    page: int | None
    start: int
    end: int
    text: str
    smiles: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    suspicious: str = ""


class Library(Database):
    """Documents and passages."""

    def put_document(self, document: DocumentRecord, passages: Sequence[PassageRecord]) -> bool:
        """Store a document with its passages in one transaction. False where it is there already."""
        with self._writing() as connection:
            words = _word_index(connection)
            row = _document_row(document, len(passages))
            known = select(DocumentRow.document_id).where(DocumentRow.document_id == document.document_id)
            if connection.execute(known).first() is not None:
                return False
            connection.execute(insert(DocumentRow), [row])
            if passages:
                connection.execute(insert(PassageRow), [_passage_row(passage) for passage in passages])
            if words:
                _add_words(connection, [(p.passage_id, document.title, p.text) for p in passages])
            return True

    def remove_document(self, document_id: str) -> bool:
        """Take a document out of the library. False where there is none of this id."""
        with self._writing() as connection:
            if _word_index(connection):
                named = "SELECT passage_id FROM passages WHERE document_id = :name"
                connection.execute(
                    text(f"DELETE FROM passage_words WHERE passage_id IN ({named})"), {"name": document_id}
                )
            connection.execute(delete(PassageRow).where(PassageRow.document_id == document_id))
            done = connection.execute(delete(DocumentRow).where(DocumentRow.document_id == document_id))
            return done.rowcount > 0

    def note_file(self, sha256: str, reader: str, name: str, document_ids: Sequence[str]) -> None:
        """Remember that a file with this hash has been read by this reader."""
        row = {
            "sha256": sha256,
            "reader": reader,
            "name": name,
            "documents": dump_json(list(document_ids), f"file {name}"),
            "time": time.time(),
        }
        statement = insert_sqlite(FileRow)
        replaced = {key: statement.excluded[key] for key in ("reader", "name", "documents", "time")}
        with self._writing() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["sha256"], set_=replaced), [row])

    def forget_reading(self, sha256: str, reader: str) -> None:
        """Take out what another reader than this one made of a file, so that it can be stored anew."""
        statement = select(FileRow.documents).where(FileRow.sha256 == sha256, FileRow.reader != reader)
        with self._reading() as connection:
            found = connection.execute(statement).scalar_one_or_none()
        for name in json.loads(found) if found else []:
            self.remove_document(str(name))

    def documents_of_file(self, sha256: str, reader: str) -> list[str] | None:
        """Ids of the documents that this file gave; None where it has not been read by this reader, or one of its
        documents has been removed since."""
        statement = select(FileRow.documents).where(FileRow.sha256 == sha256, FileRow.reader == reader)
        with self._reading() as connection:
            found = connection.execute(statement).scalar_one_or_none()
        if found is None:
            return None
        names = [str(name) for name in json.loads(found)]
        return names if len(self.documents(names)) == len(names) else None

    def documents(self, document_ids: Sequence[str] | None = None) -> list[DocumentRecord]:
        """Documents of these ids, or all, in the order they were taken in."""
        statement = select(DocumentRow.__table__).order_by(DocumentRow.time, DocumentRow.document_id)
        with self._reading() as connection:
            if document_ids is None:
                return [_document(row) for row in connection.execute(statement)]
            found = []
            for chunk in _chunks(document_ids):
                found += [
                    _document(row) for row in connection.execute(statement.where(DocumentRow.document_id.in_(chunk)))
                ]
            return found

    def passages(self, passage_ids: Sequence[str]) -> dict[str, PassageRecord]:
        """Those of the passages that are known, by id."""
        return self._passages_where(PassageRow.passage_id, passage_ids)

    def passages_of_molecules(self, smiles: Sequence[str]) -> dict[str, PassageRecord]:
        """The rows that hold one of these molecules, by id."""
        return self._passages_where(PassageRow.smiles, smiles)

    def _passages_where(self, column: Any, values: Sequence[str]) -> dict[str, PassageRecord]:
        found = {}
        with self._reading() as connection:
            for chunk in _chunks(values):
                statement = select(PassageRow.__table__).where(column.in_(chunk))
                found.update({row.passage_id: _passage(row) for row in connection.execute(statement)})
        return found

    def passages_of_document(self, document_id: str) -> list[PassageRecord]:
        statement = select(PassageRow.__table__).where(PassageRow.document_id == document_id)
        with self._reading() as connection:
            return [_passage(row) for row in connection.execute(statement.order_by(PassageRow.position))]

    def passage_times(self, what: Literal["prose", "molecules"]) -> dict[str, float]:
        """Ids of one passage for each text of prose (rows of tables are none), or of one row for each molecule, each
        with the time its document was taken in."""
        once = PassageRow.text if what == "prose" else PassageRow.smiles
        first = _only(select(func.min(PassageRow.passage_id)), what).group_by(once)
        statement = (
            select(PassageRow.passage_id, DocumentRow.time)
            .join(DocumentRow, DocumentRow.document_id == PassageRow.document_id)
            .where(PassageRow.passage_id.in_(first))
            .order_by(PassageRow.passage_id)
        )
        with self._reading() as connection:
            return {row.passage_id: row.time for row in connection.execute(statement)}

    def library_state(self) -> str:
        """A text that is another one after any document has come or gone."""
        columns = func.count(), func.max(DocumentRow.time), func.total(DocumentRow.time)
        with self._reading() as connection:
            n, last, total = connection.execute(select(*columns)).one()
        return f"{n} {last!r} {total!r}"

    def count_documents(self) -> int:
        with self._reading() as connection:
            return connection.execute(select(func.count()).select_from(DocumentRow)).scalar_one()

    def search_words(self, query: str, n: int) -> list[tuple[str, float]]:
        """(passage id, BM25 score, higher is better) of the `n` texts that hold words of the query, best first; of
        passages with the same text the first by id. UnavailableError where this SQLite has no FTS5."""
        expression = match_expression(query)
        if not expression:
            return []
        with self._writing() as connection:
            if not _word_index(connection):
                raise UnavailableError("this Python's SQLite was built without FTS5: word search is not available")
            _catch_up(connection)
        ranked = text(
            "WITH matches AS MATERIALIZED (SELECT passage_id, text, bm25(passage_words, 0.0, :title, :text) AS score "
            "FROM passage_words WHERE passage_words MATCH :query) "
            "SELECT min(passage_id) AS passage_id, min(score) AS score FROM matches GROUP BY text "
            "ORDER BY score, passage_id LIMIT :n"
        )
        values = {"title": _TITLE_WEIGHT, "text": _TEXT_WEIGHT, "query": expression, "n": n}
        with self._reading() as connection:
            rows = connection.execute(ranked, values).all()
        return [(str(row.passage_id), -float(row.score)) for row in rows]


def _only(statement: Any, what: str) -> Any:
    """A selection of passages, confined to one of the kinds that are indexed by likeness."""
    if what == "molecules":
        return statement.where(PassageRow.smiles != "")
    tables = select(DocumentRow.document_id).where(DocumentRow.kind == "table")
    return statement.where(PassageRow.document_id.not_in(tables))


def content_words(query: str) -> list[str]:
    """The words of a text once each, without those that every text has."""
    words = dict.fromkeys(word for word in re.findall(r"\w+", query.casefold()) if word.strip("_"))
    return [word for word in words if word not in _STOP_WORDS]


def match_expression(query: str) -> str:
    """The words of a query as an FTS5 expression: each quoted, joined by OR, so that nothing in it is syntax. Words
    that every text has are left out, unless there are no others."""
    words = content_words(query) or re.findall(r"\w+", query.casefold())
    return " OR ".join(f'"{word}"' for word in words[:MAX_QUERY_WORDS])


def _word_index(connection: Connection) -> bool:
    """Make the word index if it is not there; False where SQLite cannot."""
    there = connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'passage_words'")).first()
    if there is not None:
        return True
    options = {str(row[0]) for row in connection.execute(text("PRAGMA compile_options"))}
    if "ENABLE_FTS5" not in options:
        return False
    connection.execute(
        text(
            "CREATE VIRTUAL TABLE passage_words USING fts5(passage_id UNINDEXED, title, text, "
            "tokenize = 'porter unicode61 remove_diacritics 2')"
        )
    )
    return True


def _catch_up(connection: Connection) -> None:
    """Add what the word index lacks and drop what it has too much."""
    counts = connection.execute(
        text("SELECT (SELECT count(*) FROM passages), (SELECT count(*) FROM passage_words_docsize)")
    ).one()
    if counts[0] == counts[1]:
        return
    connection.execute(text("DELETE FROM passage_words"))
    connection.execute(
        text(
            "INSERT INTO passage_words (passage_id, title, text) SELECT p.passage_id, d.title, p.text "
            "FROM passages p JOIN documents d ON d.document_id = p.document_id"
        )
    )


def _add_words(connection: Connection, rows: Sequence[tuple[str, str, str]]) -> None:
    if rows:
        connection.execute(
            text("INSERT INTO passage_words (passage_id, title, text) VALUES (:id, :title, :text)"),
            [{"id": name, "title": title, "text": body} for name, title, body in rows],
        )


def _chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), _IN_CHUNK):
        yield names[start : start + _IN_CHUNK]


def _document_row(document: DocumentRecord, n_passages: int) -> dict[str, Any]:
    if n_passages != document.n_passages:
        raise StopError(f"document {document.document_id} has {n_passages} passages, not {document.n_passages}")
    return {
        "document_id": document.document_id,
        "kind": document.kind,
        "source": document.source,
        "title": document.title,
        "authors": dump_json(list(document.authors), "authors"),
        "year": document.year,
        "doi": document.doi,
        "url": document.url,
        "licence": document.licence,
        "warnings": dump_json(list(document.warnings), "warnings"),
        "n_passages": n_passages,
        "time": document.time,
    }


def _document(row: Any) -> DocumentRecord:
    return DocumentRecord(
        row.document_id,
        row.kind,
        row.source,
        row.title,
        tuple(json.loads(row.authors)),
        row.year,
        row.doi,
        row.url,
        row.licence,
        tuple(json.loads(row.warnings)),
        row.n_passages,
        row.time,
    )


def _passage_row(passage: PassageRecord) -> dict[str, Any]:
    return {
        "passage_id": passage.passage_id,
        "document_id": passage.document_id,
        "position": passage.position,
        "page": passage.page,
        "start_at": passage.start,
        "end_at": passage.end,
        "text": passage.text,
        "smiles": passage.smiles,
        "row_values": dump_json(dict(passage.values), f"passage {passage.passage_id}"),
        "suspicious": passage.suspicious,
    }


def _passage(row: Any) -> PassageRecord:
    return PassageRecord(
        row.passage_id,
        row.document_id,
        row.position,
        row.page,
        row.start_at,
        row.end_at,
        row.text,
        row.smiles,
        json.loads(row.row_values),
        row.suspicious,
    )
