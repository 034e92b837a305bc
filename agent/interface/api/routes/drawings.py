"""2D drawings of molecules as SVG, for the page and for anybody's."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from agent.interface.api.routes.kept import LOCKED
from tools.errors import InputError
from tools.molecule.draw import draw_svg
from tools.molecule.parse import parse_smiles

router = APIRouter(prefix="/api/v1", tags=["results"])

MAX_ATOMS = 200
LIGHTER = 1.35
"""Factor on every colour of a dark drawing (white stays white)."""
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")


@router.get("/drawings.svg", response_class=Response, responses={200: {"content": {"image/svg+xml": {}}}})
def drawing(
    smiles: Annotated[str, Query(min_length=1, max_length=2000, examples=["CC(=O)Oc1ccccc1C(=O)O"])],
    width: Annotated[int, Query(ge=32, le=1600, description="Pixels.")] = 300,
    height: Annotated[int, Query(ge=32, le=1200, description="Pixels.")] = 220,
    dark: Annotated[bool, Query(description="Lighter lines for a dark page.")] = False,
    if_none_match: Annotated[str | None, Header(max_length=500)] = None,
) -> Response:
    """The molecule drawn. The background is transparent; the same request is answered from the browser's cache."""
    tag = f'"{hashlib.sha256(repr((smiles, width, height, dark, version("rdkit"))).encode()).hexdigest()[:20]}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=86400", "Content-Security-Policy": LOCKED}
    if if_none_match is not None and tag in if_none_match:
        return Response(status_code=304, headers=headers)
    return Response(_drawn(smiles, width, height, dark), media_type="image/svg+xml", headers=headers)


@lru_cache(maxsize=2000)
def _drawn(smiles: str, width: int, height: int, dark: bool) -> str:
    n_atoms = parse_smiles(smiles).GetNumAtoms()
    if n_atoms > MAX_ATOMS:
        raise InputError(f"this molecule has {n_atoms} heavy atoms; up to {MAX_ATOMS} are drawn")
    svg = draw_svg(smiles, width, height)
    return _COLOUR.sub(_lighter, svg) if dark else svg


def _lighter(colour: re.Match[str]) -> str:
    text = colour.group()
    parts = [min(255, round(int(text[at : at + 2], 16) * LIGHTER + 20)) for at in (1, 3, 5)]
    return "#" + "".join(f"{part:02x}" for part in parts)
