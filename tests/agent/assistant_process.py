"""A process that executes runs of an assistant until it is killed: `python -m tests.agent.assistant_process HOME URL`.

It starts a RunService, which takes up what it finds, and says on stdout when it is up.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path


def main() -> None:
    from agent.config import Settings
    from agent.service import RunService
    from agent.session import Session
    from tests.agent.small_actions import install

    install()
    settings = Settings(
        home=Path(sys.argv[1]), workers=1, llm="openai:scripted", llm_base_url=sys.argv[2], approval_seconds=60.0
    )
    service = RunService(Session.open(settings))
    service.start()
    print("up", flush=True)  # noqa: T201 - what the test waits for
    threading.Event().wait()


if __name__ == "__main__":
    main()
