"""`organon model eval`: one standard evaluation of a checkpoint on a data file, with progress, resumable.

Stdout carries the figures: a table with a definition for each, or with --json the report as one JSON document and
nothing else. Progress and notes go to stderr.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.interface.cli_generate import load_model
from agent.interface.evaluation_tools import evaluation_tools
from tools.errors import InputError

if TYPE_CHECKING:
    from agent.config import Settings
    from tools.evaluation.protocol import Evaluator
    from tools.evaluation.run import Progress


def evaluate_command(load_settings: Callable[[], Settings]) -> Callable[..., None]:
    """The function behind `organon model eval`."""

    def evaluate(
        task: Annotated[str, typer.Argument(help="What to evaluate; `organon model eval list` names them.")],
        data: Annotated[Path | None, typer.Option("--data", help="CSV, TSV, JSONL, .smi or .txt, also .gz.")] = None,
        reference: Annotated[
            list[Path] | None, typer.Option("--reference", help="File of known objects (novelty); repeatable.")
        ] = None,
        structures: Annotated[Path | None, typer.Option("--structures", help="Directory of structures.")] = None,
        n: Annotated[int | None, typer.Option("--n", help="Answers an input; samples where there is no input.")] = None,
        limit: Annotated[int | None, typer.Option("--limit", help="Take this many rows, drawn by the seed.")] = None,
        where: Annotated[
            list[str] | None, typer.Option("--where", metavar="COLUMN=VALUE", help="Only such rows; repeatable.")
        ] = None,
        seed: Annotated[int, typer.Option("--seed")] = 0,
        beams: Annotated[int, typer.Option("--beams", help="Beam search of this width; 0 samples.")] = 0,
        augment: Annotated[int, typer.Option("--augment", help="Spellings of each input.")] = 1,
        temperature: Annotated[float | None, typer.Option("--temperature", help="0 is greedy.")] = None,
        top_p: Annotated[float | None, typer.Option("--top-p")] = None,
        repetition_penalty: Annotated[float | None, typer.Option("--repetition-penalty")] = None,
        max_new_tokens: Annotated[int | None, typer.Option("--max-new-tokens")] = None,
        constrained: Annotated[bool, typer.Option("--constrained", help="Only texts of the grammar.")] = False,
        option: Annotated[
            list[str] | None, typer.Option("--option", metavar="NAME=VALUE", help="The evaluation's own; repeatable.")
        ] = None,
        checkpoint: Annotated[
            str | None, typer.Option("--checkpoint", help="Directory, hub id or server; default: shipped.")
        ] = None,
        out: Annotated[
            Path | None, typer.Option("--out", help="Keep records and report here; the same command goes on from them.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
    ) -> None:
        """Measure a checkpoint on a data file: figures with 95 % intervals and their definitions."""
        from tools.evaluation.protocol import Setup
        from tools.evaluation.registry import load_evaluator
        from tools.evaluation.run import Selection, run_evaluation, settings_for

        if task == "list":
            _print_list(as_json)
            return
        evaluator = load_evaluator(task)
        if data is None:
            raise InputError(f"give --data FILE with columns {', '.join(evaluator.columns).replace('|', ' or ')}")
        _need_used(evaluator, reference)
        given = {
            "n": n,
            "temperature": temperature,
            "top_p": top_p,
            "repetition_penalty": repetition_penalty,
            "max_new_tokens": max_new_tokens,
        }
        given = {name: value for name, value in given.items() if value is not None}
        fixed = {"seed": seed, "beams": beams, "augment": augment, "constrained": constrained}
        settings = settings_for(evaluator, {**given, **fixed}, _options(evaluator, option or []))
        selection = Selection(_pairs(where or [], "--where"), limit)
        app = load_settings()
        generator = load_model(app, checkpoint)
        with evaluation_tools(app, settings.options) as tools, _progress(evaluator.title) as on_progress:
            setup = Setup(generator, settings, data, tuple(reference or ()), structures, tools)
            report = run_evaluation(
                evaluator,
                setup,
                selection=selection,
                out=out,
                checkpoint_path=str(checkpoint or app.checkpoint or "shipped"),
                on_progress=on_progress,
                on_note=lambda note: typer.echo(f"note: {note}", err=True),
            )
        if as_json:
            sys.stdout.write(json.dumps(report, allow_nan=False) + "\n")
        else:
            _print_report(report)
        if report["n_failed"] == report["n_rows"]:
            raise typer.Exit(1)

    return evaluate


def _need_used(evaluator: Evaluator, reference: Sequence[Path] | None) -> None:
    if reference and not evaluator.references:
        raise InputError(f"evaluation {evaluator.name} takes no --reference")


def _pairs(given: Sequence[str], option: str) -> dict[str, str]:
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InputError(f"{option} {text!r}: write NAME=VALUE")
        found[name] = value
    return found


def _options(evaluator: Evaluator, given: Sequence[str]) -> dict[str, Any]:
    """Values read as the type of the option's default; an unknown name is for `settings_for` to refuse."""
    found: dict[str, Any] = {}
    for name, text in _pairs(given, "--option").items():
        default = evaluator.options.get(name, "")
        try:
            value: Any = text if isinstance(default, str) else json.loads(text)
        except json.JSONDecodeError:
            value = text
        kind = float if isinstance(default, float) else type(default)
        if kind is float and type(value) is int:
            value = float(value)
        if default is not None and type(value) is not kind:
            raise InputError(f"--option {name} must be of the kind of its default {default!r}, got {text!r}")
        found[name] = value
    return found


@contextmanager
def _progress(title: str) -> Iterator[Callable[[Progress], None]]:
    """A bar on stderr; where that is no terminal, only its end is written."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from agent.interface.output import progress

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=progress) as bar:
        shown = bar.add_task(title, total=None)

        def show(now: Progress) -> None:
            failed = f", {now.failed} not computable" if now.failed else ""
            resumed = f" ({now.resumed} from before)" if now.resumed else ""
            bar.update(shown, total=now.total, completed=now.done, description=f"{title}{resumed}{failed}")

        yield show


def _print_list(as_json: bool) -> None:
    from tools.evaluation.registry import EVALUATORS, load_evaluator

    found = {name: load_evaluator(name) for name in EVALUATORS}
    if as_json:
        rows = [
            {"task": name, "title": one.title, "columns": list(one.columns), "options": dict(one.options)}
            for name, one in found.items()
        ]
        sys.stdout.write(json.dumps(rows) + "\n")
        return
    for name, one in found.items():
        columns = ", ".join(one.columns).replace("|", " or ")
        options = "".join(f"; --option {key}={json.dumps(value)}" for key, value in one.options.items())
        typer.echo(f"{name:16} {one.title}; columns {columns}{options}")


def _print_report(report: Mapping[str, Any]) -> None:
    from rich.box import SIMPLE
    from rich.table import Table

    from agent.interface.output import output

    table = Table(title=report["title"], title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("figure", no_wrap=True)
    for name in ("value", "95 % interval", "n"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, figure in report["figures"].items():
        interval = "" if figure["low"] is None else f"{_number(figure['low'])} to {_number(figure['high'])}"
        table.add_row(name, _number(figure["value"]), interval, str(figure["n"]))
    output.print(table)
    for name, figure in report["figures"].items():
        how = f" [{figure['interval']}]" if figure["interval"] else ""
        output.print(f"{name}: {figure['definition']}{how}", soft_wrap=True)
    output.print(
        f"checkpoint {report['checkpoint']['sha256'][:12]} on {report['device']}; {report['n_rows']} cases, "
        f"{report['n_failed']} not computable; {report['seconds']:.0f} s",
        soft_wrap=True,
    )
    for failed in report["failed"][:10]:
        output.print(f"not computable: {failed['case']}: {failed['reason']}", soft_wrap=True)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
