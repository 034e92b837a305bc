"""The record of a run for people: one self-contained HTML page, a CSV table and an SDF with the docked poses.

All three read a `RunResult`, an artifact reader and the run's tool calls, and nothing else: no database, no settings,
no clock, no network. The same input gives the same bytes on the same installed packages.
"""

from agent.report.export import write_csv, write_sdf
from agent.report.page import write_report

__all__ = ["write_csv", "write_report", "write_sdf"]
