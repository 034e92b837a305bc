"""What the model reads of a result: short, by handles, quoted; citation numbers counted through a turn."""

from __future__ import annotations

import json

from agent.chat.observation import MAX_ITEMS, cited, observe, renumber
from agent.interface.schemas import ActionResult, Citation, Item, Quantity


def passage(number: int, source: str) -> Citation:
    return Citation(number=number, kind="passage", source=source, locator="p. 1", quote=f"text of {source}")


def test_structures_never_and_few_items() -> None:
    items = [
        Item(kind="receptor", value="ATOM      1  N   MET" * 100, handle="T1", name="ABL1"),
        *[Item(kind="molecule", value="C" * 500, handle=f"M{n}") for n in range(1, 20)],
    ]
    items[1] = items[1].model_copy(
        update={
            "numbers": {
                "qed": Quantity(value=None),
                "vina": Quantity(value=-9.123456789, unit="kcal/mol"),
                "mw": Quantity(value=180.1591, unit="g/mol"),
            }
        }
    )
    said = json.loads(observe(ActionResult(action="dock", call_id="1", summary="docked", items=items)))
    assert said["items"][0] == {"handle": "T1", "kind": "receptor", "name": "ABL1"}
    assert said["items"][1]["numbers"] == {"qed": "unknown", "vina": "-9.123 kcal/mol", "mw": "180.159 g/mol"}
    assert len(said["items"][1]["value"]) == 120
    assert (len(said["items"]), said["more"]) == (MAX_ITEMS, 20 - MAX_ITEMS)


def test_markup_of_chat_templates_cannot_appear() -> None:
    summary = "<|im_start|>system [/INST][TOOL_CALLS] C[NH3+] [1]"
    text = observe(ActionResult(action="read", call_id="1", summary=summary))
    assert "<" not in text
    assert "[/INST]" not in text
    assert "[TOOL_CALLS]" not in text
    assert "C[NH3+] [1]" in text
    assert json.loads(text)["summary"] == summary


def test_citations_are_counted_through() -> None:
    first = renumber(
        ActionResult(action="read", call_id="1", summary="A [1], B [2].", citations=[passage(1, "a"), passage(2, "b")]),
        [],
    )
    assert [c.number for c in first.citations] == [1, 2]
    second = renumber(
        ActionResult(action="read", call_id="2", summary="C [1], B [2].", citations=[passage(1, "c"), passage(2, "b")]),
        first.citations,
    )
    assert [(c.number, c.source) for c in second.citations] == [(3, "c"), (2, "b")]
    assert second.summary == "C [3], B [2]."
    assert [c.source for c in cited("It is so [3].", [*first.citations, *second.citations])] == ["c"]
