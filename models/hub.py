"""Checkpoints of the Hugging Face hub by id (`org/name`): the local cache first, else a download.

Only safetensors weights, JSON files, tokenizer files and the card are fetched, from the repository's top
level; pickled weights and code never are. What is fetched is said before. A file already in the cache is
taken as it is: NOT promised is the newest revision.
"""

from __future__ import annotations

import json
import re
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from models.errors import CheckpointError

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_FETCHED = ["*.safetensors", "*.json", "tokenizer.model", "merges.txt", "vocab.txt", "README.md"]
_LEFT = ["*/*", "*consolidated*"]
"""Sub-directories hold other formats of the same weights, and so do `consolidated` files."""


def is_hub_id(checkpoint: str) -> bool:
    """True for `org/name` where neither that nor `org` is a directory here."""
    first = checkpoint.partition("/")[0]
    return bool(_HUB_ID.fullmatch(checkpoint)) and not Path(checkpoint).exists() and not Path(first).is_dir()


def fetch_checkpoint(hub_id: str) -> Path:
    """The directory of `hub_id` in the local cache, downloaded there first if need be. CheckpointError in one
    line when the hub cannot be reached or has no such model or no safetensors."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        cached = Path(snapshot_download(hub_id, allow_patterns=_FETCHED, ignore_patterns=_LEFT, local_files_only=True))
        if _is_whole(cached):
            return cached
    except LocalEntryNotFoundError:
        pass
    try:
        _announce(hub_id)
        return Path(snapshot_download(hub_id, allow_patterns=_FETCHED, ignore_patterns=_LEFT))
    except CheckpointError:
        raise
    except Exception as fault:
        raise CheckpointError(f"checkpoint {hub_id!r} is no directory here, and {_reason(fault)}") from fault


def _is_whole(folder: Path) -> bool:
    """config.json, a tokenizer and every shard that the index names are there."""
    if not (folder / "config.json").is_file() or not (folder / "tokenizer.json").is_file():
        return False
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return any(folder.glob("*.safetensors"))
    shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    return all((folder / name).is_file() for name in shards)


def _announce(hub_id: str) -> None:
    """Say what will be fetched; refuse a repository without safetensors before anything is."""
    from huggingface_hub import HfApi
    from huggingface_hub.constants import HF_HUB_CACHE

    files = HfApi().model_info(hub_id, files_metadata=True).siblings or []
    wanted = [file for file in files if _is_fetched(file.rfilename)]
    if not any(file.rfilename.endswith(".safetensors") for file in wanted):
        raise CheckpointError(
            f"{hub_id!r} on the hub has no *.safetensors weights at its top level; pickled weights are not fetched, "
            "because loading them can run code"
        )
    size_gb = sum(file.size or 0 for file in wanted) / 1e9
    names = ", ".join(sorted(file.rfilename for file in wanted)[:12])
    sys.stderr.write(f"fetching {hub_id} from the hub: {len(wanted)} files, {size_gb:.2f} GB ({names})\n")
    sys.stderr.write(f"into {HF_HUB_CACHE}\n")


def _is_fetched(name: str) -> bool:
    wanted = any(fnmatch(name, pattern) for pattern in _FETCHED)
    return wanted and not any(fnmatch(name, pattern) for pattern in _LEFT)


def _reason(fault: Any) -> str:
    from huggingface_hub.errors import GatedRepoError, OfflineModeIsEnabled, RepositoryNotFoundError

    if isinstance(fault, GatedRepoError):
        return "its hub repository is gated: accept its terms there and log in with `hf auth login`"
    if isinstance(fault, RepositoryNotFoundError):
        return "the hub has no model of that name (or it is private: log in with `hf auth login`)"
    if isinstance(fault, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE forbids to look on the hub; it is not in the local cache"
    said = " ".join(str(fault).split())[:160]
    return f"the hub could not be reached or did not answer as expected ({type(fault).__name__}: {said})"
