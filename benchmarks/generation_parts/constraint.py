"""What the grammar constraint costs, and what still comes out malformed with it and without.

Cost: the same request constrained and not, in turns; samples end by themselves, so that seconds are compared per token
drawn. Malformed: samples of all eight tasks that the grammar's reader or RDKit's SMILES parser (without chemistry:
`sanitize=False`) refuses, or that were cut off by their length.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rdkit import Chem, rdBase

from generation_parts.arms import stopwatch
from generation_parts.prompts import DHFR, DHFR_POCKET, ask
from models.backends.base import Generator, Sample
from models.grammar.objects import Antibody, GrammarObject, Material, Molecule, Protein
from models.grammar.parse import GrammarError
from models.grammar.tasks import STOP, Task, extract, prompt_for

# Protein G B1 domain, PDB 2GB1, 56 residues.
GB1 = "MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE"
# Trastuzumab, heavy variable domain (PDB 1N8Z), its CDR-H3 SRWGGDGFYAMDY written apart.
_VH = ("EVQLVESGGGLVQPGGSLRLSCAASGFNIKDTYIHWVRQAPGKGLEWVARIYPTNGYTRYADSVKGRFTISADTSKNTAYLQMNSLRAEDTAVYYC",
       "WGQGTLVTVSS")  # fmt: skip
_IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"
_ACID, _AMINE = "O=C(O)c1ccccc1", "NCc1ccccc1"
_ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


@dataclass(frozen=True)
class Asked:
    """A task's prompt, its share of all samples and its length limit (tokens)."""

    task: Task
    prompt: str
    share: float
    tokens: int = 200


def tasks_asked() -> list[Asked]:
    framework = len(_VH[0])
    antibody = Antibody(_VH[0] + _VH[1], ((framework, framework),))
    return [
        Asked("molecule", prompt_for("molecule"), 0.3),
        Asked("ligand", prompt_for("ligand", proteins=Protein(DHFR, DHFR_POCKET)), 0.15),
        Asked("retrosynthesis", prompt_for("retrosynthesis", product=_IMATINIB), 0.1),
        Asked("retrosynthesis", prompt_for("retrosynthesis", product=_ASPIRIN), 0.05),
        Asked("reaction", prompt_for("reaction", reactants=[_ACID, _AMINE]), 0.1),
        Asked("material", prompt_for("material"), 0.1),
        Asked("pocket", prompt_for("pocket", protein=GB1), 0.05),
        Asked("protein_edit", prompt_for("protein_edit", parent=GB1), 0.05),
        Asked("antibody_cdr", prompt_for("antibody_cdr", antibodies=antibody), 0.1, tokens=60),
    ]


def measure_cost(generator: Generator, *, samples: int, tokens: int, repeats: int) -> dict[str, Any]:
    """Milliseconds a token with and without the constraint, medians, and their ratio."""
    plain = ask(prompt_for("molecule"), tokens, n=samples, stop=("<MoleculeE>",))
    per_token: dict[bool, list[float]] = {False: [], True: []}
    n_tokens: dict[bool, int] = {False: 0, True: 0}
    for repeat in range(repeats + 1):
        for constrained in (False, True) if repeat % 2 else (True, False):
            request = replace(plain, seed=repeat, constrained=constrained)
            found: list[Sample] = []
            wall, _ = stopwatch(lambda request=request, found=found: found.extend(generator.generate([request])))  # type: ignore[misc]
            drawn = sum(len(sample.token_ids) for sample in found)
            if repeat:
                per_token[constrained].append(1000 * wall / drawn)
                n_tokens[constrained] += drawn
    with_it, without = statistics.median(per_token[True]), statistics.median(per_token[False])
    return {
        "samples": samples,
        "constrained_ms_per_token": with_it,
        "free_ms_per_token": without,
        "ratio": with_it / without,
        "constrained_tokens_per_sample": n_tokens[True] / samples / repeats,
        "free_tokens_per_sample": n_tokens[False] / samples / repeats,
    }


def count_malformed(generator: Generator, *, samples: int, constrained: bool) -> dict[str, Any]:
    """Malformed samples among `samples`, by task, with the reasons seen."""
    rows: dict[str, Counter[str]] = {}
    reasons: Counter[str] = Counter()
    for number, asked in enumerate(tasks_asked()):
        stop = STOP[asked.task]
        n = max(1, round(samples * asked.share))
        plain = ask(asked.prompt, asked.tokens, n=n, seed=number, stop=() if stop is None else (stop,))
        request = replace(plain, constrained=constrained)
        tally = rows.setdefault(asked.task, Counter())
        for sample in generator.generate([request]):
            fault = find_fault(asked.task, asked.prompt, sample)
            tally["samples"] += 1
            if fault:
                tally["malformed"] += 1
                tally["cut off"] += fault == CUT_OFF
                reasons[f"{asked.task}: {fault}"[:160]] += 1
    return {
        "samples": sum(tally["samples"] for tally in rows.values()),
        "malformed": sum(tally["malformed"] for tally in rows.values()),
        "cut_off": sum(tally["cut off"] for tally in rows.values()),
        "tasks": {task: dict(tally) for task, tally in rows.items()},
        "reasons": dict(reasons.most_common(8)),
    }


CUT_OFF = "cut off by the length limit"


def find_fault(task: Task, prompt: str, sample: Sample) -> str:
    """Why a sample is malformed, or the empty string."""
    if sample.finish_reason == "length":
        return CUT_OFF
    try:
        objects = extract(task, prompt, sample.text)
    except GrammarError as fault:
        return str(fault)
    with rdBase.BlockLogs():
        bad = [smiles for smiles in _smiles_of(objects) if Chem.MolFromSmiles(smiles, sanitize=False) is None]
    return f"RDKit cannot parse {bad[0]}" if bad else ""


def _smiles_of(objects: Sequence[GrammarObject]) -> Iterator[str]:
    for item in objects:
        if isinstance(item, Molecule):
            yield item.smiles
        elif isinstance(item, Material):
            yield from (part.smiles for part in item.parts)
