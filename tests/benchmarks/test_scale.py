"""The keys that fill hubs, that have PostgreSQL or that play customers, at a hundredth of their size: in a file of its
own, so that they run beside the others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import parts


@pytest.mark.timeout(1200)
def test_a_hundredth_of_the_work_with_many_conversations_runs(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    measured = ["ingest_postgres", "inbox_scale", "ingest_scale", "simulate"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--size", "0.01", "--results", results, *measured],
        cwd=parts.ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(results.read_text())
    assert found["_"]["failed"] == {}
    assert all(found[key]["value"] > 0 for key in measured)
    (played,) = found["simulate"]["runs"]
    assert played["messages"] > 0
    assert [played[wrong] for wrong in ("lost", "doubled", "invented", "out_of_order", "unfinished")] == [0] * 5
