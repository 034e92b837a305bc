"""Search for routes: a tree of molecules (any one step will do) and steps (all reactants are needed), best first.

After Retro* (Chen et al. 2020, doi:10.48550/arXiv.2006.15820): a step costs something >= 0, a route the sum; the
molecule opened next is the one through which the cheapest whole route could still go, by an estimate for molecules not
opened. Without an estimate (0, the paper's Retro*-0) the first complete route is a cheapest one within the limits; an
estimate finds one sooner, and may miss the cheapest. Steps that would need a molecule from above them are left out: no
cycles. The search knows no chemistry: what opens a molecule and where a route may end are arguments. Deterministic
where these are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.errors import InputError
from tools.reaction.route import RouteNode, Step

CANDIDATES_A_ROUTE = 8
"""Routes counted out for each one wanted, of which those with different first steps are taken first."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One way to make a molecule: `cost` >= 0 steers the search, `vote_share` and `evidence` go into the route."""

    reactants: tuple[str, ...]
    cost: float
    vote_share: float
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """`routes` best first: complete ones, then those with fewest open ends. `exhausted`: nothing was left to open."""

    routes: tuple[RouteNode, ...]
    n_opened: int
    n_proposals: int
    n_complete: int
    exhausted: bool


class _Molecule:
    def __init__(self, smiles: str, depth: int, above: frozenset[str], is_end: bool, estimate: float) -> None:
        self.smiles, self.depth, self.above, self.is_end = smiles, depth, above, is_end
        self.estimate = 0.0 if is_end else estimate
        self.steps: list[_Step] | None = None
        self.least = 0.0


class _Step:
    def __init__(self, proposal: Proposal, reactants: list[_Molecule]) -> None:
        self.proposal, self.reactants = proposal, reactants
        self.least = 0.0


class RouteSearch:
    """`expand(smiles)`: the ways to make a molecule; `is_end(smiles)`: whether a route may end there; the target itself
    is always opened. `max_steps`: of the longest line."""

    def __init__(
        self,
        target: str,
        expand: Callable[[str], Sequence[Proposal]],
        is_end: Callable[[str], bool],
        max_steps: int,
        estimate: Callable[[str], float] = lambda _: 0.0,
    ) -> None:
        """`estimate(smiles)` >= 0: what a molecule that is no end will still cost, about."""
        if max_steps < 1:
            raise InputError(f"max_steps is {max_steps}; at least 1")
        self._expand, self._is_end, self._max_steps, self._estimate = expand, is_end, max_steps, estimate
        self._proposed: dict[str, Sequence[Proposal]] = {}
        self._root = _Molecule(target, 0, frozenset(), False, estimate(target))

    def run(
        self, n_routes: int, max_opened: int, may_go_on: Callable[[int, int], bool] = lambda _opened, _found: True
    ) -> SearchResult:
        """Open up to `max_opened` molecules, until `n_routes` complete routes with different first steps are found or
        `may_go_on(opened so far, complete routes so far)` says no."""
        opened, exhausted, complete = 0, False, 0
        while opened < max_opened and may_go_on(opened, complete):
            chosen = self._next()
            if chosen is None:
                exhausted = True
                break
            self._open(chosen)
            opened += 1
            complete = self._complete_starts()
            if complete >= n_routes:
                break
        _value(self._root, self._max_steps)
        found = _pick(_routes(self._root, n_routes * CANDIDATES_A_ROUTE), n_routes)
        n_proposals = sum(map(len, self._proposed.values()))
        return SearchResult(tuple(found), opened, n_proposals, sum(_n_open(one) == 0 for one in found), exhausted)

    def _complete_starts(self) -> int:
        """First steps that lead to a complete route."""
        return sum(_complete(step) for step in self._root.steps or [])

    def _next(self) -> _Molecule | None:
        """The unopened molecule with the cheapest whole route through it; ties go to the first found."""
        _value(self._root, self._max_steps)
        best: tuple[float, _Molecule] | None = None
        waiting = [(self._root.least, self._root)]
        while waiting:
            total, node = waiting.pop(0)
            if not math.isfinite(total) or node.is_end:
                continue
            if node.steps is None:
                if node.depth < self._max_steps and (best is None or total < best[0]):
                    best = total, node
                continue
            for step in node.steps:
                through = total - node.least + step.least
                waiting += [(through, reactant) for reactant in step.reactants]
        return None if best is None else best[1]

    def _open(self, node: _Molecule) -> None:
        if node.smiles not in self._proposed:
            self._proposed[node.smiles] = tuple(self._expand(node.smiles))
        above, depth = node.above | {node.smiles}, node.depth + 1
        node.steps = [
            _Step(
                proposal,
                [_Molecule(one, depth, above, self._is_end(one), self._estimate(one)) for one in proposal.reactants],
            )
            for proposal in self._proposed[node.smiles]
            if not above & set(proposal.reactants)
        ]


def _value(node: _Molecule, max_steps: int) -> float:
    """The least cost at which this molecule could still be made, bottom up; infinite at a dead end."""
    if node.is_end:
        node.least = 0.0
    elif node.steps is None:
        node.least = node.estimate if node.depth < max_steps else math.inf
    else:
        for step in node.steps:
            step.least = step.proposal.cost + sum(_value(reactant, max_steps) for reactant in step.reactants)
        node.least = min((step.least for step in node.steps), default=math.inf)
    return node.least


def _complete(step: _Step) -> bool:
    return all(one.is_end or any(map(_complete, one.steps or [])) for one in step.reactants)


_Priced = tuple[int, float, RouteNode]
"""Open ends, cost, route."""


def _routes(node: _Molecule, k: int) -> list[_Priced]:
    """Up to `k` routes to a molecule, fewest open ends first, then cheapest (open ends by their estimate); exact,
    because both add up."""
    if node.is_end:
        return [(0, 0.0, RouteNode(node.smiles, starting_material=True))]
    found: list[_Priced] = []
    for step in node.steps or []:
        parts: list[tuple[int, float, tuple[RouteNode, ...]]] = [(0, step.proposal.cost, ())]
        for reactant in step.reactants:
            ways = _routes(reactant, k)
            joined = [(a[0] + b[0], a[1] + b[1], (*a[2], b[2])) for a in parts for b in ways]
            parts = sorted(joined, key=lambda one: one[:2])[:k]
        proposal = step.proposal
        found += [
            (n_open, cost, RouteNode(node.smiles, step=Step(made, proposal.vote_share, proposal.evidence)))
            for n_open, cost, made in parts
        ]
    found.sort(key=lambda one: one[:2])
    return found[:k] or [(1, node.estimate, RouteNode(node.smiles))]


def _pick(priced: Sequence[_Priced], n: int) -> list[RouteNode]:
    """The best route of each first step, best first, then the best of the rest; complete ones before others."""
    firsts: dict[tuple[str, ...], int] = {}
    for at, (_, _, route) in enumerate(priced):
        firsts.setdefault(route.first_step(), at)
    leading = set(firsts.values())
    order = sorted(range(len(priced)), key=lambda at: (priced[at][0] > 0, at not in leading, at))
    return [priced[at][2] for at in order[:n] if priced[at][2].step is not None]


def _n_open(route: RouteNode) -> int:
    return sum(not leaf.starting_material for leaf in route.leaves())
