"""Two processes take the same steps as one, each with whole copies or with the network split between them."""

import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models.tokenizer import ScientificTokenizer
from models.training.config import PretrainConfig
from models.training.finetune import FinetuneConfig, finetune
from models.training.parallel import share_of
from models.training.pretrain import pretrain

ROOT = Path(__file__).resolve().parents[3]
CONFIG = PretrainConfig(
    mixture={"molecule": 1.0},
    hidden_size=32,
    n_layers=2,
    n_heads=2,
    intermediate_size=64,
    context_length=64,
    tokens_per_step=200,
    micro_batch_tokens=128,
    steps=3,
    warmup_steps=1,
    optimizer="adamw",
    learning_rate=1e-3,
    threads=1,
)
# The balancing loss is one of a micro-batch, and two processes have other micro-batches than one: left out here.
SPARSE = replace(CONFIG, n_experts=5, expert_intermediate_size=16, optimizer="muon", router_aux_loss=0.0)
SCRIPT = """
import sys
from pathlib import Path
from models.training.config import PretrainConfig
from models.training.finetune import FinetuneConfig, finetune
from models.training.pretrain import pretrain
settings, corpus, out = eval(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
for name, options in settings.items():
    pretrain(PretrainConfig(**options), corpus, out / name, resume=False)
options = dict(steps=2, mixture={"molecule": 1.0}, tokens_per_step=200, threads=1, learning_rate=1e-3, warmup_steps=1)
options["router_aux_loss"] = 0.0
finetune(FinetuneConfig(**options), out / "sparse", corpus, out / "finetuned", resume=False)
"""


def write_corpus(out: Path) -> None:
    tokenizer = ScientificTokenizer.build()
    tokenizer.save(out / "tokenizer")
    texts = [f"<MoleculeS>{'C' * n}O<MoleculeE>" for n in range(1, 30)]
    texts += [f"<LogP:2..3>{text}" for text in texts]
    documents = [tokenizer.encode(text, bos=True, eos=True) for text in texts]
    np.save(out / "molecule.train.tokens.npy", np.concatenate(documents).astype(np.uint16))
    np.save(out / "molecule.train.offsets.npy", np.cumsum([0, *map(len, documents)]))


def weights(run: Path) -> dict[str, torch.Tensor]:
    (newest,) = sorted((run / "checkpoints").glob("step-*"))
    return load_file(newest / "model.safetensors")


@pytest.mark.parametrize("split", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["copies", "split"])
def test_two_processes_end_where_one_does(tmp_path: Path, split: bool) -> None:
    write_corpus(tmp_path)
    runs = {"dense": CONFIG, "sparse": SPARSE}
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    command += [repr({name: asdict(run) for name, run in runs.items()}), str(tmp_path), str(tmp_path / "together")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "ORGANON_FSDP": str(split)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    for name, config in runs.items():
        pretrain(config, tmp_path, tmp_path / "alone" / name, resume=False)
    options = {"steps": 2, "tokens_per_step": 200, "threads": 1, "warmup_steps": 1}
    tuning = FinetuneConfig(mixture={"molecule": 1.0}, learning_rate=1e-3, router_aux_loss=0.0, **options)
    finetune(tuning, tmp_path / "alone" / "sparse", tmp_path, tmp_path / "alone" / "finetuned", resume=False)
    for name in (*runs, "finetuned"):
        one, two = weights(tmp_path / "alone" / name), weights(tmp_path / "together" / name)
        assert one.keys() == two.keys()
        for key, value in one.items():
            assert torch.allclose(value, two[key], atol=5e-5), (name, key)


def test_shares_are_disjoint_complete_and_cost_alike() -> None:
    items = list(range(7))
    parts = [share_of(items, rank, 3) for rank in range(3)]
    assert sorted(x for part in parts for x in part) == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    long_and_short = [500, 480, 20, 30, 40, 25, 400, 35, 10]
    parts = [share_of(long_and_short, rank, 3, float) for rank in range(3)]
    assert sorted(x for part in parts for x in part) == sorted(long_and_short)
    assert max(map(sum, parts)) - min(map(sum, parts)) < 60
