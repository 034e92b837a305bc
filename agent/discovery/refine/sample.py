"""`sample`: fresh samples of the model for the domain's prompts. Not refinement, but what it is measured against.

Where the campaign bounds a property and the checkpoint has tokens for it, the model is asked for the bins inside the
bounds, each as often as training showed it, and the origin of a candidate says which.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from agent.discovery.deps import Deps
from agent.discovery.refine.strategy import Order, Proposal, derived_seed
from models.backends.base import Generator, Request
from models.backends.text_codec import TextCodec
from models.conditions import draw_conditions, with_conditions
from tools.domain import Context, Prompt

ASKED = ", asked for "
"""In an origin: before the bins of properties that the model was asked for."""

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
        codec = deps.model.codec if source is None else getattr(source, "codec", None)
        requests: list[Request] = []
        origins: dict[str, str] = {}
        for k, (prompt, share) in enumerate(zip(prompts, shares, strict=True)):
            for part, (conditions, n) in enumerate(_asked(prompt, share, seed, codec).items()):
                name = f"{k}-{prompt.task}" + (f"-{part}" if conditions else "")
                origins[name] = f"{label}:{prompt.task}" + (ASKED + _shown(conditions) if conditions else "")
                requests.append(sampling(with_conditions(prompt.text, conditions), prompt.stop, n, seed, name))
        samples = sorted((source or deps.model).generate(requests), key=lambda s: (s.request_id, s.index))
        stop = {request.request_id: request.stop[0] for request in requests}
        return [
            Proposal(
                sample.text.removesuffix(stop[sample.request_id]),
                origins[sample.request_id],
                (),
                sample.log_prob,
            )
            for sample in samples
        ]


def sampling(text: str, stop: str, n: int, seed: int, name: str) -> Request:
    """`n` samples of the model after `text`, as every strategy draws them."""
    return Request(
        prompt=text,
        n=n,
        temperature=TEMPERATURE,
        top_p=TOP_P,
        max_new_tokens=MAX_NEW_TOKENS,
        stop=(stop,),
        seed=seed,
        request_id=name,
    )


def _asked(prompt: Prompt, n: int, seed: int, codec: TextCodec | None) -> Counter[tuple[str, ...]]:
    """How many of `n` samples carry which property tags: none where the model does not know all that may be drawn, or
    does not show its tokenizer."""
    knows = codec is not None and all(codec.id_of(tag) is not None for tags in prompt.bins for tag in tags)
    return Counter(draw_conditions(prompt.bins if knows else (), n, seed, evenly=False))


def _shown(conditions: Sequence[str]) -> str:
    """<LogP:2..3><QED:0.7..0.8> as "LogP 2..3, QED 0.7..0.8"."""
    return ", ".join(tag.strip("<>").replace(":", " ") for tag in conditions)
