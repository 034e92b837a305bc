"""A synthesis route as a tree: molecules, and the step that makes each from others. JSON in and out, and its numbers.

A leaf is a molecule without a step. `vote_share` of a step (0 to 1): its votes over the spellings asked, the model's
confidence as a ranking, calibrated by nothing; the product over the steps ranks routes and is no chance of success.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.errors import InputError


@dataclass(frozen=True, slots=True)
class Step:
    """One reaction backwards. `evidence`: JSON values, such as log_prob, votes, call ids and checks."""

    reactants: tuple[RouteNode, ...]
    vote_share: float
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RouteNode:
    """`starting_material`: whether a route may end here. An open leaf is one where it may not."""

    smiles: str
    starting_material: bool = False
    step: Step | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def nodes(self) -> Iterator[RouteNode]:
        """This molecule, then those it is made from, depth first."""
        yield self
        if self.step is not None:
            for reactant in self.step.reactants:
                yield from reactant.nodes()

    def steps(self) -> list[Step]:
        return [node.step for node in self.nodes() if node.step is not None]

    def leaves(self) -> list[RouteNode]:
        return [node for node in self.nodes() if node.step is None]

    def depth(self) -> int:
        """Steps in the longest line from a leaf to this molecule."""
        return 0 if self.step is None else 1 + max(reactant.depth() for reactant in self.step.reactants)

    def vote_share(self) -> float:
        """Product over the steps."""
        share = 1.0
        for step in self.steps():
            share *= step.vote_share
        return share

    def first_step(self) -> tuple[str, ...]:
        """What the target is made from; routes that share it are variants of one idea."""
        return () if self.step is None else tuple(sorted(reactant.smiles for reactant in self.step.reactants))


def render_route(root: RouteNode) -> str:
    """Compact JSON; `parse_route` is its inverse."""
    return json.dumps(route_to_json(root), ensure_ascii=False, separators=(",", ":"))


def parse_route(text: str) -> RouteNode:
    """InputError where the text is no route."""
    try:
        return route_from_json(json.loads(text))
    except json.JSONDecodeError as fault:
        raise InputError(f"a route is JSON as plan_synthesis writes it: {fault}") from None


def route_to_json(node: RouteNode) -> dict[str, Any]:
    made: dict[str, Any] = {"smiles": node.smiles, "starting_material": node.starting_material}
    if node.evidence:
        made["evidence"] = dict(node.evidence)
    if node.step is not None:
        made["step"] = {
            "reactants": [route_to_json(reactant) for reactant in node.step.reactants],
            "vote_share": node.step.vote_share,
            "evidence": dict(node.step.evidence),
        }
    return made


def route_from_json(given: Any) -> RouteNode:
    try:
        step = given.get("step")
        return RouteNode(
            smiles=str(given["smiles"]),
            starting_material=bool(given["starting_material"]),
            step=None
            if step is None
            else Step(
                tuple(route_from_json(one) for one in step["reactants"]),
                float(step["vote_share"]),
                dict(step.get("evidence", {})),
            ),
            evidence=dict(given.get("evidence", {})),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise InputError(f"this is no route: {fault!r}; a route has smiles, starting_material and maybe step") from None
