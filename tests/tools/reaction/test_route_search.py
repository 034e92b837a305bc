"""The AND-OR search on trees worked out by hand: cheapest first, no cycles, limits kept, alternatives differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.errors import InputError
from tools.reaction.draw_route import draw_reaction, draw_route
from tools.reaction.route import RouteNode, Step, parse_route, render_route
from tools.reaction.search import Proposal, RouteSearch, SearchResult

Ways = Mapping[str, Sequence[tuple[str, float]]]
"""Molecule -> ways to make it: ("A.B", cost)."""


def search(
    ways: Ways, ends: str, *, n: int = 3, max_steps: int = 5, max_opened: int = 50, opened: list[str] | None = None
) -> SearchResult:
    def expand(smiles: str) -> list[Proposal]:
        if opened is not None:
            opened.append(smiles)
        return [
            Proposal(tuple(text.split(".")), cost, 2.0**-cost, {"cost": cost}) for text, cost in ways.get(smiles, ())
        ]

    return RouteSearch("T", expand, lambda smiles: smiles in ends, max_steps).run(n, max_opened)


def shape(route: RouteNode) -> str:
    """T(A(x) B): a molecule with what it is made from."""
    if route.step is None:
        return route.smiles
    return f"{route.smiles}({' '.join(map(shape, route.step.reactants))})"


def test_the_cheapest_whole_route_is_first() -> None:
    """T from A costs 1, but A costs 5 more; T from B.C costs 3 at once."""
    found = search({"T": [("A", 1.0), ("B.C", 3.0)], "A": [("x", 5.0)]}, "BCx")
    assert list(map(shape, found.routes)) == ["T(B C)", "T(A(x))"]
    assert found.n_complete == 2
    assert found.routes[0].vote_share() == pytest.approx(1 / 8)
    assert found.routes[1].depth() == 2


def test_only_what_can_still_be_cheapest_is_opened() -> None:
    opened: list[str] = []
    search({"T": [("A", 1.0), ("D", 9.0)], "A": [("x", 1.0)], "D": [("x", 1.0)]}, "x", n=1, opened=opened)
    assert opened == ["T", "A"]


def test_an_estimate_leads_to_what_simplifies() -> None:
    """By cost alone the ping-pong of A and C is gone for; by the estimate the step to small molecules comes first."""
    ways = {"T": [("A", 0.1), ("xy", 2.0)], "A": [("C", 0.1)], "C": [("D", 0.1)], "xy": [("x.y", 0.1)]}
    opened: list[str] = []

    def expand(smiles: str) -> list[Proposal]:
        opened.append(smiles)
        return [Proposal(tuple(text.split(".")), cost, 0.5) for text, cost in ways.get(smiles, ())]

    sizes = {"T": 4.0, "A": 4.0, "C": 4.0, "D": 4.0, "xy": 1.0}
    search_ = RouteSearch("T", expand, lambda one: one in ("x", "y"), 5, lambda one: sizes.get(one, 0.0))
    found = search_.run(1, 50)
    assert opened == ["T", "xy"]
    assert shape(found.routes[0]) == "T(xy(x y))"


def test_all_reactants_of_a_step_are_needed() -> None:
    found = search({"T": [("A.B", 1.0)], "A": [("x", 1.0)]}, "x")
    assert found.n_complete == 0
    assert found.exhausted
    assert [leaf.smiles for leaf in found.routes[0].leaves() if not leaf.starting_material] == ["B"]


def test_a_molecule_is_never_made_from_itself() -> None:
    found = search({"T": [("A", 1.0)], "A": [("T", 0.1), ("B.T", 0.1), ("x", 4.0)]}, "xB")
    assert list(map(shape, found.routes)) == ["T(A(x))"]


def test_a_molecule_in_two_branches_is_asked_about_once() -> None:
    opened: list[str] = []
    found = search({"T": [("A.B", 1.0)], "A": [("C", 1.0)], "B": [("C.x", 1.0)], "C": [("x", 1.0)]}, "x", opened=opened)
    assert shape(found.routes[0]) == "T(A(C(x)) B(C(x) x))"
    assert sorted(opened) == ["A", "B", "C", "T"]


def test_limits_are_kept() -> None:
    line = {chr(ord("A") + at): [(chr(ord("B") + at), 1.0)] for at in range(10)}
    ways = {"T": [("A", 1.0)], **line}
    assert search(ways, "D", max_steps=3).n_complete == 0
    assert search(ways, "D", max_steps=4).routes[0].depth() == 4
    assert search(ways, "K", max_opened=3, max_steps=20).n_opened == 3
    with pytest.raises(InputError, match="max_steps"):
        search(ways, "D", max_steps=0)


def test_who_asks_can_stop_the_search() -> None:
    seen: list[tuple[int, int]] = []

    def may_go_on(opened: int, complete: int) -> bool:
        seen.append((opened, complete))
        return opened < 1

    ways = {"T": [Proposal(("A",), 1.0, 0.5)], "A": [Proposal(("x",), 1.0, 0.5)]}
    found = RouteSearch("T", lambda smiles: ways[smiles], lambda smiles: smiles == "x", 3).run(2, 50, may_go_on)
    assert seen == [(0, 0), (1, 0)]
    assert (found.n_opened, found.n_complete, shape(found.routes[0])) == (1, 0, "T(A)")


def test_alternatives_begin_differently_where_they_can() -> None:
    """Two ways to make A are cheaper than the second first step, which is shown before them."""
    ways = {"T": [("A", 1.0), ("B", 9.0)], "A": [("x", 1.0), ("y", 2.0)], "B": [("x", 1.0)]}
    assert list(map(shape, search(ways, "xy", n=3).routes)) == ["T(A(x))", "T(B(x))", "T(A(y))"]


def test_the_target_is_made_even_where_it_could_be_bought() -> None:
    assert shape(search({"T": [("A", 1.0)]}, "TA").routes[0]) == "T(A)"


def test_nothing_proposed_gives_no_route() -> None:
    found = search({}, "x")
    assert (found.routes, found.exhausted) == ((), True)


MOLECULES = "TABCDEF"


@st.composite
def trees(draw: Callable[..., object]) -> Ways:
    """Random ways to make A to F and T from each other and from the end x."""
    step = st.tuples(
        st.lists(st.sampled_from(MOLECULES + "x"), min_size=1, max_size=2, unique=True).map(".".join),
        st.integers(1, 9).map(float),
    )
    return draw(st.fixed_dictionaries({one: st.lists(step, max_size=2) for one in MOLECULES}))  # type: ignore[return-value]


def cheapest(smiles: str, ways: Ways, depth: int, above: frozenset[str] = frozenset()) -> float:
    """By trying everything."""
    if smiles == "x" and above:
        return 0.0
    if depth == 0:
        return float("inf")
    inside = above | {smiles}
    costs = [
        cost + sum(cheapest(one, ways, depth - 1, inside) for one in text.split("."))
        for text, cost in ways.get(smiles, ())
        if not inside & set(text.split("."))
    ]
    return min(costs, default=float("inf"))


@given(trees())
@settings(max_examples=150, deadline=None)
def test_the_first_route_is_a_cheapest_one(ways: Ways) -> None:
    found = search(ways, "x", n=1, max_steps=4, max_opened=500)
    best = cheapest("T", ways, 4)
    if best == float("inf"):
        assert found.n_complete == 0
    else:
        assert sum(step.evidence["cost"] for step in found.routes[0].steps()) == best


NESTED = RouteNode(
    "CC(=O)Nc1ccc(O)cc1",
    step=Step(
        (
            RouteNode("CC(=O)Cl", True),
            RouteNode("Nc1ccc(O)cc1", step=Step((RouteNode("O=[N+]([O-])c1ccc(O)cc1"),), 0.5, {"round_trip": "pass"})),
        ),
        0.7,
        {"call_id": "abc"},
    ),
)


def test_a_route_is_json_and_back() -> None:
    assert parse_route(render_route(NESTED)) == NESTED
    for broken in ("", "[]", "{}", '{"smiles": "C", "starting_material": true, "step": {}}'):
        with pytest.raises(InputError):
            parse_route(broken)


def test_a_drawing_holds_every_molecule_and_says_where_the_route_ends() -> None:
    drawing = draw_route(NESTED)
    root = ElementTree.fromstring(drawing)
    titles = [node.text for node in root.iter("{http://www.w3.org/2000/svg}title")]
    assert titles[1:] == ["CC(=O)Cl", "O=[N+]([O-])c1ccc(O)cc1", "Nc1ccc(O)cc1", "CC(=O)Nc1ccc(O)cc1"]
    assert "starting material" in drawing
    assert "open" in drawing
    assert "script" not in drawing
    assert draw_route(NESTED) == drawing


def test_a_reaction_drawing_is_one_row() -> None:
    root = ElementTree.fromstring(draw_reaction(["CC(=O)Cl", "Nc1ccc(O)cc1"], "CC(=O)Nc1ccc(O)cc1"))
    inside = root.findall("{http://www.w3.org/2000/svg}svg")
    assert len(inside) == 3
    places = [float(one.get("x", "0")) for one in inside]
    assert places == sorted(places)
    with pytest.raises(InputError):
        draw_reaction([], "CCO")
