"""Does docking find crystal poses again? Redocking of every co-crystal of a rule-made list, three seeds each.

    python benchmarks/redock.py --structures crossdocked_dev80_structures.tar.gz [--most 6] [--json]

The list is made before anything is docked: of the CrossDocked test complexes those whose ligand comes from the very
receptor structure ("own crystal", minimised pose) and has 18 to 35 heavy atoms, in the order of their names. Docking
starts from an RDKit conformer of the SMILES; the RMSD is symmetry-corrected and unaligned, of the top pose. None is
left out of the table.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rdkit import Chem

from tools.docking.controls import redock
from tools.docking.pocket import PocketSpec
from tools.docking.prepare import prepare_receptor
from tools.errors import OrganonError

NAME = re.compile(r"(?P<receptor>\w{4})_\w+_rec_(?P<ligand>\w{4})_\w+_lig_tt_min_\d+\.sdf")
SIZES = range(18, 36)
SEEDS = (1, 2, 3)


def own_crystals(folder: Path) -> Iterator[tuple[Path, Path]]:
    """(receptor PDB, ligand SDF) pairs of the list, in order of name."""
    for ligand in sorted(folder.rglob("*_lig_tt_min_*.sdf")):
        match = NAME.fullmatch(ligand.name)
        mol = Chem.MolFromMolFile(str(ligand))
        if match and match["receptor"] == match["ligand"] and mol is not None and mol.GetNumHeavyAtoms() in SIZES:
            yield next(ligand.parent.glob(f"{match['receptor']}_*_rec.pdb")), ligand


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--structures", type=Path, required=True)
    parser.add_argument("--most", type=int, default=6)
    parser.add_argument("--exhaustiveness", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(args.structures) as archive:
            archive.extractall(folder, filter="data")
        for receptor_file, ligand_file in list(own_crystals(Path(folder)))[: args.most]:
            row: dict[str, object] = {"complex": ligand_file.parent.name, "ligand": ligand_file.stem}
            try:
                receptor = prepare_receptor(receptor_file, PocketSpec(ligand_file=ligand_file))
                assert receptor.ligand is not None
                results = redock(
                    receptor,
                    receptor.ligand.smiles,
                    receptor.ligand.molblock,
                    SEEDS,
                    exhaustiveness=args.exhaustiveness,
                )
                row["rmsd_angstrom"] = [round(result.rmsd_angstrom, 2) for result in results]
                row["affinity_kcal_mol"] = [round(result.affinity_kcal_mol, 2) for result in results]
                row["seconds"] = round(sum(result.seconds for result in results), 1)
            except OrganonError as error:
                row["not_run"] = str(error)
            rows.append(row)
            print(row, file=sys.stderr, flush=True)
    if args.json:
        print(json.dumps(rows))
    within = [sum(rmsd <= 2.0 for rmsd in row["rmsd_angstrom"]) for row in rows if "rmsd_angstrom" in row]  # type: ignore[attr-defined]
    print(f"{sum(n >= 2 for n in within)} of {len(rows)} redock within 2.0 Å in most seeds", file=sys.stderr)


if __name__ == "__main__":
    main()
