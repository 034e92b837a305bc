"""What a campaign file asks for, whichever form it has: one reader for the command, the API and the action.

Four forms: a discovery campaign (`task: ligand`, the default); one action (`task: retrosynthesis` and so on, with the
action's arguments as keys); a workflow (`stages:`); any of these with a `sweep:`. The first is a run of kind
"campaign", all others are runs of kind "workflow".

Where a file that is named may lie is the caller's to say: `beside` a campaign file of this machine's user; only
`stored` here, for a request that came over the network or from a language model, which must not read what it names.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

from agent.actions import load_action
from agent.actions.given import is_handle
from agent.campaign import Campaign, parse_campaign, read_campaign_file
from agent.workflow.plan import Workflow, files_named, parse_workflow
from agent.workflow.references import escape
from agent.workflow.sweep import expand_sweep
from tools.errors import InputError
from tools.registry import load_domain

if TYPE_CHECKING:
    from agent.session import Session

TASKS: dict[str, str] = {
    "molecule": "generate_molecules",
    "pocket": "find_pockets",
    "retrosynthesis": "plan_synthesis",
    "reaction": "predict_reaction",
    "material": "generate_materials",
    "protein_edit": "edit_protein",
    "antibody_cdr": "design_antibody_cdr",
}
"""Task of a campaign file -> the action it is one call of. `ligand` is the discovery loop itself."""
GENERAL_KEYS = ("name", "task", "seed", "budget", "sweep")
FILE_ENDINGS = (".sdf", ".mol", ".smi")
"""A reference with such an ending is read from a file."""
PATH_KEYS = ("target.pdb", "target.ligand", "reference", "actives", "decoys")


Finder = Callable[[str, str], Path]
"""(key, what stands there) -> the file; InputError, with the fix, where there is none or it may not be read."""


@dataclass(frozen=True, slots=True)
class Request:
    """A checked request: a `campaign`, or a `workflow` with the files that its arguments name."""

    campaign: Campaign | None = None
    workflow: Workflow | None = None
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def name(self) -> str:
        asked = self.campaign or self.workflow
        return "" if asked is None else asked.name

    @property
    def kind(self) -> Literal["campaign", "workflow"]:
        return "campaign" if self.campaign is not None else "workflow"

    def document(self, session: Session) -> dict[str, Any]:
        """What the run stores; files that a workflow names go into the artifact store."""
        if self.campaign is not None:
            asked = self.campaign.model_dump(mode="json")
            load_domain(self.campaign.task).examine(asked)
            return asked
        assert self.workflow is not None
        stored = {name: session.artifacts.put(path.read_bytes(), _suffix(path)) for name, path in self.files.items()}
        return {**self.workflow.to_json(), "files": {**self.workflow.files, **stored}}


def beside(base: Path) -> Finder:
    """Files of this machine, relative to the folder `base`."""

    def find(key: str, text: str) -> Path:
        path = base / text
        if not path.is_file():
            raise InputError(f"{key}: no such file: {path}")
        return path

    return find


def stored(session: Session, thread_id: str = "") -> Finder:
    """Files of the artifact store alone, by their id or, in a conversation, by their handle."""

    def find(key: str, text: str) -> Path:
        artifact = text.strip()
        if is_handle(artifact) and thread_id:
            item = session.ledger.get_item(thread_id, artifact)
            if item["kind"] not in ("file", "receptor"):
                raise InputError(f"{key}: {artifact} is a {item['kind']}, not a file")
            artifact = str(item["value"])
        if artifact not in session.artifacts:
            raise InputError(f"{key}: {text!r} is no file kept here: upload it and give its handle (F1)")
        return session.artifacts.path(artifact)

    return find


def load_request(path: Path) -> Request:
    """Read and check a file. InputError, with the file's name, for one that is missing, unreadable or wrong."""
    text = read_campaign_file(path)
    try:
        return parse_request(parse_yaml(text), beside(path.resolve().parent))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


class _Loader(yaml.SafeLoader):
    """Without aliases: a few lines of them stand for gigabytes, or for themselves."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            alias = self.peek_event()  # type: ignore[no-untyped-call]
            raise ValueError(f"aliases (*{alias.anchor}) are not read: write out what it stands for")
        return super().compose_node(parent, index)


def parse_yaml(text: str) -> object:
    """The document of a YAML (or JSON) text; InputError where it is none."""
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"not valid YAML: {' '.join(str(error).split())}") from None


def parse_request(data: object, find: Finder) -> Request:
    """Check a document of any form, whole, before anything runs."""
    if not isinstance(data, Mapping):
        raise InputError(f"a campaign is a mapping of keys to values, not {type(data).__name__}")
    document = {str(key): value for key, value in data.items()}
    if "sweep" in document and not _is_expanded(document):
        return _sweep_request(document, find)
    task = document.get("task", "ligand")
    if "stages" in document or task in TASKS:
        plan = _without_task(document) if "stages" in document else _one_stage(str(task), document)
        workflow = parse_workflow(plan)
        names = files_named(workflow)
        return Request(workflow=workflow, files={text: find(f"stage `{stage}`", text) for stage, text in names})
    if task != "ligand":
        raise InputError(f"task: {task!r:.60} is unknown; tasks are ligand, {', '.join(TASKS)} (or give `stages`)")
    return Request(campaign=parse_campaign(_with_paths(document, find), Path("/")))


def start_request(session: Session, request: Request, run_id: str | None = None, thread_id: str = "") -> str:
    """Write the request down as a queued run and give back its id; with a `run_id` that is there already, nothing is
    started twice. The run then belongs to the conversation `thread_id`, where one is named."""
    document = request.document(session)
    if thread_id and request.kind == "workflow":
        document["thread_id"] = thread_id
    run_id = session.manager.start(document, request.kind, run_id)
    if thread_id:
        session.ledger.add_to_thread(thread_id, run_id)
    return run_id


def _sweep_request(document: dict[str, Any], find: Finder) -> Request:
    """Every combination is checked as the file it would be, before any runs."""
    points: dict[str, dict[str, Any]] = {}
    stages: list[dict[str, Any]] = []
    files: dict[str, Path] = {}
    for name, (values, varied) in expand_sweep(document).items():
        try:
            request = parse_request(varied, find)
            if request.campaign is not None:
                load_domain(request.campaign.task).examine(request.campaign.model_dump(mode="json"))
        except InputError as error:
            raise InputError(f"sweep at {', '.join(f'{k}={v}' for k, v in values.items())}: {error}") from None
        files.update(request.files)
        point = varied if request.campaign is None else request.campaign.model_dump(mode="json", exclude_none=True)
        if request.campaign is not None:
            files.update({text: Path(text) for _, text in _paths(point)})
        points[name] = values
        arguments = {"campaign": escape(point)}
        stages.append({"id": name, "do": "start_campaign", "with": arguments, "continue_on_failure": True})
    axes = {str(key): list(values) for key, values in document["sweep"].items()}
    plan: dict[str, Any] = {"name": str(document.get("name", "sweep"))[:80], "stages": stages}
    if "seed" in document:
        plan["seed"] = document["seed"]
    return Request(workflow=parse_workflow({**plan, "sweep": {"axes": axes, "points": points}}), files=files)


def _is_expanded(document: Mapping[str, Any]) -> bool:
    """Whether this is the workflow that a sweep was turned into."""
    return (
        "stages" in document and isinstance(document["sweep"], Mapping) and set(document["sweep"]) == {"axes", "points"}
    )


def _without_task(document: dict[str, Any]) -> dict[str, Any]:
    if document.get("task", "workflow") != "workflow":
        raise InputError("campaign: give either `task` or `stages`; a workflow's stages each name an action by `do`")
    return {key: value for key, value in document.items() if key != "task"}


def _with_paths(document: dict[str, Any], find: Finder) -> dict[str, Any]:
    """The campaign with the full path of every file it names."""
    found = dict(document)
    if isinstance(document.get("target"), Mapping):
        found["target"] = dict(document["target"])
    for key, text in _paths(document):
        section, _, name = key.rpartition(".")
        (found[section] if section else found)[name] = str(find(key, text))
    return found


def _one_stage(task: str, document: dict[str, Any]) -> dict[str, Any]:
    """The workflow of one stage that a task's file stands for; a wrong key is named with those the task takes."""
    action = load_action(TASKS[task])
    own = [key for key in document if key not in GENERAL_KEYS]
    for key in own:
        if key not in action.args.model_fields:
            valid = [*GENERAL_KEYS, *(name for name in action.args.model_fields if name not in GENERAL_KEYS)]
            close = difflib.get_close_matches(key, valid, n=1)
            hint = f"; did you mean `{close[0]}`?" if close else "."
            raise InputError(f"campaign: unknown key `{key}`{hint} A campaign of task {task} takes {', '.join(valid)}")
    general = {str(key): document[key] for key in GENERAL_KEYS[:1] + GENERAL_KEYS[2:4] if key in document}
    stage = {"id": task, "do": TASKS[task], "with": {key: document[key] for key in own}}
    return {"name": task, **general, "stages": [stage]}


def _paths(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The keys of a campaign that name files, with what they name."""
    target = document.get("target")
    held = {**document, **{f"target.{k}": v for k, v in target.items()}} if isinstance(target, Mapping) else document
    for key in PATH_KEYS:
        text = held.get(key)
        if not isinstance(text, str | Path):
            continue
        if key != "reference" or str(text).lower().endswith(FILE_ENDINGS) or is_handle(str(text)):
            yield key, str(text)


def _suffix(path: Path) -> str:
    return (
        "".join(part.lower() for part in path.suffixes[-2:] if part.lower() in (".gz", path.suffix.lower())) or ".txt"
    )
