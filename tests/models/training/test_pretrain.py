"""Pre-training: resumes to the step, learns, stops on NaN, and its parts do what they say."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.errors import TrainingError
from models.tokenizer import ScientificTokenizer
from models.training import trainer as trainer_module
from models.training.batches import Labelled, MixtureSampler, group_by_length, micro_batches, validation_batches
from models.training.checkpoint import CorruptCheckpointError, checkpoints
from models.training.config import ConfigError, PretrainConfig
from models.training.loss import BatchLoss
from models.training.optimizer import orthogonalise
from models.training.pretrain import pretrain, run
from models.training.schedule import learning_rate_share

SMILES = ["CCO", "CCN", "c1ccccc1", "CC(=O)O", "CCCC", "CC(C)O", "OCCO", "c1ccncc1", "CCOC", "NCCN"]
CONFIG = PretrainConfig(
    mixture={"molecule": 0.8, "reaction": 0.2},
    hidden_size=32,
    n_layers=2,
    n_heads=2,
    intermediate_size=64,
    context_length=64,
    tokens_per_step=128,
    micro_batch_tokens=64,
    steps=6,
    warmup_steps=2,
    optimizer="muon",
    checkpoint_minutes=1e9,
    evaluate_minutes=1e9,
    log_steps=2,
    threads=1,
    seed=3,
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("corpus")
    tokenizer = ScientificTokenizer.build()
    tokenizer.save(out / "tokenizer")
    reactions = [f"<MoleculeS>{a}<MoleculeE><React><MoleculeS>{b}<MoleculeE>" for a in SMILES for b in SMILES]
    molecules = [f"<MoleculeS>{a}<MoleculeE>" for a in SMILES]
    for name, items in (
        ("molecule.train", molecules),
        ("molecule.valid", molecules[:3]),
        ("reaction.train", reactions),
    ):
        documents = [tokenizer.encode(text, bos=True, eos=True) for text in items]
        np.save(out / f"{name}.tokens.npy", np.concatenate(documents).astype(np.uint16))
        np.save(out / f"{name}.offsets.npy", np.cumsum([0, *map(len, documents)]))
    (out / "corpus.json").write_text("{}")
    return out


def weights(folder: str) -> dict[str, "torch.Tensor"]:
    from safetensors.torch import load_file

    return load_file(Path(folder) / "model.safetensors")


def test_a_resumed_run_ends_bit_equal_to_an_undisturbed_one(corpus, tmp_path, monkeypatch):
    whole = pretrain(CONFIG, corpus, tmp_path / "whole", resume=False)
    original = trainer_module.Trainer._one_step

    def killed_at_three(self):
        if self.step == 3:
            self.save()
            raise KeyboardInterrupt
        return original(self)

    monkeypatch.setattr(trainer_module.Trainer, "_one_step", killed_at_three)
    with pytest.raises(KeyboardInterrupt):
        pretrain(CONFIG, corpus, tmp_path / "cut", resume=False)
    monkeypatch.setattr(trainer_module.Trainer, "_one_step", original)
    resumed = pretrain(CONFIG, corpus, tmp_path / "cut", resume=True)
    assert resumed["steps"] == whole["steps"] == 6
    assert resumed["tokens_seen"] == whole["tokens_seen"]
    first, second = weights(whole["checkpoint"]), weights(resumed["checkpoint"])
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_it_learns(corpus, tmp_path, optimizer):
    config = replace(CONFIG, steps=40, optimizer=optimizer, learning_rate=1e-2, matrix_learning_rate=0.05)
    summary = pretrain(config, corpus, tmp_path, resume=False)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in rows if "loss" in row]
    assert losses[-1] < 0.5 * losses[0]
    assert 0 < summary["validation"]["molecule"] < losses[0]
    assert summary["tokens_seen"] >= 40 * 100
    assert len(checkpoints(tmp_path)) == 1


def test_minutes_limit_the_run(corpus, tmp_path):
    summary = pretrain(replace(CONFIG, steps=None, minutes=0.03), corpus, tmp_path, resume=False)
    assert 0.03 <= summary["minutes"] + 0.05 < 0.5
    assert summary["steps"] > 1


def test_a_loss_that_is_no_number_stops_and_says_where(corpus, tmp_path, monkeypatch):
    def no_number(loss_of, documents):
        total = next(loss_of._model.parameters()).sum() * math.nan
        return BatchLoss(total, 1, {}, None)

    monkeypatch.setattr(trainer_module.DocumentLoss, "__call__", no_number)
    with pytest.raises(TrainingError, match="step 0"):
        pretrain(CONFIG, corpus, tmp_path, resume=False)


def test_a_second_run_into_the_same_folder_and_a_resume_of_nothing_are_refused(corpus, tmp_path):
    pretrain(replace(CONFIG, steps=1), corpus, tmp_path / "run", resume=False)
    with pytest.raises(TrainingError, match="already holds a run"):
        pretrain(CONFIG, corpus, tmp_path / "run", resume=False)
    with pytest.raises(TrainingError, match="nothing to resume"):
        pretrain(CONFIG, corpus, tmp_path / "empty", resume=True)


def test_resuming_another_model_or_half_a_checkpoint_is_refused(corpus, tmp_path):
    summary = pretrain(replace(CONFIG, steps=1), corpus, tmp_path, resume=False)
    with pytest.raises((CorruptCheckpointError, RuntimeError)):
        pretrain(replace(CONFIG, n_layers=3), corpus, tmp_path, resume=True)
    (Path(summary["checkpoint"]) / "optimizer.safetensors").unlink()
    with pytest.raises(CorruptCheckpointError, match=r"optimizer\.safetensors"):
        pretrain(CONFIG, corpus, tmp_path, resume=True)


def test_steps_hold_the_shares_of_the_mixture_and_whole_documents(corpus):
    sampler = MixtureSampler(corpus, {"molecule": 3.0, "reaction": 1.0}, seed=0)
    tokenizer = ScientificTokenizer.load(corpus / "tokenizer")
    react = tokenizer.id_of("<React>")
    counts = {True: 0, False: 0}
    for _ in range(50):
        for ids in sampler.next_step(200):
            assert (ids[0], ids[-1]) == (tokenizer.bos_id, tokenizer.eos_id)
            counts[bool((ids == react).any())] += len(ids)
    assert counts[True] / sum(counts.values()) == pytest.approx(0.25, abs=0.02)


def test_sampler_state_resumes_to_the_document(corpus):
    one, two = (MixtureSampler(corpus, {"molecule": 1.0}, seed=1) for _ in range(2))
    for _ in range(3):
        one.next_step(100)
    two.load_state(json.loads(json.dumps(one.state())))
    for a, b in zip(one.next_step(100), two.next_step(100), strict=True):
        assert np.array_equal(a, b)
    with pytest.raises(ValueError, match="no training documents of: nothing"):
        MixtureSampler(corpus, {"nothing": 1.0}, seed=0)


def test_micro_batches_keep_to_their_size_and_lose_nothing():
    documents = [np.arange(1, n + 1, dtype=np.uint16) for n in (3, 5, 70, 9, 300, 66, 2)]
    batches = group_by_length(documents, 200, 0)
    assert sum(int((b != 0).sum()) for b in batches) == sum(map(len, documents))
    assert all(b.size <= 200 or (b != 0).any(axis=1).sum() == 1 for b in batches)


def test_micro_batches_of_documents_keep_to_their_size_with_and_without_padding():
    lengths = (3, 5, 70, 9, 300, 66, 2, 120, 110)
    documents = [Labelled(np.full(n, i, dtype=np.uint16), "a") for i, n in enumerate(lengths)]
    for padded in (False, True):
        parts = micro_batches(documents, 200, padded)
        assert sorted(len(d.tokens) for part in parts for d in part) == sorted(lengths)
        for part in parts:
            sizes = [len(d.tokens) for d in part]
            assert len(part) == 1 or (len(part) * max(sizes) if padded else sum(sizes)) <= 200
    assert micro_batches([], 200) == []


def test_validation_batches_are_the_same_every_time(corpus):
    first, second = (validation_batches(corpus, "molecule", 1000, 64, 0) for _ in range(2))
    assert len(first) > 0
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert validation_batches(corpus, "reaction", 1000, 64, 0) == []


def test_orthogonalised_matrices_have_singular_values_near_one():
    torch.manual_seed(0)
    for shape in ((3, 16, 40), (2, 40, 16)):
        values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)))
        assert values.min() > 0.5
        assert values.max() < 1.5


def test_a_folder_without_data_is_one_clear_line(tmp_path):
    with pytest.raises(ConfigError, match="holds neither a corpus"):
        run("sparse", tmp_path, tmp_path / "out")


def test_cosine_share():
    config = replace(CONFIG, warmup_steps=10, final_learning_rate_share=0.1)
    assert learning_rate_share(config, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate_share(config, 9, 0.0) == pytest.approx(1.0)
    assert learning_rate_share(config, 100, 0.5) == pytest.approx(0.55)
    assert learning_rate_share(config, 100, 2.0) == pytest.approx(0.1)
