"""Mail that was held back and taken in after all."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from sqlalchemy import select

from hub.domain.errors import Conflict, NotFound, Refused
from hub.services import intake
from hub.store import tables as t
from hub.store.queries import sources
from hub.store.queries.sources import Source
from tests.fixtures_hub import World
from tests.services.test_letters import HOUSE, MAIL, Mails
from tests.services.test_letters import mails as mails  # the fixture


def spam(subject: str = "You have won", sender: str = "Prizes <prizes@x.example>") -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, HOUSE, subject
    message["Message-ID"] = f"<{subject.replace(' ', '-')}@x.example>"
    message["X-Spam-Flag"] = "YES"
    message.set_content("Click here.")
    message.add_attachment(b"%PDF-1.7", "application", "pdf", filename="prize.pdf")
    return message.as_bytes()


def held(world: World) -> tuple[Source, ...]:
    with world.store.read() as connection:
        return sources.held_back(connection, "", before="", limit=10)


def test_what_was_held_back_is_listed_with_who_wrote_and_about_what(mails: Mails, world: World) -> None:
    assert mails.arrive(raw=spam()) == ("", "")
    mails.arrive("no spam")
    (source,) = held(world)
    assert (source.inbox_id, source.sender, source.subject) == (MAIL, "prizes@x.example", "You have won")
    assert source.field == "spam"
    with world.store.read() as connection:
        assert sources.held_back_counts(connection) == {MAIL: 1}


def test_what_is_taken_in_after_all_is_a_message_as_if_nothing_had_been(mails: Mails, world: World) -> None:
    mails.arrive(raw=spam())
    (source,) = held(world)
    (received,) = intake.accept(world.hub, source.id)
    assert not received.duplicate
    assert world.thread(received.conversation_id)[0][1] == "Click here."
    assert world.count(t.attachment) == 1
    assert held(world) == ()
    with world.store.read() as connection:
        now = sources.get(connection, source.id)
        of_message = sources.of_message(connection, received.message_id)
    assert now is not None
    assert (now.state, now.field, now.rule, now.message_id) == ("stored", "", "", received.message_id)
    assert of_message == now, "its source can be downloaded like any"


def test_it_is_taken_in_once(mails: Mails, world: World) -> None:
    mails.arrive(raw=spam())
    (source,) = held(world)
    intake.accept(world.hub, source.id)
    with pytest.raises(Conflict):
        intake.accept(world.hub, source.id)
    with world.store.read() as connection:
        incoming = connection.execute(select(t.message.c.id).where(t.message.c.kind == "incoming")).all()
    assert len(incoming) == 1


def test_what_was_taken_in_already_is_no_second_time_refused_when_it_comes_again(mails: Mails, world: World) -> None:
    """The mailbox was rebuilt: the same spam is fetched anew, held back again, and accepted by somebody else."""
    mails.arrive(raw=spam())
    (first,) = held(world)
    (stored,) = intake.accept(world.hub, first.id)
    mails.arrive(raw=spam())
    (again,) = held(world)
    (received,) = intake.accept(world.hub, again.id)
    assert received.duplicate
    assert received.message_id == stored.message_id
    with world.store.read() as connection:
        assert sources.counts(connection, MAIL) == {"stored": 1, "duplicate": 1}


def test_what_cannot_be_read_this_time_either_stays_where_it_is(
    mails: Mails, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails.arrive(raw=spam())
    before = held(world)

    def broken(_: object) -> None:
        raise IndexError("no such part")

    monkeypatch.setattr(mails.channel, "parse_inbound", broken)
    with pytest.raises(Refused, match="could not be read"):
        intake.accept(world.hub, before[0].id)
    assert held(world) == before


def test_there_is_nothing_to_take_in_where_nothing_was_fetched(world: World) -> None:
    with pytest.raises(NotFound):
        intake.accept(world.hub, "nothing")
