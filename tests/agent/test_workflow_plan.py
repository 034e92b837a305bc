"""Workflow files: what is accepted, and that every mistake is found before anything runs, in one line with the fix."""

from __future__ import annotations

from typing import Any

import pytest

from agent.workflow.plan import Workflow, files_named, needed_stages, parse_workflow
from tools.errors import InputError

PROPERTIES = {"id": "look", "do": "molecule_properties", "with": {"molecules": ["CCO"]}}
ROUTES = {"id": "routes", "do": "plan_synthesis", "foreach": "$look.*", "with": {"molecule": "$item"}}


def plan(*stages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "test", "stages": list(stages), **more}


def test_a_workflow_survives_json() -> None:
    workflow = parse_workflow(plan(PROPERTIES, ROUTES, budget={"minutes": 3}))
    assert Workflow.model_validate(workflow.to_json()) == workflow
    assert workflow.to_json()["stages"][0]["with"] == {"molecules": ["CCO"]}
    assert needed_stages(workflow.stages[1]) == ["look"]


def test_a_list_may_be_taken_from_several_items() -> None:
    several = {"id": "again", "do": "molecule_properties", "with": {"molecules": "$look.molecule.*"}}
    parse_workflow(plan(PROPERTIES, several))


@pytest.mark.parametrize(
    ("stages", "words"),
    [
        ([], ["stages"]),
        ([{**PROPERTIES, "do": "molecule_propertys"}], ["`look`", "did you mean `molecule_properties`?"]),
        ([{**PROPERTIES, "do": "sing"}], ["no action `sing`", "plan_synthesis"]),
        ([{**PROPERTIES, "with": {"molecules": ["CCO"], "colour": 1}}], ["no argument `colour`", "molecules"]),
        ([{**PROPERTIES, "with": {}}], ["`molecules` is missing"]),
        ([PROPERTIES, PROPERTIES], ["two stages `look`"]),
        ([{**PROPERTIES, "id": "item"}], ["kept for the element"]),
        ([{**PROPERTIES, "id": "my stage"}], ["stages.0.id", "my stage"]),
        ([{**PROPERTIES, "retries": 3}], ["unknown key `stages.0.retries`", "foreach", "with"]),
        ([PROPERTIES, {**ROUTES, "foreach": "$lokk.*"}], ["`routes`", "$lokk.*", "did you mean $look?"]),
        ([ROUTES, PROPERTIES], ["$look.* comes later", "put stage `look` before it"]),
        ([{**ROUTES, "foreach": "$routes.*"}], ["circle", "routes -> routes"]),
        (
            [
                {"id": "a", "do": "molecule_properties", "with": {"molecules": ["$b.1"]}},
                {"id": "b", "do": "molecule_properties", "with": {"molecules": ["$a.1"]}},
            ],
            ["circle", "a -> b -> a"],
        ),
        ([PROPERTIES, {**ROUTES, "with": {"molecule": "CCO"}}], ["belong together"]),
        ([{**PROPERTIES, "with": {"molecules": ["$item"]}}], ["say what to run over in `foreach`"]),
        ([PROPERTIES, {**ROUTES, "foreach": "look"}], ["neither a list nor a reference"]),
        ([PROPERTIES, {**ROUTES, "foreach": []}], ["`foreach` is empty"]),
        (
            [PROPERTIES, {"id": "routes", "do": "plan_synthesis", "with": {"molecule": "$look.*"}}],
            ["write `foreach: $look.*` and `$item`"],
        ),
        ([PROPERTIES, {**ROUTES, "with": {"molecule": "$item", "n_routes": "many"}}], ["n_routes", "many"]),
        ([PROPERTIES, {**ROUTES, "when": "sometimes"}], ["stages.1.when", "passed"]),
    ],
)
def test_each_mistake_is_one_line_with_the_fix(stages: list[dict[str, Any]], words: list[str]) -> None:
    with pytest.raises(InputError) as error:
        parse_workflow(plan(*stages))
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("more", "word"), [({"name": "a/b"}, "name"), ({"seed": -1}, "seed"), ({"budget": {"hours": 1}}, "budget.hours")]
)
def test_the_head_of_the_file_is_checked_too(more: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        parse_workflow(plan(PROPERTIES, **more))


def test_arguments_that_read_as_files_are_found_and_molecules_are_not() -> None:
    pockets = {"id": "find", "do": "find_pockets", "with": {"protein": "my/1iep.pdb"}}
    workflow = parse_workflow(plan(PROPERTIES, pockets))
    assert files_named(workflow) == [("find", "my/1iep.pdb")]
