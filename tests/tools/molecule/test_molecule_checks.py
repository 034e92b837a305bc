"""One contract for every check: good passes, bad fails, nonsense is unknown or an InputError, nothing is changed."""

from pathlib import Path

import pytest
from rdkit import Chem

from tools.errors import InputError
from tools.molecule.parse import parse_smiles
from tools.registry import TOOLS
from tools.types import CheckResult, Verdict

IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"
CELECOXIB = "Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1"
RECORDS = {"descriptors", "filter_loss"}  # they report and judge nothing
COMPARISONS = {"similarity", "solubility", "substructure"}  # with another molecule or a limit: in files of their own
CHECKS = {
    name: tool.load()
    for name, tool in TOOLS.items()
    if tool.function.startswith("tools.molecule.check_") and name not in RECORDS | COMPARISONS
}
NO_SUCH_SHAPE = "[C@@]12(F)C[C@@](F)(C1)C2"

# name: (good, bad, arguments)
CASES = {
    "sanitise": (IMATINIB, "FC(F)(F)(F)F", {}),
    "elements": (IMATINIB, "CB(O)O", {}),
    "size": (CELECOXIB, "CCO", {}),
    "reactive": (IMATINIB, "O=C(Cl)c1ccccc1", {}),
    "range": (CELECOXIB, IMATINIB, {"descriptor": "qed", "minimum": 0.5}),
    "lipinski": (CELECOXIB, "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC", {}),
    "alerts": (CELECOXIB, "O=C1C=CC(=O)C=C1", {}),
    "conformer": (CELECOXIB, NO_SUCH_SHAPE, {}),
}


def ask(name: str, smiles: str) -> CheckResult:
    subject = smiles if name == "sanitise" else Chem.MolFromSmiles(smiles)
    return CHECKS[name](subject, **CASES[name][2])


def test_every_check_file_is_in_the_table_and_tested():
    folder = Path(__file__).resolve().parents[3] / "tools" / "molecule"
    written = {path.stem.removeprefix("check_") for path in folder.glob("check_*.py")}
    assert set(CHECKS) == written - RECORDS - COMPARISONS == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_known_good_passes_without_a_reason(name):
    result = ask(name, CASES[name][0])
    assert result.verdict is Verdict.PASS
    assert result.reason == ""
    assert result.tool
    assert result.version


@pytest.mark.parametrize("name", CASES)
def test_known_bad_fails_with_a_reason_and_a_threshold(name):
    result = ask(name, CASES[name][1])
    assert result.verdict is Verdict.FAIL
    assert result.reason
    assert result.threshold


@pytest.mark.parametrize("name", [name for name in CASES if name != "sanitise"])
def test_nonsense_is_unknown_or_an_input_error(name):
    arguments = CASES[name][2]
    for empty in (Chem.Mol(), Chem.MolFromSmiles("CN(C)(C)(C)C", sanitize=False)):
        result = CHECKS[name](empty, **arguments)
        assert result.verdict is Verdict.UNKNOWN
        assert result.reason
    for nonsense in (None, 3, "CCO"):
        with pytest.raises(InputError):
            CHECKS[name](nonsense, **arguments)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("which", [0, 1])
def test_the_answer_is_reproducible_json_and_independent_of_the_spelling(name, which):
    smiles = CASES[name][which]
    first = ask(name, smiles)
    assert ask(name, smiles) == first
    assert CheckResult.from_json(first.to_json()) == first
    if name != "sanitise":
        for spelling in Chem.MolToRandomSmilesVect(parse_smiles(smiles), 3, randomSeed=1):
            again = ask(name, spelling)
            assert again.verdict is first.verdict
            if isinstance(first.value, float):
                assert again.value == pytest.approx(first.value)


@pytest.mark.parametrize("name", [name for name in CASES if name != "sanitise"])
def test_the_input_is_not_changed(name):
    mol = Chem.MolFromSmiles(CASES[name][0])
    mol.SetProp("name", "mine")
    before = mol.ToBinary(Chem.PropertyPickleOptions.AllProps)
    CHECKS[name](mol, **CASES[name][2])
    assert mol.ToBinary(Chem.PropertyPickleOptions.AllProps) == before


def test_sanitise_takes_text_only_and_names_what_is_wrong():
    with pytest.raises(InputError):
        CHECKS["sanitise"](Chem.MolFromSmiles("CCO"))
    assert "2 disconnected parts" in CHECKS["sanitise"]("CCO.O").reason
    assert "unpaired" in CHECKS["sanitise"]("[CH3]").reason
    assert "empty" in CHECKS["sanitise"]("").reason


def test_thresholds_are_arguments_and_wrong_ones_are_input_errors():
    imatinib = parse_smiles(IMATINIB)
    assert not CHECKS["size"](imatinib).passed
    assert CHECKS["size"](imatinib, 20, 38).passed
    assert CHECKS["elements"](parse_smiles("CB(O)O"), ("B", "C", "H", "O")).passed
    for name, arguments in (
        ("size", {"minimum": 30, "maximum": 20}),
        ("elements", {"allowed": ("C", "Xx")}),
        ("alerts", {"catalogues": ("NOPE",)}),
        ("lipinski", {"max_violations": -1}),
        ("range", {"descriptor": "qued"}),
        ("range", {"descriptor": "qed", "minimum": 1.0, "maximum": 0.0}),
    ):
        with pytest.raises(InputError):
            CHECKS[name](imatinib, **arguments)


def test_lipinski_on_the_published_rule():
    atorvastatin = parse_smiles("CC(C)c1c(C(=O)Nc2ccccc2)c(-c2ccccc2)c(-c2ccc(F)cc2)n1CC[C@@H](O)C[C@@H](O)CC(=O)O")
    result = CHECKS["lipinski"](atorvastatin)
    assert result.value == 2.0  # 558.6 Da and logP above 5
    assert not result.passed
    assert CHECKS["lipinski"](atorvastatin, 2).passed
