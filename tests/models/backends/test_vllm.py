"""The server backend against vLLM itself, where its command is installed (it is no dependency of ours).

Passed with vLLM 0.32 on a CPU in fp32; the two modes are the two kinds of log-probabilities it can report.
"""

from __future__ import annotations

import math
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from models.backends.base import Request
from models.backends.server import CompletionsServer, load_server
from models.backends.text_codec import load_codec
from models.checkpoint import SHIPPED_CHECKPOINT
from models.errors import ModelInputError
from models.registry import load_generator

PROMPTS = ["<MoleculeS>", "<MoleculeS>CC(=O)Oc1ccccc1C(=O)O<MoleculeE><ReverseReact>"]
SETTINGS: dict[str, Any] = {"temperature": 1.2, "top_p": 0.85, "repetition_penalty": 1.05, "max_new_tokens": 30}
START_SECONDS = 300
CPU_SETTINGS = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("vllm") is None, reason="vLLM is not installed"),
]


@pytest.fixture(scope="module", params=["raw_logprobs", "processed_logprobs"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """vLLM with the shipped checkpoint: its mode and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["vllm", "serve", str(SHIPPED_CHECKPOINT), "--dtype", "float32", "--port", str(port)]
    command += ["--enforce-eager", "--logprobs-mode", request.param]
    log = tmp_path_factory.mktemp("vllm") / "log"
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **CPU_SETTINGS})
        try:
            wait_until_ready(process, f"http://127.0.0.1:{port}/health", log)
            yield request.param, f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait(60)


def wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(1)
    pytest.fail(f"vLLM did not start in {START_SECONDS} s: {log.read_text()[-2000:]}")


@pytest.fixture(params=[None, SHIPPED_CHECKPOINT], ids=["server's tokenizer", "own tokenizer"])
def backend(served: tuple[str, str], request: pytest.FixtureRequest) -> CompletionsServer:
    return load_server(served[1], tokenizer=request.param)


def test_scores_and_greedy_samples_are_those_of_the_local_model(backend: CompletionsServer) -> None:
    local = load_generator(None, "cpu")
    texts = [PROMPTS[1] + "<MoleculeS>CCO<MoleculeE>", "<MoleculeS>C"]
    for theirs, ours in zip(backend.score(texts), local.score(texts), strict=True):
        assert theirs.token_ids == ours.token_ids
        assert theirs.token_log_probs == pytest.approx(ours.token_log_probs, abs=1e-4)
    greedy = [Request(p, n=2, temperature=0.0, request_id=p, stop=("<MoleculeE>",)) for p in PROMPTS]
    drawn = {(sample.request_id, sample.index): sample for sample in backend.generate(greedy)}
    for ours_sample in local.generate(greedy):
        theirs_sample = drawn[ours_sample.request_id, ours_sample.index]
        assert (theirs_sample.token_ids, theirs_sample.text) == (ours_sample.token_ids, ours_sample.text)
        assert theirs_sample.finish_reason == ours_sample.finish_reason
        assert theirs_sample.log_prob == pytest.approx(ours_sample.log_prob, abs=1e-4)
        assert theirs_sample.perplexity == pytest.approx(ours_sample.perplexity, rel=1e-4)


def test_drawn_samples_have_the_figures_of_a_full_forward_pass(
    served: tuple[str, str], backend: CompletionsServer
) -> None:
    model = AutoModelForCausalLM.from_pretrained(SHIPPED_CHECKPOINT, dtype=torch.float32).eval()
    codec = load_codec(SHIPPED_CHECKPOINT)
    chain = LogitsProcessorList(
        [
            RepetitionPenaltyLogitsProcessor(SETTINGS["repetition_penalty"]),
            TemperatureLogitsWarper(SETTINGS["temperature"]),
            TopPLogitsWarper(SETTINGS["top_p"]),
        ]
    )
    asked = [Request(p, n=6, request_id=p, **SETTINGS) for p in PROMPTS]
    samples = list(backend.generate(asked))
    again = {(sample.request_id, sample.index): sample.token_ids for sample in backend.generate(asked[::-1])}
    assert {(sample.request_id, sample.index): sample.token_ids for sample in samples} == again
    for sample in samples:
        start = codec.encode(sample.request_id)
        ids = [*start, *sample.token_ids]
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0]
        plain = drawn = 0.0
        for at in range(len(start), len(ids)):
            scores = logits[at - 1 : at]
            plain += float(scores.log_softmax(-1)[0, ids[at]])
            drawn += float(chain(torch.tensor([ids[:at]]), scores).log_softmax(-1)[0, ids[at]])
        assert sample.log_prob == pytest.approx(plain, abs=1e-4)
        if served[0] == "processed_logprobs":
            assert sample.sample_log_prob == pytest.approx(drawn, abs=1e-4)
        else:
            assert math.isnan(sample.sample_log_prob)


def test_what_vllm_refuses_is_said_with_the_request(backend: CompletionsServer) -> None:
    with pytest.raises(ModelInputError, match=r"request 'x'.*context"):
        backend.generate([Request("<MoleculeS>" + "[Pt]" * 600, request_id="x")])
    with pytest.raises(ModelInputError, match=r"request 'x'.*temperature must be in \[0, 2\]"):
        list(backend.generate([Request("<MoleculeS>", temperature=3.0, request_id="x")]))
    with pytest.raises(ModelInputError, match=r"<NoSuchTag>.*not one token"):
        backend.generate([Request("<MoleculeS>", stop=("<NoSuchTag>",))])
