"""Is every metal node one that is known: by name, as a lone metal ion, or in the user's list of frameworks?"""

from __future__ import annotations

from tools.material.charge_balance import OXIDATION_STATES, has_metal
from tools.material.framework import metals_of, need_framework, node_elements
from tools.material.known_frameworks import KnownFrameworks, parse_known
from tools.material.known_nodes import named_node
from tools.molecule.verdict import decided, undecided
from tools.types import CheckResult


def check_metal_node(nodes: list[str], linkers: list[str], known_materials: str = "") -> CheckResult:
    """Pass where each node is known; `details` says as what. Fail where a node's metal forms no known compounds by the
    table of oxidation states. Unknown for a cluster that is in no list here. `known_materials`: CSV text with columns
    nodes and linkers."""
    metals, _ = need_framework(nodes, linkers)
    listed = parse_known(known_materials) if known_materials else None
    said = {node: _what(node, listed) for node in metals}
    details = {"nodes": said}
    threshold = "named, a lone metal ion, or listed"
    strange = sorted(metals_of(metals) - set(OXIDATION_STATES))
    if strange:
        reason = f"no common oxidation state is known here for {', '.join(strange)}"
        return decided("metal_node", False, threshold=threshold, reason=reason, details=details)
    unknown = [node for node, what in said.items() if not what]
    if unknown:
        return undecided("metal_node", f"the node {unknown[0]} is in no list here", threshold)
    return decided("metal_node", True, value="; ".join(said.values()), threshold=threshold, details=details)


def _what(node: str, listed: KnownFrameworks | None) -> str:
    named = named_node(node)
    if named is not None:
        return f"{named.name}, as in {named.example} (doi:{named.doi})"
    if not has_metal(node):
        return "capping or bridging group"
    n_metal = sum(count for element, count in node_elements(node).items() if element in metals_of([node]))
    if n_metal == 1 and set(node_elements(node)) - metals_of([node]) <= {"O", "F", "Cl", "Br", "I"}:
        return "lone metal ion"
    return "in the list of known frameworks" if listed is not None and listed.knows_node(node) else ""
