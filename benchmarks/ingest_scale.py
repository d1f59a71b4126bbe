"""Text messages a second into a hub with a million stored messages, against an empty one, in turns; what makes a run
count is as in `ingest_sqlite`."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks import ingest_sqlite as ingest
from benchmarks import loader
from benchmarks.harness import Context, Figure, Load, free_port, furnish, hub, hub_environment, load, median

STORED = 1_000_000
MESSAGES = 3_000
PER_CONVERSATION = 2
LEAST = 0.85


def run(context: Context) -> dict[str, Figure]:
    full: list[Load] = []
    empty: list[Load] = []
    loaded = context.folder / "loaded"
    loaded.mkdir()
    environment = hub_environment(loaded, 8000)
    furnish(environment)
    loader.load(environment, context.scaled(STORED // PER_CONVERSATION, 1_000))
    for number in range(ingest.ROUNDS if context.size >= ingest.ALL_ROUNDS_FROM else 1):
        folder = context.folder / f"empty-{number}"
        folder.mkdir()
        empty.append(measure(folder, context))
        folder = context.folder / f"full-{number}"
        shutil.copytree(loaded, folder)  # to load it takes minutes
        full.append(measure(folder, context))
        shutil.rmtree(folder)
    value, limit = median([each.rate for each in full]), median([each.rate for each in empty])
    runs = [
        {"messages_per_second": round(ours.rate, 1), "empty_per_second": round(none.rate, 1)}
        for ours, none in zip(full, empty, strict=True)
    ]
    return {"ingest_scale": Figure(value, "messages/s", value / limit >= LEAST, limit, value / limit, runs)}


def measure(folder: Path, context: Context) -> Load:
    """One run of texts into the hub of a folder."""
    messages, customers = context.scaled(MESSAGES, 60), context.scaled(ingest.CUSTOMERS, 15)
    with hub(folder, CENTRALITA_THREADS=str(ingest.THREADS)) as (address, _):
        provider = free_port()
        webhook = ingest.connect(folder, address, provider)
        first, then = range(messages // 4), range(messages // 4, messages // 4 + messages)
        with ingest.twilio(folder, provider, webhook):
            load(address, ingest.requests(webhook, first, customers), connections=ingest.CONNECTIONS)
            ingest.settled(folder)
            before = ingest.stored(folder)
            result = load(address, ingest.requests(webhook, then, customers), connections=ingest.CONNECTIONS)
            ingest.counts(folder, before, result)
    return result
