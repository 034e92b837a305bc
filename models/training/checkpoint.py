"""Training checkpoints: weights, optimiser, random state and counters, as safetensors and JSON only (no
pickle).

A checkpoint is written beside its place and renamed into it, so a kill in mid-write leaves the one before
intact. The two newest are kept.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from models.errors import CheckpointError
from models.tokenizer import ScientificTokenizer

KEEP = 2


class CorruptCheckpointError(CheckpointError):
    """A training checkpoint is incomplete or of another model; says which file and why."""


def save_checkpoint(
    out: Path,
    step: int,
    model: Any,
    optimizer_state: dict[str, torch.Tensor],
    state: dict[str, Any],
    tokenizer: ScientificTokenizer | None = None,
    name: str | None = None,
) -> Path:
    """Write `out/checkpoints/NAME` (`step-NNNNNNN` unless named); returns its path. Named ones are never removed."""
    folder = out / "checkpoints"
    name = name or f"step-{step:07d}"
    final, partial = folder / name, folder / f".{name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    model.save_pretrained(partial)
    if tokenizer is not None:
        tokenizer.save(partial)
    tensors = {**optimizer_state, "rng": torch.get_rng_state()}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial / "optimizer.safetensors")
    (partial / "state.json").write_text(json.dumps({"step": step, **state}, indent=1))
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    for old in checkpoints(out)[:-KEEP]:
        shutil.rmtree(old)
    return final


def checkpoints(out: Path) -> list[Path]:
    """Complete checkpoints of a run, oldest first."""
    return sorted((out / "checkpoints").glob("step-*"))


def load_checkpoint(folder: Path, model: Any) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Put the weights of `folder` into `model`; returns the optimiser state and the counters. Restores the
    random state.
    """
    for name in ("model.safetensors", "optimizer.safetensors", "state.json"):
        if not (folder / name).is_file():
            raise CorruptCheckpointError(f"{folder} lacks {name}")
    load_weights(folder, model)
    optimizer_state = load_file(folder / "optimizer.safetensors")
    torch.set_rng_state(optimizer_state.pop("rng"))
    return optimizer_state, json.loads((folder / "state.json").read_text())


def load_weights(folder: Path, model: Any) -> None:
    """Put the weights of the checkpoint `folder`, and nothing else of it, into `model`.

    Read by the model's own class, because transformers names and stacks the weights of experts otherwise in a file
    than in the network.
    """
    if not (folder / "model.safetensors").is_file():
        raise CorruptCheckpointError(f"{folder} lacks model.safetensors")
    try:
        read = type(model).from_pretrained(folder, dtype=model.dtype, local_files_only=True, use_safetensors=True)
        model.load_state_dict(read.state_dict())
    except (OSError, ValueError, RuntimeError, SafetensorError) as fault:
        reason = " ".join(str(fault).split())[:200]
        raise CorruptCheckpointError(f"{folder} holds weights of another model: {reason}") from fault
