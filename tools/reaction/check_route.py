"""A whole route in numbers: steps, longest line, open leaves, the product of its steps' vote shares.

Pass: every leaf may be a starting material, no molecule stands above itself, and every step leads back to its product
by the model's own forward prediction. What a route needs beyond that (conditions, yields, order, protecting groups) is
not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tools.molecule.verdict import decided
from tools.reaction.route import RouteNode, route_from_json
from tools.types import CheckResult, Verdict


def check_route(route: Mapping[str, Any], maximum_steps: int = 6) -> CheckResult:
    """`route` as `route_to_json` writes it; `maximum_steps` of the longest line. Fail names what is wrong; unknown
    where nothing is but a step could not be sent forward; `value` is the product of the vote shares."""
    root = route_from_json(route)
    open_leaves = [leaf.smiles for leaf in root.leaves() if not leaf.starting_material]
    steps = root.steps()
    not_back = sum(step.evidence.get("round_trip") == "fail" for step in steps)
    not_known = sum(step.evidence.get("round_trip") == "unknown" for step in steps)
    problems = []
    if not steps:
        problems.append("no step was found")
    if open_leaves:
        problems.append(f"{len(open_leaves)} of its ends are no starting materials: {', '.join(open_leaves)}")
    if has_cycle(root):
        problems.append("a molecule is made from itself")
    if root.depth() > maximum_steps:
        problems.append(f"{root.depth()} steps in a line")
    if not_back:
        problems.append(f"{not_back} of {len(steps)} steps do not lead back to their product")
    result = decided(
        "route",
        not problems,
        value=root.vote_share() if steps else None,
        threshold=f"ends at starting materials, <= {maximum_steps} steps in a line, every step leads back",
        reason="; ".join(problems),
        details={
            "steps": len(steps),
            "longest_line": root.depth(),
            "open_leaves": open_leaves,
            "starting_materials": sorted({leaf.smiles for leaf in root.leaves() if leaf.starting_material}),
            "steps_that_lead_back": sum(step.evidence.get("round_trip") == "pass" for step in steps),
            "weakest_step": min((step.vote_share for step in steps), default=None),
        },
    )
    if problems or not not_known:
        return result
    reason = f"whether {not_known} of {len(steps)} steps lead back to their product is not known"
    return replace(result, verdict=Verdict.UNKNOWN, reason=reason)


def has_cycle(root: RouteNode, above: frozenset[str] = frozenset()) -> bool:
    """Whether a molecule stands among those that are made from it."""
    if root.smiles in above:
        return True
    deeper = above | {root.smiles}
    return root.step is not None and any(has_cycle(reactant, deeper) for reactant in root.step.reactants)
