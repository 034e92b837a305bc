from tools.docking.numbering import common_shift, suggest

THERE = ["A:THR83", "A:GLU84", "A:PHE85", "A:MET86", "A:MET112", "A:THR140"]
POCKET = ["A:PHE85", "A:MET86"]


def test_one_shift_for_all_names_is_found() -> None:
    assert common_shift(["A:THR315", "A:MET318"], THERE) == (-232, ["A:THR83", "A:MET86"])


def test_one_residue_or_two_shifts_or_none_decide_nothing() -> None:
    assert common_shift(["A:MET318", "MET318", "A:318"], THERE) is None
    assert common_shift(["A:MET318"], THERE) is None
    assert common_shift(["A:THR315", "A:MET318"], [*THERE, "A:MET143"]) is None
    assert common_shift(["A:THR315", "A:TRP318"], THERE) is None


def test_of_two_shifts_the_one_into_the_pocket_is_taken() -> None:
    there, pocket = [*THERE, "A:MET143"], ["A:THR83", *POCKET]
    assert common_shift(["A:THR315", "A:MET318"], there, pocket) == (-232, ["A:THR83", "A:MET86"])
    assert common_shift(["A:THR315", "A:MET318"], there, POCKET) is None


def test_what_is_suggested_comes_from_the_pocket() -> None:
    assert "in the pocket A:MET86 may be meant" in suggest(["MET318"], THERE, POCKET)
    assert suggest(["A:TRP1"], THERE, POCKET) == "The pocket is lined by A:PHE85, A:MET86"
    assert "232 lower" in suggest(["A:THR315", "A:MET318"], THERE, POCKET)
