"""Plain text and Markdown. Markdown's front matter and first heading, a text's first line, give the title."""

from __future__ import annotations

import re

import yaml

from tools.errors import InputError
from tools.literature.documents import Document, Page, find_doi, find_year, one_line, year_of

_FRONT = re.compile(r"\A---[ \t]*\n(.{0,5000}?)\n---[ \t]*\n", re.DOTALL)
_HEADING = re.compile(r"^#{1,2}\s+(.+?)\s*#*$", re.MULTILINE)


def read_text(name: str, digest: str, text: str) -> list[Document]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    title = one_line(first, 200) if len(first) <= 200 else name
    return [_document("text", name, digest, text, {"title": title})]


def read_markdown(name: str, digest: str, text: str) -> list[Document]:
    front = _FRONT.match(text)
    said = _said(front.group(1)) if front else {}
    if not said.get("title"):
        heading = _HEADING.search(text)
        said["title"] = one_line(heading.group(1), 200) if heading else name
    body = text if front is None else "\n" * front.group().count("\n") + text[front.end() :]
    if not body.strip():
        raise InputError(f"{name} holds nothing below its front matter")
    return [_document("markdown", name, digest, body, said)]


def _said(front: str) -> dict[str, str]:
    """The front matter's plain values; one that is not YAML says nothing."""
    try:
        data = yaml.safe_load(front)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    if not isinstance(data, dict):
        return {}
    return {str(key).lower(): _plain(value) for key, value in data.items() if value is not None}


def _plain(value: object) -> str:
    return "; ".join(str(part) for part in value) if isinstance(value, list) else str(value)


def _document(kind: str, name: str, digest: str, text: str, said: dict[str, str]) -> Document:
    opening = text[:4000]
    authors = said.get("authors") or said.get("author") or ""
    return Document(
        kind=kind,
        identity=f"file {digest}",
        source=name,
        title=one_line(said.get("title", "")) or name,
        authors=tuple(one_line(part, 80) for part in re.split(r"\s*(?:;| and )\s*", authors) if part.strip()),
        year=year_of(said.get("year") or said.get("date") or "") or find_year(opening),
        doi=find_doi(said.get("doi", "")) or find_doi(opening),
        url=one_line(said.get("url", "")),
        licence=one_line(said.get("license") or said.get("licence") or ""),
        pages=(Page(text),),
    )
