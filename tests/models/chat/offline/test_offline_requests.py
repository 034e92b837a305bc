"""150 requests as people type them: the right actions with exactly the right arguments, a question where something is
missing, and never a guess. Beside them 120 more, whose file tells how they were met before they had been seen.

`requests_independent.yaml`: 75 written by someone who had not read the rules; 63 of them were right when first measured
(84 %), without a guess. The classes of failure they showed were mended, so they are held out no more.
`requests_fresh.yaml`: 30 written after that; 19 right when first measured (63 %), no guess. Their failures led to the
rules for nouns (`nouns`), so they are held out no more.
`requests_unseen.yaml`: 30 written before those rules, by someone who had not read any: 20 right before them (67 %), 25
after (83 %), no guess. The five others were not mended. Their writer then wrote the rules, knowing the sentences though
not which of them failed: 83 % is the upper end of what to expect of new words, 63 to 67 % the lower.

Two sets more were kept out of the project, measured once each: 60 by someone who had read no rule, 42 right (70 %) with
one guess; after their classes of failure had been mended, 40 in another style by the same writer, 28 right (70 %) with
one guess. So three of ten requests in new words are asked back about or not read in full.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from rdkit import Chem

from models.chat.offline import OfflineChatModel
from models.chat.offline.names import TRASTUZUMAB_HEAVY, TRASTUZUMAB_LIGHT
from models.chat.offline.plans import Plan

HERE = Path(__file__).parent
FILLER = {"a", "an", "the", "of", "on", "for", "in", "about", "and", "to"}
RIGHT = 0.90
"""Least share of right answers that issue 5 asks for."""
FIRST_SEEN = 0.80
"""Least share of requests that the rules were never tuned on."""


def read(name: str) -> Any:
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


NAMES = {**read("molecules.yaml"), "trastuzumab VH": TRASTUZUMAB_HEAVY, "trastuzumab VL": TRASTUZUMAB_LIGHT}
HISTORIES = read("histories.yaml")


def canonical(value: Any) -> Any:
    """Arguments with names put in and every structure in RDKit's spelling."""
    if isinstance(value, Mapping):
        return {key: canonical(one) for key, one in value.items()}
    if isinstance(value, list):
        return [canonical(one) for one in value]
    if not isinstance(value, str):
        return value
    text = NAMES[value[1:-1]] if value.startswith("{") else value
    if not any(letter.islower() or letter in "=#()1" for letter in text) or text.startswith("$") or " " in text:
        return text
    mol = Chem.MolFromSmiles(text) if set(text) & set("cCnNoO") and "." not in text[-5:] else None
    return Chem.MolToSmiles(mol) if mol is not None else text


def history(name: str) -> list[BaseMessage]:
    """The messages of a conversation."""
    messages: list[BaseMessage] = []
    for turn, said in enumerate(HISTORIES.get(name, [])):
        messages.append(HumanMessage(said["ask"], id=f"turn-{turn}"))
        for number, call in enumerate(said["calls"], 1):
            called = {"name": call["action"], "args": call["args"], "id": f"{turn}.{number}", "type": "tool_call"}
            result = {"fault": "", **call["result"]}
            messages.append(AIMessage("", tool_calls=[called], additional_kwargs={"step": number}))
            messages.append(ToolMessage(json.dumps(result), tool_call_id=f"{turn}.{number}"))
        messages.append(AIMessage("Done."))
    return messages


def requests() -> Iterator[tuple[str, dict[str, Any]]]:
    for scenario in read("requests.yaml"):
        for said in scenario["say"]:
            yield said, scenario


def independent() -> Iterator[tuple[str, dict[str, Any]]]:
    yield from scenarios("requests_independent.yaml")


def fresh() -> Iterator[tuple[str, dict[str, Any]]]:
    yield from scenarios("requests_fresh.yaml")


def unseen() -> Iterator[tuple[str, dict[str, Any]]]:
    yield from scenarios("requests_unseen.yaml")


def scenarios(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for scenario in read(name):
        for said in scenario["say"]:
            yield said, scenario


def more() -> Iterator[tuple[str, dict[str, Any]]]:
    for request in read("requests_more.yaml"):
        yield request["say"], request


def planned(said: str, expected: Mapping[str, Any]) -> Plan:
    with rdkit_quiet():
        return OfflineChatModel().plan([*history(expected.get("after", "")), HumanMessage(said, id="now")])


def rdkit_quiet() -> Any:
    from rdkit import rdBase

    return rdBase.BlockLogs()


def is_right(plan: Plan, expected: Mapping[str, Any]) -> bool:
    with rdkit_quiet():
        calls = [(step.action, canonical(dict(step.args))) for step in plan.steps]
        wanted = canonical([expected.get("calls", []), *expected.get("or", [])])
    if "nothing" in expected:
        return not calls
    if "asks" in expected:
        return not calls and plan.question is not None and expected["asks"].lower() in plan.question.lower()
    if "says" in expected:
        return not calls and plan.question is None and expected["says"] in str(plan.answer)
    return plan.question is None and any(are_calls(calls, one) for one in wanted)


def are_calls(calls: list[tuple[str, Any]], wanted: list[Mapping[str, Any]]) -> bool:
    named = [pair for one in wanted for pair in one.items()]
    return len(calls) == len(named) and all(
        action == name and matches(args, right) for (action, args), (name, right) in zip(calls, named, strict=True)
    )


def matches(value: Any, right: Any) -> bool:
    """Equal; "*" is any value, a key with ? may be left out, ~ asks for these words and no others but filler."""
    if isinstance(right, Mapping):
        may = {key.rstrip("?"): one for key, one in right.items()}
        must = {key for key in right if not key.endswith("?")}
        return must <= set(value) <= set(may) and all(matches(value[key], may[key]) for key in value)
    if isinstance(right, str) and right.startswith("~"):
        return set(re.findall(r"[\w-]+", str(value).lower())) - FILLER == set(right[1:].lower().split())
    return right == "*" or bool(value == right)


def is_guess(plan: Plan, expected: Mapping[str, Any]) -> bool:
    """Called something where it should have asked, or said that it cannot."""
    return bool(plan.steps) and bool({"asks", "says", "nothing"} & set(expected))


def show(said: str, plan: Plan, expected: Mapping[str, Any]) -> str:
    got = plan.to_json()["tool_calls"] or plan.question or plan.answer
    return f"{said!r}\n  wanted {expected.get('calls') or expected.get('asks') or expected.get('says')}\n  got    {got}"


SOURCES = {"requests": requests, "more": more, "independent": independent, "fresh": fresh, "unseen": unseen}


@pytest.mark.parametrize(
    ("source", "number", "least"),
    [
        ("requests", 150, RIGHT),
        ("more", 120, RIGHT),
        ("independent", 75, RIGHT),
        ("fresh", 30, RIGHT),
        ("unseen", 30, FIRST_SEEN),
    ],
)
def test_requests_are_understood(source: str, number: int, least: float) -> None:
    asked = list(SOURCES[source]())
    assert len(asked) == number
    answers = [(said, planned(said, expected), expected) for said, expected in asked]
    wrong = [show(*answer) for answer in answers if not is_right(answer[1], answer[2])]
    guesses = [show(*answer) for answer in answers if is_guess(answer[1], answer[2])]
    assert not guesses, "\n".join(guesses)
    assert number - len(wrong) >= least * number, "\n".join(wrong)


@pytest.mark.parametrize(
    "said",
    [
        "order 5 compounds from Enamine",
        "are 10 molecules enough?",
        "delete the five molecules",
        "10 compounds arrived today",
        "our compounds have a logP below 3",
        "which framework should I learn?",
        "the web site is down",
        "pick up 3 compounds at the store",
        "which drug should I take?",
        "what is the best route to Berlin?",
    ],
)
@pytest.mark.parametrize("after", ["", "design"])
def test_a_noun_alone_is_no_demand(said: str, after: str) -> None:
    assert not planned(said, {"after": after}).steps


@pytest.mark.parametrize(
    ("said", "query"),
    [
        ("What are the catalytic residues of lysozyme?", "catalytic residues of lysozyme"),
        ("how many inhibitors of ABL1 are approved?", "inhibitors of ABL1 are approved"),
        ("which drugs inhibit DNA gyrase?", "drugs inhibit DNA gyrase"),
    ],
)
def test_a_question_of_fact_is_asked_of_the_library(said: str, query: str) -> None:
    (step,) = planned(said, {}).steps
    assert (step.action, step.args["query"]) == ("search_literature", query)


@pytest.mark.parametrize("said", ["why?", "which one is best?", "what is it?", "how are you doing today?"])
def test_a_question_that_names_nothing_is_not_looked_up(said: str) -> None:
    assert not planned(said, {}).steps


@pytest.mark.parametrize("said", ["EGFR ligands, PAINS would be a no-go", "5 molecules of moderate weight"])
def test_a_limit_that_was_not_read_is_told(said: str) -> None:
    plan = planned(said, {})
    assert plan.steps
    assert any("did not use" in note for note in plan.notes)


@pytest.mark.parametrize("said", ["properties of §m0§", "dock §m7§ into EGFR", "§h0§ ¦ 3 routes to §b0§"])
def test_nobody_can_write_a_place(said: str) -> None:
    assert not planned(said, {"after": "design"}).steps


def test_to_couple_is_no_number() -> None:
    plan = planned("couple piperidine with benzoic acid", {})
    assert [step.action for step in plan.steps] == ["predict_reaction"]
    assert not plan.notes


def test_what_is_safe_for_a_patient_is_no_reaction() -> None:
    plan = planned("is it safe to combine warfarin and aspirin in an elderly patient?", {})
    assert not plan.steps
    assert "no medical advice" in str(plan.answer)


@pytest.mark.parametrize("said", ["which drug is more lipophilic, aspirin or ibuprofen?", "how polar is aspirin?"])
def test_a_question_about_drugs_is_no_medical_one(said: str) -> None:
    assert [step.action for step in planned(said, {}).steps] == ["molecule_properties"]


def test_enough_of_them_lack_something() -> None:
    assert sum("asks" in expected or "says" in expected for _, expected in requests()) >= 25


@pytest.mark.parametrize(
    ("said", "after", "calls"),
    [
        (
            "how would we make the second one? three sensible alternatives",
            "design",
            [("plan_synthesis", {"n_routes": 3})],
        ),
        ("papers on SHP2 allostery? 6 would be enough", "", [("search_literature", {"n": 6})]),
        ("EGFR ligands, 2 rnds, 16 cmpnds per rnd", "", [("design_ligands", {"rounds": 2})]),
        (
            "ABL1 inhibitors, drug-likeness (QED) 0.5 or above",
            "",
            [("design_ligands", {"constraints": {"qed": ">=0.5"}})],
        ),
        ("again, with a hinge H-bond", "design", [("design_ligands", {"must": ["hbond hinge"]})]),
        ("loratadine is too greasy, suggest 8 analogs that fix this", "", [("optimize_molecule", {"n": 8})]),
        ("which of warfarin and caffeine has the highest TPSA?", "", [("molecule_properties", {})]),
        ("put S65T into GFP", "", [("edit_protein", {"goal": "S65T"})]),
        ("dock caffeine into our COX-2 model\n[attached F1: cox2.pdb]", "", [("dock", {"target": "F1"})]),
        (
            "find the pockets and design ligands for the best one\n[attached F1: a.pdb]",
            "",
            [("find_pockets", {}), ("design_ligands", {"pocket": "$1.1"})],
        ),
        (
            "find the pockets, take the second one and design 3 rounds of ligands\n[attached F1: a.pdb]",
            "",
            [("find_pockets", {}), ("design_ligands", {"pocket": "$1.2", "rounds": 3})],
        ),
        ("retro for tofacitinib", "", [("plan_synthesis", {})]),
        ("ketoconazole: logP down to 3", "", [("optimize_molecule", {"goals": ["log_p <=3"]})]),
        ("what are their logP values?", "design", [("molecule_properties", {"molecules": ["M1", "M2", "M3"]})]),
        ("redesign all three heavy chain CDRs of trastuzumab, 20 designs", "", [("design_antibody_cdr", {"n": 20})]),
        ("we have a structure of it; locate all cavities\n[attached F1: e.cif]", "", [("find_pockets", {})]),
        ("set off a PARP1 campaign", "", [("start_campaign", {"campaign": {"target": "PARP1"}})]),
        ("how many rotatable bonds has the top design", "design", [("molecule_properties", {"molecules": ["M1"]})]),
        ("EGFR ligands, PAINS must not appear", "", [("design_ligands", {"constraints": {"pains": "none"}})]),
        ("rule of three fragments, MW below 300", "", [("generate_molecules", {"n": None})]),
        ("Mg and Zn MOFs, 5 of each", "", [("generate_materials", {"n": 5, "metal": one}) for one in ("Mg", "Zn")]),
        ("make the runner-up smaller", "design", [("optimize_molecule", {"molecule": "M2"})]),
        ("could gefitinib be placed in the active site of EGFR?", "", [("dock", {"target": "EGFR"})]),
        (
            "react phenol with acetyl chloride and tell me the logP of what comes out",
            "",
            [("predict_reaction", {}), ("molecule_properties", {"molecules": ["$1.1"]})],
        ),
    ],
)
def test_what_is_said_reaches_the_arguments(said: str, after: str, calls: list[tuple[str, dict[str, Any]]]) -> None:
    steps = planned(said, {"after": after}).steps
    assert [step.action for step in steps] == [action for action, _ in calls]
    for step, (_, wanted) in zip(steps, calls, strict=True):
        assert {key: step.args.get(key) for key in wanted} == wanted


def test_a_property_of_nothing_is_asked_about_and_not_looked_up() -> None:
    plan = planned("what's its logP?", {})
    assert not plan.steps
    assert plan.question


def test_the_best_in_a_property_is_not_taken_for_the_first_in_rank() -> None:
    said = "generate 6 compounds, compute their properties and plan a synthesis of the one with the best QED"
    plan = planned(said, {})
    assert not plan.steps
    assert "by rank" in str(plan.question)


def test_one_metal_or_the_other_is_asked_about() -> None:
    assert "Zn, Cu" in str(planned("3 Zn or Cu MOFs", {}).question)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (f"give me {'9' * 5000} molecules", "5000 digits"),
        (f"only {'9' * 20}k, please", "20 digits"),
        ("dock aspirin into EGFR " * 1000, "characters of words"),
    ],
)
@pytest.mark.parametrize("after", ["", "design"])
def test_what_is_too_much_to_read_is_said(said: str, why: str, after: str) -> None:
    plan = planned(said, {"after": after})
    assert not plan.steps
    assert why in str(plan.answer)


def test_a_long_structure_or_sequence_is_not_too_much() -> None:
    assert [step.action for step in planned(f"3 variants of {'MKTAYIAKQR' * 900}", {}).steps] == ["edit_protein"]


def test_no_molecules_are_not_the_usual_number_of_molecules() -> None:
    assert dict(planned("give me 0 molecules", {}).steps[0].args) == {"n": 0}
