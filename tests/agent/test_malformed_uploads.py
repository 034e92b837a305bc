"""Uploads that are broken, hostile or both: each is one clear line, nothing crashes, the good ones still go in.

Mutations are drawn from a seed: bytes flipped, cut, repeated, spliced; NUL bytes; very long lines; bombs; names
that are paths. Real files of each kind are the start.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.config import Settings
from agent.library import Taken, ingest_artifacts, search
from agent.session import Session
from tests.tools.literature import open_documents

SDF = """
  test

  2  1  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0
    1.5000    0.0000    0.0000 O   0  0
  1  2  1  0
M  END
"""
NAMES = (
    "../../etc/passwd{}",
    "a\x00b{}",
    "line\nbreak{}",
    "x" * 300 + "{}",
    "\u202egnp{}",
    "con{}",
    " {}",
    "<img src=x onerror=alert(1)>{}",
    "plain{}",
    "$(reboot){}",
    "{}",
)
Mutation = Callable[[bytes, random.Random], bytes]


def flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 40)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data)) + 1]


def behead(data: bytes, rng: random.Random) -> bytes:
    return data[rng.randrange(len(data)) :]


def repeat(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start : start + 50] * rng.randint(2, 60) + data[start:]


def splice(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + rng.randbytes(rng.randint(1, 300)) + data[place:]


def zeros(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + b"\x00" * rng.randint(1, 50) + data[place:]


def long_line(data: bytes, rng: random.Random) -> bytes:
    return data + rng.choice([b"C", b"(", b"a,", b"{", b"[1] ", b"$$$$", b'"']) * rng.choice([10_000, 100_000])


def numbers(data: bytes, rng: random.Random) -> bytes:
    """Digits made others: lengths, offsets and references of a PDF, counts of an SDF."""
    return bytes(rng.choice(b"0123456789-") if 48 <= c <= 57 and rng.random() < 0.1 else c for c in data)


MUTATIONS: tuple[Mutation, ...] = (flip, cut, behead, repeat, splice, zeros, long_line, numbers)


def bomb(megabytes: int) -> bytes:
    """A PDF whose only page unpacks to this many MiB."""
    stream = zlib.compress(b"BT /F1 9 Tf (a) Tj ET\n" * (megabytes * 2**20 // 22), 9)
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << >> >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    body, offsets = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(body)
    return body + b"xref\n0 5\n0000000000 65535 f \n%strailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
        table,
        start,
    )


def starts(folder: Path) -> list[tuple[str, bytes]]:
    """(suffix, bytes) of good files of each kind."""
    title, pages = open_documents.PDFS["imatinib.pdf"]
    pdf = open_documents.make_pdf(folder / "good.pdf", title, pages).read_bytes()
    table = "name,smiles,IC50 (nM)\n" + "".join(f"A-{n},{'C' * n}O,{n}\n" for n in range(1, 20))
    texts = {
        ".csv": table,
        ".tsv": table.replace(",", "\t"),
        ".sdf": (SDF + ">  <Ki>\n12\n\n$$$$\n") * 5,
        ".smi": "CCO ethanol\nc1ccccc1 benzene\n",
        ".bib": open_documents.BIBLIOGRAPHY,
        ".md": open_documents.MARKDOWN["retrosynthesis.md"],
        ".txt": open_documents.TEXTS["lysozyme.txt"],
    }
    return [(".pdf", pdf), (".pdf", pdf), *((suffix, text.encode()) for suffix, text in texts.items())]


def uploads(folder: Path, n: int, seed: int) -> list[tuple[str, bytes]]:
    """`n` malformed uploads as (name, bytes)."""
    rng, good, found = random.Random(seed), starts(folder), list[tuple[str, bytes]]()
    while len(found) < n:
        suffix, data = good[len(found) % len(good)]
        for _ in range(rng.randint(1, 2)):
            data = rng.choice(MUTATIONS)(data, rng)
        if rng.random() < 0.1:
            suffix = rng.choice([other for other, _ in good])
        found.append((rng.choice(NAMES).format(suffix), data))
    return found


def take(session: Session, files: list[tuple[str, bytes]]) -> list[Taken]:
    return ingest_artifacts(session, [(session.artifacts.put(data, ".upload"), name) for name, data in files])


def examine(session: Session, taken: list[Taken]) -> None:
    for entry in taken:
        if entry.state == "refused":
            assert entry.reason
            assert "\n" not in entry.reason
            assert len(entry.reason) < 400
            assert "Traceback" not in entry.reason
            assert "(crash" not in entry.reason, entry
            assert "(error" not in entry.reason, entry
        assert not any(c in entry.file for c in "\n\x00/\u202e") or entry.file.count("/") == 0
        assert len(entry.file) <= 120
    for document in session.ledger.documents():
        for passage in session.ledger.passages_of_document(document.document_id):
            assert passage.text.encode()
    good = take(session, [("good.txt", b"Ciprofloxacin inhibits DNA gyrase of bacteria.")])
    assert good[0].state == "added"
    assert any("gyrase" in hit.passage.text for hit in search(session, "What inhibits gyrase?", 3).hits)


def test_two_hundred_malformed_uploads(tmp_path: Path) -> None:
    session = Session.open(Settings(home=tmp_path / "home", workers=2))
    files = [*uploads(tmp_path, 199, seed=1), ("bomb.pdf", bomb(40))]
    taken = take(session, files)
    assert len(taken) == 200
    assert sum(entry.state == "refused" for entry in taken) >= 40
    examine(session, taken)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_five_hundred_malformed_uploads(tmp_path: Path) -> None:
    session = Session.open(Settings(home=tmp_path / "home", workers=2))
    files = [*uploads(tmp_path, 496, seed=2), *((f"bomb{n}.pdf", bomb(n)) for n in (1, 60, 90, 300))]
    taken = take(session, files)
    assert len(taken) == 500
    examine(session, taken)
