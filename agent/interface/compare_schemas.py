"""Two runs side by side, as it leaves the process. Same promise as `schemas`: fields are only added."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from agent.interface.schemas import Document, FunnelStage, RunState


class ComparedRun(Document):
    """One of the two."""

    run_id: str
    name: str
    kind: str
    state: RunState
    seed: int
    seconds: float
    target: str = ""
    docking: str = ""
    docking_summary: str = ""
    generated: int = 0
    docked: int = 0
    passed: int = 0
    ranked: int = 0


class Difference(Document):
    """A setting or version in which the two differ; None: not set there."""

    key: str
    a: Any = None
    b: Any = None


class Sample(Document):
    """How one score is distributed in one run: over `of`, in the score's unit. `best_call`: what computed the best."""

    n: int
    best: float | None = None
    best_call: str = ""
    best_mean: float | None = None
    quartiles: tuple[float, float, float] | None = None


class ScoreComparison(Document):
    """One score. `of`: docked, every candidate that passed all stages in the rounds; or table, the ranked ones as
    finally scored. Where `comparable` is false, `reason` says why, and no difference stands. `difference` is a - b of
    the mean of the best `k`; `low`, `high` its interval, None with `reason` where a sample is too small."""

    score: str
    unit: str
    goal: Literal["minimize", "maximize"]
    of: Literal["docked", "table"]
    a: Sample
    b: Sample
    comparable: bool
    reason: str = ""
    k: int
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    decided: bool = False
    better: Literal["a", "b", ""] = ""
    source: str = ""


class SharedCandidate(Document):
    """The same molecule in both runs, with its ids and, where they may be compared, its scores."""

    text: str
    a: str
    b: str
    scores: dict[str, tuple[float | None, float | None]] = Field(default_factory=dict)


class Overlap(Document):
    """Which candidates of the one are in the other. `ranked_similar`: ranked candidates of A whose nearest ranked
    candidate of B has a Tanimoto similarity of at least `threshold` (Morgan radius 2, 2048 bits) without being
    identical. `identical_docked` and `nearest` list the first of them."""

    candidates: tuple[int, int]
    identical: int
    n_identical_docked: int = 0
    identical_docked: list[SharedCandidate] = Field(default_factory=list)
    ranked_similar: int = 0
    threshold: float
    mean_nearest: float | None = None
    nearest: list[tuple[str, str, float]] = Field(default_factory=list)


class Comparison(Document):
    """`organon campaign compare A B --json` and GET /api/v1/compare."""

    a: ComparedRun
    b: ComparedRun
    settings: list[Difference]
    versions: list[Difference]
    funnel_a: list[FunnelStage]
    funnel_b: list[FunnelStage]
    scores: list[ScoreComparison]
    overlap: Overlap
    notes: list[str]
