"""Loops by conserved residues against labelled chains."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from models.antibody_loops import locate_loops

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "bio"
TRASTUZUMAB_HEAVY = (
    "EVQLVESGGGLVQPGGSLRLSCAASGFNIKDTYIHWVRQAPGKGLEWVARIYPTNGYTRYADSVKGRFTISADTSKNTAYLQMNSLRAEDTAVYYC"
    "SRWGGDGFYAMDYWGQGTLVTVSS"
)
TRASTUZUMAB_LIGHT = (
    "DIQMTQSPSSLSASVGDRVTITCRASQDVNTAVAWYQQKPGKAPKLLIYSASFLYSGVPSRFSGSRSGTDFTLTISSLQPEDFATYYCQQHYTTPPTFGQGTKVEIK"
)


def test_trastuzumab() -> None:
    heavy = {name: TRASTUZUMAB_HEAVY[a:b] for name, (a, b) in locate_loops(TRASTUZUMAB_HEAVY, "H").items()}
    light = {name: TRASTUZUMAB_LIGHT[a:b] for name, (a, b) in locate_loops(TRASTUZUMAB_LIGHT, "L").items()}
    assert heavy == {"H1": "GFNIKDTY", "H2": "IYPTNGYT", "H3": "SRWGGDGFYAMDY"}
    assert light == {"L1": "QDVNTA", "L2": "SAS", "L3": "QQHYTTPPT"}


@pytest.mark.parametrize("sequence", ["", "MKT", "A" * 200, "C" * 200, "W" * 200, TRASTUZUMAB_HEAVY[:40]])
def test_what_is_no_variable_domain_gives_no_third_loop(sequence: str) -> None:
    assert "H3" not in locate_loops(sequence, "H")


@pytest.mark.shared
def test_against_labelled_chains() -> None:
    path = DATA / "antibody_covabdab_paired.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    for chain, column in (("H", "vh"), ("L", "vl")):
        for number in "123":
            keys = f"{chain.lower()}{number}s", f"{chain.lower()}{number}e"
            labelled = [row for row in rows if row[column] and row[keys[0]] not in ("", "-1")]
            right = [
                locate_loops(row[column], chain).get(chain + number) == (int(row[keys[0]]), int(row[keys[1]]))
                for row in labelled
            ]
            assert len(labelled) > 2000
            assert sum(right) / len(right) > 0.98
