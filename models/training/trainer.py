"""The training loop of pre-training and fine-tuning: steps, clock, log, validation, checkpoints.

Unusual: with a limit in minutes the learning rate follows the clock (warm-up over steps), so that a run on a busy
machine still ends annealed. Time spent in validation and checkpoints counts. Not promised: bit-equal resumption of
a clock-limited run; a step-limited run resumes bit-equal on the same machine, thread count and number of processes.
"""

import json
import math
import sys
import time
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from models.errors import TrainingError
from models.tokenizer import ScientificTokenizer
from models.training import parallel
from models.training.batches import Labelled, MixtureSampler, micro_batches, validation_documents
from models.training.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from models.training.config import TrainingConfig
from models.training.loss import AnswerStart, DocumentLoss
from models.training.optimizer import Optimizers
from models.training.plots import try_write_curves
from models.training.schedule import decaying, learning_rate_share
from models.training.throughput import flops_per_token, measure_peak

STABLE = "stable"
"""The checkpoint from before the decay of a "wsd" schedule; kept for going on with more minutes."""


class Trainer:
    """One run of `model` on the corpus in `data`; writes checkpoints, `log.jsonl` and `summary.json` into `out`."""

    def __init__(
        self,
        config: TrainingConfig,
        data: Path,
        out: Path,
        model: Any,
        tokenizer: ScientificTokenizer,
        answer_start: AnswerStart | None = None,
    ) -> None:
        self.config, self.data, self.out, self.model, self.tokenizer = config, data, out, model, tokenizer
        self.rank, self.n_ranks = parallel.start()
        self.sampler = MixtureSampler(data, config.mixture, config.seed)
        self.optimizers = Optimizers(
            model, config.optimizer, config.learning_rate, config.matrix_learning_rate, config.weight_decay
        )
        self.loss_of = DocumentLoss(model, answer_start)
        self.step, self.n_tokens, self.seconds_before = 0, 0, 0.0
        self.started, self._elapsed = time.monotonic(), 0.0
        self.window = _Window()
        out.mkdir(parents=True, exist_ok=True)

    # -- clock ------------------------------------------------------------------------------------------------
    def seconds(self) -> float:
        """Training time so far, earlier parts of a resumed run included."""
        return self.seconds_before + self._elapsed

    def _tick(self) -> None:
        """Read the clock; all ranks take rank 0's time, so that they decide alike."""
        self._elapsed = parallel.from_first(time.monotonic() - self.started)

    def progress(self) -> float:
        """0 at the start, 1 at the limit."""
        if self.config.minutes is not None:
            return self.seconds() / (60 * self.config.minutes)
        return self.step / (self.config.steps or 1)

    # -- the loop ---------------------------------------------------------------------------------------------
    def train(self) -> dict[str, Any]:
        """Train to the limit; returns the summary."""
        config = self.config
        peak = measure_peak()
        checkpoint_due = self.seconds() + 60 * config.checkpoint_minutes
        evaluate_due = self.seconds() + 60 * config.evaluate_minutes
        was_decaying = decaying(config, self.progress())
        while self.progress() < 1:
            self._tick()
            if not was_decaying and decaying(config, self.progress()):
                was_decaying = True
                self.save(STABLE)
            self._one_step()
            if self.step % config.log_steps == 0:
                rate = config.learning_rate * learning_rate_share(config, self.step, self.progress())
                self._log({**self.window.row(self.model, peak, self.n_ranks), "learning_rate": rate})
                self.window = _Window()
            if self.seconds() > evaluate_due:
                evaluate_due = self.seconds() + 60 * config.evaluate_minutes
                self._log({"validation": self.validate(config.evaluate_tokens)})
            if self.seconds() > checkpoint_due:
                checkpoint_due = self.seconds() + 60 * config.checkpoint_minutes
                self.save()
        return self._finish()

    def _one_step(self) -> None:
        started = time.perf_counter()
        config = self.config
        documents = self.sampler.next_documents(config.tokens_per_step)
        n_targets, n_tokens = self.loss_of.n_targets(documents), sum(len(d.tokens) - 1 for d in documents)
        mine = parallel.share_of(documents, self.rank, self.n_ranks, _cost)
        total = 0.0
        for batch in micro_batches(mine, config.micro_batch_tokens):
            loss = self.loss_of(batch)
            objective = loss.total / n_targets
            if loss.routing is not None:
                share = sum(len(d.tokens) - 1 for d in batch) / n_tokens
                objective = objective + config.router_aux_loss * share * loss.routing.balance
                self.window.load.append(loss.routing.load)
            torch.autograd.backward(objective)
            total += float(loss.total.detach())
            self.window.add(loss.by_modality)
        computed = time.perf_counter()
        parallel.sum_gradients(self.model)
        total = float(parallel.summed(torch.tensor([total], dtype=torch.float64)))
        if not math.isfinite(total):
            raise TrainingError(f"loss is {total} at step {self.step}; {self._last_good()}")
        exchanged = time.perf_counter()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.gradient_clip)
        self.optimizers.step(learning_rate_share(config, self.step, self.progress()))
        self.step += 1
        self.n_tokens += n_tokens
        self.window.end_step(total, n_targets, n_tokens, computed - started, exchanged - computed, started)

    def validate(self, n_tokens: int) -> dict[str, float]:
        """Mean negative log-likelihood a target (nats), per modality that has a validation part."""
        losses = {}
        for modality in self.config.mixture:
            documents = validation_documents(self.data, modality, n_tokens)
            if not documents:
                continue
            sums = torch.zeros(2, dtype=torch.float64)
            mine = parallel.share_of(documents, self.rank, self.n_ranks, _cost)
            with torch.no_grad():
                for batch in micro_batches(mine, self.config.micro_batch_tokens):
                    loss = self.loss_of(batch)
                    sums += torch.tensor([float(loss.total), loss.n_targets], dtype=torch.float64)
            total, count = parallel.summed(sums).tolist()
            losses[modality] = round(total / count, 4)
        return losses

    def _finish(self) -> dict[str, Any]:
        validation = self.validate(self.config.evaluate_tokens)
        summary = {
            "steps": self.step,
            "tokens_seen": self.n_tokens,
            "minutes": round(self.seconds() / 60, 1),
            "validation": validation,
            "checkpoint": str(self.save()),
            "config": asdict(self.config),
        }
        self._log({"validation": validation})
        if self.rank == 0:
            (self.out / "summary.json").write_text(json.dumps(summary, indent=1))
            try_write_curves(self.out, self._say)
        return summary

    # -- state ------------------------------------------------------------------------------------------------
    def save(self, name: str | None = None) -> Path:
        """Write a checkpoint (rank 0 only)."""
        if self.rank != 0:
            return self.out
        state = {"n_tokens": self.n_tokens, "seconds": self.seconds(), "sampler": self.sampler.state()}
        state |= {"decaying": decaying(self.config, self.progress()), "limit": self._limit()}
        return save_checkpoint(self.out, self.step, self.model, self.optimizers.state(), state, self.tokenizer, name)

    def resume(self) -> None:
        """Go on from the newest checkpoint; with another limit than its own and a "wsd" schedule from the one before
        the decay, since an annealed network has little left to learn at full rate.
        """
        found = checkpoints(self.out)
        if not found:
            raise TrainingError(f"nothing to resume: {self.out} holds no checkpoint")
        newest, stable = found[-1], self.out / "checkpoints" / STABLE
        before = json.loads((newest / "state.json").read_text()) if (newest / "state.json").is_file() else {}
        if before.get("decaying") and before.get("limit") != self._limit() and stable.is_dir():
            newest = stable
        optimizer_state, state = load_checkpoint(newest, self.model)
        self.optimizers.load_state(optimizer_state)
        self.sampler.load_state(state["sampler"])
        self.step, self.n_tokens, self.seconds_before = state["step"], state["n_tokens"], state["seconds"]
        self.started = time.monotonic()
        self._say(f"resumed at step {self.step:,} from {newest}")

    def _limit(self) -> list[float | int | None]:
        return [self.config.minutes, self.config.steps]

    def _last_good(self) -> str:
        found = checkpoints(self.out)
        return f"the last good checkpoint is {found[-1]}" if found else f"there is no checkpoint yet in {self.out}"

    def _log(self, entry: dict[str, Any]) -> None:
        progress = self.progress()
        left = self.seconds() / 60 * (1 - progress) / progress if progress else math.inf
        left = round(max(0.0, left), 1)
        if self.rank != 0:
            return
        row = {"step": self.step, "tokens": self.n_tokens, "minutes": round(self.seconds() / 60, 2), **entry}
        with (self.out / "log.jsonl").open("a") as file:
            file.write(json.dumps({**row, "minutes_left": left if math.isfinite(left) else None}) + "\n")
        shown = ", ".join(f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}" for k, v in entry.items())
        self._say(f"step {self.step:,}, {self.n_tokens:,} tokens, {shown}, {left} min left")

    def _say(self, message: str) -> None:
        if self.rank == 0:
            print(f"training: {message}", file=sys.stderr, flush=True)  # noqa: T201 - progress of a command


def _cost(document: Labelled) -> float:
    """Time of a document, relative: attention makes a token of a long one dearer (measured: 1.4 times at 500)."""
    return len(document.tokens) * (1 + len(document.tokens) / 1250)


class _Window:
    """Sums since the last line of the log."""

    def __init__(self) -> None:
        self.load: list[torch.Tensor] = []
        self.modalities: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self.loss, self.n_targets, self.n_tokens = 0.0, 0, 0
        self.compute, self.exchange, self.whole = 0.0, 0.0, 0.0

    def add(self, by_modality: dict[str, tuple[float, int]]) -> None:
        for name, (total, count) in by_modality.items():
            self.modalities[name][0] += total
            self.modalities[name][1] += count

    def end_step(
        self, loss: float, n_targets: int, n_tokens: int, compute: float, exchange: float, started: float
    ) -> None:
        self.loss, self.n_targets, self.n_tokens = (
            self.loss + loss,
            self.n_targets + n_targets,
            self.n_tokens + n_tokens,
        )
        self.compute, self.exchange = self.compute + compute, self.exchange + exchange
        self.whole += time.perf_counter() - started

    def row(self, model: Any, peak: float, n_ranks: int) -> dict[str, Any]:
        """For the log. Losses by modality, expert load and shares of time are rank 0's own."""
        speed = self.n_tokens / self.whole
        found: dict[str, Any] = {"loss": self.loss / self.n_targets, "tokens_per_second": round(speed)}
        found["share_of_peak"] = round(speed * flops_per_token(model, 100) / (peak * n_ranks), 3)
        found["time"] = {
            "compute": round(self.compute / self.whole, 3),
            "exchange": round(self.exchange / self.whole, 3),
            "update": round(1 - (self.compute + self.exchange) / self.whole, 3),
        }
        found["losses"] = {n: round(total / count, 3) for n, (total, count) in sorted(self.modalities.items()) if count}
        if self.load:
            load = torch.stack(self.load).mean(0)
            found["expert_load_max"] = [round(float(x) * load.shape[1], 2) for x in load.amax(1)]
        return found
