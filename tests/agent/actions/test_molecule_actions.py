"""molecule_properties, generate_molecules, optimize_molecule with RDKit and the shipped model, as a user calls them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rdkit import Chem

from agent.actions import load_action
from agent.actions.action import ActionContext, execute
from agent.config import Settings
from agent.interface.api.uploads import keep_upload
from agent.interface.schemas import ActionResult
from agent.session import Session
from tools.molecule.descriptors import score
from tools.molecule.similarity import similarity

THREAD = "thread"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    session = Session.open(Settings(home=tmp_path_factory.mktemp("home"), workers=1))
    session.ledger.put_thread(THREAD, "test")
    with session.resources.borrow():
        yield session


def run(session: Session, name: str, args: dict[str, object]) -> ActionResult:
    found: list[ActionResult] = []
    run_id = session.manager.start({"action": name, "name": name}, "action")

    def work(control):
        found.append(execute(load_action(name), args, ActionContext(session, control, THREAD, f"{run_id}.1")))

    session.manager.execute(run_id, work)
    return found[0]


def numbers_trace(session: Session, result: ActionResult) -> None:
    for item in result.items:
        for quantity in item.numbers.values():
            if quantity.value is not None:
                assert session.ledger.get_call(quantity.call_id) is not None


def attach(session: Session, name: str, text: str) -> str:
    return keep_upload(session, text.encode(), name, THREAD)[1].handle


def test_properties_of_the_molecules_of_a_file(session: Session) -> None:
    handle = attach(
        session, "series.csv", "Compound ID,SMILES,IC50 (nM)\nA-1,CCO,5\nA-2,c1ccccc1O,7\nA-3,OCC,9\nA-4,no,1\n"
    )
    result = run(session, "molecule_properties", {"molecules": [handle, "imatinib"]})
    assert [(item.name, item.value) for item in result.items[:2]] == [("A-1", "CCO"), ("A-2", "Oc1ccccc1")]
    assert result.items[0].made_from == [handle]
    assert result.items[2].name == "imatinib"
    many = "\n".join(f"{'C' * n}O" for n in range(1, 103)) + "\n" + "\n".join(f"{'C' * n}N" for n in range(1, 103))
    refused = run(session, "molecule_properties", {"molecules": [attach(session, "many.smi", many)]})
    assert "holds 204 molecules; at most 200 at once" in refused.summary
    sequences = attach(session, "chain.fasta", ">one\nMKTAYIAKQR\n")
    assert "is of a kind that is not read" in run(session, "molecule_properties", {"molecules": [sequences]}).summary


def test_properties_of_a_drug_by_its_name(session: Session) -> None:
    result = run(session, "molecule_properties", {"molecules": ["imatinib", "CCO"]})
    drug, ethanol = result.items
    assert (drug.name, ethanol.value) == ("imatinib", "CCO")
    assert drug.numbers["mol_weight"].value == pytest.approx(493.6, abs=0.1)
    assert drug.numbers["qed"].value == pytest.approx(0.389, abs=0.001)
    assert drug.details["formula"] == "C29H31N7O"
    assert drug.details["inchikey"] == "KTUFNOKKBVMGRW-UHFFFAOYSA-N"
    assert {check.name for check in drug.checks} >= {"alerts", "lipinski", "conformer"}
    assert session.artifacts.read_text(drug.links["drawing"]).startswith("<svg")
    conformer = Chem.MolFromMolBlock(session.artifacts.read_text(drug.links["conformer"]), removeHs=False)
    assert conformer.GetConformer().Is3D()
    numbers_trace(session, result)


def test_a_handle_is_a_molecule_too(session: Session) -> None:
    first = run(session, "molecule_properties", {"molecules": ["c1ccccc1O"]}).items[0]
    again = run(session, "molecule_properties", {"molecules": [first.handle]}).items[0]
    assert again.value == first.value
    assert again.made_from == [first.handle]
    assert again.numbers == first.numbers


def test_generated_molecules_keep_every_limit_and_every_sample_is_counted(session: Session) -> None:
    args = {"n": 3, "log_p": [2, 4], "qed": [0.5, None], "constraints": {"pains": "none"}, "seed": 5}
    result = run(session, "generate_molecules", args)
    assert result.fault == ""
    assert len(result.items) == 3
    assert len({item.value for item in result.items}) == 3
    for item in result.items:
        mol = Chem.MolFromSmiles(item.value)
        assert 2.0 <= (score("logp", mol).value or 0.0) <= 4.0
        assert (score("qed", mol).value or 0.0) >= 0.5
        assert {check.name for check in item.checks} >= {"sanitise", "reactive", "logp", "qed", "pains"}
    assert "of 64 samples" in result.summary
    numbers_trace(session, result)
    assert [item.value for item in run(session, "generate_molecules", args).items] == [i.value for i in result.items]


def test_a_prefix_is_gone_on_from(session: Session) -> None:
    result = run(session, "generate_molecules", {"n": 2, "smiles_prefix": "Cc1ccc(NC(=O)"})
    for item in result.items:
        assert Chem.MolFromSmiles(item.value).HasSubstructMatch(Chem.MolFromSmarts("Cc1ccc(NC=O)cc1"))


def test_analogues_reach_their_goals_beside_the_start(session: Session) -> None:
    start = "CNC(=O)c1cc(Oc2ccc(NC(=O)Nc3ccc(Cl)c(C(F)(F)F)c3)cc2)ccn1"
    args = {"molecule": start, "goals": ["log_p <= 4.5", "solubility up"], "keep": "NC(=O)N", "n": 2, "rounds": 2}
    result = run(session, "optimize_molecule", args)
    assert result.fault == ""
    *found, parent = result.items
    assert parent.details["role"] == "parent"
    assert len(found) == 2
    for item in found:
        assert item.numbers["similarity"].value == pytest.approx(similarity(parent.value, item.value))
        assert Chem.MolFromSmiles(item.value).HasSubstructMatch(Chem.MolFromSmarts("NC(=O)N"))
        reached = item.details["goals_reached"]
        assert reached["log_p <= 4.5"] == ((item.numbers["logp"].value or 9.0) <= 4.5)
        assert reached["solubility up"] == (
            (item.numbers["solubility"].value or -99.0) > (parent.numbers["solubility"].value or 0.0)
        )
    numbers_trace(session, result)
    assert [item.value for item in run(session, "optimize_molecule", args).items] == [i.value for i in result.items]


@pytest.mark.parametrize(
    ("action", "args", "said"),
    [
        ("molecule_properties", {"molecules": ["C" * 300]}, "300 heavy atoms; at most 150"),
        ("molecule_properties", {"molecules": []}, "at least 1 item"),
        ("molecule_properties", {"molecules": ["CC(=O)[O-].[Na+]"]}, "2 disconnected parts"),
        ("molecule_properties", {"molecules": ["C1CC"]}, "does not parse"),
        ("molecule_properties", {"molecules": ["M77"]}, "nothing in this conversation"),
        ("generate_molecules", {"log_p": [4, 2]}, "the lower end comes first"),
        ("generate_molecules", {"log_p": [2, 3], "constraints": {"logp": "<=3"}}, "given twice"),
        ("generate_molecules", {"constraints": {"qued": ">=1"}}, "did you mean 'qed'"),
        ("generate_molecules", {"qed": [0.5, 2]}, "0 to 1"),
        ("generate_molecules", {"n": 0}, "`n`"),
        ("generate_molecules", {"smiles_prefix": "hello world"}, "smiles_prefix"),
        ("optimize_molecule", {"molecule": "CCO", "goals": []}, "at least 1 item"),
        ("optimize_molecule", {"molecule": "CCO", "goals": ["beauty up"]}, "no property 'beauty'"),
        ("optimize_molecule", {"molecule": "CCO", "goals": ["qed up"], "keep": "c1ccccc1"}, "does not occur"),
        ("optimize_molecule", {"molecule": "CCO", "goals": ["qed up"], "keep": "(("}, "not a SMARTS"),
        ("optimize_molecule", {"molecule": "", "goals": ["qed up"]}, "a molecule is needed"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(session: Session, action: str, args: dict[str, object], said: str) -> None:
    result = run(session, action, args)
    assert result.fault == "input"
    assert said in result.summary
    assert "\n" not in result.summary
