"""The study of architectures trains what it says, goes on where it stopped, and its curve is the one it was given."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.tokenizer import ScientificTokenizer
from models.training.config import PretrainConfig, load_config

ROOT = Path(__file__).resolve().parents[2]
SMILES = ["CCO", "CCN", "c1ccccc1", "CC(=O)O", "CCCC", "CC(C)O", "OCCO", "c1ccncc1", "CCOC", "NCCN"]
SIZES = (3e5, 8e5, 2.1e6, 4.5e6, 9.8e6)


@pytest.fixture(autouse=True)
def _siblings_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a script started in that folder."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("corpus")
    tokenizer = ScientificTokenizer.build()
    tokenizer.save(out / "tokenizer")
    parts = {"train": SMILES, "valid": SMILES[:4]}
    for modality in load_config("pretrain", "sparse", PretrainConfig).mixture:
        for part, some in parts.items():
            documents = [tokenizer.encode(f"<MoleculeS>{s}<MoleculeE>", bos=True, eos=True) for s in some]
            np.save(out / f"{modality}.{part}.tokens.npy", np.concatenate(documents).astype(np.uint16))
            np.save(out / f"{modality}.{part}.offsets.npy", np.cumsum([0, *map(len, documents)]))
    (out / "corpus.json").write_text("{}")
    return out


def run(corpus: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "benchmarks/architectures.py", "--corpus", str(corpus), "--out", str(out)]
    command += ["--tokens-per-step", "256", "--samples", "3", "--sample-tokens", "4", "--valid-tokens", "30", *more]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment())


def environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def test_trains_measures_and_skips_what_is_done(corpus: Path, tmp_path: Path) -> None:
    shapes = ["--shape", "dense 0.3M", "sparse 1.3M-a0.3M"]
    first = run(corpus, tmp_path, "--tokens", "512", *shapes)
    assert first.returncode == 0, first.stderr
    files = sorted((tmp_path / "shapes").glob("*.json"))
    dense, sparse = (json.loads(file.read_text()) for file in files)
    assert dense["steps"] == sparse["steps"] == 2
    assert dense["tokens_seen"] == sparse["tokens_seen"], "the same documents in the same order"
    assert [n for _, n in dense["documents"]["molecule"]] == [n for _, n in sparse["documents"]["molecule"]]
    assert dense["active_parameters"] == dense["parameters"] == 305_376
    assert sparse["active_parameters"] < sparse["parameters"] / 3
    assert dense["expert_load"] is None
    assert 1 <= sparse["expert_load"]["busiest_over_mean"] <= 8
    assert sparse["generation"]["tokens_per_cpu_s"] > 0
    assert "| dense 0.3M | 305,376 |" in first.stdout
    assert "a curve needs three" in first.stdout
    before = [file.stat().st_mtime_ns for file in files]
    again = run(corpus, tmp_path, "--tokens", "512", *shapes)
    assert again.returncode == 0, again.stderr
    assert [file.stat().st_mtime_ns for file in files] == before
    other = run(corpus, tmp_path, "--tokens", "1024", *shapes)
    assert other.returncode != 0
    assert "another budget" in other.stderr


def test_shapes_are_what_their_names_say() -> None:
    from architectures_parts.shapes import SHAPES, configured

    from models.training.architecture import active_parameters, build_model

    base, tokenizer = load_config("pretrain", "sparse", PretrainConfig), ScientificTokenizer.build()
    sizes: dict[str, tuple[int, int]] = {}
    for shape in SHAPES:
        config = configured(base, shape, tokens=8192, step=4096, threads=1)
        assert (config.steps, config.seed, config.mixture) == (2, base.seed, base.mixture)
        with torch.device("meta"):
            model = build_model(config, tokenizer)
        sizes[shape.name] = sum(p.numel() for p in model.parameters()), active_parameters(model)
    shipped = sizes["sparse 10M-a2M"]
    assert sizes["dense 2M, equal active"][0] == pytest.approx(shipped[1], rel=0.02)
    assert sizes["dense 10M, equal bytes"][0] == pytest.approx(shipped[0], rel=0.02)
    ours = {name: getattr(base, name) for name in ("hidden_size", "n_layers", "n_experts", "expert_intermediate_size")}
    assert ours == {name: SHAPES[0].settings[name] for name in ours}, "the first shape is the one that ships"


def test_a_known_curve_is_found_again() -> None:
    from architectures_parts.fit import fit_curve

    losses = [1.1 + 40 * size**-0.3 for size in SIZES]
    curve = fit_curve(SIZES, losses)
    assert curve is not None
    assert (curve.floor, curve.alpha) == (pytest.approx(1.1, abs=0.01), pytest.approx(0.3, abs=0.01))
    assert max(map(abs, curve.residuals)) < 1e-3
    assert curve.at(1e6) == pytest.approx(1.1 + 40 * 1e6**-0.3, abs=1e-3)


def test_too_few_or_useless_sizes_are_said() -> None:
    from architectures_parts.fit import fit_curve

    assert fit_curve(SIZES[:2], [2.0, 1.9]) is None
    three = fit_curve(SIZES[:3], [7 * size**-0.1 for size in SIZES[:3]])
    assert three is not None
    assert (three.floor, three.alpha) == (0.0, pytest.approx(0.1, abs=1e-6))
    assert "three sizes" in three.note
    step = fit_curve(SIZES, [3.0, 2.0, 2.0, 2.0, 2.0])
    assert step is not None
    assert "do not determine" in step.note


def test_intervals_are_paired_and_weighed_by_the_mixture() -> None:
    from architectures_parts.fit import interval, mean_losses

    rng = np.random.default_rng(1)
    documents = {"a": [[float(x), 10] for x in rng.normal(20, 4, 200)], "b": [[30.0, 10]] * 50}
    better = {"a": [[nats - 1, n] for nats, n in documents["a"]], "b": documents["b"]}
    mixture = {"a": 0.75, "b": 0.25, "absent": 0.5}
    first, second = mean_losses(documents, mixture, 300, 0), mean_losses(better, mixture, 300, 0)
    of_a = sum(nats for nats, _ in documents["a"]) / 2000
    assert first[0] == pytest.approx(0.75 * of_a + 0.25 * 3.0)
    low, high = interval((second - first)[1:])
    assert low == pytest.approx(high) == pytest.approx(-0.075), "the same documents are drawn for both"
    assert 0.02 < np.subtract(*interval(first[1:])[::-1]) < 0.3


def test_the_drawing_and_the_files(tmp_path: Path) -> None:
    from architectures_parts.report import write_report

    (tmp_path / "shapes").mkdir()
    for name, size in (("dense 0.3M", 3e5), ("dense 0.8M", 8e5), ("dense 2M, equal active", 2.1e6)):
        (tmp_path / "shapes" / f"{size:.0f}.json").write_text(json.dumps(row(name, int(size))))
    text = write_report(tmp_path)
    assert "scaling-dense: L = E + A / N^alpha over parameters, 3 sizes: alpha 0.100" in text
    assert "scaling-sparse: 0 of the sizes" in text
    assert (tmp_path / "scaling.svg").read_text().rstrip().endswith("</svg>")
    (card,) = json.loads((tmp_path / "architectures.json").read_text())
    assert card["network"] == "dense 2M, equal active"


def row(name: str, size: int) -> dict[str, Any]:
    from architectures_parts.shapes import SHAPES

    nats = 70 * size**-0.1
    (shape,) = (shape for shape in SHAPES if shape.name == name)
    return {
        "name": name,
        "studies": list(shape.studies),
        "parameters": size,
        "active_parameters": size,
        "steps": 1,
        "tokens_seen": 10,
        "training_tokens_per_cpu_s": None,
        "documents": {"molecule": [[nats, 10]] * 5},
        "expert_load": None,
        "generation": {"samples": 1, "tokens_per_cpu_s": 5.0},
        "config": {"mixture": {"molecule": 1.0}},
    }


def test_even_and_single_loads() -> None:
    from architectures_parts.measure import load_balance

    even = load_balance(torch.full((2, 8), 1 / 8))
    assert (even["busiest_over_mean"], even["entropy_share"]) == (1.0, 1.0)
    single = load_balance(torch.tensor([[1.0, 0, 0, 0], [0.25, 0.25, 0.25, 0.25]]))
    assert (single["busiest_over_mean_worst_layer"], single["entropy_share_worst_layer"]) == (4.0, 0.0)


def test_a_run_that_was_cut_off_goes_on(corpus: Path, tmp_path: Path) -> None:
    from architectures_parts.measure import measure_shape
    from architectures_parts.shapes import SHAPES, configured

    base = load_config("pretrain", "sparse", PretrainConfig)
    (shape,) = (shape for shape in SHAPES if shape.name == "dense 0.3M")
    whole = configured(base, shape, tokens=1024, step=256, threads=1)
    half = replace(whole, steps=2)
    from models.training.pretrain import pretrain

    pretrain(half, corpus, tmp_path / "run", resume=False)
    (tmp_path / "run" / "summary.json").unlink()
    found = measure_shape(shape, whole, corpus, tmp_path, valid_tokens=30, samples=2, tokens=3)
    assert found["steps"] == 4
    assert found["training_tokens_per_s"] is None, "the time of a part is not the speed of the whole"
