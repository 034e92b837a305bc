"""Which experts of a sparse checkpoint serve which kind of text: the routers' choices, counted.

Texts are read once, as in scoring, and every token but the begin-of-text counts, with each of its chosen experts.
Figures weigh every kind alike, however many tokens it has. Not promised: that an expert's share says what it does, or
that a share is the same on other texts; with a few hundred tokens a kind, some information is there by chance
(`chance_bits` says how much).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.checkpoint import context_length, locate_checkpoint, read_config
from models.errors import CheckpointError, ModelInputError

DENSE = "this checkpoint is dense: it has no experts"
_N_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")
_TOKENS_AT_ONCE = 4096
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ExpertUsage:
    """`counts` (layers, kinds, experts): how often each expert was chosen. `layers` are the sparse layers' numbers,
    from 0; `n_texts` and `n_tokens` are by kind."""

    source: str
    layers: tuple[int, ...]
    kinds: tuple[str, ...]
    n_texts: tuple[int, ...]
    n_tokens: tuple[int, ...]
    experts_per_token: int
    counts: NDArray[np.int64]

    @property
    def n_experts(self) -> int:
        return int(self.counts.shape[2])

    @property
    def shares(self) -> Floats:
        """(layers, kinds, experts): share of a kind's choices, adding up to 1 over experts."""
        shares: Floats = self.counts / self.counts.sum(-1, keepdims=True)
        return shares


@dataclass(frozen=True)
class LayerFigures:
    """One layer. `busiest_over_mean`: load of the busiest expert, 1 if all are alike; `entropy_share`: entropy of the
    load over that of an even one; `idle`: experts nobody chose; `information_bits`: mutual information of expert and
    kind, of at most `most_bits`; `chance_bits`: what so few tokens would show without any specialisation."""

    layer: int
    busiest_over_mean: float
    entropy_share: float
    idle: int
    information_bits: float
    most_bits: float
    chance_bits: float

    @property
    def specialisation(self) -> float | None:
        """Information as a share of the most possible; None where there is nothing to tell apart."""
        return self.information_bits / self.most_bits if self.most_bits > 0 else None


def is_dense(checkpoint: Path | str | None) -> bool:
    """Whether the checkpoint's config names no experts; no weights are read."""
    config = read_config(locate_checkpoint(checkpoint))
    return not any(config.get(name) for name in _N_EXPERTS)


def measure_expert_usage(
    checkpoint: Path | str | None, texts: Mapping[str, Sequence[str]], source: str
) -> ExpertUsage | None:
    """Read `texts` (by kind) with the model and count its routers' choices; None where it is dense. Texts longer than
    the model's context are cut there."""
    if is_dense(checkpoint):
        return None
    if not texts or not all(texts.values()):
        raise ModelInputError("expert usage needs texts, at least one of each kind")
    import torch

    from models.backends.loading import load_model
    from models.backends.text_codec import load_codec

    folder = locate_checkpoint(checkpoint)
    model, codec = load_model(folder, torch.float32), load_codec(folder)
    routers = _routers(model)
    if not routers:
        return None
    context, lead = context_length(model.config), int(codec.bos_id is not None)
    encoded = {kind: [ids[:context] for ids in codec.encode_many(some)] for kind, some in texts.items()}
    counts = np.stack([_count(model, routers, rows, lead) for rows in encoded.values()], axis=1)
    n_tokens = tuple(sum(len(ids) - lead for ids in rows) for rows in encoded.values())
    per_token = int(counts[0].sum()) // max(1, sum(n_tokens))
    n_texts = tuple(map(len, encoded.values()))
    return ExpertUsage(source, tuple(routers), tuple(encoded), n_texts, n_tokens, per_token, counts)


def corpus_texts(corpus: Path, tokens: int) -> dict[str, list[str]]:
    """Validation documents of a packed corpus, about `tokens` of each kind that has some."""
    from models.tokenizer import ScientificTokenizer
    from models.training.batches import validation_documents

    try:
        manifest = json.loads((corpus / "corpus.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise ModelInputError(f"{corpus} is no packed corpus (corpus.json): {fault}") from fault
    tokenizer = ScientificTokenizer.load(corpus / "tokenizer")
    kinds = sorted({row["modality"] for row in manifest.get("table", []) if row["part"] == "valid"})
    found: dict[str, list[str]] = {}
    for kind in kinds:
        documents = validation_documents(corpus, kind, tokens)
        found[kind] = [tokenizer.decode(document.tokens[1:-1].tolist()) for document in documents]
    if not any(found.values()):
        raise ModelInputError(f"the corpus in {corpus} has no validation documents")
    return {kind: texts for kind, texts in found.items() if texts}


def _routers(model: Any) -> dict[int, Any]:
    """Layer number -> its router, which returns (logits, weights, chosen experts) for (tokens, width)."""
    layers = getattr(model.base_model, "layers", [])
    blocks: dict[int, Any] = {number: getattr(layer, "mlp", None) for number, layer in enumerate(layers)}
    return {n: block.gate for n, block in blocks.items() if hasattr(block, "experts") and hasattr(block, "gate")}


def _count(model: Any, routers: Mapping[int, Any], rows: Sequence[list[int]], lead: int) -> NDArray[np.int64]:
    """Choices (layers, experts) over the tokens of `rows`, the first `lead` of each left out."""
    import torch

    from models.backends.network import pad_right

    chosen: list[Any] = []
    found: list[NDArray[np.int64]] = []

    def note(_router: Any, _given: Any, output: Any) -> None:
        if not isinstance(output, tuple) or len(output) != 3:
            raise CheckpointError(f"the routers of {model.config.model_type} models are not understood")
        chosen.append(output[2])

    hooks = [router.register_forward_hook(note) for router in routers.values()]
    try:
        for batch in _batches(rows):
            chosen.clear()
            ids = pad_right(batch, model.device)
            lengths = torch.tensor([len(row) for row in batch])[:, None]
            places = torch.arange(ids.shape[1])
            with torch.inference_mode():
                model.base_model(input_ids=ids, attention_mask=(places < lengths).long(), use_cache=False)
            counted = ((places >= lead) & (places < lengths)).flatten()
            found.append(np.stack([_tally(*pair, counted) for pair in zip(routers.values(), chosen, strict=True)]))
    finally:
        for hook in hooks:
            hook.remove()
    total: NDArray[np.int64] = np.sum(found, axis=0)
    return total


def _tally(router: Any, chosen: Any, counted: Any) -> NDArray[np.int64]:
    """How often each expert of `router` is among the rows of `chosen` (tokens, k) that are `counted`."""
    tally: NDArray[np.int64] = chosen[counted].flatten().bincount(minlength=len(router.weight)).numpy()
    return tally


def _batches(rows: Sequence[list[int]]) -> list[list[list[int]]]:
    batches: list[list[list[int]]] = []
    for row in sorted(rows, key=len):
        if not batches or (len(batches[-1]) + 1) * len(row) > _TOKENS_AT_ONCE:
            batches.append([])
        batches[-1].append(row)
    return batches


# -- figures -------------------------------------------------------------------------------------------------------
def layer_figures(usage: ExpertUsage) -> list[LayerFigures]:
    """Balance and specialisation of every sparse layer."""
    return [
        _figures(layer, shares, counts, usage.experts_per_token)
        for layer, shares, counts in zip(usage.layers, usage.shares, usage.counts, strict=True)
    ]


def _figures(layer: int, shares: Floats, counts: NDArray[np.int64], experts_per_token: int) -> LayerFigures:
    n_kinds, n_experts = shares.shape
    load = shares.mean(0)
    most = min(np.log2(n_kinds), np.log2(n_experts / max(1, experts_per_token)))
    return LayerFigures(
        layer=layer,
        busiest_over_mean=float(load.max() * n_experts),
        entropy_share=_entropy_bits(load) / float(np.log2(n_experts)) if n_experts > 1 else 1.0,
        idle=int((counts.sum(0) == 0).sum()),
        information_bits=mutual_information_bits(shares),
        most_bits=max(0.0, float(most)),
        chance_bits=chance_bits(counts),
    )


def mutual_information_bits(shares: Floats) -> float:
    """Between kind and expert, from (kinds, experts) shares, all kinds alike often: entropy of the mean less the mean
    entropy. With k experts a token it is of one of them drawn at random."""
    return max(0.0, _entropy_bits(shares.mean(0)) - float(np.mean([_entropy_bits(row) for row in shares])))


def chance_bits(counts: NDArray[np.int64]) -> float:
    """Mutual information that (kinds, experts) counts would show by their finite number alone, were choices
    independent: the bias of an entropy of n choices among m experts is (m - 1) / (2 n ln 2) bits (Miller, Note on
    the bias of information estimates, 1955). Choices within a text are not independent, so it is a lower figure."""
    sizes = counts.sum(1)
    m = int((counts.sum(0) > 0).sum())
    return float((m - 1) / (2 * np.log(2)) * (np.mean(1 / sizes) - 1 / sizes.sum()))


def _entropy_bits(shares: Floats) -> float:
    present = shares[shares > 0]
    return float(-(present * np.log2(present)).sum())


def usage_json(usage: ExpertUsage | None) -> dict[str, Any]:
    """The whole result as one JSON-ready document; of a dense checkpoint, that it is."""
    if usage is None:
        return {"sparse": False, "message": DENSE}
    rows = []
    for figures, shares in zip(layer_figures(usage), usage.shares, strict=True):
        rows.append(
            {
                "layer": figures.layer,
                "busiest_over_mean": round(figures.busiest_over_mean, 3),
                "entropy_share": round(figures.entropy_share, 4),
                "idle_experts": figures.idle,
                "information_bits": round(figures.information_bits, 4),
                "most_bits": round(figures.most_bits, 4),
                "chance_bits": round(figures.chance_bits, 4),
                "specialisation": None if figures.specialisation is None else round(figures.specialisation, 4),
                "shares": {k: [round(float(x), 4) for x in row] for k, row in zip(usage.kinds, shares, strict=True)},
            }
        )
    kinds = zip(usage.kinds, usage.n_texts, usage.n_tokens, strict=True)
    return {
        "sparse": True,
        "source": usage.source,
        "experts": usage.n_experts,
        "experts_per_token": usage.experts_per_token,
        "kinds": {kind: {"texts": n_texts, "tokens": n_tokens} for kind, n_texts, n_tokens in kinds},
        "layers": rows,
    }
