"""What runs in a worker process: one candidate's chain of expensive checks, over stores opened once per process."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from tools.domain import Call, StageOutcome
from tools.funnel import call_id_of, executing, run_chain
from tools.memory.artifacts import Artifacts
from tools.memory.ledger import Ledger
from tools.registry import load_domain
from tools.types import CheckResult


@lru_cache(maxsize=4)
def open_stores(home: str) -> tuple[Ledger, Artifacts]:
    """The ledger and the artifact store of a home directory, one of each per process."""
    root = Path(home)
    return Ledger(root / "ledger.sqlite"), Artifacts(root / "artifacts")


def chain_in_worker(domain: str, text: str, context: Mapping[str, Any], home: str) -> list[StageOutcome]:
    ledger, artifacts = open_stores(home)
    return run_chain(domain, text, context, ledger, artifacts)


def prepare_in_worker(domain: str, target: str, home: str, must: Sequence[str] = ()) -> dict[str, Any]:
    """Read and prepare a target where a crash in a file parser hurts nobody. `target` is the campaign's, as JSON."""
    _, artifacts = open_stores(home)
    return load_domain(domain).prepare(json.loads(target), artifacts, must)


def call_in_worker(tool: str, args: Mapping[str, Any], home: str) -> CheckResult:
    """One call through the cache."""
    ledger, artifacts = open_stores(home)
    request = Call(tool, args)
    return executing(ledger, artifacts)(call_id_of(request), request)
