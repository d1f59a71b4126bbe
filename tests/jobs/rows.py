"""Outbox rows of a handler of the test's own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select

from hub.domain import events as e
from hub.jobs.handlers import Job
from hub.jobs.runner import Runner
from hub.store import tables as t
from hub.store.unit_of_work import Tx
from tests.fixtures_hub import ANA, World


def put(world: World, key: str = "k", *, handler: str = "probe", slow: bool = False) -> int:
    """A row that is due and that nobody was told of. Returns its id."""

    def use_case(tx: Tx) -> int:
        recorded = tx.record(ANA, e.PresenceChanged("busy", ""))
        row = {"event_id": recorded.id, "handler": handler, "order_key": key, "slow": int(slow), "due_at": tx.now}
        return int(tx.connection.execute(insert(t.outbox).values(row).returning(t.outbox.c.id)).scalar_one())

    return world.store.write(use_case)


def row(world: World, outbox_id: int) -> Any:
    with world.store.read() as connection:
        return connection.execute(select(t.outbox).where(t.outbox.c.id == outbox_id)).one()


def runner(world: World, **jobs: Job) -> Runner:
    return Runner(world.hub, jobs)


def teams(world: World) -> set[str]:
    """The teams that a test's handlers wrote, as a sign of what was committed."""
    with world.store.read() as connection:
        return set(connection.execute(select(t.team.c.id).where(t.team.c.id.like("by-%"))).scalars())


def writes(name: str) -> Any:
    """A use case that leaves a sign."""
    return lambda tx: tx.add(t.team, {"id": f"by-{name}", "name": f"by-{name}"})
