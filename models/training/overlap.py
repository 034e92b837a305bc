"""Does a built corpus hold anything it must not? The packed tokens are read back and compared with the held-out sets.

Independent of how the corpus was built: every training document is decoded and parsed. Reactions are compared without
stereo marks, in both directions. A chain with a marked pocket must be no part of a chain that shares 4 % of its 5-mers
with a UniProtSMB validation or test chain: the rule is about whole chains, and a window alone cannot tell. CDR-H3 loops
(with third loops only) and edited sequences are compared letter by letter, molecules by their neutral parent with the
rows close to a GuacaMol hold-out drug. Not looked for: unlabelled chains (`protein`, `complex_plain`); they give no
answer away.
"""

from __future__ import annotations

import json
import multiprocessing
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from models.errors import ModelInputError
from models.grammar import parse
from models.grammar.objects import (
    Antibody,
    CdrDesign,
    Complex,
    GrammarObject,
    Molecule,
    PocketSearch,
    PocketTransform,
    ProteinEdit,
    Reaction,
    Retrosynthesis,
)
from models.tokenizer import ScientificTokenizer
from models.training.corpus import load_part, neutral_parent
from models.training.exclusions import (
    ChainParts,
    ReactionExclusions,
    chains_like_held_out,
    load_reaction_exclusions,
    read_csv,
)
from models.training.sources import edit_start_sets, held_out_h3

_CHUNK = 500  # documents a worker reads at once
THIRD_LOOP = 75
"""Residues before a third loop: IMGT's CDR2 ends at 65 and CDR3 begins at 105 of its numbering, gaps included
(10.1016/S0145-305X(02)00039-3). Held-out H3 loops are as short as AR, which stands in many other loops by chance."""


@dataclass(frozen=True)
class HeldOut:
    """What no training document may hold."""

    reactions: ReactionExclusions
    chains: ChainParts
    loops: frozenset[str]
    may_be_edited: frozenset[str]
    molecules: frozenset[str]


def load_held_out(data: Path) -> HeldOut:
    """From the visible validation and test parts in `data`."""
    flagged = (r for r in read_csv(data / "chem/bioactive.tsv.gz", "\t") if r["guacamol_holdout_sim_gt_0.323"] == "1")
    parents = (neutral_parent(row["smiles"]) for row in flagged)
    return HeldOut(
        load_reaction_exclusions(data),
        ChainParts(chains_like_held_out(data)),
        frozenset(held_out_h3(data)),
        frozenset(sequence for _, scores, _ in edit_start_sets(data) for sequence in scores),
        frozenset(parent.canonical for parent in parents if parent),
    )


def count_overlaps(corpus: Path, data: Path, workers: int = 3, every: int = 1) -> dict[str, dict[str, int]]:
    """By modality, the training documents that were read and how many of them hold something held out.

    `every` reads only each so many-th document.
    """
    tokenizer = ScientificTokenizer.load(corpus / "tokenizer")
    modalities = sorted(path.name.split(".")[0] for path in corpus.glob("*.train.tokens.npy"))
    found: dict[str, dict[str, int]] = {}
    with multiprocessing.get_context("fork").Pool(workers, _start, (load_held_out(data),)) as pool:
        for modality in modalities:
            texts = list(_texts(corpus, modality, tokenizer, every))
            chunks = [texts[at : at + _CHUNK] for at in range(0, len(texts), _CHUNK)]
            overlapping = sum(pool.imap_unordered(_count, chunks))
            found[modality] = {"read": len(texts), "overlapping": overlapping}
    return found


def record_overlaps(corpus: Path, data: Path, workers: int = 3, every: int = 1) -> dict[str, dict[str, int]]:
    """As `count_overlaps`, also written into the corpus' `corpus.json` (from where the model card takes it)."""
    manifest = corpus / "corpus.json"
    if not manifest.is_file():
        raise ModelInputError(f"{corpus} is no corpus: it has no corpus.json")
    found = count_overlaps(corpus, data, workers, every)
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**content, "overlap": found}, indent=1))
    return found


def _texts(corpus: Path, modality: str, tokenizer: ScientificTokenizer, every: int) -> Iterator[str]:
    tokens, offsets = load_part(corpus, modality, "train")
    for start, end in list(pairwise(offsets))[::every]:
        yield tokenizer.decode(tokens[start + 1 : end - 1].tolist())


_held_out: HeldOut | None = None


def _start(held_out: HeldOut) -> None:
    global _held_out  # noqa: PLW0603 - set once in each worker process
    _held_out = held_out


def _count(texts: Iterable[str]) -> int:
    assert _held_out is not None
    seen: Counter[bool] = Counter(any(holds_held_out(item, _held_out) for item in parse(text)) for text in texts)
    return seen[True]


def holds_held_out(item: GrammarObject, held_out: HeldOut) -> bool:  # noqa: PLR0911 - one line a form
    """Whether one object of a training text is, or gives away, a held-out one."""
    match item:
        case Reaction() | Retrosynthesis():
            left = ".".join(molecule.smiles for molecule in item.reactants)
            return held_out.reactions.excludes(left, ".".join(molecule.smiles for molecule in item.products))
        case Complex():
            return any(chain.pocket and held_out.chains.holds(chain.sequence) for chain in item.proteins)
        case PocketSearch() | PocketTransform():
            return held_out.chains.holds(item.annotated.sequence)
        case Antibody():
            return any(item.sequence[start:end] in held_out.loops for start, end in item.cdrs if start > THIRD_LOOP)
        case CdrDesign():
            slots = [start for chain in item.antibodies for start, end in chain.cdrs if start == end]
            pairs = zip(slots, item.loops, strict=True)
            return any(loop in held_out.loops for start, loop in pairs if start > THIRD_LOOP)
        case ProteinEdit():
            return not {item.parent.sequence, item.child.sequence} <= held_out.may_be_edited
        case Molecule():
            return item.smiles in held_out.molecules
        case _:
            return False
