"""Mails as they leave, read again by the standard library and by dkimpy."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from channels.email.compose import DkimKey, OutgoingFile, OutgoingMail, compose, html_of

PIXEL = base64.b64decode("R0lGODlhAQABAAAAACwAAAAAAQABAAA=")
MAIL = OutgoingMail(
    message_id="01JD@lumbre.example",
    sent_at=datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
    sender=("Ana de Lumbre", "ayuda@lumbre.example"),
    to=("José Núñez", "jose@example.org"),
    subject="Re: ¿Dónde está mi pedido?",
    text="Su pedido llega mañana.\n\nMire https://lumbre.example/p?a=1&b=2.\n.un punto\n",
    signature="Ana Torres\nLumbre",
    reply_to="ayuda+t0k3n@lumbre.example",
    references=("first@example.org", "second@example.org"),
)


def read(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def body(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def test_what_is_said_arrives_as_text_and_as_html() -> None:
    raw = compose(MAIL)
    message = read(raw)
    assert message["From"].addresses[0].display_name == "Ana de Lumbre"
    assert message["To"].addresses[0].addr_spec == "jose@example.org"
    assert message["Subject"] == "Re: ¿Dónde está mi pedido?"
    assert message["Date"].datetime == MAIL.sent_at
    assert body(message, "plain").replace("\r\n", "\n") == (
        "Su pedido llega mañana.\n\nMire https://lumbre.example/p?a=1&b=2.\n.un punto\n\n-- \nAna Torres\nLumbre\n"
    )
    html = body(message, "html")
    assert '<a href="https://lumbre.example/p?a=1&amp;b=2">' in html
    assert html.index("mañana") < html.index("Ana Torres")
    assert raw.isascii(), "any relay can take it"
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_the_thread_holds_together() -> None:
    message = read(compose(MAIL))
    assert message["Message-ID"] == "<01JD@lumbre.example>"
    assert message["In-Reply-To"] == "<second@example.org>"
    assert message["References"].split() == ["<first@example.org>", "<second@example.org>"]
    assert message["Reply-To"].addresses[0].addr_spec == "ayuda+t0k3n@lumbre.example"


def test_a_long_thread_keeps_its_beginning_and_its_end() -> None:
    ids = [f"{number}@example.org" for number in range(300)]
    references = read(compose(replace(MAIL, references=ids)))["References"].split()
    assert references[0] == "<0@example.org>"
    assert references[-2:] == ["<298@example.org>", "<299@example.org>"]
    assert len(references) == 20


def test_a_first_mail_answers_nothing_and_says_nothing_of_lists() -> None:
    message = read(compose(replace(MAIL, references=())))
    assert not {"In-Reply-To", "References", "Auto-Submitted", "List-Unsubscribe"} & set(message.keys())


def test_what_no_person_wrote_says_so_and_what_goes_to_many_can_be_left() -> None:
    message = read(compose(replace(MAIL, automatic=True, unsubscribe="https://hub.example/u/1")))
    assert message["Auto-Submitted"] == "auto-replied"
    assert "OOF" in message["X-Auto-Response-Suppress"]
    assert message["List-Unsubscribe"] == "<https://hub.example/u/1>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\x00", "\u2028", "\x85"])
def test_nothing_can_begin_a_header_of_its_own(break_: str) -> None:
    evil = f"Hello{break_}Bcc: thief@example.org"
    mail = replace(
        MAIL,
        subject=evil,
        sender=(evil, "ayuda@lumbre.example"),
        to=(evil, "jose@example.org"),
        references=(f"a{break_}Bcc: thief@example.org",),
        files=(OutgoingFile(f"{evil}.txt", "text/plain", b"x"),),
    )
    assert "Bcc" not in read(compose(mail))
    with pytest.raises(ValueError, match="is no address"):
        compose(replace(MAIL, to=("", f"jose@example.org{break_}Bcc: thief@example.org")))


def test_files_go_along_and_pictures_inside() -> None:
    files = (
        OutgoingFile("Garantía año 2.pdf", "application/pdf", b"%PDF-1.7"),
        OutgoingFile("logo.gif", "image/gif", PIXEL, content_id="logo@lumbre"),
        OutgoingFile("notas.txt", "text/plain", "ñ\n".encode()),
        OutgoingFile("forwarded.eml", "message/rfc822", b"Subject: x\r\n\r\ny"),
    )
    message = read(compose(replace(MAIL, files=files)))
    there = {part.get_filename(): part for part in message.walk() if part.get_filename()}
    assert set(there) == {"Garantía año 2.pdf", "logo.gif", "notas.txt", "forwarded.eml"}
    assert there["logo.gif"]["Content-ID"] == "<logo@lumbre>"
    assert there["logo.gif"].get_content() == PIXEL
    assert there["Garantía año 2.pdf"].get_content() == b"%PDF-1.7"
    assert there["forwarded.eml"].get_content() == b"Subject: x\r\n\r\ny"
    assert "mañana" in body(message, "plain")


def test_markup_in_the_text_stays_text() -> None:
    html = html_of('<script>alert(1)</script> & "x" https://a.example/"><b>', "<i>me</i>")
    assert "<script>" not in html
    assert "<b>" not in html
    assert "<i>" not in html


def test_a_signature_that_dns_confirms() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    raw = compose(MAIL, DkimKey("lumbre.example", "s1", pem))
    asked: list[bytes] = []

    def dns(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return record

    assert dkim.verify(raw, dnsfunc=dns)
    assert asked == [b"s1._domainkey.lumbre.example."]
    assert not dkim.verify(raw.replace(b"jose@", b"thief@"), dnsfunc=dns)
    assert b"reply-to" in raw.split(b"\r\n\r\n")[0].split(b"h=")[1].lower()
