"""A corpus as one compressed file, to travel to the machine that trains, and back into a directory there.

The file is a tar archive compressed with xz; its bytes depend on the corpus alone (no times, no owners), so that two
builds of the same data can be compared by their hash.
"""

from __future__ import annotations

import lzma
import tarfile
from pathlib import Path

from models.errors import ModelInputError

MAX_BYTES = 40_000_000
"""What a packed corpus may weigh: code, corpus and a starting checkpoint are sent to a lent machine in one parcel."""
_PRESET = 6  # of 0..9; 4 is three times as fast and leaves reactions and molecules a fifth larger


def pack_corpus(corpus: Path, archive: Path, max_bytes: int = MAX_BYTES) -> int:
    """Write `corpus` into `archive` (.tar.xz); returns its size in bytes. ModelInputError where it is too large."""
    if not (corpus / "corpus.json").is_file():
        raise ModelInputError(
            f"{corpus} is no corpus: it has no corpus.json; build one with `organon model corpus build`"
        )
    archive.parent.mkdir(parents=True, exist_ok=True)
    partial = archive.with_name(f".{archive.name}.partial")
    with lzma.open(partial, "wb", preset=_PRESET) as stream, tarfile.open(fileobj=stream, mode="w") as tar:
        for path in sorted(path for path in corpus.rglob("*") if path.is_file()):
            entry = tarfile.TarInfo(str(path.relative_to(corpus)))
            entry.size = path.stat().st_size
            with path.open("rb") as file:
                tar.addfile(entry, file)
    size = partial.stat().st_size
    if size > max_bytes:
        partial.unlink()
        raise ModelInputError(
            f"the packed corpus weighs {size:,} bytes, more than {max_bytes:,}: build it with smaller shares"
        )
    partial.replace(archive)
    return size


def unpack_corpus(archive: Path, out: Path) -> Path:
    """Unpack `archive` into `out` and return it. Raises ModelInputError where it is no whole archive of a corpus."""
    out.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive, "r:xz") as tar:
            tar.extractall(out, filter="data")
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise ModelInputError(f"{archive} is no whole packed corpus ({error}); pack or copy it again") from error
    if not (out / "corpus.json").is_file():
        raise ModelInputError(f"{archive} holds no corpus: corpus.json is missing")
    return out
