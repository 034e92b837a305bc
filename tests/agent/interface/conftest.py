"""The command called in this process, and small random checkpoints of the shapes that are served."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def assert_bad_input(self, *words: str) -> None:
        """Exit code 2, nothing on stdout, one error line with these words in it."""
        errors = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert (self.code, self.out, len(errors)) == (2, "", 1), (self.code, self.out, self.err)
        for word in words:
            assert word in errors[0]


@pytest.fixture
def organon(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Done]:
    import app

    def run(*args: str) -> Done:
        monkeypatch.setenv("ORGANON_HOME", str(tmp_path / "home"))
        monkeypatch.setattr(sys, "argv", ["organon", *map(str, args)])
        capfd.readouterr()
        code = 0
        try:
            app.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        out, err = capfd.readouterr()
        return Done(code, out, err)

    return run


def checkpoints() -> Any:
    """The builders of tests/models/conftest.py."""
    spec = importlib.util.spec_from_file_location("small_checkpoints", ROOT / "tests" / "models" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def our_shape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Organon's tokenizer and a random Llama."""
    from models.tokenizer import ScientificTokenizer

    folder: Path = checkpoints().write_checkpoint(tmp_path_factory.mktemp("our"), ScientificTokenizer.build().fast)
    return folder


@pytest.fixture(scope="session")
def logos_shapes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A Llama with a begin-of-text and a Qwen3 without one, byte-pair tokenizers with LOGOS's tags, three more in
    the second."""
    build = checkpoints()
    llama = build.write_checkpoint(
        tmp_path_factory.mktemp("llama"), build.build_bpe_tokenizer(), max_position_embeddings=160
    )
    more = build.build_bpe_tokenizer(bos=False, more_tags=("<GenomeS>", "<GenomeE>", "<Predict>"))
    return {"llama": llama, "qwen3": build.write_qwen3_checkpoint(tmp_path_factory.mktemp("qwen3"), more)}
