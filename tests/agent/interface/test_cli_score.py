"""`organon model score`, `embed` and `info`: against transformers itself, and with wrong texts among right ones."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TEXTS = ["<MoleculeS>CCO<MoleculeE>", "<ProteinS>MKTAYIAK<ProteinE>", "<MoleculeS>c1ccccc1<MoleculeE><React>"]


def reference(folder: Path, text: str) -> tuple[list[float], np.ndarray]:
    """Log-probability of each token and the mean hidden state, by transformers."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = torch.tensor([tokenizer(text)["input_ids"]])
    with torch.inference_mode():
        output = model(ids, output_hidden_states=True)
        log_probs = output.logits[0, :-1].log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
    start = int(ids[0, 0] == tokenizer.bos_token_id)
    return [float(value) for value in log_probs], output.hidden_states[-1][0, start:].mean(0).numpy()


@pytest.mark.parametrize("shape", ["our", "llama", "qwen3"])
def test_scores_are_those_of_transformers(
    shape: str, organon: Callable[..., Any], our_shape: Path, logos_shapes: dict[str, Path]
) -> None:
    folder = {"our": our_shape, **logos_shapes}[shape]
    done = organon("model", "score", "--tokens", "--checkpoint", folder, *TEXTS)
    assert (done.code, len(done.rows)) == (0, 3), done.err
    for text, row in zip(TEXTS, done.rows, strict=True):
        expected, _ = reference(folder, text)
        assert row["text"] == text
        assert row["n_tokens"] == len(expected) == len(row["tokens"])
        assert [token["log_prob"] for token in row["tokens"]] == pytest.approx(expected, abs=1e-4)
        assert row["log_prob"] == pytest.approx(sum(expected), abs=1e-3)
        assert row["perplexity"] == pytest.approx(math.exp(-sum(expected) / len(expected)), rel=1e-4)
        assert "".join(token["token"] for token in row["tokens"]) == (
            text if shape != "qwen3" else text[len(text.split(">")[0]) + 1 :]
        )


def test_embeddings_are_mean_hidden_states_as_lines_and_as_an_array(
    organon: Callable[..., Any], our_shape: Path, tmp_path: Path
) -> None:
    lines = organon("model", "embed", "--checkpoint", our_shape, *TEXTS)
    array = organon("model", "embed", "--checkpoint", our_shape, "--out", tmp_path / "e.npy", *TEXTS)
    assert (lines.code, array.code, array.out) == (0, 0, ""), array.err
    saved = np.load(tmp_path / "e.npy")
    assert (saved.dtype, saved.shape) == (np.float32, (3, 32))
    for at, text in enumerate(TEXTS):
        expected = reference(our_shape, text)[1]
        np.testing.assert_allclose(saved[at], expected, atol=1e-4)
        np.testing.assert_allclose(lines.rows[at]["embedding"], expected, atol=1e-4)


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A text, a blank line, a result line, a line without a text, one that is too long, and a text again."""
    file = tmp_path / "texts"
    rows = [TEXTS[0], "", json.dumps({"sequence": TEXTS[1], "ppl": 3}), '{"x": 1}', "C" * 500, TEXTS[2]]
    file.write_text("\n".join(rows) + "\n")
    return file


def test_a_wrong_line_does_not_end_the_rest(organon: Callable[..., Any], our_shape: Path, mixed: Path) -> None:
    done = organon("model", "score", "--checkpoint", our_shape, "--input", mixed)
    assert done.code == 1
    assert [row.get("text") for row in done.rows] == [TEXTS[0], TEXTS[1], None, None, TEXTS[2]]
    assert [row["line"] for row in done.rows if "error" in row] == [4, 5]
    assert "501 tokens" in done.rows[3]["error"]
    assert "96" in done.rows[3]["error"]
    assert "line 5: " in done.err


def test_rows_of_the_array_stay_in_step(
    organon: Callable[..., Any], our_shape: Path, mixed: Path, tmp_path: Path
) -> None:
    done = organon("model", "embed", "--checkpoint", our_shape, "--input", mixed, "--out", tmp_path / "e.npy")
    assert done.code == 1
    assert np.isnan(np.load(tmp_path / "e.npy")).any(axis=1).tolist() == [False, False, True, True, False]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["score"], ["--input FILE"]),
        (["score", "C", "--input", "x"], ["one of the two"]),
        (["score", ""], ["empty"]),
        (["score", "C" * 600], ["601", "512"]),
        (["score", "--input", "gone.txt"], ["cannot read gone.txt"]),
        (["embed", "C", "--out", "e.txt"], [".npy"]),
        (["embed", "C", "--out", "/dev/null/e.npy"], ["cannot write"]),
        (["info", "--checkpoint", "/dev/null"], ["not a directory"]),
        (["info", "--checkpoint", "http://127.0.0.1:1/v1"], ["is a server"]),
    ],
)
def test_wrong_arguments_are_one_line(args: list[str], words: list[str], organon: Callable[..., Any]) -> None:
    organon("model", *args).assert_bad_input(*words)


def test_info_lists_tags_the_grammar_does_not_know(organon: Callable[..., Any], logos_shapes: dict[str, Path]) -> None:
    found = json.loads(organon("model", "info", "--json", "--checkpoint", logos_shapes["qwen3"]).out)
    assert (found["architecture"], found["model_type"]) == ("Qwen3ForCausalLM", "qwen3")
    assert found["unknown_tags"] == ["<GenomeS>", "<GenomeE>", "<Predict>"]
    assert found["missing_tags"] == []
    assert found["tasks"] == ["molecule", "ligand", "pocket", "retrosynthesis", "reaction", "material"]
    told = organon("model", "info", "--checkpoint", logos_shapes["qwen3"]).out
    assert "unknown_tags   <GenomeS>, <GenomeE>, <Predict>" in told
