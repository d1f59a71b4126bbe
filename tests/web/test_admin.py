"""The hub's health, and work that was given up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.services import health
from hub.store import tables as t
from tests.fixtures_hub import World
from tests.web.conftest import Screen


def parts(screen: Screen) -> dict[str, str]:
    return {each["name"]: each["state"] for each in screen.get("/health")["parts"]}


def test_all_is_well(open_screen: Callable[..., Screen], database: str) -> None:
    shown = open_screen("supervisor").get("/health")
    assert shown["state"] == "ok"
    found = {each["name"]: each for each in shown["parts"]}
    assert {name: each["state"] for name, each in found.items()} == {
        "database": "ok",
        "work": "ok",
        "bot": "ready",
        "knowledge": "ready",
    }
    assert found["database"]["detail"] == {"kind": "sqlite" if database == "sqlite" else "postgresql"}


def test_a_model_that_loads_is_warming(world: World, open_screen: Callable[..., Screen]) -> None:
    world.knowledge.warming = True
    assert open_screen("supervisor").get("/health")["state"] == "warming"


def test_work_that_nobody_does_is_degraded(world: World, open_screen: Callable[..., Screen]) -> None:
    supervisor = open_screen("supervisor")
    world.say("hello")
    assert parts(supervisor)["work"] == "ok"
    world.clock.pass_time(61_000_000)
    assert parts(supervisor)["work"] == "down"
    assert supervisor.get("/health")["state"] == "degraded"


def test_a_database_that_does_not_answer_is_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def read(self) -> None:
            raise ConnectionError("no route")

    broken = type(world.hub)(
        **{name: getattr(world.hub, name) for name in world.hub.__dataclass_fields__} | {"store": Gone()}
    )
    found = health.parts(broken)
    assert (found[0].name, found[0].state, found[0].detail["error"]) == ("database", "down", "ConnectionError")
    assert health.state(found) == "degraded"


def test_dead_work_is_shown_and_given_another_chance(world: World, open_screen: Callable[..., Screen]) -> None:
    administrator = open_screen("administrator")
    conversation_id = world.say("I want a person").conversation_id
    world.run()
    sent = len(world.paper.sent)
    administrator.change("POST", f"/conversations/{conversation_id}/messages", {"client_id": "c", "text": "Hello"})
    world.store.write(
        lambda tx: tx.change(
            t.outbox, {"state": "pending"}, {"state": "dead", "attempts": 5, "last_error": "no route to provider"}
        )
    )
    (row,) = [each for each in administrator.get("/outbox/dead")["items"] if each["handler"] == "deliver"]
    assert (row["attempts"], row["last_error"]) == (5, "no route to provider")
    assert parts(administrator)["work"] == "dead_rows"
    world.nudger.take()
    assert administrator.change("POST", f"/outbox/{row['id']}/replay") == {"ok": True}
    assert world.run() >= 1
    assert len(world.paper.sent) == sent + 1
    assert administrator.problem("POST", f"/outbox/{row['id']}/replay") == (404, "not_found")
