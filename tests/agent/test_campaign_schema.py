"""The schemas say what is accepted: examples fit, and what the reader refuses for its form, they refuse too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from agent.campaign_file import TASKS, beside, parse_request
from agent.campaign_schema import campaign_schema, workflow_schema
from tools.errors import InputError

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def campaign() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(campaign_schema())


@pytest.fixture(scope="module")
def workflow() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(workflow_schema())


def test_both_are_schemas() -> None:
    for schema in (campaign_schema(), workflow_schema()):
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_example_fits(
    file: Path, campaign: jsonschema.Draft202012Validator, workflow: jsonschema.Draft202012Validator
) -> None:
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    (workflow if "stages" in data else campaign).validate(data)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"target": "ABL1", "roundz": 3},
        {"target": "ABL1", "rounds": 0},
        {"target": "ABL1", "docking": {"exhaustiveness": "high"}},
        {"target": "ABL1", "memory": "maybe"},
        {"task": "poems"},
        {"task": "retrosynthesis", "molecule": "CCO", "n_rutes": 3},
        {"task": "reaction", "reactants": "CCO"},
        {"target": "ABL1", "sweep": {"seed": []}},
        {"target": "ABL1", "objective": [{"score": "vina", "goal": "down"}]},
    ],
)
def test_what_the_reader_refuses_for_its_form_the_schema_refuses(
    data: dict[str, Any], campaign: jsonschema.Draft202012Validator
) -> None:
    assert not campaign.is_valid(data)
    with pytest.raises(InputError):
        parse_request(data, beside(EXAMPLES))


@pytest.mark.parametrize(
    "stage",
    [
        {"id": "a", "do": "sing"},
        {"id": "a b", "do": "plan_synthesis", "with": {"molecule": "CCO"}},
        {"id": "a", "do": "plan_synthesis", "with": {"molecule": "CCO", "colour": 1}},
        {"id": "a", "do": "plan_synthesis", "with": {"molecule": "CCO", "n_routes": "many"}},
        {"id": "a", "do": "plan_synthesis", "with": {"molecule": "CCO"}, "retries": 1},
    ],
)
def test_a_wrong_stage_fits_neither(stage: dict[str, Any], workflow: jsonschema.Draft202012Validator) -> None:
    assert not workflow.is_valid({"stages": [stage]})
    with pytest.raises(InputError):
        parse_request({"stages": [stage]}, beside(EXAMPLES))


def test_a_reference_may_stand_for_any_value(workflow: jsonschema.Draft202012Validator) -> None:
    stages = [
        {"id": "a", "do": "molecule_properties", "with": {"molecules": ["CCO"]}},
        {"id": "b", "do": "molecule_properties", "with": {"molecules": "$a.*"}},
        {"id": "c", "do": "plan_synthesis", "foreach": "$a.*", "with": {"molecule": "$item", "n_routes": 2}},
    ]
    workflow.validate({"stages": stages})


def described(schema: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property of every object in a schema, with its path."""
    if isinstance(schema, dict):
        for name, held in schema.get("properties", {}).items():
            yield f"{where}.{name}", held
        for key, held in schema.items():
            if key not in ("default", "enum", "const", "if"):
                yield from described(held, f"{where}.{key}")
    elif isinstance(schema, list):
        for at, held in enumerate(schema):
            yield from described(held, f"{where}.{at}")


def test_every_key_of_a_campaign_says_what_it_means() -> None:
    silent = [
        where
        for where, held in described(campaign_schema())
        if not held.get("description") and "const" not in held and "$ref" not in held
    ]
    assert silent == []


def test_every_task_is_in_the_schema() -> None:
    titles = {branch["title"] for branch in campaign_schema()["anyOf"]}
    assert titles == {"task: ligand", *(f"task: {task}" for task in TASKS)}
