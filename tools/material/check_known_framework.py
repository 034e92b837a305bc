"""Do these building blocks stand together in a list of known frameworks? Pass means new to that list."""

from __future__ import annotations

from tools.material.framework import need_framework
from tools.material.known_frameworks import parse_known
from tools.molecule.verdict import decided, undecided
from tools.types import CheckResult


def check_known_framework(nodes: list[str], linkers: list[str], known_materials: str = "") -> CheckResult:
    """`known_materials`: CSV text with columns nodes and linkers. Without it the verdict is unknown: nothing here
    knows what has been made."""
    framework = need_framework(nodes, linkers)
    if not known_materials:
        return undecided(
            "known_framework", "no list of known frameworks is set (ORGANON_KNOWN_MATERIALS)", "not listed"
        )
    known = parse_known(known_materials)
    return decided(
        "known_framework",
        not known.holds(framework),
        value=f"{known.n_rows} known frameworks compared",
        threshold="not listed",
        reason="the same nodes and linkers are in the list of known frameworks",
        details={"new_linkers": [linker for linker in framework[1] if not known.knows_linker(linker)]},
    )
