"""From the rows of the finished shapes: the tables, the scaling curves and the drawing, as far as they have come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from architectures_parts.fit import Curve, fit_curve, interval, mean_losses, modality_losses
from architectures_parts.shapes import ARCHITECTURE, DENSE, SHAPES, SPARSE

N_RESAMPLED = 500
SEED = 0
SIZE = {DENSE: "parameters", SPARSE: "active_parameters"}
"""What a study's curve is drawn against."""

Row = dict[str, Any]


def write_report(out: Path) -> str:
    """Write the report's files into `out` from `out/shapes`; returns the Markdown."""
    rows = read_rows(out)
    if not rows:
        return "no shape is finished yet\n"
    scaling = {study: found for study in (DENSE, SPARSE) if (found := _scaling(rows, study)) is not None}
    text = "\n".join([*_table(rows), "", *_modality_table(rows), "", *_scaling_lines(rows, scaling)]) + "\n"
    (out / "table.md").write_text(text)
    plain = [{key: value for key, value in row.items() if key not in ("draws", "documents")} for row in rows]
    (out / "results.json").write_text(json.dumps({"shapes": plain, "scaling": scaling}, indent=1))
    compared = [row for row in rows if ARCHITECTURE in row["studies"]]
    (out / "architectures.json").write_text(json.dumps([_card_row(row) for row in compared], indent=1))
    if scaling:
        draw_scaling(rows, scaling, out / "scaling.svg")
    return text


def read_rows(out: Path) -> list[Row]:
    """Finished shapes in the order of `SHAPES`, with `loss`, its interval and `losses` by modality added."""
    order = {shape.name: at for at, shape in enumerate(SHAPES)}
    rows = [json.loads(file.read_text()) for file in sorted((out / "shapes").glob("*.json"))]
    for row in rows:
        row["draws"] = mean_losses(row["documents"], row["config"]["mixture"], N_RESAMPLED, SEED)
        row["loss"] = float(row["draws"][0])
        row["loss_95"] = interval(row["draws"][1:])
        row["losses"] = modality_losses(row["documents"])
    return sorted(rows, key=lambda row: order.get(row["name"], len(order)))


def _table(rows: list[Row]) -> Iterator[str]:
    first = rows[0]
    yield (
        f"Each network saw {first['tokens_seen']:,} tokens ({first['steps']} steps), the same in the same order, one "
        "seed; loss in nats a token on the same validation documents, modalities weighed as in training. Intervals "
        "(95 %) are over documents, not seeds. Speeds are on one thread and per second of processor time; "
        f"generation: {first['generation']['samples']} samples at once."
    )
    yield ""
    yield (
        "| network | parameters | a token meets | loss | against the first | training tokens/s | generated tokens/s "
        "| busiest expert over mean | entropy of load |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    for row in rows:
        load = row["expert_load"]
        yield " | ".join(
            [
                f"| {row['name']}",
                f"{row['parameters']:,}",
                f"{row['active_parameters']:,}",
                f"{row['loss']:.3f}",
                "" if row is first else _difference(row, first),
                _speed(row["training_tokens_per_cpu_s"]),
                _speed(row["generation"]["tokens_per_cpu_s"]),
                "" if load is None else f"{load['busiest_over_mean']:.2f}",
                ("" if load is None else f"{load['entropy_share']:.3f}") + " |",
            ]
        )


def _difference(row: Row, first: Row) -> str:
    difference = row["draws"] - first["draws"]
    low, high = interval(difference[1:])
    return f"{difference[0]:+.3f} ({low:+.3f} to {high:+.3f})"


def _speed(value: float | None) -> str:
    return "not timed" if value is None else f"{value:,.0f}"


def _modality_table(rows: list[Row]) -> Iterator[str]:
    names = list(rows[0]["losses"])
    yield "| nats a token | " + " | ".join(names) + " |"
    yield "|---|" + "---:|" * len(names)
    for row in rows:
        yield f"| {row['name']} | " + " | ".join(f"{row['losses'][name]:.3f}" for name in names) + " |"


def _scaling(rows: list[Row], study: str) -> dict[str, Any] | None:
    """The curve of a study, and intervals of its exponent and floor from refits to resampled documents."""
    chosen = sorted((row for row in rows if study in row["studies"]), key=lambda row: int(row[SIZE[study]]))
    sizes = [float(row[SIZE[study]]) for row in chosen]
    curve = fit_curve(sizes, [row["loss"] for row in chosen])
    if curve is None:
        return None
    draws = np.stack([row["draws"][1 : 1 + N_RESAMPLED // 5] for row in chosen], axis=1)
    again = [found for losses in draws if (found := fit_curve(sizes, losses.tolist())) is not None]
    return {
        "against": SIZE[study],
        "networks": [row["name"] for row in chosen],
        **asdict(curve),
        "alpha_95": interval([found.alpha for found in again]),
        "floor_95": interval([found.floor for found in again]),
    }


def _scaling_lines(rows: list[Row], scaling: dict[str, Any]) -> Iterator[str]:
    for study, found in scaling.items():
        low, high = found["alpha_95"]
        floor_low, floor_high = found["floor_95"]
        floor = f"E {found['floor']:.3f} ({floor_low:.3f} to {floor_high:.3f})" if found["free_floor"] else "E = 0"
        yield (
            f"{study}: L = E + A / N^alpha over {found['against'].replace('_', ' ')}, {len(found['networks'])} sizes: "
            f"alpha {found['alpha']:.3f} ({low:.3f} to {high:.3f}), {floor}, A {found['scale']:.3g}; residuals "
            + ", ".join(f"{residual:+.3f}" for residual in found["residuals"])
            + (f"; {found['note']}." if found["note"] else ".")
        )
    for study in (DENSE, SPARSE):
        if study not in scaling:
            n = sum(study in row["studies"] for row in rows)
            yield f"{study}: {n} of the sizes are there, a curve needs three."


def _card_row(row: Row) -> dict[str, Any]:
    return {
        "network": row["name"],
        "parameters": f"{row['parameters']:,}",
        "a token meets": f"{row['active_parameters']:,}",
        "training tokens": f"{row['tokens_seen']:,}",
        "validation loss (nats a token)": f"{row['loss']:.3f} ({row['loss_95'][0]:.3f} to {row['loss_95'][1]:.3f})",
        "generated tokens a processor second": _speed(row["generation"]["tokens_per_cpu_s"]),
    }


def draw_scaling(rows: list[Row], scaling: dict[str, Any], file: Path) -> None:
    """Loss against size, one colour a study, the fitted curves as lines; both axes logarithmic."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter, ScalarFormatter

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for study, colour in ((DENSE, "#1f5fa8"), (SPARSE, "#c0562b")):
        chosen = [row for row in rows if study in row["studies"]]
        if not chosen:
            continue
        sizes, losses = [row[SIZE[study]] for row in chosen], [row["loss"] for row in chosen]
        spread = [
            [row["loss"] - row["loss_95"][0] for row in chosen],
            [row["loss_95"][1] - row["loss"] for row in chosen],
        ]
        axes.errorbar(sizes, losses, yerr=spread, fmt="o", color=colour, capsize=2, label=_label(study, scaling))
        if study in scaling:
            curve = Curve(**{name: scaling[study][name] for name in Curve.__dataclass_fields__})
            line = np.geomspace(min(sizes), max(sizes), 60)
            axes.plot(line, [curve.at(float(size)) for size in line], color=colour, linewidth=1.2)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("parameters a token meets")
    axes.set_ylabel("validation loss, nats a token")
    axes.grid(alpha=0.3, which="both")
    axes.legend(fontsize=8)
    figure.savefig(file)


def _label(study: str, scaling: dict[str, Any]) -> str:
    kind = study.removeprefix("scaling-")
    return f"{kind}: alpha {scaling[study]['alpha']:.2f}" if study in scaling else kind
