"""The tool table and its boundary: every entry loads, every fault becomes an answer that names its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.errors import InputError
from tools.memory.artifacts import Artifacts
from tools.registry import DOMAINS, TOOLS, call, describe, is_fault, load_domain, tool_version
from tools.types import Verdict

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path / "artifacts")


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_loads_and_describes_itself(name: str) -> None:
    described = describe(name)
    assert described["about"]
    assert described["version"] == tool_version(name)
    assert "mol" not in described["parameters"]


@pytest.mark.parametrize("name", DOMAINS)
def test_every_domain_goes_from_cheap_to_expensive(name: str) -> None:
    costs = [stage.cost for stage in load_domain(name).stages]
    assert costs == sorted(costs)
    assert load_domain(name).name == name


def test_an_unknown_tool_or_domain_lists_the_known_ones(artifacts: Artifacts) -> None:
    with pytest.raises(InputError, match=r"unknown tool `docking`.*dock"):
        call("docking", {}, artifacts)
    with pytest.raises(InputError, match=r"unknown task `proteins`.*ligand"):
        load_domain("proteins")


@pytest.mark.parametrize(
    ("tool", "args", "fault", "words"),
    [
        ("size", {"smiles": "C1CC"}, "input", "C1CC"),
        ("size", {"smiles": ASPIRIN, "biggest": 3}, "input", "unknown argument biggest"),
        ("size", {}, "input", "missing argument smiles"),
        ("size", {"smiles": 7}, "input", "7"),
        ("strain", {"pose": "0" * 24 + ".sdf"}, "input", "not stored"),
        ("strain", {"pose": "../../etc/passwd"}, "input", "etc/passwd"),
        ("size", {"smiles": ASPIRIN, "minimum": "many"}, "error", "TypeError"),
    ],
)
def test_a_fault_is_unknown_and_names_its_remedy(
    tool: str, args: dict[str, object], fault: str, words: str, artifacts: Artifacts
) -> None:
    result = call(tool, args, artifacts)
    assert result.verdict is Verdict.UNKNOWN
    assert is_fault(result)
    assert result.details["fault"] == fault
    assert words in result.reason


def test_a_scientific_no_is_no_fault(artifacts: Artifacts) -> None:
    result = call("size", {"smiles": ASPIRIN}, artifacts)
    assert (result.verdict, is_fault(result), result.value) == (Verdict.FAIL, False, 13.0)


def test_a_structure_goes_into_the_store_and_comes_back_by_id(artifacts: Artifacts) -> None:
    prepared = load_domain("ligand").prepare({"name": "ABL1"}, artifacts)
    args = {"smiles": "Oc1ccccc1", "receptor": prepared["receptor"], "exhaustiveness": 1, "max_states": 1}
    docked = call("dock", args, artifacts)
    assert docked.verdict is Verdict.PASS
    assert docked.details["pose"] in artifacts
    assert "pose_molblock" not in docked.details
    posed = call("pose", {"pose": docked.details["pose"], "receptor": prepared["receptor"]}, artifacts)
    assert not is_fault(posed)
