"""What an argument names: the text itself (SMILES, sequence), or a handle of the conversation (M3)."""

from __future__ import annotations

import re

from agent.actions.action import ActionContext
from agent.interface.schemas import Item, ItemKind
from tools.errors import InputError

_HANDLE = re.compile(r"[MPKTRSXACDF][1-9]\d{0,4}")


def is_handle(text: str) -> bool:
    """Whether this reads as a handle (a letter of a kind and a number from 1)."""
    return bool(_HANDLE.fullmatch(text.strip()))


def given_item(text: str, kinds: tuple[ItemKind, ...], context: ActionContext) -> Item:
    """The item that `text` names by its handle, or an item of the first kind whose value is `text` itself. InputError
    where a handle names something of another kind."""
    text = text.strip()
    if not text:
        raise InputError(f"a {kinds[0]} is needed: give it, or the handle of one of this conversation")
    if not is_handle(text):
        return Item(kind=kinds[0], value=text)
    item = context.item(text)
    if item.kind not in kinds:
        raise InputError(f"{text} is a {item.kind}; here a {' or '.join(kinds)} is needed")
    return item
