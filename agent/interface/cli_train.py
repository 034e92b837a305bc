"""`organon model train` and `organon model corpus`: the training corpus and the stages that learn from it.

Progress goes to stderr, a stage's summary to stdout as one JSON document. Bad names, folders and settings are one line
and exit code 2. A stage that its own guard ended early exits with 1: its last good checkpoint is named in the summary.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tools.errors import InputError

Config = Annotated[str, typer.Option("--config", help="A shipped configuration's name or a TOML file.")]
Data = Annotated[Path, typer.Option("--data", help="Directory of a corpus; for pretrain also of the training data.")]
Out = Annotated[Path, typer.Option("--out", help="Where checkpoints, the log and the curves go.")]
Start = Annotated[
    Path | None, typer.Option("--from", help="Checkpoint to begin with, or a run's --out folder: its newest one.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")]
Minutes = Annotated[float | None, typer.Option("--minutes", min=0.0, help="Stop after this wall time.")]


def train_commands() -> typer.Typer:
    """The commands of `organon model train`."""
    commands = typer.Typer(help="Train a checkpoint, stage by stage.", no_args_is_help=True)

    @commands.command("pretrain")
    def pretrain(
        config: Config, data: Data, out: Out, start: Start = None, resume: Resume = False, minutes: Minutes = None
    ) -> None:
        """Learn the language of the corpus from nothing, or from a checkpoint's weights."""
        from models.training.pretrain import run

        _need_folder(data)
        _without_bars()
        _print(run(config=config, data=data, out=out, resume=resume, minutes=minutes, start_from=start))

    @commands.command("finetune")
    def finetune(
        config: Config, data: Data, out: Out, start: Start = None, resume: Resume = False, minutes: Minutes = None
    ) -> None:
        """Go on from a checkpoint with another mixture, with loss on what the model has to write."""
        from models.training.finetune import run

        _check_start(start, resume)
        _without_bars()
        _print(run(config=config, start=start or out, data=data, out=out, resume=resume, minutes=minutes))

    @commands.command("reinforce")
    def reinforce(
        config: Config, data: Data, out: Out, start: Start = None, resume: Resume = False, minutes: Minutes = None
    ) -> None:
        """Learn from rewards of the model's own samples, near the checkpoint it starts from."""
        from models.training.reinforce import run

        _check_start(start, resume)
        _without_bars()
        summary = run(config=config, start=start, data=data, out=out, resume=resume, minutes=minutes)
        _print(summary)
        if summary["stopped"]:
            raise typer.Exit(1)

    @commands.command("all")
    def train_all(
        config: Config,
        data: Data,
        out: Out,
    ) -> None:
        """The three stages in turn, into OUT/pretrain, OUT/finetune and OUT/reinforce; run again, it goes on."""
        from models.training.stages import run_stages

        _need_folder(data)
        summary = run_stages(config, data, out)
        _print(summary)
        if summary["reinforce"]["stopped"]:
            raise typer.Exit(1)

    @commands.command("export")
    def export(
        start: Annotated[Path, typer.Argument(help="A checkpoint, or a run's --out folder: its newest one.")],
        out: Annotated[Path, typer.Option("--out", help="Directory that will ship.")],
    ) -> None:
        """Write a checkpoint as it ships: bfloat16 in files of at most 15 MB, tokenizer, defaults, hashes."""
        from models.training.export import export_checkpoint
        from models.training.starting_point import start_folder

        folder = start_folder(start)
        for name, digest in export_checkpoint(folder, folder, out).items():
            typer.echo(f"{digest}  {name}")

    @commands.command("plot")
    def plot(
        out: Annotated[Path, typer.Argument(help="The --out folder of a stage.")],
        name: Annotated[str, typer.Option("--name", help="File to write there; .svg, .png or .pdf.")] = "curves.svg",
    ) -> None:
        """Draw the curves of a stage from its log, also while it runs."""
        from models.training.plots import write_curves

        typer.echo(str(write_curves(out, name)))

    return commands


def corpus_commands() -> typer.Typer:
    """The commands of `organon model corpus`."""
    commands = typer.Typer(help="The corpus that checkpoints are trained on.", no_args_is_help=True)

    @commands.command("build")
    def build(
        data: Annotated[Path, typer.Option("--data", help="Directory of the data files (chem/, bio/).")],
        out: Annotated[Path, typer.Option("--out", help="Directory of the corpus.")],
        workers: Annotated[int, typer.Option("--workers", min=1, help="Processes.")] = 2,
        config: Annotated[
            str | None, typer.Option("--config", help="Pre-training configuration whose corpus_shares are taken.")
        ] = None,
    ) -> None:
        """Turn the data files into packed texts of the grammar, without anything held out; prints their table."""
        from models.training.config import PretrainConfig, load_config
        from models.training.corpus import build_corpus, render_table

        shares = {} if config is None else load_config("pretrain", config, PretrainConfig).corpus_shares
        _need_folder(data)
        try:
            manifest = build_corpus(data, out, workers, shares)
        except FileNotFoundError as missing:
            raise InputError(f"--data {data} lacks {missing.filename}") from missing
        typer.echo(render_table(manifest))

    @commands.command("check")
    def check(
        corpus: Path,
        data: Annotated[Path, typer.Option("--data", help="The data files the corpus was built from.")],
        workers: Annotated[int, typer.Option("--workers", min=1, help="Processes.")] = 2,
        every: Annotated[int, typer.Option("--every", min=1, help="Read only each so many-th document.")] = 1,
    ) -> None:
        """Read the packed texts back and count those that hold anything held out; exit code 1 if any does."""
        from models.training.overlap import record_overlaps

        _need_folder(data)
        found = record_overlaps(corpus, data, workers, every)
        for modality, counts in found.items():
            typer.echo(f"{modality:18} {counts['read']:>10,} read {counts['overlapping']:>8,} overlapping")
        if any(counts["overlapping"] for counts in found.values()):
            raise typer.Exit(1)

    @commands.command("pack")
    def pack(corpus: Path, archive: Path) -> None:
        """Write a corpus into one file, to travel to the machine that trains."""
        from models.training.packing import pack_corpus

        typer.echo(f"{pack_corpus(corpus, archive):,} bytes in {archive}")

    @commands.command("unpack")
    def unpack(archive: Path, out: Path) -> None:
        """The corpus of such a file, as a directory again."""
        from models.training.packing import unpack_corpus

        typer.echo(str(unpack_corpus(archive, out)))

    return commands


def _need_folder(data: Path) -> None:
    if not data.is_dir():
        raise InputError(f"--data {data} is no directory")


def _without_bars() -> None:
    """No progress bar of transformers for every checkpoint that is read or written, between our lines."""
    from transformers.utils import logging

    logging.disable_progress_bar()


def _check_start(start: Path | None, resume: bool) -> None:
    """A run that is resumed knows its own start."""
    if start is None and not resume:
        raise InputError("give --from CHECKPOINT: this stage goes on from a trained one")
    if start is not None and not start.is_dir():
        raise InputError(f"--from {start} is no directory")


def _print(summary: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(summary, default=str) + "\n")
