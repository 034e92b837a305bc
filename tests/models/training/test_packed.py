"""The training passes against transformers' own network and plain autograd: equal losses, equal gradients."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers.models.qwen3_moe.modeling_qwen3_moe import load_balancing_loss_func

from models.tokenizer import ScientificTokenizer
from models.training import kernels
from models.training.architecture import active_parameters, build_model
from models.training.batches import Labelled
from models.training.config import PretrainConfig
from models.training.loss import DocumentLoss
from models.training.packed import pack, token_losses

DENSE = PretrainConfig(
    mixture={"molecule": 1.0}, steps=1, hidden_size=48, n_layers=2, n_heads=4, intermediate_size=80, context_length=64
)
SHAPES = {
    "dense": DENSE,
    "grouped": replace(DENSE, n_key_value_heads=2),
    "two experts": replace(DENSE, n_experts=8, experts_per_token=2, expert_intermediate_size=24),
    "one expert": replace(DENSE, n_experts=4, experts_per_token=1, expert_intermediate_size=24),
    "three grouped": replace(DENSE, n_experts=5, experts_per_token=3, expert_intermediate_size=16, n_key_value_heads=1),
}


@pytest.fixture(scope="module")
def tokenizer() -> ScientificTokenizer:
    return ScientificTokenizer.build()


def documents(vocab_size: int) -> list[Labelled]:
    """Of many lengths, so that some share attention rows with padding and some do not."""
    rng = np.random.default_rng(0)
    lengths = (9, 9, 10, 31, 3, 60, 58, 33, 33)
    drawn = [rng.integers(5, vocab_size, n).astype(np.uint16) for n in lengths]
    return [Labelled(tokens, "abc"[i % 3]) for i, tokens in enumerate(drawn)]


def network(shape: str, tokenizer: ScientificTokenizer) -> Any:
    torch.manual_seed(1)
    model = build_model(SHAPES[shape], tokenizer)
    with torch.no_grad():  # drawn wide, so that routing and attention are far from even
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4)
            else:
                parameter.add_(0.2 * torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("shape", SHAPES)
def test_losses_and_gradients_equal_those_of_transformers(shape: str, tokenizer: ScientificTokenizer) -> None:
    model, batch = network(shape, tokenizer), documents(tokenizer.vocab_size)
    expected = torch.zeros(())
    for document in batch:
        ids = torch.from_numpy(document.tokens.astype(np.int64))[None]
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits
        expected = expected + functional.cross_entropy(logits[0], ids[0, 1:], reduction="sum")
    torch.autograd.backward(expected)
    theirs = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    loss = DocumentLoss(model)(batch)
    torch.autograd.backward(loss.total)
    assert float(loss.total.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    assert theirs.keys() == dict(model.named_parameters()).keys()
    for name, parameter in model.named_parameters():
        scale = float(theirs[name].abs().max())
        assert torch.allclose(parameter.grad, theirs[name], atol=1e-5 * scale, rtol=1e-3), name


@pytest.mark.parametrize("shape", ["grouped", "two experts"])
def test_the_padded_pass_of_gpus_gives_the_same(shape: str, tokenizer: ScientificTokenizer) -> None:
    model, batch = network(shape, tokenizer), documents(tokenizer.vocab_size)
    answer_start = lambda tokens: len(tokens) // 2  # noqa: E731
    for start in (None, answer_start):
        with torch.no_grad():
            one = DocumentLoss(model, start)(batch)
            two = DocumentLoss(model, start, padded=True)(batch)
        assert float(one.total) == pytest.approx(float(two.total), rel=1e-5)
        assert one.n_targets == two.n_targets == DocumentLoss(model, start).n_targets(batch)
        for name, (total, count) in one.by_modality.items():
            assert two.by_modality[name] == (pytest.approx(total, rel=1e-5), count)
        if one.routing is not None and two.routing is not None:
            assert float(one.routing.balance) == pytest.approx(float(two.routing.balance), rel=1e-5)
            assert torch.allclose(one.routing.load, two.routing.load, atol=1e-6)


def test_losses_by_modality_add_up_and_answers_are_a_part(tokenizer: ScientificTokenizer) -> None:
    model, batch = network("dense", tokenizer), documents(tokenizer.vocab_size)
    whole = DocumentLoss(model)(batch)
    assert sum(total for total, _ in whole.by_modality.values()) == pytest.approx(float(whole.total.detach()), rel=1e-6)
    single = DocumentLoss(model)([d for d in batch if d.modality == "b"])
    assert whole.by_modality["b"] == (pytest.approx(float(single.total.detach()), rel=1e-5), single.n_targets)
    last_only = DocumentLoss(model, lambda tokens: len(tokens) - 1)(batch)
    assert last_only.n_targets == len(batch)
    packed = pack([d.tokens for d in batch])
    losses, _ = token_losses(model, packed)
    ends = [int(torch.nonzero(packed.document == i)[-1]) for i in range(len(batch))]
    assert float(last_only.total.detach()) == pytest.approx(float(losses[ends].sum().detach()), rel=1e-5)


def test_the_balancing_loss_is_that_of_transformers_a_layer(tokenizer: ScientificTokenizer) -> None:
    model, batch = network("two experts", tokenizer), [documents(tokenizer.vocab_size)[5]]
    ids = torch.from_numpy(batch[0].tokens.astype(np.int64))[None, :-1]
    logits = model(input_ids=ids, use_cache=False, output_router_logits=True).router_logits
    theirs = [float(load_balancing_loss_func((layer.detach(),), 8, 2)) / 2 for layer in logits]  # a sum over choices
    routing = DocumentLoss(model)(batch).routing
    assert routing is not None
    assert float(routing.balance.detach()) == pytest.approx(float(np.mean(theirs)), rel=1e-5)
    assert torch.allclose(routing.load.sum(1), torch.ones(2))


def test_the_balancing_loss_evens_a_routers_choices_out(tokenizer: ScientificTokenizer) -> None:
    model, batch = network("two experts", tokenizer), documents(tokenizer.vocab_size)
    routers = [p for name, p in model.named_parameters() if name.endswith("mlp.gate.weight")]
    optimizer, worst = torch.optim.Adam(routers, lr=0.05), []
    for _ in range(30):
        routing = DocumentLoss(model)(batch).routing
        assert routing is not None
        worst.append(float(routing.load.max()) * 8)
        model.zero_grad()
        torch.autograd.backward(routing.balance)
        optimizer.step()
    assert worst[-1] < 0.7 * worst[0]


def test_kernels_equal_autograd_in_double_precision() -> None:
    torch.manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, dtype=torch.float64, requires_grad=True)

    angles = torch.randn(6, 1, 4, dtype=torch.float64)
    chosen = torch.tensor([[0, 2], [2, 3], [3, 0], [0, 3], [2, 0], [0, 2]])  # expert 1 is chosen by nobody
    index, places = torch.tensor([0, 1, 2, 0, 3, 4, 5, 0]), torch.tensor([0, 1, 2, 4, 5, 6])
    check = torch.autograd.gradcheck
    assert check(lambda x, w: kernels.normed(x, w, 1e-6), (drawn(5, 2, 8), drawn(8)))
    assert check(lambda x: kernels.rotated(x, angles.cos(), angles.sin()), (drawn(6, 2, 8),))
    assert check(kernels.gated, (drawn(5, 8),))
    assert check(lambda x: kernels.picked(x, torch.tensor([4, 1])), (drawn(5, 3),))
    assert check(lambda x: kernels.spread(x, index, places)[places], (drawn(6, 3),))
    mixed = (drawn(6, 4), drawn(6, 2), drawn(4, 10, 4), drawn(4, 4, 5))
    assert check(lambda x, w, gate_up, down: kernels.mix_experts(x, w, chosen, gate_up, down), mixed)


def test_active_parameters_leave_out_the_experts_a_token_does_not_meet(tokenizer: ScientificTokenizer) -> None:
    model = build_model(SHAPES["two experts"], tokenizer)
    experts = sum(p.numel() for name, p in model.named_parameters() if ".experts." in name)
    assert active_parameters(model) == sum(p.numel() for p in model.parameters()) - experts * 6 // 8
    dense = build_model(DENSE, tokenizer)
    assert active_parameters(dense) == sum(p.numel() for p in dense.parameters())
