"""The training loop of pre-training and fine-tuning: steps, clock, validation, checkpoints.

Unusual: with a limit in minutes the learning rate follows the clock (warm-up over steps), so that a run on a busy
machine still ends annealed. Time spent in validation and checkpoints counts. Not promised: bit-equal resumption of
a clock-limited run; a step-limited run resumes bit-equal on the same machine, thread count and number of processes.
"""

import json
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from models.errors import TrainingError
from models.tokenizer import ScientificTokenizer
from models.training import parallel, sharding
from models.training.batches import Labelled, MixtureSampler, micro_batches, validation_documents
from models.training.checkpoint import (
    checkpoints,
    load_checkpoint,
    load_weights,
    newest_checkpoint,
    read_state,
    save_checkpoint,
)
from models.training.config import TrainingConfig
from models.training.loss import DocumentLoss
from models.training.optimizer import Optimizers
from models.training.plots import try_write_curves
from models.training.prompt_part import PromptPart
from models.training.run_log import RunLog, Window
from models.training.schedule import decaying, learning_rate_share
from models.training.starting_point import check_same_tokenizer
from models.training.throughput import measure_peak

STABLE = "stable"
"""The checkpoint from before the decay of a "wsd" schedule; kept for going on with more minutes."""


class Trainer:
    """One run of `model` on the corpus in `data`; writes checkpoints, `log.jsonl` and `summary.json` into `out`.

    `start`: a checkpoint whose weights, and nothing else, are taken first.
    """

    def __init__(
        self,
        config: TrainingConfig,
        data: Path,
        out: Path,
        model: Any,
        tokenizer: ScientificTokenizer,
        start: Path | None = None,
    ) -> None:
        self.config, self.data, self.out, self.model, self.tokenizer = config, data, out, model, tokenizer
        self.rank, self.n_ranks = parallel.start()
        self.sampler = MixtureSampler(data, config.mixture, config.seed)
        if start is not None:
            check_same_tokenizer(start, tokenizer)
            load_weights(start, model)
        self.device = sharding.choose_device()
        model.to(self.device)
        self.is_split = self.n_ranks > 1 and sharding.splitting_asked()
        if self.is_split:
            sharding.split_network(model, self.device)
        self.optimizers = Optimizers(
            model, config.optimizer, config.learning_rate, config.matrix_learning_rate, config.weight_decay
        )
        answer_start = PromptPart(tokenizer) if config.loss_on == "answer" else None
        self.loss_of = DocumentLoss(model, answer_start, self.device, padded=self.is_split)
        self.step, self.n_tokens, self.n_documents, self.seconds_before = 0, 0, 0, 0.0
        self.started, self._elapsed = time.monotonic(), 0.0
        out.mkdir(parents=True, exist_ok=True)
        self.log, self.window = RunLog(out, writes=self.rank == 0), Window()

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
        self.log.go_back_to(self.step)
        peak = measure_peak(self.device) * self.n_ranks
        checkpoint_due = self.seconds() + 60 * config.checkpoint_minutes
        evaluate_due = self.seconds() + 60 * config.evaluate_minutes
        was_decaying = decaying(config, self.progress())
        while self.progress() < 1:
            self._tick()
            if decaying(config, self.progress()) and not was_decaying:
                was_decaying = True
                self.save(STABLE)
            self._one_step()
            if self.step % config.log_steps == 0:
                mean_length = self.n_tokens / max(1, self.n_documents)
                rate = config.learning_rate * learning_rate_share(config, self.step, self.progress())
                self._log({**self.window.row(self.model, peak, mean_length), "learning_rate": rate})
                self.window = Window()
            if self.seconds() > evaluate_due:
                evaluate_due = self.seconds() + 60 * config.evaluate_minutes
                self._log({"validation": self.validate(config.evaluate_tokens)})
            if self.seconds() > checkpoint_due:
                checkpoint_due = self.seconds() + 60 * config.checkpoint_minutes
                self.save()
        return self._finish()

    def _one_step(self) -> None:
        window, config = self.window, self.config
        window.start_step()
        documents = self.sampler.next_documents(config.tokens_per_step)
        n_targets, n_tokens = self.loss_of.n_targets(documents), sum(len(d.tokens) - 1 for d in documents)
        batches = self._my_batches(documents)
        window.lap("batches")
        total = sum(self._learn(batch, weight, n_targets, n_tokens) for batch, weight in batches)
        window.lap("compute")
        if not self.is_split:
            parallel.sum_gradients(self.model)
        total = float(parallel.summed(torch.tensor([total], dtype=torch.float64)))
        window.lap("exchange")
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.gradient_clip)
        if not (math.isfinite(total) and math.isfinite(float(sharding.whole(norm)))):
            self._stop_at_fault(total / n_targets)
        self.optimizers.step(learning_rate_share(config, self.step, self.progress()))
        window.lap("update")
        self.step += 1
        self.n_tokens += n_tokens
        self.n_documents += len(documents)
        window.add_step(total, n_targets, n_tokens)

    def _my_batches(self, documents: list[Labelled]) -> list[tuple[list[Labelled], float]]:
        """This rank's micro-batches, with weight 1; as many on every rank where each pass is a joint one (the
        additional ones with weight 0).
        """
        mine = parallel.share_of(documents, self.rank, self.n_ranks, _cost)
        batches = [(batch, 1.0) for batch in micro_batches(mine, self.config.micro_batch_tokens, self.loss_of.padded)]
        if self.is_split:
            idle = ([documents[-1]], 0.0)
            batches += [idle] * (parallel.largest(len(batches)) - len(batches))
        return batches

    def _learn(self, batch: list[Labelled], weight: float, n_targets: int, n_tokens: int) -> float:
        """Add a micro-batch's gradients; returns its loss (nats)."""
        loss = self.loss_of(batch)
        objective = weight * loss.total / max(1, n_targets)
        if loss.routing is not None:
            share = sum(len(d.tokens) - 1 for d in batch) / n_tokens
            objective = objective + weight * self.config.router_aux_loss * share * loss.routing.balance
        torch.autograd.backward(objective * (self.n_ranks if self.is_split else 1))  # split gradients are averaged
        if weight:
            self.window.add_batch(loss.by_modality, None if loss.routing is None else loss.routing.load)
        return weight * float(loss.total.detach())

    def validate(self, n_tokens: int) -> dict[str, float]:
        """Mean negative log-likelihood a target (nats), per modality that has a validation part."""
        losses = {}
        for modality in self.config.mixture:
            documents = validation_documents(self.data, modality, n_tokens)
            if not documents:
                continue
            sums = torch.zeros(2, dtype=torch.float64)
            with torch.no_grad():
                for batch, weight in self._my_batches(documents):
                    loss = self.loss_of(batch)
                    sums += weight * torch.tensor([float(loss.total), loss.n_targets], dtype=torch.float64)
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
            try_write_curves(self.out, self.log.say)
        parallel.from_first(0.0)  # the others leave when everything is written
        return summary

    # -- state ------------------------------------------------------------------------------------------------
    def save(self, name: str | None = None) -> Path:
        """Write a checkpoint; returns its folder (on other ranks than the first that of the run)."""
        weights = None
        if self.is_split:  # every process takes part in gathering
            weights = {name: sharding.whole(p).detach().cpu() for name, p in self.model.named_parameters()}
        optimizer_state = self.optimizers.state() if self.rank == 0 or self.is_split else {}
        if self.rank != 0:
            return self.out
        state = {
            "n_tokens": self.n_tokens,
            "n_documents": self.n_documents,
            "seconds": self.seconds(),
            "sampler": self.sampler.state(),
            "limit": self._limit(),
            "decaying": decaying(self.config, self.progress()),
        }
        return save_checkpoint(self.out, self.step, self.model, optimizer_state, state, self.tokenizer, name, weights)

    def resume(self) -> None:
        """Go on from the newest checkpoint; with another limit than its own and a "wsd" schedule from the one before
        the decay, since an annealed network has little left to learn at full rate.
        """
        folder, stable = newest_checkpoint(self.out), self.out / "checkpoints" / STABLE
        before = read_state(folder)
        if before.get("decaying") and before.get("limit") != self._limit() and stable.is_dir():
            folder = stable
        check_same_tokenizer(folder, self.tokenizer)
        optimizer_state, state = load_checkpoint(folder, self.model)
        self.optimizers.load_state(optimizer_state)
        self.sampler.load_state(state["sampler"])
        self.step, self.n_tokens, self.seconds_before = state["step"], state["n_tokens"], state["seconds"]
        self.n_documents = state.get("n_documents", 0)
        self.started = time.monotonic()
        self.log.say(f"resumed at step {self.step:,} from {folder}")

    def _limit(self) -> list[float | int | None]:
        return [self.config.minutes, self.config.steps]

    def _stop_at_fault(self, loss: float) -> None:
        """The update of this step was not made: what is saved is the last good step."""
        finite = all(bool(torch.isfinite(sharding.whole(p)).all()) for p in self.model.parameters())
        kept = self.save() if finite else None
        if kept is None:
            found = checkpoints(self.out)
            kept = found[-1] if found else None
        where = f"the last good step is in {kept}" if kept else f"there is no good checkpoint in {self.out}"
        raise TrainingError(f"loss {loss} or its gradient is no number at step {self.step}; {where}")

    def _log(self, entry: dict[str, Any]) -> None:
        self.log.write(self.step, self.n_tokens, self.seconds(), self.progress(), entry)


def _cost(document: Labelled) -> float:
    """Time of a document, relative: attention makes a token of a long one dearer (measured: 1.4 times at 500)."""
    return len(document.tokens) * (1 + len(document.tokens) / 1250)
