"""A campaign: what a scientist asks for, as a YAML file or a dict. Validated once, here, before anything runs.

Relative paths are resolved against the file's own folder. A wrong key is named together with the valid ones.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from tools.errors import InputError

Refine = Literal["auto", "evolve", "adapt", "condition", "none"]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BoxSpec(Section):
    """A docking box: centre and edge lengths, both in Å."""

    center: tuple[float, float, float] = Field(description="Centre (x, y, z) in the structure's frame, Å.")
    size: tuple[float, float, float] = Field(description="Edge lengths along x, y and z, Å, each 4 to 60.")

    @field_validator("size")
    @classmethod
    def _edges(cls, size: tuple[float, float, float]) -> tuple[float, float, float]:
        if not all(4.0 <= edge <= 60.0 for edge in size):
            raise ValueError(f"box edges must lie between 4 and 60 Å, not {size}")
        return size


class Target(Section):
    """Where to dock. Either `name` (a bundled target) or `pdb` (PDB or mmCIF) with one pocket definition:
    `pocket: from_ligand CODE`, `ligand: FILE.sdf`, `residues: [A:THR315, ...]` or `box: {center, size}`. A bundled
    target has its own pocket; `residues`, `box` or `ligand` beside `name` put the box elsewhere in it.
    `ligand_smiles` gives a ligand bound in a PDB file its bond orders, without which it cannot be redocked."""

    name: str | None = Field(default=None, description="A bundled target, such as ABL1 or EGFR; it has its pocket.")
    pdb: Path | None = Field(default=None, description="Structure file, PDB or mmCIF, from the campaign file's folder.")
    chain: str | None = Field(default=None, description="Chains of the structure to keep, such as A or A,B.")
    pocket: str | None = Field(
        default=None, description="`from_ligand CODE`: around the bound ligand with this residue name, such as STI."
    )
    ligand: Path | None = Field(
        default=None, description="SDF file of a ligand in the pocket, in the structure's frame."
    )
    ligand_smiles: str | None = Field(
        default=None, description="SMILES of the bound ligand: its bond orders, without which it cannot be redocked."
    )
    residues: list[str] | None = Field(
        default=None, description="Residues that line the pocket, each CHAIN:NAMEnumber, such as A:THR315."
    )
    box: BoxSpec | None = Field(default=None, description="The docking box itself.")

    @model_validator(mode="after")
    def _one_source(self) -> Target:
        if (self.name is None) == (self.pdb is None):
            raise ValueError("give either `name` (a bundled target) or `pdb` (a structure file)")
        places = [key for key in ("pocket", "ligand", "residues", "box") if getattr(self, key) is not None]
        if self.name is not None and (self.pocket or self.chain):
            wrong = "chain" if self.chain else "pocket"
            raise ValueError(f"a bundled target has one chain and no bound ligand: leave out {wrong}")
        if self.name is not None and len(places) > 1:
            raise ValueError(f"name another pocket once, by `residues`, `box` or `ligand` (got {places})")
        if self.pdb is not None and len(places) != 1:
            raise ValueError(f"name the pocket once, by `pocket`, `ligand`, `residues` or `box` (got {places})")
        if self.pocket is not None and not self.pocket.startswith("from_ligand "):
            raise ValueError(f"pocket must read `from_ligand CODE`, not `{self.pocket}`")
        return self


class ObjectiveSpec(Section):
    """One term of the desirability; the domain knows the scores. `low` and `high` bound the range over which it rises
    from 0 to 1 and default to the domain's."""

    score: str = Field(
        description="vina (kcal/mol), ligand_efficiency (kcal/mol per heavy atom), qed (0..1), sa (1 easy .. 10 hard), "
        "logp, mol_weight (Da), tpsa (Å²), fsp3 (share), rotatable_bonds, strain (kcal/mol), interaction (MMFF, "
        "kcal/mol), size_residual (kcal/mol) or interactions_met (share of `must`)."
    )
    goal: Literal["minimize", "maximize"] = Field(description="Which direction is better.")
    weight: float = Field(default=1.0, gt=0, description="Exponent in the weighted geometric mean (desirability).")
    low: float | None = Field(default=None, description="Where the term is best (minimize) or worthless, score's unit.")
    high: float | None = Field(
        default=None, description="Where the term is worthless (minimize) or best, score's unit."
    )


class Docking(Section):
    """Vina settings of the rounds and of the finalists, and what of a candidate is docked: at most so many protonation
    states, stereoisomers and ring conformers each (the finalists always start from three)."""

    exhaustiveness: int = Field(default=1, ge=1, le=64, description="Vina's search effort in the rounds.")
    final_exhaustiveness: int = Field(default=4, ge=1, le=64, description="Vina's search effort for the finalists.")
    finalists: int = Field(default=8, ge=1, le=100, description="Candidates docked a second time for the table.")
    max_states: int = Field(default=4, ge=1, le=16, description="Protonation states docked of a candidate (pH 7.4).")
    max_stereoisomers: int = Field(default=4, ge=1, le=16, description="Stereoisomers docked where it is unstated.")
    n_ring_conformers: int = Field(default=3, ge=1, le=10, description="Ring conformations each docking starts from.")
    seed: int = Field(default=1, description="Seed of embedding and of Vina's search.")


class Budget(Section):
    """What may be spent. `minutes` is wall time of the whole run, `docking_calls` counts candidates docked in
    the rounds (the finalists' second docking is not counted)."""

    minutes: float | None = Field(default=None, gt=0, description="Wall time of the whole run, minutes; unset: none.")
    docking_calls: int = Field(default=96, gt=0, description="Candidates docked in all rounds together.")


def default_objectives() -> list[ObjectiveSpec]:
    return [
        ObjectiveSpec(score="vina", goal="minimize", weight=1.0),
        ObjectiveSpec(score="qed", goal="maximize", weight=0.5),
        ObjectiveSpec(score="sa", goal="minimize", weight=0.25),
    ]


class Campaign(Section):
    """Design ligands for a target in rounds: generate, check, dock, rank, refine. See examples/ for files."""

    name: str = Field(default="campaign", pattern=r"^[\w .+-]{1,80}$", description="What the run is called in lists.")
    task: Literal["ligand"] = Field(default="ligand", description="ligand: the discovery loop on a protein target.")
    target: Target = Field(description="Where to dock: a bundled target's name, or a mapping.")
    objective: list[ObjectiveSpec] = Field(
        default_factory=default_objectives, min_length=1, description="What makes a candidate better, term by term."
    )
    constraints: dict[str, str] = Field(
        default_factory=lambda: {"reactive": "none", "heavy_atoms": "20..35"},
        description="Hard limits; all else is a flag. Ranges such as '20..35', '<=4.5', '>=0.4' for heavy_atoms, "
        "qed, logp, mol_weight (Da), tpsa (Å²), fsp3, rotatable_bonds, synthesizability (SA score); none or <=n for "
        "alerts, pains, brenk, lipinski; none or any for reactive; element symbols for elements.",
    )
    reference: str | None = Field(
        default=None, description="Compound shown beside the designs: bundled drug name, SMILES or SDF file."
    )
    actives: Path | None = Field(
        default=None, description="Known binders (SMILES or SDF file), for the enrichment control."
    )
    decoys: Path | None = Field(
        default=None, description="Presumed non-binders (SMILES or SDF file), for the enrichment control."
    )
    rounds: int = Field(default=3, ge=1, le=100, description="Rounds of design, each learning from those before.")
    per_round: int = Field(default=64, ge=1, le=10_000, description="Molecules made in each round.")
    refine: Refine = Field(default="auto", description="How later rounds are made; auto: shares follow what did well.")
    docking: Docking = Field(default_factory=Docking, description="Settings of the docking.")
    budget: Budget = Field(default_factory=Budget, description="What may be spent.")
    memory: Literal["on", "off"] = Field(
        default="on", description="on: the best of earlier runs on this receptor are shown and may become parents."
    )
    controls: Literal["full", "quick", "off"] = Field(
        default="full", description="Control experiments before the first round: can docking be trusted here?"
    )
    seeds: list[str] = Field(
        default_factory=list,
        max_length=100,
        description="Molecules to start from (SMILES): candidates of the first round, and its parents.",
    )
    must: list[str] = Field(
        default_factory=list,
        max_length=8,
        description="Interactions wanted of a pose, such as 'hbond A:MET318': flags, and the score interactions_met.",
    )
    seed: int = Field(default=7, ge=0, lt=2**31, description="Seed of everything that is drawn.")

    @field_validator("target", mode="before")
    @classmethod
    def _bundled_name(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value

    @field_validator("constraints", mode="before")
    @classmethod
    def _text_values(cls, value: object) -> object:
        return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else value

    @field_validator("memory", mode="before")
    @classmethod
    def _yaml_booleans(cls, value: object) -> object:
        return {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value

    @property
    def dock_per_round(self) -> int:
        """Candidates docked in a round: the docking budget shared out evenly, at least one."""
        return max(1, self.budget.docking_calls // self.rounds)


def parse_campaign(data: object, base: Path) -> Campaign:
    """Validate a campaign given as a dict; relative paths are taken from `base`.

    Raises `InputError` with one line: the key, the value and what was expected.
    """
    if not isinstance(data, dict):
        raise InputError(f"a campaign is a mapping of keys to values, not {type(data).__name__}")
    try:
        campaign = Campaign.model_validate(data)
    except ValidationError as error:
        raise InputError(f"campaign: {_first_problem(error)}") from None
    return _resolve_paths(campaign, base)


def load_campaign(path: Path) -> Campaign:
    """Read a campaign file (YAML). Raises `InputError` for a missing, unreadable or invalid file."""
    text = read_campaign_file(path)
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    try:
        return parse_campaign(data, path.resolve().parent)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def read_campaign_file(path: Path) -> str:
    """The text of a campaign file; InputError where it cannot be read or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read campaign file {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"campaign file {path} is not UTF-8 text") from None


def _resolve_paths(campaign: Campaign, base: Path) -> Campaign:
    def found(path: Path | None, key: str) -> Path | None:
        if path is None:
            return None
        full = path if path.is_absolute() else base / path
        if not full.is_file():
            raise InputError(f"{key}: no such file: {full}")
        return full

    target = campaign.target.model_copy(
        update={
            "pdb": found(campaign.target.pdb, "target.pdb"),
            "ligand": found(campaign.target.ligand, "target.ligand"),
        }
    )
    reference = campaign.reference
    if reference is not None and reference.lower().endswith((".sdf", ".mol", ".smi")):
        reference = str(found(Path(reference), "reference"))
    return campaign.model_copy(
        update={
            "target": target,
            "reference": reference,
            "actives": found(campaign.actives, "actives"),
            "decoys": found(campaign.decoys, "decoys"),
        }
    )


def _first_problem(error: ValidationError) -> str:
    """The first problem as one line; unknown keys get the valid ones and the closest match."""
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] != "extra_forbidden":
        message = problem["msg"].removeprefix("Value error, ")
        shown: Any = problem.get("input")
        given = "" if isinstance(shown, dict | list) or problem["type"] == "missing" else f" (got {shown!r})"
        return f"{where}: {message}{given}" if where else f"{message}{given}"
    model: Any = Campaign
    for part in problem["loc"][:-1]:
        nested = _section_of(model, str(part))
        model = nested or model
    valid = sorted(model.model_fields)
    wrong = str(problem["loc"][-1])
    close = difflib.get_close_matches(wrong, valid, n=1)
    hint = f"; did you mean `{close[0]}`?" if close else ""
    return f"unknown key `{where}`{hint} Valid keys: {', '.join(valid)}".replace("` Valid", "`. Valid")


def _section_of(model: Any, key: str) -> Any:
    sections = {
        "target": Target,
        "objective": ObjectiveSpec,
        "docking": Docking,
        "budget": Budget,
        "box": BoxSpec,
    }
    return sections.get(key) if key in getattr(model, "model_fields", {}) else None
