"""Several loops in turn: each prompt has one slot, the loops before it filled in and those after it as given."""

from __future__ import annotations

from typing import Any

import pytest

from models.loop_design import plan_loops

HEAVY = "EVQLAAACKLMNWVRQBBBFGHCDDDWGQG".replace("B", "S")
SPANS = {"H1": [4, 7], "H2": [16, 19], "H3": [23, 26]}


def test_prompts_in_the_order_asked_for() -> None:
    plan = plan_loops({"H": HEAVY}, {name: SPANS[name] for name in ("H3", "H1")})
    assert plan.order == ("H3", "H1")
    first = plan.prompt("H3", {})
    assert first == "<AntibodyS>EVQLAAACKLMNWVRQSSSFGHC<CdrS><CdrE>WGQG<AntibodyE><Design><CdrS>"
    second = plan.prompt("H1", {"H3": "ARDYGG"})
    assert second == "<AntibodyS>EVQL<CdrS><CdrE>CKLMNWVRQSSSFGHCARDYGGWGQG<AntibodyE><Design><CdrS>"


def test_the_light_chain_stands_first_and_stays_plain_when_the_slot_is_in_the_heavy() -> None:
    plan = plan_loops({"H": HEAVY, "L": "DIQMTQS"}, {"H1": [4, 7], "L1": [2, 4]})
    assert plan.prompt("H1", {}).startswith("<AntibodyS>DIQMTQS<AntibodyE><AntibodyS>EVQL<CdrS><CdrE>CKL")
    assert plan.prompt("L1", {"H1": "GG"}).startswith("<AntibodyS>DI<CdrS><CdrE>TQS<AntibodyE><AntibodyS>EVQLGGCKL")
    assert plan.chain_of("L1") == "DIQMTQS"


@pytest.mark.parametrize("loops", ["H1,H3", "H1, H3", ["H1", "H3"]])
def test_names_may_be_a_list_or_a_text(loops: Any) -> None:
    heavy = (
        "EVQLVESGGGLFQPGGSLRLSCAASGFSVRNNYVSWVRQAPGKGLEWVSVIYSGGTTYYADSVKGRFTISRDISENTLYLQMNSLRAEDTAVYYC"
        "AREGDVEGLHDFWSGYSRDRYYFDYWGQGTLVTVSS"
    )
    assert plan_loops({"H": heavy}, loops).order == ("H1", "H3")


@pytest.mark.parametrize(
    ("loops", "named"),
    [
        ({"H1": [4, 7], "H2": [6, 9]}, "spans of H1 and H2 overlap"),
        ("H1,H1", "twice"),
        (None, "H1 to H3"),
        ([], "H1 to H3"),
        ([3], "got 3"),
        ("L1", "light chain"),
        ({"H1": [7, 4]}, "inside the chain's 30 residues"),
        ({"H1": "4-7"}, "inside the chain's 30 residues"),
    ],
)
def test_wrong_loops_say_what_is_wrong(loops: Any, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        plan_loops({"H": HEAVY}, loops)
