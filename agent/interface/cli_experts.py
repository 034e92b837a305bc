"""`organon model info --experts`: which experts of a sparse checkpoint serve which kind of text."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from tools.errors import InputError

CORPUS_TOKENS = 4000
"""Validation tokens read of each kind, where a corpus is given: a share of 1/16 then has a standard error of 0.3 %."""
_PIPE_WIDTH = 100


def show_experts(
    checkpoint: Path | str | None, data: Path | None, svg: Path | None, info: dict[str, Any] | None
) -> None:
    """Print the report (or, given `info`, one JSON document of it with the key "experts") and write the drawing,
    of which a dense checkpoint has none."""
    from models.experts.drawing import draw_svg, draw_text
    from models.experts.examples import example_texts
    from models.experts.usage import DENSE, corpus_texts, is_dense, measure_expert_usage, usage_json

    usage = None
    if not is_dense(checkpoint):
        texts = example_texts() if data is None else corpus_texts(data, CORPUS_TOKENS)
        source = "examples of this package" if data is None else f"validation documents of {data.resolve().name}"
        usage = measure_expert_usage(checkpoint, texts, source)
    if svg is not None and usage is not None:
        try:
            svg.write_text(draw_svg(usage), encoding="utf-8")
        except OSError as fault:
            raise InputError(f"cannot write to {svg}: {fault.strerror}") from None
    if info is not None:
        sys.stdout.write(json.dumps({**info, "experts": usage_json(usage)}, default=str) + "\n")
    elif usage is None:
        sys.stdout.write(DENSE + "\n")
    else:
        sys.stdout.write(draw_text(usage, *_terminal()))


def _terminal() -> tuple[int, bool]:
    """Columns to fill, and whether block characters can be shown: on a terminal of an encoding that has them."""
    if not sys.stdout.isatty():
        return _PIPE_WIDTH, False
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return shutil.get_terminal_size((_PIPE_WIDTH, 24)).columns, encoding == "utf8"
