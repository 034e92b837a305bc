"""The `organon` command. Every command is thin: parse, call, print; nothing heavy is imported before it is needed.

With `--json`, stdout carries exactly one JSON document (or JSON lines where said); everything else goes to stderr.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from agent.config import Settings
    from agent.session import Session

OpenSession = Callable[[], "Session"]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Out = Annotated[Path | None, typer.Option("--out", help="Copy the report and tables into this directory.")]


def build_cli(open_session: OpenSession, load_settings: Callable[[], Settings]) -> typer.Typer:
    """All commands over an injected session, so that tests and the server can bring their own."""
    from agent.interface import cli_campaign, cli_chat, cli_memory, cli_model, cli_serve, cli_tools

    cli = typer.Typer(
        name="organon",
        help="An agentic science assistant: generate, validate by physics and chemistry, refine, report.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    cli.callback()(_root)
    cli.command("demo")(_demo(open_session))
    cli.command("chat")(cli_chat.chat_command(open_session))
    cli.add_typer(cli_campaign.campaign_commands(open_session), name="campaign")
    cli.add_typer(cli_tools.tools_commands(open_session), name="tools")
    cli.add_typer(cli_model.model_commands(load_settings), name="model")
    cli.command("doctor")(cli_tools.doctor_command(load_settings))
    cli.command("serve")(cli_serve.serve_command(open_session, load_settings))
    cli.command("mcp")(cli_serve.mcp_command(open_session))
    cli_memory.add_memory_commands(cli, open_session)
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
        from agent.interface.cli_campaign import finish
        from agent.interface.output import print_event, require_writable
        from agent.presets import preset_path

        require_writable(out)
        campaign = load_campaign(preset_path("demo"))
        session = open_session()
        finish(session.run(campaign, "demo", print_event), json, out)

    return demo
