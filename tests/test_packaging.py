"""What is installed is what is in the tree, needs exactly what pyproject.toml says, and starts light."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distributions
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("agent", "tools", "models", "prompts")
BENCHMARKS = {path.stem for path in (ROOT / "benchmarks").iterdir()}
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT: dict[str, Any] = PYPROJECT["project"]
# Declared although no line of ours names them: {distribution: why}.
USED_BY_OTHERS: dict[str, str] = {"python-multipart": "FastAPI parses uploads with it"}
HEAVY = {
    "torch",
    "transformers",
    "rdkit",
    "openmm",
    "pdbfixer",
    "posebusters",
    "meeko",
    "chromadb",
    "langgraph",
}
HEAVY |= {"matplotlib", "pandas", "scipy", "sqlalchemy"}


def source_paths() -> list[Path]:
    return [ROOT / "app.py", *(p for name in PACKAGES for p in sorted((ROOT / name).rglob("*.py")))]


def shipped_files() -> set[str]:
    """Every file of the four packages and app.py, except caches."""
    inside = (p for name in PACKAGES for p in (ROOT / name).rglob("*") if p.is_file())
    return {"app.py"} | {p.relative_to(ROOT).as_posix() for p in inside if "__pycache__" not in p.parts}


def requirements(lines: list[str]) -> dict[str, Requirement]:
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


def python(code: str, *args: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh interpreter that finds our packages in `cwd` only."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(cwd)!r}); {code}", *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_wheel_holds_exactly_the_packages_and_their_data(wheel: zipfile.ZipFile) -> None:
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert {PurePosixPath(name).parts[0] for name in names} == {*PACKAGES, "app.py"}
    assert names == shipped_files()


def test_wheel_carries_the_licence_and_the_command(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    (entry_points,) = (name for name in names if name.endswith(".dist-info/entry_points.txt"))
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    scripts = configparser.ConfigParser()
    scripts.read_string(wheel.read(entry_points).decode())
    assert dict(scripts["console_scripts"]) == {"organon": "app:main"}


def test_the_command_runs_from_the_wheel_alone(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    done = python("import app, agent; print(agent.__file__); app.main()", "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path))
    for command in ("demo", "campaign", "tools", "model", "doctor"):
        assert re.search(rf"\b{command}\b", done.stdout), f"{command} is not in --help"


def test_version_flag() -> None:
    done = python("import app; app.main()", "--version")
    assert done.returncode == 0, done.stderr
    assert PROJECT["version"] in done.stdout


def test_starting_the_command_imports_nothing_heavy() -> None:
    done = python("import app; print(*sorted({name.split('.')[0] for name in sys.modules}))")
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) & HEAVY == set()


@cache
def owner_of_files() -> dict[str, str]:
    """Installed file (as imported, e.g. "langgraph/graph/__init__.py") -> the distribution that brought it."""
    owner: dict[str, str] = {}
    for dist in distributions():
        name = canonicalize_name(dist.name)
        for line in (dist.read_text("RECORD") or "").splitlines():
            file = line.partition(",")[0]
            if file.endswith((".py", ".so", ".pyd")):
                owner[re.sub(r"(\.cpython.*|\.abi3)?\.(so|pyd)$", "", file)] = name
    return owner


def distribution_of(module: str) -> str | None:
    """The distribution that owns a dotted name, found by file (namespaces have several); None if absent."""
    parts = module.split(".")
    for end in range(len(parts), 0, -1):
        stem = "/".join(parts[:end])
        for file in (f"{stem}/__init__.py", f"{stem}.py", stem):
            if file in owner_of_files():
                return owner_of_files()[file]
    return None


def third_party_imports(path: Path) -> Iterator[tuple[int, str, bool]]:
    """(line, dotted name, stands at the top of the file?) of imports that are neither ours nor Python's."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    at_top = {id(node) for node in module.body}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            root = name.split(".")[0]
            if root not in sys.stdlib_module_names and root not in {*PACKAGES, "app", "tests", *BENCHMARKS}:
                yield node.lineno, name, id(node) in at_top


def test_every_import_is_declared() -> None:
    declared = requirements(PROJECT["dependencies"])
    optional = {name: group for group in PROJECT["optional-dependencies"].values() for name in requirements(group)}
    problems = []
    for path in source_paths():
        for line, name, at_top in third_party_imports(path):
            dist = distribution_of(name)
            where = f"{path.relative_to(ROOT)}:{line} {name}"
            if dist is None and name.split(".")[0].replace("_", "-") not in optional:
                problems.append(f"{where} is not installed")
            elif dist is not None and dist not in declared and (at_top or dist not in optional):
                problems.append(f"{where} needs {dist}, which pyproject.toml does not declare")
    assert not problems


def test_what_the_tests_import_is_declared() -> None:
    extras = [line for group in PROJECT["optional-dependencies"].values() for line in group]
    declared = requirements([*PROJECT["dependencies"], *extras])
    problems = {
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for line, name, _ in third_party_imports(path)
        if (distribution_of(name) or name.split(".")[0].replace("_", "-")) not in declared
    }
    assert problems == set()


def test_every_declared_dependency_is_used() -> None:
    used = {distribution_of(name) for path in source_paths() for _, name, _ in third_party_imports(path)}
    strings = " ".join(
        node.value
        for path in source_paths()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    named = {d for d in requirements(PROJECT["dependencies"]) if re.search(rf"\b{re.escape(d)}\b", strings)}
    declared = set(requirements(PROJECT["dependencies"]))
    assert sorted(declared - used - named - set(USED_BY_OTHERS)) == []


def pinned_versions() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.partition("==") for line in lines if not line.startswith("#")]
    assert all(version for _, _, version in pins), "only name==version lines, no comments behind them"
    return {canonicalize_name(name): version for name, _, version in pins}


def test_constraints_pin_every_requirement_inside_its_range() -> None:
    pins = pinned_versions()
    wanted = requirements([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]])
    assert [n for n, r in wanted.items() if n not in pins or not r.specifier.contains(pins[n])] == []


def test_this_environment_is_the_pinned_one() -> None:
    """Every installed package that constraints.txt names has its version: the tests vouch for the pins."""
    installed: dict[str, str] = {canonicalize_name(d.name): d.version.split("+")[0] for d in distributions()}
    differing = {n: (v, installed[n]) for n, v in pinned_versions().items() if installed.get(n, v) != v}
    assert differing == {}, "{package: (pinned, installed)}: run `make install`, or pin what was tested"
