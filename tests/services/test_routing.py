"""Waiting conversations find somebody: asked or given, never too much, never twice."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from hub.domain import events as e
from hub.domain import routing as r
from hub.domain.conversation import Status
from hub.domain.errors import Conflict
from hub.domain.messages import Author
from hub.jobs.sweeper import Sweeper
from hub.services import assignment, handoff, presence, routing
from hub.store import replay
from hub.store import tables as t
from hub.store.queries import routing as queries
from hub.store.queries import staffing, turns
from hub.store.unit_of_work import Tx
from tests.fixtures_hub import ANA, BEN, PAPER, SECOND_TEAM, TEAM, World

BY_ANA = e.Actor(Author.AGENT, ANA)


def set_mode(world: World, mode: str) -> None:
    settings = json.dumps({"rules": {"routing": mode}})
    world.store.write(lambda tx: tx.change(t.inbox, {"id": PAPER}, {"settings": settings}))
    world.hub.inboxes.forget()
    assert world.hub.inboxes.by_id(PAPER).routing == mode


def here(world: World, *agents: str) -> None:
    for agent_id in agents:
        world.store.write(lambda tx, each=agent_id: presence.set_presence(tx, each, "available"))


def ask_for_a_person(world: World, sender: str = "customer-1") -> str:
    conversation_id = world.say("hello", sender=sender).conversation_id
    world.store.write(lambda tx: handoff.hand_over(tx, conversation_id, reason="customer_asked", open_question=""))
    return conversation_id


def agree(world: World) -> bool:
    with world.store.read() as connection:
        return replay.check(connection).differences == []


def test_by_default_nobody_is_given_anything(world: World) -> None:
    here(world, ANA, BEN)
    conversation_id = ask_for_a_person(world)
    world.run()
    Sweeper(world.hub).sweep()
    assert world.conversation(conversation_id).status == Status.WAITING
    assert "AssignmentDecided" not in world.kinds(conversation_id)


def test_given_on_arrival_with_everything_that_the_decision_was_made_from(world: World) -> None:
    set_mode(world, "automatic")
    here(world, ANA, BEN)
    world.store.write(lambda tx: tx.change(t.agent, {"id": BEN}, {"capacity": '{"paper": 0}'}))
    conversation_id = ask_for_a_person(world)
    world.run()
    found = world.conversation(conversation_id)
    assert (found.status, found.assignee_id) == (Status.ASSIGNED, ANA)
    with world.store.read() as connection:
        rows = connection.execute(t.event.select().where(t.event.c.kind == "AssignmentDecided")).all()
    [decided] = [e.from_data(row.kind, json.loads(row.data)) for row in rows]
    assert isinstance(decided, e.AssignmentDecided)
    assert (decided.agent_id, decided.eligible, decided.turned_away) == (ANA, 1, ("full|1",))
    assert [(each.agent_id, each.own_team) for each in decided.candidates] == [(ANA, 100.0)]
    assert agree(world)


def test_given_when_somebody_has_room_again_or_comes(world: World) -> None:
    set_mode(world, "automatic")
    world.store.write(lambda tx: tx.change(t.agent, {"id": ANA}, {"capacity": '{"paper": 1}'}))
    here(world, ANA)
    first, second, third = (ask_for_a_person(world, f"customer-{n}") for n in range(3))
    world.run()
    assert [world.conversation(each).assignee_id for each in (first, second, third)] == [ANA, "", ""]
    world.store.write(lambda tx: assignment.resolve(tx, first, BY_ANA))
    world.run()
    assert [world.conversation(each).assignee_id for each in (second, third)] == [ANA, ""]
    here(world, BEN)
    world.run()
    assert world.conversation(third).assignee_id == BEN


def test_an_offer_goes_to_the_next_when_it_is_declined_or_not_answered(world: World) -> None:
    set_mode(world, "offer")
    here(world, ANA)
    world.clock.pass_time(r.MINUTE)
    here(world, BEN)
    conversation_id = ask_for_a_person(world)
    world.run()
    found = world.conversation(conversation_id)
    assert (found.status, found.offered_to) == (Status.WAITING, ANA), "who has been idle longest is asked first"
    assert 0 < found.offered_until - found.waiting_since - routing.OFFER < r.SECOND
    with pytest.raises(Conflict, match="not offered to you"):
        world.store.write(lambda tx: routing.accept(tx, conversation_id, BEN))
    world.store.write(lambda tx: routing.decline(tx, conversation_id, ANA))
    world.run()
    assert world.conversation(conversation_id).offered_to == BEN
    world.clock.pass_time(routing.OFFER)
    with pytest.raises(Conflict, match="any more"):
        world.store.write(lambda tx: routing.accept(tx, conversation_id, BEN))
    Sweeper(world.hub).sweep()
    assert world.kinds(BEN)[-1] == "PresenceChanged"
    world.run()
    assert world.conversation(conversation_id).offered_to == "", "Ana has just let it pass, Ben is busy"
    world.clock.pass_time(r.REST)
    Sweeper(world.hub).sweep()
    assert world.conversation(conversation_id).offered_to == ANA, "with time it is her turn again"
    world.store.write(lambda tx: routing.accept(tx, conversation_id, ANA))
    found = world.conversation(conversation_id)
    assert (found.status, found.assignee_id, found.offered_to) == (Status.ASSIGNED, ANA, "")
    assert world.count(t.passed) == 0
    assert agree(world)


def test_whoever_goes_away_is_not_asked_any_more(world: World) -> None:
    set_mode(world, "offer")
    here(world, ANA)
    conversation_id = ask_for_a_person(world)
    world.run()
    world.store.write(lambda tx: presence.set_presence(tx, ANA, "break", "lunch"))
    assert world.conversation(conversation_id).offered_to == ""
    here(world, BEN)
    world.run()
    assert world.conversation(conversation_id).offered_to == BEN


def test_people_may_still_take_and_move_what_is_offered_to_somebody(world: World) -> None:
    set_mode(world, "offer")
    here(world, ANA)
    taken, moved, mine = (ask_for_a_person(world, f"customer-{n}") for n in range(3))
    world.run()
    assert {world.conversation(each).offered_to for each in (taken, moved, mine)} == {ANA}
    world.store.write(lambda tx: assignment.take(tx, taken, BEN))
    world.store.write(lambda tx: assignment.transfer(tx, moved, SECOND_TEAM, BY_ANA))
    world.store.write(lambda tx: assignment.take(tx, mine, ANA))
    assert world.kinds(taken)[-2:] == ["OfferWithdrawn", "Assigned"]
    assert world.kinds(moved)[-2:] == ["OfferWithdrawn", "Transferred"]
    assert world.kinds(mine)[-2:] == ["OfferAccepted", "Assigned"]
    assert [world.conversation(each).assignee_id for each in (taken, moved, mine)] == [BEN, "", ANA]
    assert agree(world)


def test_skills_are_asked_for_and_given_up_only_as_the_schedule_says(world: World) -> None:
    """Spanish is required of whoever answers a Spanish conversation, once it is a skill of the house."""

    def skills(tx: Tx) -> None:
        for name, kind in (("es", "language"), ("repair", "topic")):
            tx.add(t.skill, {"name": name, "kind": kind})
        tx.add(t.agent_skill, {"agent_id": ANA, "skill": "es", "level": 2})
        tx.add(t.agent_skill, {"agent_id": BEN, "skill": "repair", "level": 5})

    world.store.write(skills)
    set_mode(world, "automatic")
    here(world, ANA, BEN)
    conversation_id = world.say("hola", language="es").conversation_id
    need = {"conversation_id": conversation_id, "skill": "repair", "level": 1, "required": 1}
    world.store.write(lambda tx: tx.add(t.conversation_need, need))
    schedule = '[{"after": 60000000, "lower": 0, "optional": ["repair"]}]'
    world.store.write(lambda tx: tx.change(t.team, {"id": TEAM}, {"widening": schedule}))
    world.store.write(lambda tx: handoff.hand_over(tx, conversation_id, reason="customer_asked", open_question=""))
    world.run()
    assert world.conversation(conversation_id).status == Status.WAITING, "nobody has both"
    world.clock.pass_time(r.MINUTE)
    sweeper = Sweeper(world.hub)
    sweeper.sweep()
    assert world.conversation(conversation_id).assignee_id == ANA, "Spanish is never given up"


def test_another_team_helps_out_after_its_time(world: World) -> None:
    def prepare(tx: Tx) -> None:
        tx.remove(t.team_member, {"agent_id": BEN})
        tx.add(t.team_member, {"agent_id": BEN, "team_id": SECOND_TEAM})
        tx.change(t.team, {"id": TEAM}, {"overflow": json.dumps([{"team": SECOND_TEAM, "after": 3 * r.MINUTE}])})

    world.store.write(prepare)
    set_mode(world, "automatic")
    here(world, BEN)
    conversation_id = ask_for_a_person(world)
    world.run()
    sweeper = Sweeper(world.hub)
    sweeper.sweep()
    assert world.conversation(conversation_id).status == Status.WAITING
    world.clock.pass_time(3 * r.MINUTE)
    sweeper.sweep()
    found = world.conversation(conversation_id)
    assert (found.assignee_id, found.team_id) == (BEN, TEAM), "it stays the team's that it came to"


def test_the_customer_comes_back_to_whom_they_know(world: World) -> None:
    set_mode(world, "automatic")
    here(world, ANA, BEN)
    first = ask_for_a_person(world)
    world.store.write(lambda tx: assignment.assign(tx, first, BEN, BY_ANA))
    world.store.write(lambda tx: assignment.resolve(tx, first, BY_ANA))
    world.clock.pass_time(30 * 24 * 60 * r.MINUTE)
    second = ask_for_a_person(world)
    assert second != first
    world.run()
    assert world.conversation(second).assignee_id == BEN


def test_a_thousand_arrive_at_once_for_fifty_agents(world: World) -> None:
    """While some are resolved, so that room comes up again: nobody has ever more than they can, nothing is given twice,
    and nothing waits while somebody has room."""
    agents, arrivals, most = 50, 1_000, 3

    def hire(tx: Tx) -> None:
        for number in range(agents):
            agent_id = f"agent-{number:02}"
            values = {"id": agent_id, "name": agent_id, "email": f"{agent_id}@x", "role": "agent"}
            tx.add(t.agent, values | {"presence": "available", "capacity": json.dumps({"paper": most})})
            tx.add(t.team_member, {"team_id": TEAM, "agent_id": agent_id})

    world.store.write(hire)
    set_mode(world, "automatic")
    resolved = Counter[str]()
    lock = threading.Lock()

    def come(tx: Tx) -> None:
        opened = e.ConversationOpened(0, "contact", PAPER, "identity", "paper", Status.WAITING, TEAM, "en")
        tx.record(tx.new_id(), opened)

    def finish_one(number: int) -> None:
        agent_id = f"agent-{number % agents:02}"
        with world.store.read() as connection:
            c = t.conversation.c
            mine = t.conversation.select().where(c.assignee_id == agent_id, c.status == Status.ASSIGNED)
            found = connection.execute(mine.limit(1)).one_or_none()
        if found is not None:
            try:
                world.store.write(lambda tx: assignment.resolve(tx, found.id, e.Actor(Author.AGENT, agent_id)))
            except Conflict:
                return
            with lock:
                resolved[agent_id] += 1

    def arrive(number: int) -> None:
        world.store.write(come)
        if number % 4 == 3:
            finish_one(number)
        if number % 4 == 0:
            routing.give_away_all(world.hub)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(arrive, range(arrivals)))
    routing.give_away_all(world.hub)
    with world.store.read() as connection:
        events = connection.execute(t.event.select().order_by(t.event.c.id)).all()
        left = queries.agents(connection)
    having: dict[str, set[str]] = {}
    assigned = Counter[str]()
    for row in events:
        if row.kind == "Assigned":
            assigned[row.stream_id] += 1
            having.setdefault(json.loads(row.data)["agent_id"], set()).add(row.stream_id)
        elif row.kind == "Resolved":
            for mine in having.values():
                mine.discard(row.stream_id)
        assert all(len(mine) <= most for mine in having.values()), "never over capacity, at no point of the log"
    assert set(assigned.values()) == {1}, "nothing is given twice"
    assert len(assigned) == agents * most + sum(resolved.values())
    assert {agent.load for agent in left if agent.presence == "available"} == {r.WHOLE}, "nobody idle while some wait"
    assert agree(world)


def test_the_queue_is_read_in_the_order_that_the_rule_says(world: World) -> None:
    """The same order in SQL as in `hub.domain.routing`, for every priority and promise."""
    dice = random.Random(3)  # noqa: S311  # cases, not secrets

    def fill(tx: Tx) -> None:
        for _ in range(60):
            conversation_id = tx.new_id()
            opened = e.ConversationOpened(0, "contact", PAPER, "identity", "paper", Status.WAITING, TEAM, "en")
            tx.record(conversation_id, opened)
            tx.flush()
            since = tx.now - dice.randint(0, 60) * r.MINUTE
            deadline = dice.choice((0, since + dice.randint(-20, 60) * r.MINUTE))
            values = {"waiting_since": since, "priority": dice.randint(0, 4), "sla_due_at": deadline}
            tx.connection.execute(t.conversation.update().where(t.conversation.c.id == conversation_id).values(values))

    world.store.write(fill)
    with world.store.read() as connection:
        found = list(queries.waiting(connection, {PAPER}))
        assert len(found) == 60
        assert found == sorted(found, key=r.order)
        places = [queries.place(connection, turns.conversation(connection, each.id), 100) for each in found]
    assert places == list(range(1, 61))


def test_whoever_resolved_something_is_left_alone_and_comes_back_by_themselves(world: World) -> None:
    set_mode(world, "automatic")
    world.store.write(lambda tx: tx.change(t.team, {"id": TEAM}, {"wrap_up": 90 * r.SECOND}))
    world.store.write(lambda tx: tx.change(t.agent, {"id": ANA}, {"capacity": '{"paper": 1}'}))
    here(world, ANA)
    first, second = ask_for_a_person(world, "customer-1"), ask_for_a_person(world, "customer-2")
    world.run()
    world.store.write(lambda tx: assignment.resolve(tx, first, BY_ANA))
    world.run()
    assert world.conversation(second).status == Status.WAITING, "she wraps up"
    sweeper = Sweeper(world.hub)
    world.clock.pass_time(80 * r.SECOND)
    sweeper.sweep()
    with world.store.read() as connection:
        now = staffing.presence(connection, ANA)
    assert (now.presence, now.reason) == ("wrap_up", "resolved")
    world.clock.pass_time(10 * r.SECOND)
    sweeper.sweep()
    world.run()
    with world.store.read() as connection:
        now = staffing.presence(connection, ANA)
    assert (now.presence, now.reason, now.until) == ("available", "wrap_up_over", 0)
    assert world.conversation(second).assignee_id == ANA
    assert agree(world)


def test_a_wrap_up_that_an_agent_begins_ends_by_itself_too_and_no_other_state_does(world: World) -> None:
    world.store.write(lambda tx: tx.change(t.team, {"id": TEAM}, {"wrap_up": 60 * r.SECOND}))
    here(world, ANA, BEN)
    world.store.write(lambda tx: presence.set_presence(tx, ANA, "wrap_up"))
    world.store.write(lambda tx: presence.set_presence(tx, BEN, "break", "lunch"))
    world.clock.pass_time(60 * r.SECOND)
    Sweeper(world.hub).sweep()
    with world.store.read() as connection:
        assert staffing.presence(connection, ANA).presence == "available"
        assert staffing.presence(connection, BEN).presence == "break"
    # Whoever was faster than the sweeper is left as they are.
    world.store.write(lambda tx: presence.set_presence(tx, ANA, "busy"))
    world.store.write(lambda tx: presence.end_wrap_up(tx, ANA))
    with world.store.read() as connection:
        assert staffing.presence(connection, ANA).presence == "busy"
