"""The running table of a simulation: drawn over itself on a terminal, line by line elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

from hub.simulation.record import Tally

_COLUMNS = ("channel", "sent", "accepted", "answered", "waiting", "failed", "p50 ms", "p95 ms", "p99 ms")
_WIDTHS = (10, 8, 9, 9, 9, 8, 9, 9, 9)
_UP_AND_CLEAR = "\x1b[{lines}A\x1b[J"


class Table:
    """Writes to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._over = stream.isatty()
        self._lines = 0

    @property
    def every(self) -> float:
        """Seconds between two drawings: a log is not to be filled."""
        return 1.0 if self._over else 10.0

    def draw(self, headline: str, tallies: Mapping[str, Tally]) -> None:
        """Shows how things stand."""
        lines = [headline, _row(_COLUMNS), *(_row(_cells(name, tally)) for name, tally in tallies.items())]
        if self._over and self._lines:
            self._stream.write(_UP_AND_CLEAR.format(lines=self._lines))
        self._stream.write("\n".join(lines) + "\n")
        self._stream.flush()
        self._lines = len(lines)

    def keep(self) -> None:
        """What was drawn stays; the next drawing goes below."""
        self._lines = 0


_RESULTS = ("accepted", "lost", "doubled", "invented", "out_of_order", "unfinished", "unknown")
_TIMES = (("accepted_ms", "accept"), ("visible_ms", "visible"), ("delivered_ms", "answer"))


def rows(channels: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What became of each channel, as `run.report` has it; p50 and p99 in milliseconds."""
    heads = [*(name.replace("_", " ") for name in _RESULTS), *(f"{name} p50 p99" for _, name in _TIMES)]
    lines = [["channel", *heads]]
    for channel, found in channels.items():
        times = [
            "-" if found[name]["p50"] is None else f"{found[name]['p50']:.0f} {found[name]['p99']:.0f}"
            for name, _ in _TIMES
        ]
        lines.append([channel, *(str(found[name]) for name in _RESULTS), *times])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        f"{first:<{widths[0]}}  " + "  ".join(f"{cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True))
        for first, *rest in lines
    ]


def milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f}"


def _cells(name: str, tally: Tally) -> tuple[str, ...]:
    counts = (tally.sent, tally.accepted, tally.answered, tally.waiting, tally.failed)
    return (name, *map(str, counts), *(milliseconds(tally.percentile(share)) for share in (0.5, 0.95, 0.99)))


def _row(cells: tuple[str, ...]) -> str:
    first, *rest = (f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
    return f"{cells[0]:<{_WIDTHS[0]}}" + "".join(rest) if first else ""
