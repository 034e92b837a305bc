"""Binding sites: which residues of a chain the model marks, and, with structures, whether the marks lie at the ligands.

Residue figures need labels (column `pocket`, 0-based indices on `sequence`) and no coordinates. With structures the
chain is asked as the structure has it (labels are carried over by alignment) and the definitions of the DCA figures are
those of P2Rank's benchmarks (Krivák & Hoksza 2018, doi 10.1186/s13321-018-0285-8) with LIGYSIS's removal of redundant
sites (Utgés & Barton 2024, doi 10.1186/s13321-024-00923-z). A row with a `chain` is that chain and the ligands at it
(COACH420's way); a row without is the whole file, all chains voting together (HOLO4K's). A chain whose annotated copy
does not fit the model's context is not computed and counted so, never taken for a miss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.docking.structure import load_structure
from tools.errors import InputError
from tools.evaluation.ask import Question, ask
from tools.evaluation.auroc import auroc
from tools.evaluation.binding_sites import build_sites, dca_angstrom, remove_redundant, side_chain_centre
from tools.evaluation.intervals import mean_figure, ratio_figure, share_figure, statistic_figure
from tools.evaluation.pocket_votes import mark_probabilities, sampled_votes, why_not_searchable
from tools.evaluation.protocol import Case, Evaluator, Figure, Record, Row, Setup
from tools.evaluation.relevant_ligands import relevant_ligands
from tools.evaluation.residue_labels import Confusion, confusion, confusion_scores, marked_residues
from tools.evaluation.structure_chains import (
    StructureChain,
    carry_labels,
    chain_atoms,
    find_structure,
    protein_chains,
)

VOTES = ("samples", "marks")
LINKAGES = ("average", "single", "complete")
_ROOM = 8
"""Tokens beyond a copy with every residue marked (three tokens each) before an answer is cut off as hopeless."""
MIN_IDENTITY = 0.9
"""Labels are carried over where the row's sequence and the structure's agree in 90 % of aligned residues: below that
they are other proteins, above it are mutants and tags."""


class PocketStudy:
    """See the module. Options: `votes` samples (the share of valid answers that mark a residue) or marks (see
    `pocket_votes`); `vote_threshold`, the share from which a residue counts as predicted, to be chosen on validation
    rows; the geometry of `binding_sites`."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._options = setup.settings.options
        for name, known in (("votes", VOTES), ("linkage_method", LINKAGES)):
            if self._options[name] not in known:
                raise InputError(f"{name} {self._options[name]!r} is not one of {', '.join(known)}")
        if not 0.0 < self._options["vote_threshold"] <= 1.0:
            raise InputError(f"vote_threshold {self._options['vote_threshold']} must be above 0 and at most 1")

    def cases(self, rows: Iterable[tuple[str, Row]]) -> list[Case]:
        return [self._case(case_id, row) for case_id, row in rows]

    def _case(self, case_id: str, row: Row) -> Case:
        sequence = str(row.get("sequence") or "").upper()
        pocket = row.get("pocket")
        if pocket is not None and not _is_pocket(pocket, len(sequence)):
            return Case(case_id, failed="pocket is no list of 0-based indices into sequence")
        truth: dict[str, Any] = {"sequence": sequence, "pocket": None if pocket is None else sorted(set(pocket))}
        folder = self._setup.structures
        if folder is None:
            return Case(case_id, truth=truth) if sequence else Case(case_id, failed="the row has no sequence")
        if not row.get("pdb"):
            return Case(case_id, failed="the row names no structure (column pdb)")
        chain = str(row.get("chain") or "")
        try:
            path = find_structure(folder, str(row["pdb"]), chain)
        except InputError as fault:
            return Case(case_id, failed=str(fault))
        return Case(case_id, truth={**truth, "chain": chain, "file": str(path)})

    def answer(self, cases: Sequence[Case]) -> list[Record]:
        return [self._answer(case) for case in cases]

    def _answer(self, case: Case) -> Record:
        try:
            chains = _chains_of(case)
        except InputError as fault:
            return {"failed": str(fault)}
        truth = case.truth
        entries = []
        for chain in chains:
            labels = _labels_on(chain.sequence, truth["sequence"], truth["pocket"])
            reason = why_not_searchable(self._setup.generator, chain.sequence, labels or ())
            if reason:
                return {"failed": f"chain {chain.name or case.case_id}: {reason}"}
            entries.append({"chain": chain.name, "sequence": chain.sequence, "truth": labels})
        votes = self._votes(case.case_id, list(dict.fromkeys(chain.sequence for chain in chains)))
        record: Record = {"chains": [{**entry, **votes[str(entry["sequence"])]} for entry in entries]}
        if "file" in truth:
            record.update(self._sites(Path(truth["file"]), chains, [entry["votes"] for entry in record["chains"]]))
        return record

    def _votes(self, case_id: str, sequences: Sequence[str]) -> dict[str, dict[str, Any]]:
        generator, settings = self._setup.generator, self._setup.settings
        found: dict[str, dict[str, Any]] = {}
        if self._options["votes"] == "marks":
            for sequence in sequences:
                shares = mark_probabilities(generator, sequence)
                found[sequence] = {"votes": _rounded(shares), "n_samples": None, "n_valid": None}
            return found
        limit = 3 * max(len(sequence) for sequence in sequences) + _ROOM
        settings = replace(settings, max_new_tokens=min(settings.max_new_tokens, limit))
        questions = [Question(f"{case_id}/{at}", {"sequence": one}) for at, one in enumerate(sequences)]
        for sequence, answers in zip(sequences, ask(generator, "pocket", questions, settings), strict=True):
            shares, n_valid = sampled_votes(answers, len(sequence))
            found[sequence] = {"votes": _rounded(shares), "n_samples": len(answers), "n_valid": n_valid}
        return found

    def _sites(self, path: Path, chains: Sequence[StructureChain], votes: Sequence[Sequence[float]]) -> Record:
        """Ranked sites of all chains together and the DCA of each to each relevant ligand, in Å."""
        options = self._options
        structure, _ = load_structure(path)
        ligands = relevant_ligands(structure, chain_atoms(chains))
        points, weights, key = {}, {}, 0
        for chain, shares in zip(chains, votes, strict=True):
            for residue, share in zip(chain.residues, shares, strict=True):
                place = side_chain_centre(residue)
                if place is not None and share >= options["min_vote"]:
                    points[key], weights[key] = place, share
                key += 1
        sites = build_sites(
            points, weights, cut_angstrom=options["cut_angstrom"], linkage_method=options["linkage_method"]
        )
        kept = remove_redundant(sites, min_separation_angstrom=options["min_separation_angstrom"])
        return {
            "sites": [asdict(site) for site in sites],
            "not_redundant": [sites.index(site) for site in kept],
            "ligands": [
                {"labels": list(one.labels), "dca_angstrom": [round(dca_angstrom(s, one.atoms), 3) for s in sites]}
                for one in ligands
            ],
        }

    def figures(self, records: Sequence[Record]) -> list[Figure]:
        seed = self._setup.settings.seed
        chains = [chain for record in records for chain in record["chains"]]
        labelled = [chain for chain in chains if chain["truth"] is not None]
        found = _validity_figures(chains, seed)
        if labelled or self._setup.structures is None:
            found += _residue_figures(labelled, self._options["vote_threshold"], seed)
        if any("ligands" in record for record in records):
            found += _site_figures(records, self._options["max_dca_angstrom"], seed)
        return found


def _chains_of(case: Case) -> list[StructureChain]:
    if "file" not in case.truth:
        return [StructureChain("", case.truth["sequence"], ())]
    structure, _ = load_structure(Path(case.truth["file"]))
    chains = protein_chains(structure, [case.truth["chain"]] if case.truth["chain"] else [])
    if not chains:
        raise InputError(f"{case.truth['file']} has no protein chain")
    return chains


def _labels_on(sequence: str, labelled: str, pocket: Sequence[int] | None) -> list[int] | None:
    """The labels on the sequence asked about; None where there are none or they belong to another protein."""
    if pocket is None:
        return None
    if sequence == labelled:
        return list(pocket)
    carried, identity = carry_labels(labelled, pocket, sequence)
    return carried if identity >= MIN_IDENTITY else None


def _is_pocket(pocket: Any, n_residues: int) -> bool:
    return isinstance(pocket, Sequence) and all(type(at) is int and 0 <= at < n_residues for at in pocket)


def _rounded(shares: Sequence[float]) -> list[float]:
    return [round(share, 5) for share in shares]


def _validity_figures(chains: Sequence[Mapping[str, Any]], seed: int) -> list[Figure]:
    """Only where answers were sampled."""
    asked = [chain for chain in chains if chain["n_samples"]]
    if chains and not asked:
        return []
    n_samples, n_valid = [c["n_samples"] for c in asked], [c["n_valid"] for c in asked]
    valid = "share of answers whose annotated chain is the given chain, letter by letter"
    answered = "share of chains with a valid answer; a chain without one predicts no residue below"
    return [
        ratio_figure("valid", n_valid, n_samples, valid, seed=seed, over="chains"),
        share_figure("answered", sum(n > 0 for n in n_valid), len(asked), answered),
    ]


def _residue_figures(chains: Sequence[Mapping[str, Any]], threshold: float, seed: int) -> list[Figure]:
    tables = [_table(chain, threshold) for chain in chains]
    counts = np.array([list(asdict(table).values()) for table in tables]).reshape(-1, 4)
    where = f"residues that at least {threshold:g} of the votes mark, against the labels"
    figures = []
    for name in ("precision", "recall", "f1", "mcc"):
        over = f"{name} of {where}, all residues of all chains in one table"
        figures.append(
            statistic_figure(f"residue_{name}", len(tables), _micro(counts, name), over, seed=seed, over="chains")
        )
    for name in ("precision", "recall", "f1", "mcc"):
        known = [value for table in tables if (value := confusion_scores(table)[name]) is not None]
        over = f"mean over chains of {name}, where it is decided (it divides by no zero); n chains are"
        figures.append(mean_figure(f"chain_{name}", known, over, seed=seed, over="chains"))
    return [*figures, *_threshold_free_figures(chains, counts, seed)]


def _table(chain: Mapping[str, Any], threshold: float) -> Confusion:
    return confusion(marked_residues(chain["votes"], threshold), chain["truth"], len(chain["sequence"]))


def _micro(counts: NDArray[np.int64], name: str) -> Callable[[NDArray[np.intp]], float]:
    def statistic(at: NDArray[np.intp]) -> float:
        value = confusion_scores(Confusion(*(int(n) for n in counts[at].sum(axis=0))))[name]
        return float("nan") if value is None else value

    return statistic


def _threshold_free_figures(chains: Sequence[Mapping[str, Any]], counts: NDArray[np.int64], seed: int) -> list[Figure]:
    """The share of binding residues (the precision of marking everything), AUROC of the votes, the best threshold."""
    binding = "share of residues that are labelled: the precision of marking every residue"
    real, total = counts[:, 0] + counts[:, 2], counts.sum(axis=1)
    areas = [area for chain in chains if (area := _vote_auroc(chain)) is not None]
    ranking = "mean over chains with votes of the AUROC of votes, labelled against other residues; 0.5 is chance"
    thresholds = sorted({vote for chain in chains for vote in chain["votes"] if vote > 0.0})
    if len(thresholds) > 99:
        thresholds = np.quantile(thresholds, np.linspace(0.01, 0.99, 99)).tolist()
    best: tuple[float, float] | None = None
    for threshold in thresholds:
        table = sum((_table(chain, threshold) for chain in chains), Confusion(0, 0, 0, 0))
        mcc = confusion_scores(table)["mcc"]
        if mcc is not None and (best is None or mcc > best[0]):
            best = (mcc, threshold)
    chosen = "vote threshold with the highest residue_mcc on these rows: choose it on validation rows, fix it by option"
    reached = "residue_mcc at best_threshold; optimistic wherever it was chosen on the same rows"
    return [
        ratio_figure("binding_share", real.tolist(), total.tolist(), binding, seed=seed, over="chains"),
        mean_figure("vote_auroc", areas, ranking, seed=seed, over="chains"),
        Figure("best_threshold", best[1] if best else None, None, None, len(chains), chosen),
        Figure("best_threshold_mcc", best[0] if best else None, None, None, len(chains), reached),
    ]


def _vote_auroc(chain: Mapping[str, Any]) -> float | None:
    """None where there is no vote to rank by: no valid answer, or one label only."""
    if chain["n_valid"] == 0:
        return None
    truth = set(chain["truth"])
    labelled = [vote for at, vote in enumerate(chain["votes"]) if at in truth]
    return auroc(labelled, [vote for at, vote in enumerate(chain["votes"]) if at not in truth])


def _site_figures(records: Sequence[Record], max_dca_angstrom: float, seed: int) -> list[Figure]:
    figures = []
    judged = [record for record in records if record.get("ligands")]
    totals = [len(record["ligands"]) for record in judged]
    for suffix, selects in (("", _all_sites), ("_not_redundant", _distinct_sites)):
        for name, extra in (("top_n", 0), ("top_n_plus_2", 2)):
            hits = [_n_found(record, selects(record), extra, max_dca_angstrom) for record in judged]
            rule = "n" if extra == 0 else "n + 2"
            text = (
                f"share of relevant ligands with DCA <= {max_dca_angstrom:g} Å to one of the best {rule} "
                f"{'not redundant ' if suffix else ''}sites, n = relevant ligands of the structure (below: structures)"
            )
            figures.append(ratio_figure(f"{name}{suffix}", hits, totals, text, seed=seed, over="structures"))
    n_ligands = float(sum(totals))
    figures.append(Figure("ligands", n_ligands, None, None, len(judged), "relevant ligands by P2Rank's rule"))
    bare = "share of structures without a relevant ligand; they enter no top-n figure"
    return [*figures, share_figure("without_ligand", len(records) - len(judged), len(records), bare)]


def _all_sites(record: Record) -> list[int]:
    return list(range(len(record["sites"])))


def _distinct_sites(record: Record) -> list[int]:
    return list(record["not_redundant"])


def _n_found(record: Record, sites: Sequence[int], extra: int, max_dca_angstrom: float) -> int:
    best = sites[: len(record["ligands"]) + extra]
    return sum(any(one["dca_angstrom"][at] <= max_dca_angstrom for at in best) for one in record["ligands"])


EVALUATOR = Evaluator(
    name="pocket",
    title="binding-site residues, and sites at ligands where structures are given",
    open=PocketStudy,
    columns=("sequence|pdb",),
    defaults={"n": 10, "max_new_tokens": 4096},
    options={
        "votes": "samples",
        "vote_threshold": 0.5,
        "min_vote": 0.0,
        "cut_angstrom": 15.0,
        "linkage_method": "average",
        "max_dca_angstrom": 4.0,
        "min_separation_angstrom": 5.0,
    },
    rows_at_once=4,
)
