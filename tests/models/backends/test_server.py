"""The server backend against real server processes: every figure is that of the local model on the same
checkpoint, in each convention of log-probabilities, with and without the tokenizer at hand."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from models.backends.base import Request, Sample
from models.backends.server import CompletionsServer, load_server
from models.backends.server_calls import Convention
from models.errors import ModelInputError, ServerError
from models.registry import load_generator
from models.worker import ModelWorker

KEY = "sesame-1729"
"""What the server of the fixture `processes` that wants a key was started with."""


PROMPTS = [
    "<MoleculeS>",
    "<MoleculeS>CC(=O)Oc1ccccc1C(=O)O<MoleculeE><ReverseReact>",
    "<ProteinS>MKTAYIAK<ProteinE><MoleculeS>",
]
SETTINGS: dict[str, Any] = {"temperature": 1.2, "top_p": 0.85, "repetition_penalty": 1.05, "max_new_tokens": 12}


@dataclass(frozen=True)
class Case:
    """A server process, the checkpoint it serves, what its log-probabilities are, and what talks to it."""

    process: Any
    folder: Path
    log_probs: str
    backend: CompletionsServer
    local: Any
    reference: Any


@pytest.fixture(scope="module", params=["raw", "raw+tokenizer", "processed+tokenizer", "tempered"])
def case(request: pytest.FixtureRequest, processes: dict[str, tuple[Any, Path]], load: Callable[..., Any]) -> Case:
    log_probs, _, tokenizer = request.param.partition("+")
    process, folder = processes[log_probs]
    backend = load_server(process.url, tokenizer=folder if tokenizer else None, api_key=KEY, samples_per_call=3)
    reference = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return Case(process, folder, log_probs, backend, load(folder, device="cpu"), reference)


@pytest.fixture
def raw(processes: dict[str, tuple[Any, Path]]) -> Any:
    process, _ = processes["raw"]
    yield process
    process.behave()


def requests(n: int = 4, **changes: Any) -> list[Request]:
    settings = {**SETTINGS, "seed": 3, **changes}
    return [Request(prompt, n=n, request_id=f"r{at}", **settings) for at, prompt in enumerate(PROMPTS)]


def by_key(samples: Any) -> dict[tuple[str, int], Sample]:
    return {(sample.request_id, sample.index): sample for sample in samples}


def logits_after(case: Case, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = case.reference(input_ids=torch.tensor([ids])).logits[0].float()
    return logits


def readable(sample: Sample) -> bool:
    """Random checkpoints write bytes that are no text; those are spelled differently without a tokenizer."""
    return "\ufffd" not in sample.text


def test_scores_are_those_of_the_local_model(case: Case) -> None:
    texts = [PROMPTS[1] + "<MoleculeS>CCO<MoleculeE>", "<MoleculeS>C", PROMPTS[2] + "c1ccccc1<MoleculeE>"]
    for served, local in zip(case.backend.score(texts), case.local.score(texts), strict=True):
        assert (served.text, served.token_ids) == (local.text, local.token_ids)
        assert served.token_log_probs == pytest.approx(local.token_log_probs, abs=1e-4)
        assert served.log_prob == pytest.approx(local.log_prob, abs=1e-4)
        assert served.perplexity == pytest.approx(local.perplexity, rel=1e-4)


def test_greedy_samples_are_those_of_the_local_model(case: Case) -> None:
    greedy = requests(n=2, temperature=0.0, top_p=1.0, repetition_penalty=1.3)
    served, local = by_key(case.backend.generate(greedy)), by_key(case.local.generate(greedy))
    assert served.keys() == local.keys()
    for key, sample in local.items():
        other = served[key]
        assert other.token_ids == sample.token_ids
        assert other.finish_reason == sample.finish_reason
        assert other.log_prob == pytest.approx(sample.log_prob, abs=1e-4)
        assert other.sample_log_prob == pytest.approx(0.0, abs=1e-6)
        if readable(sample):
            assert (other.text, other.rescored) == (sample.text, sample.rescored)
            assert other.perplexity == pytest.approx(sample.perplexity, rel=1e-4)


def test_the_figures_of_drawn_samples_equal_a_full_forward_pass(case: Case) -> None:
    chain = LogitsProcessorList(
        [
            RepetitionPenaltyLogitsProcessor(SETTINGS["repetition_penalty"]),
            TemperatureLogitsWarper(SETTINGS["temperature"]),
            TopPLogitsWarper(SETTINGS["top_p"]),
        ]
    )
    samples = list(case.backend.generate(requests()))
    assert len({sample.token_ids for sample in samples}) == 12
    for sample in samples:
        prompt = PROMPTS[int(sample.request_id[1:])]
        start = case.local.codec.encode(prompt)
        ids = [*start, *sample.token_ids]
        logits = logits_after(case, ids)
        plain = drawn = 0.0
        for at in range(len(start), len(ids)):
            scores = logits[at - 1 : at]
            plain += float(scores.log_softmax(-1)[0, ids[at]])
            drawn += float(chain(torch.tensor([ids[:at]]), scores).log_softmax(-1)[0, ids[at]])
        assert sample.log_prob == pytest.approx(plain, abs=1e-4)
        if case.log_probs == "processed":
            assert sample.sample_log_prob == pytest.approx(drawn, abs=1e-4)
        else:
            assert math.isnan(sample.sample_log_prob)
        (whole,) = case.local.score([prompt + sample.text])
        assert sample.perplexity == pytest.approx(whole.perplexity, rel=1e-4)
        assert sample.rescored == (list(whole.token_ids) != ids[: len(ids) - ends_at_eos(case, sample)])


def ends_at_eos(case: Case, sample: Sample) -> bool:
    return sample.finish_reason == "stop" and sample.token_ids[-1] in case.local.codec.eos_ids


@pytest.mark.parametrize(
    ("change", "known"), [({"top_p": 1.0}, {"processed", "tempered"}), ({}, {"raw", "processed", "tempered"})]
)
def test_a_sample_log_prob_is_given_where_the_server_tells_it(case: Case, change: dict[str, Any], known: Any) -> None:
    settings = {"temperature": 1.2, "repetition_penalty": 1.0, **change} if change else {"temperature": 1.0}
    plain = {"temperature": 1.0, "top_p": 1.0, "repetition_penalty": 1.0, **settings}
    for sample in case.backend.generate(requests(n=1, **plain)):
        assert math.isfinite(sample.sample_log_prob) == (case.log_probs in known)
        if not change:
            assert sample.sample_log_prob == sample.log_prob


def test_log_probs_after_the_penalty_alone_are_seen_not_to_be_the_models_own(
    processes: dict[str, tuple[Any, Path]], load: Callable[..., Any]
) -> None:
    process, folder = processes["processed"]
    process.misbehave("none", times=0, log_probs="penalised")
    backend = load_server(process.url, tokenizer=folder)
    assert backend._calls.convention == Convention(penalty=True)
    local, reference = load(folder, device="cpu"), AutoModelForCausalLM.from_pretrained(folder)
    for sample in backend.generate(requests(n=2, repetition_penalty=1.8, temperature=1.0, top_p=1.0)):
        assert math.isfinite(sample.sample_log_prob)
        prompt = PROMPTS[int(sample.request_id[1:])]
        ids = [*local.codec.encode(prompt), *sample.token_ids]
        with torch.no_grad():
            table = reference(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        start = len(ids) - len(sample.token_ids)
        plain = math.fsum(float(table[at - 1, ids[at]]) for at in range(start, len(ids)))
        assert sample.log_prob == pytest.approx(plain, abs=1e-4)
        assert abs(sample.sample_log_prob - plain) > 0.1
    process.behave()


def test_a_stop_tag_ends_a_sample_and_stays_in_its_text(case: Case) -> None:
    """The same samples with and without a stop tag: equal up to its first appearance, which is the end."""
    free = by_key(case.backend.generate(requests(n=4, max_new_tokens=24)))
    drawn = Counter(token for sample in free.values() for token in sample.token_ids)
    tag, tag_id = max(case.local.codec.tags.items(), key=lambda item: drawn[item[1]])
    n_cut = 0
    for key, sample in by_key(case.backend.generate(requests(n=4, max_new_tokens=24, stop=(tag,)))).items():
        whole = free[key].token_ids
        n_left = whole.index(tag_id) + 1 if tag_id in whole else len(whole)
        assert sample.token_ids == whole[:n_left]
        assert (sample.token_ids[-1] == tag_id) == sample.text.endswith(tag)
        if tag_id in whole:
            assert sample.finish_reason == "stop"
            n_cut += 1
        if ends_at_eos(case, sample) and readable(sample):
            assert sample.text == case.local.codec.decode(sample.token_ids[:-1])
    assert n_cut >= 1


def test_a_sample_depends_on_its_index_not_on_n_or_its_neighbours(case: Case) -> None:
    many = by_key(case.backend.generate(requests(n=4)))
    few = by_key(case.backend.generate(requests(n=2)[::-1]))
    assert {key: sample.token_ids for key, sample in few.items()} == {key: many[key].token_ids for key in few}


def test_a_request_the_server_refuses_is_named_before_anything_runs(case: Case) -> None:
    for change, words in (
        ({"prompt": "<MoleculeS>" + "[Pt]" * 400}, "request 'r0'.* context"),
        ({"stop": ("<NoSuchTag>",)}, "request 'r0'.*<NoSuchTag>.* is not one token"),
        ({"beams": 5}, "beams is not served .*'r0'.*local checkpoint"),
        ({"constrained": True}, "constrained is not served .*'r0'.*local checkpoint"),
        ({"top_p": 0.0}, "top_p"),
    ):
        with pytest.raises(ModelInputError, match=words):
            case.backend.generate([replace(requests()[0], **change), requests()[1]])
    with pytest.raises(ModelInputError, match=r"embed .*local checkpoint"):
        case.backend.embed(["<MoleculeS>C"])
    with pytest.raises(ModelInputError, match="empty"):
        case.backend.score(["<MoleculeS>C", ""])
    with pytest.raises(ModelInputError, match=r"text '<MoleculeS>\[Pt\].*context"):
        case.backend.score(["<MoleculeS>C", "<MoleculeS>" + "[Pt]" * 400])


def test_it_tells_what_it_is(case: Case) -> None:
    assert case.backend.device == f"{case.process.url} (tiny)"
    assert (case.backend.memory_bytes, case.backend.checkpoint_hash) == (0, "")


def test_an_address_is_a_checkpoint(raw: Any) -> None:
    assert isinstance(load_generator(raw.url), CompletionsServer)
    assert isinstance(load_generator(raw.url.removesuffix("/v1"), "cpu", max_batch=2), CompletionsServer)
    assert isinstance(load_generator(backend="server", url=raw.url, model="tiny"), CompletionsServer)
    with pytest.raises(ModelInputError, match="serves tiny, not 'large'"):
        load_generator(raw.url, model="large")
    with pytest.raises(ModelInputError, match=r"not one; expected e\.g\. http"):
        load_generator(Path("weights"), backend="server")


def test_the_key_is_sent_and_never_shown(processes: dict[str, tuple[Any, Path]]) -> None:
    process, _ = processes["tempered"]
    wrong = "sesame-0000"
    with pytest.raises(ModelInputError, match=r"refuses the API key.*ORGANON_SERVER_API_KEY") as caught:
        load_server(process.url, api_key=wrong)
    backend = load_server(process.url, api_key=KEY)
    assert wrong not in str(caught.value)
    assert KEY not in repr(backend._endpoint)
    with pytest.raises(ServerError) as failed:
        load_server("http://me:secret@127.0.0.1:9/v1", api_key=KEY, retries=0)
    assert KEY not in str(failed.value)
    assert "secret" not in str(failed.value)


def test_servers_without_what_is_needed_are_refused_or_helped(raw: Any, processes: dict[str, tuple[Any, Path]]) -> None:
    raw.misbehave("no_log_probs", times=1000)
    with pytest.raises(ServerError, match=r"no log-probabilities.*vLLM"):
        load_server(raw.url)
    raw.behave()
    expected = by_key(load_server(raw.url).generate(requests(n=2)))
    raw.misbehave("no_ids", times=1000)
    spelled = by_key(load_server(raw.url).generate(requests(n=2)))
    assert {key: s.token_ids for key, s in spelled.items()} == {key: s.token_ids for key, s in expected.items()}
    process, _ = processes["tempered"]
    process.misbehave("no_ids")
    with pytest.raises(ServerError, match="returns no token ids"):
        load_server(process.url, api_key=KEY)


def test_only_samples_that_tokenise_differently_are_scored_again(
    processes: dict[str, tuple[Any, Path]], raw: Any
) -> None:
    for name, options in (("raw", {}), ("raw", {"tokenizer": processes["raw"][1]}), ("tempered", {"api_key": KEY})):
        process = processes[name][0]
        backend = load_server(process.url, **options)
        before = len(process.seen()["bodies"])
        samples = list(backend.generate(requests(n=4, max_new_tokens=2)))
        n_scored = sum(bool(body.get("echo")) for body in process.seen()["bodies"][before:]) - len(PROMPTS)
        assert n_scored == (2 * len(samples) if name == "tempered" else sum(sample.rescored for sample in samples))


def test_calls_in_flight_are_bounded_and_leaving_cancels_them(raw: Any) -> None:
    backend = load_server(raw.url, max_batch=6, samples_per_call=2)
    before = len(raw.seen()["bodies"])
    stream = backend.generate([Request("<MoleculeS>", n=200, max_new_tokens=40, ignore_eos=True)])
    assert next(stream).index < 200
    stream.close()
    n_calls = len(raw.seen()["bodies"]) - before
    assert n_calls < 60
    assert not [thread for thread in threading.enumerate() if thread.name == "organon-in-flight"]
    assert len(list(backend.generate(requests(n=1)))) == 3
    seen = raw.seen()
    assert max(body.get("n", 1) for body in seen["bodies"][before:]) == 2


def test_requests_join_and_leave_and_one_that_is_wrong_hurts_no_other(raw: Any) -> None:
    decoding = load_server(raw.url, max_batch=4, samples_per_call=2).decoding()
    good, long, given_up = requests(n=3)
    tickets = {
        decoding.add(good, owner="a"): "good",
        decoding.add(replace(long, prompt="<MoleculeS>" + "[Pt]" * 400), owner="b"): "wrong",
        decoding.add(replace(given_up, n=100), owner="c"): "given up",
    }
    for ticket, name in tickets.items():
        if name == "given up":
            decoding.cancel(ticket)
    late = decoding.add(replace(good, n=2, request_id="late"), owner="d")
    with pytest.raises(ModelInputError, match="beams"):
        decoding.add(replace(good, beams=9), owner="a")
    found: dict[str, list[Any]] = {}
    while not decoding.idle:
        for ticket, result in decoding.step():
            found.setdefault(tickets.get(ticket, "late"), []).append(result)
    assert late not in tickets
    assert sorted(sample.index for sample in found["good"]) == [0, 1, 2]
    assert sorted(sample.index for sample in found["late"]) == [0, 1]
    (fault,) = found["wrong"]
    assert isinstance(fault, ModelInputError)
    assert "given up" not in found
    decoding.close()


def test_the_worker_serves_it_as_any_other_model(raw: Any) -> None:
    backend = load_server(raw.url)
    expected = by_key(backend.generate(requests(n=2)))
    with ModelWorker(backend) as worker:
        found = {(sample.request_id, sample.index): sample for sample in worker.generate(requests(n=2))}
        assert {key: s.token_ids for key, s in found.items()} == {key: s.token_ids for key, s in expected.items()}
        raw.misbehave(500)
        with pytest.raises(ServerError, match="HTTP 500"):
            worker.generate(requests(n=2))
        assert len(worker.generate(requests(n=1))) == 3
        assert worker.score(["<MoleculeS>C"])[0].log_prob < 0


def test_owners_are_served_in_turn(raw: Any) -> None:
    decoding = load_server(raw.url, max_batch=2, samples_per_call=1).decoding()
    large = decoding.add(Request("<MoleculeS>", n=16, max_new_tokens=8, request_id="large"), owner="one")
    small = decoding.add(Request("<MoleculeS>", n=2, max_new_tokens=8, request_id="small"), owner="other")
    order: list[int] = []
    while not decoding.idle:
        order += [ticket for ticket, _ in decoding.step()]
    assert (order.count(large), order.count(small)) == (16, 2)
    assert max(at for at, ticket in enumerate(order) if ticket == small) < 10
    decoding.close()
