"""Our own mail server, spoken to by the standard library's client."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from channels.email.receiver import Arrived, Receiver

MAIL = b"From: ana@example.org\r\nTo: help@lumbre.example\r\nSubject: \xc3\xb1\r\n\r\n.a dot\r\nend\r\n"


class Store:
    """Keeps what arrives; `fails` lists recipients whose mail cannot be stored just now."""

    def __init__(self) -> None:
        self.stored: list[Arrived] = []
        self.fails: set[str] = set()

    def __call__(self, arrived: Arrived) -> None:
        if arrived.recipient in self.fails:
            raise OSError("the disk is full")
        self.stored.append(arrived)


@pytest.fixture
def store() -> Store:
    return Store()


Listen = Callable[..., int]


@pytest.fixture
def listen(store: Store) -> Iterator[Listen]:
    started: list[Receiver] = []

    def start(
        protocol: Literal["smtp", "lmtp"] = "smtp", size_limit: int = 10_000, tls: ssl.SSLContext | None = None
    ) -> int:
        receiver = Receiver(
            "127.0.0.1",
            0,
            knows=lambda address: address.endswith("@lumbre.example"),
            store=store,
            protocol=protocol,
            size_limit=size_limit,
            tls=tls,
        )
        receiver.start()
        started.append(receiver)
        return receiver.port

    yield start
    for receiver in started:
        receiver.stop()


def test_a_mail_is_accepted_when_it_is_stored(listen: Listen, store: Store) -> None:
    with smtplib.SMTP("127.0.0.1", listen(), timeout=60) as client:
        client.sendmail("ana@example.org", ["help@lumbre.example"], MAIL)
        (arrived,) = store.stored
    assert arrived == Arrived("help@lumbre.example", "ana@example.org", "127.0.0.1", MAIL)


def test_what_cannot_be_stored_is_asked_for_again(listen: Listen, store: Store) -> None:
    store.fails.add("help@lumbre.example")
    with smtplib.SMTP("127.0.0.1", listen(), timeout=60) as client:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("ana@example.org", ["help@lumbre.example"], MAIL)
        assert refused.value.smtp_code == 451
        store.fails.clear()
        client.sendmail("ana@example.org", ["help@lumbre.example"], MAIL)
    assert len(store.stored) == 1


def test_only_addresses_of_inboxes_are_known_here(listen: Listen, store: Store) -> None:
    with smtplib.SMTP("127.0.0.1", listen(), timeout=60) as client:
        refused = client.sendmail("a@b.example", ["help@lumbre.example", "somebody@elsewhere.example"], MAIL)
    assert refused["somebody@elsewhere.example"][0] == 550
    assert [each.recipient for each in store.stored] == ["help@lumbre.example"]


def test_a_bounce_has_no_sender(listen: Listen, store: Store) -> None:
    with smtplib.SMTP("127.0.0.1", listen(), timeout=60) as client:
        client.sendmail("", ["help@lumbre.example"], MAIL)
    assert store.stored[0].sender == ""


def test_too_large_is_said_before_and_after(listen: Listen, store: Store) -> None:
    with smtplib.SMTP("127.0.0.1", listen(), timeout=60) as client:
        with pytest.raises(smtplib.SMTPSenderRefused) as before:
            client.sendmail("a@b.example", ["help@lumbre.example"], MAIL + b"x" * 20_000)
        assert before.value.smtp_code == 552
    with smtplib.SMTP("127.0.0.1", listen(), timeout=60) as client:
        client.ehlo()
        client.mail("a@b.example")  # says nothing of its size
        client.rcpt("help@lumbre.example")
        code, _ = client.data(MAIL + b"x\r\n" * 20_000)
        assert code == 552
    assert store.stored == []


def test_lmtp_answers_for_each_recipient(listen: Listen, store: Store) -> None:
    store.fails.add("full@lumbre.example")
    # The standard library's LMTP client reads one reply for the whole mail.
    with socket.create_connection(("127.0.0.1", listen("lmtp")), timeout=60) as connection:
        lines = connection.makefile("rb")

        def say(words: bytes, replies: int = 1) -> list[bytes]:
            connection.sendall(words)
            return [next(line for line in lines if line[3:4] == b" ")[:3] for _ in range(replies)]

        assert say(b"") == [b"220"]
        assert say(b"LHLO me\r\n") == [b"250"]
        assert say(b"MAIL FROM:<a@b.example>\r\n") == [b"250"]
        for recipient in (b"help", b"full"):
            assert say(b"RCPT TO:<%s@lumbre.example>\r\n" % recipient) == [b"250"]
        assert say(b"DATA\r\n") == [b"354"]
        assert say(MAIL.replace(b"\n.", b"\n..") + b".\r\n", replies=2) == [b"250", b"451"]
        assert say(b"NOOP\r\n") == [b"250"]
    assert [each.recipient for each in store.stored] == ["help@lumbre.example"]


def test_starttls(listen: Listen, store: Store, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate)
    trusts = ssl.create_default_context(cafile=str(certificate))
    with smtplib.SMTP("localhost", listen(tls=served), timeout=60) as client:
        client.starttls(context=trusts)
        client.sendmail("ana@example.org", ["help@lumbre.example"], MAIL)
    assert len(store.stored) == 1


def test_a_connection_that_breaks_off_leaves_nothing_behind(listen: Listen, store: Store) -> None:
    port = listen()
    with socket.create_connection(("127.0.0.1", port)) as broken, contextlib.suppress(OSError):
        broken.sendall(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<help@lumbre.example>\r\nDATA\r\nSubject: ha")
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.sendmail("ana@example.org", ["help@lumbre.example"], MAIL)
    assert [each.raw for each in store.stored] == [MAIL]


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "tls.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
