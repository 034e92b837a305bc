"""Requests as the engine sees them: encoded, checked against the model, and turned into rows in fair order."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from models.backends.base import Request
from models.backends.text_codec import TextCodec
from models.errors import CheckpointError, ModelInputError

SHARED_TOKENS, SHARED_ROWS = 32, 8
"""A prompt this long with this many rows is kept once: below, the extra products cost more than they save."""


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """An encoded request, told apart by identity. `limit` is max_new_tokens cut to what the context leaves;
    `stop_ids` end a sample; `owner` is whom the queue is fair to; `shared` prompts are kept once for all rows."""

    request: Request
    ids: tuple[int, ...]
    limit: int
    stop_ids: frozenset[int]
    owner: Hashable = None
    shared: bool = False

    @property
    def offset(self) -> int:
        """Tokens of a row that are kept elsewhere."""
        return len(self.ids) if self.shared else 0

    @property
    def width(self) -> int:
        """Tokens a row of it may come to keep."""
        return len(self.ids) + self.limit - self.offset


@dataclass(frozen=True, slots=True)
class Row:
    """One sequence to decode: sample `index` of `prompt`."""

    prompt: Prompt
    index: int


def encode_request(
    request: Request, codec: TextCodec, context: int, n_vocab: int, *, owner: Hashable = None, can_share: bool = False
) -> Prompt:
    """ModelInputError or CheckpointError where this checkpoint cannot serve the request."""
    named = f"request {request.request_id!r}"
    ids = codec.encode(request.prompt)
    if not ids:
        raise ModelInputError(f"{named}: the prompt is empty and this tokenizer has no begin-of-text")
    if len(ids) >= context:
        raise ModelInputError(
            f"{named}: the prompt has {len(ids)} tokens, the model's context is {context} "
            "(at least one must be left to generate)"
        )
    need_known(ids, n_vocab)
    stops: set[int] = set() if request.ignore_eos else set(codec.eos_ids)
    for tag in request.stop:
        at = codec.id_of(tag)
        if at is None:
            known = ", ".join(codec.tags) or "none"
            raise ModelInputError(
                f"stop tag {tag!r} is not one token of this checkpoint's tokenizer; its tags: {known}"
            )
        stops.add(at)
    limit = min(request.max_new_tokens, context - len(ids))
    shared = can_share and len(ids) >= SHARED_TOKENS and max(request.n, request.beams) >= SHARED_ROWS
    return Prompt(request, tuple(ids), limit, frozenset(stops), owner, shared)


def need_known(ids: Iterable[int], n_vocab: int) -> None:
    """CheckpointError where the tokenizer gives ids the model has no row for."""
    highest = max(ids)
    if highest >= n_vocab:
        raise CheckpointError(f"the tokenizer gives id {highest}, the model knows {n_vocab}: they do not match")


class Waiting:
    """Rows not decoded yet. Owners take turns, row by row; one owner's rows keep their order."""

    def __init__(self) -> None:
        self._queues: OrderedDict[Hashable, deque[tuple[Prompt, deque[int]]]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._queues)

    def add(self, prompt: Prompt) -> None:
        self._queues.setdefault(prompt.owner, deque()).append((prompt, deque(range(prompt.request.n))))

    def put_back(self, rows: Iterable[Row]) -> None:
        """Rows whose decoding was given up, before all others of their owner."""
        for row in reversed(list(rows)):
            queue = self._queues.setdefault(row.prompt.owner, deque())
            if queue and queue[0][0] is row.prompt:
                queue[0][1].appendleft(row.index)
            else:
                queue.appendleft((row.prompt, deque([row.index])))

    def remove(self, unwanted: Callable[[Prompt], bool]) -> None:
        for owner in list(self._queues):
            left = deque(item for item in self._queues[owner] if not unwanted(item[0]))
            if left:
                self._queues[owner] = left
            else:
                del self._queues[owner]

    def take(self, fits: Callable[[Prompt], bool]) -> list[Row]:
        """Rows in turn for as long as the next one `fits`, which is asked once for each row taken."""
        taken: list[Row] = []
        while self._queues:
            owner = next(iter(self._queues))
            prompt, indices = self._queues[owner][0]
            if not fits(prompt):
                break
            taken.append(Row(prompt, indices.popleft()))
            if not indices:
                self._queues[owner].popleft()
            self._queues.move_to_end(owner)
            if not self._queues[owner]:
                del self._queues[owner]
        return taken

    def prompts(self) -> set[Prompt]:
        return {prompt for queue in self._queues.values() for prompt, _ in queue}
