"""The 3D view: Mol* from the installed `ipymolstar` package, and the structures it shows, packed for inlining.

No third-party JavaScript lies in this project: the bundle is read from the installed package when a report is
written, compressed (gzip, base64: about a third of its size) and unpacked by the page when the view is scrolled to.
The package wraps Mol* in a notebook widget; only its last statement, the export, is changed, so that the page can call
the viewer itself. Where the package is absent or differs, the report says so and stays complete otherwise.
"""

from __future__ import annotations

import base64
import gzip
import importlib.metadata
import importlib.util
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rdkit import Chem

from agent.interface.schemas import RunResult
from agent.report.export import read_pose
from tools.errors import OrganonError, UnavailableError

PACKAGE = "ipymolstar"
GLOBAL_NAME = "organonMolstar"
TAIL_CHARACTERS = 20_000
RECEPTOR_RECORDS = ("ATOM  ", "HETATM", "TER", "CONECT", "HELIX", "SHEET")
LIGAND_RESIDUE = "UNL"
FREE_CHAINS = "ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210"

MOLSTAR_NOTICE = """Mol* (https://molstar.org), The MIT License, Copyright (c) 2017, MolQL contributors; as bundled by
the package named above. Sehnal et al., Nucleic Acids Res. 2021, 49, W431, doi:10.1093/nar/gkab314."""


@dataclass(frozen=True, slots=True)
class ViewerBundle:
    """`script` and `style` are base64 of gzip; `licence` is the package's own notice."""

    script: str
    style: str
    package: str
    licence: str


@dataclass(frozen=True, slots=True)
class Structures:
    """`payload`: base64 of gzipped JSON {"receptor": pdb, "chain": id, "poses": {key: pdb}}.
    `keys`: what can be shown, in page order; `problems`: key -> why there is no pose to show."""

    payload: str
    keys: tuple[str, ...]
    problems: Mapping[str, str]


@cache
def load_viewer() -> ViewerBundle:
    """Read, adapt and pack the installed bundle; `UnavailableError` names what is missing and how to get it."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise UnavailableError(f"the package {PACKAGE} is not installed: pip install {PACKAGE}")
    static = Path(spec.origin).parent / "static"
    try:
        script = (static / "molviewspec.js").read_text(encoding="utf-8")
        style = (static / "molviewspec.css").read_text(encoding="utf-8")
    except OSError as error:
        raise UnavailableError(f"the installed {PACKAGE} lacks its viewer files: {error}") from error
    version = importlib.metadata.version(PACKAGE)
    return ViewerBundle(
        script=pack(_expose_namespace(script, version)),
        style=pack(style),
        package=f"{PACKAGE} {version}",
        licence=_licence_text(),
    )


def _expose_namespace(script: str, version: str) -> str:
    """Replace the widget's export by an assignment of the Mol* namespace to `window.organonMolstar`."""
    tail_start = max(0, len(script) - TAIL_CHARACTERS)
    tail = script[tail_start:]
    namespace = re.search(r"([\w$]+)\.PluginExtensions\.mvs\.loadMVS\(", tail)
    export = re.search(r"export\s*\{[^{}]*\bas default\b[^{}]*\};?(?=\s*(/\*.*?\*/\s*)*$)", tail, re.DOTALL)
    if namespace is None or export is None:
        raise UnavailableError(f"the bundle of {PACKAGE} {version} is not built as this report expects (0.1 is)")
    exposed = f"{tail[: export.start()]}window.{GLOBAL_NAME} = {namespace.group(1)};{tail[export.end() :]}"
    return script[:tail_start] + exposed


def _licence_text() -> str:
    files = importlib.metadata.files(PACKAGE) or []
    texts = [Path(str(f.locate())).read_text(encoding="utf-8") for f in files if "licen" in f.name.lower()]
    return "\n\n".join([*texts, MOLSTAR_NOTICE])


def pack(text: str) -> str:
    """Base64 of gzip, without a time stamp: the same text gives the same bytes."""
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0)).decode("ascii")


def collect_structures(
    result: RunResult, artifacts: Callable[[str], str], keys: Sequence[tuple[str, str | None]]
) -> Structures:
    """Receptor and poses for the view. `keys` pairs a page key with the pose's artifact id, in page order."""
    receptor_id = result.target.receptor if result.target else ""
    try:
        receptor = _receptor_lines(artifacts(receptor_id)) if receptor_id else []
    except (LookupError, OSError, OrganonError) as error:
        raise UnavailableError(f"the receptor {receptor_id} cannot be read: {error}") from error
    if not receptor:
        raise UnavailableError("the run recorded no receptor structure with atoms")
    chain = _free_chain(receptor)
    serial = 1 + max(int(line[6:11]) for line in receptor if line.startswith(("ATOM", "HETATM")))
    poses: dict[str, str] = {}
    problems: dict[str, str] = {}
    for key, pose in keys:
        mol, problem = read_pose(pose, artifacts)
        if mol is None:
            problems[key] = problem
        else:
            poses[key] = pose_as_pdb(mol, chain, serial)
    receptor_text = "\n".join(receptor) + "\n"
    payload = pack(json.dumps({"receptor": receptor_text, "chain": chain, "poses": poses}))
    return Structures(payload, tuple(poses), problems)


def _receptor_lines(text: str) -> list[str]:
    """The coordinate records of the first model; bonds go last, since Mol* reads one block of them."""
    lines = []
    for line in text.splitlines():
        if line.startswith("ENDMDL"):
            break
        if line.startswith(RECEPTOR_RECORDS):
            lines.append(line.rstrip())
    if not any(line.startswith(("ATOM", "HETATM")) for line in lines):
        return []
    return sorted(lines, key=lambda line: line.startswith("CONECT"))


def _free_chain(receptor: Sequence[str]) -> str:
    used = {line[21:22] for line in receptor if line.startswith(("ATOM", "HETATM"))}
    return next((chain for chain in FREE_CHAINS if chain not in used), "z")


def pose_as_pdb(mol: Chem.Mol, chain: str, first_serial: int) -> str:
    """HETATM and CONECT records of one ligand; a double bond is written by repeating the partner, as in PDB files
    with explicit orders. `sanitize=False` molecules are accepted: only elements, bonds and coordinates are read."""
    kekulized = Chem.Mol(mol)
    kekulized.UpdatePropertyCache(strict=False)
    positions = kekulized.GetConformer().GetPositions()
    counts: dict[str, int] = {}
    lines = []
    for atom, (x, y, z) in zip(kekulized.GetAtoms(), positions, strict=True):
        element = atom.GetSymbol()
        counts[element] = counts.get(element, 0) + 1
        name = f"{element.upper()}{counts[element]}"[:4]
        padded = name.ljust(4) if len(element) == 2 or len(name) == 4 else f" {name}".ljust(4)
        lines.append(
            f"HETATM{(first_serial + atom.GetIdx()) % 100000:5d} {padded} {LIGAND_RESIDUE} {chain}   1    "
            f"{x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {element.upper():>2}"
        )
    for atom in kekulized.GetAtoms():
        partners = [
            bond.GetOtherAtomIdx(atom.GetIdx())
            for bond in atom.GetBonds()
            for _ in range(max(1, int(bond.GetBondTypeAsDouble())))
        ]
        for start in range(0, len(partners), 4):
            fields = "".join(f"{(first_serial + i) % 100000:5d}" for i in partners[start : start + 4])
            lines.append(f"CONECT{(first_serial + atom.GetIdx()) % 100000:5d}{fields}")
    return "\n".join(lines) + "\n"
