"""The decode loop against transformers' own forward pass, on small random checkpoints of both tokenizer
kinds."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from rdkit import Chem
from transformers import (
    AutoModelForCausalLM,
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from models.backends.base import Request, Sample
from models.errors import ModelInputError, ModelMemoryError
from models.grammar import parse

SETTINGS: dict[str, Any] = {"temperature": 1.2, "top_p": 0.85, "repetition_penalty": 1.05}
PROMPTS = [
    "<MoleculeS>",
    "<MoleculeS>CC(=O)Oc1ccccc1C(=O)O<MoleculeE><ReverseReact>",
    "<ProteinS>MKTAYIAK<ProteinE><MoleculeS>",
]


def requests(n: int = 6, **changes: Any) -> list[Request]:
    options = {**SETTINGS, "max_new_tokens": 24, "seed": 3, **changes}
    return [Request(prompt, n=n, request_id=f"r{at}", **options) for at, prompt in enumerate(PROMPTS)]


def by_key(samples: Any) -> dict[tuple[str, int], Sample]:
    return {(sample.request_id, sample.index): sample for sample in samples}


@pytest.fixture(scope="module")
def model(checkpoint: Path, load: Callable[..., Any]) -> Any:
    return load(checkpoint, device="cpu")


@pytest.fixture(scope="module")
def reference(checkpoint: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()


def reference_logits(reference: Any, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = reference(input_ids=torch.tensor([ids])).logits[0].float()
    return logits


def test_every_sample_arrives_once_within_its_limit(model: Any) -> None:
    samples = list(model.generate(requests()))
    assert sorted((s.request_id, s.index) for s in samples) == [(f"r{r}", i) for r in range(3) for i in range(6)]
    for sample in samples:
        assert 1 <= len(sample.token_ids) <= 24
        ended = sample.token_ids[-1] in model.codec.eos_ids
        assert sample.finish_reason == ("stop" if ended else "length")
        assert ended or len(sample.token_ids) == 24
        assert not any(token in model.codec.eos_ids for token in sample.token_ids[:-1])
    assert len({sample.token_ids for sample in samples}) > 12


def test_log_probabilities_equal_a_full_forward_pass(model: Any, reference: Any) -> None:
    chain = LogitsProcessorList(
        [
            RepetitionPenaltyLogitsProcessor(SETTINGS["repetition_penalty"]),
            TemperatureLogitsWarper(SETTINGS["temperature"]),
            TopPLogitsWarper(SETTINGS["top_p"]),
        ]
    )
    for sample in model.generate(requests()):
        prompt = model.codec.encode(PROMPTS[int(sample.request_id[1:])])
        ids = prompt + list(sample.token_ids)
        logits = reference_logits(reference, ids)
        plain = sampled = 0.0
        for at in range(len(prompt), len(ids)):
            scores = logits[at - 1 : at]
            plain += float(scores.log_softmax(-1)[0, ids[at]])
            sampled += float(chain(torch.tensor([ids[:at]]), scores).log_softmax(-1)[0, ids[at]])
        assert sample.log_prob == pytest.approx(plain, abs=1e-4)
        assert sample.sample_log_prob == pytest.approx(sampled, abs=1e-4)
        assert math.isfinite(sampled)


def test_perplexity_is_of_the_full_string_with_begin_of_text_as_context_only(model: Any, reference: Any) -> None:
    kinds = set()
    samples = [*model.generate(requests(n=8)), *model.generate(requests(n=20, max_new_tokens=2))]
    for sample in samples:
        prompt_text = PROMPTS[int(sample.request_id[1:])]
        generated = [token for token in sample.token_ids if token not in model.codec.eos_ids]
        ids = model.codec.encode(prompt_text) + generated
        again = model.codec.encode(prompt_text + sample.text)
        assert sample.rescored == (again != ids)
        kinds.add((sample.rescored, sample.finish_reason))
        scored = again if sample.rescored else ids
        loss = torch.nn.functional.cross_entropy(reference_logits(reference, scored)[:-1], torch.tensor(scored[1:]))
        assert sample.perplexity == pytest.approx(math.exp(float(loss)), rel=1e-4)
    assert {rescored for rescored, _ in kinds} == {True, False}


def test_a_sample_does_not_depend_on_its_company(model: Any, load: Callable[..., Any], checkpoint: Path) -> None:
    together = by_key(model.generate(requests(n=16)))
    alone: dict[tuple[str, int], Sample] = {}
    for request in requests(n=5):
        alone |= by_key(model.generate([request]))
    small = by_key(load(checkpoint, device="cpu", max_batch=3).generate(requests(n=16)))
    for key, sample in alone.items():
        assert sample.token_ids == together[key].token_ids
        assert sample.log_prob == pytest.approx(together[key].log_prob, abs=1e-4)
        assert sample.perplexity == pytest.approx(together[key].perplexity, rel=1e-4)
    assert {key: s.token_ids for key, s in small.items()} == {key: s.token_ids for key, s in together.items()}


def test_seed_and_request_id_change_the_samples(model: Any) -> None:
    first = requests(n=4)[:1]
    again, seeded, renamed = first, [replace(first[0], seed=4)], [replace(first[0], request_id="other")]
    ids = [sorted(s.token_ids for s in model.generate(given)) for given in (first, again, seeded, renamed)]
    assert ids[0] == ids[1]
    assert ids[0] != ids[2]
    assert ids[0] != ids[3]


def test_stop_tags_end_a_sample_and_stay_in_its_text(model: Any) -> None:
    free = list(model.generate(requests(n=40, max_new_tokens=40)))
    tags = model.codec.tags
    tag = max(tags, key=lambda name: sum(tags[name] in s.token_ids for s in free))
    stopped = by_key(model.generate(requests(n=40, max_new_tokens=40, stop=(tag,))))
    n_cut = 0
    for sample in free:
        other = stopped[sample.request_id, sample.index]
        if tags[tag] in sample.token_ids:
            cut = sample.token_ids.index(tags[tag]) + 1
            assert other.token_ids == sample.token_ids[:cut]
            assert other.text.endswith(tag)
            assert other.finish_reason == "stop"
            n_cut += 1
        else:
            assert other.token_ids == sample.token_ids
    assert n_cut >= 3


def test_requests_with_different_settings_share_a_batch(model: Any) -> None:
    mixed = [
        replace(requests()[0], temperature=0.0, n=2),
        replace(requests()[1], top_p=1.0, repetition_penalty=1.0, max_new_tokens=3),
        replace(requests()[2], temperature=0.7, repetition_penalty=1.5),
    ]
    together = by_key(model.generate(mixed))
    for request in mixed:
        for key, sample in by_key(model.generate([request])).items():
            assert together[key].token_ids == sample.token_ids
    assert together["r0", 0].token_ids == together["r0", 1].token_ids
    assert together["r0", 0].sample_log_prob == pytest.approx(0.0, abs=1e-6)


def test_greedy_equals_transformers_generate(model: Any, reference: Any) -> None:
    prompt = PROMPTS[1]
    ids = torch.tensor([model.codec.encode(prompt)])
    with torch.no_grad():
        theirs = reference.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=30,
            repetition_penalty=1.3,
        )
    (ours,) = model.generate([Request(prompt, temperature=0.0, repetition_penalty=1.3, max_new_tokens=30)])
    assert list(ours.token_ids) == theirs[0, ids.shape[1] :].tolist()


def test_scores_equal_a_full_forward_pass_in_order(model: Any, reference: Any) -> None:
    texts = [PROMPTS[1] + "<MoleculeS>CCO<MoleculeE>", "<MoleculeS>C", PROMPTS[2] + "c1ccccc1<MoleculeE>"]
    for text, score in zip(texts, model.score(texts), strict=True):
        ids = model.codec.encode(text)
        table = reference_logits(reference, ids).log_softmax(-1)
        expected = [float(table[at, ids[at + 1]]) for at in range(len(ids) - 1)]
        assert score.text == text
        assert score.token_ids == tuple(ids)
        assert score.token_log_probs == pytest.approx(expected, abs=1e-4)
        assert score.log_prob == pytest.approx(sum(expected), abs=1e-4)
        assert score.perplexity == pytest.approx(math.exp(-sum(expected) / len(expected)), rel=1e-4)


def test_embedding_is_the_mean_hidden_state_whatever_the_company(model: Any, reference: Any) -> None:
    texts = ["<MoleculeS>C", PROMPTS[1], "<ProteinS>MKT<ProteinE>"]
    vectors = model.embed(texts)
    assert vectors.shape == (3, 32)
    assert vectors.dtype == np.float32
    for text, vector in zip(texts, vectors, strict=True):
        ids = model.codec.encode(text)
        with torch.no_grad():
            states = reference(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states[-1][0]
        assert vector == pytest.approx(states[1:].mean(0).numpy(), abs=1e-4)


def test_the_context_cuts_a_sample_but_never_overflows(model: Any) -> None:
    n_prompt = len(model.codec.encode(PROMPTS[0]))
    samples = list(model.generate([Request(PROMPTS[0], n=8, max_new_tokens=10_000)]))
    assert max(len(sample.token_ids) for sample in samples) <= model.context - n_prompt


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.5}, "top_p"),
        ({"repetition_penalty": 0.0}, "repetition_penalty"),
        ({"n": 0}, "n must be"),
        ({"n": 1_000_000}, "n must be"),
        ({"n": True}, "n must be"),
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"seed": -1}, "seed"),
        ({"stop": ("<NoSuchTag>",)}, "<NoSuchTag>"),
        ({"prompt": "<MoleculeS>" + "C" * 500}, "context is 96"),
    ],
)
def test_bad_requests_are_refused_before_anything_runs(model: Any, change: dict[str, Any], named: str) -> None:
    with pytest.raises(ModelInputError, match=named):
        model.generate([replace(requests()[0], **change)])


def test_two_requests_may_not_share_an_id(model: Any) -> None:
    with pytest.raises(ModelInputError, match="r0"):
        model.generate([requests()[0], requests()[0]])


def test_bad_texts_are_refused(model: Any) -> None:
    with pytest.raises(ModelInputError, match="empty"):
        model.score([""])
    with pytest.raises(ModelInputError, match="context is 96"):
        model.embed(["<MoleculeS>" + "C" * 500])


class RowLimit:
    """Fails as a full GPU does when a pass has more than `limit` rows."""

    def __init__(self, network: Any, limit: int) -> None:
        self.limit = limit
        self.refused: list[int] = []
        self._step = network.step

    def __call__(self, ids: torch.Tensor, *rest: Any) -> torch.Tensor:
        if len(ids) > self.limit:
            self.refused.append(len(ids))
            raise torch.OutOfMemoryError("out of memory (injected)")
        result: torch.Tensor = self._step(ids, *rest)
        return result


@pytest.mark.parametrize("beams", [0, 10])
def test_out_of_memory_halves_the_batch_and_gives_the_same_samples(
    beams: int, checkpoint: Path, load: Callable[..., Any]
) -> None:
    model = load(checkpoint, device="cpu")
    asked = requests(n=10, beams=beams)
    expected = {key: s.token_ids for key, s in by_key(model.generate(asked)).items()}
    limit = RowLimit(model._network, 10 if beams else 8)
    with patch.object(model._network, "step", limit):
        samples = list(model.generate(asked))
        assert len(samples) == 30
        assert {key: s.token_ids for key, s in by_key(samples).items()} == expected
        assert limit.refused[0] > 15
        limit.limit = 0
        with pytest.raises(ModelMemoryError, match="one sequence of"):
            list(model.generate(requests(n=1)[:1]))
    assert len(list(model.generate(requests(n=1)))) == 3


@pytest.mark.parametrize("beams", [0, 12])
def test_a_prompt_kept_once_for_its_rows_gives_the_same_samples(beams: int, model: Any) -> None:
    """Long and short prompts, some with many samples, so that shared and own keys stand side by side."""
    chain = "<ProteinS>" + "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ" * 2 + "<ProteinE><MoleculeS>"
    asked = [
        Request(prompt, n=n, request_id=str(at), seed=5, max_new_tokens=length, beams=beams, **SETTINGS)
        for at, (prompt, n, length) in enumerate(
            [
                (chain, 12, 30),
                (PROMPTS[0], 10, 25),
                (chain[:60] + chain[-21:], 9, 40),
                (chain, 2, 12),
                (PROMPTS[1], 1, 33),
            ]
        )
    ]
    assert model._network.shares_prompts
    shared = by_key(model.generate(asked))
    with patch.object(model._network, "shares_prompts", False):
        apart = by_key(model.generate(asked))
    assert shared.keys() == apart.keys()
    for key, sample in shared.items():
        assert sample.token_ids == apart[key].token_ids
        assert sample.log_prob == pytest.approx(apart[key].log_prob, abs=1e-4)


def test_abandoning_a_stream_leaves_the_model_usable(model: Any) -> None:
    stream = model.generate(requests())
    next(stream)
    assert not torch.is_inference_mode_enabled()
    stream.close()
    assert len(list(model.generate(requests(n=1)))) == 3


@pytest.mark.parametrize("beams", [0, 6])
def test_constrained_rows_are_well_formed_and_free_ones_beside_them_unchanged(beams: int, model: Any) -> None:
    """From a random model, whose own texts never are."""
    free = requests(n=6, beams=beams)
    bound = [
        replace(request, constrained=True, stop=("<MoleculeE>",), request_id=f"bound {request.request_id}")
        for request in free
    ]
    mixed = by_key(model.generate([*free[:2], *bound, free[2]]))
    assert len(mixed) == 36
    alone = by_key(model.generate(free))
    for key, sample in mixed.items():
        if key in alone:
            assert sample.token_ids == alone[key].token_ids
        else:
            prompt = next(request.prompt for request in bound if request.request_id == key[0])
            assert sample.finish_reason == "stop"
            parse(prompt + sample.text)
            for written in re.findall(r"<MoleculeS>(.*?)<MoleculeE>", prompt + sample.text):
                assert Chem.MolFromSmiles(written, sanitize=False) is not None
