"""How fast is generation, against LOGOS's way, transformers in one batch, and the bare matrix products?

    python benchmarks/generation.py [--checkpoint DIR] [--samples 64 256] [--tokens 80] [--repeats 5] [--json]

All arms run in this one process on the same checkpoint, prompts, samples, tokens and threads, in turns, so that what
else the machine does hits all of them. Parts: --speed, --mixed (lengths), --first-token, --reproducibility,
--constraint; none named: the first three. --shape 1b writes a random checkpoint of LOGOS-1B's size (for a GPU),
--shape qwen3_moe a small sparse one. Reference arms exist for Llama- and Qwen3-shaped checkpoints only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from generation_parts.report import print_part

PARTS = ("speed", "mixed", "first-token", "reproducibility", "constraint")
DEFAULT_PARTS = ("speed", "mixed", "first-token")


def main() -> None:
    args = parse_arguments()
    os.environ.setdefault("GOMP_SPINCOUNT", str(args.spin))  # read when torch loads
    report: dict[str, Any] = {"speed": []}
    with tempfile.TemporaryDirectory() as folder:
        for name, found in run_parts(args, Path(folder)):
            if not args.json:
                print_part(name, found)
            elif name == "speed":
                report[name].append(found)
            else:
                report[name] = found
    if args.json:
        print(json.dumps(report))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, help="a checkpoint directory (default: the shipped one)")
    parser.add_argument("--shape", choices=["1b", "qwen3_moe", "tiny"], help="random weights of this shape instead")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--samples", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--tokens", type=int, default=80)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=physical_cores(), help="torch threads of every arm")
    parser.add_argument("--spin", type=int, default=5_000, help="GOMP_SPINCOUNT; the default is the app's own")
    parser.add_argument("--requests", type=int, default=500, help="requests of mixed lengths")
    parser.add_argument("--lengths", type=int, nargs=2, default=[20, 400], help="their shortest and longest (tokens)")
    parser.add_argument("--mixed-repeats", type=int, default=3)
    parser.add_argument("--compared", type=int, default=1000, help="samples of the reproducibility part")
    parser.add_argument("--constrained", type=int, default=10_000, help="samples of the constraint part")
    parser.add_argument("--json", action="store_true")
    for part in PARTS:
        parser.add_argument(f"--{part}", dest="parts", action="append_const", const=part)
    args = parser.parse_args()
    if args.checkpoint and args.shape:
        parser.error("give either --checkpoint or --shape")
    args.parts = args.parts or list(DEFAULT_PARTS)
    return args


def run_parts(args: argparse.Namespace, scratch: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """What was asked for, piece by piece as it is measured: (name, JSON-ready figures), the settings first."""
    import torch
    import transformers
    from generation_parts.prompts import write_random_checkpoint

    from models.registry import load_generator

    torch.set_num_threads(args.threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    checkpoint = write_random_checkpoint(scratch / args.shape, args.shape) if args.shape else args.checkpoint
    generator = load_generator(checkpoint, args.device)
    yield "settings", settings(args, generator.device)
    if "first-token" in args.parts:
        from generation_parts.start import measure_first_token, measure_load

        yield "first-token", measure_first_token(generator)
        yield "load", measure_load(checkpoint, generator.device, args.threads)
    if {"speed", "mixed"} & set(args.parts):
        yield from run_against_transformers(args, checkpoint, generator)
    if "reproducibility" in args.parts:
        from generation_parts.reproducibility import measure_reproducibility

        compared = {"samples": args.compared, "tokens": args.tokens}
        yield "reproducibility", measure_reproducibility(checkpoint, generator.device, args.threads, **compared)
    if "constraint" in args.parts:
        yield "constraint", run_constraint(generator, args)


def run_against_transformers(
    args: argparse.Namespace, checkpoint: Path | None, generator: Any
) -> Iterator[tuple[str, dict[str, Any]]]:
    from generation_parts.arms import Reference, Work
    from generation_parts.mixed import STATIC_BATCH, measure_mixed
    from generation_parts.prompts import mixed_requests, speed_prompts
    from generation_parts.speed import measure_speed

    from models.checkpoint import locate_checkpoint
    from models.registry import load_generator

    reference = Reference(locate_checkpoint(checkpoint), generator.device)
    for name, prompt in speed_prompts().items() if "speed" in args.parts else ():
        for samples in args.samples:
            work = Work(prompt, samples, args.tokens)
            yield "speed", {"prompt": name, **measure_speed(generator, reference, work, repeats=args.repeats)}
            need_threads(args.threads)
    if "mixed" in args.parts:
        requests = mixed_requests(args.requests, tuple(args.lengths))
        narrow = load_generator(checkpoint, args.device, max_batch=STATIC_BATCH)
        yield "mixed", measure_mixed(generator, narrow, reference, requests, repeats=args.mixed_repeats)


def run_constraint(generator: Any, args: argparse.Namespace) -> dict[str, Any]:
    """Cost and malformed samples, or the engine's reason for refusing constrained requests."""
    from generation_parts.constraint import count_malformed, measure_cost

    from models.errors import ModelInputError

    try:
        return {
            "cost": [
                measure_cost(generator, samples=n, tokens=args.tokens, repeats=args.repeats) for n in args.samples
            ],
            "constrained": count_malformed(generator, samples=args.constrained, constrained=True),
            "free": count_malformed(generator, samples=max(100, args.constrained // 10), constrained=False),
        }
    except ModelInputError as fault:
        return {"not measured": str(fault)}


def settings(args: argparse.Namespace, device: str) -> dict[str, Any]:
    import torch
    import transformers

    named = ("samples", "tokens", "repeats", "threads", "shape", "requests", "lengths")
    return {
        **{name: getattr(args, name) for name in named},
        "checkpoint": str(args.checkpoint or args.shape or "shipped"),
        "device": torch.cuda.get_device_name() if device.startswith("cuda") else f"{device} ({platform.machine()})",
        "cores": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg()[0],
        "spin_count": os.environ["GOMP_SPINCOUNT"],
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


def need_threads(threads: int) -> None:
    """No arm may leave another thread count behind for the next one."""
    import torch

    if torch.get_num_threads() != threads:
        raise RuntimeError(f"torch runs {torch.get_num_threads()} threads, every arm must have {threads}")


def physical_cores() -> int:
    """Cores this process may use, hardware threads of one core counted once."""
    topology = Path("/sys/devices/system/cpu")
    siblings = {
        (topology / f"cpu{at}/topology/thread_siblings_list").read_text()
        for at in os.sched_getaffinity(0)
        if (topology / f"cpu{at}/topology/thread_siblings_list").is_file()
    }
    return len(siblings) or len(os.sched_getaffinity(0))


if __name__ == "__main__":
    main()
