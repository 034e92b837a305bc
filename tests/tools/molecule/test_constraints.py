import pickle

import pytest

from tools.errors import InputError
from tools.molecule.constraints import flag_checks, parse_constraints, parse_range
from tools.types import Verdict

IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"


def verdicts(constraints, smiles, **options):
    return {check.name: check(smiles).verdict for check in parse_constraints(constraints, **options)}


def test_default_hard_checks_in_run_order():
    assert [check.name for check in parse_constraints({})] == ["sanitise", "elements", "heavy_atoms", "reactive"]
    assert verdicts({}, IMATINIB)["heavy_atoms"] is Verdict.FAIL


def test_the_campaign_file_of_the_architecture():
    stated = {"reactive": "none", "heavy_atoms": "20..38", "synthesizability": "<=4.5"}
    assert set(verdicts(stated, IMATINIB).values()) == {Verdict.PASS}


def test_stated_constraints_become_hard_and_leave_the_flags():
    checks = parse_constraints({"qed": ">=0.4", "alerts": "none", "lipinski": "<=1"})
    assert [check.name for check in checks][-3:] == ["qed", "lipinski", "alerts"]
    assert flag_checks(checks) == []
    assert {flag.name for flag in flag_checks(parse_constraints({}))} == {"alerts", "lipinski"}
    assert verdicts({"qed": ">=0.4"}, IMATINIB)["qed"] is Verdict.FAIL
    assert verdicts({"qed": ">=0.38"}, IMATINIB)["qed"] is Verdict.PASS


def test_the_result_carries_the_name_of_the_constraint_and_its_criterion():
    (check,) = parse_constraints({"synthesizability": "<=2"}, defaults=False)
    result = check(IMATINIB)
    assert (result.name, result.threshold, result.verdict) == ("synthesizability", "<=2", Verdict.FAIL)
    assert result.value == pytest.approx(2.33, abs=0.01)


def test_reactive_any_switches_the_check_off():
    assert "reactive" not in verdicts({"reactive": "any"}, IMATINIB)


def test_text_that_is_no_molecule_fails_sanitise_and_leaves_the_rest_unknown():
    found = verdicts({"qed": ">=0.4"}, "c1ccc")
    assert found.pop("sanitise") is Verdict.FAIL
    assert set(found.values()) == {Verdict.UNKNOWN}


def test_hard_checks_cross_process_borders():
    checks = parse_constraints({"pains": "none", "elements": "C, N, O", "fsp3": "0.1..1"})
    copies = pickle.loads(pickle.dumps(checks))
    assert [copy(IMATINIB) for copy in copies] == [check(IMATINIB) for check in checks]


@pytest.mark.parametrize(
    ("text", "ends"),
    [("20..38", (20, 38)), ("<=4.5", (None, 4.5)), (">= .4", (0.4, None)), ("-1 .. 3", (-1, 3)), ("5..5", (5, 5))],
)
def test_ranges(text, ends):
    assert parse_range("logp", text) == ends


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        ({"reactve": "none"}, "'reactve' is unknown .did you mean 'reactive'.*valid: elements, heavy_atoms"),
        ({"qed": "0.4"}, "qed: '0.4' is not a range"),
        ({"qed": "high"}, "qed: 'high' is not a range"),
        ({"qed": "<0.4"}, "is not a range"),
        ({"qed": ">=nan"}, "is not a range"),
        ({"qed": 0.4}, "qed: 0.4 is not a text"),
        ({"qed": None}, "qed: None is not a text"),
        ({"qed": "5..2"}, "empty"),
        ({"heavy_atoms": "20.5..30"}, "whole numbers"),
        ({"heavy_atoms": ">=-3"}, "whole numbers"),
        ({"reactive": "some"}, "neither none"),
        ({"elements": "C Zz"}, "'Zz'"),
        ({"alerts": ">=2"}, "not a count"),
        ({"lipinski": "<=1.5"}, "not a count"),
    ],
)
def test_wrong_constraints_are_named(constraints, message):
    with pytest.raises(InputError, match=message):
        parse_constraints(constraints)
