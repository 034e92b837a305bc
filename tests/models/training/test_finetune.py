"""Fine-tuning: the loss is on answers only, the run starts from a checkpoint's weights, and says what does not fit."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models.errors import CheckpointError
from models.tokenizer import ScientificTokenizer
from models.training.config import ConfigError, PretrainConfig
from models.training.finetune import FinetuneConfig, finetune, run
from models.training.pretrain import pretrain
from models.training.prompt_part import PromptPart

TEXTS = {
    "reaction": [f"<MoleculeS>{'C' * n}O<MoleculeE><React><MoleculeS>{'C' * n}=O<MoleculeE>" for n in range(1, 12)],
    "molecule": [f"<MoleculeS>{'C' * n}N<MoleculeE>" for n in range(1, 12)],
}
PRETRAIN = PretrainConfig(
    mixture={"molecule": 1.0},
    steps=4,
    tokens_per_step=120,
    micro_batch_tokens=128,
    n_experts=4,
    expert_intermediate_size=16,
    warmup_steps=1,
    learning_rate=5e-3,
    threads=1,
    hidden_size=32,
    n_layers=2,
    n_heads=2,
    context_length=64,
)
TUNE = FinetuneConfig(
    mixture={"reaction": 1.0}, steps=4, tokens_per_step=150, log_steps=1, warmup_steps=1, learning_rate=5e-3, threads=1
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("corpus")
    tokenizer = ScientificTokenizer.build()
    tokenizer.save(out / "tokenizer")
    for modality, texts in TEXTS.items():
        documents = [tokenizer.encode(text, bos=True, eos=True) for text in texts]
        np.save(out / f"{modality}.train.tokens.npy", np.concatenate(documents).astype(np.uint16))
        np.save(out / f"{modality}.train.offsets.npy", np.cumsum([0, *map(len, documents)]))
    (out / "corpus.json").write_text("{}")
    return out


@pytest.fixture(scope="module")
def pretrained(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pretrained")
    pretrain(PRETRAIN, corpus, out, resume=False)
    return out


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<MoleculeS>CO<MoleculeE><React><MoleculeS>C=O<MoleculeE>", "<MoleculeS>C=O<MoleculeE>"),
        ("<MoleculeS>C=O<MoleculeE><ReverseReact><MoleculeS>CO<MoleculeE>", "<MoleculeS>CO<MoleculeE>"),
        (
            "<ProteinS>MKV<ProteinE><Search><ProteinS>M<PocketS>K<PocketE>V<ProteinE>",
            "<ProteinS>M<PocketS>K<PocketE>V<ProteinE>",
        ),
        ("<ProteinS>MK<ProteinE><Edit><ProteinS>MR<ProteinE>", "<ProteinS>MR<ProteinE>"),
        ("<AntibodyS>EV<CdrS><CdrE>W<AntibodyE><Design><CdrS>GY<CdrE>", "<CdrS>GY<CdrE>"),
        ("<ProteinS>MKV<ProteinE><MoleculeS>CCN<MoleculeE>", "<MoleculeS>CCN<MoleculeE>"),
        ("<ProteinS>MKV<ProteinE><ProteinS>AC<ProteinE><MoleculeS>CCN<MoleculeE>", "<MoleculeS>CCN<MoleculeE>"),
        ("<ProteinS>MKV<ProteinE><LogP:2..3><MoleculeS>CCN<MoleculeE>", "<MoleculeS>CCN<MoleculeE>"),
        ("<LogP:2..3><QED:0.7..0.8><MoleculeS>CCN<MoleculeE>", "<MoleculeS>CCN<MoleculeE>"),
        ("<MoleculeS>CCN<MoleculeE>", "<MoleculeS>CCN<MoleculeE>"),
        ("<ProteinS>MKV<ProteinE>", "<ProteinS>MKV<ProteinE>"),
        ("<AntibodyS>EV<CdrS>GY<CdrE>W<AntibodyE>", "<AntibodyS>EV<CdrS>GY<CdrE>W<AntibodyE>"),
    ],
)
def test_the_answer_is_what_comes_after_the_prompt(text: str, answer: str) -> None:
    tokenizer = ScientificTokenizer.build()
    tokens = np.array(tokenizer.encode(text, bos=True, eos=True), dtype=np.uint16)
    start = PromptPart(tokenizer)(tokens)
    assert tokenizer.decode(tokens[start:-1].tolist()) == answer


def test_answers_are_learned_and_prompts_left_alone(corpus: Path, pretrained: Path, tmp_path: Path) -> None:
    config = replace(TUNE, steps=25, optimizer="adamw")
    finetune(config, pretrained, corpus, tmp_path, resume=False)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in rows if "loss" in row]
    assert losses[-1] < 0.6 * losses[0]
    tokenizer = ScientificTokenizer.load(corpus / "tokenizer")
    answers = sum(len(tokenizer.encode(t.split("<React>")[1])) + 1 for t in TEXTS["reaction"])
    whole = sum(len(tokenizer.encode(t)) + 1 for t in TEXTS["reaction"])
    everything = replace(TUNE, steps=1, loss_on="all")
    finetune(everything, pretrained, corpus, tmp_path / "all", resume=False)
    first = json.loads((tmp_path / "all" / "log.jsonl").read_text().splitlines()[0])
    assert first["loss"] != losses[0]
    assert first["tokens"] == rows[0]["tokens"]  # tokens seen count prompts too
    assert 0.3 < answers / whole < 0.6


def test_a_run_starts_from_the_weights_alone(corpus: Path, pretrained: Path, tmp_path: Path) -> None:
    still = replace(TUNE, steps=1, learning_rate=0.0, matrix_learning_rate=0.0, weight_decay=0.0)
    summary = finetune(still, pretrained, corpus, tmp_path / "still", resume=False)
    (newest,) = (pretrained / "checkpoints").glob("step-*")
    before = load_file(newest / "model.safetensors")
    after = load_file(Path(summary["checkpoint"]) / "model.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_pretraining_can_start_from_weights(corpus: Path, pretrained: Path, tmp_path: Path) -> None:
    (newest,) = (pretrained / "checkpoints").glob("step-*")
    summary = pretrain(replace(PRETRAIN, steps=1, learning_rate=0.0), corpus, tmp_path, False, start_from=newest)
    assert summary["steps"] == 1
    before, after = (load_file(Path(f) / "model.safetensors") for f in (newest, summary["checkpoint"]))
    assert all(torch.equal(before[name], after[name]) for name in before if "norm" not in name)


def test_what_does_not_fit_is_one_clear_line(corpus: Path, pretrained: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no corpus"):
        run("sparse", pretrained, tmp_path, tmp_path / "out")
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        finetune(TUNE, tmp_path, corpus, tmp_path / "out", resume=False)
    (newest,) = (pretrained / "checkpoints").glob("step-*")
    other = tmp_path / "other"
    other.mkdir()
    for file in newest.iterdir():
        text = file.read_bytes()
        if file.name == "tokenizer.json":
            text = text.replace(b'"<React>"', b'"<Reakt>"')
        (other / file.name).write_bytes(text)
    with pytest.raises(CheckpointError, match=r"another tokenizer than the corpus .* such as '<Rea"):
        finetune(TUNE, other, corpus, tmp_path / "out", resume=False)
