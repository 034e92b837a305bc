"""`organon model info --experts` as it is typed."""

from __future__ import annotations

import json
import os
import pty
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from agent.interface import cli_experts
from models.tokenizer import ScientificTokenizer


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM

    folder, tokenizer = tmp_path_factory.mktemp("sparse"), ScientificTokenizer.build()
    config = Qwen3MoeConfig(
        vocab_size=tokenizer.vocab_size, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, head_dim=8,
        num_key_value_heads=2, intermediate_size=16, moe_intermediate_size=8, num_experts=8, num_experts_per_tok=2,
        max_position_embeddings=512, initializer_range=0.3,
        bos_token_id=tokenizer.bos_id, eos_token_id=tokenizer.eos_id, pad_token_id=tokenizer.pad_id,
    )  # fmt: skip
    torch.manual_seed(1)
    Qwen3MoeForCausalLM(config).save_pretrained(folder)
    tokenizer.save(folder)
    return folder


def test_a_report_in_plain_characters_and_a_drawing(sparse: Path, organon: Callable[..., Any], tmp_path: Path) -> None:
    svg = tmp_path / "experts.svg"
    done = organon("model", "info", "--experts", "--checkpoint", sparse, "--svg", svg)
    assert done.code == 0, done.err
    assert done.out.startswith("8 experts in each of 2 layers, 2 a token\n")
    assert "layer 0            layer 1" in done.out
    assert done.out.isascii(), "a pipe gets no block characters"
    assert "retrosynthesis" in done.out
    assert svg.read_text().startswith("<svg ")


def test_one_json_document(sparse: Path, organon: Callable[..., Any]) -> None:
    found = json.loads(organon("model", "info", "--experts", "--json", "--checkpoint", sparse).out)
    assert found["architecture"] == "Qwen3MoeForCausalLM"
    assert len(found["sha256"]) == 64
    assert found["experts"]["sparse"] is True
    assert [row["layer"] for row in found["experts"]["layers"]] == [0, 1]


def test_a_dense_checkpoint_has_none(organon: Callable[..., Any], logos_shapes: dict[str, Path]) -> None:
    done = organon("model", "info", "--experts", "--checkpoint", logos_shapes["llama"])
    assert (done.code, done.out) == (0, "this checkpoint is dense: it has no experts\n")
    done = organon("model", "info", "--experts", "--json", "--checkpoint", logos_shapes["llama"])
    assert json.loads(done.out)["experts"] == {
        "sparse": False,
        "message": "this checkpoint is dense: it has no experts",
    }


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--svg", "x.svg"], ["--experts"]),
        (["--data", "x"], ["--experts"]),
        (["--experts", "--data", "gone"], ["no packed corpus"]),
        (["--experts", "--svg", "/dev/null/x.svg"], ["cannot write"]),
        (["--experts", "--checkpoint", "http://127.0.0.1:1/v1"], ["is a server"]),
    ],
)
def test_wrong_arguments_are_one_line(
    args: list[str], words: list[str], sparse: Path, organon: Callable[..., Any]
) -> None:
    checkpoint = [] if "--checkpoint" in args else ["--checkpoint", str(sparse)]
    organon("model", "info", *checkpoint, *args).assert_bad_input(*words)


def test_a_terminal_that_can_show_them_gets_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    _, terminal = pty.openpty()
    with os.fdopen(terminal, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        monkeypatch.setenv("COLUMNS", "132")
        assert cli_experts._terminal() == (132, True)
        stdout.reconfigure(encoding="ascii")
        assert cli_experts._terminal() == (132, False)
