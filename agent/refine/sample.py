"""`sample`: fresh samples of the model for the domain's prompts. Not refinement, but what it is measured against."""

from __future__ import annotations

from agent.deps import Deps
from agent.refine.strategy import Order, Proposal, derived_seed
from models.backends.base import Generator, Request
from tools.domain import Context

TEMPERATURE, TOP_P, MAX_NEW_TOKENS = 0.8, 0.95, 96
"""97 % of the shipped checkpoint's molecules are valid at temperature 0.8, 90 % at 1.0, equally novel (its card)."""


class Sample:
    """Shares the order over the domain's prompts, in turn."""

    def propose(
        self,
        order: Order,
        context: Context,
        deps: Deps,
        source: Generator | None = None,
        label: str = "sample",
    ) -> list[Proposal]:
        """`source` is the model to sample, the resident one if None; `label` the origin's first word."""
        prompts = deps.domain.prompts(context)
        shares = [len(range(k, order.n, len(prompts))) for k in range(len(prompts))]
        seed = derived_seed(deps.campaign.seed, label, order.round, order.batch)
        requests = [
            Request(
                prompt=prompt.text,
                n=share,
                temperature=TEMPERATURE,
                top_p=TOP_P,
                max_new_tokens=MAX_NEW_TOKENS,
                stop=(prompt.stop,),
                seed=seed,
                request_id=f"{k}-{prompt.task}",
            )
            for k, (prompt, share) in enumerate(zip(prompts, shares, strict=True))
            if share
        ]
        samples = sorted((source or deps.model).generate(requests), key=lambda s: (s.request_id, s.index))
        stop = {request.request_id: request.stop[0] for request in requests}
        return [
            Proposal(
                sample.text.removesuffix(stop[sample.request_id]),
                f"{label}:{sample.request_id.partition('-')[2]}",
                (),
                sample.log_prob,
            )
            for sample in samples
        ]
