"""500 customers at once on all channels for ten minutes: how soon an agent sees what they wrote, and whether it is all
there once.

The customers are those of `centralita simulate`, through the simulated providers, with two agents who answer; the
times are from the hub's 200 to the socket of an agent's open screen. Both ends are compared by the providers' ledgers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, Context, Figure, free_port, hub, process, wait_for
from hub.services import demo
from hub.simulation.players import PLAYERS

CUSTOMERS = 500
MINUTES = 10.0
RATE = 8.0  # messages a second, all channels together: everybody writes once a minute
SEED = 8
THREADS = 192
MOST_MS = 300.0
# The hub's provider is not there: who answers are the agents.
ACCOUNT, TOKEN = f"AC{'0' * 32}", "a-token-of-nobodys-account"


def run(context: Context) -> dict[str, Figure]:
    """Raises RuntimeError when the simulation ends without a result."""
    result = play(context.folder, context.scaled(CUSTOMERS, 10), max(0.1, MINUTES * context.size))
    seen, everything = result["all"]["visible_ms"], result["all"]["accepted_ms"]
    wrong = {kind: result[kind] for kind in ("lost", "doubled", "invented", "out_of_order", "unfinished")}
    holds = seen["p95"] <= MOST_MS and not wrong["lost"] and not wrong["doubled"]
    summary: dict[str, float] = {
        "messages": result["reconciled"]["to_the_hub"],
        "answers": result["reconciled"]["to_the_customers"],
        **wrong,
    }
    summary |= {"customers": result["customers"], "messages_per_second": result["rate_reached"]}
    summary |= {f"visible_{share}_ms": seen[share] for share in ("p50", "p95", "p99")}
    summary |= {f"accepted_{share}_ms": everything[share] for share in ("p50", "p95", "p99")}
    summary |= {f"{name}_visible_p95_ms": each["visible_ms"]["p95"] or 0.0 for name, each in result["channels"].items()}
    return {"simulate": Figure(seen["p95"], "ms p95", holds, runs=[summary])}


def play(folder: Path, customers: int, minutes: float) -> dict[str, Any]:
    """The result that `centralita simulate` writes, of a hub of its own."""
    port, simulators, mail, hub_mail = (free_port() for _ in range(4))
    url = f"http://127.0.0.1:{port}"
    told = {
        "CENTRALITA_PUBLIC_URL": url,
        "CENTRALITA_THREADS": str(THREADS),
        "CENTRALITA_SIMULATOR_URL": f"http://127.0.0.1:{simulators}",
        "CENTRALITA_SIMULATOR_ACCOUNT": ACCOUNT,
        "CENTRALITA_SIMULATOR_TOKEN": TOKEN,
        "CENTRALITA_SIMULATOR_SMTP": f"127.0.0.1:{mail}",
        "CENTRALITA_SMTP_LISTEN": f"127.0.0.1:{hub_mail}",
        "CENTRALITA_FETCH_ALLOW": f"127.0.0.1:{simulators}",
    }
    numbers = [f"--number={number}={url}/webhooks/{demo.SMS_KEY}" for number in demo.SMS_NUMBERS]
    apps = [f"--app={app}={url}/webhooks/demo-{app}" for app in demo.APPS]
    mails = ["--mail-port", str(mail), "--hub-mail", f"127.0.0.1:{hub_mail}"]
    command = [sys.executable, "-m", "channels.simulators", "--port", str(simulators), *mails, *numbers, *apps]
    written = folder / "result.json"
    with (
        process(command, told, folder / "simulators.log"),
        hub(folder, port=port, **told),
    ):
        wait_for(told["CENTRALITA_SIMULATOR_URL"] + "/control/numbers")
        how = ["--rate", str(RATE), "--minutes", str(minutes), "--seed", str(SEED), "--customers", str(customers)]
        how += ["--channels", ",".join(PLAYERS), "--agents", "2", "--drain", "120", "--json", str(written)]
        done = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-m", "hub", "simulate", *how],
            env={**os.environ, **told, "CENTRALITA_PORT": str(port)},
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
    if not written.exists():
        raise RuntimeError(f"the simulation ended with {done.returncode}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(written.read_text())
    return found
