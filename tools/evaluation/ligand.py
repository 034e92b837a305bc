"""Ligands for pockets: are they molecules, are they drug-like, do they dock, and does the pocket matter to the model?

One case a row: a chain with its pocket marked (`sequence`, `pocket`) and, where known, the ligand bound there
(`smiles`), which is the reference and what the steering figure scores. Docking is done by the callable "dock" of the
setup (`ligand_docking.dock_molecules` in a worker) where the option `dock` asks for it; receptor and reference pose are
the row's `files` below the structures folder. Other chains of a site are not shown to the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.errors import ModelInputError
from models.grammar import tags
from models.task_inputs import understand
from models.training.exclusions import KmerIndex
from tools.errors import InputError, UnavailableError
from tools.evaluation.ask import Question, ask
from tools.evaluation.ligand_figures import docking_figures, molecule_properties, property_figures
from tools.evaluation.protocol import Case, Evaluator, Figure, Record, Row, Setup
from tools.evaluation.steering import Context, choose_others, score_contexts, steering_figures
from tools.molecule.parse import canonical_parent, parse_smiles


class LigandStudy:
    """See the module. Options: `window` residues of the chain shown, around the pocket (0: all); `steer_others`
    contexts compared with each row's own (0: none), of ligands within `steer_band` heavy atoms and proteins that share
    under 4 % of 5-mers, drawn among the rows of the run; `dock`, with `exhaustiveness`, `margin_angstrom` and at most
    `dock_molecules` a pocket."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._options = setup.settings.options
        self._contexts: dict[str, Context] = {}
        if self._options["dock"] and "dock" not in setup.tools:
            raise UnavailableError("docking was asked for and no docking tool is wired in; leave the option dock off")
        if self._options["dock"] and setup.structures is None:
            raise InputError("docking needs the folder of receptors and reference poses; give --structures DIR")

    def cases(self, rows: Iterable[tuple[str, Row]]) -> list[Case]:
        return [self._case(case_id, row) for case_id, row in rows]

    def _case(self, case_id: str, row: Row) -> Case:
        inputs = {"sequence": str(row["sequence"]).upper(), "pocket": row["pocket"]}
        truth: dict[str, Any] = {}
        try:
            understand("ligand", 0, inputs)
            if row.get("smiles"):
                truth["reference"] = canonical_parent(str(row["smiles"]), largest_fragment=True)
        except (ModelInputError, InputError) as fault:
            return Case(case_id, failed=str(fault))
        inputs = window(inputs["sequence"], inputs["pocket"], self._options["window"])
        if self._options["dock"]:
            files = row.get("files")
            if not isinstance(files, Mapping) or not {"receptor", "ligand"} <= set(files):
                return Case(case_id, failed="the row names no receptor and reference pose (column files)")
            paths = {name: (self._setup.structures or Path()) / str(files[name]) for name in ("receptor", "ligand")}
            missing = [path for path in paths.values() if not path.is_file()]
            if missing:
                return Case(case_id, failed=f"{missing[0]} does not exist")
            truth["files"] = {name: str(path) for name, path in paths.items()}
        if "reference" in truth:
            prompt = understand("ligand", 0, inputs).prompt
            size = parse_smiles(truth["reference"]).GetNumHeavyAtoms()
            self._contexts[case_id] = Context(case_id, prompt, size, str(row["sequence"]).upper())
        return Case(case_id, inputs, truth)

    def answer(self, cases: Sequence[Case]) -> list[Record]:
        questions = [Question(case.case_id, case.inputs) for case in cases]
        answered = ask(self._setup.generator, "ligand", questions, self._setup.settings)
        return [self._record(case, answers) for case, answers in zip(cases, answered, strict=True)]

    def _record(self, case: Case, answers: Sequence[Mapping[str, Any]]) -> Record:
        valid = [str(answer["smiles"]) for answer in answers if answer["valid"]]
        reference = case.truth.get("reference")
        record: Record = {
            "n_samples": len(answers),
            "molecules": [{"smiles": smiles, **molecule_properties(smiles)} for smiles in valid],
            "reference": {"smiles": reference, **molecule_properties(reference)} if reference else None,
        }
        if reference and self._options["steer_others"]:
            record["steering"] = self._steering(case)
        if self._options["dock"]:
            record["docking"] = self._docking(case, valid)
        return record

    def _steering(self, case: Case) -> dict[str, Any] | None:
        own = self._contexts[case.case_id]
        others = choose_others(
            own,
            list(self._contexts.values()),
            n=self._options["steer_others"],
            size_band=self._options["steer_band"],
            alike=_alike,
            seed=self._setup.settings.seed,
        )
        text = case.truth["reference"] + tags.MOLECULE.close
        return score_contexts(self._setup.generator, text, own.prompt, [one.prompt for one in others])

    def _docking(self, case: Case, valid: Sequence[str]) -> dict[str, Any]:
        """Scores, kcal/mol, of the reference and of the first distinct molecules by rank; all None, with the reason,
        where the receptor cannot be prepared."""
        options, reference = self._options, case.truth.get("reference")
        chosen = list(dict.fromkeys(valid))[: options["dock_molecules"]]
        asked = [reference, *chosen] if reference else chosen
        reason = ""
        try:
            scores = self._setup.tools["dock"](
                asked,
                Path(case.truth["files"]["receptor"]),
                Path(case.truth["files"]["ligand"]),
                exhaustiveness=options["exhaustiveness"],
                margin_angstrom=options["margin_angstrom"],
                seed=self._setup.settings.seed,
            )
        except InputError as fault:
            scores, reason = [None] * len(asked), str(fault)
        molecules = scores[1:] if reference else scores
        return {"reference": scores[0] if reference else None, "molecules": list(molecules), "reason": reason}

    def figures(self, records: Sequence[Record]) -> list[Figure]:
        seed, options = self._setup.settings.seed, self._options
        found = property_figures(records, seed=seed)
        if options["steer_others"]:
            scored = [one for record in records if (one := record.get("steering"))]
            found += steering_figures("pocket_steers", scored, "the bound ligand", seed=seed)
        if options["dock"]:
            box = f"the reference's and {options['margin_angstrom']:g} Å on every side"
            settings = (
                f"exhaustiveness {options['exhaustiveness']}, box {box}, main state at pH 7.4, one start, seed {seed}"
            )
            found += docking_figures([record["docking"] for record in records], settings, seed=seed)
        return found


def window(sequence: str, pocket: Sequence[int], n_residues: int) -> dict[str, Any]:
    """The stretch of at most `n_residues` (0: all) centred on the pocket, or, where the pocket spans more, the one
    that holds most of it; as inputs of the ligand task."""
    marked = sorted(set(pocket))
    if not n_residues or len(sequence) <= n_residues or not marked:
        return {"sequence": sequence, "pocket": marked}
    middle = (marked[0] + marked[-1] + 1 - n_residues) // 2
    starts = range(len(sequence) - n_residues + 1)
    start = max(starts, key=lambda s: (sum(s <= at < s + n_residues for at in marked), -abs(s - middle)))
    inside = [at - start for at in marked if start <= at < start + n_residues]
    return {"sequence": sequence[start : start + n_residues], "pocket": inside}


def _alike(first: str, second: str) -> bool:
    return KmerIndex([first]).shares_kmers(second)


EVALUATOR = Evaluator(
    name="ligand",
    title="molecules for marked pockets: validity, drug-likeness, diversity, docking, and whether the pocket steers",
    open=LigandStudy,
    columns=("sequence", "pocket"),
    defaults={"n": 10},
    options={
        "window": 0,
        "steer_others": 4,
        "steer_band": 5,
        "dock": False,
        "dock_molecules": 10,
        "exhaustiveness": 8,
        "margin_angstrom": 5.0,
    },
    rows_at_once=8,
)
