"""The nouns every tool and the loop share: `Candidate`, `CheckResult`, `Score`, `Verdict`.

All are frozen and made of JSON values, so that they cross process borders and land in the ledger unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

Goal = Literal["minimize", "maximize"]


class Verdict(StrEnum):
    """What a check says. `UNKNOWN` means "could not be decided" and is never shown as a fail or as 0."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One verdict on one candidate by one executed call.

    `value` is the measured quantity in `unit`; `threshold` the criterion as a reader would write it ("<= 4.5");
    `reason` one line, obligatory unless the verdict is pass; `call_id` the ledger's id of the executed call;
    `details` further JSON values (for example {"pose": artifact_id}); `hard` whether a fail ended the candidate's way
    (set by the funnel: the same call may be a limit in one campaign and a flag in another).
    """

    name: str
    verdict: Verdict
    value: float | str | None = None
    unit: str = ""
    threshold: str = ""
    reason: str = ""
    tool: str = ""
    version: str = ""
    seconds: float = 0.0
    call_id: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    hard: bool = True

    @property
    def passed(self) -> bool:
        return self.verdict is Verdict.PASS

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "verdict": str(self.verdict), "details": dict(self.details)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CheckResult:
        return cls(**{**data, "verdict": Verdict(data["verdict"])})


@dataclass(frozen=True, slots=True)
class Score:
    """A number with a direction: what ranking reads. `value` is None where it could not be computed."""

    name: str
    value: float | None
    unit: str
    goal: Goal
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something a generator proposed. `text` is the domain's canonical identity (for ligands: the canonical SMILES
    of the neutral parent). `origin` says which strategy made it; `parents` are the texts it was made from."""

    candidate_id: str
    text: str
    round: int
    index: int
    origin: str
    parents: tuple[str, ...] = ()
    log_prob: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "parents": list(self.parents)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Candidate:
        return cls(**{**data, "parents": tuple(data["parents"])})
