"""The keys with sockets, at a hundredth of their size: in a file of their own, so that they run beside the others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import parts


@pytest.mark.timeout(1200)
def test_a_hundredth_of_the_work_with_sockets_runs(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    measured = ["visible_p99", "sockets_full", "fanout", "sockets_10k"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--size", "0.01", "--results", results, *measured],
        cwd=parts.ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(results.read_text())
    assert all(found[key]["value"] > 0 for key in measured)
    assert found["_"]["failed"] == {}
