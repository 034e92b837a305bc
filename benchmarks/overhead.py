"""How much of a campaign's wall time is neither the model nor a check? And how busy are the workers?

    python benchmarks/overhead.py --home DIR [--campaign FILE] [--json]

Runs a campaign (the demo by default) in an empty home and splits its wall time into: the model sampling, checks run in
worker processes (their start included), cheap checks run in this process, and everything else, which is the overhead.
Worker utilisation is the workers' own seconds inside checks over the seconds they were held.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from agent.campaign import load_campaign
from agent.config import load_settings
from agent.executor import Executor
from agent.interface.output import print_event
from agent.presets import preset_path
from agent.session import Session
from models.worker import ModelWorker
from tools import registry


class Stopwatch:
    """Seconds inside wrapped functions, by label; nothing wrapped calls anything else wrapped."""

    def __init__(self) -> None:
        self.seconds = {"model": 0.0, "checks in workers": 0.0, "cheap checks": 0.0}

    def function(self, label: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds[label] += time.perf_counter() - started

        return timed

    def generator(self, label: str, function: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        def timed(*args: Any, **kwargs: Any) -> Iterator[Any]:
            items = function(*args, **kwargs)
            while True:
                started = time.perf_counter()
                try:
                    item = next(items)
                except StopIteration:
                    return
                finally:
                    self.seconds[label] += time.perf_counter() - started
                yield item

        return timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--campaign", type=Path, default=preset_path("demo"))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    session = Session.open(load_settings(home=args.home))
    watch = Stopwatch()
    with (
        patch.object(ModelWorker, "generate", watch.function("model", ModelWorker.generate)),
        patch.object(Executor, "map_ordered", watch.generator("checks in workers", Executor.map_ordered)),
        patch("tools.funnel.call", watch.function("cheap checks", registry.call)),
    ):
        result = session.run(load_campaign(args.campaign), "benchmark", print_event)
    counted = sum(watch.seconds.values())
    in_checks = sum(r.seconds for results in session.ledger.results(result.run_id).values() for r in results)
    held = watch.seconds["checks in workers"] * session.settings.workers
    report = {
        "wall_seconds": result.seconds,
        **watch.seconds,
        "overhead_seconds": result.seconds - counted,
        "overhead_share": (result.seconds - counted) / result.seconds,
        "worker_utilisation": (in_checks - watch.seconds["cheap checks"]) / held,
    }
    if args.json:
        print(json.dumps(report))
    else:
        for name, value in report.items():
            print(f"{name:20} {value:8.2f}")


if __name__ == "__main__":
    main()
