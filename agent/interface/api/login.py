"""The form that takes the server's token and gives the page its cookie (HttpOnly, SameSite=Strict)."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from agent.interface.api.access import COOKIE, COOKIE_SECONDS
from agent.interface.api.limits import RateLimit
from agent.interface.api.served import Use

router = APIRouter()

TRIES_A_MINUTE = 10
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { display: grid; min-height: 90vh; place-items: center; margin: 1rem }
form { display: grid; gap: .75rem; width: min(22rem, 100%) }
h1 { font-size: 1.4rem; margin: 0 }
input, button { font: inherit; padding: .6rem .8rem; border-radius: .5rem; border: 1px solid #8888 }
button { background: #2457c5; border-color: transparent; color: #fff; cursor: pointer }
p { margin: 0 } [role=alert] { color: light-dark(#a40000, #ff9a9a) }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


@router.get("/login", include_in_schema=False)
async def form(use: Use) -> Response:
    if use.access.token is None:
        return RedirectResponse("/", 303)
    return _page("", 200)


@router.post("/login", include_in_schema=False)
async def log_in(request: Request, use: Use) -> Response:
    if use.access.token is None:
        return RedirectResponse("/", 303)
    tries: RateLimit = request.app.state.login_tries
    if tries.take(request.client.host if request.client else "local"):
        return _page("Too many tries; wait a minute.", 429)
    fields = parse_qs((await request.body()).decode(errors="replace"))
    if not use.access.is_token(fields.get("token", [""])[0].strip()):
        return _page("That is not this server's token.", 401)
    answer = RedirectResponse("/", 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, use.access.make_cookie(), COOKIE_SECONDS, secure=secure, httponly=True, samesite="strict")
    return answer


@router.post("/logout", include_in_schema=False)
async def log_out() -> Response:
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _page(problem: str, status: int) -> Response:
    told = f'<p role="alert">{problem}</p>' if problem else ""
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Organon: log in</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style>'
        f'<form method="post" action="/login"><h1>Organon</h1><label for="token">Token of this server</label>'
        f'<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>'
        f"{told}<button>Log in</button><p>It is the value of ORGANON_TOKEN where the server was started.</p></form>",
        status,
        headers={"Content-Security-Policy": _POLICY},
    )
