"""Memory of an idle hub: without the knowledge base's models, and with them."""

from __future__ import annotations

import json
import time
import urllib.request

from benchmarks.harness import Context, Figure, hub, memory

WITHOUT, WITH = 150.0, 800.0
SETTLE = 5.0


def run(context: Context) -> dict[str, Figure]:
    found = {}
    for name, setting in (("without", "absent"), ("with", "auto")):
        folder = context.folder / name
        folder.mkdir()
        with hub(folder, CENTRALITA_KNOWLEDGE=setting) as (address, child):
            deadline = time.monotonic() + 120
            while _knowledge(address) not in ("ready", "absent"):  # the hub's own state may be that of another part
                if time.monotonic() > deadline:
                    raise TimeoutError("the models were not ready within two minutes")
                time.sleep(0.5)
            time.sleep(SETTLE)  # measured at rest, not while the last allocation is given back
            found[name] = memory(child.pid)
    holds = found["without"] <= WITHOUT and found["with"] <= WITH
    return {"memory_idle": Figure(found["without"], "MB", holds, found["with"], None, [found])}


def _knowledge(address: str) -> str:
    with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:  # noqa: S310  # loopback
        return str(json.loads(answer.read())["parts"]["knowledge"])
