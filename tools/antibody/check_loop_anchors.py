"""With new loops in place, are all loops still found where they should be, between the same conserved residues?"""

from __future__ import annotations

from tools.antibody.variable_domain import need_loop, parse_domains, render_domains
from tools.molecule.verdict import decided
from tools.types import CheckResult


def check_loop_anchors(antibody: str, loops: dict[str, str]) -> CheckResult:
    """`antibody` as `heavy:light` before design, `loops` the new residues by name. Fail where a loop is then not found,
    or other residues are found as the loop (an anchor was written into it)."""
    before = parse_domains(antibody)
    wanted = {need_loop(name): residues for name, residues in loops.items()}
    after = before.with_loops(wanted)
    spans = after.spans()
    lost = []
    for name in before.spans():
        start, end = spans.get(name, (0, 0))
        found = after.chain_of(name)[start:end]
        if name in wanted and found != wanted[name]:
            lost.append(f"{name} reads as {found or 'nothing'}, not {wanted[name]}")
        elif not found:
            lost.append(f"{name} is no longer found")
    return decided(
        "loop_anchors",
        not lost,
        value=f"{len(spans)} loops found",
        threshold="every loop between its conserved residues",
        reason="; ".join(lost),
        details={"antibody": render_domains(after)},
    )
