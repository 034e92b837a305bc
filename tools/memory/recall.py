"""Have we seen something like this? Findings of earlier runs by structure, by target, by protein and by words.

Likeness of molecules is the Tanimoto of Morgan fingerprints (radius 2), 0..1; two random molecules stay below 0.27 in
95 of 100 cases, and what shares an activity lies above the random values only statistically (Jasial 2016,
doi:10.12688/f1000research.8357.2). Proteins are compared by sequence identity after alignment; above 40 % identity the
function is rarely another (Todd 2001, doi:10.1006/jmbi.2001.4513). What failed is recalled with its reason.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gemmi

from tools.errors import InputError
from tools.memory.ledger import Ledger
from tools.memory.vectors import Vectors
from tools.molecule.similarity import similarity

SIMILAR_MOLECULE = 0.4
SIMILAR_PROTEIN = 0.4
_WIDER = 4
"""The approximate index is asked for so many times what is wanted, and the exact likeness decides."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """A finding, and in words why it came to mind; `likeness` 0..1 where a likeness was measured."""

    finding: Mapping[str, Any]
    why: str
    likeness: float | None = None


def recall_molecule(vectors: Vectors, smiles: str, n: int, at_least: float = SIMILAR_MOLECULE) -> list[Recalled]:
    """Findings on molecules with a Tanimoto of at least `at_least` to this one, most similar first."""
    found = []
    for neighbour in vectors.similar(smiles, _WIDER * n):
        likeness = similarity(smiles, neighbour.finding["text"])
        if likeness >= at_least:
            why = "the same molecule" if likeness == 1.0 else f"a similar molecule (Tanimoto {likeness:.2f})"
            found.append(Recalled(neighbour.finding, why, round(likeness, 4)))
    found.sort(key=lambda recalled: (-(recalled.likeness or 0.0), recalled.finding["id"]))
    return found[:n]


def recall_protein(
    vectors: Vectors, ledger: Ledger, sequence: str, n: int, at_least: float = SIMILAR_PROTEIN
) -> list[Recalled]:
    """The best findings on receptors whose protein is at least `at_least` identical to this sequence, and more than
    chance makes sequences of that length."""
    found = []
    for neighbour in vectors.similar_proteins(sequence, n):
        identity, length = sequence_identity(sequence, neighbour.finding["sequence"])
        if identity >= max(at_least, related_identity(length)):
            why = f"the protein is {identity:.0%} identical"
            on_it = best_first(ledger.findings(neighbour.finding["receptor"]))
            found += [Recalled(finding, why, round(identity, 4)) for finding in on_it[:n]]
    return found


def recall_target(ledger: Ledger, name: str, n: int) -> list[Recalled]:
    """The best findings on targets of this name."""
    return [Recalled(finding, f"the target {name}") for finding in best_first(ledger.findings_on_target(name))[:n]]


def recall_text(vectors: Vectors, query: str, n: int, at_least: float = 0.1) -> list[Recalled]:
    """Findings whose description shares letters with the query; `at_least`: cosine below which it is chance (measured
    on unrelated descriptions)."""
    found = [x for x in vectors.search(query, n) if x.similarity >= at_least]
    return [Recalled(x.finding, "words", round(x.similarity, 4)) for x in found]


def best_first(findings: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that passed by desirability, then the rest; one for each molecule."""

    def place(finding: Mapping[str, Any]) -> tuple[bool, float, str]:
        value = finding.get("desirability")
        return (
            finding.get("passed") is not True,
            -float(value) if isinstance(value, int | float) else 0.0,
            finding["id"],
        )

    distinct: dict[str, Mapping[str, Any]] = {}
    for finding in sorted(findings, key=place):
        distinct.setdefault(str(finding["text"]), finding)
    return list(distinct.values())


def failures(findings: Iterable[Mapping[str, Any]], n: int = 5) -> list[dict[str, Any]]:
    """The `n` most frequent reasons why candidates failed: {"reason", "n", "runs"}; numbers and what is quoted are
    taken out, so that like reasons count together. What could not be decided is no failure."""
    counts: Counter[str] = Counter()
    runs: dict[str, set[str]] = {}
    for finding in findings:
        if finding.get("passed") is False and finding.get("verdict") != "unknown" and finding.get("reason"):
            reason = plain_reason(str(finding["reason"]))
            counts[reason] += 1
            runs.setdefault(reason, set()).add(str(finding["run_id"]))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"reason": reason, "n": count, "runs": sorted(runs[reason])} for reason, count in ordered[:n]]


def plain_reason(reason: str) -> str:
    unquoted = re.sub(r"(['\"`]).*\1", "…", reason)
    return re.sub(r"[-+−]?\d+(?:\.\d+)?", "#", unquoted)[:120]


def sequence_identity(first: str, second: str) -> tuple[float, int]:
    """(identical residues as a share of the shorter sequence, its length), after global alignment with BLOSUM62. An
    unknown residue is like no other."""
    lengths = [len("".join(sequence.split())) for sequence in (first, second)]
    if not all(lengths):
        raise InputError("two sequences are needed to compare proteins")
    residues = _residues(first), [name if name != "UNK" else "?" for name in _residues(second)]
    result = gemmi.align_string_sequences(*residues, [], gemmi.AlignmentScoring("b"))
    return float(result.match_count) / min(lengths), min(lengths)


def related_identity(length: int) -> float:
    """Identity above which an alignment of so many residues tells kinship from chance: the curve of Rost 1999,
    doi:10.1093/protein/12.2.85 (a short alignment needs more)."""
    if length <= 11:
        return 1.0
    if length > 450:
        return 0.195
    return float(4.8 * length ** (-0.32 * (1.0 + math.exp(-length / 1000.0))))


def _residues(sequence: str) -> list[str]:
    """Three-letter codes; a letter that is none of the twenty is unknown."""
    letters = "".join(c if c in "ACDEFGHIKLMNPQRSTVWY" else "X" for c in "".join(sequence.split()).upper())
    return list(gemmi.expand_one_letter_sequence(letters, gemmi.ResidueKind.AA))


def state_finding(finding: Mapping[str, Any]) -> str:
    """A finding as one sentence, with its numbers and their units: what a citation of it says."""
    outcome = "passed every stage" if finding.get("passed") is True else "did not pass"
    if finding.get("passed") is not True and finding.get("verdict") == "unknown":
        outcome = "could not be decided"
    where = f" on {finding['target']}" if finding.get("target") else ""
    units = finding.get("units") if isinstance(finding.get("units"), Mapping) else {}
    scores = finding.get("scores") if isinstance(finding.get("scores"), Mapping) else {}
    numbers = [
        f"{name} {value:.4g} {(units or {}).get(name, '')}".strip()
        for name, value in sorted((scores or {}).items())
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    reason = f" ({finding['reason']})" if finding.get("passed") is not True and finding.get("reason") else ""
    said = f": {', '.join(numbers)}" if numbers else ""
    return f"{finding['text']}{where} {outcome}{reason}{said}."


def distinct(recalled: Sequence[Recalled]) -> list[Recalled]:
    """Each finding once, by the first reason it came to mind for."""
    found: dict[str, Recalled] = {}
    for entry in recalled:
        found.setdefault(str(entry.finding["id"]), entry)
    return list(found.values())
