"""A workflow: stages of actions, as a YAML file or a dict. Checked whole, here, before anything runs.

Stages run in the order of the file, each once or once for every element of its `foreach`. Every mistake (unknown
action or argument, a reference to a stage that is not there or comes later, a circle) is one line with the fix. The
arguments' types are checked with placeholders where a reference stands; whether an earlier stage will give the items
that later ones name cannot be known before it ran.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.actions import ACTIONS, load_action
from agent.interface.schemas import Item
from agent.workflow.references import (
    ELEMENT,
    Reference,
    names_element,
    parse_reference,
    references_in,
    resolve,
    texts_in,
)
from tools.errors import InputError
from tools.memory.threads import LETTERS

MAX_STAGES = 200
_FILE_NAME = re.compile(
    r"[\w][\w ./-]*\.(?:pdb|ent|cif|mmcif|sdf|mol|mol2|smi|csv|tsv|fasta|fa|pdf|txt|md|bib)(?:\.gz)?"
)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Stage(_Section):
    """One action, with its arguments. A string in them may refer to what earlier stages made: `$ID.N`, the N-th item
    of stage ID from 1; `$ID.molecule.N`, the N-th of a kind; `$ID.1..3` and `$ID.*`, several, where a list is taken;
    `.value` or `.name` behind it, that text of the item."""

    id: str = Field(pattern=r"^[A-Za-z][\w-]{0,39}$", description="Name of the stage, unique in the file.")
    do: str = Field(description="The action: one of those that `organon actions list` or the chat names.")
    with_: dict[str, Any] = Field(default_factory=dict, alias="with", description="The action's arguments.")
    foreach: str | list[Any] | None = Field(
        default=None,
        description="Run once for each: a reference to several items ($ID.*) or a list; `$item` is the element.",
    )
    when: Literal["always", "passed"] = Field(
        default="always",
        description="passed: only with items of which every hard check said pass (elements of `foreach` that did not "
        "are left out; without `foreach`, the stage is).",
    )
    continue_on_failure: bool = Field(
        default=False,
        description="After a failed call go on with the other elements and with the stages that need this one, as far "
        "as they find what they name; the failure does not count against the whole.",
    )
    why: str = Field(default="", max_length=300, description="A word for who reads the plan and the report.")


class WorkflowBudget(_Section):
    """What may be spent: no stage (and no further element of one) is begun after so much wall time."""

    minutes: float | None = Field(default=None, gt=0, description="Wall time over all restarts, minutes.")


class SweepAxes(_Section):
    """Of a workflow that a sweep was turned into: the keys that vary, and their values in each stage."""

    axes: dict[str, list[Any]]
    points: dict[str, dict[str, Any]] = Field(description="Stage id -> its value for every key.")


class Workflow(_Section):
    """Stages of actions, each of which may use what the ones before it made."""

    name: str = Field(default="workflow", pattern=r"^[\w .+-]{1,80}$", description="What it is called in lists.")
    seed: int = Field(default=7, ge=0, lt=2**31, description="Given to every action that takes a seed and has none.")
    stages: list[Stage] = Field(min_length=1, max_length=MAX_STAGES, description="In the order they run.")
    budget: WorkflowBudget = Field(default_factory=WorkflowBudget)
    sweep: SweepAxes | None = Field(default=None, description="Written by a sweep, not by hand.")
    files: dict[str, str] = Field(
        default_factory=dict, description="Artifact ids of the files that arguments name; written when it is started."
    )

    def to_json(self) -> dict[str, Any]:
        """The document that the run stores."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=False)


def parse_workflow(data: object) -> Workflow:
    """Validate a workflow given as a dict, whole. InputError in one line: where, what, and the fix."""
    if not isinstance(data, Mapping):
        raise InputError(f"a workflow is a mapping with `stages`, not {type(data).__name__}")
    try:
        workflow = Workflow.model_validate(dict(data))
    except ValidationError as error:
        raise InputError(f"workflow: {_first_problem(error)}") from None
    _require_unique(workflow.stages)
    needs = {stage.id: [reference.stage for reference in _references(stage)] for stage in workflow.stages}
    for at, stage in enumerate(workflow.stages):
        _examine_references(stage, workflow.stages[:at], needs)
        _examine_arguments(stage)
    return workflow


def needed_stages(stage: Stage) -> list[str]:
    """The stages whose results this one names, each once."""
    return list(dict.fromkeys(reference.stage for reference in references_in([stage.with_, stage.foreach])))


def files_named(workflow: Workflow) -> list[tuple[str, str]]:
    """(stage, text) of every argument that reads as the name of a file."""
    return [
        (stage.id, text)
        for stage in workflow.stages
        for text in texts_in([stage.with_, stage.foreach])
        if _FILE_NAME.fullmatch(text) or text.startswith(("/", "./", "../"))
    ]


def _references(stage: Stage) -> list[Reference]:
    try:
        return list(references_in([stage.with_, stage.foreach]))
    except InputError as error:
        raise InputError(f"stage `{stage.id}`: {error}") from None


def _require_unique(stages: Sequence[Stage]) -> None:
    seen: set[str] = set()
    for stage in stages:
        if stage.id == ELEMENT:
            raise InputError(f"stage `{ELEMENT}`: this name is kept for the element of a `foreach`; choose another")
        if stage.id in seen:
            raise InputError(f"there are two stages `{stage.id}`: give each its own id")
        seen.add(stage.id)


def _examine_references(stage: Stage, before: Sequence[Stage], needs: Mapping[str, Sequence[str]]) -> None:
    earlier = [known.id for known in before]
    for reference in _references(stage):
        if reference.stage in earlier:
            continue
        if reference.stage not in needs:
            close = difflib.get_close_matches(reference.stage, earlier, n=1)
            hint = f"did you mean ${close[0]}?" if close else f"before it stand {', '.join(earlier) or 'none'}"
            raise InputError(f"stage `{stage.id}`: {reference.text} names a stage that is not there; {hint}")
        circle = _path(reference.stage, stage.id, needs)
        if circle is not None:
            shown = " -> ".join([stage.id, *circle])
            raise InputError(f"stages wait for each other in a circle ({shown}): take {reference.text} out of one")
        raise InputError(f"stage `{stage.id}`: {reference.text} comes later; put stage `{reference.stage}` before it")
    if names_element(stage.with_) != (stage.foreach is not None):
        fix = "say what to run over in `foreach`" if stage.foreach is None else "use it in `with`, or drop `foreach`"
        raise InputError(f"stage `{stage.id}`: `$item` and `foreach` belong together; {fix}")
    if isinstance(stage.foreach, str):
        whole = parse_reference(stage.foreach)
        if whole is None:
            raise InputError(f"stage `{stage.id}`: foreach {stage.foreach!r} is neither a list nor a reference ($ID.*)")


def _path(start: str, goal: str, needs: Mapping[str, Sequence[str]]) -> list[str] | None:
    """A way from one stage to another along what they need, both ends included."""
    waiting, seen = [[start]], {start}
    while waiting:
        way = waiting.pop()
        if way[-1] == goal:
            return way
        for following in needs.get(way[-1], ()):
            if following not in seen:
                seen.add(following)
                waiting.append([*way, following])
    return None


def _examine_arguments(stage: Stage) -> None:
    if stage.do not in ACTIONS:
        close = difflib.get_close_matches(stage.do, ACTIONS, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"actions are {', '.join(ACTIONS)}"
        raise InputError(f"stage `{stage.id}`: there is no action `{stage.do}`; {hint}")
    if stage.foreach == []:
        raise InputError(f"stage `{stage.id}`: the list of `foreach` is empty")
    try:
        for args in foreseen_arguments(stage):
            load_action(stage.do).parse(args)
    except InputError as error:
        raise InputError(f"stage `{stage.id}`: {error}{_many_for_one(stage)}") from None


def foreseen_arguments(stage: Stage) -> Iterator[dict[str, Any]]:
    """The arguments of each call that can be foreseen, with something of the kind where a reference stands."""
    for element in stage.foreach if isinstance(stage.foreach, list) else [None]:
        given = _stand_in(Reference("", "", None, 1, 1, "")) if element is None or _is_reference(element) else element
        yield resolve(stage.with_, _stand_ins, given)


def _is_reference(element: Any) -> bool:
    return isinstance(element, str) and parse_reference(element) is not None


def _many_for_one(stage: Stage) -> str:
    """A hint where an argument that takes one thing was given several."""
    several = [text for text in stage.with_.values() if isinstance(text, str) and _names_many(text)]
    return f"; to run it for each of {several[0]}, write `foreach: {several[0]}` and `$item`" if several else ""


def _names_many(text: str) -> bool:
    whole = parse_reference(text)
    return whole is not None and whole.many


def _stand_ins(reference: Reference) -> list[Item]:
    """Items that stand where a reference will, so that types can be checked before anything ran."""
    n = 1 if not reference.many else 2
    return [_stand_in(reference)] * n


def _stand_in(reference: Reference) -> Item:
    kind = reference.kind or "molecule"
    return Item.model_validate({"kind": kind, "value": "C", "name": "C", "handle": f"{LETTERS[kind]}1"})


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        valid = _valid_keys(problem["loc"])
        close = difflib.get_close_matches(str(problem["loc"][-1]), valid, n=1)
        hint = f"did you mean `{close[0]}`? " if close else ""
        return f"unknown key `{where}`; {hint}valid keys: {', '.join(valid)}"
    if problem["type"] == "missing":
        return f"`{where}` is missing"
    given = problem.get("input")
    shown = "" if isinstance(given, dict | list) else f" (got {given!r:.60})"
    return f"{where}: {problem['msg'].removeprefix('Value error, ')}{shown}"


def _valid_keys(where: tuple[str | int, ...]) -> list[str]:
    model: type[BaseModel] = Workflow
    if where[0] == "stages" and len(where) > 2:
        model = Stage
    elif where[0] == "budget" and len(where) > 1:
        model = WorkflowBudget
    written = [field.alias or name for name, field in model.model_fields.items()]
    return [name for name in written if name not in ("files", "sweep")]
