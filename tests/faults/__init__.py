"""Schedules of faults against real processes, judged by what the other side has (docs/faults.md)."""
