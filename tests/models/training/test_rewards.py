"""Rewards of cases whose answer is known, and of texts that no reward may like."""

import json
from pathlib import Path

import pytest
from rdkit import Chem

from models.errors import ModelInputError
from models.grammar import prompt_for
from models.grammar.objects import Protein
from models.training.molecule_measures import (
    internal_diversity,
    molecule_or_none,
    score_drug_likeness,
    score_synthetic_accessibility,
)
from models.training.rewards import (
    REWARDS,
    KnownMetal,
    KnownProduct,
    PocketOverlap,
    RewardContext,
    RoundTrip,
    build_reward,
    check_reward_name,
    drug_like,
    property_bin,
    score_all,
)
from models.training.task_prompts import TASKS

IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"
MOLECULE = "<MoleculeS>"
CLOSE = "<MoleculeE>"
ESTER, ACID, ETHANOL = "CCOC(=O)c1ccccc1", "O=C(O)c1ccccc1", "CCO"


def test_drug_likeness_of_known_molecules():
    imatinib, ethanol = Chem.MolFromSmiles(IMATINIB), Chem.MolFromSmiles(ETHANOL)
    assert score_synthetic_accessibility(imatinib) == pytest.approx(2.33, abs=0.15)
    # QED of imatinib in RDKit is 0.389; its accessibility and its 37 heavy atoms are as desired
    assert score_drug_likeness(imatinib) == pytest.approx(0.389 ** (1 / 3), abs=0.01)
    assert score_drug_likeness(ethanol) == 0.0  # 3 heavy atoms
    aspirin = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")
    half_sized = 5 / 14  # 13 heavy atoms between 8 and 22
    assert score_drug_likeness(aspirin) == pytest.approx((0.550 * half_sized) ** (1 / 3), abs=0.01)
    assert score_drug_likeness(aspirin, n_atoms=(13, 38)) > score_drug_likeness(aspirin)
    assert score_drug_likeness(imatinib, easy=1.0, hard=2.0) == 0.0


@pytest.mark.parametrize("completion", ["", "C(", f"C1CC{CLOSE}", f"CCO.CCN{CLOSE}", "<ProteinE>", f"c1cccc1{CLOSE}"])
def test_what_is_no_molecule_is_worth_nothing(completion):
    assert drug_like(MOLECULE, completion) == 0.0
    assert property_bin("<LogP:0..1>" + MOLECULE, completion) == 0.0


def test_the_ligand_of_a_complex_is_judged_like_a_loose_molecule():
    prompt = prompt_for("ligand", proteins=Protein("MKTAY", (2,)))
    assert drug_like(prompt, IMATINIB + CLOSE) == drug_like(MOLECULE, IMATINIB + CLOSE) > 0.7
    assert drug_like(prompt, IMATINIB) == drug_like(prompt, IMATINIB + CLOSE)  # with or without the stop tag


def test_property_bins_are_counted_one_by_one():
    """Ethanol in RDKit: logP -0.00, 46.07 g/mol, QED 0.41."""
    right = ("<LogP:..0>", "<MW:..200>", "<QED:0.4..0.5>")
    assert property_bin(prompt_for("molecule", conditions=right), ETHANOL + CLOSE) == 1.0
    half = (right[0], "<MW:300..350>")
    assert property_bin(prompt_for("molecule", conditions=half), ETHANOL + CLOSE) == 0.5
    assert property_bin(prompt_for("molecule", conditions=("<QED:0.9..>",)), ETHANOL + CLOSE) == 0.0
    ligand = prompt_for("ligand", proteins=Protein("MKTAY", (2,)), conditions=("<MW:..200>",))
    assert property_bin(ligand, ETHANOL + CLOSE) == 1.0
    assert property_bin(MOLECULE, ETHANOL + CLOSE) == 1.0  # nothing was asked


def blocks(*smiles: str) -> str:
    return "".join(f"{MOLECULE}{part}{CLOSE}" for part in smiles)


def test_round_trip_tells_known_recovered_readable_and_wrong_apart():
    prompt = prompt_for("retrosynthesis", product=ESTER)
    asked: list[str] = []

    def predict(prompts):
        asked.extend(prompts)
        return [blocks("c1ccccc1C(=O)OCC") if "Cl" in text else blocks("CCN") for text in prompts]

    reward = RoundTrip({prompt: blocks(ACID, ETHANOL)}.get, predict)
    cases = {
        blocks(ETHANOL, "c1ccccc1C(O)=O"): 1.0,  # the known set in another order and spelling
        blocks("O=C(Cl)c1ccccc1", ETHANOL): 0.5,  # the forward model makes the ester of it
        blocks("CCBr", ACID): 0.1,  # valid, but leads elsewhere
        blocks(ESTER, ETHANOL): 0.0,  # the product is no precursor of itself
        blocks("C1CC", ETHANOL): 0.0,
        MOLECULE + "CC": 0.0,
    }
    assert reward.many([(prompt, completion) for completion in cases]) == list(cases.values())
    assert len(asked) == 2  # only the open cases are predicted, all at once
    assert reward(prompt, blocks(ACID, ETHANOL)) == 1.0
    assert reward(prompt_for("retrosynthesis", product="CCO"), blocks("CBr", "CN")) == 0.1  # nothing known


def test_known_product():
    prompt = prompt_for("reaction", reactants=[ACID, ETHANOL])
    reward = KnownProduct({prompt: blocks(ESTER)}.get)
    assert reward(prompt, blocks("c1ccccc1C(=O)OCC")) == 1.0
    assert reward(prompt, blocks(ETHANOL)) == 0.1
    assert reward(prompt, blocks("C1CC")) == 0.0


def test_pocket_overlap_is_f1_and_asks_for_the_same_chain():
    prompt = prompt_for("pocket", protein="MKTAYIAK")
    reward = PocketOverlap({prompt: "MK<PocketS>T<PocketE><PocketS>A<PocketE>YIAK<ProteinE>"}.get)
    assert reward(prompt, "MK<PocketS>T<PocketE><PocketS>A<PocketE>YIAK<ProteinE>") == 1.0
    assert reward(prompt, "MK<PocketS>T<PocketE>AYIA<PocketS>K<PocketE>") == pytest.approx(0.5)  # 1 of 2, 1 of 2
    assert reward(prompt, "<PocketS>M<PocketE>KTAYIAK<ProteinE>") == 0.0
    assert reward(prompt, "MKTAYIAK<ProteinE>") == 0.0
    assert reward(prompt, "MK<PocketS>T<PocketE><PocketS>A<PocketE>YIA<ProteinE>") == 0.0  # a residue is missing
    assert reward(prompt, "MK<PocketS>T") == 0.0


def test_known_metal():
    zinc = "<MetalS>[Zn]<MetalE>"
    reward = KnownMetal(frozenset({"[Zn]"}), frozenset({"[Zn]|O=C(O)c1ccc(C(=O)O)cc1"}))
    assert reward("<MaterialS>", zinc + blocks("O=C(O)CC(=O)O") + "<MaterialE>") == 1.0
    assert reward("<MaterialS>", zinc + blocks("OC(=O)c1ccc(C(=O)O)cc1") + "<MaterialE>") == 0.5  # in the corpus
    assert reward("<MaterialS>", "<MetalS>[Xe]<MetalE>" + blocks("CCO") + "<MaterialE>") == 0.0
    assert reward("<MaterialS>", zinc + blocks("C1CC") + "<MaterialE>") == 0.0
    assert reward("<MaterialS>", zinc + "<MaterialE>") == 0.0
    assert reward("<MaterialS>", zinc + MOLECULE) == 0.0


def test_internal_diversity():
    mols = [Chem.MolFromSmiles(smiles) for smiles in ("CCO", "OCC", "c1ccccc1")]
    assert internal_diversity(mols[:2]) == 0.0
    assert internal_diversity(mols) == pytest.approx(2 / 3)
    assert internal_diversity(mols[:1]) is None
    assert molecule_or_none("C[N") is None
    assert molecule_or_none("") is None


def context(tmp_path: Path) -> RewardContext:
    return RewardContext(tmp_path, lambda prompt: None, lambda prompts: ["" for _ in prompts])


def test_every_reward_takes_nonsense_of_each_of_its_tasks_for_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("models.training.rewards.known_materials", lambda corpus: {"[Zn]|CCO"})
    for name, kind in REWARDS.items():
        assert kind.tasks <= set(TASKS)
        reward = build_reward(name, context(tmp_path))
        for text in ("", "<", "nonsense", "<MoleculeS>", "\ue000", "<ProteinS>MK", "C(" * 300):
            for task in kind.tasks:
                prompt = TASKS[task].text or "<MoleculeS>CC<MoleculeE><React>"
                assert score_all(name, reward, [(prompt, text)])[0] == 0.0, (name, text)
    assert set().union(*(kind.tasks for kind in REWARDS.values())) == set(TASKS)  # every task has one


def test_a_reward_of_ones_own(tmp_path):
    assert build_reward("json:loads", context(tmp_path)) is json.loads
    check_reward_name("json:loads", "molecule")
    for name, message in (
        ("nowhere_at_all:f", "cannot be imported"),
        ("json:nothing", "cannot be imported"),
        ("json:__name__", "is no function"),
    ):
        with pytest.raises(ModelInputError, match=message):
            build_reward(name, context(tmp_path))
    with pytest.raises(ModelInputError, match=r"one number 0\.\.1"):
        score_all("own", lambda prompt, completion: float("nan"), [("a", "b")])
