"""Outside firms: asked by mail about a conversation, answering into it, and never seen by the customer."""

from __future__ import annotations

import json
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest

from hub.domain import events as e
from hub.domain import hours
from hub.domain.errors import ChannelError, Conflict, DoNotContact, NotFound, Refused
from hub.domain.hours import MINUTE
from hub.domain.messages import Author, OutboundMessage
from hub.jobs.sweeper import Sweeper
from hub.services import assignment, merging, promises, replies, vendors
from hub.services.vendors import Ask
from hub.store import feed, replay
from hub.store import tables as t
from hub.store.queries import messages
from hub.store.queries import vendors as queries
from hub.store.queries.vendors import Vendor
from hub.web import widget_render
from tests.fixtures_hub import ANA, BEN, WEB, World
from tests.services.test_letters import HOUSE, MAIL, Mails, ours
from tests.services.test_letters import mails as mails  # the fixture

WORKSHOP = "taller@lamparas.example.com"
# What only the firm and the agents may ever read.
SECRET = "guarantee-0815"
ACTOR = e.Actor(Author.AGENT, ANA)


def add(world: World, name: str = "Taller", address: str = WORKSHOP, **fields: Any) -> str:
    values = {"language": "en", "inbox_id": MAIL, "same_domain": False, "active": True, "tell_customer": False} | fields
    vendor = Vendor("", name, addresses=(address,), **values)
    return world.store.write(lambda tx: vendors.save(tx, vendor))


@pytest.fixture
def firm(mails: Mails, world: World) -> str:  # the mailbox has to be there
    return add(world)


class Asking:
    """Asks a firm about a conversation, and lets it answer."""

    def __init__(self, world: World, mails: Mails, firm: str) -> None:
        self.world, self.mails, self.firm = world, mails, firm
        self._count = 0

    def ask(self, conversation_id: str, text: str = f"Is {SECRET} covered?", **fields: Any) -> OutboundMessage:
        """The mail as it was handed to the channel."""
        self._count += 1
        given = Ask(fields.pop("vendor_id", self.firm), text, **fields)
        self.world.store.write(lambda tx: vendors.ask(tx, conversation_id, ANA, given, f"ask-{self._count}"))
        self.world.run()
        return self.mails.sent[-1]

    def said(self, conversation_id: str) -> list[messages.Message]:
        """Everything of the kind `vendor` in a conversation, oldest first."""
        with self.world.store.read() as connection:
            thread, _ = messages.thread(connection, [conversation_id])
        return [each for each in thread if each.kind == "vendor"]


@pytest.fixture
def asking(world: World, mails: Mails, firm: str) -> Asking:
    return Asking(world, mails, firm)


# --- who they are -----------------------------------------------------------------------------------------------------


REFUSED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("name", {"name": " "}),
    ("inbox_id", {"inbox_id": WEB}),
    ("inbox_id", {"inbox_id": "nowhere"}),
    ("addresses", {"address": "no address"}),
    ("addresses", {"address": HOUSE}),
    ("addresses", {"address": WORKSHOP.upper()}),
    ("same_domain", {"address": "workshop@gmail.com", "same_domain": True}),
    ("same_domain", {"address": "workshop@co.uk", "same_domain": True}),
)


def test_what_no_firm_can_be_is_refused(world: World, firm: str) -> None:
    for field, fields in REFUSED:
        with pytest.raises(Refused) as refused:
            add(world, **{"name": "Other", "address": "other@firm.example.com"} | fields)
        assert refused.value.field == field
    with world.store.read() as connection:
        assert [each.id for each in queries.every(connection)] == [firm]


def test_a_firm_is_changed_and_may_keep_its_addresses(world: World, firm: str) -> None:
    changed = Vendor(firm, "Taller Luz", "es", MAIL, ("new@lamparas.example.com", WORKSHOP), True, False)
    world.store.write(lambda tx: vendors.save(tx, changed))
    with world.store.read() as connection:
        assert queries.get(connection, firm) == changed
    with pytest.raises(NotFound):
        world.store.write(
            lambda tx: vendors.save(tx, Vendor("none", "X", "en", MAIL, ("x@y.example.com",), False, True))
        )


# --- asking -----------------------------------------------------------------------------------------------------------


def test_the_mail_says_what_was_asked_and_tried_and_only_what_was_chosen_besides(
    asking: Asking, mails: Mails, world: World
) -> None:
    conversation_id, question = mails.arrive("My lamp flickers.", subject="Re: My lamp")
    mails.answer(conversation_id, "Have you changed the bulb?")
    _, second = mails.arrive("Yes, twice.", In_Reply_To=mails.last)
    world.store.write(lambda tx: replies.note(tx, conversation_id, ANA, "a difficult customer", "n-1"))
    other = add(world, "Other", "other@firm.example.com")
    asking.ask(conversation_id, "What do you know of it?", vendor_id=other)
    sent = asking.ask(conversation_id, message_ids=(question, second))
    number = world.conversation(conversation_id).ticket_number
    assert sent.address.value == WORKSHOP
    assert sent.letter is not None
    assert (sent.letter.subject, sent.letter.ticket_number, sent.letter.author) == ("My lamp", number, "Ana")
    assert sent.letter.references == (), "a thread of its own: the customer's and other firms' are none of theirs"
    for expected in (SECRET, f"case is {number}", "My lamp flickers.", "Yes, twice.", "the customer"):
        assert expected in sent.text
    assert sent.text.count("My lamp flickers.") == 1
    for hidden in ("difficult", "What do you know of it?", "carla@example.org", "Have you changed"):
        assert hidden not in sent.text


def test_notes_and_other_firms_go_along_where_they_are_chosen(asking: Asking, mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive()
    note = world.store.write(lambda tx: replies.note(tx, conversation_id, ANA, "seen on Monday", "n-1"))
    other = add(world, "Other", "other@firm.example.com")
    asking.ask(conversation_id, "ask the other one", vendor_id=other)
    (mail,) = asking.said(conversation_id)
    text = asking.ask(conversation_id, message_ids=(note, mail.id)).text
    assert "our note:\n  seen on Monday" in text
    assert "ask the other one" in text


def test_a_firm_is_written_to_in_its_own_language(asking: Asking, mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive(subject="")
    other = add(world, "Otra", "otra@firm.example.com", language="es")
    sent = asking.ask(conversation_id, vendor_id=other)
    assert "Qué ha preguntado el cliente" in sent.text
    assert sent.letter is not None
    assert sent.letter.subject == "Una consulta sobre un caso"


def test_files_of_the_conversation_go_along_and_no_others(asking: Asking, mails: Mails, world: World) -> None:
    def with_file(name: str, sender: str) -> tuple[str, str]:
        message = EmailMessage()
        message["From"], message["To"], message["Message-ID"] = sender, HOUSE, f"<{name}@example.org>"
        message.set_content("see the file")
        message.add_attachment(b"%PDF-1.7", "application", "pdf", filename=f"{name}.pdf")
        conversation_id, message_id = mails.arrive(raw=message.as_bytes())
        with world.store.read() as connection:
            extras = json.loads(messages.get(connection, message_id).extras)
        return conversation_id, extras["attachments"][0]["id"]

    conversation_id, mine = with_file("mine", "carla@example.org")
    _, theirs = with_file("theirs", "somebody@example.org")
    sent = asking.ask(conversation_id, attachment_ids=(mine,))
    assert [each.name for each in sent.attachments] == ["mine.pdf"]
    with pytest.raises(Refused, match="attachment_ids"):
        asking.ask(conversation_id, attachment_ids=(theirs,))
    given = Ask(asking.firm, "x", attachment_ids=(mine,))
    with pytest.raises(Refused, match="attachment_ids"):
        world.store.write(lambda tx: vendors.ask(tx, conversation_id, ANA, given, "big", file_limit=3))


def test_what_cannot_be_asked_is_refused_and_nothing_leaves(asking: Asking, mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive()
    elsewhere, foreign = mails.arrive(sender="b@example.org")
    sleeping = add(world, "Gone", "gone@firm.example.com", active=False)
    before = len(mails.sent)
    for field, fields in (
        ("text", {"text": "  "}),
        ("vendor_id", {"vendor_id": sleeping}),
        ("message_ids", {"message_ids": (foreign,)}),
        ("address", {"address": "somebody@else.example.com"}),
    ):
        with pytest.raises(Refused) as refused:
            asking.ask(conversation_id, **fields)
        assert refused.value.field == field
    with pytest.raises(NotFound):
        asking.ask(conversation_id, vendor_id="none")
    world.store.write(lambda tx: tx.add(t.do_not_contact, {"kind": "email", "address": WORKSHOP, "how": "agent"}))
    with pytest.raises(DoNotContact):
        asking.ask(conversation_id)
    contact = world.conversation(conversation_id).contact_id
    world.store.write(lambda tx: tx.change(t.conversation, {"id": elsewhere}, {"contact_id": contact}))
    world.store.write(lambda tx: merging.merge(tx, conversation_id, elsewhere, ACTOR))
    with pytest.raises(Conflict):
        asking.ask(conversation_id)
    assert len(mails.sent) == before


def test_asking_twice_with_one_id_sends_once_and_whoever_asks_takes_it(
    asking: Asking, mails: Mails, world: World
) -> None:
    conversation_id, _ = mails.arrive()
    first = world.store.write(lambda tx: vendors.ask(tx, conversation_id, BEN, Ask(asking.firm, "?"), "same"))
    again = world.store.write(lambda tx: vendors.ask(tx, conversation_id, BEN, Ask(asking.firm, "?"), "same"))
    assert first == again
    world.run()
    assert len(asking.said(conversation_id)) == 1
    assert world.conversation(conversation_id).assignee_id == BEN
    assert asking.said(conversation_id)[0].state == "sent"


def test_a_mail_that_the_server_refuses_is_shown_as_failed(asking: Asking, mails: Mails) -> None:
    conversation_id, _ = mails.arrive()
    mails.errors.append(ChannelError("550", "no such user", permanent=True))
    asking.ask(conversation_id)
    (mail,) = asking.said(conversation_id)
    assert (mail.state, mail.error_code, mail.error_text) == ("failed", "550", "no such user")


# --- their answers ----------------------------------------------------------------------------------------------------


def test_the_answer_lands_where_it_was_asked_for_agents_alone(asking: Asking, mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive()
    sent = asking.ask(conversation_id)
    number = world.conversation(conversation_id).ticket_number
    unread, asked = world.conversation(conversation_id).unread, world.bot.asked
    count, mailed = world.count(t.conversation), len(mails.sent)
    ways: dict[str, dict[str, Any]] = {
        "in_reply_to": {"In_Reply_To": ours(sent)},
        "token": {"to": mails.channel._outgoing(sent).reply_to},
        "ticket_number": {"subject": f"RV: lamp [#{number}]"},
    }
    for rule, named in ways.items():
        assert mails.arrive(f"{SECRET} by {rule}", sender=f"Taller <{WORKSHOP}>", **named) == ("", "")
        answer = asking.said(conversation_id)[-1]
        assert (answer.text, answer.rule) == (f"{SECRET} by {rule}", rule)
        assert (answer.author_kind, answer.author_name, answer.sender) == ("vendor", "Taller", WORKSHOP)
        unread += 1
        state = world.conversation(conversation_id)
        assert (state.unread, state.assignee_id, state.last_message_id) == (unread, ANA, answer.id)
    assert world.count(t.conversation) == count
    assert len(mails.sent) == mailed, "nobody is answered by a machine"
    assert world.bot.asked == asked


def test_the_next_mail_to_the_firm_continues_its_thread(asking: Asking, mails: Mails) -> None:
    conversation_id, _ = mails.arrive()
    sent = asking.ask(conversation_id)
    mails.arrive("yes", sender=WORKSHOP, In_Reply_To=ours(sent))
    theirs = mails.last
    mails.answer(conversation_id)
    second = asking.ask(conversation_id, "and the shade?")
    assert second.letter is not None
    assert second.letter.references == (ours(sent).strip("<>"), theirs.strip("<>"))
    mails.arrive("too", sender=WORKSHOP, References=f"{ours(sent)} {theirs}")
    assert [each.text for each in asking.said(conversation_id)][-1] == "too"


def test_a_stranger_does_not_answer_for_the_firm(asking: Asking, mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive()
    sent = asking.ask(conversation_id)
    forged = {"Authentication_Results": "mx; dmarc=fail header.from=lamparas.example.com"}
    for sender, headers in (("boss@lamparas.example.com", {}), ("thief@x.example", {}), (WORKSHOP, forged)):
        elsewhere, message_id = mails.arrive("pay me", sender=sender, In_Reply_To=ours(sent), **headers)
        assert elsewhere != conversation_id
        if elsewhere:
            (claim,) = mails.extras(message_id)["claims"]
            assert claim["conversation_id"] == conversation_id
    assert len(asking.said(conversation_id)) == 1


def test_one_firm_does_not_answer_for_another_nor_where_it_was_not_asked(
    asking: Asking, mails: Mails, world: World
) -> None:
    conversation_id, _ = mails.arrive()
    not_asked, _ = mails.arrive(sender="b@example.org")
    sent = asking.ask(conversation_id)
    add(world, "Other", "other@firm.example.com")
    elsewhere, message_id = mails.arrive("me too", sender="other@firm.example.com", In_Reply_To=ours(sent))
    assert elsewhere not in ("", conversation_id)
    assert mails.extras(message_id)["claims"]
    number = world.conversation(not_asked).ticket_number
    elsewhere, _ = mails.arrive("hello", sender=WORKSHOP, subject=f"[#{number}]")
    assert elsewhere not in ("", not_asked, conversation_id)


def test_a_colleague_from_the_firms_domain_answers_where_the_firm_is_set_so(mails: Mails, world: World) -> None:
    asking = Asking(world, mails, add(world, address="taller@mail.firma.co.uk", same_domain=True))
    conversation_id, _ = mails.arrive()
    sent = asking.ask(conversation_id)
    assert mails.arrive("from me", sender="boss@firma.co.uk", In_Reply_To=ours(sent)) == ("", "")
    assert mails.arrive("not us", sender="x@other.co.uk", In_Reply_To=ours(sent)) != ("", "")
    assert [each.text for each in asking.said(conversation_id)][1:] == ["from me"]


def test_something_new_of_a_firms_is_a_conversation_like_any_and_marked(
    asking: Asking, mails: Mails, world: World
) -> None:
    conversation_id, message_id = mails.arrive("our prices rise", sender=WORKSHOP, subject="Prices")
    assert world.conversation(conversation_id).status == "waiting", "which no bot answers"
    with world.store.read() as connection:
        assert json.loads(messages.get(connection, message_id).extras)["vendor"] == asking.firm


def test_an_answer_wakes_people_up(asking: Asking, mails: Mails, world: World) -> None:
    until = world.clock.now() + 10**12
    conversation_id, _ = mails.arrive()
    sent = asking.ask(conversation_id)
    asked = world.bot.asked
    states: dict[str, Callable[[Any], object]] = {
        "resolved": lambda tx: assignment.resolve(tx, conversation_id, ACTOR),
        "snoozed": lambda tx: assignment.snooze(tx, conversation_id, until, ACTOR),
        "bot": lambda tx: assignment.hand_back(tx, conversation_id, ACTOR),
    }
    for state, change in states.items():
        world.store.write(change)
        assert world.conversation(conversation_id).status == state
        mails.arrive("I am away", sender=WORKSHOP, Auto_Submitted="auto-replied", In_Reply_To=ours(sent))
        assert world.conversation(conversation_id).status == state, "a robot wakes nobody"
        mails.arrive("done", sender=WORKSHOP, In_Reply_To=ours(sent))
        assert world.conversation(conversation_id).status == ("waiting" if state == "bot" else "assigned")
    assert world.bot.asked == asked


def test_the_same_answer_twice_is_stored_once(asking: Asking, mails: Mails) -> None:
    conversation_id, _ = mails.arrive()
    sent = asking.ask(conversation_id)
    message = EmailMessage()
    message["From"], message["To"], message["Message-ID"] = WORKSHOP, HOUSE, "<twice@lamparas.example.com>"
    message["In-Reply-To"] = ours(sent)
    message.set_content("once")
    mails.arrive(raw=message.as_bytes())
    mails.arrive(raw=b"Received: by another way\n" + message.as_bytes())
    assert len(asking.said(conversation_id)) == 2


def test_an_answer_goes_where_the_conversation_was_merged_to(asking: Asking, mails: Mails, world: World) -> None:
    first, _ = mails.arrive()
    sent = asking.ask(first)
    second, _ = mails.arrive()
    world.store.write(lambda tx: merging.merge(tx, first, second, ACTOR))
    mails.arrive("yes", sender=WORKSHOP, In_Reply_To=ours(sent))
    assert [each.text for each in asking.said(second)] == ["yes"]


def test_a_bounce_marks_the_mail_that_did_not_reach_the_firm(asking: Asking, mails: Mails) -> None:
    conversation_id, _ = mails.arrive()
    sent = asking.ask(conversation_id)
    bounce = f"""From: MAILER-DAEMON@mx.example.com
To: {HOUSE}
Subject: Undelivered
Message-ID: <b@mx>
Content-Type: multipart/report; report-type=delivery-status; boundary=B

--B
Content-Type: message/delivery-status

Final-Recipient: rfc822; {WORKSHOP}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 no such user

--B
Content-Type: text/rfc822-headers

Message-ID: {ours(sent)}

--B--
""".encode()
    assert mails.arrive(raw=bounce) == ("", "")
    (mail,) = asking.said(conversation_id)
    assert (mail.state, mail.error_code) == ("failed", "5.1.1")


# --- what the customer gets to see ------------------------------------------------------------------------------------


def test_nothing_of_it_leaks_into_a_mail_to_the_customer(asking: Asking, mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive(subject="")
    theirs = mails.last.strip("<>")
    acknowledged = mails.sent[-1].message_id
    sent = asking.ask(conversation_id)
    mails.arrive(
        f"{SECRET}: yes",
        sender=WORKSHOP,
        subject=f"Re: {SECRET}",
        Cc="spy@lamparas.example.com",
        In_Reply_To=ours(sent),
    )
    answer = mails.answer(conversation_id)
    assert SECRET not in repr(answer)
    assert answer.letter is not None
    assert answer.letter.subject == ""
    assert answer.letter.references == (theirs, f"{acknowledged}@lumbre.example")
    assert answer.address.value == "carla@example.org"
    elsewhere, _ = mails.arrive("and me?", sender="spy@lamparas.example.com", In_Reply_To=ours(answer))
    assert elsewhere != conversation_id, "whom the firm copied in takes no part"
    for each in mails.sent:
        assert each.address.value != "carla@example.org" or SECRET not in repr(each)


def test_nothing_of_it_leaks_into_the_chat_or_to_the_bot(asking: Asking, mails: Mails, world: World) -> None:
    received = world.say("my lamp flickers", sender="visitor-1", inbox_id=WEB)
    conversation_id = received.conversation_id
    world.store.write(lambda tx: assignment.take(tx, conversation_id, ANA))
    sent = asking.ask(conversation_id)
    mails.arrive(f"{SECRET}: yes", sender=WORKSHOP, In_Reply_To=ours(sent))
    world.store.write(lambda tx: assignment.hand_back(tx, conversation_id, ACTOR))
    mails.arrive(f"{SECRET}: no", sender=WORKSHOP, In_Reply_To=ours(sent))
    assert len(asking.said(conversation_id)) == 3
    world.store.write(lambda tx: assignment.hand_back(tx, conversation_id, ACTOR))
    world.say("hello again", sender="visitor-1", inbox_id=WEB)
    world.run()
    assert world.bot.turns
    assert SECRET not in repr((world.bot.turns, world.bot.heard))
    with world.store.read() as connection:
        page = feed.read(connection, feed.Cursor.parse("0.0"), limit=500)
        shown = widget_render.for_visitor(connection, page, WEB, "visitor-1", world.hub)
        identity_id = world.conversation(conversation_id).identity_id
        told = widget_render.history(
            widget_render.widget.history(connection, identity_id, page.cursor, limit=100), world.hub
        )
    assert any("flickers" in str(each) for each in told)
    assert SECRET not in f"{shown}{told}"
    assert "vendor" not in f"{shown}{told}".lower()


def test_what_is_shown_is_what_the_log_says(asking: Asking, mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive()
    sent = asking.ask(conversation_id)
    world.store.write(lambda tx: assignment.resolve(tx, conversation_id, ACTOR))
    mails.arrive("yes", sender=WORKSHOP, In_Reply_To=ours(sent))
    with world.store.read() as connection:
        assert replay.check(connection).differences == []


# --- their own clock --------------------------------------------------------------------------------------------------


def test_a_firm_has_a_clock_of_its_own_in_its_own_hours(world: World, mails: Mails, asking: Asking) -> None:
    firm = add(world, "Slow", "slow@firm.example.com", answer_within=120 * MINUTE)
    never_at_night = {"zone": "UTC", "week": [[["09:00", "17:00"]]] * 7}
    world.store.write(lambda tx: promises.set_hours(tx, f"vendor:{firm}", never_at_night, ANA))
    world.store.rulebook.forget()
    conversation_id, _ = mails.arrive()
    asking.ask(conversation_id, vendor_id=firm)
    asked = world.clock.now()
    due = world.conversation(conversation_id).vendor_due_at
    stated = hours.from_data(never_at_night)
    assert due > asked
    assert abs(hours.open_time_between(stated, asked, due) - 120 * MINUTE) < MINUTE
    asking.ask(conversation_id, "And?", vendor_id=firm)
    assert world.conversation(conversation_id).vendor_due_at == due, "asking again gives it no more time"
    sweepers = Sweeper(world.hub), Sweeper(world.hub)
    world.clock.pass_time(due - world.clock.now() + 3 * 24 * 60 * MINUTE)  # nobody ran it for days
    for sweeper in sweepers:
        sweeper.sweep()
    assert world.kinds(conversation_id).count("VendorOverdue") == 1
    found = world.conversation(conversation_id)
    assert (found.vendor_overdue, found.vendor_id) == (1, firm)
    with world.store.read() as connection:
        assert replay.check(connection).differences == []
    world.store.write(lambda tx: assignment.resolve(tx, conversation_id, ACTOR))
    assert world.conversation(conversation_id).vendor_due_at == 0, "nobody waits for it any more"
