"""The JSON schemas of campaign and workflow files: for editors, for forms, and for a language model that writes one.

Made from the models that check the files and from the actions' own arguments, so that they cannot say anything else
than what is accepted. A form needs one thing more than the models: where a text may stand for a structure (a bundled
target's name for a whole `target`), or a reference for a value.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from agent.actions import ACTIONS, load_action
from agent.campaign import Campaign
from agent.campaign_file import TASKS
from agent.workflow.plan import Workflow
from agent.workflow.sweep import MAX_RUNS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
REFERENCE: dict[str, Any] = {
    "type": "string",
    "pattern": r"\$",
    "description": "What an earlier stage made: $STAGE.N, $STAGE.KIND.N, $STAGE.1..3, $STAGE.*; with foreach, $item.",
}
SWEEP: dict[str, Any] = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"type": "array", "minItems": 1},
    "description": f"One run for each combination: a (dotted) key -> the values to try; at most {MAX_RUNS} runs. "
    "For example {target: [ABL1, EGFR], docking.exhaustiveness: [1, 4]}. Combinations run one after another.",
}
NAME = {"type": "string", "pattern": r"^[\w .+-]{1,80}$", "description": "What the run is called in lists."}


def campaign_schema() -> dict[str, Any]:
    """Of a campaign file of any task: the discovery loop (`task: ligand`), or one action with its arguments as keys."""
    ligand = Campaign.model_json_schema()
    definitions = ligand.pop("$defs", {})
    properties = ligand["properties"]
    properties["sweep"] = SWEEP
    _open_texts(properties)
    _allow_sweep_to_name(ligand, "target")
    tasks = [_task_schema(task, definitions) for task in TASKS]
    return {
        "$schema": DIALECT,
        "title": "Organon campaign file",
        "description": "What `organon campaign run FILE` takes. The key `task` decides which keys there are; without "
        "it, it is a ligand campaign. A file with `stages` is a workflow: see `organon campaign schema --workflow`.",
        "type": "object",
        "anyOf": [{**ligand, "title": "task: ligand"}, *tasks],
        "$defs": definitions,
    }


def workflow_schema() -> dict[str, Any]:
    """Of a workflow file: each stage's `with` is that of its action, where any value may be a reference."""
    schema = Workflow.model_json_schema(by_alias=True)
    definitions = schema.pop("$defs", {})
    for written_by_program in ("files", "sweep"):
        schema["properties"].pop(written_by_program, None)
    definitions.pop("SweepAxes", None)
    schema["properties"]["sweep"] = SWEEP
    schema["properties"]["task"] = {"const": "workflow", "description": "May be left out."}
    stage = definitions["Stage"]
    stage["properties"]["do"]["enum"] = list(ACTIONS)
    stage["allOf"] = [
        {
            "if": {"properties": {"do": {"const": name}}, "required": ["do"]},
            "then": {"properties": {"with": _referring(_arguments(name, definitions))}},
        }
        for name in ACTIONS
    ]
    return {"$schema": DIALECT, **schema, "title": "Organon workflow file", "$defs": definitions}


def _task_schema(task: str, definitions: dict[str, Any]) -> dict[str, Any]:
    arguments = _arguments(TASKS[task], definitions)
    budget = {"$ref": "#/$defs/WorkflowBudget"}
    definitions.setdefault("WorkflowBudget", Workflow.model_json_schema()["$defs"]["WorkflowBudget"])
    seed = {"type": "integer", "minimum": 0, "default": 7, "description": "Seed of everything random in the run."}
    general = {"name": NAME, "task": {"const": task}, "seed": seed, "budget": budget, "sweep": SWEEP}
    return {
        "title": f"task: {task}",
        "description": f"One call of {TASKS[task]}. {load_action(TASKS[task]).about}",
        "type": "object",
        "properties": {**general, **{k: v for k, v in arguments["properties"].items() if k not in general}},
        "required": ["task"],
        "additionalProperties": False,
    }


def _arguments(action: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of an action's arguments; its definitions join the others under names of their own."""
    schema = copy.deepcopy(load_action(action).args.model_json_schema())
    for name, definition in schema.pop("$defs", {}).items():
        definitions[f"{action}.{name}"] = _renamed(definition, action)
    renamed: dict[str, Any] = _renamed(schema, action)
    return {**renamed, "properties": renamed.get("properties", {})}


def _renamed(value: Any, action: str) -> Any:
    if isinstance(value, Mapping):
        return {
            key: held.replace("#/$defs/", f"#/$defs/{action}.") if key == "$ref" else _renamed(held, action)
            for key, held in value.items()
        }
    return [_renamed(held, action) for held in value] if isinstance(value, list) else value


def _referring(arguments: dict[str, Any]) -> dict[str, Any]:
    """The same arguments, where each value may be a reference instead, and each element of a list."""
    properties = {name: _or_reference(schema) for name, schema in arguments["properties"].items()}
    return {**arguments, "properties": properties}


def _or_reference(schema: dict[str, Any]) -> dict[str, Any]:
    said = {key: held for key, held in schema.items() if key in ("description", "default", "title")}
    rest = {key: held for key, held in schema.items() if key not in said}
    if "items" in rest:
        rest["items"] = {"anyOf": [rest["items"], {"type": "string", "pattern": REFERENCE["pattern"]}]}
    return {**said, "anyOf": [rest, REFERENCE]}


def _open_texts(properties: dict[str, Any]) -> None:
    """Where the reader of the file takes more than the model stores: a target's name, numbers among constraints."""
    target = properties["target"]
    said = {key: target.pop(key) for key in ("description",) if key in target}
    name = {"type": "string", "description": "Name of a bundled target, such as ABL1."}
    properties["target"] = {**said, "anyOf": [name, target]}
    properties["constraints"]["additionalProperties"] = {"type": ["string", "number", "boolean"]}
    memory = properties["memory"]
    memory["enum"] = [*memory["enum"], True, False]
    memory.pop("type", None)


def _allow_sweep_to_name(schema: dict[str, Any], key: str) -> None:
    """A key that a sweep gives need not stand in the file itself."""
    schema["required"] = [name for name in schema.get("required", []) if name != key]
    schema["anyOf"] = [{"required": [key]}, {"required": ["sweep"]}]
