"""How stages name what earlier stages made: what is a reference, what it becomes, and what only looks like one."""

from __future__ import annotations

import pytest

from agent.interface.schemas import Item
from agent.workflow.references import Reference, escape, names_element, parse_reference, references_in, resolve
from tools.errors import InputError

ITEMS = [
    Item(kind="molecule", value="CCO", handle="M1", name="ethanol"),
    Item(kind="pocket", value="A:THR315 A:MET318", handle="K1"),
    Item(kind="molecule", value="CCN", handle="M2"),
]


def of_stage(reference: Reference) -> list[Item]:
    assert reference.stage == "made"
    return reference.pick(ITEMS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$made.1", "M1"),
        ("$made.2", "K1"),
        ("$made.molecule.2", "M2"),
        ("$made.pocket.1.value", "A:THR315 A:MET318"),
        ("$made.1.name", "ethanol"),
        ("$made.3.name", "CCN"),
        ("$made.*", ["M1", "K1", "M2"]),
        ("$made.molecule.*", ["M1", "M2"]),
        ("$made.1..2", ["M1", "K1"]),
        ("$made.molecule.1..1", "M1"),
        (["CCC", "$made.molecule.*", "$made.2"], ["CCC", "M1", "M2", "K1"]),
        ({"query": "toxicity of $made.1 and $made.3"}, {"query": "toxicity of ethanol and CCN"}),
        ("costs $$5", "costs $5"),
        (4.5, 4.5),
        (None, None),
    ],
)
def test_a_reference_becomes_handles_or_text(text: object, expected: object) -> None:
    assert resolve(text, of_stage) == expected


@pytest.mark.parametrize(
    ("text", "element", "expected"),
    [
        ("$item", ITEMS[0], "M1"),
        ("$item.value", ITEMS[0], "CCO"),
        ("about $item", ITEMS[0], "about ethanol"),
        ("$item", {"a": 1}, {"a": 1}),
        ("kinase $item", "ABL1", "kinase ABL1"),
    ],
)
def test_the_element_of_a_foreach(text: str, element: object, expected: object) -> None:
    assert resolve(text, of_stage, element) == expected
    assert names_element({"x": [text]})


def test_an_item_that_is_not_there_is_named_with_what_there_is() -> None:
    with pytest.raises(InputError, match=r"\$made\.molecule\.3: stage `made` gave 2 molecules"):
        resolve("$made.molecule.3", of_stage)


def test_all_of_none_is_an_empty_list_and_no_fault() -> None:
    assert resolve("$made.route.*", of_stage) == []


@pytest.mark.parametrize("text", ["$made", "$made.0", "$made.last", "see $made.x", "$made.poem.1"])
def test_what_only_looks_like_a_reference_is_refused_with_the_right_form(text: str) -> None:
    with pytest.raises(InputError, match=r"\$STAGE\.N"):
        list(references_in(text))


def test_a_range_that_runs_backwards_is_refused() -> None:
    with pytest.raises(InputError, match="smaller one first"):
        parse_reference("$made.3..1")


@pytest.mark.parametrize("text", ["CCO", "C$C", "5$", "$5", "$$made.1"])
def test_plain_text_is_no_reference(text: str) -> None:
    assert list(references_in(text)) == []
    assert parse_reference(text) is None


def test_what_is_escaped_comes_out_as_it_was() -> None:
    inner = {"stages": [{"id": "a", "with": {"x": "$b.1", "y": "costs $$5", "z": ["$item"]}}], "n": 3}
    assert resolve(escape(inner), of_stage) == inner
    assert list(references_in(escape(inner))) == []
