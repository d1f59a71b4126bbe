"""Mails through the hub: each in its conversation, strangers outside, robots left alone, answers in the thread."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import select

from channels.email import mailbox
from hub.domain import events as e
from hub.domain.errors import ChannelError
from hub.domain.inbox import DAY, Inbox
from hub.domain.knowledge import BotMessage, BotReply, Passage
from hub.domain.messages import Author, Button, OutboundMessage, Receipt, WebhookRequest
from hub.fetcher import PublicFetcher
from hub.ports import ChannelParts
from hub.services import assignment, intake, merging, replies
from hub.store import replay
from hub.store import tables as t
from hub.store.queries import letters, messages, packets
from tests.fixtures_hub import ANA, TEAM, World

MAIL = "inbox-mail"
HOUSE = "ayuda@lumbre.example"


class Mails:
    """A mailbox whose mail is written by a test, and whose answers are kept."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sent: list[OutboundMessage] = []
        self.errors: list[ChannelError] = []
        self.given: tuple[str, ...] = ()
        self._count = 0
        settings = {"address": HOUSE, "name": "Lumbre", "signature": "{agent}\nLumbre"}
        values = {"id": MAIL, "key": "mail", "name": "Mail", "channel": "email", "team_id": TEAM}
        world.store.write(lambda tx: tx.add(t.inbox, values | {"settings": json.dumps(settings)}))
        parts = ChannelParts(
            world.inbox(MAIL), {}, world.hub.box.derive, world.clock, PublicFetcher(()), "https://hub.example"
        )
        self.channel = mailbox.channel(parts)
        self.channel.send = self._send  # type: ignore[method-assign]  # the only part of it that needs a server

    def _send(self, message: OutboundMessage) -> Receipt:
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(message)
        return Receipt(f"{message.message_id}@lumbre.example", letter_ids=self.given)

    def arrive(
        self,
        text: str = "hello",
        sender: str = "carla@example.org",
        subject: str = "My order",
        to: str = HOUSE,
        raw: bytes | None = None,
        **headers: str,
    ) -> tuple[str, str]:
        """(conversation, message) of a mail that arrives; empty for one that is no message."""
        self._count += 1
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = sender, to, subject
        message["Message-ID"] = f"<mail-{self._count}@example.org>"
        for name, value in headers.items():
            message[name.replace("_", "-")] = value
        message.set_content(text)
        request = WebhookRequest("FETCH", f"imap://mx/INBOX;UID={self._count}", body=raw or message.as_bytes())
        inbox = self.world.inbox(MAIL)
        before = self._newest()
        intake.take(self.world.hub, inbox, self.channel, request, also=lambda _: None)
        self.world.run()
        return self._newest() if self._newest() != before else ("", "")

    @property
    def last(self) -> str:
        """The Message-ID of the mail that arrived last."""
        return f"<mail-{self._count}@example.org>"

    def _newest(self) -> tuple[str, str]:
        m = t.message.c
        with self.world.store.read() as connection:
            statement = select(m.conversation_id, m.id).where(m.inbox_id == MAIL, m.kind == "incoming")
            row = connection.execute(statement.order_by(m.event_id.desc()).limit(1)).one_or_none()
        return (row.conversation_id, row.id) if row else ("", "")

    def answer(self, conversation_id: str, text: str = "Here it is.") -> OutboundMessage:
        """An agent's answer, as it was handed to the channel."""
        self.world.store.write(lambda tx: replies.reply(tx, conversation_id, ANA, text, f"c-{self.world.clock.now()}"))
        self.world.run()
        return self.sent[-1]

    def extras(self, message_id: str) -> dict[str, Any]:
        with self.world.store.read() as connection:
            (extras,) = connection.execute(select(t.message.c.extras).where(t.message.c.id == message_id)).one()
        return dict(json.loads(extras)["letter"])


@pytest.fixture
def mails(world: World) -> Mails:
    made = Mails(world)
    channel_of = world.hub.channel_of

    def with_mail(inbox: Inbox) -> Any:
        return made.channel if inbox.id == MAIL else channel_of(inbox)

    object.__setattr__(world.assembled.hub, "channel_of", with_mail)
    return made


def ours(message: OutboundMessage) -> str:
    return f"<{message.message_id}@lumbre.example>"


# --- where a mail belongs ---------------------------------------------------------------------------------------------


def test_a_mail_that_names_nothing_begins_a_conversation_also_of_the_same_customer(mails: Mails) -> None:
    first, _ = mails.arrive()
    second, message_id = mails.arrive()
    assert first != second, "the same subject from the same person is another matter"
    assert mails.extras(message_id)["rule"] == "new"


def test_an_answer_to_our_mail_comes_back(mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive()
    answer = mails.answer(conversation_id)
    back, message_id = mails.arrive("thanks", In_Reply_To=ours(answer))
    assert back == conversation_id
    assert mails.extras(message_id)["rule"] == "in_reply_to"
    assert world.conversation(conversation_id).assignee_id == ANA


def test_a_second_mail_of_the_customers_own_thread_comes_back(mails: Mails) -> None:
    conversation_id, _ = mails.arrive()
    first = mails.last
    back, message_id = mails.arrive("one more thing", References=f"<nobody@x> {first}")
    assert (back, mails.extras(message_id)["rule"]) == (conversation_id, "references")


def test_an_answer_that_is_stored_together_with_its_question_finds_it(mails: Mails, world: World) -> None:
    def written(name: str, **headers: str) -> WebhookRequest:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "carla@example.org", HOUSE, "My order"
        message["Message-ID"] = f"<{name}@example.org>"
        for header, value in headers.items():
            message[header.replace("_", "-")] = value
        message.set_content(name)
        return WebhookRequest("FETCH", f"imap://mx/INBOX;UID={name}", body=message.as_bytes())

    question, again = written("question"), written("again", In_Reply_To="<question@example.org>")
    requests = [question, again, question, written("else")]
    done = intake.take_all(world.hub, world.inbox(MAIL), mails.channel, requests, also=lambda *_: None)
    assert list(done) == [4], "one commit"
    m = t.message.c
    with world.store.read() as connection:
        statement = select(m.conversation_id, m.text).where(m.kind == "incoming").order_by(m.event_id)
        (first, second, third) = connection.execute(statement).all()
    assert [each.text.strip() for each in (first, second, third)] == ["question", "again", "else"]
    assert first.conversation_id == second.conversation_id != third.conversation_id
    assert world.count(t.source) == 4
    with world.store.read() as connection:
        assert replay.check(connection).differences == []


def test_a_client_that_drops_every_reference_is_known_by_the_address_it_answers(mails: Mails) -> None:
    conversation_id, _ = mails.arrive()
    composed = mails.channel._outgoing(mails.answer(conversation_id))  # what stands in Reply-To
    back, message_id = mails.arrive(subject="something else", to=composed.reply_to)
    assert (back, mails.extras(message_id)["rule"]) == (conversation_id, "token")


def test_the_number_in_the_subject_leads_back_whoever_takes_part(mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive()
    number = world.conversation(conversation_id).ticket_number
    back, message_id = mails.arrive(subject=f"RV: My order [#{number}]")
    assert (back, mails.extras(message_id)["rule"]) == (conversation_id, "ticket_number")


@pytest.mark.parametrize("how", ["number", "reference", "token"])
def test_a_stranger_does_not_enter_and_is_shown_with_what_they_claim(mails: Mails, world: World, how: str) -> None:
    conversation_id, _ = mails.arrive()
    answer = mails.answer(conversation_id)
    number = world.conversation(conversation_id).ticket_number
    composed = mails.channel._outgoing(answer)
    named: dict[str, Any] = {
        "number": {"subject": f"Re: My order [#{number}]"},
        "reference": {"In_Reply_To": ours(answer)},
        "token": {"to": composed.reply_to},
    }[how]
    back, message_id = mails.arrive("show me everything", sender="thief@x.example", **named)
    assert back != conversation_id
    (claim,) = mails.extras(message_id)["claims"]
    assert (claim["conversation_id"], claim["ticket_number"]) == (conversation_id, number)
    assert world.conversation(back).contact_id != world.conversation(conversation_id).contact_id


def test_whom_the_customer_copied_in_may_answer(mails: Mails) -> None:
    conversation_id, _ = mails.arrive(Cc="Their Son <son@example.net>")
    back, _ = mails.arrive("I am the son", sender="son@example.net", In_Reply_To=mails.last)
    assert back == conversation_id


def test_two_customers_with_the_same_subject_stay_two(mails: Mails, world: World) -> None:
    first, _ = mails.arrive(subject="Re: Invoice", sender="a@example.org")
    second, _ = mails.arrive(subject="Re: Invoice", sender="b@example.org")
    assert first != second


def test_an_answer_to_a_resolved_one_follows_the_inboxs_rule(mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive()
    answer = mails.answer(conversation_id)
    resolve: Callable[[Any], None] = lambda tx: assignment.resolve(tx, conversation_id, e.Actor(Author.AGENT, ANA))  # noqa: E731
    world.store.write(resolve)
    world.clock.pass_time(2 * DAY)
    assert mails.arrive("again", In_Reply_To=ours(answer))[0] == conversation_id
    assert world.conversation(conversation_id).status == "assigned"
    world.store.write(resolve)
    world.clock.pass_time(30 * DAY)
    later, _ = mails.arrive("and again", In_Reply_To=ours(answer))
    assert later != conversation_id
    assert world.conversation(later).previous_id == conversation_id


def test_an_answer_to_a_merged_conversation_is_read_where_it_went(mails: Mails, world: World) -> None:
    first, _ = mails.arrive()
    answer = mails.answer(first)
    second, _ = mails.arrive()
    world.store.write(lambda tx: merging.merge(tx, first, second, e.Actor(Author.AGENT, ANA)))
    assert mails.arrive("where am I?", In_Reply_To=ours(answer))[0] == second


# --- robots -----------------------------------------------------------------------------------------------------------


def test_an_out_of_office_wakes_nobody_and_is_not_answered(mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive()
    answer = mails.answer(conversation_id)
    world.store.write(lambda tx: assignment.resolve(tx, conversation_id, e.Actor(Author.AGENT, ANA)))
    sent = len(mails.sent)
    back, _ = mails.arrive("I am away", Auto_Submitted="auto-replied", In_Reply_To=ours(answer))
    assert back == conversation_id
    assert world.conversation(conversation_id).status == "resolved"
    alone, _ = mails.arrive("I am away", sender="other@example.org", Auto_Submitted="auto-replied")
    assert world.conversation(alone).status == "resolved"
    assert len(mails.sent) == sent


def test_a_list_is_for_people_and_gets_no_answer(mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive("news", List_Id="<news.example.org>", Precedence="list")
    assert world.conversation(conversation_id).status == "waiting"
    assert mails.sent == []


def test_two_programs_stop_answering_each_other(mails: Mails) -> None:
    """The other side hides what it is: nothing in its mails says that they are automatic."""
    for _ in range(6):
        mails.arrive("We have received your mail and will come back to you.", sender="desk@firm.example")
    assert len(mails.sent) == 3


def test_a_bounce_marks_the_message_that_did_not_arrive(mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive()
    answer = mails.answer(conversation_id)
    bounce = f"""From: MAILER-DAEMON@mx.example.org
To: {HOUSE}
Subject: Undelivered
Message-ID: <b@mx>
Content-Type: multipart/report; report-type=delivery-status; boundary=B

--B
Content-Type: message/delivery-status

Final-Recipient: rfc822; carla@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 no such user

--B
Content-Type: text/rfc822-headers

Message-ID: {ours(answer)}

--B--
""".encode()
    assert mails.arrive(raw=bounce) == ("", "")
    assert world.thread(conversation_id)[-1][2] == "failed"


def bounce_of(letter_id: str) -> bytes:
    return f"""From: MAILER-DAEMON@amazonses.com
To: {HOUSE}
Subject: Undelivered
Message-ID: <{hash(letter_id)}@mx>
Content-Type: multipart/report; report-type=delivery-status; boundary=B

--B
Content-Type: message/delivery-status

Final-Recipient: rfc822; carla@example.org
Action: failed
Status: 5.1.1

--B
Content-Type: text/rfc822-headers

Message-ID: <{letter_id}>

--B--
""".encode()


def test_a_mail_is_known_by_the_id_that_a_gateway_gave_it(mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive()
    mails.given = ("0102-1@email.amazonses.com",)
    first = mails.answer(conversation_id)
    back, message_id = mails.arrive("thanks", In_Reply_To="<0102-1@email.amazonses.com>")
    assert (back, mails.extras(message_id)["rule"]) == (conversation_id, "in_reply_to")
    theirs = mails.last.strip("<>")
    mails.given = ("0102-2@email.amazonses.com",)
    second = mails.answer(conversation_id)
    assert second.letter is not None
    assert second.letter.references[-3:] == (ours(first).strip("<>"), "0102-1@email.amazonses.com", theirs)
    assert mails.arrive(raw=bounce_of("0102-2@email.amazonses.com")) == ("", "")
    assert world.thread(conversation_id)[-1][2] == "failed"


def test_a_bounce_of_what_was_not_ours_is_a_mail_to_read(mails: Mails, world: World) -> None:
    conversation_id, message_id = mails.arrive(raw=bounce_of("0102-9@email.amazonses.com"))
    assert mails.extras(message_id)["robot"] == "bounce"
    assert world.conversation(conversation_id).status == "resolved"


# --- the bot by mail --------------------------------------------------------------------------------------------------


@pytest.fixture
def returns_article(world: World) -> None:
    title, text = "How do I return something?", "How do I return something? Within 30 days, free of charge."
    world.publish(Passage("returns", 1, "en", 0, title, text, "words", b""))


@pytest.mark.usefixtures("returns_article")
def test_a_sure_answer_is_given_once_and_marked_and_then_a_person_reads(mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive("How do I return something?", subject="return")
    (answer,) = mails.sent
    assert "30 days" in answer.text
    assert answer.text.endswith("a person will read your answer.")
    assert answer.letter is not None
    assert answer.letter.author == "", "which the channel says in the mail's headers"
    assert world.conversation(conversation_id).status == "bot"
    mails.arrive("How do I return something?", In_Reply_To=ours(answer))
    assert world.conversation(conversation_id).status == "waiting"
    assert "Your number is" in mails.sent[-1].text


@pytest.mark.usefixtures("returns_article")
def test_what_is_not_sure_enough_for_a_mail_goes_to_people_without_a_question_back(mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive("return broken lamp bought yesterday something how do")
    assert world.conversation(conversation_id).status == "waiting"
    assert all("other words" not in each.text for each in mails.sent)


ANSWER = BotReply((BotMessage("We are open"), BotMessage("from nine to five.")), "opening_hours", 0.97, model_id="fake")


def test_the_bot_answers_a_mail_once_where_it_is_sure_and_then_a_person_reads(mails: Mails, world: World) -> None:
    world.bot.dialogue = lambda _text, _language: ANSWER
    conversation_id, _ = mails.arrive("When are you open?", subject="hours")
    (answer,) = mails.sent
    assert answer.text.startswith("We are open\n\nfrom nine to five.\n\n")
    assert answer.text.endswith("a person will read your answer.")
    assert answer.letter is not None
    assert answer.letter.author == "", "which the channel says in the mail's headers"
    assert world.conversation(conversation_id).status == "bot"
    mails.arrive("And on Sundays?", In_Reply_To=ours(answer))
    assert world.conversation(conversation_id).status == "waiting"
    assert world.bot.asked == 1, "one answer, whatever it knows"
    mails.arrive("I am away", sender="robot@example.org", Auto_Submitted="auto-replied")
    assert world.bot.asked == 1, "never to a robot"


BUTTONS = (BotMessage("Shall we start?", (Button("Yes", "/affirm"),)),)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (replace(ANSWER, confidence=0.85), "not_understood"),
        (replace(ANSWER, in_form=True), "needs_dialogue"),
        (replace(ANSWER, messages=BUTTONS), "needs_dialogue"),
        (replace(ANSWER, handoff_reason="customer_asked"), "customer_asked"),
        (replace(ANSWER, intent="thanks"), "not_understood"),
    ],
)
def test_what_is_no_answer_by_mail_goes_to_a_person(mails: Mails, world: World, reply: BotReply, reason: str) -> None:
    world.bot.dialogue = lambda _text, _language: reply
    conversation_id, _ = mails.arrive("When are you open?", subject="hours")
    assert world.conversation(conversation_id).status == "waiting"
    assert all("open" not in each.text for each in mails.sent)
    with world.store.read() as connection:
        recorded = packets.event(connection, world.conversation(conversation_id).handed_over_event)
    assert recorded is not None
    assert isinstance(recorded.event, e.HandedOver)
    assert recorded.event.reason == reason


# --- what is kept, and what goes out ----------------------------------------------------------------------------------


def test_an_answer_refers_to_everything_before_it_and_has_the_first_subject(mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive(subject="Re: My lamp is broken")
    first = mails.last.strip("<>")
    acknowledged = mails.sent[-1]
    answer = mails.answer(conversation_id)
    assert answer.letter is not None
    assert answer.letter.subject == "Re: My lamp is broken"
    assert answer.letter.references == (first, ours(acknowledged).strip("<>"))
    assert answer.letter.author == "Ana"
    assert answer.letter.ticket_number == world.conversation(conversation_id).ticket_number


def test_the_whole_is_kept_beside_the_writers_own_words(mails: Mails, world: World) -> None:
    text = "Thanks.\n\nOn Sat, 21 Nov 2026 at 10:00, Lumbre <ayuda@lumbre.example> wrote:\n> It has been sent.\n"
    conversation_id, message_id = mails.arrive(text)
    assert world.thread(conversation_id)[0][1] == "Thanks."
    with world.store.read() as connection:
        body = letters.body(connection, message_id)
    assert body is not None
    assert "> It has been sent." in body.whole


def test_files_belong_to_the_message_and_are_what_they_hold(mails: Mails, world: World) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Message-ID"] = "carla@example.org", HOUSE, "<files@example.org>"
    message.set_content("two files")
    message.add_attachment(b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "text", "html", filename="page.html")
    message.add_attachment(b"\x7fELF program", "image", "png", filename="picture.png")
    conversation_id, _ = mails.arrive(raw=message.as_bytes())
    with world.store.read() as connection:
        thread, _ = messages.thread(connection, [conversation_id])
    (shown,) = [each for each in thread if each.kind == "incoming"]
    files = json.loads(shown.extras)["attachments"]
    assert [each["media_type"] for each in files] == ["image/png", "application/octet-stream"]
    assert world.hub.files.get(f"attachments/{files[1]['id']}") == b"\x7fELF program"


def test_the_same_mail_from_two_mailboxes_is_stored_once_and_its_files_too(mails: Mails, world: World) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Message-ID"] = "carla@example.org", HOUSE, "<twice@example.org>"
    message.set_content("once")
    message.add_attachment(b"%PDF-1.7", "application", "pdf", filename="a.pdf")
    first = mails.arrive(raw=message.as_bytes())
    again = mails.arrive(raw=b"Received: by another way\n" + message.as_bytes())
    assert first != ("", "")
    assert again == ("", "")
    assert world.count(t.attachment) == 1
    assert world.count(t.source) == 2, "each is accounted for"


def test_what_is_shown_is_what_the_log_says(mails: Mails, world: World) -> None:
    conversation_id, _ = mails.arrive()
    answer = mails.answer(conversation_id)
    mails.arrive("I am away", Auto_Submitted="auto-replied", In_Reply_To=ours(answer))
    mails.arrive("thanks", In_Reply_To=ours(answer))
    mails.arrive("hand it over", sender="thief@x.example", In_Reply_To=ours(answer))
    with world.store.read() as connection:
        assert replay.check(connection).differences == []
