"""The decoding step against transformers' own processors, and the random stream's properties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers import RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper, TopPLogitsWarper

from models.backends.sampling import draw, keep_top_p, next_tokens, penalise_repetition, stream_key, uniforms


def random_logits(rows: int, n_vocab: int, spread: float = 3.0) -> torch.Tensor:
    return torch.randn((rows, n_vocab), generator=torch.Generator().manual_seed(5)) * spread


def factors(logits: torch.Tensor, seen: torch.Tensor, penalty: float) -> torch.Tensor:
    return torch.ones_like(logits).masked_fill(seen, penalty)


def nucleus(scores: torch.Tensor, top_p: float) -> torch.Tensor:
    """Which tokens transformers keeps."""
    return TopPLogitsWarper(top_p)(torch.zeros((len(scores), 1), dtype=torch.long), scores).isfinite()


@pytest.mark.parametrize("penalty", [0.7, 1.05, 1.8])
def test_repetition_penalty_equals_transformers(penalty: float) -> None:
    logits = random_logits(4, 50)
    ids = torch.randint(0, 50, (4, 9), generator=torch.Generator().manual_seed(1))
    seen = torch.zeros((4, 50), dtype=torch.bool).scatter_(1, ids, True)
    ours = penalise_repetition(logits, factors(logits, seen, penalty))
    assert torch.equal(ours, RepetitionPenaltyLogitsProcessor(penalty)(ids, logits))
    assert not torch.equal(ours, logits)


@pytest.mark.parametrize("top_p", [1e-6, 0.3, 0.85, 0.99])
@pytest.mark.parametrize(("n_vocab", "spread"), [(50, 3.0), (600, 0.1), (6000, 3.0), (6000, 0.1)])
def test_top_p_equals_transformers(top_p: float, n_vocab: int, spread: float) -> None:
    scores = random_logits(7, n_vocab, spread)
    probabilities = scores.softmax(-1)
    ours = keep_top_p(probabilities, torch.full((7, 1), top_p))
    assert torch.equal(ours > 0, nucleus(scores, top_p))
    assert torch.equal(ours[ours > 0], probabilities[ours > 0])


def test_top_p_is_per_row_and_one_keeps_everything() -> None:
    scores = random_logits(2, 80)
    ours = keep_top_p(scores.softmax(-1), torch.tensor([[1.0], [0.5]]))
    assert torch.equal(ours[0], scores.softmax(-1)[0])
    assert torch.equal(ours[1:] > 0, nucleus(scores[1:], 0.5))


def test_flat_rows_do_not_change_what_sharp_ones_keep() -> None:
    """A row that needs the whole vocabulary sorted stands beside one that does not."""
    scores = torch.cat([random_logits(1, 600, 6.0), random_logits(1, 600, 0.01)])
    together = keep_top_p(scores.softmax(-1), torch.full((2, 1), 0.9))
    alone = [keep_top_p(scores[at : at + 1].softmax(-1), torch.full((1, 1), 0.9)) for at in range(2)]
    assert torch.equal(together, torch.cat(alone))
    assert int((together[1] > 0).sum()) > 500 > int((together[0] > 0).sum())


def test_tokens_tied_at_the_cut_are_all_kept() -> None:
    scores = torch.tensor([[2.0, 1.0, 1.0, 1.0, -5.0]])
    kept = keep_top_p(scores.softmax(-1), torch.tensor([[0.6]]))[0] > 0
    assert kept.tolist() == [True, True, True, True, False]


def test_draw_follows_the_distribution() -> None:
    weights = torch.tensor([0.2, 0.0, 1.2, 0.6])
    grid = (torch.arange(10_000, dtype=torch.float64) + 0.5) / 10_000
    ids, totals = draw(weights.expand(10_000, -1), grid)
    assert torch.bincount(ids, minlength=4).tolist() == pytest.approx([1000, 0, 6000, 3000], abs=2)
    assert totals.tolist() == pytest.approx([2.0] * 10_000)


def test_draw_at_the_ends_never_takes_an_excluded_token() -> None:
    weights = torch.tensor([[0.0, 0.5, 0.5, 0.0]]).expand(2, -1)
    numbers = torch.tensor([0.0, 1.0 - 2.0**-53], dtype=torch.float64)
    assert draw(weights, numbers)[0].tolist() == [1, 2]


def test_log_probabilities_of_a_step() -> None:
    logits = random_logits(3, 40)
    seen = logits > 2
    column = torch.ones((3, 1))
    ids, log_prob, sample_log_prob = next_tokens(
        logits,
        penalty_factor=factors(logits, seen, 1.3),
        temperature=1.2 * column,
        top_p=0.85 * column,
        uniform=torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64),
    )
    inputs = [row.nonzero().squeeze(-1) for row in seen]
    for at in range(3):
        expected = RepetitionPenaltyLogitsProcessor(1.3)(inputs[at][None], logits[at : at + 1])
        expected = TopPLogitsWarper(0.85)(inputs[at][None], TemperatureLogitsWarper(1.2)(None, expected))
        assert sample_log_prob[at] == pytest.approx(float(expected.log_softmax(-1)[0, ids[at]]), abs=1e-5)
        assert log_prob[at] == pytest.approx(float(logits[at].log_softmax(-1)[ids[at]]), abs=1e-5)


def test_only_allowed_tokens_are_drawn_and_the_models_own_log_probability_is_told() -> None:
    logits = random_logits(200, 40, spread=0.5)[:1].expand(200, -1)
    allowed = torch.zeros((200, 40), dtype=torch.bool)
    allowed[:, [3, 17, 29]] = True
    numbers = (torch.arange(200, dtype=torch.float64) + 0.5) / 200
    ids, log_prob, sample_log_prob = next_tokens(logits, uniform=numbers, allowed=allowed)
    assert set(ids.tolist()) == {3, 17, 29}
    assert torch.allclose(log_prob, logits[0].log_softmax(-1)[ids], atol=1e-5)
    among = logits[0, [3, 17, 29]].log_softmax(-1)
    expected = {at: float(value) for at, value in zip([3, 17, 29], among, strict=True)}
    assert sample_log_prob.tolist() == pytest.approx([expected[int(at)] for at in ids], abs=1e-5)


def test_random_stream_is_uniform_and_uncorrelated() -> None:
    keys = np.array([stream_key(3, "job", index) for index in range(400)], dtype=np.uint64)
    table = uniforms(keys[:, None], np.arange(500, dtype=np.uint64)[None])
    assert table.min() >= 0
    assert table.max() < 1
    assert table.mean() == pytest.approx(0.5, abs=0.003)
    assert table.var() == pytest.approx(1 / 12, abs=0.001)
    columns: Any = np.corrcoef(table[:, :40].T)
    assert np.abs(columns[np.triu_indices(40, 1)]).max() < 0.25
    neighbours: Any = np.corrcoef(table[:-1].ravel(), table[1:].ravel())
    assert abs(neighbours[0, 1]) < 0.01


def test_random_stream_does_not_depend_on_the_company() -> None:
    keys = np.array([stream_key(3, "job", index) for index in range(4)], dtype=np.uint64)
    together = uniforms(keys, np.uint64(17))
    alone = [float(uniforms(keys[at : at + 1], np.uint64(17))[0]) for at in range(4)]
    assert together.tolist() == alone


@pytest.mark.parametrize("other", [(4, "job", 0), (3, "jab", 0), (3, "job", 1), (30, "job", 0)])
def test_every_part_of_the_key_counts(other: tuple[int, str, int]) -> None:
    assert stream_key(*other) != stream_key(3, "job", 0)


def test_splitmix64_reference_values() -> None:
    # The first outputs of SplitMix64 seeded with 1234567, its published test vector.
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    got = uniforms(np.array([1234567], dtype=np.uint64), np.arange(3, dtype=np.uint64))
    assert got.tolist() == [(value >> 11) * 2.0**-53 for value in expected]
