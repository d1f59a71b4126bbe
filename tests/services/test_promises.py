"""Promises in a real store: clocks in the row, announced once, the same from the log; and open hours that are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from hub.domain import events as e
from hub.domain import hours, sla
from hub.domain.errors import NotFound, Refused
from hub.domain.hours import MINUTE
from hub.domain.messages import Author
from hub.jobs.sweeper import Sweeper
from hub.services import assignment, handoff, promises, public_holidays, replies
from hub.store import replay
from hub.store import tables as t
from tests.fixtures_hub import ANA, PAPER, SECOND_TEAM, TEAM, World

BY = e.Actor(Author.AGENT, ANA)
POLICY = sla.to_data(sla.Policy("Standard", {"first_response": 30 * MINUTE, "resolution": 480 * MINUTE}))
NEVER_ON_SUNDAY = {"zone": "Europe/Madrid", "week": [[["09:00", "18:00"]]] * 6 + [[]]}
# 2026-11-06, a Friday, 17:50 in Madrid.
FRIDAY = 1_793_983_800_000_000


def promise(world: World, **change: Any) -> str:
    policy_id = world.store.write(lambda tx: promises.save_policy(tx, POLICY | change, ANA))
    world.store.rulebook.forget()
    return policy_id


def state_hours(world: World, owner: str = f"team:{TEAM}", **options: str) -> None:
    world.store.write(lambda tx: promises.set_hours(tx, owner, NEVER_ON_SUNDAY, ANA, **options))
    world.store.rulebook.forget()


def hand_over(world: World) -> None:
    conversation_id = world.received[-1].conversation_id
    world.store.write(lambda tx: handoff.hand_over(tx, conversation_id, reason="asked", open_question=""))


def minutes_left(world: World) -> int:
    """The clock of a test goes on by a microsecond with each look at it."""
    return round((world.conversation().sla_due_at - world.clock.now()) / MINUTE)


def announced(world: World) -> list[str]:
    return [kind for kind in world.kinds() if kind in ("SlaWarned", "SlaBreached")]


def differences(world: World) -> list[str]:
    with world.store.read() as connection:
        return replay.check(connection).differences


def test_a_promise_runs_from_the_handoff_and_ends_with_an_answer(world: World) -> None:
    promise(world)
    world.say("hello")
    assert world.conversation().sla_due_at == 0, "the bot has it"
    hand_over(world)
    assert (world.conversation().sla_clock, minutes_left(world)) == ("first_response", 30)
    world.clock.pass_time(5 * MINUTE)
    conversation_id = world.received[-1].conversation_id
    world.store.write(lambda tx: replies.reply(tx, conversation_id, ANA, "Hello", "c-1"))
    assert world.conversation().sla_due_at == 0
    assert differences(world) == []


def test_warnings_and_breaches_come_once_whoever_sweeps_and_however_late(make_world: Callable[..., World]) -> None:
    world = make_world()
    promise(world)
    world.say("hello")
    hand_over(world)
    sweepers = [Sweeper(world.hub), Sweeper(world.hub)]
    world.clock.pass_time(23 * MINUTE)
    sweepers[0].sweep()
    assert announced(world) == []
    world.clock.pass_time(2 * MINUTE)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: sweepers[number % 2].sweep(), range(4)))
    assert announced(world) == ["SlaWarned"]
    world.clock.pass_time(3 * 24 * 60 * MINUTE)  # nobody ran it for days
    for sweeper in sweepers:
        sweeper.sweep()
    assert announced(world) == ["SlaWarned", "SlaBreached", "SlaWarned", "SlaBreached"]
    assert world.conversation().sla_breached == 1
    assert world.conversation().sla_next_at == 0
    assert differences(world) == []


def test_the_first_policy_that_covers_it_counts_and_follows_team_and_priority(world: World) -> None:
    promise(world, name="Second line", team_ids=[SECOND_TEAM], targets={"first_response": 600})
    promise(world, name="Urgent", priorities=["urgent"], targets={"first_response": 120})
    world.say("hello")
    hand_over(world)
    conversation_id = world.received[-1].conversation_id
    assert world.conversation().sla_policy == ""
    world.store.write(lambda tx: assignment.transfer(tx, conversation_id, SECOND_TEAM, BY))
    assert minutes_left(world) == 10
    world.store.write(lambda tx: assignment.transfer(tx, conversation_id, TEAM, BY))
    assert world.conversation().sla_policy == ""
    world.store.write(lambda tx: assignment.set_priority(tx, conversation_id, 4, BY))
    assert minutes_left(world) == 2
    assert differences(world) == []


def test_a_policy_for_some_customers(world: World) -> None:
    promise(world, contact_fields={"contract": "gold"})
    for sender, contract in (("golden", "gold"), ("other", "silver")):
        world.say("hello", sender=sender)
        contact_id = world.conversation().contact_id
        values = {"contact_id": contact_id, "name": "contract", "value": contract}
        world.store.write(lambda tx, values=values: tx.add(t.contact_field, values))
        hand_over(world)
        assert bool(world.conversation().sla_due_at) is (contract == "gold")


def test_a_new_version_leaves_open_conversations_as_they_were(world: World) -> None:
    policy_id = promise(world)
    world.say("hello")
    hand_over(world)
    due = world.conversation().sla_due_at
    changed = POLICY | {"targets": {"first_response": 60}}
    world.store.write(lambda tx: promises.save_policy(tx, changed, ANA, policy_id=policy_id))
    world.store.rulebook.forget()
    world.say("are you there?")
    assert world.conversation().sla_due_at == due
    world.say("hello", sender="somebody else")
    hand_over(world)
    assert minutes_left(world) == 1
    world.store.write(lambda tx: promises.withdraw_policy(tx, policy_id, ANA))
    world.store.rulebook.forget()
    world.say("hello", sender="a third")
    assert world.conversation().sla_policy == ""
    assert differences(world) == []


def test_a_difference_between_row_and_log_is_found(world: World) -> None:
    promise(world)
    world.say("hello")
    hand_over(world)
    conversation_id = world.received[-1].conversation_id
    world.store.write(lambda tx: tx.change(t.conversation, {"id": conversation_id}, {"sla_due_at": 1}))
    assert len(differences(world)) == 1


def test_clocks_run_in_the_hours_of_the_team_else_of_the_inbox(world: World) -> None:
    promise(world)
    state_hours(world, f"inbox:{PAPER}")
    world.clock.pass_time(FRIDAY - world.clock.now())
    world.say("hello")
    hand_over(world)
    # Ten minutes on Friday, twenty on Saturday.
    due = hours.local(hours.from_data(NEVER_ON_SUNDAY), world.conversation().sla_due_at)
    assert f"{due:%Y-%m-%d %H:%M}" == "2026-11-07 09:20"
    world.store.write(lambda tx: promises.set_hours(tx, f"inbox:{PAPER}", None, ANA))
    world.store.rulebook.forget()
    world.say("hello", sender="somebody else")
    hand_over(world)
    assert minutes_left(world) == 30
    assert differences(world) == []


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "open again on Monday, 9 November, at 09:00 (Madrid time)"),
        ("es", "volvemos a abrir el lunes 9 de noviembre a las 09:00 (hora de Madrid)"),
    ],
)
def test_whoever_writes_at_night_is_told_when_somebody_is_there(world: World, language: str, words: str) -> None:
    state_hours(world)
    world.clock.pass_time(FRIDAY + 31 * 60 * MINUTE - world.clock.now())  # Sunday, 00:50
    world.say("hello", language=language)
    hand_over(world)
    said = world.thread()[-1][1]
    assert words in said.replace("tomorrow", "on Monday, 9 November,").replace("mañana", "el lunes 9 de noviembre")
    assert str(world.conversation().ticket_number) in said


def test_whoever_writes_while_somebody_is_there_is_told_nothing_of_hours(world: World) -> None:
    state_hours(world)
    world.clock.pass_time(FRIDAY - world.clock.now())
    world.say("hello")
    hand_over(world)
    assert "closed" not in world.thread()[-1][1]


def test_the_holidays_are_kept_with_the_version(world: World) -> None:
    state_hours(world, country="ES", region="MD")
    with world.store.read() as connection:
        (data,) = connection.execute(select(t.opening_hours.c.data)).scalars()
    assert date(2026, 12, 25) in hours.from_data(json.loads(data)).holidays


def test_holidays_of_a_region() -> None:
    assert date(2026, 5, 2) in public_holidays.dates("ES", "MD", FRIDAY)
    assert date(2026, 5, 2) not in public_holidays.dates("ES", "CT", FRIDAY)
    for country, region, field in (("XX", "", "country"), ("ES", "BY", "region")):
        with pytest.raises(Refused) as refused:
            public_holidays.dates(country, region, FRIDAY)
        assert refused.value.field == field


def test_there_must_be_such_an_owner_or_policy(world: World) -> None:
    for owner in ("team:nobody", "agent:agent-ana", ""):
        with pytest.raises(NotFound):
            world.store.write(lambda tx, owner=owner: promises.set_hours(tx, owner, NEVER_ON_SUNDAY, ANA))
    with pytest.raises(NotFound):
        world.store.write(lambda tx: promises.save_policy(tx, POLICY, ANA, policy_id="none"))
    with pytest.raises(NotFound):
        world.store.write(lambda tx: promises.withdraw_policy(tx, "none", ANA))
