"""One person, however many ways they write; merged by people, and parted again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from hub.domain import events as e
from hub.domain.errors import Conflict, NotFound, Refused
from hub.domain.messages import Address, Author
from hub.services import assignment, contacts, merging
from hub.store import replay
from hub.store import tables as t
from hub.store.queries import matching
from hub.store.unit_of_work import Tx
from tests.fixtures_hub import ANA, WEB, World
from tests.services.test_merging import wait_for_a_lock

BY = e.Actor(Author.AGENT, ANA)


@pytest.fixture(autouse=True)
def projections_agree(world: World) -> Iterator[None]:
    """After every scenario the tables are what the log says."""
    yield
    with world.store.read() as connection:
        assert replay.check(connection).differences == []


def contact_of(world: World, sender: str) -> str:
    with world.store.read() as connection:
        found = connection.execute(
            text("SELECT contact_id FROM identity WHERE address = :a AND channel <> 'claim'"), {"a": sender}
        )
        return str(found.scalar_one())


def merge(world: World, contact_id: str, into: str) -> int:
    return world.store.write(lambda tx: contacts.merge(tx, contact_id, into, BY))


def undo(world: World, event_id: int) -> str:
    return world.store.write(lambda tx: merging.undo(tx, event_id, BY))


def candidates(world: World, contact_id: str) -> list[tuple[str, str]]:
    with world.store.read() as connection:
        return [(each.contact_id, each.reason) for each in matching.candidates(connection, contact_id)]


@pytest.fixture
def two(world: World) -> tuple[str, str]:
    """Two contacts, "phone" and "laptop", with a conversation each."""
    world.say("from my phone", sender="phone")
    world.say("from my laptop", sender="laptop")
    return contact_of(world, "phone"), contact_of(world, "laptop")


def test_merged_contacts_are_one_person_and_parted_two_again(world: World, two: tuple[str, str]) -> None:
    phone, laptop = two
    first, second = (each.conversation_id for each in world.received)
    event_id = merge(world, phone, laptop)
    assert contact_of(world, "phone") == laptop
    assert world.conversation(first).contact_id == laptop
    assert world.say("phone again", sender="phone").conversation_id in (first, second)
    assert world.count(t.conversation) == 2
    assert undo(world, event_id) == first
    assert (contact_of(world, "phone"), contact_of(world, "laptop")) == (phone, laptop)
    assert world.conversation(first).contact_id == phone
    assert world.conversation(second).contact_id == laptop
    assert world.say("and again", sender="phone").conversation_id == first


def test_a_merge_of_contacts_is_undone_once(world: World, two: tuple[str, str]) -> None:
    first = merge(world, *two)
    undo(world, first)
    with pytest.raises(Conflict, match="undone already"):
        undo(world, first)
    second = merge(world, *two)
    with pytest.raises(Conflict, match="undone already"):
        undo(world, first)
    undo(world, second)
    assert contact_of(world, "phone") == two[0]


def test_merges_on_top_of_each_other_are_undone_from_the_top(world: World, two: tuple[str, str]) -> None:
    phone, laptop = two
    world.say("from the shop", sender="shop")
    shop = contact_of(world, "shop")
    lower = merge(world, phone, laptop)
    upper = merge(world, laptop, shop)
    assert contact_of(world, "phone") == shop
    with pytest.raises(Conflict, match="take that back first"):
        undo(world, lower)
    undo(world, upper)
    assert (contact_of(world, "phone"), contact_of(world, "laptop")) == (laptop, laptop)
    undo(world, lower)
    assert {contact_of(world, each) for each in ("phone", "laptop", "shop")} == {phone, laptop, shop}
    assert [world.conversation(each.conversation_id).contact_id for each in world.received] == [phone, laptop, shop]


def test_what_cannot_be_merged(world: World, two: tuple[str, str]) -> None:
    phone, laptop = two
    with pytest.raises(Refused, match="into"):
        merge(world, phone, phone)
    for pair in ((phone, "nobody"), ("nobody", phone)):
        with pytest.raises(NotFound, match="nobody"):
            merge(world, *pair)
    merge(world, phone, laptop)
    for pair in ((phone, laptop), (laptop, phone)):
        with pytest.raises(Conflict, match="merged into"):
            merge(world, *pair)


def test_two_people_who_merge_a_pair_both_ways_at_once_merge_it_once(world: World, two: tuple[str, str]) -> None:
    barrier = threading.Barrier(2)

    def at_once(one: str, other: str) -> bool:
        barrier.wait(30)
        try:
            merge(world, one, other)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        merges = [pool.submit(at_once, *pair) for pair in (two, two[::-1])]
        assert sorted(each.result(30) for each in merges) == [False, True]


def test_a_message_that_comes_during_a_merge_goes_to_the_contact_that_goes_on(
    world: World, two: tuple[str, str]
) -> None:
    if not world.store.postgres:
        pytest.skip("SQLite has one writer: nothing comes during a transaction")
    phone, laptop = two
    merged, go_on = threading.Event(), threading.Event()

    def slow_merge(tx: Tx) -> None:
        contacts.merge(tx, phone, laptop, BY)
        tx.flush()
        merged.set()
        assert go_on.wait(30)

    with ThreadPoolExecutor(2) as pool:
        merging_ = pool.submit(world.store.write, slow_merge)
        assert merged.wait(30)
        saying = pool.submit(world.say, "phone again", sender="phone")
        wait_for_a_lock(world)
        go_on.set()
        merging_.result(30)
        received = saying.result(30)
    assert world.conversation(received.conversation_id).contact_id == laptop
    assert world.count(t.conversation) == 2, "nobody was split in two"


def test_a_merge_takes_the_conversations_whatever_their_state(world: World, two: tuple[str, str]) -> None:
    phone, laptop = two
    first = world.received[0].conversation_id
    world.store.write(lambda tx: assignment.take(tx, first, ANA))
    world.store.write(lambda tx: assignment.resolve(tx, first, BY))
    merge(world, phone, laptop)
    with world.store.read() as connection:
        owners = set(connection.execute(text("SELECT contact_id FROM conversation")).scalars())
    assert owners == {laptop}


def test_candidates_share_an_address_or_a_full_name(world: World) -> None:
    world.say("hello", inbox_id=WEB, sender="v1", evidence=(("email", "carla@example.org", "signed_identity"),))
    world.say("hello", sender="p1")
    first = contact_of(world, "p1")
    world.store.write(lambda tx: contacts.link(tx, first, Address("slack", "carla@example.org"), "stated"))
    world.say("hello", sender="p2")
    world.say("hello", sender="p3")
    names = {"v1": "C. R.", "p1": "Carla", "p2": "Carla", "p3": "Carla Ruiz"}
    ids = {sender: contact_of(world, sender) for sender in names}
    world.say("hello", sender="p4")
    ids["p4"] = contact_of(world, "p4")
    for sender, name in names.items():
        world.store.write(lambda tx, i=ids[sender], n=name: tx.change(t.contact, {"id": i}, {"name": n}))
    assert candidates(world, ids["v1"]) == [(ids["p1"], "same_email")]
    assert candidates(world, ids["p1"]) == [(ids["v1"], "same_email")], "a first name alone says nothing"
    assert candidates(world, ids["p3"]) == [(ids["p4"], "same_name")]
    merge(world, ids["p4"], ids["v1"])
    assert candidates(world, ids["p3"]) == [], "who was merged is nobody's candidate"


def state_details(world: World, sender: str, name: str = "", email: str = "", phone: str = "") -> None:
    address = Address("paper", sender, display_name="")
    world.store.write(lambda tx: contacts.state_details(tx, address, name, email, phone))


def test_what_a_customer_states_is_kept_and_links_only_free_addresses(world: World, two: tuple[str, str]) -> None:
    phone, laptop = two
    state_details(world, "phone", "Carla Ruiz", " Carla@Example.org ", "")
    assert contact_of(world, "carla@example.org") == phone
    state_details(world, "laptop", "Another", "carla@example.org", "+34600000000")
    assert contact_of(world, "carla@example.org") == phone, "stated by two: the first keeps it"
    assert contact_of(world, "+34600000000") == laptop
    assert candidates(world, laptop) == [(phone, "stated")], "people are shown the two"
    assert candidates(world, phone) == [(laptop, "stated")]
    with world.store.read() as connection:
        names = {row.id: row.name for row in connection.execute(text("SELECT id, name FROM contact"))}
        evidence = set(connection.execute(text("SELECT evidence FROM identity")).scalars())
    assert names == {phone: "Carla Ruiz", laptop: "Another"}
    assert evidence == {"first_message", "stated"}


def test_whoever_fills_in_the_form_before_writing_is_one_contact(world: World) -> None:
    state_details(world, "early", "Eva Sanz", "eva@example.org")
    received = world.say("hello", sender="early")
    assert world.count(t.contact) == 1
    assert world.conversation(received.conversation_id).contact_id == contact_of(world, "eva@example.org")


def test_evidence_that_names_two_people_names_nobody(world: World) -> None:
    for sender, email in (("a", "a@example.org"), ("b", "b@example.org")):
        world.say("hello", sender=sender, evidence=(("email", email, "signed_identity"),))
    both = (("email", "a@example.org", "signed_identity"), ("email", "b@example.org", "signed_identity"))
    world.say("hello", sender="c", evidence=both)
    assert len({contact_of(world, each) for each in ("a", "b", "c")}) == 3


def test_twenty_first_messages_with_the_same_evidence_at_once_are_one_person(world: World) -> None:
    evidence = (("customer", "shop:4711", "signed_identity"),)
    world.say("hello", sender="first", evidence=evidence)
    with ThreadPoolExecutor(20) as pool:
        said = [pool.submit(world.say, "hello", sender=f"device-{n}", evidence=evidence) for n in range(20)]
        received = [each.result(60) for each in said]
    assert world.count(t.contact) == 1
    assert len({each.conversation_id for each in received}) == 1
