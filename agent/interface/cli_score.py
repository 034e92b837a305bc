"""`organon model score` and `organon model embed`: what the model makes of given grammar texts.

Texts come as arguments or a line each; a line that begins with a brace is a JSON object with the text under
`text` or `sequence`, as in result files. Of lines a wrong one is reported and the rest goes on.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from agent.interface.cli_generate import load_model
from agent.interface.model_inputs import LineFault, read_json_line, read_lines
from agent.interface.result_lines import ResultLines
from models.errors import ModelInputError
from tools.errors import InputError

if TYPE_CHECKING:
    from agent.config import Settings
    from models.backends.base import Generator, TextScore

AT_ONCE = 64
"""Texts given to the model together; results are written after each such batch."""

Texts = Annotated[list[str] | None, typer.Argument(help="Grammar texts; or use --input.", show_default=False)]
Source = Annotated[str | None, typer.Option("--input", help="A text a line, or - for stdin.", show_default=False)]
Checkpoint = Annotated[
    str | None, typer.Option("--checkpoint", help="Directory, hub id or server; default: shipped.", show_default=False)
]
R = TypeVar("R")


def score_command(load_settings: Callable[[], Settings]) -> Callable[..., None]:
    def score(
        text: Texts = None,
        source: Source = None,
        tokens: Annotated[bool, typer.Option("--tokens", help="Also each token with its log-probability.")] = False,
        checkpoint: Checkpoint = None,
    ) -> None:
        """Log-probability and perplexity of grammar texts under the model; prints JSON lines."""
        texts = _texts(text, source)
        generator = load_model(load_settings(), checkpoint)
        wrong = 0
        with ResultLines() as lines:
            for _, scored in _each(generator.score, texts):
                if isinstance(scored, LineFault):
                    wrong += 1
                    _report(scored, source)
                    lines.write(scored.row())
                else:
                    lines.write(_score_row(scored, generator, tokens))
        if wrong:
            raise typer.Exit(1)

    return score


def embed_command(load_settings: Callable[[], Settings]) -> Callable[..., None]:
    def embed(
        text: Texts = None,
        source: Source = None,
        out: Annotated[
            Path | None, typer.Option("--out", help="A .npy file (N, D), float32, instead of JSON lines.")
        ] = None,
        checkpoint: Checkpoint = None,
    ) -> None:
        """Embeddings of grammar texts (mean of the last hidden states); JSON lines, or an array in a file.

        In the array the row of a text that cannot be embedded is not-a-number, so that rows stay in step.
        """
        from agent.interface.output import require_writable

        texts = _texts(text, source)
        if out is not None and out.suffix != ".npy":
            raise InputError(f"--out must be a .npy file, got {out}")
        require_writable(None if out is None else out.parent)
        generator = load_model(load_settings(), checkpoint)
        found = _each(lambda batch: list(generator.embed(batch)), texts)
        wrong = _save_array(found, out, source) if out is not None else _print_embeddings(found, source)
        if wrong:
            raise typer.Exit(1)

    return embed


def _texts(given: list[str] | None, source: str | None) -> list[tuple[int, str | LineFault]]:
    """Numbered texts (arguments from 1, or lines by their number)."""
    if bool(given) == (source is not None):
        raise InputError("give texts as arguments or --input FILE (- for standard input), one of the two")
    if source is None:
        return list(enumerate(given or [], 1))
    found = [(number, _text_of(number, line)) for number, line in read_lines(source)]
    if not found:
        raise InputError(f"{source} holds no text")
    return found


def _text_of(number: int, line: str) -> str | LineFault:
    if not line.startswith("{"):
        return line
    try:
        row = read_json_line(line)
    except ValueError as fault:
        return LineFault(number, str(fault))
    text = row.get("text", row.get("sequence"))
    return text if isinstance(text, str) else LineFault(number, "no text under the key text or sequence")


def _each(
    call: Callable[[list[str]], list[R]], texts: list[tuple[int, str | LineFault]]
) -> Iterator[tuple[str, R | LineFault]]:
    """Each text with its result, in order; a batch that is refused goes through one by one."""
    left = iter(texts)
    while batch := list(islice(left, AT_ONCE)):
        good = [text for _, text in batch if isinstance(text, str)]
        results: Iterator[R] | None = None
        with contextlib.suppress(ModelInputError):
            results = iter(call(good) if good else [])
        for number, text in batch:
            if isinstance(text, LineFault):
                yield "", text
            elif results is not None:
                yield text, next(results)
            else:
                try:
                    alone = call([text])[0]
                except ModelInputError as fault:
                    yield text, LineFault(number, str(fault))
                else:
                    yield text, alone


def _report(fault: LineFault, source: str | None) -> None:
    """One line on stderr; a wrong argument ends the command."""
    if source is None:
        raise InputError(fault.error)
    sys.stderr.write(f"line {fault.number}: {fault.error}\n")


def _score_row(scored: TextScore, generator: Generator, tokens: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "text": scored.text,
        "log_prob": scored.log_prob,
        "perplexity": scored.perplexity,
        "n_tokens": len(scored.token_log_probs),
    }
    if tokens:
        codec = getattr(generator, "codec", None)
        ids = scored.token_ids[-len(scored.token_log_probs) :]
        row["tokens"] = [
            {"id": at, **({} if codec is None else {"token": codec.decode([at])}), "log_prob": log_prob}
            for at, log_prob in zip(ids, scored.token_log_probs, strict=True)
        ]
    return row


def _print_embeddings(found: Iterator[tuple[str, Any]], source: str | None) -> int:
    wrong = 0
    with ResultLines() as lines:
        for text, vector in found:
            if isinstance(vector, LineFault):
                wrong += 1
                _report(vector, source)
                lines.write(vector.row())
            else:
                lines.write({"text": text, "embedding": [float(value) for value in vector]})
    return wrong


def _save_array(found: Iterator[tuple[str, Any]], out: Path, source: str | None) -> int:
    """Write the array; the number of texts that have no embedding."""
    import numpy as np

    vectors: list[Any] = []
    for _, vector in found:
        if isinstance(vector, LineFault):
            _report(vector, source)
            vectors.append(None)
        else:
            vectors.append(np.asarray(vector, dtype=np.float32))
    width = next((len(vector) for vector in vectors if vector is not None), 0)
    rows = [np.full(width, np.nan, dtype=np.float32) if vector is None else vector for vector in vectors]
    try:
        np.save(out, np.stack(rows))
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}") from None
    sys.stderr.write(f"{len(rows)} embeddings of {width} numbers in {out}\n")
    return sum(vector is None for vector in vectors)
