from dataclasses import replace

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from tools.docking.check_redock import check_redock
from tools.docking.controls import (
    enrichment,
    enrichment_factor,
    judge_trust,
    match_decoys,
    redock,
    roc_auc,
)
from tools.errors import InputError
from tools.types import Verdict

ACTIVES = ["CC(=O)Nc1ccc(O)cc1", "CC(C)Cc1ccc(C(C)C(=O)O)cc1"]
POOL = [
    "O=C(O)CCc1ccc(C#N)nc1", "COc1cc(C=O)ccc1O", "OCC1CCCCC1N1CCOCC1", "CCOC(=O)C1CCN(C)CC1", "c1ccc2[nH]ccc2c1",
    "NC1CCC(C(=O)O)CC1", "CCCCCCCCCCCC(=O)O", "FC(F)(F)c1ccnc(Cl)c1", "CN1CCC[C@H]1c1cccnc1", "O=C1CCCN1CCO",
    "CC(=O)Nc1ccc(OC)cc1", "CC(=O)Nc1ccc(O)cc1", "O=S(=O)(N1CCCC1)c1cccs1", "not a smiles", "CCO.CCO",
]  # fmt: skip


def test_auc_of_known_rankings():
    labels = np.array([True, True, False, False])
    assert roc_auc(np.array([4.0, 3.0, 2.0, 1.0]), labels) == 1.0
    assert roc_auc(np.array([1.0, 2.0, 3.0, 4.0]), labels) == 0.0
    assert roc_auc(np.array([4.0, 1.0, 2.0, 3.0]), labels) == 0.5
    assert roc_auc(np.array([1.0, 1.0, 1.0, 1.0]), labels) == 0.5
    assert roc_auc(np.array([3.0, 1.0, 2.0, 1.0]), labels) == 0.625


def test_enrichment_factor_of_known_rankings():
    labels = np.array([True] * 5 + [False] * 95)
    scores = -np.arange(100.0)
    assert enrichment_factor(scores, labels, 0.05) == pytest.approx(20.0)
    assert enrichment_factor(-scores, labels, 0.05) == 0.0
    assert enrichment_factor(scores, labels, 0.10) == pytest.approx(10.0)


def test_enrichment_separates_docking_from_size():
    rng = np.random.default_rng(0)
    sizes = rng.integers(20, 35, 80)
    by_size = enrichment(
        (-0.3 * sizes[:40]).tolist(), (-0.3 * sizes[40:]).tolist(), sizes[:40].tolist(), sizes[40:].tolist()
    )
    assert by_size.auc == pytest.approx(by_size.heavy_atom_auc)
    assert by_size.auc_difference_low == by_size.auc_difference_high == 0.0
    real = enrichment(
        rng.normal(-10, 1, 40).tolist(), rng.normal(-7, 1, 40).tolist(), sizes[:40].tolist(), sizes[40:].tolist()
    )
    assert real.auc > 0.9
    assert real.auc_low < real.auc < real.auc_high
    assert real.auc_difference_low > 0


def test_enrichment_is_reproducible_and_needs_both_kinds():
    first = enrichment([-9.0, -8.0, -7.5], [-7.0, -6.0], [20, 21, 22], [20, 23])
    assert first == enrichment([-9.0, -8.0, -7.5], [-7.0, -6.0], [20, 21, 22], [20, 23])
    with pytest.raises(InputError, match="needs 2 actives and 2 decoys, not 1 and 2"):
        enrichment([-9.0], [-7.0, -6.0], [20], [20, 23])
    with pytest.raises(InputError, match="5 affinities but 4 heavy-atom counts"):
        enrichment([-9.0, -8.0, -7.5], [-7.0, -6.0], [20, 21, 22], [20])


def test_decoys_look_alike_and_are_not_alike():
    decoys = match_decoys(ACTIVES, POOL, 3, max_similarity=0.35)
    assert len(decoys) == len(set(decoys)) == 6
    assert not set(decoys) & {"CC(=O)Nc1ccc(O)cc1", "CC(=O)Nc1ccc(OC)cc1", "not a smiles", "CCO.CCO"}
    assert decoys == match_decoys(ACTIVES, POOL, 3, max_similarity=0.35)
    weights = [rdMolDescriptors.CalcExactMolWt(Chem.MolFromSmiles(s)) for s in decoys[:3]]
    assert all(abs(weight - 151.06) < 30 for weight in weights)


def test_decoys_from_nothing_are_none():
    assert match_decoys(ACTIVES, ["CC(=O)Nc1ccc(O)cc1"], 3) == []
    assert match_decoys(ACTIVES, [], 3) == []


@pytest.mark.parametrize(
    ("rmsds", "trust"),
    [
        ([], "untested"), ([0.5, 0.6, 0.7], "trusted"), ([0.5, 0.6, 7.0], "trusted"), ([0.5, 6.0, 7.0], "weak"),
        ([2.0], "trusted"), ([2.01], "weak"),
    ],
)  # fmt: skip
def test_trust_from_redocking(rmsds, trust):
    verdict, sentence = judge_trust(rmsds, None)
    assert verdict == trust
    assert all(f"{rmsd:.2f}" in sentence for rmsd in rmsds)


def test_trust_needs_docking_to_beat_size():
    sizes = list(range(20, 40))
    size_only = enrichment([-0.3 * s for s in sizes[10:]], [-0.3 * s for s in sizes[:10]], sizes[10:], sizes[:10])
    assert size_only.auc == 1.0
    assert judge_trust([0.5, 0.5, 0.5], size_only)[0] == "weak"
    beats = enrichment(
        np.linspace(-12, -10, 20).tolist(), np.linspace(-8, -6, 20).tolist(), sizes[:20], list(reversed(sizes))
    )
    assert judge_trust([], beats)[0] == "trusted"


def test_redock_is_measured_against_the_crystal_pose(receptor):
    (result,) = redock(receptor, receptor.ligand.smiles, receptor.ligand.molblock, (1,), exhaustiveness=1)
    assert result.rmsd_angstrom >= 0
    assert result.affinity_kcal_mol < 0
    check = check_redock(receptor, exhaustiveness=1, seed=1, max_rmsd_angstrom=result.rmsd_angstrom + 0.01)
    assert check.verdict is Verdict.PASS
    assert check.value == result.rmsd_angstrom
    strict = check_redock(receptor, exhaustiveness=1, seed=1, max_rmsd_angstrom=result.rmsd_angstrom / 2 - 0.01)
    assert strict.verdict is Verdict.FAIL
    assert "from the crystal pose" in strict.reason


def test_redock_without_a_ligand_is_unknown(receptor):
    result = check_redock(replace(receptor, ligand=None))
    assert result.verdict is Verdict.UNKNOWN
    assert "no bound ligand" in result.reason
