"""What the decode loop asks of a grammar constraint, for the rows of a batch in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Constraint(Protocol):
    """The state of B rows; row b is the sequence decoded at place b of the batch.

    Every step the loop calls `allowed`, draws, calls `refused` on what it drew (a refused id is masked and
    drawn again, until none is), then `advance`. Rows join at the end and leave through `keep`.
    """

    def add(self, prompt_ids: Sequence[int], stop: Sequence[str], limit: int) -> None:
        """A new last row, whose text so far is the prompt and which may grow by `limit` tokens."""

    def keep(self, rows: Sequence[int]) -> None:
        """Only the rows at these places remain, in that order; a place may repeat (then it is copied)."""

    def allowed(self) -> NDArray[np.bool_]:
        """(B, V): tokens that may come next. Never all False in a row that can still be finished."""

    def refused(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(B,): drawn ids that `allowed` let through and that still cannot stand (tokens of several symbols)."""

    def advance(self, ids: NDArray[np.int64]) -> None:
        """(B,): the ids drawn now are part of the rows; what is after a row's end does not matter."""
