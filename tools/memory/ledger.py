"""The ledger: everything that happened, in one SQLite file that can be cited.

It is made of five parts over one database: executed calls (the cache, `calls`), runs with their events,
leases and requests (`run_log`), candidates with their results (`candidates`), what runs leave to later ones
(`findings`), and conversations (`threads`). It knows no science: verdicts come in, verdicts go out.
"""

from __future__ import annotations

from tools.memory.calls import Calls, FaultRecord
from tools.memory.candidates import Candidates, Sighting
from tools.memory.canonical import call_key
from tools.memory.findings import Findings
from tools.memory.run_log import LEASE_SECONDS, EventRecord, Lease, RequestRecord, RunLog, RunRecord
from tools.memory.threads import ThreadRecord, Threads

__all__ = [
    "LEASE_SECONDS",
    "EventRecord",
    "FaultRecord",
    "Lease",
    "Ledger",
    "RequestRecord",
    "RunRecord",
    "Sighting",
    "ThreadRecord",
    "call_key",
]


class Ledger(Calls, RunLog, Candidates, Findings, Threads):
    """`Ledger(home / "ledger.sqlite")`; safe for several processes and threads."""
