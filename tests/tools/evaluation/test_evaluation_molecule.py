"""Molecule metrics against RDKit, scipy and sums by hand."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import QED, AllChem, Crippen, Descriptors
from scipy.stats import wasserstein_distance

from tools.evaluation.distribution_distance import DistanceTo, chance_distance, wasserstein
from tools.evaluation.diversity import diversity_figure
from tools.evaluation.known_molecules import find_known, outline
from tools.evaluation.molecule import EVALUATOR, molecule_properties
from tools.evaluation.protocol import Setup
from tools.evaluation.run import settings_for

DRUGS = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
    "CC(=O)Nc1ccc(O)cc1",
    "c1ccccc1",
]


def study(tmp_path: Path, model: Any, known: list[str], **options: Any) -> Any:
    data = tmp_path / "reference.smi"
    data.write_text("\n".join(known) + "\n")
    return EVALUATOR.open(Setup(model, settings_for(EVALUATOR, options, {}), data))


def record(smiles: str) -> dict[str, Any]:
    return {"smiles": smiles, "log_prob": -1.0, **molecule_properties(smiles)}


def test_shares_by_hand(tmp_path: Path, random_model: Any) -> None:
    molecules = study(tmp_path, random_model, ["CCO", "C[NH3+]"])
    records = [record(s) for s in ("CCO", "CCO", "CN", "CCC")] + [{"smiles": None, "reason": "cut off", "text": "C("}]
    figures = {figure.name: figure for figure in molecules.figures(records)}
    assert figures["validity"].value == 4 / 5
    assert figures["uniqueness"].value == 3 / 4
    assert figures["novelty"].value == 1 / 3  # CCO stands there, CN as its ammonium
    assert figures["novelty"].n == 3
    assert "no --reference given" in figures["novelty"].definition
    assert figures["mean_qed"].value == pytest.approx(
        np.mean([QED.qed(Chem.MolFromSmiles(s)) for s in ("CCO", "CCO", "CN", "CCC")])
    )
    assert figures["logp_distance"].n == 4


def test_nothing_valid_gives_no_value_and_not_zero(tmp_path: Path, random_model: Any) -> None:
    molecules = study(tmp_path, random_model, ["CCO"])
    figures = {f.name: f for f in molecules.figures([{"smiles": None, "reason": "x", "text": ""}] * 3)}
    assert figures["validity"].value == 0.0
    for name in ("uniqueness", "novelty", "internal_diversity", "qed_distance", "mean_qed"):
        assert figures[name].value is None, name


def test_properties_are_of_the_neutral_parent() -> None:
    found = molecule_properties("CC(=O)[O-]")
    acid = Chem.MolFromSmiles("CC(=O)O")
    assert found["logp"] == pytest.approx(Crippen.MolLogP(acid))
    assert found["mol_weight"] == pytest.approx(Descriptors.MolWt(acid))
    assert found["sa"] == pytest.approx(molecule_properties("CC(=O)O")["sa"])


def test_internal_diversity_as_moses_defines_it() -> None:
    prints = [AllChem.GetMorganFingerprintAsBitVect(Chem.MolFromSmiles(s), 2, 1024) for s in DRUGS]
    pairs = [[DataStructs.TanimotoSimilarity(a, b) for b in prints] for a in prints]
    figure = diversity_figure("d", DRUGS, seed=0, n_resamples=200)
    assert figure.value == pytest.approx(1 - np.mean(pairs), abs=1e-6)
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low <= figure.value <= figure.high
    assert diversity_figure("d", ["CCO"] * 4, seed=0, n_resamples=20).value == pytest.approx(0, abs=1e-6)
    assert diversity_figure("d", ["CCO"], seed=0).value is None


def test_distance_is_scipys_also_on_resamples() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        ours, theirs = rng.normal(size=30).round(1), rng.normal(0.5, 2, size=47).round(1)
        chosen = rng.integers(0, 30, 30)
        assert wasserstein(ours, theirs) == pytest.approx(wasserstein_distance(ours, theirs))
        assert DistanceTo(ours, theirs)(chosen) == pytest.approx(wasserstein_distance(ours[chosen], theirs))
    assert wasserstein(np.array([0.0, 1.0]), np.array([5.0, 6.0])) == pytest.approx(5)


def test_chance_distance_shrinks_with_the_square_root() -> None:
    reference = np.random.default_rng(0).normal(size=4000)
    few, many = chance_distance(reference, 100, seed=0), chance_distance(reference, 1600, seed=0)
    assert 2.5 < few / many < 6


def test_known_molecules_are_found_in_any_spelling_and_charge() -> None:
    known = [
        "OCC",  # other spelling
        "C[NH2+]Cc1ccccc1",  # charged
        "OC(=O)C1=CC=CC=C1",  # Kekulé
        "not a smiles",
        "[Na+].CC(=O)[O-]",  # a salt is itself, not its parent
        "O=C1C=CC(=O)C=C1",
    ]
    asked = ["CCO", "CNCc1ccccc1", "O=C(O)c1ccccc1", "CC(=O)O", "CCN", "CC(=O)[O-].[Na+]"]
    assert find_known(asked, known) == {"CCO", "CNCc1ccccc1", "O=C(O)c1ccccc1", "CC(=O)[O-].[Na+]"}
    assert find_known([], known) == set()


def test_outline_is_the_same_for_every_spelling_and_state() -> None:
    for smiles in [*DRUGS, "C[C@H](N)C(=O)O", "FC(F)(F)c1nc2[nH]ccc2cc1Br", "C#CCN1CCC2(CC1)OCCO2"]:
        mol = Chem.MolFromSmiles(smiles)
        expected = outline(Chem.MolToSmiles(mol))
        for seed in range(5):
            spelled = Chem.MolToRandomSmilesVect(mol, 1, randomSeed=seed)[0]
            assert outline(spelled) == expected
        assert outline(Chem.MolToSmiles(mol, kekuleSmiles=True)) == expected
    assert outline("C[NH3+]") == outline("CN")


def test_real_checkpoint_writes_molecules(tmp_path: Path, shipped_model: Any) -> None:
    molecules = study(tmp_path, shipped_model, DRUGS, n=24, seed=5)
    cases = list(molecules.cases([]))
    records = molecules.answer(cases)
    assert len(cases) == len(records) == 24
    valid = [one for one in records if one["smiles"]]
    assert len(valid) >= 15
    assert all(Chem.CanonSmiles(one["smiles"]) == one["smiles"] for one in valid)
    in_parts = molecules.answer(cases[:10]) + molecules.answer(cases[10:])
    assert [one["smiles"] for one in records] == [one["smiles"] for one in in_parts]


@pytest.mark.shared
def test_zinc_is_known_to_itself() -> None:
    path = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "chem" / "zinc250k.smi.gz"
    if not path.exists():
        pytest.skip("../shared/data is not here")
    with gzip.open(path, "rt") as file:
        lines = [next(file).strip() for _ in range(3000)]
    asked = lines[::300]
    assert find_known(asked, lines) == set(asked)
    assert find_known(asked, [line for at, line in enumerate(lines) if at % 300]) == set()
