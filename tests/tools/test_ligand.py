"""The ligand domain: prompts for a real receptor, re-prompts that a SMILES parser can follow, and its identities."""

from __future__ import annotations

from pathlib import Path

import pytest
from rdkit import Chem

from models.grammar.parse import parse
from tools.docking.check_contact import require_judgeable
from tools.errors import InputError
from tools.ligand import Ligand
from tools.ligand_prompts import MAX_RESIDUES, pocket_chain, reprompt
from tools.ligand_target import reference, smiles_of_file
from tools.memory.artifacts import Artifacts
from tools.types import CheckResult, Verdict

IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"
CAMPAIGN = {
    "target": {"name": "ABL1"},
    "constraints": {"heavy_atoms": "18..30", "qed": ">=0.4"},
    "objective": [{"score": "vina", "goal": "minimize"}],
    "reference": "imatinib",
    "actives": None,
    "decoys": None,
    "docking": {"exhaustiveness": 1},
    "seed": 7,
}


def test_the_pocket_prompt_of_a_bundled_target_is_grammar_with_its_pocket(tmp_path: Path) -> None:
    domain = Ligand()
    context = domain.context(CAMPAIGN, domain.prepare({"name": "ABL1"}, Artifacts(tmp_path)))
    pocket, plain = domain.prompts(context)
    assert (pocket.task, plain.task) == ("ligand", "molecule")
    (complex_,) = parse(pocket.text + "C<MoleculeE>")
    assert len(complex_.proteins[0].pocket) >= 8
    assert len(complex_.proteins[0].sequence) <= MAX_RESIDUES


def test_a_long_chain_is_cut_to_a_window_around_its_pocket() -> None:
    lines = [
        f"ATOM  {i:5d}  CA  ALA A{i:4d}       0.000   0.000   0.000  1.00  0.00           C" for i in range(1, 1001)
    ]
    chain = pocket_chain("\n".join(lines), ["A:ALA500", "A:ALA510"])
    assert chain is not None
    assert len(str(chain["sequence"])) == MAX_RESIDUES
    first, second = chain["pocket"]  # type: ignore[misc]
    assert second - first == 10
    assert 100 < first < 220


def test_a_receptor_without_protein_at_the_pocket_gives_no_pocket_prompt() -> None:
    assert pocket_chain("", ["A:ALA1"]) is None


@pytest.mark.parametrize("seed", range(20))
def test_a_reprompt_opens_a_spelling_of_the_parent(seed: int) -> None:
    prompt, kept = reprompt(IMATINIB, seed)
    assert prompt.text.endswith(kept)
    assert 0 < len(kept) < len(IMATINIB) + 20
    assert kept.count("[") == kept.count("]")
    assert reprompt(IMATINIB, seed) == (prompt, kept)


def test_identity_is_the_neutral_parent_and_nonsense_has_none() -> None:
    domain = Ligand()
    assert domain.identity("C[NH2+]C") == domain.identity("CNC") == "CNC"
    assert domain.identity("C1CC") is None


def test_operators_keep_the_campaigns_size_band(tmp_path: Path) -> None:
    domain = Ligand()
    context = {"hard_checks": [("size", {"minimum": 18, "maximum": 22}, "heavy_atoms")]}
    parent = "COc1cc2ncnc(Nc3cccc(Br)c3)c2cc1OC"
    children = [domain.mutate(parent, context, seed) for seed in range(20)]
    sizes = [Chem.MolFromSmiles(child).GetNumHeavyAtoms() for child in children if child]
    assert len(sizes) > 10
    assert all(18 <= size <= 22 for size in sizes)


@pytest.mark.parametrize("given", ["imatinib", "Imatinib", IMATINIB])
def test_a_reference_may_be_a_drug_or_a_smiles(given: str) -> None:
    found = reference(given, {"cognate": None})
    assert found is not None
    assert Chem.CanonSmiles(found["smiles"]) == Chem.CanonSmiles(IMATINIB)


def test_the_bound_ligand_is_the_reference_where_none_is_given() -> None:
    assert reference(None, {"cognate": {"name": "STI", "smiles": "CCO"}}) == {"name": "STI", "smiles": "CCO"}
    assert reference(None, {"cognate": None}) is None


def test_a_reference_that_is_nothing_is_named() -> None:
    with pytest.raises(InputError, match="no-such-drug"):
        reference("no-such-drug", {"cognate": None})


def test_molecules_of_a_file_are_parents_and_a_bad_one_is_counted(tmp_path: Path) -> None:
    (tmp_path / "a.smi").write_text("CCO ethanol\nC[NH3+] methylammonium\n")
    assert smiles_of_file(tmp_path / "a.smi") == ["CCO", "CN"]
    (tmp_path / "b.smi").write_text("CCO\nC1CC\n")
    with pytest.raises(InputError, match="C1CC"):
        smiles_of_file(tmp_path / "b.smi")
    (tmp_path / "empty.smi").write_text("\n")
    with pytest.raises(InputError, match="no molecule"):
        smiles_of_file(tmp_path / "empty.smi")


def test_what_is_wrong_with_a_campaign_is_found_before_it_runs() -> None:
    domain = Ligand()
    domain.examine(CAMPAIGN)
    for change in (
        {"target": {"name": "ABL11"}},
        {"constraints": {"heavy": "1..2"}},
        {"objective": [{"score": "charm", "goal": "maximize"}]},
        {"reference": "C1CC("},
    ):
        with pytest.raises(InputError):
            domain.examine({**CAMPAIGN, **change})


@pytest.mark.parametrize(("second", "share"), [("pass", 1.0), ("fail", 0.5), ("unknown", None)])
def test_a_contact_that_could_not_be_decided_is_not_one_that_was_missed(second: str, share: float | None) -> None:
    asked = ("hbond A:MET318", "hbond A:LYS271")
    results = {
        must: CheckResult("contact", Verdict(verdict)) for must, verdict in zip(asked, ("pass", second), strict=True)
    }
    assert Ligand().scores(results, {"must": asked})["interactions_met"].value == share


def test_a_contact_that_the_target_cannot_make_is_refused_before_anything_runs(tmp_path: Path) -> None:
    domain, artifacts = Ligand(), Artifacts(tmp_path)
    assert "input_error" not in domain.prepare({"name": "ABL1"}, artifacts, ["hbond A:LYS53"])
    assert "MET999" in domain.prepare({"name": "ABL1"}, artifacts, ["hbond A:MET999"])["input_error"]
    bare = "ATOM      1  NZ  LYS A   1       0.000   0.000   0.000  1.00  0.00           N\n"
    with pytest.raises(InputError, match="'hbond A:LYS1' cannot be judged: A:LYS1 has no hydrogens"):
        require_judgeable(bare, "hbond A:LYS1")
