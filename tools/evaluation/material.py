"""Metal-organic frameworks as text: valid, novel, unique, and with a new building block. Sequence level only.

A framework is its set of metal nodes and its set of linkers (topology is not written by the model). None of the figures
says that a framework can be built: they never stand beside structure-level ones (MOFFlow-2, Mofasa). Whether charges
can balance is told beside the others (`charge_balance`), with the share of the known frameworks for comparison.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools.errors import InputError
from tools.evaluation.ask import Question, ask
from tools.evaluation.data_files import need_columns, read_rows
from tools.evaluation.intervals import share_figure
from tools.evaluation.protocol import Case, Evaluator, Figure, Record, Row, Setup
from tools.material.charge_balance import framework_balances
from tools.material.framework import Framework, framework_of

COLUMNS = ("nodes", "linkers")
_COMPARED = 2000


@dataclass(frozen=True, slots=True)
class Library:
    """What is known: whole frameworks, and the nodes and linkers that occur in them."""

    frameworks: frozenset[Framework]
    nodes: frozenset[str]
    linkers: frozenset[str]


def load_library(paths: Sequence[Path]) -> Library:
    """The frameworks of files with columns nodes and linkers, dots between blocks; rows with a linker that RDKit cannot
    read are left out."""
    frameworks: set[Framework] = set()
    for path in paths:
        rows = read_rows(path)
        need_columns(path, rows, COLUMNS)
        for row in rows:
            if row.values.get("nodes") and row.values.get("linkers"):
                found = framework_of([row.values["nodes"]], [row.values["linkers"]])
                frameworks |= {found} if found else set()
    if not frameworks:
        raise InputError(f"{', '.join(map(str, paths))}: no row is a framework that can be read")
    return Library(
        frozenset(frameworks),
        frozenset(node for nodes, _ in frameworks for node in nodes),
        frozenset(linker for _, linkers in frameworks for linker in linkers),
    )


@dataclass(frozen=True, slots=True)
class MaterialStudy:
    setup: Setup
    library: Library

    def cases(self, rows: Iterable[tuple[str, Row]]) -> Iterable[Case]:
        del rows  # they are the library, read on opening
        return (Case(f"sample-{number}") for number in range(1, self.setup.settings.n + 1))

    def answer(self, cases: Sequence[Case]) -> Sequence[Record]:
        one = replace(self.setup.settings, n=1)
        answers = ask(self.setup.generator, "material", [Question(case.case_id) for case in cases], one)
        return [material_record(answer, self.library) for (answer,) in answers]

    def figures(self, records: Sequence[Record]) -> Sequence[Figure]:
        n = len(records)
        valid = [(tuple(r["nodes"]), tuple(r["linkers"])) for r in records if r["reason"] == ""]
        distinct = set(valid)
        new = distinct - self.library.frameworks
        new_blocks = {framework for framework in new if set(framework[1]) - self.library.linkers}
        known_nodes = f"{len(self.library.nodes)} known nodes"
        return [
            share_figure(
                "valid",
                len(valid),
                n,
                f"share of samples with all metal nodes among the {known_nodes} and valid linkers",
            ),
            share_figure("unique", len(distinct), len(valid), "distinct frameworks among the valid samples"),
            share_figure(
                "novel",
                len(new),
                len(distinct),
                f"share of the distinct valid frameworks not among {len(self.library.frameworks)} known ones",
            ),
            share_figure("vnu", len(new), n, "distinct, valid and novel frameworks over all samples, sequence level"),
            share_figure(
                "nbb",
                len(new_blocks),
                len(new),
                "share of the distinct valid novel frameworks with a linker not in the library",
            ),
            share_figure("vnu_nbb", len(new_blocks), n, "distinct, valid, novel with a new linker, over all samples"),
            self._balance_figure(sorted(new)),
        ]

    def _balance_figure(self, new: Sequence[Framework]) -> Figure:
        verdicts = [framework_balances(*framework) for framework in new]
        decided = [verdict for verdict in verdicts if verdict is not None]
        definition = (
            "share of the distinct valid novel frameworks whose linkers can balance plausible oxidation states of the "
            f"metals without further ions; {len(verdicts) - len(decided)} not decidable; {self._known_balance()}"
        )
        return share_figure("charge_balance", sum(decided), len(decided), definition)

    def _known_balance(self) -> str:
        """The same share among known frameworks, of a sample fixed by the seed where there are many."""
        known = sorted(self.library.frameworks)
        random.Random(self.setup.settings.seed).shuffle(known)
        verdicts = [framework_balances(*framework) for framework in known[:_COMPARED]]
        decided = [verdict for verdict in verdicts if verdict is not None]
        if not decided:
            return "no known framework is decidable"
        return f"{sum(decided) / len(decided):.3f} of {len(decided)} known frameworks"


def material_record(answer: Mapping[str, Any], library: Library) -> Record:
    """Canonical nodes and linkers of a sample, and why it is not valid (empty where it is)."""
    if not answer["valid"]:
        return {"nodes": None, "linkers": None, "reason": answer["reason"], "text": str(answer["text"])[:300]}
    framework = framework_of(answer["metals"], answer["linkers"])
    if framework is None:
        return {
            "nodes": None,
            "linkers": None,
            "reason": "no node with a metal, or no linker",
            "text": str(answer["text"])[:300],
        }
    unknown = [node for node in framework[0] if node not in library.nodes]
    reason = f"metal node {unknown[0]!r} is not known" if unknown else ""
    return {"nodes": list(framework[0]), "linkers": list(framework[1]), "reason": reason}


def open_study(setup: Setup) -> MaterialStudy:
    return MaterialStudy(setup, load_library([setup.data, *setup.references]))


EVALUATOR = Evaluator(
    name="material",
    title="metal-organic frameworks, sequence level, against known ones",
    open=open_study,
    columns=COLUMNS,
    defaults={"n": 300},
    rows_at_once=128,
    samples_are_rows=True,
    references=True,
)
