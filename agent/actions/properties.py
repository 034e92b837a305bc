"""molecule_properties: what can be said of given molecules at once, each number by an executed call, with a drawing and
a 3D conformer."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field
from rdkit import Chem
from rdkit.Chem import inchi, rdMolDescriptors

from agent.actions.action import Action, ActionContext, Arguments
from agent.actions.checking import descriptors, measured, report, run_checks
from agent.actions.molecule_arguments import FILE_WORDS, MOLECULE_WORDS, MOST_MOLECULES, GivenMolecule, given_molecules
from agent.interface.schemas import ActionCost, ActionResult, Item, Quantity
from tools.domain import Call
from tools.molecule.check_solubility import ERROR_LOG_UNITS
from tools.molecule.conformers import EmbeddingError, embed
from tools.molecule.draw import draw_svg
from tools.molecule.parse import parse_smiles
from tools.types import CheckResult

CHECKS = ("sanitise", "elements", "reactive", "alerts", "lipinski", "conformer")
RECORDS = ("descriptors", "solubility")
CONFORMER_SEED = 7
ESOL_ERROR = (
    f"solubility (ESOL, doi 10.1021/ci034243x) is off by {ERROR_LOG_UNITS[0]:g} to {ERROR_LOG_UNITS[1]:g} log units"
)
NOT_CHECKED = (
    "none of these numbers is a measurement: logP, solubility and SA are estimates from the graph",
    ESOL_ERROR,
    "tautomers and protonation: the neutral parent was described",
)


class MoleculeProperties(Arguments):
    molecules: list[str] = Field(
        min_length=1, max_length=MOST_MOLECULES, description=f"Each {MOLECULE_WORDS}, {FILE_WORDS}"
    )


def molecule_properties(args: MoleculeProperties, context: ActionContext) -> ActionResult:
    molecules = given_molecules(args.molecules, context)
    items = [_described(molecule, context) for molecule in molecules]
    return ActionResult(
        action="molecule_properties",
        call_id=context.call_id,
        summary=_summary(items),
        items=items,
        not_checked=list(NOT_CHECKED),
    )


def property_calls(smiles: str) -> list[Call]:
    """What is asked of every molecule: checks first, then the records."""
    return [Call(name, {"smiles": smiles}, hard=name in ("sanitise", "elements")) for name in (*CHECKS, *RECORDS)]


def property_numbers(results: Sequence[CheckResult]) -> dict[str, Quantity]:
    """The numbers of `property_calls`."""
    by_name = {result.name: result for result in results}
    return {**descriptors(by_name["descriptors"]), "solubility": measured(by_name["solubility"])}


def _described(molecule: GivenMolecule, context: ActionContext) -> Item:
    results = run_checks(context, property_calls(molecule.smiles))
    mol = parse_smiles(molecule.smiles)
    inchikey = inchi.MolToInchiKey(mol)  # type: ignore[no-untyped-call]
    return Item(
        kind="molecule",
        value=molecule.smiles,
        name=molecule.name,
        numbers=property_numbers(results),
        checks=[report(result) for result in results if result.name in CHECKS],
        links=_pictures(molecule.smiles, context),
        made_from=molecule.made_from,
        details={"formula": rdMolDescriptors.CalcMolFormula(mol), "inchikey": str(inchikey)},
    )


def _pictures(smiles: str, context: ActionContext) -> dict[str, str]:
    """A drawing and, where it can be embedded, a conformer with hydrogens (ETKDGv3, MMFF94)."""
    artifacts = context.session.artifacts
    links = {"drawing": artifacts.put(draw_svg(smiles), ".svg")}
    try:
        model = embed(parse_smiles(smiles), 1, CONFORMER_SEED)
    except EmbeddingError:
        return links
    return {**links, "conformer": artifacts.put(Chem.MolToMolBlock(model), ".sdf")}


def _summary(items: Sequence[Item]) -> str:
    said = []
    for item in items[:3]:
        numbers = item.numbers
        shown = {name: numbers[name].value for name in ("mol_weight", "logp", "qed", "solubility")}
        weight, log_p, qed, log_s = (
            "unknown" if value is None else f"{round(value, 2) + 0.0:.2f}" for value in shown.values()
        )
        soluble = "unknown" if log_s == "unknown" else f"10^{log_s} mol/L"
        flags = [f"{check.name} {check.verdict}" for check in item.checks if check.verdict != "pass"]
        said.append(
            f"{item.name or item.value}: {weight} Da, logP {log_p}, QED {qed}, estimated solubility {soluble}"
            f"{' (' + ', '.join(flags) + ')' if flags else ''}"
        )
    more = f" And {len(items) - 3} more." if len(items) > 3 else ""
    return f"{'; '.join(said)}.{more}"


def cost(args: MoleculeProperties, context: ActionContext) -> ActionCost:
    return ActionCost(seconds=0.3 * len(given_molecules(args.molecules, context)))


MOLECULE_PROPERTIES = Action(
    name="molecule_properties",
    about="Descriptors, estimated solubility, structural alerts, Lipinski's rule, a drawing and a conformer of given "
    "molecules. Use it for questions about molecules one has.",
    args=MoleculeProperties,
    run=molecule_properties,
    cost=cost,
)
