"""Antibody tables of four makers, and loops found where a table has no spans."""

from __future__ import annotations

import pytest

from models.grammar import tags
from tools.errors import InputError
from tools.evaluation.antibody_rows import parse_antibody
from tools.evaluation.binder_ranking import AFTER, BEFORE, HEAVY, LIGHT, PARENT, binder_loop, shared_residues


def test_loops_are_found_without_spans() -> None:
    found = parse_antibody({"heavy": HEAVY, "light": LIGHT})
    assert found.loop("H1") == "GFNIKDTY"
    assert found.loop("H2") == "IYPTNGYT"
    assert found.loop("H3") == "SRWGGDGFYAMDY" == BEFORE + PARENT + AFTER
    assert found.loop("L1") == "QDVNTA"
    assert found.loop("L2") == "SAS"
    assert found.loop("L3") == "QQHYTTPPT"


def test_columns_of_three_tables() -> None:
    paired = {"vh": HEAVY, "vl": "ND", "h1s": "25", "h1e": "33", "h2s": "-1", "h2e": "-1", "h3s": "96", "h3e": "109"}
    found = parse_antibody(paired)
    assert found.light == ""
    assert found.loop("H1") == "GFNIKDTY"
    assert found.loop("H2") == "", "its maker found none"
    single = parse_antibody({"sequence": HEAVY, "h3_start": "96", "h3_end": "109"})
    assert single.loop("H3") == "SRWGGDGFYAMDY"
    light = parse_antibody({"sequence": LIGHT, "chain": "L", "c1s": "26", "c1e": "32"})
    assert (light.heavy, light.loop("L1")) == ("", "QDVNTA")
    assert light.loop("H1") == ""


def test_wrong_rows_are_named() -> None:
    with pytest.raises(InputError, match="no chain"):
        parse_antibody({"heavy": "", "vl": "ND"})
    with pytest.raises(InputError, match="96-900"):
        parse_antibody({"heavy": HEAVY, "h3s": "96", "h3e": "900"})


def test_trastuzumab_variants() -> None:
    assert binder_loop(PARENT) == f"SRWGGDGFYAMDY{tags.CDR.close}"
    assert shared_residues(PARENT) == 10
    assert shared_residues("WGGDGFYAMK") == 9
    with pytest.raises(InputError, match="10 residues"):
        binder_loop("WGG")
