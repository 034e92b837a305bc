"""Protein editing by GGS's protocol: designs from a start set of poor sequences, judged by fitness, diversity, novelty.

Kirjner et al. 2024, doi 10.48550/arXiv.2307.00494: 128 designs, repeated 5 times; fitness = median of the evaluator,
min-max normalised by the full table; diversity = mean pairwise Levenshtein distance of the designs; novelty = median
distance to the nearest start sequence. The generator sees the start set and nothing else. The evaluator is, by option:
`lookup` (measured values only; GB1's nearly complete landscape, the default there), `ridge` (see `fitness_evaluators`),
`tool` (the setup's "fitness"), or `none`. Without one fitness is not computed; it is never 0. Unlike GGS no predictor
chooses the 128: they are the distinct new designs of lowest perplexity. Figures under different evaluators, GGS's and
LOGOS's included, must not stand in one table.

The data file is the landscape, whole; a run takes n samples for each repeat, one case a sample.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from tools.errors import InputError, UnavailableError
from tools.evaluation.annealing import anneal
from tools.evaluation.ask import Question, ask
from tools.evaluation.edit_distance import levenshtein, mean_pairwise_distance, nearest_distance
from tools.evaluation.fitness_evaluators import AMINO_ACIDS, LookUp, RidgeEvaluator, fit_ridge
from tools.evaluation.intervals import mean_figure, share_figure
from tools.evaluation.protocol import Case, Evaluator, Figure, Record, Row, Setup
from tools.evaluation.start_sets import GB1, RULES, Landscape, StartRule, build_landscape, start_set

_ROOM = 8
"""Tokens a sample may run past the longest parent before it is cut off: it is invalid by its length then."""
EVALUATORS = ("auto", "lookup", "ridge", "tool", "none")
Evaluate = Callable[[Sequence[str]], Sequence[float | None]]


class ProteinEditStudy:
    """See the module. Options: `start` medium or hard, with `low_percentile`, `high_percentile`, `gap` to replace the
    published rule; `parents` start sequences are prompted, the `parents_by` fittest or random ones; `designs` chosen in
    each of `repeats`; `annealing_steps` look-ups a chain of the annealing mark (0: none)."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._options = setup.settings.options
        if self._options["evaluator"] not in EVALUATORS:
            raise InputError(f"evaluator {self._options['evaluator']!r} is not one of {', '.join(EVALUATORS)}")
        if self._options["parents_by"] not in ("fitness", "random"):
            raise InputError(f"parents_by {self._options['parents_by']!r} is not fitness or random")
        self._landscape: Landscape | None = None
        self._starts: list[str] = []
        self._evaluate: Evaluate | None = None

    def cases(self, rows: Iterable[tuple[str, Row]]) -> list[Case]:
        options, settings = self._options, self._setup.settings
        self._landscape = build_landscape([row for _, row in rows])
        self._starts = start_set(self._landscape, options["start"], self._rule())
        self._evaluate = self._open_evaluator(self._landscape)
        cases = []
        for repeat in range(options["repeats"]):
            parents = self._parents(repeat)
            for number in range(settings.n):
                parent = parents[number % len(parents)]
                cases.append(Case(f"repeat-{repeat}-sample-{number}", {"sequence": parent}, {"repeat": repeat}))
        return cases

    def _rule(self) -> StartRule | None:
        """None where the published one stands; GB1 has four sites, so no gap unless one is given."""
        options, landscape = self._options, self._landscape
        given = [options[name] for name in ("low_percentile", "high_percentile", "gap")]
        if options["start"] not in RULES:
            raise InputError(f"start {options['start']!r} is not one of {', '.join(RULES)}")
        if all(value is None for value in given) and not (landscape and landscape.kind == "gb1"):
            return None
        usual = RULES[options["start"]]
        gap = 0 if landscape and landscape.kind == "gb1" else usual.gap
        return StartRule(
            _or(options["low_percentile"], usual.low_percentile),
            _or(options["high_percentile"], usual.high_percentile),
            int(_or(options["gap"], gap)),
            usual.top_percent,
        )

    def _parents(self, repeat: int) -> list[str]:
        """Start sequences to prompt, drawn anew in each repeat where they are drawn."""
        assert self._landscape is not None
        n, fitness = self._options["parents"], self._landscape.fitness
        if self._options["parents_by"] == "fitness":
            return sorted(self._starts, key=lambda one: (-fitness[one], one))[:n]
        rng = random.Random(f"{self._setup.settings.seed}|{repeat}")
        return rng.sample(self._starts, min(n, len(self._starts)))

    def _open_evaluator(self, landscape: Landscape) -> Evaluate | None:
        name, tools = self._options["evaluator"], self._setup.tools
        if name == "auto":
            name = "tool" if "fitness" in tools else "lookup" if landscape.kind == "gb1" else "none"
        if name == "tool":
            if "fitness" not in tools:
                raise UnavailableError("evaluator tool was asked for and no fitness tool is wired in")
            return tools["fitness"]
        if name == "lookup":
            return LookUp(landscape.fitness, GB1 if landscape.kind == "gb1" else "", landscape.sites)
        return fit_ridge(landscape.fitness, alpha=self._options["ridge_alpha"]) if name == "ridge" else None

    def answer(self, cases: Sequence[Case]) -> list[Record]:
        longest = max(len(case.inputs["sequence"]) for case in cases) + _ROOM
        limit = min(self._setup.settings.max_new_tokens, longest)
        settings = replace(self._setup.settings, n=1, max_new_tokens=limit)
        questions = [Question(case.case_id, case.inputs) for case in cases]
        answered = ask(self._setup.generator, "protein_edit", questions, settings)
        return [self._record(case, one[0]) for case, one in zip(cases, answered, strict=True)]

    def _record(self, case: Case, answer: Mapping[str, Any]) -> Record:
        assert self._landscape is not None
        parent, sequence = str(case.inputs["sequence"]), answer["sequence"]
        valid = bool(answer["valid"]) and len(sequence) == len(parent) and set(sequence) <= set(AMINO_ACIDS)
        record: Record = {"repeat": case.truth["repeat"], "sequence": sequence, "valid": valid}
        if not valid:
            return {**record, "reason": answer["reason"] or f"{len(sequence)} residues, not {len(parent)}"}
        fitness = self._evaluate([sequence])[0] if self._evaluate else None
        moved = [at for at, (old, new) in enumerate(zip(parent, sequence, strict=True)) if old != new]
        return {
            **record,
            "perplexity": answer["perplexity"],
            "mutations": levenshtein(parent, sequence),
            "off_site": bool(self._landscape.sites) and not set(moved) <= set(self._landscape.sites),
            "to_start": nearest_distance(sequence, self._starts),
            "fitness": fitness,
            "measured": self._landscape.fitness.get(sequence),
        }

    def figures(self, records: Sequence[Record]) -> list[Figure]:
        assert self._landscape is not None
        seed = self._setup.settings.seed
        valid = [record for record in records if record["valid"]]
        new = [record for record in valid if record["to_start"]]
        chosen = self._chosen(new)
        found = [
            share_figure(
                "valid", len(valid), len(records), "share of samples of the parent's length, all of the 20 residues"
            ),
            share_figure("new", len(new), len(valid), "share of valid samples that are not in the start set"),
            mean_figure(
                "mutations",
                [r["mutations"] for r in valid],
                "Levenshtein distance of valid samples to their parent",
                seed=seed,
                over="samples",
            ),
        ]
        found += self._design_figures(chosen, seed)
        if self._landscape.sites:
            text = "share of valid samples with changes outside the sites of the landscape; these are taken back"
            found.append(share_figure("off_site", sum(r["off_site"] for r in valid), len(valid), text))
        return [*found, *self._measured_figures(chosen), *self._start_figures(), *self._evaluator_figures()]

    def _chosen(self, new: Sequence[Record]) -> list[list[Record]]:
        """The designs of each repeat: distinct, lowest perplexity first."""
        groups = []
        for repeat in range(self._options["repeats"]):
            mine = [record for record in new if record["repeat"] == repeat]
            mine.sort(
                key=lambda record: (record["perplexity"] is None, record["perplexity"] or 0.0, record["sequence"])
            )
            distinct = list({record["sequence"]: record for record in reversed(mine)}.values())[::-1]
            groups.append(distinct[: self._options["designs"]])
        return groups

    def _design_figures(self, chosen: Sequence[Sequence[Record]], seed: int) -> list[Figure]:
        assert self._landscape is not None
        wanted = self._options["designs"]
        sequences = [[record["sequence"] for record in group] for group in chosen]
        diversity = [value for group in sequences if (value := mean_pairwise_distance(group)) is not None]
        novelty = [float(median(r["to_start"] for r in group)) for group in chosen if group]
        fitness = []
        for group in chosen:
            known = [self._landscape.normalised(r["fitness"]) for r in group if r["fitness"] is not None]
            if known:
                fitness.append(float(median(known)))
        judge = "not computed: needs an evaluator" if self._evaluate is None else f"evaluator {self._judge()}"
        over = "mean over repeats"
        return [
            mean_figure(
                "designs",
                [float(len(group)) for group in chosen],
                f"distinct new valid designs of {wanted} wanted, {over}",
                seed=seed,
                over="repeats",
            ),
            mean_figure(
                "fitness",
                fitness,
                f"median normalised fitness of the designs, {over}; {judge}",
                seed=seed,
                over="repeats",
            ),
            mean_figure(
                "diversity",
                diversity,
                f"mean pairwise Levenshtein distance of the designs, {over}",
                seed=seed,
                over="repeats",
            ),
            mean_figure(
                "novelty",
                novelty,
                f"median distance of the designs to the nearest start sequence, {over}",
                seed=seed,
                over="repeats",
            ),
        ]

    def _judge(self) -> str:
        if isinstance(self._evaluate, LookUp):
            return "look-up of measured values"
        if isinstance(self._evaluate, RidgeEvaluator):
            return "ridge regression of this project, not comparable with GGS or LOGOS"
        return "the wired-in tool"

    def _measured_figures(self, chosen: Sequence[Sequence[Record]]) -> list[Figure]:
        """How many designs happen to be measured, and how fit those are."""
        assert self._landscape is not None
        designs = [record for group in chosen for record in group]
        known = [self._landscape.normalised(r["measured"]) for r in designs if r["measured"] is not None]
        text = "median normalised fitness of the designs that the table has measured (a selected few)"
        value = float(median(known)) if known else None
        return [
            share_figure("measured", len(known), len(designs), "share of the designs that the table has measured"),
            Figure("measured_fitness", value, None, None, len(known), text),
        ]

    def _start_figures(self) -> list[Figure]:
        """The start set itself, which a useful generator improves on, and the annealing mark."""
        assert self._landscape is not None
        landscape, options = self._landscape, self._options
        values = [landscape.normalised(landscape.fitness[one]) for one in self._starts]
        n = len(values)
        found = [
            Figure("start_fitness", float(median(values)), None, None, n, "median normalised fitness of the start set"),
            Figure("start_best", max(values), None, None, n, "best normalised fitness in the start set"),
        ]
        if options["annealing_steps"] and isinstance(self._evaluate, LookUp) and landscape.sites:
            seed = self._setup.settings.seed
            starts = random.Random(seed).sample(self._starts, min(options["designs"], n))
            best = anneal(landscape.fitness, starts, landscape.sites, n_steps=options["annealing_steps"], seed=seed)
            text = f"median of simulated annealing that looks fitness up {options['annealing_steps']} times a chain"
            value = float(median(landscape.normalised(landscape.fitness[one]) for one in best))
            found.append(Figure("annealing_fitness", value, None, None, len(best), text))
        return found

    def _evaluator_figures(self) -> list[Figure]:
        if not isinstance(self._evaluate, RidgeEvaluator):
            return []
        text = "Spearman correlation of the ridge evaluator with sequences held out from it"
        return [Figure("evaluator_spearman", self._evaluate.spearman, None, None, self._evaluate.n_held_out, text)]


def _or(value: float | None, usual: float) -> float:
    return usual if value is None else value


EVALUATOR = Evaluator(
    name="protein_edit",
    title="edited proteins from a start set of poor ones: fitness, diversity, novelty (GGS's protocol)",
    open=ProteinEditStudy,
    columns=("sequence|mutations|variant4", "score|fitness"),
    defaults={"n": 256, "max_new_tokens": 1024},
    options={
        "start": "medium",
        "low_percentile": None,
        "high_percentile": None,
        "gap": None,
        "parents": 128,
        "parents_by": "fitness",
        "designs": 128,
        "repeats": 5,
        "evaluator": "auto",
        "ridge_alpha": 1.0,
        "annealing_steps": 100,
    },
    samples_are_rows=True,
)
