"""The records file: resumed, cut off, damaged, of other settings, in use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.errors import InputError, StopError
from tools.evaluation.records import RecordFile, identity_key

IDENTITY = {"task": "molecule", "settings": {"seed": 0, "top_p": 1.0}, "checkpoint_sha256": "abc"}


def filled(path: Path) -> Path:
    with RecordFile(path, IDENTITY) as store:
        store.append([{"case": "row-1", "x": 1}, {"case": "row-2", "failed": "no"}])
        store.append([{"case": "row-3", "x": 3}])
    return path


def test_what_was_written_is_there_again(tmp_path: Path) -> None:
    path = filled(tmp_path / "deep" / "r.jsonl")
    with RecordFile(path, dict(reversed(list(IDENTITY.items())))) as store:
        assert store.finished == {
            "row-1": {"case": "row-1", "x": 1},
            "row-2": {"case": "row-2", "failed": "no"},
            "row-3": {"case": "row-3", "x": 3},
        }
    assert json.loads(path.read_text().splitlines()[0])["identity"] == IDENTITY


@pytest.mark.parametrize("n_bytes", [1, 7, 30])
def test_a_cut_off_last_line_is_dropped_and_rewritten(tmp_path: Path, n_bytes: int) -> None:
    path = filled(tmp_path / "r.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[:-n_bytes])
    with RecordFile(path, IDENTITY) as store:
        assert set(store.finished) == {"row-1", "row-2"}
        store.append([{"case": "row-3", "x": 3}])
    assert path.read_bytes() == whole


@pytest.mark.parametrize("n_bytes", [0, 5])
def test_a_file_without_its_first_line_begins_anew(tmp_path: Path, n_bytes: int) -> None:
    path = filled(tmp_path / "r.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[:n_bytes])
    with RecordFile(path, IDENTITY) as store:
        assert store.finished == {}
    assert path.read_bytes() == whole.splitlines(keepends=True)[0]


def test_other_settings_do_not_mix(tmp_path: Path) -> None:
    path = filled(tmp_path / "r.jsonl")
    other = {**IDENTITY, "settings": {"seed": 1, "top_p": 1.0}, "checkpoint_sha256": "d" * 64}
    with (
        pytest.raises(InputError, match=r'checkpoint_sha256 "abc" there, "ddd.*; settings.seed 0 there, 1 now'),
        RecordFile(path, other),
    ):
        pass
    assert identity_key(other) != identity_key(IDENTITY)
    with RecordFile(path, IDENTITY) as store:
        assert len(store.finished) == 3


def test_damage_in_the_middle_is_said_with_its_line(tmp_path: Path) -> None:
    path = filled(tmp_path / "r.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:2], "{broken\n", *lines[2:]]))
    with pytest.raises(InputError, match="line 3 is damaged"), RecordFile(path, IDENTITY):
        pass
    path.write_text("".join([*lines[:2], '{"case": "row-9", "key": "of another run"}\n']))
    with pytest.raises(InputError, match="line 3 is no record of this run"), RecordFile(path, IDENTITY):
        pass
    path.write_text('{"some": "other file"}\n')
    with pytest.raises(InputError, match="was not written by an evaluation"), RecordFile(path, IDENTITY):
        pass


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with (
        RecordFile(path, IDENTITY),
        pytest.raises(InputError, match="another evaluation is writing"),
        RecordFile(path, IDENTITY),
    ):
        pass
    with RecordFile(path, IDENTITY) as store:
        assert store.finished == {}


def test_nowhere_to_write(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(InputError, match="cannot write to"), RecordFile(blocked / "r.jsonl", IDENTITY):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_stops_the_run_and_keeps_what_is_written(tmp_path: Path) -> None:
    path = filled(tmp_path / "r.jsonl")
    before = path.read_bytes()
    with RecordFile(path, IDENTITY) as store:
        store.path = Path("/dev/full")
        with pytest.raises(StopError, match="finished rows are kept"):
            store.append([{"case": "row-4"}])
    assert path.read_bytes() == before
