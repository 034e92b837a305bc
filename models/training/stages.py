"""The three stages of training as one run: each begins where the one before ended, finished ones are skipped.

Under torchrun every process calls this alike. Killed and called again it goes on in the stage, and at the step, where
it stood.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from models.training import finetune, pretrain, reinforce


def run_stages(config: str, data: Path, out: Path) -> dict[str, Any]:
    """Pre-train, fine-tune and reinforce with the configurations named `config`; returns the summary of each stage.

    `data` is a corpus, or the data files, from which one is built in `out/pretrain/corpus` first.
    """
    stages = {name: out / name for name in ("pretrain", "finetune", "reinforce")}
    summaries: dict[str, Any] = {}
    for name, folder in stages.items():
        if (folder / "summary.json").is_file():
            summaries[name] = json.loads((folder / "summary.json").read_text())
            continue
        resume = any((folder / "checkpoints").glob("step-*"))
        corpus = data if (data / "corpus.json").is_file() else stages["pretrain"] / "corpus"
        if name == "pretrain":
            summaries[name] = pretrain.run(config, data, folder, resume)
        elif name == "finetune":
            summaries[name] = finetune.run(config, stages["pretrain"], corpus, folder, resume)
        else:
            summaries[name] = reinforce.run(config, stages["finetune"], corpus, folder, resume)
    return summaries
