"""How a stage of a workflow names what earlier stages made: `$STAGE.N`, `$STAGE.molecule.N`, `$STAGE.1..3`, `$STAGE.*`.

As a whole value a reference becomes the handle of the item (M3), or a list of handles where it names several; with
`.value` or `.name` behind it, that text of the item. Inside a longer text it is replaced by the item's name, or its
value where it has none. `$item` (or `$item.name`, `$item.value`) is the element of a stage with `foreach`; `$$` is a
dollar sign. Nothing is evaluated: there are no expressions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from agent.interface.schemas import Item, ItemKind
from agent.plural import plural
from tools.errors import InputError

ELEMENT = "item"
KINDS: tuple[str, ...] = get_args(ItemKind)
_SPELLING = (
    rf"\$(?P<stage>[A-Za-z][\w-]*)(?:\.(?P<kind>{'|'.join(KINDS)}))?"
    r"\.(?P<which>\*|[1-9]\d{0,4}(?:\.\.[1-9]\d{0,4})?)(?:\.(?P<field>value|name)\b)?"
)
_WHOLE = re.compile(_SPELLING)
_ELEMENT = re.compile(rf"\${ELEMENT}(?:\.(?P<part>value|name))?\b")
_INSIDE = re.compile(rf"\$\$|\${ELEMENT}(?:\.(?P<part>value|name))?\b|{_SPELLING}")
_LOOKS_LIKE = re.compile(r"(?<![\w)\]])\$[A-Za-z]")
HOW = "write $STAGE.N, $STAGE.KIND.N, $STAGE.1..3 or $STAGE.* (and $$ for a dollar sign)"


@dataclass(frozen=True, slots=True)
class Reference:
    """`first` and `last` count from 1, both included; None for all."""

    text: str
    stage: str
    kind: str | None
    first: int | None
    last: int | None
    field: str

    @property
    def many(self) -> bool:
        return self.first is None or self.first != self.last

    def pick(self, items: Sequence[Item]) -> list[Item]:
        """Those of a stage's items that it names; a range ends where the items do. InputError where the first it counts
        is not there."""
        found = [item for item in items if self.kind is None or item.kind == self.kind]
        if self.first is None or self.last is None:
            return found
        if len(found) < self.first:
            raise InputError(f"{self.text}: stage `{self.stage}` gave {plural(len(found), self.kind or 'item')}")
        return found[self.first - 1 : self.last]


Lookup = Callable[[Reference], list[Item]]


def parse_reference(text: str) -> Reference | None:
    """The reference that the whole of `text` is; None where it is none."""
    match = _WHOLE.fullmatch(text.strip())
    return None if match is None else _reference(match)


def references_in(value: Any) -> Iterator[Reference]:
    """Every reference in a JSON value. InputError for what only looks like one."""
    for text in texts_in(value):
        rest = _INSIDE.sub("", text)
        if _LOOKS_LIKE.search(rest):
            raise InputError(f"{text!r:.80} holds what is no reference: {HOW}")
        for match in _INSIDE.finditer(text):
            if match["stage"] is not None:
                yield _reference(match)


def names_element(value: Any) -> bool:
    """Whether `$item` stands in a JSON value."""
    return any(match[0].startswith(f"${ELEMENT}") for text in texts_in(value) for match in _INSIDE.finditer(text))


def resolve(value: Any, lookup: Lookup, element: Any = None) -> Any:
    """A JSON value with its references replaced. In a list, one that names several items becomes several elements.
    `element` is an `Item`, or what stood in the list of `foreach`."""
    if isinstance(value, str):
        return _resolve_text(value, lookup, element)
    if isinstance(value, Mapping):
        return {key: resolve(held, lookup, element) for key, held in value.items()}
    if isinstance(value, list | tuple):
        resolved: list[Any] = []
        for held in value:
            new = resolve(held, lookup, element)
            spread = isinstance(new, list) and isinstance(held, str)
            resolved.extend(new if spread else [new])
        return resolved
    return value


def escape(value: Any) -> Any:
    """The same JSON value with every `$` doubled: it comes out of `resolve` as it was."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {key: escape(held) for key, held in value.items()}
    return [escape(held) for held in value] if isinstance(value, list | tuple) else value


def _resolve_text(text: str, lookup: Lookup, element: Any) -> Any:
    alone = _ELEMENT.fullmatch(text.strip())
    if alone is not None:
        return _shown(element, alone["part"] or "") if isinstance(element, Item) else element
    whole = parse_reference(text)
    if whole is not None:
        found = [_shown(item, whole.field) for item in lookup(whole)]
        return found if whole.many else found[0]

    def written(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        if match["stage"] is None:
            return _shown(element, match["part"] or "name") if isinstance(element, Item) else str(element)
        reference = _reference(match)
        return ", ".join(_shown(item, reference.field or "name") for item in lookup(reference))

    return _INSIDE.sub(written, text)


def _shown(item: Item, field: str) -> str:
    return {"": item.handle, "value": item.value, "name": item.name or item.value}[field]


def _reference(match: re.Match[str]) -> Reference:
    which = match["which"]
    first, _, last = which.partition("..")
    if which == "*":
        return Reference(match[0], match["stage"], match["kind"], None, None, match["field"] or "")
    if int(last or first) < int(first):
        raise InputError(f"{match[0]}: {last} comes before {first}; write the smaller one first")
    return Reference(match[0], match["stage"], match["kind"], int(first), int(last or first), match["field"] or "")


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a JSON value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for held in value.values():
            yield from texts_in(held)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from texts_in(held)
