"""Two processes take the same steps as one."""

import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from models.tokenizer import ScientificTokenizer
from models.training.config import PretrainConfig
from models.training.parallel import share_of
from models.training.pretrain import pretrain

ROOT = Path(__file__).resolve().parents[3]
CONFIG = PretrainConfig(
    mixture={"molecule": 1.0},
    hidden_size=32,
    n_layers=1,
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
SCRIPT = """
import sys
from pathlib import Path
from models.training.config import PretrainConfig
from models.training.pretrain import pretrain
pretrain(PretrainConfig(**eval(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]), resume=False)
"""


def write_corpus(out: Path) -> None:
    tokenizer = ScientificTokenizer.build()
    tokenizer.save(out / "tokenizer")
    documents = [tokenizer.encode(f"<MoleculeS>{'C' * n}O<MoleculeE>", bos=True, eos=True) for n in range(1, 30)]
    np.save(out / "molecule.train.tokens.npy", np.concatenate(documents).astype(np.uint16))
    np.save(out / "molecule.train.offsets.npy", np.cumsum([0, *map(len, documents)]))


def test_two_processes_end_where_one_does(tmp_path):
    write_corpus(tmp_path)
    alone = pretrain(CONFIG, tmp_path, tmp_path / "alone", resume=False)
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    command += [repr(asdict(CONFIG)), str(tmp_path), str(tmp_path / "together")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    one = load_file(Path(alone["checkpoint"]) / "model.safetensors")
    two = load_file(tmp_path / "together" / "checkpoints" / "step-0000003" / "model.safetensors")
    for name, weights in one.items():
        assert torch.allclose(weights, two[name], atol=2e-5), name


def test_shares_are_disjoint_and_complete():
    items = list(range(7))
    parts = [share_of(items, rank, 3) for rank in range(3)]
    assert sorted(x for part in parts for x in part) == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
