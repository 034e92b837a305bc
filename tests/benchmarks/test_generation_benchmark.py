"""The generation benchmark runs as its users run it, and its bare products are the products of the model."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
ATTENTION = ("two batched products", "two batched products, keys transposed", "the prompt's keys shared")
FUSED = "fused attention"  # torch does not count its operations on the CPU


@pytest.fixture(autouse=True)
def _siblings_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a script started in that folder."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.fixture
def model() -> Any:
    from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM

    torch.manual_seed(0)
    config = Qwen3MoeConfig(
        vocab_size=60, hidden_size=16, intermediate_size=24, moe_intermediate_size=8, num_hidden_layers=3, head_dim=4,
        num_attention_heads=4, num_key_value_heads=2, num_experts=4, num_experts_per_tok=2, mlp_only_layers=[1],
    )  # fmt: skip
    return Qwen3MoeForCausalLM(config).eval()


OPTIONS = """
    --shape tiny --samples 5 --tokens 4 --repeats 1 --threads 1 --speed --mixed --requests 66 --lengths 1 3
    --mixed-repeats 1 --device cpu --json
"""


@pytest.fixture
def _process_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from transformers import logging

    monkeypatch.setenv("GOMP_SPINCOUNT", "5000")
    threads, verbosity = torch.get_num_threads(), logging.get_verbosity()
    yield
    torch.set_num_threads(threads)
    logging.set_verbosity(verbosity)
    logging.enable_progress_bar()


@pytest.mark.usefixtures("_process_left_as_it_was")
def test_one_run_compares_all_arms_on_the_same_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from generation import main

    monkeypatch.setattr(sys, "argv", ["generation.py", *OPTIONS.split()])
    main()
    report = json.loads(capsys.readouterr().out)
    assert [found["prompt"] for found in report["speed"]] == ["unconditional", "pocket"]
    for found in report["speed"]:
        arms, ratios = found["arms"], found["ratios"]
        assert {"ours", "transformers, one batch", "LOGOS's way", "bare products"} <= set(arms)
        assert all(arm["wall_s"] > 0 and arm["cpu_s"] > 0 for arm in arms.values())
        expected = arms["LOGOS's way"]["wall_s"] / arms["ours"]["wall_s"]
        assert ratios["over LOGOS's way"]["wall"] == pytest.approx(expected)
        assert arms["bare products"]["wall_s"] < arms["ours"]["wall_s"]
    assert report["mixed"]["tokens"] < report["mixed"]["tokens_of_static_batches"]
    assert len(report["mixed"]["ratios"]) == 4


@pytest.mark.parametrize("form", ATTENTION)
def test_bare_products_are_those_of_the_model(model: Any, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operations that torch counts are the model's own over prompt and tokens, whatever form is taken."""
    from generation_parts import matrix_products, product_forms

    monkeypatch.delitem(product_forms.LINEAR_FORMS, "side by side, packed")  # torch does not count its operations
    monkeypatch.setattr(matrix_products, "ATTENTION_FORMS", {form: product_forms.ATTENTION_FORMS[form]})
    rows, n_prompt, n_tokens = 6, 5, 4
    sequences = torch.randint(0, 60, (1, n_prompt)).expand(rows, -1)
    sequences = torch.cat([sequences, torch.randint(0, 60, (rows, n_tokens))], dim=1)
    experts = matrix_products.count_rows_of_experts(model, sequences, n_prompt)
    assert all(sum(counts) == rows * 2 for step in experts for counts in (step[0], step[2]))
    assert all(step[1] == [] for step in experts)
    bare = matrix_products.build_bare(model, matrix_products.Shape(rows, n_prompt, n_tokens), experts)
    assert bare.forms["attention"] == form
    with FlopCounterMode(display=False) as counted:
        bare.run()
    assert counted.get_total_flops() == expected_flops(rows, n_prompt, n_tokens)


def test_the_attention_forms_tried_are_all_tested() -> None:
    from generation_parts.product_forms import ATTENTION_FORMS

    assert set(ATTENTION_FORMS) == {*ATTENTION, FUSED}


def test_every_form_of_a_product_is_the_same_product() -> None:
    from generation_parts.product_forms import LINEAR_FORMS

    matrices, x = [torch.randn(5, 7), torch.randn(3, 7)], torch.randn(4, 7)
    expected = x @ torch.cat(matrices).t()
    for form, build in LINEAR_FORMS.items():
        found: Any = build(matrices, x)()
        found = torch.cat(found, dim=1) if isinstance(found, list) else found
        found = found.t() if found.shape == (8, 4) else found
        assert torch.allclose(found, expected, atol=1e-5), form


def expected_flops(rows: int, n_prompt: int, n_tokens: int) -> int:
    """Two for every multiplication of the model above, by hand: layers 0 and 2 sparse, layer 1 dense."""
    per_token = 2 * (16 * (16 + 8 + 8) + 16 * 16) * 3  # query, key, value and output
    per_token += 2 * 2 * (16 * 4 + 2 * 3 * 16 * 8)  # router and two experts, twice
    per_token += 2 * 3 * 16 * 24  # gate, up, down of the dense layer
    head = 2 * 16 * 60
    attention = [2 * 2 * 4 * 4 * length * 3 for length in range(n_prompt + 1, n_prompt + n_tokens)]
    prompt = n_prompt * per_token + head + 2 * 2 * 4 * 4 * n_prompt * n_prompt * 3
    return prompt + rows * ((n_tokens - 1) * (per_token + head) + sum(attention))


def test_an_arm_that_emits_another_number_of_tokens_is_refused() -> None:
    from generation_parts.arms import need_lengths

    need_lengths([4, 4], 4, 2)
    with pytest.raises(RuntimeError, match="odd lengths \\[3\\]"):
        need_lengths([4, 3], 4, 2)
    with pytest.raises(RuntimeError, match="got 1"):
        need_lengths([4], 4, 2)


def test_arms_take_turns() -> None:
    from generation_parts.arms import time_interleaved

    order: list[str] = []

    def arm(name: str) -> Callable[[int], None]:
        return lambda _seed: order.append(name)

    timings = time_interleaved({name: arm(name) for name in "abc"}, 3)
    assert "".join(order) == "abc" + "abc" + "bca" + "cab"
    assert all(len(timing.walls) == 3 for timing in timings.values())


def test_a_fixed_width_text_is_its_ids(tmp_path: Path) -> None:
    from generation_parts.prompts import build_fixed_width_tokenizer, short_prompts, speed_prompts

    tokenizer = build_fixed_width_tokenizer(3000)
    assert len(tokenizer) == 3000
    ids = torch.randint(1, 3000, (400,)).tolist()
    text = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    assert tokenizer(text)["input_ids"] == ids
    for prompt in [*speed_prompts().values(), *short_prompts(500)]:
        assert tokenizer.pad_token_id not in tokenizer(prompt)["input_ids"]


def test_prompts_and_lengths_of_the_mixed_part() -> None:
    from generation_parts.prompts import mixed_requests

    requests = mixed_requests(500, (20, 400))
    assert len({request.prompt for request in requests}) == 500
    assert {request.max_new_tokens for request in requests} <= set(range(20, 401))
    assert mixed_requests(500, (20, 400)) == requests


def test_malformed_samples_are_told_from_good_ones() -> None:
    from generation_parts.constraint import CUT_OFF, find_fault

    from models.backends.base import Sample

    good = Sample("0", 0, "CCO<MoleculeE>", (1, 2), -1.0, -1.0, 2.0, "stop")
    assert find_fault("molecule", "<MoleculeS>", good) == ""
    assert find_fault("molecule", "<MoleculeS>", replace(good, finish_reason="length")) == CUT_OFF
    assert "RDKit" in find_fault("molecule", "<MoleculeS>", replace(good, text="C1CC(<MoleculeE>"))
    assert "expected" in find_fault("molecule", "<MoleculeS>", replace(good, text="CC<ProteinS><MoleculeE>"))
    material = replace(good, text="<MetalS>[Zn<MetalE><MoleculeS>CC<MoleculeE><MaterialE>")
    assert "RDKit" in find_fault("material", "<MaterialS>", material)


def test_compared_samples_count_and_differ() -> None:
    from generation_parts.reproducibility import _compare

    one = {("a", 0): ((1, 2), -1.0), ("a", 1): ((3,), -2.0)}
    found = _compare(one, {("a", 0): ((1, 2), -1.5), ("a", 1): ((4,), -2.0), ("b", 0): ((1,), 0.0)})
    assert (found["identical"], found["share"], found["max_log_prob_difference"]) == (1, 0.5, 0.5)
