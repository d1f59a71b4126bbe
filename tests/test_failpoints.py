"""The places that docs/faults.md lists are in the code, once a name and nowhere else; and they are free."""

from __future__ import annotations

import re
import timeit

from hub import failpoints
from tests import parts

REACHED = re.compile(r'failpoints\.reach\("([a-z.]+)"\)')


def test_every_place_is_in_the_code_and_in_the_documentation() -> None:
    found = {name for file in (parts.ROOT / "hub").rglob("*.py") for name in REACHED.findall(file.read_text("utf-8"))}
    assert found == set(failpoints.PLACES)
    page = (parts.ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", page, re.MULTILINE)) == found


def test_a_place_costs_next_to_nothing_where_nobody_has_armed_it() -> None:
    seconds = min(timeit.repeat(lambda: failpoints.reach("store.ready"), number=20_000, repeat=5)) / 20_000
    assert seconds < 5e-6  # a message reaches some fifteen, and costs milliseconds


def test_only_tests_arm_them() -> None:
    arming = [file for file in (parts.ROOT / "hub").rglob("*.py") if "failpoints.arm(" in file.read_text("utf-8")]
    assert arming == []
