"""The card's figures: every planned run is one the evaluations accept, commands repeat their report, wrong weights are
refused."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from agent.config import load_settings
from agent.interface.cli_evaluate import evaluate_command
from tools.errors import InputError
from tools.evaluation.card_figures import ROWS, collect_figures, command_of, figures_missing, load_reports
from tools.evaluation.card_plan import PLAN, card_evaluation
from tools.evaluation.protocol import Setup
from tools.evaluation.registry import load_evaluator
from tools.evaluation.run import Selection, run_evaluation, settings_for

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
REACTIONS = "reactants,product,split\nCC(=O)Cl.Nc1ccccc1,CC(=O)Nc1ccccc1,test\nCCBr.[OH-],CCO,test\nCC,CO,train\n"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, random_model: Any) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("data") / "chem"
    folder.mkdir()
    path = folder / "reactions.csv"
    path.write_text(REACTIONS)
    evaluator = load_evaluator("reaction")
    setup = Setup(random_model, settings_for(evaluator, {"n": 5, "beams": 5, "max_new_tokens": 20}, {}), path)
    return run_evaluation(evaluator, setup, selection=Selection({"split": "test"}, 2))


@pytest.mark.parametrize("name", PLAN)
def test_the_evaluations_accept_what_is_planned(name: str) -> None:
    planned = card_evaluation(name)
    evaluator = load_evaluator(planned.evaluator)
    settings = settings_for(evaluator, planned.given, planned.options)
    assert not settings.constrained
    assert (settings.seed, settings.top_p) == (0, 1.0)
    assert (settings.temperature == 1.0) != name.endswith("_cool")
    assert settings.augment <= 20
    assert not (planned.limit and evaluator.samples_are_rows)
    assert not planned.references or evaluator.references


@pytest.mark.shared
@pytest.mark.parametrize("name", PLAN)
def test_the_data_of_the_plan_is_there(name: str) -> None:
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is absent")
    planned = card_evaluation(name)
    assert [file for file in (planned.data, *planned.references) if not (DATA / file).is_file()] == []


def test_every_row_of_the_card_names_a_planned_evaluation() -> None:
    assert {row.evaluation for row in ROWS.values()} == set(PLAN) - {one.threshold_from for one in PLAN.values()}
    assert all(one.threshold_from in {"", *PLAN} for one in PLAN.values())


def test_what_the_project_asked_of_its_checkpoint() -> None:
    """The thresholds of the issue that set them."""
    asked = {name: (row.at_least, row.stretch) for name, row in ROWS.items() if row.at_least is not None}
    assert asked == {
        "molecule_valid": (0.95, 0.98),
        "molecule_unique": (0.99, 0.999),
        "molecule_novel": (0.90, 0.95),
        "property_logp": (0.70, 0.90),
        "retrosynthesis_top_1": (0.35, 0.48),
        "retrosynthesis_top_10": (0.65, 0.80),
        "reaction_top_1": (0.60, 0.80),
        "pocket_mcc": (0.30, 0.45),
        "ligand_valid": (0.95, 0.98),
        "ligand_qed": (0.55, 0.60),
        "ligand_sa": (3.5, 3.0),
        "pocket_use_auroc": (0.60, 0.70),
        "material_vnu": (0.50, 0.70),
        "cdr_h3_aar": (0.30, 0.36),
    }
    assert ROWS["ligand_sa"].better == "lower"
    assert len(figures_missing([])) == len(asked)
    assert figures_missing(list(ROWS)) == []


def test_figures_are_those_of_the_report(report: dict[str, Any]) -> None:
    figures = collect_figures({"reaction": report}, report["checkpoint"]["sha256"])
    assert set(figures) == {"reaction_top_1", "reaction_top_5"}
    ours, theirs = figures["reaction_top_1"], report["figures"]["top_1"]
    assert (ours.value, ours.low, ours.high, ours.n) == tuple(theirs[name] for name in ("value", "low", "high", "n"))
    assert ours.settings["data"] == "chem/reactions.csv"
    assert (ours.settings["cases"], ours.settings["beams"], ours.settings["limit"]) == (2, 5, 2)
    assert "/tmp" not in json.dumps(dict(ours.settings)) + ours.command


def test_the_command_of_a_figure_repeats_its_report(report: dict[str, Any], random_checkpoint: Path) -> None:
    words = shlex.split(command_of(report))
    assert words[:4] == ["organon", "model", "eval", "reaction"]
    assert words[5] == "../shared/data/chem/reactions.csv"
    words[5] = report["data"]["path"]
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command("eval")(evaluate_command(load_settings))
    result = CliRunner().invoke(app, [*words[3:], "--checkpoint", str(random_checkpoint), "--json"])
    again = json.loads(result.stdout)
    assert again["figures"] == report["figures"]
    assert again["key"] == report["key"]


def test_reports_of_other_weights_and_of_other_figures_are_refused(report: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="the report of reaction is of checkpoint"):
        collect_figures({"reaction": report}, "0" * 64)
    other = {**report, "figures": {"top_3": report["figures"]["top_3"]}}
    with pytest.raises(InputError, match="has no figure 'top_1'; it has top_3"):
        collect_figures({"reaction": other}, report["checkpoint"]["sha256"])


def test_a_folder_without_reports_is_said(tmp_path: Path, report: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="holds no report"):
        load_reports(tmp_path)
    (tmp_path / "reaction").mkdir()
    (tmp_path / "reaction" / "reaction.json").write_text("{")
    with pytest.raises(InputError, match="is no report of an evaluation"):
        load_reports(tmp_path)
    (tmp_path / "reaction" / "reaction.json").write_text(json.dumps(report))
    assert load_reports(tmp_path) == {"reaction": report}


def test_unknown_card_evaluation() -> None:
    with pytest.raises(InputError, match="unknown card evaluation 'poem'; there are molecule"):
        card_evaluation("poem")
