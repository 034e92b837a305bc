"""Chains of an antibody with named loops: written, read, changed.

As text: `heavy:light`, a missing chain left empty before or after the colon; one chain without a colon is a heavy one.
Loops are found by conserved residues (`models.antibody_loops`, IMGT's definition).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.antibody_loops import locate_loops
from tools.errors import InputError
from tools.protein.sequence_numbers import need_residues

LOOPS = ("H1", "H2", "H3", "L1", "L2", "L3")


@dataclass(frozen=True, slots=True)
class VariableDomains:
    """Chains in one-letter code, "" where unknown."""

    heavy: str = ""
    light: str = ""

    def chain_of(self, loop: str) -> str:
        return self.heavy if loop.startswith("H") else self.light

    def spans(self) -> dict[str, tuple[int, int]]:
        """Loop -> half-open 0-based span in its chain, for the loops that are found."""
        return {
            **(locate_loops(self.heavy, "H") if self.heavy else {}),
            **(locate_loops(self.light, "L") if self.light else {}),
        }

    def with_loops(self, loops: Mapping[str, str]) -> VariableDomains:
        """The same chains with these loops instead of those found; InputError for one that is not found."""
        spans, chains = self.spans(), {"H": self.heavy, "L": self.light}
        for name in sorted(loops, key=lambda loop: spans.get(loop, (0, 0)), reverse=True):
            if name not in spans:
                raise InputError(f"loop {name} was not found by its conserved residues")
            start, end = spans[name]
            chain = chains[name[0]]
            chains[name[0]] = chain[:start] + loops[name] + chain[end:]
        return VariableDomains(chains["H"], chains["L"])


def parse_domains(text: str) -> VariableDomains:
    """InputError for more than one colon, no chain, or a letter that is no residue."""
    chains = text.strip().split(":")
    if len(chains) > 2 or not any(chains):
        raise InputError(f"{text[:60]!r} is no antibody; expected heavy, heavy:light or :light in one-letter residues")
    heavy, light = (*chains, "")[:2]
    return VariableDomains(
        need_residues(heavy, "heavy chain") if heavy else "", need_residues(light, "light chain") if light else ""
    )


def render_domains(domains: VariableDomains) -> str:
    return f"{domains.heavy}:{domains.light}" if domains.light else domains.heavy


def need_loop(name: str) -> str:
    """`name` in capitals; InputError lists the six. CDR-H3 and HCDR3 are understood."""
    text = name.strip().upper().replace("CDR", "").replace("-", "").replace("_", "").replace(" ", "")
    if text not in LOOPS:
        raise InputError(f"{name!r} is not a loop; loops are {', '.join(LOOPS)}")
    return text
