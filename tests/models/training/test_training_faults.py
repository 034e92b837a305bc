"""What goes wrong in training is told in one line, and the last good step is kept: damaged corpora, other models,
full disks, losses that are no number, and a kill at any moment.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models.errors import CheckpointError, ModelInputError, TrainingError
from models.tokenizer import ScientificTokenizer
from models.training.checkpoint import CorruptCheckpointError, checkpoints
from models.training.config import PretrainConfig
from models.training.optimizer import Muon, orthogonalise
from models.training.pretrain import pretrain
from models.training.schedule import decaying, learning_rate_share

ROOT = Path(__file__).resolve().parents[3]
CONFIG = PretrainConfig(
    mixture={"molecule": 1.0},
    hidden_size=32,
    n_layers=1,
    n_heads=2,
    context_length=64,
    n_experts=4,
    expert_intermediate_size=16,
    tokens_per_step=120,
    micro_batch_tokens=128,
    steps=12,
    warmup_steps=2,
    optimizer="muon",
    log_steps=1,
    threads=1,
)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    out = tmp_path / "corpus"
    tokenizer = ScientificTokenizer.build()
    tokenizer.save(out / "tokenizer")
    documents = [tokenizer.encode(f"<MoleculeS>{'C' * n}O<MoleculeE>", bos=True, eos=True) for n in range(1, 40)]
    np.save(out / "molecule.train.tokens.npy", np.concatenate(documents).astype(np.uint16))
    np.save(out / "molecule.train.offsets.npy", np.cumsum([0, *map(len, documents)]))
    return out


def cut_off(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def losses(run: Path) -> dict[int, float]:
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return {row["step"]: row["loss"] for row in rows if "loss" in row}


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(checkpoints(run)[-1] / "model.safetensors")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda c: cut_off(c / "molecule.train.tokens.npy"), r"molecule\.train cannot be read"),
        (lambda c: cut_off(c / "molecule.train.offsets.npy"), r"molecule\.train cannot be read"),
        (lambda c: (c / "molecule.train.offsets.npy").unlink(), r"molecule\.train cannot be read"),
        (lambda c: (c / "molecule.train.tokens.npy").write_bytes(b""), r"molecule\.train cannot be read"),
        (lambda c: (c / "molecule.train.tokens.npy").unlink(), "no training documents of: molecule"),
        (lambda c: np.save(c / "molecule.train.offsets.npy", np.array([0, 5, 10**6])), "does not fit 975 tokens"),
        (lambda c: shutil.rmtree(c / "tokenizer"), r"lacks tokenizer/tokenizer\.json"),
    ],
)
def test_a_damaged_corpus_is_one_clear_line(
    corpus: Path, tmp_path: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(corpus)
    with pytest.raises(ModelInputError, match=message) as raised:
        pretrain(CONFIG, corpus, tmp_path / "run", resume=False)
    assert "\n" not in str(raised.value)


def test_a_cut_off_or_foreign_checkpoint_is_one_clear_line(corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    pretrain(replace(CONFIG, steps=1), corpus, run, resume=False)
    with pytest.raises(CorruptCheckpointError, match="holds weights of another model"):
        pretrain(replace(CONFIG, n_experts=6), corpus, run, resume=True)
    (newest,) = checkpoints(run)
    saved = (newest / "tokenizer.json").read_bytes()
    (newest / "tokenizer.json").write_bytes(saved.replace(b'"<React>"', b'"<Reakt>"'))
    with pytest.raises(CheckpointError, match="another tokenizer than the corpus"):
        pretrain(CONFIG, corpus, run, resume=True)
    (newest / "tokenizer.json").write_bytes(saved)
    cut_off(newest / "model.safetensors")
    with pytest.raises(CorruptCheckpointError, match="may be cut off"):
        pretrain(CONFIG, corpus, run, resume=True)


SCRIPT = """
import resource, signal, sys
from pathlib import Path
from models.training.config import PretrainConfig
from models.training.pretrain import pretrain
limit = int(sys.argv[4])
if limit:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file at the limit is then an error of writing, as on a full disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
pretrain(PretrainConfig(**eval(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]), resume=limit > 0)
"""


def command(config: PretrainConfig, corpus: Path, run: Path, limit: int = 0) -> list[str]:
    return [sys.executable, "-c", SCRIPT, repr(asdict(config)), str(corpus), str(run), str(limit)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def test_a_write_that_fails_leaves_the_last_checkpoint_and_says_what_is_needed(corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    pretrain(replace(CONFIG, steps=2), corpus, run, resume=False)
    before = weights(run)
    # weights fit under the limit, the optimiser's state with a second moment besides does not
    limit = (checkpoints(run)[-1] / "optimizer.safetensors").stat().st_size - 1000
    full = subprocess.run(
        command(replace(CONFIG, steps=4), corpus, run, limit),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    last = full.stderr.strip().splitlines()[-1]
    assert "CheckpointSpaceError: checkpoint" in last
    assert "step-0000004 could not be written" in last
    assert "it needs" in last
    assert "step-0000002 is still good" in last
    assert not list((run / "checkpoints").glob(".*"))
    assert all(torch.equal(before[name], value) for name, value in weights(run).items())
    assert pretrain(replace(CONFIG, steps=4), corpus, run, resume=True)["steps"] == 4


def test_a_gradient_that_is_no_number_stops_before_the_update(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.training import parallel

    n_calls = 0

    def broken_at_the_third_step(model: torch.nn.Module) -> None:
        nonlocal n_calls
        n_calls += 1
        if n_calls == 3:
            next(model.parameters()).grad[0, 0] = float("inf")  # as an overflow in one product would leave it

    monkeypatch.setattr(parallel, "sum_gradients", broken_at_the_third_step)
    with pytest.raises(TrainingError, match=r"at step 2; the last good step is in .*step-0000002") as raised:
        pretrain(CONFIG, corpus, tmp_path / "run", resume=False)
    assert "\n" not in str(raised.value)
    assert all(bool(torch.isfinite(value).all()) for value in weights(tmp_path / "run").values())
    assert pretrain(CONFIG, corpus, tmp_path / "run", resume=True)["steps"] == 12


def test_a_killed_run_resumes_to_the_same_loss_curve(corpus: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, steps=30, checkpoint_minutes=0.0)  # a checkpoint after every step
    whole = tmp_path / "whole"
    pretrain(replace(config, checkpoint_minutes=1e9), corpus, whole, resume=False)
    cut = tmp_path / "cut"
    process = subprocess.Popen(command(config, corpus, cut), env=environment(), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 100
    while len(checkpoints(cut)) < 2 or len((cut / "log.jsonl").read_text().splitlines()) < 4:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert max(losses(cut)) < 30
    pretrain(replace(config, checkpoint_minutes=1e9), corpus, cut, resume=True)
    assert losses(cut) == losses(whole)
    one, two = weights(whole), weights(cut)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not list((cut / "checkpoints").glob(".*"))


def test_a_run_killed_before_its_first_checkpoint_is_begun_again(corpus: Path, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    pretrain(CONFIG, corpus, whole, resume=False)
    (cut / "checkpoints" / ".step-0000003.partial").mkdir(parents=True)
    (cut / "log.jsonl").write_text('{"step": 1, "loss": 9.0}\n{"step": 2, "lo')
    pretrain(CONFIG, corpus, cut, resume=False)
    assert losses(cut) == losses(whole)
    assert not list((cut / "checkpoints").glob(".*"))


def test_the_stable_schedule_holds_then_decays_and_can_be_prolonged(corpus: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, schedule="wsd", decay_share=0.25, warmup_steps=2, final_learning_rate_share=0.0)
    shares = [learning_rate_share(config, step, step / 12) for step in range(13)]
    assert shares[0] == 0.5
    assert shares[1:10] == [1.0] * 9
    assert shares[12] == 0.0
    assert shares[10] == pytest.approx(2 / 3)
    assert [decaying(config, step / 12) for step in (8, 9)] == [False, True]
    assert not decaying(replace(config, schedule="cosine"), 1.0)
    assert [learning_rate_share(replace(config, schedule="constant"), s, s / 12) for s in (1, 11)] == [1.0, 1.0]
    run = tmp_path / "run"
    pretrain(config, corpus, run, resume=False)
    stable = run / "checkpoints" / "stable"
    assert json.loads((stable / "state.json").read_text())["step"] == 9
    longer = pretrain(replace(config, steps=20), corpus, run, resume=True)
    undisturbed = pretrain(replace(config, steps=20), corpus, tmp_path / "long", resume=False)
    assert longer["tokens_seen"] == undisturbed["tokens_seen"]
    assert losses(run) == losses(tmp_path / "long")
    assert json.loads((stable / "state.json").read_text())["step"] == 15


def test_muon_takes_every_experts_matrix_by_itself() -> None:
    torch.manual_seed(0)
    gate_up, down = (torch.nn.Parameter(torch.zeros(3, *shape)) for shape in ((16, 6), (6, 8)))
    gate_up.grad, down.grad = torch.randn_like(gate_up), torch.randn_like(down)
    Muon([gate_up, down], lr=1.0, momentum=0.0, halved=[gate_up]).step()
    for parameter, halves in ((gate_up, 2), (down, 1)):
        assert parameter.grad is not None
        for expert in range(3):
            for half, gradient in zip(
                parameter[expert].detach().chunk(halves), parameter.grad[expert].chunk(halves), strict=True
            ):
                scale = max(1.0, half.shape[0] / half.shape[1]) ** 0.5
                assert torch.allclose(half, -scale * orthogonalise(gradient[None])[0], atol=1e-6)
                values = torch.linalg.svdvals(half / scale)
                assert values.min() > 0.5
                assert values.max() < 1.5


def test_the_log_tells_losses_by_modality_expert_load_and_speed(corpus: Path, tmp_path: Path) -> None:
    pretrain(replace(CONFIG, steps=3), corpus, tmp_path / "run", resume=False)
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    row = rows[1]
    assert row["losses"]["molecule"] == pytest.approx(row["loss"], abs=1e-3)
    (load,) = row["expert_load_max"]
    assert 1.0 <= load <= 4.0
    assert row["tokens_per_second"] > 0
    assert 0 < row["share_of_peak"] < 1
    assert sum(row["time"].values()) == pytest.approx(1.0, abs=0.01)
    assert rows[-1]["minutes_left"] == 0.0
