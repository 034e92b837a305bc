"""Beam search against transformers' own, on small random models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from models.backends.base import Request
from models.backends.beam_search import _Beam, _in_place

PROMPTS = ["<MoleculeS>", "<MoleculeS>CC(=O)Oc1ccccc1C(=O)O<MoleculeE><ReverseReact>"]


@pytest.fixture(scope="module")
def model(checkpoint: Path, load: Callable[..., Any]) -> Any:
    return load(checkpoint, device="cpu")


@pytest.mark.parametrize(
    ("beams", "n", "length", "penalty"),
    [(1, 1, 12, 1.0), (4, 4, 20, 1.0), (5, 2, 30, 1.0), (4, 4, 20, 1.2), (5, 2, 30, 1.2)],
)
def test_answers_equal_transformers(
    beams: int, n: int, length: int, penalty: float, model: Any, checkpoint: Path
) -> None:
    reference = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()
    asked = [
        Request(prompt, n=n, beams=beams, max_new_tokens=length, repetition_penalty=penalty, request_id=str(at))
        for at, prompt in enumerate(PROMPTS)
    ]
    found = {(sample.request_id, sample.index): sample for sample in model.generate(asked)}
    assert len(found) == 2 * n
    for at, prompt in enumerate(PROMPTS):
        ids = model.codec.encode(prompt)
        theirs = reference.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones((1, len(ids)), dtype=torch.long),
            num_beams=beams,
            num_return_sequences=n,
            max_new_tokens=length,
            do_sample=False,
            repetition_penalty=penalty,
            length_penalty=1.0,
            early_stopping=False,
            eos_token_id=sorted(model.codec.eos_ids),
            pad_token_id=0,
            return_dict_in_generate=True,
            output_scores=True,
        )
        for index in range(n):
            mine = found[str(at), index]
            expected = theirs.sequences[index, len(ids) :].tolist()
            assert list(mine.token_ids) == expected[: len(mine.token_ids)]
            assert set(expected[len(mine.token_ids) :]) <= {0}
            if beams > 1 and penalty == 1.0:
                score = mine.log_prob / len(mine.token_ids)
                assert score == pytest.approx(float(theirs.sequences_scores[index]), abs=1e-5)


def test_log_probabilities_are_the_unmodified_models(model: Any) -> None:
    (sample,) = model.generate([Request(PROMPTS[1], beams=3, max_new_tokens=20, repetition_penalty=1.3)])
    prompt = model.codec.encode(PROMPTS[1])
    log_probs = model._network.read([[*prompt, *sample.token_ids]]).token_log_probs[0]
    assert sample.log_prob == pytest.approx(sum(log_probs[len(prompt) - 1 :]), abs=1e-4)
    assert sample.sample_log_prob == sample.log_prob


def test_beams_and_samples_share_a_call(model: Any) -> None:
    sampled = Request(PROMPTS[0], n=5, max_new_tokens=10, request_id="sampled")
    searched = Request(PROMPTS[0], n=2, beams=3, max_new_tokens=10, request_id="searched")
    alone = [*model.generate([sampled]), *model.generate([searched])]
    together = list(model.generate([sampled, searched]))
    key = lambda sample: (sample.request_id, sample.index)  # noqa: E731
    assert sorted(map(key, together)) == sorted(map(key, alone))
    assert {key(s): s.token_ids for s in together} == {key(s): s.token_ids for s in alone}


def test_a_cancelled_search_ends_and_the_others_go_on(model: Any) -> None:
    decoding = model.decoding()
    gone = decoding.add(Request(PROMPTS[0], beams=4, max_new_tokens=30, ignore_eos=True))
    kept = decoding.add(Request(PROMPTS[1], n=2, beams=2, max_new_tokens=15))
    decoding.step()
    decoding.cancel(gone)
    results = []
    while not decoding.idle:
        results += decoding.step()
    expected = list(model.generate([Request(PROMPTS[1], n=2, beams=2, max_new_tokens=15)]))
    assert {ticket for ticket, _ in results} == {kept}
    assert [sample.token_ids for _, sample in results] == [sample.token_ids for sample in expected]


def test_continuations_stay_in_their_rows() -> None:
    beams = [_Beam(-float(at), (at,)) for at in range(4)]
    going = [(2, 7, beams[0]), (0, 7, beams[1]), (2, 8, beams[2]), (2, 9, beams[3])]
    placed = _in_place(going)
    assert [row for row, _, _ in placed] == [0, 2, 2, 2]
    assert placed[2] == going[0], "the best stays"
    assert [step for step in placed if step != going[0]] == [going[1], going[2], going[3]]
