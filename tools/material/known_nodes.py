"""Metal nodes that chemists know by name, in MOFid's spelling, each with a framework that has it and its source.

Facts of published structures. A node that is not here may be as good: the table is for recognising, and for asking the
model for a metal.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.material.framework import canonical_node, metals_of


@dataclass(frozen=True, slots=True)
class KnownNode:
    smiles: str
    name: str
    example: str
    doi: str


KNOWN_NODES = (
    KnownNode("[Zn][O]([Zn])([Zn])[Zn]", "Zn4O tetrahedron", "MOF-5", "10.1038/46248"),
    KnownNode("[Cu][Cu]", "copper paddlewheel", "HKUST-1", "10.1126/science.283.5405.1148"),
    KnownNode("[Zn][Zn]", "zinc paddlewheel", "Zn2(bdc)2(dabco)", "10.1002/anie.200460712"),
    KnownNode(
        "[O]12[Zr]34[OH]5[Zr]62[OH]2[Zr]71[OH]4[Zr]14[O]3[Zr]35[O]6[Zr]2([O]71)[OH]43",
        "Zr6O4(OH)4 octahedron",
        "UiO-66",
        "10.1021/ja8057953",
    ),
    KnownNode("[Cr][O]([Cr])->[Cr]", "Cr3O trimer", "MIL-101", "10.1126/science.1116275"),
    KnownNode("[Fe][O]([Fe])->[Fe]", "Fe3O trimer", "MIL-100(Fe)", "10.1039/B704325B"),
    KnownNode("[Zn]", "single zinc ion", "ZIF-8", "10.1073/pnas.0602439103"),
    KnownNode("[Co]", "single cobalt ion", "ZIF-9", "10.1073/pnas.0602439103"),
    KnownNode("[Al]", "aluminium of a hydroxide chain", "MIL-53(Al)", "10.1002/chem.200305413"),
    KnownNode("[Mg]", "magnesium of an oxide chain", "Mg-MOF-74", "10.1021/ja8036096"),
)


def named_node(node: str) -> KnownNode | None:
    """The entry for a node, whatever its spelling."""
    return _BY_SMILES.get(canonical_node(node))


def nodes_of_metal(metal: str) -> list[str]:
    """Nodes to ask the model for with this metal: the named ones, then the lone ion."""
    named = [known.smiles for known in KNOWN_NODES if metals_of([known.smiles]) == {metal}]
    return list(dict.fromkeys([*named, f"[{metal}]"]))


_BY_SMILES = {canonical_node(known.smiles): known for known in KNOWN_NODES}
