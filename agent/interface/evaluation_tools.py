"""Tools an evaluation is given by this layer: docking in worker processes, one molecule a task.

A molecule whose worker crashes, hangs or takes too much memory has no score, as one that Vina cannot type; the rest of
its pocket goes on. Input that is wrong (a receptor that cannot be prepared) ends the evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.errors import InputError

if TYPE_CHECKING:
    from agent.config import Settings
    from agent.executor import Executor


@contextmanager
def evaluation_tools(settings: Settings, options: Mapping[str, Any]) -> Iterator[dict[str, Callable[..., Any]]]:
    """Callables by name, for `tools.evaluation.protocol.Setup`; "dock" where the option `dock` is on."""
    if not options.get("dock"):
        yield {}
        return
    from agent.executor import Executor

    with Executor(settings.workers, settings.memory_mb) as executor:
        yield {"dock": partial(dock_in_workers, executor, settings.chain_timeout_seconds)}


def dock_in_workers(
    executor: Executor,
    timeout_seconds: float,
    smiles: Sequence[str],
    receptor: Path,
    ligand: Path,
    **settings: Any,
) -> list[float | None]:
    """As `tools.evaluation.ligand_docking.dock_molecules`, each molecule in a worker for at most `timeout_seconds`."""
    from agent.worker import Fault, Task

    tasks = [Task((text, receptor, ligand, settings), timeout_seconds) for text in smiles]
    scores: list[float | None] = [None] * len(tasks)
    for at, outcome in executor.map_ordered(dock_one, tasks):
        if not isinstance(outcome, Fault):
            scores[at] = outcome
        elif outcome.error_type == "InputError":
            raise InputError(outcome.message)
    return scores


def dock_one(smiles: str, receptor: Path, ligand: Path, settings: Mapping[str, Any]) -> float | None:
    """What a worker runs; at the top of this module, so that it can be sent there."""
    from tools.evaluation.ligand_docking import dock_molecules

    return dock_molecules([smiles], receptor, ligand, **settings)[0]
