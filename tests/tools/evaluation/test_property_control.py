"""Shares inside the asked bins by hand, the bins a data file fills, and a real (random) checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rdkit import Chem
from rdkit.Chem import Crippen

from models.backends.base import Request
from models.errors import ModelInputError
from models.grammar.properties import LOG_P, PROPERTIES, QED
from tools.errors import InputError
from tools.evaluation.property_control import EVALUATOR, Bin, PropertyStudy, frequent_bins
from tools.evaluation.protocol import Setup
from tools.evaluation.run import run_evaluation, settings_for

DRUGS = ["CC(=O)Oc1ccccc1C(=O)O", "CC(C)Cc1ccc(cc1)C(C)C(=O)O", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C", "CC(=O)Nc1ccc(O)cc1"]


def setup(model: Any, data: Path, n: int = 4, **options: Any) -> Setup:
    given = {"n": n, "max_new_tokens": 16}
    return Setup(model, settings_for(EVALUATOR, given, {"free_samples": 6, **options}), data)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "known.smi"
    path.write_text("\n".join([*DRUGS, "not a molecule"]) + "\n")
    return path


def sample(tag: str, logp: float | None) -> dict[str, Any]:
    measured = None if logp is None else {"logp": logp, "mol_weight": 300.0, "qed": 0.75}
    return {"tag": tag, "smiles": "C", "measured": measured}


def test_bins_that_hold_enough_of_the_file() -> None:
    found = frequent_bins([*DRUGS, "C("], [LOG_P, QED], 0.5, 100, seed=0)
    tags = [LOG_P.tag_of(Crippen.MolLogP(Chem.MolFromSmiles(smiles))) for smiles in DRUGS]  # type: ignore[attr-defined]
    shares = {one.tag: one.data_share for one in found}
    assert all(one.data_share >= 0.5 for one in found)
    expected = {tag: tags.count(tag) / 4 for tag in set(tags) if tags.count(tag) >= 2}
    assert {tag: share for tag, share in shares.items() if tag.startswith("<LogP")} == expected
    assert frequent_bins(["C("], PROPERTIES, 0.5, 100, seed=0) == []


def test_shares_by_hand(random_model: Any, data: Path) -> None:
    low, high = Bin(LOG_P, "<LogP:1..2>", 0.3), Bin(LOG_P, "<LogP:2..3>", 0.4)
    study = PropertyStudy(setup(random_model, data), [low, high])
    records = [
        *(sample(low.tag, value) for value in (1.0, 1.5, 2.0, None)),  # 2.0 belongs to the bin above
        *(sample(high.tag, value) for value in (2.9, 5.0, None, None)),
        *(sample("", value) for value in (1.2, 2.2, 2.4, 9.0, None)),
    ]
    figures = {figure.name: figure for figure in study.figures(records)}
    assert (figures["logp_in_bin"].value, figures["logp_in_bin"].n) == (3 / 8, 8)
    assert (figures["logp_in_bin_of_valid"].value, figures["logp_in_bin_of_valid"].n) == (3 / 5, 5)
    assert figures["logp_base"].value == pytest.approx((1 / 5 + 2 / 5) / 2)
    assert figures["logp[1..2]_in_bin"].value == 2 / 4
    assert figures["logp[2..3]_in_bin"].value == 1 / 4
    assert figures["logp[2..3]_in_bin_of_valid"].value == 1 / 2
    assert (figures["logp[1..2]_base"].value, figures["logp[2..3]_base"].value) == (1 / 5, 2 / 5)
    assert all(figure.low is not None and figure.high is not None for figure in figures.values())
    assert not any(name.startswith("qed") for name in figures)


class Watched:
    """The model itself, remembering the prompts it was given."""

    def __init__(self, model: Any) -> None:
        self.model, self.prompts = model, list[str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def generate(self, requests: Sequence[Request]) -> Any:
        self.prompts += [request.prompt for request in requests]
        return self.model.generate(requests)


def test_the_model_is_asked_for_the_bins(random_model: Any, data: Path) -> None:
    model = Watched(random_model)
    report: Mapping[str, Any] = run_evaluation(EVALUATOR, setup(model, data, properties="logp", min_share=0.5))
    assert model.prompts.count("<MoleculeS>") == 6
    asked = {prompt for prompt in model.prompts if prompt != "<MoleculeS>"}
    assert asked
    assert all(prompt.startswith("<LogP:") and prompt.endswith("<MoleculeS>") for prompt in asked)
    assert all(model.prompts.count(prompt) == 4 for prompt in asked)
    assert report["figures"]["logp_in_bin"]["n"] == 4 * len(asked)
    assert {"low", "high", "interval", "definition"} <= set(report["figures"]["logp_in_bin"])
    assert (report["settings"]["seed"], report["settings"]["temperature"]) == (0, 1.0)


def test_wrong_options_and_checkpoints_are_told(random_model: Any, data: Path) -> None:
    with pytest.raises(InputError, match="'tpsa' is not one of logp, mol_weight, qed"):
        EVALUATOR.open(setup(random_model, data, properties="logp,tpsa"))
    with pytest.raises(InputError, match="no bin holds"):
        EVALUATOR.open(setup(random_model, data, min_share=1.1))

    untrained = Watched(random_model)
    untrained.codec = SimpleNamespace(id_of=lambda tag: None)  # type: ignore[attr-defined]
    with pytest.raises(ModelInputError, match="was not trained on properties"):
        EVALUATOR.open(setup(untrained, data))
