"""Mail that a firm's server forwards to ours, as it is wired."""

from __future__ import annotations

import smtplib
from collections.abc import Callable

from hub.app import mail_receivers
from hub.store import tables as t
from tests.fixtures_hub import TEAM, World
from tests.parts import free_port

MAIL = b"From: ana@example.org\r\nTo: help@lumbre.example\r\nMessage-ID: <1@x>\r\nSubject: Hi\r\n\r\nhello\r\n"


def test_forwarded_mail_is_stored_before_it_is_accepted_and_only_ours_is_taken(
    make_world: Callable[..., World],
) -> None:
    places = {name: f"127.0.0.1:{free_port()}" for name in ("CENTRALITA_SMTP_LISTEN", "CENTRALITA_LMTP_LISTEN")}
    world = make_world(**places)
    values = {"id": "inbox-mail", "key": "mail", "name": "Mail", "channel": "email", "team_id": TEAM}
    world.store.write(lambda tx: tx.add(t.inbox, values | {"settings": '{"address": "help@lumbre.example"}'}))
    world.hub.inboxes.forget()
    receivers = mail_receivers(world.hub)
    for receiver in receivers:
        receiver.start()
    try:
        with smtplib.SMTP("127.0.0.1", receivers[0].port, timeout=60) as client:
            refused = client.sendmail("ana@example.org", ["help+tag@lumbre.example", "other@x.example"], MAIL)
            assert set(refused) == {"other@x.example"}
            assert world.count(t.message) == 1
            client.sendmail("ana@example.org", ["help@lumbre.example"], MAIL)
        with smtplib.LMTP("127.0.0.1", receivers[1].port) as local:
            local.sendmail("ana@example.org", ["help@lumbre.example"], MAIL)
    finally:
        for receiver in receivers:
            receiver.stop()
    assert world.count(t.message) == 1, "the same mail by three ways is one message"
    assert world.count(t.source) == 3


def test_an_inbox_whose_settings_are_wrong_holds_up_no_others_mail(make_world: Callable[..., World]) -> None:
    world = make_world(CENTRALITA_SMTP_LISTEN=f"127.0.0.1:{free_port()}")
    values = {"id": "inbox-mail", "key": "mail", "name": "Mail", "channel": "email", "team_id": TEAM}
    wrong = {"id": "inbox-broken", "key": "broken", "name": "A broken one", "channel": "sms", "team_id": TEAM}
    for each in (values | {"settings": '{"address": "help@lumbre.example"}'}, wrong | {"settings": "{}"}):
        world.store.write(lambda tx, each=each: tx.add(t.inbox, each))
    world.hub.inboxes.forget()
    (receiver,) = mail_receivers(world.hub)
    receiver.start()
    try:
        with smtplib.SMTP("127.0.0.1", receiver.port, timeout=60) as client:
            client.sendmail("ana@example.org", ["help@lumbre.example"], MAIL)
            assert world.count(t.message) == 1
            client.mail("ana@example.org")
            code, _ = client.rcpt("other@x.example")
            assert code == 451, "it may be the broken one's: whoever sends it comes again"
    finally:
        receiver.stop()


def test_without_settings_nobody_listens(world: World) -> None:
    assert mail_receivers(world.hub) == []
