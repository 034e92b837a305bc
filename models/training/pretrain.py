"""Pre-training of one decoder on the packed corpus, on a CPU: resumable to the step, limited by steps or by the
clock.

Unusual: with a limit in minutes the learning rate follows the clock (cosine over elapsed training time, warm-up
over steps), so that a run on a busy machine still ends annealed. Time spent in validation and checkpoints
counts. Not promised: bit-equal resumption of a clock-limited run; a step-limited run resumes bit-equal on the
same machine and thread count.
"""

import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import TrainingError
from models.tokenizer import ScientificTokenizer
from models.training.batches import MixtureSampler, group_by_length, validation_batches
from models.training.config import ConfigError, PretrainConfig, load_config

if TYPE_CHECKING:
    import torch

LossOf = Callable[["torch.Tensor"], "torch.Tensor"]


def run(config: str, data: Path, out: Path, resume: bool = False, minutes: float | None = None) -> dict[str, Any]:
    """The command `organon model train pretrain`: builds the corpus beside the run unless `data` already is
    one.

    `minutes` replaces the configuration's limit. Returns the final summary (steps, tokens, validation losses,
    checkpoint).
    """
    settings = load_config("pretrain", config, PretrainConfig)
    if minutes is not None:
        settings = replace(settings, minutes=minutes, steps=None)
    corpus = data
    if not (data / "corpus.json").is_file():
        if not (data / "chem").is_dir():
            raise ConfigError(f"{data} holds neither a corpus (corpus.json) nor the data files (chem/, bio/)")
        from models.training import parallel
        from models.training.corpus import build_corpus

        corpus = out / "corpus"
        rank, _ = parallel.start()
        if rank == 0 and not (corpus / "corpus.json").is_file():
            build_corpus(data, corpus, shares=settings.corpus_shares)
        parallel.from_first(0.0)  # the others wait for the corpus
    return pretrain(settings, corpus, out, resume)


def pretrain(config: PretrainConfig, data: Path, out: Path, resume: bool) -> dict[str, Any]:
    """Train on the corpus in `data`, writing checkpoints, `log.jsonl` and `summary.json` into `out`."""
    import torch

    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    tokenizer = ScientificTokenizer.load(data / "tokenizer")
    model = build_model(config, tokenizer)
    trainer = _Trainer(config, data, out, model, tokenizer)
    if resume:
        trainer.resume()
    elif (out / "checkpoints").exists():
        raise TrainingError(f"{out} already holds a run: resume it or give another folder")
    return trainer.train()


def build_model(config: PretrainConfig, tokenizer: ScientificTokenizer) -> Any:
    """A plain Llama of transformers with tied embeddings, freshly initialised."""
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = LlamaConfig(
        vocab_size=tokenizer.vocab_size,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        num_hidden_layers=config.n_layers,
        num_attention_heads=config.n_heads,
        num_key_value_heads=config.n_heads,
        max_position_embeddings=config.context_length,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_id,
        eos_token_id=tokenizer.eos_id,
        pad_token_id=tokenizer.pad_id,
        attn_implementation="sdpa",
        initializer_range=0.02,
    )
    return LlamaForCausalLM(shape)


def cosine_share(step: int, progress: float, warmup_steps: int, final_share: float) -> float:
    """Learning rate as a share of its peak: linear warm-up over steps, then cosine over progress 0..1 to
    `final_share`.
    """
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, progress))))
    return min(1.0, (step + 1) / max(1, warmup_steps)) * (final_share + (1 - final_share) * cosine)


class _Trainer:
    def __init__(
        self, config: PretrainConfig, data: Path, out: Path, model: Any, tokenizer: ScientificTokenizer
    ) -> None:
        from models.training import parallel
        from models.training.optimizer import Optimizers

        self.config, self.data, self.out, self.model, self.tokenizer = config, data, out, model, tokenizer
        self.sampler = MixtureSampler(data, config.mixture, config.seed)
        self.optimizers = Optimizers(
            model, config.optimizer, config.learning_rate, config.matrix_learning_rate, config.weight_decay
        )
        self.rank, self.n_ranks = parallel.start()
        self.step, self.n_tokens, self.seconds_before = 0, 0, 0.0
        self.started, self._elapsed = time.monotonic(), 0.0
        self.loss_of = _loss_function(model, tokenizer.pad_id, config.compile)
        out.mkdir(parents=True, exist_ok=True)

    # -- clock ------------------------------------------------------------------------------------------------
    def seconds(self) -> float:
        return self.seconds_before + self._elapsed

    def _tick(self) -> None:
        """Read the clock; all ranks take rank 0's time, so that they decide alike."""
        from models.training import parallel

        self._elapsed = parallel.from_first(time.monotonic() - self.started)

    def progress(self) -> float:
        if self.config.minutes is not None:
            return self.seconds() / (60 * self.config.minutes)
        return self.step / (self.config.steps or 1)

    # -- the loop ---------------------------------------------------------------------------------------------
    def train(self) -> dict[str, Any]:
        config = self.config
        checkpoint_due = self.seconds() + 60 * config.checkpoint_minutes
        evaluate_due = self.seconds() + 60 * config.evaluate_minutes
        window_tokens, window_loss, window_start = 0, 0.0, self.seconds()
        while self.progress() < 1:
            self._tick()
            loss, n_tokens = self._one_step()
            window_tokens, window_loss = window_tokens + n_tokens, window_loss + loss * n_tokens
            if self.step % config.log_steps == 0:
                speed = window_tokens / max(1e-9, self.seconds() - window_start)
                self._log({"loss": window_loss / window_tokens, "tokens_per_second": round(speed)})
                window_tokens, window_loss, window_start = 0, 0.0, self.seconds()
            if self.seconds() > evaluate_due:
                evaluate_due = self.seconds() + 60 * config.evaluate_minutes
                self._log({"validation": self.validate(config.evaluate_tokens)})
            if self.seconds() > checkpoint_due:
                checkpoint_due = self.seconds() + 60 * config.checkpoint_minutes
                self.save()
        return self._finish()

    def _one_step(self) -> tuple[float, int]:
        import torch

        from models.training import parallel

        config = self.config
        documents = self.sampler.next_step(config.tokens_per_step)
        n_targets = sum(len(document) - 1 for document in documents)
        mine = parallel.share_of(documents, self.rank, self.n_ranks)
        batches = group_by_length(mine, config.micro_batch_tokens, self.tokenizer.pad_id)
        total = 0.0
        for batch in batches:
            loss = self.loss_of(torch.from_numpy(batch)) / n_targets
            torch.autograd.backward(loss)
            total += float(loss.detach())
        total = parallel.sum_gradients(self.model, total)
        if not math.isfinite(total):
            raise TrainingError(f"loss is {total} at step {self.step}; the last good checkpoint is in {self.out}")
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.gradient_clip)
        self.optimizers.step(
            cosine_share(self.step, self.progress(), config.warmup_steps, config.final_learning_rate_share)
        )
        self.step += 1
        self.n_tokens += n_targets
        return total, n_targets

    def validate(self, n_tokens: int) -> dict[str, float]:
        """Mean negative log-likelihood a token (nats), per modality that has a validation part."""
        import torch

        losses = {}
        for modality in self.config.mixture:
            batches = validation_batches(
                self.data, modality, n_tokens, self.config.micro_batch_tokens, self.tokenizer.pad_id
            )
            n_targets = sum(int((batch[:, 1:] != self.tokenizer.pad_id).sum()) for batch in batches)
            if n_targets:
                with torch.no_grad():
                    total = sum(float(self.loss_of(torch.from_numpy(batch))) for batch in batches)
                losses[modality] = round(total / n_targets, 4)
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
        return summary

    # -- state ------------------------------------------------------------------------------------------------
    def save(self) -> Path:
        from models.training.checkpoint import save_checkpoint

        if self.rank != 0:
            return self.out
        state = {"n_tokens": self.n_tokens, "seconds": self.seconds(), "sampler": self.sampler.state()}
        return save_checkpoint(self.out, self.step, self.model, self.optimizers.state(), state)

    def resume(self) -> None:
        from models.training.checkpoint import checkpoints, load_checkpoint

        found = checkpoints(self.out)
        if not found:
            raise TrainingError(f"nothing to resume: {self.out} holds no checkpoint")
        optimizer_state, state = load_checkpoint(found[-1], self.model)
        self.optimizers.load_state(optimizer_state)
        self.sampler.load_state(state["sampler"])
        self.step, self.n_tokens, self.seconds_before = state["step"], state["n_tokens"], state["seconds"]
        self.started = time.monotonic()
        self._say(f"resumed at step {self.step:,} from {found[-1]}")

    def _log(self, entry: dict[str, Any]) -> None:
        row = {"step": self.step, "tokens": self.n_tokens, "minutes": round(self.seconds() / 60, 2), **entry}
        if self.rank != 0:
            return
        with (self.out / "log.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")
        progress = self.progress()
        left = self.seconds() / 60 * (1 - progress) / progress if progress else math.inf
        shown = ", ".join(f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}" for k, v in entry.items())
        self._say(f"step {self.step:,}, {self.n_tokens:,} tokens, {shown}, {max(0.0, left):.1f} min left")

    @staticmethod
    def _say(message: str) -> None:
        print(f"pretrain: {message}", file=sys.stderr, flush=True)  # noqa: T201 - progress of a command


def _loss_function(model: Any, pad_id: int, compiled: bool) -> LossOf:
    """Summed next-token loss of a padded batch `(B, L)`; padding is no target and, being on the right, no
    context.
    """
    import torch
    from torch.nn.functional import cross_entropy

    def loss_of(ids: "torch.Tensor") -> "torch.Tensor":
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits
        targets = ids[:, 1:].flatten()
        return cross_entropy(logits.flatten(0, 1).float(), targets, ignore_index=pad_id, reduction="sum")

    return torch.compile(loss_of, dynamic=True) if compiled else loss_of
