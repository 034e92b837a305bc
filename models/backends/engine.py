"""Continuous batching: requests join while others are decoded, and each row leaves as it ends.

A step gives one token to every row in work. Before it, rows that wait come in where rows have left, several at
a time, because reading prompts interrupts the others. A prompt is read once however many samples it has. How
many rows fit is planned from the memory free when work begins; should memory run out all the same, the rows in
work start again, half as many at once (they come out as they would have: a sample's random stream is its own).
"""

from __future__ import annotations

import gc
from collections.abc import Callable

import torch

from models.backends.beam_search import BeamSearch
from models.backends.constraint import Constraint
from models.backends.memory import RowCost, free_memory, is_out_of_memory
from models.backends.network import Network, Prompts
from models.backends.prompts import Prompt, Row, Waiting
from models.backends.rows import ActiveRows, Finished
from models.errors import ModelMemoryError

_JOIN_SHARE = 1 / 16
"""Rows come in once this share of the places is free."""
_READ_AT_ONCE = 16 * 1024
"""Tokens of prompts read in one pass."""


class Engine:
    """Decodes prompts given at any time; see `models.backends.base.Decoding` for the contract."""

    def __init__(
        self, network: Network, n_vocab: int, max_rows: int, build_constraint: Callable[[], Constraint]
    ) -> None:
        self._network = network
        self._cost = RowCost(network.cache_bytes_per_token, n_vocab)
        self._max_rows = max_rows
        self.shares_prompts = network.shares_prompts
        self._waiting, self._waiting_beams = Waiting(), list[Prompt]()
        self._rows = ActiveRows(network, build_constraint)
        self._search = BeamSearch(network, build_constraint)
        self._read: dict[Prompt, tuple[Prompts, int]] = {}
        self._joining: list[Row] = []
        self._free_bytes = 0
        self._rows_at_most = max_rows

    @property
    def idle(self) -> bool:
        return not (self._rows or self._search or self._waiting or self._waiting_beams)

    def add(self, prompt: Prompt) -> None:
        if self.idle:
            self._free_bytes, self._rows_at_most = free_memory(self._network.device), self._max_rows
        if prompt.request.beams:
            self._waiting_beams.append(prompt)
        else:
            self._waiting.add(prompt)

    def remove(self, unwanted: Callable[[Prompt], bool]) -> None:
        """Forget prompts, wherever their rows are."""
        self._waiting.remove(unwanted)
        self._waiting_beams = [prompt for prompt in self._waiting_beams if not unwanted(prompt)]
        self._rows.drop(lambda row: unwanted(row.prompt))
        self._search.drop(unwanted)
        self._forget_read()

    def step(self) -> list[Finished]:
        """A token for every row; the rows that ended with it.

        Raises PromptTooLargeError where not even one row of a prompt fits; that prompt is then removed, and the others
        go on with the next step.
        """
        try:
            self._admit()
            self._start_search()
            finished = self._rows.step() if self._rows else []
            finished += self._search.step() if self._search else []
            if self.idle:
                self._rows.clear()
            return finished
        except (RuntimeError, MemoryError) as fault:
            if not is_out_of_memory(fault):
                raise
            self._start_over_with_half(fault)
            return []

    def _admit(self) -> None:
        if not self._waiting:
            return
        free = self._capacity(self._rows.width) - len(self._rows)
        if self._rows and free < max(1, self._rows_at_most * _JOIN_SHARE):
            return
        self._joining = rows = self._waiting.take(self._capacity_test())
        new = list(dict.fromkeys(row.prompt for row in rows if row.prompt not in self._read))
        for chunk in _chunks(new):
            read = self._network.read([prompt.ids for prompt in chunk])
            self._read |= {prompt: (read, at) for at, prompt in enumerate(chunk)}
        wanted = len(self._rows) + len(rows)
        by_read: dict[tuple[int, bool], list[Row]] = {}
        for row in rows:
            by_read.setdefault((id(self._read[row.prompt][0]), row.prompt.shared), []).append(row)
        for group in by_read.values():
            read = self._read[group[0].prompt][0]
            self._rows.admit(group, read, [self._read[row.prompt][1] for row in group], wanted)
            admitted = set(map(id, group))
            self._joining = [row for row in self._joining if id(row) not in admitted]
        self._forget_read()

    def _capacity_test(self) -> Callable[[Prompt], bool]:
        """Whether a row of a prompt fits beside those in work and those accepted so far."""
        n_rows, width = len(self._rows), self._rows.width

        def fits(prompt: Prompt) -> bool:
            nonlocal n_rows, width
            if n_rows >= self._capacity(max(width, prompt.width)):
                return False
            n_rows, width = n_rows + 1, max(width, prompt.width)
            return True

        return fits

    def _capacity(self, width: int) -> int:
        return min(self._rows_at_most, self._cost.rows_in(self._free_bytes, max(width, 1)))

    def _forget_read(self) -> None:
        """Read prompts are kept for as long as samples of them wait."""
        waiting = self._waiting.prompts()
        self._read = {prompt: place for prompt, place in self._read.items() if prompt in waiting}

    def _start_search(self) -> None:
        """The next requests that ask for beams, as many as fit; those with and without a constraint apart."""
        if self._search or not self._waiting_beams:
            return
        first = self._waiting_beams[0]
        prompts: list[Prompt] = []
        n_rows = width = 0
        for prompt in self._waiting_beams:
            n_rows, width = n_rows + prompt.request.beams, max(width, prompt.width)
            alike = prompt.request.constrained == first.request.constrained
            if prompts and (not alike or n_rows > self._capacity(width)):
                break
            prompts.append(prompt)
        read = self._network.read([prompt.ids for prompt in prompts])
        self._search.start(prompts, read)
        self._waiting_beams = self._waiting_beams[len(prompts) :]

    def _start_over_with_half(self, fault: BaseException) -> None:
        rows, searched = self._rows.rows + self._joining, self._search.prompts or self._waiting_beams[:1]
        self._waiting.put_back(rows)
        self._waiting_beams = [prompt for prompt in searched if prompt not in self._waiting_beams] + self._waiting_beams
        self._joining = []
        self._rows.clear()
        self._search.clear()
        self._read.clear()
        gc.collect()
        if self._network.device.type == "cuda":
            torch.cuda.empty_cache()
        n_at_once = max(len(rows), sum(prompt.request.beams for prompt in searched))
        if n_at_once <= 1 or self._rows_at_most == 1:
            culprit = max([*(row.prompt for row in rows), *searched], key=lambda prompt: prompt.width)
            self.remove(lambda prompt: prompt is culprit)
            raise PromptTooLargeError(culprit) from fault
        self._rows_at_most = max(1, min(self._rows_at_most, n_at_once) // 2)


class PromptTooLargeError(ModelMemoryError):
    """Carries the prompt of which one row does not fit into memory."""

    def __init__(self, prompt: Prompt) -> None:
        super().__init__(f"one sequence of {len(prompt.ids) + prompt.limit} tokens does not fit into memory")
        self.prompt = prompt


def _chunks(prompts: list[Prompt]) -> list[list[Prompt]]:
    """In order of length, so that little is padded, at most `_READ_AT_ONCE` tokens in one."""
    chunks: list[list[Prompt]] = []
    for prompt in sorted(prompts, key=lambda prompt: len(prompt.ids)):
        if not chunks or (len(chunks[-1]) + 1) * len(prompt.ids) > _READ_AT_ONCE:
            chunks.append([])
        chunks[-1].append(prompt)
    return chunks
