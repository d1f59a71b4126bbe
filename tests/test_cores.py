"""On which cores threads run, tried in programs of their own: this one's cores are not to change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from hub import cores
from tests import parts

GIVEN = len(os.sched_getaffinity(0))


def said(program: str) -> list[int]:
    """How many cores each thread of a program had that says so by `say()`."""
    before = """
        import json, os, sys, threading
        from hub import cores
        seen = []
        def say():
            seen.append(len(os.sched_getaffinity(0)))
        def beside(target):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    """
    whole = dedent(before) + dedent(program) + "print(json.dumps(seen))\n"
    run = subprocess.run([sys.executable, "-c", whole], cwd=parts.ROOT, capture_output=True, text=True, check=True)
    found: list[int] = json.loads(run.stdout)
    return found


def test_a_program_has_all_cores_until_it_is_kept_together() -> None:
    assert said("say(); beside(say); beside(cores.spread()(say))\n") == [GIVEN] * 3


@pytest.mark.skipif(GIVEN < 2, reason="there is one core only")
def test_kept_together_they_take_shorter_turns() -> None:
    program = """
        before = sys.getswitchinterval()
        cores.keep_together()
        seen = [before > cores.TURN, round(sys.getswitchinterval(), 6) == cores.TURN]
    """
    assert said(program) == [True, True]


@pytest.mark.skipif(GIVEN < 2, reason="there is one core only")
def test_kept_together_all_are_on_one_core_but_what_is_spread() -> None:
    program = """
        cores.keep_together()
        say()
        beside(say)
        with cores.spread():
            say()
            with cores.spread():
                pass
            beside(say)
        say()
        beside(cores.spread()(say))
        beside(say)
    """
    assert said(program) == [1, 1, GIVEN, GIVEN, 1, GIVEN, 1]


@pytest.mark.skipif(GIVEN < 2, reason="there is one core only")
def test_it_stays_among_the_cores_that_it_was_given() -> None:
    program = """
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        cores.keep_together()
        say()
        with cores.spread():
            say()
    """
    assert said(program) == [1, 1]


def test_where_the_system_forbids_it_nothing_changes() -> None:
    program = """
        def forbidden(*_):
            raise PermissionError
        os.sched_setaffinity = forbidden
        cores.keep_together()
        say()
        beside(cores.spread()(say))
    """
    assert said(program) == [GIVEN] * 2


@pytest.mark.parametrize(
    ("told", "file", "fast"),
    [
        ({}, "", [0, 1, 2, 3]),
        ({0: "1024", 1: "1024", 2: "446", 3: "446"}, "cpu_capacity", [0, 1]),
        ({0: "3400000", 1: "5200000", 2: "5000000", 3: "3400000"}, "cpufreq/cpuinfo_max_freq", [1, 2]),
        ({0: "fast", 1: "", 3: "?"}, "cpu_capacity", [0, 1, 2, 3]),
    ],
    ids=["nothing", "capacity", "frequency", "nonsense"],
)
def test_it_takes_one_of_the_fast_cores(tmp_path: Path, told: dict[int, str], file: str, fast: list[int]) -> None:
    for core, value in told.items():
        path = tmp_path / f"cpu{core}" / file
        path.parent.mkdir(parents=True)
        path.write_text(f"{value}\n")
    assert cores.fastest([3, 1, 0, 2], tmp_path) == fast
