"""The page: static files without a build step, a client of the HTTP API like any other.

Files are served below a version (a digest of their content), so that browsers keep them for good and never mix two
versions; the document itself is asked for anew each time. The policy header forbids inline script and every other
host. Mol* comes from the installed package that the report uses too; where that is missing, its address answers with
what to install, and the page goes on without 3D. Not promised: that the page is of use where the API is not served.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse

from agent.report.viewer import load_viewer
from tools.errors import UnavailableError

FOLDER = Path(__file__).parent
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "frame-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
VIEWER_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src data: blob:",
        "font-src data:",
        "connect-src data: blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
"""For the frame in which Mol* draws: it may compile code, and may ask no server for anything."""
GUARDS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Vary": "Accept-Encoding"}
FOREVER = "public, max-age=31536000, immutable"
EACH_TIME = "no-cache"
SCENE = FOLDER.parents[1] / "report" / "pocket_scene.js"
"""How a pose is drawn: the report's own script."""
NOT_AHEAD = ("js/main.js", "js/viewer_frame.js", "js/pocket_scene.js")
PLACE_OF_BASE = "{{static}}"
PLACE_OF_MODULES = "<!-- modules -->"


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file, as sent: packed with gzip (nearly every browser takes it) and plain."""

    content_type: str
    packed: bytes
    plain: bytes


def mount_page(app: FastAPI) -> None:
    """Serve the page at / and its files under /static/<version>/, from memory."""
    _document("index.html")

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        headers = {"Cache-Control": EACH_TIME, "Content-Security-Policy": POLICY}
        return _send(_document("index.html"), request, headers)

    @app.get("/favicon.ico", include_in_schema=False)
    async def icon() -> Response:
        return RedirectResponse(f"/static/{version()}/icon.svg")

    @app.get("/static/{asked}/{path:path}", include_in_schema=False)
    async def static(asked: str, path: str, request: Request) -> Response:
        try:
            file = (
                await run_in_threadpool(_viewer_file, path) if path.startswith("molstar.") else page_files().get(path)
            )
        except UnavailableError as error:
            problem = {"title": "The 3D viewer is not installed", "status": 503, "detail": str(error)}
            return JSONResponse(problem, status_code=503, media_type="application/problem+json")
        if path == "viewer.html":
            return _send(
                _document(path), request, {"Cache-Control": EACH_TIME, "Content-Security-Policy": VIEWER_POLICY}
            )
        if file is None:
            problem = {"title": "Not found", "status": 404, "detail": f"the page has no file {path!r}"}
            return JSONResponse(problem, status_code=404, media_type="application/problem+json")
        return _send(file, request, {"Cache-Control": FOREVER if asked == version() else EACH_TIME})


@cache
def page_files() -> Mapping[str, PageFile]:
    """Every file of the page but the document, by its name: "css/tone.css", "js/main.js"."""
    found = {}
    for path in sorted(FOLDER.rglob("*")):
        if path.suffix in TYPES and path.suffix != ".html":
            found[path.relative_to(FOLDER).as_posix()] = _file(path.suffix, path.read_bytes())
    found["js/pocket_scene.js"] = _file(".js", SCENE.read_bytes())
    return found


@cache
def version() -> str:
    """Changes with any file of the page."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(FOLDER.glob("*.html"))))
    for name, file in page_files().items():
        digest.update(name.encode() + b"\0" + file.plain)
    return digest.hexdigest()[:12]


@cache
def _document(name: str) -> PageFile:
    """A document with the version in its addresses; the page announces its modules, so that they load side by side."""
    base = f"/static/{version()}"
    modules = [file for file in page_files() if file.startswith("js/") and file not in NOT_AHEAD]
    links = "\n".join(f'<link rel="modulepreload" href="{base}/{module}">' for module in modules)
    text = (FOLDER / name).read_text(encoding="utf-8")
    text = text.replace(PLACE_OF_BASE, base).replace(PLACE_OF_MODULES, links)
    return _file(".html", text.encode())


@cache
def _viewer_file(path: str) -> PageFile | None:
    """Mol* as the installed package brings it; UnavailableError says what to install."""
    bundle = load_viewer()
    packed = {"molstar.js": bundle.script, "molstar.css": bundle.style}.get(path)
    if packed is None:
        return None
    body = base64.b64decode(packed)
    return PageFile(TYPES[Path(path).suffix], body, gzip.decompress(body))


def _file(suffix: str, body: bytes) -> PageFile:
    return PageFile(TYPES[suffix], gzip.compress(body, mtime=0), body)


def _send(file: PageFile, request: Request, headers: Mapping[str, str]) -> Response:
    takes_gzip = "gzip" in request.headers.get("accept-encoding", "")
    encoding = {"Content-Encoding": "gzip"} if takes_gzip else {}
    body = file.packed if takes_gzip else file.plain
    return Response(body, media_type=file.content_type, headers={**GUARDS, **headers, **encoding})
