"""What a checkpoint was made of and how: the corpus's own table and the training stages' own summaries, for its card.

Paths of the machine that trained are left out. What a summary does not say is not guessed, except the floating-point
operations, which are then 6 x active parameters x tokens (Kaplan et al. 2020, arXiv:2001.08361, without attention's
share) and marked as estimated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.errors import ModelInputError

_CORPUS = ("table", "dropped", "vocab_size", "overlap")
"""`overlap`: modality -> documents read back from the packed tokens and how many of them are of a held-out object, as
`models.training.overlap.count_overlaps` gives it; optional."""
_ROW = ("modality", "part", "source", "licence", "documents", "tokens")


def read_corpus(path: Path) -> dict[str, Any]:
    """Table and dropped rows of a `corpus.json`; ModelInputError where it is none."""
    found = _read(path)
    if not isinstance(found.get("table"), list) or not isinstance(found.get("dropped"), Mapping):
        raise ModelInputError(f"{path} is no corpus.json: it has no table and no list of what was dropped")
    for row in found["table"]:
        missing = [name for name in _ROW if name not in row]
        if missing:
            raise ModelInputError(f"{path}: a row of its table lacks {', '.join(missing)}")
    return {name: found[name] for name in _CORPUS if name in found}


def read_training(path: Path, active_parameters: int, machine: str = "") -> dict[str, Any]:
    """The summary of one stage, with what it lacks filled in: stage (else the name of the folder it lies in), `machine`
    and floating-point operations (where it counts tokens)."""
    found = _read(path)
    if "steps" not in found or not isinstance(found.get("config"), Mapping):
        raise ModelInputError(f"{path} is no summary.json of a training stage: it has no steps and config")
    kept = {name: value for name, value in found.items() if not _holds_path(value)}
    kept.setdefault("stage", path.resolve().parent.name)
    kept.setdefault("machine", machine)
    if "flops" not in kept and "tokens_seen" in kept:
        kept["flops"] = 6.0 * active_parameters * float(kept["tokens_seen"])
        kept["flops_estimated"] = True
    return kept


def read_architectures(path: Path) -> list[dict[str, Any]]:
    """Rows of the comparison the architecture was chosen by: a JSON list of objects with the same keys."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise ModelInputError(f"{path} cannot be read as JSON: {fault}") from None
    rows = found.get("rows") if isinstance(found, Mapping) else found
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise ModelInputError(f"{path} is no comparison of architectures: expected a list of rows")
    return rows


def _holds_path(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("/")


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise ModelInputError(f"{path} cannot be read: {fault.strerror or fault}") from None
    except ValueError as fault:
        raise ModelInputError(f"{path} is not JSON: {fault}") from None
    if not isinstance(found, dict):
        raise ModelInputError(f"{path} is not a JSON object")
    return found
