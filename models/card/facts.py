"""Facts of a checkpoint directory that its card states, read from config.json and the headers of the weight files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from models.checkpoint import read_config, read_safetensors_header, weight_files

_EXPERT = ".experts."
"""Part of the names of expert weights in transformers' sparse models; the router is `mlp.gate`."""


def model_facts(folder: Path) -> dict[str, Any]:
    """Keys: architecture, parameters (a tied matrix once), active_parameters (of a sparse model those one token meets,
    else all), megabytes (1e6 bytes) and files of weights, dtype, layers, width, heads, experts (0: dense),
    experts_per_token, context (tokens), vocabulary (tokens)."""
    config = read_config(folder)
    files = weight_files(folder)
    shared = routed = 0
    types: set[str] = set()
    for path in files:
        for name, tensor in read_safetensors_header(path).items():
            size = math.prod(tensor["shape"])
            types.add(str(tensor["dtype"]))
            if _EXPERT in name:
                routed += size
            else:
                shared += size
    n_experts = int(config.get("num_experts") or config.get("num_local_experts") or 0)
    used = int(config.get("num_experts_per_tok") or 0) if n_experts else 0
    active = shared + (routed * used // n_experts if n_experts else routed)
    return {
        "architecture": str((config.get("architectures") or ["unknown"])[0]),
        "parameters": shared + routed,
        "active_parameters": active,
        "megabytes": round(sum(path.stat().st_size for path in files) / 1e6, 2),
        "files": len(files),
        "dtype": ", ".join(sorted(types)),
        "layers": int(config["num_hidden_layers"]),
        "width": int(config["hidden_size"]),
        "heads": int(config["num_attention_heads"]),
        "experts": n_experts,
        "experts_per_token": used,
        "context": int(config["max_position_embeddings"]),
        "vocabulary": int(config["vocab_size"]),
    }
