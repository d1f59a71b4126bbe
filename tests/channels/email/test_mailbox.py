"""The channel for mail: settings, mails as messages, answers as mails."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from channels.email import mailbox
from hub.domain.errors import BadSignature, ChannelError, Refused
from hub.domain.inbox import Inbox
from hub.domain.messages import (
    ACCEPTED,
    Address,
    Attachment,
    Delivery,
    DeliveryUpdate,
    InboundMessage,
    OutboundLetter,
    OutboundMessage,
    SetAside,
    WebhookRequest,
)
from hub.fetcher import PublicFetcher
from hub.ports import ChannelParts, Listener
from hub.testing.fakes import ManualClock

SETTINGS: dict[str, Any] = {
    "address": "ayuda@lumbre.example",
    "name": "Lumbre",
    "aliases": ["hola@lumbre.example"],
    "signature": "{agent}\nLumbre",
    "blocked": ["*@spam.example"],
    "trusted_hosts": ["mx.lumbre.example"],
}
OURS = "01JD0000000000000000000001"
PLAIN = """From: Ana García <ana@example.org>
To: ayuda@lumbre.example
Subject: Re: Mi pedido [#1001]
Message-ID: <m1@example.org>
In-Reply-To: <01JD0000000000000000000001@lumbre.example>
Date: Sat, 21 Nov 2026 10:00:00 +0100
Content-Language: es-ES
Content-Type: text/plain; charset=utf-8

¿Dónde está?

El sáb, 21 nov 2026 a las 9:00, Lumbre (<ayuda@lumbre.example>) escribió:
> Su pedido ha salido.
"""


def make(settings: Mapping[str, Any] = SETTINGS, **secrets: str) -> mailbox.Mailbox:
    inbox = Inbox("inbox-1", "mail", "Mail", "email", "team", settings=settings)
    return mailbox.channel(
        ChannelParts(
            inbox,
            secrets,
            lambda purpose: purpose.encode().ljust(32, b"."),
            ManualClock(),
            PublicFetcher(()),
            "https://hub.example/webhooks/mail",
            read_file=lambda attachment_id: f"bytes of {attachment_id}".encode(),
        )
    )


def arrive(raw: str | bytes, channel: mailbox.Mailbox | None = None, **headers: str) -> Any:
    body = raw.encode() if isinstance(raw, str) else raw
    parsed = (channel or make()).parse_inbound(WebhookRequest("FETCH", "imap://x/INBOX", headers=headers, body=body))
    (found,) = (*parsed.events, *parsed.set_aside)
    return found


def test_a_mail_is_a_message_of_its_writers_own_words() -> None:
    message = arrive(PLAIN)
    assert isinstance(message, InboundMessage)
    assert message.address == Address("email", "ana@example.org", display_name="Ana García")
    assert message.text == "¿Dónde está?"
    assert message.language == "es"
    assert message.sent_at == 1_795_251_600_000_000
    assert message.letter is not None
    assert "> Su pedido ha salido." in message.letter.whole
    assert message.letter.named.message_ids == (f"{OURS}@lumbre.example",)
    assert message.letter.named.ticket_numbers == (1001,)
    assert message.letter.robot == ""


def test_a_copy_is_the_same_and_another_mail_with_the_same_id_is_not() -> None:
    first = arrive(PLAIN)
    copy = arrive("Received: by another relay\n" + PLAIN + "-- \nThis mail was checked for viruses.\n")
    other = arrive(PLAIN.replace("10:00:00", "10:00:01"))
    assert copy.external_id == first.external_id
    assert other.external_id != first.external_id


def test_a_form_on_the_firms_pages_names_the_customer_in_reply_to() -> None:
    form = PLAIN.replace("From: Ana García <ana@example.org>", "From: ayuda@lumbre.example\nReply-To: ana@example.org")
    assert arrive(form).address.value == "ana@example.org"
    unanswerable = PLAIN.replace("<ana@example.org>", "<no-reply@example.org>").replace(
        "To: ayuda", "Reply-To: Ana <ana@example.org>\nTo: ayuda", 1
    )
    assert arrive(unanswerable).address.value == "ana@example.org"
    assert (
        arrive(PLAIN.replace("To: ayuda", "Reply-To: thief@x.example\nTo: ayuda", 1)).address.value == "ana@example.org"
    )


def test_files_stand_by_the_index_that_the_html_names_them_by() -> None:
    message = EmailMessage()
    message["From"], message["Message-ID"] = "ana@example.org", "<m2@example.org>"
    message.set_content("See the picture.")
    message.add_alternative('<p>See <img src="cid:pic"><script>x()</script></p>', subtype="html")
    html = message.get_body(("html",))
    assert html is not None
    html.add_related(b"GIF89a", "image", "gif", cid="<pic>", filename="pic.gif")  # type: ignore[attr-defined]
    message.add_attachment(b"%PDF-1.7", "application", "pdf", filename="factura.pdf")
    found = arrive(message.as_bytes())
    assert {(each.name, each.inline) for each in found.files} == {("pic.gif", True), ("factura.pdf", False)}
    index = next(number for number, each in enumerate(found.files) if each.name == "pic.gif")
    assert f'data-attachment="{index}"' in found.letter.html
    assert "script" not in found.letter.html


def test_what_cannot_be_read_is_shown_as_such() -> None:
    message = arrive(b"\x00\x01\x02 no mail at all")
    assert message.address.value == mailbox.NOBODY
    assert message.letter.robot == "unreadable"
    assert message.text.startswith("[")


def test_a_mail_that_was_left_in_the_mailbox_says_so() -> None:
    message = arrive(PLAIN.split("\n\n")[0] + "\n\n", **{"x-centralita-too-large": str(50 * 1024 * 1024)})
    assert message.text.startswith("[50 MB")
    assert message.letter.subject == "Re: Mi pedido [#1001]"


def test_spam_and_blocked_senders_are_held_back_until_somebody_wants_them() -> None:
    spam = "X-Spam-Flag: YES\n" + PLAIN
    assert isinstance(arrive(spam), SetAside)
    assert arrive(spam).field == "spam"
    assert isinstance(arrive(spam, **{ACCEPTED: "1"}), InboundMessage)
    assert isinstance(arrive(spam, make(SETTINGS | {"spam": "take"})), InboundMessage)
    blocked = arrive(PLAIN.replace("ana@example.org>", "Ana@Spam.example>", 1))
    assert (blocked.field, blocked.rule) == ("from", "is blocked by *@spam.example")


def test_a_forged_sender_is_a_stranger() -> None:
    forged = "Authentication-Results: mx.lumbre.example; dmarc=fail\n" + PLAIN
    assert arrive(forged, make(SETTINGS | {"spam": "take"})).letter.headers.forged
    not_ours = "Authentication-Results: mx.thief.example; dmarc=fail\n" + PLAIN
    assert not arrive(not_ours).letter.headers.forged


def bounce(action: str, original: str) -> str:
    return f"""From: MAILER-DAEMON@mx.example.org
To: ayuda@lumbre.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <b1@mx.example.org>
Content-Type: multipart/report; report-type=delivery-status; boundary=B

--B
Content-Type: text/plain

I could not deliver it.
--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; ana@example.org
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--B
Content-Type: text/rfc822-headers

Message-ID: <{original}>
Subject: Re: Mi pedido

--B--
"""


def test_a_bounce_tells_of_the_message_that_did_not_arrive() -> None:
    report = arrive(bounce("failed", f"{OURS}@lumbre.example"))
    assert isinstance(report, DeliveryUpdate)
    assert (report.state, report.message_id, report.error_code) == (Delivery.FAILED, OURS, "5.1.1")
    assert "no such user" in report.error_text
    assert arrive(bounce("delayed", f"{OURS}@lumbre.example")).state is Delivery.SENT
    assert arrive(bounce("failed", "somebody@elsewhere.example")).letter.robot == "bounce", "shown as what it is"


def test_nobody_may_post_mail() -> None:
    with pytest.raises(BadSignature):
        make().verify(WebhookRequest("POST", "https://hub.example/webhooks/mail", body=PLAIN.encode()))


def test_mail_to_the_address_with_any_tag_is_ours() -> None:
    channel = make()
    assert all(
        channel.owns(each)
        for each in (
            "ayuda@lumbre.example",
            "AYUDA@Lumbre.example",
            "hola@lumbre.example",
            "ayuda+c01-x@lumbre.example",
        )
    )
    assert not channel.owns("otra@lumbre.example")


@pytest.mark.parametrize(
    ("change", "secrets", "field"),
    [
        ({"address": "nobody"}, {}, "settings.address"),
        ({"aliases": ["nobody"]}, {}, "settings.aliases"),
        ({"aliases": "a@b.c"}, {}, "settings.aliases"),
        ({"imap": {"port": 993}}, {}, "settings.imap.host"),
        ({"imap": {"host": "mx", "port": 0}}, {}, "settings.imap.port"),
        ({"imap": {"host": "mx", "security": "none"}}, {}, "settings.imap.security"),
        ({"imap": {"host": "mx", "begin": "never"}}, {}, "settings.begin"),
        ({"smtp": "mx"}, {}, "settings.smtp"),
        ({"oauth": {"provider": "yahoo"}}, {}, "settings.provider"),
        ({"oauth": {"provider": "google"}}, {}, "secrets.refresh_token"),
        ({"dkim": {"domain": "x.example", "selector": "s"}}, {}, "settings.dkim"),
        ({"spam": "eat"}, {}, "settings.spam"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    change: dict[str, Any], secrets: dict[str, str], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        make(SETTINGS | change, **secrets)
    assert refused.value.field == field


def test_the_great_providers_need_no_server_names() -> None:
    for provider in ("google", "microsoft"):
        oauth = {"provider": provider, "client_id": "c", "tenant": "t"}
        channel = make(SETTINGS | {"oauth": oauth}, refresh_token="r", client_secret="s")
        assert isinstance(channel, Listener)


class Post:
    def __init__(self) -> None:
        self.taken: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.taken.append(envelope)
        return "250 queued"


@pytest.fixture
def post() -> Iterator[tuple[Post, mailbox.Mailbox]]:
    taking = Post()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(taking, hostname="127.0.0.1", port=port)
    controller.start()
    yield taking, make(SETTINGS | {"smtp": {"host": "127.0.0.1", "port": port, "security": "none"}})
    controller.stop()


def outbound(**changes: Any) -> OutboundMessage:
    values: dict[str, Any] = {
        "message_id": OURS,
        "conversation_id": "01JD0000000000000000000002",
        "address": Address("email", "ana@example.org", display_name="Ana García"),
        "text": "Llega mañana.",
        "letter": OutboundLetter("RE: Mi pedido", 1001, ("m1@example.org",), "Ben Carter"),
    }
    return OutboundMessage(**(values | changes))


def sent(taking: Post) -> EmailMessage:
    content = taking.taken[-1].content
    assert isinstance(content, bytes)
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_an_answer_is_a_mail_in_the_thread_and_its_replies_come_back(post: tuple[Post, mailbox.Mailbox]) -> None:
    taking, channel = post
    receipt = channel.send(outbound(attachments=(Attachment("f1", "a.pdf", "application/pdf", 3),)))
    message = sent(taking)
    assert receipt.provider_id == f"{OURS}@lumbre.example"
    assert message["Message-ID"] == f"<{OURS}@lumbre.example>"
    assert message["Subject"] == "Re: Mi pedido [#1001]"
    assert message["In-Reply-To"] == "<m1@example.org>"
    assert message["From"].addresses[0].display_name == "Ben Carter (Lumbre)"
    assert "Auto-Submitted" not in message
    body = message.get_body(("plain",))
    assert body is not None
    assert "Ben Carter\nLumbre" in body.get_content().replace("\r\n", "\n")
    (file,) = message.iter_attachments()
    assert file.get_content() == b"bytes of f1"
    reply = PLAIN.replace("To: ayuda@lumbre.example", f"To: {message['Reply-To']}")
    assert arrive(reply).letter.named.token_conversations == ("01JD0000000000000000000002",)
    assert arrive(reply.replace("+c01jd", "+c01je")).letter.named.token_conversations == ()


def test_what_no_person_wrote_says_so(post: tuple[Post, mailbox.Mailbox]) -> None:
    taking, channel = post
    channel.send(outbound(letter=OutboundLetter("Mi pedido", 1001)))
    message = sent(taking)
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Subject"] == "Mi pedido [#1001]"
    body = message.get_body(("plain",))
    assert body is not None
    assert "{agent}" not in body.get_content()


@pytest.mark.parametrize("address", ["no address", "a@b\r\nBcc: c@d.example", mailbox.NOBODY.replace("@", "@@")])
def test_what_cannot_be_written_to_is_not_tried(post: tuple[Post, mailbox.Mailbox], address: str) -> None:
    taking, channel = post
    with pytest.raises(ChannelError) as refused:
        channel.send(outbound(address=Address("email", address)))
    assert refused.value.permanent
    assert taking.taken == []


def test_a_text_that_is_too_long_is_not_tried(post: tuple[Post, mailbox.Mailbox]) -> None:
    taking, channel = post
    with pytest.raises(ChannelError) as refused:
        channel.send(outbound(text="x" * (mailbox.TEXT_LIMIT + 1)))
    assert (refused.value.code, refused.value.permanent) == ("too_long", True)
    channel.send(outbound(text="ñ " * (mailbox.TEXT_LIMIT // 2)))
    assert len(taking.taken) == 1


def test_a_mail_of_a_subject_alone_is_what_it_says() -> None:
    assert arrive("From: ana@example.org\nSubject: Call me\n\n").text == "Call me"
    assert arrive("From: ana@example.org\n\n").text == "[empty]"


def test_secrets_are_not_shown() -> None:
    shown = repr(make(SETTINGS | {"imap": {"host": "mx"}, "smtp": {"host": "mx"}}, password="hunter2hunter2"))
    configuration = repr(make(SETTINGS | {"smtp": {"host": "mx"}}, password="hunter2hunter2")._configuration)
    assert "hunter2" not in shown + configuration
