"""Settings: what may differ from machine to machine. The only reader of the environment.

Every setting is a variable ORGANON_<NAME>. What a campaign asks for (target, budgets, seeds, thresholds) is
not a setting and has no variable: it belongs to the campaign file, so that a result can be had again
elsewhere.
"""

from __future__ import annotations

import difflib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from models.hub import is_hub_id
from models.registry import is_server_address
from tools.errors import InputError

PREFIX = "ORGANON_"


def _default_home() -> Path:
    """The user's data directory by the XDG base directory specification."""
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "share") / "organon"


def _default_workers() -> int:
    """The processors this process may use (fewer than the machine's under taskset or in many containers)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Settings(BaseSettings):
    """Frozen; made by `load_settings`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    home: Path = Field(default_factory=_default_home)
    """Everything that is kept: ledger, vector index, artifacts, runs."""
    workers: int = Field(default_factory=_default_workers, ge=1, le=4096)
    """Processes that run checks."""
    memory_mb: int = Field(default=4096, ge=0)
    """MiB of resident memory above which a worker's task is ended; 0: no limit."""
    chain_timeout_seconds: float = Field(default=600.0, gt=0)
    """Wall time one candidate may spend in its expensive checks: docking of all its states and what follows."""
    lease_seconds: float = Field(default=30.0, ge=1.0)
    """Age of the last heartbeat after which a run's process counts as dead."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the model runs; auto: cuda where there is one."""
    checkpoint: Path | str | None = None
    """Directory, hub id or server address (http://host:8000/v1) of the model; none: the one that is shipped."""
    server_api_key: SecretStr | None = None
    """Sent to a model server as its bearer token; shown nowhere."""
    server_model: str | None = None
    """Which model of a server that serves several; none: the first."""
    server_tokenizer: Path | None = None
    """Directory of the tokenizer of a server's checkpoint: saves a call for each sample."""
    local_files: bool = True
    """Whether structure files may be named by their path on this machine; off: attached ones only."""
    token: SecretStr | None = None
    """Who may use the server: sent as a bearer token, or typed into the page. None: this machine only."""
    allowed_hosts: str = ""
    """Names, separated by commas, under which the server may be addressed besides those of this machine."""
    max_upload_mb: int = Field(default=32, ge=1, le=1024)
    """MiB of one uploaded file."""
    rate_limit: int = Field(default=1200, ge=0)
    """Requests a minute from one token or address; 0: no limit."""
    building_blocks: Path | None = None
    """A list of SMILES, one a line, at which synthesis routes may end; none: small, plain molecules by a rule."""
    known_materials: Path | None = None
    """A CSV with columns nodes and linkers: frameworks that a generated one is compared with."""
    embeddings: Literal["auto", "hashing", "minilm"] = "auto"
    """How texts are compared: a sentence model where the `embed` extra is installed, else the built-in hashing."""
    network: Literal["on", "off"] = "on"
    """Whether literature services may be asked when a search wants it; off: nothing leaves this machine."""
    contact_email: str | None = None
    """Told to literature services, which answer known users sooner."""
    literature_urls: Annotated[dict[str, str], NoDecode] = Field(default_factory=dict)
    """Other addresses of services (mirrors, proxies), as JSON: {"arxiv": "http://mirror.example"}."""
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    llm: str = "offline"
    """The language front end, the same in every role: offline, openai:MODEL, anthropic:MODEL, ollama:MODEL, any name of
    LangChain's init_chat_model, or local:DIRECTORY of a transformers chat checkpoint."""
    llm_base_url: str | None = None
    """Where the language model is served (vLLM, SGLang, llama.cpp, ...); none: the provider's own address."""
    llm_api_key: SecretStr | None = None
    """Sent to the language model's provider; none: the provider's own variable. Shown nowhere."""
    llm_context_tokens: int | None = Field(default=None, ge=1024)
    """Tokens the language model can read at once; none: what its provider tells, else 24,000."""
    approval_seconds: float = Field(default=600.0, ge=0)
    """A conversation asks before a step that is estimated to take longer, or that leaves this machine."""
    turn_tool_calls: int = Field(default=40, ge=1)
    """Calls that one turn of a conversation may make."""
    turn_minutes: float = Field(default=240.0, gt=0)
    """Active minutes (waiting for people not counted) after which a turn starts no further call."""

    @field_validator("home", "server_tokenizer", "building_blocks", "known_materials")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else Path(os.path.abspath(path.expanduser()))

    @field_validator("checkpoint")
    @classmethod
    def _absolute_or_named(cls, checkpoint: Path | str | None) -> Path | str | None:
        if checkpoint is None or is_server_address(checkpoint) or is_hub_id(str(checkpoint)):
            return checkpoint
        return cls._absolute(Path(checkpoint))

    @field_validator("literature_urls", mode="before")
    @classmethod
    def _object(cls, given: Any) -> Any:
        return json.loads(given) if isinstance(given, str) else given

    def model_options(self, checkpoint: Path | str | None) -> dict[str, Any]:
        """What `load_generator` is to be told about `checkpoint` besides where it is: a server's key, model and
        tokenizer; nothing about a directory."""
        if not is_server_address(checkpoint):
            return {}
        key = None if self.server_api_key is None else self.server_api_key.get_secret_value()
        return {"api_key": key, "model": self.server_model, "tokenizer": self.server_tokenizer}

    @property
    def ledger_path(self) -> Path:
        return self.home / "ledger.sqlite"

    @property
    def artifacts_path(self) -> Path:
        return self.home / "artifacts"

    @property
    def vectors_path(self) -> Path:
        return self.home / "vectors"

    @property
    def checkpoints_path(self) -> Path:
        """LangGraph's database of graph states."""
        return self.home / "graph.sqlite"


def load_settings(**given: Any) -> Settings:
    """Settings from the environment, with `given` taking precedence. InputError in one line for what is
    wrong, also for a variable that does not exist; makes the home directory and sees that it can be written.
    """
    _refuse_unknown(os.environ)
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise InputError("; ".join(_line(detail) for detail in error.errors())) from error
    _require_writable(settings.home)
    return settings


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            names = [setting.removeprefix(PREFIX) for setting in known]
            close = difflib.get_close_matches(name.upper().removeprefix(PREFIX), names, n=1)
            hint = f"did you mean {PREFIX}{close[0]}?" if close else f"there are {', '.join(known)}"
            raise InputError(f"{name} is not a setting: {hint}")


def _line(detail: Mapping[str, Any]) -> str:
    name = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{name} is not a setting: there are {', '.join(Settings.model_fields)}"
    return f"{PREFIX}{name.upper()}={detail['input']!s}: {detail['msg']}"


def _require_writable(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=home, prefix=".writable-"):
            pass
    except OSError as error:
        raise InputError(
            f"{PREFIX}HOME={home} cannot be written ({error.strerror}): set it to another directory"
        ) from error
