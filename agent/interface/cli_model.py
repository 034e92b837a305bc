"""`organon model`: look at a checkpoint, generate from it, score texts with it, train one."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from agent.config import Settings

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Checkpoint = Annotated[Path | None, typer.Option("--checkpoint", help="Checkpoint directory; default: shipped.")]
Input = Annotated[str | None, typer.Option("--input", help="JSON lines of inputs, or - for standard input.")]


def model_commands(load_settings: Callable[[], Settings]) -> typer.Typer:
    commands = typer.Typer(help="The scientific model: info, generate, score, train.", no_args_is_help=True)

    @commands.command("info")
    def info(checkpoint: Checkpoint = None, as_json: Json = False) -> None:
        """Architecture, size, context, tags and hash of a checkpoint."""
        from models.registry import checkpoint_info

        found = checkpoint_info(checkpoint or load_settings().checkpoint)
        if as_json:
            sys.stdout.write(json.dumps(found, default=str) + "\n")
        else:
            for key, value in found.items():
                typer.echo(f"{key:14} {value}")

    @commands.command("generate")
    def generate(
        task: Annotated[str, typer.Option("--task", help="molecule, ligand, pocket, retrosynthesis, ...")],
        input_file: Input = None,
        n: Annotated[int, typer.Option("--n", help="Samples an input.")] = 1,
        seed: Annotated[int, typer.Option("--seed")] = 0,
        temperature: Annotated[float, typer.Option("--temperature", help="0 is greedy.")] = 1.0,
        top_p: Annotated[float, typer.Option("--top-p")] = 0.95,
        repetition_penalty: Annotated[float, typer.Option("--repetition-penalty")] = 1.0,
        max_new_tokens: Annotated[int, typer.Option("--max-new-tokens")] = 256,
        checkpoint: Checkpoint = None,
    ) -> None:
        """Generate from plain inputs; prints JSON lines, best first for each input."""
        from models.inference import SamplingOptions, generate_for_task
        from models.task_inputs import need_task

        need_task(task)
        generator = _load(load_settings(), checkpoint)
        inputs = list(_json_lines(input_file)) if input_file else [{"id": "0"}]
        options = SamplingOptions(temperature, top_p, repetition_penalty, max_new_tokens)
        rows = generate_for_task(generator.generate, task, inputs, n=n, seed=seed, options=options)
        for row in rows:
            sys.stdout.write(json.dumps(row) + "\n")

    @commands.command("score")
    def score(
        text: Annotated[list[str] | None, typer.Argument(help="Grammar texts; or use --input.")] = None,
        input_file: Annotated[str | None, typer.Option("--input", help="A text a line, or - for stdin.")] = None,
        checkpoint: Checkpoint = None,
    ) -> None:
        """Log-probability and perplexity of grammar texts; prints JSON lines."""
        texts = list(text or []) + (list(_lines(input_file)) if input_file else [])
        if not texts:
            raise typer.BadParameter("give a text or --input")
        for scored in _load(load_settings(), checkpoint).score(texts):
            row = {"text": scored.text, "log_prob": scored.log_prob, "perplexity": scored.perplexity}
            sys.stdout.write(json.dumps(row) + "\n")

    train = typer.Typer(help="Train a checkpoint.", no_args_is_help=True)

    @train.command("pretrain")
    def pretrain(
        config: Annotated[str, typer.Option("--config", help="A shipped configuration's name or a TOML file.")],
        data: Annotated[Path, typer.Option("--data", help="Directory of the training data.")],
        out: Annotated[Path, typer.Option("--out", help="Where checkpoints and the log go.")],
        resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")] = False,
        minutes: Annotated[float | None, typer.Option("--minutes", help="Stop after this wall time.")] = None,
    ) -> None:
        """Pre-train on packed scientific text; resumable; progress on stderr."""
        from models.training.pretrain import run

        run(config=config, data=data, out=out, resume=resume, minutes=minutes)

    commands.add_typer(train, name="train")
    return commands


def _load(settings: Settings, checkpoint: Path | None) -> Any:
    from models.registry import load_generator

    return load_generator(checkpoint or settings.checkpoint, settings.device)


def _lines(source: str) -> Iterator[str]:
    from tools.errors import InputError

    if source == "-":
        yield from (line.rstrip("\n") for line in sys.stdin)
        return
    try:
        yield from Path(source).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror}") from None


def _json_lines(source: str | None) -> Iterator[dict[str, Any]]:
    from tools.errors import InputError

    for number, line in enumerate(_lines(source) if source else [], 1):
        if line.strip():
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{source} line {number} is not JSON: {error.msg}") from None
