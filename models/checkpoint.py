"""What a checkpoint directory is: where the shipped one lies, whether one is safe to load, and facts read
without loading.

Only safetensors weights are served. A directory with pickled weights alone (`*.bin`, `*.pt`) is refused,
because unpickling runs code; so is one whose architecture needs code shipped beside the weights. Downloaded is
only what is asked for by a hub id (`models.hub`).
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections import Counter
from pathlib import Path
from typing import Any

from models.errors import CheckpointError
from models.hub import fetch_checkpoint, is_hub_id

SHIPPED_CHECKPOINT = Path(__file__).resolve().parent / "weights"

_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_HEADER_LIMIT = 100_000_000
"""Largest safetensors header accepted (bytes); the format's own limit."""


def locate_checkpoint(checkpoint: Path | str | None) -> Path:
    """The directory to load (None: the shipped one; `org/name`: that model of the hub, fetched if need be),
    with a config and safetensors weights in it, or CheckpointError."""
    if checkpoint is not None and is_hub_id(str(checkpoint)):
        folder = fetch_checkpoint(str(checkpoint))
    else:
        folder = SHIPPED_CHECKPOINT if checkpoint is None else Path(checkpoint)
    if checkpoint is None and not any(folder.glob("*.safetensors")):
        raise CheckpointError("this installation carries no weights in models/weights; name a checkpoint directory")
    if not folder.is_dir():
        raise CheckpointError(
            f"checkpoint {str(folder)!r} is not a directory; give one with config.json and *.safetensors, "
            "or the id of a model on the Hugging Face hub (org/name)"
        )
    if not (folder / "config.json").is_file():
        raise CheckpointError(f"checkpoint {str(folder)!r} has no config.json: it is not a transformers checkpoint")
    if not weight_files(folder):
        pickled = sorted(path.name for pattern in _PICKLED for path in folder.glob(pattern))
        if pickled:
            raise CheckpointError(
                f"checkpoint {str(folder)!r} has pickled weights only ({pickled[0]}), which can run code "
                "when loaded; convert them to safetensors"
            )
        raise CheckpointError(f"checkpoint {str(folder)!r} has no *.safetensors weights")
    return folder


def weight_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))


def read_config(folder: Path) -> dict[str, Any]:
    """config.json as it stands."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise CheckpointError(f"config.json of {str(folder)!r} cannot be read: {fault}") from fault
    if not isinstance(config, dict):
        raise CheckpointError(f"config.json of {str(folder)!r} is not a JSON object")
    return config


def read_safetensors_header(path: Path) -> dict[str, dict[str, Any]]:
    """Tensor name -> {"dtype", "shape", "data_offsets"} of one file, the weights themselves not read."""
    try:
        with path.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > _HEADER_LIMIT:
                raise CheckpointError(f"{path.name} is not a safetensors file (header of {size} bytes)")
            header = json.loads(file.read(size))
    except (OSError, ValueError, struct.error) as fault:
        if isinstance(fault, CheckpointError):
            raise
        raise CheckpointError(f"{path.name} is not a whole safetensors file: {fault}") from fault
    header.pop("__metadata__", None)
    return dict(header)


def count_parameters(folder: Path) -> tuple[int, dict[str, int]]:
    """Stored parameters in all (a tied matrix once), and how many are stored in each number type."""
    by_type: Counter[str] = Counter()
    for path in weight_files(folder):
        for tensor in read_safetensors_header(path).values():
            by_type[str(tensor["dtype"])] += math.prod(tensor["shape"])
    return sum(by_type.values()), dict(by_type)


def hash_weights(folder: Path) -> str:
    """SHA-256 over names and contents of all safetensors files, in name order."""
    digest = hashlib.sha256()
    for path in weight_files(folder):
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            while chunk := file.read(1 << 22):
                digest.update(chunk)
    return digest.hexdigest()


def read_card_title(folder: Path) -> str | None:
    """The first heading of the model card (README.md), else its first `model_name`/`name` entry, else None."""
    card = folder / "README.md"
    if not card.is_file():
        return None
    for line in card.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("# "):
            return line[2:].strip()
    return None


def context_length(config: Any) -> int:
    """Longest sequence in tokens that a transformers config declares (4096 where it declares none)."""
    text = config.get_text_config(decoder=True)
    for name in ("max_position_embeddings", "n_positions", "max_sequence_length"):
        value = getattr(text, name, None)
        if isinstance(value, int) and value > 0:
            return value
    return 4096
