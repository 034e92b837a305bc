"""One shape: train it, then its size, validation losses, expert load and speed as one JSON row.

Losses are kept by document, so that shapes can be compared on the same documents and figures given intervals. Speeds
are per second of wall clock and of processor time: the second is what can be compared on a busy machine.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from architectures_parts.shapes import Shape
from models.backends.base import Request
from models.registry import load_generator
from models.training.architecture import active_parameters
from models.training.batches import Labelled, micro_batches, validation_documents
from models.training.config import PretrainConfig
from models.training.loss import DocumentLoss
from models.training.packed import pack, token_losses
from models.training.pretrain import pretrain

PROMPT = "<MoleculeS>"


def measure_shape(
    shape: Shape, config: PretrainConfig, corpus: Path, out: Path, *, valid_tokens: int, samples: int, tokens: int
) -> dict[str, Any]:
    """Train (or go on training) in `out/run`, then measure. `samples` of `tokens` tokens are generated."""
    run = out / "run"
    summary, training = _train(config, corpus, run)
    checkpoint = Path(summary["checkpoint"])
    model = _load(checkpoint)
    losses, load = _validate(model, corpus, config, valid_tokens)
    row = {
        "name": shape.name,
        "studies": list(shape.studies),
        "settings": shape.settings,
        "parameters": sum(p.numel() for p in model.parameters()),
        "active_parameters": active_parameters(model),
        "steps": summary["steps"],
        "tokens_seen": summary["tokens_seen"],
        **training,
        "documents": losses,
        "expert_load": load,
        "checkpoint": str(checkpoint),
        "config": asdict(config),
    }
    del model
    row["generation"] = _time_generation(checkpoint, samples, tokens, config.threads)
    return row


def _train(config: PretrainConfig, corpus: Path, run: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    if (run / "summary.json").is_file():
        timing = run / "timing.json"
        return json.loads((run / "summary.json").read_text()), json.loads(timing.read_text())
    resume = any((run / "checkpoints").glob("step-*"))
    wall, processor = time.perf_counter(), time.process_time()
    summary = pretrain(config, corpus, run, resume=resume)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    # A resumed run's seconds are those of its last part only, so its speeds are unknown.
    speed = {
        "training_tokens_per_s": None if resume else summary["tokens_seen"] / wall,
        "training_tokens_per_cpu_s": None if resume else summary["tokens_seen"] / processor,
    }
    (run / "timing.json").write_text(json.dumps(speed))
    return summary, speed


def _load(checkpoint: Path) -> Any:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(checkpoint, local_files_only=True, dtype=torch.float32)
    return model.eval().requires_grad_(False)


@torch.no_grad()
def _validate(
    model: Any, corpus: Path, config: PretrainConfig, n_tokens: int
) -> tuple[dict[str, list[list[float]]], dict[str, Any] | None]:
    """Nats and targets of every validation document by modality, and how evenly the experts were loaded."""
    loss = DocumentLoss(model)
    found: dict[str, list[list[float]]] = {}
    loads: list[torch.Tensor] = []
    for modality in config.mixture:
        rows: list[list[float]] = []
        documents = validation_documents(corpus, modality, n_tokens)
        for batch in micro_batches(documents, config.micro_batch_tokens):
            rows += _document_losses(model, batch)
        routing = loss(documents).routing if documents else None
        if routing is not None:
            loads.append(routing.load)
        if rows:
            found[modality] = rows
    return found, load_balance(torch.stack(loads).mean(0)) if loads else None


def _document_losses(model: Any, batch: list[Labelled]) -> list[list[float]]:
    packed = pack([document.tokens for document in batch])
    losses, _ = token_losses(model, packed)
    nats = torch.bincount(packed.document, weights=losses.double(), minlength=len(batch))
    counts = torch.bincount(packed.document, minlength=len(batch))
    return [[round(float(total), 4), int(count)] for total, count in zip(nats, counts, strict=True)]


def load_balance(load: torch.Tensor) -> dict[str, Any]:
    """From shares of choices (layers, E): busiest over mean, and entropy over that of even load, mean over layers
    and worst layer.
    """
    busiest = load.amax(1) * load.shape[1]
    entropy = -(load * load.clamp(min=1e-12).log()).sum(1) / math.log(load.shape[1])
    return {
        "busiest_over_mean": round(float(busiest.mean()), 3),
        "busiest_over_mean_worst_layer": round(float(busiest.max()), 3),
        "entropy_share": round(float(entropy.mean()), 4),
        "entropy_share_worst_layer": round(float(entropy.min()), 4),
    }


def _time_generation(checkpoint: Path, samples: int, tokens: int, threads: int, repeats: int = 3) -> dict[str, Any]:
    """The best of `repeats`, on the run's number of threads; whatever is drawn, rows go on to the full length."""
    torch.set_num_threads(threads)
    generator = load_generator(checkpoint, "cpu")

    def job(n_tokens: int) -> int:
        request = Request(PROMPT, n=samples, temperature=1.0, max_new_tokens=n_tokens, ignore_eos=True)
        return sum(len(sample.token_ids) for sample in generator.generate([request]))

    job(5)
    timed = [_timed(lambda: job(tokens)) for _ in range(repeats)]
    return {
        "samples": samples,
        "tokens": tokens,
        "threads": threads,
        "tokens_per_s": round(max(n / wall for n, wall, _ in timed), 1),
        "tokens_per_cpu_s": round(max(n / processor for n, _, processor in timed), 1),
        "load_average": os.getloadavg()[0],
    }


def _timed(job: Callable[[], int]) -> tuple[int, float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    n = job()
    return n, time.perf_counter() - wall, time.process_time() - processor
