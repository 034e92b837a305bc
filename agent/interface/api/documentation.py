"""The OpenAPI document at /api/openapi.json and a plain page that lists it at /api/docs: nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from typing import Any

from fastapi import FastAPI
from starlette.responses import HTMLResponse, JSONResponse, Response

from agent.interface.api.problems import MEDIA_TYPE as PROBLEM

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin-top: 2.5rem } h3 { font-size: 1rem; margin: 1.5rem 0 .25rem }
code, pre { font-family: ui-monospace, monospace; font-size: .9em }
pre { overflow: auto; padding: .75rem; border: 1px solid #8885; border-radius: .5rem }
table { border-collapse: collapse } td { padding: .15rem .8rem .15rem 0; vertical-align: top }
.verb { font-weight: 700 } p { margin: .25rem 0 }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; frame-ancestors 'none'"


def add_documentation(app: FastAPI) -> None:
    """Serve both; the page is made from the document at each request."""

    @app.get("/api/openapi.json", include_in_schema=False)
    def openapi() -> Response:
        return JSONResponse(openapi_document(app))

    @app.get("/api/docs", include_in_schema=False)
    def docs() -> Response:
        return HTMLResponse(render_documentation(openapi_document(app)), headers={"Content-Security-Policy": _POLICY})


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The document, in which faults have their own media type (FastAPI knows one type a route)."""
    document = app.openapi()
    for methods in document["paths"].values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                if status >= "400" and "application/json" in answer.get("content", {}):
                    answer["content"] = {PROBLEM: answer["content"]["application/json"]}
    return document


def render_documentation(document: dict[str, Any]) -> str:
    """One page: every route with its purpose, parameters, body and an example."""
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = (operation.get("tags") or ["other"])[0]
            groups.setdefault(tag, []).append(_operation(path, method, operation, document))
    sections = "".join(f"<section><h2>{escape(tag)}</h2>{''.join(parts)}</section>" for tag, parts in groups.items())
    info = document["info"]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])} API</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style>'
        f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1><p>{escape(info['description'])}</p>"
        f'<p>The same for programs: <a href="/api/openapi.json">openapi.json</a>.</p>{sections}</html>'
    )


def _operation(path: str, method: str, operation: dict[str, Any], document: dict[str, Any]) -> str:
    about = escape(operation.get("description") or operation.get("summary") or "")
    rows = "".join(
        f"<tr><td><code>{escape(p['name'])}</code></td><td>{escape(p['in'])}</td>"
        f"<td>{escape(p.get('description') or p.get('schema', {}).get('description') or '')}</td></tr>"
        for p in operation.get("parameters", ())
    )
    example = _example(operation.get("requestBody", {}), document)
    shown = f"<pre>{escape(json.dumps(example, indent=1, ensure_ascii=False))}</pre>" if example is not None else ""
    return (
        f'<h3 id="{escape(operation.get("operationId", ""))}"><span class="verb">{method.upper()}</span> '
        f"<code>{escape(path)}</code></h3><p>{about}</p>{f'<table>{rows}</table>' if rows else ''}{shown}"
    )


def _example(body: dict[str, Any], document: dict[str, Any]) -> Any:
    content = body.get("content", {}).get("application/json")
    if content is None:
        return None
    if content.get("examples"):
        return [entry["value"] for entry in content["examples"].values()]
    return content.get("example") or _of_schema(content.get("schema", {}), document)


def _of_schema(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """What an example says, for each field that has one."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if schema.get("example") is not None:
        return schema["example"]
    found = {
        name: field["examples"][0] for name, field in schema.get("properties", {}).items() if field.get("examples")
    }
    return found or None
