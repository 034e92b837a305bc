"""A framework as its building blocks: metal nodes and linkers, as MOFid writes them (SMILES, each block once).

Bucior et al. 2019 (doi:10.1021/acs.cgd.9b00050) for the notation. Topology is not written, so a framework here is a set
of blocks, which many structures can share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rdkit import Chem, rdBase

from models.reactions.voting import canonical_parts
from tools.errors import InputError
from tools.material.charge_balance import NONMETALS, has_metal

Framework = tuple[tuple[str, ...], tuple[str, ...]]
"""Distinct canonical nodes, distinct canonical linkers, each sorted."""


def canonical_node(smiles: str) -> str:
    """Canonical SMILES of a metal node, unsanitised: its valences are the framework's."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles, sanitize=False)
    return smiles if mol is None else str(Chem.MolToSmiles(mol))


def framework_of(nodes: Iterable[str], linkers: Iterable[str]) -> Framework | None:
    """The framework of these building blocks, or None where a linker is no molecule or either kind is missing (nodes
    like [OH] and O stand beside a metal node, not for one)."""
    found = canonical_parts(linkers)
    metals = tuple(sorted({canonical_node(part) for node in nodes for part in node.split(".") if part}))
    return (metals, tuple(sorted(set(found)))) if found and any(map(has_metal, metals)) else None


def need_framework(nodes: Iterable[str], linkers: Iterable[str]) -> Framework:
    """`framework_of`; InputError where the blocks are none."""
    given = list(nodes), list(linkers)
    found = framework_of(*given)
    if found is None:
        raise InputError(
            f"nodes {given[0]} with linkers {given[1]} are no framework: at least one node with a metal and one linker "
            "that RDKit can read are needed"
        )
    return found


def node_elements(node: str) -> Counter[str]:
    """Atoms of a node by element, written hydrogens aside."""
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(node, sanitize=False)
    if mol is None:
        raise InputError(f"metal node {node!r} is not SMILES")
    return Counter(atom.GetSymbol() for atom in mol.GetAtoms() if atom.GetSymbol() != "H")


def metals_of(nodes: Iterable[str]) -> set[str]:
    """Elements of the nodes that are metals."""
    return {element for node in nodes for element in node_elements(node) if element not in NONMETALS}
