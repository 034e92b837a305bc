"""Sparse or dense, and how large? Shapes trained alike on the packed corpus, one after the other, and compared.

    python benchmarks/architectures.py --corpus DIR --out DIR [--tokens 1000000] [--study architecture scaling-dense]

Every shape gets the same tokens in the same order, the same optimiser and schedule (those of --config), and one seed.
Not tuned for each shape: learning rates are the shipped network's, which favours shapes like it. Each finished shape
is a JSON file in OUT/shapes; what is there is not trained again, and a run that was cut off goes on from its last
checkpoint. After each, OUT/table.md, results.json, architectures.json (rows for `organon model card`) and scaling.svg
are written anew; --report-only does that alone.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from architectures_parts.report import write_report
from architectures_parts.shapes import SHAPES, STUDIES, Shape, configured

from models.training.config import PretrainConfig, load_config


def main() -> None:
    args = parse_arguments()
    (args.out / "shapes").mkdir(parents=True, exist_ok=True)
    if not args.report_only:
        base = load_config("pretrain", args.config, PretrainConfig)
        for shape in SHAPES:
            if set(shape.studies) & set(args.study) and (not args.shape or shape.name in args.shape):
                train_once(shape, base, args)
                write_report(args.out)
    print(write_report(args.out))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="a packed corpus (corpus.json)")
    parser.add_argument("--out", type=Path, required=True, help="where runs and the tables go")
    parser.add_argument("--config", default="sparse", help="pre-training configuration all but the shape comes from")
    parser.add_argument("--study", nargs="+", choices=STUDIES, default=list(STUDIES))
    parser.add_argument("--shape", nargs="+", choices=[shape.name for shape in SHAPES], help="only these")
    parser.add_argument("--tokens", type=int, default=1_000_000, help="training tokens of every shape")
    parser.add_argument("--tokens-per-step", type=int, default=4096)
    parser.add_argument("--valid-tokens", type=int, default=10_000, help="validation tokens of a modality")
    parser.add_argument("--samples", type=int, default=64, help="samples generated at once for the speed")
    parser.add_argument("--sample-tokens", type=int, default=60)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--report-only", action="store_true", help="train nothing")
    args = parser.parse_args()
    if args.corpus is None and not args.report_only:
        parser.error("give --corpus, or --report-only")
    return args


def train_once(shape: Shape, base: PretrainConfig, args: argparse.Namespace) -> None:
    """Train and measure `shape` unless its row is there, of this budget; a row of another budget is an error."""
    from architectures_parts.measure import measure_shape

    name = file_name(shape)
    row_file = args.out / "shapes" / f"{name}.json"
    config = configured(base, shape, tokens=args.tokens, step=args.tokens_per_step, threads=args.threads)
    if row_file.is_file():
        found: dict[str, Any] = json.loads(row_file.read_text())["config"]
        if (found["steps"], found["tokens_per_step"]) != (config.steps, config.tokens_per_step):
            raise SystemExit(f"{row_file} is of another budget; give another --out")
        return
    print(f"architectures: {shape.name}", file=sys.stderr, flush=True)
    row = measure_shape(
        shape,
        config,
        args.corpus,
        args.out / "runs" / name,
        valid_tokens=args.valid_tokens,
        samples=args.samples,
        tokens=args.sample_tokens,
    )
    partial = row_file.with_suffix(".partial")
    partial.write_text(json.dumps(row))
    partial.rename(row_file)


def file_name(shape: Shape) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", shape.name.lower())


if __name__ == "__main__":
    main()
