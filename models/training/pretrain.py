"""Pre-training of one decoder on the packed corpus: resumable to the step, limited by steps or by the clock."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from models.training.config import ConfigError, PretrainConfig, load_config


def run(
    config: str,
    data: Path,
    out: Path,
    resume: bool = False,
    minutes: float | None = None,
    start_from: Path | None = None,
) -> dict[str, Any]:
    """The command `organon model train pretrain`: builds the corpus beside the run unless `data` already is
    one.

    `minutes` replaces the configuration's limit; `start_from` is a checkpoint whose weights (only they) the run
    begins with. Returns the final summary (steps, tokens, validation losses, checkpoint).
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
    return pretrain(settings, corpus, out, resume, start_from)


def pretrain(
    config: PretrainConfig, data: Path, out: Path, resume: bool, start_from: Path | None = None
) -> dict[str, Any]:
    """Train on the corpus in `data`, writing checkpoints, `log.jsonl` and `summary.json` into `out`."""
    import torch

    from models.training.architecture import build_model
    from models.training.checkpoint import check_new
    from models.training.starting_point import corpus_tokenizer, start_folder
    from models.training.trainer import Trainer

    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    tokenizer = corpus_tokenizer(data)
    if not resume:
        check_new(out)
    start = None if resume or start_from is None else start_folder(start_from)
    trainer = Trainer(config, data, out, build_model(config, tokenizer), tokenizer, start)
    if resume:
        trainer.resume()
    return trainer.train()
