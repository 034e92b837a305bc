"""`organon model train` and `organon model corpus`: the training corpus and the stages that learn from it.

Progress goes to stderr. Bad names, folders and settings are one line and exit code 2, before anything heavy is
loaded where that can be told so early.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[str, typer.Option("--config", help="A shipped configuration's name or a TOML file.")]
Data = Annotated[Path, typer.Option("--data", help="Directory of the training data, or of a corpus built from it.")]
Out = Annotated[Path, typer.Option("--out", help="Where checkpoints and the log go.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")]
Minutes = Annotated[float | None, typer.Option("--minutes", help="Stop after this wall time.")]


def train_commands() -> typer.Typer:
    """The commands of `organon model train`."""
    commands = typer.Typer(help="Train a checkpoint, stage by stage.", no_args_is_help=True)

    @commands.command("pretrain")
    def pretrain(config: Config, data: Data, out: Out, resume: Resume = False, minutes: Minutes = None) -> None:
        """Pre-train on packed scientific text; resumable; progress on stderr."""
        from models.training.pretrain import run

        run(config=config, data=data, out=out, resume=resume, minutes=minutes)

    return commands
