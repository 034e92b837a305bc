"""Reinforcement learning on the policy's own samples: the third stage, resumable to the step.

Each step draws prompts, samples them from the live weights, judges the samples and takes one gradient step on them
(`policy_gradient`), on the CPU or a GPU in fp32. The run stops early, keeping the last good checkpoint, where the
samples collapse (`collapse_guard`). Under torchrun each process takes its part of the prompts, on a CPU. A resumed run
draws the prompts and samples that an undisturbed one would have drawn. Not promised: that what the reward does not see
stays as it was; the summary therefore has, before and after, rewards on prompts of the validation part and the
likelihood of replayed modalities.
"""

from __future__ import annotations

import copy
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from models.backends.base import Request
from models.backends.causal_lm import CausalLM
from models.backends.text_codec import TextCodec
from models.checkpoint import context_length
from models.errors import CheckpointError, TrainingError
from models.tokenizer import EOS, ScientificTokenizer
from models.training import parallel
from models.training.batches import MixtureSampler, group_by_length, validation_batches
from models.training.checkpoint import (
    check_new,
    checkpoints,
    load_checkpoint,
    newest_checkpoint,
    read_state,
    save_checkpoint,
)
from models.training.collapse_guard import CollapseGuard
from models.training.config import ConfigError, load_config
from models.training.optimizer import Optimizers
from models.training.plots import try_write_curves
from models.training.policy_gradient import Rollout, build_batches, policy_loss, sampled_log_probs
from models.training.reinforce_config import ReinforceConfig
from models.training.rewards import Reward, RewardContext, build_reward
from models.training.rollouts import Figures, Judged, Sampler, figures_of, rollouts_of, step_seed
from models.training.run_log import RunLog
from models.training.starting_point import check_same_tokenizer, corpus_tokenizer, start_folder
from models.training.task_prompts import PromptSource, TaskPrompt

_VALIDATION_TOKENS = 10_000  # a modality
_FORWARD_TOKENS = 160


def run(
    config: str, start: Path | None, data: Path, out: Path, resume: bool = False, minutes: float | None = None
) -> dict[str, Any]:
    """The command `organon model train reinforce`. `start` is a checkpoint, or a run's folder (its newest one then);
    a run that is resumed knows its own.

    `minutes` replaces the configuration's limit. Returns the summary, which is also written to `out/summary.json`;
    its `stopped` says why the guard ended the run, or is None.
    """
    settings = load_config("reinforce", config, ReinforceConfig)
    if minutes is not None:
        settings = replace(settings, minutes=minutes, steps=None)
    if not (data / "corpus.json").is_file():
        raise ConfigError(f"{data} holds no corpus (corpus.json); build one with `organon model corpus build`")
    return reinforce(settings, start or _start_of(out), data, out, resume)


def _start_of(out: Path) -> Path:
    """The checkpoint that the run in `out` started from."""
    return Path(read_state(newest_checkpoint(out))["start"])


def reinforce(config: ReinforceConfig, start: Path, corpus: Path, out: Path, resume: bool) -> dict[str, Any]:
    """Reinforce the checkpoint in `start`, writing checkpoints, `log.jsonl`, curves and the summary into `out`."""
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    folder = start_folder(start)
    tokenizer = corpus_tokenizer(corpus)
    check_same_tokenizer(folder, tokenizer)
    if not resume:
        check_new(out)
    trainer = _Reinforcer(config, folder, corpus, out, tokenizer)
    if resume:
        trainer.resume()
    return trainer.train()


def load_start(folder: Path) -> Any:
    """The model in fp32, on a GPU where there is one."""
    from transformers import AutoModelForCausalLM

    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, use_safetensors=True
        )
    except (OSError, ValueError, RuntimeError) as fault:
        raise CheckpointError(f"{folder} cannot be loaded: {' '.join(str(fault).split())[:300]}") from fault
    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def _replay(corpus: Path, config: ReinforceConfig) -> MixtureSampler | None:
    try:
        return MixtureSampler(corpus, config.replay, config.seed) if config.replay else None
    except ValueError as fault:
        raise ConfigError(f"[replay]: {fault}") from fault


class _Reinforcer:
    def __init__(
        self, config: ReinforceConfig, folder: Path, corpus: Path, out: Path, tokenizer: ScientificTokenizer
    ) -> None:
        self.config, self.folder, self.corpus, self.out, self.tokenizer = config, folder, corpus, out, tokenizer
        tasks = list(config.tasks)
        self.source = PromptSource(corpus, tasks, "train", config.seed)
        self.held_out = PromptSource(corpus, tasks, "valid", config.seed)
        self.replay = _replay(corpus, config)
        self.model = load_start(folder)
        self.reference = copy.deepcopy(self.model).requires_grad_(False)
        self.codec = TextCodec(tokenizer.fast)
        self.answers: dict[str, str] = {}
        self.sampler = Sampler(self.model, self.codec, config, self._rewards())
        self.rank, self.n_ranks = parallel.start()
        self.optimizers = Optimizers(self.model, "adamw", config.learning_rate, 0.0, config.weight_decay)
        self.guard = CollapseGuard(config)
        self.step, self.n_samples, self.seconds_before, self._elapsed = 0, 0, 0.0, 0.0
        self.started = time.monotonic()
        self.before: dict[str, Any] = {}
        out.mkdir(parents=True, exist_ok=True)

    def _rewards(self) -> dict[str, dict[str, Reward]]:
        context = RewardContext(self.corpus, self.answers.get, self._predict)
        built: dict[str, Reward] = {}
        for names in self.config.rewards.values():
            built |= {name: build_reward(name, context) for name in names if name not in built}
        return {task: {name: built[name] for name in self.config.rewards[task]} for task in self.config.tasks}

    def _predict(self, prompts: Sequence[str]) -> list[str]:
        """Greedy answers of the frozen start; an empty one where the prompt leaves no room for any."""
        context = context_length(self.reference.config)
        fitting = [text for text in dict.fromkeys(prompts) if len(self.codec.encode(text)) < context]
        requests = [
            Request(text, temperature=0.0, max_new_tokens=_FORWARD_TOKENS, request_id=str(at))
            for at, text in enumerate(fitting)
        ]
        samples = CausalLM(self.reference, self.codec).generate(requests)
        found = {fitting[int(s.request_id)]: s.text.removesuffix(EOS) for s in samples if s.finish_reason == "stop"}
        return [found.get(text, "") for text in prompts]

    # -- clock ------------------------------------------------------------------------------------------------
    def seconds(self) -> float:
        return self.seconds_before + self._elapsed

    def _tick(self) -> None:
        """Read the clock; all ranks take rank 0's time, so that they decide alike."""
        self._elapsed = parallel.from_first(time.monotonic() - self.started)

    def progress(self) -> float:
        if self.config.minutes is not None:
            return self.seconds() / (60 * self.config.minutes)
        return self.step / (self.config.steps or 1)

    # -- the loop ---------------------------------------------------------------------------------------------
    def train(self) -> dict[str, Any]:
        RunLog(self.out, self.rank == 0).go_back_to(self.step)
        if not self.before:
            self.before = self.evaluate()
            self.save()  # there is a good checkpoint from the beginning
        checkpoint_due = self.seconds() + 60 * self.config.checkpoint_minutes
        stopped = None
        while stopped is None and self.progress() < 1:
            figures, kl, row = self._one_step()
            self._tick()
            stopped = self.guard.add(figures, kl)
            self._log(figures, row)
            if stopped is None and self.seconds() > checkpoint_due:
                checkpoint_due = self.seconds() + 60 * self.config.checkpoint_minutes
                self.save()
        return self._finish(stopped)

    def _one_step(self) -> tuple[Figures, float, dict[str, Any]]:
        config, began = self.config, time.monotonic()
        prompts = [p for task, n in config.tasks.items() for p in self.source.draw(task, self.step, n)]
        mine = self._sample(prompts, step_seed(config.seed, self.step))
        sampled_in = time.monotonic() - began
        loss, kl = self._backward_policy([r for r in rollouts_of(mine, self.codec.encode) if r.sampled_ids])
        replayed = self._backward_replay()
        parallel.sum_gradients(self.model)
        judged = parallel.gathered(mine)
        norm = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.gradient_clip))
        if not math.isfinite(loss + replayed + norm):
            raise TrainingError(
                f"loss {loss + replayed} or its gradient {norm} is no number at step {self.step}; "
                f"the last good checkpoint is {newest_checkpoint(self.out)}"
            )
        share = self._rate_share()
        self.optimizers.step(share)
        self.step += 1
        self.n_samples += len(judged)
        row = {
            "kl": kl,
            "loss": loss,
            **({"replay_loss": replayed} if self.replay else {}),
            "gradient_norm": norm,
            "learning_rate": config.learning_rate * share,
            "samples_per_second": len(judged) / max(1e-9, time.monotonic() - began),
            "sampling_share": sampled_in / max(1e-9, time.monotonic() - began),
        }
        return figures_of(judged), kl, row

    def _rate_share(self) -> float:
        """The learning rate as a share of its peak: linear warm-up, constant, linear decay."""
        warm = (self.step + 1) / max(1, self.config.warmup_steps)
        return max(0.0, min(1.0, warm, (1 - self.progress()) / self.config.decay_share))

    def _sample(self, prompts: Sequence[TaskPrompt], seed: int) -> list[Judged]:
        """This rank's part of the prompts, sampled and judged; the known answers are there for the rewards."""
        mine = dict(list(enumerate(prompts))[self.rank :: self.n_ranks])
        self.answers.clear()
        self.answers.update({prompt.text: prompt.answer for prompt in mine.values() if prompt.answer is not None})
        return self.sampler.sample(mine, seed)

    def _backward_policy(self, rollouts: Sequence[Rollout]) -> tuple[float, float]:
        """Gradients of the policy's loss on this rank's samples; (loss, mean divergence a token) of all ranks'."""
        n_tokens = int(parallel.summed(torch.tensor(sum(len(rollout.sampled_ids) for rollout in rollouts))))
        total = penalty = 0.0
        for batch in build_batches(rollouts, self.config.micro_batch_tokens, self.tokenizer.pad_id, self.model.device):
            with torch.no_grad():
                reference = sampled_log_probs(self.reference, batch)
            log_probs = sampled_log_probs(self.model, batch)
            loss, summed = policy_loss(log_probs, reference, batch, self.config.kl, n_tokens)
            torch.autograd.backward(loss)
            total, penalty = total + float(loss.detach()), penalty + summed
        total, penalty = parallel.summed(torch.tensor([total, penalty], dtype=torch.float64)).tolist()
        return total, penalty / n_tokens

    def _backward_replay(self) -> float:
        """Gradients of the likelihood of corpus documents; its mean over tokens (nats), 0 without replay."""
        if self.replay is None:
            return 0.0
        documents = self.replay.next_step(self.config.replay_tokens)
        n_targets = sum(len(document) - 1 for document in documents)
        total = 0.0
        mine = parallel.share_of(documents, self.rank, self.n_ranks, len)
        for ids in group_by_length(mine, self.config.micro_batch_tokens, self.tokenizer.pad_id):
            loss = self._negative_log_likelihood(ids) / n_targets
            torch.autograd.backward(self.config.replay_weight * loss)
            total += float(loss.detach())
        return float(parallel.summed(torch.tensor([total], dtype=torch.float64)))

    def _negative_log_likelihood(self, padded: Any) -> torch.Tensor:
        """Summed over all tokens of a padded batch (B, L) but the first of each row and the padding."""
        ids = torch.from_numpy(padded).to(self.model.device)
        logits = self.model(input_ids=ids[:, :-1], use_cache=False).logits.float()
        return functional.cross_entropy(
            logits.flatten(0, 1), ids[:, 1:].flatten(), ignore_index=self.tokenizer.pad_id, reduction="sum"
        )

    # -- before and after -------------------------------------------------------------------------------------
    def evaluate(self) -> dict[str, Any]:
        """Figures on prompts of the validation part (the training part where it has none of a task), and the
        replayed modalities' validation loss in nats a token. The same prompts and seeds every time."""
        prompts: list[TaskPrompt] = []
        for task in self.config.tasks:
            source = self.held_out if self.held_out.has(task) else self.source
            prompts += source.draw(task, -1, self.config.evaluate_prompts)
        found: dict[str, Any] = {}
        if prompts:
            judged = parallel.gathered(self._sample(prompts, step_seed(self.config.seed, -1)))
            found = _rounded(asdict(figures_of(judged)))
        losses = {}
        for modality in self.config.replay:
            batches = validation_batches(
                self.corpus, modality, _VALIDATION_TOKENS, self.config.micro_batch_tokens, self.tokenizer.pad_id
            )
            n_targets = sum(int((batch[:, 1:] != self.tokenizer.pad_id).sum()) for batch in batches)
            if n_targets:
                with torch.no_grad():
                    losses[modality] = sum(float(self._negative_log_likelihood(b)) for b in batches) / n_targets
        return {**found, "validation": _rounded(losses)}

    def _finish(self, stopped: str | None) -> dict[str, Any]:
        if stopped is not None:
            self._restore(checkpoints(self.out)[-1])
            self._say(f"stopped at step {self.step:,}: {stopped}; kept {checkpoints(self.out)[-1]}")
        checkpoint = checkpoints(self.out)[-1] if stopped is not None else self.save()
        summary = {
            "steps": self.step,
            "samples": self.n_samples,
            "minutes": round(self.seconds() / 60, 1),
            "stopped": stopped,
            "start": str(self.folder),
            "before": self.before,
            "after": self.evaluate(),
            "checkpoint": str(checkpoint),
            "config": asdict(self.config),
        }
        if self.rank == 0:
            (self.out / "summary.json").write_text(json.dumps(summary, indent=1))
            try_write_curves(self.out, self._say)
        return summary

    # -- state ------------------------------------------------------------------------------------------------
    def save(self) -> Path:
        state = {
            "n_samples": self.n_samples,
            "seconds": self.seconds(),
            "replay": self.replay.state() if self.replay else {},
            "guard": self.guard.seen,
            "before": self.before,
            "start": str(self.folder.resolve()),
        }
        if self.rank == 0:
            save_checkpoint(self.out, self.step, self.model, self.optimizers.state(), state, self.tokenizer)
        parallel.from_first(0.0)  # the others wait until it is there
        return checkpoints(self.out)[-1]

    def resume(self) -> None:
        folder = newest_checkpoint(self.out)
        state = self._restore(folder)
        self.step, self.n_samples, self.seconds_before = state["step"], state["n_samples"], state["seconds"]
        self.before = state["before"]
        self.guard.load(state["guard"])
        if self.replay:
            self.replay.load_state(state["replay"])
        self.started = time.monotonic()
        self._say(f"resumed at step {self.step:,} from {folder}")

    def _restore(self, folder: Path) -> dict[str, Any]:
        optimizer_state, state = load_checkpoint(folder, self.model)
        self.optimizers.load_state(optimizer_state)
        return state

    def _log(self, figures: Figures, row: dict[str, Any]) -> None:
        if self.rank != 0:
            return
        progress = self.progress()
        left = max(0.0, self.seconds() / 60 * (1 - progress) / progress) if progress else math.inf
        entry = {
            "step": self.step,
            "samples": self.n_samples,
            "minutes": round(self.seconds() / 60, 2),
            **_rounded(asdict(figures) | row),
            "minutes_left": round(left, 1),
        }
        del entry["n_samples"]
        with (self.out / "log.jsonl").open("a") as file:
            file.write(json.dumps(entry) + "\n")
        shown = [
            f"{name} {entry[name]:.3f}" for name in ("reward", "unique", "diversity", "kl") if entry[name] is not None
        ]
        speed = row["samples_per_second"]
        self._say(f"step {self.step:,}, {', '.join(shown)}, {speed:.0f} samples/s, {left:.1f} min left")

    def _say(self, message: str) -> None:
        if self.rank == 0:
            print(f"reinforce: {message}", file=sys.stderr, flush=True)  # noqa: T201 - progress of a command


def _rounded(value: Any) -> Any:
    """Numbers as a log shows them: five significant digits."""
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value
