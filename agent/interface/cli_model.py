"""`organon model`: look at a checkpoint, generate from it, score and embed texts with it, train one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.interface.cli_card import card_command
from agent.interface.cli_evaluate import evaluate_command
from agent.interface.cli_experts import show_experts
from agent.interface.cli_generate import generate_command
from agent.interface.cli_score import embed_command, score_command
from agent.interface.cli_train import corpus_commands, train_commands
from tools.errors import InputError

if TYPE_CHECKING:
    from agent.config import Settings

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Checkpoint = Annotated[str | None, typer.Option("--checkpoint", help="Directory or hub id; default: shipped.")]


def model_commands(load_settings: Callable[[], Settings]) -> typer.Typer:
    commands = typer.Typer(
        help="The scientific model: info, generate, score, embed, eval, train.", no_args_is_help=True
    )

    @commands.command("info")
    def info(
        checkpoint: Checkpoint = None,
        as_json: Json = False,
        experts: Annotated[
            bool, typer.Option("--experts", help="Which experts of a sparse checkpoint serve which kind of text.")
        ] = False,
        data: Annotated[
            Path | None, typer.Option("--data", help="--experts: a packed corpus to read; default: examples.")
        ] = None,
        svg: Annotated[Path | None, typer.Option("--svg", help="--experts: draw it into this file as well.")] = None,
    ) -> None:
        """Architecture, size, context, tags (also those the grammar does not know), tasks and hash."""
        from models.registry import checkpoint_info

        chosen = checkpoint or load_settings().checkpoint
        if (data or svg) and not experts:
            raise InputError("--data and --svg belong to --experts; add it")
        if experts:
            info = checkpoint_info(chosen, with_hash=as_json)
            show_experts(chosen, data, svg, info if as_json else None)
            return
        found = checkpoint_info(chosen)
        if as_json:
            sys.stdout.write(json.dumps(found, default=str) + "\n")
        else:
            for key, value in found.items():
                typer.echo(f"{key:14} {', '.join(value) or 'none' if isinstance(value, list) else value}")

    commands.command("generate")(generate_command(load_settings))
    commands.command("score")(score_command(load_settings))
    commands.command("embed")(embed_command(load_settings))
    commands.command("eval")(evaluate_command(load_settings))
    commands.command("card")(card_command(load_settings))

    commands.add_typer(corpus_commands(), name="corpus")
    commands.add_typer(train_commands(), name="train")
    return commands
