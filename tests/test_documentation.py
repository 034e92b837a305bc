"""The documents say what is there: README's tree, links between files, and the command line they show."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from agent.campaign import Campaign

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(ROOT.glob("*.md"))
LAYERS = ("agent", "tools", "models", "prompts")


def tree_of_readme() -> dict[str, str]:
    """Path -> its line of explanation, from the indented block under "The tree"."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## The tree\n")[2]
    lines = section.split("```")[1].strip("\n").splitlines()
    folder, entries = "", {}
    for line in lines:
        name, _, about = line.strip().partition(" ")
        path = f"{folder}{name}" if line.startswith("  ") else name
        folder = folder if line.startswith("  ") else name
        entries[path.rstrip("/")] = about.strip()
    return entries


def modules_and_folders() -> set[str]:
    """Every layer, and what stands directly in it: modules, and folders as a whole."""
    inside = {
        path.relative_to(ROOT).as_posix()
        for layer in LAYERS
        for path in (ROOT / layer).iterdir()
        if path.name not in {"__init__.py", "__pycache__"} and not path.name.startswith(".")
    }
    return {"app.py", *LAYERS, *inside}


def test_the_tree_of_the_readme_is_the_tree() -> None:
    entries = tree_of_readme()
    assert sorted(modules_and_folders() - set(entries)) == [], "not in README's tree"
    assert [path for path in entries if not (ROOT / path).exists()] == [], "in README's tree, but not there"
    assert [path for path, about in entries.items() if not about] == [], "without a word of explanation"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_files_resolve(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_that_documents_name_exist(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))
    named = set(re.findall(r"(?:`|^|&& )make ([a-z]+)", document.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert named <= targets


def test_the_campaign_of_the_readme_is_valid() -> None:
    block = (ROOT / "README.md").read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    campaign = Campaign.model_validate(yaml.safe_load(block))
    assert campaign.target.pocket == "from_ligand STI"


def test_commands_of_the_readme_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"organon ([a-z]+)\b", text.partition("## Commands")[2].partition("##")[0]))
    done = subprocess.run(
        [sys.executable, "-c", "import app; app.main()", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert named == {"demo", "chat", "serve", "mcp", "ingest", "search", "campaign", "tools", "model", "doctor"}
    assert [name for name in sorted(named) if not re.search(rf"\b{name}\b", done.stdout)] == []
