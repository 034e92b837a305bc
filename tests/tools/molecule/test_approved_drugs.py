import csv
from pathlib import Path

import pytest

from tools.molecule.approved_drugs import Drug, filter_loss, load_approved_drugs
from tools.molecule.constraints import parse_constraints
from tools.molecule.parse import canonical_parent, parse_smiles

DRUGS_CSV = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "chem" / "drugs.csv"


def loss(**constraints):
    return filter_loss(parse_constraints(constraints, defaults=False))


def test_48_distinct_drugs_that_parse_and_are_parents():
    drugs = load_approved_drugs()
    assert len(drugs) == len({d.name for d in drugs}) == len({d.smiles for d in drugs}) == 48
    for drug in drugs:
        assert canonical_parent(drug.smiles) == drug.smiles
        assert 1 <= len(drug.component_id) <= 3
        assert parse_smiles(drug.smiles).GetNumHeavyAtoms() > 9


def test_the_measured_losses_of_the_protocol():
    assert loss(brenk="none").n_rejected == 16
    assert loss(qed=">=0.5").n_rejected == 20
    assert loss(reactive="none").n_rejected == 0


def test_loss_names_who_is_lost_and_why():
    found = loss(qed=">=0.4", lipinski="<=1")
    names = {rejection.drug.name for rejection in found.rejections}
    assert {"imatinib", "paclitaxel"} <= names
    assert found.n_rejected == len(names)
    assert found.by_check["qed"] + found.by_check["lipinski"] >= found.n_rejected
    reasons = dict(next(r.reasons for r in found.rejections if r.drug.name == "imatinib"))
    assert reasons == {"qed": "qed 0.3894 is too low"}
    assert found.to_json()["n_rejected"] == found.n_rejected


def test_what_cannot_be_decided_rejects_nothing_and_is_listed():
    found = filter_loss(parse_constraints({"fsp3": ">=0.1"}, defaults=False), [Drug("water", "HOH", "O")])
    assert (found.n_rejected, found.undecided) == (0, (("water", "fsp3"),))


@pytest.mark.shared
def test_the_panel_is_the_one_the_protocol_measured():
    if not DRUGS_CSV.exists():
        pytest.skip(f"{DRUGS_CSV} is absent")
    rows = list(csv.DictReader(DRUGS_CSV.open(encoding="utf-8")))
    ours = {(d.name, d.component_id, d.smiles) for d in load_approved_drugs()}
    assert ours == {(r["name"], r["pdb_code"], canonical_parent(r["smiles"])) for r in rows}
    assert sum(float(row["qed"]) < 0.5 for row in rows) == loss(qed=">=0.5").n_rejected == 20
