"""Checkpoints by hub id, against a small hub of our own on a socket: what is fetched, what never is, what is said."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from models.hub import is_hub_id

ROOT = Path(__file__).resolve().parents[2]
SHA = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """Repositories by id, each a mapping of file name to content, and the files that were asked for."""

    url: str = ""
    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)


def handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            return None

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            path = self.path.partition("?")[0].strip("/")
            if path.startswith("api/models/"):
                parts = path.removeprefix("api/models/").split("/")
                return self.describe("/".join(parts[:2]), tree=parts[2:3] == ["tree"])
            owner, name, _, _, file = path.split("/", 4)
            content = hub.repositories[f"{owner}/{name}"][file]
            if body:
                hub.fetched.append(file)
            headers = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": SHA}
            return self.send(200, content, headers, body)

        def describe(self, repository: str, tree: bool) -> None:
            if repository not in hub.repositories:
                return self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"}, True)
            files = hub.repositories[repository]
            blobs = {name: hashlib.sha1(content).hexdigest() for name, content in files.items()}
            if tree:
                listed: Any = [
                    {"type": "file", "path": name, "size": len(files[name]), "oid": blob}
                    for name, blob in blobs.items()
                ]
            else:
                siblings = [
                    {"rfilename": name, "size": len(files[name]), "blobId": blob} for name, blob in blobs.items()
                ]
                listed = {"id": repository, "sha": SHA, "siblings": siblings, "private": False, "tags": []}
            return self.send(200, json.dumps(listed).encode(), {"Content-Type": "application/json"}, True)

        def send(self, status: int, content: bytes, headers: dict[str, str], body: bool) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(content)

    return Handler


@pytest.fixture
def hub(our_checkpoint: Path) -> Iterator[Hub]:
    found = Hub()
    whole = {path.name: path.read_bytes() for path in our_checkpoint.iterdir()}
    found.repositories["org/tiny"] = {
        **whole,
        "pytorch_model.bin": b"pickle",
        "modeling_own.py": b"raise SystemExit('this ran')",
        "original/consolidated.safetensors": b"another format",
    }
    found.repositories["org/pickled"] = {"config.json": whole["config.json"], "pytorch_model.bin": b"pickle"}
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(found))
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


def run(code: list[str], home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
    environment = {**kept, "HF_HOME": str(home / "hf"), "ORGANON_HOME": str(home), "NO_PROXY": "127.0.0.1", **variables}
    command = [sys.executable, "-c", *code]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def info(hub_id: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return run(["import app; app.main()", "model", "info", "--json", "--checkpoint", hub_id], home, **variables)


def test_a_checkpoint_is_fetched_once_and_nothing_that_can_run(hub: Hub, tmp_path: Path, our_checkpoint: Path) -> None:
    done = info("org/tiny", tmp_path, HF_ENDPOINT=hub.url)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert Path(found["path"]).is_relative_to(tmp_path / "hf")
    assert found["parameters"] > 10_000
    assert "fetching org/tiny from the hub" in done.stderr
    assert set(hub.fetched) == {path.name for path in our_checkpoint.iterdir()}
    code = ["from models.hub import fetch_checkpoint; print(fetch_checkpoint('org/tiny'))"]
    again = run(code, tmp_path, HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="1")
    assert again.stdout.strip() == found["path"]
    assert "fetching" not in again.stderr


@pytest.mark.parametrize(
    ("hub_id", "variables", "named"),
    [
        ("org/nothing", {}, "the hub has no model of that name"),
        ("org/pickled", {}, "no *.safetensors"),
        ("org/tiny", {"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE"),
        ("org/tiny", {"HF_ENDPOINT": "http://127.0.0.1:9"}, "could not be reached"),
    ],
)
def test_what_cannot_be_had_is_one_line(
    hub: Hub, tmp_path: Path, hub_id: str, variables: dict[str, str], named: str
) -> None:
    done = info(hub_id, tmp_path, **{"HF_ENDPOINT": hub.url, **variables})
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert (done.returncode, done.stdout, len(errors)) == (2, "", 1), done.stderr
    assert "Traceback" not in done.stderr
    assert named in errors[0]
    assert hub_id in errors[0]
    assert hub.fetched == []


def test_which_names_are_hub_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    for name in ("LOGOS-Hub/LOGOS-8B", "org/a.b_c-1"):
        assert is_hub_id(name)
    for name in ("runs/last", "./org/name", "/org/name", "name", "a/b/c", "~/x", "../up", "http://host:1/v1"):
        assert not is_hub_id(name)
