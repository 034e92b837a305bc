"""Faults of the model layer. `models` may not import `tools.errors`, so the layer above maps these to its own
tree.

ValueError
├── ModelInputError   a request is wrong: names the value and what is accepted  (InputError above)
└── CheckpointError   a directory cannot be served as a checkpoint, with why    (InputError above)
RuntimeError
├── QueueFullError    the worker's queue is full; carries the estimated wait    (TransientError above)
├── WorkerClosedError the worker was shut down before the job ran               (TransientError above)
├── ModelMemoryError  one single sequence does not fit into memory              (TransientError above)
├── ServerError       a model server does not answer, or not as it should       (TransientError above)
└── TrainingError     training cannot go on, or cannot start as asked           (StopError above)
"""


class ModelInputError(ValueError):
    """A request, prompt or option is wrong. One line: the value, what is accepted and, where known, the fix."""


class CheckpointError(ValueError):
    """A checkpoint directory is missing something, unsafe or inconsistent. One line with the reason."""


class QueueFullError(RuntimeError):
    """The worker's queue is full. `wait_seconds` is None while nothing has been measured yet."""

    def __init__(self, n_waiting: int, wait_seconds: float | None) -> None:
        wait = "no estimate yet"
        if wait_seconds is not None:
            wait = f"about {wait_seconds:.0f} s" if wait_seconds >= 1 else "less than 1 s"
        super().__init__(f"the model queue is full ({n_waiting} jobs waiting); wait before trying again: {wait}")
        self.n_waiting = n_waiting
        self.wait_seconds = wait_seconds


class WorkerClosedError(RuntimeError):
    """The model worker was closed before this job was finished."""


class ModelMemoryError(RuntimeError):
    """Not even a batch of one sequence fits into the free memory."""


class ServerError(RuntimeError):
    """The model server at `url` failed; says what was tried, how often and for how long. Nothing a run has
    stored is lost."""

    def __init__(self, url: str, what: str) -> None:
        super().__init__(f"the model server at {url} {what}")
        self.url = url


class TrainingError(RuntimeError):
    """Training cannot go on; says at which step and where the last good checkpoint is."""
