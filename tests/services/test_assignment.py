"""Who has a conversation: never two agents, and counters that tell the truth."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from hub.domain import events as e
from hub.domain.conversation import PRIORITIES, Status
from hub.domain.errors import AlreadyTaken, Conflict, NotFound, Refused
from hub.domain.inbox import DAY
from hub.domain.messages import Author
from hub.services import assignment, handoff, merging, replies
from hub.store import projections, replay
from hub.store import tables as t
from hub.store.queries import people, queue
from hub.store.unit_of_work import CONVERSATION_COLUMNS, Tx, conversation_from
from tests.fixtures_hub import ANA, BEN, SECOND_TEAM, TEAM, World

BY_ANA = e.Actor(Author.AGENT, ANA)


def waiting(world: World, sender: str = "customer-1", priority: int = 0) -> str:
    """A conversation in the queue."""
    conversation_id = world.say("hello", sender=sender).conversation_id
    world.store.write(lambda tx: handoff.hand_over(tx, conversation_id, reason="customer_asked", open_question=""))
    if priority:
        world.store.write(lambda tx: assignment.set_priority(tx, conversation_id, priority, BY_ANA))
    return conversation_id


def truth(world: World) -> dict[str, int]:
    """The badges counted from the conversations' rows themselves."""
    badges: Counter[str] = Counter()
    with world.store.read() as connection:
        for row in connection.execute(t.conversation.select().with_only_columns(*CONVERSATION_COLUMNS)):
            badges.update(projections.badges(conversation_from(row)))
    return dict(badges)


def shown(world: World, *names: str) -> dict[str, int]:
    with world.store.read() as connection:
        return dict(people.counters(connection, names))


def agree(world: World) -> bool:
    with world.store.read() as connection:
        return replay.check(connection).differences == []


def test_fifty_agents_on_one_take_are_one_winner_each(world: World) -> None:
    """Five conversations, fifty agents who all press the button at once, on every one of them."""
    agents = [f"agent-{number}" for number in range(50)]

    def hire(tx: Tx) -> None:
        for agent_id in agents:
            tx.add(t.agent, {"id": agent_id, "name": agent_id, "email": f"{agent_id}@x", "role": "agent"})

    world.store.write(hire)
    ids = [waiting(world, f"customer-{number}") for number in range(5)]
    barrier = threading.Barrier(50)

    def press(agent_id: str) -> list[str]:
        mine = random.Random(agent_id).sample(ids, len(ids))  # noqa: S311  # an order, not a secret
        won = []
        barrier.wait(60)
        for conversation_id in mine:
            try:
                world.store.write(lambda tx, each=conversation_id: assignment.take(tx, each, agent_id))
            except AlreadyTaken:
                continue
            won.append(conversation_id)
        return won

    with ThreadPoolExecutor(50) as pool:
        wins = {agent_id: pool.submit(press, agent_id) for agent_id in agents}
        won = {agent_id: each.result(120) for agent_id, each in wins.items()}
    assert sorted(each for mine in won.values() for each in mine) == sorted(ids), "each has one winner"
    for agent_id, mine in won.items():
        for conversation_id in mine:
            assert world.conversation(conversation_id).assignee_id == agent_id
            assert world.kinds(conversation_id).count("Assigned") == 1
    assert shown(world, "waiting", f"waiting:{TEAM}") == {"waiting": 0, f"waiting:{TEAM}": 0}
    assert agree(world)


def test_counters_are_the_truth_after_everybody_worked_at_once(world: World) -> None:
    ids = [waiting(world, f"customer-{number}") for number in range(6)]

    def busy(seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311
        agent_id = (ANA, BEN)[seed % 2]
        by = e.Actor(Author.AGENT, agent_id)
        for _ in range(8):
            chosen = dice.choice(ids)
            use_case: Callable[[Tx], object] = dice.choice(
                [
                    lambda tx, c=chosen: assignment.take(tx, c, agent_id),
                    lambda tx, c=chosen: assignment.transfer(tx, c, dice.choice((TEAM, SECOND_TEAM)), by),
                    lambda tx, c=chosen: assignment.resolve(tx, c, by),
                    lambda tx, c=chosen: assignment.reopen(tx, c, by),
                    lambda tx, c=chosen: assignment.snooze(tx, c, tx.now + DAY, by),
                    lambda tx, c=chosen: assignment.hand_back(tx, c, by),
                    lambda tx, c=chosen: assignment.assign(tx, c, (ANA, BEN)[dice.random() < 0.5], by),
                ]
            )
            try:
                world.store.write(use_case)
            except Conflict:
                continue

    with ThreadPoolExecutor(8) as pool:
        for each in [pool.submit(busy, seed) for seed in range(8)]:
            each.result(120)
    counted = truth(world)
    assert counted
    names = ("waiting", f"waiting:{TEAM}", f"waiting:{SECOND_TEAM}", f"assigned:{ANA}", f"assigned:{BEN}")
    names += ("bot", "snoozed")
    assert shown(world, *names) == {name: counted.get(name, 0) for name in names}
    assert agree(world)


def test_taking_ones_own_again_is_no_error_and_another_agents_is(world: World) -> None:
    conversation_id = waiting(world)
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    assert world.kinds().count("Assigned") == 1
    with pytest.raises(AlreadyTaken):
        world.store.write(lambda tx: assignment.take(tx, conversation_id, BEN))
    world.store.write(lambda tx: assignment.snooze(tx, conversation_id, tx.now + DAY, BY_ANA))
    with pytest.raises(AlreadyTaken):
        world.store.write(lambda tx: assignment.take(tx, conversation_id, BEN))
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    assert world.conversation().status == Status.ASSIGNED


def test_assigning_gives_it_to_an_agent_who_is_there_whoever_had_it(world: World) -> None:
    conversation_id = waiting(world)
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    world.store.write(lambda tx: assignment.assign(tx, conversation_id, BEN, BY_ANA))
    assert world.conversation().assignee_id == BEN
    world.store.write(lambda tx: tx.change(t.agent, {"id": ANA}, {"disabled": 1}))
    for nobody in (ANA, "nobody", ""):
        with pytest.raises(Refused, match="agent_id"):
            world.store.write(lambda tx, each=nobody: assignment.assign(tx, conversation_id, each, BY_ANA))
    assert world.conversation().assignee_id == BEN


def test_a_transfer_puts_it_into_the_other_teams_queue_with_a_note(world: World) -> None:
    conversation_id = waiting(world)
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    world.store.write(lambda tx: assignment.transfer(tx, conversation_id, SECOND_TEAM, BY_ANA, "Please check the part"))
    found = world.conversation()
    assert (found.status, found.team_id, found.assignee_id) == (Status.WAITING, SECOND_TEAM, "")
    assert found.waiting_since > 0
    assert ("agent", "Please check the part", "delivered") in world.thread()
    assert world.kinds()[-2:] == ["NoteAdded", "Transferred"]
    world.run()
    assert "Please check the part" not in [sent.text for sent in world.paper.sent], "a note is for agents"
    with pytest.raises(Refused, match="team_id"):
        world.store.write(lambda tx: assignment.transfer(tx, conversation_id, "no team", BY_ANA, "a note"))
    assert world.kinds().count("NoteAdded") == 1
    world.store.write(lambda tx: assignment.transfer(tx, conversation_id, TEAM, BY_ANA, "  "))
    assert world.kinds().count("NoteAdded") == 1, "an empty note is none"
    assert shown(world, "waiting", f"waiting:{TEAM}", f"waiting:{SECOND_TEAM}") == {
        "waiting": 1,
        f"waiting:{TEAM}": 1,
        f"waiting:{SECOND_TEAM}": 0,
    }


def test_a_colleague_comes_in_with_a_note_and_whoever_has_it_keeps_it(world: World) -> None:
    conversation_id = waiting(world)
    by_ben = e.Actor(Author.AGENT, BEN)

    def bring(agent_id: str, note: str = "Do you know this lamp?", client_id: str = "one") -> None:
        world.store.write(lambda tx: assignment.bring_in(tx, conversation_id, agent_id, BY_ANA, note, client_id))

    for agent_id, note in (("nobody", "x"), (ANA, "x"), (BEN, " ")):
        with pytest.raises(Refused):
            bring(agent_id, note)
    for _ in range(2):
        bring(BEN)
    state = world.conversation(conversation_id)
    assert (state.status, state.assignee_id, state.colleague_id) == ("assigned", ANA, BEN), "whoever asks has it"
    assert world.kinds(conversation_id).count("ColleagueAsked") == 1
    assert world.thread(conversation_id)[-1][1] == "Do you know this lamp?"
    assert shown(world, f"helping:{BEN}", f"assigned:{ANA}") == {f"helping:{BEN}": 1, f"assigned:{ANA}": 1}
    world.store.write(lambda tx: replies.reply(tx, conversation_id, BEN, "I do.", "r"))
    assert world.conversation(conversation_id).assignee_id == ANA, "a colleague who answers takes nothing away"
    for _ in range(2):
        world.store.write(lambda tx: assignment.leave(tx, conversation_id, by_ben))
    assert world.kinds(conversation_id).count("ColleagueLeft") == 1
    bring(BEN, client_id="two")
    world.store.write(lambda tx: assignment.assign(tx, conversation_id, BEN, BY_ANA))
    assert world.conversation(conversation_id).colleague_id == "", "now it is theirs"
    world.store.write(lambda tx: assignment.bring_in(tx, conversation_id, ANA, by_ben, "?", "three"))
    world.store.write(lambda tx: assignment.resolve(tx, conversation_id, by_ben))
    assert shown(world, f"helping:{BEN}", f"helping:{ANA}") == {f"helping:{BEN}": 0, f"helping:{ANA}": 0}
    with pytest.raises(Conflict):
        bring(BEN, client_id="four")
    assert agree(world)


def test_a_sleep_must_end_in_the_future_and_begin_with_people(world: World) -> None:
    conversation_id = waiting(world)
    for until in (0, -1, world.clock.now() - DAY):
        with pytest.raises(Refused, match="until"):
            world.store.write(lambda tx, each=until: assignment.snooze(tx, conversation_id, each, BY_ANA))
    with pytest.raises(Refused, match="until"):
        world.store.write(lambda tx: assignment.snooze(tx, conversation_id, tx.now, BY_ANA))
    with_bot = world.say("hello", sender="other").conversation_id
    with pytest.raises(Conflict, match="cannot snooze a conversation that is bot"):
        world.store.write(lambda tx: assignment.snooze(tx, with_bot, tx.now + DAY, BY_ANA))


def test_what_waited_and_slept_waits_again_and_not_for_the_bot(world: World) -> None:
    """Also where no handoff of the bot's had brought it there."""
    conversation_id = world.say("hello").conversation_id
    world.store.write(lambda tx: assignment.transfer(tx, conversation_id, SECOND_TEAM, BY_ANA))
    world.store.write(lambda tx: assignment.snooze(tx, conversation_id, tx.now + DAY, BY_ANA))
    world.say("are you there?")
    assert world.conversation().status == Status.WAITING
    world.run()
    assert world.bot.turns == []


def test_resolving_leaves_the_queue_and_reopening_goes_back(world: World) -> None:
    conversation_id = waiting(world)
    world.store.write(lambda tx: assignment.resolve(tx, conversation_id, BY_ANA))
    found = world.conversation()
    assert (found.status, found.unread, found.waiting_since) == (Status.RESOLVED, 0, 0)
    assert found.resolved_at > 0
    assert shown(world, "waiting") == {"waiting": 0}
    with pytest.raises(Conflict):
        world.store.write(lambda tx: assignment.resolve(tx, conversation_id, BY_ANA))
    world.store.write(lambda tx: assignment.reopen(tx, conversation_id, BY_ANA))
    assert world.conversation().status == Status.WAITING
    assert shown(world, "waiting") == {"waiting": 1}
    with pytest.raises(Conflict):
        world.store.write(lambda tx: assignment.reopen(tx, conversation_id, BY_ANA))


def test_a_priority_is_one_of_the_list_and_written_once(world: World) -> None:
    conversation_id = waiting(world)
    for number in (-1, len(PRIORITIES)):
        with pytest.raises(Refused, match="priority: must be one of none, low, medium, high, urgent"):
            world.store.write(lambda tx, each=number: assignment.set_priority(tx, conversation_id, each, BY_ANA))
    for _ in range(2):
        world.store.write(lambda tx: assignment.set_priority(tx, conversation_id, 4, BY_ANA))
    assert world.conversation().priority == 4
    assert world.kinds().count("PriorityChanged") == 1


def test_nothing_is_done_to_what_was_merged_into_another(world: World) -> None:
    conversation_id = waiting(world)
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    message_ids = [each.message_id for each in (world.say("one"), world.say("two"))]
    _, other = world.store.write(lambda tx: merging.split(tx, conversation_id, (message_ids[0],), BY_ANA))
    world.store.write(lambda tx: merging.merge(tx, conversation_id, other, BY_ANA))
    events = world.count(t.event)
    commands: list[Callable[[Tx], object]] = [
        lambda tx: assignment.take(tx, conversation_id, ANA),
        lambda tx: assignment.take(tx, conversation_id, BEN),
        lambda tx: assignment.assign(tx, conversation_id, BEN, BY_ANA),
        lambda tx: assignment.transfer(tx, conversation_id, TEAM, BY_ANA, "note"),
        lambda tx: assignment.resolve(tx, conversation_id, BY_ANA),
        lambda tx: assignment.reopen(tx, conversation_id, BY_ANA),
        lambda tx: assignment.snooze(tx, conversation_id, tx.now + DAY, BY_ANA),
        lambda tx: assignment.hand_back(tx, conversation_id, BY_ANA),
        lambda tx: assignment.set_priority(tx, conversation_id, 3, BY_ANA),
        lambda tx: handoff.hand_over(tx, conversation_id, reason="x", open_question=""),
        lambda tx: replies.reply(tx, conversation_id, ANA, "hello", "r"),
        lambda tx: replies.note(tx, conversation_id, ANA, "hello", "n"),
        lambda tx: merging.merge(tx, conversation_id, other, BY_ANA),
        lambda tx: merging.split(tx, conversation_id, (message_ids[1],), BY_ANA),
    ]
    for command in commands:
        with pytest.raises(Conflict):
            world.store.write(command)
    assert world.count(t.event) == events
    assert shown(world, f"assigned:{ANA}") == {f"assigned:{ANA}": 1}


def test_a_conversation_that_is_not_there_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        world.store.write(lambda tx: assignment.take(tx, "nowhere", ANA))


def place(world: World, conversation_id: str) -> int:
    with world.store.read() as connection:
        return queue.place(connection, world.conversation(conversation_id))


def test_the_queue_goes_by_priority_and_then_by_waiting_time(world: World) -> None:
    low, urgent, early, late = (
        waiting(world, "low", 1),
        waiting(world, "urgent", 4),
        waiting(world, "early", 2),
        waiting(world, "late", 2),
    )
    other_team = waiting(world, "other team", 4)
    world.store.write(lambda tx: assignment.transfer(tx, other_team, SECOND_TEAM, BY_ANA))
    assert [place(world, each) for each in (urgent, early, late, low, other_team)] == [1, 2, 3, 4, 1]
    world.store.write(lambda tx: assignment.take(tx, urgent, ANA))
    assert [place(world, each) for each in (early, late, low)] == [1, 2, 3]
    world.store.write(lambda tx: assignment.set_priority(tx, late, 3, BY_ANA))
    assert [place(world, each) for each in (late, early, low)] == [1, 2, 3]
