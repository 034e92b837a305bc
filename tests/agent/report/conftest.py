"""A run as the report reads it: the real ABL1 receptor of the dockstring wheel, ligands embedded by RDKit and placed at
the box centre. Molecular properties are computed here; docking numbers are test input, not results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any

import pytest
from rdkit import Chem
from rdkit.Chem import QED, AllChem, Crippen

from agent.interface.schemas import (
    CandidateReport,
    CheckReport,
    Control,
    ControlPanel,
    FunnelStage,
    ReferenceLigand,
    RoundSummary,
    RunResult,
    ScoreReport,
    TargetReport,
)

BOX_CENTER = (15.851, 14.647, 3.904)
IMATINIB = "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1"
DESIGNS = (
    ("Cc1ccc(NC(=O)c2cccc(C(F)(F)F)c2)cc1-c1ccc2[nH]ncc2c1", -10.62),
    ("COc1cc2ncnc(Nc3ccc(F)c(Cl)c3)c2cc1OCCCN1CCOCC1", -9.87),
    ("Cn1cc(-c2cnc3[nH]cc(-c4ccccc4F)c3c2)cn1", -9.41),
    ("O=C(Nc1cccc(-c2ccncc2)c1)C1CCN(c2ncccn2)CC1", -9.02),
    ("C[C@H](Nc1nccc(-c2cccnc2)n1)c1ccc(Cl)cc1", -8.76),
    ("CC(=O)Nc1ccc(S(=O)(=O)N2CCN(c3ccccc3)CC2)cc1", -8.55),
)


@dataclass(frozen=True)
class RunFixture:
    result: RunResult
    artifacts: Callable[[str], str]
    campaign: dict[str, Any]
    calls: dict[str, dict[str, Any]]


def receptor_pdb() -> str:
    """The wheel's PDBQT as PDB: the same coordinate columns, the element in its place, chain A."""
    text = resources.files("dockstring").joinpath("resources/targets/ABL1_target.pdbqt").read_text()
    elements = {"A": "C", "NA": "N", "OA": "O", "SA": "S", "HD": "H", "HS": "H"}
    lines = []
    for line in text.splitlines():
        if line.startswith("ATOM"):
            atom_type = line[77:].strip()
            element = elements.get(atom_type, atom_type.upper())
            lines.append(f"{line[:21]}A{line[22:54]}  1.00  0.00          {element:>2}")
    return "\n".join([*lines, "END"]) + "\n"


def embedded_pose(smiles: str, seed: int) -> str:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert AllChem.EmbedMolecule(mol, randomSeed=seed) == 0
    AllChem.MMFFOptimizeMolecule(mol)
    positions = mol.GetConformer().GetPositions()
    moved = positions - positions.mean(axis=0) + BOX_CENTER
    for index, (x, y, z) in enumerate(moved):
        mol.GetConformer().SetAtomPosition(index, (float(x), float(y), float(z)))
    return Chem.MolToMolBlock(mol) + "\n$$$$\n"


def scores(smiles: str, vina: float, call_id: str) -> dict[str, ScoreReport]:
    mol = Chem.MolFromSmiles(smiles)
    heavy = mol.GetNumHeavyAtoms()
    return {
        "vina": ScoreReport(value=vina, unit="kcal/mol", goal="minimize", call_id=call_id),
        "ligand_efficiency": ScoreReport(
            value=-vina / heavy, unit="kcal/mol per heavy atom", goal="maximize", call_id=call_id
        ),
        "size_residual": ScoreReport(value=None, unit="kcal/mol", goal="minimize"),
        "heavy_atoms": ScoreReport(value=float(heavy), unit="", goal="minimize"),
        "qed": ScoreReport(value=QED.qed(mol), unit="", goal="maximize"),
        "logp": ScoreReport(value=Crippen.MolLogP(mol), unit="", goal="minimize"),
    }


def checks(number: int, call_id: str) -> list[CheckReport]:
    strained = number == 2
    return [
        CheckReport(name="sanitise", verdict="pass", tool="rdkit", call_id=call_id),
        CheckReport(name="reactive", verdict="pass", value=0, unit="alerts", threshold="<= 0 alerts", tool="rdkit"),
        CheckReport(name="size", verdict="pass", value=28, unit="atoms", threshold="20..38 atoms", tool="rdkit"),
        CheckReport(name="lipinski", verdict="pass", value=0, unit="violations", threshold="<= 1", tool="lipinski"),
        CheckReport(
            name="alerts",
            verdict="fail" if number == 3 else "pass",
            value=1 if number == 3 else 0,
            unit="alerts",
            threshold="<= 0 alerts",
            reason="aniline" if number == 3 else "",
            tool="rdkit",
        ),
        CheckReport(name="pose", verdict="pass", value=0.0, unit="failed tests", tool="pose", call_id=call_id),
        CheckReport(
            name="strain",
            verdict="unknown" if strained else "pass",
            value=None if strained else 4.1 + number,
            unit="kcal/mol",
            threshold="<= 13 kcal/mol",
            reason="MMFF94 has no parameters for atom 7 (B)" if strained else "",
            tool="strain",
            call_id=call_id,
        ),
    ]


def panel() -> ControlPanel:
    redock = Control(
        name="redock",
        verdict="pass",
        summary="Imatinib returns to its crystal pose in 3 of 3 seeds.",
        evidence={"rmsd_angstrom": [0.43, 0.61, 1.12], "threshold_angstrom": 2.0, "call": "dock-0000"},
    )
    enrichment = Control(
        name="enrichment",
        verdict="unknown",
        summary="The docking score does not separate 40 actives from decoys better than size alone does.",
        evidence={"roc_auc": 0.66, "roc_auc_of_heavy_atom_count": 0.63, "actives": 40, "decoys": 400},
    )
    rejected = [{"name": f"drug {n}", "reasons": {"size": "too large"}} for n in range(8)]
    drugs = Control(
        name="approved_drugs",
        verdict="pass",
        summary="The hard filters keep 45 of 48 approved drugs.",
        evidence={"kept": 45, "of": 48, "lost": {"size": 2, "reactive": 1}, "rejected": rejected},
    )
    return ControlPanel(
        trust="weak",
        summary="Redocking succeeds in 3 of 3 seeds (RMSD 0.43 to 1.12 Å), but the score separates known actives from "
        "decoys hardly better than their size does (ROC-AUC 0.66 against 0.63).",
        controls=[redock, enrichment, drugs],
    )


def build_run() -> RunFixture:
    store = {"receptor-abl1": receptor_pdb(), "pose-0": embedded_pose(IMATINIB, 7)}
    calls = {"dock-0000": call(-11.3, 0)}
    candidates = []
    for number, (smiles, vina) in enumerate(DESIGNS, start=1):
        call_id = f"dock-{number:04d}"
        calls[call_id] = call(vina, number)
        has_pose = number != 6
        if has_pose:
            store[f"pose-{number}"] = embedded_pose(smiles, number)
        candidates.append(
            CandidateReport(
                rank=number,
                smiles=smiles,
                scores=scores(smiles, vina, call_id),
                checks=checks(number, call_id),
                round=1 + number % 3,
                candidate_id=f"r{1 + number % 3}-{number:03d}",
                origin="evolve" if number % 2 else "model",
                parents=[DESIGNS[0][0]] if number % 2 and number > 1 else [],
                pose=f"pose-{number}" if has_pose else None,
                seen_before="run 4f1c" if number == 4 else None,
            )
        )
    result = RunResult(
        run_id="run-7f3a",
        name="ABL1 kinase ligands",
        state="done",
        target=TargetReport(
            name="ABL1",
            source="dockstring 0.3.4, target ABL1",
            receptor="receptor-abl1",
            box_center_angstrom=BOX_CENTER,
            box_size_angstrom=(24.0, 24.0, 24.0),
            pocket_residues=["MET318", "GLU286", "ASP381", "THR315"],
            notes=["polar hydrogens only in the source; no residue replaced", "no waters, no cofactors in the source"],
        ),
        controls=panel(),
        reference=ReferenceLigand(
            name="imatinib",
            smiles=IMATINIB,
            scores=scores(IMATINIB, -11.3, "dock-0000"),
            checks=checks(0, "dock-0000"),
            pose="pose-0",
        ),
        funnel=funnel(),
        rounds=rounds(),
        candidates=candidates,
        files={"csv": "candidates.csv", "sdf": "poses.sdf"},
        seconds=271.4,
        settings={"docking": {"exhaustiveness": 1, "box_angstrom": 24.0, "final_exhaustiveness": 8}, "workers": 2},
        versions={"organon": "0.1.0", "rdkit": "2026.09.1", "vina": "1.2.7", "posebusters": "0.6.5"},
        seed=7,
    )
    return RunFixture(result, store.__getitem__, campaign(), calls)


def call(vina: float, number: int) -> dict[str, Any]:
    return {
        "tool": "dock",
        "version": "vina 1.2.7, meeko 0.8.0, rdkit 2026.9.1, dimorphite-dl 2.0.2",
        "args": {"smiles": "as listed", "exhaustiveness": 1, "box_angstrom": 24.0, "seed": 7, "item": number},
        "seconds": 9.5 + abs(vina),
        "time": 1795208400.0 + 60 * number,
    }


def funnel() -> list[FunnelStage]:
    rows: list[tuple[str, int, int, int, int, dict[str, int]]] = [
        ("sanitise", 96, 88, 8, 0, {"valence of an atom exceeded": 5, "ring not closed": 3}),
        ("reactive", 88, 81, 7, 0, {"acyl chloride": 4, "aldehyde": 3}),
        ("size", 81, 52, 29, 0, {"more than 38 heavy atoms": 18, "fewer than 20 heavy atoms": 11}),
        ("conformer", 52, 50, 1, 1, {"no conformer in 50 tries": 1, "embedding ran out of time (30 s)": 1}),
        ("docking", 30, 27, 0, 3, {"worker ran out of time (120 s)": 3}),
        ("pose", 27, 17, 10, 0, {"clash with the protein": 7, "flat ring bent": 3}),
        ("strain", 17, 6, 9, 2, {"above 13 kcal/mol": 9, "no MMFF94 parameters": 2}),
    ]
    return [
        FunnelStage(
            stage=s,
            entered=i,
            passed=p,
            failed=f,
            unknown=u,
            not_selected=20 if s == "docking" else 0,
            reasons=r,
        )
        for s, i, p, f, u, r in rows
    ]


def rounds() -> list[RoundSummary]:
    best = ((-8.76, 0.61), (-9.87, 0.66), (-10.62, 0.71))
    return [
        RoundSummary(
            round=n,
            generated=32,
            docked=10,
            passed=2,
            best={"vina": vina, "qed": qed},
            seconds=74.0 + n,
            origins={"model": 24, "evolve": 8},
        )
        for n, (vina, qed) in enumerate(best, start=1)
    ]


def campaign() -> dict[str, Any]:
    return {
        "name": "abl1-ligands",
        "task": "ligand",
        "target": {"bundled": "ABL1"},
        "objective": [
            {"score": "vina", "goal": "minimize", "weight": 1.0},
            {"score": "qed", "goal": "maximize", "weight": 0.5},
        ],
        "constraints": {"reactive": "none", "heavy_atoms": "20..38"},
        "reference": "imatinib.sdf",
        "rounds": 3,
        "per_round": 32,
        "refine": "evolve",
        "budget": {"minutes": 20, "docking_calls": 96},
        "seed": 7,
    }


@pytest.fixture(scope="session")
def abl1_run() -> RunFixture:
    return build_run()
