"""Customers' phones, the simulated Twilio and a hub, each on its own port: texts in both directions, told apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from channels.simulators.lanes import Lanes, ManualTime
from channels.simulators.ledger import Ledger, Media
from channels.simulators.server import create_app as create_phones
from channels.simulators.twilio import Twilio
from channels.simulators.twilio_account import Account, Number
from hub.domain.errors import DoNotContact
from hub.services import attachments, replies
from hub.store import replay
from hub.store import tables as t
from hub.web.flask_app import create_app
from tests.channels.simulators.conftest import served
from tests.fixtures_hub import ANA, TEAM, World

ACCOUNT = Account("AC" + "0a" * 16, "a token of a test account")
SPAIN, UK = "+34644010203", "+447400123123"
CARMEN, OLIVER = "+34611223344", "+447400654321"
KEY = "key-sms"
MINUTE = 60_000_000


@dataclass
class Firm:
    """A hub with an inbox for text messages, and the provider that it is at."""

    world: World
    twilio: Twilio
    ledger: Ledger
    lanes: Lanes
    clock: ManualTime

    def text(self, body: str, sender: str = CARMEN, to: str = SPAIN, copies: int = 1) -> None:
        """A customer's text, handed to the hub; and what the hub does about it."""
        self.twilio.text(sender, to, body, copies=copies)
        self.go_on()

    def go_on(self) -> None:
        """Everything happens that is due at the provider within a minute, and at the hub."""
        for _ in range(3):
            self.lanes.play(self.clock, 20)
            self.world.run()

    def got(self, customer: str = CARMEN) -> list[tuple[str, str]]:
        """(sender, text) of what the provider has for a phone, the oldest first."""
        return [(each.sender, each.body) for each in reversed(self.ledger.listed(recipient=customer))]

    def rows(self, table: Any, **wanted: str) -> list[Any]:
        with self.world.store.read() as connection:
            rows = connection.execute(table.select()).all()
        return [row for row in rows if all(getattr(row, name) == value for name, value in wanted.items())]

    def outgoing(self) -> list[Any]:
        return self.rows(t.message, kind="outgoing")

    def answer(self, text: str) -> Any:
        """An agent's answer in the only conversation."""
        (conversation,) = self.rows(t.conversation)
        message_id = self.world.store.write(lambda tx: replies.reply(tx, conversation.id, ANA, text, text))
        return lambda: self.rows(t.message, id=message_id)[0]


@pytest.fixture
def firm(make_world: Callable[..., World]) -> Iterator[Firm]:
    clock = ManualTime()
    ledger, lanes = Ledger(), Lanes(clock)
    twilio = Twilio(ACCOUNT, ledger, lanes, base_url="", clock=clock)
    with ExitStack() as ports:
        twilio.base_url = ports.enter_context(served(create_phones(twilio)))
        world = make_world(CENTRALITA_FETCH_ALLOW=urlsplit(twilio.base_url).netloc)
        address = ports.enter_context(served(create_app(world.hub)))
        for number in (SPAIN, UK):
            twilio.set_number(Number(number, f"{address}/webhooks/{KEY}"))
        settings = {
            "account_sid": ACCOUNT.sid,
            "numbers": [SPAIN, UK],
            "api_url": twilio.base_url,
            "webhook_url": f"{address}/webhooks/{KEY}",
            "messages_per_second": 0,
            "rules": {"bot": False},
        }
        values = {"id": "inbox-sms", "key": KEY, "name": "Text messages", "channel": "sms", "team_id": TEAM}
        sealed = world.hub.box.seal(json.dumps({"auth_token": ACCOUNT.token}))
        values |= {"settings": json.dumps(settings), "secrets": sealed}
        world.store.write(lambda tx: tx.add(t.inbox, values))
        yield Firm(world, twilio, ledger, lanes, clock)
        twilio.close()
    ledger.close()


def agree(firm: Firm) -> bool:
    with firm.world.store.read() as connection:
        return replay.check(connection).differences == []


def test_a_text_comes_in_once_and_its_answer_goes_out_and_arrives(firm: Firm) -> None:
    firm.text("Hola, ¿dónde está mi lámpara? 😀", copies=5)
    (said,) = firm.rows(t.message, kind="incoming")
    assert said.text == "Hola, ¿dónde está mi lámpara? 😀"
    stored = firm.answer("Sale mañana 🚚")
    firm.go_on()
    assert firm.got() == [(SPAIN, "Sale mañana 🚚")]
    assert stored().state == "delivered"
    (made,) = firm.ledger.listed(recipient=CARMEN)
    assert stored().provider_id == made.sid
    assert agree(firm)


def test_a_picture_comes_in_with_the_accounts_credentials(firm: Firm) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
    firm.twilio.text(CARMEN, SPAIN, "mire", [Media("", "", "lamp.png", "image/png", 0, picture)])
    firm.go_on()
    (media,) = firm.rows(t.remote_media)
    (file,) = firm.rows(t.attachment)
    assert (media.state, media.attachment_id, file.media_type, file.size) == ("fetched", file.id, "image/png", 72)
    assert firm.world.hub.files.get(attachments.key(file.id)) == picture


def test_an_answer_comes_from_the_number_that_the_customer_wrote_to(firm: Firm) -> None:
    firm.text("hola", to=UK)
    firm.answer("one")
    firm.go_on()
    firm.text("hola", to=SPAIN)
    firm.answer("two")
    firm.go_on()
    assert firm.got() == [(UK, "one"), (SPAIN, "two")]


def test_after_stop_nothing_goes_out(firm: Firm) -> None:
    firm.text("hola")
    firm.text("STOP")
    assert [each.origin for each in firm.ledger.listed(recipient=CARMEN)] == ["provider"]  # its own answer
    with pytest.raises(DoNotContact):
        firm.answer("one more thing")
    firm.text("START")
    stored = firm.answer("welcome back")
    firm.go_on()
    assert stored().state == "delivered"


def test_who_told_twilio_alone_is_not_written_to_again(firm: Firm) -> None:
    firm.text("hola")
    firm.ledger.block(CARMEN, SPAIN, True)
    stored = firm.answer("one more thing")
    firm.go_on()
    assert (stored().state, stored().error_code) == ("failed", "21610")
    with pytest.raises(DoNotContact):
        firm.answer("and another")


def test_a_failed_delivery_says_why(firm: Firm) -> None:
    firm.text("hola")
    firm.twilio.faults.add({"where": "send", "do": "fail_later", "code": 30007})
    stored = firm.answer("adiós")
    firm.go_on()
    assert (stored().state, stored().error_code) == ("failed", "30007")
    assert stored().error_text == "the network took the message for unwanted"


def test_reports_that_come_in_any_order_never_move_a_message_back(firm: Firm) -> None:
    firm.text("hola")
    firm.twilio.faults.add({"where": "status", "do": "reverse"})
    stored = firm.answer("adiós")
    firm.go_on()
    assert stored().state == "delivered"
    assert agree(firm)


def test_a_report_that_is_faster_than_the_answer_to_our_call_is_not_lost(firm: Firm) -> None:
    firm.text("hola")
    firm.twilio.faults.add({"where": "status", "do": "early"})
    stored = firm.answer("adiós")
    firm.go_on()
    assert stored().state == "delivered"


@pytest.mark.parametrize("reports", [True, False])
def test_a_lost_answer_is_never_sent_again_and_found(firm: Firm, reports: bool) -> None:
    firm.text("hola")
    firm.twilio.faults.add({"where": "send", "do": "accept_then_cut"})
    if not reports:
        firm.twilio.faults.add({"where": "status", "do": "lose"})
    stored = firm.answer("adiós")
    rows = firm.world.nudger.take()
    for row in rows:
        firm.world.assembled.runner.run(row)
    assert stored().state == "unknown"
    firm.world.clock.pass_time(60 * MINUTE)
    for row in rows:
        firm.world.assembled.runner.run(row)
    (made,) = firm.ledger.listed(recipient=CARMEN)
    assert (stored().state, stored().provider_id) == ("sent", made.sid)
    firm.go_on()
    assert firm.got() == [(SPAIN, "adiós")]
    assert stored().state == ("delivered" if reports else "sent")


def test_a_busy_twilio_is_asked_again_when_it_said(firm: Firm) -> None:
    firm.text("hola")
    firm.twilio.faults.add({"where": "send", "do": "refuse", "status": 429, "retry_after": 30})
    stored = firm.answer("adiós")
    rows = firm.world.nudger.take()
    for minutes in (0, 0.1, 1):
        firm.world.clock.pass_time(int(minutes * MINUTE))
        for row in rows:
            firm.world.assembled.runner.run(row)
        assert (stored().state == "sent") == (minutes == 1)
    assert firm.got() == [(SPAIN, "adiós")]


def test_customers_of_two_countries_have_conversations_of_their_own(firm: Firm) -> None:
    firm.text("hola")
    firm.text("hello", OLIVER, UK)
    assert len(firm.rows(t.conversation)) == 2
    assert {row.address for row in firm.rows(t.identity, channel="sms")} == {CARMEN, OLIVER}
