"""Control: what would these constraints have thrown away of 48 approved drugs? A record, not a judgement."""

from __future__ import annotations

from collections.abc import Mapping

from tools.molecule.approved_drugs import filter_loss
from tools.molecule.constraints import parse_constraints
from tools.types import CheckResult, Verdict


def check_filter_loss(constraints: Mapping[str, str]) -> CheckResult:
    """`value` counts the drugs lost; `details` lists them with the reasons (see `approved_drugs.FilterLoss`)."""
    loss = filter_loss(parse_constraints(constraints))
    return CheckResult("filter_loss", Verdict.PASS, value=float(loss.n_rejected), unit="drugs", details=loss.to_json())
