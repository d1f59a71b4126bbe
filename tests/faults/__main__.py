"""`make faults N=… SEED=…`: plays schedules, one file a schedule in the log's folder; those that are there are not
played again."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections import Counter
from pathlib import Path

from tests import parts
from tests.faults import enumeration
from tests.faults.rig import Rig
from tests.faults.schedule import Schedule


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="how many of the enumerated schedules (all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", default="1/1", metavar="K/N", help="every N-th, from the K-th on")
    parser.add_argument("--log", type=Path, default=parts.ROOT / ".run" / "faults")
    parser.add_argument("--mode", choices=["embedded", "scaled_out"])
    parser.add_argument("--again", action="store_true", help="also those that went wrong before")
    options = parser.parse_args()
    part, parts_in_all = map(int, options.part.split("/"))
    wanted = enumeration.chosen(options.count, options.seed)[part - 1 :: parts_in_all]
    wanted = [each for each in wanted if options.mode in (None, each.mode)]
    options.log.mkdir(parents=True, exist_ok=True)
    left = [each for each in wanted if not _is_done(options.log, each, again=options.again)]
    print(f"{len(enumeration.every())} schedules there are, {len(wanted)} are wanted, {len(left)} are to be played")
    wrong = play(left, options.log)
    summary(options.log)
    return 1 if wrong else 0


def play(schedules: list[Schedule], log: Path) -> int:
    """Plays them one after another. Returns how many went wrong."""
    wrong = 0
    with contextlib.ExitStack() as stack:
        scaled_out = any(each.mode == "scaled_out" for each in schedules)
        postgres = stack.enter_context(parts.run_postgres()) if scaled_out else None
        redis_url = stack.enter_context(parts.run_redis()) if scaled_out else ""
        kept = log / "kept"
        rig = stack.enter_context(Rig(kept / str(_next(kept)), postgres, redis_url))
        for number, schedule in enumerate(schedules, 1):
            outcome = rig.play(schedule)
            _file(log, schedule).write_text(json.dumps(outcome.as_json(), indent=1) + "\n")
            wrong += bool(outcome.violations)
            sign = "✗" if outcome.violations else "✓" if len(outcome.cut) == len(schedule.cuts) else "–"
            print(f"{number}/{len(schedules)} {sign} {outcome.seconds:5.1f} s {schedule.name}", flush=True)
            for each in outcome.violations:
                print(f"    {each}", flush=True)
    return wrong


def summary(log: Path) -> None:
    """What stands in a log's folder, in all."""
    found = [json.loads(file.read_text()) for file in sorted(log.glob("*.json"))]
    kills = [each for each in found if any(cut.endswith("=kill") for cut in each["cut"])]
    all_cut = sum(len(each["cut"]) == each["planned"] for each in found)
    print(
        f"{len(found)} schedules in the log: {len(kills)} had a process killed, {all_cut} came to all of their places, "
        f"{sum(bool(each['violations']) for each in found)} went wrong, {sum(each['unknown'] for each in found)} "
        "messages are of unknown outcome"
    )
    kinds = Counter(violation.partition(":")[0] for each in found for violation in each["violations"])
    for kind, count in kinds.most_common():
        print(f"  {count} × {kind}")


def _file(log: Path, schedule: Schedule) -> Path:
    return log / f"{schedule.name.replace('/', '-')}.json"


def _is_done(log: Path, schedule: Schedule, *, again: bool) -> bool:
    file = _file(log, schedule)
    return file.exists() and not (again and json.loads(file.read_text())["violations"])


def _next(kept: Path) -> int:
    return 1 + max((int(each.name) for each in kept.glob("[0-9]*")), default=0)


if __name__ == "__main__":
    sys.exit(main())
