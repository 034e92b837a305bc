"""What is wrong with a SMILES and where: RDKit's reason, with the place in the string.

RDKit tells the place of a syntax error in its log only, names atoms by number and an open ring not at all;
here all three become a position in the text, counted from 0. NOT promised: the place a person would call the
cause (an unclosed branch is noticed where it opens, a wrong atom where RDKit stops reading).
"""

from __future__ import annotations

import contextlib
import io
import re
import threading
from typing import Any

from rdkit import Chem, rdBase

_ATOM = re.compile(r"\[[^\]]*\]|Br|Cl|[BCNOPSFIbcnops*]")
_RING_BOND = re.compile(r"\[[^\]]*\]|%\((\d+)\)|%(\d\d)|(\d)")
_PLACE = re.compile(r"check for mistakes around position (\d+)")
_SAID = re.compile(r"SMILES Parse Error: (.*?)(?: while parsing| for input|:|$)", re.MULTILINE)
_LOG = threading.Lock()
"""RDKit's log is one for the whole process; it is turned aside for one parse at a time."""


def explain_smiles(smiles: str) -> str:
    """Why RDKit refuses `smiles`, with the position (from 0) and what stands there; empty where it does not.

    >>> explain_smiles("CCX")
    "syntax error at position 2 ('X')"
    """
    if not smiles:
        return "it is empty"
    blank = re.search(r"\s", smiles)
    if blank:
        return f"white space at position {blank.start()}"
    with rdBase.BlockLogs():
        mol: Chem.Mol | None = Chem.MolFromSmiles(smiles, sanitize=False)
        problems = Chem.DetectChemistryProblems(mol) if mol is not None else []
    if mol is None:
        return _syntax(smiles)
    if problems:
        return _chemistry(smiles, problems[0])
    return "" if mol.GetNumAtoms() else "it has no atoms"


def _syntax(smiles: str) -> str:
    log = _parse_log(smiles)
    place, said = _PLACE.search(log), _SAID.search(log)
    reason = said.group(1) if said else "RDKit cannot read it"
    if place:
        return _located(reason, smiles, int(place.group(1)) - 1)
    opened = _open_ring(smiles)
    return reason if opened is None else _located(reason, smiles, opened)


def _chemistry(smiles: str, problem: Any) -> str:
    """A sanitisation problem, its first atom's number turned into a place in the text."""
    indices = problem.GetAtomIndices() if hasattr(problem, "GetAtomIndices") else [problem.GetAtomIdx()]
    places = [match.start() for match in _ATOM.finditer(smiles)]
    reason = " ".join(problem.Message().split())
    if not indices or indices[0] >= len(places):
        return reason
    return f"{reason} (atom {indices[0]} is at position {places[indices[0]]})"


def _located(reason: str, smiles: str, position: int) -> str:
    found = f" ({smiles[position]!r})" if 0 <= position < len(smiles) else ""
    return f"{reason} at position {position}{found}"


def _open_ring(smiles: str) -> int | None:
    """Where the first ring bond opens that is never closed."""
    opened: dict[int, int] = {}
    for match in _RING_BOND.finditer(smiles):
        digits = match.group(1) or match.group(2) or match.group(3)
        if digits is not None and opened.pop(int(digits), None) is None:
            opened[int(digits)] = match.start()
    return min(opened.values(), default=None)


def _parse_log(smiles: str) -> str:
    """What RDKit writes to its log while it parses."""
    log = io.StringIO()
    with _LOG, contextlib.redirect_stderr(log):
        rdBase.LogToPythonStderr()
        try:
            Chem.MolFromSmiles(smiles, sanitize=False)
        finally:
            rdBase.LogToCppStreams()
    return log.getvalue()
