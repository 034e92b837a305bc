"""Organon's composition root: settings -> session -> the command. Heavy imports wait until a command needs them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agent.config import load_settings
from agent.interface.cli import build_cli
from models.errors import (
    CheckpointError,
    ModelInputError,
    ModelMemoryError,
    QueueFullError,
    ServerError,
    TrainingError,
    WorkerClosedError,
)
from tools.errors import InputError, OrganonError

if TYPE_CHECKING:
    from agent.session import Session


# Read when torch loads: its threads wait for each other a few microseconds awake, then asleep. Torch's own long
# spinning starves the checks beside it; sleeping at once makes small products slower with more threads.
os.environ.setdefault("GOMP_SPINCOUNT", "5000")


def open_session() -> Session:
    """The session of this user's home directory (`ORGANON_HOME`)."""
    from agent.session import Session

    return Session.open(load_settings())


def __getattr__(name: str) -> Any:
    """`uvicorn app:api`: the server for ASGI servers, built when it is asked for."""
    if name != "api":
        raise AttributeError(name)
    from agent.interface.api.application import build_api
    from agent.service import RunService

    session = open_session().guarded()
    return build_api(session, RunService(session), session.settings)


def main() -> None:
    """The `organon` command. Exit codes: 0 done, 1 the work failed, 2 bad input, 130 interrupted."""
    try:
        _require_text(sys.argv)
        build_cli(open_session, load_settings)()
    except (InputError, ModelInputError, CheckpointError) as error:
        sys.exit(_say(str(error), 2))
    except (OrganonError, QueueFullError, WorkerClosedError, ModelMemoryError, ServerError, TrainingError) as error:
        sys.exit(_say(str(error), 1))
    except KeyboardInterrupt:
        sys.exit(_say("interrupted; a run that was under way can be resumed", 130))


def _require_text(words: Sequence[str]) -> None:
    """InputError for a word of the command with bytes that are no text: nothing of it could be stored or asked."""
    for word in words:
        if any("\udc80" <= letter <= "\udcff" for letter in word):
            raise InputError(f"{word!r} is not UTF-8: give text and file names in UTF-8")


def _say(message: str, code: int) -> int:
    sys.stderr.write(f"error: {message}\n")
    return code


if __name__ == "__main__":
    main()
