"""The rules of ARCHITECTURE.md that a reader cannot see from one file, checked over the whole tree.

Not promised: that the design is good. Only that imports point one way, files stay small, no failure is hidden.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeGuard

import pytest

ROOT = Path(__file__).resolve().parents[1]

# What each layer may import of ours: app -> agent -> tools -> models; prompts is a leaf that only agent reads.
MAY_IMPORT = {
    "app": {"app", "agent", "tools", "models"},
    "agent": {"agent", "tools", "models", "prompts"},
    "tools": {"tools", "models"},
    "models": {"models"},
    "prompts": {"prompts"},
}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "manager", "misc", "v2"}
MAX_LINES = 450
# Where a fault of any kind becomes an answer (style: "only there `except Exception`").
BOUNDARIES = re.compile(
    r"app\.py|agent/interface/.*|agent/(executor|runs|doctor|service|chat/assistant)\.py|agent/actions/action\.py|tools/(registry|sandbox)\.py|.*worker.*\.py"
)
TABLE_ENTRY = re.compile(r"[a-z_]+(\.\w+)*:[A-Za-z_]\w*")
# Files besides agent/config.py that touch the environment, each with its reason.
ENVIRONMENT_USERS: dict[str, str] = {
    "app.py": "sets GOMP_SPINCOUNT before torch loads",
    "models/training/sharding.py": "reads what torchrun and accelerate set for each process",
}


def source_files() -> list[str]:
    files = ["app.py"]
    for layer in ("agent", "tools", "models", "prompts"):
        files += [str(p.relative_to(ROOT)) for p in sorted((ROOT / layer).rglob("*.py"))]
    return files


def python_files() -> list[str]:
    others = [p for d in ("tests", "benchmarks", "examples") for p in sorted((ROOT / d).rglob("*.py"))]
    return source_files() + [str(p.relative_to(ROOT)) for p in others]


@cache
def tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=path)


def imported_modules(path: str) -> Iterator[str]:
    """Dotted names that `path` imports, at any depth: statements (relative ones made absolute), `import_module`
    with a literal, and the "module:name" strings of the explicit tables."""
    package = list(Path(path).parent.parts)
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield ".".join([*base, *([node.module] if node.module else [])])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (str(arg.value) for arg in node.args if isinstance(arg, ast.Constant))
        elif isinstance(node, ast.Constant) and TABLE_ENTRY.fullmatch(str(node.value)):
            yield str(node.value).partition(":")[0]


def caught_names(handler: ast.ExceptHandler) -> set[str]:
    if handler.type is None:
        return {"BaseException"}
    return {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}


def swallows_anything(node: ast.AST) -> TypeGuard[ast.ExceptHandler | ast.Call]:
    """`except Exception` or `contextlib.suppress(Exception)`. Not swallowed: a handler that ends in raising the same
    again, or a fault of ours `from` the caught one."""
    anything = {"Exception", "BaseException"}
    if isinstance(node, ast.ExceptHandler):
        last = node.body[-1]
        raises_again = isinstance(last, ast.Raise) and (last.exc is None or last.cause is not None)
        return bool(caught_names(node) & anything) and not raises_again
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
        return any(isinstance(a, ast.Name) and a.id in anything for a in node.args)
    return False


def is_protocol(node: ast.ClassDef) -> bool:
    return any("Protocol" in ast.unparse(base) for base in node.bases)


def is_stub(node: ast.AST) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    """A function with nothing but a docstring, `pass` or `...`."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    if any("overload" in ast.unparse(d) or "abstract" in ast.unparse(d) for d in node.decorator_list):
        return False
    return all(
        isinstance(line, ast.Pass) or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
        for line in node.body
    )


@pytest.mark.parametrize("path", source_files())
def test_imports_point_one_way(path: str) -> None:
    layer = "app" if path == "app.py" else Path(path).parts[0]
    ours = {name.split(".")[0] for name in imported_modules(path)} & set(MAY_IMPORT)
    assert ours <= MAY_IMPORT[layer], f"{path} imports {sorted(ours - MAY_IMPORT[layer])}"


def test_the_import_rule_sees_every_way_to_import(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "example.py").write_text(
        "import agent.a\nfrom . import b\nfrom .c import d\ndef f():\n    from agent.e import g\n"
        "    importlib.import_module('agent.h')\nTABLE = {'x': 'agent.i:j', 'ratio': '1:2'}\n"
    )
    expected = {"agent.a", "tools", "tools.c", "agent.e", "agent.h", "agent.i"}
    assert set(imported_modules("tools/example.py")) == expected


def test_no_vague_file_names() -> None:
    vague = [p for p in python_files() if VAGUE_NAMES & set(re.split(r"[_/.]", p))]
    assert not vague, f"name the concept instead: {vague}"


def test_test_file_names_are_unique() -> None:
    names = [p.name for p in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names)), sorted({n for n in names if names.count(n) > 1})


def test_no_init_files_under_tests() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_files_are_short() -> None:
    lengths = {p: len((ROOT / p).read_text(encoding="utf-8").splitlines()) for p in python_files()}
    assert {p: n for p, n in lengths.items() if n > MAX_LINES} == {}


def test_every_module_says_what_it_is() -> None:
    silent = [p for p in source_files() if tree(p).body and not ast.get_docstring(tree(p))]
    assert not silent, f"no module docstring: {silent}"


def test_failures_are_swallowed_only_at_boundaries() -> None:
    offenders = [
        f"{path}:{node.lineno}"
        for path in source_files()
        if not BOUNDARIES.fullmatch(path)
        for node in ast.walk(tree(path))
        if swallows_anything(node)
    ]
    assert not offenders, f"catch the fault you can name, or let it reach a boundary: {offenders}"


def test_nothing_is_left_unwritten() -> None:
    offenders = []
    for path in source_files():
        protocol_methods = {
            id(item)
            for node in ast.walk(tree(path))
            if isinstance(node, ast.ClassDef) and is_protocol(node)
            for item in node.body
        }
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Name) and node.id == "NotImplementedError":
                offenders.append(f"{path}:{node.lineno} NotImplementedError")
            if is_stub(node) and id(node) not in protocol_methods:
                offenders.append(f"{path}:{node.lineno} {node.name} has no body")
    assert not offenders


def test_no_notes_to_self() -> None:
    note = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
    found = [
        f"{path}:{number}"
        for path in python_files()
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1)
        if note.search(line)
    ]
    assert not found, f"do it or open an issue: {found}"


def test_only_config_reads_the_environment() -> None:
    names = {"environ", "getenv", "putenv", "environb"}
    users = {
        path
        for path in source_files()
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and node.attr in names and ast.unparse(node.value) == "os")
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and names & {a.name for a in node.names})
    }
    assert users - {"agent/config.py"} == set(ENVIRONMENT_USERS)


def test_no_path_of_somebodys_machine() -> None:
    home = re.compile(r"""(?:^|[\s"'`=(:])/(?:work|home|root|Users)/\w""")
    texts = [*python_files(), "pyproject.toml", "constraints.txt", "Makefile", ".ci/run"]
    texts += [str(p.relative_to(ROOT)) for p in sorted(ROOT.glob("*.md"))]
    found = [
        f"{path}:{number}: {line.strip()[:80]}"
        for path in texts
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1)
        if home.search(line)
    ]
    assert not found
