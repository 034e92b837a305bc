"""What chat pages ask of a model behind their user's back: a title, tags, follow-up questions, search queries.

Open WebUI sends these as a message of its own that begins with "### Task:" and shows the JSON it wants. They are
answered here from the words of the chat, without a run: nobody asked a scientific question.
"""

from __future__ import annotations

import json
import re

_BEGINNING = "### Task:"
_HISTORY = re.compile(r"<chat_history>\s*(.*?)\s*</chat_history>", re.DOTALL)
_SPEAKER = re.compile(r"^(USER|ASSISTANT|SYSTEM):\s*", re.MULTILINE)
_WANTED = re.compile(r'\{\s*"(title|tags|follow_ups|queries|text)"\s*:')
TITLE_WORDS = 6


def answer_task(text: str) -> str | None:
    """The answer to such a message, as JSON where it asks for it; None for what a person asked."""
    if not text.lstrip().startswith(_BEGINNING):
        return None
    wanted = _WANTED.search(text)
    title = _title(text)
    if wanted is None:
        return title
    answers: dict[str, object] = {"title": title, "tags": [], "follow_ups": [], "queries": [], "text": ""}
    return json.dumps({wanted.group(1): answers[wanted.group(1)]}, ensure_ascii=False)


def _title(text: str) -> str:
    """The first words that the user said."""
    history = _HISTORY.search(text)
    if history is None:
        return "Organon"
    parts = _SPEAKER.split(history.group(1))
    said = next((parts[at + 1] for at in range(1, len(parts) - 1, 2) if parts[at] == "USER"), parts[0])
    words = said.split()
    return " ".join(words[:TITLE_WORDS]) + ("…" if len(words) > TITLE_WORDS else "") or "Organon"
