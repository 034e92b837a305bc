"""Settings come from the environment, in one place, and say in one line what is wrong with them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from agent.config import PREFIX, Settings, load_settings
from tools.errors import InputError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def test_defaults_lie_in_the_users_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    assert settings.home == tmp_path / "data" / "organon"
    assert settings.home.is_dir()
    assert list(settings.home.iterdir()) == []
    assert 1 <= settings.workers <= (os.cpu_count() or 1)
    assert (
        settings.ledger_path.parent == settings.artifacts_path.parent == settings.vectors_path.parent == settings.home
    )
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert load_settings().home == tmp_path / "me" / ".local" / "share" / "organon"


def test_environment_is_read_and_arguments_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ORGANON_HOME", "~/here")
    monkeypatch.setenv("ORGANON_WORKERS", "3")
    monkeypatch.setenv("ORGANON_DEVICE", "cpu")
    settings = load_settings(workers=2)
    assert (settings.home, settings.workers, settings.device) == (tmp_path / "here", 2, "cpu")


def test_settings_are_frozen() -> None:
    settings = load_settings()
    with pytest.raises(ValidationError):
        settings.workers = 5


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ORGANON_WORKERS", "many", "ORGANON_WORKERS=many: .*integer"),
        ("ORGANON_WORKERS", "0", "ORGANON_WORKERS=0: .*greater"),
        ("ORGANON_DEVICE", "tpu", "ORGANON_DEVICE=tpu: .*'auto', 'cpu' or 'cuda'"),
        ("ORGANON_MEMORY_MB", "-1", "ORGANON_MEMORY_MB=-1"),
        ("ORGANON_LITERATURE_URLS", "arxiv", "ORGANON_LITERATURE_URLS=arxiv: .*Expecting value"),
        ("ORGANON_LITERATURE_URLS", "[1]", "ORGANON_LITERATURE_URLS=.*dictionary"),
        ("ORGANON_WORKER", "3", "ORGANON_WORKER is not a setting: did you mean ORGANON_WORKERS"),
        ("ORGANON_UNHEARD_OF", "3", "ORGANON_UNHEARD_OF is not a setting: there are ORGANON_HOME"),
    ],
)
def test_mistakes_are_one_line_with_name_and_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=words) as caught:
        load_settings()
    assert "\n" not in str(caught.value)


def test_unknown_argument_is_refused() -> None:
    with pytest.raises(InputError, match="wokers is not a setting: there are home, workers"):
        load_settings(wokers=3)


@pytest.mark.parametrize("home", ["{tmp}/file/home", "{tmp}/file", "/proc/organon-home"])
def test_home_that_cannot_be_written(tmp_path: Path, home: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"ORGANON_HOME=.* cannot be written") as caught:
        load_settings(home=home.format(tmp=tmp_path))
    assert "\n" not in str(caught.value)


def test_nothing_else_reads_the_environment() -> None:
    readers = [
        path.relative_to(ROOT).as_posix()
        for folder in ("agent", "tools", "models")
        for path in (ROOT / folder).rglob("*.py")
        if any(word in path.read_text(encoding="utf-8") for word in ("os.environ[", "os.environ.get", "os.getenv"))
    ]
    assert readers == ["agent/config.py", "models/training/sharding.py"]  # the latter: what torchrun and accelerate set
    assert set(Settings.model_fields) >= {"home", "workers", "memory_mb", "device", "checkpoint", "log_level"}
