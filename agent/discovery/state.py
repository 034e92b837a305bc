"""The discovery graph's state: small, JSON-able, checkpointed after every step. Bulk data lives in the ledger."""

from __future__ import annotations

from typing import Any, TypedDict


class DiscoveryState(TypedDict, total=False):
    """`context`: what checks depend on, frozen when the run is planned. `round`: the round in work, from 1.
    `plan`: how the next round's candidates are made. `seconds`: active seconds used so far, over all restarts.
    `docked`: candidates sent to docking so far. `ending`: why the rounds ended. `reference`: the reference compound
    after all stages."""

    context: dict[str, Any]
    round: int
    plan: dict[str, Any]
    seconds: float
    docked: int
    ending: str
    reference: dict[str, Any] | None
