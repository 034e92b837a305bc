"""From a training checkpoint to a directory that ships: safetensors of at most 15 MB each, tokenizer,
generation defaults.

Weights are stored in bfloat16 (they are read back into float32 on CPUs). `weights.sha256` lists the hash of
every weight file, so that a card's figures can be tied to exactly these bytes.
"""

import hashlib
import json
from pathlib import Path

MAX_SHARD_SIZE = "15MB"
HASHES = "weights.sha256"


def export_checkpoint(checkpoint: Path, tokenizer: Path, out: Path) -> dict[str, str]:
    """Write the shippable form of `checkpoint` into `out`; returns file name -> SHA-256."""
    import torch
    from transformers import AutoModelForCausalLM, GenerationConfig

    from models.tokenizer import ScientificTokenizer

    model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.bfloat16)
    words = ScientificTokenizer.load(tokenizer)
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.safetensors"):
        old.unlink()
    model.save_pretrained(out, max_shard_size=MAX_SHARD_SIZE)
    for file in out.glob("*.safetensors"):
        file.chmod(0o644)
    GenerationConfig(
        do_sample=True,
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        bos_token_id=words.bos_id,
        eos_token_id=words.eos_id,
        pad_token_id=words.pad_id,
    ).save_pretrained(out)
    words.save(out)
    hashes = weight_hashes(out)
    (out / HASHES).write_text("".join(f"{digest}  {name}\n" for name, digest in hashes.items()))
    return hashes


def weight_hashes(directory: Path) -> dict[str, str]:
    """SHA-256 of every safetensors file in `directory`, by name."""
    files = sorted(directory.glob("*.safetensors"))
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def stated_hashes(directory: Path) -> dict[str, str]:
    """The hashes written beside the weights."""
    rows = (line.split() for line in (directory / HASHES).read_text().splitlines())
    return {name: digest for digest, name in rows}


def parameter_count(directory: Path) -> int:
    """Parameters in the weight files (tied weights once), read from the headers alone."""
    total = 0
    for file in sorted(directory.glob("*.safetensors")):
        with file.open("rb") as stream:
            header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        for name, entry in header.items():
            if name != "__metadata__":
                size = 1
                for dimension in entry["shape"]:
                    size *= dimension
                total += size
    return total
