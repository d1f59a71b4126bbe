"""Mail, as the conformance kit sees it: it is fetched, and answers leave over SMTP."""

from __future__ import annotations

from pathlib import Path

from channels.email import compose, imap, mailbox, oauth, smtp
from hub.domain.messages import Address
from hub.testing.channel_kit import ChannelKit

_NO_HTTP = "mail leaves over SMTP: tests/channels/email/test_smtp.py has a server that refuses, stalls and breaks off"

KIT = ChannelKit(
    name="email",
    make=mailbox.channel,
    payloads=Path(mailbox.__file__).parent / "payloads",
    signs={},
    signed=frozenset(),
    customer=Address("email", "ana@example.org"),
    settings=lambda _: {
        "address": "ayuda@lumbre.example",
        "name": "Lumbre",
        "imap": {"host": "127.0.0.1", "port": 1, "security": "none"},
        "smtp": {"host": "127.0.0.1", "port": 1, "security": "none"},
        "blocked": ["*@spam.example"],
    },
    secrets={"password": "the password of a mailbox"},
    modules=(compose, imap, oauth, smtp),
    excused={
        "batch": "a mail is one message",
        "unsupported": "whatever a mail holds is a file of it",
        "sending": _NO_HTTP,
        "outages": _NO_HTTP,
        "oversize": _NO_HTTP + "; what is too long is refused before it (test_mailbox.py)",
        "attachments": "the hub refuses larger files when they are uploaded; the mail server has the last word",
    },
)
