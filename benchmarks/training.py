"""How much faster is the padding-free training pass than transformers' own on padded rows? Ratios, side by side.

    python benchmarks/training.py --corpus CORPUS [--config sparse] [--steps 6] [--json]

Both arms take the same steps of the configured mixture, one thread, forward and backward without an update, in turns;
each gets micro-batches of its own kind, of the same limit in tokens (padding counts in the padded arm, which is why it
cuts them smaller). Processor time, so that other processes disturb little. Losses of both arms are compared too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch

from models.tokenizer import ScientificTokenizer
from models.training.architecture import build_model
from models.training.batches import Labelled, MixtureSampler, micro_batches
from models.training.config import PretrainConfig, load_config
from models.training.loss import DocumentLoss


def pass_seconds(loss: DocumentLoss, model: Any, documents: list[Labelled], limit: int) -> tuple[float, float]:
    """(processor seconds of one forward and backward pass, summed loss in nats)."""
    started, total = time.process_time(), 0.0
    for part in micro_batches(documents, limit, padded=loss.padded):
        batch = loss(part)
        (batch.total / batch.n_targets).backward()  # type: ignore[no-untyped-call]
        total += float(batch.total.detach())
    model.zero_grad()
    return time.process_time() - started, total


def measure(corpus: Path, config: PretrainConfig, n_steps: int) -> dict[str, float]:
    torch.set_num_threads(1)
    torch.manual_seed(config.seed)
    model = build_model(config, ScientificTokenizer.load(corpus / "tokenizer"))
    arms = {"packed": DocumentLoss(model), "padded": DocumentLoss(model, padded=True)}
    sampler = MixtureSampler(corpus, config.mixture, config.seed)
    ratios, speeds, worst = [], [], 0.0
    for step in range(n_steps + 1):
        documents = sampler.next_documents(config.micro_batch_tokens)
        order = list(arms) if step % 2 else list(arms)[::-1]
        found = {name: pass_seconds(arms[name], model, documents, config.micro_batch_tokens) for name in order}
        if step == 0:
            continue  # the first allocates and compiles
        ratios.append(found["padded"][0] / found["packed"][0])
        speeds.append(sum(len(d.tokens) for d in documents) / found["packed"][0])
        worst = max(worst, abs(found["padded"][1] / found["packed"][1] - 1))
    return {
        "speed_over_padded": statistics.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
        "packed_tokens_per_processor_second": statistics.median(speeds),
        "largest_relative_difference_of_loss": worst,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--config", default="sparse")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    figures = measure(args.corpus, load_config("pretrain", args.config, PretrainConfig), args.steps)
    print(json.dumps(figures) if args.json else "\n".join(f"{name:40} {value:.4g}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
