"""`python -m hub.testing NAME`: the conformance kit over one channel, told line by line."""

from __future__ import annotations

import sys
import time
from importlib.metadata import entry_points

from hub.testing.channel_kit import ENTRY_POINTS, Outcome, run
from hub.testing.conformance.subject import ChannelKit

_SIGNS = {"ok": "✓", "broken": "✗", "not asked": "–"}


def main(arguments: list[str]) -> int:
    """Exit code 1 where the channel breaks a promise, 2 where there is no kit of that name."""
    found = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if len(arguments) != 1 or arguments[0] not in found:
        print(f"usage: python -m hub.testing NAME, where NAME is one of: {', '.join(sorted(found)) or 'none'}")
        return 2
    kit: ChannelKit = found[arguments[0]].load()
    started = time.monotonic()
    outcomes = run(kit, tell)
    broken = sum(each.state == "broken" for each in outcomes)
    kept = sum(each.state == "ok" for each in outcomes)
    asked = f"{len(outcomes) - broken - kept} not asked"
    print(f"\n{kit.name}: {kept} kept, {broken} broken, {asked}, in {time.monotonic() - started:.1f} s")
    return 1 if broken else 0


def tell(outcome: Outcome) -> None:
    print(f"{_SIGNS[outcome.state]} {outcome.check.name:<14} {outcome.check.proves}", flush=True)
    if outcome.detail:
        print(f"  {'':<14} {outcome.detail}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
