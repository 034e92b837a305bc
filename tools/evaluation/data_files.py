"""Data files of evaluations: CSV, TSV, JSON lines, SMILES lists and plain text, also gzipped, one row after another.

A line that cannot be read costs its own row only, with the reason; a file that cannot be read, has no rows or lacks a
column is an `InputError` that lists what is there. Which rows are taken under a limit depends on the seed and the
row numbers alone, and a larger limit takes the same rows and more.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.errors import InputError

FORMATS = (".csv", ".tsv", ".jsonl", ".ndjson", ".smi", ".smiles", ".txt")
_FIELD_LIMIT = 10_000_000
"""Longest CSV field accepted, characters; Python's own limit of 131,072 is shorter than a long chromosome window."""


@dataclass(frozen=True, slots=True)
class DataRow:
    """Row `number` (from 1, headers not counted) and its values, or the `fault` that keeps it from being read."""

    number: int
    values: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""

    @property
    def row_id(self) -> str:
        return f"row-{self.number}"


def read_rows(path: Path) -> list[DataRow]:
    """All rows of `path`, by the ending of its name (before .gz): see `FORMATS`.

    .smi: columns smiles and name | .txt: column text | .jsonl: keys of the objects. Blank lines are no rows.
    """
    ending = _ending(path)
    if ending not in _READERS:
        raise InputError(f"{path}: unknown kind of file; known are {', '.join(FORMATS)}, each also with .gz")
    try:
        rows = list(_READERS[ending](_lines(path)))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as fault:
        raise InputError(f"{path} cannot be read: {fault}") from None
    if not rows:
        raise InputError(f"{path} has no rows")
    return rows


def hash_file(path: Path) -> str:
    """SHA-256 of the file as it lies there."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as fault:
        raise InputError(f"{path} cannot be read: {fault.strerror or fault}") from None
    return digest.hexdigest()


def need_columns(path: Path, rows: Sequence[DataRow], columns: Sequence[str]) -> None:
    """InputError naming the first of `columns` ("a|b": either) that no row has, and the columns there are."""
    there = list(dict.fromkeys(name for row in rows for name in row.values))
    for column in columns:
        if not set(column.split("|")) & set(there):
            wanted = " or ".join(map(repr, column.split("|")))
            raise InputError(f"{path} has no column {wanted}; it has {', '.join(there) or 'no readable row'}")


def missing_value(row: DataRow, columns: Sequence[str]) -> str:
    """Why `row` cannot be used: a needed column without a value; empty where all have one."""
    for column in columns:
        if all(row.values.get(name) in (None, "") for name in column.split("|")):
            return f"column {column.replace('|', ' or ')} is empty"
    return ""


def filter_rows(path: Path, rows: Sequence[DataRow], where: Mapping[str, str]) -> list[DataRow]:
    """Rows whose columns have these values (compared as text), and the unreadable ones; InputError where a column is
    not there or no row is left, with the values there are."""
    need_columns(path, rows, list(where))
    for column, value in where.items():
        kept = [row for row in rows if row.fault or _text(row.values.get(column)) == value]
        if not any(not row.fault for row in kept):
            there = sorted({_text(row.values.get(column)) for row in rows if not row.fault})
            raise InputError(f"{path}: no row has {column}={value!r}; there are {', '.join(there[:20])}")
        rows = kept
    return list(rows)


def choose_rows(rows: Sequence[DataRow], limit: int | None, seed: int) -> list[DataRow]:
    """A random `limit` of the rows in file order, fixed by the seed; all of them where `limit` is None."""
    if limit is None or limit >= len(rows):
        return list(rows)
    ordered = sorted(rows, key=lambda row: hashlib.blake2b(f"{seed}|{row.number}".encode(), digest_size=8).digest())
    return sorted(ordered[:limit], key=lambda row: row.number)


def split_counts(rows: Iterable[DataRow]) -> dict[str, int]:
    """How many rows each value of a column `split` has; empty without such a column."""
    counts: dict[str, int] = {}
    for row in rows:
        if "split" in row.values:
            name = _text(row.values["split"])
            counts[name] = counts.get(name, 0) + 1
    return counts


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _ending(path: Path) -> str:
    endings = [ending.lower() for ending in path.suffixes]
    if endings and endings[-1] == ".gz":
        endings.pop()
    return endings[-1] if endings else ""


def _lines(path: Path) -> Iterator[str]:
    with (
        gzip.open(path, "rt", encoding="utf-8", newline="")
        if path.suffix.lower() == ".gz"
        else path.open(encoding="utf-8", newline="") as file
    ):
        yield from file


def _read_csv(lines: Iterable[str], delimiter: str = ",") -> Iterator[DataRow]:
    csv.field_size_limit(_FIELD_LIMIT)
    for number, row in enumerate(csv.DictReader(lines, delimiter=delimiter), 1):
        values = {name: value for name, value in row.items() if name is not None and value is not None}
        if None in row or len(values) < len(row):
            yield DataRow(number, fault="the number of fields differs from the header's")
        else:
            yield DataRow(number, values)


def _read_tsv(lines: Iterable[str]) -> Iterator[DataRow]:
    return _read_csv(lines, "\t")


def _read_jsonl(lines: Iterable[str]) -> Iterator[DataRow]:
    for number, line in enumerate(filter(str.strip, lines), 1):
        try:
            values = json.loads(line)
        except json.JSONDecodeError as fault:
            yield DataRow(number, fault=f"not JSON: {fault.msg} at character {fault.pos}")
            continue
        if isinstance(values, dict):
            yield DataRow(number, values)
        else:
            yield DataRow(number, fault="not a JSON object")


def _read_smi(lines: Iterable[str]) -> Iterator[DataRow]:
    for number, line in enumerate(filter(str.strip, lines), 1):
        smiles, _, name = line.strip().partition(" ") if "\t" not in line else line.strip().partition("\t")
        yield DataRow(number, {"smiles": smiles, "name": name.strip()})


def _read_text(lines: Iterable[str]) -> Iterator[DataRow]:
    for number, line in enumerate(filter(str.strip, lines), 1):
        yield DataRow(number, {"text": line.strip()})


_READERS: dict[str, Callable[[Iterable[str]], Iterator[DataRow]]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".smi": _read_smi,
    ".smiles": _read_smi,
    ".txt": _read_text,
}
