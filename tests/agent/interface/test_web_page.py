"""The page as it is served: what a browser may load, keep and run; and that its files hold to their own rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from agent.interface import web
from agent.interface.web import FOLDER, mount_page, page_files, version
from tools.errors import UnavailableError

SCRIPTS = sorted((FOLDER / "js").glob("*.js"))
MAX_LINES = 300


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    mount_page(app)
    return TestClient(app)


def test_the_document_loads_only_from_here_and_runs_nothing_inline(client: TestClient) -> None:
    answer = client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["cache-control"] == "no-cache"
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", answer.text)
    assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", answer.text)
    addresses = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert all(address.startswith((f"/static/{version()}/", "#")) for address in addresses), addresses
    for address in addresses:
        assert address.startswith("#") or client.get(address).status_code == 200, address


def test_files_of_this_version_are_kept_and_others_asked_for_again(client: TestClient) -> None:
    kept = client.get(f"/static/{version()}/js/main.js")
    assert "immutable" in kept.headers["cache-control"]
    assert kept.headers["content-type"].startswith("text/javascript")
    assert client.get("/static/older/js/main.js").headers["cache-control"] == "no-cache"


def test_packed_and_plain_are_the_same(client: TestClient) -> None:
    where = f"/static/{version()}/css/tone.css"
    packed = client.get(where, headers={"Accept-Encoding": "gzip"})
    plain = client.get(where, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content == (FOLDER / "css" / "tone.css").read_bytes()


@pytest.mark.parametrize("path", ["js/nothing.js", "../web/__init__.py", "__init__.py", "index.html", "js/"])
def test_only_files_of_the_page_are_given(client: TestClient, path: str) -> None:
    answer = client.get(f"/static/{version()}/{path}")
    assert answer.status_code == 404


def test_without_the_viewer_its_address_says_what_to_install(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent() -> None:
        raise UnavailableError("the package ipymolstar is not installed: pip install ipymolstar")

    monkeypatch.setattr(web, "load_viewer", absent)
    web._viewer_file.cache_clear()
    answer = client.get(f"/static/{version()}/molstar.css")
    assert answer.status_code == 503
    assert "pip install ipymolstar" in answer.json()["detail"]


def test_the_viewer_is_read_from_the_installed_package(client: TestClient) -> None:
    web._viewer_file.cache_clear()
    answer = client.get(f"/static/{version()}/molstar.js")
    assert answer.status_code == 200
    assert "window.organonMolstar" in answer.text
    frame = client.get(f"/static/{version()}/viewer.html")
    assert "connect-src data: blob:" in frame.headers["content-security-policy"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_make_elements_never_markup(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval(", "new Function"):
        assert way not in text, way
    assert not re.search(r"https?://(?!www\.w3\.org/)\w", text)
    assert len(text.splitlines()) <= MAX_LINES
    assert text.startswith("// "), "a script says in its first line what it is"


def test_every_import_names_a_file_of_the_page() -> None:
    for script in SCRIPTS:
        for name in re.findall(r'(?:from|import) "\./([^"]+)"', script.read_text(encoding="utf-8")):
            assert f"js/{name}" in page_files(), f"{script.name} imports {name}"


def test_styles_load_nothing() -> None:
    for sheet in (FOLDER / "css").glob("*.css"):
        assert not re.search(r"url\(|@import", sheet.read_text(encoding="utf-8")), sheet.name
