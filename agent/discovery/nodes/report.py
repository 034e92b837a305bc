"""report: gather the run into one `RunResult` and write it as HTML, CSV and SDF."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from agent.discovery.deps import Deps
from agent.discovery.result import build_result, calls_shown
from agent.discovery.state import DiscoveryState
from agent.report import write_csv, write_report, write_sdf


def report(state: DiscoveryState, runtime: Runtime[Deps]) -> dict[str, Any]:
    deps = runtime.context
    folder = deps.run_dir
    files = {name: str(folder / name) for name in ("report.html", "candidates.csv", "candidates.sdf")}
    result = build_result(state, deps, files)
    campaign = deps.campaign.model_dump(mode="json")
    write_csv(result, folder / "candidates.csv")
    write_sdf(result, deps.artifacts.read_text, folder / "candidates.sdf")
    calls = calls_shown(result, deps.ledger)
    write_report(result, deps.artifacts.read_text, campaign, calls, folder / "report.html")
    (folder / "result.json").write_text(result.model_dump_json(by_alias=True, indent=1), encoding="utf-8")
    deps.ledger.put_result(deps.run_id, result.model_dump(mode="json", by_alias=True))
    return {"seconds": deps.clock.seconds()}
