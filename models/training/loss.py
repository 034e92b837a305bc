"""The loss of a list of documents: on a CPU without padding (`packed`), elsewhere through transformers' own forward
pass on padded rows. What is reported is the plain negative log-likelihood in nats; the routers' balancing loss is
only trained on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models.training.batches import Labelled, Tokens
from models.training.packed import Packed, Routing, pack, token_losses

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
    a loss (1: all).
    """

    def __init__(self, model: Any, answer_start: AnswerStart | None = None) -> None:
        self._model, self._answer_start = model, answer_start

    def n_targets(self, documents: Sequence[Labelled]) -> int:
        """How many targets have a loss."""
        return sum(len(d.tokens) - self._first(d.tokens) for d in documents)

    def __call__(self, documents: Sequence[Labelled]) -> BatchLoss:
        batch = pack([d.tokens for d in documents])
        chosen = self._chosen(documents, batch)
        losses, routing = token_losses(self._model, batch, chosen)
        document = batch.document if chosen is None else batch.document[chosen]
        return BatchLoss(losses.sum(), len(losses), _by_modality(documents, losses.detach(), document), routing)

    def _first(self, tokens: Tokens) -> int:
        return 1 if self._answer_start is None else max(1, self._answer_start(tokens))

    def _chosen(self, documents: Sequence[Labelled], batch: Packed) -> Tensor | None:
        """Which places of the batch have a target with a loss; None: all."""
        if self._answer_start is None:
            return None
        first = torch.tensor([self._first(d.tokens) for d in documents])
        return torch.nonzero(batch.positions + 1 >= first[batch.document]).flatten()


def _by_modality(documents: Sequence[Labelled], losses: Tensor, document: Tensor) -> dict[str, tuple[float, int]]:
    names = sorted({d.modality for d in documents})
    label = torch.tensor([names.index(d.modality) for d in documents])[document]
    sums = torch.bincount(label, weights=losses.double(), minlength=len(names)).tolist()
    counts = torch.bincount(label, minlength=len(names)).tolist()
    return {name: (total, count) for name, total, count in zip(names, sums, counts, strict=True)}
