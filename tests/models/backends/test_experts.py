"""The sparse block's three ways against transformers' own, and against what else is in the batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from models.backends import experts
from models.backends.experts import SparseBlock


@pytest.fixture(scope="module")
def block() -> Any:
    settings = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "moe_intermediate_size": 20}
    config = AutoConfig.for_model(
        "qwen3_moe", vocab_size=8, num_experts=6, num_experts_per_tok=2, initializer_range=0.5, **settings
    )
    torch.manual_seed(5)
    model = AutoModelForCausalLM.from_config(config).eval().requires_grad_(False)
    return model.model.layers[0].mlp


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def spread(n: int) -> torch.Tensor:
    return torch.randn(n, 24, generator=torch.Generator().manual_seed(n))


def crowded(n: int) -> torch.Tensor:
    """Nearly equal tokens: all of them choose the same two experts."""
    return spread(1) + 1e-3 * spread(n)


@pytest.mark.parametrize("states", [spread(1), spread(4), spread(5), spread(90), crowded(90)])
@pytest.mark.usefixtures("two_threads")
def test_equals_transformers(block: Any, states: torch.Tensor) -> None:
    expected = block(states[None])[0]
    ours = SparseBlock(block)
    assert torch.allclose(ours(states), expected, atol=1e-5)
    assert torch.allclose(block(states[None])[0], expected, atol=1e-5), "another layout changed the model"
    torch.set_num_threads(1)
    assert torch.allclose(ours(states), expected, atol=1e-5)


@pytest.mark.usefixtures("two_threads")
def test_each_way_is_taken(block: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    for way in ("_one_by_one", "_in_turn", "_all_at_once"):
        original = getattr(SparseBlock, way)

        def note(self: Any, *given: Any, way: str = way, original: Any = original) -> torch.Tensor:
            taken.append(way)
            result: torch.Tensor = original(self, *given)
            return result

        monkeypatch.setattr(SparseBlock, way, note)
    ours = SparseBlock(block)
    for states in (spread(2), spread(90), crowded(90)):
        ours(states)
    assert taken == ["_one_by_one", "_all_at_once", "_in_turn"]
    torch.set_num_threads(1)
    ours(spread(90))
    assert taken[-1] == "_in_turn"


@pytest.mark.usefixtures("two_threads")
def test_a_token_does_not_depend_on_the_others(block: Any) -> None:
    ours, states = SparseBlock(block), spread(90)
    together = ours(states)
    alone = torch.cat([ours(state[None]) for state in states])
    assert torch.allclose(together, alone, atol=1e-5)
    by_tens = torch.cat([ours(some) for some in states.split(10)])
    assert torch.allclose(together, by_tens, atol=1e-5)


def test_nothing_is_held_twice(block: Any) -> None:
    ours = SparseBlock(block)
    assert ours._gate_up.data_ptr() == block.experts.gate_up_proj.data_ptr()
    assert ours._down.data_ptr() == block.experts.down_proj.data_ptr()
    assert experts._FEW_PAIRS >= 2, "one token must take the short way"
