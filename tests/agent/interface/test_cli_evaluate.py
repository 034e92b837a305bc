"""`organon model eval` as a person runs it: figures on stdout, everything else on stderr, resumable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from agent.config import load_settings
from agent.interface.cli_evaluate import evaluate_command
from tools.errors import InputError
from tools.evaluation.registry import EVALUATORS

REACTIONS = "reactants,product\nCC(=O)Cl.Nc1ccccc1,CC(=O)Nc1ccccc1\nCCBr.[OH-],CCO\nCC(=O)O.CO,\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "reactions.csv"
    path.write_text(REACTIONS)
    return path


def evaluate(*words: str) -> Any:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command("eval")(evaluate_command(load_settings))
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_json_is_exactly_one_document(data: Path) -> None:
    words = ["reaction", "--data", str(data), "--n", "2", "--max-new-tokens", "40", "--json"]
    result = evaluate(*words)
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["task"], report["n_rows"], report["n_failed"]) == ("reaction", 3, 1)
    assert report["checkpoint"]["path"] == "shipped"
    assert "forward reaction prediction" in result.stderr


def test_table_has_every_figure_and_its_definition(data: Path, tmp_path: Path) -> None:
    words = ["retrosynthesis", "--data", str(data), "--n", "2", "--max-new-tokens", "40", "--out", str(tmp_path / "o")]
    result = evaluate(*words)
    report = json.loads((tmp_path / "o" / "retrosynthesis.json").read_text())
    for name, figure in report["figures"].items():
        assert f"{name}: {figure['definition']}" in result.stdout
    assert "not computable: row-3: column product is empty" in result.stdout
    again = evaluate(*words, "--json")
    assert {**json.loads(again.stdout), "seconds": 0} == {**report, "seconds": 0}
    with pytest.raises(InputError, match="records of other settings"):
        evaluate(*words, "--seed", "3")


def test_beams_and_spellings(data: Path) -> None:
    words = ["retrosynthesis", "--data", str(data), "--n", "2", "--beams", "2", "--augment", "2", "--limit", "1"]
    report = json.loads(evaluate(*words, "--max-new-tokens", "30", "--option", "round_trip=0", "--json").stdout)
    assert report["settings"]["beams"] == 2
    assert report["settings"]["options"] == {"round_trip": 0}
    assert "round_trip_1" not in report["figures"]


def test_list_names_every_evaluation() -> None:
    assert {row["task"] for row in json.loads(evaluate("list", "--json").stdout)} == set(EVALUATORS)
    plain = evaluate("list").stdout
    assert all(name in plain for name in EVALUATORS)


def test_bad_words_are_said_before_the_model_loads(data: Path) -> None:
    with pytest.raises(InputError, match="unknown evaluation 'poem'"):
        evaluate("poem", "--data", str(data))
    with pytest.raises(InputError, match="give --data FILE with columns product, reactants"):
        evaluate("reaction")
    with pytest.raises(InputError, match="takes no --reference"):
        evaluate("reaction", "--data", str(data), "--reference", str(data))
    with pytest.raises(InputError, match="write NAME=VALUE"):
        evaluate("reaction", "--data", str(data), "--where", "split")
    with pytest.raises(InputError, match="of the kind of its default 1"):
        evaluate("retrosynthesis", "--data", str(data), "--option", "round_trip=many")
    with pytest.raises(InputError, match="has no option 'round_trip'"):
        evaluate("reaction", "--data", str(data), "--option", "round_trip=1")


def test_a_file_with_nothing_to_compute_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_text("reactants,product\nC(,C\n")
    result = evaluate("reaction", "--data", str(path), "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["n_failed"] == 1
