"""Can the building blocks of a framework be neutral together? See `charge_balance` for the rule and its source."""

from __future__ import annotations

from typing import Any

from tools.material.charge_balance import can_balance, linker_charges, node_charges
from tools.material.framework import need_framework
from tools.molecule.verdict import decided, undecided
from tools.types import CheckResult


def check_charge_balance(nodes: list[str], linkers: list[str]) -> CheckResult:
    """Pass where some numbers of each block add up to charge 0 at plausible oxidation states. A fail would need
    counter-ions, which real frameworks do hold in their pores: a flag, no proof. `details`: charges of each block."""
    metals, organic = need_framework(nodes, linkers)
    charges = {**{node: node_charges(node) for node in metals}, **{one: linker_charges(one) for one in organic}}
    balanced = can_balance(charges.values())
    threshold = "charges can add up to 0"
    if balanced is None:
        unknown = [block for block, known in charges.items() if known is None]
        return undecided("charge_balance", f"the charge of {unknown[0]} is not told by these rules", threshold)
    details: dict[str, Any] = {"charges_e": {block: list(known) for block, known in charges.items() if known}}
    sign = "positive" if all(known[0] >= 0 for known in charges.values() if known) else "negative"
    return decided(
        "charge_balance",
        balanced,
        threshold=threshold,
        reason=f"all blocks are {sign} or neutral: ions that are not written would be needed",
        details=details,
    )
