"""What a call made is stored under its handles; the call again is stored in the same place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.memory.ledger import Ledger

THREAD = "thread"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.put_thread(THREAD, "test")
    yield ledger
    ledger.close()


def molecule(value: str) -> dict[str, object]:
    return {"kind": "molecule", "value": value}


def put(ledger: Ledger, call_id: str, *items: dict[str, object]) -> list[str]:
    return [item["handle"] for item in ledger.put_items(THREAD, call_id, items)]


def test_a_repeated_call_updates_its_items_and_keeps_their_handles(ledger: Ledger) -> None:
    assert put(ledger, "call.1", molecule("C"), molecule("CC")) == ["M1", "M2"]
    assert put(ledger, "call.2", molecule("CCC")) == ["M3"]
    assert put(ledger, "call.1", molecule("O"), molecule("CC"), molecule("CO")) == ["M1", "M2", "M4"]
    assert put(ledger, "call.1", *map(molecule, ("N", "CC", "CO", "CN"))) == ["M1", "M2", "M4", "M5"]
    held = {item["handle"]: item["value"] for item in ledger.items(THREAD)}
    assert held == {"M1": "N", "M2": "CC", "M3": "CCC", "M4": "CO", "M5": "CN"}


def test_another_kind_at_a_place_gets_a_handle_of_its_own(ledger: Ledger) -> None:
    put(ledger, "call.1", molecule("C"), molecule("CC"))
    again = put(
        ledger, "call.1", {"kind": "receptor", "value": "x"}, molecule("CO"), {"kind": "receptor", "value": "y"}
    )
    assert again == ["T1", "M1", "T2"]
    assert ledger.get_item(THREAD, "M1")["value"] == "CO"
    assert ledger.get_item(THREAD, "M2")["value"] == "CC"
