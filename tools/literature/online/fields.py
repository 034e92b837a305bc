"""What answers of services are made of: JSON that may lack anything, and abstracts with markup in them."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tools.errors import TransientError
from tools.literature.documents import Document, Page, clean, one_line

_BLOCK_TAG = re.compile(r"</?(?:jats:)?(?:p|br|li|ul|ol|div)\b[^>]*>", re.IGNORECASE)
_HEADING_TAG = re.compile(r"</?(?:jats:)?(?:title|sec|h\d)\b[^>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")


def load_json(service: str, body: bytes) -> Any:
    """The answer as JSON; TransientError where it is something else (a maintenance page)."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise TransientError(f"{service} answered something that is not JSON") from error


def dig(data: Any, *path: str | int) -> Any:
    """A value deep inside; None where a step of the path is missing."""
    for step in path:
        if isinstance(step, int) and isinstance(data, Sequence) and not isinstance(data, str):
            data = data[step] if -len(data) <= step < len(data) else None
        elif isinstance(step, str) and isinstance(data, Mapping):
            data = data.get(step)
        else:
            return None
    return data


def text_of(value: Any) -> str:
    """Plain text of a field that may hold HTML or JATS markup; "" for what is no text."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        return ""
    blocks = _BLOCK_TAG.sub("\n", _HEADING_TAG.sub("\n\n", value))
    plain = html.unescape(_TAG.sub("", blocks))
    return re.sub(r"[ \t]*\n[ \t]*", "\n", re.sub(r"\s*\n\s*\n\s*", "\n\n", clean(plain))).strip()


def list_of(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else []


def year_in(value: Any) -> int | None:
    match = re.search(r"\b(1[5-9]\d\d|20\d\d)\b", str(value)) if value is not None else None
    return int(match.group()) if match else None


def bare_doi(value: Any) -> str:
    """A DOI without its resolver's address, lower case."""
    return re.sub(r"^https?://(?:dx\.)?doi\.org/", "", text_of(value), flags=re.IGNORECASE).lower()


def abstract(
    service: str, title: str, body: str, authors: Sequence[str], year: int | None, doi: str, url: str, licence: str
) -> Document | None:
    """A document of title and abstract; None without a title. The same content is the same document."""
    title = one_line(title)
    if not title:
        return None
    text = title + ("" if title.endswith((".", "?", "!")) else ".") + (f"\n{body}" if body else "")
    identity = hashlib.sha256(f"{doi or url}\n{text}".encode("utf-8", "replace")).hexdigest()
    return Document(
        kind="abstract",
        identity=f"{service} {identity}",
        source=service,
        title=title,
        authors=tuple(one_line(name, 80) for name in authors if name.strip()),
        year=year,
        doi=doi,
        url=url,
        licence=one_line(licence, 200),
        pages=(Page(text),),
    )
