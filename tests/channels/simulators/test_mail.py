"""Customers' mailboxes between the hub's own halves: its listener takes what they send, its client sends them mail, and
its parser reads what their programs write."""

from __future__ import annotations

import smtplib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from channels.email import compose, smtp
from channels.email.mime import Mail, parse_mail
from channels.email.receiver import Arrived, Receiver
from channels.email.reply_text import reply_text
from channels.email.robots import bounces, robot
from channels.simulators.__main__ import main, place_from
from channels.simulators.lanes import Lanes
from channels.simulators.ledger import Ledger
from channels.simulators.mail import MailTiming, MailWorld
from channels.simulators.mail_ledger import KeptMail, MailLedger
from channels.simulators.mail_people import FIRM_ADDRESS
from channels.simulators.mail_programs import PROGRAMS
from channels.simulators.server import create_app
from channels.simulators.twilio import Twilio
from hub.domain.errors import ChannelError
from hub.domain.mail_threading import reply_address
from tests.channels.simulators.conftest import ACCOUNT

CARMEN, OLIVER = "carmen.ortega@correo.example", "oliver.hughes@mail.example"
OURS = "01JD0000000000000000000000"


@dataclass
class Firm:
    """The hub's listener, which keeps what it takes; `refusals` are met first."""

    mails: list[Arrived] = field(default_factory=list)
    refusals: int = 0
    news: threading.Condition = field(default_factory=threading.Condition)

    def store(self, arrived: Arrived) -> None:
        with self.news:
            if self.refusals:
                self.refusals -= 1
                raise OSError("the disk is full")
            self.mails.append(arrived)
            self.news.notify_all()

    def got(self, count: int) -> list[Mail]:
        """The mails, parsed, as soon as there are this many."""
        with self.news:
            assert self.news.wait_for(lambda: len(self.mails) >= count, 20)
            parsed = [parse_mail(each.raw) for each in self.mails]
        assert all(isinstance(each, Mail) for each in parsed)
        return parsed  # type: ignore[return-value]


@dataclass
class Post:
    firm: Firm
    world: MailWorld
    app: Flask
    port: int

    def write(self, **body: Any) -> dict[str, Any]:
        response = self.app.test_client().post("/control/mail/mails", json={"from": CARMEN, "body": "hola"} | body)
        assert response.status_code == 201, response.text
        return dict(response.get_json())

    def fault(self, **values: Any) -> None:
        response = self.app.test_client().post("/control/mail/faults", json=values)
        assert response.status_code == 201, response.text

    def answer(self, to: str = CARMEN, text: str = "Ya va de camino", references: tuple[str, ...] = ()) -> str:
        """The hub answers as it does; gives the server's last words."""
        reply_to = reply_address(FIRM_ADDRESS, "01JC0000000000000000000000", b"k" * 32, separator="+")
        mail = compose.OutgoingMail(
            message_id=f"{OURS}@lumbre.example",
            sent_at=datetime(2026, 11, 20, 10, 0, tzinfo=UTC),
            sender=("Ana (Lumbre)", FIRM_ADDRESS),
            to=("", to),
            subject="Re: pedido [#7]",
            text=text,
            signature="Ana",
            reply_to=reply_to,
            references=references,
            files=[compose.OutgoingFile("recibo.png", "image/png", b"png")],
        )
        account = smtp.SmtpAccount("127.0.0.1", self.port, "none")
        return smtp.send(account, compose.compose(mail), sender=FIRM_ADDRESS, recipients=[to])

    def received(self, to: str = CARMEN) -> list[KeptMail]:
        return [each for each in self.world.ledger.changes(after=0, customer=to) if each.origin == "hub"]


@pytest.fixture
def post() -> Iterator[Post]:
    firm = Firm()
    receiver = Receiver("127.0.0.1", 0, knows=lambda address: address.endswith("@lumbre.example"), store=firm.store)
    receiver.start()
    lanes = Lanes()
    lanes.start(4)
    place = ("127.0.0.1", receiver.port)
    world = MailWorld(MailLedger(), lanes, place, timing=MailTiming(retry=0, robot=0))
    ledger = Ledger()
    twilio = Twilio(ACCOUNT, ledger, lanes, base_url="")
    yield Post(firm, world, create_app(twilio, world), world.listen("127.0.0.1", 0))
    lanes.stop()
    receiver.stop()
    world.close()
    twilio.close()
    ledger.close()
    world.ledger.close()


def test_a_mail_arrives_as_it_was_written(post: Post) -> None:
    picture = {"name": "lámpara.png", "media_type": "image/png", "content_base64": "cG5n"}
    sent = post.write(subject="¿Dónde está?", body="Línea uno\n.punto\n-- \nCarmen", files=[picture])
    assert (sent["status"], sent["code"], sent["attempts"], sent["name"]) == ("accepted", 250, 1, "Carmen Ortega")
    assert sent["latency_ms"] > 0
    (mail,) = post.firm.got(1)
    assert post.firm.mails[0].recipient == FIRM_ADDRESS
    assert (mail.message_id, mail.subject) == (sent["message_id"], "¿Dónde está?")
    assert mail.author is not None
    assert mail.author.address == CARMEN
    assert mail.text.startswith("Línea uno\n.punto\n")
    assert [(part.name, part.content) for part in mail.parts] == [("lámpara.png", b"png")]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("language", ["en", "es"])
def test_a_reply_is_tied_and_quotes_and_its_own_text_is_found(post: Post, program: str, language: str) -> None:
    first = post.write(subject="pedido")
    post.answer(references=(first["message_id"],))
    (received,) = post.received()
    assert received.thread == first["thread"]
    own = "Gracias, eso era todo.\nUn saludo"
    reply = post.write(answers=received.id, body=own, program=program, language=language)
    mail = post.firm.got(2)[1]
    assert mail.in_reply_to[0] == f"{OURS}@lumbre.example"
    assert mail.references == (first["message_id"], f"{OURS}@lumbre.example")
    assert (reply["to"], reply["subject"]) == (received.reply_to, "Re: pedido [#7]")
    assert reply["to"].startswith("support+")
    assert reply["thread"] == first["thread"]
    assert "Ya va de camino" in mail.text
    assert mail.header("content-language") == (language if program in ("outlook", "thunderbird") else "")
    assert reply_text(mail.text, mail.html).own_text.strip().startswith("Gracias, eso era todo.")
    assert "camino" not in reply_text(mail.text, mail.html).own_text


def test_a_program_may_forget_the_thread(post: Post) -> None:
    first = post.write()
    post.answer(references=(first["message_id"],))
    post.fault(where="mail", do="without_references")
    post.write(answers=post.received()[0].id)
    mail = post.firm.got(2)[1]
    assert (mail.in_reply_to, mail.references) == ((), ())


def test_what_is_refused_for_now_comes_again(post: Post) -> None:
    post.firm.refusals = 2
    sent = post.write()
    assert (sent["status"], sent["attempts"]) == ("accepted", 3)
    codes = [each["code"] for each in post.world.ledger.entries(kind="attempt")]
    assert codes == [451, 451, 250]


def test_what_is_refused_for_good_does_not(post: Post) -> None:
    sent = post.write(to="nobody@elsewhere.example")
    assert (sent["status"], sent["code"], sent["attempts"]) == ("failed", 550, 1)
    assert sent["words"].startswith("5.1.1")


@pytest.mark.parametrize(("do", "arrivals"), [("duplicate", 3), ("parallel", 3), ("lose_answer", 2), ("cut", 1)])
def test_a_mail_comes_more_than_once(post: Post, do: str, arrivals: int) -> None:
    post.fault(where="mail", do=do, **({"copies": 3} if do in ("duplicate", "parallel") else {}))
    sent = post.write()
    assert sent["status"] == "accepted"
    mails = post.firm.got(arrivals)
    assert len(mails) == arrivals
    assert {each.message_id for each in mails} == {sent["message_id"]}


def test_a_mail_may_be_overtaken(post: Post) -> None:
    post.fault(where="mail", do="late", seconds=0.3)
    late = post.write(body="one", wait=False)
    post.write(body="two")
    assert [mail.text.strip() for mail in post.firm.got(2)] == ["two", "one"]
    assert late["status"] == "sending"


def test_the_hubs_mail_arrives_with_its_files(post: Post) -> None:
    assert post.answer() == "2.0.0 OK"
    (mail,) = post.received()
    assert (mail.message_id, mail.sender, mail.sender_name) == (f"{OURS}@lumbre.example", FIRM_ADDRESS, "Ana (Lumbre)")
    assert mail.text == "Ya va de camino\n\n-- \nAna"
    (file,) = post.world.ledger.files_of(mail.id, with_content=True)
    assert (file.name, file.content) == ("recibo.png", b"png")
    source = post.world.ledger.source(mail.id)
    assert source is not None
    assert b"Message-ID: <01JD" in source


@pytest.mark.parametrize(
    ("fault", "code", "unknown", "arrives"),
    [
        ({"do": "greylist"}, "451", False, 0),
        ({"do": "refuse"}, "550", False, 0),
        ({"do": "refuse", "status": 452, "message": "4.2.2 full"}, "452", False, 0),
        ({"do": "cut"}, "no_answer", True, 0),
        ({"do": "accept_then_cut"}, "no_answer", True, 1),
    ],
)
def test_the_hub_meets_what_servers_do(
    post: Post, fault: dict[str, Any], code: str, unknown: bool, arrives: int
) -> None:
    post.fault(where="send", number=CARMEN, **fault)
    with pytest.raises(ChannelError) as refused:
        post.answer()
    assert (refused.value.code, refused.value.unknown) == (code, unknown)
    assert len(post.received()) == arrives
    post.answer(to=OLIVER)  # another's mail is not touched, and the fault is used up
    post.answer()
    assert len(post.received()) == arrives + 1


@pytest.mark.parametrize(("name", "code"), [("nobody", "550"), ("full", "452"), ("blocked", "554")])
def test_addresses_that_always_refuse(post: Post, name: str, code: str) -> None:
    with pytest.raises(ChannelError) as refused:
        post.answer(to=f"{name}@mail.example")
    assert refused.value.code == code


def test_a_mail_that_bounces_comes_back_as_a_report(post: Post) -> None:
    post.answer(to="bounces@mail.example")
    (mail,) = post.firm.got(1)
    (found,) = bounces(mail)
    assert (found.original_message_id, found.action, found.status) == (f"{OURS}@lumbre.example", "failed", "5.1.1")
    assert post.firm.mails[0].sender == ""
    assert post.received("bounces@mail.example")[0].status == "bounced"


def test_an_out_of_office_reply_says_what_it_is(post: Post) -> None:
    post.fault(where="send", do="out_of_office", seconds=0)
    post.answer()
    (mail,) = post.firm.got(1)
    assert robot(mail).kind == "out_of_office"
    assert mail.in_reply_to[0] == f"{OURS}@lumbre.example"
    assert mail.subject == "Fuera de la oficina: Re: pedido [#7]"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"from": "Carmen"}, "from"),
        ({"to": "a b@c.example"}, "to"),
        ({"body": " "}, "body"),
        ({"body": 1}, "body"),
        ({"language": "fr"}, "language"),
        ({"program": "pine"}, "program"),
        ({"answers": 99}, "answers"),
        ({"out_of_office": True}, "answers"),
        ({"files": [{"media_type": "x", "content_base64": ""}]}, "media_type"),
        ({"files": [{"media_type": "image/png", "content_base64": "?"}]}, "content_base64"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_breaks_a_rule_is_named(post: Post, body: dict[str, Any], field: str) -> None:
    response = post.app.test_client().post("/control/mail/mails", json={"from": CARMEN, "body": "x"} | body)
    assert response.status_code == 422
    assert response.get_json()["field"] == field


def test_strange_faults_and_strange_pages_are_refused(post: Post) -> None:
    client = post.app.test_client()
    assert client.post("/control/mail/faults", json={"where": "webhook", "do": "tamper"}).get_json()["field"] == "where"
    assert client.post("/control/mail/mails", json={}, headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.get("/control/mail/people", headers={"Host": "evil.example"}).status_code == 421
    assert set(client.get("/control/mail/faults").get_json()["menu"]) == {"send", "mail"}


def test_a_mails_page_runs_nothing_and_fetches_nothing(post: Post) -> None:
    raw = (
        b"From: a@lumbre.example\r\nTo: c@mail.example\r\nMessage-ID: <x@y>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/html\r\n\r\n"
        b"<html><body><script>alert(1)</script><img src='https://t.example/p'>hi</body></html>"
    )
    with smtplib.SMTP("127.0.0.1", post.port, local_hostname="localhost") as client:
        client.sendmail(FIRM_ADDRESS, [CARMEN], raw)
    (mail,) = post.received()
    response = post.app.test_client().get(f"/control/mail/mails/{mail.id}/page")
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox ")
    assert "allow-scripts" not in policy
    assert "default-src 'none'; img-src data:;" in policy


def test_the_ledger_is_kept_and_summed_up(post: Post, tmp_path: Path) -> None:
    post.write()
    post.write(to="nobody@elsewhere.example")
    post.answer()
    summary = post.app.test_client().get("/control/mail/summary").get_json()
    assert {name: summary[name] for name in ("sent", "accepted", "failed", "received")} == {
        **{"sent": 2, "accepted": 1, "failed": 1, "received": 1},
    }
    assert summary["calls"] == {"250": 1}
    path = tmp_path / "mail.sqlite3"
    ledger = MailLedger(path)
    kept = ledger.add(post.received()[0], b"raw")
    ledger.close()
    ledger = MailLedger(path)
    assert ledger.mail(kept.id) == kept
    assert ledger.last_change == kept.changed
    ledger.close()


def test_the_command_takes_a_place_for_mail(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setenv("CENTRALITA_SIMULATOR_ACCOUNT", ACCOUNT.sid)
    monkeypatch.setenv("CENTRALITA_SIMULATOR_TOKEN", ACCOUNT.token)
    assert place_from("[::1]:25") == ("::1", 25)
    assert main(["--hub-mail", "here"]) == 2
    assert "HOST:PORT" in capsys.readouterr().err
