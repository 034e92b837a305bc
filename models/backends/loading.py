"""Load a checkpoint directory into a `CausalLM`: on the CPU in fp32, on a GPU in bf16 unless told otherwise.

Weights load from safetensors only, code beside them never runs, nothing is downloaded, and a weight that is
missing from the files is an error, where transformers would fill it with random numbers and a warning.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from models.backends.causal_lm import CausalLM
from models.backends.memory import is_out_of_memory
from models.backends.text_codec import load_codec
from models.checkpoint import locate_checkpoint
from models.errors import CheckpointError, ModelInputError, ModelMemoryError

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def load_causal_lm(
    checkpoint: Path | str | None = None,
    *,
    device: str = "auto",
    dtype: str = "auto",
    max_batch: int | None = None,
) -> CausalLM:
    """Load a checkpoint directory (None: the shipped one). `device` auto is cuda where there is one, else
    cpu; `dtype` auto is bfloat16 on a GPU and float32 on the CPU. Raises CheckpointError or ModelInputError
    with the reason."""
    folder = locate_checkpoint(checkpoint)
    place = _resolve_device(device)
    if dtype != "auto" and dtype not in _DTYPES:
        raise ModelInputError(f"dtype must be auto or one of {', '.join(_DTYPES)}, got {dtype!r}")
    number_type = _DTYPES[dtype] if dtype != "auto" else (torch.bfloat16 if place.type == "cuda" else torch.float32)
    model = load_model(folder, number_type)
    codec = load_codec(folder, _eos_ids(model))
    if codec.n_ids > model.config.get_text_config(decoder=True).vocab_size:
        n_vocab = model.config.get_text_config(decoder=True).vocab_size
        raise CheckpointError(f"the tokenizer has {codec.n_ids} ids, the model {n_vocab}: they do not belong together")
    try:
        model.to(place)
    except RuntimeError as fault:
        if is_out_of_memory(fault):
            raise ModelMemoryError(f"the weights do not fit into the memory of {place}") from fault
        raise
    return CausalLM(model, codec, folder=folder, max_batch=max_batch)


def load_model(folder: Path, dtype: torch.dtype) -> Any:
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as fault:
        raise CheckpointError(
            f"checkpoint {str(folder)!r} cannot be loaded: {' '.join(str(fault).split())[:300]}"
        ) from fault
    finally:
        if shown:
            logging.enable_progress_bar()
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise CheckpointError(f"checkpoint {str(folder)!r} lacks {len(missing)} weights, the first {missing[0]!r}")
    model.eval()
    model.requires_grad_(False)
    return model


def _eos_ids(model: Any) -> set[int]:
    """End-of-text ids of the generation settings and of the config (either may be one id, a list or absent)."""
    found: set[int] = set()
    for source in (model.generation_config, model.config):
        value = getattr(source, "eos_token_id", None)
        if value is not None:
            found |= {int(at) for at in (value if isinstance(value, list | tuple) else [value])}
    return found


def _resolve_device(device: str) -> torch.device:
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        place = torch.device(device)
    except RuntimeError as fault:
        raise ModelInputError(f"device must be auto, cpu or cuda[:N], got {device!r}") from fault
    if place.type not in ("cpu", "cuda"):
        raise ModelInputError(f"device must be auto, cpu or cuda[:N], got {device!r}")
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        raise ModelInputError(f"device {device!r} is not there: torch sees {torch.cuda.device_count()} CUDA devices")
    return place
