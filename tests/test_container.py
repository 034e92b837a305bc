"""The container's recipe, as far as it can be judged without a container engine: its files exist, its settings are
settings, its check asks a route that answers, and it does not run as root. That it builds is not tested here."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import yaml

from agent.config import PREFIX, Settings
from agent.interface.cli_serve import DEFAULT_PORT

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "Containerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
LINES = [line for line in re.sub(r"\\\n\s*", " ", TEXT).splitlines() if line and not line.startswith("#")]


def instructions(word: str) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in LINES if line.split()[0] == word]


def command_of(line: str) -> list[str]:
    return [str(part) for part in json.loads(line[line.index("[") :])]


def test_everything_that_is_copied_is_there_and_not_ignored() -> None:
    ignored = set((ROOT / ".dockerignore").read_text(encoding="utf-8").split())
    for line in instructions("COPY"):
        if not line.startswith("--from"):
            for name in shlex.split(line)[:-1]:
                assert (ROOT / name).exists(), name
                assert name not in ignored


def test_all_of_the_package_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    copied = {name for line in instructions("COPY") for name in shlex.split(line)[:-1]}
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]) <= copied
    assert {project["project"]["readme"], *project["project"]["license-files"]} <= copied


def test_it_does_not_run_as_root_and_keeps_its_home_in_the_volume() -> None:
    (user,) = instructions("USER")
    assert user not in ("root", "0")
    (volume,) = instructions("VOLUME")
    environment = dict(part.split("=", 1) for line in instructions("ENV") for part in shlex.split(line))
    assert Path(environment["ORGANON_HOME"]).is_relative_to(volume)
    (service,) = COMPOSE["services"].values()
    assert [mount.split(":")[1] for mount in service["volumes"]] == [volume]


def test_every_setting_named_is_a_setting() -> None:
    names = set(re.findall(rf"{PREFIX}([A-Z_]+)", TEXT + (ROOT / "compose.yaml").read_text(encoding="utf-8")))
    assert {name.lower() for name in names} <= set(Settings.model_fields)


def test_the_port_is_the_servers_own() -> None:
    assert instructions("EXPOSE") == [str(DEFAULT_PORT)]
    (service,) = COMPOSE["services"].values()
    assert service["ports"] == [f"127.0.0.1:{DEFAULT_PORT}:{DEFAULT_PORT}"]
    assert f"127.0.0.1:{DEFAULT_PORT}/healthz" in instructions("HEALTHCHECK")[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def organon(home: Path, *args: str, **variables: str) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
    environment |= {"ORGANON_HOME": str(home), "ORGANON_WORKERS": "1", **variables}
    command = [sys.executable, "-c", "import app; app.main()", *args]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.timeout(120)
def test_its_health_check_passes_on_the_server_it_starts(tmp_path: Path) -> None:
    port = free_port()
    server = organon(tmp_path, *command_of(instructions("CMD")[0]), "--port", str(port), ORGANON_TOKEN="x" * 24)
    check = [part.replace(str(DEFAULT_PORT), str(port)) for part in command_of(instructions("HEALTHCHECK")[0])]
    try:
        until, passed = time.monotonic() + 60, False
        while not passed and time.monotonic() < until:
            passed = subprocess.run([sys.executable, *check[1:]], capture_output=True, check=False).returncode == 0
            time.sleep(0.2)
        assert passed
    finally:
        server.terminate()
        server.communicate(timeout=30)
