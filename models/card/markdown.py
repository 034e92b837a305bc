"""README.md of a checkpoint: the Hugging Face model card, written from the card's data and from nothing else.

The same data give the same bytes. Prose here says what a reader must know whatever the numbers are; where a sentence
depends on a number (hit or missed, whether the pocket steers), the number decides it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from models.card.figure_table import figure_lines, published_lines, steering_sentence, verdict_counts
from models.card.schema import FIGURES, Card
from models.card.training_table import table_lines, training_lines

LICENCE = "apache-2.0"
"""The weights have the repository's licence; SPDX name in the hub's spelling."""
_SHOWN = 240
"""Characters of a prompt or an output that are shown."""


def render_card(card: Card) -> str:
    """The whole file, ending in one newline."""
    parts = [
        *_front_matter(card),
        *_opening(card),
        *_use(card),
        *_figures(card),
        *training_lines(card.training),
        *_data(card),
        *_failures(card),
        *_again(card),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _front_matter(card: Card) -> Iterable[str]:
    names = sorted({_dataset(row["source"]) for row in card.corpus.get("table", ())})
    yield from ("---", f"license: {LICENCE}", "library_name: transformers", "pipeline_tag: text-generation")
    tags = ["chemistry", "biology", "molecule-generation", "retrosynthesis", "protein", "antibody", "materials"]
    if card.model["experts"]:
        tags.append("mixture-of-experts")
    yield "tags:"
    yield from (f"- {tag}" for tag in tags)
    if names:
        yield "datasets:"
        yield from (f"- {name}" for name in names)
    yield from ("---", "")


def _dataset(source: str) -> str:
    """`chem/uspto50k.train.csv.gz` -> `uspto50k.train`."""
    return PurePosixPath(source).name.removesuffix(".gz").rsplit(".", 1)[0]


def _opening(card: Card) -> Iterable[str]:
    model = card.model
    yield from (f"# {card.title}", "")
    yield from (
        "A small language model of the scientific grammar (`models/grammar`): it writes molecules, ligands after a",
        "protein with its pocket marked, binding-site marks, reactants and products, metal-organic frameworks, protein",
        "variants and antibody loops. It proposes; physics, chemistry and experiments judge. Every figure below was",
        f"measured on the files with these hashes (`{FIGURES}` holds figures, settings and commands in full):",
        "",
    )
    yield from (f"- `{name}` SHA-256 `{digest}`" for name, digest in sorted(card.weights.items()))
    sparse = (
        f"{model['experts']} experts a layer, {model['experts_per_token']} used by each token "
        f"({model['active_parameters']:,} parameters active)"
        if model["experts"]
        else "dense"
    )
    yield from (
        "",
        f"Architecture: `{model['architecture']}` of transformers, {sparse}, {model['layers']} layers of width "
        f"{model['width']}, {model['heads']} heads, context {model['context']:,} tokens, vocabulary "
        f"{model['vocabulary']:,} tokens. {model['parameters']:,} parameters, stored as {model['dtype']} in "
        f"{model['megabytes']:.1f} MB, {_count(model['files'], 'file')}. It loads with plain `AutoModelForCausalLM` "
        "and `AutoTokenizer` (which puts `<bos>` in front); no custom code is needed.",
        "",
    )
    if card.architectures:
        yield from ("It was chosen among these, trained on the same tokens:", "")
        yield from table_lines(list(card.architectures))
        yield ""


def _use(card: Card) -> Iterable[str]:
    yield from (
        "## Intended use",
        "",
        "Candidates for Organon's discovery loop, where every one of them is checked; integration and tests; a start",
        "for training on your own data.",
        "",
        "Not for: predicting affinity, activity, toxicity or synthesis success; designing antibodies, proteins or",
        "materials for use without experiments; hazardous compounds; any decision about people. A molecule it writes",
        "is a suggestion until checks and experiments have spoken.",
        "",
    )
    sentence = steering_sentence(card.figures)
    if sentence:
        yield from (sentence, "")


def _figures(card: Card) -> Iterable[str]:
    yield from ("## Figures", "")
    if not card.figures:
        yield from ("None was measured.", "")
        return
    yield from (
        "Measured with `organon model eval` on a CPU in float32, without grammar constraint, without top-p or",
        "repetition penalty. Brackets: 95 % interval. n: what the figure is over. A threshold counts as reached by the",
        "value; where the interval reaches across it, that is said.",
        "",
        verdict_counts(card.figures),
        "",
    )
    if card.unmeasured:
        yield from (f"Asked for and **not measured**: {'; '.join(card.unmeasured)}.", "")
    yield from figure_lines(card.figures)
    yield from ("", "### Beside published numbers", "")
    yield from published_lines(card.figures)
    yield ""


def _data(card: Card) -> Iterable[str]:
    yield from ("## Data", "")
    table = card.corpus.get("table", ())
    if not table:
        yield from ("Not recorded.", "")
        return
    yield from ("Documents and tokens of the training part of the corpus; a file is listed with every use of it.", "")
    yield from table_lines(_sources(table))
    dropped = {reason: count for reason, count in card.corpus.get("dropped", {}).items() if count}
    yield from ("", "Left out, with the number of rows and the reason:", "")
    yield from table_lines([{"reason": reason, "rows": f"{count:,}"} for reason, count in sorted(dropped.items())])
    if card.corpus.get("overlap"):
        yield from (
            "",
            "Documents read back from the packed tokens, and those of them that are of a held-out object:",
            "",
        )
        yield from table_lines([{"modality": name, **found} for name, found in card.corpus["overlap"].items()])
    yield from (
        "",
        "Never used: `p_affinity` columns (PDBbind's terms) and `genos_kegg` (KEGG's terms). Left out, but for what is",
        "counted as overlapping above: visible validation and test parts of the benchmarks, in either direction of a",
        "reaction (compared without stereo), and chains like those of UniProtSMB valid and test",
        "(`models/training/exclusions.py`). Molecules and ligands are neutral parents.",
        "",
        "The weights have the repository's licence, Apache-2.0. The licence column is that of each source as its",
        "publisher states it; where none is stated, that is said and nothing is implied.",
        "",
    )


def _sources(table: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    rows: dict[str, dict[str, Any]] = {}
    for one in table:
        row = rows.setdefault(one["source"], {"licence": one["licence"], "uses": set(), "documents": 0, "tokens": 0})
        trained = one["part"] == "train"
        row["uses"].add((one["modality"], trained))
        row["documents"] += one["documents"] if trained else 0
        row["tokens"] += one["tokens"] if trained else 0
    return [
        {
            "file": f"`{source}`",
            "used for": ", ".join(_uses(row["uses"])),
            "documents": f"{row['documents']:,}",
            "tokens": f"{row['tokens']:,}",
            "licence": row["licence"],
        }
        for source, row in sorted(rows.items())
    ]


def _uses(uses: set[tuple[str, bool]]) -> list[str]:
    """Modalities, those that a file serves for validation alone marked so."""
    return sorted(
        name if trained else f"{name} (validation)" for name, trained in uses if trained or (name, True) not in uses
    )


def _failures(card: Card) -> Iterable[str]:
    yield from ("## Known failures", "")
    if not card.failures:
        yield from ("None was recorded; that says nothing about their number.", "")
        return
    yield from ("The first failures of each run, in its order, none picked. Long texts are cut.", "")
    for task, count in Counter(one.task for one in card.failures).items():
        yield from (f"**{task}**", "")
        shown = [one for one in card.failures if one.task == task]
        assert len(shown) == count
        for one in shown:
            yield f"- asked `{_cut(one.prompt)}`, wrote `{_cut(one.output)}`: {one.why}"
        yield ""


def _again(card: Card) -> Iterable[str]:
    yield from ("## Make it again", "", "```")
    for stage in card.training:
        if stage.get("command"):
            yield str(stage["command"])
    commands = list(dict.fromkeys(figure.command for figure in card.figures.values()))
    yield from commands
    yield from (
        "```",
        "",
        f"`python benchmarks/card_evaluations.py` runs all evaluations; `organon model card` writes `{FIGURES}` and",
        "this file from their results; `organon model card --check` says whether the three belong together.",
    )


def _cut(text: str) -> str:
    plain = " ".join(text.replace("`", "'").split())
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]} ..."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
