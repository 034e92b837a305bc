"""The ledger: everything that happened, in one SQLite file that can be cited.

It is made of parts over one database: executed calls (the cache, `calls`), runs with their events, leases and
requests (`run_log`; for many watchers at once, `event_feed`), candidates with their results (`candidates`), what runs
leave to later ones (`findings`), conversations (`threads`), documents with their passages (`library`);
`recollection` reads across them. It knows no science: verdicts come in, verdicts go out.
"""

from __future__ import annotations

from tools.memory.calls import Calls, FaultRecord
from tools.memory.candidates import Candidates, Sighting
from tools.memory.canonical import call_key
from tools.memory.event_feed import EventFeed, RunSummary
from tools.memory.findings import Findings
from tools.memory.histories import Histories
from tools.memory.library import DocumentRecord, Library, PassageRecord
from tools.memory.recollection import Recollection
from tools.memory.run_log import LEASE_SECONDS, EventRecord, Lease, RequestRecord, RunLog, RunRecord
from tools.memory.threads import ThreadRecord, Threads

__all__ = [
    "LEASE_SECONDS",
    "DocumentRecord",
    "EventRecord",
    "FaultRecord",
    "Lease",
    "Ledger",
    "PassageRecord",
    "RequestRecord",
    "RunRecord",
    "RunSummary",
    "Sighting",
    "ThreadRecord",
    "call_key",
]


class Ledger(Calls, RunLog, EventFeed, Candidates, Findings, Threads, Library, Histories, Recollection):
    """`Ledger(home / "ledger.sqlite")`; safe for several processes and threads."""
