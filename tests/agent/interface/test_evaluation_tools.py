"""Docking for evaluations, in real worker processes."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from agent.config import Settings
from agent.interface.evaluation_tools import evaluation_tools
from tools.errors import InputError

SHARED = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "chem"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, workers=1)


def test_nothing_is_started_where_docking_is_off(settings: Settings) -> None:
    with evaluation_tools(settings, {"dock": False}) as tools:
        assert tools == {}
    with evaluation_tools(settings, {}) as tools:
        assert tools == {}


def test_a_wrong_receptor_is_said_and_a_slow_molecule_has_no_score(settings: Settings, tmp_path: Path) -> None:
    with evaluation_tools(settings, {"dock": True}) as tools, pytest.raises(InputError, match=r"absent\.pdb"):
        tools["dock"](["CCO"], tmp_path / "absent.pdb", tmp_path / "absent.sdf")
    hasty = settings.model_copy(update={"chain_timeout_seconds": 0.001})
    with evaluation_tools(hasty, {"dock": True}) as tools:
        assert tools["dock"](["CCO", "CC"], tmp_path / "absent.pdb", tmp_path / "absent.sdf") == [None, None]


@pytest.mark.shared
def test_a_real_pocket(settings: Settings, tmp_path: Path) -> None:
    archive = SHARED / "crossdocked_dev80_structures.tar.gz"
    if not archive.exists():
        pytest.skip("../shared/data is not here")
    with tarfile.open(archive) as files:
        names = [name for name in files.getnames() if name.endswith(".sdf")]
        ligand = min(names, key=len)
        receptor = next(n for n in files.getnames() if Path(n).parent == Path(ligand).parent and _is_receptor(n))
        for name in (ligand, receptor):
            (tmp_path / Path(name).name).write_bytes(files.extractfile(name).read())  # type: ignore[union-attr]
    with evaluation_tools(settings, {"dock": True}) as tools:
        paths = tmp_path / Path(receptor).name, tmp_path / Path(ligand).name
        found = tools["dock"](["Nc1ccccc1", "[Pt](Cl)(Cl)(N)N"], *paths, exhaustiveness=1, seed=1)
    assert -9 < found[0] < -2
    assert found[1] is None


def _is_receptor(name: str) -> bool:
    return name.endswith(".pdb") and "pocket10" not in name
