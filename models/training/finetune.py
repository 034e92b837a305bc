"""Fine-tuning, the second stage: a pre-trained checkpoint goes on with another mixture, with loss on answers only."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from models.training.config import ConfigError, TrainingConfig, load_config


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneConfig(TrainingConfig):
    """As pre-training, less the shape, which the checkpoint has."""

    loss_on: Literal["all", "answer"] = "answer"  # what is given need not be learned to be written


def run(
    config: str, start: Path, data: Path, out: Path, resume: bool = False, minutes: float | None = None
) -> dict[str, Any]:
    """The command `organon model train finetune`. `start` is a checkpoint, or a run's folder (its newest one then);
    `data` a corpus. `minutes` replaces the configuration's limit. Returns the summary.
    """
    settings = load_config("finetune", config, FinetuneConfig)
    if minutes is not None:
        settings = replace(settings, minutes=minutes, steps=None)
    if not (data / "corpus.json").is_file():
        raise ConfigError(f"{data} holds no corpus (corpus.json); build one with `organon model corpus build`")
    return finetune(settings, start, data, out, resume)


def finetune(config: FinetuneConfig, start: Path, data: Path, out: Path, resume: bool) -> dict[str, Any]:
    """Fine-tune the checkpoint in `start` on the corpus in `data`, writing into `out` as `pretrain` does."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from models.training.checkpoint import check_new
    from models.training.starting_point import check_same_tokenizer, corpus_tokenizer, start_folder
    from models.training.trainer import Trainer

    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    folder, tokenizer = start_folder(start), corpus_tokenizer(data)
    check_same_tokenizer(folder, tokenizer)
    if not resume:
        check_new(out)
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder, local_files_only=True))
    trainer = Trainer(config, data, out, model.float(), tokenizer, start=None if resume else folder)
    if resume:
        trainer.resume()
    return trainer.train()
