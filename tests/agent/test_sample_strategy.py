"""What `sample` asks of the model: the domain's prompts in turn, and bounded properties where the checkpoint has tokens
for them. With a small random checkpoint of our tokenizer, whose answers mean nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.discovery.nodes.rank import _kind_of_origin
from agent.discovery.refine.sample import Sample
from agent.discovery.refine.strategy import Order
from models.backends.base import Request
from models.conditions import TRAINING_SHARES
from models.grammar.properties import LOG_P, MOLECULAR_WEIGHT, PROPERTY_TAGS, QED
from models.tokenizer import ScientificTokenizer
from models.worker import ModelWorker
from tools.ligand_prompts import bounded_bins
from tools.registry import load_domain

POCKET = {"sequence": "MKTAYIAKQR", "pocket": [1, 4]}


class Watched:
    """The model itself, remembering what it was asked."""

    def __init__(self, model: Any) -> None:
        self.model, self.requests = model, list[Request]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def decoding(self) -> Any:
        decoding, add = self.model.decoding(), self.requests.append
        inner = decoding.add
        decoding.add = lambda request, owner=None: (add(request), inner(request, owner))[1]
        return decoding


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from models.registry import load_generator

    folder: Path = tmp_path_factory.mktemp("random")
    tokenizer = ScientificTokenizer.build().fast
    torch.manual_seed(5)
    size = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
    ids = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    config = LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=160, **size, **ids)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return load_generator(folder, "cpu")


@pytest.fixture
def propose(model: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Proposals for a context, and the requests that were made; few tokens, since the answers are noise."""
    monkeypatch.setattr("agent.discovery.refine.sample.MAX_NEW_TOKENS", 6)
    watched = Watched(model)
    with ModelWorker(watched) as worker:

        def run(constraints: dict[str, str], n: int = 40, seed: int = 7) -> tuple[list[Any], Sequence[Request]]:
            watched.requests.clear()
            deps: Any = SimpleNamespace(campaign=SimpleNamespace(seed=seed), domain=load_domain("ligand"), model=worker)
            context = {"constraints": constraints, "pocket_chain": POCKET}
            order = Order(n=n, round=1, batch=0, parents=(), rejected=frozenset())
            return Sample().propose(order, context, deps), list(watched.requests)

        yield run


def test_the_prompt_carries_the_tokens_of_what_the_campaign_bounds(propose: Callable[..., Any]) -> None:
    proposals, requests = propose({"reactive": "none", "logp": "1..3", "qed": ">=0.8"})
    pocket = [request for request in requests if request.prompt.startswith("<ProteinS>")]
    free = [request for request in requests if request not in pocket]
    assert sum(request.n for request in pocket) == sum(request.n for request in free) == 20
    allowed = {f"{logp}{qed}<MoleculeS>" for logp in LOG_P.tags[2:4] for qed in QED.tags[-2:]}
    assert {request.prompt for request in free} <= allowed
    assert len(free) > 1
    assert all("<LogP" not in request.prompt for request in pocket)
    assert len(proposals) == 40


def test_origins_say_what_was_asked_for(propose: Callable[..., Any]) -> None:
    proposals, _ = propose({"mol_weight": "300..350"})
    assert {one.origin for one in proposals} == {"sample:ligand", "sample:molecule, asked for MW 300..350"}
    assert _kind_of_origin("sample:molecule, asked for LogP ..0, MW 300..350, QED 0.7..0.8") == (
        "sample:molecule, asked for LogP, MW, QED"
    )
    assert _kind_of_origin("evolve:crossover") == "evolve:crossover"


def test_the_same_seed_asks_the_same(propose: Callable[..., Any]) -> None:
    bounds = {"logp": "0..4"}
    assert propose(bounds) == propose(bounds)
    assert propose(bounds)[1] != propose(bounds, seed=8)[1]


def test_without_bounds_or_tokens_nothing_is_asked_for(
    propose: Callable[..., Any], model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for constraints in ({"heavy_atoms": "20..35"}, {"qed": ">=0", "logp": "<=100"}):
        assert {request.prompt for request in propose(constraints)[1]} >= {"<MoleculeS>"}
    monkeypatch.setattr(model.codec, "property_tags", {})
    proposals, requests = propose({"logp": "2..3"})
    assert len(requests) == 2
    assert requests[1].prompt == "<MoleculeS>"
    assert {one.origin for one in proposals} == {"sample:ligand", "sample:molecule"}


def test_bounds_become_bins() -> None:
    assert bounded_bins({"logp": "2..3"}) == (("<LogP:2..3>",),)
    assert bounded_bins({"mol_weight": "<=250", "tpsa": "<=90"}) == (MOLECULAR_WEIGHT.tags[:2],)
    assert bounded_bins({"qed": ">=0.85"}) == (QED.tags[-2:],)
    assert bounded_bins({"qed": "0.4..5"}) == (QED.tags[2:],)
    assert bounded_bins({"logp": "2..2"}) == (("<LogP:2..3>",),)
    assert bounded_bins({"qed": ">=1.5"}) == ()
    assert bounded_bins({}) == ()


def test_every_bin_has_a_training_share() -> None:
    assert set(TRAINING_SHARES) == set(PROPERTY_TAGS)
    for item in (LOG_P, MOLECULAR_WEIGHT, QED):
        assert sum(TRAINING_SHARES[tag] for tag in item.tags) == pytest.approx(1, abs=0.005)
