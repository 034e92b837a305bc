"""In which order rows are taken."""

from __future__ import annotations

from collections.abc import Callable

from models.backends.base import Request
from models.backends.prompts import Prompt, Waiting


def prompt(name: str, n: int, owner: str) -> Prompt:
    return Prompt(Request("", n=n, request_id=name), (1, 2), 20, frozenset(), owner)


def up_to(n: int) -> Callable[[Prompt], bool]:
    left = iter([True] * n)
    return lambda _: next(left, False)


def names(waiting: Waiting, n: int) -> list[str]:
    return [f"{row.prompt.request.request_id}{row.index}" for row in waiting.take(up_to(n))]


def test_owners_take_turns_and_keep_their_own_order() -> None:
    waiting = Waiting()
    for each in (prompt("a", 4, "x"), prompt("b", 1, "y"), prompt("c", 2, "x"), prompt("d", 2, "y")):
        waiting.add(each)
    assert names(waiting, 4) == ["a0", "b0", "a1", "d0"]
    assert names(waiting, 100) == ["a2", "d1", "a3", "c0", "c1"]
    assert not waiting


def test_what_does_not_fit_stays() -> None:
    waiting = Waiting()
    waiting.add(prompt("a", 2, "x"))
    assert waiting.take(lambda _: False) == []
    assert names(waiting, 9) == ["a0", "a1"]


def test_rows_put_back_come_first_again() -> None:
    waiting = Waiting()
    waiting.add(prompt("a", 3, "x"))
    waiting.add(prompt("b", 1, "x"))
    waiting.put_back(waiting.take(up_to(2)))
    assert names(waiting, 9) == ["a0", "a1", "a2", "b0"]


def test_a_removed_prompt_is_gone() -> None:
    waiting = Waiting()
    unwanted = prompt("a", 3, "x")
    waiting.add(unwanted)
    waiting.add(prompt("b", 1, "x"))
    assert unwanted in waiting.prompts()
    waiting.remove(lambda prompt: prompt is unwanted)
    assert names(waiting, 9) == ["b0"]
