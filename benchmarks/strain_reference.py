"""Strain of the reference ligands: the table behind STRAIN_THRESHOLD_KCAL_MOL.

    python benchmarks/strain_reference.py [../shared/data/chem/crossdocked_dev80_structures.tar.gz]

Reference ligands: those minimised from their crystal pose ("tt_min" in the name, CrossDocked2020) with 20-35 heavy
atoms, the size band of campaigns: 26 of the 80. Hydrogens are added at the states of the files.
"""

from __future__ import annotations

import io
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rdkit import Chem

from tools.simulation.mmff import Dielectric
from tools.simulation.strain import N_CONFORMERS, TOLERANCE_ANGSTROM, Strain, compute_strain

ARCHIVE = (Path(__file__).resolve().parents[1] / "../shared/data/chem/crossdocked_dev80_structures.tar.gz").resolve()
HEAVY_ATOMS = range(20, 36)
SEED = 7


def load_reference_ligands(archive: Path = ARCHIVE) -> Iterator[tuple[str, Chem.Mol]]:
    """(name, pose with hydrogens) in the archive's alphabetical order."""
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda item: item.name):
            if not (member.name.endswith(".sdf") and "_tt_min_" in member.name):
                continue
            file = tar.extractfile(member)
            assert file is not None
            mol = next(iter(Chem.ForwardSDMolSupplier(io.BytesIO(file.read()))))
            if mol is not None and mol.GetNumHeavyAtoms() in HEAVY_ATOMS:
                yield Path(member.name).stem, Chem.AddHs(mol, addCoords=True)


def main(archive: Path = ARCHIVE) -> None:
    strains, raws, seconds = [], [], []
    print(f"{'ligand':44s} heavy  strain     raw  (kcal/mol)  seconds")
    for name, pose in load_reference_ligands(archive):
        start = time.process_time()
        strain = compute_strain(pose, N_CONFORMERS, SEED, TOLERANCE_ANGSTROM, Dielectric())
        assert isinstance(strain, Strain), strain
        seconds.append(time.process_time() - start)
        strains.append(strain.value)
        raws.append(strain.raw - strain.reference)
        print(f"{name:44s} {pose.GetNumHeavyAtoms():5d} {strain.value:7.2f} {raws[-1]:7.1f} {seconds[-1]:20.2f}")
    values = np.array(strains)
    print(f"n {len(values)}, median {np.median(values):.2f}, p95 {np.percentile(values, 95):.2f}, ", end="")
    print(f"max {values.max():.2f} kcal/mol; under 10: {np.mean(values < 10):.0%}")
    print(f"raw pose: median {np.median(raws):.1f} kcal/mol, under 10: {np.mean(np.array(raws) < 10):.0%}")
    print(f"CPU seconds: median {np.median(seconds):.2f}, max {max(seconds):.2f}")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
