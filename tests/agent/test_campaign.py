"""Campaign files: what is accepted, and that every mistake is one line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.campaign import Campaign, load_campaign, parse_campaign
from agent.presets import preset_path
from tools.errors import InputError

GOOD = {"name": "abl", "target": "ABL1", "rounds": 2, "budget": {"docking_calls": 10}}


def test_a_bundled_target_may_be_given_by_its_name_alone(tmp_path: Path) -> None:
    campaign = parse_campaign(GOOD, tmp_path)
    assert campaign.target.name == "ABL1"
    assert campaign.dock_per_round == 5


def test_the_demo_preset_is_a_valid_campaign() -> None:
    campaign = load_campaign(preset_path("demo"))
    assert campaign.reference == "imatinib"
    assert campaign.rounds >= 3
    assert campaign.dock_per_round >= 8


def test_a_campaign_survives_json(tmp_path: Path) -> None:
    campaign = parse_campaign(GOOD, tmp_path)
    assert Campaign.model_validate(campaign.model_dump(mode="json")) == campaign


def test_relative_paths_are_taken_from_the_files_folder(tmp_path: Path) -> None:
    (tmp_path / "p.pdb").write_text("END\n")
    (tmp_path / "c.yaml").write_text("target: {pdb: p.pdb, pocket: from_ligand STI}\n")
    assert load_campaign(tmp_path / "c.yaml").target.pdb == tmp_path / "p.pdb"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"roundz": 3}, ["unknown key `roundz`", "did you mean `rounds`?", "budget"]),
        ({"budget": {"dockings": 3}}, ["unknown key `budget.dockings`", "docking_calls", "minutes"]),
        ({"budget": {"minutes": -1}}, ["budget.minutes", "greater than 0", "-1"]),
        ({"budget": {"docking_calls": -5}}, ["budget.docking_calls", "-5"]),
        ({"rounds": 0}, ["rounds", "0"]),
        ({"target": {"name": "ABL1", "pdb": "x.pdb"}}, ["target", "either `name`"]),
        ({"target": {"pdb": "x.pdb"}}, ["target", "pocket"]),
        ({"target": {"pdb": "x.pdb", "pocket": "STI"}}, ["from_ligand CODE", "STI"]),
        ({"target": {"pdb": "x.pdb", "pocket": "from_ligand STI"}}, ["target.pdb", "no such file"]),
        ({"target": {"pdb": "x.pdb", "box": {"center": [0, 0, 0], "size": [1, 1, 1]}}}, ["4 and 60 Å"]),
        ({"objective": [{"score": "vina", "goal": "down"}]}, ["objective.0.goal", "minimize"]),
        ({"reference": "nowhere.sdf"}, ["reference", "no such file"]),
        ({"refine": "magic"}, ["refine", "evolve"]),
        ({"name": "a/b"}, ["name"]),
    ],
)
def test_each_mistake_is_one_line_that_names_it(change: dict[str, object], words: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        parse_campaign({**GOOD, **change}, tmp_path)
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("content", ["target: [", "- a\n- b\n", "42", ""])
def test_a_file_that_is_no_mapping_is_refused_with_its_name(content: str, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(content)
    with pytest.raises(InputError, match=r"c\.yaml"):
        load_campaign(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.yaml"):
        load_campaign(tmp_path / "missing.yaml")


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        load_campaign(tmp_path / "c.yaml")
