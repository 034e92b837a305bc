"""`write_report`: one HTML file with everything in it, readable from disk, on a phone, in the dark and on paper.

The page asks the network for nothing: its content security policy forbids every request and runs only the three
scripts whose hashes it lists, so that a hostile name or SMILES stays text even if escaping failed. Drawings are
images (`data:`), in which no script runs. Values that could not be computed read "not computed".
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from agent.interface.schemas import RunResult
from agent.report import content, wording
from agent.report.figures import draw_curve, draw_funnel
from agent.report.methods import build_methods
from agent.report.viewer import Structures, ViewerBundle, collect_structures, load_viewer
from tools.errors import OrganonError, UnavailableError

HERE = Path(__file__).parent
TOLD_APART = ("campaign", "evidence")
"""Settings that have sections of their own."""


def write_report(
    result: RunResult,
    artifacts: Callable[[str], str],
    campaign: dict[str, Any],
    calls: Mapping[str, dict[str, Any]],
    out: Path,
) -> Path:
    """Write the page of a run to `out` and return that path.

    `artifacts` gives the text of an artifact id (poses as SDF, the receptor as PDB). `campaign` is the request as it
    was read. `calls` maps a call id to {tool, version, args, seconds, time}; numbers link to these rows.
    """
    entries = content.build_entries(result)
    viewer, structures, viewer_problem = _prepare_viewer(result, artifacts, entries)
    context = {
        "result": result,
        "headline": content.build_headline(result, campaign),
        "facts": content.key_facts(result),
        "entries": entries,
        "columns": content.score_columns(result, campaign),
        "shown_columns": content.SHOWN_COLUMNS,
        "shown_reasons": content.SHOWN_REASONS,
        "request": content.build_request(result, campaign),
        "funnel": draw_funnel(result.funnel),
        "curves": [(curve, draw_curve(curve)) for curve in content.build_curves(result, campaign)],
        "methods": build_methods(result, calls),
        "settings": wording.flatten({k: v for k, v in result.settings.items() if k not in TOLD_APART}),
        "evidence": result.settings.get("evidence"),
        "calls": content.order_calls(calls),
        "call_anchor": {call_id: f"call-{n}" for n, call_id in enumerate(content.order_calls(calls), start=1)},
        "viewer": viewer,
        "structures": structures,
        "viewer_problem": viewer_problem,
        "style": Markup(_own("report.css")),
        "page_script": Markup(_own("report.js")),
        "viewer_script": Markup(_viewer_script()),
        "policy": _policy(viewer),
    }
    template = _environment().get_template("report.html.j2")
    viewer_size = len(viewer.script) + len(viewer.style) if viewer else 0
    draft = template.render(**context, page_size=wording.megabytes(0), viewer_size=wording.megabytes(viewer_size))
    sizes = {"page_size": wording.megabytes(len(draft.encode())), "viewer_size": wording.megabytes(viewer_size)}
    out.write_text(template.render(**context, **sizes), encoding="utf-8")
    return out


def _prepare_viewer(
    result: RunResult, artifacts: Callable[[str], str], entries: list[content.Entry]
) -> tuple[ViewerBundle | None, Structures | None, str]:
    """Bundle and structures, or the one line that says why there is no 3D view."""
    try:
        structures = collect_structures(result, artifacts, [(entry.key, entry.pose) for entry in entries])
        if not structures.keys:
            raise UnavailableError("no docked pose is recorded for any ligand of this run")
        return load_viewer(), structures, ""
    except OrganonError as error:
        return None, None, str(error)


def _policy(viewer: ViewerBundle | None) -> str:
    scripts = [_own("report.js")]
    if viewer is not None:
        scripts += [_viewer_script(), gzip.decompress(base64.b64decode(viewer.script)).decode()]
    allowed = [f"'sha256-{_sha256(text)}'" for text in scripts]
    if viewer is not None:
        allowed.append("'unsafe-eval'")  # Mol* compiles its help texts; only the scripts listed can reach it
    return (
        f"default-src 'none'; script-src {' '.join(allowed)}; style-src 'unsafe-inline'; img-src data: blob:; "
        "font-src data:; connect-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _viewer_script() -> str:
    """The drawing, which the served page uses too, and the report's controls around it."""
    return _own("pocket_scene.js") + _own("pose_viewer.js")


def _own(name: str) -> str:
    """The text of one of this package's page files, as it will stand in the page."""
    return (HERE / name).read_text(encoding="utf-8")


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        label=wording.label,
        stage=wording.stage,
        unit=wording.unit,
        duration=wording.duration,
        moment=wording.moment,
        plain=wording.plain,
        shown_verdict=content.shown_verdict,
    )
    environment.globals.update(
        number=wording.number, quantity=wording.quantity, split_unit=wording.split_unit, is_missing=wording.is_missing
    )
    return environment
