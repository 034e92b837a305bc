"""A scripted language model over a real socket, and a session whose assistant uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agent.openai_protocol import Scripted, serve


@pytest.fixture
def language_model() -> Iterator[Scripted]:
    yield from serve(Scripted())


@pytest.fixture
def small_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the actions of tests/agent/small_actions.py."""
    from agent.actions import ACTIONS
    from tests.agent.small_actions import TABLE

    for name in list(ACTIONS):
        monkeypatch.delitem(ACTIONS, name)
    for name, place in TABLE.items():
        monkeypatch.setitem(ACTIONS, name, place)


@pytest.fixture
def open_assistant(tmp_path: Path, language_model: Scripted, small_actions: None) -> Callable[..., Any]:
    """A session whose language model is the scripted one."""
    from agent.config import Settings
    from agent.session import Session

    def build(**settings: Any) -> Session:
        given = {"home": tmp_path / "home", "workers": 1, "llm": "openai:scripted", "approval_seconds": 60.0}
        given["llm_base_url"] = language_model.address
        Path(tmp_path / "home").mkdir(exist_ok=True)
        return Session.open(Settings(**{**given, **settings}))

    return build
