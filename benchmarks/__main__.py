"""Runs benchmarks: `make bench`, `make bench KEYS=a,b`. Prints a table and writes benchmarks/results.json
(or where `--results` says).

One file per figure with `run(context) -> Figure`. A figure with a yardstick is measured beside it in the same run, in
turns (A B A B), under the same server command: on a noisy machine only the ratio means anything.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sys
import tempfile
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.harness import Context, Figure, commit

# Each key's module; a module that measures several figures at once names them all.
KEYS = {
    "ingest_sqlite": "ingest_sqlite",
    "ingest_sqlite_p99": "ingest_sqlite",
    "mail": "mail",
    "bot_overhead": "bot_overhead",
    "widget_loader": "widget_size",
    "widget_all": "widget_size",
    "start": "start",
    "memory_idle": "memory_idle",
    "replay": "replay",
    "routing": "routing",
    "encode": "search",
    "search_1k": "search",
    "search_20k": "search",
    "search_200k": "search",
    "reindex": "search",
    "backtest": "backtest",
    "simulate": "simulate",
    "ingest_postgres": "ingest_postgres",
    "visible_p99": "visible_p99",
    "fanout": "fanout",
    "sockets_10k": "sockets_10k",
    "sockets_full": "sockets_full",
    "inbox_scale": "inbox_scale",
    "ingest_scale": "ingest_scale",
}
RESULTS = Path(__file__).parent / "results.json"


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("keys", nargs="*", help="which figures (all of them by default)")
    parser.add_argument("--size", type=float, default=1.0, help="share of the full size; 0.01 in CI")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file that the results are written to")
    options = parser.parse_args()
    wanted = [key for each in options.keys for key in each.replace(",", " ").split()] or list(KEYS)
    unknown = [key for key in wanted if key not in KEYS]
    if unknown:
        parser.error(f"no such figure: {', '.join(unknown)}; there are {', '.join(KEYS)}")
    figures: dict[str, Figure] = {}
    failed: dict[str, str] = {}
    for module in dict.fromkeys(KEYS[key] for key in wanted):
        with tempfile.TemporaryDirectory(prefix="centralita-bench-") as folder:
            print(f"— {module}", flush=True)
            try:
                context = Context(Path(folder), options.size, frozenset(wanted))
                figures |= importlib.import_module(f"benchmarks.{module}").run(context)
            except Exception as error:  # one figure that cannot be measured must not hide the others
                traceback.print_exc()
                failed[module] = f"{type(error).__name__}: {error}"
    write(figures, failed, [key for key in KEYS if key not in figures], options.size, options.results)
    return 1 if failed or not all(each.holds for each in figures.values() if options.size == 1) else 0


def write(figures: dict[str, Figure], failed: dict[str, str], missing: list[str], size: float, file: Path) -> None:
    """Writes the figures beside those that are in the file from other runs, each with what it was measured at."""
    results: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    measured_at = {"commit": commit(), "size": size, "python": platform.python_version()}
    known = {key: each for key, each in results.items() if key in KEYS}
    known |= {key: each.as_json() | {"measured_at": measured_at} for key, each in figures.items()}
    results = {key: known[key] for key in KEYS if key in known}
    results["_"] = {
        "commit": commit(),
        "size": size,
        "not_run": [key for key in missing if key not in known],
        "failed": failed,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("flask", "gunicorn", "sqlalchemy", "flask-socketio", "pydantic")},
    }
    file.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\n{'figure':20} {'value':>12} {'unit':14} {'yardstick':>12} {'ratio':>8}  holds")
    for key, each in figures.items():
        yardstick = "" if each.yardstick is None else f"{each.yardstick:,.2f}"
        ratio = "" if each.ratio is None else f"{each.ratio:.2f}"
        print(
            f"{key:20} {each.value:12,.2f} {each.unit:14} {yardstick:>12} {ratio:>8}  {'yes' if each.holds else 'NO'}"
        )
    for module, reason in failed.items():
        print(f"{module:20} failed: {reason}")


if __name__ == "__main__":
    sys.exit(main())
