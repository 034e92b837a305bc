"""Property tokens: when a bin of logP, molecular weight or QED is asked for, how often does the sample lie in it?

Asked: every bin that holds at least `min_share` of the molecules of the data file (the training molecules, where the
question is what training taught), one bin of one property at a time, `n` samples each. Headline: `<property>_in_bin`,
the share of ALL samples, invalid ones counting as misses; beside it the share of the valid ones and the base rate, the
share of unconditional samples in the bin, averaged over the same bins. A sample is measured as the corpus is: RDKit's
Wildman-Crippen logP, average molecular weight and QED of the neutral parent. Not asked: two properties at once.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.conditions import need_conditions
from models.grammar.properties import PROPERTIES, Property
from models.grammar.tasks import prompt_for
from tools.errors import InputError
from tools.evaluation.ask import Question, ask
from tools.evaluation.intervals import mean_figure, share_figure
from tools.evaluation.known_molecules import load_smiles
from tools.evaluation.molecule import molecule_properties
from tools.evaluation.protocol import Case, Evaluator, Figure, Record, Row, Setup

MEASURED = {"log_p": "logp", "molecular_weight": "mol_weight", "qed": "qed"}
"""Property of the grammar -> the name it is measured and reported under (`molecule.PROPERTIES`)."""
FREE = "free"


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin that is asked for, with the share of the data file's molecules that lie in it."""

    item: Property
    tag: str
    data_share: float

    @property
    def name(self) -> str:
        """`logp[2..3]`."""
        return f"{MEASURED[self.item.key]}[{self.tag.partition(':')[2].rstrip('>')}]"

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Whether a sample is valid and lies in the bin."""
        measured = record["measured"]
        return measured is not None and self.item.tag_of(measured[MEASURED[self.item.key]]) == self.tag


@dataclass(frozen=True, slots=True)
class PropertyStudy:
    setup: Setup
    bins: Sequence[Bin]

    def cases(self, rows: Iterable[tuple[str, Row]]) -> Iterable[Case]:
        """Samples one by one, so that a larger `n` goes on from a smaller one."""
        del rows  # they are the reference, read on opening
        numbers = range(1, self.setup.settings.n + 1)
        asked = [Case(f"{one.tag}/{number}", truth={"tag": one.tag}) for one in self.bins for number in numbers]
        free = range(1, int(self.setup.settings.options["free_samples"]) + 1)
        return [*asked, *(Case(f"{FREE}/{number}", truth={"tag": ""}) for number in free)]

    def answer(self, cases: Sequence[Case]) -> Sequence[Record]:
        questions = [Question(case.case_id, {}, _prompt(case.truth["tag"])) for case in cases]
        answers = ask(self.setup.generator, "molecule", questions, replace(self.setup.settings, n=1))
        return [_record(case.truth["tag"], answer) for case, (answer,) in zip(cases, answers, strict=True)]

    def figures(self, records: Sequence[Record]) -> Sequence[Figure]:
        free = [record for record in records if not record["tag"]]
        found = []
        for item in PROPERTIES:
            bins = [one for one in self.bins if one.item == item]
            if bins:
                asked = {one: [record for record in records if record["tag"] == one.tag] for one in bins}
                found += self._over_bins(MEASURED[item.key], asked, free)
        for one in self.bins:
            found += _of_bin(one, [record for record in records if record["tag"] == one.tag], free)
        return found

    def _over_bins(self, name: str, asked: Mapping[Bin, Sequence[Record]], free: Sequence[Record]) -> list[Figure]:
        """Each bin has as many samples, so that shares of all samples are means over the bins."""
        n_samples = sum(map(len, asked.values()))
        n_valid = sum(record["measured"] is not None for records in asked.values() for record in records)
        hits = sum(one.holds(record) for one, records in asked.items() for record in records)
        least = self.setup.settings.options["min_share"]
        over = f"{len(asked)} bins that each hold at least {least:g} of the data file's molecules"
        base = [float(np.mean([one.holds(record) for one in asked])) for record in free]
        return [
            share_figure(f"{name}_in_bin", hits, n_samples, f"share of all samples inside the asked bin, over {over}"),
            share_figure(f"{name}_in_bin_of_valid", hits, n_valid, f"share of the valid samples, over {over}"),
            mean_figure(
                f"{name}_base",
                base,
                f"share of unconditional samples in a bin, mean over the {over}: what asking has to beat",
                seed=self.setup.settings.seed,
                over="samples",
            ),
        ]


def _of_bin(one: Bin, records: Sequence[Record], free: Sequence[Record]) -> list[Figure]:
    hits, valid = sum(map(one.holds, records)), sum(record["measured"] is not None for record in records)
    asked = f"asked {one.tag}, which holds {one.data_share:.3f} of the data file's molecules"
    return [
        share_figure(f"{one.name}_in_bin", hits, len(records), f"share of all samples inside; {asked}"),
        share_figure(f"{one.name}_in_bin_of_valid", hits, valid, f"share of the valid samples inside; {asked}"),
        share_figure(f"{one.name}_base", sum(map(one.holds, free)), len(free), f"the same of free samples; {one.tag}"),
    ]


def _prompt(tag: str) -> str:
    return prompt_for("molecule", conditions=(tag,)) if tag else prompt_for("molecule")


def _record(tag: str, answer: Mapping[str, Any]) -> Record:
    if not answer["valid"]:
        return {"tag": tag, "smiles": None, "measured": None, "reason": answer["reason"]}
    measured = molecule_properties(answer["smiles"])
    return {"tag": tag, "smiles": answer["smiles"], "measured": {name: measured[name] for name in MEASURED.values()}}


def frequent_bins(
    smiles: Sequence[str], properties: Sequence[Property], min_share: float, size: int, seed: int
) -> list[Bin]:
    """Bins that hold at least `min_share` of a random `size` of the readable molecules, fixed by the seed."""
    order = list(smiles)
    random.Random(seed).shuffle(order)
    measured: list[dict[str, float]] = []
    for text in order:
        if len(measured) == size:
            break
        try:
            measured.append(molecule_properties(text))
        except ValueError:
            continue
    found = []
    for item in properties:
        tags = [item.tag_of(one[MEASURED[item.key]]) for one in measured]
        shares = {tag: tags.count(tag) / len(tags) for tag in item.tags} if tags else {}
        found += [Bin(item, tag, share) for tag, share in shares.items() if share >= min_share]
    return found


def open_study(setup: Setup) -> PropertyStudy:
    options = setup.settings.options
    by_name = {MEASURED[item.key]: item for item in PROPERTIES}
    named = [name.strip() for name in str(options["properties"]).split(",")]
    unknown = [name for name in named if name not in by_name]
    if unknown:
        raise InputError(f"property {unknown[0]!r} is not one of {', '.join(by_name)}")
    chosen = [item for name, item in by_name.items() if name in named]
    codec = getattr(setup.generator, "codec", None)
    if codec is not None:
        need_conditions(codec.id_of, [item.tags for item in chosen])
    bins = frequent_bins(
        load_smiles(setup.data),
        chosen,
        float(options["min_share"]),
        int(options["reference_size"]),
        setup.settings.seed,
    )
    if not bins:
        raise InputError(f"{setup.data}: no bin holds a share of {options['min_share']:g} of its molecules")
    return PropertyStudy(setup, bins)


EVALUATOR = Evaluator(
    name="property",
    title="molecules asked for by property bin: share of samples inside it, beside the base rate",
    open=open_study,
    columns=("smiles",),
    defaults={"n": 200, "max_new_tokens": 128},
    options={"properties": "logp,mol_weight,qed", "min_share": 0.02, "free_samples": 1000, "reference_size": 5_000},
    rows_at_once=256,
    samples_are_rows=True,
)
