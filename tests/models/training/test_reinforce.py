"""Reinforcement learning: it raises a reward, knows how far it went, resumes to the step, and stops on collapse."""

import itertools
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.errors import CheckpointError, ModelInputError, TrainingError
from models.tokenizer import ScientificTokenizer
from models.training import reinforce as reinforce_module
from models.training.adapt import adapt
from models.training.checkpoint import checkpoints
from models.training.collapse_guard import CollapseGuard
from models.training.config import ConfigError
from models.training.policy_gradient import (
    Rollout,
    build_batches,
    group_advantages,
    penalties,
    policy_loss,
    sampled_log_probs,
)
from models.training.reinforce import load_start, reinforce
from models.training.reinforce_config import ReinforceConfig
from models.training.rollouts import Figures, Sampler, figures_of, rollouts_of
from models.training.starting_point import start_folder
from models.training.task_prompts import PromptSource, TaskPrompt

ROOT = Path(__file__).resolve().parents[3]
SMILES = [f"{'C' * n}{end}" for n in range(1, 7) for end in ("O", "N", "Cl", "CO")]
SEQUENCE = "MKTAYIAKQR"
CONFIG = ReinforceConfig(
    tasks={"molecule": 2},
    rewards={"molecule": {"reward_of_test:nitrogen": 1.0}},
    samples_per_prompt=16,
    max_new_tokens={"molecule": 16},
    share_repeats=False,
    steps=4,
    learning_rate=2e-3,
    warmup_steps=1,
    kl=0.01,
    valid_floor=0.0,
    unique_floor=0.0,
    diversity_floor=0.0,
    kl_ceiling=100.0,
    evaluate_prompts=0,
    checkpoint_minutes=1e9,
    threads=1,
    seed=4,
)


def nitrogen(prompt: str, completion: str) -> float:
    """Reward of the tests: is there a nitrogen."""
    return float("N" in completion)


@pytest.fixture(scope="module", autouse=True)
def importable(tmp_path_factory):
    """The reward above under a name that can be imported from anywhere."""
    module = type(sys)("reward_of_test")
    module.nitrogen, module.two = nitrogen, lambda prompt, completion: 2.0
    module.one = lambda prompt, completion: float(completion == "CCN<MoleculeE>")
    sys.modules["reward_of_test"] = module
    yield
    del sys.modules["reward_of_test"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("corpus")
    tokenizer = ScientificTokenizer.build()
    tokenizer.save(out / "tokenizer")
    molecules = [f"<MoleculeS>{smiles}<MoleculeE>" for smiles in SMILES]
    complexes = [f"<ProteinS>MK<PocketS>T<PocketE>AY<ProteinE>{molecule}" for molecule in molecules]
    plain = [f"<ProteinS>{SEQUENCE}<ProteinE>{molecule}" for molecule in molecules]
    reactions = [f"{a}<ReverseReact>{b}{a}" for a, b in itertools.pairwise(molecules)]
    for name, items in (
        ("molecule.train", molecules),
        ("molecule.valid", molecules[:3]),
        ("complex.train", [*complexes, *plain]),
        ("retrosynthesis.train", reactions),
    ):
        documents = [tokenizer.encode(text, bos=True, eos=True) for text in items]
        np.save(out / f"{name}.tokens.npy", np.concatenate(documents).astype(np.uint16))
        np.save(out / f"{name}.offsets.npy", np.cumsum([0, *map(len, documents)]))
    (out / "corpus.json").write_text("{}")
    return out


def fresh(kind: str):
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM

    tokenizer = ScientificTokenizer.build()
    shape = {
        "vocab_size": tokenizer.vocab_size,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
        "tie_word_embeddings": True,
        "bos_token_id": tokenizer.bos_id,
        "eos_token_id": tokenizer.eos_id,
        "pad_token_id": tokenizer.pad_id,
    }
    torch.manual_seed(0)
    if kind == "dense":
        return LlamaForCausalLM(LlamaConfig(**shape))
    sparse = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24, "head_dim": 8}
    return Qwen3MoeForCausalLM(Qwen3MoeConfig(**shape, **sparse, decoder_sparse_step=1, mlp_only_layers=[]))


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> Path:
    return write_start(tmp_path_factory.mktemp("dense"), "dense")


@pytest.fixture(scope="module", params=["dense", "sparse"])
def either(request, start, tmp_path_factory) -> Path:
    return start if request.param == "dense" else write_start(tmp_path_factory.mktemp("sparse"), "sparse")


def write_start(folder: Path, kind: str) -> Path:
    """A model that writes short chains, having been shown each a few times."""
    fresh(kind).save_pretrained(folder / "raw")
    ScientificTokenizer.build().save(folder / "raw")
    examples = [(f"<MoleculeS>{smiles}<MoleculeE>", 1.0) for smiles in SMILES]
    return adapt(folder / "raw", examples, [], folder / "start", steps=60, learning_rate=1e-2, seed=1)


def own(config: ReinforceConfig, **changes) -> ReinforceConfig:
    return replace(config, **{"rewards": {"molecule": {"reward_of_test:nitrogen": 1.0}}, **changes})


def rows(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def test_a_few_steps_raise_the_reward_and_the_start_stays_where_it_was(either, corpus, tmp_path, monkeypatch):
    trainers = []
    original = reinforce_module._Reinforcer.train
    monkeypatch.setattr(reinforce_module._Reinforcer, "train", lambda self: (trainers.append(self), original(self))[1])
    summary = reinforce(own(CONFIG, steps=20), either, corpus, tmp_path, resume=False)
    log = rows(tmp_path)
    assert np.mean([row["reward"] for row in log[-4:]]) > np.mean([row["reward"] for row in log[:3]]) + 0.25
    assert log[0]["kl"] == pytest.approx(0.0, abs=1e-6)  # the first samples come from the start itself
    assert log[-1]["kl"] > 1e-3
    assert summary["stopped"] is None
    assert summary["samples"] == 20 * 32
    before = load_start(either).state_dict()
    for name, tensor in trainers[0].reference.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    moved = load_start(Path(summary["checkpoint"])).state_dict()
    assert all(not torch.equal(tensor, moved[name]) for name, tensor in before.items() if "norm" not in name)


def test_the_checkpoint_generates(either, corpus, tmp_path, load):
    from models.backends.base import Request

    summary = reinforce(own(CONFIG, steps=2), either, corpus, tmp_path, resume=False)
    model = load(Path(summary["checkpoint"]), device="cpu")
    assert len(list(model.generate([Request("<MoleculeS>", n=3, max_new_tokens=8)]))) == 3


def test_a_resumed_run_ends_bit_equal_to_an_undisturbed_one(either, corpus, tmp_path, monkeypatch):
    config = own(CONFIG, replay={"molecule": 1.0}, replay_tokens=64)
    whole = reinforce(config, either, corpus, tmp_path / "whole", resume=False)
    original = reinforce_module._Reinforcer._one_step

    def killed_at_two(self):
        if self.step == 2:
            self.save()
            raise KeyboardInterrupt
        return original(self)

    monkeypatch.setattr(reinforce_module._Reinforcer, "_one_step", killed_at_two)
    with pytest.raises(KeyboardInterrupt):
        reinforce(config, either, corpus, tmp_path / "cut", resume=False)
    monkeypatch.setattr(reinforce_module._Reinforcer, "_one_step", original)
    resumed = reinforce(config, either, corpus, tmp_path / "cut", resume=True)
    first, second = weights(Path(whole["checkpoint"])), weights(Path(resumed["checkpoint"]))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert [row["reward"] for row in rows(tmp_path / "whole")] == [row["reward"] for row in rows(tmp_path / "cut")]
    assert resumed["before"] == whole["before"]


def test_two_processes_end_where_one_does(start, corpus, tmp_path, monkeypatch):
    (tmp_path / "tiny_reward.py").write_text("def nitrogen(prompt, completion):\n    return float('N' in completion)\n")
    (tmp_path / "tiny.toml").write_text(
        "steps = 3\nlearning_rate = 1e-3\nevaluate_prompts = 1\nreplay_tokens = 64\nthreads = 1\nvalid_floor = 0.0\n"
        "unique_floor = 0.0\ndiversity_floor = 0.0\nkl_ceiling = 9.0\n[tasks]\nmolecule = 3\n"
        '[max_new_tokens]\nmolecule = 12\n[rewards.molecule]\n"tiny_reward:nitrogen" = 1\n[replay]\ncomplex = 1\n'
    )
    (tmp_path / "train.py").write_text(
        "import sys\nfrom pathlib import Path\nfrom models.training.reinforce import run\n"
        "run(sys.argv[1], *map(Path, sys.argv[2:5]))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    reinforce_module.run(str(tmp_path / "tiny.toml"), start, corpus, tmp_path / "one")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += [str(tmp_path / "train.py"), str(tmp_path / "tiny.toml"), str(start), str(corpus), str(tmp_path / "two")]
    path = os.pathsep.join([str(ROOT), str(tmp_path)])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    one, two = rows(tmp_path / "one"), rows(tmp_path / "two")
    assert [row["reward"] for row in one] == [row["reward"] for row in two]
    assert [row["samples"] for row in two] == [48, 96, 144]
    assert one[-1]["kl"] == pytest.approx(two[-1]["kl"], rel=0.05)
    first, second = (load_start(start_folder(tmp_path / name)).state_dict() for name in ("one", "two"))
    assert all(torch.allclose(first[name], second[name], atol=1e-4) for name in first)


def test_samples_are_the_policys_own(either):
    """What the samples were drawn with is what the loss differentiates, also after the weights have moved."""
    from models.backends.text_codec import TextCodec

    model, codec = load_start(either), TextCodec(ScientificTokenizer.build().fast)
    sampler = Sampler(model, codec, own(CONFIG), {})
    for _ in range(2):
        samples = [sample for _, sample in sampler._draw({0: TaskPrompt("molecule", "<MoleculeS>")}, seed=1)]
        prompt = tuple(codec.encode("<MoleculeS>"))
        for sample in samples:
            (batch,) = build_batches([Rollout(prompt, sample.token_ids, 0.0)], 1000, 0, torch.device("cpu"))
            assert sampled_log_probs(model, batch).sum().item() == pytest.approx(sample.log_prob, abs=1e-3)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1.1)


def test_replay_holds_what_the_reward_does_not_ask_for(start, corpus, tmp_path):
    config = own(CONFIG, steps=8, samples_per_prompt=8, kl=0.0)
    free = reinforce(replace(config, replay={"complex": 1.0}, replay_weight=0.0), start, corpus, tmp_path / "a", False)
    held = reinforce(replace(config, replay={"complex": 1.0}, replay_weight=2.0), start, corpus, tmp_path / "b", False)
    assert free["before"] == held["before"]
    last = [rows(tmp_path / name)[-1]["replay_loss"] for name in ("a", "b")]
    assert last[1] < last[0] - 0.3


def test_a_collapse_stops_the_run_and_the_last_good_checkpoint_stays(either, corpus, tmp_path, capsys):
    rewards = {"molecule": {"reward_of_test:one": 1.0}}
    config = replace(CONFIG, rewards=rewards, steps=40, learning_rate=4e-3, kl=0.0, unique_floor=0.2, guard_steps=2)
    summary = reinforce(config, either, corpus, tmp_path, resume=False)
    assert "uniqueness of the samples of a prompt fell below 0.2" in summary["stopped"]
    assert summary["steps"] < 40
    assert "stopped at step" in capsys.readouterr().err
    assert summary["checkpoint"] == str(checkpoints(tmp_path)[-1])
    before, kept = (load_start(folder).state_dict() for folder in (either, Path(summary["checkpoint"])))
    assert all(torch.equal(before[name], tensor) for name, tensor in kept.items())  # the one before the first step


def test_a_gradient_that_is_no_number_stops_before_the_update(start, corpus, tmp_path, monkeypatch):
    overflow = lambda model: next(model.parameters()).grad.fill_(float("inf"))  # noqa: E731
    monkeypatch.setattr(reinforce_module.parallel, "sum_gradients", overflow)
    with pytest.raises(TrainingError, match=r"gradient inf is no number at step 0; .*step-0000000"):
        reinforce(own(CONFIG), start, corpus, tmp_path, resume=False)


def test_the_guard_judges_means_over_its_window():
    guard = CollapseGuard(replace(CONFIG, unique_floor=0.5, diversity_floor=0.5, kl_ceiling=1.0, guard_steps=2))
    good = Figures(1, 0.5, {}, {}, {"molecule": 0.9}, 0.9, 0.9)
    assert guard.add(replace(good, unique=0.2), 0.0) is None  # one bad step is no collapse
    assert guard.add(good, 0.0) is None
    assert guard.add(good, 1.5) is None
    assert "divergence" in (guard.add(good, 1.5) or "")
    again = CollapseGuard(guard.config)
    again.load(json.loads(json.dumps(guard.seen)))
    assert "diversity" in (again.add(replace(good, diversity=0.0), 0.0) or "")
    third = CollapseGuard(replace(guard.config, valid_floor=0.3))
    nothing = replace(good, valid={"molecule": 0.1}, unique=None, diversity=None)
    assert third.add(nothing, 0.0) is None
    assert "valid samples fell below 0.3: 0.100 over the last 2 steps" in (third.add(nothing, 0.0) or "")


def test_advantages_sum_to_nothing_within_a_group():
    assert group_advantages([1.0, 0.0, 0.5, 0.5]) == [0.5, -0.5, 0.0, 0.0]
    assert group_advantages([0.7, 0.7]) == [0.0, 0.0]


def test_penalty_is_the_divergence_on_average():
    torch.manual_seed(0)
    policy, reference = torch.randn(6).log_softmax(0), torch.randn(6).log_softmax(0)
    drawn = torch.multinomial(policy.exp(), 200_000, replacement=True)
    estimate = penalties(policy[drawn], reference[drawn])
    assert estimate.min() >= 0
    assert float(estimate.mean()) == pytest.approx(float((policy.exp() * (policy - reference)).sum()), rel=0.05)


def test_a_prompt_read_once_gives_the_log_probs_and_gradients_of_whole_texts(either):
    model = load_start(either)
    rollouts = [
        Rollout((1, 5, 6), (7, 8), 1.0),
        Rollout((1, 5, 6), (9, 10, 11, 12), -1.0),
        Rollout((1,), (5, 6, 7), 0.5),
    ]
    batches = build_batches(rollouts, 1000, 0, torch.device("cpu"))
    assert [batch.sampled.sum(1).tolist() for batch in batches] == [[2, 4], [3]]
    assert len(build_batches(rollouts, 1, 0, torch.device("cpu"))) == 3
    loss = torch.zeros(())
    for batch in batches:
        log_probs = sampled_log_probs(model, batch)
        part, penalty = policy_loss(log_probs, log_probs.detach(), batch, 0.1, 9)
        assert penalty == pytest.approx(0.0, abs=1e-6)
        loss = loss + part
    loss.backward()
    found = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    whole = torch.zeros(())
    for rollout in rollouts:
        ids = torch.tensor([[*rollout.prompt_ids, *rollout.sampled_ids]])
        spoken = model(input_ids=ids[:, :-1]).logits.log_softmax(-1).gather(-1, ids[:, 1:, None])[0, :, 0]
        whole = whole - rollout.advantage * spoken[len(rollout.prompt_ids) - 1 :].sum() / 9
    whole.backward()
    assert loss.item() == pytest.approx(whole.item(), abs=1e-5)
    for name, parameter in model.named_parameters():
        assert torch.allclose(found[name], parameter.grad, atol=1e-4), name


def test_figures_of_known_samples():
    from models.training.rollouts import Judged

    prompt = TaskPrompt("molecule", "<MoleculeS>")
    made = [
        Judged(prompt, 0, (7, 8), f"{smiles}<MoleculeE>", identity, {"r": worth}, worth)
        for smiles, identity, worth in (
            ("CCO", "CCO", 1.0),
            ("OCC", "CCO", 1.0),
            ("c1ccccc1", "c1ccccc1", 0.5),
            ("C(", None, 0.0),
        )
    ]
    found = figures_of(made)
    assert found.reward == found.worth["molecule"] == found.rewards["molecule.r"] == pytest.approx(0.625)
    assert found.valid == {"molecule": 0.75}
    assert found.unique == pytest.approx(2 / 3)
    assert found.diversity == pytest.approx(2 / 3)  # one pair of three is a copy, the others share no bit
    rollouts = rollouts_of(made, lambda text: [1, 2])
    assert sum(rollout.advantage for rollout in rollouts) == pytest.approx(0.0)


def test_copies_share_one_reward(start):
    config = own(CONFIG, share_repeats=True, samples_per_prompt=64)
    from models.backends.text_codec import TextCodec

    sampler = Sampler(
        load_start(start),
        TextCodec(ScientificTokenizer.build().fast),
        config,
        {"molecule": {"reward_of_test:nitrogen": nitrogen}},
    )
    judged = sampler.sample({0: TaskPrompt("molecule", "<MoleculeS>")}, seed=0)
    per_molecule: dict[str, float] = {}
    for item in judged:
        if item.identity:
            per_molecule[item.identity] = per_molecule.get(item.identity, 0.0) + item.worth
    assert len(per_molecule) < sum(item.identity is not None for item in judged)  # there are copies
    assert all(value == pytest.approx(float("N" in identity)) for identity, value in per_molecule.items())


def test_the_start_predicts_greedily_and_an_overlong_prompt_gets_no_answer(start, corpus, tmp_path):
    from models.backends.base import Request
    from models.backends.causal_lm import CausalLM

    trainer = reinforce_module._Reinforcer(own(CONFIG), start, corpus, tmp_path, ScientificTokenizer.build())
    short, long = "<MoleculeS>", "<MoleculeS>" + "C" * 200
    model = CausalLM(load_start(start), trainer.codec)
    (sample,) = model.generate([Request(short, temperature=0.0, max_new_tokens=100)])
    expected = sample.text if sample.finish_reason == "stop" else ""
    assert expected
    assert trainer._predict([short, long, short]) == [expected, "", expected]
    assert trainer._predict([]) == []


def test_the_learning_rate_warms_up_and_decays(start, corpus, tmp_path):
    reinforce(own(CONFIG, steps=10, warmup_steps=2, decay_share=0.4), start, corpus, tmp_path, resume=False)
    shares = [row["learning_rate"] / CONFIG.learning_rate for row in rows(tmp_path)]
    assert shares == pytest.approx([0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25])


def test_prompts_are_cut_from_the_corpus_and_repeat_for_a_step(corpus):
    source = PromptSource(corpus, ["molecule", "ligand", "retrosynthesis"], "train", seed=1)
    assert [p.text for p in source.draw("molecule", 0, 2)] == ["<MoleculeS>"] * 2
    ligands = source.draw("ligand", 3, 4)
    assert ligands == source.draw("ligand", 3, 4)
    assert {p.text for p in ligands} == {"<ProteinS>MK<PocketS>T<PocketE>AY<ProteinE><MoleculeS>"}  # marked ones only
    for prompt in source.draw("retrosynthesis", 0, 5):
        assert prompt.text.endswith("<ReverseReact>")
        assert prompt.answer
        assert prompt.answer.startswith("<MoleculeS>")
    assert source.draw("retrosynthesis", 0, 5) != source.draw("retrosynthesis", 1, 5)
    assert not PromptSource(corpus, ["ligand"], "valid", seed=1).has("ligand")
    with pytest.raises(ModelInputError, match="no train documents of 'reaction'"):
        PromptSource(corpus, ["reaction"], "train", seed=1).draw("reaction", 0, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tasks": {"moleclue": 1}}, "no task moleclue; tasks that can be reinforced: molecule"),
        ({"rewards": {"molecule": {"druglike": 1.0}}}, "no reward 'druglike'; there are drug_like"),
        (
            {"rewards": {"molecule": {"round_trip": 1.0}}},
            "'round_trip' cannot judge task 'molecule'; rewards for it: drug",
        ),
        ({"rewards": {}}, "rewards.molecule needs rewards"),
        ({"minutes": 1.0}, "either minutes or steps"),
        ({"steps": 0}, "minutes or steps must be above 0, got 0"),
        ({"tasks": {}}, "names no task"),
        ({"samples_per_prompt": 1}, "samples_per_prompt must be at least 2"),
    ],
)
def test_wrong_settings_are_one_clear_line(changes, message):
    with pytest.raises(ModelInputError, match=message):
        own(CONFIG, **changes)


def test_wrong_folders_are_one_clear_line(start, corpus, tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint"):
        reinforce(own(CONFIG), tmp_path, corpus, tmp_path / "out", resume=False)
    with pytest.raises(TrainingError, match="nothing to resume"):
        reinforce(own(CONFIG), start, corpus, tmp_path / "empty", resume=True)
    tiny = tmp_path / "tiny.toml"
    tiny.write_text("steps = 1\n[tasks]\nmolecule = 1\n[rewards.molecule]\ndrug_like = 1\n")
    with pytest.raises(ConfigError, match="holds no corpus"):
        reinforce_module.run(str(tiny), start, tmp_path, tmp_path / "out")
    other = tmp_path / "other"
    fresh("dense").save_pretrained(other)
    entries = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(entries | {"vocab_size": 77}))
    with pytest.raises(CheckpointError, match="another tokenizer than the corpus"):
        reinforce(own(CONFIG), other, corpus, tmp_path / "out", resume=False)
    with pytest.raises(ModelInputError, match=r"one number 0\.\.1 a sample, got \[2\.0\]"):
        reinforce(
            own(CONFIG, rewards={"molecule": {"reward_of_test:two": 1.0}}), start, corpus, tmp_path / "out", False
        )
