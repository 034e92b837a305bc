"""The report of an evaluation, JSON values: figures with intervals and definitions, and what repeating it takes."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tools.errors import InputError
from tools.evaluation.protocol import Evaluator, Figure, Record, Setup
from tools.evaluation.records import identity_key

_SHOWN_FAILURES = 50
_VERSIONS = ("organon", "rdkit", "numpy", "scipy", "torch", "transformers")


def build_report(
    evaluator: Evaluator,
    setup: Setup,
    identity: Mapping[str, Any],
    records: Sequence[Record],
    figures: Sequence[Figure],
    checkpoint_path: str,
    selection: Mapping[str, Any],
) -> dict[str, Any]:
    failed = [record for record in records if record.get("failed")]
    return {
        "task": evaluator.name,
        "title": evaluator.title,
        "figures": {figure.name: _figure_json(figure) for figure in figures},
        "settings": {**asdict(setup.settings), **selection},
        "key": identity_key(identity),
        "checkpoint": {"path": checkpoint_path, "sha256": setup.generator.checkpoint_hash},
        "device": setup.generator.device,
        "data": {"path": str(setup.data), "sha256": identity["data_sha256"]},
        "references": [
            {"path": str(path), "sha256": digest}
            for path, digest in zip(setup.references, identity["references_sha256"], strict=True)
        ],
        "structures": None if setup.structures is None else str(setup.structures),
        "n_rows": len(records),
        "n_failed": len(failed),
        "failed": [{"case": record["case"], "reason": record["failed"]} for record in failed[:_SHOWN_FAILURES]],
        "seconds": 0.0,
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in _VERSIONS}},
    }


def _figure_json(figure: Figure) -> dict[str, Any]:
    """Values to six significant digits: float32 sums differ in the seventh between batches."""
    values = {name: _rounded(getattr(figure, name)) for name in ("value", "low", "high")}
    return {**values, "n": figure.n, "interval": figure.interval, "definition": figure.definition}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    try:
        path.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as fault:
        raise InputError(f"cannot write {path}: {fault.strerror or fault}") from None
