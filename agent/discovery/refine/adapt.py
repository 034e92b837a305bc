"""`adapt`: the model itself is tuned on this run's docked candidates, weighted by desirability, and then sampled.

Each round starts from the round before; the tuned weights are kept in the run's directory, so that a resumed round
finds them and samples the same. Texts that failed a hard check get no weight: they are simply not learned from.
"""

from __future__ import annotations

from pathlib import Path

from agent.discovery.deps import Deps
from agent.discovery.refine.sample import Sample
from agent.discovery.refine.strategy import Order, Proposal, derived_seed
from agent.discovery.standing import standings
from models.registry import load_generator
from tools.domain import Context
from tools.errors import InputError

N_EXAMPLES = 64
N_REPLAY = 128


class Adapt:
    def propose(self, order: Order, context: Context, deps: Deps) -> list[Proposal]:
        if not order.parents:
            return []
        folder = deps.run_dir / "adapt" / f"round-{order.round:03d}"
        if not (folder / "config.json").exists():
            self._tune(order, context, deps, folder)
        tuned = load_generator(folder, deps.settings.device)
        proposals = Sample().propose(order, context, deps, source=tuned, label="adapt")
        return [proposal for proposal in proposals if proposal.text not in order.rejected]

    def _tune(self, order: Order, context: Context, deps: Deps, folder: Path) -> None:
        from models.training.adapt import adapt  # loads torch, which a wrong campaign should not wait for

        rows = standings(deps, context, before_round=order.round)
        scored = [(s.candidate.text, s.desirability) for s in rows if s.passed and s.desirability][:N_EXAMPLES]
        if not scored:
            scored = [(text, 1.0) for text in order.parents]
        rest = [c.text for c in deps.ledger.candidates(deps.run_id) if c.origin.startswith("sample")]
        replay = [text for text in rest if deps.domain.identity(text)][:N_REPLAY]
        earlier = deps.run_dir / "adapt" / f"round-{order.round - 1:03d}"
        start = earlier if (earlier / "config.json").exists() else deps.checkpoint
        if start is None:
            raise InputError("adapt tunes weights, which a model server does not hand out: use a local checkpoint")
        partial = folder.with_name(folder.name + ".partial")
        adapt(
            start,
            [(deps.domain.render(text), weight) for text, weight in scored],
            [deps.domain.render(text) for text in replay],
            partial,
            seed=derived_seed(deps.campaign.seed, "adapt", order.round),
        )
        partial.replace(folder)
