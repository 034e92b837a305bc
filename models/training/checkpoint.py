"""Training checkpoints: weights, optimiser, random state, counters and tokenizer, as safetensors and JSON only (no
pickle).

A checkpoint is written beside its place and renamed into it, so a kill or a full disk in mid-write leaves the one
before intact. The two newest are kept, and those with a name of their own.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from models.errors import CheckpointError, TrainingError
from models.tokenizer import ScientificTokenizer
from models.training.sharding import like

KEEP = 2
ROOM_BESIDE = 4_000_000  # bytes beside the tensors: tokenizer, configuration, state


class CorruptCheckpointError(CheckpointError):
    """A training checkpoint is incomplete or of another model; says which file and why."""


class CheckpointSpaceError(TrainingError):
    """A checkpoint could not be written; says where, how much room it needs and which one is still good."""


def save_checkpoint(
    out: Path,
    step: int,
    model: Any,
    optimizer_state: dict[str, torch.Tensor],
    state: dict[str, Any],
    tokenizer: ScientificTokenizer | None = None,
    name: str | None = None,
    weights: dict[str, torch.Tensor] | None = None,
) -> Path:
    """Write `out/checkpoints/NAME` (`step-NNNNNNN` unless named); returns its path. Named ones are never removed.

    `weights`: the whole weights where `model` holds only a part of them.
    """
    folder = out / "checkpoints"
    name = name or f"step-{step:07d}"
    final, partial = folder / name, folder / f".{name}.partial"
    for leftover in folder.glob(".*.partial"):
        shutil.rmtree(leftover, ignore_errors=True)
    partial.mkdir(parents=True)
    tensors = {**optimizer_state, "rng": torch.get_rng_state()}
    held = weights if weights is not None else dict(model.named_parameters())  # tied weights once
    needed = sum(t.numel() * t.element_size() for t in [*held.values(), *tensors.values()]) + ROOM_BESIDE
    try:
        if shutil.disk_usage(folder).free < needed:
            raise OSError("no space left on device")
        model.save_pretrained(partial, state_dict=weights)
        if tokenizer is not None:
            tokenizer.save(partial)
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, partial / "optimizer.safetensors")
        (partial / "state.json").write_text(json.dumps({"step": step, **state}, indent=1))
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
    except (OSError, SafetensorError) as fault:
        shutil.rmtree(partial, ignore_errors=True)
        found = checkpoints(out)
        good = f"{found[-1]} is still good" if found else "there is none yet"
        raise CheckpointSpaceError(
            f"checkpoint {final} could not be written ({' '.join(str(fault).split())}): it needs "
            f"{needed / 1e6:.0f} MB, {shutil.disk_usage(folder).free / 1e6:.0f} MB are free; "
            f"{good}; make room and resume"
        ) from fault
    for old in checkpoints(out)[:-KEEP]:
        shutil.rmtree(old)
    return final


def checkpoints(out: Path) -> list[Path]:
    """Complete checkpoints of a run, oldest first (not those with a name of their own)."""
    return sorted((out / "checkpoints").glob("step-*"))


def newest_checkpoint(out: Path) -> Path:
    """The checkpoint from which a run is resumed; TrainingError where it has none."""
    found = checkpoints(out)
    if not found:
        raise TrainingError(f"nothing to resume: {out} holds no checkpoint")
    return found[-1]


def check_new(out: Path) -> None:
    """TrainingError where `out` holds a run; one killed before its first checkpoint is begun again."""
    if checkpoints(out):
        raise TrainingError(f"{out} already holds a run: resume it or give another folder")


def load_checkpoint(folder: Path, model: Any) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Put the weights of `folder` into `model`; returns the optimiser state and the counters. Restores the
    random state.
    """
    for name in ("model.safetensors", "optimizer.safetensors", "state.json"):
        if not (folder / name).is_file():
            raise CorruptCheckpointError(f"{folder} lacks {name}")
    load_weights(folder, model)
    optimizer_state = _read_tensors(folder / "optimizer.safetensors")
    torch.set_rng_state(optimizer_state.pop("rng"))
    return optimizer_state, read_state(folder)


def read_state(folder: Path) -> dict[str, Any]:
    """The counters in a checkpoint."""
    try:
        found: dict[str, Any] = json.loads((folder / "state.json").read_text())
    except (OSError, json.JSONDecodeError) as fault:
        raise CorruptCheckpointError(f"{folder} lacks a readable state.json: {fault}") from fault
    return found


def load_weights(folder: Path, model: Any) -> None:
    """Put the weights of the checkpoint `folder`, and nothing else of it, into `model` (split or not)."""
    given = _read_weights(folder)
    own = dict(model.named_parameters())  # a tied output matrix goes by the embedding's name
    wrong = sorted(own.keys() ^ given.keys())
    wrong += [name for name in own.keys() & given.keys() if own[name].shape != given[name].shape]
    if wrong:
        raise CorruptCheckpointError(f"{folder} holds weights of another model: {', '.join(wrong[:3])}")
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(like(given[name].to(parameter.dtype), parameter))


def _read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """By name in the network. Read by transformers, in whose files experts stand one by one, under other names."""
    from transformers import AutoModelForCausalLM

    if not sorted(folder.glob("model*.safetensors")):
        raise CorruptCheckpointError(f"{folder} lacks model.safetensors")
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            folder, dtype="auto", local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as fault:
        reason = " ".join(str(fault).split())[:200]
        raise CorruptCheckpointError(f"{folder} cannot be read, it may be cut off: {reason}") from fault
    odd = sorted([*report["missing_keys"], *report["unexpected_keys"]])
    if odd:
        raise CorruptCheckpointError(f"{folder} holds weights of another model: {', '.join(odd[:3])}")
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def _read_tensors(file: Path) -> dict[str, torch.Tensor]:
    try:
        found: dict[str, torch.Tensor] = load_file(file)
    except (OSError, SafetensorError) as fault:
        raise CorruptCheckpointError(f"{file} cannot be read, it may be cut off: {fault}") from fault
    return found
