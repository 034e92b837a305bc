"""CDR design: one loop cut out of an antibody and written anew; recovery per loop beside what counting would give.

One case a loop of a row (`antibody_rows` says which tables are read; spans are IMGT's). Reference files give the
per-position majority baseline, which is what a germline-like guess recovers, and the filter: a row whose CDR-H3 is
within 50 % identity of a reference antibody's is not computed. Recovery rewards the germline, so it never stands
alone: `..._majority_aar` knows the true length and `..._framework_auroc` says whether the framework matters to the
model at all. A table with a column `cdrh3_variable10` (trastuzumab variants) is scored instead: see
`binder_ranking`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.errors import ModelInputError
from models.grammar import tags
from models.task_inputs import understand
from tools.errors import InputError
from tools.evaluation.antibody_rows import LOOPS, AntibodyRow, parse_antibody
from tools.evaluation.ask import Question, ask
from tools.evaluation.binder_ranking import binder_figures, binder_loop, binder_prompt, shared_residues
from tools.evaluation.conditional_score import score_continuations
from tools.evaluation.data_files import read_rows
from tools.evaluation.intervals import mean_figure, ratio_figure, statistic_figure
from tools.evaluation.loop_recovery import MajorityLoops, count_majority, nearest_identity, recovery
from tools.evaluation.protocol import Case, Evaluator, Figure, Record, Row, Settings, Setup
from tools.evaluation.steering import Context, choose_others, score_contexts, steering_figures


class AntibodyStudy:
    """See the module. Options: `loops` to design; `max_h3_identity` to the references (above 1: no filter);
    `steer_others` foreign frameworks a loop is scored in (0: none), of antibodies whose loop differs by at most
    `steer_band` residues in length; `light_context`: show the light chain before the heavy one where it is known;
    `keep_ambiguous` variants that were sorted both ways."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._options = setup.settings.options
        named = str(self._options["loops"]).replace(" ", "").upper().split(",")
        unknown = [name for name in named if name not in LOOPS]
        if unknown:
            raise InputError(f"loop {unknown[0]!r} is not one of {', '.join(LOOPS)}")
        self._loops = [name for name in LOOPS if name in named]
        known = list(_read_references(setup))
        self._known_h3 = sorted({loop for row in known if (loop := row.loop("H3"))})
        self._majority = {name: count_majority(row.loop(name) for row in known) for name in self._loops}
        self._contexts: dict[str, dict[str, Context]] = {name: {} for name in self._loops}

    def cases(self, rows: Iterable[tuple[str, Row]]) -> list[Case]:
        found: list[Case] = []
        for case_id, row in rows:
            found += [self._variant(case_id, row)] if "cdrh3_variable10" in row else self._loop_cases(case_id, row)
        return found

    def _variant(self, case_id: str, row: Row) -> Case:
        try:
            text = binder_loop(str(row["cdrh3_variable10"]))
        except InputError as fault:
            return Case(case_id, failed=str(fault))
        if str(row.get("ambiguous") or "0") == "1" and not self._options["keep_ambiguous"]:
            return Case(case_id, failed="the variant was sorted both as a binder and as none")
        binder = str(row["her2_binder"]) == "1"
        return Case(case_id, {}, {"text": text, "binder": binder, "shared": shared_residues(row["cdrh3_variable10"])})

    def _loop_cases(self, case_id: str, row: Row) -> list[Case]:
        try:
            antibody = parse_antibody(row)
        except (InputError, ValueError) as fault:
            return [Case(case_id, failed=str(fault))]
        limit, h3 = self._options["max_h3_identity"], antibody.loop("H3")
        if limit <= 1 and self._known_h3 and h3:
            identity = nearest_identity(h3, self._known_h3)
            if identity >= limit:
                reason = f"CDR-H3 is {identity:.0%} identical to a reference antibody's (limit {limit:.0%})"
                return [Case(case_id, failed=reason)]
        found = [self._loop_case(f"{case_id}-{name}", antibody, name) for name in self._loops if antibody.loop(name)]
        return found or [Case(case_id, failed=f"none of the loops {', '.join(self._loops)} is known in this row")]

    def _loop_case(self, case_id: str, antibody: AntibodyRow, name: str) -> Case:
        chains = {"heavy": antibody.heavy, "light": antibody.light}
        if not self._options["light_context"] or name.startswith("L"):
            chains = {"heavy" if name.startswith("H") else "light": antibody.chain_of(name)}
        inputs = {**{key: chain for key, chain in chains.items() if chain}, "loops": {name: list(antibody.spans[name])}}
        loop = antibody.loop(name)
        try:
            prompt = understand("antibody_cdr", 0, inputs).prompt
        except ModelInputError as fault:
            return Case(case_id, failed=str(fault))
        self._contexts[name][case_id] = Context(case_id, prompt, len(loop), prompt)
        return Case(case_id, inputs, {"loop": name, "truth": loop})

    def answer(self, cases: Sequence[Case]) -> list[Record]:
        variants = [case for case in cases if "text" in case.truth]
        loops = [case for case in cases if "text" not in case.truth]
        records: dict[str, Record] = {}
        scores = score_continuations(self._setup.generator, [(binder_prompt(), c.truth["text"]) for c in variants])
        for case, score in zip(variants, scores, strict=True):
            truth = case.truth
            records[case.case_id] = {"binder": truth["binder"], "log_prob": score, "shared": truth["shared"]}
        questions = [Question(case.case_id, case.inputs) for case in loops]
        answered = ask(self._setup.generator, "antibody_cdr", questions, self._setup.settings)
        for case, answers in zip(loops, answered, strict=True):
            records[case.case_id] = self._record(case, answers)
        return [records[case.case_id] for case in cases]

    def _record(self, case: Case, answers: Sequence[Mapping[str, Any]]) -> Record:
        name, truth = str(case.truth["loop"]), str(case.truth["truth"])
        majority: MajorityLoops | None = self._majority[name]
        record: Record = {
            "loop": name,
            "truth": truth,
            "n_samples": len(answers),
            "designed": [answer["loops"][name] for answer in answers if answer["valid"]],
            "majority": majority.of_length(len(truth)) if majority else None,
            "majority_typical": majority.typical if majority else None,
        }
        if self._options["steer_others"]:
            pool = self._contexts[name]
            own = pool[case.case_id]
            others = choose_others(
                own,
                list(pool.values()),
                n=self._options["steer_others"],
                size_band=self._options["steer_band"],
                alike=str.__eq__,
                seed=self._setup.settings.seed,
            )
            text = truth + tags.CDR.close
            prompts = [one.prompt for one in others]
            record["steering"] = score_contexts(self._setup.generator, text, own.prompt, prompts)
        return record

    def figures(self, records: Sequence[Record]) -> list[Figure]:
        seed = self._setup.settings.seed
        variants = [record for record in records if "binder" in record]
        found: list[Figure] = []
        for name in self._loops:
            mine = [record for record in records if record.get("loop") == name]
            if mine:
                found += _loop_figures(name, mine, self._setup.settings)
        return [*found, *(binder_figures(variants, seed=seed) if variants else [])]


def _read_references(setup: Setup) -> Iterable[AntibodyRow]:
    """Antibodies of the reference files; rows that do not read are left out."""
    for path in setup.references:
        for row in read_rows(path):
            if not row.fault:
                try:
                    yield parse_antibody(row.values)
                except (InputError, ValueError):
                    continue


def _loop_figures(name: str, records: Sequence[Record], settings: Settings) -> list[Figure]:
    """Recovery rises as the temperature falls, variety with it: each definition says how the loops were drawn."""
    seed = settings.seed
    how = f"{settings.beams} beams" if settings.beams else f"temperature {settings.temperature:g}"
    rule = f"equal residues at equal positions over the longer length; drawn at {how}, {settings.n} an antibody"
    answered = [record for record in records if record["designed"]]
    valid = [len(record["designed"]) for record in records]
    means = [fmean(recovery(one, r["truth"]) for one in r["designed"]) for r in answered]
    firsts = [recovery(r["designed"][0], r["truth"]) for r in answered]
    lengths = [fmean(len(one) == len(r["truth"]) for one in r["designed"]) for r in answered]
    equal = [[recovery(o, r["truth"]) for o in r["designed"] if len(o) == len(r["truth"])] for r in answered]
    given = [fmean(values) for values in equal if values]
    text = "share of answers that are a loop of the 20 residues"
    found = [
        ratio_figure(f"{name}_valid", valid, [r["n_samples"] for r in records], text, seed=seed, over="antibodies"),
        _mean(f"{name}_aar", means, f"AAR ({rule}), mean over an antibody's valid answers, then antibodies", seed),
        _mean(f"{name}_aar_top1", firsts, f"AAR of the answer of lowest perplexity, drawn at {how}", seed),
        _mean(
            f"{name}_aar_same_length", given, "AAR of the answers as long as the true loop, where there are any", seed
        ),
        _mean(f"{name}_same_length", lengths, "share of valid answers as long as the true loop", seed),
        _length_distance(name, answered, seed),
    ]
    for column, what in (
        ("majority", "the reference loops' majority residue at each position, true length given"),
        ("majority_typical", "the majority loop of the references' most common length"),
    ):
        values = [recovery(record[column], record["truth"]) for record in records if record[column]]
        if values:
            found.append(_mean(f"{name}_{column}_aar", values, f"AAR of {what}", seed))
    scored = [one for record in records if (one := record.get("steering"))]
    if any("steering" in record for record in records):
        found += steering_figures(f"{name}_framework", scored, f"the true {name}", seed=seed)
    return found


def _mean(name: str, values: Sequence[float], text: str, seed: int) -> Figure:
    return mean_figure(name, values, text, seed=seed, over="antibodies")


def _length_distance(name: str, answered: Sequence[Record], seed: int) -> Figure:
    designed = [[len(one) for one in record["designed"]] for record in answered]
    truth = [len(record["truth"]) for record in answered]

    def distance(at: NDArray[np.intp]) -> float:
        written = [length for index in at for length in designed[index]]
        return float(stats.wasserstein_distance(written, [truth[index] for index in at]))

    text = "Wasserstein distance, residues, between the lengths of designed and true loops"
    return statistic_figure(
        f"{name}_length_distance", len(answered), distance, text, seed=seed, over="antibodies", n_resamples=300
    )


EVALUATOR = Evaluator(
    name="antibody_cdr",
    title="CDR loops: recovery per loop beside a majority baseline, does the framework steer, ranking of binders",
    open=AntibodyStudy,
    columns=("heavy|vh|light|vl|sequence|cdrh3_variable10",),
    defaults={"n": 4, "max_new_tokens": 64},
    options={
        "loops": "H1,H2,H3,L1,L2,L3",
        "max_h3_identity": 0.5,
        "steer_others": 4,
        "steer_band": 2,
        "light_context": True,
        "keep_ambiguous": False,
    },
    rows_at_once=64,
    references=True,
)
