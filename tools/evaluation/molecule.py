"""Unconditioned molecules: validity, uniqueness, novelty, diversity and how their properties are distributed.

Definitions of MOSES (Polykovskiy et al. 2020, doi:10.3389/fphar.2020.565644) with two differences, both said in the
report: novelty and properties are of neutral parents on both sides (data sets write charges at random, and one charge
moves logP by more than a unit), and the file given is the reference (MOSES has its own test set). Not computed: FCD,
SNN, fragment and scaffold similarity, the medicinal-chemistry filters.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from tools.evaluation.ask import Question, ask
from tools.evaluation.distribution_distance import distance_figure
from tools.evaluation.diversity import diversity_figure
from tools.evaluation.intervals import mean_figure, share_figure
from tools.evaluation.known_molecules import find_known, load_smiles, molecule_identity
from tools.evaluation.protocol import Case, Evaluator, Figure, Record, Row, Setup
from tools.molecule.descriptors import score_logp, score_mol_weight, score_qed, score_sa

PROPERTIES = {
    "logp": ("logP (Crippen)", score_logp),
    "qed": ("QED", score_qed),
    "sa": ("synthetic accessibility (Ertl, 1 to 10)", score_sa),
    "mol_weight": ("molecular weight, Da", score_mol_weight),
}
_SHOWN_TEXT = 300


def molecule_properties(smiles: str) -> dict[str, float]:
    """logP, QED, SA and molecular weight (Da) of the neutral parent (of a mixture: of all of it). ValueError where
    RDKit cannot read the SMILES."""
    mol = Chem.MolFromSmiles(molecule_identity(smiles))
    return {name: _number(score(mol).value) for name, (_, score) in PROPERTIES.items()}


def reference_properties(smiles: Sequence[str], size: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """Properties of a random `size` of the readable reference molecules, fixed by the seed; by name, (N,)."""
    order = list(smiles)
    random.Random(seed).shuffle(order)
    rows: list[dict[str, float]] = []
    for text in order:
        if len(rows) == size:
            break
        try:
            rows.append(molecule_properties(text))
        except ValueError:
            continue
    return {name: np.array([row[name] for row in rows]) for name in PROPERTIES}


@dataclass(frozen=True, slots=True)
class MoleculeStudy:
    """`known`: SMILES of the training molecules; `reference`: SMILES to compare property distributions with."""

    setup: Setup
    known: Sequence[str]
    reference: Sequence[str]

    def cases(self, rows: Iterable[tuple[str, Row]]) -> Iterable[Case]:
        del rows  # they are the reference, read on opening
        return (Case(f"sample-{number}") for number in range(1, self.setup.settings.n + 1))

    def answer(self, cases: Sequence[Case]) -> Sequence[Record]:
        one = replace(self.setup.settings, n=1)
        answers = ask(self.setup.generator, "molecule", [Question(case.case_id) for case in cases], one)
        return [_record(answer) for (answer,) in answers]

    def figures(self, records: Sequence[Record]) -> Sequence[Figure]:
        seed = self.setup.settings.seed
        valid = [record for record in records if record["smiles"] is not None]
        smiles = [str(record["smiles"]) for record in valid]
        distinct = list(dict.fromkeys(smiles))
        known = find_known(distinct, self.known) if distinct else set()
        source = "the reference files" if self.setup.references else "the data file (no --reference given)"
        return [
            share_figure(
                "validity",
                len(valid),
                len(records),
                "share of samples that end by themselves and RDKit sanitises whole",
            ),
            share_figure("uniqueness", len(distinct), len(valid), "distinct canonical SMILES among the valid samples"),
            share_figure(
                "novelty",
                len(distinct) - len(known),
                len(distinct),
                f"share of the distinct valid molecules whose neutral parent is not in {source}",
            ),
            diversity_figure("internal_diversity", smiles, seed=seed),
            *self._distances(valid, seed),
            *(
                mean_figure(
                    f"mean_{name}",
                    [r[name] for r in valid],
                    f"mean {title} of neutral parents, valid samples",
                    seed=seed,
                    over="samples",
                )
                for name, (title, _) in PROPERTIES.items()
            ),
        ]

    def _distances(self, valid: Sequence[Record], seed: int) -> Iterable[Figure]:
        size = int(self.setup.settings.options["reference_size"])
        reference = reference_properties(self.reference, size, seed)
        for name, (title, _) in PROPERTIES.items():
            ours = np.array([record[name] for record in valid], dtype=np.float64)
            what = f"Wasserstein-1 distance of {title}, neutral parents, valid samples to the reference"
            yield distance_figure(f"{name}_distance", ours, reference[name], what, seed=seed)


def open_study(setup: Setup) -> MoleculeStudy:
    reference = load_smiles(setup.data)
    known = [smiles for path in setup.references for smiles in load_smiles(path)] or reference
    return MoleculeStudy(setup, known, reference)


def _record(answer: Mapping[str, object]) -> Record:
    """Canonical SMILES and properties of a valid sample; text and reason of another one."""
    if not answer["valid"]:
        return {"smiles": None, "reason": answer["reason"], "text": str(answer["text"])[:_SHOWN_TEXT]}
    smiles = str(answer["smiles"])
    return {"smiles": smiles, "log_prob": answer["log_prob"], **molecule_properties(smiles)}


def _number(value: float | None) -> float:
    assert value is not None
    return value


EVALUATOR = Evaluator(
    name="molecule",
    title="unconditioned molecules against a reference set (MOSES definitions)",
    open=open_study,
    columns=("smiles",),
    defaults={"n": 1000, "max_new_tokens": 128},
    options={"reference_size": 5_000},
    rows_at_once=256,
    samples_are_rows=True,
    references=True,
)
