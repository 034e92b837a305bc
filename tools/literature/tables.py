"""Tables of own data: CSV, TSV, SDF, SMILES files. A row is a passage; values stay as they were written.

The molecule column is found by its name (smiles, structure, ...) or else by its content: a column of which at least
`PARSED_SHARE` of the first values parse as SMILES and look like structures rather than words. Units are what stands in
the column's name; no value is converted, rounded or compared here.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from rdkit import Chem, rdBase

from tools.errors import InputError
from tools.literature.documents import Document, Row, one_line
from tools.molecule.parse import canonical_parent

MAX_ROWS = 20_000
MAX_FIELD = 2_000
MAX_COLUMNS = 300
PARSED_SHARE = 0.8
N_LOOKED_AT = 50
_MOLECULE_NAMES = ("smiles", "canonical_smiles", "isomeric_smiles", "structure", "molecule", "mol", "compound_smiles")
_STRUCTURE_LIKE = re.compile(r"[a-z]\d|[()=#\[\]@]")
_NAME_COLUMNS = ("name", "compound", "id", "molecule_name", "compound_id", "identifier", "title")


def read_delimited(name: str, digest: str, text: str) -> list[Document]:
    """CSV or TSV with a header. InputError where it is no table."""
    header, rows, warnings = _cells(name, text)
    smiles_at = find_molecule_column(header, [cells for _, cells in rows])
    found, unread = [], 0
    for number, cells in rows:
        values = {column: cell for column, cell in zip(header, cells, strict=False) if cell}
        if not values:
            continue
        smiles = _parent(cells[smiles_at]) if smiles_at is not None and smiles_at < len(cells) else ""
        unread += smiles_at is not None and not smiles
        found.append(Row(row_text(values), number, smiles, values))
    if not found:
        raise InputError(f"{name} has a header but no rows")
    if smiles_at is None:
        warnings.append("no molecule column found: rows are searched by their words only")
    elif unread:
        warnings.append(f"{unread} of {len(found)} rows hold no molecule that parses in column {header[smiles_at]!r}")
    return [_table(name, digest, found, warnings, f"columns: {', '.join(header)}")]


def read_sdf(name: str, digest: str, text: str) -> list[Document]:
    """SDF or MOL: each record's title, its data fields, and its molecule."""
    rows, unread, n = [], 0, 0
    with rdBase.BlockLogs():
        for number, record in enumerate(_records(text), 1):
            n = number
            if number > MAX_ROWS:
                break
            block, _, rest = record.partition("M  END")
            mol = Chem.MolFromMolBlock(block + "M  END\n") if rest or "V2000" in block or "V3000" in block else None
            smiles = _parent(Chem.MolToSmiles(mol)) if mol is not None and mol.GetNumAtoms() else ""
            unread += not smiles
            values = dict(itertools.islice(_data_fields(rest), MAX_COLUMNS))
            title = one_line(block.partition("\n")[0], 200)
            if smiles or values:
                values = {**({"name": title} if title else {}), **values}
                rows.append(Row(row_text({**values, **({"SMILES": smiles} if smiles else {})}), number, smiles, values))
    if not any(row.smiles for row in rows):
        raise InputError(f"{name} holds no molecule that RDKit accepts ({n} records)")
    warnings = [f"{unread} of {n} records hold no molecule that RDKit accepts"] if unread else []
    if n > MAX_ROWS:
        warnings.append(f"only the first {MAX_ROWS:,} records were read")
    return [_table(name, digest, rows, warnings, f"{len(rows)} molecules")]


def read_smiles(name: str, digest: str, text: str) -> list[Document]:
    """One SMILES a line, a name behind it where there is one."""
    lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip() and not line.startswith("#")]
    rows, unread = [], 0
    for number, line in lines[:MAX_ROWS]:
        written, _, label = line.strip().partition(" ") if "\t" not in line else line.strip().partition("\t")
        smiles = _parent(written[:MAX_FIELD])
        if not smiles:
            unread += 1
            continue
        values = {"SMILES": written[:MAX_FIELD], **({"name": one_line(label, 200)} if label.strip() else {})}
        rows.append(Row(row_text(values), number, smiles, values))
    if not rows:
        raise InputError(f"{name} holds no SMILES that parses ({len(lines)} lines)")
    warnings = [f"{unread} of {len(lines)} lines hold no SMILES that parses"] if unread else []
    if len(lines) > MAX_ROWS:
        warnings.append(f"only the first {MAX_ROWS:,} lines were read")
    return [_table(name, digest, rows, warnings, f"{len(rows)} molecules")]


def row_name(values: Mapping[str, str]) -> str:
    """What a row calls its molecule; "" where no column is one of names."""
    named = {re.sub(r"[^a-z]+", "_", column.lower()).strip("_"): value for column, value in values.items()}
    return next((named[column] for column in _NAME_COLUMNS if column in named), "")


def find_molecule_column(header: Sequence[str], rows: Sequence[Sequence[str]]) -> int | None:
    """Index of the column that holds SMILES; None where none does."""
    plain = [re.sub(r"[^a-z]+", "_", column.lower()).strip("_") for column in header]
    named = [plain.index(name) for name in _MOLECULE_NAMES if name in plain]
    named += [index for index, name in enumerate(plain) if name.endswith("smiles") and index not in named]
    for index in [*named, *(i for i in range(len(header)) if i not in named)]:
        values = [row[index] for row in rows[:N_LOOKED_AT] if index < len(row) and row[index]]
        parsed = sum(bool(_parent(value)) for value in values)
        if not values or parsed < PARSED_SHARE * len(values):
            if index in named and parsed:
                return index
            continue
        if index in named or sum(bool(_STRUCTURE_LIKE.search(value)) for value in values) * 2 >= len(values):
            return index
    return None


def row_text(values: dict[str, str]) -> str:
    """A row as a line of words: "name: imatinib; IC50 (nM): 38"."""
    return "; ".join(f"{column}: {value}" for column, value in values.items())


def _cells(name: str, text: str) -> tuple[list[str], list[tuple[int, list[str]]], list[str]]:
    """Header, rows (their numbers as a spreadsheet counts them, cells cut at `MAX_FIELD`), warnings."""
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text[:20_000], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel_tab if name.lower().endswith((".tsv", ".tab")) else csv.excel
    csv.field_size_limit(10_000_000)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), dialect)
        read = [
            [cell.strip()[:MAX_FIELD] for cell in line[:MAX_COLUMNS]] for line in itertools.islice(reader, MAX_ROWS + 2)
        ]
    except csv.Error as error:
        raise InputError(f"{name} is not a table that can be read: {error}") from error
    rows = [(number, line) for number, line in enumerate(read[: MAX_ROWS + 1], 1) if any(line)]
    cells = [line for _, line in rows]
    if not cells or (max(map(len, cells)) < 2 and find_molecule_column(cells[0], cells[1:]) is None):
        raise InputError(f"{name} is no table: it has one column, which holds no SMILES")
    header = [one_line(cell, 120) or f"column {index}" for index, cell in enumerate(cells[0], 1)]
    header = [
        column if header.index(column) == index else f"{column} ({index + 1})" for index, column in enumerate(header)
    ]
    warnings = [f"only the first {MAX_ROWS:,} rows were read"] if len(read) > MAX_ROWS + 1 else []
    uneven = sum(len(line) != len(header) for line in cells[1:])
    if uneven:
        warnings.append(f"{uneven} of {len(rows) - 1} rows have more or fewer cells than the header")
    return header, rows[1:], warnings


def _records(text: str) -> Iterator[str]:
    """The records of an SDF, without the empty rest behind the last separator."""
    for record in re.split(r"^\$\$\$\$[^\n]*\n?", text, flags=re.MULTILINE):
        if record.strip():
            yield record


def _data_fields(rest: str) -> Iterator[tuple[str, str]]:
    """(tag, value) of a record's data items; several lines of a value become one, and may begin with > (">10000")."""
    for part in re.split(r"^>(?=[^\n]*<[^<>\n]+>)", rest, flags=re.MULTILINE)[1:]:
        heading, _, value = part.partition("\n")
        tag = re.search(r"<([^<>]+)>", heading)
        if tag and value.strip():
            yield one_line(tag.group(1), 120), one_line(value, MAX_FIELD)


def _parent(written: str) -> str:
    """Canonical neutral parent of the largest part; "" where it does not parse."""
    if len(written) > MAX_FIELD or not written:
        return ""
    try:
        return canonical_parent(written, largest_fragment=True)
    except InputError:
        return ""


def _table(name: str, digest: str, rows: list[Row], warnings: list[str], about: str) -> Document:
    return Document(
        kind="table",
        identity=f"file {digest}",
        source=name,
        title=one_line(f"{name} ({about})"),
        rows=tuple(rows),
        warnings=tuple(warnings),
    )
