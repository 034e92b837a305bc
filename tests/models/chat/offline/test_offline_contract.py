"""What the front end plans is what the actions take: every planned call passes the action's own check of arguments, and
conditions, goals and interactions are read by the code that will judge them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from langchain_core.messages import HumanMessage
from rdkit import Chem

from agent.actions import ACTIONS, load_action
from models.chat.offline import OfflineChatModel
from models.chat.offline.goals import GOALS
from models.chat.offline.names import APPROVED, PROTEINS, molecules, target_synonyms
from models.chat.offline.planner import BUILDERS
from models.chat.offline.requirements import read_requirements
from models.chat.offline.spelling import normalise
from tools.docking.check_contact import parse_requirement
from tools.docking.dockstring_targets import target_names
from tools.molecule.approved_drugs import load_approved_drugs
from tools.molecule.constraints import parse_constraints
from tools.molecule.goals import parse_goals
from tools.protein.known_proteins import known_protein

HERE = Path(__file__).parent


def requests() -> Iterator[str]:
    for scenario in yaml.safe_load((HERE / "requests.yaml").read_text(encoding="utf-8")):
        yield from scenario["say"]
    for request in yaml.safe_load((HERE / "requests_more.yaml").read_text(encoding="utf-8")):
        yield request["say"]


def with_handles(value: Any) -> Any:
    """The arguments with handles where references to earlier steps stand."""
    if isinstance(value, list):
        return [with_handles(one) for one in value]
    return "M1" if isinstance(value, str) and re.fullmatch(r"\$\d+\.(\*|\d+)", value) else value


def test_every_action_has_a_builder() -> None:
    assert set(BUILDERS) == set(ACTIONS)


def test_planned_calls_are_calls_the_actions_take() -> None:
    model = OfflineChatModel(targets=target_names())
    for request in requests():
        for step in model.plan([HumanMessage(request)]).steps:
            args = {key: with_handles(value) for key, value in step.args.items()}
            load_action(step.action).parse(args)


def test_goals_are_read_by_the_action() -> None:
    mol = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")
    assert all(len(parse_goals([goal], mol)) == 1 for goal, _ in GOALS)


@pytest.mark.parametrize(
    "text",
    [
        "qed above 0.4, logp 2-3, mw below 400 da, tpsa < 90, at most 5 rotatable bonds, 20 to 35 heavy atoms",
        "sa score < 4, fsp3 over 0.3, no pains, no brenk alerts, no reactive groups, rule of five, only c, n and o",
        "no alerts and easy to make",
    ],
)
def test_conditions_are_read_by_the_funnel(text: str) -> None:
    found, _ = read_requirements(normalise(text))
    checks = parse_constraints(found.constraints(), defaults=False)
    assert {check.name for check in checks} == set(found.constraints())


@pytest.mark.parametrize("text", ["h-bond to Met318 in chain A", "salt bridge with Asp381 of chain B"])
def test_interactions_are_read_by_the_check(text: str) -> None:
    plan = OfflineChatModel().plan([HumanMessage(f"design ligands for ABL1 with a {text}")])
    (wanted,) = plan.steps[0].args["must"]
    assert str(parse_requirement(wanted)) == wanted


def test_bundled_targets_all_have_a_name() -> None:
    assert set(target_synonyms().values()) == set(target_names())
    for name in target_names():
        plan = OfflineChatModel(targets=target_names()).plan([HumanMessage(f"design ligands for {name}")])
        assert [step.args for step in plan.steps] == [{"target": name}], name


def test_names_that_go_as_names_are_known_to_campaigns() -> None:
    assert {drug.name for drug in load_approved_drugs()} >= APPROVED


def uncharged_key(smiles: str) -> str:
    return str(Chem.MolToInchiKey(Chem.MolFromSmiles(smiles)))[:25]  # type: ignore[no-untyped-call]


def test_structures_agree_with_the_drugs_of_the_tools() -> None:
    """By InChIKey without its charge layer: the tools' table restates the wwPDB component dictionary."""
    differing = [
        drug.name
        for drug in load_approved_drugs()
        if (entry := molecules().get(drug.name)) is not None
        and uncharged_key(entry.smiles) != uncharged_key(drug.smiles)
    ]
    assert differing == []


def test_proteins_are_those_that_are_bundled() -> None:
    assert [name for name in set(PROTEINS.values()) if known_protein(name) is None] == []
