"""The command as scripts see it: exit codes, one clear line for bad input, JSON alone on stdout.

A process of its own where that makes a difference; the many kinds of bad input are told apart in this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import app

ROOT = Path(__file__).resolve().parents[2]
Completed = subprocess.CompletedProcess[str]
Here = Callable[..., Completed]


def organon(*args: str, home: Path, **variables: str) -> Completed:
    environment = {**os.environ, "ORGANON_HOME": str(home), "ORGANON_WORKERS": "1", **variables}
    command = [sys.executable, "-c", "import app; app.main()", *args]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def organon_here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    """The same command without the start of a process."""

    def run(*args: str, home: Path) -> Completed:
        monkeypatch.setenv("ORGANON_HOME", str(home))
        monkeypatch.setenv("ORGANON_WORKERS", "1")
        monkeypatch.setattr(sys, "argv", ["organon", *args])
        capfd.readouterr()
        code = 0
        try:
            app.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        return subprocess.CompletedProcess(args, code, *capfd.readouterr())

    return run


def assert_bad_input(done: Completed, *words: str) -> None:
    """Exit code 2, nothing on stdout, and one error line that names what is wrong."""
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert (done.returncode, done.stdout, len(errors)) == (2, "", 1), done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in errors[0]


def campaign_file(tmp_path: Path, text: str) -> str:
    file = tmp_path / "c.yaml"
    file.write_text(text)
    return str(file)


def test_help_names_every_command(tmp_path: Path) -> None:
    done = organon("--help", home=tmp_path)
    assert done.returncode == 0
    for command in ("demo", "campaign", "tools", "model", "doctor"):
        assert command in done.stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("target: NOWHERE9\n", ["NOWHERE9", "target"]),
        ("target: abl11\n", ["abl11", "ABL1"]),
        ("target: ABL1\nroundz: 3\n", ["roundz", "rounds"]),
        ("target: ABL1\nbudget: {minutes: -2}\n", ["budget.minutes", "-2"]),
        ("target: ABL1\nreference: C1CC(\n", ["C1CC("]),
        ("target: {pdb: gone.pdb, pocket: from_ligand STI}\n", ["gone.pdb"]),
        ("target: ABL1\nconstraints: {heavy_atom: 20..30}\n", ["heavy_atom", "heavy_atoms"]),
        ("target: ABL1\nconstraints: {heavy_atoms: many}\n", ["heavy_atoms", "many"]),
        ("target: ABL1\nobjective: [{score: affinity, goal: minimize}]\n", ["affinity", "vina"]),
    ],
)
def test_a_wrong_campaign_is_one_line_and_exit_code_2(
    text: str, words: list[str], tmp_path: Path, organon_here: Here
) -> None:
    done = organon_here("campaign", "run", campaign_file(tmp_path, text), home=tmp_path / "home")
    assert_bad_input(done, *words)


def test_a_broken_pdb_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "broken.pdb").write_text("this is no structure\n")
    text = "target: {pdb: broken.pdb, pocket: from_ligand STI}\n"
    done = organon("campaign", "run", campaign_file(tmp_path, text), home=tmp_path / "home")
    assert_bad_input(done, "broken.pdb")


def test_a_missing_campaign_file_is_named(tmp_path: Path, organon_here: Here) -> None:
    assert_bad_input(organon_here("campaign", "run", "nowhere.yaml", home=tmp_path), "nowhere.yaml")


def test_a_word_that_is_no_text_is_named(tmp_path: Path, organon_here: Here) -> None:
    """What a shell hands on of bytes that are not UTF-8."""
    for words in (("chat", "-m", "logP of C\udcff"), ("search", "C\udcff"), ("model", "score", "C\udcff")):
        assert_bad_input(organon_here(*words, home=tmp_path), "C\\udcff", "is not UTF-8")


def test_an_unwritable_home_is_named(tmp_path: Path, organon_here: Here) -> None:
    (tmp_path / "file").write_text("")
    done = organon_here("campaign", "list", home=tmp_path / "file" / "home")
    assert_bad_input(done, "ORGANON_HOME")


def test_an_unwritable_out_is_named_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = organon("demo", "--out", str(tmp_path / "file" / "out"), home=tmp_path / "home")
    assert_bad_input(done, "cannot write to")


def test_an_unknown_run_is_named(tmp_path: Path, organon_here: Here) -> None:
    assert_bad_input(organon_here("campaign", "show", "0123456789ab", home=tmp_path), "0123456789ab")


def test_a_tool_call_prints_one_json_document(tmp_path: Path) -> None:
    done = organon("tools", "call", "descriptors", "--args", '{"smiles": "CC(=O)Oc1ccccc1C(=O)O"}', home=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["verdict"] == "pass"
    assert result["details"]["values"]["heavy_atoms"] == 13.0


def test_a_scientific_no_is_an_answer(tmp_path: Path, organon_here: Here) -> None:
    done = organon_here("tools", "call", "size", "--args", '{"smiles": "CCO"}', home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "fail"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["size", "--args", "{"], ["JSON"]),
        (["size", "--args", "[]"], ["object"]),
        (["sise"], ["sise", "size"]),
        (["size"], ["missing argument smiles"]),
        (["size", "--args", '{"smiles": "CCO", "most": 3}'], ["most", "maximum"]),
        (["size", "--args", '{"smiles": "C1CC"}'], ["C1CC"]),
    ],
)
def test_a_wrong_tool_call_is_one_line_and_exit_code_2(
    args: list[str], words: list[str], tmp_path: Path, organon_here: Here
) -> None:
    assert_bad_input(organon_here("tools", "call", *args, home=tmp_path), *words)


def test_tools_list_describes_every_tool_as_json(tmp_path: Path) -> None:
    done = organon("tools", "list", "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    tools = {tool["name"]: tool for tool in json.loads(done.stdout)}
    assert tools["dock"]["parameters"]["smiles"]["required"]
    assert all(tool["about"] and tool["version"] for tool in tools.values())


def test_model_generate_refuses_an_unknown_task(tmp_path: Path, organon_here: Here) -> None:
    assert_bad_input(organon_here("model", "generate", "--task", "poems", home=tmp_path), "poems", "retrosynthesis")
