"""A soak: simulated customers for hours, and what the hub takes of the machine meanwhile, written down.

    python -m benchmarks.soak --minutes 120 --rate 1 --agents 2 --log soak.jsonl

One line of JSON each half minute. At the end the medians of the second and the last quarter stand beside each other
(the first one warms up): what grows there would grow for ever. It exits with an error when the simulation found a
difference, or when memory, handles or threads grew by more than a tenth.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness import children, free_port, hub, hub_environment, median, memory, process, wait_for
from hub.services import demo

EVERY = 30.0  # seconds
MOST_GROWTH = 1.10
# What the demo firm's numbers are (hub/services/demo.py).
NUMBERS = ("+34644010203", "+447400123123")
WATCHED = ("memory_mb", "handles", "threads", "waiting_rows")


@contextmanager
def firm(folder: Path, **more: str) -> Iterator[tuple[str, subprocess.Popen[bytes], dict[str, str]]]:
    """The demo firm on all channels beside its simulated providers: (address, the hub's process, its settings)."""
    port, simulator, mail_out, mail_in = (free_port() for _ in range(4))
    settings = {
        "CENTRALITA_SIMULATOR_URL": f"http://127.0.0.1:{simulator}",
        "CENTRALITA_SIMULATOR_ACCOUNT": f"AC{secrets.token_hex(16)}",
        "CENTRALITA_SIMULATOR_TOKEN": secrets.token_hex(16),
        "CENTRALITA_SIMULATOR_SMTP": f"127.0.0.1:{mail_out}",
        "CENTRALITA_SMTP_LISTEN": f"127.0.0.1:{mail_in}",
        "CENTRALITA_FETCH_ALLOW": f"127.0.0.1:{simulator}",
        **more,
    }
    webhook = f"http://127.0.0.1:{port}/webhooks/demo-sms#rc=5&rp=all"
    numbers = [f"--number={number}={webhook}" for number in NUMBERS]
    mail = ["--mail-port", str(mail_out), "--hub-mail", f"127.0.0.1:{mail_in}"]
    command = [sys.executable, "-m", "channels.simulators", "--port", str(simulator), *mail, *numbers]
    command += [f"--app={app}=http://127.0.0.1:{port}/webhooks/demo-{app}" for app in demo.APPS]
    with (
        hub(folder, port=port, **settings) as (address, child),
        process(command, settings, folder / "simulators.log"),
    ):
        wait_for(settings["CENTRALITA_SIMULATOR_URL"])
        yield address, child, hub_environment(folder, port, **settings)


def sample(pid: int, folder: Path) -> dict[str, float]:
    """What a hub takes of the machine, and what waits in its outbox, whatever it waits for."""
    pids = children(pid)
    with sqlite3.connect(f"file:{folder}/centralita.sqlite3?mode=ro", uri=True) as connection:
        count = "SELECT count(*) FROM outbox WHERE state IN ('pending', 'claimed')"
        waiting = connection.execute(count).fetchone()[0]
        events = connection.execute("SELECT max(id) FROM event").fetchone()[0]
    connection.close()
    return {
        "memory_mb": round(memory(pid), 1),
        "handles": sum(len(list(Path(f"/proc/{each}/fd").iterdir())) for each in pids),
        "threads": sum(len(list(Path(f"/proc/{each}/task").iterdir())) for each in pids),
        "waiting_rows": waiting,
        "log_mb": round((folder / "centralita.sqlite3-wal").stat().st_size / 1e6, 1),
        "events": events,
    }


def growth(samples: Sequence[dict[str, float]]) -> dict[str, tuple[float, float]]:
    """The medians of the second and of the last quarter of each figure."""
    quarter = max(1, len(samples) // 4)
    early, late = samples[quarter : 2 * quarter] or samples[:1], samples[-quarter:]
    return {name: (median([each[name] for each in early]), median([each[name] for each in late])) for name in WATCHED}


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--rate", type=float, default=1.0, help="messages a second")
    parser.add_argument("--agents", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=EVERY, help="seconds between two lines")
    parser.add_argument("--knowledge", choices=("auto", "absent"), default="auto")
    parser.add_argument("--log", type=Path, default=Path("soak.jsonl"))
    options = parser.parse_args()
    samples: list[dict[str, float]] = []
    with (
        tempfile.TemporaryDirectory(prefix="centralita-soak-") as name,
        firm(Path(name), CENTRALITA_KNOWLEDGE=options.knowledge) as (_, child, environment),
        options.log.open("w") as log,
    ):
        folder = Path(name)
        words = ["--minutes", str(options.minutes), "--rate", str(options.rate), "--agents", str(options.agents)]
        command = [sys.executable, "-m", "hub", "simulate", *words, "--seed", str(options.seed)]
        began = time.monotonic()
        with process(command, environment, folder / "simulate.log") as players:
            while players.poll() is None:
                time.sleep(options.every)
                samples.append({"at": round(time.monotonic() - began), **sample(child.pid, folder)})
                log.write(json.dumps(samples[-1]) + "\n")
                log.flush()
        said = (folder / "simulate.log").read_text(errors="replace").splitlines()
        print("\n".join(said[-12:]))
    grown = growth(samples)
    for figure, (early, late) in grown.items():
        print(f"{figure:14} {early:10.1f} {late:10.1f}")
    flat = all(late <= early * MOST_GROWTH for name, (early, late) in grown.items() if name != "waiting_rows")
    return 0 if players.returncode == 0 and flat else 1


if __name__ == "__main__":
    sys.exit(main())
