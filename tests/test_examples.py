"""The examples: every one is valid, is listed, says what it is; those of one call run (slow)."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from agent.campaign_file import TASKS, load_request, start_request
from agent.config import Settings
from agent.interface.workflow_schemas import WorkflowResult
from agent.session import Session

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
FILES = sorted(EXAMPLES.glob("*.yaml"))
CHEAP = ("reaction", "molecule", "protein_edit", "antibody_cdr", "material", "pocket", "retrosynthesis")
NEEDS = {"from_structure": "1iep.pdb", "pocket-to-route": "1iep.pdb"}
"""Example -> the file that its user is told to put beside it."""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_example_is_valid_and_begins_with_what_it_is(file: Path, tmp_path: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# ")
    copied = Path(shutil.copy(file, tmp_path / file.name))
    if file.stem in NEEDS:
        assert NEEDS[file.stem] in text
        (tmp_path / NEEDS[file.stem]).write_text("END\n")
    request = load_request(copied)
    assert f"\nname: {request.name}\n" in text


def test_the_list_names_every_example_and_nothing_else() -> None:
    listed = set(re.findall(r"\]\(([\w.-]+)\)", (EXAMPLES / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in EXAMPLES.iterdir() if path.suffix in (".yaml", ".py")}


def test_there_is_one_for_every_task() -> None:
    tasks = {re.search(r"^task: (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE) for file in FILES}
    assert {*TASKS, "ligand"} <= {match.group(1) for match in tasks if match}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return Session.open(Settings(home=tmp_path_factory.mktemp("home"), workers=1))


def run(name: str, session: Session) -> WorkflowResult:
    run_id = start_request(session, load_request(EXAMPLES / f"{name}.yaml"))
    session.execute(run_id)
    return WorkflowResult.model_validate(session.ledger.get_run(run_id).result)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHEAP)
def test_every_one_call_example_runs(name: str, session: Session) -> None:
    result = run(name, session)
    assert (result.state, result.enough) == ("done", True), result.message
    assert [item for call in result.stages[0].calls for item in call.result.items]
