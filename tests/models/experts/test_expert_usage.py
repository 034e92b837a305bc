"""Expert usage: choices are the routers' own, the figures are those of information theory, the drawings fit."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rdkit import Chem
from transformers import AutoConfig, AutoModelForCausalLM

from models.backends.text_codec import load_codec
from models.errors import CheckpointError, ModelInputError
from models.experts import examples as expert_examples
from models.experts.drawing import draw_svg, draw_text
from models.experts.examples import example_texts
from models.experts.usage import (
    ExpertUsage,
    chance_bits,
    corpus_texts,
    is_dense,
    layer_figures,
    measure_expert_usage,
    mutual_information_bits,
    usage_json,
)
from models.grammar import parse, render
from models.tokenizer import ScientificTokenizer

SIZE = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24}
SPARSE = {**SIZE, "num_key_value_heads": 2, "num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 8}


def write(folder: Path, model_type: str, settings: dict[str, Any]) -> Path:
    tokenizer = ScientificTokenizer.build()
    ids = {"bos_token_id": tokenizer.bos_id, "eos_token_id": tokenizer.eos_id, "pad_token_id": tokenizer.pad_id}
    config = AutoConfig.for_model(model_type, vocab_size=tokenizer.vocab_size, initializer_range=0.3, **ids, **settings)
    torch.manual_seed(4)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save(folder)
    return folder


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = {**SPARSE, "mlp_only_layers": [1], "max_position_embeddings": 128}
    return write(tmp_path_factory.mktemp("sparse"), "qwen3_moe", settings)


def usage_of(counts: list[list[list[int]]], per_token: int = 2) -> ExpertUsage:
    kinds = tuple(f"kind {at}" for at in range(len(counts[0])))
    ones = (1,) * len(kinds)
    return ExpertUsage("a test", tuple(range(len(counts))), kinds, ones, ones, per_token, np.array(counts))


def test_counts_are_the_routers_choices(sparse: Path) -> None:
    texts = {"molecule": ["<MoleculeS>CCO<MoleculeE>", "<MoleculeS>c1ccncc1<MoleculeE>"], "protein": ["<ProteinS>MKTA"]}
    usage = measure_expert_usage(sparse, texts, "a test")
    assert usage is not None
    assert (usage.layers, usage.kinds, usage.experts_per_token) == ((0, 2), ("molecule", "protein"), 2)
    model, codec = AutoModelForCausalLM.from_pretrained(sparse), load_codec(sparse)
    expected = np.zeros((2, 2, 6), dtype=np.int64)
    n_tokens = [0, 0]
    for kind, some in enumerate(texts.values()):
        for text in some:
            ids = codec.encode(text)
            n_tokens[kind] += len(ids) - 1
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([ids]), output_router_logits=True).router_logits
            for layer in (0, 1):  # transformers leaves the dense layer out
                for expert in logits[layer][1:].topk(2).indices.flatten().tolist():
                    expected[layer, kind, expert] += 1
    assert np.array_equal(usage.counts, expected)
    assert list(usage.n_tokens) == n_tokens
    assert usage.n_texts == (2, 1)


def test_texts_longer_than_the_context_are_cut(sparse: Path) -> None:
    usage = measure_expert_usage(sparse, {"protein": ["<ProteinS>" + "M" * 500]}, "a test")
    assert usage is not None
    assert usage.n_tokens == (127,)


def test_a_dense_checkpoint_is_said_to_be_dense(tmp_path: Path) -> None:
    dense = write(tmp_path / "llama", "llama", SIZE)
    assert is_dense(dense)
    assert measure_expert_usage(dense, {"molecule": ["C"]}, "a test") is None
    all_dense = write(tmp_path / "moe", "qwen3_moe", {**SPARSE, "mlp_only_layers": [0, 1, 2]})
    assert measure_expert_usage(all_dense, {"molecule": ["C"]}, "a test") is None
    assert usage_json(None) == {"sparse": False, "message": "this checkpoint is dense: it has no experts"}


def test_mixtral_counts_too_and_others_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {**SIZE, "num_key_value_heads": 2, "num_local_experts": 4, "num_experts_per_tok": 2}
    folder = write(tmp_path, "mixtral", settings)
    usage = measure_expert_usage(folder, {"molecule": ["<MoleculeS>CCO"]}, "a test")
    assert usage is not None
    assert usage.counts.shape == (3, 1, 4)
    from transformers.models.mixtral.modeling_mixtral import MixtralTopKRouter

    monkeypatch.setattr(MixtralTopKRouter, "forward", lambda self, states: states)
    with pytest.raises(CheckpointError, match="routers of mixtral"):
        measure_expert_usage(folder, {"molecule": ["<MoleculeS>CCO"]}, "a test")


def test_no_texts_is_an_error(sparse: Path) -> None:
    for texts in ({}, {"molecule": []}):
        with pytest.raises(ModelInputError, match="at least one"):
            measure_expert_usage(sparse, texts, "a test")


def test_information_between_kind_and_expert() -> None:
    assert mutual_information_bits(np.array([[0.5, 0.5], [0.5, 0.5]])) == 0
    assert mutual_information_bits(np.array([[1.0, 0.0], [0.0, 1.0]])) == pytest.approx(1.0)
    # H(0.7, 0.3) - (H(0.9, 0.1) + H(0.5, 0.5)) / 2
    assert mutual_information_bits(np.array([[0.9, 0.1], [0.5, 0.5]])) == pytest.approx(0.146793, abs=1e-5)


def test_figures_of_a_layer() -> None:
    divided, even = layer_figures(usage_of([[[6, 6, 0, 0], [0, 0, 5, 5]], [[3, 3, 3, 3], [2, 2, 2, 2]]]))
    assert divided.specialisation == pytest.approx(1.0), "two kinds, two experts a token, four experts: no more can be"
    assert (divided.busiest_over_mean, divided.entropy_share, divided.idle) == (1.0, pytest.approx(1.0), 0)
    assert (even.specialisation, even.information_bits) == (0.0, 0.0)
    (lone,) = layer_figures(usage_of([[[8, 4, 0, 0]]]))
    assert lone.specialisation is None, "one kind has nothing to be told apart from"
    assert (lone.busiest_over_mean, lone.idle) == (pytest.approx(8 / 3), 2)
    assert lone.entropy_share == pytest.approx(0.918296 / 2, abs=1e-5)


def test_chance_is_what_unspecialised_counts_show() -> None:
    rng = np.random.default_rng(2)
    shares = rng.dirichlet(np.ones(8))
    drawn = [rng.multinomial(300, shares, size=5) for _ in range(300)]
    seen = np.mean([mutual_information_bits(counts / 300) for counts in drawn])
    assert chance_bits(drawn[0]) == pytest.approx(seen, rel=0.2)


@pytest.mark.parametrize(("n_experts", "width"), [(4, 100), (16, 100), (16, 40), (128, 100)])
@pytest.mark.parametrize("unicode", [True, False])
def test_the_heat_map_fits_and_shows_every_cell(n_experts: int, width: int, unicode: bool) -> None:
    counts = np.ones((3, 2, n_experts), dtype=np.int64)
    counts[:, 0, -1] = 1000 * n_experts  # one cell is full, all others of its row empty
    text = draw_text(usage_of(counts.tolist()), width, unicode)
    assert max(map(len, text.splitlines())) <= width
    assert text.isascii() or unicode
    full = "█" if unicode else "@"
    maps = text.split("\n\n", 2)[2].rsplit("use over", 1)[0]
    cell = 2 if n_experts * 2 <= width - 7 else 1
    assert maps.count(full) == 3 * cell, "one cell a layer"
    assert maps.count("+" if not unicode else "▒") == 3 * cell * n_experts, "the even kind, wherever lines are broken"
    for layer in range(3):
        assert f"layer {layer}" in maps


def test_the_svg_is_well_formed_and_exact() -> None:
    usage = usage_of([[[3, 1], [1, 1]], [[1, 0], [0, 1]]], per_token=1)
    root = ElementTree.fromstring(draw_svg(usage))
    space = "{http://www.w3.org/2000/svg}"
    titles = [title.text for title in root.iter(f"{space}title")]
    assert "kind 0, expert 0: 1.50 times even use" in titles
    assert len(titles) == 1 + 2 * 2 * 2
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    for cell in root.iter(f"{space}rect"):
        assert float(cell.get("x", "0")) + float(cell.get("width", "0")) <= width
        assert float(cell.get("y", "0")) + float(cell.get("height", "0")) <= height
    full, empty, edge = (cell.get("fill") for cell in list(root.iter(f"{space}rect"))[5:8])
    assert full != empty
    assert edge == empty == "#ffffff"


def test_json_holds_the_shares(sparse: Path) -> None:
    usage = measure_expert_usage(sparse, example_texts(), "examples")
    found = json.loads(json.dumps(usage_json(usage)))
    assert (found["experts"], found["experts_per_token"]) == (6, 2)
    assert [row["layer"] for row in found["layers"]] == [0, 2]
    for row in found["layers"]:
        assert set(row["shares"]) == set(example_texts())
        for shares in row["shares"].values():
            assert sum(shares) == pytest.approx(1, abs=1e-3)
        assert 0 <= row["specialisation"] <= 1
        assert row["most_bits"] == pytest.approx(math.log2(3), abs=1e-3)


def test_examples_are_what_they_are_called() -> None:
    texts = example_texts()
    assert all(len(some) >= 2 for some in texts.values())
    for text in (text for some in texts.values() for text in some):
        assert render(parse(text)) == text
    smiles = [*expert_examples.MOLECULES.values(), *expert_examples.LIGANDS.values()]
    for before, after in expert_examples.REACTIONS.values():
        smiles += [*before, after]
        assert _heavy(after) <= sum(map(_heavy, before)), "a product has no atom of its own"
    for written in smiles:
        assert Chem.CanonSmiles(written) == written, "as the corpus spells molecules"
    assert (len(expert_examples.GFP), len(expert_examples.UBIQUITIN), len(expert_examples.DHFR)) == (238, 76, 159)
    assert expert_examples.GFP[64:67] == "SYG", "the chromophore"
    assert "".join(expert_examples.DHFR[at - 1] for at in expert_examples.DHFR_SITE[:6]) == "IAAMDL"


def _heavy(smiles: str) -> int:
    return int(Chem.MolFromSmiles(smiles).GetNumHeavyAtoms())


def test_texts_of_a_corpus(tmp_path: Path) -> None:
    tokenizer = ScientificTokenizer.build()
    tokenizer.save(tmp_path / "tokenizer")
    documents = [tokenizer.encode(f"<MoleculeS>{s}<MoleculeE>", bos=True, eos=True) for s in ("CCO", "CCN", "CC")]
    np.save(tmp_path / "molecule.valid.tokens.npy", np.concatenate(documents).astype(np.uint16))
    np.save(tmp_path / "molecule.valid.offsets.npy", np.cumsum([0, *map(len, documents)]))
    table = [{"modality": "molecule", "part": "valid"}, {"modality": "edit", "part": "train"}]
    (tmp_path / "corpus.json").write_text(json.dumps({"table": table}))
    found = corpus_texts(tmp_path, 1000)
    assert {kind: sorted(texts) for kind, texts in found.items()} == {
        "molecule": [f"<MoleculeS>{s}<MoleculeE>" for s in ("CC", "CCN", "CCO")]
    }
    with pytest.raises(ModelInputError, match="no packed corpus"):
        corpus_texts(tmp_path / "gone", 1000)
