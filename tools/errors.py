"""Faults. A scientific "no" is never raised: it is a `CheckResult` with verdict fail. A fault's class names its remedy.

OrganonError
├── InputError        what was given is wrong: fix the input (exit code 2)
├── UnavailableError  something needed is not installed or not running: install or start it
├── TransientError    a worker died, ran out of time or memory: the same call may work another time
└── StopError         the run cannot go on (budget spent, stopped by the user, disk full)
"""


class OrganonError(Exception):
    """Parent of every fault this project raises on purpose; its text is one clear line for a person."""


class InputError(OrganonError):
    """The input is wrong. The message names the value, what was expected and, where known, the fix."""


class UnavailableError(OrganonError):
    """Something this call needs is missing on this machine. The message says how to get it."""


class TransientError(OrganonError):
    """The call did not finish (crash, hang, memory). Never cached; the same call may be tried again."""


class StopError(OrganonError):
    """The run has to end here; everything finished so far is kept."""
