"""What works on this machine, found out by doing a small real job of each kind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.messages import HumanMessage, SystemMessage
from langsmith import tracing_context

from agent.chat.front_end import open_front_end, told_context_tokens
from agent.chat.instructions import action_tools, system_prompt
from agent.config import Settings
from models.chat.conformance import examine_chat_model
from models.chat.front_end import OFFLINE
from models.registry import checkpoint_info, is_server_address, load_generator
from tools.memory.artifacts import Artifacts
from tools.memory.ledger import Ledger
from tools.memory.vectors import Vectors
from tools.registry import call, is_fault, load_domain

if TYPE_CHECKING:
    from langchain_core.language_models.chat_models import BaseChatModel


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    works: bool
    detail: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def examine(settings: Settings) -> list[Finding]:
    """One finding a capability. A capability that fails says why; it never hides the others."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        return [
            _try("home", lambda: f"{settings.home}, {os.cpu_count()} cores, {settings.workers} workers"),
            _try("device", lambda: _device(settings)),
            _try("checkpoint", lambda: _checkpoint(settings)),
            _try("docking", lambda: _docking(Artifacts(home / "artifacts"))),
            _try("minimisation", _minimisation),
            _try("stores", lambda: _stores(home)),
            _try("llm", lambda: _language_model(settings)),
        ]


def examine_language_model(settings: Settings) -> list[Finding]:
    """What the language front end of these settings can do, by talking to it."""
    loaded = _try("llm", lambda: _language_model(settings))
    if not loaded.works:
        return [loaded]
    model = open_front_end(settings)
    with tracing_context(enabled=False):
        if settings.llm == OFFLINE:
            return [loaded, _try("plans", lambda: _plan(model))]
        tokens = settings.llm_context_tokens or told_context_tokens(model, settings)
        return [loaded, *(Finding(f.name, f.works, f.detail) for f in examine_chat_model(model, tokens))]


def _try(name: str, job: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, job())
    except Exception as error:  # noqa: BLE001 - the doctor's purpose is to report whatever is wrong
        return Finding(name, False, f"{type(error).__name__}: {error}")


def _device(settings: Settings) -> str:
    import torch

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no GPU"
    name = settings.checkpoint
    model = load_generator(name, settings.device, **settings.model_options(name))
    return f"{model.device} ({gpu}), torch {torch.__version__}"


def _checkpoint(settings: Settings) -> str:
    if is_server_address(settings.checkpoint):
        return "behind a model server, which does not tell which weights it holds"
    info = checkpoint_info(settings.checkpoint)
    return f"{info['architecture']}, {info['parameters']:,} parameters, sha256 {str(info['sha256'])[:12]}"


def _language_model(settings: Settings) -> str:
    model = open_front_end(settings)
    if settings.llm == OFFLINE:
        return "offline: built in, understands requests for the tools; it is not a language model"
    return f"{settings.llm} ({type(model).__name__}) at {settings.llm_base_url or 'its own address'}, not asked yet"


def _plan(model: BaseChatModel) -> str:
    asked = [SystemMessage(system_prompt([])), HumanMessage("molecular weight and logP of aspirin")]
    answer = model.bind_tools(action_tools()).invoke(asked)
    if not answer.tool_calls:
        raise RuntimeError(f"a plain request gave no step but {str(answer.text)[:80]!r}")
    return f"a plain request gives {', '.join(call['name'] for call in answer.tool_calls)}"


def _docking(artifacts: Artifacts) -> str:
    prepared = load_domain("ligand").prepare({"name": "ABL1"}, artifacts)
    result = call("dock", {"smiles": "c1ccccc1", "receptor": prepared["receptor"], "max_states": 1}, artifacts)
    if is_fault(result):
        raise RuntimeError(result.reason)
    return f"benzene in ABL1: {result.value} kcal/mol in {result.seconds:.1f} s ({result.version})"


def _minimisation() -> str:
    from rdkit import Chem

    from tools.molecule.conformers import embed
    from tools.simulation.minimise import minimise_ligand

    result = minimise_ligand(embed(Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O"), 1, seed=1))
    return f"aspirin minimised to {result.energy_after_kcal_mol:.2f} kcal/mol"


def _stores(home: Path) -> str:
    ledger = Ledger(home / "ledger.sqlite")
    n_findings = Vectors(home / "vectors", ledger).count()
    return f"SQLite ledger and Chroma index open; a new index holds {n_findings} findings"
