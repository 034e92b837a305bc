"""The loss of a list of documents: on a CPU without padding (`packed`), elsewhere through transformers' own forward
pass on padded rows, in bfloat16 on a GPU. What is reported is the plain negative log-likelihood in nats; the routers'
balancing loss is only trained on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.training.batches import Labelled, Tokens
from models.training.packed import Routing, pack, routing_of, token_losses

AnswerStart = Callable[[Tokens], int]


@dataclass(frozen=True)
class BatchLoss:
    """Sums over one micro-batch."""

    total: Tensor  # nats, to be trained on
    n_targets: int
    by_modality: dict[str, tuple[float, int]]  # nats, targets
    routing: Routing | None  # of a sparse network


class DocumentLoss:
    """Callable: documents -> `BatchLoss`. `answer_start` says from which token on a document's tokens are targets with
    a loss (None: all). `padded` calls the modules themselves, as a GPU or a split network needs it.
    """

    def __init__(
        self,
        model: Any,
        answer_start: AnswerStart | None = None,
        device: torch.device | None = None,
        padded: bool = False,
    ) -> None:
        self._model, self._answer_start = model, answer_start
        self._device = device or torch.device("cpu")
        self.padded = padded or self._device.type != "cpu"
        self._losses = self._padded if self.padded else self._packed

    def n_targets(self, documents: Sequence[Labelled]) -> int:
        """How many targets have a loss."""
        return sum(len(d.tokens) - self._first(d.tokens) for d in documents)

    def __call__(self, documents: Sequence[Labelled]) -> BatchLoss:
        losses, document, routing = self._losses(documents)
        by_modality = _by_modality(documents, losses.detach().cpu(), document)
        return BatchLoss(losses.sum(), len(losses), by_modality, routing)

    def _first(self, tokens: Tokens) -> int:
        return 1 if self._answer_start is None else max(1, self._answer_start(tokens))

    def _packed(self, documents: Sequence[Labelled]) -> tuple[Tensor, Tensor, Routing | None]:
        """(loss of each target, which document each is of, routing)"""
        batch = pack([d.tokens for d in documents])
        chosen, document = None, batch.document
        if self._answer_start is not None:
            first = torch.tensor([self._first(d.tokens) for d in documents])
            chosen = torch.nonzero(batch.positions + 1 >= first[document]).flatten()
            document = document[chosen]
        losses, routing = token_losses(self._model, batch, chosen)
        return losses, document, routing

    def _padded(self, documents: Sequence[Labelled]) -> tuple[Tensor, Tensor, Routing | None]:
        """As `_packed`. Padding stands on the right, where causal attention keeps it from the rest."""
        lengths = [len(d.tokens) for d in documents]
        ids = np.zeros((len(documents), max(lengths)), dtype=np.int64)
        for row, document in zip(ids, documents, strict=True):
            row[: len(document.tokens)] = document.tokens
        place = torch.arange(ids.shape[1])[None]
        first = torch.tensor([self._first(d.tokens) for d in documents])[:, None]
        is_target = ((place >= first) & (place < torch.tensor(lengths)[:, None]))[:, 1:]
        which = torch.nonzero(is_target)[:, 0]
        is_token = (place[:, :-1] < torch.tensor(lengths)[:, None] - 1).flatten().to(self._device)
        batch = torch.from_numpy(ids).to(self._device)
        is_sparse = bool(getattr(self._model.config, "num_experts", 0))
        options: dict[str, Any] = {"output_router_logits": True} if is_sparse else {}
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
            output = self._model(input_ids=batch[:, :-1], use_cache=False, **options)
        chosen = is_target.to(self._device)
        losses = functional.cross_entropy(output.logits[chosen].float(), batch[:, 1:][chosen], reduction="none")
        if not is_sparse:
            return losses, which, None
        n_chosen = self._model.config.num_experts_per_tok
        layers = [routing_of(logits.float()[is_token], n_chosen) for logits in output.router_logits]
        return losses, which, Routing.of(layers)


def _by_modality(documents: Sequence[Labelled], losses: Tensor, document: Tensor) -> dict[str, tuple[float, int]]:
    names = sorted({d.modality for d in documents})
    label = torch.tensor([names.index(d.modality) for d in documents])[document]
    sums = torch.bincount(label, weights=losses.double(), minlength=len(names)).tolist()
    counts = torch.bincount(label, minlength=len(names)).tolist()
    return {name: (total, count) for name, total, count in zip(names, sums, counts, strict=True)}
