"""Artifacts: same bytes, same id; nothing outside the directory; no half files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.errors import InputError, StopError
from tools.memory.artifacts import Artifacts


def test_what_is_put_comes_back_and_the_same_twice_is_one_file(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path / "artifacts")
    first = artifacts.put("Å pose", ".sdf")
    assert artifacts.put("Å pose".encode(), ".sdf") == first
    assert first.endswith(".sdf")
    assert artifacts.read_text(first) == "Å pose"
    assert artifacts.path(first).read_text(encoding="utf-8") == "Å pose"
    assert len([p for p in artifacts.root.rglob("*") if p.is_file()]) == 1
    assert first in artifacts
    assert artifacts.put("other", ".sdf") != first


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
def test_any_bytes_survive(tmp_path: Path, content: bytes) -> None:
    artifacts = Artifacts(tmp_path)
    assert artifacts.read_bytes(artifacts.put(content, "")) == content


@pytest.mark.parametrize(
    "artifact_id",
    [
        "../secret",
        "/etc/passwd",
        "0" * 24 + "/../x",
        "0" * 24 + "..sdf",
        "0" * 24,
        "",
        "ABC",
        "0" * 24 + ".sdf\n",
    ],
)
def test_unknown_and_malformed_ids_are_refused_by_name(tmp_path: Path, artifact_id: str) -> None:
    artifacts = Artifacts(tmp_path / "artifacts")
    (tmp_path / "secret").write_text("hidden")
    assert artifact_id not in artifacts
    with pytest.raises(InputError, match="artifact"):
        artifacts.path(artifact_id)


@pytest.mark.parametrize("suffix", ["sdf", ".s/df", "..", ".SDF", "/../../x"])
def test_odd_suffixes_are_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InputError, match="suffix"):
        Artifacts(tmp_path).put(b"x", suffix)


def test_changed_file_is_noticed_and_put_again_after_truncation(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    artifact_id = artifacts.put("content", ".txt")
    artifacts.path(artifact_id).write_text("cont")
    with pytest.raises(StopError, match=artifact_id):
        artifacts.read_text(artifact_id)
    assert artifacts.put("content", ".txt") == artifact_id
    assert artifacts.read_text(artifact_id) == "content"


def test_binary_is_not_text_and_failed_write_leaves_nothing(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    with pytest.raises(InputError, match="not text"):
        artifacts.read_text(artifacts.put(b"\xff\xfe\xff", ".bin"))
    in_the_way = artifacts.put("x", ".a")
    artifacts.path(in_the_way).unlink()
    (tmp_path / in_the_way[:2] / in_the_way).mkdir()
    with pytest.raises(StopError, match="cannot be written"):
        artifacts.put("x", ".a")
    assert not list(tmp_path.rglob(".part-*"))


def test_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        Artifacts(tmp_path / "file" / "artifacts")
