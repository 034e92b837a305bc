"""What is read from a checkpoint directory without loading it, and which directories are refused, with the
reason."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from models.checkpoint import SHIPPED_CHECKPOINT, count_parameters, hash_weights, locate_checkpoint, read_card_title
from models.errors import CheckpointError, ModelInputError
from models.grammar.properties import PROPERTY_TAGS
from models.grammar.tags import ALL_TAGS, LOGOS_TAGS
from models.registry import BACKENDS, checkpoint_info, load_generator


@pytest.fixture
def broken(our_checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of a good checkpoint to be damaged."""
    return Path(shutil.copytree(our_checkpoint, tmp_path / "copy"))


def test_info_of_our_checkpoint(our_checkpoint: Path, broken: Path, load: Callable[..., Any]) -> None:
    (broken / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A random model\n\nText\n")
    info = checkpoint_info(broken)
    model = load(our_checkpoint)
    assert info["title"] == "A random model"
    assert (info["architecture"], info["model_type"]) == ("LlamaForCausalLM", "llama")
    assert info["parameters"] == sum(p.numel() for p in model._model.parameters())
    assert info["dtype"] == {"F32": info["parameters"]}
    assert info["vocabulary"] == info["tokenizer_ids"] == model.n_vocab
    assert info["context"] == 96
    assert sorted(info["tags"]) == sorted(set(ALL_TAGS) - set(PROPERTY_TAGS))
    assert info["properties"] == ["LogP", "MW", "QED"]
    assert (info["missing_tags"], info["unknown_tags"]) == ([], [])
    assert info["sha256"] == model.checkpoint_hash
    assert json.loads(json.dumps(info)) == info


def test_info_of_a_byte_pair_checkpoint(bpe_checkpoint: Path) -> None:
    info = checkpoint_info(bpe_checkpoint, with_hash=False)
    assert sorted(info["tags"]) == sorted(LOGOS_TAGS)
    assert info["properties"] == []
    assert info["title"] is None
    assert info["sha256"] is None


def test_missing_and_unknown_tags_are_listed(broken: Path) -> None:
    path = broken / "tokenizer.json"
    path.write_text(path.read_text().replace("<MetalS>", "<Genome>"))
    info = checkpoint_info(broken)
    assert info["missing_tags"] == ["<MetalS>"]
    assert info["unknown_tags"] == ["<Genome>"]


def test_hash_covers_names_and_contents(broken: Path) -> None:
    (only,) = broken.glob("*.safetensors")
    expected = hashlib.sha256(only.name.encode() + b"\0" + only.read_bytes()).hexdigest()
    assert hash_weights(broken) == expected
    only.rename(broken / "other.safetensors")
    assert hash_weights(broken) != expected


def test_a_card_without_a_heading_has_no_title(tmp_path: Path) -> None:
    assert read_card_title(tmp_path) is None
    (tmp_path / "README.md").write_text("no heading")
    assert read_card_title(tmp_path) is None


def remove(name: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).unlink()


def pickle_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")


def truncate(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def edit_config(**changes: Any) -> Callable[[Path], Any]:
    def edit(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return edit


def drop_layer(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.0.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (remove("config.json"), "no config.json"),
        (remove("model.safetensors"), r"no \*.safetensors"),
        (remove("tokenizer.json"), "tokenizer"),
        (pickle_weights, "pickled weights only"),
        (truncate, "cannot be loaded"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be loaded|cannot be read"),
        (edit_config(model_type="nosuchmodel"), "nosuchmodel"),
        (
            edit_config(model_type="nosuchmodel", auto_map={"AutoConfig": "own.Config"}),
            "nosuchmodel|remote|custom",
        ),
        (edit_config(intermediate_size=40), "cannot be loaded"),
        (edit_config(vocab_size=20), "cannot be loaded"),
        (drop_layer, "lacks 1 weights.*up_proj"),
    ],
)
def test_damaged_checkpoints_are_refused(
    broken: Path, damage: Callable[[Path], Any], named: str, load: Callable[..., Any]
) -> None:
    damage(broken)
    with pytest.raises(CheckpointError, match=named) as refused:
        load(broken, device="cpu")
    assert "\n" not in str(refused.value)


def test_code_beside_the_weights_is_never_run(broken: Path, load: Callable[..., Any], tmp_path: Path) -> None:
    (broken / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Model: ...\nclass Config: ...\n")
    edit_config(auto_map={"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"})(broken)
    load(broken, device="cpu")
    assert not (tmp_path / "ran").exists()


def test_a_tokenizer_of_another_model_is_refused(
    our_checkpoint: Path, bpe_checkpoint: Path, tmp_path: Path, load: Callable[..., Any]
) -> None:
    mixed = Path(shutil.copytree(bpe_checkpoint, tmp_path / "mixed"))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(our_checkpoint / name, mixed / name)
    with pytest.raises(CheckpointError, match="do not belong together"):
        load(mixed, device="cpu")


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not a directory"):
        locate_checkpoint(tmp_path / "nothing")


def test_the_shipped_checkpoint_is_found_or_said_to_be_absent() -> None:
    if any(SHIPPED_CHECKPOINT.glob("*.safetensors")):
        assert count_parameters(locate_checkpoint(None))[0] > 100_000
        return
    with pytest.raises(CheckpointError, match="models/weights"):
        locate_checkpoint(None)


def test_backends_and_devices_are_named(our_checkpoint: Path) -> None:
    assert "causal_lm" in BACKENDS
    assert load_generator(our_checkpoint, "cpu", max_batch=2).device == "cpu"
    with pytest.raises(ModelInputError, match="causal_lm"):
        load_generator(our_checkpoint, backend="abacus")
    with pytest.raises(ModelInputError, match="device"):
        load_generator(our_checkpoint, "quantum")
    with pytest.raises(ModelInputError, match="CUDA devices"):
        load_generator(our_checkpoint, "cuda:97")
    with pytest.raises(ModelInputError, match="dtype"):
        load_generator(our_checkpoint, "cpu", dtype="int3")
