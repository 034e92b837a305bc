"""The `organon` command. Every command is thin: parse, call, print; nothing heavy is imported before it is needed.

With `--json`, stdout carries exactly one JSON document (or JSON lines where said); everything else goes to stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from agent.config import Settings
    from agent.interface.schemas import RunResult
    from agent.session import Session

OpenSession = Callable[[], "Session"]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Out = Annotated[Path | None, typer.Option("--out", help="Copy the report and tables into this directory.")]


def build_cli(open_session: OpenSession, load_settings: Callable[[], Settings]) -> typer.Typer:
    """All commands over an injected session, so that tests and the server can bring their own."""
    from agent.interface import cli_model, cli_serve, cli_tools

    cli = typer.Typer(
        name="organon",
        help="An agentic science assistant: generate, validate by physics and chemistry, refine, report.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    cli.callback()(_root)
    cli.command("demo")(_demo(open_session))
    cli.add_typer(_campaign(open_session), name="campaign")
    cli.add_typer(cli_tools.tools_commands(open_session), name="tools")
    cli.add_typer(cli_model.model_commands(load_settings), name="model")
    cli.command("doctor")(cli_tools.doctor_command(load_settings))
    cli.command("serve")(cli_serve.serve_command(open_session))
    return cli


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"organon {version('organon')}")
        raise typer.Exit


def _root(
    show_version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version and exit.")
    ] = False,
) -> None:
    del show_version  # its callback has done the work


def _demo(open_session: OpenSession) -> Callable[..., None]:
    def demo(json: Json = False, out: Out = None) -> None:
        """Design ABL1 ligands against imatinib in about five minutes; ends with a ranked table and report.html."""
        from agent.campaign import load_campaign
        from agent.interface.output import require_writable
        from agent.presets import preset_path

        require_writable(out)
        campaign = load_campaign(preset_path("demo"))
        session = open_session()
        result = session.run(campaign, "demo", _listener(json))
        _finish(result, json, out)

    return demo


def _campaign(open_session: OpenSession) -> typer.Typer:
    commands = typer.Typer(help="Run, resume and look at discovery campaigns.", no_args_is_help=True)

    @commands.command("run")
    def run(file: Path, out: Out = None, json: Json = False) -> None:
        """Run the campaign in FILE (YAML)."""
        from agent.campaign import load_campaign
        from agent.interface.output import require_writable

        require_writable(out)
        campaign = load_campaign(file)
        _finish(open_session().run(campaign, "campaign", _listener(json)), json, out)

    @commands.command("resume")
    def resume(run_id: str, out: Out = None, json: Json = False) -> None:
        """Go on with a run that was interrupted, at the step where it stood."""
        from agent.interface.output import require_writable

        require_writable(out)
        _finish(open_session().resume(run_id, _listener(json)), json, out)

    @commands.command("show")
    def show(run_id: str, json: Json = False) -> None:
        """Show a run's result."""
        _finish(open_session().result(run_id), json, None)

    @commands.command("list")
    def list_runs(json: Json = False) -> None:
        """List runs, newest first."""
        from agent.interface.output import print_runs

        print_runs(open_session().manager.list(), json)

    @commands.command("stop")
    def stop(run_id: str) -> None:
        """Ask a running run to stop after the checks in flight; what is finished is kept and reported."""
        open_session().manager.request_stop(run_id)
        typer.echo(f"asked {run_id} to stop", err=True)

    return commands


def _listener(json: bool) -> Callable[..., None]:
    from agent.interface.output import print_event

    del json  # progress is on stderr either way
    return print_event


def _finish(result: RunResult, json: bool, out: Path | None) -> None:
    """Print the result; exit code 1 where the work did not yield enough candidates."""
    from agent.interface.output import copy_files, print_result

    if out is not None:
        result = copy_files(result, out)
    if json:
        sys.stdout.write(result.model_dump_json(by_alias=True) + "\n")
    else:
        print_result(result)
    if not result.enough:
        raise typer.Exit(1)
