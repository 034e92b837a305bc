"""A browser, servers, and pages that tell on themselves: every script error, every request that leaves 127.0.0.1."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from rdkit import Chem
from rdkit.Chem import AllChem

from agent.config import Settings
from agent.kinds import KINDS, work_of
from agent.session import Session
from tests.browser import scripted

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
ARTIFACTS = Path(__file__).resolve().parents[2] / "tmp" / "artifacts"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page and its complaints: script errors, console errors, requests to anywhere but the server. `expected`: words
    of those that belong to the test."""

    page: Any
    address: str
    complaints: list[str] = field(default_factory=list)
    expected: str = ""

    def open(self, where: str = "") -> Any:
        self.page.goto(f"{self.address}/{where}")
        self.page.locator("html[data-ready]").wait_for(state="attached")
        return self.page

    def ask(self, text: str) -> Any:
        """Type a request and send it with Enter; the turn it begins."""
        before = self.page.locator(".turn").count()
        self.page.fill("#compose-text", text)
        self.page.press("#compose-text", "Enter")
        turn = self.page.locator(".turn").nth(before)
        turn.wait_for()
        return turn

    def picture(self, name: str) -> None:
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(ARTIFACTS / f"{name}.png"))


OpenPage = Callable[..., Watched]


@pytest.fixture
def new_page(browser: Any, scripted_server: Server) -> Iterator[OpenPage]:
    """`new_page(width=400, scheme="dark")`; at the end every page must have nothing to complain of."""
    opened: list[tuple[Watched, Any]] = []

    def make(width: int = 1280, scheme: str = "light", height: int = 860, **more: Any) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **more)
        page = context.new_page()
        watched = Watched(page, scripted_server.address)
        page.on("pageerror", lambda error: watched.complaints.append(f"error {error}"))
        page.on("console", lambda m: watched.complaints.append(f"{m.type} {m.text}") if m.type == "error" else None)
        page.on("dialog", lambda dialog: watched.complaints.append(f"dialog {dialog.message}"))

        def check(route: Any) -> None:
            if route.request.url.startswith((watched.address, "about:", "data:", "blob:")):
                route.continue_()
            else:
                watched.complaints.append(f"left the server: {route.request.url}")
                route.abort()

        context.route("**/*", check)
        opened.append((watched, context))
        return watched

    yield make
    for watched, context in opened:
        context.close()
        assert [c for c in watched.complaints if not watched.expected or watched.expected not in c] == []


@dataclass
class Server:
    """An ASGI application on a free port of 127.0.0.1, in a thread."""

    address: str
    session: Any
    stop: Callable[[], None]


def serve(app: Any) -> tuple[str, Callable[[], None]]:
    import uvicorn

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)

    def stop() -> None:
        server.should_exit = True
        thread.join(timeout=15)

    return f"http://127.0.0.1:{port}", stop


@pytest.fixture(scope="session")
def scripted_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real routes over runs whose work is written down in `scripted.py`."""
    from agent.interface.api.application import build_api
    from agent.service import RunService

    settings = Settings(home=tmp_path_factory.mktemp("home"), workers=1)
    session = Session.open(settings)
    pose = session.artifacts.put(Chem.MolToMolBlock(posed("CC(=O)Oc1ccccc1C(=O)O")) + "$$$$\n", ".sdf")
    receptor = session.artifacts.put(Chem.MolToPDBBlock(around_it("GAVLSTFY")), ".pdb")
    scripted.STRUCTURES.update(pose=pose, receptor=receptor)
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("chat", "action"):
            patch.setitem(KINDS, kind, "tests.browser.scripted:drive_scripted")
        work_of.cache_clear()
        address, stop = serve(build_api(session, RunService(session), settings))
        yield Server(address, session, stop)
        stop()
    work_of.cache_clear()


def posed(smiles: str) -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert AllChem.EmbedMolecule(mol, randomSeed=7) == 0
    return mol


def around_it(sequence: str) -> Chem.Mol:
    """A peptide some ångströms beside the origin, where the pose is."""
    mol = Chem.AddHs(Chem.MolFromSequence(sequence))
    assert AllChem.EmbedMolecule(mol, randomSeed=7) == 0
    conformer = mol.GetConformer()
    for at in range(mol.GetNumAtoms()):
        place = conformer.GetAtomPosition(at)
        conformer.SetAtomPosition(at, (place.x, place.y + 8.0, place.z))
    return mol
