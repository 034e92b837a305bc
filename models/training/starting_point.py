"""Where a stage starts from: a checkpoint's folder, and the tokenizer it must share with the corpus."""

import json
from pathlib import Path

from models.errors import CheckpointError, ModelInputError
from models.tokenizer import ScientificTokenizer
from models.training.checkpoint import checkpoints


def start_folder(start: Path) -> Path:
    """`start` itself where it is a checkpoint, else the newest checkpoint of the run in it."""
    if (start / "config.json").is_file():
        return start
    if not (found := checkpoints(start)):
        raise CheckpointError(f"{start} is no checkpoint (config.json) and no run with checkpoints")
    return found[-1]


def corpus_tokenizer(corpus: Path) -> ScientificTokenizer:
    """The tokenizer the corpus was packed with."""
    if not (corpus / "tokenizer" / "tokenizer.json").is_file():
        raise ModelInputError(f"{corpus} is no corpus: it lacks tokenizer/tokenizer.json; build it again")
    return ScientificTokenizer.load(corpus / "tokenizer")


def check_same_tokenizer(folder: Path, tokenizer: ScientificTokenizer) -> None:
    """CheckpointError where the checkpoint in `folder` was trained with another tokenizer."""
    stated = json.loads((folder / "config.json").read_text()).get("vocab_size")
    if (folder / "tokenizer.json").is_file():
        own, other = tokenizer.fast.get_vocab(), ScientificTokenizer.load(folder).fast.get_vocab()
        differing = sorted(token for token in own.keys() | other.keys() if own.get(token) != other.get(token))
    else:
        differing = [] if stated == tokenizer.vocab_size else ["(no tokenizer saved with it)"]
    if differing:
        raise CheckpointError(
            f"checkpoint {folder} has another tokenizer than the corpus ({stated} and {tokenizer.vocab_size} tokens, "
            f"{len(differing)} differ, such as {differing[0]!r}); use a corpus built by the version that trained it"
        )
