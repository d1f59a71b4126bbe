"""The bot's memory against Rasa's own tracker store, on one SQLite file, in Rasa's own environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.rasa

PROGRAM = """
import asyncio, json, sys
import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted, BotUttered, SessionStarted, SlotSet, UserUttered, UserUtteranceReverted
)
from turn_store import CONVERSATIONS, EVENTS, TurnStore

domain = Domain.load("domain.yml")
ours, other = TurnStore(domain, db=sys.argv[1]), TurnStore(domain, db=sys.argv[1])
rasas = SQLTrackerStore(domain, db=sys.argv[1])
statements = []

def say(text):
    intent = {"name": "greet", "confidence": 0.9}
    return UserUttered(text, intent, [], {"intent": intent, "text": text}, metadata={"author": "a customer"})

def rows():
    with ours.engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(EVENTS)).scalar()

def state(tracker):
    return tracker and json.loads(json.dumps([event.as_dict() for event in tracker.events] + [
        tracker.current_slot_values(), tracker.latest_action_name, tracker.followup_action, tracker.active_loop_name]))

async def add(store, conversation, *events):
    tracker = await store.get_or_create_tracker(conversation, append_action_listen=False)
    tracker.update_with_events(events, domain)
    await store.save(tracker)

async def states(conversation):
    found = [state(await store.retrieve(conversation)) for store in (ours, rasas, other)]
    return found + [state(await store.retrieve_full_tracker(conversation)) for store in (ours, rasas)]

async def main():
    found = {"unknown": await states("nobody")}
    begin = (ActionExecuted("action_session_start"), SessionStarted(), ActionExecuted("action_listen"))
    await add(ours, "a", *begin, SlotSet("language", "es"), say("hola"), BotUttered("Hola", {"buttons": None}))
    found["ours"] = await states("a")
    await add(rasas, "a", ActionExecuted("action_listen"), say("and more"), SlotSet("purpose", "refund"))
    found["theirs"] = await states("a")
    await add(other, "a", UserUtteranceReverted(), ActionExecuted("action_listen"))
    found["of another process"] = await states("a")
    await add(ours, "a", *begin, say("a new session"))
    found["session"] = await states("a")
    sa.event.listen(ours.engine, "before_cursor_execute", lambda *given: statements.append(given[2].split()[0]))
    before = rows()
    statements.clear()
    await add(ours, "a", say("1"), say("2"), say("3"))
    found["turn"] = {"rows": rows() - before, "statements": list(statements[:-1])}
    forgotten = await ours.retrieve("a")
    forgotten.update_with_events([SlotSet("purpose", "billing"), say("cut off")], domain)
    found["cut off"] = await states("a")
    with rasas.engine.begin() as connection:
        connection.execute(EVENTS.delete().where(EVENTS.c.id.in_([2, 5])))
    found["rows removed"] = await states("a")
    for number in range(CONVERSATIONS + 3):
        await add(ours, f"many-{number}", say("hello"))
        await ours.retrieve(f"many-{number}")
    found["kept"] = len(ours._read) == CONVERSATIONS
    found["no longer kept"] = await states("a")
    with rasas.engine.begin() as connection:
        connection.execute(EVENTS.delete().where(EVENTS.c.sender_id == "a"))
    found["all removed"] = await states("a")
    with ours.engine.connect() as connection:
        found["journal"] = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
    print(json.dumps(found))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def found(run_in_rasa: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run_in_rasa(PROGRAM, str(tmp_path_factory.mktemp("turn_store") / "tracker.sqlite3"))


@pytest.mark.parametrize(
    "when",
    ["ours", "theirs", "of another process", "session", "cut off", "rows removed", "no longer kept", "all removed"],
)
def test_what_is_read_is_what_rasas_own_store_reads(found: dict[str, Any], when: str) -> None:
    latest, rasas, of_another, whole, rasas_whole = found[when]
    assert latest == rasas == of_another
    assert whole == rasas_whole
    assert (latest is None) == (when == "all removed")


def test_an_unknown_conversation_has_no_tracker(found: dict[str, Any]) -> None:
    assert found["unknown"] == [None] * 5


def test_each_step_was_seen(found: dict[str, Any]) -> None:
    texts = {name: [event.get("text") for event in found[name][0][:-4]] for name in ("theirs", "session", "cut off")}
    assert "and more" in texts["theirs"]
    assert texts["session"] == [None, None, "a new session"]
    assert texts["cut off"][-3:] == ["1", "2", "3"]
    assert len(found["rows removed"][3]) == len(found["cut off"][3]) - 2


def test_a_turn_asks_for_what_is_new_and_writes_only_that(found: dict[str, Any]) -> None:
    """The table's state is asked for when it begins and when it ends; one statement takes all events."""
    assert found["turn"] == {"rows": 3, "statements": ["SELECT", "SELECT", "INSERT"]}


def test_few_conversations_stay_read(found: dict[str, Any]) -> None:
    assert found["kept"] is True


def test_a_commit_does_not_wait_for_the_disk(found: dict[str, Any]) -> None:
    assert found["journal"] == "wal"
